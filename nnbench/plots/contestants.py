"""Contestants as lines and points: performance profiles, the best of k trials, scores by cost."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from nnbench.plots.labels import Note, stacked, told_apart, write_clear
from nnbench.plots.lines import Scales, draw_series, line_axes, texts_of
from nnbench.plots.marks import say
from nnbench.plots.rooms import SMALL, for_both, is_small
from nnbench.plots.style import (
    KEY_ROW,
    MOST_SERIES,
    QUIET,
    SERIES,
    TEXT,
    Look,
    draw_marks,
    end_labels,
    house_style,
    look_of,
    name_panel,
    new_figure,
    one_line,
    place_axes,
    ruled,
)
from nnbench.plots.ticks import log_ticks

MOST_BANDS = 3  # beyond it, bands hide each other


@for_both
def profile_lines(
    profile: pd.DataFrame, names: Sequence[str], x_label: str, log: bool = False
) -> Figure:
    """Draw the share of runs that do at least so well, one falling or rising line a contestant.

    profile: `arm, tau, share, share_low, share_high`. names: at most 7, the baseline first. Lines
    begin and end together, so that marks and labels stand where they lie furthest apart, which a
    dotted line shows.
    """
    drawn = list(names)[:MOST_SERIES]
    labels = told_apart(drawn, 34)
    same = {"arm": "series", "tau": "x", "share": "value"}
    frame = profile[profile["arm"].isin(drawn)].rename(columns=same).sort_values("x")
    room, width, below = 60 + 7.4 * max(map(len, labels.values())), 900.0, 0.0
    if is_small():
        room, width, below = 18.0, SMALL, KEY_ROW * len(labels) + 6
    with house_style():
        figure = new_figure(width, 400 + below)
        axes = place_axes(figure, 52, 40, width - 52 - room, 300)
        axes.set_ylim(0, 1.03)
        axes.set_xlim(float(frame["x"].min()), float(frame["x"].max()))
        apart = _furthest_apart(frame)
        axes.axvline(apart, color=QUIET, linewidth=1, dashes=(1, 3))
        if log:
            axes.set_xscale("log")
            log_ticks(axes, "x")
        ends, known = [], set(frame["series"])
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
            texts = [
                (f"{x:.4g}", f"{100 * y:.0f} %")
                for x, y in zip(part["x"], part["value"], strict=True)
            ]
            say(axes, part["x"], part["value"], texts, one_line(name), (x_label, "of runs"))
        end_labels(axes, ends, [one_line(name) for name in labels if name in known])
        name_panel(axes, "", "share of runs", 44)
        ruled(axes)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.0f} %"))
        axes.set_xlabel(x_label)
    return figure


def _furthest_apart(profile: pd.DataFrame) -> float:
    shares = profile.groupby("x")["value"]
    spread = shares.max() - shares.min()
    return float(spread.index[int(spread.to_numpy().argmax())])


@for_both
def cost_scatter(
    points: pd.DataFrame, x_label: str, y_label: str, higher_is_better: bool
) -> Figure:
    """Draw each contestant's mean score against its cost; those on the front are joined and named.

    points: `arm, cost, mean, mean_low, mean_high, on_front, named`. The cost axis is logarithmic.
    """
    low, high = float(points["cost"].min()), float(points["cost"].max())
    air = max((high / low) ** 0.12, 1.1)
    front = points[points["on_front"]].sort_values("cost")
    others = points[~points["on_front"]]
    named = points[points["named"]]
    names = told_apart(list(named["arm"]), 34)
    width = SMALL if is_small() else 900.0
    with house_style():
        figure = new_figure(width, 440)
        axes = place_axes(figure, 60, 40, width - 60 - 20, 340)
        axes.set_xscale("log")
        axes.set_xlim(low / air, high * air)
        ruled(axes)
        axes.plot(front["cost"], front["mean"], color=QUIET, linewidth=1.2, zorder=1)
        for part, marker, color in ((others, "o", QUIET), (front, "s", SERIES[0])):
            spans = (part["cost"], part["mean_low"], part["mean_high"])
            axes.vlines(*spans, color, linewidth=1.2, alpha=0.6)
            draw_marks(axes, part["cost"], part["mean"], marker, 8, color)
        axes.set_ylim(*axes.get_ylim())  # settled now, for the names are placed by it
        texts = [
            (f"{cost:.3g}", f"{mean:.4g}")
            for cost, mean in zip(points["cost"], points["mean"], strict=True)
        ]
        for (_, point), text in zip(points.iterrows(), texts, strict=True):
            place, name = ([point["cost"]], [point["mean"]]), one_line(point["arm"])
            say(axes, *place, [text], name, (x_label, y_label), (24.0, 24.0))
        spots = zip(named["arm"], named["cost"], named["mean"], strict=True)
        write_clear(axes, [Note(names[arm], [(x, y)]) for arm, x, y in spots], TEXT - 1)
        log_ticks(axes, "x")
        axes.set(xlabel=f"{x_label}, logarithmic", ylabel="")
        arrow = "up" if higher_is_better else "down"
        side = "" if is_small() else " and to the left"
        name_panel(axes, "", f"{y_label}, better is {arrow}{side}", 52)
    return figure


@for_both
def budget_lines(budget: pd.DataFrame, arms: Sequence[str], y_label: str) -> Figure:
    """Draw, one panel a data set, the expected score of the best of k trials, one line an arm.

    budget: `data, arm, trials, mean, mean_low, mean_high`. arms: at most 7, the baseline first.
    Each arm's points stand a little beside those of the others.
    """
    same = {"data": "panel", "arm": "series", "trials": "x", "mean": "value"}
    frame = budget.rename(columns=same | {"mean_low": "low", "mean_high": "high"})
    place = frame["series"].map(list(arms).index)
    frame["x"] = frame["x"] + 0.04 * (place - (len(arms) - 1) / 2)
    names = {arm: "\n".join(lines) for arm, lines in stacked(arms, 22).items()}
    room = 10 + 6.8 * max(len(line) for name in names.values() for line in name.split("\n"))
    panels = {panel: str(panel) for panel in dict.fromkeys(frame["panel"])}
    with house_style():
        scales = Scales("settings tried at random", y_label)
        figure, found = line_axes(panels, [frame], scales, room, 2, labels=len(arms))
        for panel, axes in found.items():
            part = frame[frame["panel"] == panel]
            ends, shown = [], list[str]()
            for arm, line in draw_series(axes, part, arms).items():
                color, marker = look_of(list(arms).index(arm))
                own = part[part["series"] == arm].sort_values("x")
                axes.vlines(own["x"], own["low"], own["high"], color, linewidth=1.2, alpha=0.6)
                line.set(marker=marker, markersize=5, markeredgecolor=color)
                ends.append((own["value"].dropna().iloc[-1], names[arm], color, marker))
                shown.append(one_line(arm))
                spans = texts_of(own.assign(x=own["x"].round()))
                say(axes, own["x"], own["value"], spans, shown[-1], (scales.x_label, y_label))
            end_labels(axes, ends, shown)
            axes.set_xlim(frame["x"].min() - 0.1, frame["x"].max() + 0.1)
            axes.set_xlabel(scales.x_label)
    return figure
