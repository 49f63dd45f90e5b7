"""Reads what the run side serves, in the ways that there are, and compares every byte.

    reading.py ways FILE EXPECTED SCRATCH     each system call that reads; a line for each that worked
    reading.py switch MNT STOP COUNT ZIP ...  deploys in turn while readers look
    reading.py layers MNT STOP COUNT ZIP ... -- LIST ...  deploys and attaches in turn; a list is base:1,tools:1 or -
"""

import ctypes
import errno
import mmap
import multiprocessing
import os
import struct
import sys
import zipfile

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long


def system(*args):
    result = LIBC.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in args))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# ---- the ways to read ----


def by_read(fd, size, _):
    return b"".join(iter(lambda: os.read(fd, 77777), b""))


def by_pread_backwards(fd, size, _):
    pieces = [os.pread(fd, 5000, at) for at in range(0, size, 5000)[::-1]]
    return b"".join(reversed(pieces))


def by_readv(fd, size, _):
    parts = [bytearray(1), bytearray(4095), bytearray(size)]
    got = os.readv(fd, parts)
    return b"".join(parts)[:got]


def by_preadv(fd, size, _):
    head, parts = os.pread(fd, 3, 0), [bytearray(100), bytearray(size)]
    got = os.preadv(fd, parts, 3)
    return head + b"".join(parts)[:got]


def by_shared_map(fd, size, _):
    with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
        return mapped[:]


def by_private_map(fd, size, _):
    with mmap.mmap(fd, size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as mapped:
        content = mapped[:]
        mapped[0:1] = b"?"
        assert os.pread(fd, 1, 0) == content[:1]
        return content


def by_sendfile(fd, size, scratch):
    with open(scratch, "w+b") as out:
        while os.sendfile(out.fileno(), fd, None, size):
            pass
        return os.pread(out.fileno(), size + 1, 0)


def by_splice(fd, size, _):
    reading, writing = os.pipe()
    content = b""
    try:
        while got := os.splice(fd, writing, 65536):
            content += os.read(reading, got)
    finally:
        os.close(reading)
        os.close(writing)
    return content


def by_copy_file_range(fd, size, scratch):
    with open(scratch, "w+b") as out:
        while os.copy_file_range(fd, out.fileno(), size):
            pass
        return os.pread(out.fileno(), size + 1, 0)


def by_direct(fd, size, _):
    direct = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_DIRECT)
    page = mmap.mmap(-1, 65536)
    content = b""
    try:
        while got := os.preadv(direct, [page], len(content)):
            content += page[:got]
    finally:
        os.close(direct)
    return content


def by_io_uring(fd, size, _):
    setup, enter, op_read, get_events = 425, 426, 22, 1
    params = ctypes.create_string_buffer(120)
    ring = system(setup, 1, params)
    sq_entries, cq_entries = struct.unpack_from("II", params)
    _, _, sq_mask, _, _, _, sq_array = struct.unpack_from("7I", params, 40)[:7]
    sq_tail = struct.unpack_from("I", params, 44)[0]
    cq_head, cq_tail, cq_mask, _, _, cqes = struct.unpack_from("6I", params, 80)
    sq = mmap.mmap(ring, sq_array + 4 * sq_entries, offset=0)
    cq = mmap.mmap(ring, cqes + 16 * cq_entries, offset=0x8000000)
    sqes = mmap.mmap(ring, 64 * sq_entries, offset=0x10000000)
    content = b""
    buffer = ctypes.create_string_buffer(65536)
    while True:
        sqes[0:64] = struct.pack("BBHiQQIIQ", op_read, 0, 0, fd, len(content), ctypes.addressof(buffer), 65536, 0, 7) + bytes(24)
        tail = struct.unpack_from("I", sq, sq_tail)[0]
        struct.pack_into("I", sq, sq_array, 0)
        struct.pack_into("I", sq, sq_tail, tail + 1)
        system(enter, ring, 1, 1, get_events, 0, 0)
        head, end = struct.unpack_from("I", cq, cq_head)[0], struct.unpack_from("I", cq, cq_tail)[0]
        assert end == head + 1
        mask = struct.unpack_from("I", cq, cq_mask)[0]
        data, result = struct.unpack_from("Qi", cq, cqes + 16 * (head & mask))
        struct.pack_into("I", cq, cq_head, head + 1)
        assert data == 7
        if result <= 0:
            break
        content += buffer.raw[:result]
    os.close(ring)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return content


def by_holes(fd, size, _):
    """No holes are told of: data from the start to the end."""
    assert os.lseek(fd, 0, os.SEEK_DATA) == 0 and os.lseek(fd, 0, os.SEEK_HOLE) == size
    os.lseek(fd, 0, os.SEEK_SET)
    return os.read(fd, size)


WAYS = [
    by_read, by_pread_backwards, by_readv, by_preadv, by_shared_map, by_private_map, by_sendfile, by_splice,
    by_copy_file_range, by_direct, by_io_uring, by_holes,
]


