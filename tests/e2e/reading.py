"""Reads what the run side serves, in the ways that there are, and compares every byte.

    reading.py ways FILE EXPECTED SCRATCH     each system call that reads; a line for each that worked
    reading.py unpacked ZIP FOLDER UNZIPPED   the same names, bytes and modes as Info-ZIP and Python unpack
    reading.py questions FILE FOLDER          what is asked beside the bytes, and what is refused
    reading.py switch MNT STOP COUNT ZIP ...  deploys in turn while readers look
    reading.py layers MNT STOP COUNT ZIP ... -- LIST ...  deploys and attaches in turn; a list is base:1,tools:1 or -
"""

import ctypes
import errno
import fcntl
import mmap
import multiprocessing
import os
import stat
import struct
import sys
import zipfile

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
AT_EMPTY_PATH = 0x1000


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def system(*args):
    return checked(LIBC.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in args)))


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


def by_preadv2(fd, size, _):
    part = bytearray(size + 1)
    return bytes(part[: os.preadv(fd, [part], 0, os.RWF_HIPRI)])


def by_readahead(fd, size, _):
    os.posix_fadvise(fd, 0, size, os.POSIX_FADV_SEQUENTIAL)
    os.posix_fadvise(fd, 0, size, os.POSIX_FADV_WILLNEED)
    assert LIBC.readahead(fd, ctypes.c_long(0), ctypes.c_size_t(size)) == 0
    return by_read(fd, size, None)


def by_handle(fd, size, _):
    """As an NFS server opens it; where the filesystem has no such handles: the same file."""
    handle, mount = ctypes.create_string_buffer(struct.pack("Ii", 128, 0), 136), ctypes.c_int()
    folder = os.open(os.path.dirname(os.readlink(f"/proc/self/fd/{fd}")), os.O_RDONLY)
    try:
        checked(LIBC.name_to_handle_at(fd, b"", handle, ctypes.byref(mount), AT_EMPTY_PATH))
        again = checked(LIBC.open_by_handle_at(folder, handle, os.O_RDONLY))
    finally:
        os.close(folder)
    try:
        return by_read(again, size, None)
    finally:
        os.close(again)


def by_preadv(fd, size, _):
    head, parts = os.pread(fd, 3, 0), [bytearray(100), bytearray(size)]
    got = os.preadv(fd, parts, 3)
    return head + b"".join(parts)[:got]


def by_shared_map(fd, size, _):
    with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as mapped:
        return mapped[:]


def by_populated_map(fd, size, _):
    with mmap.mmap(fd, size, mmap.MAP_SHARED | mmap.MAP_POPULATE, mmap.PROT_READ) as mapped:
        return mapped[:]


