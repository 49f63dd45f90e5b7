"""Who changes what counts: reloads, revocations, rollbacks, layers; and tools that try anything."""

import errno
import json
import os
import random
import signal
import subprocess
import time

from reads import pause, read_at
from scene import package
from uploads import content_of

BLOCK_MAX_S = 60
TOOL_MAX_S = 300
TOOL_S = 4


def eventually(tally, what, condition, most_s=BLOCK_MAX_S):
    until = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > until:
            tally.unexpected(f"{what}: not within {most_s} s")
            return False
        time.sleep(0.02)
    return True


# ---- reloads ----


def generation(scene):
    with open(f"{scene.mnt}/.vouchfs/status.json") as file:
        return json.load(file)["configGeneration"]


def reloading(scene, tally):
    """By signal and by command; what the new configuration says is so at once."""
    dice, turn, first = random.Random(tally.seat), 0, generation(scene)
    unsigned = package(9, "gate\n", 3000)
    while not tally.board.is_over():
        turn += 1
        is_open, has_extra = turn % 2 == 1, turn % 3 == 0
        with tally.op("reload"):
            scene.write_config("open" if is_open else "strict", has_extra)
            if dice.random() < 0.5:
                scene.run("reload")
            else:
                os.kill(scene.pids()[0], signal.SIGHUP)
            # the command may be told the outcome of a signal that came just before it
            wanted = first + turn
            eventually(tally, "reload", lambda: generation(scene) >= wanted)
        with tally.op("stat"):
            if os.path.isdir(scene.function("extra")) != has_extra:
                tally.unexpected(f"functions/extra after reload {turn}")
        through_the_gate(scene, tally, unsigned, is_open)
        pause(dice, 2)


def through_the_gate(scene, tally, unsigned, is_open):
    """Under Warn what is unsigned is taken and served; under Enforce neither."""
    kind = "deploy, unsigned, Warn" if is_open else "deploy, unsigned"
    with tally.op(kind, *() if is_open else (errno.ENOKEY,)) as op:
        scene.write_whole(scene.function("gate") + "/a.zip", unsigned)
    if not is_open and op.errno == 0:
        tally.wrong_bytes("gate took what is unsigned")
    content = read_at(tally, "read cold", scene.served("gate") + "/code.zip", None, *() if is_open else (errno.EACCES,))
    if is_open and content != unsigned:
        tally.wrong_bytes(f"gate serves {None if content is None else len(content)} bytes, not what it took")
    if not is_open and content is not None:
        tally.wrong_bytes("gate serves what is unsigned under Enforce")


# ---- revocations ----


def doom(scene, *words):
    with open(f"{scene.top}/doom.new", "w") as file:
        file.write(" ".join(words))
    os.rename(f"{scene.top}/doom.new", f"{scene.top}/doom")


def revoking(scene, tally):
    """A version of a profile signs, is served, and is revoked; then a newer one."""
    dice, turn, arn = random.Random(tally.seat), 0, scene.new_version("doomed")
    while not tally.board.is_over():
        turn += 1
        with tally.op("sign"):
            facts = scene.make_artifact(f"doomed-{turn}", 1000 + turn, dice.choice([300, 70000]), "doomed")
        with tally.op("deploy, written"):
            scene.write_whole(scene.function("doomed") + "/a.zip", content_of(facts))
        doom(scene, "served", str(turn))
        wait(tally, 1 + 2 * dice.random())
        doom(scene, "changing", str(turn))
        with tally.op("revoke"):
            doomed, arn = arn, scene.new_version("doomed")  # revoked without one, the profile would be over
            scene.run("signer", "revoke-signing-profile", "--profile-name", "doomed", "--profile-version",
                      doomed.rsplit("/", 1)[1], "--effective-time", "2026-01-01T00:00:00Z", "--reason", "load")
            scene.export_list()
        with tally.op("block what is revoked"):
            eventually(tally, "block", lambda: is_blocked(scene))
        doom(scene, "blocked", str(turn))
        with tally.op("deploy, revoked", errno.EKEYREVOKED) as op:
            scene.write_whole(scene.function("doomed") + "/b.zip", content_of(facts))
        if op.errno == 0:
            tally.wrong_bytes("what is revoked was taken")
        wait(tally, 1 + dice.random())
        doom(scene, "changing", str(turn))


def wait(tally, seconds):
    until = time.monotonic() + seconds
    while not tally.board.is_over() and time.monotonic() < until:
        time.sleep(0.05)


