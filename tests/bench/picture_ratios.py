"""The picture of ratios: how much faster than what, with spread and budget. Two panels: rows of the deploy side, and
of the run side, where every peer has a lane of its own within a row."""
import textwrap

import gnuplot
from gnuplot import COLOURS, HOLLOW, MUTED, block, quoted
from tables import by

LINE, LANE, ROW_GAP = 15, 8, 10  # pixels
LEFT, RIGHT = 330, 190
TOP, BETWEEN, BOTTOM = 44, 96, 46
BAR = LANE  # the height of a budget
LEGEND_HEIGHT, LEGEND = 24, 2000  # its first label
EXT4 = "ext4, unpacked"
LABEL_CHARACTERS, TEXT_CHARACTERS = 48, 26


class Mark:
    """One dot. All is speed: ours by theirs, so that right is better, whatever the row's ratio was."""

    def __init__(self, row, y, series=0):
        self.row, self.y, self.series, self.met = row, y, series, row.get("met")
        speeds = [self.speed(row[key]) for key in ("median", "lowest", "highest")]
        self.x, self.low, self.high = speeds[0], min(speeds), max(speeds)
        self.budget = self.speed(float(row["budget"].split()[1])) if "budget" in row else None
        self.limit = self.speed(row["limit"]) if "limit" in row else None

    def speed(self, value):
        if self.row["unit"] == "ms":
            return float(self.row["budget"].split()[1]) / value
        return 1 / value if self.row["unit"] == "ratio of times" else value


def lines_of(text):
    return textwrap.wrap(text, LABEL_CHARACTERS)


class Panel:
    """Marks in rows from the top down; y in pixels below the panel's top."""

    def __init__(self, title):
        self.title, self.height = title, 0
        self.marks, self.labels, self.bands, self.texts = [], [], [], []

    def add_row(self, label, text, lanes=0):
        """label: lines. Returns where the row's lanes begin, and its middle."""
        height = max(len(label) * LINE, lanes * LANE) + ROW_GAP
        top, middle = self.height, self.height + height / 2
        if len(self.labels) % 2:
            self.bands.append((top, top + height))
        self.labels.append(("\n".join(label), middle))
        self.texts.append((text, middle))
        self.height += height
        return middle - lanes * LANE / 2, middle

    def range(self):
        every = [x for mark in self.marks for x in (mark.low, mark.high, mark.budget, mark.limit) if x]
        return min(every + [0.5]) / 1.25, max(every + [2]) * 1.25

    def script(self, name, top, page_height):
        low, high = self.range()
        bottom = 1 - (top + self.height) / page_height
        lines = [f"set lmargin at screen {LEFT / gnuplot.WIDTH}", f"set rmargin at screen {1 - RIGHT / gnuplot.WIDTH}",
                 f"set tmargin at screen {1 - top / page_height}", f"set bmargin at screen {bottom}",
                 "set logscale x", f"set xrange [{low}:{high}]", f"set yrange [{self.height}:0]",
                 "unset key", "set border 1", "set tics scale 0.4", "set errorbars small",
                 f"set xtics ({gnuplot.ticks(low, high)}) nomirror",
                 f"set xlabel {quoted(self.title)} offset 0,0.4",
                 "set ytics (" + ", ".join(f"{quoted(label)} {y}" for label, y in self.labels) + ") scale 0 font ',11'"]
        for number, (start, end) in enumerate(self.bands, 1):
            lines.append(f"set object {number} rectangle from {low},{start} to {high},{end} behind "
                         "fillcolor rgb '#f2f2f2' fillstyle solid noborder")
        lines.append(f"set arrow 1 from 1,0 to 1,{self.height} nohead linecolor rgb '{MUTED}' dashtype 3")
        for number, (text, y) in enumerate(self.texts, 1):
            lines.append(f"set label {number} {quoted(text)} at screen {1 - (RIGHT - 12) / gnuplot.WIDTH},first {y} "
                         "left font ',11'")
        return "\n".join(lines) + "\n" + self.plots(name) + after(len(self.bands), len(self.texts))

    def plots(self, name):
        script, plots = "", []
        for series in sorted({mark.series for mark in self.marks}):
            for met in (True, False):
                dots = [(mark.x, mark.y, mark.low, mark.high) for mark in self.marks
                        if mark.series == series and (mark.met is not False) == met]
                if dots:
                    script += block(f"{name}_{series}_{met}", dots)
                    plots.append(f"${name}_{series}_{met} using 1:2:3:4 with xerrorbars pointsize 0.75 "
                                 f"pointtype {point_type(series, met)} linecolor rgb '{COLOURS[series]}'")
        budgets = [(mark.budget, mark.y - BAR / 2) for mark in self.marks if mark.budget]
        limits = [(mark.limit, mark.y) for mark in self.marks if mark.limit]
        script += block(f"{name}_budgets", budgets) + block(f"{name}_limits", limits or [("NaN", "NaN")])
        plots.insert(0, f"${name}_budgets using 1:2:(0):({BAR}) with vectors nohead linewidth 3 "
                        "linecolor rgb '#444444'")
        plots.append(f"${name}_limits using 1:2 with points pointtype 2 pointsize 0.9 linewidth 2 "
                     f"linecolor rgb '{MUTED}'")
        return script + "plot " + ", \\\n  ".join(plots) + "\n"


