"""The operations that are swept. Each goes from a step to the next, as often as steps says; what is seen of the mount
after each step is learnt from a good run."""
import os
import shutil

from host import ACCOUNT, Outcome, eventually, sha256

POLICY_ACCOUNT = "999988887777"
STEPS = 12  # of a run: a daemon takes so many faults before its store is looked at, and it starts again


def read(path):
    """A file's digest, or why it cannot be read."""
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        return os.strerror(error.errno)


def names(path):
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return [os.strerror(error.errno)]


def observe(host):
    """All that the mount shows of artifacts and layers, both sides."""
    seen = {}
    for function in names(host.mountpoint / "functions"):
        deploy, run = host.mountpoint / "functions" / function, host.run_side / function
        for name in names(deploy):
            seen[f"functions/{function}/{name}"] = read(deploy / name)
        for part in ("code.zip", "task/marker", "opt/lib"):
            seen[f"run/{function}/{part}"] = read(run / part)
    for layer in names(host.mountpoint / "layers"):
        for name in names(host.mountpoint / "layers" / layer):
            seen[f"layers/{layer}/{name}"] = read(host.mountpoint / "layers" / layer / name)
    if (host.mountpoint / "policy").is_dir():
        for name in names(host.mountpoint / "policy"):
            seen[f"policy/{name}"] = read(host.mountpoint / "policy" / name)
    return seen


def copy(host, source, to):
    return host.run("cp", source, to)


class Operation:
    name = ""
    steps = STEPS
    daemon_env = {}
    restart_follows_files = False  # what is in force after a restart is what files outside of the store say
    follows_later = False  # it comes by itself, so nobody is told
    patience_s = 10

    def make(self, host):
        """What the operation needs besides the common template, before the mount."""

    def begin(self, host):
        """The same, in the mount."""

    def act(self, host, step):
        raise NotImplementedError

    def is_right(self, host, step, seen):
        """Whether a good run came to what it should."""
        raise NotImplementedError

    def is_done_all_the_same(self, outcome):
        """Whether the tool says that it did its work, and something beside it failed."""
        return False


class Deploy(Operation):
    """main has the artifact a or b, in turn."""

    def artifact(self, host, step):
        return host.root / ("b.zip" if step % 2 else "a.zip")

    def begin(self, host):
        assert copy(host, host.root / "a.zip", host.mountpoint / "functions/main/x.zip").status == 0

    def is_right(self, host, step, seen):
        digest = sha256(self.artifact(host, step).read_bytes())
        marker = sha256(b"b" if step % 2 else b"a")
        return (seen["functions/main/x.zip"], seen["run/main/code.zip"], seen["run/main/task/marker"]) == (digest, digest, marker)


class DeployCopy(Deploy):
    name = "deploy by cp"

    def act(self, host, step):
        return copy(host, self.artifact(host, step + 1), host.mountpoint / "functions/main/x.zip")


class DeployRsync(Deploy):
    name = "deploy by rsync"

    def act(self, host, step):
        # permissions and times are set before the rename, which is done whether that worked or not
        return host.run("rsync", "-I", self.artifact(host, step + 1), host.mountpoint / "functions/main/x.zip")

    def is_done_all_the_same(self, outcome):
        return outcome.status == 23 and "failed to set" in outcome.text


class Rotation(Deploy):
    """Each record begins a segment of the log: one of a refusal, then those of a deployment."""

    name = "audit rotation"
    daemon_env = {"VOUCHFS_TEST_AUDIT_SEGMENT": "512"}

    def act(self, host, step):
        target = host.mountpoint / "functions/main/x.zip"
        if copy(host, host.root / "unsigned.zip", target).status == 0:
            return Outcome(-1, "an unsigned artifact was taken")
        return copy(host, self.artifact(host, step + 1), target)


class Rollback(Deploy):
    """To the release before: main has a and b in turn."""

    name = "rollback"

    def begin(self, host):
        for name in ("b.zip", "a.zip"):
            assert copy(host, host.root / name, host.mountpoint / "functions/main/x.zip").status == 0

    def act(self, host, step):
        return host.vouchfs("rollback", "main")


