"""results directory -> report.html: read, compute frames, draw, lay out, write in one step.

Reads `cells.parquet`, `curves.parquet` and `provenance.json` and nothing else; needs no torch.
The same inputs give the same bytes: no clock, no global generator, no ids by chance.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nnbench import stats
from nnbench.plots import hero_png
from nnbench.report import frames, numbers
from nnbench.report.analysis import Analysis, ReportError, Results, analyse, read_results
from nnbench.report.figures import Figures, draw_figures, strip_frames
from nnbench.report.sentences import answer, effect_decimals, importance_title
from nnbench.report.special import Content, render_special
from nnbench.report.sweeps import sweep_content
from nnbench.report.walks import walk_content

__all__ = ["ReportError", "build_report", "write_hero"]

SPECIAL: Mapping[str, Callable[[Results], Content]] = {
    "landscape": walk_content,
    "numerics": sweep_content,
}

HERE = Path(__file__).parent
MOST_FAILED_ARMS = 30
# What HTML has no place for: C0 and C1 controls but tab and newline, and lone surrogates.
CONTROL_CHARACTERS = dict.fromkeys(
    [c for c in (*range(32), *range(127, 160), *range(0xD800, 0xE000)) if c not in (9, 10)],
    "\N{REPLACEMENT CHARACTER}",
)


class Report(NamedTuple):
    """A report as written: where, and what it answers."""

    path: Path
    answer: list[str]


def build_report(folder: Path) -> Report:
    """Write `report.html` into the results directory, all of it or nothing.

    Raises ReportError where a file is missing or is not what a run writes.
    """
    results = read_results(folder)
    content_of = SPECIAL.get(str(results.study.get("kind")))
    if content_of is not None:
        content = content_of(results)
        page = render_special(results, content, command_of(results)).translate(CONTROL_CHARACTERS)
        return Report(write_whole(folder / "report.html", page), content.answer)
    analysis = analyse(results)
    page = render(results, analysis, draw_figures(results, analysis))
    return Report(write_whole(folder / "report.html", page), answer_of(results, analysis))


def command_of(results: Results) -> str:
    """Return the command that runs the study."""
    return f"nnbench run {shlex.quote('studies/' + str(results.study['name']) + '.toml')}"


def write_hero(folder: Path, path: Path) -> Path:
    """Write the picture of what mattered in this study, for a README, as a PNG."""
    results = read_results(folder)
    analysis = analyse(results)
    metric = stats.METRICS[analysis.metric]
    strips, blocks = strip_frames(analysis)
    decimals = effect_decimals(analysis.effects[~analysis.effects["baseline"]])
    return hero_png(
        strips,
        blocks,
        f"difference in {metric.label} to the baseline",
        metric.higher_is_better,
        importance_title(analysis.ranking, metric.label, decimals),
        f"{results.title} · {len(results.cells):,} networks trained; mean paired "
        "difference with 95 % interval, one dot a data set and seed",
        path,
    )


# Laying out -------------------------------------------------------------------------------------


def render(results: Results, analysis: Analysis, figures: Figures) -> str:
    """Return the page. The template lays out; every number in it comes from here as text."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    counts = cell_counts(results)
    template = environment.get_template("page.html.j2")
    metric = stats.METRICS[analysis.metric]
    page = template.render(
        css=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        title=results.title,
        study=results.study,
        answer=answer_of(results, analysis),
        trust=trust_strip(results, counts),
        metric=metric,
        analysis=analysis,
        counts=counts,
        figures=figures,
        tables=[factor_table(analysis, factor) for factor in analysis.factors],
        data_table=data_table(analysis),
        failures=failure_rows(results, analysis),
        contrasts=int((~analysis.effects["baseline"]).sum()) if analysis.factors else 0,
        command=command_of(results),
        export=f"nnbench export CELL --from {shlex.quote('results/' + str(results.study['name']))}",
        versions=sorted((results.provenance.get("versions") or {}).items()),
        fingerprint=results.provenance.get("source_fingerprint", ""),
        created=results.provenance.get("created", ""),
    )
    return page.translate(CONTROL_CHARACTERS)


def answer_of(results: Results, analysis: Analysis) -> list[str]:
    """Return the answer in sentences, the most important first."""
    label = stats.METRICS[analysis.metric].label
    single = mean_text(analysis.overall, label, len(analysis.labelled))
    counts = cell_counts(results)
    return answer(
        analysis.effects, analysis.ranking, analysis.baselines, analysis.metric, counts, single
    )


def cell_counts(results: Results) -> dict[str, int]:
    """Return n, ok, diverged, crashed and missing; n includes the cells that have not run."""
    counts = stats.status_counts(results.cells)
    missing = int((results.provenance.get("counts") or {}).get("missing") or 0)
    return counts | {"missing": missing, "n": counts["n"] + missing}


