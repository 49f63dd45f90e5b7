"""Compares JSON answers with shapes.table.

    shapes.py check VERB SEEN < ANSWER   every member of the answer, and nothing else; notes the members in the file SEEN
    shapes.py unseen GROUP SEEN          prints the members of a group's verbs that no answer had
    shapes.py verbs GROUP                prints the verbs of a group
"""
import datetime
import json
import os
import re
import sys

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SIGNER_ARN = r"arn:vouchfs:signer:[a-z0-9-]+:\d{12}:"
LAMBDA_ARN = r"arn:vouchfs:lambda:[a-z0-9-]+:\d{12}:"
PATTERNS = {
    "account": r"\d{12}",
    "uuid": UUID,
    "profile": r"\w{2,64}",
    "version": r"[A-Za-z0-9]{10}",
    "profile-arn": SIGNER_ARN + r"/signing-profiles/\w{2,64}",
    "version-arn": SIGNER_ARN + r"/signing-profiles/\w{2,64}/[A-Za-z0-9]{10}",
    "job-arn": SIGNER_ARN + r"/signing-jobs/" + UUID,
    "lambda-arn": LAMBDA_ARN + r".+",
    "unit": r"DAYS|MONTHS|YEARS",
    "profile-status": r"Active|Canceled|Revoked",
    "action": r"signer:(StartSigningJob|SignPayload|GetSigningProfile|RevokeSignature)",
    "job-status": r"Succeeded|Failed",
    "text": r".*",
    # as the AWS CLI prints the times of signer; lambda has milliseconds and another form of the offset
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
    "time-ns": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z",
    "csc-id": r"[A-Za-z0-9_-]{1,29}",
    "csc-arn": LAMBDA_ARN + r"code-signing-config:[A-Za-z0-9_-]{1,29}",
    "function-arn": LAMBDA_ARN + r"function:[A-Za-z0-9_-]{1,64}",
    "layer-arn": LAMBDA_ARN + r"layer:[A-Za-z0-9_-]{1,64}",
    "layer-version-arn": LAMBDA_ARN + r"layer:[A-Za-z0-9_-]{1,64}:[1-9]\d*",
    "policy": r"Warn|Enforce",
    "state": r"Active|Failed",
    "base64": r"[A-Za-z0-9+/]+={0,2}",
    "time-ms": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000",
}
KINDS = {"object": dict, "list": list, "bool": bool, "number": int}


def read_table():
    table, verb = {}, None
    for line in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "shapes.table"), encoding="ascii"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if not line[0].isspace():
            verb = " ".join(words)
            assert verb not in table, f"{verb} is in the table twice"
            table[verb] = {}
        elif words != ["(nothing)"]:
            path, kind = words
            assert kind in PATTERNS or kind in KINDS, f"{verb} {path}: there is no type {kind}"
            table[verb][path.rstrip("?")] = (kind, path.endswith("?"))
    return table


def is_of(value, kind):
    if kind in KINDS:
        return type(value) is KINDS[kind]
    if not isinstance(value, str) or not re.fullmatch(PATTERNS[kind], value, re.DOTALL):
        return False
    if kind.startswith("time"):
        datetime.datetime.fromisoformat(value[:19])
    return True


def members_of(members, path):
    """The names that an object at this path may have."""
    prefix = path + "." if path else ""
    return {name[len(prefix):]: name for name in members
            if name.startswith(prefix) and not re.search(r"[.\[]", name[len(prefix):])}


def compare(members, path, value, seen):
    """What is wrong, as a list of lines."""
    if path:
        seen.add(path)
        kind = members[path][0]
        if not is_of(value, kind):
            return [f"{path}: {value!r} is not {kind}"]
    wrong = []
    if isinstance(value, dict):
        known = members_of(members, path)
        wrong += [f"{path or 'the answer'}: {key} is not in the table" for key in value if key not in known]
        wrong += [f"{full} is missing" for key, full in known.items() if key not in value and not members[full][1]]
        for key in value:
            if key in known:
                wrong += compare(members, known[key], value[key], seen)
    elif isinstance(value, list):
        for item in value:
            wrong += compare(members, path + "[]", item, seen)
    return wrong


def twice(pairs):
    assert len(pairs) == len({key for key, _ in pairs}), f"a member twice: {pairs}"
    return dict(pairs)


def check(members, text):
    if not members:
        return ["there should be no answer"] if text else [], set()
    seen = set()
    answer = json.loads(text, object_pairs_hook=twice)
    if not isinstance(answer, dict):
        return ["the answer is no object"], seen
    return compare(members, "", answer, seen), seen


def main():
    table = read_table()
    if sys.argv[1] == "verbs":
        print("\n".join(verb for verb in table if verb.split()[0] == sys.argv[2]))
    elif sys.argv[1] == "unseen":
        seen = set(open(sys.argv[3], encoding="ascii").read().splitlines())
        print("\n".join(f"{verb}: {path}" for verb, members in table.items() if verb.split()[0] == sys.argv[2]
                        for path in members or ["(nothing)"] if f"{verb}: {path}" not in seen))
    else:
        verb = sys.argv[2]
        wrong, seen = check(table[verb], sys.stdin.read())
        with open(sys.argv[3], "a", encoding="ascii") as out:
            out.writelines(f"{verb}: {path}\n" for path in seen or {"(nothing)"})
        sys.exit("\n".join(f"{verb}: {line}" for line in wrong) if wrong else 0)


main()