class Publish(Operation):
    """The layer lib gets a version more."""

    name = "publish a layer"

    def make(self, host):
        for step in range(1, self.steps + 2):
            host.make_zip(f"version{step}", "release", lib=f"version {step}")

    def begin(self, host):
        pass

    def act(self, host, step):
        # the layer has versions 1 and 2 in the common template
        return copy(host, host.root / f"version{step + 1}.zip", host.mountpoint / "layers/lib/new.zip")

    def is_right(self, host, step, seen):
        versions = {name: digest for name, digest in seen.items() if name.startswith("layers/lib/")}
        wanted = {f"layers/lib/{n}.zip": sha256((host.root / f"lib{n}.zip").read_bytes()) for n in (1, 2)}
        wanted |= {f"layers/lib/{n + 2}.zip": sha256((host.root / f"version{n}.zip").read_bytes()) for n in range(1, step + 1)}
        return versions == wanted


class Attach(Deploy):
    """main's list of layers has version 1 or 2 of lib, in turn."""

    name = "attach a layer"

    def make(self, host):
        for version in (1, 2):
            (host.root / f"list{version}").write_text(f"lib:{version}\n")

    def begin(self, host):
        super().begin(host)
        assert self.act(host, -1).status == 0

    def act(self, host, step):
        return copy(host, host.root / f"list{2 - step % 2}", host.mountpoint / "functions/main/layers")

    def is_right(self, host, step, seen):
        version = 1 + step % 2
        return seen["run/main/opt/lib"] == sha256(f"lib {version}".encode()) and super().is_right(host, 0, seen)


class Reload(Deploy):
    """Another publisher for gate, whose release is blocked by that, and another code-signing config for bound."""

    name = "config reload"
    restart_follows_files = True

    def begin(self, host):
        super().begin(host)
        for function in ("gate", "bound"):
            assert copy(host, host.root / "a.zip", host.mountpoint / f"functions/{function}/x.zip").status == 0

    def put(self, host, step):
        text = (host.root / "base.conf").read_text()
        if step % 2:
            text = text.replace("GATE", "else").replace("BOUND", "other")
        new = host.conf.with_suffix(".new")
        new.write_text(text.replace("GATE", "release").replace("BOUND", "strict"))
        new.rename(host.conf)

    def act(self, host, step):
        self.put(host, step + 1)
        return host.vouchfs("reload")

    def is_right(self, host, step, seen):
        is_blocked = seen["run/gate/task/marker"] == "Permission denied"
        return is_blocked == (step % 2 == 1) and seen["run/bound/task/marker"] == sha256(b"a") and super().is_right(host, 0, seen)


class Revocation(Operation):
    """A list more each step, which revokes the profile of one function more."""

    name = "revocation list"
    steps = 8
    restart_follows_files = True
    follows_later = True

    def make(self, host):
        text = (host.root / "base.conf").read_text()
        for step in range(self.steps + 1):
            arn, version = host.make_profile(f"r{step}")
            text += (f"[code-signing-config r{step}]\nallowed_publisher = {arn}\nuntrusted_artifact_on_deployment = Enforce\n"
                     f"untrusted_artifact_on_load = Enforce\n[function r{step}]\ncode_signing_config = r{step}\n")
            host.make_zip(f"r{step}", f"r{step}", marker=f"r{step}", task=str(step))
            self.keep_list(host, step)
            host.must("signer", "revoke-signing-profile", "--profile-name", f"r{step}", "--profile-version", version,
                      "--effective-time", "2026-01-01T00:00:00Z", "--reason", "leaked", env=host.home())
        host.conf.write_text(text.replace("GATE", "release").replace("BOUND", "strict"))
        self.put(host, 0)

    def keep_list(self, host, step):
        host.must("signer", "refresh-revocations", env=host.home())
        host.export_trust(host.root / "exported")
        shutil.copy(host.root / "exported" / f"{ACCOUNT}.revocations", host.root / f"list-{step}")

    def put(self, host, step):
        place = host.root / "etc/trust" / f"{ACCOUNT}.revocations"
        new = place.with_suffix(".new")
        shutil.copy(host.root / f"list-{step}", new)
        new.rename(place)

    def begin(self, host):
        for step in range(self.steps + 1):
            assert copy(host, host.root / f"r{step}.zip", host.mountpoint / f"functions/r{step}/x.zip").status == 0

    def act(self, host, step):
        marker = host.run_side / f"r{step}" / "task/marker"
        read(marker)
        self.put(host, step + 1)
        came = eventually(lambda: read(marker) != sha256(f"r{step}".encode()) or not host.is_served(),
                          self.patience_s)
        return Outcome(0 if came else 1, "" if came else f"what was revoked is served after {self.patience_s} s")

    def is_right(self, host, step, seen):
        return all((seen[f"run/r{n}/task/marker"] == "Permission denied") == (n < step) for n in range(self.steps + 1))


