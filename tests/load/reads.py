"""The readers. What is read is compared with what the release says that it is: its job's artifact, which was made, and
taken apart by Python, before anything was deployed."""

import errno
import json
import mmap
import os
import random
import time

from scene import STEADY, digest

# A release that has fallen out of keep_releases is not found any more, by path or by what is held of it.
GONE = (errno.ENOENT, errno.ESTALE)
RELEASES_HELD = 6  # how many more are deployed before a holder looks again
HOLD_MAX_S = 20


def pause(dice, most_s=0.02):
    time.sleep(dice.random() * most_s)


# ---- ways to read ----


def by_read(fd, size):
    return b"".join(iter(lambda: os.read(fd, 65536), b""))


def by_pread(fd, size):
    pieces = [os.pread(fd, 10007, at) for at in reversed(range(0, size, 10007))]
    return b"".join(reversed(pieces))


def by_map(fd, size):
    if size == 0:
        return b""
    with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) as pages:
        return pages[:]


def by_cold_read(fd, size):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    return by_read(fd, size)


# Pages of one that is being blocked are SIGBUS, so what may be blocked is never mapped.
WAYS = {"read": by_read, "pread": by_pread, "mmap": by_map, "read cold": by_cold_read}


def read_at(tally, way, path, dir_fd, *expected):
    """The content, or None."""
    fd, content = -1, None
    with tally.op(way, *expected):
        try:
            fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
            content = WAYS[way](fd, os.fstat(fd).st_size)
        finally:
            if fd >= 0:
                os.close(fd)
    return content


# ---- releases ----


def open_release(scene, tally, function, *expected):
    """A descriptor of the release that is current, or -1."""
    fd = -1
    with tally.op("open release", *GONE, *expected):
        fd = os.open(scene.served(function), os.O_RDONLY | os.O_DIRECTORY)
    return fd


def says(tally, folder, *expected):
    content = read_at(tally, "read", "release.json", folder, *GONE, *expected)
    return json.loads(content) if content is not None else None


def expected_files(scene, tally, release):
    """Paths below the release to size and sha256; None: nobody here has made what it says it is."""
    facts = release["signature"] and scene.facts_of_job(release["signature"]["jobArn"])
    if not facts:
        tally.wrong_bytes(f"release {release['function']} {release['release']} is of nobody's making")
        return None
    files = {f"task/{name}": what for name, what in facts["files"].items()}
    files["code.zip"] = [facts["size"], facts["sha256"]]
    for layer in release["layers"]:
        of_layer = scene.facts_of_job(layer["jobArn"])
        files.update({f"opt/{name}": what for name, what in of_layer["files"].items()})
    return files


def compare(tally, what, content, expected):
    size, sha256 = expected
    tally.compared(len(content))
    if len(content) != size or digest(content) != sha256:
        tally.wrong_bytes(f"{what}: {len(content)} bytes, {digest(content)[:16]}, not {size}, {sha256[:16]}")


def names_below(folder):
    found = []
    for top in ("task", "opt"):
        for at, _, names, _ in os.fwalk(top, dir_fd=folder, onerror=raising):
            found += [f"{at}/{name}" for name in names]
    return sorted(found)


def raising(error):
    raise error


def compare_release(scene, tally, folder, dice, ways, *expected):
    """True: all of it was read and compared."""
    release = says(tally, folder, *expected)
    files = expected_files(scene, tally, release) if release else None
    if files is None:
        return False
    where = f"{release['function']} {release['release']}"
    listed = None
    with tally.op("list tree", *GONE, *expected):
        listed = names_below(folder)
    if listed is not None and listed != sorted(name for name in files if name != "code.zip"):
        tally.wrong_bytes(f"{where}: lists {listed}")
    for name in dice.sample(sorted(files), len(files)):
        content = read_at(tally, dice.choice(ways), name, folder, *GONE, *expected)
        if content is None:
            return False
        compare(tally, f"{where} {name}", content, files[name])
    return True


# ---- roles ----


def whole(scene, tally):
    """Releases, every file of them."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        folder = open_release(scene, tally, dice.choice([*STEADY, "layered", "rolled"]))
        if folder >= 0:
            compare_release(scene, tally, folder, dice, list(WAYS))
            os.close(folder)
        pause(dice)


def number_of(scene, tally, function):
    number = 0
    with tally.op("readlink"):
        number = int(os.readlink(scene.served(function)).rsplit("/", 1)[1])
    return number


def hold(scene, tally):
    """One release: its folder, open files and mapped ones, while others come and it falls out of what is kept."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        function = dice.choice(STEADY)
        folder = open_release(scene, tally, function)
        if folder < 0:
            continue
        release = says(tally, folder)
        files = expected_files(scene, tally, release) if release else None
        if files:
            held = open_files(tally, folder, dice.sample(sorted(files), 3))
            wait_for_others(scene, tally, function, release["release"])
            look_again(tally, held, files, f"{function} {release['release']}, held")
        os.close(folder)
        pause(dice)