def trust_strip(results: Results, counts: dict[str, int]) -> list[tuple[str, str]]:
    """Return the pairs of the strip of trust: what it says, and what it is called."""
    provenance, cells = results.provenance, results.cells
    versions = provenance.get("versions") or {}
    engines = sorted(set(cells["engine"].dropna().astype(str))) if "engine" in cells else []
    strip = [
        ("networks finished", f"{counts['ok']:,} of {counts['n']:,}"),
        ("diverged", f"{counts['diverged']:,}"),
        ("crashed", f"{counts['crashed']:,}"),
        ("not run", f"{counts['missing']:,}"),
        ("seeds", f"{cells['seed'].nunique()}"),
        ("data sets", f"{cells['data'].nunique()}"),
        ("engine", ", ".join(engines) or str(provenance.get("engine", "unknown"))),
        ("nnbench", str(versions.get("nnbench", "unknown"))),
        ("torch", str(versions.get("torch", "unknown"))),
    ]
    wall = provenance.get("wall_seconds")
    if wall is not None:
        strip.append(("wall time", numbers.duration(float(wall))))
    return [pair for pair in strip if pair != ("not run", "0")]


def mean_text(interval: stats.Interval, label: str, n: int) -> str:
    """Return the mean of all cells as a phrase, with interval or the reason that it has none."""
    if interval.reason:
        return f"mean {label} {numbers.number(interval.estimate)}, its interval {interval.reason}"
    places = numbers.decimals_for([interval.estimate], [(interval.high - interval.low) / 2])
    span = numbers.interval(interval.low, interval.high, places)
    return f"mean {label} {numbers.number(interval.estimate, places)} {span}, {n} networks"


def factor_table(analysis: Analysis, factor: str) -> dict[str, Any]:
    """Return one factor's table, every number as text, in the levels' order."""
    rows = analysis.effects[analysis.effects["factor"] == factor]
    places = _mean_decimals(rows)
    effect_places = effect_decimals(rows)
    spread = analysis.ranking.set_index("factor")["range"].to_dict()[factor]
    return {
        "factor": factor,
        "baseline": analysis.baselines[factor],
        "range": numbers.number(spread, effect_places),
        "rows": [_table_row(row, places, effect_places) for _, row in rows.iterrows()],
    }


def data_table(analysis: Analysis) -> list[dict[str, Any]]:
    """Return the data sets' rows: means only, for one data set is no arm of another."""
    rows = analysis.data_sets
    return [_table_row(row, _mean_decimals(rows), 0) for _, row in rows.iterrows()]


def _mean_decimals(rows: pd.DataFrame) -> int:
    half_widths = (rows["mean_high"] - rows["mean_low"]) / 2
    return numbers.decimals_for(rows["mean"].dropna(), half_widths.dropna())


def _table_row(row: pd.Series, places: int, effect_places: int) -> dict[str, Any]:
    texts = {"level": row["level"], "n": row["n"], "used": row["used"], "diverged": row["diverged"]}
    texts["share"] = f", {100 * row['diverged'] / row['n']:.0f} %" if row["diverged"] else ""
    texts |= _estimate_texts(row, "mean", places, signed=False)
    if "effect" in row:
        texts |= _estimate_texts(row, "effect", effect_places, signed=True)
        texts |= {"pairs": row["pairs"], "pairs_used": row["pairs_used"], "verdict": row["verdict"]}
    return texts


def _estimate_texts(row: pd.Series, name: str, places: int, signed: bool) -> dict[str, str]:
    reason = row[f"{name}_reason"]
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return {
        name: numbers.number(row[name], places, signed=signed),
        f"{name}_interval": "" if pd.isna(low) else numbers.interval(low, high, places),
        f"{name}_reason": "" if pd.isna(reason) else str(reason),
    }


def failure_rows(results: Results, analysis: Analysis) -> dict[str, Any]:
    """Return the arms that failed, of the whole study and not only of the tuned settings."""
    columns = [f for f in analysis.factors if f in results.cells]
    labels = {f: stats.level_labels(results.cells, f) for f in ("data", *columns)}
    arms = frames.failed_arms(results.cells.assign(**labels), columns)
    shown = arms.head(MOST_FAILED_ARMS)
    rows = [
        {
            "arm": [row[c] for c in ("data", *columns)],
            "diverged": row["diverged"],
            "crashed": row["crashed"],
            "n": row["n"],
            "steps": _step_text(row["first_step"], row["last_step"]),
            "cell_id": row["cell_id"],
        }
        for _, row in shown.iterrows()
    ]
    return {"columns": ["data", *columns], "rows": rows, "hidden": len(arms) - len(shown)}


def _step_text(first: float, last: float) -> str:
    if pd.isna(first):
        return "–"
    return f"{first:,.0f}" if first == last else f"{first:,.0f} to {last:,.0f}"


def write_whole(path: Path, text: str) -> Path:
    """Write the file beside its place and move it there: a reader sees the old or the new."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path
