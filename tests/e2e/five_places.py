"""Deploys a file and compares what the five places say of it: errno, attributes, .vouchfs/why, the daemon's log,
`vouchfs why`; and the audit log, in which it has its number.

    five_places.py deploy FILE TARGET        prints the errno's name, or "ok"
    five_places.py compare VOUCHFS MNT LOG SLOT OUTCOME CODE ERRNO     CODE and ERRNO: "-" for none
"""

import errno
import json
import os
import re
import subprocess
import sys


def deploy(source, target):
    content = open(source, "rb").read()
    fd = None
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        done = 0
        while done < len(content):
            done += os.write(fd, content[done : done + 1048576])
        closing, fd = fd, None
        os.close(closing)
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        if fd is not None:
            try:
                os.close(fd)
            except OSError:
                pass  # says the same once more
    return "ok"


def row(text, label):
    found = re.search(rf"^  {label} +(.*)$", text, re.M)
    return found.group(1) if found else ""


def compare(vouchfs, mnt, log, slot, outcome, code, error):
    def command(*words):
        done = subprocess.run([vouchfs, *words], capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def attribute(name):
        try:
            return os.getxattr(f"{mnt}/{slot}", "user.vouchfs.last_" + name).decode()
        except OSError as failure:
            assert failure.errno == errno.ENODATA
            return ""

    event, detail = attribute("event"), attribute("detail")
    record = json.loads(command("why", event, "--json"))
    why = open(f"{mnt}/.vouchfs/why/{slot}").read()
    head = why.split("\n")[0]
    shown = command("why", event)
    lines = [line for line in open(log) if f" event {event}: " in line]
    assert len(lines) == 1, lines
    said = re.search(r" event (\d+): (\w+)(?: (VF\d+))?(?: \((E\w+)\))?: (\S+)[ ,]", lines[0])
    assert said, lines[0]

    places = {
        "attributes": (attribute("outcome"), attribute("reason"), slot, event),
        "why": (*(head.split() if code == "-" else head.split()[1::-1])[: 1 if code == "-" else 2],),
        "why SLOT --json": json.loads(command("why", slot, "--json")),
        "log": (said[2], said[3] or "-", said[5].rstrip(","), said[1]),
        "record": (record["outcome"], record.get("reason", "-"), record["slot"], str(record["seq"])),
    }
    expected = (outcome, code, slot, event)
    assert places["attributes"] == expected, places
    assert places["log"] == expected, places
    assert places["record"] == expected, places
    assert places["why"] == ((outcome,) if code == "-" else (outcome, code)), head
    assert places["why SLOT --json"] == record, places
    assert f"slot={slot}  " in head and row(why, "event") == event, why
    assert command("why", slot) == why
    # the same by the record alone, but for what records do not keep of layers
    assert shown.split("\n")[0] == head and row(shown, "event") == event, shown
    if "layers" not in record:
        assert shown == why, (shown, why)

    # the errno, where there was one; the sentence
    assert (record.get("errno", "-"), said[4] or "-") == (error, error), (record, lines)
    assert record.get("detail", "") == detail == row(why, "detail"), (record, detail, why)
    assert f": {detail} (uid " in lines[0] or not detail, lines
    if code != "-":
        assert detail and record["title"] == why.split("\n")[1].strip(), (record, why)
    if outcome == "refused":
        assert record["remedy"] == row(why, "remedy") != "", record


if __name__ == "__main__":
    if sys.argv[1] == "deploy":
        print(deploy(*sys.argv[2:]))
    else:
        compare(*sys.argv[2:])
