"""Every byte of a small store is changed, one bit in each, and everything is read (looker.py).

    flips.py LOOK T [STRIDE] [WORKER/WORKERS]

T is the directory of the scene (scene.bash). Files that have nothing to do with each other are changed in one look, a
byte in each; where a change is named by no record of its own it is looked at again alone. STRIDE: each so many bytes.
"""

import os
import random
import re
import sys

from judge import explain, judge, names
from looker import Looker, files_of
from tally import Tally


def group_of(place):
    """Files of one group are looked at together. None: each alone. The audit log has logs.py."""
    if place.startswith("audit/"):
        return "skip"
    if place.endswith(".again"):
        return "again"
    if place.startswith("objects/"):
        return os.path.basename(place)
    if place.endswith("/current") or place in ("next-id", "bindings") or place.startswith("revocations/"):
        return "small"
    if place.startswith(("functions/", "layers/")):
        return "records"
    return None


def idle_objects(snapshot, looker):
    """Digests that no record of what is in service has."""
    text = ""
    for place in files_of(snapshot):
        if re.search(r"/releases/\d+$", place) and not re.fullmatch(r"policy/releases/1", place):
            with open(f"{snapshot}/{place}", encoding="latin-1") as file:
                text += file.read()
    objects = {p.split("/")[2] for p in files_of(snapshot) if p.startswith("objects/")}
    return {digest for digest in objects if digest not in text}


class Sweep:
    def __init__(self, looker, stride, share):
        self.looker, self.stride, self.share = looker, stride, share
        self.tally, self.choice = Tally(), random.Random(1)
        self.idle = idle_objects(looker.snapshot, looker)
        self.looks = 0
        self.outcomes = {}  # of a place's first change, which is looked at alone

    def alone(self, place, offset, mask):
        answer = self.looker.flip([(place, offset, mask)])
        self.looks += 1
        outcome, why = judge(self.looker, answer)
        if outcome == "without effect":
            why = explain(place, offset, self.idle)
            outcome = outcome if why else "without a record"
        self.outcomes.setdefault(place, outcome)
        self.tally.note(kind_of(place), outcome, f"{place} at {offset}", why or "")

    def together(self, places):
        for place in [p for p in places if p[0] not in self.outcomes]:
            self.alone(*place)
            places = [p for p in places if p != place]
        if not places:
            return
        answer = self.looker.flip(places)
        self.looks += 1
        outcome, why = judge(self.looker, answer)
        if outcome in ("crashed", "wrong bytes", "refused"):
            for place in places:
                self.alone(*place)
            return
        for place in places:
            if names(place[0], answer.records):
                self.tally.note(kind_of(place[0]), self.outcomes[place[0]], place)
            else:
                self.alone(*place)

    def run(self):
        groups = {}
        for place in files_of(self.looker.snapshot):
            group = group_of(place)
            if group != "skip" and os.path.getsize(f"{self.looker.snapshot}/{place}"):
                is_idle = any(digest in place for digest in self.idle)
                groups.setdefault(place if group is None or is_idle else group, []).append(place)
        for group, places in groups.items():
            policy = [p for p in places if self.is_of_policy(p)]
            for part in [[p for p in places if p not in policy]] + [[p] for p in policy]:
                self.run_group(part)

    def is_of_policy(self, place):
        """What governs the others is looked at alone."""
        if place.startswith("policy/"):
            return True
        digest = place.split("/")[2] if place.startswith("objects/") else None
        return digest is not None and os.path.exists(
            f"{self.looker.snapshot}/{os.path.dirname(place)}/ref.policy:")

    def run_group(self, places):
        sizes = {place: os.path.getsize(f"{self.looker.snapshot}/{place}") for place in places}
        start = self.choice.randrange(self.stride)
        for offset in range(start, max(sizes.values(), default=0), self.stride):
            bit = 1 << self.choice.randrange(8)
            if offset // self.stride % self.share[1] != self.share[0]:
                continue
            here = [(p, offset, bit) for p in places if offset < sizes[p]]
            if len(here) == 1:
                self.alone(*here[0])
            elif here:
                self.together(here)


def kind_of(place):
    kinds = [(r"objects/.*/payload", "flip payload"), (r"objects/.*/tree", "flip tree"), (r".*/releases/\d+", "flip record"),
             (r".*/current", "flip current"), (r".*/note", "flip note"), (r".*/slot", "flip slot")]
    return next((kind for pattern, kind in kinds if re.fullmatch(pattern, place)), "flip other")


def main(program, scene, stride="1", share="0/1"):
    number, count = map(int, share.split("/"))
    store = f"{scene}/store" if count == 1 else f"{scene}/store{number}"
    conf = f"{scene}/etc/vouchfs.conf"
    looker = Looker(program, conf, store, f"{scene}/snapshot")
    sweep = Sweep(looker, int(stride), (number, count))
    sweep.run()
    looker.close()
    sweep.tally.print(f"every {stride} bytes, {sweep.looks} looks")
    return 0 if sweep.tally.is_tight() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
