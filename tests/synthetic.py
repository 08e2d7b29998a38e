"""Made-up results of a study with planted effects, for the tests of statistics and report."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnbench.results.files import write_files

ACTIVATION_EFFECT = {"relu": 0.0, "tanh": 0.02, "sigmoid": -0.1}
INIT_EFFECT = {"he_normal": 0.0, "xavier_normal": 0.0}
OPTIMIZERS: tuple[tuple[str, float], ...] = (("adam", 0.001), ("sgd", 0.3))
FACTORS = {
    "data": ["digits", "spirals"],
    "activation": list(ACTIVATION_EFFECT),
    "init": list(INIT_EFFECT),
    "optimizer": ["adam", "sgd"],
}


def study_document(**changes: Any) -> dict[str, Any]:
    """Return what `Study.document()` gives for the study below."""
    document = {
        "name": "synthetic",
        "title": "Which activation, planted?",
        "question": "Does the choice of activation matter once the initialisation suits it?",
        "prediction": "ReLU-like ones tie; sigmoid trails.",
        "seed": 7,
        "grid": {},
        "design": {"kind": "full", "baseline": {}},
        "probes": {},
        "report": {"metric": "test_accuracy", "tune": [], "target": None},
        "claims": [],
        "factors": FACTORS,
    }
    return document | changes


def make_cells(
    seeds: Iterable[int] = range(3), optimizers: Iterable[tuple[str, float]] = OPTIMIZERS
) -> pd.DataFrame:
    """Return 2 data sets x 3 activations x 2 inits x 2 optimizers x seeds; spirals diverge a bit.

    Planted: `ACTIVATION_EFFECT`; no effect of init; sgd 0.03 below adam. Sigmoid under he_normal
    with sgd diverges on spirals, always.
    """
    generator = np.random.default_rng(0)
    rows = []
    grid = itertools.product(["digits", "spirals"], ACTIVATION_EFFECT, INIT_EFFECT, optimizers)
    for data, activation, init, (optimizer, rate) in grid:
        for seed in seeds:
            noise = generator.normal(0, 0.006)
            accuracy = (0.94 if data == "digits" else 0.81) + ACTIVATION_EFFECT[activation] + noise
            accuracy += INIT_EFFECT[init] - 0.03 * (optimizer == "sgd") + 0.002 * seed
            lost = (data, activation, init, optimizer) == ("spirals", "sigmoid", "he_normal", "sgd")
            rows.append(
                {
                    "cell_id": f"{len(rows):016x}",
                    "study": "synthetic",
                    "data": data,
                    "seed": seed,
                    "activation": activation,
                    "init": init,
                    "optimizer": optimizer,
                    "optimizer.lr": rate,
                    "optimizer.beta1": 0.9 if optimizer == "adam" else None,
                    "depth": 2,
                    "status": "diverged" if lost else "ok",
                    "diverged_at_step": 40 + seed if lost else None,
                    "epochs_run": 20,
                    "test_accuracy": None if lost else accuracy,
                    "test_r2": None,
                    "test_loss": None if lost else 1 - accuracy,
                    "val_loss": None if lost else 1.02 - accuracy,
                    "val_accuracy": None if lost else accuracy - 0.02,
                    "epochs_to_target": None,
                    "seconds": 0.1,
                    "engine": "stacked-eager",
                }
            )
    return pd.DataFrame(rows)


def make_many(levels: int = 10, seeds: int = 5) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return cells and curves of 2 data sets x levels^4 arms x seeds: 100,000 cells by default."""
    generator = np.random.default_rng(0)
    factors = ("activation", "init", "optimizer", "norm")
    sizes = (2, *[levels] * len(factors), seeds)
    places = np.indices(sizes).reshape(len(sizes), -1)
    n = places.shape[1]
    cells = pd.DataFrame({"cell_id": [f"{i:016x}" for i in range(n)], "study": "many"})
    cells["data"] = np.array(["digits", "spirals"])[places[0]]
    cells["seed"] = places[-1]
    accuracy = 0.8 + generator.normal(0, 0.01, n)
    for order, (factor, place) in enumerate(zip(factors, places[1:-1], strict=True), start=1):
        cells[factor] = np.array([f"{factor}_{i}" for i in range(levels)])[place]
        accuracy += generator.normal(0, 0.01 * order, levels)[place]
    lost = generator.random(n) < 0.02
    cells["status"] = np.where(lost, "diverged", "ok")
    cells["diverged_at_step"] = np.where(lost, 40.0, np.nan)
    scores = {"test_accuracy": accuracy, "test_loss": 1 - accuracy, "val_loss": 1.02 - accuracy,
              "val_accuracy": accuracy - 0.02}  # fmt: skip
    cells = cells.assign(**{name: np.where(lost, np.nan, value) for name, value in scores.items()})
    cells = cells.assign(epochs_run=20, seconds=generator.random(n), engine="stacked-eager")
    epoch = np.arange(21)
    curves = pd.DataFrame({"cell_id": np.repeat(cells["cell_id"].to_numpy(), len(epoch))})
    curves["epoch"] = np.tile(epoch, n)
    curves["val_metric"] = np.outer(accuracy, 1 - np.exp(-epoch / 4)).ravel()
    return cells, curves.assign(step=1, lr=0.1, train_loss=1.0, val_loss=1.0, grad_norm=1.0)


def make_curves(cells: pd.DataFrame, epochs: int = 20) -> pd.DataFrame:
    """Return learning curves that rise to each cell's test accuracy; a diverged one ends early."""
    parts = []
    for cell in cells.itertuples():
        epoch = np.arange(1 + (epochs if cell.status == "ok" else min(epochs, 1)))
        final = cell.test_accuracy if cell.status == "ok" else 0.2
        value = 0.1 + (final - 0.1) * (1 - np.exp(-epoch / 4))
        parts.append(
            pd.DataFrame(
                {
                    "cell_id": cell.cell_id,
                    "epoch": epoch,
                    "step": epoch * 30,
                    "lr": 0.001,
                    "train_loss": 1.1 - value,
                    "val_loss": 1.2 - value,
                    "val_metric": value,
                    "grad_norm": 1.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def write_results(
    folder: Path,
    cells: pd.DataFrame,
    curves: pd.DataFrame | None = None,
    **changes: Any,
) -> Path:
    """Write a results directory; `changes` go into the study's document."""
    folder.mkdir(parents=True, exist_ok=True)
    curves = make_curves(cells) if curves is None else curves
    status = cells["status"]
    counts = {name: int((status == name).sum()) for name in ("ok", "diverged", "crashed")}
    provenance = {
        "study": study_document(**changes),
        "counts": {"cells": len(cells), "missing": 0} | counts,
        "versions": {"nnbench": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "numpy": "2.3.5"},
        "machine": {},
        "workers": 2,
        "threads": 1,
        "engine": "stacked-eager",
        "source_fingerprint": "0123456789abcdef",
        "wall_seconds": 83.4,
        "created": "2026-01-01T00:00:00Z",
    }
    write_files(
        folder,
        {
            "cells.parquet": cells.to_parquet(),
            "curves.parquet": curves.to_parquet(),
            "provenance.json": json.dumps(provenance).encode(),
        },
    )
    return folder
