"""Both pictures of a run."""
import gnuplot
import picture_growth
import picture_ratios


def draw(result, directory):
    """Returns the paths of those that were drawn."""
    if not gnuplot.is_there():
        return ["no pictures: gnuplot is not installed"]
    drawn = []
    if any("problem" not in row for row in result["rows"]):
        drawn.append(picture_ratios.draw(result, f"{directory}/ratios.svg"))
    if result.get("curves"):
        drawn.append(picture_growth.draw(result, f"{directory}/growth.svg"))
    return drawn
