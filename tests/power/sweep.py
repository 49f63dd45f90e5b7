"""Every change of a scene, cut before each of its calls and once it is acknowledged; and recovery, cut the same way."""
import collections

import cut
import judge
from scene import run


AGAIN_EVERY = 4  # at one in so many points it is looked once more, after another start (O5)


class Tally:
    """Crash points by what was found: old, new, torn (O1, O4, O6), lost (O2), other (O3, O5, O7)."""

    def __init__(self, name):
        self.name, self.counts, self.findings = name, collections.Counter(), []

    def add(self, verdict, is_new, where):
        self.counts["points"] += 1
        if not verdict.wrong:
            self.counts["new" if is_new else "old"] += 1
            return
        oracle = verdict.wrong[:2]
        self.counts["torn" if oracle == "O1" else "lost" if oracle == "O2" else "other"] += 1
        self.findings.append(f"{where}: {verdict.wrong.strip()}")

    def wants_again(self):
        return self.counts["points"] % AGAIN_EVERY == 0

    def bad(self):
        return self.counts["torn"] + self.counts["lost"] + self.counts["other"]

    def join(self, other):
        self.counts += other.counts
        self.findings += other.findings

    def line(self):
        numbers = ", ".join(f"{self.counts[what]} {what}" for what in ("points", "old", "new", "torn", "lost", "other"))
        return f"{self.name}: {numbers}"


class Sweep:
    """step: every how many calls; recoveries: every how many calls recovery is cut, too (0: never)."""

    def __init__(self, scene, step=1, kinds=tuple(cut.KINDS), recoveries=0, say=print):
        self.scene, self.step, self.kinds, self.recoveries, self.say = scene, step, kinds, recoveries, say

    def both_states(self, change):
        """The old one, the new one, and how many decisions are recorded by then."""
        attempt, scene = cut.Attempt(self.scene, change), self.scene
        attempt.prepare()
        done = run("sh", "-c", scene.words(change.command), env=scene.environment, check=False)
        if not change.is_acknowledged(done.returncode, done.stdout + done.stderr):
            raise RuntimeError(f"{change.name}: exit {done.returncode}: {done.stdout}{done.stderr}")
        scene.stop()
        scene.restore_configuration()
        scene.start()
        new, decisions = scene.found(), scene.records()[1]
        scene.stop()
        scene.detach()
        attempt.prepare()
        old, before = scene.found(), scene.records()[1]
        scene.stop()
        scene.detach()
        return [old, new], (before, decisions)

    def examine_cut(self, states, decisions, done, again):
        scene = self.scene
        scene.restore_configuration()
        scene.attach(f"{scene.top}/now.img")
        verdict = judge.examine(scene, states, int(done), decisions[int(done)], again)
        scene.detach()
        return verdict, states[0] != states[1] and verdict.index == 1

    def change(self, change, bug=None):
        tally = Tally(change.name)
        states, decisions = self.both_states(change)
        for kind in self.kinds:
            self.cut_everywhere(cut.Attempt(self.scene, change, bug), kind, states, decisions, tally)
        return tally

    def cut_once(self, scene, change, bug, states, decisions, tally):
        """Behind the acknowledgement, with this bug."""
        _, done = cut.Attempt(scene, change, bug).at(10 * cut.CALLS_MAX, "lost")
        tally.add(*self.examine_cut(states, decisions, done, False), f"{change.name}, acknowledged")

    def cut_everywhere(self, attempt, kind, states, decisions, tally):
        stopped, n = True, 1
        while stopped:
            stopped, done = attempt.at(n, kind)
            where = f"{attempt.change.name}, {kind} at call {n}" + (", acknowledged" if done else "")
            if stopped and self.recoveries and n // self.step % self.recoveries == 0:
                self.cut_recovery(attempt, kind, states, decisions, done, tally, where)
            else:
                tally.add(*self.examine_cut(states, decisions, done, tally.wants_again()), where)
            if n == 1 and not stopped:
                raise RuntimeError(f"{where}: nothing was stopped")
            n = n + self.step
            if n > cut.CALLS_MAX:
                raise RuntimeError(f"{where}: more than {cut.CALLS_MAX} calls")

    def kill_everywhere(self, change):
        """What is served behind a crash of the daemon is not taken back by a power cut."""
        tally, attempt, died, n = Tally(f"{change.name}, killed"), cut.Attempt(self.scene, change), True, 1
        while died and n <= cut.CALLS_MAX:
            died, (state, decisions) = attempt.kill_at(n)
            verdict, _ = self.examine_cut([state, state], [decisions, decisions], False, False)
            tally.add(verdict, False, f"{change.name}, killed at call {n}, then cut")
            n += self.step
        return tally

    def cut_recovery(self, attempt, kind, states, decisions, done, tally, where):
        """From the same image each time; and what recovery had done at the end is examined as it is."""
        scene, stopped, m = self.scene, True, 1
        with open(f"{scene.top}/now.img", "rb") as file:
            image = file.read()
        while stopped and m <= cut.CALLS_MAX:
            with open(f"{scene.top}/now.img", "wb") as file:
                file.write(image)
            scene.restore_configuration()
            stopped = attempt.recovery_at(m, kind)
            tally.add(*self.examine_cut(states, decisions, done, tally.wants_again()),
                      f"{where}, recovery at call {m}")
            m += self.step


def sweep_all(scene, step, kinds, recoveries, names="", say=print):
    """All changes of the scene whose name has this in it."""
    total, sweep = Tally("cuts"), Sweep(scene, step, kinds, recoveries, say)
    for change in scene.changes:
        if names in change.name:
            for tally in sweep.change(change), sweep.kill_everywhere(change):
                say(tally.line())
                total.join(tally)
    return total


def sweep_bug(scene, bug, step, kinds, name, enough=0):
    """How many points of the change of this name find the bug; enough: no more than these are looked for."""
    total = Tally(f"bug {bug}")
    for change in scene.changes:
        if change.name == name and (not enough or total.bad() < enough):
            total.join(Sweep(scene, step, kinds).change(change, bug))
    return total
