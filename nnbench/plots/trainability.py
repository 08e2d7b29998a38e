"""A score by depth and gain, and the depth that theory gives for each gain over it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnbench.plots.grids import MAGNITUDE, heat_grid, scale_of
from nnbench.plots.rooms import SMALL, WIDE, for_both, is_small
from nnbench.plots.style import (
    DARK,
    LIGHT,
    house_style,
    name_panel,
    new_figure,
    panel_axes,
    write,
)


@for_both
def trainability_map(
    cross: pd.DataFrame,
    law: pd.DataFrame,
    names: tuple[str, str, str],
    law_name: str,
    least: float = 0.0,
) -> Figure:
    """Draw a score by depth and gain, and a depth that theory gives for each gain over it.

    cross: `panel, row, column` (numbers), `value, text, under` (how many finished where some did
    not, which hatches the cell); law: `panel, column, value` (a depth). least: what the colours
    span at least, so that noise does not look like a result.
    names: of the rows, the columns and the score. Depth grows upwards, evenly from level to level,
    and so does the law between two depths by their logarithms.
    """
    panels = list(dict.fromkeys(cross["panel"]))
    rows, columns = sorted(set(cross["row"]), reverse=True), sorted(set(cross["column"]))
    room, right, across = 70.0, 24 + 7.5 * len(law_name), min(len(panels), 2)
    cell, blocks = min(110.0, (WIDE / across - room - right) / len(columns)), [columns]
    under = f"{names[0]}; colour: {names[2]}"
    if is_small():  # as many columns as can be read, then the others; the law has its name above
        room, right, across, cell = 46.0, 4.0, 1, 54.0
        count = -(-len(columns) // -(-len(columns) // 5))
        blocks = [columns[i : i + count] for i in range(0, len(columns), count)]
        under, law_name = f"{under}; dashed: {law_name}", ""
    cells = cross.assign(hatched=cross["under"] != "")
    if cell < 44:
        cells = cells.drop(columns=["text", "under"])
    size = (cell * len(blocks[0]), 36.0 * len(rows))
    step = (room + size[0] + right, size[1] + 124)
    scale = scale_of(cross["value"], least=least)
    places = [(panel, block) for panel in panels for block in blocks]
    with house_style():
        wide = max(across * step[0], SMALL if is_small() else 0)
        figure = new_figure(wide, -(-len(places) // across) * step[1])
        found = panel_axes(figure, len(places), across, step, (room, 56), size)
        for (panel, block), axes in zip(places, found, strict=True):
            part = cells[(cells["panel"] == panel) & cells["column"].isin(block)]
            heat_grid(axes, part, rows, block, MAGNITUDE, scale, gap=1.5)
            axes.set_xticks(np.arange(len(block)) + 0.5, [f"{column:g}" for column in block])
            axes.set_yticks(np.arange(len(rows)) + 0.5, [f"{row:g}" for row in rows])
            axes.set_xlabel(names[1])
            name_panel(axes, str(panel), under, room - 14, 22)
            own = law[(law["panel"] == panel) & law["column"].isin(block)]
            _law_over(axes, own, rows, block, law_name)
    return figure


def _law_over(
    axes: Axes, law: pd.DataFrame, rows: Sequence[float], columns: Sequence[float], name: str
) -> None:
    """Draw the law's depths as a dashed line with a light edge, which shows on any colour."""
    part = law.dropna(subset=["value"]).sort_values("column")
    if part.empty:
        return
    depths, places = np.log(rows[::-1]), len(rows) - 0.5 - np.arange(len(rows))
    step = (depths[-1] - depths[0]) / (len(rows) - 1) if len(rows) > 1 else 1.0
    depth = np.log(np.clip(part["value"].to_numpy(float), 1e-3, 1e6))
    # beyond the first and the last depth the law goes on at their distance
    beyond = np.minimum(depth - depths[0], 0) + np.maximum(depth - depths[-1], 0)
    y = np.clip(np.interp(depth, depths, places) - beyond / step, 0, len(rows))
    x = np.array([columns.index(column) + 0.5 for column in part["column"]])
    axes.plot(x, y, color=LIGHT, linewidth=4.5, clip_on=False)  # texts stand above it
    axes.plot(x, y, color=DARK, linewidth=1.8, dashes=(5, 3), clip_on=False)
    beside = axes.bbox.width / len(columns) / 2 + 6
    write(axes, name, (float(x[-1]), float(y[-1])), (beside, 0), on_data="xy")
