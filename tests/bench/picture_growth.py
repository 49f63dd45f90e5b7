"""The picture of growth: small panels, one for each name of a curve, all series of it in the panel."""
import math
import textwrap

import gnuplot
from gnuplot import COLOURS, HOLLOW, block, quoted
from tables import by

COLUMNS, PANEL_HEIGHT, TOP = 3, 270, 40
LEFT, RIGHT, ABOVE, BELOW = 64, 16, 58, 50  # around a panel's axes, pixels
TITLE_CHARACTERS = 40
KEY_LINE = 16


class Panel:
    def __init__(self, name, curves):
        self.name, self.curves, first = name, curves, curves[0]
        self.x_label, self.y_label = first["x_label"], first["y_label"]
        self.lows = [point[2] for curve in curves for point in curve["points"]]
        self.highs = [point[3] for curve in curves for point in curve["points"]]
        self.xs = [point[0] for curve in curves for point in curve["points"]]
        self.is_log = first["x_log"] and min(self.lows) > 0 and min(self.xs) > 0

    def axes(self):
        """With room for the key above the curves."""
        key = KEY_LINE * (len(self.curves) + 1) if "series" in self.curves[0] else KEY_LINE / 2
        free = 1 - key / (PANEL_HEIGHT - ABOVE - BELOW)
        if not self.is_log:
            return ("unset logscale\nset xtics auto\nset ytics auto\nset xrange [0:*]\n"
                    f"set yrange [0:{max(self.highs) / free}]\n")
        low = 10.0 ** math.floor(math.log10(min(self.lows))) * 0.999
        high = low * (max(max(self.highs) / low, 10) ** (1 / free))
        xs = sorted(set(self.xs))
        return (f"set logscale xy\nset xrange [{xs[0] / 1.4}:{xs[-1] * 1.4}]\nset yrange [{low}:{high}]\n"
                "set xtics (" + ", ".join(f"{quoted(f'{x:,}')} {x}" for x in spaced(xs)) + ")\n"
                f"set ytics ({gnuplot.ticks(low, max(self.highs) * 2)})\n")

    def script(self, number, left, top, page_height):
        width = gnuplot.WIDTH / COLUMNS
        script = (f"set lmargin at screen {(left + LEFT) / gnuplot.WIDTH}\n"
                  f"set rmargin at screen {(left + width - RIGHT) / gnuplot.WIDTH}\n"
                  f"set tmargin at screen {1 - (top + ABOVE) / page_height}\n"
                  f"set bmargin at screen {1 - (top + PANEL_HEIGHT - BELOW) / page_height}\n" + self.axes())
        title = "\n".join(textwrap.wrap(self.name, TITLE_CHARACTERS)[:2])
        script += f"set title {quoted(title)} font ',12'\n"
        script += f"set xlabel {quoted(self.x_label)} offset 0,0.3\nset ylabel {quoted(self.y_label)} offset 1.2,0\n"
        key = "set key top left Left reverse samplen 2 font ',10'"
        script += f"{key if 'series' in self.curves[0] else 'unset key'}\n"
        plots = []
        for series, curve in enumerate(self.curves):
            data, colour = f"curve{number}_{series}", COLOURS[series % len(COLOURS)]
            script += block(data, curve["points"])
            shape = HOLLOW[series % len(HOLLOW)] + 1
            plots += [f"${data} using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '{colour}' notitle",
                      f"${data} using 1:2 with linespoints pointtype {shape} pointsize 0.6 dashtype {series + 1} "
                      f"linecolor rgb '{colour}' title {quoted(curve.get('series', ''))}"]
        return script + "plot " + ", \\\n  ".join(plots) + "\nunset label 1000\n"


def spaced(xs):
    """Those whose labels do not run into one another on a logarithmic axis."""
    chosen = []
    for x in reversed(xs):
        if not chosen or chosen[-1] / x > (xs[-1] / xs[0]) ** (1 / 4.5):
            chosen.append(x)
    return chosen


def draw(result, path):
    panels = [Panel(name, curves) for name, curves in by(result["curves"], "name").items()]
    height = TOP + PANEL_HEIGHT * math.ceil(len(panels) / COLUMNS)
    quick = " (quick: no figures to quote)" if result["machine"].get("quick") else ""
    script = gnuplot.page(height, "How cost grows: medians, with the lowest and the highest" + quick)
    script += "set border 3\nset tics nomirror scale 0.5 font ',10'\nset grid linecolor rgb '#dddddd'\n"
    for number, panel in enumerate(panels):
        row, column = divmod(number, COLUMNS)
        script += panel.script(number, column * gnuplot.WIDTH / COLUMNS, TOP + row * PANEL_HEIGHT, height)
    return gnuplot.render(script, path)
