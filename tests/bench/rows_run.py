"""The rows of the run side, in groups: what is served is read, in turns with the same tree on ext4 and with the peers.
A group is a function of (host, fast, durable, runs)."""
import mmap
import os

import artifacts
from artifacts import BIG_MIB
from measure import QUICK, Figure, Row, can_drop_caches
from peers import BARE, EXT4, OURS, Comparison, laid

NAMES_MAX = 1000 if QUICK else 5000
FASTER = (">=", 1)


def names_below(root):
    return sorted(os.path.relpath(os.path.join(directory, name), root)
                  for directory, _, names in os.walk(root) for name in names)


def rows_of(title, ext4, peer, outcome):
    """One row against each place. ext4, peer: budgets; what FUSE itself allows has none."""
    ours, bare = outcome.times[OURS], outcome.times.get(BARE.name)
    rows = []
    for name, theirs in outcome.times.items():
        if name == EXT4:
            rows.append(Row(title, name, ext4, ours, theirs, limit=bare and (bare, BARE.name)))
        elif name != OURS and name not in outcome.problems:
            rows.append(Row(title, name, (peer[0], None) if name == BARE.name else peer, ours, theirs, peer=True))
    return rows + [Row(title, name, peer, [], peer=True, problem=problem) for name, problem in outcome.problems.items()]


def cost_of(what, outcome, size_bytes):
    """CPU seconds for a GiB, ours first."""
    gib = size_bytes / artifacts.GIB
    return [Figure("costs", what, name, "CPU s/GiB", [one / gib for one in seconds])
            for name, seconds in sorted(outcome.cpu.items(), key=lambda item: item[0] != OURS)
            if seconds and name not in outcome.problems]


# ---- what is timed: functions of a root that return it ----

def by_path(work, names):
    """By whole paths, as they are found. At ours they have more components: run/, a link, .releases, the release."""
    return lambda root: lambda paths=tuple(os.path.join(root, name) for name in names): work(paths)


def from_inside(work, names):
    """With the tree as the working directory, which is what `vouchfs run` makes it."""
    def prepare(root):
        def timed():
            here = os.getcwd()
            os.chdir(root)
            try:
                work(names)
            finally:
                os.chdir(here)
        return timed
    return prepare


def read_all(paths):
    buffer = bytearray(artifacts.MIB)
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            while os.readv(fd, [buffer]) > 0:
                pass
        finally:
            os.close(fd)


def touch_mapped(paths):
    for path in paths:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            mapped[::mmap.PAGESIZE]  # pylint: disable=pointless-statement


def open_all(paths):
    for path in paths:
        os.close(os.open(path, os.O_RDONLY))


def stat_all(paths):
    for path in paths:
        os.stat(path)


def miss_all(paths):
    access = os.access
    for path in paths:
        access(path, os.F_OK)


# ---- the groups ----

def reads(host, fast, _, runs):
    """reading a big file below run/"""
    big = host.place("read.zip")
    artifacts.make_stored(big, BIG_MIB, 9)
    results = []
    with laid(host, fast, "signed", host.sign(big)) as places:
        names = names_below(places[1].root)
        for title, work in ((f"sequential read of {BIG_MIB} MiB, warm", read_all),
                            (f"mmap of {BIG_MIB} MiB, every page, warm", touch_mapped)):
            results += rows_of(title, (">=", 0.97), FASTER, Comparison(places, by_path(work, names), runs))
        if can_drop_caches():
            cold = Comparison(places, by_path(read_all, names), runs, cold=True, many_files=True)
            results += cost_of(f"read {BIG_MIB} MiB of large stored files, cold", cold, BIG_MIB * artifacts.MIB)
    return results


def tree(host, fast, _, runs):
    """a large tree of real files: names, and every file read"""
    archive = host.place("tree.zip")
    host.notes.append(f"The tree: {artifacts.make_real_tree(archive)}.")
    with laid(host, fast, "tree", host.sign(archive)) as places:
        names = names_below(places[1].root)
        title = f"every file of a tree, {len(names):,} files"
        results = names_of_tree(places, names[::max(1, len(names) // NAMES_MAX)][:NAMES_MAX], runs)
        if can_drop_caches():
            cold = Comparison(places, by_path(read_all, names), runs, cold=True, many_files=True)
            results += rows_of(title + ", cold", ("<=", 1.2), (">=", 3), cold)
            size_bytes = sum(os.path.getsize(os.path.join(places[1].root, name)) for name in names)
            results += cost_of(f"read a tree of {len(names):,} files, cold", cold, size_bytes)
        return results + rows_of(title + ", warm", ("<=", 1.5), (">=", 10),
                                 Comparison(places, by_path(read_all, names), runs, many_files=True))


def names_of_tree(places, names, runs):
    absent = [name + ".not" for name in names]
    forms = ((from_inside, ", from the working directory"),) if QUICK else (
        (by_path, ""), (from_inside, ", from the working directory"))
    rows = []
    for form, suffix in forms:
        for title, work, of_those, ext4, peer in (
                ("open and close of {:,} files, warm", open_all, names, (">=", 0.5), (">=", 20)),
                ("stat of {:,} files, warm", stat_all, names, (">=", 0.6), FASTER),
                ("{:,} missing names, warm", miss_all, absent, (">=", 0.7), FASTER)):
            rows += rows_of(title.format(len(names)) + suffix, ext4, peer,
                            Comparison(places, form(work, of_those), runs))
    return rows


GROUPS = {"reads": reads, "tree": tree}