def is_blocked(scene):
    try:
        os.listdir(scene.served("doomed") + "/task")
        return False
    except PermissionError:
        return True


# ---- rollbacks, layers ----


def rolling(scene, tally):
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        with tally.op("deploy, written"):
            scene.write_whole(scene.function("rolled") + "/a.zip", content_of(dice.choice(scene.good)))
        with tally.op("rollback"):
            kept = json.load(open(f"{scene.mnt}/.vouchfs/history/functions/rolled.json"))
            number = dice.choice(numbers_of(kept)[1:])
            with open(f"{scene.mnt}/.vouchfs/rollback/functions/rolled", "w") as file:
                file.write(f"{number}\n")
        pause(dice, 0.6)


def numbers_of(history):
    return [release["release"] for release in history["releases"]]


def layering(scene, tally):
    """Lists that come, change and go, also of versions that were just removed."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        if dice.random() < 0.25:
            with tally.op("detach layers", errno.ENOENT):
                os.unlink(scene.function("layered") + "/layers")
        else:
            names = []
            with tally.op("list"):
                for layer in dice.sample(["base", "tools"], dice.choice([1, 2])):
                    version = dice.choice(os.listdir(f"{scene.mnt}/layers/{layer}")).split(".")[0]
                    names.append(f"{layer}:{version}\n")
            # EBADMSG: a version that is removed while it is judged reads as damaged
            with tally.op("attach layers", errno.ENOENT, errno.ESTALE, errno.EINVAL, errno.EBADMSG):
                with open(scene.function("layered") + "/layers", "w") as file:
                    file.write("".join(names))
        pause(dice, 0.4)


# ---- tools ----


def tool(scene, tally, kind, command):
    """However it ends; but it ends."""
    with tally.op(kind):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=scene.environment, cwd=scene.top, start_new_session=True)
        try:
            child.wait(TOOL_MAX_S)
        except subprocess.TimeoutExpired:
            tally.unexpected(f"{kind}: does not end")
            os.killpg(child.pid, signal.SIGKILL)


def running_fio(scene, tally):
    """Reads of a release, which have to be without errors; writes to a slot, which may have them."""
    dice = random.Random(tally.seat)
    common = ["fio", "--output=/dev/null", "--time_based", f"--runtime={TOOL_S}", "--bs=4k-64k", "--ioengine=psync"]
    while not tally.board.is_over():
        noise = os.path.realpath(f"{scene.served('scratch')}/task/lib/noise.bin")
        tool(scene, tally, "fio reads", [*common, "--name=r", "--readonly", f"--filename={noise}",
                                         f"--rw={dice.choice(['read', 'randread'])}", "--numjobs=2"])
        name = dice.choice(["fio.zip", ".fio", ".fio.part"])
        tool(scene, tally, "fio writes", [*common, "--name=w", f"--filename={scene.function('scratch')}/{name}",
                                          f"--rw={dice.choice(['write', 'randwrite', 'randrw'])}", "--size=4m",
                                          "--continue_on_error=all", "--fallocate=none"])
        pause(dice, 1)


STRESSORS = ("access chattr chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup fallocate fault fcntl fiemap "
             "file-ioctl filename flock fpunch fstat getdent handle hdd inode-flags inotify io iomix lease link locka "
             "lockf lockofd mknod open procfs rename seek sendfile symlink sync-file touch unlink utime verity "
             "xattr metamix readahead revio dir statx").split()


def running_stress(scene, tally):
    """The stressors of files and directories; their own directories are given names that a slot takes."""
    dice = random.Random(tally.seat)
    program = f"{scene.top}/stress"
    with open("/usr/bin/stress-ng", "rb") as file:
        content = file.read()
    with open(program, "wb") as file:
        file.write(content.replace(b"tmp-%s-%s-%d-%u\0", b".mp-%s-%s-%d-%u\0"))
    os.chmod(program, 0o755)
    while not tally.board.is_over():
        for stressor in dice.sample(STRESSORS, 3):
            where = dice.choice([scene.function("scratch"), scene.function("scratch"), scene.mnt, f"{scene.mnt}/layers/base"])
            tool(scene, tally, f"stress-ng {stressor}"[:32], [program, f"--{stressor}", "1", "--timeout", f"{TOOL_S // 2}",
                                                        "--temp-path", where, "--quiet"])
        pause(dice, 1)


ROLES = [("reloading", reloading), ("revoking", revoking), ("rolling", rolling), ("layering", layering)]
# A tool that is not there is left out.
TOOLS = {"fio": running_fio, "stress-ng": running_stress}
