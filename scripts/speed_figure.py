"""Draw what `make bench` measured, for the README: how many times faster a stack trains.

    speed_figure.py MEASURED FIGURE.png

Exit codes: 0 done, 2 the measurement is missing or not understood.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nnbench.plots.style import (
    INK,
    QUIET,
    RULE,
    SERIES,
    end_labels,
    house_style,
    new_figure,
    place_axes,
    write,
)

LOOKS = {"native": (SERIES[0], "s"), "mapped": (SERIES[1], "^")}
WIDTH, HEIGHT = 900.0, 460.0
Ratios = dict[str, dict[int, list[float]]]  # by way of running, by networks of a stack
End = tuple[float, str, str, str]


def read_ratios(path: Path) -> Ratios:
    """Return each turn's ratio of a loop's time a network and step to a stack's.

    Raises ValueError where the file has no such measurement.
    """
    try:
        benchmarks = json.loads(path.read_text(encoding="utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"{path}: cannot be read ({problem}); run make bench") from None
    found: Ratios = {way: {} for way in LOOKS}
    for one in benchmarks:
        about = one["extra_info"]
        if {"ratio", "networks", "way"} <= about.keys():
            found[about["way"]][int(about["networks"])] = sorted(about["ratio"])
    if not all(found.values()):
        raise ValueError(f"{path}: has no speed of stacks; run make bench")
    return found


def draw(ratios: Ratios, target: Path) -> None:
    """Draw medians and single turns against the size of the stack, and write a PNG."""
    largest = max(size for by_size in ratios.values() for size in by_size)
    fast = {way: f"{np.median(by_size[largest]):.0f}" for way, by_size in ratios.items()}
    with house_style():
        title = (
            f"In a stack of {largest} a network trains {fast['native']} times as fast as in a "
            f"plain PyTorch loop; mapped by torch, {fast['mapped']} times"
        )
        subtitle = (
            "digits, three hidden layers of 32, batches of 32, Adam; one thread each, in turns"
        )
        figure, axes = headed(title, subtitle, HEIGHT, beside=170)
        axes.set_xscale("log", base=2)
        axes.set_ylim(0, 1.08 * max(max(turns) for by in ratios.values() for turns in by.values()))
        ends = lines(axes, ratios, LOOKS)
        sizes = sorted({size for by_size in ratios.values() for size in by_size})
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xlabel("networks in the stack")
        end_labels(axes, ends)
        figure.savefig(target, dpi=144, facecolor="white")


def headed(title: str, subtitle: str, height: float, beside: float) -> tuple[Figure, Axes]:
    """A figure for speeds over a plain loop under their title, with so much room for labels."""
    figure = new_figure(WIDTH, height)
    axes = place_axes(figure, 66, 108, WIDTH - 66 - beside, height - 108 - 62)
    write(axes, title, (0, 1), (-54, 86), weight="bold")
    write(axes, subtitle, (0, 1), (-54, 62), color=QUIET)
    write(axes, "speed-up over a plain PyTorch loop (×)", (0, 1), (-54, 26), color=QUIET)
    return figure, axes


def lines(axes: Axes, ratios: Ratios, looks: Mapping[str, tuple[str, str]]) -> list[End]:
    """Draw medians over their single turns, and the loop's 1; what `end_labels` needs of each."""
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    ends = []
    for way, by_place in ratios.items():
        color, marker = looks[way]
        places = sorted(by_place)
        middle = [float(np.median(by_place[place])) for place in places]
        for place in places:
            axes.plot([place] * len(by_place[place]), by_place[place], "o", color=color, alpha=0.25)
        axes.plot(places, middle, color=color, marker=marker, linewidth=2, markersize=7)
        ends.append((middle[-1], f"{way}, {middle[-1]:.1f} times", color, marker))
    axes.axhline(1, color=INK, linewidth=1)
    axes.minorticks_off()
    return [*ends, (1.0, "the loop", INK, "o")]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Draw the measured speed of stacks.")
    parser.add_argument("measured", type=Path, help="what pytest --benchmark-json wrote")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    options = parser.parse_args(arguments)
    try:
        draw(read_ratios(options.measured), options.figure)
    except ValueError as error:
        print(f"speed_figure: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
