"""How a number is made: commands that are compared take turns within one run, and what is reported is the median of
the ratios of neighbours, with the lowest and the highest. A machine that is slow for a while is so for both sides."""
import os
import signal
import statistics
import subprocess
import time
from contextlib import contextmanager

LONG_SECONDS, FEW_ROUNDS = 2, 3
QUICK = os.environ.get("BENCH_QUICK") == "1"
PASSES_MAX, PASSES_SECONDS = 10, 0.2 if QUICK else 0.8


class TooSlow(Exception):
    pass


def begin(*command, **options):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
                            **options)


def finish(*processes):
    """Waits for commands; all they started is ended when we are interrupted meanwhile."""
    try:
        for process in processes:
            process.wait()
    except BaseException:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        raise
    for process in processes:
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)


def run(*command, **options):
    finish(begin(*command, **options))


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def timed_warm(work):
    """One pass of several: caches that ran out while the others had their turn are filled by the first."""
    passes = []
    while len(passes) < PASSES_MAX and sum(passes) < PASSES_SECONDS:
        passes.append(timed(work))
    return statistics.median_low(passes)


@contextmanager
def at_most(seconds):
    """Raises TooSlow within the block when the time is over."""
    def expire(*_):
        raise TooSlow(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def alternate(candidates, rounds, before=lambda: None, may_be_few=(), first_counts=False):
    """candidates: name -> function of the round's number that returns seconds, or None when it cannot go on. Every
    second round runs backwards; round 0 does not count, and is left out where nothing is to be warmed up. Those of
    may_be_few that take long have FEW_ROUNDS only."""
    times = {name: [] for name in candidates}
    last_turn = dict.fromkeys(candidates, rounds)
    first = 1 if first_counts else 0
    for turn in range(first, rounds + 1):
        for name in sorted(candidates, reverse=turn % 2 == 1):
            if turn > last_turn[name]:
                continue
            before()
            seconds = candidates[name](turn)
            if seconds is None:
                last_turn[name] = -1
                continue
            if turn > 0:
                times[name].append(seconds)
            if turn == first and name in may_be_few and seconds > LONG_SECONDS:
                last_turn[name] = min(rounds, FEW_ROUNDS)
    return times


def can_drop_caches():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3\n")


def digits(value):
    return float(f"{value:.5g}")


def spread(values):
    return {"median": digits(statistics.median(values)), "lowest": digits(min(values)), "highest": digits(max(values))}


# What a group returns is a list of these, in any order; `section` is where results.json keeps each.

class Curve:
    """How a figure grows. Curves of one name share a panel of the picture and are told apart by their series. points:
    made by point(), in the order of x; y_label names the unit."""
    section = "curves"

    def __init__(self, name, x_label, y_label, points, x_log=True, series=None):
        self.name, self.x_label, self.y_label, self.points = name, x_label, y_label, points
        self.x_log, self.series = x_log, series

    def as_json(self):
        curve = {"name": self.name, "x_label": self.x_label, "y_label": self.y_label, "x_log": self.x_log,
                 "points": self.points}
        return curve if self.series is None else curve | {"series": self.series}


def point(x, values):
    """x, and the median, the lowest and the highest of what was measured there."""
    return [x, *spread(values).values()]


class Figure:
    """A figure that is no ratio of pairs: `what`, of whom, in which unit. budget: the most that is allowed."""

    def __init__(self, section, what, who, unit, values, budget=None):
        self.section, self.what, self.who, self.unit = section, what, who, unit
        self.values, self.budget = values, budget

    def as_json(self):
        figure = {"what": self.what, "who": self.who, "unit": self.unit, **spread(self.values),
                  "count": len(self.values)}
        if self.budget is None:
            return figure
        return figure | {"budget": f"<= {self.budget}", "met": figure["median"] <= self.budget}


class Row:
    """One line of the table. Budgets: "<=" compares time (ours / theirs), ">=" speed (theirs / ours in time); a budget
    of None is no budget. limit: (seconds that a limit of the machine takes in our place, what that is)."""
    section = "rows"

    def __init__(self, title, against, budget, ours, theirs=None, peer=False, problem=None, limit=None):
        self.title, self.against, self.peer, self.problem = title, against, peer, problem
        self.sense, self.budget = budget
        self.ours, self.theirs, self.limit = ours, theirs, limit
        self.values = [] if problem is not None else self.compared(ours)

    def compared(self, seconds):
        if self.theirs is None:
            return [one * 1000 for one in seconds]
        return [a / b if self.sense == "<=" else b / a for a, b in zip(seconds, self.theirs)]

    @property
    def is_met(self):
        value = statistics.median(self.values)
        return value <= self.budget if self.sense == "<=" else value >= self.budget

    def as_json(self):
        row = {"row": self.title, "against": self.against, "peer": self.peer}
        if self.budget is not None:
            row["budget"] = f"{self.sense} {self.budget}"
        if self.problem is not None:
            return row | {"problem": self.problem}
        row["unit"] = "ms" if self.theirs is None else "ratio of times" if self.sense == "<=" else "ratio of speeds"
        row |= spread(self.values) | {"pairs": len(self.values)}
        if self.budget is not None:
            row["met"] = self.is_met
        if self.limit is not None:
            seconds, by = self.limit
            row |= {"limit": digits(statistics.median(self.compared(seconds))), "limit_by": by}
        row["seconds"] = [round(s, 6) for s in self.ours]
        if self.theirs is not None:
            row["seconds_against"] = [round(s, 6) for s in self.theirs]
        return row