def open_files(tally, folder, names):
    held = []
    for name in names:
        with tally.op("open to hold", *GONE):
            fd = os.open(name, os.O_RDONLY, dir_fd=folder)
            size = os.fstat(fd).st_size
            held.append((name, fd, mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ) if size else None))
    return held


def wait_for_others(scene, tally, function, since):
    until = time.monotonic() + HOLD_MAX_S
    while not tally.board.is_over() and time.monotonic() < until:
        if number_of(scene, tally, function) >= since + RELEASES_HELD:
            return
        time.sleep(0.05)


def look_again(tally, held, files, where):
    for name, fd, pages in held:
        with tally.op("read what is held"):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            compare(tally, f"{where} {name}", by_pread(fd, os.fstat(fd).st_size), files[name])
            if pages is not None:
                compare(tally, f"{where} {name}, mapped", pages[:], files[name])
        if pages is not None:
            pages.close()
        os.close(fd)


LISTED = ("", "functions", "layers", "layers/base", "run", "run/.releases", "run/.releases/steady-0", ".vouchfs",
          ".vouchfs/why/functions", ".vouchfs/history/functions", "functions/steady-1", "functions/scratch",
          "run/steady-2/task/lib", "run/layered/opt")
SHOWN = ("status", "status.json", "health", "metrics", "recent", "why/functions/steady-0", "history/functions/rolled",
         "history/functions/steady-1.json", "rollback/functions/rolled", "reload")


def look(scene, tally):
    """Lists, looks at everything listed, and reads what the daemon says of itself."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        directory, names = f"{scene.mnt}/{dice.choice(LISTED)}", []
        with tally.op("list", *GONE):
            names = os.listdir(directory)
        for name in names:
            with tally.op("stat", *GONE):
                os.lstat(f"{directory}/{name}")
        with tally.op("read .vouchfs", *GONE):
            with open(f"{scene.mnt}/.vouchfs/{dice.choice(SHOWN)}", "rb") as file:
                file.read()
        with tally.op("statfs"):
            os.statvfs(directory if names else scene.mnt)
        pause(dice)


def attributes(scene, tally):
    """The attributes of a release say of whom it is, and so does its release.json."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        folder = open_release(scene, tally, dice.choice(STEADY))
        release = says(tally, folder) if folder >= 0 else None
        if release:
            with tally.op("getxattr", *GONE, errno.ENODATA):
                found = os.getxattr(f"/proc/self/fd/{folder}", "user.vouchfs.signing_job_arn").decode()
                if found != release["signature"]["jobArn"]:
                    tally.wrong_bytes(f"signing_job_arn {found} of {release['signature']['jobArn']}")
            with tally.op("listxattr", *GONE):
                os.listxattr(f"/proc/self/fd/{folder}/code.zip")
        if folder >= 0:
            os.close(folder)
        for where in (scene.function(dice.choice(STEADY)), f"{scene.mnt}/layers/base"):
            with tally.op("getxattr", *GONE, errno.ENODATA):
                os.getxattr(where, "user.vouchfs.last_outcome")
        pause(dice)


def deployed(scene, tally):
    """Artifacts, on the side where they are deployed: whole ones of ours, whatever is being written."""
    dice, known = random.Random(tally.seat), {facts["sha256"] for facts in scene.good}
    while not tally.board.is_over():
        slot = scene.function(dice.choice(STEADY))
        names = []
        with tally.op("list", *GONE):
            names = os.listdir(slot)
        for name in names:
            fd = -1
            with tally.op("open artifact", *GONE):
                fd = os.open(f"{slot}/{name}", os.O_RDONLY)
            if fd < 0:
                continue
            content = None
            with tally.op("read artifact", *GONE):
                # what is being written is its writer's, and read as it is
                content = by_read(fd, 0)
            os.close(fd)
            if content is not None and digest(content) in known:
                tally.compared(len(content))
        pause(dice)


def doomed(scene, tally):
    """What is revoked is EACCES and nothing else; what is not is there."""
    dice = random.Random(tally.seat)
    while not tally.board.is_over():
        before = doom_of(scene)
        done = read_doomed(scene, tally, dice)
        if doom_of(scene) != before:
            continue  # either was right
        if before[0] == "served" and not done:
            tally.unexpected(f"doomed {before[1]} is served, and was not read")
        if before[0] == "blocked" and done:
            tally.wrong_bytes(f"doomed {before[1]} is revoked, and was read")
        pause(dice, 0.05)


def read_doomed(scene, tally, dice):
    """Whether all of it could be read."""
    folder = open_release(scene, tally, "doomed", errno.EACCES)
    if folder < 0:
        return False
    done = compare_release(scene, tally, folder, dice, ["read", "pread", "read cold"], errno.EACCES)
    os.close(folder)
    return done


def doom_of(scene):
    """What has become of the function doomed, as its hangman says: state, version."""
    with open(f"{scene.top}/doom") as file:
        state, _, version = file.read().partition(" ")
    return state, version


ROLES = [("whole", whole), ("whole", whole), ("hold", hold), ("hold", hold), ("look", look), ("attributes", attributes),
         ("deployed", deployed), ("doomed", doomed)]
