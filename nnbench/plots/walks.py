"""Figures of walks: paths over contours and over curves, and shares that reach the minimum.

Frame in, figure out, as in `nnbench.plots`; nothing is computed here but where marks go.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.rows import say_rows
from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    beside,
    blank,
    cut_apart,
    draw_marks,
    house_style,
    name_panel,
    new_figure,
    panel_axes,
    rows_only,
    write,
)

ACROSS = 4  # panels side by side
LEVELS = 9  # contour lines
# Marker, face, edge and words; of ends, by whether they are at a minimum.
ENDS = {
    True: ("D", SERIES[0], SERIES[0], "end, at a global minimum"),
    False: ("X", SERIES[1], SERIES[1], "end, elsewhere"),
}
PATH_MARKS = (("*", INK, INK, "global minimum"), ("o", PAPER, QUIET, "start"), *ENDS.values())
SHARE_MARKS = (("o", PAPER, SERIES[0]), ("o", SERIES[0], SERIES[0]), ("s", SERIES[1], SERIES[1]))
Landscape = Mapping[str, Any]  # one landscape of landscapes.json


def path_panels(landscape: Landscape, walks: pd.DataFrame, panels: pd.DataFrame) -> Figure:
    """Draw walks over one landscape, a panel for each optimizer; axes are shared.

    walks: `panel, cell_id, x, y or height, reached` in step order; panels: `panel, text`, at most
    7. The eighth place says what the marks mean.
    """
    flat = landscape["dims"] == 1
    walks = walks.assign(y=walks["height" if flat else "y"])
    size = (WIDE / ACROSS - 54, 150.0 if flat else 190.0)
    step = (WIDE / ACROSS, size[1] + 84)
    with house_style():
        figure = new_figure(WIDE, -(-(len(panels) + 1) // ACROSS) * step[1])
        # what the marks mean first, then panel by panel
        places = [divmod(i, ACROSS) for i in (len(panels), *range(len(panels)))]
        figure.windows = [(i * step[0], row * step[1], *step) for row, i in places]
        found = panel_axes(figure, len(panels), ACROSS, step, (34, 46), size)
        heads = cut_apart(list(map(str, panels["panel"])), 26)
        told = zip(panels["panel"], heads, panels["text"], found, strict=True)
        for panel, head, text, axes in told:
            _draw_landscape(axes, landscape)
            _draw_walks(axes, walks[walks["panel"] == panel])
            low = [float(np.min(landscape["heights"]))] if flat else []
            for minimum in landscape["minima"]:
                star: Look = {"markersize": 9, "mew": 0, "zorder": 4, "clip_on": not flat}
                axes.plot(*minimum, *low, "*", color=INK, **star)
            name_panel(axes, head, str(text), 0, 10)
            axes.set(xlabel="", ylabel="")
        down, along = divmod(len(panels), ACROSS)
        key = blank(figure, along * step[0] + 34, down * step[1] + 46, *size)
        _list_marks(key, PATH_MARKS, 25)
        directions = "height over x" if flat else "x across, y up"
        write(key, directions, (3, 122), on_data="xy", color=QUIET)
    return figure


def _draw_landscape(axes: Axes, landscape: Landscape) -> None:
    """Draw the landscape itself: a curve, or contours that are densest near the bottom."""
    heights = np.array(landscape["heights"])
    x = np.array(landscape["axes"][0])
    if landscape["dims"] == 2:  # seven maps of one landscape: every other point will do
        heights, x = heights[::2, ::2], x[::2]
    low, spread = heights.min(), np.ptp(heights)
    axes.tick_params(length=3, labelsize=TEXT - 2)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlim(x[0], x[-1])
    if landscape["dims"] == 1:
        axes.plot(x, heights, color=QUIET, linewidth=1.2)
        axes.set_ylim(low - 0.08 * spread, low + 1.08 * spread)
        return
    y = np.array(landscape["axes"][1])[::2]
    levels = low + spread * np.linspace(0.04, 1, LEVELS) ** 3
    axes.contour(x, y, heights, levels=levels, colors=QUIET, linewidths=0.6, alpha=0.55,
                 linestyles="solid")  # fmt: skip
    axes.set_ylim(y[0], y[-1])
    axes.spines[:].set(visible=True, color=RULE)


def _draw_walks(axes: Axes, walks: pd.DataFrame) -> None:
    """Draw each walk in the colour of its end, where there are any: seaborn warns of none."""
    if walks.empty:
        return
    colors = {reached: color for reached, (_, color, *_) in ENDS.items()}
    sns.lineplot(
        x=walks["x"], y=walks["y"], hue=walks["reached"], units=walks["cell_id"], palette=colors,
        hue_order=list(colors), estimator=None, sort=False, legend=False, ax=axes, linewidth=1.0,
        alpha=0.85,
    )  # fmt: skip
    steps = walks.groupby("cell_id", sort=False)
    for reached, (marker, color, *_) in ENDS.items():
        for part, mark, size, look in (
            (steps.head(1), "o", 5.5, {"edgecolor": color, "linewidth": 1}),
            (steps.tail(1), marker, 5.5, {}),
        ):
            own = part[part["reached"] == reached]
            face = PAPER if look else color
            draw_marks(axes, own["x"], own["y"], mark, size, face, clip_on=True, **look)


def _list_marks(axes: Axes, marks: Sequence[tuple[str, str, str, str]], step: float) -> None:
    """Say what marks mean, one below the other: of each its marker, face, edge and words."""
    for number, (marker, face, edge, words) in enumerate(marks):
        at = (8, step * (number + 0.5))
        axes.plot(*at, marker, color=face, markeredgecolor=edge, markersize=6.5)
        write(axes, words, at, (13, 0), on_data="xy", size=TEXT - 1)


def _share_texts(part: pd.DataFrame, marks: Sequence[str]) -> list[str]:
    told = part["mark"] + ": " if len(marks) > 1 else ""
    spans = part[["share", "low", "high"]].to_numpy(float)
    numbers = [f"{100 * a:.0f} % [{100 * b:.0f}, {100 * c:.0f}]" for a, b, c in spans]
    return list(told + pd.Series(numbers, index=part.index))


@for_both
def share_panels(
    shares: pd.DataFrame,
    rows: Sequence[str],
    panels: Sequence[str],
    marks: Sequence[str],
) -> Figure:
    """Draw the share of walks that reach the minimum, a panel a landscape, a row an arm.

    shares: `panel, row, mark, share, low, high`; marks: what tells the marks of a row apart.
    """
    names, titles = cut_apart(rows, 30), cut_apart(list(map(str, panels)), 28)
    room = 26 + 7.0 * max(map(len, names))
    across, width = (1, SMALL) if is_small() else (min(ACROSS, len(panels)), WIDE)
    top = 18.0 * len(marks) + 10 if is_small() and len(marks) > 1 else 0.0
    size = ((width - room) / across - 22, 19.0 * len(rows) + 8)
    step = (size[0] + 22, size[1] + 78)
    shift = {mark: (i - (len(marks) - 1) / 2) * 0.34 for i, mark in enumerate(marks)}
    places = shares["row"].map(list(rows).index) + shares["mark"].map(shift)
    heads = [row.split(" ")[0] for row in rows]
    breaks = [i - 0.5 for i in range(1, len(rows)) if heads[i] != heads[i - 1]]
    with house_style():
        figure = new_figure(width, -(-len(panels) // across) * step[1] + 14 + top)
        found = panel_axes(figure, len(panels), across, step, (room, 46 + top), size)
        for number, (panel, axes) in enumerate(zip(panels, found, strict=True)):
            rows_only(axes, (-0.7, len(rows) - 0.3), breaks)
            axes.set_xlim(-0.02, 1.02)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.grid(axis="x", color=RULE, linewidth=0.8)
            axes.set_axisbelow(True)
            name_panel(axes, titles[number], "", 0, -8)
            if number % across == 0:
                beside(axes, names, range(len(rows)), size=TEXT - 1)
            for mark, (marker, face, edge) in zip(marks, SHARE_MARKS, strict=False):
                here = (shares["panel"] == panel) & (shares["mark"] == mark)
                part, y = shares[here], places[here]
                axes.hlines(y, part["low"], part["high"], edge, linewidth=1.3, zorder=2)
                look: Look = {"edgecolor": edge, "linewidth": 1}
                draw_marks(axes, part["share"], y, marker, 5, face, **look)
                say_rows(axes, part["share"], y, part["row"], _share_texts(part, marks))
            axes.set(xlabel="", ylabel="")
        if len(marks) > 1:
            said = [(*look, mark) for look, mark in zip(SHARE_MARKS, marks, strict=False)]
            # in the top left corner, where there is no panel
            _list_marks(blank(figure, 0, 8, room, 18 * len(marks)), said, 18)
    return figure
