"""A finished study read back: its tables, where they come from, and what was predicted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from nnbench.results.files import read_files
from nnbench.results.store import PARTS

NEEDED = ("cells.parquet", "curves.parquet", "provenance.json")


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


def read_results(folder: Path) -> Results:
    """Read the files of a results directory; layers and predictions where there are any.

    Raises StoreError where one is damaged, ReportError where there is nothing to report on yet.
    """
    files = read_files(folder, (*NEEDED, "layers.parquet", "predictions.parquet"))
    for name in NEEDED:
        if name not in files:
            way_out = "`nnbench run` writes it"
            if (folder / PARTS).is_dir():
                way_out = "its run was stopped; run the study again to go on from there"
            raise ReportError(f"{folder / name} is missing: {way_out}")
    provenance = json.loads(files["provenance.json"])
    cells, curves = (pd.read_parquet(BytesIO(files[name])) for name in NEEDED[:2])
    layers = _rows_or_none(files.get("layers.parquet"))
    predictions = _rows_or_none(files.get("predictions.parquet"))
    if "study" not in provenance or cells.empty:
        raise ReportError(f"{folder} holds no cell yet: run the study first")
    # One order, whatever the order of the rows: sums of floats depend on it in the last digit.
    cells = cells.sort_values("cell_id", ignore_index=True)
    curves = curves.sort_values(["cell_id", "epoch"], ignore_index=True)
    if layers is not None:
        layers = layers.sort_values(["cell_id", "epoch", "layer"], ignore_index=True)
    return Results(folder, cells, curves, provenance, layers, predictions)


def _rows_or_none(content: bytes | None) -> pd.DataFrame | None:
    """A table that not every study has; None where there is no file or it has no row."""
    frame = pd.DataFrame() if content is None else pd.read_parquet(BytesIO(content))
    return None if frame.empty else frame
