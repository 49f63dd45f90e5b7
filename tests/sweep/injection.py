"""The two ways in: a tracer that fails system calls of the running daemon, and a preloaded library that fails its
allocations. Both are built here, with the C compiler."""
import errno
import mmap
import os
import pathlib
import struct
import subprocess
import time

HERE = pathlib.Path(__file__).parent
QUIET_S = 0.008  # nothing happened for so long: what was begun is done
SETTLE_S = 10


def build(directory):
    for name, options in (("injector", []), ("failing_malloc.so", ["-shared", "-fPIC"])):
        source = HERE / (name.removesuffix(".so") + ".c")
        subprocess.run(["cc", "-O2", "-g", "-Wall", "-Wextra", *options, "-o", str(directory / name), str(source)], check=True)


def settle(activity):
    """Until a count stands still."""
    end = time.monotonic() + SETTLE_S
    last = activity()
    while time.monotonic() < end:
        time.sleep(QUIET_S)
        now = activity()
        if now == last:
            return
        last = now


class Calls:
    """System calls of one process, by injector.c."""

    def __init__(self, directory):
        self.tracer = subprocess.Popen([str(directory / "injector")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       bufsize=1)

    def ask(self, line):
        self.tracer.stdin.write(line + "\n")
        return self.tracer.stdout.readline().strip()

    def environment(self):
        return {}

    def attach(self, pid):
        self.ask(f"seize {pid}")

    def arm(self, point):
        fault = "kill" if point.fault == "kill" else getattr(errno, point.fault, 0)
        self.ask(f"arm {point.kind} {point.nth} {fault}")

    def disarm(self):
        self.ask("disarm")

    def detach(self):
        self.ask("end")

    def look(self):
        """Calls so far, has the fault come, is the process there."""
        return [int(part) for part in self.ask("look").split()]

    def settle(self):
        settle(lambda: self.look()[0])

    def has_fired(self):
        return self.look()[1] == 1

    def kinds(self):
        return {kind: int(count) for kind, count in (part.rsplit("=", 1) for part in self.ask("kinds").split())}

    def where(self):
        return ""

    def close(self):
        self.tracer.stdin.close()
        self.tracer.wait()


class Allocations:
    """Allocations of one process, by failing_malloc.c."""

    CONTROL = struct.Struct("<4I2Q24Q")  # pid, for good, fired, frames, nth, count, where

    def __init__(self, directory):
        self.library = directory / "failing_malloc.so"
        self.file = directory / "control"
        self.file.write_bytes(bytes(self.CONTROL.size))
        with open(self.file, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), self.CONTROL.size)
        self.pid, self.maps = 0, []

    def environment(self):
        return {"LD_PRELOAD": str(self.library), "SWEEP_CONTROL": str(self.file)}

    def attach(self, pid):
        self.pid = pid
        self.maps = [line.split() for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()]

    def arm(self, point):
        self.disarm()
        self.put(self.pid, point.nth, point.fault == "no memory for good")

    def put(self, pid, nth, for_good):
        # pid last: it is what arms
        struct.pack_into("<3I", self.map, 4, for_good, 0, 0)
        struct.pack_into("<2Q", self.map, 16, nth, 0)
        struct.pack_into("<I", self.map, 0, pid)

    def disarm(self):
        struct.pack_into("<I", self.map, 0, 0)

    def detach(self):
        self.disarm()
        self.pid = 0

    def read(self):
        return self.CONTROL.unpack_from(self.map)

    def settle(self):
        settle(lambda: self.read()[5])

    def has_fired(self):
        return self.read()[2] > 0

    def kinds(self):
        return {"allocation": self.read()[5]}

    def where(self):
        """The stack of the first that failed, as addr2line says it."""
        values = self.read()
        frames = values[6:6 + values[3]]
        return " < ".join(filter(None, (symbol(self.maps, frame) for frame in frames)))

    def close(self):
        self.map.close()


def symbol(maps, address):
    for line in maps:
        begin, end = (int(part, 16) for part in line[0].split("-"))
        if begin <= address < end and len(line) > 5 and line[5].startswith("/"):
            base = min(int(other[0].split("-")[0], 16) for other in maps if len(other) > 5 and other[5] == line[5])
            if not line[5].endswith("vouchfs"):
                return os.path.basename(line[5]).split(".")[0]
            said = subprocess.run(["addr2line", "-f", "-s", "-e", line[5], hex(address - base - 1)], capture_output=True, text=True,
                                  check=False).stdout.split()
            return f"{said[0]} {said[1]}" if len(said) > 1 else hex(address)
    return ""
