"""Changes bytes of the store at random while what it serves is read in every way: right bytes or an error, never wrong
ones; each damage is recorded and shown; what is deployed again is whole.

    damage.py MNT STORE SEED WARM COLD SECONDS CODE-1 CODE-2 LAYER

Functions "app" and "other" serve CODE-1 or CODE-2 with LAYER, which is published in the layer "base". WARM changes are
made while the daemon runs and two readers go on, then COLD ones while it is down; fewer when SECONDS are over.
"""

import errno
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time

import reading

FUNCTIONS = ("app", "other")


# ---- reading ----


def by_map_of_a_child(fd, size, _):
    """Where a page cannot be had, touching it is SIGBUS."""
    reading_end, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading_end)
        content = reading.by_shared_map(fd, size, None)
        while content:
            content = content[os.write(writing_end, content):]
        os._exit(0)
    os.close(writing_end)
    with open(reading_end, "rb") as pipe:
        content = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS:
        raise OSError(errno.EIO, "SIGBUS")
    assert status == 0, f"a child that maps a file ended with {status}"
    return content


WAYS = [reading.by_read, reading.by_sendfile, reading.by_direct, reading.by_io_uring, reading.by_splice, by_map_of_a_child]


def content_of(name, dir_fd, way, scratch, is_cold):
    """None: EIO."""
    fd = -1
    try:
        fd = os.open(name, os.O_RDONLY, dir_fd=dir_fd)
        if is_cold:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return way(fd, os.fstat(fd).st_size, scratch)
    except OSError as error:
        if error.errno == errno.EIO:
            return None
        if way is reading.by_io_uring and error.errno in (errno.ENOSYS, errno.EPERM):
            return content_of(name, dir_fd, reading.by_read, scratch, is_cold)
        raise
    finally:
        if fd >= 0:
            os.close(fd)


def names_below(folder):
    """-1 among them: a folder that cannot be read."""
    found = []
    try:
        for name in sorted(os.listdir(folder)):
            fd = os.open(name, os.O_RDONLY, dir_fd=folder)
            is_folder = os.path.isdir(f"/proc/self/fd/{fd}")
            found += [f"{name}/{below}" for below in names_below(fd)] if is_folder else [name]
            os.close(fd)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        found.append("-1")
    return found


def read_release(path, expected, choice, scratch):
    """(right, refused): how many of a release's files are so; another one would be wrong."""
    right = refused = 0
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno == errno.EIO:
            return 0, 1
        raise
    try:
        for name, contents in expected.items():
            found = content_of(name, folder, choice.choice(WAYS), scratch, choice.random() < 0.8)
            assert found is None or found in contents, f"{path}/{name}: other bytes than were verified"
            right += found is not None
            refused += found is None
        strange = set(names_below(folder)) - set(expected) - {"release.json"}
        assert all(name.endswith("-1") for name in strange), f"{path} has {strange}"
        return right, refused + len(strange)
    finally:
        os.close(folder)


def go_on(run, stop, expected, seed, counts, at):
    choice, scratch = random.Random(seed), f"{stop}.{seed}"
    while not os.path.exists(stop):
        for function in FUNCTIONS:
            right, refused = read_release(f"{run}/{function}", expected, choice, scratch)
            counts[at] += right
            counts[at + 1] += refused


# ---- changing ----


def flip(content, choice, _):
    at = choice.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << choice.randrange(8)]) + content[at + 1 :]


def overwrite(content, choice, _):
    at, length = choice.randrange(len(content)), choice.randrange(1, 5000)
    return (content[:at] + choice.randbytes(length) + content[at + length :])[: len(content)]


def truncate(content, choice, _):
    return content[: choice.randrange(len(content))]


def extend(content, choice, _):
    return content + choice.randbytes(choice.randrange(1, 5000))


def replace(content, choice, other):
    return other


OPERATORS = [flip, overwrite, truncate, extend, replace]


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def write_in_place(path, content):
    """The daemon, which has it open, sees it."""
    fd = os.open(path, os.O_WRONLY)
    os.pwrite(fd, content, 0)
    os.ftruncate(fd, len(content))
    os.close(fd)


