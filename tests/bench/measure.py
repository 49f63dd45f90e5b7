"""How a number is made: commands that are compared take turns within one run, and what is reported is the median of
the ratios of neighbours, with the lowest and the highest. A machine that is slow for a while is so for both sides."""
import os
import statistics
import subprocess
import time


def run(*command, **options):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(candidates, rounds, before=lambda: None):
    """candidates: name -> function of the round's number that returns seconds. Every second round runs backwards;
    one round more comes first and does not count."""
    times = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name in sorted(candidates, reverse=turn % 2 == 1):
            before()
            seconds = candidates[name](turn)
            if turn > 0:
                times[name].append(seconds)
    return times


def can_drop_caches():
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3\n")


class Row:
    """One line of the table. Budgets: "<=" compares time (ours / theirs), ">=" speed (theirs / ours in time)."""

    def __init__(self, title, against, sense, budget, ours, theirs=None):
        self.title, self.against, self.sense, self.budget = title, against, sense, budget
        self.ours, self.theirs = ours, theirs
        if theirs is None:  # milliseconds
            self.values = [seconds * 1000 for seconds in ours]
        elif sense == "<=":
            self.values = [a / b for a, b in zip(ours, theirs)]
        else:
            self.values = [b / a for a, b in zip(ours, theirs)]

    @property
    def value(self):
        return statistics.median(self.values)

    @property
    def is_met(self):
        return self.value <= self.budget if self.sense == "<=" else self.value >= self.budget

    def as_json(self):
        row = {
            "row": self.title,
            "against": self.against,
            "unit": "ms" if self.theirs is None else "ratio of times" if self.sense == "<=" else "ratio of speeds",
            "median": round(self.value, 4),
            "lowest": round(min(self.values), 4),
            "highest": round(max(self.values), 4),
            "budget": f"{self.sense} {self.budget}",
            "met": self.is_met,
            "seconds": [round(s, 6) for s in self.ours],
        }
        if self.theirs is not None:
            row["seconds_against"] = [round(s, 6) for s in self.theirs]
        return row


def duration(seconds):
    median = statistics.median(seconds)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1000:.1f} ms"


def table(rows):
    lines = [("", "against", "median", "lowest..highest", "budget", "", "ours", "theirs")]
    for row in rows:
        unit = " ms" if row.theirs is None else ""
        lines.append((
            row.title, row.against, f"{row.value:.2f}{unit}", f"{min(row.values):.2f}..{max(row.values):.2f}",
            f"{row.sense} {row.budget}{unit}", "met" if row.is_met else "MISSED", duration(row.ours),
            duration(row.theirs) if row.theirs else ""))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
