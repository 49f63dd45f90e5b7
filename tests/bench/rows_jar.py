"""The same files signed as an artifact and as a JAR: who checks them faster."""
import os
import shutil
import subprocess

import artifacts
from artifacts import BIG_MIB
from measure import QUICK, Row, alternate, run
from rows_deploy import CpuOf, shell

FILES = 1000 if QUICK else 5000
KEY = ("-storetype", "PKCS12", "-storepass", "benchmark")
VERIFY = "cp + jarsigner -verify"


def make_key(host):
    """A store with a P-384 key."""
    store = host.place("jar-keys.p12")
    run("keytool", "-genkeypair", "-keystore", store, *KEY, "-alias", "bench",
        "-keyalg", "EC", "-groupname", "secp384r1", "-sigalg", "SHA384withECDSA", "-dname", "CN=bench",
        "-validity", "30", stderr=subprocess.DEVNULL)
    return store


def sign_jar(host, path):
    run("jarsigner", "-keystore", make_key(host), *KEY, "-digestalg", "SHA-384", path, "bench",
        stderr=subprocess.DEVNULL)
    said = subprocess.run(["jarsigner", "-verify", path], capture_output=True, text=True, check=True).stdout
    if "jar verified." not in said:
        raise ValueError(f"jarsigner does not verify what it signed: {said}")
    return path


def jars(host, fast, _, runs):
    """a signed ZIP of many stored entries, and the same as a signed JAR"""
    if not shutil.which("jarsigner"):
        host.notes.append("jarsigner: not installed, its rows are left out.")
        return []
    zips = [host.place(f"jar-{variant}.zip") for variant in range(2)]
    for variant, path in enumerate(zips):
        artifacts.make_stored_files(path, FILES, BIG_MIB * artifacts.MIB // FILES, variant)
    jar, copy, slot = host.place("signed.jar"), host.place("copy.jar"), fast.slot("signed")
    shutil.copy(zips[0], jar)
    sign_jar(host, jar)
    for path in zips:
        host.sign(path)

    cpu = CpuOf(f"deploy {BIG_MIB} MiB, {FILES:,} entries", BIG_MIB * artifacts.MIB)
    times = alternate({
        "slot": cpu.of("ours", lambda turn: shell('cp "$1" "$2/function.zip"', zips[turn % 2], slot), fast),
        "jar": cpu.of(VERIFY, lambda _: shell('cp "$1" "$2" && jarsigner -verify "$2"', jar, copy)),
    }, runs, before=os.sync)
    os.unlink(copy)
    title = f"cp of {BIG_MIB} MiB, {FILES:,} entries into a slot"
    return [Row(title, VERIFY, ("<=", 0.6), times["slot"], times["jar"]), *cpu.figures()]


GROUPS = {"jars": jars}
