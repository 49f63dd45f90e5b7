"""What processes use, as the kernel counts it."""
import os
import resource
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 0.05  # what a daemon does after it has answered belongs to the answer


def pids_with(argument):
    """The processes that have this as an argument of their command."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if argument.encode() in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            pass  # it has ended
    return found


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime, stime
    return ticks / TICKS_PER_SECOND


def _own_cpu_seconds():
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def measured(work, pids):
    """What work() returned, and the CPU seconds that we, our commands and these daemons spent."""
    before = _own_cpu_seconds() + cpu_seconds(pids)
    result = work()
    if pids:
        time.sleep(SETTLE_SECONDS)
    return result, _own_cpu_seconds() + cpu_seconds(pids) - before


def switches(pids):
    """How often the threads of these processes have come off a CPU."""
    count = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            count += sum(field_of(f"/proc/{pid}/task/{thread}/status", name)
                         for name in ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"))
    return count


def field_of(path, name):
    with open(path, encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def resident_mib(pids):
    return sum(field_of(f"/proc/{pid}/status", "VmRSS") for pid in pids) / 1024


def shared_out_mib(pids):
    """What is theirs alone, and their shares of what others map, too. Only root may look."""
    return sum(field_of(f"/proc/{pid}/smaps_rollup", "Pss") for pid in pids) / 1024


def forget_peaks(pids):
    for pid in pids:
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5\n")


def peak_mib(pids):
    return sum(field_of(f"/proc/{pid}/status", "VmHWM") for pid in pids) / 1024
