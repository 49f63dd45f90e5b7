"""The uploaders: what is good is taken, what is not is refused with its own errno, and who is killed leaves nothing."""

import errno
import os
import random
import signal
import subprocess
import time

from reads import pause
from scene import STEADY

# Two lookups of a name that others replace all the time may both be of one that is gone: the kernel tries twice.
RACE = (errno.ESTALE, errno.ENOENT)
REFUSED = {"unsigned": errno.ENOKEY, "tampered": errno.EBADMSG, "garbage": None, "cut": None}
CHILD_MAX_S = 300


def content_of(facts):
    with open(facts["path"], "rb") as file:
        return file.read()


def writing(scene, tally):
    """Good ones, as cp writes them, two of us in the same slots."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        path = f"{scene.function(dice.choice(STEADY))}/{dice.choice('ab')}.zip"
        with tally.op("deploy, written", *RACE):
            scene.write_whole(path, content_of(dice.choice(scene.good)))
        pause(dice, 0.1)


def renaming(scene, tally):
    """Good ones, under a staging name first."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        slot = scene.function(dice.choice(STEADY))
        part = f"{slot}/.{tally.seat}.part"
        with tally.op("deploy, renamed", *RACE):
            scene.write_whole(part, content_of(dice.choice(scene.good)))
            os.rename(part, f"{slot}/a.zip")
        pause(dice, 0.1)


def refused(scene, tally):
    """Bad ones: the copy fails, and with the errno of what is wrong."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        what = dice.choice(sorted(scene.bad))
        numbers = [REFUSED[what]] if REFUSED[what] else [errno.EBADMSG, errno.ENOKEY, errno.EINVAL]
        slot = scene.function(dice.choice(STEADY))
        with tally.op(f"deploy, {what}", *numbers, *RACE) as op:
            if dice.random() < 0.5:
                scene.write_whole(f"{slot}/bad.zip", scene.bad[what])
            else:
                scene.write_whole(f"{slot}/.bad-{tally.seat}", scene.bad[what])
                os.rename(f"{slot}/.bad-{tally.seat}", f"{slot}/bad.zip")
        if op.errno == 0:
            tally.wrong_bytes(f"{what} was taken")
        pause(dice, 0.1)


def killed(scene, tally):
    """A writer that dies in the middle, by SIGKILL, under a name that would be deployed, or a staging one."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        content = content_of(dice.choice(scene.good))
        name = dice.choice(["a.zip", f".killed-{dice.randrange(100)}", f".kill/{dice.randrange(100)}"])
        path = f"{scene.function(dice.choice(STEADY))}/{name}"
        upto = dice.randrange(len(content))
        with tally.op("deploy, killed", *RACE):
            die_writing(path, content[:upto])
        pause(dice, 0.2)


def die_writing(path, content):
    child = os.fork()
    if child == 0:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(out, content)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def rsyncing(scene, tally):
    """rsync, which every third time is killed while it is at it."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        facts, slot = dice.choice(scene.good), scene.function(dice.choice(STEADY))
        command = ["rsync", "-c", "--inplace" if dice.random() < 0.2 else "--no-inplace", facts["path"], slot + "/r.zip"]
        with tally.op("rsync"):
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, env=scene.environment)
            if dice.random() < 0.33:
                time.sleep(dice.random() * 0.1)
                child.kill()
                child.communicate(timeout=CHILD_MAX_S)
                continue
            said = child.communicate(timeout=CHILD_MAX_S)[1]
            # 23, 24: another one has replaced what it had just written, before it looked at it again
            if child.returncode not in (0, 23, 24):
                tally.unexpected(f"rsync: exit {child.returncode}: {said!r}")
        pause(dice, 0.3)


def publishing(scene, tally):
    """Versions of layers; all but the newest few are removed again."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        layer = f"{scene.mnt}/layers/{dice.choice(['base', 'tools'])}"
        with tally.op("publish layer", *RACE):
            scene.write_whole(f"{layer}/new.zip", content_of(dice.choice(scene.layers)))
        versions = []
        with tally.op("list"):
            versions = sorted(int(name.split(".")[0]) for name in os.listdir(layer))
        for version in versions[:-3]:
            with tally.op("remove layer version", errno.ENOENT):
                os.unlink(f"{layer}/{version}.zip")
        pause(dice, 0.5)


def making(scene, tally):
    """Slots of functions that come and go, with all that is in them."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        slot = scene.function(f"team-{dice.randrange(5)}")
        facts = dice.choice(scene.good)
        with tally.op("make slot"):
            os.mkdir(slot)
        with tally.op("deploy, first"):
            scene.write_whole(slot + "/a.zip", content_of(facts))
        with tally.op("read"):
            with open(f"{scene.served(os.path.basename(slot))}/code.zip", "rb") as file:
                if file.read() != content_of(facts):
                    tally.wrong_bytes(f"{slot}: code.zip is not what was deployed")
        with tally.op("remove slot"):
            os.unlink(slot + "/a.zip")
            os.rmdir(slot)
        pause(dice, 0.3)


ROLES = [("writing", writing), ("writing", writing), ("renaming", renaming), ("refused", refused), ("killed", killed),
         ("rsyncing", rsyncing), ("publishing", publishing), ("making", making)]
