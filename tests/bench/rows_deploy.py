"""The rows of the deploy side, in groups. A group is a function of (host, fast, durable, runs): a mount without and one
with fsync. What is deployed again and again alternates between variants, because the same bytes would be no news."""
import os
import time

import artifacts
import usage
from artifacts import BIG_MIB
from measure import QUICK, Figure, Row, alternate, begin, finish, run, timed

MANY_FILES = 2000 if QUICK else 5000
MANY_BYTES_EACH = 10_000 if QUICK else 44_000  # deflated, they make 5 or 50 MiB
SMALL_COUNT = 50 if QUICK else 200
PIECE_BYTES = artifacts.MIB
TODAY = "cp + sha384sum + openssl cms -verify"


def shell(script, *arguments):
    return timed(lambda: run("sh", "-c", script, "sh", *arguments))


class CpuOf:
    """CPU seconds of candidates, by their names, for what() they do with bytes of an artifact."""

    def __init__(self, what, size_bytes):
        self.what, self.size_bytes, self.seconds = what, size_bytes, {}

    def of(self, name, candidate, mount=None):
        def counted(turn):
            seconds, cpu = usage.measured(lambda: candidate(turn), usage.pids_with(mount.path) if mount else [])
            if turn > 0:
                self.seconds.setdefault(name, []).append(cpu)
            return seconds
        return counted

    def figures(self):
        gib = self.size_bytes / artifacts.GIB
        return [Figure("costs", self.what, name, "CPU s/GiB", [one / gib for one in seconds])
                for name, seconds in self.seconds.items()]


def cms_verify(signature, host):
    return (f"openssl cms -verify -inform PEM -in {signature} -CAfile {host.place('trust')}/*.pem -purpose any "
            "-out /dev/null 2>/dev/null")


def write_signature(path):
    with open(path + ".pem", "wb") as file:
        file.write(artifacts.signature_of(path))
    return path + ".pem"


def copies(host, fast, durable, runs):
    """a signed ZIP of stored entries, cp until close has returned"""
    big = []
    for seed in range(4):
        path = host.place(f"big-{seed}.zip")
        artifacts.make_stored(path, BIG_MIB, seed)
        big.append(host.sign(path))
        write_signature(path)
    copy = host.place("copy.zip")
    slots = {"none": fast.slot("unchecked"), "fast": fast.slot("signed"), "durable": durable.slot("signed")}

    def to_slot(name, variants):
        return lambda turn: shell('cp "$1" "$2/function.zip"', variants[turn % 2], slots[name])

    def today(turn):
        source = big[turn % 2]
        return shell(f'cp "$1" "$2" && sha384sum "$2" && {cms_verify(source + ".pem", host)}', source, copy)

    size = BIG_MIB * artifacts.MIB
    cpu = CpuOf(f"deploy {BIG_MIB} MiB", size)
    times = alternate({
        "slot": cpu.of("ours", to_slot("fast", big[:2]), fast),
        "slot, config none": to_slot("none", big[2:]),
        "slot, fsync": to_slot("durable", big[:2]),
        "today": cpu.of(TODAY, today),
        "cp": cpu.of("cp", lambda turn: shell('cp "$1" "$2"', big[turn % 2], copy)),
        "cp, fsync": lambda turn: shell('cp "$1" "$2" && sync "$2"', big[turn % 2], copy),
    }, runs, before=os.sync)
    os.unlink(copy)

    title, hashed = f"cp of {BIG_MIB} MiB into a slot", size / host.limits.hash_bytes_s
    limit, limit_fsync = (([max(seconds, hashed) for seconds in times[name]], f"{name}, or SHA-256 by one core")
                          for name in ("cp", "cp, fsync"))
    return [
        Row(title, TODAY, ("<=", 0.6), times["slot"], times["today"], limit=limit),
        Row(title, "cp to the store's filesystem", ("<=", 2.2), times["slot"], times["cp"], limit=limit),
        Row(title + ", durability commit", "cp + fsync", ("<=", 1.1), times["slot, fsync"], times["cp, fsync"],
            limit=limit_fsync),
        Row(title, "cp into a slot with config none", ("<=", 1.10), times["slot"], times["slot, config none"]),
        *cpu.figures(),
    ]


