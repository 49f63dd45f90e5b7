"""What tools do with files, as functions of a directory: each returns what a program would see, the same twice in a row.

In a staging directory any content goes; the cases of FINAL are about a name that is judged, and write a ZIP to it. Here
is what is done with what is open; names and directories are in posix_names.py, attributes and FINAL in posix_judged.py."""

import ctypes
import errno
import fcntl
import mmap
import os
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
CASES, FINAL = {}, {}
W, RW = os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_CREAT


def case(function):
    CASES[function.__name__.replace("_", " ")] = function
    return function


def final(function):
    FINAL[function.__name__.replace("_", " ")] = function
    return function


def name_of(what, *args, **kwargs):
    """0, or the name of the errno."""
    try:
        what(*args, **kwargs)
        return "0"
    except OSError as error:
        return errno.errorcode[error.errno]


def put(path, content=b"content"):
    with open(path, "wb") as file:
        file.write(content)
    return path


def got(path):
    with open(path, "rb") as file:
        return file.read()


def opened(path, flags, mode=0o644):
    return os.open(path, flags, mode)


# ---- create, write, sizes ----


@case
def create_write_close_stat(d):
    fd = opened(d + "/f", W)
    sizes = [os.fstat(fd).st_size]
    os.write(fd, b"12345")
    sizes += [os.fstat(fd).st_size, os.stat(d + "/f").st_size]
    os.close(fd)
    return sizes + [os.stat(d + "/f").st_size, got(d + "/f").decode()]


@case
def an_empty_file_stays(d):
    put(d + "/f", b"")
    return os.path.exists(d + "/f")


@case
def mode_of_a_new_file(d):
    before = os.umask(0o022)
    os.close(opened(d + "/f", W, 0o666))
    os.umask(before)
    return oct(os.stat(d + "/f").st_mode)


@case
def mode_of_a_new_directory(d):
    os.mkdir(d + "/.d", 0o755)
    return oct(os.stat(d + "/.d").st_mode)


@case
def truncate_at_open(d):
    put(d + "/f")
    os.close(opened(d + "/f", W | os.O_TRUNC))
    return os.stat(d + "/f").st_size


@case
def truncate_at_open_for_reading(d):
    put(d + "/f")
    os.close(os.open(d + "/f", os.O_RDONLY | os.O_TRUNC))
    return os.stat(d + "/f").st_size


@case
def append(d):
    put(d + "/f", b"abc")
    fd = os.open(d + "/f", os.O_WRONLY | os.O_APPEND)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, b"de")
    os.close(fd)
    return got(d + "/f").decode()


@case
def append_by_two(d):
    put(d + "/f", b"")
    fds = [os.open(d + "/f", os.O_WRONLY | os.O_APPEND) for _ in range(2)]
    for i in range(4):
        os.write(fds[i % 2], b"%d" % i)
    for fd in fds:
        os.close(fd)
    return got(d + "/f").decode()


@case
def exclusive(d):
    put(d + "/f")
    return [name_of(os.open, d + "/f", W | os.O_EXCL), name_of(os.open, d + "/g", W | os.O_EXCL)]


@case
def truncate_down_and_up_by_handle(d):
    fd = opened(put(d + "/f", b"123456"), os.O_RDWR)
    os.ftruncate(fd, 3)
    os.ftruncate(fd, 6)
    content = os.pread(fd, 10, 0)
    os.close(fd)
    return content.hex()


@case
def truncate_by_path(d):
    put(d + "/f", b"123456")
    return [name_of(os.truncate, d + "/f", 3), os.stat(d + "/f").st_size]


@case
def truncate_by_path_while_open(d):
    fd = opened(put(d + "/f", b"123456"), os.O_RDWR)
    found = [name_of(os.truncate, d + "/f", 3), os.fstat(fd).st_size]
    os.close(fd)
    return found


@case
def write_behind_the_end(d):
    fd = opened(d + "/f", RW)
    os.pwrite(fd, b"x", 100000)
    content = os.pread(fd, 200000, 0)
    os.close(fd)
    return [len(content), content.count(b"\0"), content[-1:].decode()]


@case
def pread_and_pwrite_leave_the_offset(d):
    fd = opened(put(d + "/f", b"0123456789"), os.O_RDWR)
    os.lseek(fd, 4, os.SEEK_SET)
    os.pwrite(fd, b"xy", 0)
    os.pread(fd, 2, 8)
    found = [os.lseek(fd, 0, os.SEEK_CUR), os.read(fd, 2).decode()]
    os.close(fd)
    return found + [got(d + "/f").decode()]


@case
def vectors(d):
    fd = opened(d + "/f", RW)
    os.writev(fd, [b"ab", b"", b"cd"])
    parts = [bytearray(3), bytearray(3)]
    count = os.preadv(fd, parts, 0)
    os.close(fd)
    return [count, bytes(parts[0]).decode(), bytes(parts[1]).hex()]


@case
def read_at_the_end(d):
    fd = opened(put(d + "/f"), os.O_RDONLY)
    found = [os.pread(fd, 10, 7).hex(), os.pread(fd, 10, 1 << 40).hex(), name_of(os.pread, fd, 1, -1)]
    os.close(fd)
    return found


