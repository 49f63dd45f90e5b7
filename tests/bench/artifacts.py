"""What is deployed: ZIPs made from nothing or from the Python library of this machine, always the same ones."""
import glob
import os
import random
import zipfile

MIB = 1024 * 1024
FILES_MAX = 4000


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


def library_files():
    """(name, path) of the regular files of Debian's Python, in the order of their names."""
    found = []
    for root in glob.glob("/usr/lib/python3*"):
        for directory, _, names in os.walk(root):
            paths = [os.path.join(directory, name) for name in names]
            found += [(os.path.relpath(path, "/usr/lib"), path) for path in paths if not os.path.islink(path)]
    return sorted(entry for entry in found if entry[0].isascii())[:FILES_MAX]


def make_library(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in library_files():
            with open(source, "rb") as file:
                archive.writestr(_entry(name), file.read(), zipfile.ZIP_DEFLATED)


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
        for directory, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                source = os.path.join(directory, name)
                with open(source, "rb") as file:
                    archive.writestr(_entry(os.path.relpath(source, root)), file.read(), zipfile.ZIP_DEFLATED)


def unpack(path, directory):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(directory)


def signature_of(path):
    """The PEM block in the ZIP's comment."""
    with zipfile.ZipFile(path) as archive:
        return archive.comment
