"""Made-up cells of a study with two arms whose verdicts are known, for the tests of claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnbench.results.files import write_files
from nnbench.stats.claims import Verdict, judge_all
from tests.synthetic import make_curves

NOISE = [0.004, -0.002, 0.001, -0.005, 0.002, 0.003, -0.001, -0.004, 0.005, -0.003]


def study(**changes: Any) -> dict[str, Any]:
    """Return a study's document with factors activation and depth."""
    document = {
        "name": "made-up",
        "kind": "training",
        "seed": 3,
        "report": {"metric": "test_accuracy", "tune": [], "target": None},
        "factors": {"activation": ["relu", "tanh"], "depth": ["2", "8"]},
        "claims": [],
    }
    return document | changes


def judge(
    claim: Mapping[str, Any], cells: pd.DataFrame, document: Mapping[str, Any], looks: int = 0
) -> Verdict:
    """Return the verdict on a claim that is the study's only one."""
    return judge_all({**document, "claims": [claim]}, cells, looks)[0]


def better(text: str = "Tanh beats ReLU", **changes: Any) -> dict[str, Any]:
    """Return the claim that tanh is better than relu."""
    claim = {
        "text": text,
        "better": {"activation": "tanh"},
        "than": {"activation": "relu"},
        "where": {},
        "metric": "test_accuracy",
        "by": 0.0,
    }
    return claim | changes


def same(margin: float, **changes: Any) -> dict[str, Any]:
    """Return the claim that tanh and relu do the same within the margin."""
    claim = better(margin=margin) | changes
    return {{"better": "same", "than": "as"}.get(key, key): value for key, value in claim.items()}


def cell(activation: str, seed: int, value: float | None, **changes: Any) -> dict[str, Any]:
    """Return one cell's row; a value of None is a cell that diverged."""
    row = {
        "cell_id": "",
        "study": "made-up",
        "data": "digits",
        "seed": seed,
        "activation": activation,
        "depth": 2,
        "optimizer": "sgd",
        "optimizer.lr": 0.1,
        "status": "diverged" if value is None else "ok",
        "val_loss": None if value is None else 1 - value,
        "test_accuracy": value,
        "test_r2": None,
        "test_loss": None if value is None else 1 - value,
        "epochs_to_target": None,
        "seconds": 0.1 if activation == "relu" else 0.2,
    }
    return row | changes


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as a table, each with an id of its own."""
    table = pd.DataFrame(rows)
    return table.assign(cell_id=[f"{place:016x}" for place in range(len(table))])


def two_arms(
    differences: Sequence[float | None], data: Sequence[str] = ("digits",), **changes: Any
) -> pd.DataFrame:
    """Return relu's and tanh's cells, tanh ahead by these differences, one a seed.

    A difference of None means that tanh diverged there.
    """
    base = 0.8 + np.resize(NOISE, len(differences))
    rows = []
    for name in data:
        for seed, difference in enumerate(differences):
            value = None if difference is None else base[seed] + difference
            rows.append(cell("relu", seed, float(base[seed]), data=name, **changes))
            rows.append(cell("tanh", seed, value, data=name, **changes))
    return frame(rows)


def around(mean: float, spread: float = 0.01, n: int = 10) -> list[float]:
    """Return n differences with this mean and, nearly, this standard deviation."""
    noise = np.resize(NOISE, n) / np.std(NOISE)
    return [float(one) for one in mean + spread * (noise - noise.mean())]


def write_results(folder: Path, cells: pd.DataFrame, **changes: Any) -> Path:
    """Write a results folder of the made-up study."""
    folder.mkdir(parents=True)
    document = study(name=folder.name, title="", **changes)
    write_files(
        folder,
        {
            "cells.parquet": cells.to_parquet(),
            "curves.parquet": make_curves(cells).to_parquet(),
            "provenance.json": json.dumps({"study": document}).encode(),
        },
    )
    return folder
