"""Lines over the number of training rows: each contestant's score with its interval."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from nnbench.plots.lines import Scales, draw_series, line_axes, set_x_ticks, texts_of
from nnbench.plots.marks import say
from nnbench.plots.rooms import for_both
from nnbench.plots.style import end_labels, house_style, look_of

APART = 0.014  # of its place: by how much each line stands beside the one before


@for_both
def size_lines(points: pd.DataFrame, series: Sequence[str], scales: Scales) -> Figure:
    """Draw each contestant's line over x with an interval at each point, and its name at the end.

    points: `series, x, value, low, high`, an interval null where there is none. The first of the
    series is drawn in ink; there are 7 at most.
    """
    room = 28 + 6.6 * max(map(len, series))
    place = points["series"].map(list(series).index) - (len(series) - 1) / 2
    drawn = points.assign(x=points["x"] * (1 + APART * place))
    with house_style():
        figure, found = line_axes({"": ""}, [drawn], scales, room, 1, 320, len(series))
        axes = found[""]
        lines = draw_series(axes, drawn, series, linewidth=1.8)
        ends = []
        for number, name in enumerate(series):
            own, beside = (one[one["series"] == name].sort_values("x") for one in (points, drawn))
            color, marker = look_of(number)
            axes.vlines(beside["x"], own["low"], own["high"], color, linewidth=1.1, alpha=0.6)
            lines[name].set(marker=marker, markersize=6, markeredgecolor=color)
            ends.append((float(own["value"].iloc[-1]), name, color, marker))
            says = (scales.x_label, scales.y_label)
            say(axes, beside["x"], own["value"], texts_of(own), name, says)
        end_labels(axes, ends, list(series), len(series))
        axes.set_xlabel(scales.x_label)
        set_x_ticks(axes, points["x"], True)
    return figure
