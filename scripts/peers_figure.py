"""Draw what `make bench-peers` measured: how many times as fast as a plain loop each peer trains.

    python -m scripts.peers_figure MEASURED FIGURE.png

Exit codes: 0 done, 2 the measurement is missing or not understood.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from nnbench.plots.style import QUIET, SERIES, end_labels, house_style
from scripts.speed_figure import headed, lines

LOOKS = {
    "native": (SERIES[0], "s"),
    "JAX": (SERIES[2], "D"),
    "mapped": (SERIES[1], "^"),
    "loop, all cores": (QUIET, "o"),
}
HEIGHT = 480.0


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
        first = {name: f"{median(turns):.0f}" for name, turns in found[1].items()}
        beside = f", JAX {first['JAX']} times" if "JAX" in first else ""
        title = (
            f"At width {rows[1]['width']} native programs train {first['native']} times as fast as "
            f"a plain loop{beside}"
        )
        subtitle = "digits, three hidden layers, Adam, evaluation each epoch; processor time"
        figure, axes = headed(title, subtitle, HEIGHT, beside=190)
        axes.set_yscale("log")
        by_name = {name: {at: row[name] for at, row in enumerate(found)} for name in found[0]}
        ends = lines(axes, by_name, LOOKS)
        axes.set_yticks([1, 10, 100], ["1", "10", "100"])
        axes.set_xticks(range(len(rows)), [f"{row['width']}, {row['batch']}" for row in rows])
        axes.set_xlabel("units of a hidden layer, examples of a batch")
        axes.minorticks_off()
        end_labels(axes, ends)
        figure.savefig(target, dpi=144, facecolor="white")


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