class Scene:
    def __init__(self, mount, store, seed, codes, layer):
        self.mount, self.store, self.run = mount, store, mount + "/run"
        self.choice, self.codes, self.layer = random.Random(seed), codes, layer
        self.scratch = store + ".scratch"
        contents = [reading.contents_of(path) for path in codes]
        self.expected = {f"task/{name}": [c[name] for c in contents] for name in contents[0]}
        self.expected["code.zip"] = [bytes_of(path) for path in codes]
        for name, content in reading.contents_of(layer).items():
            self.expected["opt/" + name] = [content]
        self.tally = {}

    def vouchfs(self, *args):
        subprocess.run([os.environ["VOUCHFS"], *args], check=True)

    def start(self):
        self.vouchfs("mount", "-c", os.environ["VOUCHFS_CONF"], self.mount)

    def stop(self):
        self.vouchfs("unmount", self.mount)

    # -- what there is --

    def current(self, function):
        return os.readlink(f"{self.run}/{function}")

    def targets(self):
        """Kind: the files of that kind."""
        functions = [f"{self.store}/functions/{name}" for name in FUNCTIONS]
        layer = f"{self.store}/layers/base"
        releases = {f: sorted(os.listdir(f + "/releases"), key=int) for f in functions + [layer]}
        newest = [f"{f}/releases/{numbers[-1]}" for f, numbers in releases.items()]
        digests = set()
        for record in newest[:-1]:
            digests.update(re.findall(rb"^(?:layer-)?object: ([0-9a-f]+)$", bytes_of(record), re.M))
        objects = [f"{self.store}/objects/{d[:2]}/{d}" for d in sorted(digest.decode() for digest in digests)]
        return {
            "payload": [o + "/payload" for o in objects],
            "tree": [o + "/tree" for o in objects],
            "record": newest,
            "current": [f + "/current" for f in functions],
            "slot": [f + "/slot" for f in functions + [layer]],
            "older": [f"{f}/releases/{numbers[-2]}" for f, numbers in releases.items() if len(numbers) > 1],
        }

    def records_of_damage(self):
        lines = b"".join(bytes_of(entry.path) for entry in sorted(os.scandir(self.store + "/audit"), key=lambda e: e.name))
        return lines.count(b'"event":"page-check-failed"')

    def shown(self):
        """Whether status shows any damage."""
        with open(self.mount + "/.vouchfs/status.json", encoding="utf-8") as file:
            status = json.load(file)
        return any(row["damaged"] for row in status["slots"] + status["layers"])

    # -- looking --

    def look(self):
        """(right, refused) of all that is current."""
        results = [read_release(f"{self.run}/{f}", self.expected, self.choice, self.scratch) for f in FUNCTIONS]
        return sum(r[0] for r in results), sum(r[1] for r in results)

    def note(self, temperature, kind, refused):
        row = self.tally.setdefault((temperature, kind), [0, 0])
        row[0] += 1
        row[1] += refused > 0

    # -- healing --

    def deploy(self, path, to):
        with open(f"{self.mount}/{to}", "wb") as file:
            file.write(bytes_of(path))

    def attach(self, function):
        versions = [int(name[:-4]) for name in os.listdir(f"{self.mount}/layers/base")]
        with open(f"{self.mount}/functions/{function}/layers", "w", encoding="ascii") as file:
            file.write(f"base:{max(versions)}\n")

    def heal(self):
        """Everything is deployed again, as a user would, and is whole then: what is open and mapped, too."""
        self.deploy(self.layer, "layers/base/new.zip")
        for function in FUNCTIONS:
            self.deploy(self.choice.choice(self.codes), f"functions/{function}/code.zip")
            self.attach(function)
        right, refused = self.look()
        assert (right, refused) == (2 * len(self.expected), 0), f"deployed again, {refused} files cannot be read"
        assert not self.shown(), "deployed again, status still shows damage"

    # -- rounds --

    def change(self, kind):
        """One file of a kind: (path, what it was, what it is now, by which operator)."""
        files = self.targets()[kind]
        path = self.choice.choice(files)
        before, operator = bytes_of(path), self.choice.choice(OPERATORS)
        others = [o for o in files if o != path]
        now = operator(before, self.choice, bytes_of(self.choice.choice(others)) if others else b"")
        os.chmod(path, 0o600)
        write_in_place(path, now)
        return path, before, now, operator.__name__

    def warm(self, kind):
        path, before, now, operator = self.change(kind)
        right, refused = self.look()
        self.note("warm", kind, refused)
        if refused:
            assert self.records_of_damage() and self.shown(), f"{operator} of {path} is told nowhere"
        write_in_place(path, before)
        if self.choice.random() < 0.1:
            self.heal()

    def cold(self, kind):
        links = [self.current(f) for f in FUNCTIONS]
        records = self.records_of_damage()
        self.stop()
        path, before, now, operator = self.change(kind)
        self.start()
        right, refused = self.look()
        self.note("cold", kind, refused)
        if now != before and kind != "slot":
            assert self.records_of_damage() > records, f"{operator} of {path} is not recorded"
            assert kind == "older" or self.shown(), f"{operator} of {path} is not shown by status"
        if refused == 0 and kind != "record":
            assert [self.current(f) for f in FUNCTIONS] == links, f"{operator} of {path}: another release is served"
        if self.choice.random() < 0.5:
            self.heal()
        else:
            self.stop()
            write_in_place(path, before)
            self.start()
            right, refused = self.look()
            assert refused == 0, f"{path} is as it was, and {refused} files cannot be read"

    def summary(self):
        for (temperature, kind), (changes, refused) in sorted(self.tally.items()):
            yield f"{temperature} {kind}: {changes} changes, {refused} refused"


def main(mount, store, seed, warm, cold, seconds, *archives):
    scene = Scene(mount, store, int(seed), archives[:-1], archives[-1])
    end, stop = time.monotonic() + float(seconds), store + ".stop"
    scene.heal()
    counts = multiprocessing.Array("L", 4)
    readers = [reading.start(go_on, scene.run, stop, scene.expected, i, counts, 2 * i) for i in range(2)]
    kinds = ["payload", "tree", "record", "current", "slot", "older"]
    for number in range(int(warm)):
        if time.monotonic() < end - float(seconds) / 2:
            scene.warm("payload" if number % 2 else scene.choice.choice(kinds))
    reading.finish(readers, stop)
    scene.heal()
    for number in range(int(cold)):
        if time.monotonic() < end:
            scene.cold(kinds[number % len(kinds)])
    scene.heal()
    print(f"seed {seed}; readers beside: {counts[0] + counts[2]} files right, {counts[1] + counts[3]} refused")
    print(*scene.summary(), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
