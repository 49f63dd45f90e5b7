"""What has to hold of a store that nobody is changing, whatever happened before."""
import json
import os
import pathlib
import re

from host import sha256

KEPT_APART = ("audit/", "lock")  # starting and stopping writes there


def records(store):
    """The audit log's records, oldest first."""
    found = []
    for segment in sorted((store / "audit").iterdir()):
        found += [json.loads(line) for line in segment.read_text().splitlines()]
    return found


def slots(store):
    """Each slot's directory, and the name that references and records have of it."""
    for directory in sorted(store.glob("functions/*")):
        yield directory, directory.name
    for directory in sorted(store.glob("layers/*")):
        yield directory, "layer:" + directory.name
    if (store / "policy").is_dir():
        yield store / "policy", "policy:"


def releases(directory):
    place = directory / "releases"
    return sorted(place.iterdir(), key=lambda path: int(path.name)) if place.is_dir() else []


def objects_of(record):
    """Digests in a release record's head."""
    head = record.read_bytes().split(b"\n\n")[0].decode()
    return set(re.findall(r"^(?:layer-)?object: ([0-9a-f]+)$", head, re.M))


def check_record(record):
    text = record.read_bytes()
    body, _, last = text.rstrip(b"\n").rpartition(b"sha256: ")
    return [] if sha256(body) == last.decode() else [f"{record.parent.parent.name}/{record.name} is torn"]


def check_store(store):
    """Complaints: staging, temporary names, objects nobody needs, references that lead nowhere, torn records (I2, I5)."""
    bad = [f"left in staging: {path.name}" for path in (store / "staging").iterdir()]
    bad += [f"left: {path.relative_to(store)}" for path in store.rglob(".*") if path.is_file()]
    needed = {}
    for directory, slot in slots(store):
        for record in releases(directory):
            bad += check_record(record)
            for digest in objects_of(record):
                needed.setdefault(digest, set()).add(slot)
    there = {path.name: path for path in store.glob("objects/*/*")}
    bad += [f"object {digest[:8]} is not there, {slots_} need it" for digest, slots_ in needed.items() if digest not in there]
    for digest, path in there.items():
        found = set(os.listdir(path))
        references = {name.removeprefix("ref.") for name in found if name.startswith("ref.")}
        if not references or references != needed.get(digest, set()):
            bad.append(f"object {digest[:8]} is referred to by {sorted(references)}, needed by {sorted(needed.get(digest, ()))}")
        if not {"payload", "tree"} <= found:
            bad.append(f"object {digest[:8]} has only {sorted(found)}")
    return bad


def check_audit(host, acknowledged):
    """I3: the chain is whole, what is there was accepted first, and so was what was acknowledged."""
    outcome = host.vouchfs("audit", "verify", host.store)
    bad = [] if outcome.status == 0 else [f"audit verify: {outcome}"]
    log = records(host.store)
    accepted = {(r.get("slot"), r.get("release")) for r in log if r.get("outcome") in ("accepted", "warned")}
    for directory, slot in slots(host.store):
        shown = str(directory.relative_to(host.store))
        for record in releases(directory):
            if (shown, int(record.name)) not in accepted:
                bad.append(f"release {record.name} of {shown} has no record")
    if acknowledged and not acknowledged(log):
        bad.append("what was acknowledged has no record")
    return bad


def current(directory):
    """The record of the release that is current, as the store says it."""
    return directory / "releases" / (directory / "current").read_text().split("\n\n")[1].split()[0]


def is_of(path, store, record):
    """Whether a file is the artifact of a release: the object's bytes, two with a length, the record's comment."""
    text = record.read_bytes()
    head = dict(line.split(": ", 1) for line in text.split(b"\n\n")[0].decode().splitlines())
    payload = (store / "objects" / head["object"][:2] / head["object"] / "payload").read_bytes()
    shown, comment = path.read_bytes(), int(head["comment-bytes"])
    return (shown[:len(payload)], len(shown)) == (payload, len(payload) + 2 + comment) and shown[len(payload) + 2:] in text


def check_served(host):
    """What is served is what the store says is current, or is refused."""
    bad = []
    for directory, slot in slots(host.store):
        if not (directory / "current").exists():
            continue
        record, place = current(directory), directory.relative_to(host.store)
        if not record.exists():
            bad.append(f"current of {place} is {record.name}, which is not there")
            continue
        shown = [path for path in (host.mountpoint / place).iterdir() if path.suffix == ".zip"]
        if place.parts[0] == "functions":
            shown.append(host.run_side / slot / "code.zip")
        for path in shown:
            try:
                if not is_of(path, host.store, record):
                    bad.append(f"current of {place} is {record.name}, {path.relative_to(host.mountpoint)} is another one")
            except PermissionError:
                pass
    return bad


def digests(store):
    """All files that a start does not change."""
    found = {}
    for path in sorted(store.rglob("*")):
        name = str(path.relative_to(store))
        if path.is_file() and not name.startswith(KEPT_APART):
            found[name] = sha256(path.read_bytes())
    return found


def differences(before, after):
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
