"""What each operation says on each kind of node to each caller, exactly.

    permissions.py TABLE SCENE         compares; exit 1 with every cell that differs, and how many there are
    permissions.py TABLE SCENE print   prints the table as it is found, below the head that TABLE has

SCENE is a JSON file: the mount, callers (ids, and of which user namespace), nodes (a path below the mount each, "link"
for one that is not followed). A caller is a process of its own. The table has a block for each node, and in it a line
for all operations that come out the same: a cell for each caller, then their names.
"""

import ctypes
import json
import os
import sys
import time

sys.dont_write_bytecode = True
from permissions_operations import CHANGES, MADE, OPERATIONS, attempt

# What comes back with one of these has changed nothing; after each node that is looked at.
NOTHING = set("EACCES EPERM EROFS ENOTDIR ENOENT EISDIR EEXIST EBUSY EINVAL ENOTSUP EXDEV ENODEV ENOTTY EBADF ENXIO".split())
OF_ALL = {("functions", "utimes-now"), ("layers", "utimes-now")}  # as in /tmp; nothing comes of it
ALONE = {"lease", "lock-w"}  # others would be in the way
RESTORE, END = "restore", "end"
CLONE_NEWUSER = 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)


class Caller:
    """A process that is told a node's path and an operation, and says what came of it."""

    def __init__(self, name, ids, scratch):
        self.name = name
        ours, theirs = os.pipe(), os.pipe()
        self.own = f"{scratch}/{name}"
        self.child = os.fork()
        if self.child == 0:
            os.close(ours[1])
            os.close(theirs[0])
            become(ids)
            self.serve(os.fdopen(ours[0]), theirs[1])
            os._exit(0)
        os.close(ours[0])
        os.close(theirs[1])
        os.set_inheritable(ours[1], False)
        self.ask, self.answer = os.fdopen(ours[1], "w"), os.fdopen(theirs[0])

    def serve(self, asked, answers):
        for line in asked:
            operations, _, path = line.rstrip("\n").partition(" ")
            if operations == END:
                return
            said = []
            for name in operations.split(","):
                self.put_back()
                said.append(restore(path) if name == RESTORE else attempt(name, path, self.own))
            os.write(answers, (" ".join(said) + "\n").encode())

    def put_back(self):
        """The scratch file."""
        with open(self.own, "a+") as file:
            if file.tell() == 0:
                file.write("scratch")

    def begin(self, operations, path):
        print(",".join(operations), path, file=self.ask, flush=True)

    def said(self):
        return self.answer.readline().split()

    def does(self, operation, path):
        self.begin([operation], path)
        return self.said()[0]

    def end(self):
        self.begin([END], "")  # others have copies of the pipe, so that closing it ends nothing
        os.waitpid(self.child, 0)


def become(ids):
    os.setgroups(ids["groups"])
    os.setresgid(ids["gid"], ids["gid"], ids["gid"])
    os.setresuid(ids["uid"], ids["uid"], ids["uid"])
    LIBC.prctl(4, 1, 0, 0, 0)  # dumpable again: its own files of /proc are its own
    if not ids.get("namespace"):
        return
    if LIBC.unshare(CLONE_NEWUSER) < 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {ids['uid']} 1"), ("gid_map", f"0 {ids['gid']} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


# ---- the nodes ----


def write_where_other(path, content):
    """Writes it unless it is there and ours."""
    try:
        with open(path, "rb") as file:
            if file.read() == content and os.fstat(file.fileno()).st_uid == os.geteuid():
                return
        if path.endswith(".zip") and os.stat(path).st_uid != os.geteuid():
            os.unlink(path)
    except FileNotFoundError:
        pass
    with open(path, "wb") as file:
        file.write(content)


