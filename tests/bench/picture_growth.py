"""The picture of growth: small panels, one for each name of a curve, all series of it in the panel."""
import math
import textwrap

import gnuplot
from gnuplot import COLOURS, HOLLOW, block, quoted
from tables import by

COLUMNS, PANEL_HEIGHT, TOP = 3, 250, 40
LEFT, RIGHT, ABOVE, BELOW = 64, 16, 58, 50  # around a panel's axes, pixels
TITLE_CHARACTERS = 40


def power_below(value):
    return math.floor(math.log10(value) + 1e-9)


def decades(values):
    return 10.0 ** power_below(min(values)), 10.0 ** math.ceil(math.log10(max(values)) - 1e-9)


class Panel:
    def __init__(self, name, curves):
        self.name, self.curves, first = name, curves, curves[0]
        self.x_label, self.y_label = first["x_label"], first["y_label"]
        self.lows = [point[2] for curve in curves for point in curve["points"]]
        self.highs = [point[3] for curve in curves for point in curve["points"]]
        self.xs = [point[0] for curve in curves for point in curve["points"]]
        self.is_log = first["x_log"] and min(self.lows) > 0 and min(self.xs) > 0

    def axes(self):
        if not self.is_log:
            room = 1.6 if len(self.curves) > 1 else 1.2  # for the key
            return "unset logscale\nset xtics auto\nset ytics auto\nset xrange [0:*]\n" f"set yrange [0:{max(self.highs) * room}]\n"
        low, high = decades(self.lows + self.highs)
        high *= 10 if len(self.curves) > 1 and high < 3 * max(self.highs) else 1  # the key goes above the curves
        xs = sorted(set(self.xs))
        script = f"set logscale xy\nset xrange [{xs[0] / 1.4}:{xs[-1] * 1.4}]\nset yrange [{low}:{high * 1.01}]\n"
        script += "set xtics (" + ", ".join(f"{quoted(f'{x:,}')} {x}" for x in spaced(xs)) + ")\n"
        powers = range(power_below(low), power_below(high) + 1)
        return script + "set ytics (" + ", ".join(f"{quoted(f'{10 ** power:,.10g}')} 1e{power}" for power in powers) + ")\n"

    def script(self, number, left, top, page_height):
        width = gnuplot.WIDTH / COLUMNS
        script = (f"set lmargin at screen {(left + LEFT) / gnuplot.WIDTH}\n"
                  f"set rmargin at screen {(left + width - RIGHT) / gnuplot.WIDTH}\n"
                  f"set tmargin at screen {1 - (top + ABOVE) / page_height}\n"
                  f"set bmargin at screen {1 - (top + PANEL_HEIGHT - BELOW) / page_height}\n" + self.axes())
        title = "\n".join(textwrap.wrap(self.name, TITLE_CHARACTERS)[:2])
        script += f"set title {quoted(title)} font ',12'\n"
        script += f"set xlabel {quoted(self.x_label)} offset 0,0.3\nset ylabel {quoted(self.y_label)} offset 1.2,0\n"
        script += "set key top left Left reverse samplen 2 font ',10'\n" if self.curves[0].get("series") else "unset key\n"
        plots = []
        for series, curve in enumerate(self.curves):
            data, colour = f"curve{number}_{series}", COLOURS[series % len(COLOURS)]
            script += block(data, curve["points"])
            plots += [f"${data} using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '{colour}' notitle",
                      f"${data} using 1:2 with linespoints pointtype {HOLLOW[series % len(HOLLOW)] + 1} pointsize 0.6 "
                      f"dashtype {series + 1} linecolor rgb '{colour}' title {quoted(curve.get('series', ''))}"]
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
