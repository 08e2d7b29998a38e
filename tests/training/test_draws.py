"""Splits: stratified, disjoint, whole; scaled by what training may know; batches of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from nnbench.catalog import DATA
from nnbench.catalog.data.samples import Sample
from nnbench.seeds import numpy_generator, seed_for
from nnbench.training import draws
from nnbench.training.draws import Split, split_for
from nnbench.training.splits import PARTS
from tests.helpers import make_cells, small_data

NAMES = [name for name, entry in DATA.items() if entry.reader is None]


def split(data: Any, **grid: Any) -> Split:
    cell, *_ = make_cells(data=data, seeds=1, **grid)
    return split_for(cell.recipe)


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_whole_and_of_one_form(name: str) -> None:
    parts = split(small_data(name))
    assert tuple(parts.x) == tuple(parts.y) == PARTS
    for part in PARTS:
        x, y = parts.x[part], parts.y[part]
        assert x.dtype == np.float64 and np.isfinite(x).all() and x.shape[1] == parts.n_features
        assert len(x) == len(y) > 0
        assert y.dtype == (np.int64 if parts.task == "classification" else np.float64)
    n = {part: len(parts.x[part]) for part in PARTS}
    total = sum(n.values())
    assert abs(n["val"] - 0.2 * total) <= 1 and abs(n["test"] - 0.2 * total) <= 1
    if parts.task == "classification":
        assert set(parts.y["train"]) == set(range(parts.n_classes))


@pytest.mark.parametrize("name", ["digits", "wine", "moons"])
def test_stratified_by_class(name: str) -> None:
    parts = split(name)
    whole = np.concatenate([parts.y[part] for part in PARTS])
    for part in PARTS:
        for label in range(parts.n_classes):
            expected = (whole == label).mean() * len(parts.y[part])
            assert abs((parts.y[part] == label).sum() - expected) <= 1.5


def test_parts_are_disjoint_and_cover_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set whose only feature is the row's number shows where each row went."""
    numbered = replace(
        DATA["moons"],
        function=lambda generator, n, **given: Sample(
            np.arange(n, dtype=np.float64)[:, None], np.arange(n) % 2
        ),
        scaled=False,
    )
    monkeypatch.setitem(draws.DATA, "moons", numbered)  # type: ignore[arg-type]
    monkeypatch.setattr(draws, "_splits", draws._Splits(most=0))
    parts = split({"name": "moons", "n": 101})
    rows = np.concatenate([parts.x[part][:, 0] for part in PARTS])
    assert sorted(rows.tolist()) == list(range(101))
    for part in PARTS:
        assert np.array_equal(parts.y[part], parts.x[part][:, 0] % 2)


def test_split_by_hand() -> None:
    """The same in plain scikit-learn, from the documented seeds."""
    parts = split("iris", val_fraction=0.25, test_fraction=0.2)
    sample = DATA["iris"].function(numpy_generator(0, "data", "iris", 0))
    state = seed_for(0, "split", "iris", 0)
    rest, test = train_test_split(
        np.arange(150), test_size=0.2, random_state=state, stratify=sample.y
    )
    train, val = train_test_split(
        rest, test_size=0.25 / 0.8, random_state=state, stratify=sample.y[rest]
    )
    mean, deviation = sample.x[train].mean(0), sample.x[train].std(0)
    for part, rows in {"train": train, "val": val, "test": test}.items():
        assert np.allclose(parts.x[part], (sample.x[rows] - mean) / deviation, atol=1e-12)
        assert np.array_equal(parts.y[part], sample.y[rows])


def test_scaled_by_the_training_part_alone() -> None:
    parts = split("breast_cancer")
    assert np.allclose(parts.x["train"].mean(0), 0, atol=1e-9)
    assert np.allclose(parts.x["train"].std(0), 1)
    assert np.abs(parts.x["test"].mean(0)).max() > 1e-3
    values = split("diabetes")
    assert abs(values.y["train"].mean()) < 1e-9 and abs(values.y["train"].std() - 1) < 1e-9
    assert abs(values.y["test"].mean()) > 1e-4


