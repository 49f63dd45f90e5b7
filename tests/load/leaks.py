"""What a daemon holds, while it is under load and when all is quiet: memory, descriptors, staging, objects."""

import os
import re
import time

MIB = 1024 * 1024


class Sample:
    def __init__(self, pid):
        status = open(f"/proc/{pid}/status").read()
        self.at = time.monotonic()
        self.rss_kib = int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
        self.threads = int(re.search(r"Threads:\s+(\d+)", status).group(1))
        self.fds = len(os.listdir(f"/proc/{pid}/fd"))


def slope_kib_per_min(samples):
    """The line through them, by least squares."""
    if len(samples) < 3:
        return 0.0
    times = [sample.at - samples[0].at for sample in samples]
    sizes = [sample.rss_kib for sample in samples]
    mean_t, mean_s = sum(times) / len(times), sum(sizes) / len(sizes)
    spread = sum((t - mean_t) ** 2 for t in times)
    return 60 * sum((t - mean_t) * (s - mean_s) for t, s in zip(times, sizes)) / spread if spread else 0.0


class Descriptors:
    """Of a daemon, by what they are: staging files (without a name), objects' payloads, and all else."""

    def __init__(self, pid, store):
        self.staging = self.payloads = self.others = 0
        self.left = []
        objects = inodes_of(payloads(store))
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                st = os.stat(f"/proc/{pid}/fd/{fd}")
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
            except FileNotFoundError:
                continue
            if st.st_ino in objects and target.startswith(store):
                self.payloads += 1
            elif target.startswith(f"{store}/staging/"):
                self.staging += 1
                self.left.append(f"{st.st_size} bytes, {st.st_nlink} links")
            else:
                self.others += 1

    def __str__(self):
        return f"{self.others} and {self.payloads} payloads, {self.staging} staging" + "".join(f" ({left})" for left in self.left)


def references(mnt):
    """What the kernel has looked up and not forgotten: names below slots, releases; and how many names there are."""
    return [int(number) for number in os.getxattr(mnt, "user.vouchfs.test_references").split()]


def inodes_of(paths):
    found = set()
    for path in paths:
        try:
            found.add(os.stat(path).st_ino)
        except FileNotFoundError:
            pass
    return found


def payloads(store):
    return [f"{at}/payload" for at, _, names in os.walk(f"{store}/objects") if "payload" in names]


def stored(store):
    """Digests of all objects that lie there, and of all that a release or a layer version names."""
    there = {os.path.basename(at) for at, folders, names in os.walk(f"{store}/objects") if names}
    named = set()
    for side in ("functions", "layers"):
        for slot in os.listdir(f"{store}/{side}"):
            releases = f"{store}/{side}/{slot}/releases"
            for number in os.listdir(releases) if os.path.isdir(releases) else ():
                named |= named_by(f"{releases}/{number}")
    return there, named


def named_by(record):
    """None where it has just gone."""
    try:
        with open(record, errors="replace") as file:
            head = file.read().split("\n\n", 1)[0]
    except FileNotFoundError:
        return set()
    return set(re.findall(r"^(?:layer-)?object: ([0-9a-f]+)$", head, re.MULTILINE))


def staging_files(store):
    return os.listdir(f"{store}/staging")


def eventually(condition, most_s):
    until = time.monotonic() + most_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
