"""Power cuts on the host's kernel: the daemon stops before its n-th changing call, the ext4 below it is shut down by
the ioctl, as if the power were gone, everything is killed, and the disk is mounted again.

Two kinds of cut: "lost" (EXT4_GOING_FLAGS_NOLOGFLUSH: what was not synced is gone) and "committed" (LOGFLUSH: the
journal was written at that moment, as it is every few seconds, and the data that nobody synced was not).
"""
import fcntl
import os
import re
import shutil
import signal
import subprocess

from scene import kill, processes_of, run, wait_for

SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
KINDS = {"committed": 1, "lost": 2}
CALLS_MAX = 120  # more than any change makes


def cut(scene, kind):
    fd = os.open(scene.disk, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(fd, SHUTDOWN, KINDS[kind].to_bytes(4, "little"))
    finally:
        os.close(fd)


def status_of(pid):
    """State and parent; nothing when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except (FileNotFoundError, ProcessLookupError):
        return "", 0


def kill_all(scene):
    """Supervisors come first: their numbers are lower."""
    kill(processes_of(scene.top))
    run("umount", "-l", scene.mnt, check=False)
    wait_for(lambda: not processes_of(scene.top), "end of the daemon")


def daemon_of(scene):
    """Whoever holds the store."""
    with open(f"{scene.store}/lock") as file:
        return int(re.search(r"\d+", file.read()).group())


class Attempt:
    """One change that is cut at its n-th call, with this bug put in (or none)."""

    def __init__(self, scene, change, bug=None):
        self.scene, self.change = scene, change
        self.environment = {"VOUCHFS_TEST_BUG": bug} if bug else {}

    def prepare(self, **environment):
        scene = self.scene
        shutil.copyfile(scene.base, f"{scene.top}/now.img")
        scene.restore_configuration()
        scene.attach(f"{scene.top}/now.img")
        scene.start(**environment, **self.environment)

    def change_to(self, n):
        """Runs the change; whether it stopped, and whether it was acknowledged before that."""
        scene = self.scene
        self.prepare(VOUCHFS_TEST_FAULT=f"*:{n}:stop")
        daemon = daemon_of(scene)
        with open(f"{scene.top}/said", "w+") as said:
            command = subprocess.Popen(["sh", "-c", scene.words(self.change.command)], stdin=subprocess.DEVNULL,
                                       stdout=said, stderr=said, env=scene.environment, start_new_session=True)
            stopped = lambda: status_of(daemon)[0] in ("T", "")
            wait_for(lambda: stopped() or command.poll() is not None, f"the end of {self.change.name}")
            code = command.poll()
            said.seek(0)
            done = code is not None and self.change.is_acknowledged(code, said.read())
        if code is not None and not done and not stopped():
            raise RuntimeError(f"{self.change.name}: exit {code}, and nothing was stopped")
        return command, stopped(), done

    def kill_at(self, n):
        """The daemon dies there, the next one serves, and then the power goes. Returns whether it died before it had
        acknowledged, and what was served: its state, and how many decisions were recorded."""
        scene = self.scene
        self.prepare(VOUCHFS_TEST_FAULT=f"*:{n}:kill")
        done = run("sh", "-c", scene.words(self.change.command), check=False, env=scene.environment)
        kill_all(scene)
        scene.start(**self.environment)
        served = scene.found(), scene.records()[1]
        self.cut_and_end("lost")
        return not self.change.is_acknowledged(done.returncode, done.stdout + done.stderr), served

    def at(self, n, kind):
        """Cuts the power there. Returns (stopped, acknowledged), with everything of it gone but the image."""
        command, stopped, done = self.change_to(n)
        self.cut_and_end(kind)
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)
        command.wait()
        return stopped, done

    def cut_and_end(self, kind):
        cut(self.scene, kind)
        kill_all(self.scene)
        self.scene.detach()

    def recovery_at(self, m, kind):
        """The image is mounted and the power goes again before the m-th call of recovery. False: it was over before."""
        scene = self.scene
        scene.attach(f"{scene.top}/now.img")
        environment = dict(scene.environment, **self.environment, VOUCHFS_TEST_FAULT=f"*:{m}:stop",
                           VOUCHFS_TEST_FAULT_FROM="start")
        starting = subprocess.Popen([scene.vouchfs, "mount", "-c", scene.conf, scene.mnt], env=environment,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stopped = lambda: any(status_of(pid)[0] == "T" for pid in processes_of(scene.top))
        wait_for(lambda: stopped() or starting.poll() is not None, "a stop in recovery")
        was_stopped = stopped()
        self.cut_and_end(kind)
        starting.wait()
        return was_stopped