def planted(monkeypatch: pytest.MonkeyPatch, x: NDArray[np.float64]) -> Split:
    """Return the split of a data set with these features (examples, features)."""
    sample = Sample(x, np.arange(len(x)) % 2)
    entry = replace(DATA["moons"], function=lambda generator, **given: sample)
    monkeypatch.setitem(draws.DATA, "moons", entry)  # type: ignore[arg-type]
    monkeypatch.setattr(draws, "_splits", draws._Splits(most=0))  # what is kept is of the true set
    return split({"name": "moons", "n": len(x)})


@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, 1e100, -1e-300])
def test_a_constant_feature_is_zero(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.column_stack([np.full(50, value), np.arange(50.0)])
    parts = planted(monkeypatch, x)
    for part in PARTS:
        assert np.abs(parts.x[part][:, 0]).max() <= 1e-9 * max(1.0, abs(value))
        assert np.abs(parts.x[part][:, 1]).max() < 10


def test_missing_values_are_filled_by_the_training_median(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.column_stack([np.arange(60.0), np.arange(60.0)])
    x[::4, 1] = np.nan
    parts = planted(monkeypatch, x)
    known = parts.x["train"][:, 1]
    values, counts = np.unique(known, return_counts=True)
    (filled,) = values[counts > 1]  # one number for all that was missing
    assert filled == pytest.approx(np.median(known[known != filled]), rel=1e-12)
    for part in ("val", "test"):
        assert np.isfinite(parts.x[part]).all() and filled in parts.x[part][:, 1]


@pytest.mark.parametrize(
    ("n_train", "batch_size", "steps"),
    [
        (320, 32, 10),
        (321, 32, 10),  # a lone example is left over
        (322, 32, 11),
        (10, 32, 1),
        (1, 32, 1),
        (32, 32, 1),
        (33, 32, 1),
        (5, 1, 5),
        (320, 0, 1),  # all at once
    ],
)
def test_steps_of_an_epoch(n_train: int, batch_size: int, steps: int) -> None:
    parts = Split(x={"train": np.zeros((n_train, 2))}, y={}, task="classification", n_classes=2)
    assert parts.steps_per_epoch(batch_size) == steps
    assert (
        20
        * Split(
            x={"train": np.zeros((320, 2))}, y={}, task="classification", n_classes=2
        ).steps_per_epoch(32)
        == 200
    )


def test_targets_have_the_form_that_a_loss_wants() -> None:
    three = split("iris")
    assert three.targets("val", "class").shape == three.y["val"].shape
    one_hot = three.targets("val", "one_hot")
    assert one_hot.shape == (len(three.y["val"]), 3) and np.array_equal(
        one_hot.argmax(1), three.y["val"]
    )
    assert (three.n_outputs("class"), three.n_outputs("one_hot")) == (3, 3)
    two = split(small_data("moons"))
    assert two.targets("val", "one_hot").shape == (12, 1)
    assert (two.n_outputs("class"), two.n_outputs("one_hot")) == (2, 1)
    assert split("diabetes").n_outputs("value") == 1


def both(**changes: Any) -> tuple[Split, Split]:
    first, second = (
        split_for(cell.recipe)
        for cell in (make_cells(seeds=1)[0], make_cells(**{"seeds": 1} | changes)[0])
    )
    return first, second


def alike(first: Split, second: Split) -> bool:
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        (first.x, second.x),
        (first.y, second.y),
    ]
    return all(np.array_equal(a[part], b[part]) for a, b in pairs for part in PARTS)


@pytest.mark.parametrize(
    "arm", [{"width": 9}, {"activation": "tanh"}, {"depth": 5}, {"dropout": 0.5}, {"epochs": 1}]
)
def test_arms_share_their_split(arm: dict[str, Any]) -> None:
    assert alike(*both(**arm))


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": [1]},
        {"document": {"name": "x", "seed": 5}},
        {"val_fraction": 0.3},
        {"data": {"name": "moons", "n": 60, "noise": 0.3}},
    ],
)
def test_repeats_and_other_data_have_their_own(change: dict[str, Any]) -> None:
    assert not alike(*both(**change))


def test_fractions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="leave nothing to train on"):
        split("iris", val_fraction=0.6, test_fraction=0.5)
    with pytest.raises(ValueError, match="too few"):
        split("iris", val_fraction=0.01, test_fraction=0.01)
