"""The places where one tree is read from: ours, ext4, and other filesystems that serve an archive or a tree. Each peer
is one of Debian's packages, mounted as its manual says with nothing tuned; what differs from that is its note."""
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager

import artifacts
import usage
from host import start, undisturbed
from measure import (FEW_ROUNDS, LONG_SECONDS, QUICK, TooSlow, alternate, at_most, drop_caches, run, timed,
                     timed_warm)

MOUNT_SECONDS = 60
PEER_SECONDS = 15 if QUICK else 90


class Kind:
    """One of the filesystems that ours is compared with."""

    def __init__(self, name, package, source, note, command=None, options=(), reads_many=True, is_limit=False):
        self.name, self.package, self.source, self.note = name, package, source, note
        self.reads_many, self.is_limit = reads_many, is_limit
        # -f keeps it a child of ours, so that its end can be waited for; nothing else changes with it.
        self.command = command or [name, "-f", *options]

    def version(self):
        query = ["dpkg-query", "-W", "-f", "${Version}", self.package]
        found = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
        return found if shutil.which(self.name) else "not installed"


ALL_KINDS = (
    Kind("bindfs", "bindfs", "plain", "the tree that ext4 is measured with, passed on without any archive"),
    Kind("squashfuse", "squashfuse", "image", "image by mksquashfs as it comes: gzip, blocks of 128 KiB"),
    Kind("squashfuse_ll", "squashfuse", "image", "the same image, the package's low-level variant"),
    Kind("fuse-zip", "fuse-zip", "archive", "the same ZIP; read-only, lest it writes to it", options=["-r"]),
    Kind("archivemount", "archivemount", "archive",
         "the same ZIP; read-only, lest it writes to it; left out where many files are read, since it looks for each "
         "from the start of the ZIP: 14 ms a file", options=["-o", "readonly"], reads_many=False),
)

QUICK_KINDS = ("bindfs", "squashfuse_ll", "fuse-zip")
KINDS = tuple(kind for kind in ALL_KINDS if not QUICK or kind.name in QUICK_KINDS)

BARE = Kind("bare FUSE", None, "plain",
            "a filesystem of memory alone, without any check, that lets the kernel keep all it may "
            "(tests/bench/bare_fuse.c): the limit of what FUSE allows, and no budget",
            command=[f"{os.path.dirname(os.path.realpath(__file__))}/../../build/bench/bare_fuse"], is_limit=True)

EXT4, OURS = "ext4, unpacked", "ours"

NOTES = [
    "Ours and ext4 check nothing less and nothing more than in use: ours verifies each page that is read from disk.",
    "Cold: the kernel's caches dropped for everybody; before that, daemons started anew, ours and the peers' alike. "
    "Programs are started from elsewhere first, so that what is read from the disk is the artifact's own files.",
    "Warm: read before; the median of up to 10 passes within a turn. What peers' kernel caches hold runs out after the "
    "second that is their default, ours never, since a release cannot change.",
    "Whole paths go through run/, a link and .releases at ours and through one folder at the others; a working "
    "directory below which names are looked up, as `vouchfs run` sets it, compares the filesystems alone.",
    f"A peer whose pass takes longer than {LONG_SECONDS} s has {FEW_ROUNDS} pairs (\"of {FEW_ROUNDS}\"); one that "
    f"takes {PEER_SECONDS} s is stopped.",
] + [f"{kind.name}: {kind.note}." for kind in (*KINDS, BARE)]


def unmount(root, *options):
    return undisturbed(["fusermount3", "-u", *options, root], check=False, stderr=subprocess.DEVNULL)


class Plain:
    """The unpacked tree on the disk."""
    is_peer, problem = False, None
    name = EXT4

    def __init__(self, root):
        self.root = root

    def renew(self):
        pass

    def pids(self):
        return []


class Zip(Plain):
    """The ZIP as it is, for those that read it themselves."""
    is_peer, reads_many = True, True

    def __init__(self, name, archive):
        super().__init__(archive)
        self.name = name


class Ours:
    is_peer, problem = False, None
    name = OURS

    def __init__(self, mount, function):
        self.mount, self.root = mount, mount.task(function)

    def up(self):
        self.mount.up()

    def down(self):
        self.mount.down()

    def renew(self):
        self.down()
        self.up()

    def pids(self):
        return usage.pids_with(self.mount.path)


