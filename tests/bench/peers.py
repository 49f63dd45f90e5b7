"""The places where one tree is read from: ours, ext4, and other filesystems that serve an archive or a tree. Each peer
is one of Debian's packages, mounted as its manual says with nothing tuned; what differs from that is its note."""
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import artifacts
from host import start, undisturbed
from measure import QUICK, TooSlow, alternate, at_most, drop_caches, run, timed, timed_warm

MOUNT_SECONDS = 60
PEER_SECONDS = 15 if QUICK else 90


class Kind:
    """One of the filesystems that ours is compared with."""

    def __init__(self, name, package, source, options, note, reads_many=True):
        self.name, self.package, self.source, self.options, self.note = name, package, source, options, note
        self.reads_many = reads_many

    def version(self):
        query = ["dpkg-query", "-W", "-f", "${Version}", self.package]
        found = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
        return found if shutil.which(self.name) else "not installed"


# -f keeps it a child of ours, so that its end can be waited for; nothing else changes with it.
KINDS = (
    Kind("bindfs", "bindfs", "plain", [], "the tree that ext4 is measured with, passed on without any archive"),
    Kind("squashfuse", "squashfuse", "image", [], "image by mksquashfs as it comes: gzip, blocks of 128 KiB"),
    Kind("squashfuse_ll", "squashfuse", "image", [], "the same image, the package's low-level variant"),
    Kind("fuse-zip", "fuse-zip", "archive", ["-r"], "the same ZIP; read-only, lest it writes to it"),
    Kind("archivemount", "archivemount", "archive", ["-o", "readonly"],
         "the same ZIP; read-only, lest it writes to it; left out where many files are read, since it looks for each from "
         "the start of the ZIP: 14 ms a file", reads_many=False),
)

NOTES = [
    "Ours and ext4 check nothing less and nothing more than in use: ours verifies each page that is read from disk.",
    "Cold: the kernel's caches dropped for everybody; before that, daemons started anew, ours and the peers' alike.",
    "Warm: read before; the median of up to 10 passes within a turn. What peers' kernel caches hold runs out after the "
    "second that is their default, ours never, since a release cannot change.",
    "Whole paths go through run/, a link and .releases at ours and through one folder at the others; a working directory "
    "below which names are looked up, as `vouchfs run` sets it, compares the filesystems alone.",
    f"A peer whose pass takes longer than 5 s has 3 pairs (\"of 3\"); one that takes {PEER_SECONDS} s is stopped.",
] + [f"{kind.name}: {kind.note}." for kind in KINDS]


def unmount(root, *options):
    return undisturbed(["fusermount3", "-u", *options, root], check=False, stderr=subprocess.DEVNULL)


class Plain:
    """The unpacked tree on the disk."""
    is_peer, problem = False, None
    name = "ext4, unpacked"

    def __init__(self, root):
        self.root = root

    def renew(self):
        pass


class Ours:
    is_peer, problem = False, None
    name = "ours"

    def __init__(self, mount, function):
        self.mount, self.root = mount, mount.task(function)

    def renew(self):
        self.mount.down()
        self.mount.up()


class Peer:
    """A peer's mount of one tree. Where it cannot be had, `problem` says why and it is left out of what is measured."""
    is_peer = True

    def __init__(self, kind, root, source):
        self.name, self.root, self.reads_many = kind.name, root, kind.reads_many
        self.problem, self.process = None, None
        self.command = [kind.name, "-f", *kind.options, source, root]
        os.mkdir(root)

    def up(self):
        if shutil.which(self.name) is None:
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
        self.down()
        self.up()


def make_image(host, function, plain):
    image = host.place(f"{function}.sqfs")
    if shutil.which("mksquashfs"):
        run("mksquashfs", plain, image, "-quiet", "-no-progress")
    return image


@contextmanager
def laid(host, mount, function, archive):
    """Ours, ext4 and the peers, with the same tree in each; the peers are unmounted after the block."""
    plain = host.place(f"plain-{function}")
    artifacts.unpack(archive, plain)
    run("cp", archive, f"{mount.slot(function)}/function.zip")
    sources = {"plain": plain, "archive": archive, "image": make_image(host, function, plain)}
    peers = [Peer(kind, host.place(f"{kind.name}-{function}"), sources[kind.source]) for kind in KINDS]
    for peer in peers:
        host.at_end(peer.down)
        peer.up()
    try:
        yield [Ours(mount, function), Plain(plain), *peers]
    finally:
        for peer in peers:
            peer.down()


def in_short(error):
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]} ended with {error.returncode}"
    return str(getattr(error, "strerror", None) or error)


def turn_of(place, prepare, cold):
    """Seconds that a place needs. prepare: function of a root that returns what is timed."""
    work = prepare(place.root)
    if not cold:
        return timed_warm(work)
    place.renew()
    if place.problem is not None:
        return None
    drop_caches()
    return timed(work)


def compare(places, prepare, runs, cold=False, many_files=False):
    """Times by the names of the places, and what went wrong by the names of the peers."""
    problems = {place.name: place.problem for place in places if place.problem is not None}
    if many_files:
        problems |= {place.name: "left out" for place in places if place.is_peer and not place.reads_many}

    def candidate(place):
        def measure(_):
            try:
                with at_most(PEER_SECONDS if place.is_peer else 3600):
                    return turn_of(place, prepare, cold)
            except (OSError, subprocess.CalledProcessError, TooSlow) as error:
                if not place.is_peer:
                    raise
                problems[place.name] = in_short(error)
                return None
        return measure

    able = [place for place in places if place.name not in problems]
    times = alternate({place.name: candidate(place) for place in able}, runs,
                      may_be_few=[place.name for place in able if place.is_peer])
    return times, problems
