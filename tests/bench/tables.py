"""The sections of results.json as text for a terminal and as Markdown for the README: what has a budget of its own, one
table with a column for each peer, what it costs, and the limits of the machine."""
import statistics


def duration(seconds):
    median = statistics.median(seconds)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1000:.1f} ms"


def number(value, row):
    if row["unit"] == "ms":
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return f"{value:.2f}" if value < 99.5 else f"{value:.0f}"


def spread(row):
    return f"{number(row['lowest'], row)} to {number(row['highest'], row)}"


def budget(row):
    return row.get("budget", "") + (" ms" if row.get("unit") == "ms" and "budget" in row else "")


def verdict(row, words):
    """words: for one without a budget, one that is met, one that is missed"""
    return words[0] if "met" not in row else words[1] if row["met"] else words[2]


def by(rows, key):
    """The rows that have the same in `key`, in the order of the first."""
    groups = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def of_ours(rows):
    return [row for row in rows if not row.get("peer")]


def of_peers(rows):
    return [row for row in rows if row.get("peer")]


def limit(row):
    return f"{number(row['limit'], row)} ({row['limit_by']})" if "limit" in row else ""


def own_table(rows, words, times=True):
    lines = [("what", "against", "median", "spread", "budget", "met", "limit") + (("ours", "theirs") if times else ())]
    for row in of_ours(rows):
        line = (row["row"], row["against"], number(row["median"], row), spread(row), budget(row), verdict(row, words),
                limit(row))
        lines.append(line if not times else line + (
            duration(row["seconds"]), duration(row["seconds_against"]) if "seconds_against" in row else ""))
    return lines


def peer_cell(row, most_pairs, missed):
    if "problem" in row:
        return row["problem"]
    cell = f"{number(row['median'], row)} ({spread(row)})"
    if row["pairs"] < most_pairs:
        cell += f" of {row['pairs']}"
    return verdict(row, ("{}", "{}", missed)).format(cell)


def peer_table(rows, missed):
    names = list(by(of_peers(rows), "against"))
    lines = [("faster than: times, by peer", "budget", *names)]
    for title, group in by(of_peers(rows), "row").items():
        cells = {row["against"]: row for row in group}
        most = max(row.get("pairs", 0) for row in group)
        lines.append((title, next((row["budget"] for row in group if "budget" in row), ""),
                      *(peer_cell(cells[name], most, missed) if name in cells else "" for name in names)))
    return lines


def figure(row):
    def digits(value):
        return f"{value:.0f}" if abs(value) >= 99.5 or value == int(value) else f"{value:.3g}"
    text = digits(row["median"])
    return text if row["count"] == 1 else f"{text} ({digits(row['lowest'])} to {digits(row['highest'])})"


def cost_table(costs, words):
    lines = [("cost", "unit", "ours", "budget", "others")]
    for what, rows in by(costs, "what").items():
        ours = next((row for row in rows if row["who"] == "ours"), None)
        others = "; ".join(f"{row['who']} {figure(row)}" for row in rows if row is not ours)
        limited = f"{ours['budget']}, {verdict(ours, words)}" if ours and "budget" in ours else ""
        lines.append((what, rows[0]["unit"], figure(ours) if ours else "", limited, others))
    return lines


def limit_table(limits):
    return [("limit of this machine", "of", "unit", "measured"),
            *((row["what"], row["who"], row["unit"], figure(row)) for row in limits)]


def tables(result, words, missed, times):
    every = [own_table(result["rows"], words, times), peer_table(result["rows"], missed),
             cost_table(result.get("costs", []), words), limit_table(result.get("limits", []))]
    return [table for table in every if len(table) > 1]


def aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def terminal(result):
    every = tables(result, ("", "met", "MISSED"), "{} MISSED", times=True)
    return "\n\n".join(aligned(table) for table in every)


def with_bars(lines):
    ruled = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
    return ("\n".join(f"| {' | '.join(line)} |" for line in ruled).replace("| --- ", "|---").replace("|--- |", "|---|")
            .replace("<=", "≤").replace(">=", "≥"))


def markdown(result):
    """(name of the first column, table), in the order of tables()."""
    every = tables(result, ("", "met", "**missed**"), "**{}**", times=False)
    return [(table[0][0], with_bars(table)) for table in every]
