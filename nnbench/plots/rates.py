"""How schedules move the learning rate, each above the loss that it leads to."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.lines import draw_series, panel_plan, texts_of
from nnbench.plots.marks import say
from nnbench.plots.rooms import for_both
from nnbench.plots.style import (
    QUIET,
    TEXT,
    cut_apart,
    house_style,
    name_panel,
    new_figure,
    panel_axes,
    ruled,
    write,
)
from nnbench.plots.ticks import log_ticks

HIGH = (62.0, 96.0)  # pixels of the plot of the rate, and of that of the loss
BETWEEN = 34.0  # them
SHARE, LOSS = "share of the given rate", "validation loss"


@for_both
def rate_panels(
    rates: pd.DataFrame,
    losses: pd.DataFrame,
    panels: Mapping[str, str],
    series: Sequence[str],
    baseline: str,
    warm: Sequence[str],
) -> Figure:
    """Draw each schedule's rate by epoch, and under it its loss before the baseline's, dotted.

    rates, losses: `panel, series, x, value`, one line a panel; panels: level to heading; baseline:
    the panel whose loss stands behind every other; warm: those of which it is said that they only
    warm up.
    """
    height = sum(HIGH) + BETWEEN
    plan = panel_plan(len(panels), 4, 4, height)
    with house_style():
        figure = new_figure(*plan.figure)
        left, top = plan.corner
        rows = [
            panel_axes(
                figure, len(panels), plan.across, plan.step, (left, at), (plan.size[0], high)
            )
            for at, high in ((top, HIGH[0]), (top + HIGH[0] + BETWEEN, HIGH[1]))
        ]
        behind = losses[losses["panel"] == baseline]
        limits = _ends(rates["value"], 0.06), _ends(losses["value"], 0.06)
        heads = cut_apart(list(panels.values()))
        for panel, head, upper, lower in zip(panels, heads, *rows, strict=True):
            _draw(upper, rates[rates["panel"] == panel], series, ("epoch", SHARE))
            under = SHARE + (": a warm-up" if panel in warm else "")
            name_panel(upper, head, under, 42, 14)
            upper.set_ylim(min(limits[0][0], 0), limits[0][1])
            upper.tick_params(labelbottom=False)
            if panel != baseline:
                lower.plot(behind["x"], behind["value"], ":", color=QUIET, linewidth=1.6, zorder=1)
            _draw(lower, losses[losses["panel"] == panel], series, ("epoch", LOSS))
            lower.set_ylim(*limits[1])
            if losses["value"].min() > 0:
                lower.set_ylim(losses["value"].min() / 1.1, losses["value"].max() * 1.1)
                lower.set_yscale("log")
                log_ticks(lower, "y")
            write(lower, LOSS, (0, 1), (-42, 12), color=QUIET, size=TEXT - 1)
            lower.set_xlabel("epoch")
    return figure


def _draw(axes: Axes, lines: pd.DataFrame, series: Sequence[str], names: tuple[str, str]) -> None:
    ruled(axes)
    draw_series(axes, lines, series, linewidth=2.0)
    say(axes, lines["x"], lines["value"], texts_of(lines), "", names)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _ends(values: pd.Series, air: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    room = air * (high - low) or 0.5
    return low - room, high + room
