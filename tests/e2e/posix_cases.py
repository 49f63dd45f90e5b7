"""What tools do with files, as functions of a directory: each returns what a program would see, the same twice in a row.

In a staging directory any content goes; the cases of FINAL are about a name that is judged, and write a ZIP to it."""

import ctypes
import errno
import fcntl
import mmap
import os
import stat
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


# ---- names ----


@case
def rename_to_a_new_name(d):
    put(d + "/f")
    inode = os.stat(d + "/f").st_ino
    os.rename(d + "/f", d + "/g")
    return [os.path.exists(d + "/f"), got(d + "/g").decode(), os.stat(d + "/g").st_ino == inode]


@case
def rename_over(d):
    put(d + "/f", b"new")
    put(d + "/g", b"old")
    fd = opened(d + "/g", os.O_RDONLY)
    os.rename(d + "/f", d + "/g")
    found = [os.pread(fd, 10, 0).decode(), got(d + "/g").decode(), os.path.exists(d + "/f")]
    os.close(fd)
    return found


@case
def rename_while_it_is_written(d):
    fd = opened(d + "/f", RW)
    os.write(fd, b"ab")
    os.rename(d + "/f", d + "/g")
    os.write(fd, b"cd")
    os.close(fd)
    return got(d + "/g").decode()


def renamed(source, target, flags):
    if LIBC.renameat2(-100, source.encode(), -100, target.encode(), flags) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


@case
def rename_no_replace(d):
    put(d + "/f")
    put(d + "/g")
    return [name_of(renamed, d + "/f", d + "/g", 1), name_of(renamed, d + "/f", d + "/h", 1)]


@case
def rename_exchange(d):
    put(d + "/f", b"f")
    put(d + "/g", b"g")
    return [name_of(renamed, d + "/f", d + "/g", 2), got(d + "/f").decode()]


@case
def rename_to_itself(d):
    put(d + "/f")
    os.rename(d + "/f", d + "/f")
    return got(d + "/f").decode()


@case
def rename_what_is_not_there(d):
    return name_of(os.rename, d + "/f", d + "/g")


@case
def rename_into_a_directory_below(d):
    os.mkdir(d + "/.d")
    put(d + "/f")
    os.rename(d + "/f", d + "/.d/f")
    return got(d + "/.d/f").decode()


@case
def rename_a_directory(d):
    os.mkdir(d + "/.d")
    return name_of(os.rename, d + "/.d", d + "/.e")


@case
def rename_a_file_over_a_directory(d):
    os.mkdir(d + "/.d")
    put(d + "/f")
    return [name_of(os.rename, d + "/f", d + "/.d"), os.listdir(d + "/.d")]


@case
def unlink_while_open(d):
    fd = opened(put(d + "/f"), os.O_RDWR)
    os.unlink(d + "/f")
    found = [os.path.exists(d + "/f"), os.fstat(fd).st_nlink, os.pread(fd, 10, 0).decode()]
    os.write(fd, b"C")
    found += [os.pread(fd, 10, 0).decode(), name_of(os.stat, d + "/f")]
    os.close(fd)
    return found


@case
def create_again_after_unlink_while_open(d):
    fd = opened(put(d + "/f", b"old"), os.O_RDONLY)
    os.unlink(d + "/f")
    put(d + "/f", b"new")
    found = [os.pread(fd, 10, 0).decode(), got(d + "/f").decode()]
    os.close(fd)
    return found


@case
def unlink_what_is_not_there(d):
    return [name_of(os.unlink, d + "/f"), name_of(os.rmdir, d + "/f")]


@case
def link_count(d):
    put(d + "/f")
    os.mkdir(d + "/.d")
    return [os.stat(d + "/f").st_nlink, os.stat(d + "/.d").st_nlink]


@case
def hard_link(d):
    put(d + "/f")
    return name_of(os.link, d + "/f", d + "/g")


@case
def symbolic_link(d):
    return name_of(os.symlink, "f", d + "/g")


@case
def fifo(d):
    return name_of(os.mkfifo, d + "/g")


@case
def names_that_are_too_long(d):
    return [name_of(os.open, d + "/" + "n" * 256, W), name_of(os.mkdir, d + "/." + "n" * 255),
            name_of(os.stat, d + "/" + "n" * 256), name_of(os.stat, d + "/x" * 2100)]


@case
def the_longest_name(d):
    path = d + "/" + "n" * 255
    found = name_of(put, path)
    return [found, os.path.exists(path)]


@case
def names_of_every_byte(d):
    names = ["." + chr(c) for c in range(1, 128) if chr(c) not in "/."] + [".ä", ".\udcff"]
    for name in names:
        put(f"{d}/{name}", b"")
    return [name for name in names if not os.path.exists(f"{d}/{name}")]


