"""Pictures by gnuplot: pages of plots as SVG, in black on white and legible without colour."""
import shutil
import subprocess

WIDTH = 900
# Of Okabe and Ito, who chose them so that everybody can tell them apart; shapes and dashes say the same.
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
HOLLOW = (6, 4, 8, 10, 12, 14, 1)  # point types of gnuplot; the filled ones are the next
MUTED = "#777777"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def block(name, lines):
    """Data for `plot $name`."""
    return f"${name} << END_OF_DATA\n" + "\n".join(" ".join(map(str, line)) for line in lines) + "\nEND_OF_DATA\n"


def ticks(low, high):
    """Of a logarithmic axis."""
    digits = (1, 2, 5) if high / low < 150 else (1,)
    every = [float(f"{digit}e{power}") for power in range(-6, 10) for digit in digits]
    return ", ".join(f'{quoted(f"{x:,.10g}")} {x}' for x in every if low <= x <= high)


def page(height, title):
    return (f'set terminal svg size {WIDTH},{height} dynamic font "DejaVu Sans,Arial,sans-serif,12" '
            'background "#ffffff"\nset termoption noenhanced\nset multiplot\n'
            f'set label 1000 {quoted(title)} at screen 0.5,{1 - 16 / height:.4f} center font ",14"\n')


def is_there():
    return shutil.which("gnuplot") is not None


def render(script, path):
    subprocess.run(["gnuplot"], input=f"set output {quoted(path)}\n{script}\nunset multiplot\n", text=True, check=True)
    with open(path, encoding="utf-8") as file:  # the name of the program that made it changes with its version
        drawn = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(line.rstrip() for line in drawn.split("\n")))
    return path