def restore(description):
    """As the slots' owner: what is to be there, and has changed."""
    try:
        mnt, artifact = description.split(" ")
        content = open(artifact, "rb").read()
        slot = f"{mnt}/functions/main"
        if not os.path.isdir(slot + "/.dir"):
            os.mkdir(slot + "/.dir")
        write_where_other(slot + "/a.zip", content)
        if os.path.isdir(f"{mnt}/layers/shared"):
            write_where_other(slot + "/layers", b"shared:2\n")
        write_where_other(slot + "/.stage", b"staged\n")
        write_where_other(slot + "/.dir/file", b"staged\n")
        if os.path.isdir(f"{mnt}/layers/base") and not os.listdir(f"{mnt}/layers/base"):
            write_where_other(f"{mnt}/layers/base/{time.monotonic_ns()}-new.zip", content)  # other names linger
    except OSError as error:
        return str(error)
    return "0"



class Nodes:
    """Knows where each is, and puts it back as it was; as who owns the slot would."""

    def __init__(self, scene, keeper):
        self.scene, self.mnt, self.keeper = scene, scene["mnt"], keeper
        self.restored()
        self.state = self.look()

    def restored(self):
        said = self.keeper.does(RESTORE, f"{self.mnt} {self.scene['artifact']}")
        assert said == "0", said

    def path(self, name):
        path = self.scene["nodes"][name]
        if "<version>" in path:
            versions = [int(found.split(".")[0]) for found in os.listdir(f"{self.mnt}/layers/base")]
            path = path.replace("<version>", str(max(versions)))
        return f"{self.mnt}/{path}".rstrip("/") if path else self.mnt

    def look(self):
        """What operations can change."""
        found = [(name, *known_of(f"{self.mnt}/{name}")) for name in self.scene["unlisted"] + self.scene["absent"]]
        for where in self.scene["watched"]:
            path = f"{self.mnt}/{where}"
            names = sorted(os.listdir(path)) if os.path.isdir(path) else ["none"]
            found += [(where, name, *known_of(f"{path}/{name}")) for name in names]
            found += [where + name for name in MADE if os.path.lexists(f"{path}/{name}")]
        return found

    def made(self):
        found = [f"{self.mnt}/{where}/{name}" for where in self.scene["watched"] for name in MADE]
        return [path for path in found + [f"{self.mnt}/{name}" for name in self.scene["absent"]] if os.path.lexists(path)]

    def put_back(self):
        """What somebody has closed may be there for a moment yet."""
        if self.look() == self.state:
            return
        bundle = f"{self.mnt}/policy/policy-1.zip"
        for _ in range(200):
            left = self.made()
            for path in left:
                if path.startswith(os.path.dirname(bundle)) and not os.path.exists(bundle):
                    os.rename(path, bundle)
                else:
                    remove(path)
            if not left:
                break
            time.sleep(0.01)
        artifact = f"{self.mnt}/functions/main/a.zip"
        if known_of(artifact) and os.stat(artifact).st_uid != self.scene["callers"][self.scene["keeper"]]["uid"]:
            remove(artifact)
        self.restored()
        self.state = self.look()


def known_of(path):
    try:
        st = os.lstat(path)
        return st.st_mode, st.st_uid, st.st_gid, st.st_size
    except OSError:
        return ()


def remove(path):
    """Whatever it is; what cannot be removed shows in the cells that follow."""
    for function in (os.unlink, os.rmdir):
        try:
            function(path)
            return
        except OSError:
            pass


# ---- the table ----


def parse(path):
    """Head lines, callers, and (node, operation) to cells."""
    head, callers, cells, node = [], None, {}, None
    for line in open(path):
        words = line.split()
        if line.startswith("#") and node is None:
            head.append(line)
        elif not words or line.startswith("#"):
            continue
        elif words[0] == "callers":
            callers = words[1:]
        elif words[0] == "node":
            node = words[1]
        else:
            at = words.index("|")
            assert at == len(callers), f"{path}: {line.strip()}: {at} cells for {len(callers)} callers"
            for operation in words[at + 1 :]:
                assert (node, operation) not in cells, f"{path}: {node} {operation} twice"
                cells[node, operation] = tuple(words[:at])
    return head, callers, cells


