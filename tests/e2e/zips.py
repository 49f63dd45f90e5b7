"""Writes a folder into a ZIP as programs do that are not installed here.

    zips.py FORM FOLDER OUT

What is different in each is what a reader of ZIPs has to cope with: who made an entry, flags, sizes that stand behind the
data, extra fields, modes, folders that have no entry.
"""

import os
import struct
import sys
import zlib

STREAMED, UTF8 = 8, 0x800
STORED, DEFLATED = 0, 8
UNIX, DOS = 3 << 8, 0
FOLDER_OF_DOS = 0x10
TIMES = struct.pack("<HHBI", 0x5455, 5, 1, 1770091506)  # extended timestamp, of modification alone

# name: made by, version needed, flags of a file, method, whether folders are entries, whether modes are kept, extra
# fields (local, central)
FORMS = {
    "go": (UNIX | 20, 20, STREAMED, DEFLATED, False, True, TIMES, TIMES),
    "go-stored": (UNIX | 20, 20, STREAMED, STORED, False, True, TIMES, TIMES),
    "archiver": (UNIX | 45, 20, STREAMED, DEFLATED, False, True, b"", b""),
    "yazl": (UNIX | 63, 20, STREAMED | UTF8, DEFLATED, False, True, b"", TIMES),
    "jszip": (UNIX | 30, 10, 0, DEFLATED, True, True, b"", b""),
    "jszip-stream": (DOS | 20, 10, STREAMED, DEFLATED, True, False, b"", b""),
    "adm": (UNIX | 20, 10, UTF8, DEFLATED, True, True, b"", b""),
    "fflate": (DOS | 20, 20, 0, DEFLATED, False, False, b"", b""),
}


def deflate(content):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def write(form, folder, out):
    made_by, needed, file_flags, file_method, has_folders, has_modes, local_extra, central_extra = FORMS[form]
    directory, count = b"", 0
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names) + (folders if has_folders else []):
            path = os.path.join(at, name)
            is_folder = os.path.isdir(path)
            content = b"" if is_folder else open(path, "rb").read()
            stored_name = os.path.relpath(path, folder).encode() + (b"/" if is_folder else b"")
            flags, method = (file_flags & ~STREAMED, STORED) if is_folder else (file_flags, file_method)
            packed = deflate(content) if method == DEFLATED else content
            attributes = (os.stat(path).st_mode << 16 if has_modes else 0) | (FOLDER_OF_DOS if is_folder else 0)
            sums = struct.pack("<III", zlib.crc32(content), len(packed), len(content))
            common = struct.pack("<HHHHH", needed, flags, method, 0x1234, 0x5C43)
            offset = out.tell()
            out.write(b"PK\3\4" + common + (bytes(12) if flags & STREAMED else sums))
            out.write(struct.pack("<HH", len(stored_name), len(local_extra)) + stored_name + local_extra + packed)
            if flags & STREAMED:
                out.write(b"PK\7\10" + sums)
            directory += b"PK\1\2" + struct.pack("<H", made_by) + common + sums
            directory += struct.pack("<HHHHHII", len(stored_name), len(central_extra), 0, 0, 0, attributes, offset)
            directory += stored_name + central_extra
            count += 1
    start = out.tell()
    out.write(directory + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), start, 0))


if __name__ == "__main__":
    if sys.argv[1:] == ["forms"]:
        print(*FORMS)
    else:
        with open(sys.argv[3], "wb") as file:
            write(sys.argv[1], sys.argv[2], file)