def deploy_timed(slot, content):
    """Seconds from the start of the write that completes the artifact, and of the close, until close has returned."""
    fd = os.open(f"{slot}/function.zip", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    last = (len(content) - 1) // PIECE_BYTES * PIECE_BYTES
    for at in range(0, last, PIECE_BYTES):
        os.write(fd, content[at:at + PIECE_BYTES])
    piece = content[last:]
    begun = time.perf_counter()
    os.write(fd, piece)
    written = time.perf_counter()
    os.close(fd)
    closed = time.perf_counter()
    return closed - begun, closed - written


def verdicts(host, fast, _, runs):
    """the verdict: an archive of many entries, the last write and close"""
    contents, paths = {}, []
    for seed in range(4):
        path = host.place(f"many-{seed}.zip")
        artifacts.make_many(path, MANY_FILES, MANY_BYTES_EACH, seed)
        paths.append(path)
        if seed < 2:
            host.sign(path)
        with open(path, "rb") as file:
            contents[seed] = file.read()
    closes = []

    def signed(turn):
        both, close = deploy_timed(fast.slot("many"), contents[turn % 2])
        closes.append(close)
        return both

    times = alternate({
        "signed": signed,
        "unsigned": lambda turn: deploy_timed(fast.slot("unchecked"), contents[2 + turn % 2])[0],
        "unzip -tq": lambda turn: timed(lambda: run("unzip", "-tq", paths[2 + turn % 2])),
    }, runs, before=os.sync)

    size_mib = len(contents[0]) // artifacts.MIB
    limit = ([host.limits.verify_s + PIECE_BYTES / host.limits.hash_bytes_s] * runs,
             "P-384, and SHA-256 of the last MiB")
    title = f"verdict, {size_mib} MiB, {MANY_FILES:,} entries"
    return [
        Row(title + ", signed: last write and close", "", ("<=", 10), times["signed"], limit=limit),
        Row("… of which close", "", ("<=", 10), closes[1:]),
        Row(title + ", unsigned", "unzip -tq", ("<=", 0.6), times["unsigned"], times["unzip -tq"]),
    ]


def make_small_ones(host, count):
    """Two variants of each; paths by variant."""
    variants = []
    for variant in range(2):
        directory = host.place(f"small-{variant}-{count}")
        os.mkdir(directory)
        for number in range(count):
            path = f"{directory}/small-{number:03d}.zip"
            artifacts.make_small(path, variant * count + number)
            write_signature(host.sign(path))
        variants.append(directory)
    return variants


COPY_EACH = 'from=$1 to=$2; shift 2; for f; do cp "$from/$f.zip" "$to/$f/function.zip" || exit 1; done'


def small_ones(host, fast, _, runs):
    """small signed functions, one after the other"""
    variants = make_small_ones(host, SMALL_COUNT)
    names = [f"small-{number:03d}" for number in range(SMALL_COUNT)]
    plain = host.place("plain-small")
    for name in names:
        fast.slot(name)
        os.makedirs(f"{plain}/{name}")
    check_each = COPY_EACH.replace(" || exit 1", f" && {cms_verify('$from/$f.zip.pem', host)} || exit 1")
    times = alternate({
        "slot": lambda turn: shell(COPY_EACH, variants[turn % 2], f"{fast.path}/functions", *names),
        "today": lambda turn: shell(check_each, variants[turn % 2], plain, *names),
        "cp": lambda turn: shell(COPY_EACH, variants[turn % 2], plain, *names),
    }, runs, before=os.sync)
    title = f"{SMALL_COUNT} small functions, one after the other"
    limit = [seconds + SMALL_COUNT * host.limits.verify_s for seconds in times["cp"]], "cp, and P-384 each"
    return [Row(title, "cp + openssl cms -verify each", ("<=", 0.3), times["slot"], times["today"], limit=limit)]


def two_at_once(host, fast, durable, runs):
    """two deployers against one"""
    count = SMALL_COUNT // 2 * 2
    half = count // 2
    variants = make_small_ones(host, count) if not os.path.isdir(host.place(f"small-0-{count}")) else [
        host.place(f"small-{variant}-{count}") for variant in range(2)]
    names = [f"small-{number:03d}" for number in range(count)]
    rows = []

    def deployer(mount, turn, mine):
        return begin("sh", "-c", COPY_EACH, "sh", variants[turn % 2], f"{mount.path}/functions", *mine)

    for mount, title in ((fast, ""), (durable, ", durability commit"))[:1 if QUICK else 2]:
        for name in names:
            mount.slot(name)
        times = alternate({
            # one of them does both halves, so that every slot gets news each time
            "one": lambda turn: timed(lambda: finish(deployer(mount, turn, names))),
            "two": lambda turn: timed(lambda: finish(deployer(mount, turn + 1, names[:half]),
                                                     deployer(mount, turn + 1, names[half:]))),
        }, runs, before=os.sync)
        rows.append(Row(f"two deployers at once, {half} small functions each{title}", "one deployer", (">=", 1.6),
                        times["two"], times["one"]))
    return rows


GROUPS = {"copies": copies, "verdicts": verdicts, "small": small_ones, "pair": two_at_once}
