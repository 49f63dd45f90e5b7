"""What is deployed: ZIPs made from nothing or from Debian's packages on this machine, always the same ones."""
import glob
import os
import random
import zipfile

from measure import QUICK

MIB = 1024 * 1024
GIB = 1024 * MIB
BIG_MIB = 64 if QUICK else 240
LIBRARY_FILES_MAX = 4000
TREE_FILES, TREE_MIB = (4000, 40) if QUICK else (31000, 249)  # the signer takes up to 250 MiB
TREE_ROOTS = ("/usr/lib/python3*", "/usr/share/nodejs", "/usr/lib/node_modules", "/usr/share/perl*", "/usr/include",
              "/usr/share/[a-z]*")
TREE_FILE_MEANS_MAX = 32  # a file's size in means of what is left, so that no few of them use it up
MADE_UP_BYTES_MAX = 4096


def _entry(name):
    info = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
    info.external_attr = 0o100644 << 16
    return info


def make_stored(path, size_mib, seed):
    """Stored entries of 8 MiB that no compression helps."""
    block = bytearray(random.Random(1).randbytes(8 * MIB))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(size_mib // 8):
            block[:16] = b"%8d%8d" % (seed, number)
            archive.writestr(_entry(f"data/part-{number:03d}.bin"), bytes(block))


def make_stored_files(path, count, bytes_each, seed):
    """Many stored files that no compression helps, no two alike."""
    noise = random.Random(seed)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(_entry(f"folder-{number % 50:02d}/file-{number:05d}.bin"), noise.randbytes(bytes_each))


def regular_files(root, below):
    """(name relative to `below`, path) of the files with plain names, in their order."""
    paths = [os.path.join(directory, name) for directory, _, names in os.walk(root) for name in names]
    files = (path for path in paths if os.path.isfile(path) and not os.path.islink(path))
    found = [(os.path.relpath(path, below), path) for path in files]
    return sorted(entry for entry in found if entry[0].isascii() and entry[0].isprintable() and "\\" not in entry[0])


def admissible(files):
    """Those whose names, with the folders in them, differ by more than upper and lower case."""
    spelling = {}
    for name, path in files:
        parts = name.split("/")
        prefixes = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
        if name.lower() not in spelling and all(spelling.get(p.lower(), p) == p for p in prefixes):
            spelling |= {prefix.lower(): prefix for prefix in prefixes}
            yield name, path


def add_file(archive, name, path):
    with open(path, "rb") as file:
        archive.writestr(_entry(name), file.read(), zipfile.ZIP_DEFLATED)


def library_files():
    roots = glob.glob("/usr/lib/python3*")
    return sorted(entry for root in roots for entry in regular_files(root, "/usr/lib"))[:LIBRARY_FILES_MAX]


def tree_files():
    """Up to TREE_FILES files, TREE_MIB in all, of the packages that are here."""
    roots = dict.fromkeys(root for pattern in TREE_ROOTS for root in sorted(glob.glob(pattern)))
    files = dict.fromkeys(entry for root in roots for entry in regular_files(root, "/usr"))
    count, left = 0, TREE_MIB * MIB
    for name, path in admissible(files):
        if count == TREE_FILES:
            return
        size, wanted = os.path.getsize(path), TREE_FILES - count
        if size <= min(left // wanted * TREE_FILE_MEANS_MAX, left - wanted * MADE_UP_BYTES_MAX):
            count, left = count + 1, left - size
            yield name, path, size


def make_real_tree(path):
    """A large tree of real files; what is missing is made up. Returns what it is."""
    sizes = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source, size in tree_files():
            add_file(archive, name, source)
            origin = "/usr/" + "/".join(name.split("/")[:2])
            sizes.setdefault(origin, []).append(size)
        missing = TREE_FILES - sum(len(of_origin) for of_origin in sizes.values())
        noise = random.Random(5)
        for number in range(missing):
            size = noise.randrange(1000, MADE_UP_BYTES_MAX)
            archive.writestr(_entry(f"made-up/{number // 100:03d}/{number:05d}.txt"),
                             noise.randbytes(size // 2).hex().encode(), zipfile.ZIP_DEFLATED)
            sizes.setdefault("made up", []).append(size)
    largest = sorted(sizes, key=lambda origin: len(sizes[origin]), reverse=True)
    return (f"{TREE_FILES:,} files, {sum(map(sum, sizes.values())) // MIB} MiB: "
            + ", ".join(f"{origin} {len(sizes[origin]):,} files" for origin in largest[:8])
            + (f" and {len(largest) - 8} more" if len(largest) > 8 else ""))


def make_many(path, entries, bytes_each, seed):
    """Many deflated files of program text, no two alike."""
    text = b"".join(open(source, "rb").read() for name, source in library_files() if name.endswith(".py"))
    step = max(1, (len(text) - bytes_each) // entries)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(entries):
            start = (number * step + seed) % (len(text) - bytes_each)
            content = b"# %d %d\n" % (seed, number) + text[start:start + bytes_each]
            archive.writestr(_entry(f"package-{number % 50:02d}/module_{number:04d}.py"), content,
                             zipfile.ZIP_DEFLATED)


def make_small(path, seed):
    """A function of about 10 KiB."""
    noise = random.Random(seed).randbytes(9000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("app.py"), b"def handler(event):\n    return %d\n" % seed, zipfile.ZIP_DEFLATED)
        archive.writestr(_entry("data.bin"), noise, zipfile.ZIP_DEFLATED)


def make_tree(path, root):
    """The files of a directory."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in admissible(regular_files(root, root)):
            add_file(archive, name, source)


def unpack(path, directory):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(directory)


def signature_of(path):
    """The PEM block in the ZIP's comment."""
    with zipfile.ZipFile(path) as archive:
        return archive.comment
