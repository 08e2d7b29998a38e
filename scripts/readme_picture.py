"""Draw what mattered in a study, for the README: its differences, under a title that is a finding.

    readme_picture.py RESULTS PICTURE.png

Exit codes: 0 done, 2 the results are missing or not understood.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from nnbench import plots, stats
from nnbench.plots.style import QUIET, TEXT, house_style
from nnbench.report.analysis import analyse
from nnbench.report.study.figures import strip_frames
from nnbench.report.study.sentences import effects_title
from nnbench.results.read import ReportError, read_results


def draw(folder: Path, target: Path) -> None:
    """Write the strips of the study's report as a picture on white, 2,000 pixels wide.

    Two for each of a page's, for sharp screens. The same results give the same bytes.
    """
    results = read_results(folder)
    analysis = analyse(results)
    metric = stats.METRICS[analysis.metric]
    title = effects_title(analysis.effects, analysis.baselines, analysis.metric)
    subtitle = (
        f"{results.title} · {len(results.cells):,} networks trained; mean paired "
        "difference with 95 % interval; each dot is one data set and seed"
    )
    x_label, higher = f"{analysis.difference_axis}, against the baseline", metric.higher_is_better
    figure = plots.effect_strips(*strip_frames(analysis), x_label, higher, 1000, 128, 30, margin=20)
    with house_style():
        height = float(figure.get_size_inches()[1]) * 72
        at: Any = {"ha": "left", "va": "top"}
        # A bold letter is about 0.66 of its size wide.
        size = min(24.0, 960 / (0.66 * max(len(title), 1)))
        figure.text(0.02, 1 - 22 / height, title, size=size, weight="bold", **at)
        figure.text(0.02, 1 - 60 / height, subtitle, size=TEXT, color=QUIET, **at)
        look: Any = {"facecolor": "white", "metadata": {"Software": None}}
        figure.savefig(target, format="png", dpi=144, **look)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Draw what mattered in a study.")
    parser.add_argument("results", type=Path, help="the folder of a study that has run")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    options = parser.parse_args(arguments)
    try:
        draw(options.results, options.picture)
    except ReportError as error:
        print(f"readme_picture: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
