"""Who may do what: users in the columns of a table, operations in its rows, in every cell exactly what comes of it.

    rights.py TABLE SCENE         compares; exit 1 with every cell that differs
    rights.py TABLE SCENE print   prints the table as it is found

A cell is 0, the name of an errno, or what a command exits with ("|": one of two, as the machine is set up). SCENE is a
JSON file: paths, processes, of each user its ids, and the rows that there are to be (none: all). A user is a process of
its own, which does what it is told by number (rights_operations.py). Before and after each cell the state is looked at: slots and their content, configuration, signer's home, mounts, processes, audit log. Whatever is not allowed
leaves all of it as it was; whatever is allowed and changes something must be seen to, and is undone for the next user.
"""

import errno
import json
import os
import sys

sys.dont_write_bytecode = True
from rights_operations import END, JUDGED, LAST, LOOKS, NOTHING, OPERATIONS, STAYS, UNSEEN, WHOSE



class Scene:
    def __init__(self, path):
        self.__dict__.update(json.load(open(path)))


# ---- users ----


class User:
    """A process with the user's ids, told one operation after the other."""

    def __init__(self, name, ids, scene):
        self.name = name
        ours, theirs = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(ours[1])
            os.close(theirs[0])
            scene.who = name
            os.setgroups(ids["groups"])
            os.setresgid(ids["gid"], ids["gid"], ids["gid"])
            os.setresuid(ids["uid"], ids["uid"], ids["uid"])
            os.chdir("/")
            serve(scene, os.fdopen(ours[0]), os.fdopen(theirs[1], "w"))
            os._exit(0)
        os.close(ours[0])
        os.close(theirs[1])
        self.ask, self.answer = os.fdopen(ours[1], "w"), os.fdopen(theirs[0])

    def does(self, operation):
        print(operation, file=self.ask, flush=True)
        return self.answer.readline().strip()

    def end(self):
        print(END, file=self.ask, flush=True)  # others have copies of this pipe, so that closing it ends nothing
        os.waitpid(self.child, 0)


def serve(scene, asked, answers):
    for line in asked:
        if line.strip() == END:
            return
        name, _, undoing = line.strip().partition(" ")
        do = OPERATIONS[name][1 if undoing else 0]
        try:
            result = do(scene)
            answer = str(result) if isinstance(result, int) else "0"
        except OSError as error:
            answer = errno.errorcode[error.errno]
        except Exception as error:  # pylint: disable=broad-except
            answer = f"{type(error).__name__}:{error}".replace(" ", "_")
        print(answer, file=answers, flush=True)


# ---- the state ----


def look(path, into):
    """Everything that lies below, but no times of reading."""
    for directory, names, files in os.walk(path):
        for name in names + files:
            whole = os.path.join(directory, name)
            if name == ".lock":
                continue  # of conf.d: whoever looks whether he may makes it
            if name in (".vouchfs", "run") and directory == path:
                names.remove(name) if name in names else None
                continue
            try:
                st = os.lstat(whole)
            except FileNotFoundError:
                continue
            times = () if os.path.isdir(whole) else (st.st_mtime_ns, st.st_size, st.st_ino)
            into[whole] = (st.st_mode, st.st_uid, st.st_gid, *times)


def state(scene):
    found = {}
    for path in (scene.mnt, scene.etc, scene.home, scene.work):
        look(path, found)
    for name in os.listdir(f"{scene.mnt}/run") if os.access(f"{scene.mnt}/run", os.R_OK) else ():
        if not name.startswith("."):
            found["run " + name] = os.readlink(f"{scene.mnt}/run/{name}")
    for directory in ("audit", "functions", "layers"):
        for name in os.listdir(f"{scene.store}/{directory}"):
            found[f"{directory} {name}"] = os.stat(f"{scene.store}/{directory}/{name}").st_size if directory == "audit" else 0
    for which in ("daemon", "supervisor"):
        found[which] = os.path.exists(f"/proc/{getattr(scene, which)}")
    found["mounts"] = [line for line in open("/proc/self/mountinfo") if scene.top in line]
    return found


def differences(before, after):
    return sorted(key for key in {*before, *after} if before.get(key) != after.get(key))


# ---- the table ----