def row(nodes, callers, node, operation):
    """What is not allowed is believed to change nothing, until all have tried."""
    cells = []
    for caller in callers:
        cells.append(caller.does(operation, nodes.path(node)))
        if cells[-1] == "0" and operation in CHANGES:
            nodes.put_back()
    if operation in CHANGES and not {*cells} <= NOTHING:
        nodes.put_back()
    return tuple(cells)


def at_once(callers, path, operations):
    """What changes nothing: all callers, next to each other."""
    for caller in callers:
        caller.begin(operations, path)
    said = [caller.said() for caller in callers]
    return list(zip(*said))


def find(scene):
    """(node, operation) to what each caller was told."""
    callers = {name: Caller(name, ids, scene["scratch"]) for name, ids in scene["callers"].items()}
    if scene["keeper"] == "mounter":  # nobody else sees anything
        become(scene["callers"]["mounter"])
    nodes, found = Nodes(scene, callers[scene["keeper"]]), {}
    for node in scene["nodes"]:
        is_fixed = scene["nodes"][node].startswith(("run/", ".vouchfs"))  # nothing there can be changed
        looking = [name for name in OPERATIONS if name not in ALONE and (is_fixed or name not in CHANGES)]
        for operation, cells in zip(looking, at_once(callers.values(), nodes.path(node), looking)):
            found[node, operation] = cells
        for operation in OPERATIONS:
            if operation not in looking:
                found[node, operation] = row(nodes, callers.values(), node, operation)
        nodes.put_back()
    for caller in callers.values():
        caller.end()
    return found


def show(head, scene, found):
    print("".join(head) + "\n" + "callers " + " ".join(scene["callers"]))
    for node in scene["nodes"]:
        print(f"\nnode {node}  # {scene['nodes'][node] or '/'}")
        lines = {}
        for operation in OPERATIONS:
            lines.setdefault(found[node, operation], []).append(operation)
        for cells, operations in sorted(lines.items(), key=lambda item: item[0]):
            print("".join(f"{cell:<13}" for cell in cells).rstrip().ljust(13 * len(cells) - 1), "|", *operations)


def differences(expected, found, callers):
    for key in sorted({*expected, *found}):
        for at, caller in enumerate(callers):
            is_, ought = (cells[key][at] if key in cells else "no cell" for cells in (found, expected))
            if is_ != ought:
                yield f"{key[0]}: {key[1]} by {caller}: {is_}, expected {ought}"


def broken_rules(found, callers):
    """What holds of every cell, whatever the table says."""
    column = {name: at for at, name in enumerate(callers)}
    for (node, operation), cells in found.items():
        said = {name: cells[at] for name, at in column.items()}
        where = f"{node}: {operation}"
        if operation in CHANGES and said["other"] == "0" and operation != "chown-none" and (node, operation) not in OF_ALL:
            yield f"{where}: others change something"
        if "ns-other" not in said:
            continue
        if said["ns-other"] != said["other"] and not operation.startswith("chown"):
            yield f"{where}: in a user namespace of his own, another one is told {said['ns-other']}, not {said['other']}"
        if said["ns-root"] == "0" and said["root"] != "0":
            yield f"{where}: root of a user namespace may what root may not"
        if said["member"] == "0" and said["owner"] != "0" and said["root"] != "0":
            yield f"{where}: a member of the group may what its owner may not"


def main(table, scene_path, *options):
    scene = json.load(open(scene_path))
    head, callers, expected = parse(table)
    found = find(scene)
    if "print" in options:
        show(head, scene, found)
        return 0
    assert callers == list(scene["callers"]), callers
    wrong = list(differences(expected, found, callers)) + list(broken_rules(found, callers))
    print("\n".join(wrong[:40]))
    print(f"{len(found) * len(callers)} cells, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
