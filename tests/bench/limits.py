"""What this machine allows: figures that bound the rows of the same run, whatever a filesystem does."""
import os
import statistics
import subprocess

import peers
from measure import Figure, run, timed

COPIED_BYTES = 128 * 1024 * 1024
BLOCK_BYTES = 4096
TRIPS = 2000


class Limits:
    """Medians that groups bound their rows with; `figures` has all that was measured."""

    def __init__(self, host, runs):
        openssl = [openssl_speeds() for _ in range(runs)]
        self.figures = [
            Figure("limits", "memory copy", "one core", "GB/s", [copied_bytes_s() / 1e9 for _ in range(runs)]),
            Figure("limits", "SHA-256 of 4 KiB blocks", "one core", "GB/s", [speeds[0] / 1e9 for speeds in openssl]),
            Figure("limits", "P-384 verification", "one core", "ms", [1000 / speeds[1] for speeds in openssl]),
            Figure("limits", "start of a process", "/bin/true", "ms",
                   [timed(lambda: run("/bin/true")) * 1000 for _ in range(runs * 2)]),
            *round_trip(host, runs)]
        self.hash_bytes_s = statistics.median(speeds[0] for speeds in openssl)
        self.verify_s = statistics.median(1 / speeds[1] for speeds in openssl)


def copied_bytes_s():
    source, target = bytes(COPIED_BYTES), bytearray(COPIED_BYTES)
    view = memoryview(target)

    def copy():
        view[:] = source

    copy()
    return COPIED_BYTES / timed(copy)


def openssl_speeds():
    """Bytes hashed a second, and signatures verified a second."""
    def last_result(*arguments):
        said = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=True)
        count, _, seconds = [line for line in (said.stdout + said.stderr).split("\n")
                             if line.startswith("+R")][-1].split(":")[1:]
        return int(count) / float(seconds)
    return (last_result("-bytes", str(BLOCK_BYTES), "-evp", "sha256") * BLOCK_BYTES, last_result("ecdsap384"))


def round_trip(host, runs):
    """Asks a file whether it is a terminal, which the kernel passes on to any FUSE filesystem."""
    source = host.place("one-file")
    os.mkdir(source)
    with open(f"{source}/file", "w", encoding="ascii") as file:
        file.write("x")
    bare = peers.Peer(peers.BARE, host.place("bare-limits"), source)
    host.at_end(bare.down)
    bare.up()
    if bare.problem is not None:
        host.notes.append(f"{bare.name}: {bare.problem}.")
        return []
    with open(f"{bare.root}/file", "rb") as file:
        fd = file.fileno()

        def ask():
            for _ in range(TRIPS):
                os.isatty(fd)

        ask()
        trips = [timed(ask) / TRIPS * 1e6 for _ in range(runs)]
    bare.down()
    return [Figure("limits", "round trip to a FUSE daemon and back (ioctl)", bare.name, "µs", trips)]
