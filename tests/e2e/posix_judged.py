"""Cases of posix_cases.py about attributes, and those about a name that is judged."""

import os
import stat

from posix_cases import W, case, final, got, name_of, opened, put

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
