"""Keeps a release in use, and compares all of it when it is told to.

    keeper.py RELEASE EXPECTED READY GO

Opens and maps one file of RELEASE/task and one of RELEASE/opt, makes RELEASE/task its working directory, and opens the
FIFO READY. When GO is opened by somebody it reads every file below task and opt, by what it has open, and compares it
with the folder EXPECTED. Prints "whole", or fails."""

import mmap
import os
import sys

release, expected, ready, go = sys.argv[1:]


def files_below(top, dir_fd=None):
    return sorted(f"{at}/{name}" for at, _, names, _ in os.fwalk(top, dir_fd=dir_fd) for name in names)


def content_of(path, dir_fd=None):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    with open(fd, "rb") as file:
        return file.read()


def mapped(path, dir_fd):
    fd = os.open(path, os.O_RDONLY, dir_fd=dir_fd)
    pages = mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ)
    os.close(fd)
    return pages


folder = os.open(release, os.O_RDONLY | os.O_DIRECTORY)
firsts = [files_below(top, folder)[0] for top in ("task", "opt")]
pages = [mapped(path, folder) for path in firsts]
os.chdir(f"/proc/self/fd/{folder}/task")
open(ready, "w").close()
open(go).read()

os.chdir(".")
here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
for path, content in zip(firsts, pages):
    assert content[:] == content_of(f"{expected}/{path}"), f"{path}, mapped"
wanted = os.open(expected, os.O_RDONLY | os.O_DIRECTORY)
for top in ("task", "opt"):
    names = files_below(top, folder)
    assert names == files_below(top, wanted), names
    for path in names:
        assert content_of(path, folder) == content_of(path, wanted), path
for path in files_below("task", wanted):
    assert content_of(path.removeprefix("task/"), here) == content_of(path, wanted), f"{path}, from the working directory"
print("whole")
