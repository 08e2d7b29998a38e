"""What mattered: every level's paired difference to its baseline, all blocks behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nnbench.plots.style import (
    INK,
    PAPER,
    QUIET,
    RULE,
    TEXT,
    VERDICT_MARKS,
    Look,
    house_style,
    new_figure,
    place_axes,
    shorten,
    write,
)


def effect_strips(
    effects: pd.DataFrame,
    blocks: pd.DataFrame,
    x_label: str,
    higher_is_better: bool,
    width: float = 1080,
    top: float = 26,
    row_height: float = 24,
    margin: float = 0,
) -> Figure:
    """Draw, factor by factor, each level's paired difference with interval, every block behind it.

    effects: `factor, heading, level, effect, effect_low, effect_high, verdict, text` in drawing
    order, baselines left out. blocks: `factor, level, difference`. text: written at the right.
    """
    headings = effects.drop_duplicates("factor").set_index("factor")["heading"]
    rows = [(f, level) for f in headings.index for level in [None, *_levels_of(effects, f)]]
    places = np.cumsum([row_height + 10 if level is None else row_height for _, level in rows])
    with house_style():
        figure = new_figure(width, top + places[-1] + 66)
        left, right = 220 + margin, 330 + margin
        axes = place_axes(figure, left, top, width - left - right, places[-1] + 16)
        axes.set_ylim(places[-1] + 16, 0)
        axes.set_xlim(*_padded(effects, blocks))
        axes.axvline(0, color=INK, linewidth=1)
        for (factor, level), y in zip(rows, places, strict=True):
            if level is None:
                _strip_heading(axes, str(factor), str(headings[factor]), y)
            else:
                here = (effects["factor"] == factor) & (effects["level"] == level)
                points = blocks[(blocks["factor"] == factor) & (blocks["level"] == level)]
                _strip(axes, effects[here].iloc[0], points["difference"].to_numpy(), y)
        _finish_strips(axes, x_label, higher_is_better)
    return figure


def _levels_of(effects: pd.DataFrame, factor: Any) -> list[str]:
    return list(effects.loc[effects["factor"] == factor, "level"])


def _padded(effects: pd.DataFrame, blocks: pd.DataFrame) -> tuple[float, float]:
    """Return limits that hold every block and interval, and zero, with air around."""
    columns = [effects[c] for c in ("effect", "effect_low", "effect_high")]
    values = pd.concat([*columns, blocks["difference"], pd.Series([0.0])]).dropna().to_numpy(float)
    low, high = float(values.min()), float(values.max())
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _strip_heading(axes: Axes, factor: str, heading: str, y: float) -> None:
    write(axes, shorten(factor, 28), (0, y + 2), (-220, 0), on_data="y", weight="bold")
    at: Look = {"on_data": "y", "ha": "right", "color": QUIET, "size": TEXT - 1}
    write(axes, heading, (1, y + 2), (330, 0), **at)
    ends = (-220 / axes.bbox.width, 1 + 330 / axes.bbox.width)
    across = axes.get_yaxis_transform()
    axes.plot(ends, [y - 14] * 2, color=RULE, linewidth=1, clip_on=False, transform=across)


def _strip(axes: Axes, row: pd.Series, points: np.ndarray, y: float) -> None:
    marker, edge, face = VERDICT_MARKS.get(row["verdict"], ("o", INK, PAPER))
    axes.axhline(y, color=RULE, linewidth=0.8, zorder=0)
    axes.plot(points, np.full(len(points), y), "o", color=edge, alpha=0.3, markersize=6, mew=0)
    axes.plot([row["effect_low"], row["effect_high"]], [y, y], color=edge, linewidth=2.4)
    axes.plot([row["effect"]], [y], marker, color=face, markeredgecolor=edge, markersize=9)
    write(axes, shorten(row["level"]), (0, y), (-12, 0), on_data="y", ha="right")
    known = np.isfinite(row["effect"])
    look: Look = {"color": INK} if known else {"color": QUIET, "style": "italic"}
    text = shorten(row["text"], 60)
    write(axes, text, (1, y), (330, 0), on_data="y", ha="right", size=TEXT - 1, **look)


def _finish_strips(axes: Axes, x_label: str, higher_is_better: bool) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(x_label)
    sides = ("worse", "better") if higher_is_better else ("better", "worse")
    low, high = axes.get_xlim()
    zero = (0 - low) / (high - low)
    look: Look = {"color": QUIET, "size": TEXT - 1}
    if zero > 0.15:
        write(axes, f"← {sides[0]}", (zero, 1), (-10, 12), ha="right", **look)
    if zero < 0.85:
        write(axes, f"{sides[1]} →", (zero, 1), (10, 12), **look)


def hero_png(
    effects: pd.DataFrame,
    blocks: pd.DataFrame,
    x_label: str,
    higher_is_better: bool,
    title: str,
    subtitle: str,
    path: Path,
) -> Path:
    """Write the strips of `effect_strips` as a picture on white, under a title that is a finding.

    The picture is 2,000 pixels wide: two for each of a page's, for sharp screens.
    """
    figure = effect_strips(effects, blocks, x_label, higher_is_better, 1000, 128, 30, margin=20)
    with house_style():
        height = float(figure.get_size_inches()[1]) * 72
        at: Look = {"ha": "left", "va": "top"}
        # A bold letter is about 0.66 of its size wide.
        size = min(24.0, 960 / (0.66 * max(len(title), 1)))
        figure.text(0.02, 1 - 22 / height, title, size=size, weight="bold", **at)
        figure.text(0.02, 1 - 60 / height, subtitle, size=TEXT, color=QUIET, **at)
        figure.savefig(path, format="png", dpi=144, facecolor="white", metadata={"Software": None})
    return path
