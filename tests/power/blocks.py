"""Every block that a small ext4 writes, from dm-log-writes in User-Mode Linux, and an image of each moment.

The log: a block {magic, version, number of entries, sector size}, then for each entry a sector {sector, sectors, flags,
length} and its data; a mark's text stands in its own sector. A write that no flush has followed is logged when one
does, so what lies between two flushes may be on the disk or not, in any order: beside every prefix of the log, images
are made in which one or two of those writes are missing.
"""
import itertools
import os
import random
import shutil
import struct
import subprocess

import judge
from scene import run
from sweep import Tally

HERE = os.path.dirname(os.path.realpath(__file__))
MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
LOG_BYTES = 256 << 20
PLAY_SECONDS = 300


def read_log(path):
    """(sector, data, flags), in the order in which they were logged."""
    with open(path, "rb") as log:
        magic, version, count, size = struct.unpack("<QQQI", log.read(28))
        if magic != MAGIC or version != 1:
            raise RuntimeError(f"{path} is no log of writes")
        at = size
        for _ in range(count):
            log.seek(at)
            head = log.read(size)
            sector, sectors, flags, length = struct.unpack("<QQQQ", head[:32])
            if flags & MARK:
                data = head[32:32 + length]
            else:
                data = b"" if flags & DISCARD else log.read(sectors * size)
            at += size + (0 if flags & (MARK | DISCARD) else sectors * size)
            yield sector * size, data, flags


class Moment:
    """What is on the disk if the power goes here: the writes of the log before `end`, without `dropped`."""

    def __init__(self, end, acknowledged, dropped=()):
        self.end, self.acknowledged, self.dropped = end, acknowledged, dropped

    def __str__(self):
        return f"write {self.end}" + (f" without {', '.join(map(str, self.dropped))}" if self.dropped else "")


def moments(log, drops, seed=1):
    """Behind every write; and, chosen at random, `drops` moments before a flush that lack one or two writes."""
    found, variants, pending, acknowledged = [Moment(0, 0)], [], [], 0
    for number, (_, data, flags) in enumerate(log):
        if flags & MARK:
            if data.startswith(b"ack-"):
                acknowledged = int(data[4:].rstrip(b"\0"))
            continue
        if flags & FLUSH:
            lost = itertools.chain(itertools.combinations(pending, 1), itertools.combinations(pending, 2))
            variants += [Moment(number, acknowledged, dropped) for dropped in itertools.islice(lost, 200)]
            pending = []
        if data:
            found.append(Moment(number + 1, acknowledged))
            if not flags & FUA:
                pending.append(number)
    if len(variants) > drops:
        variants = random.Random(seed).sample(variants, drops)
    return found + variants


def write_image(base, log, moment, path):
    image = bytearray(base)
    for number, (at, data, flags) in enumerate(log[:moment.end]):
        if not flags & MARK and number not in moment.dropped:
            image[at:at + len(data)] = data
    with open(path, "wb") as file:
        file.write(image)


class Play:
    """The changes of a scene, one after the other, in User-Mode Linux."""

    def __init__(self, scene, bug=None):
        self.scene, self.bug = scene, bug

    def write_files(self):
        scene = self.scene
        with open(f"{scene.top}/commands", "w") as file:
            for change in scene.changes:
                file.write(f"{int(change.is_refusal)} {scene.words(change.command)}\n")
        environment = {name: value for name, value in scene.environment.items()
                       if name.startswith(("VOUCHFS", "XDG"))}
        environment |= {"TOP": scene.top, "VOUCHFS": scene.vouchfs}
        if self.bug:
            environment["VOUCHFS_TEST_BUG"] = self.bug
        with open(f"{scene.top}/init", "w") as file:
            lines = [f"export {name}='{value}'" for name, value in environment.items()]
            file.write("\n".join(["#!/bin/sh", *lines, f"exec {HERE}/play"]) + "\n")
        os.chmod(f"{scene.top}/init", 0o755)

    def run(self):
        """The log of what was written."""
        scene = self.scene
        self.write_files()
        scene.restore_configuration()
        shutil.copyfile(scene.base, f"{scene.top}/disk.img")
        with open(f"{scene.top}/log.img", "wb") as file:
            file.truncate(LOG_BYTES)
        run("cc", "-O2", "-shared", "-fPIC", "-o", f"{scene.top}/registers.so", f"{HERE}/uml_registers.c")
        done = subprocess.run(
            ["linux.uml", "mem=512M", "rootfstype=hostfs", "rootflags=/", f"init={scene.top}/init",
             f"ubd0={scene.top}/disk.img", f"ubd1={scene.top}/log.img", "con=null", "con0=null,fd:1", "ssl=null",
             "quiet"],
            env=dict(os.environ, LD_PRELOAD=f"{scene.top}/registers.so", TMPDIR=scene.top), timeout=PLAY_SECONDS,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if not os.path.exists(f"{scene.top}/played"):
            raise RuntimeError(f"User-Mode Linux did not come to the end: {done.stdout[-3000:]}{done.stderr[-1000:]}")
        os.unlink(f"{scene.top}/played")
        return list(read_log(f"{scene.top}/log.img"))


def states_of(scene):
    """The state before the first change and behind each of them, and how many decisions are recorded by then."""
    states, decisions = [], []
    image = f"{scene.top}/now.img"
    shutil.copyfile(scene.base, image)
    scene.attach(image)
    for change in [None, *scene.changes]:
        scene.restore_configuration()
        if change:
            scene.start()
            run("sh", "-c", scene.words(change.command), env=scene.environment, check=False)
            scene.stop()
            scene.restore_configuration()
        scene.start()
        states.append(scene.found())
        decisions.append(scene.records()[1])
        scene.stop()
    scene.detach()
    return states, decisions


def examine(scene, states, decisions, acknowledged, again):
    """The changes that were acknowledged are there; the one behind them may be."""
    scene.restore_configuration()
    scene.attach(f"{scene.top}/now.img")
    try:
        return judge.examine(scene, states[:acknowledged + 2], acknowledged, decisions[acknowledged], again)
    finally:
        scene.detach()


def replay(scene, options, bug=None):
    tally = Tally(f"blocks{f' with bug {bug}' if bug else ''}")
    states, decisions = states_of(scene)
    log = Play(scene, bug).run()
    with open(scene.base, "rb") as file:
        base = file.read()
    for number, moment in enumerate(moments(log, options.drops)):
        if number % options.step:
            continue
        write_image(base, log, moment, f"{scene.top}/now.img")
        verdict = examine(scene, states, decisions, moment.acknowledged, tally.wants_again())
        tally.add(verdict, verdict.index == moment.acknowledged + 1, str(moment))
    return tally
