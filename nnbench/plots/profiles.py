"""Performance profiles: the share of each contestant's runs that do at least so well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from nnbench.plots.labels import told_apart
from nnbench.plots.lines import draw_series
from nnbench.plots.style import (
    MOST_SERIES,
    QUIET,
    Look,
    end_labels,
    house_style,
    look_of,
    name_panel,
    new_figure,
    place_axes,
    ruled,
)
from nnbench.plots.ticks import log_ticks

MOST_BANDS = 3  # beyond it, bands hide each other


def profile_lines(
    profile: pd.DataFrame,
    names: Sequence[str],
    x_label: str,
    log: bool = False,
    width: float = 900,
) -> Figure:
    """Draw the share of runs that do at least so well, one falling or rising line a contestant.

    profile: `arm, tau, share, share_low, share_high`. names: at most 7, the baseline first. Lines
    begin and end together, so that marks and labels stand where they lie furthest apart, which a
    dotted line shows.
    """
    drawn = list(names)[:MOST_SERIES]
    labels = told_apart(drawn, 26)
    same = {"arm": "series", "tau": "x", "share": "value"}
    frame = profile[profile["arm"].isin(drawn)].rename(columns=same).sort_values("x")
    room = 60 + 7.4 * max(map(len, labels.values()))
    with house_style():
        figure = new_figure(width, 400)
        axes = place_axes(figure, 52, 40, width - 52 - room, 300)
        axes.set_ylim(0, 1.03)
        axes.set_xlim(float(frame["x"].min()), float(frame["x"].max()))
        apart = _furthest_apart(frame)
        axes.axvline(apart, color=QUIET, linewidth=1, dashes=(1, 3))
        if log:
            axes.set_xscale("log")
            log_ticks(axes, "x")
        ends = []
        for name, line in draw_series(axes, frame, drawn, linewidth=2).items():
            color, marker = look_of(drawn.index(name))
            part = frame[frame["series"] == name]
            if len(drawn) <= MOST_BANDS:
                band: Look = {"color": color, "alpha": 0.1, "lw": 0, "step": "post"}
                axes.fill_between(part["x"], part["share_low"], part["share_high"], **band)
            at = int(np.abs(part["x"].to_numpy(float) - apart).argmin())
            mark: Look = {"marker": marker, "markeredgecolor": color, "markevery": [at]}
            line.set(drawstyle="steps-post", **mark)
            ends.append((float(part["value"].iloc[at]), labels[name], color, marker))
        end_labels(axes, ends)
        name_panel(axes, "", "share of runs", 44)
        ruled(axes)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
        axes.set_xlabel(x_label)
    return figure


def _furthest_apart(profile: pd.DataFrame) -> float:
    """Where the lines lie furthest apart."""
    shares = profile.groupby("x")["value"]
    spread = shares.max() - shares.min()
    return float(spread.index[int(spread.to_numpy().argmax())])
