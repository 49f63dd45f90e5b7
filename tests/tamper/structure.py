"""Twelve ways to change a store at rest, for every file and directory of it, each looked at by looker.py.

    structure.py LOOK T [EVERY]

T is the directory of the scene (scene.bash). EVERY: each so many cases, of each operator.
"""

import os
import re
import shutil
import subprocess
import sys

from flips import idle_objects
from judge import UNREAD, explain, judge
from looker import Looker, files_of
from tally import Tally

READ_CHECKED = ("mode, owner and links of a file below: only root and the owner get through the store's own directory, and "
                "what is in it is checked by its content whenever it is read")
STRANGER = "a name that means nothing there: nobody looks it up"

# (operator, place) for which nothing has to happen, and why.
EXPLAINED = [
    ("mode|hard link", r".+", READ_CHECKED),
    (".*", r"lock", "lock: the number of the process that had it last; the store's directory is locked as well"),
    ("add", r"(objects|objects/..|functions|layers|revocations|audit|policy|.*/releases|functions/[^/]+|layers/[^/]+|"
            r"objects/../[^/]+|)", STRANGER),
    ("add", r"staging", "staging/: swept when the store is opened, and that is in the log"),
    ("delete|rename|truncate|extend|swap.*|symlink|FIFO|roll back", r".*/ref\.[^/]+",
     "ref: a reference is made again by the next release that needs the object, and bytes that were lost are EIO"),
    ("delete|rename|roll back", r".*\.again", "the second of two copies, which older programs do not make"),
    ("delete|rename|truncate|extend|swap.*|symlink|FIFO", r"staging", "staging/ is empty at rest"),
    ("roll back", r".*/note", "note: what became of the last attempt, shown only; the audit log has the others"),
    ("delete|rename", r".*/note", "note: what became of the last attempt, shown only; the audit log has it"),
    ("delete|rename", r"(functions/.*|policy)/releases/\d+",
     "the oldest release that is kept: as if it had fallen out of keep_releases (one between others is missed)"),
    ("delete|rename", r"functions/waits/slot", "of a slot without a release: it serves nothing, and is made anew"),
    ("delete|rename|roll back", r"functions/.*/break-glass", "a break glass that is gone is over early, the safe side"),
    (".*", r"known(/.*)?", "known/: names alone count, and what is missing there is made again"),
    ("truncate|extend", r"format", "format, behind its first line: who made it"),
]


def explain_structure(operator, place, idle):
    if re.fullmatch(r"objects/..(/[0-9a-f]+)?", place) and any(d.startswith(place[8:10]) for d in idle):
        return UNREAD
    for operators, pattern, why in EXPLAINED:
        if re.fullmatch(operators, operator) and re.fullmatch(pattern, place):
            return why
    return explain(place, 0, idle) if "/" in place else None


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    if os.path.lexists(path):
        os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(content)


def kind_of(place):
    """Things of one kind can be swapped."""
    place = re.sub(r"[0-9a-f]{64}", "<digest>", place)
    place = re.sub(r"objects/[0-9a-f]{2}", "objects/<ab>", place)
    place = re.sub(r"releases/\d+", "releases/<n>", place)
    place = re.sub(r"^(functions|layers)/[^/]+", "<slot>", re.sub(r"^policy/", "<slot>/", place))
    return re.sub(r"\d{12}", "<account>", place)


