"""Who may do what: users in the columns of a table, operations in its rows, in every cell exactly what comes of it.

    rights.py TABLE SCENE         compares; exit 1 with every cell that differs
    rights.py TABLE SCENE print   prints the table as it is found

A cell is 0, the name of an errno, or what a command exits with ("|": one of two, as the machine is set up). SCENE is a JSON file: paths, processes, of each user
its ids, and the rows that there are to be (none: all). A user is a process of its own, which does what it is told by number. Before and after each cell the state is
looked at: slots and their content, configuration, signer's home, mounts, processes, audit log. Whatever is not allowed
leaves all of it as it was; whatever is allowed and changes something must be seen to, and is undone for the next user.
"""

import ctypes
import errno
import json
import os
import signal
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
MNT_EXPIRE = 4
NOTHING = subprocess.DEVNULL


class Scene:
    def __init__(self, path):
        self.__dict__.update(json.load(open(path)))


def checked(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


# ---- what is done ----


def command(*words, **environment):
    """Returns a function that runs vouchfs; what it says goes nowhere."""

    def run(s):
        texts = [word.format(**s.__dict__) for word in words]
        named = {key: value.format(**s.__dict__) for key, value in environment.items()}
        program = [s.vouchfs, *texts]
        done = subprocess.run(program, env={**os.environ, **named}, stdin=NOTHING, stdout=NOTHING, stderr=s.say)
        return done.returncode

    return run


def write(path, text, flags=os.O_WRONLY):
    def run(s):
        fd = os.open(path.format(**s.__dict__), flags, 0o644)
        try:
            os.write(fd, text.encode())
        finally:
            closing, fd = fd, None
            os.close(closing)  # where the mount says what it thinks of it

    return run


MAKE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def copy(source, target):
    def run(s):
        content = open(source.format(**s.__dict__), "rb").read()
        fd = os.open(target.format(**s.__dict__), MAKE, 0o644)
        try:
            os.write(fd, content)
        finally:
            os.close(fd)

    return run


def read(path, flags=0):
    def run(s):
        fd = os.open(path.format(**s.__dict__), os.O_RDONLY | flags)
        try:
            os.read(fd, 100)
        except BlockingIOError:
            pass
        finally:
            os.close(fd)

    return run


def listing(path):
    return lambda s: os.listdir(path.format(**s.__dict__)) and None


def call(function, path, *rest):
    return lambda s: function(path.format(**s.__dict__), *(r.format(**s.__dict__) if isinstance(r, str) else r for r in rest))


def kill(which):
    """Signal 0 asks for the right alone."""
    return lambda s: os.kill(getattr(s, which), 0)


def attach(s):
    checked(libc.ptrace(PTRACE_SEIZE, s.daemon, None, None))
    os.kill(s.daemon, signal.SIGSTOP)
    os.waitpid(s.daemon, 0)
    checked(libc.ptrace(PTRACE_DETACH, s.daemon, None, None))
    os.kill(s.daemon, signal.SIGCONT)


def unmount(s):
    """As far as that what is mounted would be unmounted by the next one: for who may, -EAGAIN."""
    checked(libc.umount2(f"{s.mnt}".encode(), MNT_EXPIRE))


def mount_over(s):
    checked(libc.mount(b"tmpfs", f"{s.mnt}/functions".encode(), b"tmpfs", 0, None))


def reload_by_signal(s):
    os.kill(s.supervisor, 0)


# ---- what takes it back, as root ----


def removes(path, remove=os.unlink):
    return lambda s: remove(path.format(**s.__dict__))


def puts_back(path):
    """The content of a file as it was when all began."""

    def run(s):
        with open(path.format(**s.__dict__), "wb") as file:
            file.write(s.kept[path.format(**s.__dict__)])

    return run


def reloads(s):
    assert command("reload")(s) == 0


def then(*steps):
    return lambda s: [step(s) for step in steps]


def runs(*words, **environment):
    def run(s):
        assert command(*words, **environment)(s) == 0, words

    return run


def deploys_afresh(s):
    """A new file, of who does it."""
    slot = f"{s.mnt}/functions/main"
    for name in os.listdir(slot):
        if name.endswith(".zip"):
            os.unlink(f"{slot}/{name}")
    copy("{zip}", "{mnt}/functions/main/a.zip")(s)


def forgets(function):
    def run(s):
        slot = f"{s.mnt}/functions/{function}"
        for name in os.listdir(slot):
            os.unlink(f"{slot}/{name}")
        own = f"{s.etc}/conf.d/function-{function}.conf"
        if os.path.exists(own):
            os.unlink(own)
            reloads(s)
        if os.path.exists(slot):
            os.rmdir(slot)

    return run


CONF_D = "{etc}/conf.d/"
HOME = {"VOUCHFS_SIGNER_HOME": "{home}", "VOUCHFS_SIGNER_SERVICE": ""}
SERVICE = {"VOUCHFS_SIGNER_SERVICE": "{signing}", "VOUCHFS_SIGNER_HOME": ""}
LOOKS = None  # changes nothing, also where it is allowed
STAYS = "stays"  # changes something, which is in nobody's way

ALLOW = ("--layer-name", "base", "--version-number", "1")
RULES = '{{"AllowedPublishers": {{"SigningProfileVersionArns": ["{arn}"]}}}}'

# name: what is done, and how that is undone
OPERATIONS = {
    # deploying
    "deploy-main": (copy("{zip}", "{mnt}/functions/main/b.zip"), copy("{zip}", "{mnt}/functions/main/a.zip")),
    "deploy-main-over": (copy("{zip}", "{mnt}/functions/main/a.zip"),  # a file of root's
                         deploys_afresh),
    "deploy-team-a": (copy("{zip}", "{mnt}/functions/team-a-one/b.zip"), copy("{zip}", "{mnt}/functions/team-a-one/a.zip")),
    "deploy-team-b": (copy("{zip}", "{mnt}/functions/team-b-one/b.zip"), copy("{zip}", "{mnt}/functions/team-b-one/a.zip")),
    "deploy-guest": (copy("{zip}", "{mnt}/functions/guest/b.zip"), copy("{zip}", "{mnt}/functions/guest/a.zip")),
    "deploy-unsigned": (copy("{unsigned}", "{mnt}/functions/main/b.zip"), LOOKS),
    "deploy-nowhere": (copy("{zip}", "{mnt}/functions/elsewhere/a.zip"), LOOKS),
    "remove-artifact": (call(os.unlink, "{mnt}/functions/main/a.zip"), copy("{zip}", "{mnt}/functions/main/a.zip")),
    "truncate-artifact": (call(os.truncate, "{mnt}/functions/main/a.zip", 0), LOOKS),
    "stage": (write("{mnt}/functions/main/.staged", "x", MAKE), removes("{mnt}/functions/main/.staged")),
    "roll-back-main": (
        write("{mnt}/.vouchfs/rollback/functions/main", "previous\n"),
        deploys_afresh,
    ),
    "roll-back-team-a": (write("{mnt}/.vouchfs/rollback/functions/team-a-one", "previous\n"), STAYS),
    "roll-back-command": (command("rollback", "team-a-one"), STAYS),
    # slots
    "mkdir-team-a": (call(os.mkdir, "{mnt}/functions/team-a-new"), removes("{mnt}/functions/team-a-new", os.rmdir)),
    "mkdir-team-b": (call(os.mkdir, "{mnt}/functions/team-b-new"), removes("{mnt}/functions/team-b-new", os.rmdir)),
    "mkdir-outside": (call(os.mkdir, "{mnt}/functions/elsewhere"), LOOKS),
    "mkdir-declared": (call(os.mkdir, "{mnt}/functions/main"), LOOKS),
    "mkdir-top": (call(os.mkdir, "{mnt}/elsewhere"), LOOKS),
    "rmdir-team-a": (call(os.rmdir, "{mnt}/functions/team-a-empty"), call(os.mkdir, "{mnt}/functions/team-a-empty")),
    "rmdir-main": (call(os.rmdir, "{mnt}/functions/main"), LOOKS),
    "rename-slot": (call(os.rename, "{mnt}/functions/team-a-empty", "{mnt}/functions/team-a-other"), LOOKS),
    "mkdir-layer-team-a": (call(os.mkdir, "{mnt}/layers/team-a-new"), removes("{mnt}/layers/team-a-new", os.rmdir)),
    "mkdir-layer-outside": (call(os.mkdir, "{mnt}/layers/elsewhere"), LOOKS),
    # layers
    "publish-base": (copy("{top}/by-{who}.zip", "{mnt}/layers/base/by-{who}.zip"), STAYS),
    "publish-team-a": (copy("{top}/by-{who}.zip", "{mnt}/layers/team-a-lib/by-{who}.zip"), STAYS),
    "attach-main": (write("{mnt}/functions/main/layers", "base:1\n", MAKE), removes("{mnt}/functions/main/layers")),
    "attach-team-a": (
        write("{mnt}/functions/team-a-one/layers", "team-a-lib:1\n", MAKE),
        removes("{mnt}/functions/team-a-one/layers"),
    ),
    "attach-guest": (write("{mnt}/functions/guest/layers", "base:1\n", MAKE), removes("{mnt}/functions/guest/layers")),
    "attach-guest-permitted": (
        write("{mnt}/functions/guest/layers", "shared:1\n", MAKE),
        removes("{mnt}/functions/guest/layers"),
    ),
    "permit": (
        command("lambda", "add-layer-version-permission", *ALLOW, "--action", "lambda:GetLayerVersion",
                "--statement-id", "new", "--principal", "*"),
        runs("lambda", "remove-layer-version-permission", *ALLOW, "--statement-id", "new"),
    ),
    "permit-no-more": (
        command("lambda", "remove-layer-version-permission", *ALLOW, "--statement-id", "old"),
        runs("lambda", "add-layer-version-permission", *ALLOW, "--action", "lambda:GetLayerVersion",
             "--statement-id", "old", "--principal", "999999999999"),
    ),
    # control
    "reload": (command("reload"), STAYS),
    "reload-signal": (reload_by_signal, LOOKS),
    "dry-run": (command("reload", "--dry-run"), LOOKS),
    "dry-run-file": (read("{mnt}/.vouchfs/reload-dry-run"), LOOKS),
    "break-glass": (
        write("{mnt}/.vouchfs/break-glass/functions/main", "begin 5 INC-1\n"),
        write("{mnt}/.vouchfs/break-glass/functions/main", "end\n"),
    ),
    "break-glass-command": (
        command("break-glass", "main", "--minutes", "5", "--reason", "INC-1"),
        runs("break-glass", "main", "--end"),
    ),
    "policy-put": (write("{mnt}/policy/policy.zip", "x", MAKE), LOOKS),
    "policy-rollback": (write("{mnt}/.vouchfs/rollback/policy", "1 because\n"), LOOKS),
    "policy-drift": (read("{mnt}/.vouchfs/policy/drift"), LOOKS),
    "policy-source": (write("{mnt}/.vouchfs/policy/source", "ok\n"), LOOKS),
    # configuration
    "conf-d-new": (write(CONF_D + "new.conf", "[layer new]\n", MAKE), removes(CONF_D + "new.conf")),
    "conf-d-remove": (call(os.unlink, CONF_D + "kept.conf"), puts_back(CONF_D + "kept.conf")),
    "conf-change": (write("{conf}", "\n", os.O_WRONLY | os.O_APPEND), puts_back("{conf}")),
    "conf-replace": (call(os.rename, "{conf}", "{etc}/other.conf"), call(os.rename, "{etc}/other.conf", "{conf}")),
    "trust-change": (write("{etc}/trust/{account}.pem", "\n", os.O_WRONLY | os.O_APPEND),
                     puts_back("{etc}/trust/{account}.pem")),
    "trust-new": (write("{etc}/trust/new.pem", "x", MAKE), removes("{etc}/trust/new.pem")),
    "list-change": (write("{etc}/trust/{account}.revocations", "\n", os.O_WRONLY | os.O_APPEND),
                    puts_back("{etc}/trust/{account}.revocations")),
    "create-config": (
        command("lambda", "create-code-signing-config", "--code-signing-config-id", "mine", "--allowed-publishers",
                "SigningProfileVersionArns={arn}"),
        then(removes(CONF_D + "code-signing-config-mine.conf"), reloads),
    ),
    "update-config": (
        command("lambda", "update-code-signing-config", "--code-signing-config-arn", "made", "--code-signing-policies",
                "UntrustedArtifactOnDeployment=Warn"),
        then(puts_back(CONF_D + "code-signing-config-made.conf"), reloads),
    ),
    "delete-config": (
        command("lambda", "delete-code-signing-config", "--code-signing-config-arn", "made"),
        then(puts_back(CONF_D + "code-signing-config-made.conf"), reloads),
    ),
    "bind": (
        command("lambda", "put-function-code-signing-config", "--function-name", "team-a-one",
                "--code-signing-config-arn", "other"),
        then(removes(CONF_D + "function-team-a-one.conf"), reloads),
    ),
    "unbind": (
        command("lambda", "delete-function-code-signing-config", "--function-name", "team-a-one"),
        then(removes(CONF_D + "function-team-a-one.conf"), reloads),
    ),
    "create-function-team-a": (
        command("lambda", "create-function", "--function-name", "team-a-new", "--zip-file", "fileb://{zip}"),
        forgets("team-a-new"),
    ),
    "create-function-team-b": (
        command("lambda", "create-function", "--function-name", "team-b-new", "--zip-file", "fileb://{zip}"),
        forgets("team-b-new"),
    ),
    "create-function-other": (
        command("lambda", "create-function", "--function-name", "team-a-new", "--zip-file", "fileb://{zip}",
                "--code-signing-config-arn", "other"),
        forgets("team-a-new"),
    ),
    "create-function-outside": (
        command("lambda", "create-function", "--function-name", "elsewhere", "--zip-file", "fileb://{zip}"), LOOKS),
    # signing
    "create-profile": (
        command("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA", "--profile-name", "mine",
                **HOME),
        STAYS,
    ),
    "sign-with-home": (command("sign", "--profile", "release", "{unsigned}", "-o", "{work}/signed.zip", **HOME), STAYS),
    "read-ca-key": (read("{home}/ca.key"), LOOKS),
    "read-profile-keys": (listing("{home}/profiles/release"), LOOKS),
    "create-profile-by-service": (
        command("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA", "--profile-name", "theirs",
                **SERVICE),
        LOOKS,
    ),
    "sign-with-service": (
        command("signer", "start-signing-job", "--source", "file={unsigned}", "--destination", "directory={work}",
                "--profile-name", "release", "--profile-owner", "{account}", **SERVICE),
        STAYS,
    ),
    "sign-with-service-other": (
        command("signer", "start-signing-job", "--source", "file={unsigned}", "--destination", "directory={work}",
                "--profile-name", "unshared", "--profile-owner", "{account}", **SERVICE),
        STAYS,
    ),
    # the store and the processes
    "store-list": (listing("{store}"), LOOKS),
    "store-read": (read("{store}/format"), LOOKS),
    "store-write": (write("{store}/functions/new", "x", MAKE), removes("{store}/functions/new")),
    "audit-write": (write("{store}/audit/new", "x", MAKE), removes("{store}/audit/new")),
    "daemon-kill": (kill("daemon"), LOOKS),
    "supervisor-kill": (kill("supervisor"), LOOKS),
    "daemon-trace": (attach, LOOKS),
    "daemon-memory": (read("/proc/{daemon}/mem"), LOOKS),
    "daemon-descriptors": (listing("/proc/{daemon}/fd"), LOOKS),
    "unmount": (unmount, LOOKS),
    "mount-over": (mount_over, lambda s: checked(libc.umount2(f"{s.mnt}/functions".encode(), 0))),
    # looking
    "events": (read("{mnt}/.vouchfs/events", os.O_NONBLOCK), LOOKS),
    "status": (command("status"), LOOKS),
    "why": (read("{mnt}/.vouchfs/why/functions/main"), LOOKS),
    "history": (read("{mnt}/.vouchfs/history/functions/main"), LOOKS),
    "metrics": (read("{mnt}/.vouchfs/metrics"), LOOKS),
    "read-artifact": (read("{mnt}/functions/main/a.zip"), LOOKS),
    "read-code": (read("{mnt}/run/main/task/app.py"), LOOKS),
    # what is no way around it
    "write-code": (write("{mnt}/run/main/task/app.py", "x"), LOOKS),
    "remove-code": (call(os.unlink, "{mnt}/run/main/task/app.py"), LOOKS),
    "chmod-slot": (call(os.chmod, "{mnt}/functions/main", 0o777), LOOKS),
    "chown-slot": (lambda s: os.chown(f"{s.mnt}/functions/main", os.getuid(), -1), LOOKS),
    "chmod-artifact": (call(os.chmod, "{mnt}/functions/main/a.zip", 0o777), LOOKS),
    "setxattr-slot": (lambda s: os.setxattr(f"{s.mnt}/functions/main", "user.vouchfs.outcome", b"accepted"), LOOKS),
    "setxattr-artifact": (lambda s: os.setxattr(f"{s.mnt}/functions/main/a.zip", "user.x", b"x"), LOOKS),
    "link-artifact": (call(os.link, "{mnt}/functions/main/a.zip", "{mnt}/functions/main/b.zip"), LOOKS),
    "rename-across": (call(os.rename, "{mnt}/functions/main/a.zip", "{mnt}/functions/team-a-one/a.zip"), LOOKS),
    "symlink": (call(os.symlink, "/etc/passwd", "{mnt}/functions/main/c.zip"), LOOKS),
    "mknod-fifo": (lambda s: os.mkfifo(f"{s.mnt}/functions/main/d.zip"), LOOKS),
    "mknod-device": (lambda s: os.mknod(f"{s.mnt}/functions/main/e.zip", 0o20666, os.makedev(1, 3)), LOOKS),
    "make-top": (write("{mnt}/new", "x", MAKE), LOOKS),
    "make-control": (write("{mnt}/.vouchfs/new", "x", MAKE), LOOKS),
    # the last one, and root the last user
    "unmount-command": (command("unmount", "{mnt}"), LOOKS),
}

LAST = "unmount-command"
END = "end"
UNSEEN = ("stage",)  # what is staged is in no list
# undone by whom it belongs to, not by root
WHOSE = {"rmdir-team-a": "developer"}
# what is refused for what it is, or after a slot was made, which goes again: that has a record
JUDGED = ("deploy-unsigned", "attach-guest", "create-function-other", "policy-put")


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
