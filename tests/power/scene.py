"""A small disk with a store on it, the changes whose power is cut, and what has to be found afterwards.

A scene is made once: keys, configuration, artifacts, and an ext4 image whose store has releases, a layer and an audit
log. Each change starts from a copy of that image. What a host shows and keeps is one value, its *state*; so old or new,
whole, is a comparison, and nothing has to be known of what a change does.
"""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
import zipfile

ACCOUNT, POLICY_ACCOUNT = "111122223333", "999988887777"
IMAGE_BYTES = 16 << 20
SEGMENT_BYTES = "1"  # of the audit log: every record begins a new file
WAIT_S = 20
# Where the commands are that root has.
os.environ["PATH"] += ":/usr/sbin:/sbin"


def run(*words, check=True, **more):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", **more)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


def wait_for(condition, what):
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"never came: {what}")
        time.sleep(0.002)


def processes_of(directory):
    """Those whose words name something below it."""
    found, below = [], f"{directory}/".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(pid) != os.getpid() and any(word.startswith(below) for word in words):
            found.append(int(pid))
    return sorted(found)


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def leave(top):
    """Ends all that runs there and unmounts all that is mounted there, however it came to that."""
    kill(processes_of(top))
    with open("/proc/self/mountinfo") as file:
        places = [line.split()[4] for line in file]
    for place in sorted(filter(lambda place: f"{place}/".startswith(f"{top}/"), places), reverse=True):
        run("umount", "-l", place, check=False)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def digest(path):
    return hashlib.sha256(content(path)).hexdigest()


class Change:
    """command: words, with {T}, {MNT} and {VOUCHFS}; is_refusal: it is acknowledged by being refused."""

    def __init__(self, name, command, is_refusal=False):
        self.name, self.command, self.is_refusal = name, command, is_refusal

    def is_acknowledged(self, code, said):
        if self.is_refusal:
            return code != 0 and "Required key not available" in said
        return code == 0


PLAIN = [
    Change("deployment", "cp {T}/new.zip {MNT}/functions/main/x.zip"),
    Change("first deployment", "cp {T}/new.zip {MNT}/functions/fresh/x.zip"),
    Change("deployment of what is there", "cp {T}/zero.zip {MNT}/functions/main/x.zip"),
    Change("layer version", "cp {T}/layer2.zip {MNT}/layers/base/new.zip"),
    Change("list of layers", "printf base:1 >{MNT}/functions/main/layers"),
    Change("rollback", "{VOUCHFS} rollback main"),
    Change("refusal", "cp {T}/unsigned.zip {MNT}/functions/main/x.zip", is_refusal=True),
    Change("revocation list", "cp {T}/next/{LIST} {T}/etc/trust/{LIST} && {VOUCHFS} reload"),
]
GOVERNED = [Change("policy bundle", "cp {T}/policy-2.zip {MNT}/policy/policy.zip")]


