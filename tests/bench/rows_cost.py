"""What it costs to have it: wake-ups when idle, memory, sizes, and the time until it serves."""
import os
import shutil
import subprocess
import time

import artifacts
import usage
from host import Mount
from measure import QUICK, Figure, can_drop_caches, run, timed
from peers import EXT4, KINDS, OURS, laid

IDLE_SECONDS = 3 if QUICK else 10
FILES, BYTES_EACH = 200, 20_000
WRITTEN_MIB = 64 if QUICK else 248  # an artifact has at most 250 MiB
MANY_SLOTS = 100 if QUICK else 1000
REPEATED = 5  # what takes milliseconds is done as often for each run


def cost(host, _, __, runs):
    """idle daemons, memory, sizes, time to start"""
    mount = Mount(host, "cost", "none")
    archive = host.place("cost.zip")
    artifacts.make_many(archive, FILES, BYTES_EACH, 7)
    with laid(host, mount, "many", host.sign(archive), KINDS) as places:
        host.notes += [f"{place.name}: {place.problem}." for place in places if place.problem is not None]
        for place in (place for place in places if place.problem is None and place.name != EXT4):
            open_one(place.root)
        served = [place for place in places if place.problem is None and place.pids()]
        figures = idle(served)
        figures += [first_answer(place, runs) for place in served]
    return figures + slots_answer(host, runs) + written(host, mount, runs) + programs(host, runs)


def open_one(root):
    """Something to have served before it is idle."""
    directory = next(entry.path for entry in os.scandir(root) if entry.is_dir())
    with open(next(os.scandir(directory)).path, "rb") as file:
        file.read()


def idle(places):
    """All of them at once, in the same seconds."""
    pids = {place.name: place.pids() for place in places}
    time.sleep(1)
    before = {name: usage.switches(of_place) for name, of_place in pids.items()}
    time.sleep(IDLE_SECONDS)
    woken = {name: usage.switches(of_place) - before[name] for name, of_place in pids.items()}
    figures = [Figure("costs", f"wake-ups of idle daemons in {IDLE_SECONDS} s", name, "switches", [count],
                      budget=0 if name == OURS else None) for name, count in woken.items()]
    for what, mib_of in (("RSS", usage.resident_mib), ("PSS", usage.shared_out_mib))[:2 if can_drop_caches() else 1]:
        figures += [Figure("costs", f"memory of idle daemons, {what}", name, "MiB", [mib_of(of_place)])
                    for name, of_place in pids.items()]
    return figures


def first_answer(place, runs):
    """From the start of the mount until a listing has come."""
    def come_up():
        place.up()
        run("ls", place.root)

    seconds = []
    for _ in range(runs):
        place.down()
        seconds.append(timed(come_up))
    return Figure("costs", "mount until ls answers", place.name, "ms", [one * 1000 for one in seconds])


def slots_answer(host, runs):
    """Stores of their own, one with one function and one with many."""
    archive = host.place("slots.zip")
    artifacts.make_small(archive, 1)
    host.sign(archive)
    figures = []
    for count in 1, MANY_SLOTS:
        mount = Mount(host, f"slots-{count}", "none")
        for number in range(count):
            shutil.copyfile(archive, f"{mount.slot(f'small-{number:04d}')}/function.zip")
        seconds = []
        for _ in range(runs):
            mount.down()
            seconds.append(timed(lambda: (mount.up(), run("ls", f"{mount.path}/functions"))))
        mount.down()
        slots = "1 slot" if count == 1 else f"{count:,} slots"
        figures.append(Figure("costs", f"mount of a store with {slots} until ls answers", OURS, "ms",
                              [one * 1000 for one in seconds]))
    return figures


def written(host, mount, runs):
    """The most that the daemons have had in memory while an artifact is written, above what they had before."""
    if not can_drop_caches():  # only root may set peaks back
        return []
    paths = [host.place(f"written-{variant}.zip") for variant in range(2)]
    for variant, path in enumerate(paths):
        artifacts.make_stored_files(path, 16, WRITTEN_MIB * artifacts.MIB // 16, variant)
        host.sign(path)
    above = []
    for turn in range(runs):
        mount.down()
        mount.up()
        pids = usage.pids_with(mount.path)
        slot = mount.slot("signed")
        before = usage.resident_mib(pids)
        usage.forget_peaks(pids)
        run("cp", paths[turn % 2], f"{slot}/function.zip")
        above.append(usage.peak_mib(pids) - before)
    return [Figure("costs", f"memory above idle while {WRITTEN_MIB} MiB are written, at most", OURS, "MiB", above,
                   budget=64)]


def size_mib(path):
    return os.path.getsize(os.path.realpath(path)) / artifacts.MIB


def programs(host, runs):
    stripped = host.place("vouchfs-stripped")
    run("strip", "-o", stripped, host.program)
    figures = [Figure("costs", "size of the program", OURS, "MiB", [size_mib(stripped)]),
               Figure("costs", "size of the program, with symbols", OURS, "MiB", [size_mib(host.program)])]
    for name in (kind.name for kind in KINDS if shutil.which(kind.name)):
        figures.append(Figure("costs", "size of the program", name, "MiB", [size_mib(shutil.which(name))]))
    for name, *command in (OURS, host.program, "--version"), ("/bin/true", "/bin/true"), ("bindfs", "bindfs", "-V"):
        if shutil.which(command[0]):
            seconds = [timed(lambda: run(*command, stderr=subprocess.DEVNULL)) for _ in range(runs * REPEATED)]
            figures.append(Figure("costs", "start of the program, --version", name, "ms",
                                  [one * 1000 for one in seconds]))
    return figures


GROUPS = {"cost": cost}
