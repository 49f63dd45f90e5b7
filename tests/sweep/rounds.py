"""One round is one point: the operation with one fault in it, and what the oracles say."""
import collections
import os

import operations
import oracles
import points
from host import Hang, Outcome, eventually


# What makes the oracles complain, so that a test sees that they do.
BREAK = os.environ.get("SWEEP_BREAK")


class Violation(Exception):
    pass


class Rounds:
    def __init__(self, host, operation, table):
        self.host, self.operation, self.table = host, operation, table
        self.seen = []  # what a good run shows after each step

    def require(self, holds, what):
        if not holds:
            raise Violation(what)

    # ---- the good run ----

    def learn(self, injector):
        """Does all steps without a fault; the calls of each kind in one of them."""
        host, operation = self.host, self.operation
        host.restore(operation.name)
        host.mount(injector.environment())
        self.seen = [operations.observe(host)]
        injector.attach(host.daemon())
        kinds = {}
        for step in range(operation.steps):
            assert operation.is_right(host, step, self.seen[step]), self.seen[step]
            injector.arm(points.COUNTING)
            outcome = operation.act(host, step)
            assert outcome.status == 0, outcome
            injector.settle()
            for kind, count in injector.kinds().items():
                kinds[kind] = max(count, kinds.get(kind, 0))
            injector.disarm()
            self.seen.append(operations.observe(host))
        assert operation.is_right(host, operation.steps, self.seen[-1])
        assert all(self.seen[step] != self.seen[step + 1] for step in range(operation.steps))
        injector.detach()
        host.unmount()
        return kinds

    # ---- rounds ----

    def run(self, injector, chosen):
        rest = collections.deque(chosen)
        while rest:
            self.point = rest[0]
            try:
                self.kill(injector, rest) if rest[0].fault == "kill" else self.fail_some(injector, rest)
            except (Violation, Hang, RuntimeError) as error:
                self.table.complain(self.operation.name, self.point, str(error),
                                    [injector.where() if injector.has_fired() else "", self.host.log_tail()])
                self.host.clear()
                injector.detach()

    def next(self, rest):
        self.point = rest.popleft()
        return self.point, self.table.row(self.operation.name, self.point.fault)

    def compare(self, found, *steps):
        """Which of these steps it is."""
        for step in steps:
            if found == self.seen[step]:
                return step
        nearest = min((self.seen[step] for step in steps), key=lambda seen: len(oracles.differences(seen, found)))
        names = oracles.differences(nearest, found)
        raise Violation(f"neither: {[(name, nearest.get(name), found.get(name)) for name in names[:4]]}")

    def check_served(self):
        bad = oracles.check_served(self.host)
        self.require(not bad, "; ".join(bad[:4]))

    # ---- a daemon that is killed ----

    def kill(self, injector, rest):
        host, operation = self.host, self.operation
        point, row = self.next(rest)
        host.restore(operation.name)
        host.mount(injector.environment())
        operations.observe(host)
        victim = host.daemon()
        injector.attach(victim)
        injector.arm(point)
        outcome = operation.act(host, 0)
        injector.settle()
        if BREAK == "acknowledge":
            outcome = Outcome(0, "")
        if not injector.has_fired():
            row.missed += 1
            injector.detach()
            host.unmount()
            return
        row.points += 1
        self.after_death(victim)
        if BREAK == "object":
            (host.store / "objects/00" / ("0" * 64)).mkdir(parents=True)
        found = self.recover(acknowledged=outcome.status == 0)
        row.old, row.new = row.old + (found == 0), row.new + (found == 1)
        injector.detach()

    def after_death(self, victim):
        """Its supervisor detaches what is mounted, or puts another daemon in its place, which is asked as well."""
        host = self.host
        self.require(eventually(lambda: host.supervisor.poll() is not None or host.daemon() not in (None, victim), 10),
                     "the daemon's death leads to nothing")
        if host.supervisor.poll() is not None:
            host.clear()
            return
        self.require(eventually(lambda: host.daemon() not in (None, victim)), "no daemon in its place")
        eventually(lambda: operations.observe(host) in self.seen[:2])
        self.compare(operations.observe(host), 0, 1)
        self.check_served()
        host.unmount()

    def recover(self, acknowledged):
        """Twice; the second time changes nothing."""
        host, operation = self.host, self.operation
        host.mount()
        first = oracles.digests(host.store)
        found = self.compare(operations.observe(host), 0, 1)
        if BREAK == "current":
            (host.store / "functions/main/current").write_text("\n\n99\n")
        self.check_served()
        self.require(found == 1 or not acknowledged, "acknowledged and lost")
        self.require(not operation.restart_follows_files or found == 1 or not acknowledged, "the files say otherwise")
        host.unmount()
        host.mount()
        changed = oracles.differences(first, oracles.digests(host.store))
        self.require(not changed, f"a second recovery changes {changed[:4]}")
        self.check_at_rest()
        again = operation.act(host, found)
        self.require(again.status == 0, f"does not work again: {again}")
        self.compare(operations.observe(host), found + 1)
        self.require(operations.refuses_unsigned(host), "an unsigned artifact was taken")
        host.unmount()
        self.check_at_rest()
        return found

    def check_at_rest(self):
        bad = oracles.check_store(self.host.store) + oracles.check_audit(self.host, None)
        self.require(not bad, "; ".join(bad[:4]))

    # ---- a call or an allocation that fails ----

    def fail_some(self, injector, rest):
        """As many points as there are steps, in one daemon."""
        host, operation = self.host, self.operation
        host.restore(operation.name)
        host.mount(injector.environment())
        operations.observe(host)
        victim = host.daemon()
        injector.attach(victim)
        for step in range(min(operation.steps, len(rest))):
            self.fail_one(injector, *self.next(rest), step, victim)
        injector.detach()
        self.require(operations.refuses_unsigned(host), "an unsigned artifact was taken")
        before = operations.observe(host)
        host.unmount()
        host.mount()
        self.require(operations.observe(host) == before, "a restart shows something else")
        host.unmount()
        self.check_at_rest()

    def fail_one(self, injector, point, row, step, victim):
        host, operation = self.host, self.operation
        is_for_good = point.fault == "no memory for good"
        operation.patience_s = 0.3 if is_for_good else 10
        injector.arm(point)
        outcome = operation.act(host, step)
        injector.settle()
        fired = injector.has_fired()
        injector.disarm()
        if operation.follows_later and is_for_good:
            # as soon as there is memory again
            came = eventually(lambda: operations.observe(host) == self.seen[step + 1], 10)
            outcome = Outcome(0 if came else 1, "")
        self.require(host.daemon() == victim, f"the daemon died: {outcome}")
        if not fired:
            row.missed += 1
            self.require(outcome.status == 0, f"failed without a fault: {outcome}")
            self.compare(operations.observe(host), step + 1)
            return
        row.points += 1
        found = self.judge(point.fault, outcome, step)
        self.check_served()
        row.old, row.new = row.old + (found == step), row.new + (found == step + 1)
        if found == step:
            again = operation.act(host, step)
            self.require(again.status == 0, f"does not work again: {again}")
            self.compare(operations.observe(host), step + 1)

    def judge(self, fault, outcome, step):
        found = self.compare(operations.observe(self.host), step, step + 1)
        if outcome.status == 0:
            self.require(found == step + 1, "acknowledged, and the old one is served")
            return found
        if found == step + 1 and self.operation.is_done_all_the_same(outcome):
            return found
        self.require(found == step, f"the new one is served, and the tool was told: {outcome}")
        self.require(fault != "EINTR", f"an interruption came out: {outcome}")
        self.require(any(text in outcome.text for text in points.may_say(fault)), f"said to the tool: {outcome}")
        return found
