"""Both pictures of a run."""
import os

import gnuplot
import picture_growth
import picture_ratios


def draw(result, directory):
    """Returns the paths of those that were drawn."""
    if not gnuplot.is_there():
        return ["no pictures: gnuplot is not installed"]
    drawn = []
    for name, picture, has_any in (("ratios", picture_ratios, bool(picture_ratios.drawable(result["rows"]))),
                                   ("growth", picture_growth, bool(result.get("curves")))):
        path = f"{directory}/{name}.svg"
        if has_any:
            drawn.append(picture.draw(result, path))
        elif os.path.exists(path):
            os.unlink(path)  # of an earlier run
    return drawn
