"""How the deploy side differs from an ordinary filesystem, and that it differs in nothing else.

    posix.py TABLE ORDINARY SLOT          runs every case in the directory ORDINARY, and in SLOT or a staging directory of it
    posix.py TABLE ORDINARY SLOT print    prints the table as it is found, with the reasons that TABLE has

The table has a row for each case that comes out differently: its name, what ORDINARY says, what SLOT says, why."""

import io
import json
import os
import sys
import time
import zipfile

sys.dont_write_bytecode = True
import posix_judged  # they add their cases
import posix_names
from posix_cases import CASES, FINAL

ARCHIVES = ("a.zip", "b.zip", "a.txt", ".a.zip.tmp", ".b", "a.zip~")


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        opened.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), "print(1)\n" * 50)
    return out.getvalue()


def remove_archives(directory):
    """Also those that are not listed; and what is closed may be there for a moment yet."""
    for _ in range(200):
        left = [f"{directory}/{name}" for name in ARCHIVES if os.path.lexists(f"{directory}/{name}")]
        for path in left:
            os.unlink(path)
        if not left:
            return
        time.sleep(0.01)


def outcome(function, *args):
    try:
        return json.dumps(function(*args), ensure_ascii=True)
    except OSError as error:
        return json.dumps(f"fails: {os.strerror(error.errno)}")


def found_in(directory):
    """Cases to outcomes. Each has a directory of its own, which is left to whoever takes it all down."""
    found = {}
    os.mkdir(f"{directory}/.posix")
    for number, (name, function) in enumerate(CASES.items()):
        own = f"{directory}/.posix/.{number}"
        os.mkdir(own)
        found[name] = outcome(function, own)
    for name, function in FINAL.items():
        found[name] = outcome(function, directory, archive())
        remove_archives(directory)
    return found


def parse(path):
    """Names to (ordinary, slot, why)."""
    rows = {}
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            name, ordinary, slot, why = (word.strip() for word in line.split("|", 3))
            assert name not in rows and why, line
            rows[name] = (ordinary, slot, why)
    return rows


def main(table, ordinary, slot, *options):
    rows, wanted, found = parse(table), found_in(ordinary), found_in(slot)
    differing = {name: (wanted[name], found[name]) for name in wanted if wanted[name] != found[name]}
    if "print" in options:
        sys.stdout.writelines(line for line in open(table) if line.startswith("#"))
        for name, both in differing.items():
            print(f"{name:44} | {both[0]:28} | {both[1]:28} | {rows.get(name, ('', '', 'WHY'))[2]}")
        return 0
    wrong = [f"{name}: {both[0]} and {both[1]}, expected {rows.get(name, 'no difference')}"
             for name, both in differing.items() if name not in rows or rows[name][:2] != both]
    wrong += [f"{name}: does not differ any more, {wanted.get(name)}" for name in rows if name not in differing]
    print("\n".join(wrong))
    print(f"{len(wanted)} cases, {len(wanted) - len(differing)} as on an ordinary filesystem, {len(differing)} in the table")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
