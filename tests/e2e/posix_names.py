"""Cases of posix_cases.py about names and directories."""

import ctypes
import os

from posix_cases import LIBC, RW, W, case, got, name_of, opened, put

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
