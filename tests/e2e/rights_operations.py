"""The operations of rights.py: what is done, as whoever asks, and what takes it back, as root."""

import ctypes
import os
import signal
import subprocess

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
MNT_EXPIRE = 4
NOTHING = subprocess.DEVNULL


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
