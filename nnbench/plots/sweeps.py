"""Figures of sweeps: loss and gradient of each expression over logits, against the exact ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    INK,
    QUIET,
    RULE,
    SERIES,
    TEXT,
    Look,
    blank,
    house_style,
    new_figure,
    panel_axes,
    write,
)

ACROSS = 4
LINEAR = 10.0  # |logit| up to which the axis is linear; logarithmic beyond
Y_NAMES = {"value": "loss", "gradient": "gradient by the logit"}
DTYPE_COLORS = SERIES[:4]
DTYPE_MARKS = ("X", "P", "v", "s")


@for_both
def sweep_panels(
    curves: pd.DataFrame,
    expressions: Sequence[str],
    dtypes: Sequence[str],
    column: str,
    captions: Mapping[str, str],
) -> Figure:
    """Draw one quantity over logits, a panel for each expression, a line for each number type.

    curves: `expression, dtype, logit`, the column, and the exact one with 64 after its name, which
    is the black dashed line. A line ends in a mark where its numbers stop being finite.
    """
    width, across = (SMALL, 1) if is_small() else (WIDE, ACROSS)
    down = 44.0 if is_small() else 0.0  # of a key of three lines
    step, size = (width / across, 286.0), (width / across - 62, 160.0)
    with house_style():
        figure = new_figure(width, -(-len(expressions) // across) * step[1] + 14 + down)
        _legend(blank(figure, 0, 2, width, 22 + down), dtypes)
        found = panel_axes(figure, len(expressions), across, step, (46, 90 + down), size)
        for expression, axes in zip(expressions, found, strict=True):
            _set_axes(axes, column)
            part = curves[curves["expression"] == expression].sort_values("logit")
            for number, dtype in reversed(list(enumerate(dtypes))):
                _line(axes, part[part["dtype"] == dtype], column, number)
            truth = part.drop_duplicates("logit")
            axes.plot(truth["logit"], truth[f"{column}64"], "--", color=INK, linewidth=1, zorder=5)
            write(axes, expression, (0, 1), (-34, 45), weight="bold")
            for text, up in ((captions[expression], 28), (Y_NAMES[column], 11)):
                write(axes, text, (0, 1), (-34, up), color=QUIET, size=TEXT - 1)
            axes.set_xlabel("logit of the right class", size=TEXT - 1)
    return figure


def _set_axes(axes: Axes, column: str) -> None:
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=0.6)
    axes.set_xlim(-1100, 1100)
    axes.set_xticks([-1000, -100, 0, 100, 1000], ["−10³", "−100", "0", "100", "10³"])
    axes.axvline(0, color=RULE, linewidth=0.8)
    axes.tick_params(labelsize=TEXT - 2)
    if column == "value":
        axes.set_yscale("symlog", linthresh=1, linscale=0.5)
        axes.set_ylim(-0.25, 1800)
        axes.set_yticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1000"])
    else:
        axes.set_ylim(-1.18, 0.18)
        axes.set_yticks([-1, -0.5, 0], ["−1", "−0.5", "0"])
    axes.minorticks_off()


def _line(axes: Axes, part: pd.DataFrame, column: str, number: int) -> None:
    """Draw one number type's line, a mark at each end where it breaks off.

    Not by seaborn, which would join what lies on either side of a gap.
    """
    x, y = part["logit"].to_numpy(float), part[column].to_numpy(float)
    finite = np.isfinite(y)
    color = DTYPE_COLORS[number]
    axes.plot(x, np.where(finite, y, np.nan), color=color, linewidth=3.6 - 0.7 * number)
    edges = np.flatnonzero(np.diff(finite.astype(int)))
    last = np.where(finite[edges], edges, edges + 1)
    look: Look = {"color": color, "markersize": 7, "zorder": 6, "mew": 0}
    axes.plot(x[last], y[last], DTYPE_MARKS[number], **look)


def _legend(axes: Axes, dtypes: Sequence[str]) -> None:
    at, row, turn = 12.0, 11.0, 3 if is_small() else len(dtypes)
    for number, dtype in enumerate(dtypes):
        color = DTYPE_COLORS[number]
        if number == turn:
            at, row = 12.0, row + 20
        axes.plot([at, at + 26], [row, row], color=color, linewidth=3.6 - 0.7 * number)
        axes.plot(at + 26, row, DTYPE_MARKS[number], color=color, markersize=7, mew=0)
        write(axes, dtype, (at + 26, row), (10, 0), on_data="xy", size=TEXT - 1)
        at += 50 + (6.6 if is_small() else 8.3) * len(dtype)
    axes.plot([at, at + 26], [row, row], "--", color=INK, linewidth=1)
    write(axes, "exact", (at + 26, row), (10, 0), on_data="xy", size=TEXT - 1)
    words, place = "a mark: beyond it, no finite number", (at + 100, row)
    place = (12.0, row + 20) if is_small() else place
    write(axes, words, place, on_data="xy", size=TEXT - 1, color=QUIET)