class Scene:
    """A directory {T}: etc, homes, artifacts, disk (where the image is mounted), mnt (vouchfs), base.img."""

    def __init__(self, top, vouchfs, governed=False, has_anchor=True):
        self.top, self.vouchfs, self.governed, self.has_anchor = top, vouchfs, governed, has_anchor
        self.disk, self.mnt, self.base = f"{top}/disk", f"{top}/mnt", f"{top}/base.img"
        self.store, self.conf, self.anchor = f"{top}/disk/store", f"{top}/etc/vouchfs.conf", f"{top}/disk/anchor/floor"
        self.changes = GOVERNED if governed else PLAIN
        self.list = f"{ACCOUNT}.revocations"
        self.environment = dict(os.environ, LC_ALL="C", VOUCHFS_CONF=self.conf, XDG_RUNTIME_DIR=f"{top}/xdg",
                                VOUCHFS_TEST_AUDIT_SEGMENT=SEGMENT_BYTES)
        for name in [name for name in self.environment if name.startswith(("VOUCHFS_SIGNER", "VOUCHFS_TEST_FAULT",
                                                                           "VOUCHFS_TEST_BUG"))]:
            del self.environment[name]

    # ---- what is made once ----

    def make(self):
        for name in ("disk", "mnt", "etc/trust", "homes", "xdg"):
            os.makedirs(f"{self.top}/{name}")
        os.chmod(f"{self.top}/xdg", 0o700)
        self.make_keys()
        self.make_artifacts()
        with open(self.base, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.base)
        self.attach(self.base)
        os.mkdir(f"{self.disk}/anchor", 0o700)
        self.start()
        self.fill()
        self.stop()
        self.detach()

    def signer(self, account, *words):
        environment = dict(self.environment, VOUCHFS_SIGNER_HOME=f"{self.top}/homes/{account}")
        return run(self.vouchfs, "signer", *words, env=environment)

    def make_account(self, account, *profiles):
        self.signer(account, "create-account", "--account-id", account)
        arns = []
        for profile in profiles:
            said = self.signer(account, "put-signing-profile", "--platform-id", "AWSLambda-SHA384-ECDSA",
                               "--profile-name", profile)
            arns.append(json.loads(said.stdout)["profileVersionArn"])
        self.signer(account, "export-trust", "--directory", f"{self.top}/etc/trust")
        return arns

    def make_keys(self):
        self.release, spare = self.make_account(ACCOUNT, "release", "spare")
        lines = ["[vouchfs]", f"account = {ACCOUNT}", "region = local", f"store = {self.store}"]
        lines += [f"anchor = {self.anchor}"] if self.has_anchor else []
        if self.governed:
            governor, = self.make_account(POLICY_ACCOUNT, "governor")
            lines += self.account_lines(POLICY_ACCOUNT)
            lines += ["[policy]", f"publisher = {governor.rpartition('/')[0]}"]
        else:
            lines += self.account_lines(ACCOUNT) + self.function_lines() + ["[layer base]"]
            self.signer(ACCOUNT, "revoke-signing-profile", "--profile-name", "spare", "--profile-version",
                        spare.rpartition("/")[2], "--effective-time", "2026-11-01T00:00:00Z", "--reason", "leaked")
            self.signer(ACCOUNT, "export-trust", "--directory", f"{self.top}/next")
        with open(self.conf, "w") as file:
            file.write("\n".join(lines) + "\n")
        shutil.copytree(f"{self.top}/etc", f"{self.top}/etc.before")

    @staticmethod
    def account_lines(account):
        return [f"[account {account}]", f"certificate = trust/{account}.pem",
                f"revocations = trust/{account}.revocations"]

    def function_lines(self):
        return ["[code-signing-config prod]", f"allowed_publisher = {self.release.rpartition('/')[0]}",
                "untrusted_artifact_on_deployment = Enforce", "untrusted_artifact_on_load = Enforce",
                "[function main]", "code_signing_config = prod", "[function fresh]", "code_signing_config = prod"]

    def make_artifact(self, name, signed=True):
        path = f"{self.top}/{name}.zip"
        with zipfile.ZipFile(path, "w") as out:
            out.writestr(zipfile.ZipInfo("marker"), name)
            out.writestr(zipfile.ZipInfo("bytes"), random.Random(name).randbytes(60000))
        if signed:
            self.sign(path, ACCOUNT, "release")

    def sign(self, path, account, profile):
        environment = dict(self.environment, VOUCHFS_SIGNER_HOME=f"{self.top}/homes/{account}")
        run(self.vouchfs, "sign", "--profile", profile, path, env=environment)

    def make_artifacts(self):
        for name in ("zero", "old", "new", "layer1", "layer2"):
            self.make_artifact(name)
        self.make_artifact("unsigned", signed=False)
        for sequence in (1, 2) if self.governed else ():
            self.pack(sequence)

    def pack(self, sequence):
        directory = f"{self.top}/policy-{sequence}"
        os.makedirs(f"{directory}/conf.d")
        others = shutil.ignore_patterns(POLICY_ACCOUNT + "*")
        shutil.copytree(f"{self.top}/etc/trust", f"{directory}/trust", ignore=others)
        for name, lines in (("policy.conf", ["[policy]", f"sequence = {sequence}"]),
                            ("conf.d/account.conf", self.account_lines(ACCOUNT)),
                            ("conf.d/functions.conf", self.function_lines())):
            with open(f"{directory}/{name}", "w") as file:
                file.write("\n".join(lines) + "\n")
        environment = dict(self.environment, VOUCHFS_SIGNER_HOME=f"{self.top}/homes/{POLICY_ACCOUNT}")
        run(self.vouchfs, "policy", "pack", directory, "--profile", "governor", "-o", f"{directory}.zip",
            env=environment)

    def fill(self):
        if self.governed:
            self.shell("cp {T}/policy-1.zip {MNT}/policy/policy.zip")
        for name in ("zero", "old"):
            self.shell(f"cp {{T}}/{name}.zip {{MNT}}/functions/main/x.zip")
        if not self.governed:
            self.shell("cp {T}/layer1.zip {MNT}/layers/base/new.zip")

    # ---- running ----

    def words(self, command):
        return command.format(T=self.top, MNT=self.mnt, VOUCHFS=self.vouchfs, LIST=self.list)

    def shell(self, command):
        return run("sh", "-c", self.words(command), env=self.environment)

    def attach(self, image):
        run("mount", "-o", "loop,noauto_da_alloc", image, self.disk)

    def detach(self):
        wait_for(lambda: run("umount", self.disk, check=False).returncode == 0, "end of the disk")

    def start(self, **more):
        run(self.vouchfs, "mount", "-c", self.conf, self.mnt, env=dict(self.environment, **more))

    def stop(self):
        run(self.vouchfs, "unmount", self.mnt, env=self.environment)

    def restore_configuration(self):
        shutil.copytree(f"{self.top}/etc.before", f"{self.top}/etc", dirs_exist_ok=True)

    # ---- what is found ----

    def found(self):
        """What the mounted host shows and keeps; everything that a change may change, and nothing that time changes."""
        state = {}
        for slot in sorted(os.listdir(f"{self.mnt}/functions")):
            self.look_at_function(slot, state)
        if not self.governed:
            for name in sorted(os.listdir(f"{self.mnt}/layers/base")):
                state[f"layer base {name}"] = digest(f"{self.mnt}/layers/base/{name}")
        self.look_at_store(state)
        # A slot's note of its last decision is shown only and not synced, so what is refused may or may not be said.
        health = run(self.vouchfs, "health", check=False, env=self.environment).stdout
        state["damage"] = [problem for problem in health.split(";") if "damage" in problem]
        return state

    def look_at_function(self, slot, state):
        for name in sorted(os.listdir(f"{self.mnt}/functions/{slot}")):
            state[f"{slot}/{name}"] = digest(f"{self.mnt}/functions/{slot}/{name}")
        served = f"{self.mnt}/run/{slot}"
        if os.path.islink(served):
            state[f"{slot} is"] = os.readlink(served)
            for part in ("task", "opt"):
                try:
                    for name in sorted(os.listdir(f"{served}/{part}")):
                        state[f"{slot} {part}/{name}"] = digest(f"{served}/{part}/{name}")
                except PermissionError:
                    state[f"{slot} {part}"] = "blocked"

    def look_at_store(self, state):
        """What nobody sees: leftovers, unneeded objects, and files that say what is current."""
        for top, directories, names in os.walk(self.store):
            place = os.path.relpath(top, self.store)
            if place.startswith("audit"):
                continue
            if place.startswith("staging") or os.path.basename(top) == "releases" or place.count("/") == 2:
                self.note_names(state, place, sorted(directories + names))
            for name in names:
                if name in ("current", "sequence", "last") or place == "revocations":
                    state[f"{place}/{name}"] = digest(f"{top}/{name}")

    @staticmethod
    def note_names(state, place, names):
        if names:  # a directory that was made for what did not come is nothing
            state[f"in {place}"] = names

    def records(self):
        """Of the audit log: (slot, release) of what was let in, and how many decisions there are."""
        let_in, decisions = set(), 0
        for name in sorted(os.listdir(f"{self.store}/audit")):
            for line in content(f"{self.store}/audit/{name}").splitlines():
                record = json.loads(line)
                if record.get("event") in ("deployment", "layer-publication"):
                    decisions += 1
                    if record.get("outcome") in ("accepted", "warned"):
                        let_in.add((record["slot"], record.get("release")))
        return let_in, decisions

    def unrecorded(self):
        """Releases in the store that no record let in (O3)."""
        let_in, _ = self.records()
        missing = []
        for kind in ("functions", "layers"):
            for slot in os.listdir(f"{self.store}/{kind}"):
                releases = f"{self.store}/{kind}/{slot}/releases"
                for number in os.listdir(releases) if os.path.isdir(releases) else ():
                    if (f"{kind}/{slot}", int(number)) not in let_in:
                        missing.append(f"{kind}/{slot} {number}")
        return missing

    def chain_error(self):
        done = run(self.vouchfs, "audit", "verify", "-c", self.conf, check=False, env=self.environment)
        return "" if done.returncode == 0 else f"audit verify: exit {done.returncode}: {done.stdout}{done.stderr}"
