"""Keeps a file of a release open and mapped, and says what can still be done with it when asked: a word on stdin, a line
for each way to get at the content, then "<word>: end"."""

import errno
import mmap
import os
import signal
import sys

os.chdir(sys.argv[1])
FD = os.open("big", os.O_RDONLY)
DIR = os.open(".", os.O_RDONLY)
SHARED = mmap.mmap(FD, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
PRIVATE = mmap.mmap(FD, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
PRIVATE[0:1] = b"Z"
bytes(SHARED)


def read_all(path):
    with open(path, "rb") as file:
        return file.read()


def touch(mapping):
    """In a process of its own, which may die of it."""
    pid = os.fork()
    if pid == 0:
        _ = mapping[0:4]
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def outcome(way):
    try:
        status = way()
    except OSError as error:
        return errno.errorcode[error.errno]
    if isinstance(status, int) and os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "ok"


WAYS = {
    "fstat": lambda: str(os.fstat(FD)),
    "pread": lambda: os.pread(FD, 10, 4096),
    "open relative": lambda: read_all("small"),
    "stat relative": lambda: str(os.stat("small")),
    "listdir": lambda: os.listdir(DIR),
    "openat": lambda: os.close(os.open("other", os.O_RDONLY, dir_fd=DIR)),
    "/proc/self/fd": lambda: read_all(f"/proc/self/fd/{FD}"),
    "mapped": lambda: touch(SHARED),
    "private copy": lambda: touch(PRIVATE),
}

for line in sys.stdin:
    for name, way in WAYS.items():
        print(f"{line.strip()}: {name} {outcome(way)}")
    print(f"{line.strip()}: end", flush=True)
