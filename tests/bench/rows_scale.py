"""How figures grow: with the functions of a mount, deployments made, sizes, entries, uploaders and layers. Each group
returns curves, and what has a budget at the largest size. A native line stands beside where there is one: the same
bytes or names on the store's filesystem."""
import multiprocessing
import os
import signal
import statistics
import time
import zipfile

import artifacts
import many
import usage
from artifacts import MIB
from host import Mount
from measure import QUICK, Curve, Figure, Row, point, run, timed
from peers import OURS
from rows_deploy import deploy_timed, shell

SLOTS = (500, 2000) if QUICK else (1000, 10_000, 30_000, 100_000)
DEPLOYMENTS = 40 if QUICK else 400  # at each number of slots
IN_A_ROW, BLOCK = (200, 50) if QUICK else (10_000, 1000)
SIZES_MIB = (1, 10) if QUICK else (1, 10, 60, 120, 240)
ENTRIES = (100, 1000) if QUICK else (100, 1000, 10_000, 30_000, 65_000)
UPLOADERS = (1, 4) if QUICK else (1, 2, 4, 8, 16, 32, 64)
UPLOADS = 8 if QUICK else 192  # of all uploaders together
LAYERS = (10, 30) if QUICK else (10, 100, 1000)
TEMPLATES = 8
MEMORY_BUDGET_MIB, MOUNT_BUDGET_MS, LIST_BUDGET_MS = 200, 3000, 1000


def read(path):
    with open(path, "rb") as file:
        return file.read()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def milliseconds(values):
    return [value * 1000 for value in values]


def small_pair(host, name):
    """Two signed functions of 10 KiB, so that each can follow the other."""
    return [read(host.sign(small(host, f"{name}-{seed}.zip", seed))) for seed in range(2)]


def small(host, name, seed):
    artifacts.make_small(host.place(name), seed)
    return host.place(name)


def write_one(path, content):
    """Seconds until close has returned."""
    begun = time.perf_counter()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    at = 0
    while at < len(content):
        at += os.write(fd, content[at:at + MIB])
    os.close(fd)
    return time.perf_counter() - begun


def name_of(number):
    return f"small-{number:06d}"


class Points:
    """Curves that are gathered size by size."""

    def __init__(self, x_label):
        self.x_label, self.curves = x_label, {}

    def add(self, name, y_label, x, values, series=None):
        self.curves.setdefault((name, y_label, series), []).append(point(x, values))

    def all(self):
        return [Curve(name, self.x_label, y_label, points, series=series)
                for (name, y_label, series), points in self.curves.items()]


# ---- functions ----

def begin_store(mount, store, pair):
    """A store with a few functions that the others are made from."""
    names = [name_of(number) for number in range(TEMPLATES)]
    for number, name in enumerate(names):
        write_one(f"{mount.slot(name)}/function.zip", pair[number % 2])
    mount.down()
    return [many.Template(store, name) for name in names]


def remount(mount):
    mount.down()
    return timed(lambda: (mount.up(), os.listdir(mount.path)))


