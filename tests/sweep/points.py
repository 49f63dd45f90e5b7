"""Which calls a fault can come from, and the table of what came of it."""
import collections
import errno
import os

Point = collections.namedtuple("Point", "fault kind nth")

CALL_FAULTS = ("kill", "EIO", "ENOSPC", "EDQUOT", "EINTR", "ENOMEM")
ALLOCATION_FAULTS = ("no memory once", "no memory for good")

# What nobody but the process itself can see: a kill before it is one before the next call.
PRIVATE = {"sched_yield", "getpid", "geteuid", "getegid", "poll", "getrandom", "rt_sigprocmask", "rseq", "set_robust_list",
           "uname", "madvise", "fcntl", "epoll_ctl"}
WRITING = {"write", "pwrite64", "writev", "openat", "openat2", "mkdirat", "linkat", "renameat2", "unlinkat", "ftruncate",
           "fallocate", "fsync", "fdatasync"}
INTERRUPTIBLE = WRITING | {"read", "pread64", "poll", "ppoll", "epoll_wait", "futex", "sendmsg", "recvmsg", "connect",
                           "getrandom", "flock", "clock_nanosleep"}
ASKING_MEMORY = {"mmap", "mprotect", "brk", "mremap", "clone", "clone3", "openat", "openat2", "socket", "eventfd2",
                 "inotify_init1", "inotify_add_watch", "timerfd_create", "memfd_create", "poll", "mkdirat", "linkat", "renameat2"}
NEVER_ON_FILES = {"fcntl", "dup", "dup3", "inotify_add_watch"}


def is_possible(fault, kind):
    """Whether a kernel could answer so."""
    call, about = kind.split(":")
    if fault == "kill":
        return call not in PRIVATE
    if fault == "EIO":
        return about == "file" and call not in NEVER_ON_FILES
    if fault in ("ENOSPC", "EDQUOT"):
        return about == "file" and call in WRITING
    if fault == "EINTR":
        return call in INTERRUPTIBLE and kind not in ("writev:fuse", "futex:-")
    return call in ASKING_MEMORY


def candidates(fault, kinds):
    """Every n that a good run came to."""
    if fault in ALLOCATION_FAULTS:
        return [Point(fault, "allocation", n) for n in range(1, kinds.get("allocation", 0) + 1)]
    return [Point(fault, kind, n) for kind, count in sorted(kinds.items()) if is_possible(fault, kind) for n in range(1, count + 1)]


COUNTING = Point("", "none", 0)


def may_say(fault):
    """Texts of the errnos that a tool may be given: that of the fault, no memory, could not be checked, and damaged."""
    known = [errno.ENOMEM, errno.EKEYREJECTED, errno.EIO]
    if fault.startswith("E"):
        known.append(getattr(errno, fault))
    if fault == "kill":
        known += [errno.ENOTCONN, errno.ECONNABORTED, errno.ENOENT]
    return [os.strerror(number) for number in known] + ["is damaged in the store"]  # which is what rollback makes of EIO


class Row:
    def __init__(self):
        self.points = self.old = self.new = self.missed = self.violations = 0


class Table:
    """Operation x fault: points, which version was found, violations."""

    def __init__(self):
        self.rows = {}
        self.violations = []

    def row(self, operation, fault):
        return self.rows.setdefault((operation, fault), Row())

    def complain(self, operation, point, what, details):
        self.row(operation, point.fault).violations += 1
        self.violations.append((operation, point, what))
        print(f"VIOLATION {operation}, {point.fault} at {point.kind} {point.nth}: {what}", flush=True)
        for line in details:
            if line:
                print(f"    {line}", flush=True)

    def print(self, seconds):
        print(f"{'operation':18} {'fault':20} {'points':>7} {'old':>6} {'new':>6} {'missed':>7} {'violations':>11}")
        for (operation, fault), row in self.rows.items():
            print(f"{operation:18} {fault:20} {row.points:7} {row.old:6} {row.new:6} {row.missed:7} {row.violations:11}")
        total = [sum(getattr(row, name) for row in self.rows.values()) for name in ("points", "old", "new", "violations")]
        print(f"sweep: {total[0]} points, {total[1]} old, {total[2]} new, {total[3]} violations, {seconds:.0f} s")
