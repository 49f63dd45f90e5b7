"""Makes archives with the tools that are there, and mutants of them: archives taken apart into entries and fields, some of
which are changed, put together again with offsets, lengths, CRCs and the directory right, or with one of them wrong."""

import dataclasses
import os
import random
import shutil
import struct
import subprocess
import zipfile
import zlib

LOCAL, RECORD, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
DESCRIPTOR, UTF8 = 8, 2048
EXTRAS = [0x5455, 0x7875, 0x5855, 0x7855, 0x000A, 0xCAFE]


# ---- archives that tools make ----

def make_tree(directory, rng):
    """A project as it could be deployed."""
    os.makedirs(f"{directory}/lib/deep/er", exist_ok=True)
    os.makedirs(f"{directory}/empty", exist_ok=True)
    files = {"app.py": b"print('hello')\n" * 20, "lib/data.bin": rng.randbytes(3000), "lib/deep/er/x.js": b"",
             "run.sh": b"#!/bin/sh\n", "lib/\u00e9t\u00e9.txt": b"summer\n" * 50, "README": b"a" * 5000}
    for name, content in files.items():
        with open(f"{directory}/{name}", "wb") as file:
            file.write(content)
    os.chmod(f"{directory}/run.sh", 0o755)


def make_with_python(path, tree, method):
    with zipfile.ZipFile(path, "w", method) as archive:
        for folder, folders, files in sorted(os.walk(tree)):
            for name in sorted(folders) + sorted(files):
                full = os.path.join(folder, name)
                archive.write(full, os.path.relpath(full, tree))


def make_bases(directory, rng):
    """The bytes of each, by who made it. Tools that are not there are left out."""
    tree = f"{directory}/tree"
    make_tree(tree, rng)
    ascii_only = ["app.py", "lib/data.bin", "lib/deep", "run.sh", "README", "empty"]
    make_with_python(f"{directory}/python-stored.zip", tree, zipfile.ZIP_STORED)
    make_with_python(f"{directory}/python.zip", tree, zipfile.ZIP_DEFLATED)
    commands = {
        "zip": ["zip", "-q", "-r", "../zip.zip", *ascii_only],
        "zip-no-extra": ["zip", "-q", "-X", "-0", "-r", "../zip-no-extra.zip", *ascii_only],
        "zip-no-directories": ["zip", "-q", "-D", "-9", "-r", "../zip-no-directories.zip", *ascii_only],
        "jar": ["jar", "cf", "../jar.zip", "."],
        "jar-no-manifest": ["jar", "cMf", "../jar-no-manifest.zip", "."],
        "bsdtar": ["bsdtar", "-c", "--format=zip", "-f", "../bsdtar.zip", *ascii_only],
        "bsdtar-stored": ["bsdtar", "-c", "--format=zip", "--options=zip:compression=store", "-f",
                          "../bsdtar-stored.zip", *ascii_only],
        "7z": ["7z", "a", "-tzip", "-bd", "-bso0", "../7z.zip", "."],
        "7z-stored": ["7z", "a", "-tzip", "-mx=0", "-bd", "-bso0", "../7z-stored.zip", "."],
    }
    for command in commands.values():
        if shutil.which(command[0]):
            subprocess.run(command, cwd=tree, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    bases = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".zip"):
            with open(f"{directory}/{name}", "rb") as file:
                bases[name[:-4]] = file.read()
    return bases


# ---- taking apart ----

@dataclasses.dataclass
class Entry:
    version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: bytes
    size: int
    name: bytes
    local_extra: bytes
    extra: bytes
    made_by: int
    internal: int
    external: int
    comment: bytes = b""
    zero_local: bool = False  # with a descriptor: its sizes stand there alone


def take_apart(data):
    """The entries of an archive that is one, and its comment."""
    end = data.rfind(END)
    count, _, offset, comment_len = struct.unpack("<HIIH", data[end + 10:end + 22])
    entries, at = [], offset
    for _ in range(count):
        f = struct.unpack("<4sHHHHHHIIIHHHHHII", data[at:at + 46])
        names, extras, comments = f[10:13]
        name = data[at + 46:at + 46 + names]
        extra = data[at + 46 + names:at + 46 + names + extras]
        local = struct.unpack("<4sHHHHHIIIHH", data[f[16]:f[16] + 30])
        start = f[16] + 30 + local[9] + local[10]
        entries.append(Entry(f[2], f[3], f[4], f[5], f[6], f[7], data[start:start + f[8]], f[9], name,
                             data[start - local[10]:start], extra, f[1], f[14], f[15],
                             zero_local=bool(f[3] & DESCRIPTOR) and local[6] == 0))
        at += 46 + names + extras + comments
    return entries, data[end + 22:end + 22 + comment_len]


