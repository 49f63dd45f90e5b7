"""The driver tamper_look (look.c) as an object: what a store serves, as lines, and how two answers differ."""

import os
import re
import subprocess

VIEWS = ["status.json", "health", "policy/status", "history/policy", "why/policy"]
VIEWS += [f"{view}/functions/{name}" for view in ("why", "history") for name in ("app", "noted", "waits")]
VIEWS += [f"{view}/layers/{name}" for view in ("why",) for name in ("base", "tools")]
VIEWS += ["permissions/layers/base:1", "permissions/layers/base:2"]

PLACE_OF_RELEASE = {"functions": "functions", "layers": "layers", "policy": "policy"}


class Answer:
    """One look: `served` maps what is there to what it is; `records` are those of the audit log, in order."""

    def __init__(self, lines):
        self.died = next((line for line in lines if line.startswith("died ")), None)
        self.refused = next((line[8:] for line in lines if line.startswith("refused ")), None)
        self.records = [line[7:] for line in lines if line.startswith("record ")]
        self.served = {}
        for line in lines:
            side, _, rest = line.partition(" ")
            if side in ("run", "deploy"):
                path, _, what = rest.partition(" ")
                self.served[f"{side} {path}"] = what

    def is_error(self, key):
        """Of a line that the other answer has: it is gone, or there is an errno in its place."""
        return key not in self.served or re.search(r"(^| )E[A-Z]+$", self.served[key]) is not None


class Looker:
    def __init__(self, program, conf, store, snapshot):
        self.store, self.snapshot = store, snapshot
        self.process = subprocess.Popen(
            [program, conf, store, snapshot, *("/.vouchfs/" + view for view in VIEWS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
        self.take()
        baseline, again = self.ask("flip format 0 0"), self.ask("flip format 0 0")
        assert baseline.refused is None and baseline.died is None and not baseline.records, vars(baseline)
        self.volatile = {key for key in baseline.served if baseline.served[key] != again.served.get(key)}
        self.baseline = baseline

    def take(self):
        lines = []
        for line in self.process.stdout:
            if line == ".\n":
                return Answer(lines)
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"tamper_look ended: {lines[-3:]}")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.take()

    def flip(self, places):
        """places: (path, offset, mask) each."""
        return self.ask("flip " + " ".join(f"{path} {offset} {mask}" for path, offset, mask in places))

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def differences(self, answer):
        """(wrong, errors, views): of what is served; views are made from it and may say that something is wrong."""
        wrong, errors, views = [], [], []
        for key in sorted(set(self.baseline.served) | set(answer.served)):
            if key in self.volatile or self.baseline.served.get(key) == answer.served.get(key):
                continue
            if key.startswith("deploy /.vouchfs/"):
                views.append(key)
            elif answer.is_error(key):
                errors.append(key)
            else:
                wrong.append(key)
        return wrong, errors, views


def files_of(snapshot):
    """Paths of all files below, relative, sorted."""
    found = []
    for at, _, names in os.walk(snapshot):
        found += [os.path.relpath(os.path.join(at, name), snapshot) for name in names]
    return sorted(found)
