"""The operations of permissions.py: each is a function of (path, own), called by the caller whose column it is.

`own` is a scratch file of the caller's outside of the mount. What a function raises is the cell; where it does several
calls, that is the first which fails, the close among them. OPERATIONS maps names to functions; those in CHANGES may
leave something behind, so that what was tried on is put back afterwards."""

import ctypes
import errno
import fcntl
import mmap
import os
import stat

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
FAILED = ctypes.c_void_p(-1).value
NOREPLACE, EXCHANGE, WHITEOUT = 1, 2, 4
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
GETFLAGS, FIONREAD, FICLONE = 0x80086601, 0x541B, 0x40049409
NEW = ".perm"  # names that operations make, and which are removed again
MADE = (".perm", ".perm.2", "perm.zip", "perm.txt", "perm")


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class Opened:
    """with Opened(path, flags) as fd: never waits; an error of the close comes out."""

    def __init__(self, path, flags, mode=0o600):
        self.fd = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, mode)

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


def opening(flags):
    def operation(path, _):
        with Opened(path, flags):
            pass

    return operation


def with_fd(flags, use):
    def operation(path, own):
        with Opened(path, flags) as fd:
            use(fd, own)

    return operation


def beside(path, name):
    return os.path.join(os.path.dirname(path), name)


# ---- what is done with an open file ----


def map_it(flags, protection):
    def use(fd, _):
        at = LIBC.mmap(None, 1, protection, flags, fd, 0)
        if at == FAILED:
            raise OSError(ctypes.get_errno(), "mmap")
        LIBC.munmap(at, 1)

    return use


def range_from(fd, own):
    with Opened(own, os.O_RDWR) as out:
        os.copy_file_range(fd, out, 1)


def range_into(fd, own):
    with Opened(own, os.O_RDONLY) as source:
        os.copy_file_range(source, fd, 1, 0, 0)


def allocate(mode):
    return lambda fd, _: check(LIBC.fallocate(fd, mode, ctypes.c_long(0), ctypes.c_long(1)))


def seek(whence):
    return lambda fd, _: os.lseek(fd, 0, whence)


def clone(fd, own):
    with Opened(own, os.O_RDONLY) as source:
        fcntl.ioctl(fd, FICLONE, source)


# ---- what is done by name ----


def access(mode):
    return lambda path, _: check(LIBC.access(path.encode(), mode))