@case
def write_with_a_handle_for_reading(d):
    fd = opened(put(d + "/f"), os.O_RDONLY)
    found = [name_of(os.write, fd, b"x"), name_of(os.ftruncate, fd, 0)]
    os.close(fd)
    return found


@case
def overwrite_in_the_middle(d):
    fd = opened(put(d + "/f", b"a" * 10000), os.O_WRONLY)
    os.pwrite(fd, b"b" * 10, 4990)
    os.close(fd)
    return [got(d + "/f").count(b"b"), os.stat(d + "/f").st_size]


@case
def seek_ends(d):
    fd = opened(put(d + "/f"), os.O_RDONLY)
    found = [os.lseek(fd, 0, os.SEEK_END), os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE),
             name_of(os.lseek, fd, 7, os.SEEK_DATA), name_of(os.lseek, fd, -1, os.SEEK_SET)]
    os.close(fd)
    return found


@case
def fallocate(d):
    fd = opened(d + "/f", RW)
    found = [name_of(os.posix_fallocate, fd, 0, 1000), os.fstat(fd).st_size]
    os.close(fd)
    return found


@case
def fallocate_of_the_kernel(d):
    fd = opened(d + "/f", RW)
    r = LIBC.fallocate(fd, 0, ctypes.c_long(0), ctypes.c_long(1000))
    found = "0" if r == 0 else errno.errorcode[ctypes.get_errno()]
    os.close(fd)
    return found


@case
def copy_file_range_within(d):
    source, to = opened(put(d + "/f"), os.O_RDONLY), opened(d + "/g", RW)
    found = name_of(os.copy_file_range, source, to, 7)
    os.close(source)
    os.close(to)
    return [found, got(d + "/g").decode()]


@case
def sendfile_into(d):
    source, to = opened(put(d + "/f"), os.O_RDONLY), opened(d + "/g", RW)
    os.sendfile(to, source, 0, 7)
    os.close(source)
    os.close(to)
    return got(d + "/g").decode()


# ---- handles ----


@case
def dup_shares_the_offset(d):
    fd = opened(d + "/f", RW)
    other = os.dup(fd)
    os.write(fd, b"ab")
    os.write(other, b"cd")
    os.close(fd)
    os.write(other, b"ef")
    os.close(other)
    return got(d + "/f").decode()


@case
def fork_shares_the_offset(d):
    fd = opened(d + "/f", RW)
    os.write(fd, b"ab")
    child = os.fork()
    if child == 0:
        os.write(fd, b"cd")
        os._exit(0)
    os.waitpid(child, 0)
    os.write(fd, b"ef")
    os.close(fd)
    return got(d + "/f").decode()


@case
def two_handles_see_each_other(d):
    one, two = opened(d + "/f", RW), opened(d + "/f", RW)
    os.write(one, b"hello")
    found = os.pread(two, 10, 0).decode()
    os.pwrite(two, b"J", 0)
    found += os.pread(one, 10, 0).decode()
    os.close(one)
    os.close(two)
    return found


@case
def threads_write_their_parts(d):
    fd = opened(d + "/f", RW)
    threads = [threading.Thread(target=os.pwrite, args=(fd, bytes([65 + i]) * 1000, 1000 * i)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(fd)
    return [got(d + "/f") == b"".join(bytes([65 + i]) * 1000 for i in range(8))]


@case
def map_shared_and_read(d):
    fd = opened(put(d + "/f"), os.O_RDONLY)
    found = name_of(mmap.mmap, fd, 7, mmap.MAP_SHARED, mmap.PROT_READ)
    os.close(fd)
    return found


@case
def map_private_and_read(d):
    fd = opened(put(d + "/f"), os.O_RDONLY)
    with mmap.mmap(fd, 7, mmap.MAP_PRIVATE, mmap.PROT_READ) as pages:
        found = pages[:].decode()
    os.close(fd)
    return found


@case
def map_shared_and_write(d):
    fd = opened(put(d + "/f"), os.O_RDWR)
    found = name_of(mmap.mmap, fd, 7, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(fd)
    return found


@case
def synchronize(d):
    fd, folder = opened(d + "/f", RW), os.open(d, os.O_RDONLY)
    os.write(fd, b"x")
    found = [name_of(os.fsync, fd), name_of(os.fdatasync, fd), name_of(os.fsync, folder)]
    os.close(fd)
    os.close(folder)
    return found


@case
def locks(d):
    one, two = opened(put(d + "/f"), os.O_RDWR), opened(d + "/f", os.O_RDWR)
    fcntl.flock(one, fcntl.LOCK_EX)
    found = [name_of(fcntl.flock, two, fcntl.LOCK_SH | fcntl.LOCK_NB)]
    fcntl.flock(one, fcntl.LOCK_UN)
    found += [name_of(fcntl.lockf, one, fcntl.LOCK_EX | fcntl.LOCK_NB)]
    os.close(one)
    os.close(two)
    return found


@case
def no_name_at_first(d):
    return name_of(lambda: os.close(os.open(d, os.O_TMPFILE | os.O_RDWR)))
