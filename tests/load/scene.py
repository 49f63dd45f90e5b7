"""The host under load: an account, artifacts, a configuration, a mount; and what each release has to hold.

    steady-0 ... steady-3   Enforce; uploaders go for them
    layered                 Enforce; layers are attached and detached
    rolled                  Enforce; rolled back again and again
    doomed                  Enforce; whoever signed for it is revoked, again and again
    gate                    Enforce or Warn, as the last reload said
    extra                   there, or not, as the last reload said
    scratch                 for tools that write anything anywhere
    team-*                  made and removed
    layers: base, tools     versions come and go
"""

import hashlib
import io
import json
import os
import random
import subprocess
import zipfile

ACCOUNT = "111122223333"
STEADY = [f"steady-{i}" for i in range(4)]
STAGING_TTL_S = 3


def package(seed, marker, size):
    """An unsigned ZIP, the same for the same seed."""
    dice = random.Random(seed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, method in (
            ("marker", marker.encode(), zipfile.ZIP_STORED),
            ("lib/text.txt", (marker * size)[:size].encode(), zipfile.ZIP_DEFLATED),
            ("lib/noise.bin", dice.randbytes(size), zipfile.ZIP_STORED),
            ("lib/deep/er/packed.bin", dice.randbytes(size // 2) + bytes(size), zipfile.ZIP_DEFLATED),
            ("empty", b"", zipfile.ZIP_STORED),
        ):
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = method, 0o100644 << 16
            archive.writestr(info, content)
    return out.getvalue()


def digest(content):
    return hashlib.sha256(content).hexdigest()


def manifest_of(archive):
    """Paths to (size, sha256), by Python's reader."""
    with zipfile.ZipFile(archive) as opened:
        contents = {info.filename: opened.read(info) for info in opened.infolist() if not info.is_dir()}
    return {name: [len(content), digest(content)] for name, content in contents.items()}


class Scene:
    """Workers have a copy of it; what changes later stands in files below its directory."""

    def __init__(self, vouchfs, top):
        self.vouchfs, self.top = vouchfs, top
        self.mnt, self.store, self.etc, self.home = (f"{top}/{name}" for name in ("mnt", "store", "etc", "home"))
        self.conf, self.trust, self.artifacts = f"{self.etc}/vouchfs.conf", f"{self.etc}/trust", f"{top}/artifacts"
        self.environment = dict(os.environ, VOUCHFS_CONF=self.conf, VOUCHFS_SIGNER_HOME=self.home, LC_ALL="C")
        for name in ("VOUCHFS_TEST_CLOCK", "VOUCHFS_TEST_FAULT"):
            self.environment.pop(name, None)
        for directory in (self.mnt, self.etc, self.trust, self.artifacts):
            os.makedirs(directory)
        self.good, self.layers, self.bad = [], [], {}

    # ---- commands ----

    def run(self, *command, timeout_s=300, **options):
        return subprocess.run([self.vouchfs, *command], env=self.environment, timeout=timeout_s, check=True,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, **options).stdout

    def function(self, name):
        return f"{self.mnt}/functions/{name}"

    def served(self, name):
        return f"{self.mnt}/run/{name}"

    # ---- signing ----

    def make_account(self):
        self.run("signer", "create-account", "--account-id", ACCOUNT)
        self.run("signer", "export-trust", "--directory", self.trust)
        for profile in ("release", "doomed"):
            self.new_version(profile)

    def new_version(self, profile):
        """Its ARN."""
        said = self.run("signer", "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA",
                        "--profile-name", profile)
        return json.loads(said)["profileVersionArn"]

    def export_list(self):
        """The account's newest revocation list takes the place of the one that the host has."""
        directory = f"{self.top}/next-trust"
        os.makedirs(directory, exist_ok=True)
        self.run("signer", "export-trust", "--directory", directory)
        name = f"{ACCOUNT}.revocations"
        os.rename(f"{directory}/{name}", f"{self.trust}/{name}")

    def sign(self, path, profile):
        """The job's id, by which a release says what it is."""
        return self.run("sign", "--profile", profile, path).split(", job ")[1].split(",")[0].strip()

    def make_artifact(self, name, seed, size, profile="release"):
        path = f"{self.artifacts}/{name}.zip"
        with open(path, "wb") as file:
            file.write(package(seed, f"{name} {seed}\n", size))
        job = self.sign(path, profile)
        content = open(path, "rb").read()
        facts = {"path": path, "job": job, "sha256": digest(content), "size": len(content), "files": manifest_of(path)}
        with open(f"{self.artifacts}/{job}.json.new", "w") as file:
            json.dump(facts, file)
        os.rename(f"{self.artifacts}/{job}.json.new", f"{self.artifacts}/{job}.json")
        return facts

    def facts_of_job(self, arn):
        path = f"{self.artifacts}/{arn.rsplit('/', 1)[1]}.json"
        return json.load(open(path)) if os.path.exists(path) else None

    def make_artifacts(self):
        sizes = (300, 5000, 70000, 300000)
        self.good = [self.make_artifact(f"good-{i}", i, sizes[i % len(sizes)]) for i in range(12)]
        self.layers = [self.make_artifact(f"layer-{i}", 100 + i, sizes[i % 3]) for i in range(6)]
        unsigned = package(7, "unsigned\n", 5000)
        tampered = bytearray(open(self.good[2]["path"], "rb").read())
        tampered[len(tampered) // 2] ^= 1
        self.bad = {"unsigned": unsigned, "tampered": bytes(tampered), "garbage": random.Random(3).randbytes(20000)}
        self.bad["cut"] = open(self.good[1]["path"], "rb").read()[:-10]

    # ---- configuration and mount ----

    def write_config(self, gate="strict", extra=False):
        functions = [*STEADY, "layered", "rolled", "doomed", "scratch"] + (["extra"] if extra else [])
        publisher = f"arn:vouchfs:signer:local:{ACCOUNT}:/signing-profiles"
        lines = ["[vouchfs]", f"account = {ACCOUNT}", "region = local", f"store = {self.store}", "keep_releases = 4", "inflate_cache = 8388608",
                 f"staging_ttl = {STAGING_TTL_S}s", f"[account {ACCOUNT}]", f"certificate = trust/{ACCOUNT}.pem",
                 f"revocations = trust/{ACCOUNT}.revocations"]
        for config, how in (("strict", "Enforce"), ("open", "Warn")):
            lines += [f"[code-signing-config {config}]", f"allowed_publisher = {publisher}/release",
                      f"allowed_publisher = {publisher}/doomed", f"untrusted_artifact_on_deployment = {how}",
                      f"untrusted_artifact_on_load = {how}"]
        for function in (*functions, "team-*"):
            lines += [f"[function {function}]", "code_signing_config = strict"]
        lines += ["[function gate]", f"code_signing_config = {gate}", "[layer base]", "[layer tools]"]
        with open(f"{self.conf}.new", "w") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(f"{self.conf}.new", self.conf)

    def mount(self):
        self.run("mount", "-c", self.conf, self.mnt)

    def unmount(self):
        self.run("unmount", self.mnt)

    def pids(self):
        """Supervisor and daemon."""
        status = json.load(open(f"{self.mnt}/.vouchfs/status.json"))
        daemon = status["pid"]
        with open(f"/proc/{daemon}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1]), daemon

    def write_whole(self, path, content, piece=20000):
        """As cp does: in pieces, and the error of any of its calls comes out."""
        out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            for at in range(0, len(content), piece):
                os.write(out, content[at : at + piece])
        finally:
            os.close(out)

    def deploy_first(self):
        for i, name in enumerate([*STEADY, "layered", "rolled", "gate"]):
            for facts in self.good[i : i + 2]:
                self.write_whole(self.function(name) + "/a.zip", open(facts["path"], "rb").read())
        for layer, facts in zip(("base", "tools"), self.layers):
            self.write_whole(f"{self.mnt}/layers/{layer}/new.zip", open(facts["path"], "rb").read())
