"""A signing account and mounts in a temporary directory, taken away at the end."""
import json
import os
import shutil
import subprocess
import tempfile

ACCOUNT = "111122223333"

FUNCTIONS = """
[code-signing-config approved]
allowed_publisher = {publisher}
untrusted_artifact_on_deployment = Enforce

[function signed]
code_signing_config = approved
[function unchecked]
code_signing_config = none
[function library]
code_signing_config = approved
[function many]
code_signing_config = approved
[function package]
code_signing_config = approved
[function small-*]
code_signing_config = approved
"""


class Mount:
    """One store and what is served from it."""

    def __init__(self, host, name, durability):
        self.host = host
        self.path = f"{host.directory}/{name}"
        self.conf = f"{host.directory}/{name}.conf"
        os.mkdir(self.path)
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(f"[vouchfs]\naccount = {ACCOUNT}\nstore = {name}-store\nkeep_releases = 1\n"
                       f"durability = {durability}\n"
                       f"[account {ACCOUNT}]\ncertificate = trust/{ACCOUNT}.pem\n"
                       f"revocations = trust/{ACCOUNT}.revocations\n" + FUNCTIONS.format(publisher=host.publisher))
        os.chmod(self.conf, 0o600)
        self.up()

    def up(self):
        self.host.vouchfs("mount", "-c", self.conf, self.path)

    def down(self):
        self.host.vouchfs("unmount", self.path)

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
        self.directory = tempfile.mkdtemp(prefix="vouchfs-bench.", dir=os.environ.get("TMPDIR", "/tmp"))
        os.chmod(self.directory, 0o711)
        os.makedirs(f"{self.directory}/xdg", mode=0o700)
        self.environment = dict(os.environ, LC_ALL="C", VOUCHFS_SIGNER_HOME=f"{self.directory}/home",
                                XDG_RUNTIME_DIR=f"{self.directory}/xdg")
        self.mounts = []
        self.publisher = None

    def vouchfs(self, *arguments):
        done = subprocess.run([self.program, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, check=True, text=True)
        return done.stdout

    def found_account(self):
        self.vouchfs("signer", "create-account", "--account-id", ACCOUNT)
        answer = json.loads(self.vouchfs("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA",
                                         "--profile-name", "release"))
        self.publisher = answer["profileVersionArn"]
        self.vouchfs("signer", "export-trust", "--directory", f"{self.directory}/trust")

    def sign(self, path):
        self.vouchfs("sign", "--profile", "release", path)
        return path

    def mount(self, name, durability):
        mount = Mount(self, name, durability)
        self.mounts.append(mount)
        return mount

    def place(self, name):
        return f"{self.directory}/{name}"

    def close(self):
        for mount in self.mounts:
            try:
                mount.down()
            except subprocess.CalledProcessError:
                subprocess.run([self.program, "unmount", "--lazy", mount.path], env=self.environment, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