class Cases:
    """Each case is (operator, place, what to do)."""

    def __init__(self, scene, store):
        self.scene, self.store, self.snapshot = scene, store, f"{scene}/snapshot"
        self.files = [f for f in files_of(self.snapshot)]
        self.directories = sorted(
            os.path.relpath(os.path.join(at, name), self.snapshot)
            for at, names, _ in os.walk(self.snapshot) for name in names)

    def path(self, place):
        return f"{self.store}/{place}"

    def of_files(self):
        for place in self.files:
            path, content = self.path(place), bytes_of(f"{self.snapshot}/{place}")
            if content:
                yield "truncate", place, lambda p=path, c=content: write(p, c[: len(c) // 2])
                yield "truncate", place, lambda p=path: write(p, b"")
            yield "extend", place, lambda p=path, c=content: write(p, c + b"sha256: more\n")
            yield "hard link", place, lambda p=path: os.link(p, f"{self.scene}/outside")

    def of_both(self):
        for place in self.files + self.directories:
            path = self.path(place)
            yield "symlink", place, lambda p=path: (os.rename(p, p + ".aside"), os.symlink(p + ".aside", p))
            yield "FIFO", place, lambda p=path: (self.remove(p), os.mkfifo(p))
            yield "mode", place, lambda p=path: os.chmod(p, 0o777)
            yield "rename", place, lambda p=path: os.rename(p, p + ".x")
            yield "delete", place, lambda p=path: self.remove(p)

    @staticmethod
    def remove(path):
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def swaps(self):
        for places in (self.files, self.directories):
            kinds = {}
            for place in places:
                kinds.setdefault(kind_of(place), []).append(place)
            for kind, same in kinds.items():
                operator = ("swap objects" if "objects/" in kind else "swap releases" if "releases" in kind else "swap others")
                for one, other in zip(same, same[1:] + same[:1]):
                    if one != other:
                        yield operator, one, lambda a=self.path(one), b=self.path(other): self.exchange(a, b)

    @staticmethod
    def exchange(one, other):
        os.rename(one, one + ".x")
        os.rename(other, one)
        os.rename(one + ".x", other)

    def roll_backs(self):
        """An older genuine copy of one file; and of everything."""
        for earlier in (f"{self.scene}/earlier-0", f"{self.scene}/earlier-1"):
            for place in files_of(earlier):
                old, now = bytes_of(f"{earlier}/{place}"), f"{self.snapshot}/{place}"
                if place in self.files and old != bytes_of(now) and not place.startswith(("audit/", "lock")):
                    yield "roll back", place, lambda p=self.path(place), c=old: write(p, c)
            yield "roll back", "everything", lambda e=earlier: (
                shutil.rmtree(self.store), shutil.copytree(e, self.store, symlinks=True))

    def additions(self):
        for place in self.directories + [""]:
            path = os.path.join(self.store, place, "stranger")
            yield "add", place, lambda p=path: write(p, b"what is this\n")
            yield "add", place, lambda p=path: os.mkdir(p)
            yield "add", place, lambda p=path: os.mkfifo(p)
        for place in self.files:
            if re.search(r"/releases/\d+$", place):
                higher = self.path(re.sub(r"\d+$", "99", place))
                yield "add", place, lambda p=self.path(place), h=higher: shutil.copy(p, h)
            if place.startswith("audit/"):
                next_one = re.sub(r"\d{20}", "%020d" % 9999, place)
                yield "add", place, lambda p=self.path(next_one): os.mkfifo(p)
            match = re.fullmatch(r"objects/../([0-9a-f]+)/ref\.(\w+)", place)
            if match:
                intent = self.path(f"staging/intent.7.{match[1]}.{match[2]}")
                yield "add", "staging", lambda p=intent: write(p, b"")

    def all(self):
        yield from self.of_files()
        yield from self.of_both()
        yield from self.swaps()
        yield from self.roll_backs()
        yield from self.additions()


class Structure:
    def __init__(self, looker, scene, program):
        self.looker, self.scene, self.vouchfs = looker, scene, program
        self.tally, self.idle = Tally(), idle_objects(looker.snapshot, looker)
        with open(f"{scene}/head", encoding="ascii") as file:
            self.head = file.read().strip()

    def is_named_by_verify(self):
        log = f"{self.looker.store}/audit"
        found = subprocess.run([self.vouchfs, "audit", "verify", "--head", self.head, log], capture_output=True, check=False)
        return found.returncode != 0

    def take(self, operator, place, do):
        self.looker.ask("fresh")
        if os.path.lexists(f"{self.scene}/outside"):
            os.unlink(f"{self.scene}/outside")
        do()
        answer = self.looker.ask("look")
        outcome, why = judge(self.looker, answer)
        if outcome == "without effect" and place.startswith("audit") and self.is_named_by_verify():
            outcome = "refused"  # by `vouchfs audit verify`
        elif outcome == "without effect" or (outcome == "without a record" and answer.refused is None):
            explained = explain_structure(operator, place, self.idle)
            outcome, why = ("without effect", explained) if explained else ("without a record", why)
        self.tally.note(operator, outcome, place, why)


def main(program, scene, every="1"):
    looker = Looker(program, f"{scene}/etc/vouchfs.conf", f"{scene}/store", f"{scene}/snapshot")
    structure = Structure(looker, scene, os.environ["VOUCHFS"])
    for number, case in enumerate(Cases(scene, f"{scene}/store").all()):
        if number % int(every) == 0:
            structure.take(*case)
    looker.close()
    structure.tally.print("twelve operators, not mounted")
    return 0 if structure.tally.is_tight() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