def measure_slots(host, mount, count, pair, runs, points):
    """Returns seconds to mount, seconds to list, MiB."""
    store = host.place("scale-store")
    native = host.place("native.zip")
    run("ls", f"{store}/functions")
    mounts, lists, memory = [], [], []
    for _ in range(runs):
        mounts.append(remount(mount))
        pids = usage.pids_with(mount.conf)
        lists.append(timed(lambda: run("ls", f"{mount.path}/functions")))
        memory.append(usage.resident_mib(pids))
    plain = [timed(lambda: run("ls", f"{store}/functions")) for _ in range(runs)]
    step = max(1, count // DEPLOYMENTS)
    times = [write_one(f"{mount.slot(name_of(number))}/function.zip", pair[turn % 2])
             for turn, number in enumerate(range(0, count, step))]
    copies = [write_one(native, pair[turn % 2]) for turn in range(DEPLOYMENTS)]
    points.add("mount, until it answers", "ms", count, milliseconds(mounts))
    points.add("ls of all functions", "ms", count, milliseconds(lists), "ls functions, the first")
    points.add("ls of all functions", "ms", count, milliseconds(plain), "ext4, the same names")
    points.add("memory with all functions listed", "MiB", count, memory)
    for part, title in (0.5, "p50"), (0.99, "p99"):
        points.add("deployment of 10 KiB, by functions", "ms", count, [percentile(milliseconds(times), part)], title)
    points.add("deployment of 10 KiB, by functions", "ms", count, [statistics.median(milliseconds(copies))],
               "ext4, write alone")
    return mounts, lists, memory


def slots(host, _, __, runs):
    """mount, memory, listing and deployment by the number of functions"""
    pair = small_pair(host, "scale")
    mount = Mount(host, "scale", "none")
    store = host.place("scale-store")
    templates = begin_store(mount, store, pair)
    points, there = Points("functions, a release each"), TEMPLATES
    for count in SLOTS:
        many.fill(store, templates, there, map(name_of, range(there, count)))
        there = count
        mount.up()
        mounts, lists, memory = measure_slots(host, mount, count, pair, min(runs, 3), points)
        mount.down()
    title = f"{SLOTS[-1]:,} functions with a release each: "
    return points.all() + [
        Row(title + "mount", "", ("<=", MOUNT_BUDGET_MS), mounts),
        Row(title + "first ls functions", "", ("<=", LIST_BUDGET_MS), lists),
        Figure("costs", f"memory, {SLOTS[-1]:,} functions listed, RSS", OURS, "MiB", memory,
               budget=MEMORY_BUDGET_MIB),
    ]


# ---- deployments in a row ----

def held(pids):
    """Descriptors."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def in_a_row(host, fast, _, __):
    """one deployment after the other, to one function and round 100"""
    pair, points = small_pair(host, "row"), Points("deployments so far")
    pids = usage.pids_with(fast.conf)
    before = held(pids)
    for title, functions, count in ("one function", 1, IN_A_ROW), ("100 functions in turn", 100, IN_A_ROW // 2):
        paths = [f"{fast.slot(name_of(number))}/function.zip" for number in range(functions)]
        for done in range(0, count, BLOCK):
            times = milliseconds(write_one(paths[turn % len(paths)], pair[turn // len(paths) % 2])
                                 for turn in range(done, done + BLOCK))
            for part, of in (0.5, "p50"), (0.99, "p99"):
                points.add("deployments in a row", "ms", done + BLOCK, [percentile(times, part)], f"{title}, {of}")
            points.add("memory after deployments in a row", "MiB", done + BLOCK, [usage.resident_mib(pids)], title)
    return points.all() + [Figure("costs", f"descriptors more after {IN_A_ROW * 3 // 2:,} deployments", OURS, "files",
                                  [held(pids) - before])]


# ---- one artifact ----

def sizes(host, fast, _, runs):
    """deployment and verdict by the size of the artifact"""
    points, slot, copy = Points("MiB in stored entries"), fast.slot("signed"), host.place("copy.zip")
    for size in SIZES_MIB:
        pair = [host.place(f"size-{seed}.zip") for seed in range(2)]
        for seed, path in enumerate(pair):
            make_stored(path, size, seed)
            host.sign(path)
        contents = [read(path) for path in pair]
        whole, native, verdict = [], [], []
        for turn in range(runs + 1):
            os.sync()
            whole.append(shell('cp "$1" "$2/function.zip"', pair[turn % 2], slot))
            native.append(shell('cp "$1" "$2"', pair[turn % 2], copy))
            verdict.append(deploy_timed(slot, contents[(turn + 1) % 2])[0])
        points.add("deployment by size", "ms", size, milliseconds(whole[1:]), "cp into a slot")
        points.add("deployment by size", "ms", size, milliseconds(native[1:]), "cp to ext4")
        points.add("verdict by size", "ms", size, milliseconds(verdict[1:]), "last write and close")
    return points.all()


def make_stored(path, size_mib, seed):
    if size_mib >= 8:
        artifacts.make_stored(path, size_mib, seed)
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.bin", bytes([seed]) + os.urandom(size_mib * MIB - 1))


def entries(host, fast, _, runs):
    """verdict and first access by the number of entries"""
    points, slot = Points("entries of one artifact"), fast.slot("signed")
    for count in ENTRIES:
        contents = []
        for seed in range(2):
            path = host.place("entries.zip")
            with zipfile.ZipFile(path, "w") as archive:
                for number in range(count):
                    archive.writestr(f"package-{number % 251:03d}/file-{number:05d}.txt", f"{seed} {number}\n")
            contents.append(read(host.sign(path)))
        verdict, first = [], []
        for turn in range(runs):
            verdict.append(deploy_timed(slot, contents[turn % 2])[0])
            first.append(timed(lambda: read(f"{fast.task('signed')}/package-007/file-00007.txt")))
        points.add("verdict by entries", "ms", count, milliseconds(verdict), "last write and close")
        points.add("first access by entries", "ms", count, milliseconds(first), "one file, read")
    return points.all()


# ---- uploaders ----

def upload(task):
    slot, paths, count = task
    contents = [read(path) for path in paths]
    return [write_one(f"{slot}/function.zip", contents[turn % 2]) for turn in range(count)]


def uploaders(host, fast, durable, _):
    """processes that deploy 1 MiB each at the same time"""
    points, paths = Points("uploaders at once"), [host.place(f"upload-{seed}.zip") for seed in range(2)]
    for seed, path in enumerate(paths):
        make_stored(path, 1, seed)
        host.sign(path)
    for mount, title in (fast, "durability none"), (durable, "durability commit"):
        for count in UPLOADERS:
            tasks = [(mount.slot(name_of(number)), paths, max(1, UPLOADS // count)) for number in range(count)]
            pool = multiprocessing.get_context("fork").Pool(count, signal.signal, (signal.SIGTERM, signal.SIG_DFL))
            begun = time.perf_counter()
            times = [one for of_one in pool.map(upload, tasks, chunksize=1) for one in of_one]
            seconds = time.perf_counter() - begun
            pool.close()  # not by its terminate, which may stop one that holds the queue the others wait for
            pool.join()
            points.add("deployments of 1 MiB a second", "1/s", count, [len(times) / seconds], title)
            for part, of in (0.5, "p50"), (0.99, "p99"):
                points.add("deployment of 1 MiB, by uploaders", "ms", count, [percentile(milliseconds(times), part)],
                           f"{title}, {of}")
    return points.all()


# ---- layers ----

def layers(host, _, __, runs):
    """publishing and mounting by the number of layers"""
    mount = Mount(host, "layered", "none")
    mount.down()
    with open(mount.conf, "a", encoding="ascii") as file:
        file.write("[layer layer-*]\n")
    mount.up()
    pair, points, there = small_pair(host, "layer"), Points("layers with a version each"), 0
    for count in LAYERS:
        times = []
        for number in range(there, count):
            slot = f"{mount.path}/layers/layer-{number:04d}"
            os.mkdir(slot)
            times.append(write_one(f"{slot}/1.zip", pair[number % 2]))
        there = count
        mounts = [remount(mount) for _ in range(min(runs, 3))]
        for part, of in (0.5, "p50"), (0.99, "p99"):
            points.add("publishing a layer version", "ms", count, [percentile(milliseconds(times), part)], of)
        points.add("mount, by layers", "ms", count, milliseconds(mounts))
    mount.down()
    return points.all()


GROUPS = {"slots": slots, "row": in_a_row, "sizes": sizes, "entries": entries, "uploaders": uploaders, "layers": layers}
