"""Results that an earlier version wrote: read as they were, or refused in a sentence."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from nnbench.catalog import VOCABULARY
from nnbench.results.compact import compact
from nnbench.results.files import read_files
from nnbench.results.read import read_results
from nnbench.results.store import Store, verify
from nnbench.study.reading import make_study

HERE = Path(__file__).parent / "folders"
# of the text of every value of a table, to its last bit, with its columns and their types
WRITTEN = {
    "cells": "0c3d3f6d834719a0",
    "curves": "6ea17cf8cfcfdbac",
    "layers": "8f2b4158972937c3",
    "predictions": "7ce65eb26bae951c",
}
SOURCES = "724e9fa1b5ceaae13d1c3d18a98c985fc6581f1b9826ec5c9dff4561711f4cd8"
STUDY = {
    "name": "old",
    "title": "A study of version 0.1.0",
    "grid": {
        "data": {"name": "moons", "n": 60},
        "activation": ["relu", {"name": "leaky_relu", "negative_slope": [0.01, 0.2]}],
        "optimizer": {"name": "sgd", "lr": [0.1, 1e9]},
        "width": 4,
        "epochs": 2,
        "seeds": 2,
    },
    "probes": {"layers": True, "every": 1},
    "report": {"target": 0.5},
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder as version 0.1.0 wrote it: three stacks of four networks, half of them diverged."""
    with tarfile.open(HERE / "version_0_1_0.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / "old"


def told(frame: pd.DataFrame) -> str:
    values = [[repr(value) for value in frame[name]] for name in frame]
    text = json.dumps([list(map(str, frame.columns)), list(map(str, frame.dtypes)), values])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def own_store(folder: Path) -> Store:
    """The store as the version that wrote the folder would open it."""
    return Store(folder, SOURCES, lambda engine, cells: True)


def test_its_tables_are_read_to_the_last_bit(old: Path) -> None:
    assert verify(old) == []
    for name, expected in WRITTEN.items():
        read_files(old, [f"{name}.parquet"])
        assert told(pd.read_parquet(old / f"{name}.parquet")) == expected, name
    results = read_results(old)
    assert len(results.cells) == 12 and results.study["name"] == "old"
    assert results.cells["status"].value_counts().to_dict() == {"ok": 6, "diverged": 6}


@pytest.mark.parametrize("merged", [False, True])
def test_its_parts_make_the_same_tables(old: Path, merged: bool) -> None:
    cells = make_study(STUDY, VOCABULARY).cells()
    if merged:
        assert compact(old).folders == (3, 1)
    store = own_store(old)
    assert store.finished() == {cell.cell_id for cell in cells}
    tables = store.write_tables(cells, target=0.5)
    for name, frame in tables._asdict().items():
        assert told(frame) == told(pd.read_parquet(old / f"{name}.parquet")) == WRITTEN[name], name
    assert store.damage == [] and verify(old) == []


def test_to_this_version_its_results_are_stale_and_not_misread(old: Path) -> None:
    cells = make_study(STUDY, VOCABULARY).cells()
    store = Store(old, "the sources of this version", lambda engine, cells: True)
    survey = store.survey()
    assert not survey.finished and survey.stale == {cell.cell_id for cell in cells}
    assert store.tables(cells).cells.empty


def test_a_part_of_a_form_that_is_not_known_is_set_aside_and_said(old: Path) -> None:
    part = next((old / "parts").iterdir())
    manifest = json.loads((part / "manifest.json").read_text())
    manifest["document"]["version"] = 9
    (part / "manifest.json").write_text(json.dumps(manifest, indent=1))
    assert verify(old) == [f"parts/{part.name}: manifest.json does not match its checksum"]
    store = own_store(old)
    assert len(store.finished()) == 8 and len(store.damage) == 1
