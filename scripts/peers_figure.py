"""Draw what `make bench-peers` measured: how many times as fast as a plain loop each peer trains.

    peers_figure.py MEASURED FIGURE.png

Exit codes: 0 done, 2 the measurement is missing or not understood.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from matplotlib.axes import Axes

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

LOOKS = {
    "native": (SERIES[0], "s"),
    "JAX": (SERIES[2], "D"),
    "mapped": (SERIES[1], "^"),
    "loop, all cores": (QUIET, "o"),
}
WIDTH, HEIGHT = 900.0, 480.0


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of Adam, by width; ValueError where the file has none."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        found = [row for row in rows if row["rule"] == "adam" and row["us"]["loop"]]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"{path}: cannot be read ({problem}); run make bench-peers") from None
    if len(found) < 2:
        raise ValueError(f"{path}: has fewer than two sizes; run make bench-peers")
    return sorted(found, key=lambda row: row["width"])


def ratios(row: dict[str, Any]) -> dict[str, list[float]]:
    """Each peer's turns as multiples of the loop's speed; of JAX's two ways the quicker."""
    us = dict(row["us"])
    ways = [us.pop(name) for name in list(us) if name.startswith("JAX")]
    if ways:
        us["JAX"] = min(ways, key=median)
    return {
        name: [slow / fast for slow, fast in zip(row["us"]["loop"], us[name], strict=True)]
        for name in LOOKS
        if name in us
    }


def draw(rows: list[dict[str, Any]], target: Path) -> None:
    """Draw medians and single turns by the size of the network, and write a PNG."""
    found = [ratios(row) for row in rows]
    with house_style():
        figure = new_figure(WIDTH, HEIGHT)
        axes = place_axes(figure, 66, 108, WIDTH - 66 - 190, HEIGHT - 108 - 62)
        first = {name: f"{median(turns):.0f}" for name, turns in found[1].items()}
        beside = f", JAX {first['JAX']} times" if "JAX" in first else ""
        title = (
            f"At width {rows[1]['width']} native programs train {first['native']} times as fast as "
            f"a plain loop{beside}"
        )
        write(axes, title, (0, 1), (-54, 86), weight="bold")
        subtitle = "digits, three hidden layers, Adam, evaluation each epoch; processor time"
        write(axes, subtitle, (0, 1), (-54, 62), color=QUIET)
        write(axes, "speed-up over a plain PyTorch loop (×)", (0, 1), (-54, 26), color=QUIET)
        _lines(axes, found, [f"{row['width']}, {row['batch']}" for row in rows])
        figure.savefig(target, dpi=144, facecolor="white")


def _lines(axes: Axes, found: list[dict[str, list[float]]], sizes: list[str]) -> None:
    axes.set_yscale("log")
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    ends = []
    places = range(len(sizes))
    for name, (color, marker) in LOOKS.items():
        if name not in found[0]:
            continue
        middle = [median(row[name]) for row in found]
        for place, row in enumerate(found):
            axes.plot([place] * len(row[name]), row[name], "o", color=color, alpha=0.25)
        axes.plot(places, middle, color=color, marker=marker, linewidth=2, markersize=7)
        ends.append((middle[-1], f"{name}, {middle[-1]:.1f} times", color, marker))
    axes.axhline(1, color=INK, linewidth=1)
    ends.append((1.0, "the loop", INK, "o"))
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set_xticks(list(places), sizes)
    axes.minorticks_off()
    axes.set_xlabel("units of a hidden layer, examples of a batch")
    end_labels(axes, ends)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Draw the measured speed of peers.")
    parser.add_argument("measured", type=Path, help="what bench_peers.py wrote")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    options = parser.parse_args(arguments)
    try:
        draw(read_rows(options.measured), options.figure)
    except ValueError as error:
        print(f"peers_figure: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