def parse(path):
    users, rows = None, {}
    for line in open(path):
        words = line.split("#")[0].split()
        if not words:
            continue
        if users is None:
            users = words[1:]
            continue
        assert len(words) == len(users) + 1, f"{words[0]}: {len(words) - 1} cells for {len(users)} users"
        assert words[0] not in rows, f"{words[0]}: twice"
        rows[words[0]] = dict(zip(users, words[1:]))
    return users, rows


def is_trace(scene, what):
    """What is allowed to stay of something that was undone: records, and files that were put back."""
    records = ("audit ", "run ", "functions ", "layers ", scene.etc)
    return what.startswith(records) or what.endswith("/a.zip")


class Matrix:
    """Knows the state as it is before the next cell."""

    def __init__(self, scene):
        self.scene = scene
        self.users = {name: User(name, ids, scene) for name, ids in scene.users.items()}
        self.state = state(scene)
        self.wrong = []

    def move(self):
        """What has changed since it was asked last."""
        before, self.state = self.state, state(self.scene)
        return differences(before, self.state)

    def find(self, name, operation, expected):
        found = self.users[name].does(operation)
        if expected is not None and found not in expected.split("|"):
            self.wrong.append(f"{operation} by {name}: {found}, expected {expected}")
        return found

    def complain(self, operation, names, text, changes):
        self.wrong.append(f"{operation} by {' or '.join(names)}: {text} {', '.join(changes[:4])}")

    def denied(self, operation, names):
        """Nobody of them may, so nothing has changed; a refusal by what an artifact is has its record."""
        changes = [c for c in self.move() if operation not in JUDGED or not c.startswith("audit ")]
        if changes:
            self.complain(operation, names, "it was not allowed, and changed", changes)

    def undo(self, operation):
        found = self.users[WHOSE.get(operation, self.scene.mounter)].does(operation + " undo")
        if found != "0":
            self.wrong.append(f"{operation}: undoing it: {found}")

    def allowed(self, operation, name):
        how = OPERATIONS[operation][1]
        before = self.state
        changes = self.move()
        if how is LOOKS:
            if changes:
                self.complain(operation, [name], "it is to look only, and changed", changes)
            return
        if not changes and operation not in UNSEEN:
            self.complain(operation, [name], "it changed nothing", [])
        if how != STAYS:
            self.undo(operation)
            self.move()
            left = [c for c in differences(before, self.state) if not is_trace(self.scene, c)]
            if left:
                self.complain(operation, [name], "after it was undone there differ", left)

    def row(self, operation, expected):
        """Those who may not first, all of them between two looks."""
        found = {}
        denied = [name for name in expected if expected[name] != "0"]
        for name in denied:
            found[name] = self.find(name, operation, expected[name])
        self.denied(operation, denied)
        for name in expected:
            if name in denied:
                continue
            found[name] = self.find(name, operation, expected[name])
            if operation == LAST:
                return found  # nothing is left to look at
            self.allowed(operation, name)
        return found

    def row_as_found(self, operation):
        found = {}
        for name in sorted(self.users, key=lambda n: n == "root"):
            found[name] = self.find(name, operation, None)
            if operation == LAST and found[name] == "0":
                break
            if found[name] == "0":
                self.allowed(operation, name)
            else:
                self.denied(operation, [name])
        return found

    def end(self):
        for user in self.users.values():
            user.end()


def print_row(first, cells):
    print(f"{first:24}", *(f"{cell:9}" for cell in cells), flush=True)


def main():
    table, scene, printing = sys.argv[1], Scene(sys.argv[2]), len(sys.argv) > 3
    scene.say = None if os.environ.get("RIGHTS_SAY") else NOTHING
    scene.kept = {path: open(path, "rb").read() for path in scene.keep}
    matrix = Matrix(scene)
    if printing:
        print_row("#", scene.users)
        for operation in scene.rows or OPERATIONS:
            found = matrix.row_as_found(operation)
            print_row(operation, (found.get(name, "-") for name in scene.users))
    else:
        columns, rows = parse(table)
        assert set(columns) == set(scene.users), f"users differ: {set(columns) ^ set(scene.users)}"
        chosen = [name for name in OPERATIONS if not scene.rows or name in scene.rows]
        assert set(rows) == set(chosen), f"rows and operations differ: {set(rows) ^ set(chosen)}"
        for operation in chosen:
            matrix.row(operation, rows[operation])
    matrix.end()
    print("\n".join(matrix.wrong))
    sys.exit(1 if matrix.wrong else 0)


main()
