"""A real audit log, changed in each byte and in each way of changing lines: `vouchfs audit verify` names it every time,
by the head that was exported.

    logs.py LOG HEAD [STRIDE] [EVERY]

LOG is a directory with files of a log, HEAD what `vouchfs audit head` said of it, VOUCHFS (environment) the program.
STRIDE: each so many bytes are flipped; EVERY: each so many records are removed, edited and so on.
"""

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

CODES = {0: "whole", 30: "edited", 31: "removed", 32: "reordered", 33: "duplicated", 34: "truncated", 35: "forked",
         36: "unsigned", 37: "clock-back"}


def lines_of(log):
    lines = []
    for name in sorted(os.listdir(log)):
        with open(f"{log}/{name}", "rb") as file:
            lines += file.read().splitlines()
    return lines


class Log:
    def __init__(self, log, head):
        self.head, self.lines = head, lines_of(log)
        self.place = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
        self.rows, self.holes = {}, []

    def verify(self, files, head=True, *options):
        """(exit code, number of the record that is named)"""
        for name in os.listdir(self.place):
            os.unlink(f"{self.place}/{name}")
        for first, content in files.items():
            with open(f"{self.place}/audit-{first:020d}.jsonl", "wb") as file:
                file.write(content)
        args = [os.environ["VOUCHFS"], "audit", "verify", *options, *(["--head", self.head] if head else []), self.place]
        found = subprocess.run(args, capture_output=True, text=True, check=False, timeout=20)
        named = re.match(r"[a-z-]+: record (\d+)", found.stdout)
        return found.returncode, int(named[1]) if named else 0

    def expect(self, operator, files, codes, record=None, **how):
        code, named = self.verify(files, how.get("head", True), *how.get("options", ()))
        row = self.rows.setdefault(operator, {})
        row[CODES.get(code, code)] = row.get(CODES.get(code, code), 0) + 1
        if code not in codes or (record is not None and named != record):
            self.holes.append(f"{operator}: exit {code}, record {named}; expected {codes}, {record}")

    def whole(self):
        return b"".join(line + b"\n" for line in self.lines)

    def joined(self, lines):
        return {1: b"".join(line + b"\n" for line in lines)}

    def flips(self, stride):
        """Named, with the record in which it is, or the one before it or behind it: either could have been edited."""
        whole, choice, starts, at = self.whole(), random.Random(3), [], 0
        for line in self.lines:
            starts.append(at)
            at += len(line) + 1
        for offset in range(choice.randrange(stride), len(whole), stride):
            changed = bytearray(whole)
            changed[offset] ^= 1 << choice.randrange(8)
            record = sum(start <= offset for start in starts)
            code, named = self.verify({1: bytes(changed)})
            row = self.rows.setdefault("flip", {})
            row[CODES.get(code, code)] = row.get(CODES.get(code, code), 0) + 1
            if code < 30 or abs(named - record) > 1:
                self.holes.append(f"flip at {offset}, in record {record}: exit {code}, record {named}")

    def forged(self, index, behind):
        """A record in place of another, that follows `behind` and carries what it must."""
        digest = hashlib.sha256(behind).hexdigest().encode()
        line = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"' + digest + b'"', self.lines[index])
        return line

    def line_operators(self, every):
        lines, last = self.lines, len(self.lines)
        for i in range(last % every, last, every):
            self.expect("remove", self.joined(lines[:i] + lines[i + 1 :]), [34 if i == last - 1 else 31], i + 1)
            self.expect("edit", self.joined(lines[:i] + [lines[i].replace(b'"boot":"', b'"boot":"x', 1)] + lines[i + 1 :]), [30], i + 1)
            self.expect("duplicate", self.joined(lines[: i + 1] + lines[i:]), [33], i + 1)
            self.expect("truncate", self.joined(lines[:i]) if i else {1: b""}, [34], i + 1)
            if i + 1 < last:
                self.expect("reorder", self.joined(lines[:i] + [lines[i + 1], lines[i]] + lines[i + 2 :]), [32], i + 1)
            if i > 0:
                other = lines[i].replace(b'"boot":"', b'"boot":"x', 1)
                tail = self.joined(lines)[1] + other + b"\n"
                self.expect("fork, behind the end", {1: tail}, [35], i + 1)
                segments = {1: self.whole(), i + 1: other + b"\n"}
                self.expect("fork, two files", segments, [35], i + 1)
                self.expect("rewrite with hashes made anew", self.joined(self.made_anew(i)), [30], last)
        more = self.next_record()
        self.expect("unsigned tail", self.joined(lines + [more]), [36], last + 1, options=("--exact",))
        self.expect("unsigned tail, torn", {1: self.whole() + more[:50]}, [36], last + 1, options=("--exact",))
        self.expect("tail without --exact", self.joined(lines + [more]), [0])
        self.expect("nothing done", self.joined(lines), [0], options=("--exact",))
        back = self.next_record(b"2001-01-01T00:00:00.000000Z")
        self.expect("clock back", self.joined(lines + [back]), [37], last + 1)
        self.expect("anew without a head: nobody can see it", self.joined(self.made_anew(1)), [0], head=False)

    def made_anew(self, index):
        lines = list(self.lines)
        lines[index] = lines[index].replace(b'"boot":"', b'"boot":"x', 1)
        for i in range(index + 1, len(lines)):
            digest = hashlib.sha256(lines[i - 1]).hexdigest().encode()
            lines[i] = re.sub(rb'"prev":"[0-9a-f]{64}"', b'"prev":"' + digest + b'"', lines[i])
        return lines

    def next_record(self, time=None):
        line = self.forged(len(self.lines) - 1, self.lines[-1])
        line = re.sub(rb'"seq":\d+', b'"seq":%d' % (len(self.lines) + 1), line, count=1)
        return re.sub(rb'"time":"[^"]+"', b'"time":"' + time + b'"', line, count=1) if time else line

    def print(self):
        print(f"the audit log, {len(self.lines)} records: operator: tried, as what it was named")
        for operator, row in self.rows.items():
            print(f"  {operator}: {sum(row.values())}, " + ", ".join(f"{count} {name}" for name, count in sorted(row.items(), key=str)))
        for hole in self.holes[:40]:
            print(f"  HOLE {hole}")


def main(directory, head, stride="1", every="1"):
    log = Log(directory, head)
    try:
        log.line_operators(int(every))
        log.flips(int(stride))
    finally:
        shutil.rmtree(log.place)
    log.print()
    return 0 if not log.holes else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
