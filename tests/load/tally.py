"""What a worker did: operations by kind, how long each took, what errors came of them, and what is wrong.

All that a worker does to the mount is done inside an Operation, whose kind and beginning stand on a board in shared
memory, so that whoever watches sees one that does not come back."""

import errno
import json
import mmap
import os
import struct
import time
import traceback

KIND_BYTES = 32
SEAT = struct.Struct(f"Q{KIND_BYTES}s")  # when it began (0: nothing is going on), what
WRONG_MAX = 20  # as many are kept of a worker; all are counted


class Board:
    """A seat for each worker, and what all of them have to know."""

    def __init__(self, seats):
        self.memory = mmap.mmap(-1, 8 + seats * SEAT.size)
        self.seats = seats

    def sit(self, seat, kind):
        SEAT.pack_into(self.memory, 8 + seat * SEAT.size, time.monotonic_ns() if kind else 0, kind.encode()[:KIND_BYTES])

    def late(self, limit_s):
        """Who has been in one operation for longer than that: seat, kind, seconds."""
        now, found = time.monotonic_ns(), []
        for seat in range(self.seats):
            began, kind = SEAT.unpack_from(self.memory, 8 + seat * SEAT.size)
            if began and now - began > limit_s * 1e9:
                found.append((seat, kind.rstrip(b"\0").decode(), (now - began) / 1e9))
        return found

    def stop(self):
        self.memory[0] = 1

    def is_over(self):
        return self.memory[0] != 0


class Operation:
    """with tally.op("stat", errno.ENOENT) as op: ... An OSError ends the block, is counted, and goes no further."""

    def __init__(self, tally, kind, expected):
        self.tally, self.kind, self.expected = tally, kind, expected
        self.errno = 0

    def __enter__(self):
        self.tally.board.sit(self.tally.seat, self.kind)
        self.began = time.monotonic()
        return self

    def __exit__(self, kind, error, _):
        took = time.monotonic() - self.began
        self.tally.board.sit(self.tally.seat, "")
        counts = self.tally.kinds.setdefault(self.kind, [0, 0.0, 0.0, {}])
        counts[0] += 1
        counts[1] += took
        counts[2] = max(counts[2], took)
        if not isinstance(error, OSError) or error.errno is None:
            return False
        self.errno = error.errno
        name = errno.errorcode.get(error.errno, str(error.errno))
        counts[3][name] = counts[3].get(name, 0) + 1
        if error.errno not in self.expected:
            self.tally.unexpected(f"{self.kind}: {name}, {error.filename or ''}")
        return True


class Tally:
    def __init__(self, board, seat, name):
        self.board, self.seat, self.name = board, seat, name
        self.kinds, self.wrong, self.surprises = {}, [], []
        self.wrong_count = self.surprise_count = self.files = self.bytes = 0

    def op(self, kind, *expected):
        return Operation(self, kind, expected)

    def unexpected(self, text):
        self.surprise_count += 1
        if len(self.surprises) < WRONG_MAX:
            self.surprises.append(f"{self.name}: {text}")

    def wrong_bytes(self, text):
        self.wrong_count += 1
        if len(self.wrong) < WRONG_MAX:
            self.wrong.append(f"{self.name}: {text}")

    def compared(self, count):
        self.files += 1
        self.bytes += count

    def save(self, path):
        with open(path, "w") as file:
            json.dump({key: value for key, value in self.__dict__.items() if key != "board"}, file)


def work(role, scene, board, seat, name, into):
    """The life of a worker: its role again and again, until it is over."""
    tally = Tally(board, seat, name)
    try:
        role(scene, tally)
    except BaseException:  # pylint: disable=broad-except
        tally.unexpected(traceback.format_exc())
    tally.board.sit(seat, "")
    tally.save(into)
    os._exit(0)


class Sum:
    """What all workers did."""

    def __init__(self, paths):
        self.kinds, self.wrong, self.surprises = {}, [], []
        self.wrong_count = self.surprise_count = self.files = self.bytes = 0
        for path in paths:
            if not os.path.exists(path):
                self.surprises.append(f"{path}: did not come to its end")
                self.surprise_count += 1
                continue
            self.add(json.load(open(path)))

    def add(self, one):
        for kind, (count, total, slowest, errors) in one["kinds"].items():
            into = self.kinds.setdefault(kind, [0, 0.0, 0.0, {}])
            into[0] += count
            into[1] += total
            into[2] = max(into[2], slowest)
            for name, times in errors.items():
                into[3][name] = into[3].get(name, 0) + times
        for member in ("wrong", "surprises", "wrong_count", "surprise_count", "files", "bytes"):
            setattr(self, member, getattr(self, member) + one[member])
