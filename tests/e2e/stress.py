"""Many clients of one mount at once: stress.py MNT ZIPS VOUCHFS CONF. Ends with 0 when each saw what it may see."""

import errno
import multiprocessing
import os
import random
import subprocess
import sys
import traceback

MNT, ZIPS, VOUCHFS, CONF = sys.argv[1:5]
MAIN = MNT + "/functions/main"
ROUNDS = 12
GOOD = [open("%s/%d.zip" % (ZIPS, i), "rb").read() for i in range(4)]
BAD = open(ZIPS + "/bad.zip", "rb").read()


def create(path):
    """ESTALE: the name has gone twice between lookup and open; the kernel tries again once."""
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        except OSError as e:
            if e.errno != errno.ESTALE:
                raise


def write(path, content):
    """Like cp: in pieces, and the error of any of its calls comes out."""
    out = create(path)
    try:
        for at in range(0, len(content), 20000):
            os.write(out, content[at : at + 20000])
    finally:
        os.close(out)


def allowed(numbers, function, *arguments):
    """Calls, and lets these errors pass: whoever else is there has been faster."""
    try:
        return function(*arguments)
    except OSError as e:
        if e.errno not in numbers:
            raise
        return None


def writer(me):
    for _ in range(ROUNDS):
        write("%s/w%d.zip" % (MAIN, me), random.choice(GOOD))


def same_name_writer(me):
    for _ in range(ROUNDS):
        write(MAIN + "/shared.zip", random.choice(GOOD))


def renamer(me):
    for _ in range(ROUNDS):
        os.makedirs(MAIN + "/.tmp%d" % me, exist_ok=True)
        write("%s/.tmp%d/part" % (MAIN, me), random.choice(GOOD))
        os.rename("%s/.tmp%d/part" % (MAIN, me), MAIN + "/shared.zip")
        os.rmdir(MAIN + "/.tmp%d" % me)


def refused(me):
    for i in range(ROUNDS):
        temp = "%s/.bad%d" % (MAIN, me)
        for attempt in (lambda: write("%s/bad%d.zip" % (MAIN, me), BAD), lambda: os.rename(temp, MAIN + "/shared.zip")):
            write(temp, BAD)
            try:
                attempt()
                raise AssertionError("an unsigned artifact was taken")
            except OSError as e:
                assert e.errno == errno.ENOKEY, e
        os.unlink(temp)


def unlinker(me):
    for _ in range(ROUNDS * 2):
        for name in os.listdir(MAIN):
            allowed([errno.ENOENT], os.unlink, MAIN + "/" + name)


def read_release(path):
    """One release is all of a piece; that it is pruned meanwhile is the only excuse."""
    marker = open(path + "/task/marker").read()
    assert marker == open(path + "/task/twin").read()
    code = open(path + "/code.zip", "rb").read()
    assert code == GOOD[int(marker)], "code.zip is not what the marker says"
    assert open(path + "/task/numbers").readline() == marker


def reader(me):
    for _ in range(ROUNDS * 5):
        target = allowed([errno.ENOENT], os.readlink, MNT + "/run/main")
        if target:
            allowed([errno.ENOENT], read_release, MNT + "/run/" + target)
        for number in allowed([errno.ENOENT], os.listdir, MNT + "/run/.releases/main") or []:
            allowed([errno.ENOENT], os.stat, MNT + "/run/.releases/main/" + number)


def deploy_reader(me):
    for _ in range(ROUNDS * 3):
        for name in os.listdir(MAIN):
            with_name = allowed([errno.ENOENT], lambda: open(MAIN + "/" + name, "rb").read())
            assert with_name is None or len(with_name) <= max(map(len, GOOD))
        for name in "status", "status.json", "why/functions/main":
            allowed([errno.ENOENT], lambda: open(MNT + "/.vouchfs/" + name).read())
        os.listdir(MNT + "/functions")


def maker(me):
    slot = "team-%d" % me
    for i in range(ROUNDS // 2):
        os.mkdir(MNT + "/functions/" + slot)
        write("%s/functions/%s/a.zip" % (MNT, slot), GOOD[i % 4])
        assert open("%s/run/%s/task/marker" % (MNT, slot)).read() == "%d\n" % (i % 4)
        assert os.readlink("%s/run/%s" % (MNT, slot)) == ".releases/%s/1" % slot
        os.unlink("%s/functions/%s/a.zip" % (MNT, slot))
        os.rmdir(MNT + "/functions/" + slot)
        assert not os.path.lexists("%s/run/%s" % (MNT, slot))


def reloader(me):
    for _ in range(ROUNDS // 2):
        subprocess.run([VOUCHFS, "reload", "-c", CONF], check=True)


def run(part, me):
    try:
        random.seed(me)
        part(me)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


PARTS = [writer, writer, same_name_writer, renamer, renamer, refused, unlinker, reader, reader]
PARTS += [deploy_reader, maker, maker, reloader]
processes = [multiprocessing.Process(target=run, args=(part, me)) for me, part in enumerate(PARTS)]
for process in processes:
    process.start()
for process in processes:
    process.join()
sys.exit(any(process.exitcode for process in processes))