@case
def a_file_as_a_directory(d):
    put(d + "/f")
    return [name_of(os.open, d + "/f/x", W), name_of(os.stat, d + "/f/x"), name_of(os.listdir, d + "/f"),
            name_of(os.mkdir, d + "/f/x"), name_of(os.rmdir, d + "/f")]


@case
def a_directory_as_a_file(d):
    os.mkdir(d + "/.d")
    return [name_of(os.open, d + "/.d", os.O_WRONLY), name_of(os.unlink, d + "/.d"),
            name_of(os.open, d + "/.d", W | os.O_EXCL)]


@case
def what_is_not_there(d):
    return [name_of(os.open, d + "/f", os.O_RDONLY), name_of(os.stat, d + "/x/y"), name_of(os.open, d + "/x/y", W),
            name_of(os.listdir, d + "/x")]


# ---- directories ----


@case
def make_and_remove_a_directory(d):
    os.mkdir(d + "/.d")
    found = [name_of(os.mkdir, d + "/.d"), os.path.isdir(d + "/.d")]
    os.rmdir(d + "/.d")
    return found + [os.path.exists(d + "/.d")]


@case
def a_directory_with_a_plain_name(d):
    return name_of(os.mkdir, d + "/d")


@case
def remove_a_directory_that_is_not_empty(d):
    os.mkdir(d + "/.d")
    put(d + "/.d/f")
    return name_of(os.rmdir, d + "/.d")


@case
def remove_a_directory_that_is_in_use(d):
    os.mkdir(d + "/.d")
    folder = os.open(d + "/.d", os.O_RDONLY)
    os.rmdir(d + "/.d")
    found = [os.listdir(folder), name_of(os.open, "f", W, dir_fd=folder)]
    os.close(folder)
    return found


@case
def list_what_is_there(d):
    for name in ("a", "b", ".c"):
        put(f"{d}/{name}")
    os.mkdir(d + "/.d")
    return sorted(os.listdir(d))


@case
def list_while_it_changes(d):
    """What is there all the time comes once, what is gone at the beginning does not come."""
    for i in range(300):
        put(f"{d}/{i}", b"")
    os.unlink(d + "/0")
    seen = []
    with os.scandir(d) as entries:
        for at, entry in enumerate(entries):
            seen.append(entry.name)
            if at < 100:
                name = f"{d}/new{at}"
                put(name, b"")
                os.unlink(name)
    steady = [name for name in seen if not name.startswith("new")]
    return [sorted(steady) == sorted(str(i) for i in range(1, 300)), "0" in seen]


@case
def relative_to_a_handle(d):
    folder = os.open(d, os.O_RDONLY)
    os.close(os.open("f", W, dir_fd=folder))
    os.rename("f", "g", src_dir_fd=folder, dst_dir_fd=folder)
    found = [os.stat("g", dir_fd=folder).st_size, name_of(os.stat, "f", dir_fd=folder)]
    os.unlink("g", dir_fd=folder)
    os.close(folder)
    return found


# ---- attributes ----


@case
def times_are_set(d):
    put(d + "/f")
    os.utime(d + "/f", ns=(1700000000123456789, 1600000000987654321))
    st = os.stat(d + "/f")
    return [st.st_mtime_ns, st.st_atime_ns == 1700000000123456789]


@case
def times_are_set_by_handle(d):
    fd = opened(put(d + "/f"), os.O_RDWR)
    os.utime(fd, ns=(10**18, 10**18))
    os.close(fd)
    return os.stat(d + "/f").st_mtime_ns


@case
def times_before_and_far_away(d):
    put(d + "/f")
    found = []
    for second in (0, 1, -1, 2**31, 2**32):
        os.utime(d + "/f", (second, second))
        found.append(os.stat(d + "/f").st_mtime)
    return found


@case
def a_write_changes_the_time(d):
    put(d + "/f")
    os.utime(d + "/f", (1, 1))
    put(d + "/f", b"more")
    return os.stat(d + "/f").st_mtime > 1000


@case
def a_read_leaves_the_time(d):
    put(d + "/f")
    os.utime(d + "/f", (1, 1))
    got(d + "/f")
    return os.stat(d + "/f").st_mtime


@case
def change_the_mode(d):
    put(d + "/f")
    return [name_of(os.chmod, d + "/f", 0o640), oct(os.stat(d + "/f").st_mode & 0o777)]


@case
def change_the_owner(d):
    put(d + "/f")
    return [name_of(os.chown, d + "/f", 7, 7), os.stat(d + "/f").st_uid]