def execute(path, _):
    """In a child, which says by a pipe what became of it; one that starts ends by itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open("/dev/null", os.O_RDWR), 1)
            os.dup2(1, 2)
            os.execv(path, [path])
        except OSError as error:
            os.write(writing, str(error.errno).encode())
        finally:
            os._exit(0)
    os.close(writing)
    said = os.read(reading, 16)
    os.close(reading)
    os.waitpid(child, 0)
    if said:
        raise OSError(int(said), os.strerror(int(said)))


def rename(flags, name=NEW):
    def operation(path, _):
        check(LIBC.renameat2(-100, path.encode(), -100, beside(path, name).encode(), flags))

    return operation


SIBLINGS = ("layers", "a.zip", "status", "functions", "app.py", "release.json", "main", "base")


def sibling(path):
    """Something else that is there."""
    return next((beside(path, name) for name in SIBLINGS
                 if name != os.path.basename(path) and os.path.lexists(beside(path, name))), beside(path, NEW))


def rename_sibling(flags):
    return lambda path, _: check(LIBC.renameat2(-100, path.encode(), -100, sibling(path).encode(), flags))


def rename_out(path, own):
    os.rename(path, own + ".out")


def rename_in(path, own):
    os.rename(own, os.path.join(path, NEW))


def make(name, flags=os.O_CREAT | os.O_WRONLY):
    def operation(path, _):
        with Opened(os.path.join(path, name), flags):
            pass

    return operation


def inside(function, name=NEW):
    return lambda path, _: function(os.path.join(path, name))


def make_node(kind):
    return lambda path, _: os.mknod(os.path.join(path, NEW), kind | 0o600, os.makedev(1, 3))


def times(path, _):
    os.utime(path, (1700000000, 1700000000))


def now(path, _):
    os.utime(path)


def no_owner(path, _):
    os.chown(path, -1, -1)


def same_owner(path, _):
    st = os.stat(path)
    os.chown(path, st.st_uid, st.st_gid)


RW = os.O_RDWR
OPERATIONS = {
    # looking
    "stat": lambda path, _: os.stat(path),
    "lstat": lambda path, _: os.lstat(path),
    "access-r": access(os.R_OK),
    "access-w": access(os.W_OK),
    "access-x": access(os.X_OK),
    "readlink": lambda path, _: os.readlink(path),
    "readdir": lambda path, _: os.listdir(path),
    "chdir": lambda path, _: os.chdir(path),
    "statfs": lambda path, _: os.statvfs(path),
    "getxattr": lambda path, _: os.getxattr(path, "user.vouchfs.outcome"),
    "getxattr-foreign": lambda path, _: os.getxattr(path, "user.perm"),
    "listxattr": lambda path, _: os.listxattr(path),
    # opening
    "open-r": opening(os.O_RDONLY),
    "open-w": opening(os.O_WRONLY),
    "open-rw": opening(RW),
    "open-append": opening(os.O_WRONLY | os.O_APPEND),
    "open-trunc": opening(os.O_WRONLY | os.O_TRUNC),
    "open-trunc-r": opening(os.O_RDONLY | os.O_TRUNC),
    "open-creat": opening(os.O_WRONLY | os.O_CREAT),
    "open-excl": opening(os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "open-path": opening(os.O_PATH),
    "open-directory": opening(os.O_RDONLY | os.O_DIRECTORY),
    "open-nofollow": opening(os.O_RDONLY | os.O_NOFOLLOW),
    "open-direct": opening(os.O_RDONLY | os.O_DIRECT),
    "open-noatime": opening(os.O_RDONLY | os.O_NOATIME),
    # what is open
    "read": with_fd(os.O_RDONLY, lambda fd, _: os.read(fd, 1)),
    "write": with_fd(os.O_WRONLY, lambda fd, _: os.write(fd, b"?")),
    "append": with_fd(os.O_WRONLY | os.O_APPEND, lambda fd, _: os.write(fd, b"?")),
    "ftruncate": with_fd(os.O_WRONLY, lambda fd, _: os.ftruncate(fd, 0)),
    "fallocate": with_fd(os.O_WRONLY, allocate(0)),
    "fallocate-punch": with_fd(os.O_WRONLY, allocate(PUNCH_HOLE | KEEP_SIZE)),
    "seek-data": with_fd(os.O_RDONLY, seek(os.SEEK_DATA)),
    "seek-hole": with_fd(os.O_RDONLY, seek(os.SEEK_HOLE)),
    "copy-range-from": with_fd(os.O_RDONLY, range_from),
    "copy-range-into": with_fd(os.O_WRONLY, range_into),
    "flock": with_fd(os.O_RDONLY, lambda fd, _: fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "lock-r": with_fd(os.O_RDONLY, lambda fd, _: fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)),
    "lock-w": with_fd(os.O_WRONLY, lambda fd, _: fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)),
    "lease": with_fd(os.O_RDONLY, lambda fd, _: fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)),
    "ioctl": with_fd(os.O_RDONLY, lambda fd, _: fcntl.ioctl(fd, 0x5401, bytes(64))),
    "ioctl-flags": with_fd(os.O_RDONLY, lambda fd, _: fcntl.ioctl(fd, GETFLAGS, bytes(8))),
    "clone-into": with_fd(os.O_WRONLY, clone),
    "map-shared": with_fd(os.O_RDONLY, map_it(mmap.MAP_SHARED, mmap.PROT_READ)),
    "map-shared-w": with_fd(RW, map_it(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)),
    "map-private-w": with_fd(os.O_RDONLY, map_it(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)),
    "map-exec": with_fd(os.O_RDONLY, map_it(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)),
    "fsync": with_fd(os.O_RDONLY, lambda fd, _: os.fsync(fd)),
    "fdatasync": with_fd(os.O_RDONLY, lambda fd, _: os.fdatasync(fd)),
    "exec": execute,
    # its attributes
    "chmod": lambda path, _: os.chmod(path, 0o777),
    "chmod-suid": lambda path, _: os.chmod(path, 0o6755),
    "chown": lambda path, _: os.chown(path, 1, 1),
    "chown-same": same_owner,
    "chown-none": no_owner,
    "utimes": times,
    "utimes-now": now,
    "truncate": lambda path, _: os.truncate(path, 0),
    "truncate-grow": lambda path, _: os.truncate(path, 1 << 20),
    "setxattr": lambda path, _: os.setxattr(path, "user.perm", b"1"),
    "setxattr-ours": lambda path, _: os.setxattr(path, "user.vouchfs.outcome", b"accepted"),
    "setxattr-acl": lambda path, _: os.setxattr(path, "system.posix_acl_access", b"\2\0\0\0"),
    "setxattr-capability": lambda path, _: os.setxattr(path, "security.capability", bytes(20)),
    "setxattr-trusted": lambda path, _: os.setxattr(path, "trusted.perm", b"1"),
    "removexattr": lambda path, _: os.removexattr(path, "user.vouchfs.outcome"),
    # its name
    "unlink": lambda path, _: os.unlink(path),
    "rmdir": lambda path, _: os.rmdir(path),
    "rename-staging": rename(0),
    "rename-final": rename(0, "perm.zip"),
    "rename-other": rename(0, "perm.txt"),
    "rename-noreplace": rename(NOREPLACE),
    "rename-noreplace-over": rename_sibling(NOREPLACE),
    "rename-exchange": rename_sibling(EXCHANGE),
    "rename-over": rename_sibling(0),
    "rename-whiteout": rename(WHITEOUT),
    "rename-out": rename_out,
    "link": lambda path, _: os.link(path, beside(path, NEW)),
    "link-out": lambda path, own: os.link(path, own + ".link"),
    # in it
    "create-staging": make(NEW),
    "create-final": make("perm.zip"),
    "create-other": make("perm.txt"),
    "create-excl": make(NEW, os.O_CREAT | os.O_EXCL | RW),
    "tmpfile": lambda path, _: os.close(os.open(path, os.O_TMPFILE | RW, 0o600)),
    "mkdir-staging": inside(os.mkdir),
    "mkdir": inside(os.mkdir, "perm"),
    "symlink": inside(lambda path: os.symlink("x", path)),
    "mknod-file": make_node(stat.S_IFREG),
    "mknod-fifo": make_node(stat.S_IFIFO),
    "mknod-device": make_node(stat.S_IFCHR),
    "rename-in": rename_in,
    "link-in": lambda path, own: os.link(own, os.path.join(path, NEW)),
    "lookup-none": inside(os.stat, "perm.none"),
    "lookup-long": inside(os.stat, "n" * 256),
}

CHANGES = {name for name in OPERATIONS if name.startswith((
    "open-w", "open-rw", "open-append", "open-trunc", "open-creat", "open-excl", "write", "append", "ftruncate",
    "fallocate", "copy-range-into", "clone", "chmod", "chown", "utimes", "truncate", "setxattr", "removexattr", "unlink", "rmdir",
    "rename", "link", "create", "tmpfile", "mkdir", "symlink", "mknod", "map-shared-w", "lock-w"))}


def attempt(name, path, own):
    """What the cell is: 0 or the name of an errno."""
    try:
        OPERATIONS[name](path, own)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    finally:
        os.chdir("/")
    return "0"
