"""results directory -> every frame behind its report; nothing is drawn or laid out here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.seeds import numpy_generator


class ReportError(Exception):
    """The folder holds no results to make a report of; the message says what is missing."""


@dataclass(frozen=True)
class Results:
    """What a results directory holds. cells: one row per cell; curves: one per cell and epoch.

    layers: one row per cell, epoch and layer; predictions: one per arm, layer and quantity. Both
    are None for a study without probes.
    """

    folder: Path
    cells: pd.DataFrame
    curves: pd.DataFrame
    provenance: Mapping[str, Any]
    layers: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = None

    @property
    def study(self) -> Mapping[str, Any]:
        """The study's document, as resolved when it ran."""
        study: Mapping[str, Any] = self.provenance["study"]
        return study

    @property
    def title(self) -> str:
        """The study's title, or its name where the file gives none."""
        return str(self.study.get("title") or self.study["name"])


@dataclass(frozen=True)
class Analysis:
    """Every frame behind the report.

    cells: the cells that the metric applies to; labelled: those of the tuned settings, labelled.
    """

    metric: str
    labelled: pd.DataFrame
    factors: list[str]
    levels: dict[str, list[str]]
    baselines: dict[str, str]
    effects: pd.DataFrame
    blocks: pd.DataFrame
    ranking: pd.DataFrame
    data_sets: pd.DataFrame
    overall: stats.Interval
    not_applicable: list[str]
    tuned: list[str]
    shares: pd.DataFrame
    cells: pd.DataFrame
    generator_for: stats.GeneratorFor


def read_results(folder: Path) -> Results:
    """Read the files of a results directory; layers and predictions where there are any."""
    needed = ("cells.parquet", "curves.parquet", "provenance.json")
    for name in needed:
        if not (folder / name).is_file():
            raise ReportError(f"{folder / name} is missing: `nnbench run` writes it")
    try:
        provenance = json.loads((folder / needed[2]).read_text(encoding="utf-8"))
        cells, curves = (pd.read_parquet(folder / name) for name in needed[:2])
        layers = _rows_or_none(folder / "layers.parquet")
        predictions = _rows_or_none(folder / "predictions.parquet")
    except (ValueError, OSError) as error:
        raise ReportError(f"{folder}: a result file cannot be read: {error}") from error
    if "study" not in provenance or cells.empty:
        raise ReportError(f"{folder} holds no cell yet: run the study first")
    # One order, whatever the order of the rows: sums of floats depend on it in the last digit.
    cells = cells.sort_values("cell_id", ignore_index=True)
    curves = curves.sort_values(["cell_id", "epoch"], ignore_index=True)
    if layers is not None:
        layers = layers.sort_values(["cell_id", "epoch", "layer"], ignore_index=True)
    return Results(folder, cells, curves, provenance, layers, predictions)


def _rows_or_none(path: Path) -> pd.DataFrame | None:
    """Return a table that not every study has; None where the file is missing or has no row."""
    frame = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    return None if frame.empty else frame


def analyse(results: Results) -> Analysis:
    """Compute every frame of the report: tuned, labelled, summarised, ranked."""
    study = results.study
    metric, tuned = _declared_metric(results)
    declared = study.get("factors") or {}
    factors = stats.top_factors([f for f in declared if f not in tuned], results.cells.columns)
    chosen = stats.choose_tuned(results.cells, factors, tuned)
    labelled = stats.label_cells(chosen, factors, ignore=tuned)
    labelled, not_applicable = stats.applicable(labelled, metric)
    by_file = ["data", *factors]
    levels = {f: stats.order_levels(labelled[f], list(declared.get(f, []))) for f in by_file}
    labelled = stats.sort_by_levels(labelled, levels)
    named = (study.get("design") or {}).get("baseline") or {}
    baselines = {f: stats.baseline_level(levels[f], named.get(f)) for f in factors}
    generator_for = _generators(int(study.get("seed") or 0))
    effects = stats.summarise_effects(labelled, levels, baselines, metric, generator_for)
    varied = [f for f in factors if len(levels[f]) > 1]  # tuning may leave a factor one level
    shares = stats.variance_shares(labelled, varied or factors, metric, generator_for)
    ranking = rank_factors(stats.importance(effects), shares)
    return Analysis(
        metric=metric,
        labelled=labelled,
        factors=list(ranking["factor"]),
        levels=levels,
        baselines=baselines,
        effects=effects,
        blocks=_blocks(labelled, baselines, metric),
        ranking=ranking,
        data_sets=stats.summarise_levels(labelled, "data", levels["data"], metric, generator_for),
        overall=stats.mean_interval(labelled, metric, generator_for("overall")),
        not_applicable=not_applicable,
        tuned=tuned,
        shares=shares,
        cells=results.cells[~results.cells["data"].map(stats.format_level).isin(not_applicable)],
        generator_for=generator_for,
    )


def rank_factors(ranges: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Return the factors, the most important first, with their shares of the variance.

    By the share within data sets where every factor that varies has one; otherwise by the range of
    the mean differences, which grows with noise and with the number of levels.
    """
    columns = ["within", "within_low", "within_high"]
    alone = shares[shares["kind"] == "factor"].set_index("term")[columns]
    ranking = ranges.join(alone, on="factor")
    if len(alone) and alone["within"].notna().all():
        ranking = ranking.sort_values("within", ascending=False, kind="stable")
    return ranking.reset_index(drop=True)


def _declared_metric(results: Results) -> tuple[str, list[str]]:
    """Return the metric and the tuned columns that the study declared before it ran."""
    report = results.study.get("report") or {}
    metric = report.get("metric") or "test_accuracy"
    if metric not in stats.METRICS or metric not in results.cells:
        known = ", ".join(m for m in stats.METRICS if m in results.cells)
        raise ReportError(f"report.metric {metric!r} is not in the results; there are: {known}")
    return metric, list(report.get("tune") or [])


def _generators(study_seed: int) -> stats.GeneratorFor:
    def generator_for(purpose: str) -> np.random.Generator:
        return numpy_generator(study_seed, f"bootstrap/{purpose}", "", 0)

    return generator_for


def _blocks(labelled: pd.DataFrame, baselines: Mapping[str, str], metric: str) -> pd.DataFrame:
    """Return every block's difference to the baseline, of all factors and levels."""
    parts = []
    for factor, baseline in baselines.items():
        pairs = stats.paired_differences(labelled, factor, baseline, metric, list(baselines))
        parts.append(stats.block_differences(pairs).assign(factor=factor))
    if not parts:
        return pd.DataFrame(columns=["factor", "level", "difference"])
    return pd.concat(parts, ignore_index=True)