class Bundle(Operation):
    """A policy bundle with the next sequence, by which main's publisher is another one, in turn."""

    name = "policy bundle"
    steps = 6

    def make(self, host):
        if not (host.root / "homes" / POLICY_ACCOUNT).is_dir():
            host.make_account(POLICY_ACCOUNT)
        governor, _ = host.make_profile("governor", POLICY_ACCOUNT)
        head, _, sections = (host.root / "base.conf").read_text().partition("[code-signing-config strict]")
        sections = "[code-signing-config strict]" + sections.replace("BOUND", "strict")
        sections = sections.replace("[function main]\ncode_signing_config = strict", "[function main]\ncode_signing_config = gate")
        for step in range(self.steps + 1):
            self.pack(host, step, sections.replace("GATE", "else" if step % 2 else "release"))
        host.export_trust(host.root / "etc/trust", POLICY_ACCOUNT)
        host.conf.write_text(f"{head.partition('[account')[0]}[account {POLICY_ACCOUNT}]\n"
                             f"certificate = trust/{POLICY_ACCOUNT}.pem\nrevocations = trust/{POLICY_ACCOUNT}.revocations\n"
                             f"[policy]\npublisher = {governor}\n")

    def pack(self, host, step, sections):
        place = host.root / f"bundle{step}"
        (place / "conf.d").mkdir(parents=True)
        (place / "policy.conf").write_text(f"[policy]\nsequence = {step + 1}\n")
        host.export_trust(place / "trust")
        account = f"[account {ACCOUNT}]\ncertificate = trust/{ACCOUNT}.pem\nrevocations = trust/{ACCOUNT}.revocations\n"
        (place / "conf.d/account.conf").write_text(account)
        (place / "conf.d/functions.conf").write_text(sections)
        host.must("policy", "pack", place, "--profile", "governor", "-o", f"{place}.zip", env=host.home(POLICY_ACCOUNT))

    def begin(self, host):
        assert self.act(host, -1).status == 0
        assert copy(host, host.root / "a.zip", host.mountpoint / "functions/main/x.zip").status == 0

    def act(self, host, step):
        return copy(host, host.root / f"bundle{step + 1}.zip", host.mountpoint / "policy/policy.zip")

    def is_right(self, host, step, seen):
        is_blocked = seen["run/main/task/marker"] == "Permission denied"
        return is_blocked == (step % 2 == 1) and seen["policy/policy.zip"] == read(host.root / f"bundle{step}.zip")


ALL = [DeployCopy, DeployRsync, Publish, Attach, Rollback, Reload, Revocation, Rotation, Bundle]


def make_common(host):
    """Accounts, profiles, artifacts, the configuration base.conf and the one that is in force."""
    host.make_account()
    arn, _ = host.make_profile("release")
    prefix = arn.rpartition("/")[0]
    host.make_zip("a", "release", marker="a", text="of a\n" * 500)
    host.make_zip("b", "release", marker="b", text="of b\n" * 900)
    host.make_zip("unsigned", None, marker="unsigned")
    for version in (1, 2):
        host.make_zip(f"lib{version}", "release", lib=f"lib {version}")
    host.export_trust(host.root / "etc/trust")
    text = f"[vouchfs]\naccount = {ACCOUNT}\nregion = local\nstore = {host.store}\n"
    text += f"[account {ACCOUNT}]\ncertificate = trust/{ACCOUNT}.pem\nrevocations = trust/{ACCOUNT}.revocations\n"
    for name, publisher in (("strict", "release"), ("other", "release"), ("gate", "GATE")):
        text += (f"[code-signing-config {name}]\nallowed_publisher = {prefix}/{publisher}\n"
                 "untrusted_artifact_on_deployment = Enforce\nuntrusted_artifact_on_load = Enforce\n")
    for function, config in (("main", "strict"), ("beside", "strict"), ("gate", "gate"), ("bound", "BOUND")):
        text += f"[function {function}]\ncode_signing_config = {config}\n"
    text += "[layer lib]\n"
    (host.root / "base.conf").write_text(text)
    host.conf.write_text(text.replace("GATE", "release").replace("BOUND", "strict"))


def begin_common(host):
    assert copy(host, host.root / "a.zip", host.mountpoint / "functions/beside/y.zip").status == 0
    for version in (1, 2):
        assert copy(host, host.root / f"lib{version}.zip", host.mountpoint / "layers/lib/new.zip").status == 0


def refuses_unsigned(host):
    """I4, also after whatever happened: what nobody signed is not taken."""
    outcome = copy(host, host.root / "unsigned.zip", host.mountpoint / "functions/main/x.zip")
    return outcome.status != 0
