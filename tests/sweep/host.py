"""A host of its own in a directory: signing accounts, configuration, a store that is copied anew, a mount, its daemon."""
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile

ACCOUNT = "111122223333"
START_S = 10
END_S = 20
COMMAND_S = 20  # whoever takes longer hangs


class Hang(Exception):
    """Something did not come back in time."""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Outcome:
    """What a tool said."""

    def __init__(self, status, text):
        self.status, self.text = status, text.strip()

    def __repr__(self):
        return f"exit {self.status} {self.text!r}"


class Host:
    def __init__(self, root, program):
        self.root = pathlib.Path(root)
        self.program = program
        self.mountpoint = self.root / "mnt"
        self.run_side = self.mountpoint / "run"
        self.store = self.root / "store"
        self.conf = self.root / "etc/vouchfs.conf"
        self.log = self.root / "log"
        for name in ("mnt", "etc/trust", "homes", "xdg", "tmp"):
            (self.root / name).mkdir(parents=True)
        (self.root / "xdg").chmod(0o700)
        self.env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "NO_COLOR": "1",
            "VOUCHFS_CONF": str(self.conf),
            "XDG_RUNTIME_DIR": str(self.root / "xdg"),
            "TMPDIR": str(self.root / "tmp"),
        }
        self.daemon_env = {}  # of the operation that is looked at
        self.supervisor = None

    # ---- commands ----

    def run(self, *command, limit_s=COMMAND_S, env=None):
        """Runs a tool; Hang when it does not end."""
        # never waited for when it hangs: who sleeps in a request to a daemon may not be killable
        tool = subprocess.Popen(
            [str(part) for part in command],
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            out, _ = tool.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            tool.kill()
            raise Hang(f"{command[0]} {command[1] if len(command) > 1 else ''} took more than {limit_s} s") from None
        return Outcome(tool.returncode, out.decode(errors="replace"))

    def vouchfs(self, *args, **kwargs):
        return self.run(self.program, *args, **kwargs)

    def must(self, *args, **kwargs):
        outcome = self.vouchfs(*args, **kwargs)
        if outcome.status != 0:
            raise RuntimeError(f"{args}: {outcome}")
        return outcome.text

    # ---- signing ----

    def home(self, account=ACCOUNT):
        return {"VOUCHFS_SIGNER_HOME": str(self.root / "homes" / account)}

    def make_account(self, account=ACCOUNT):
        self.must("signer", "create-account", "--account-id", account, env=self.home(account))

    def make_profile(self, name, account=ACCOUNT):
        """The ARN of the new profile, and its version."""
        text = self.must("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA", "--profile-name",
                         name, env=self.home(account))
        arn = text.split('"profileVersionArn": "')[1].split('"')[0]
        return arn.rpartition("/")[0], arn.rpartition("/")[2]

    def export_trust(self, directory, account=ACCOUNT):
        self.must("signer", "export-trust", "--directory", directory, env=self.home(account))

    def make_zip(self, name, profile, account=ACCOUNT, **files):
        """A signed archive (profile None: unsigned); its path."""
        path = self.root / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file, content in files.items():
                archive.writestr(zipfile.ZipInfo(file, (2026, 1, 1, 0, 0, 0)), content)
        if profile:
            self.must("sign", "--profile", profile, path, env=self.home(account))
        return path

    # ---- mount ----

    def mount(self, injection=None):
        """Returns when both sides are served; injection gives variables for the daemon's environment."""
        with tempfile.TemporaryDirectory(dir=self.root / "tmp") as place:
            ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            ready.bind(f"{place}/ready")
            ready.settimeout(START_S)
            with open(self.log, "ab") as log:
                self.supervisor = subprocess.Popen(
                    [self.program, "mount", "-f", "-c", str(self.conf), str(self.mountpoint)],
                    env={**self.env, **self.daemon_env, **(injection or {}), "NOTIFY_SOCKET": f"{place}/ready"},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                while b"READY=1" not in ready.recv(4096):
                    if self.supervisor.poll() is not None:
                        raise RuntimeError("not mounted")
            except TimeoutError:
                raise Hang("the mount did not come up: " + self.log_tail()) from None
            finally:
                ready.close()

    def daemon(self):
        """Its pid, or None while there is none: the supervisor's child that has threads."""
        pid = self.supervisor.pid
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            return max((int(c) for c in children if len(os.listdir(f"/proc/{c}/task")) > 1), default=None)
        except (FileNotFoundError, ProcessLookupError):
            return None

    def unmount(self):
        """The ordinary end."""
        self.supervisor.send_signal(signal.SIGTERM)
        self.await_end()

    def await_end(self):
        try:
            status = self.supervisor.wait(END_S)
        except subprocess.TimeoutExpired:
            self.clear()
            raise Hang("the daemon does not end") from None
        self.supervisor = None
        return status

    def clear(self):
        """Whatever is mounted or runs is taken away."""
        for line in reversed(pathlib.Path("/proc/self/mountinfo").read_text().splitlines()):
            place = line.split()[4]
            if place.startswith(str(self.mountpoint)):
                subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)
        if self.supervisor:
            daemon = self.daemon()
            for pid in filter(None, (self.supervisor.pid, daemon)):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.supervisor.wait()
            self.supervisor = None

    def is_served(self):
        return self.supervisor is not None and self.supervisor.poll() is None and self.daemon() is not None

    def log_tail(self, lines=6):
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    # ---- the store ----

    def save(self, name):
        """The store and all that commands change, as a template."""
        place = self.root / "saved" / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for part in ("store", "etc"):
            subprocess.run(["cp", "-a", "--reflink=auto", str(self.root / part), str(place / part)], check=True)

    def restore(self, name):
        for part in ("store", "etc"):
            shutil.rmtree(self.root / part, ignore_errors=True)
            subprocess.run(["cp", "-a", "--reflink=auto", str(self.root / "saved" / name / part),
                            str(self.root / part)], check=True)
        self.log.unlink(missing_ok=True)
        (self.root / "anchor").unlink(missing_ok=True)


def eventually(condition, limit_s=5):
    """Polls a condition; whether it came true."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
