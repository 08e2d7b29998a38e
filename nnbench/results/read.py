"""A finished study read back: its tables, where they come from, and what was predicted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from nnbench.results.files import PROVENANCE, read_files
from nnbench.results.looks import FILE, looks_of
from nnbench.results.running import is_running
from nnbench.results.store import PARTS
from nnbench.study.baselines import SHARE, fewer_are_beside
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of

NEEDED = ("cells.parquet", "curves.parquet", PROVENANCE)


class ReportError(Exception):
    """The folder holds no results to make a report of; the message says what is missing."""


@dataclass(frozen=True)
class Results:
    """What a results directory holds. cells: one row per cell; curves: one per cell and epoch.

    layers: one row per cell, epoch and layer; predictions: one per arm, layer and quantity. Both
    are None for a study without probes. looks: with how many seeds it was judged before.
    baselines: one row per model of scikit-learn and split; none of them is among the cells.
    further: the cells of seeds that only claims were given, to settle them: nothing else rests on
    them, and neither curves nor layers have them. smaller: of networks and models, those that are
    trained on a share of the training rows, of networks where they are a curve beside the rest:
    nothing but that curve over the number of rows rests on them.
    """

    folder: Path
    cells: pd.DataFrame
    curves: pd.DataFrame
    provenance: Mapping[str, Any]
    layers: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = None
    looks: tuple[int, ...] = ()
    baselines: pd.DataFrame = field(default_factory=pd.DataFrame)
    further: pd.DataFrame = field(default_factory=pd.DataFrame)
    smaller: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def study(self) -> Mapping[str, Any]:
        """The study's document, as resolved when it ran."""
        return self.provenance["study"]

    @property
    def title(self) -> str:
        """The study's title, or its name where the file gives none."""
        return str(self.study.get("title") or self.study["name"])

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return int(self.cells["seed"].nunique())

    @property
    def claimed(self) -> pd.DataFrame:
        """The cells that claims are judged by."""
        return _stacked(self.cells, self.further)

    @property
    def networks(self) -> pd.DataFrame:
        """Every network of the study, whatever rests on it."""
        return _stacked(self.claimed, self._small_networks)

    @property
    def _small_networks(self) -> pd.DataFrame:
        """The networks that are a curve over the number of rows, beside the rest."""
        small = self.smaller
        if "baseline" in small:
            small = small[small["baseline"].isna()]
        return small[[name for name in self.cells if name in small]]

    def with_smaller(self) -> Results:
        """The same with networks of fewer rows among the cells, and with their factor."""
        if self._small_networks.empty:
            return self
        cells = _stacked(self.cells, self._small_networks).sort_values("cell_id", ignore_index=True)
        shares = [f"{share:g}" for share in sorted(cells[SHARE].unique(), reverse=True)]
        study = {**self.study, "factors": {**self.study["factors"], SHARE: shares}}
        return replace(self, cells=cells, provenance={**self.provenance, "study": study})

    @property
    def earlier_looks(self) -> list[int]:
        """With how many seeds, fewer than these, it was judged before."""
        return sorted(seeds for seeds in self.looks if seeds < self.seeds)

    def with_columns(self, names: Sequence[str]) -> Results:
        """The same with these columns of cells: one without any value was never written."""
        missing = {name: float("nan") for name in names if name not in self.cells}
        return replace(self, cells=self.cells.assign(**missing))


