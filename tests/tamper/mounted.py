"""The operators of structure.py while a mount serves the store: what is read is right or EIO, with a record, nothing hangs.

    mounted.py MNT STORE OUT

Functions "main" (marker: one) and "relaxed" (marker: two) are deployed. Tallies are written to OUT.
"""

import contextlib
import errno
import os
import re
import shutil
import signal
import sys

from structure import Cases
from tally import Tally

FILES = {"main": b"one\n", "relaxed": b"two\n"}


def read_cold(path):
    """Not from pages that were served before."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(fd, 1000, 0)
    finally:
        os.close(fd)


def look(mount):
    """(wrong, errors)"""
    wrong, errors = [], []
    for function, expected in FILES.items():
        for path in (f"run/{function}/task/marker", f"functions/{function}/{'a' if function == 'main' else 'b'}.zip"):
            try:
                found = read_cold(f"{mount}/{path}")
                if path.endswith("marker") and found != expected:
                    wrong.append(path)
            except OSError as error:
                (errors if error.errno in (errno.EIO, errno.EACCES) else wrong).append(f"{path}: {error.strerror}")
    for view in ("status", "health", "why/functions/main", "history/functions/main"):
        with contextlib.suppress(FileNotFoundError), open(f"{mount}/.vouchfs/{view}", "rb") as file:
            file.read()
    return wrong, errors


def records(store):
    found = 0
    for name in os.listdir(store + "/audit"):
        with contextlib.suppress(OSError), open(f"{store}/audit/{name}", "rb") as file:
            found += file.read().count(b'"event":"page-check-failed"')
    return found


class Mounted(Cases):
    def __init__(self, mount, store):
        self.mount, self.kept = mount, store + ".kept"
        shutil.copytree(store, self.kept)
        scene = os.path.dirname(store)
        if os.path.lexists(scene + "/snapshot"):
            os.unlink(scene + "/snapshot")
        os.symlink(self.kept, scene + "/snapshot")
        super().__init__(scene, store)
        self.tally = Tally()

    def roll_backs(self):
        return []

    def put_back(self, place):
        """The bytes as they were, in the file that the daemon has open where that is still there."""
        for name in (place + ".aside", place + ".x", "outside"):
            path = self.path(name) if name != "outside" else f"{self.scene}/outside"
            if name != "outside" and os.path.lexists(path):
                if os.path.lexists(self.path(place)):
                    self.remove(self.path(place))
                os.rename(path, self.path(place))
            elif os.path.lexists(path):
                os.unlink(path)
        kept = f"{self.kept}/{place}"
        if not os.path.lexists(self.path(place)) or not os.path.isfile(self.path(place)):
            if os.path.lexists(self.path(place)) and not os.path.isdir(kept):
                self.remove(self.path(place))
            if os.path.isfile(kept):
                shutil.copy2(kept, self.path(place))
        elif os.path.isfile(kept):
            os.chmod(self.path(place), 0o600)
            with open(kept, "rb") as old, open(self.path(place), "r+b") as file:
                content = old.read()
                file.write(content)
                file.truncate(len(content))

    def take(self, operator, place, do):
        do()
        signal.alarm(20)  # a FIFO must not hang
        wrong, errors = look(self.mount)
        signal.alarm(0)
        has_record = records(self.store) > 0  # of one release the first few, then one a minute
        if wrong:
            outcome = "wrong bytes"
        elif errors:
            outcome = "EIO" if has_record else "without a record"
        else:
            outcome = "without effect"
        self.tally.note(operator, outcome, place, str(wrong or errors) if wrong or errors else
                        "what is in memory, or held open, is served on; the next start looks at it")


def main(mount, store, out):
    look(mount)  # all is loaded
    mounted = Mounted(mount, store)
    for operator, place, do in mounted.all():
        is_payload = re.search(r"/(payload|tree)$", place)
        if operator in ("truncate", "extend", "FIFO", "symlink", "mode", "rename", "delete", "hard link") and os.path.isfile(
                f"{mounted.kept}/{place}") and not place.startswith("audit/"):
            mounted.take(operator, place, do)
            mounted.put_back(place)
        elif operator.startswith("swap") and is_payload:
            mounted.take(operator, place, do)
            do()
    sys.stdout = open(out, "w", encoding="utf-8")
    mounted.tally.print("operators, mounted")
    sys.stdout.close()
    return 0 if mounted.tally.is_tight() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
