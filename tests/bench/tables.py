"""The rows of results.json as text for a terminal and as Markdown for the README: one table of what has a budget of its
own, one with a column for each peer."""
import statistics


def duration(seconds):
    median = statistics.median(seconds)
    return f"{median:.2f} s" if median >= 1 else f"{median * 1000:.1f} ms"


def number(value, row):
    return f"{value:.0f} ms" if row["unit"] == "ms" else f"{value:.2f}" if value < 99.5 else f"{value:.0f}"


def budget(row):
    return row["budget"] + (" ms" if row["unit"] == "ms" else "")


def own_rows(rows):
    return [row for row in rows if not row.get("peer")]


def peer_rows(rows):
    """title -> rows of that title, one for each peer"""
    by_title = {}
    for row in rows:
        if row.get("peer"):
            by_title.setdefault(row["row"], []).append(row)
    return by_title


def peer_cell(row, most_pairs, missed):
    if "problem" in row:
        return row["problem"]
    cell = f"{number(row['median'], row)} ({number(row['lowest'], row)} to {number(row['highest'], row)})"
    if row["pairs"] < most_pairs:
        cell += f" of {row['pairs']}"
    return cell if row["met"] else missed.format(cell)


def peer_lines(rows, missed, first="faster than: times, by peer"):
    by_title = peer_rows(rows)
    names = list(dict.fromkeys(row["against"] for group in by_title.values() for row in group))
    lines = [(first, "budget", *names)]
    for title, group in by_title.items():
        cells = {row["against"]: row for row in group}
        most = max(row.get("pairs", 0) for row in group)
        lines.append((title, group[0]["budget"],
                      *(peer_cell(cells[name], most, missed) if name in cells else "" for name in names)))
    return lines if by_title else []


def aligned(lines):
    if not lines:
        return ""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def terminal(rows):
    own = [("", "against", "median", "lowest to highest", "budget", "", "ours", "theirs")]
    for row in own_rows(rows):
        own.append((row["row"], row["against"], number(row["median"], row),
                    f"{number(row['lowest'], row)} to {number(row['highest'], row)}", budget(row),
                    "met" if row["met"] else "MISSED", duration(row["seconds"]),
                    duration(row["seconds_against"]) if "seconds_against" in row else ""))
    tables = [own if len(own) > 1 else [], peer_lines(rows, missed="{} MISSED")]
    return "\n\n".join(aligned(table) for table in tables if table)


def markdown(rows):
    own = [("what", "against", "median", "spread", "budget", "met")]
    for row in own_rows(rows):
        own.append((row["row"], row["against"], number(row["median"], row),
                    f"{number(row['lowest'], row)} to {number(row['highest'], row)}", budget(row),
                    "yes" if row["met"] else "**no**"))
    tables = [own if len(own) > 1 else [], peer_lines(rows, missed="**{}**", first="what")]
    rendered = []
    for lines in (table for table in tables if table):
        with_rule = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
        rendered.append("\n".join(f"| {' | '.join(line)} |" for line in with_rule).replace("| --- ", "|---")
                        .replace("|--- |", "|---|").replace("<=", "≤").replace(">=", "≥"))
    return "\n\n".join(rendered)
