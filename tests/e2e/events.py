"""Readers of .vouchfs/events: events.py CASE ..."""

import errno
import json
import os
import resource
import select
import signal
import sys
import threading
import time


def refuse(count, artifact, target):
    """Each is an event: the verdict is told by the close."""
    content = open(artifact, "rb").read()
    for _ in range(int(count)):
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for step in (lambda: os.write(fd, content), lambda: os.close(fd)):
            try:
                step()
            except OSError as error:
                assert error.errno == errno.ENOKEY, error


def is_waiting(pid, path):
    """Has the file open, and is in a read."""
    try:
        if not any(os.readlink(f"/proc/{pid}/fd/{fd}") == path for fd in os.listdir(f"/proc/{pid}/fd")):
            return False
        return open(f"/proc/{pid}/syscall").read().split()[0] in ("0", "63")  # x86-64, arm64
    except OSError:
        return False


def await_readers(count, path):
    """Until as many processes have opened the file and wait for it."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if sum(is_waiting(pid, path) for pid in os.listdir("/proc") if pid.isdigit()) >= int(count):
            return
        time.sleep(0.02)
    raise AssertionError("they never came")


def poll(path, artifact, target):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    assert poller.poll(0) == []
    try:
        os.read(fd, 100)
        raise AssertionError("there was something to read")
    except BlockingIOError:
        pass
    later = threading.Timer(0.1, refuse, (2, artifact, target))
    later.start()
    assert poller.poll(10000) == [(fd, select.POLLIN)]
    later.join()
    text = b""
    while text.count(b"\n") < 2:  # in parts
        text += os.read(fd, 100)
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["seq"] for line in lines] == [2, 3], lines
    assert poller.poll(0) == []
    # every other file is ready at once
    with open(os.path.dirname(path) + "/status") as status:
        poller.register(status.fileno(), select.POLLIN)
        assert poller.poll(0) == [(status.fileno(), select.POLLIN)]
    os.close(fd)
    try:
        os.lseek(os.open(path, os.O_RDONLY), 0, os.SEEK_SET)
        raise AssertionError("a stream has no offsets")
    except OSError as error:
        assert error.errno == errno.ESPIPE


def interrupt(path):
    class Heard(Exception):
        pass

    def hear(*_):
        raise Heard

    signal.signal(signal.SIGALRM, hear)
    fd = os.open(path, os.O_RDONLY)
    for _ in range(3):
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            os.read(fd, 100)
            raise AssertionError("read came back")
        except Heard:
            pass


def slow(path, artifact, target):
    fd = os.open(path, os.O_RDONLY)
    refuse(2500, artifact, target)
    text = b""
    while b'"seq":2501,' not in text:
        text += os.read(fd, 65536)
    lines = [json.loads(line) for line in text.splitlines()]
    missed, rest = lines[0], lines[1:]
    assert missed["event"] == "missed" and missed["firstSeq"] == 2, missed
    assert missed["count"] == missed["lastSeq"] - 1, missed
    assert [line["seq"] for line in rest] == list(range(missed["lastSeq"] + 1, 2502))
    assert sum(len(line) + 1 for line in text.splitlines()[1:]) <= 1048576


def open_many(path, most):
    files = []
    try:
        while len(files) < most:
            files.append(os.open(path, os.O_RDONLY))
    except OSError as error:
        assert error.errno == errno.ENFILE, error
    return files


def bound(path):
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        files = open_many(path, 1000)
        os.write(ready[1], b"%d\n" % len(files))
        os.read(done[0], 1)
        os._exit(0)
    count = int(os.read(ready[0], 100))
    mine = open_many(path, 1000)
    assert (count, len(mine)) == (224, 32), (count, len(mine))
    for fd in mine:
        os.close(fd)
    os.write(done[1], b"x")
    os.waitpid(child, 0)
    until = time.monotonic() + 10
    while len(files := open_many(path, 256)) < 256 and time.monotonic() < until:  # RELEASE comes later
        for fd in files:
            os.close(fd)
        time.sleep(0.02)
    assert len(files) == 256


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
