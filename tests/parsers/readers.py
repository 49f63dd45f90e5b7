"""What other parsers make of an archive: a tree, {name: Node}, or Refused. Directories that no entry names are in no
tree; readers that extract to a disk show them, and they are left out where a name below them needs them.

Normalisations, all there are:
  - a directory's name has no slash at its end;
  - modes are compared as "executable by anybody", and only where a reader keeps modes of Unix and the archive was made
    there (host 3); unzip and 7z make their own of other hosts';
  - Java's stream reader takes no stored entry that has a data descriptor, and says so: those archives are not compared
    with it;
  - times, owners and extra fields are not compared."""

import hashlib
import io
import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}
STREAM_LIMIT = "only DEFLATED entries can have EXT descriptor"


@dataclass(frozen=True)
class Node:
    type: str
    size: int = 0
    sha256: str = ""


class Refused(Exception):
    """A parser does not take an archive, or a part of it."""


def file_node(content):
    return Node("file", len(content), hashlib.sha256(content).hexdigest())


def add(tree, name, node):
    name = name.rstrip("/")
    if name in tree:
        raise Refused(f"two entries are called {name!r}")
    tree[name] = node


# ---- Python ----

def by_python(path):
    """(tree, names of the files that are executable, whether all was made on Unix)"""
    tree, executable, unix = {}, set(), True
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                unix = unix and info.create_system == 3
                if info.is_dir():
                    add(tree, info.filename, Node("directory"))
                    continue
                add(tree, info.filename, file_node(archive.read(info)))
                if info.external_attr >> 16 & 0o111:
                    executable.add(info.filename)
    except Exception as error:  # whatever it is, it does not read it
        raise Refused(f"{type(error).__name__}: {error}") from error
    return tree, executable, unix


# ---- bsdtar: seeking it writes what it reads as a tar ----

def by_bsdtar(path):
    run = subprocess.run(["bsdtar", "-c", "--format=pax", "-f", "-", f"@{path}"], stdin=subprocess.DEVNULL,
                         capture_output=True, env=ENVIRONMENT, check=False)
    if run.returncode != 0 or run.stderr:
        raise Refused(run.stderr.decode(errors="replace").strip() or f"status {run.returncode}")
    tree, executable = {}, set()
    with tarfile.open(fileobj=io.BytesIO(run.stdout)) as tar:
        for member in tar:
            if member.isdir():
                add(tree, member.name, Node("directory"))
            elif member.isreg():
                add(tree, member.name, file_node(tar.extractfile(member).read()))
                if member.mode & 0o111:
                    executable.add(member.name)
            else:
                raise Refused(f"{member.name!r} is neither file nor directory")
    return tree, executable


# ---- those that extract ----

def walk(directory):
    """(all that is there, names of the files that are executable)"""
    tree, executable = {}, set()
    for folder, folders, files in os.walk(os.fsencode(directory)):
        for name in folders + files:
            full = os.path.join(folder, name)
            shown = os.path.relpath(full, os.fsencode(directory)).decode("utf-8", "surrogateescape")
            mode = os.lstat(full).st_mode
            if stat.S_ISDIR(mode):
                tree[shown] = Node("directory")
            elif stat.S_ISREG(mode):
                with open(full, "rb") as file:
                    tree[shown] = file_node(file.read())
                if mode & 0o111:
                    executable.add(shown)
            else:
                tree[shown] = Node("something else")
    return tree, executable


def extract(command, scratch, stdin=subprocess.DEVNULL):
    os.makedirs(scratch)
    run = subprocess.run(command, stdin=stdin, capture_output=True, env=ENVIRONMENT, check=False)
    if run.returncode != 0 or run.stderr:
        raise Refused((run.stdout + run.stderr).decode(errors="replace").strip() or f"status {run.returncode}")
    found = walk(scratch)
    shutil.rmtree(scratch)
    return found


def by_unzip(path, scratch):
    return extract(["unzip", "-qq", "-o", "-d", scratch, path], scratch)


def by_bsdtar_from_a_pipe(path, scratch):
    """From its beginning on, without a look at the directory."""
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as source:
        return extract(["bsdtar", "-x", "-f", "-", "-C", scratch], scratch, source.stdout)


def by_7z(directory, scratch):
    """All archives of a directory at once: {file: (tree, executable)}, and what it said of those it did not like."""
    os.makedirs(scratch, exist_ok=True)
    run = subprocess.run(["7z", "x", "-y", "-bd", "-bso0", f"-o{scratch}/*", f"{directory}/*.zip"],
                         stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, check=False)
    trees = {name: walk(f"{scratch}/{name}") for name in os.listdir(scratch)}
    shutil.rmtree(scratch)
    said = run.stderr.decode(errors="replace")
    return trees, said if run.returncode != 0 else ""


# ---- Java, one process for all ----

def by_java(paths):
    """{path: {reader: tree or Refused}}"""
    program = os.path.join(os.path.dirname(__file__), "Trees.java")
    run = subprocess.run(["java", "-XX:TieredStopAtLevel=1", program], input="\n".join(paths), capture_output=True,
                         env=ENVIRONMENT, text=True, check=True)
    found, here = {}, {}
    for line in run.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "file":
            here = found[rest] = {"zipfile": {}, "jarfile": {}, "stream": {}}
            continue
        if isinstance(here[word], Refused):
            continue
        if rest.startswith("error "):
            here[word] = Refused(rest[6:])
            continue
        name, kind, size, digest = rest.split(" ")
        node = Node("directory") if kind == "directory" else Node("file", int(size), digest)
        try:
            add(here[word], bytes.fromhex(name).decode(), node)
        except Refused as error:
            here[word] = error
    return found