class Peer:
    """A peer's mount of one tree. Where it cannot be had, `problem` says why and it is left out of what is measured."""
    is_peer = True

    def __init__(self, kind, root, source):
        self.name, self.root, self.reads_many = kind.name, root, kind.reads_many
        self.keeps_nothing = kind.is_limit
        self.problem, self.process = None, None
        self.command = [*kind.command, source, root]
        os.mkdir(root)

    def up(self):
        if shutil.which(self.command[0]) is None:
            self.problem = "not installed"
            return
        start(self, "process", self.command)
        patience = time.monotonic() + MOUNT_SECONDS
        while not os.path.ismount(self.root) and self.problem is None:
            if self.process.poll() is not None:
                words = self.process.stderr.read().decode(errors="replace").split("\n")[0]
                self.problem = f"cannot be mounted: {words[:60] or self.process.returncode}"
            elif time.monotonic() > patience:
                self.problem = f"not mounted after {MOUNT_SECONDS} s"
            time.sleep(0.005)

    def down(self):
        if self.process is None:
            return
        if os.path.ismount(self.root) and unmount(self.root).returncode != 0:
            unmount(self.root, "-z")  # an interrupt left a file open
            self.process.kill()
        try:
            self.process.wait(timeout=MOUNT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()
        self.process = None

    def renew(self):
        if not self.keeps_nothing:
            self.down()
            self.up()

    def pids(self):
        return [self.process.pid]


def make_image(host, function, plain):
    image = host.place(f"{function}.sqfs")
    if shutil.which("mksquashfs"):
        run("mksquashfs", plain, image, "-quiet", "-no-progress")
    return image


@contextmanager
def laid(host, mount, function, archive, kinds=(*KINDS, BARE)):
    """Ours, ext4 and the peers, with the same tree in each; the peers are unmounted after the block."""
    plain = host.place(f"plain-{function}")
    artifacts.unpack(archive, plain)
    run("cp", archive, f"{mount.slot(function)}/function.zip")
    sources = {"plain": plain, "archive": archive}
    if any(kind.source == "image" for kind in kinds):
        sources["image"] = make_image(host, function, plain)
    peers = [Peer(kind, host.place(f"{kind.name.replace(' ', '-')}-{function}"), sources[kind.source])
             for kind in kinds]
    for peer in peers:
        host.at_end(peer.down)
        peer.up()
    try:
        yield [Ours(mount, function), Plain(plain), *peers]
    finally:
        for peer in peers:
            peer.down()


@contextmanager
def in_memory(tree):
    """A copy of a tree that dropped caches leave alone."""
    root = tempfile.mkdtemp(prefix="vouchfs-bench.", dir="/dev/shm")
    try:
        shutil.copytree(tree, root, dirs_exist_ok=True)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def in_short(error):
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]} ended with {error.returncode}"
    return str(getattr(error, "strerror", None) or error)


class Comparison:
    """The same work in several places. prepare: function of a root that returns what is timed. cold: see NOTES, with
    elsewhere as another root, whose files are not those that count. Ends with `times` and `cpu`, seconds by the names
    of the places, and with `problems`, by the names of the peers."""

    def __init__(self, places, prepare, runs, cold=False, many_files=False, elsewhere=None):
        self.prepare, self.cold, self.elsewhere = prepare, cold, elsewhere
        self.problems = {place.name: place.problem for place in places if place.problem is not None}
        if many_files:
            self.problems |= {place.name: "left out" for place in places if place.is_peer and not place.reads_many}
        able = [place for place in places if place.name not in self.problems]
        self.cpu = {place.name: [] for place in able}
        self.times = alternate({place.name: self._candidate(place) for place in able}, runs,
                               may_be_few=[place.name for place in able if place.is_peer], first_counts=cold)

    def _candidate(self, place):
        def measure(turn):
            try:
                with at_most(PEER_SECONDS if place.is_peer else 3600):
                    return self._turn_of(place, turn)
            except (OSError, subprocess.CalledProcessError, TooSlow) as error:
                if not place.is_peer:
                    raise
                self.problems[place.name] = in_short(error)
                return None
        return measure

    def _turn_of(self, place, turn):
        work = self.prepare(place.root)
        if not self.cold:
            return timed_warm(work)
        place.renew()
        if place.problem is not None:
            self.problems[place.name] = place.problem
            return None
        drop_caches()
        if self.elsewhere:
            self.prepare(self.elsewhere)()
        seconds, cpu = usage.measured(lambda: timed(work), place.pids())
        if turn > 0:
            self.cpu[place.name].append(cpu)
        return seconds