def by_advised_map(fd, size, _):
    with mmap.mmap(fd, size, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapped:
        mapped.madvise(mmap.MADV_WILLNEED)
        mapped.madvise(mmap.MADV_RANDOM, 0, mmap.PAGESIZE)
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


class Ring:
    """An io_uring of one entry."""

    SETUP, ENTER, REGISTER = 425, 426, 427
    READ, READ_FIXED, FIXED_FILE = 22, 4, 1

    def __init__(self):
        params = ctypes.create_string_buffer(120)
        self.fd = system(self.SETUP, 1, params)
        sq_entries, _ = struct.unpack_from("II", params)
        _, self.tail, _, _, _, _, self.array = struct.unpack_from("7I", params, 40)
        self.head, self.end, self.mask, _, _, self.cqes = struct.unpack_from("6I", params, 80)
        self.sq = mmap.mmap(self.fd, self.array + 4 * sq_entries, offset=0)
        self.cq = mmap.mmap(self.fd, self.cqes + 32, offset=0x8000000)
        self.sqes = mmap.mmap(self.fd, 64 * sq_entries, offset=0x10000000)
        self.buffer = ctypes.create_string_buffer(65536)

    def register(self, fd):
        """The file becomes number 0, the buffer, too."""
        address = struct.pack("QQ", ctypes.addressof(self.buffer), len(self.buffer))
        system(self.REGISTER, self.fd, 0, ctypes.create_string_buffer(address, 16), 1)
        system(self.REGISTER, self.fd, 2, ctypes.create_string_buffer(struct.pack("i", fd), 4), 1)

    def read(self, opcode, flags, fd, offset):
        address, length = ctypes.addressof(self.buffer), len(self.buffer)
        self.sqes[0:64] = struct.pack("BBHiQQIIQ", opcode, flags, 0, fd, offset, address, length, 0, 7) + bytes(24)
        tail = struct.unpack_from("I", self.sq, self.tail)[0]
        struct.pack_into("I", self.sq, self.array, 0)
        struct.pack_into("I", self.sq, self.tail, tail + 1)
        system(self.ENTER, self.fd, 1, 1, 1, 0, 0)
        head, end = struct.unpack_from("I", self.cq, self.head)[0], struct.unpack_from("I", self.cq, self.end)[0]
        assert end == head + 1
        mask = struct.unpack_from("I", self.cq, self.mask)[0]
        data, result = struct.unpack_from("Qi", self.cq, self.cqes + 16 * (head & mask))
        struct.pack_into("I", self.cq, self.head, head + 1)
        assert data == 7
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return self.buffer.raw[:result]


def by_io_uring(fd, size, _, is_registered=False):
    ring, content = Ring(), b""
    try:
        if is_registered:
            ring.register(fd)
        how = (Ring.READ_FIXED, Ring.FIXED_FILE, 0) if is_registered else (Ring.READ, 0, fd)
        while got := ring.read(*how, len(content)):
            content += got
    finally:
        os.close(ring.fd)
    return content


def by_io_uring_with_registered_file(fd, size, scratch):
    return by_io_uring(fd, size, scratch, is_registered=True)


def by_holes(fd, size, _):
    """No holes are told of: data from the start to the end."""
    assert os.lseek(fd, 0, os.SEEK_DATA) == 0 and os.lseek(fd, 0, os.SEEK_HOLE) == size
    os.lseek(fd, 0, os.SEEK_SET)
    return os.read(fd, size)


WAYS = [
    by_read, by_pread_backwards, by_readv, by_preadv, by_preadv2, by_readahead, by_shared_map, by_populated_map,
    by_advised_map, by_private_map, by_sendfile, by_splice, by_copy_file_range, by_direct, by_io_uring,
    by_io_uring_with_registered_file, by_handle, by_holes,
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
                refused = {
                    by_io_uring: (errno.ENOSYS, errno.EPERM),
                    by_io_uring_with_registered_file: (errno.ENOSYS, errno.EPERM),
                    by_copy_file_range: (errno.EXDEV,),
                    by_handle: (errno.EOPNOTSUPP, errno.ESTALE, errno.EPERM),
                }
                if error.errno in refused.get(way, ()):
                    print(f"not tried: {name}: {error.strerror}")
                    continue
                raise
            finally:
                os.close(fd)
            assert content == expected, f"{name}: {len(content)} bytes, not the {len(expected)} expected"
            print(("cold " if is_cold else "warm ") + name)


# ---- what is unpacked ----


def tree_of(folder):
    """Two maps of paths: to the content (a folder: None), to the mode."""
    contents, modes = {}, {}
    for at, folders, names in os.walk(folder):
        for name in folders + names:
            path = os.path.join(at, name)
            relative = os.path.relpath(path, folder)
            contents[relative] = None if name in folders else open(path, "rb").read()
            modes[relative] = stat.S_IMODE(os.lstat(path).st_mode)
    return contents, modes


def unpacked(archive, task, by_info_zip):
    """0555 for folders and for what the ZIP says can be executed, else 0444."""
    by_python = by_info_zip + ".python"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(by_python)
    found, modes = tree_of(task)
    expected, asked = tree_of(by_info_zip)
    assert found == expected, f"Info-ZIP: {sorted(found)}, {sorted(expected)}"
    assert found == tree_of(by_python)[0], "Python"
    assert len([name for name, content in found.items() if content is not None and "META-INF" not in name]) == 10
    for name, mode in modes.items():
        can_run = found[name] is None or asked[name] & 0o111
        assert mode == (0o555 if can_run else 0o444), f"{name}: mode {mode:o}"


# ---- what else is asked ----


def refuses(wanted, what, *args):
    try:
        what(*args)
    except OSError as error:
        assert error.errno in wanted, f"{what.__name__}{args}: {error.strerror}"
        return
    raise AssertionError(f"{what.__name__}{args} works")


def questions(path, folder):
    fd = os.open(path, os.O_RDONLY)
    known, read_only = os.fstat(fd), (errno.EROFS, errno.EACCES)
    assert known == os.stat(path) == os.stat(os.path.basename(path), dir_fd=os.open(folder, os.O_RDONLY))
    wide = ctypes.create_string_buffer(256)
    checked(LIBC.statx(fd, b"", AT_EMPTY_PATH, 0x7FF, wide))
    mask, block, _, links = struct.unpack_from("IIQI", wide)
    inode, size = struct.unpack_from("QQ", wide, 32)
    assert mask & 0x7FF == 0x7FF, hex(mask)
    assert (inode, size, links, block) == (known.st_ino, known.st_size, known.st_nlink, known.st_blksize)

    other = os.open(path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)  # known to this host's processes; nothing is asked of the daemon
    refuses((errno.EWOULDBLOCK,), fcntl.flock, other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fcntl.flock(fd, fcntl.LOCK_UN)
    fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    refuses((errno.EBADF,), fcntl.lockf, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    for mode in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC):
        refuses(read_only, os.open, path, mode)
    for flags in (os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_EXCL | os.O_RDWR):
        refuses(read_only, os.open, folder + "/new", flags)
    refuses(read_only + (errno.EOPNOTSUPP,), os.open, folder, os.O_TMPFILE | os.O_RDWR)
    for what, *args in (
        (os.unlink, path), (os.rename, path, folder + "/x"), (os.link, path, folder + "/x"), (os.mkdir, folder + "/x"),
        (os.symlink, "x", folder + "/x"), (os.mkfifo, folder + "/x"), (os.chmod, path, 0o777), (os.utime, path),
        (os.truncate, path, 0), (os.chown, path, 0, 0), (os.setxattr, path, "user.x", b""), (os.rmdir, folder),
    ):
        refuses(read_only, what, *args)
    assert not os.access(path, os.W_OK) and os.access(path, os.R_OK)
    refuses((errno.EBADF,), os.posix_fallocate, fd, 0, 9)
    refuses((errno.EBADF, errno.EINVAL), os.ftruncate, fd, 0)
    refuses((errno.ENXIO,), os.lseek, fd, size, os.SEEK_DATA)
    refuses((errno.EACCES,), mmap.mmap, fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    fs = os.fstatvfs(fd)
    assert fs.f_flag & os.ST_RDONLY and fs.f_flag & os.ST_NOSUID and fs.f_namemax == 255
    os.fsync(fd)
    print("all as on a disk that is mounted read-only")


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
    verbs = {"ways": ways, "unpacked": unpacked, "questions": questions, "switch": switch, "layers": layers}
    verbs[sys.argv[1]](*sys.argv[2:])
