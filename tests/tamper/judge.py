"""What became of a store that somebody has changed, by one answer of the looker: refused, EIO, repaired, or without
effect, which has to be explained here. Everything else is a hole."""

import re

# What no change of these bytes can do anything to, and why.
EXPLAINED = [
    (r"lock$", 0, "lock: the number of the process that had it last; whoever takes it writes its own"),
    (r"format$", 17, "format, behind its first line: who made it, words for the refusal of a newer format"),
]
UNREAD = "an object that nothing in service has: read by nobody until it is rolled back to, and checked then"


def explain(place, offset, idle_objects):
    for pattern, first, why in EXPLAINED:
        if re.fullmatch(pattern, place) and offset >= first:
            return why
    if any(f"/{digest}/" in place for digest in idle_objects):
        return UNREAD
    return None


def names(place, records):
    """Whether a record is about this file."""
    match = re.fullmatch(r"((?:functions|layers)/[^/]+|policy)/releases/(\d+)", place)
    if match:
        about = [f"{match[1]} {match[2]} ", f"{match[1]} 0 - releases, of which none is whole"]
        return any(f" {part}" in record for record in records for part in about) or (
            match[1] == "policy" and any("policy-alarm" in record for record in records))
    match = re.fullmatch(r"objects/../([0-9a-f]+)/\w+", place)
    if match:
        return any(match[1] in record for record in records) or any("policy-alarm" in record for record in records)
    if place.endswith("/current"):
        return any(f" {place[:-8]} " in r and "which release is current" in r for r in records)
    return any(f" {place}: " in record for record in records)


def is_earlier_release(key, answer, baseline):
    """An earlier release, whole as it was verified, stands in for one that is damaged."""
    match = re.fullmatch(r"(run|deploy) /(functions/|policy/)?([^/]+)(/.*)?", key)
    if not match:
        return False
    if match[2] == "policy/":
        return any("policy-alarm" in record for record in answer.records)
    slot = f"functions/{match[3]}"
    if not any(f" {slot} " in record for record in answer.records):
        return False
    if match[1] == "run":
        return match[4] is None  # the link; what it leads to is compared by itself
    digest = answer.served[key].split()[-1]
    return any(k.startswith(f"run /.releases/{match[3]}/") and k.endswith("/code.zip") and v.split()[-1] == digest
               for k, v in baseline.served.items())


def judge(looker, answer):
    """(outcome, why)"""
    if answer.died:
        return "crashed", answer.died
    if answer.refused is not None:
        is_telling = len(answer.refused) > 40
        return ("refused", "") if is_telling else ("without a record", f"it says only: {answer.refused}")
    wrong, errors, views = looker.differences(answer)
    wrong = [key for key in wrong if not is_earlier_release(key, answer, looker.baseline)]
    if wrong:
        return "wrong bytes", f"{wrong[:3]}"
    if not answer.records:
        return ("without a record", f"{(errors + views)[:3]}") if errors or views else ("without effect", "")
    return ("EIO", "") if errors else ("repaired", "")
