"""Random places of a large store, changed in many slots at once, a place in each, and everything is read.

    large.py make MNT SLOTS BYTES             deploys f-<n>, each an artifact of its own of about BYTES
    large.py sweep LOOK T PLACES [SEED]       T: as scene.bash leaves it, with the store's snapshot

Half of the places are any byte, which is nearly always a payload's; half are any byte of any file.
"""

import io
import os
import random
import re
import sys
import zipfile

from flips import kind_of
from judge import judge, names
from looker import Looker, files_of
from tally import Tally


def make(mount, slots, size):
    choice = random.Random(11)
    for number in range(int(slots)):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("stored", choice.randbytes(int(size)))
            file.writestr("small", str(number))
        directory = f"{mount}/functions/f-{number:04}"
        os.mkdir(directory)
        with open(f"{directory}/a.zip", "wb") as file:
            file.write(archive.getvalue())


def places_of_slots(snapshot):
    """Slot: its files, those of its object among them."""
    slots = {}
    for place in files_of(snapshot):
        match = re.fullmatch(r"functions/([^/]+)/.*", place)
        if match:
            slots.setdefault(match[1], []).append(place)
        match = re.fullmatch(r"(objects/../[0-9a-f]+)/ref\.(.+)", place)
        if match:
            slots.setdefault(match[2], []).extend(
                f"{match[1]}/{name}" for name in os.listdir(f"{snapshot}/{match[1]}") if not name.startswith("ref."))
    return slots


class Places:
    def __init__(self, snapshot, seed):
        self.choice, self.slots = random.Random(seed), places_of_slots(snapshot)
        self.sizes = {p: os.path.getsize(f"{snapshot}/{p}") for files in self.slots.values() for p in files}

    def of_slot(self, files):
        by_bytes = self.choice.random() < 0.5
        place = self.choice.choices(files, [self.sizes[p] if by_bytes else 1 for p in files])[0]
        return place, self.choice.randrange(self.sizes[place]), 1 << self.choice.randrange(8)

    def some(self, count):
        slots = self.choice.sample(sorted(self.slots), min(count, len(self.slots)))
        return [self.of_slot(self.slots[slot]) for slot in slots]


def note_all(looker, answer, places, tally):
    outcome, why = judge(looker, answer)
    for place in places:
        is_record = kind_of(place[0]) in ("flip payload", "flip tree", "flip record")
        found = outcome if outcome in ("crashed", "refused", "wrong bytes") else "EIO" if is_record else "repaired"
        if not names(place[0], answer.records):
            found = "without a record"
        tally.note(kind_of(place[0]), found, place, why)


def sweep(program, scene, wanted, seed="20261122"):
    looker = Looker(program, f"{scene}/etc/vouchfs.conf", f"{scene}/store", f"{scene}/snapshot")
    places, tally, left, looks = Places(looker.snapshot, int(seed)), Tally(), int(wanted), 0
    while left > 0:
        now = places.some(min(left, 1000))
        note_all(looker, looker.flip(now), now, tally)
        left -= len(now)
        looks += 1
    looker.close()
    tally.print(f"{wanted} random places of {len(places.slots)} slots, {sum(places.sizes.values()) >> 20} MiB, seed {seed}, "
                f"{looks} looks")
    return 0 if tally.is_tight() else 1


if __name__ == "__main__":
    sys.exit({"make": make, "sweep": sweep}[sys.argv[1]](*sys.argv[2:]))