def after(bands, texts):
    return "".join(f"unset object {n}\n" for n in range(1, bands + 1)) + "".join(
        f"unset label {n}\n" for n in range(1, texts + 1)) + "unset label 1000\n"


def point_type(series, met):
    return HOLLOW[series] + (1 if met else 0) if HOLLOW[series] > 1 else 3 if met else 1


def deploy_panel(rows):
    panel = Panel("times as fast as what it is compared with, or as its budget (log scale)")
    for row in rows:
        against = f"against {row['against']}" if row["against"] else f"against {row['budget'].split()[1]} ms"
        mark = Mark(row, 0)
        text = f"{mark.x:.2f}"
        if mark.budget:
            text += f" of {mark.budget:.2f} wanted: {'met' if mark.met else 'MISSED'}"
        mark.y = panel.add_row(lines_of(row["row"]) + lines_of(against), text)[1]
        panel.marks.append(mark)
    return panel


def run_panel(rows, names):
    panel = Panel("times as fast as each place (log scale)")
    for title, group in by([row for row in rows if row["against"] in names], "row").items():
        missed = [row["against"].split(",")[0] for row in group if row.get("met") is False]
        text = "missed: " + ", ".join(missed) if missed else "all met"
        lines = textwrap.wrap(text, TEXT_CHARACTERS, break_on_hyphens=False)
        top, _ = panel.add_row(lines_of(title), "\n".join(lines), max(4, len(group)))
        for lane, row in enumerate(group):
            panel.marks.append(Mark(row, top + (lane + 0.5) * LANE, names.index(row["against"])))
    return panel


def legend(names, y, page_height):
    """By hand, in a line: the keys of plots have no place of their own in a page of several."""
    script, x = "", 20
    for series, name in enumerate(names):
        script += (f"set label {LEGEND + series} {quoted(name)} "
                   f"at screen {x / gnuplot.WIDTH:.4f},{1 - y / page_height:.4f} left offset 1,0 font ',11' "
                   f"point pointtype {point_type(series, True)} pointsize 0.75 "
                   f"linecolor rgb '{COLOURS[series]}'\n")
        x += 34 + 7 * len(name)
    return script


def drawable(rows):
    """Those that compare with something, if only with a budget."""
    return [row for row in rows if "problem" not in row and ("budget" in row or row["unit"] != "ms")]


def draw(result, path):
    rows = drawable(result["rows"])
    run_titles = {row["row"] for row in rows if row["against"] == EXT4}
    deploy = deploy_panel([row for row in rows if row["row"] not in run_titles])
    peers = by([row for row in rows if row["peer"] and "met" in row], "against")
    names = [EXT4, *peers][:len(COLOURS)]
    run = run_panel([row for row in rows if row["row"] in run_titles], names)
    panels = [panel for panel in (deploy, run) if panel.marks]
    top = TOP + (LEGEND_HEIGHT if panels[0] is run else 0)
    height = top + sum(panel.height for panel in panels) + BETWEEN * (len(panels) - 1) + BOTTOM
    quick = " (quick: no figures to quote)" if result["machine"].get("quick") else ""
    script = gnuplot.page(height, "How fast: filled, budget met; hollow, missed; bar, the budget; "
                                  "×, the limit of this machine" + quick)
    for number, panel in enumerate(panels):
        if panel is run:
            script += legend(names, top - LEGEND_HEIGHT + 4, height)
        script += panel.script(f"panel{number}", top, height)
        top += panel.height + BETWEEN
    return gnuplot.render(script, path)