def _stacked(cells: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    return cells if more.empty else pd.concat([cells, more], ignore_index=True)


def read_results(folder: Path) -> Results:
    """Read the files of a results directory; layers and predictions where there are any.

    Raises StoreError where one is damaged, ReportError where there is nothing to report on yet.
    """
    found = read_files(folder, (*NEEDED, "layers.parquet", "predictions.parquet", FILE))
    for name in NEEDED:
        if name not in found:
            way_out = "`nnbench run` writes it"
            if is_running(folder):
                way_out = "its run is in progress and writes it within a minute or at its end"
            elif (folder / PARTS).is_dir():
                way_out = "its run was stopped; run the study again to resume"
            raise ReportError(f"{folder / name} is missing: {way_out}")
    provenance = json.loads(found[PROVENANCE])
    cells, curves = (pd.read_parquet(BytesIO(found[name])) for name in NEEDED[:2])
    layers = _rows_or_none(found.get("layers.parquet"))
    predictions = _rows_or_none(found.get("predictions.parquet"))
    if "study" not in provenance or cells.empty:
        raise ReportError(f"{folder} has no results yet: run the study first")
    kind = study_kind_of(provenance["study"])
    if kind not in STUDY_KINDS:
        raise ReportError(
            f"{folder} holds a {kind} study, which this version of nnbench does not know: use the "
            f"version that wrote it"
        )
    cells, baselines = _apart(cells)
    # One order, whatever the order of the rows: sums of floats depend on it in the last digit.
    cells = cells.sort_values("cell_id", ignore_index=True)
    curves = curves.sort_values(["cell_id", "epoch"], ignore_index=True)
    if layers is not None:
        layers = layers.sort_values(["cell_id", "epoch", "layer"], ignore_index=True)
    cells, baselines, smaller, study = _of_all_rows(cells, baselines, provenance["study"])
    cells, further = _of_all(cells, study)
    if not (further.empty and smaller.empty):
        apart = {cell_id for some in (further, smaller) for cell_id in some.get("cell_id", [])}
        curves = curves[~curves["cell_id"].isin(apart)]
        layers = None if layers is None else layers[~layers["cell_id"].isin(apart)]
    looks = looks_of(found, folder)
    told = {**provenance, "study": study}
    return Results(
        folder, cells, curves, told, layers, predictions, looks, baselines, further, smaller
    )


def _of_all_rows(
    cells: pd.DataFrame, baselines: pd.DataFrame, study: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The networks and models of all training rows, those of fewer, and the study without these.

    Networks of fewer rows are a level of a factor like any other unless `fewer_are_beside`, of one
    data set, and models are there by now.
    """
    if SHARE not in cells:
        return cells, baselines, cells.iloc[:0], study
    most = cells[SHARE].max()
    parts = []
    if fewer_are_beside(study) and SHARE in baselines and is_of_one_data_set(cells):
        parts.append(cells[cells[SHARE] < most])
        cells = cells[cells[SHARE] == most].reset_index(drop=True)
        factors = study.get("factors") or {}
        study = {**study, "factors": {key: v for key, v in factors.items() if key != SHARE}}
    if SHARE in baselines:
        parts.append(baselines[baselines[SHARE] < most])
        baselines = baselines[baselines[SHARE] == most].reset_index(drop=True)
    smaller = pd.concat(parts, ignore_index=True) if parts else cells.iloc[:0]
    return cells, baselines, smaller, study


def is_of_one_data_set(cells: pd.DataFrame) -> bool:
    """Whether all cells have the same data set, with the same parameters."""
    own = [name for name in cells if str(name).partition(".")[0] == "data"]
    return len(cells[own].astype(str).drop_duplicates()) <= 1


def _of_all(cells: pd.DataFrame, study: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cells of the study's own seeds, and those of seeds that only claims were given."""
    if not any(claim.get("more_seeds") for claim in study.get("claims") or []):
        return cells, cells.iloc[:0]
    own = cells["seed"].isin(study["seeds"])
    return cells[own].reset_index(drop=True), cells[~own].reset_index(drop=True)


def _apart(cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of networks, and those of the baselines beside them."""
    if "baseline" not in cells:
        return cells, pd.DataFrame()
    beside = cells["baseline"].notna()
    own = ["kind", "baseline", "chosen_by", "setting", "test_rows", "train_rows"]
    networks = cells[~beside].drop(columns=[name for name in own if name in cells])
    return networks, cells[beside].sort_values("cell_id", ignore_index=True)


def _rows_or_none(content: bytes | None) -> pd.DataFrame | None:
    """Return a table that not every study has; None where there is no file or it has no row."""
    frame = pd.DataFrame() if content is None else pd.read_parquet(BytesIO(content))
    return None if frame.empty else frame
