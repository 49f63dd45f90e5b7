"""What is right after a power cut. Says what is wrong by the oracle's number:

O1 exactly the old state or exactly the new one    O2 what was acknowledged is there
O3 no release without its record                   O4 nothing is readable that was not let in (part of O1)
O5 recovery may be repeated                        O6 nothing is left over (part of O1)
O7 the chain of the audit log verifies
"""
import collections

Verdict = collections.namedtuple("Verdict", "index wrong")


def difference(state, other):
    keys = [key for key in sorted(state.keys() | other.keys()) if state.get(key) != other.get(key)]
    return "; ".join(f"{key}: {state.get(key)} instead of {other.get(key)}" for key in keys[:4])


def nearest(state, states):
    return min(states, key=lambda other: sum(state.get(key) != other.get(key) for key in state.keys() | other.keys()))


def examine(scene, states, acknowledged, decisions, again):
    """Of an attached image: states are those that it may be in, old first; acknowledged: how many of the changes
    between them were; decisions: how many the audit log has at least; again: O5 is asked. Verdict: which state it is,
    and what is wrong."""
    try:
        scene.start()
    except RuntimeError as error:
        return Verdict(None, f"O1: it does not start: {error}")
    try:
        state = scene.found()
        wrong = check_records(scene, decisions)
    except (OSError, ValueError) as error:
        scene.stop()
        return Verdict(None, f"O1: torn: {error}")
    scene.stop()
    chain = scene.chain_error()
    wrong = wrong or chain and f"O7: {chain}"
    if state not in states:
        return Verdict(None, wrong or f"O1: torn: {difference(state, nearest(state, states))}")
    index = len(states) - 1 - states[::-1].index(state)
    if index < acknowledged:
        return Verdict(index, f"O2: lost after it was acknowledged: {difference(state, states[acknowledged])}")
    return Verdict(index, wrong or again and check_again(scene, state))


def check_records(scene, decisions):
    missing = scene.unrecorded()
    if missing:
        return f"O3: no record of {', '.join(missing)}"
    found = scene.records()[1]
    return f"O2: {found} decisions are recorded, {decisions} were acknowledged" if found < decisions else ""


def check_again(scene, state):
    scene.start()
    try:
        again = scene.found()
    finally:
        scene.stop()
    return "" if again == state else f"O5: another state at the next start: {difference(again, state)}"