def ways(path, expected_path, scratch):
    expected = open(expected_path, "rb").read()
    for is_cold in (True, False):
        for way in WAYS:
            name = way.__name__[3:].replace("_", " ")
            fd = os.open(path, os.O_RDONLY)
            if is_cold:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            try:
                content = way(fd, os.fstat(fd).st_size, scratch)
            except OSError as error:
                # what the kernel does not offer, or not between two filesystems, no filesystem is asked for
                refused = {by_io_uring: (errno.ENOSYS, errno.EPERM), by_copy_file_range: (errno.EXDEV,)}
                if error.errno in refused.get(way, ()):
                    print(f"not tried: {name}: {error.strerror}")
                    continue
                raise
            finally:
                os.close(fd)
            assert content == expected, f"{name}: {len(content)} bytes, not the {len(expected)} expected"
            print(("cold " if is_cold else "warm ") + name)


# ---- the switch ----


def contents_of(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def read_whole(path, dir_fd, by_map):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    try:
        size = os.fstat(fd).st_size
        if by_map and size:
            return by_shared_map(fd, size, None)
        return by_read(fd, size, None)
    finally:
        os.close(fd)


class Releases:
    """What release n holds: odd ones bring the next artifact, with lists even ones the next list of layers."""

    def __init__(self, mount, zips, lists=()):
        self.slot, self.zips, self.lists = mount + "/functions/main", zips, lists
        self.contents = [contents_of(path) for path in zips]
        self.bytes = [open(path, "rb").read() for path in zips]
        self.opts = [self.merged(mount, text) for text in lists] or [{}]

    def merged(self, mount, text):
        merged = {}
        for layer in text.split(",") if text != "-" else []:
            merged.update(contents_of(f"{mount}/layers/{layer.replace(':', '/')}.zip"))
        return merged

    def place(self, number):
        """Which artifact and which list release n has."""
        artifact = (number - 1) // 2 if self.lists else number - 1
        return artifact % len(self.zips), (number // 2) % len(self.opts)

    def manifest(self, number):
        artifact, layers = self.place(number)
        manifest = {"task/" + name: content for name, content in self.contents[artifact].items()}
        manifest.update({"opt/" + name: content for name, content in self.opts[layers].items()})
        return manifest

    def deploy(self, number):
        artifact, layers = self.place(number)
        if not self.lists or number % 2 == 1:
            with open(self.slot + "/a.zip", "wb") as file:
                file.write(self.bytes[artifact])
        elif self.lists[layers] == "-":
            os.unlink(self.slot + "/layers")
        else:
            with open(self.slot + "/layers", "w") as file:
                file.write(self.lists[layers].replace(",", "\n") + "\n")


def files_below(folder, top):
    return [f"{at}/{name}".removeprefix("./") for at, _, names, _ in os.fwalk(top, dir_fd=folder) for name in names]


def watch(run, stop, releases, done, seen, number):
    """Every release that is come across is whole, and never older than what a deployer was told to be served."""
    count = files = 0
    while not os.path.exists(stop):
        at_least = done.value
        folder = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
        release = int(os.readlink(f"/proc/self/fd/{folder}").split("/")[-1])
        assert release >= at_least, f"release {release} after {at_least} had been deployed"
        manifest = releases.manifest(release)
        listed = files_below(folder, "task") + files_below(folder, "opt")
        assert sorted(listed) == sorted(manifest), f"release {release}: {listed}"
        for name, content in manifest.items():
            found = read_whole(name, folder, (count + number) % 2)
            assert found == content, f"release {release}: {name} is not its own"
        os.close(folder)
        # by path, whichever release that is: a name that all of them have is there at any time
        assert open(run + "/task/common", "rb").read() in {c["common"] for c in releases.contents}
        count += 1
        files += len(manifest) + 1
    seen[2 * number], seen[2 * number + 1] = count, files


def start(target, *args):
    reader = multiprocessing.Process(target=target, args=args, daemon=True)  # ends with us, also when we fail
    reader.start()
    return reader


def finish(readers, stop):
    open(stop, "w").close()
    for reader in readers:
        reader.join(60)
    assert all(reader.exitcode == 0 for reader in readers), "a reader has found something"


def turn(mount, stop, count, releases):
    run = mount + "/run/main"
    releases.deploy(1)
    done = multiprocessing.Value("L", 1)
    seen = multiprocessing.Array("L", 6)
    readers = [start(watch, run, stop, releases, done, seen, i) for i in range(3)]
    for number in range(2, int(count) + 1):
        releases.deploy(number)
        done.value = number
    finish(readers, stop)
    assert min(seen) > 0
    print(f"{count} deployments, {sum(seen[0::2])} releases and {sum(seen[1::2])} files read and compared")


def switch(mount, stop, count, *zips):
    turn(mount, stop, count, Releases(mount, zips))


def layers(mount, stop, count, *args):
    at = args.index("--")
    turn(mount, stop, count, Releases(mount, args[:at], args[at + 1 :]))


if __name__ == "__main__":
    {"ways": ways, "switch": switch, "layers": layers}[sys.argv[1]](*sys.argv[2:])
