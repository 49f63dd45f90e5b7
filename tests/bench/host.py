"""A signing account and mounts in a temporary directory, taken away at the end, however it comes."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager

ACCOUNT = "111122223333"
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}

CONFIGURATION = """
[vouchfs]
account = {account}
store = {name}-store
keep_releases = 1
durability = {durability}

[account {account}]
certificate = trust/{account}.pem
revocations = trust/{account}.revocations

[code-signing-config approved]
allowed_publisher = {publisher}
untrusted_artifact_on_deployment = Enforce

[function unchecked]
code_signing_config = none
"""

APPROVED = ("signed", "many", "tree", "python", "zippable", "node", "java", "small-*")


@contextmanager
def signals_later():
    """A signal that comes meanwhile is seen afterwards, so that nothing is half mounted when it is."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _as_usual():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def undisturbed(command, **options):
    """Runs a command that no signal to us, nor ^C, reaches."""
    with signals_later():
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              start_new_session=True, preexec_fn=_as_usual, **({"check": True} | options))


def start(owner, attribute, command):
    """Starts a command and leaves the process in owner.attribute."""
    with signals_later():
        setattr(owner, attribute, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            start_new_session=True, preexec_fn=_as_usual))


class Mount:
    """One store and what is served from it."""

    def __init__(self, host, name, durability):
        self.host = host
        self.path = f"{host.directory}/{name}"
        self.conf = f"{host.directory}/{name}.conf"
        os.mkdir(self.path)
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(account=ACCOUNT, name=name, durability=durability,
                                            publisher=host.publisher))
            file.writelines(f"[function {name}]\ncode_signing_config = approved\n" for name in APPROVED)
        os.chmod(self.conf, 0o600)
        host.at_end(self.down_at_last)
        self.up()

    def up(self):
        self.host.vouchfs("mount", "-c", self.conf, self.path)

    def down(self):
        self.host.vouchfs("unmount", self.path)

    def down_at_last(self):
        if not os.path.ismount(self.path):
            return
        try:
            self.down()
        except subprocess.CalledProcessError:
            self.host.vouchfs("unmount", "--lazy", self.path)

    def slot(self, function):
        path = f"{self.path}/functions/{function}"
        if not os.path.isdir(path):
            os.mkdir(path)
        return path

    def task(self, function):
        return f"{self.path}/run/{function}/task"


class Host:
    def __init__(self, program):
        self.program = os.path.realpath(program)
        self.ends = ExitStack()
        self.directory = tempfile.mkdtemp(prefix="vouchfs-bench.", dir=os.environ.get("TMPDIR", "/tmp"))
        self.at_end(shutil.rmtree, self.directory, ignore_errors=True)
        self.at_end(self._unmount_all)
        os.chmod(self.directory, 0o711)
        os.makedirs(f"{self.directory}/xdg", mode=0o700)
        self.environment = dict(os.environ, LC_ALL="C", VOUCHFS_SIGNER_HOME=f"{self.directory}/home",
                                XDG_RUNTIME_DIR=f"{self.directory}/xdg")
        self.publisher, self.limits = None, None
        self.notes = []

    def vouchfs(self, *arguments):
        return undisturbed([self.program, *arguments], env=self.environment).stdout

    def found_account(self):
        self.vouchfs("signer", "create-account", "--account-id", ACCOUNT)
        answer = json.loads(self.vouchfs("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA",
                                         "--profile-name", "release"))
        self.publisher = answer["profileVersionArn"]
        self.vouchfs("signer", "export-trust", "--directory", f"{self.directory}/trust")

    def sign(self, path):
        self.vouchfs("sign", "--profile", "release", path)
        return path

    def place(self, name):
        return f"{self.directory}/{name}"

    def at_end(self, function, *arguments, **options):
        self.ends.callback(function, *arguments, **options)

    def _unmount_all(self):
        """What is still mounted here after everybody has cleaned up, the innermost first."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            points = [line.split()[4] for line in file]
        for point in sorted((p for p in points if p.startswith(self.directory + "/")), key=len, reverse=True):
            undisturbed(["umount", "-l", point] if os.geteuid() == 0 else ["fusermount3", "-uz", point], check=False)

    def close(self):
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self.ends.close()