def put_together(entries, comment, order=None):
    """An archive of these; order: of the directory."""
    body, records = bytearray(), []
    for e in entries:
        offset, zero = len(body), bool(e.flags & DESCRIPTOR) and e.zero_local
        fields = (e.version, e.flags, e.method, e.time, e.date)
        sizes = (e.crc, len(e.packed), e.size)
        body += struct.pack("<4sHHHHHIIIHH", LOCAL, *fields, *((0, 0, 0) if zero else sizes), len(e.name),
                            len(e.local_extra))
        body += e.name + e.local_extra + e.packed
        if e.flags & DESCRIPTOR:
            body += struct.pack("<4sIII", b"PK\7\x08", *sizes)
        records.append(struct.pack("<4sHHHHHHIIIHHHHHII", RECORD, e.made_by, *fields, *sizes, len(e.name),
                                   len(e.extra), len(e.comment), 0, e.internal, e.external, offset)
                       + e.name + e.extra + e.comment)
    directory = b"".join(records[i] for i in order or range(len(records)))
    count = len(records)
    return bytes(body) + directory + struct.pack("<4sHHHHIIH", END, 0, 0, count, count, len(directory), len(body),
                                                 len(comment)) + comment


# ---- changes of an entry: mostly such that it may still pass ----

WORDS = [b"a", b"Z", b"_", b" ", b".", b"-", b"~", b"$", b"#", b"'", b'"', b"*", b"?", b"[", b"%", b"@", b"+", b"=", b",",
         b"con", b"aux.py", b"nul.txt", b"META-INF", b"%2e%2e", b"...", b"..a", b"x.", b";1", b":", b"|", b"<", b"&",
         "\u00e9".encode(), "e\u0301".encode(), "\u6f22\u5b57".encode(), "\U0001f600".encode(), "\u00df".encode(),
         "\u212a".encode(), "\u0130".encode(), "\u202e".encode(), "\ufeff".encode(), b"\xff", b"\\", b"/", b"\t",
         "\u0627\u0644".encode(), "\u0e01".encode(), "\uac00".encode(), "\u1e9e".encode(), b"-rf", b"--", b"@list"]


def change_name(e, rng):
    slash = b"/" if e.name.endswith(b"/") else b""
    parts = e.name.rstrip(b"/").split(b"/")
    which, word = rng.randrange(len(parts)), rng.choice(WORDS)
    part = parts[which]
    at = rng.randrange(len(part) + 1)
    parts[which] = rng.choice([part[:at] + word + part[at:], word, part + word, word + part, part * rng.randrange(1, 20)])
    if rng.random() < 0.2:
        parts.insert(which, word)
    e.name = b"/".join(parts) + slash
    if not e.name.isascii() and rng.random() < 0.95:
        e.flags |= UTF8


def change_content(e, rng):
    if e.name.endswith(b"/"):
        return
    content = rng.choice([rng.randbytes(rng.randrange(2000)), b"ab" * rng.randrange(5000), b"", b"PK\3\4",
                          b"x" * rng.randrange(9), bytes(range(256)) * rng.randrange(40), b"PK\7\x08" + b"x" * 12])
    e.crc, e.size = zlib.crc32(content), len(content)
    e.method = rng.choice([0, 8, 8])
    e.version = rng.choice([10, 20]) if e.method == 0 else 20
    if e.method == 0:
        e.packed = content
        return
    packer = zlib.compressobj(rng.randrange(10), zlib.DEFLATED, -rng.randrange(9, 16), rng.randrange(1, 10),
                              rng.randrange(5))
    half = rng.randrange(len(content) + 1)
    e.packed = packer.compress(content[:half]) + packer.flush(rng.choice([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH]))
    e.packed += packer.compress(content[half:]) + packer.flush()