@case
def owner_of_what_is_made(d):
    put(d + "/f")
    return os.stat(d + "/f").st_uid == os.geteuid()


@case
def attributes_of_users(d):
    put(d + "/f")
    return [name_of(os.setxattr, d + "/f", "user.mine", b"1"), name_of(os.getxattr, d + "/f", "user.none"),
            name_of(os.removexattr, d + "/f", "user.none"), name_of(os.getxattr, d + "/f", "user.mine")]


@case
def kind_of_what_is_made(d):
    put(d + "/f")
    os.mkdir(d + "/.d")
    return [stat.S_ISREG(os.stat(d + "/f").st_mode), stat.S_ISDIR(os.stat(d + "/.d").st_mode)]


@case
def blocks_are_counted(d):
    put(d + "/f", b"x" * 100000)
    return os.stat(d + "/f").st_blocks * 512 >= 100000


@case
def access_as_the_mode_says(d):
    put(d + "/f")
    return [os.access(d + "/f", os.R_OK), os.access(d + "/f", os.X_OK), os.access(d + "/none", os.F_OK)]


@case
def statfs(d):
    fs = os.statvfs(d)
    return [fs.f_namemax, fs.f_bavail > 0]


# ---- a name that is judged; z is what is a ZIP ----


def listed(d):
    """But of where the other cases are."""
    return sorted(name for name in os.listdir(d) if name != ".posix")


@final
def a_zip_is_written(d, z):
    put(d + "/a.zip", z)
    return [listed(d), got(d + "/a.zip") == z, os.stat(d + "/a.zip").st_size == len(z)]


@final
def a_zip_is_written_in_pieces(d, z):
    fd = opened(d + "/a.zip", W)
    for at in range(0, len(z), 10):
        os.write(fd, z[at : at + 10])
    os.close(fd)
    return got(d + "/a.zip") == z


@final
def a_zip_is_written_backwards(d, z):
    fd = opened(d + "/a.zip", W)
    for at in reversed(range(0, len(z), 100)):
        os.pwrite(fd, z[at : at + 100], at)
    os.close(fd)
    return got(d + "/a.zip") == z


@final
def a_zip_is_renamed_into_place(d, z):
    put(d + "/.a.zip.tmp", z)
    os.rename(d + "/.a.zip.tmp", d + "/a.zip")
    return [listed(d), got(d + "/a.zip") == z]


@final
def a_zip_takes_the_place_of_one(d, z):
    put(d + "/a.zip", z)
    fd = opened(d + "/a.zip", os.O_RDONLY)
    put(d + "/.b", z + b"")
    os.rename(d + "/.b", d + "/a.zip")
    found = os.pread(fd, len(z), 0) == z
    os.close(fd)
    return [found, listed(d)]


@final
def a_zip_with_another_name(d, z):
    put(d + "/a.zip", z)
    put(d + "/b.zip", z)
    return listed(d)


@final
def a_zip_is_removed(d, z):
    put(d + "/a.zip", z)
    os.unlink(d + "/a.zip")
    return listed(d)


@final
def a_zip_is_backed_up(d, z):
    put(d + "/a.zip", z)
    os.rename(d + "/a.zip", d + "/a.zip~")
    put(d + "/a.zip", z)
    return [name for name in listed(d) if name == "a.zip"]


@final
def times_of_a_zip_are_kept(d, z):
    put(d + "/a.zip", z)
    os.utime(d + "/a.zip", (1600000000, 1600000000))
    return os.stat(d + "/a.zip").st_mtime


@final
def what_is_no_zip(d, _):
    return [name_of(put, d + "/a.zip", b"no ZIP"), os.path.exists(d + "/a.zip")]


@final
def an_empty_file_with_a_final_name(d, _):
    return [name_of(put, d + "/a.zip", b""), listed(d)]


@final
def a_name_that_is_neither(d, z):
    return name_of(put, d + "/a.txt", z)


@final
def a_zip_is_linked(d, z):
    put(d + "/a.zip", z)
    return name_of(os.link, d + "/a.zip", d + "/.b")


@final
def kinds_and_inodes_in_a_listing(d, z):
    put(d + "/a.zip", z)
    with os.scandir(d) as entries:
        return [(e.name, e.is_dir(), e.is_file(), e.inode() == os.stat(e.path).st_ino) for e in entries if e.name != ".posix"]


@final
def a_listing_that_is_held_is_as_it_was(d, z):
    """What is made after it was begun may come or not; what was there comes."""
    put(d + "/a.zip", z)
    with os.scandir(d) as entries:
        first = {next(entries).name}
        put(d + "/.b", z)
        return "a.zip" in first | {entry.name for entry in entries}