def make_extra(rng, local):
    ident = rng.choice(EXTRAS + EXTRAS + [0x7075, 0x0001, 0x6375, 0x9901])
    body = rng.randbytes(rng.randrange(16))
    if ident == 0x5455:
        flags = rng.choice([1, 1, 3, 5, 7])
        count = bin(flags).count("1") if local else flags & 1
        body = bytes([flags]) + b"".join(struct.pack("<i", rng.getrandbits(31)) for _ in range(count))
    elif ident == 0x7875:
        body = b"\1\4" + struct.pack("<I", rng.randrange(5000)) + b"\4" + struct.pack("<I", rng.randrange(5000))
    elif ident == 0xCAFE:
        body = b""
    return struct.pack("<HH", ident, len(body)) + body


def change_extra(e, rng):
    e.local_extra, e.extra = (rng.choice([b"", make_extra(rng, True), e.local_extra]),
                              rng.choice([b"", make_extra(rng, False), e.extra]))


def change_times(e, rng):
    e.time, e.date = rng.getrandbits(16), rng.getrandbits(16)


def change_kind(e, rng):
    modes = [0o100644, 0o100755, 0o100600, 0o100777, 0o100000, 0, 0o644, 0o40755, 0o120777, 0o104755]
    e.made_by = rng.choice([3, 3, 3, 0, 10, 11, 7, 19]) << 8 | rng.choice([10, 20, 30, 63])
    low = rng.choice([0, 1, 0x20, 0x10 if e.name.endswith(b"/") else 0x20, 0x21, 8])
    e.external = rng.choice(modes) << 16 | low
    if e.name.endswith(b"/") and rng.random() < 0.8:
        e.external = 0o40755 << 16 | 0x10
    e.internal = rng.choice([0, 0, 1, 2])


def change_flags(e, rng):
    e.flags ^= rng.choice([2, 4, 6, UTF8, DESCRIPTOR, DESCRIPTOR, 1 << rng.randrange(16)])
    e.zero_local = rng.random() < 0.7


def change_version(e, rng):
    e.version = rng.choice([10, 20, 20, 25, 45, 46, 62, 0, 255])


# ---- changes of the whole ----

def add_entry(entries, rng):
    e = dataclasses.replace(rng.choice(entries))
    change_name(e, rng)
    if rng.random() < 0.5:
        change_content(e, rng)
    entries.insert(rng.randrange(len(entries) + 1), e)


def add_directory(entries, rng):
    name = rng.choice(entries).name.rstrip(b"/")
    name = rng.choice([name.rpartition(b"/")[0] or b"dir", name + b"dir", b"new/dir"]) + b"/"
    flags = 0 if name.isascii() else UTF8
    entries.insert(rng.randrange(len(entries) + 1),
                   Entry(20, flags, 0, 0, 33, 0, b"", 0, name, b"", b"", 0x031E, 0, 0o40755 << 16 | 0x10))


def break_bytes(data, rng):
    """One thing that is wrong now, most likely."""
    at = rng.randrange(len(data))
    how = rng.randrange(5)
    if how == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    if how == 1:
        return data[:at] + data[at + rng.randrange(1, 9):]
    if how == 2:
        return data[:at] + rng.choice([b"\0", b"PK\5\6", rng.randbytes(4)]) + data[at:]
    if how == 3:
        return data + rng.randbytes(rng.randrange(1, 30))
    field = data.rfind(END) + rng.randrange(4, 22)
    return data[:field] + bytes([rng.getrandbits(8)]) + data[field + 1:]


CHANGES = [change_name, change_name, change_content, change_content, change_extra, change_times, change_kind,
           change_flags, change_version]


def mutant(bases, rng):
    """One of a base that is picked; (bytes, what was changed)."""
    base = rng.choice(sorted(bases))
    entries, comment = take_apart(bases[base])
    rng.shuffle(entries)
    entries = entries[:rng.randrange(1, len(entries) + 1)]
    said = [base]
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
        change = rng.choice(CHANGES)
        change(rng.choice(entries), rng)
        said.append(change.__name__)
    for change in (add_entry, add_directory):
        if rng.random() < 0.15:
            change(entries, rng)
            said.append(change.__name__)
    if rng.random() < 0.1:
        comment = rng.choice([b"", b"a comment", b"-----BEGIN", rng.randbytes(20), END])
        said.append("comment")
    order = list(range(len(entries)))
    if rng.random() < 0.2:
        rng.shuffle(order)
        said.append("order")
    data = put_together(entries, comment, order)
    if rng.random() < 0.15:
        data = break_bytes(data, rng)
        said.append("bytes")
    return data, "+".join(said)


def generator(bases, seed):
    rng = random.Random(seed)
    while True:
        yield mutant(bases, rng)
