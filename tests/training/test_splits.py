"""Splits by group, by time and fold by fold, and rows that are alike: by hand and by property."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from nnbench.catalog.data.tables.table import Choices, read_table
from nnbench.catalog.data.tables.ties import Ties
from nnbench.seeds import seed_for
from nnbench.study.mistakes import StudyError
from nnbench.training.baselines import fit_cell
from nnbench.training.draws import DataError, split_for
from nnbench.training.plan import program_key
from nnbench.training.splits import PARTS, Rows, dealt, parts_of, share_of
from tests.helpers import disagreements, make_cells, train_all, train_by_reference
from tests.training.native.check import train_native

N = 200
SHARES = (0.2, 0.2)


def straddlers(parts: Rows, of_row: NDArray[Any]) -> set[Any]:
    """What has rows in more than one part."""
    seen = [set(of_row[rows].tolist()) for rows in parts.values()]
    return (seen[0] & seen[1]) | (seen[0] & seen[2]) | (seen[1] & seen[2])


def all_rows(parts: Rows) -> list[int]:
    return sorted(np.concatenate([parts[part] for part in PARTS]).tolist())


@pytest.mark.parametrize("labels", [None, np.arange(N) % 3])
def test_rows_that_nothing_ties_are_split_as_scikit_learn_splits_them(labels: Any) -> None:
    rest, test = train_test_split(np.arange(N), test_size=0.2, random_state=7, stratify=labels)
    known = None if labels is None else labels[rest]
    train, val = train_test_split(rest, test_size=0.2 / 0.8, random_state=7, stratify=known)
    lonely = Ties(alike=np.arange(N)[::-1].copy())
    for ties in (None, Ties()):
        parts = parts_of(N, labels, 7, *SHARES, ties)
        assert all(map(np.array_equal, parts.values(), (train, val, test)))
    parts = parts_of(N, None, 7, *SHARES, lonely)  # each row a unit of its own, in another order
    assert [len(rows) for rows in parts.values()] == [len(train), len(val), len(test)]


def test_rows_that_are_alike_stay_in_one_part_whatever_the_split() -> None:
    alike = np.arange(N) // 3
    labels = np.arange(N) % 2
    splits = [parts_of(N, labels, state, *SHARES, Ties(alike)) for state in range(20)]
    splits += [parts_of(N, None, 1, *SHARES, Ties(alike), (fold, 5)) for fold in range(5)]
    splits += [parts_of(N, None, 2, *SHARES, Ties(alike, grouped=True))]
    for parts in splits:
        assert not straddlers(parts, alike) and all_rows(parts) == list(range(N))
        assert abs(len(parts["test"]) - 0.2 * N) <= 4
    assert straddlers(parts_of(N, labels, 0, *SHARES), alike)  # and are torn apart without


def test_groups_go_whole_to_one_part_and_classes_are_shared_out() -> None:
    generator = np.random.default_rng(3)
    groups = generator.choice(40, N, p=np.arange(1, 41) / 820)
    groups = np.unique(groups, return_inverse=True)[1]
    labels = (generator.random(N) < 0.3).astype(int)
    sizes, shares, seen = [], [], set()
    for state in range(30):
        parts = parts_of(N, labels, state, *SHARES, Ties(groups, grouped=True))
        assert not straddlers(parts, groups) and all_rows(parts) == list(range(N))
        sizes.append([len(parts[part]) / N for part in PARTS])
        shares.append([labels[parts[part]].mean() for part in PARTS])
        seen.add(tuple(parts["test"].tolist()))
    assert np.abs(np.array(sizes) - [0.6, 0.2, 0.2]).max() < 0.05
    assert np.abs(np.array(shares) - labels.mean()).max() < 0.12
    assert len(seen) == 30


def test_one_vast_group_and_two_small_ones_fill_three_parts() -> None:
    sizes = np.array([[90.0], [5.0], [5.0]])
    for state in range(10):
        part = dealt(sizes, [0.6, 0.2, 0.2], np.random.default_rng(state))
        assert sorted(part.tolist()) == [0, 1, 2]


def test_the_test_part_is_the_latest_and_one_time_is_in_one_part() -> None:
    times = np.random.default_rng(0).integers(0, 50, N)
    parts = parts_of(N, None, 0, *SHARES, Ties(times=times))
    first, last = ([int(end(times[parts[part]])) for part in PARTS] for end in (np.min, np.max))
    assert last[0] < first[1] and last[1] < first[2]
    assert [
        abs(len(parts[part]) - size) < 8 for part, size in zip(PARTS, (120, 40, 40), strict=True)
    ]
    again = parts_of(N, None, 99, *SHARES, Ties(times=times))
    assert all(map(np.array_equal, parts.values(), again.values()))


def test_what_comes_again_later_is_not_trained_on() -> None:
    times, alike = np.arange(N), np.arange(N)
    alike[3], alike[130] = 199, 198
    parts = parts_of(N, None, 0, *SHARES, Ties(alike, times=times))
    assert all_rows(parts) == [row for row in range(N) if row not in (3, 130)]
    assert not straddlers(parts, alike)
    with pytest.raises(ValueError, match="every row of the val part has the features of a later"):
        alike[120:160] = alike[199]
        parts_of(N, None, 0, *SHARES, Ties(alike, times=times))


@pytest.mark.parametrize("labels", [None, np.arange(N) % 3])
@pytest.mark.parametrize("ties", [None, Ties(np.arange(N) // 2), Ties(np.arange(N) // 5, True)])
def test_each_row_is_tested_once_in_five_folds(labels: Any, ties: Ties | None) -> None:
    folds = [parts_of(N, labels, 4, *SHARES, ties, (fold, 5)) for fold in range(5)]
    assert sorted(np.concatenate([parts["test"] for parts in folds]).tolist()) == list(range(N))
    for parts in folds:
        assert all_rows(parts) == list(range(N))
        assert abs(len(parts["val"]) - 40) <= 6


def test_seeds_are_the_folds_of_one_shuffle_and_then_of_the_next() -> None:
    cells = make_cells(data={"name": "moons", "n": 63}, folds=5, seeds=10)
    assert {cell.recipe["test_fraction"] for cell in cells} == {0.2}
    for first in (0, 5):
        rows = np.concatenate([split_rows(cell) for cell in cells[first : first + 5]])
        assert len(np.unique(rows, axis=0)) == len(rows) == 63
    assert not np.array_equal(split_rows(cells[0]), split_rows(cells[5]))
    assert len({program_key(cell) for cell in cells}) == 2  # folds of 12 and of 13 rows


def split_rows(cell: Any) -> NDArray[np.float64]:
    """A cell's test rows as their data set has them: the same sample, unscaled by training."""
    from nnbench.catalog import DATA
    from nnbench.seeds import numpy_generator

    recipe = cell.recipe
    shuffle, fold = divmod(recipe["seed"], 5)
    sample = DATA["moons"].function(numpy_generator(0, "data", "moons", shuffle), n=63, noise=0.2)
    state = seed_for(0, "split", "moons", shuffle)
    rows = parts_of(63, sample.y, state, 0.2, 0.2, None, (fold, 5))
    train = sample.x[rows["train"]]
    split = split_for(recipe)
    expected = (sample.x[rows["test"]] - train.mean(0)) / train.std(0)
    assert np.allclose(split.x["test"], expected)
    return sample.x[rows["test"]]


def test_folds_are_as_many_seeds_and_leave_other_ids_alone() -> None:
    plain = make_cells(seeds=3)
    assert "folds" not in plain[0].recipe
    assert [cell.cell_id for cell in make_cells(folds=0, seeds=3)] == [c.cell_id for c in plain]
    document = {"baselines": ["linear"]}
    folded = make_cells(folds=5, seeds=5, document=document)
    assert len(folded) == 10 and all(cell.recipe["folds"] == 5 for cell in folded)
    assert not {cell.cell_id for cell in folded} & {cell.cell_id for cell in plain}


def test_both_engines_see_the_same_folds() -> None:
    cells = make_cells(folds=4, seeds=4, epochs=2)
    ours, reference = train_all(cells), train_by_reference(cells)
    one, other = (
        {row["cell_id"]: row["test_loss"] for row in rows.cells} for rows in (ours, reference)
    )
    assert one.keys() == other.keys()
    assert all(one[key] == pytest.approx(other[key], rel=1e-9) for key in one)


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"folds": 1}, "folds = 1 leaves nothing to train on: take 2 or more, such as 5"),
        (
            {"folds": 5, "test_fraction": 0.3},
            "with folds = 5 the test part is one fold of 5: leave test_fraction out",
        ),
    ],
)
def test_folds_that_cannot_be(grid: dict[str, Any], said: str) -> None:
    with pytest.raises(StudyError, match=said):
        make_cells(**grid)


def test_too_few_rows_for_the_folds() -> None:
    (cell, *_) = make_cells(folds=40, val_fraction=0.1)
    with pytest.raises(
        DataError, match=r"60 examples, the smallest class 30: too few .* folds = 40"
    ):
        split_for(cell.recipe)


# ------------------------------------------------------------------------- in a table of one's own


def visits(folder: Path, **columns: Any) -> Path:
    """Write a table of 120 visits of 24 patients on 120 days."""
    generator = np.random.default_rng(5)
    table = {
        "patient": np.repeat([f"p{number:02}" for number in range(24)], 5),
        "when": pd.date_range("2020-01-01", periods=120).strftime("%Y-%m-%d"),
        "a": generator.normal(size=120).round(6),
        "b": generator.normal(size=120).round(6),
        "y": ["yes", "no"] * 60,
    }
    path = folder / "visits.csv"
    pd.DataFrame(table | columns).to_csv(path, index=False)
    return path


def told(path: Path, **choices: Any) -> dict[str, Any]:
    return read_table(path, Choices("y", **choices)).report


def test_a_group_is_no_feature_unless_asked(tmp_path: Path) -> None:
    path = visits(tmp_path)
    by_group = told(path, group="patient")
    columns = {column["name"]: column for column in by_group["columns"]}
    assert columns["patient"]["kind"] == "dropped"
    assert columns["patient"]["note"] == "rows are split by it: group, as asked"
    assert "Split by patient: none of its 24 groups is in two parts." in by_group["told"]
    asked = told(path, group="patient", categorical=("patient",))
    assert {c["name"]: c["kind"] for c in asked["columns"]}["patient"] == "category"


def test_a_time_is_no_feature_unless_asked_and_then_only_what_comes_again(tmp_path: Path) -> None:
    path = visits(tmp_path, when=pd.date_range("2019-06-01", periods=120, freq="4D").astype(str))
    by_time = told(path, time="when")
    assert {c["name"]: c["kind"] for c in by_time["columns"]}["when"] == "dropped"
    assert any(sentence.startswith("Split by when: the test part") for sentence in by_time["told"])
    table = read_table(path, Choices("y", time="when", dates=("when",), drop=("patient",)))
    assert table.features == ("when month", "when day of week", "when day of year", "a", "b")


def test_a_year_or_a_count_orders_rows_too(tmp_path: Path) -> None:
    years = np.repeat(np.arange(2000, 2012), 10)[::-1]
    table = read_table(visits(tmp_path, when=years), Choices("y", time="when"))
    assert table.ties.times is not None
    assert np.array_equal(table.ties.times, years - 2000)


def test_cells_of_a_table_are_split_by_group_and_by_time(tmp_path: Path) -> None:
    path = visits(tmp_path, patient=np.repeat(np.arange(24), 5), when=np.arange(120) // 2)
    data = [
        {"csv": str(path), "target": "y", "group": "patient", "numeric": ["patient", "when"]},
        {"csv": str(path), "target": "y", "time": "when", "numeric": ["patient", "when"]},
    ]
    by_group, by_time = (make_cells(data=one, seeds=2) for one in data)
    for cell in by_group:
        parts = {part: split_for(cell.recipe).x[part][:, 0].round(6) for part in PARTS}
        assert sum(len(np.unique(values)) for values in parts.values()) == 24
    one, other = (split_for(cell.recipe) for cell in by_time)
    assert one.x["train"][:, 1].max() < one.x["val"][:, 1].min()
    assert one.x["val"][:, 1].max() < one.x["test"][:, 1].min()
    assert np.array_equal(one.x["test"], other.x["test"])
    assert by_group[0].cell_id != by_time[0].cell_id
    with pytest.raises(StudyError, match="folds shuffle the rows, and a split by time must not"):
        make_cells(data=data[1], folds=5)


def test_repeated_rows_stay_together_and_a_table_without_them_splits_as_ever(
    tmp_path: Path,
) -> None:
    table = read_table(visits(tmp_path), Choices("y", drop=("patient", "when")))
    assert table.ties.alike is None
    a = np.random.default_rng(1).normal(size=60).round(6)
    path = visits(tmp_path, a=np.tile(a, 2), b=np.tile(a, 2) ** 2)
    again = read_table(path, Choices("y", drop=("patient", "when")))
    assert again.ties.alike is not None and not again.ties.grouped
    assert again.report["told"][-1] == (
        "60 rows have the same features as another: such rows stay in one part."
    )
    by_time = read_table(path, Choices("y", drop=("patient",), time="when"))
    assert by_time.report["told"][-2] == (
        "60 rows have the same features as another: a row repeated in a later part is in that "
        "part only."
    )
    data = {"csv": str(path), "target": "y", "drop": ["patient", "when"]}
    for cell in make_cells(data=data, seeds=4):
        values = [set(split_for(cell.recipe).x[part][:, 0].round(9)) for part in PARTS]
        assert sum(map(len, values)) == 60


def test_few_valued_features_repeat_by_chance_and_are_split_like_any(tmp_path: Path) -> None:
    path = visits(tmp_path, a=np.arange(120) % 3, b=np.arange(120) // 4 % 2, when=1)
    table = read_table(path, Choices("y", drop=("patient",)))
    assert table.ties.alike is None
    assert (
        "as expected with so few values: they are split like any other." in table.report["told"][-1]
    )


def test_groups_that_share_a_row_go_together(tmp_path: Path) -> None:
    a = np.random.default_rng(2).normal(size=120).round(6)
    a[5] = a[0]  # a row of the second patient is one of the first
    b = np.arange(120) / 7
    b[5] = b[0]
    table = read_table(visits(tmp_path, a=a, b=b), Choices("y", group="patient", drop=("when",)))
    assert table.ties.alike is not None
    assert len(np.unique(table.ties.alike)) == 23
    assert len(np.unique(table.ties.alike[:10])) == 1


@pytest.mark.parametrize(
    ("columns", "choices", "said"),
    [
        ({"patient": "p"}, {"group": "patient"}, 'group: "patient" has only one group, "p"'),
        (
            {"patient": ["p", "q"] * 60},
            {"group": "patient"},
            'group: "patient" has only two groups: training, validation and test each need one',
        ),
        (
            {"patient": [None, *["p", "q", "r"] * 39, "s", "t"]},
            {"group": "patient"},
            'group: "patient" is missing in 1 row that have a target: fill it in',
        ),
        (
            {"when": [*["2020-01-01", "2020-01-02"] * 59, "soon", "2020-01-09"]},
            {"time": "when"},
            'time: "when" has values that are neither dates nor numbers, such as "soon"',
        ),
        ({"when": ["2020-01-01", "2020-01-02"] * 60}, {"time": "when"}, "fewer than 3 different"),
        ({}, {"time": "when", "group": "patient"}, "group and time both say how rows are split"),
        ({}, {"time": "wen"}, 'time: there is no column "wen"; did you mean "when"?'),
        ({}, {"group": "y"}, 'group: "y" is the target: rows cannot be split by it'),
    ],
)
def test_a_mistake_is_one_sentence(
    tmp_path: Path, columns: dict[str, Any], choices: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError) as problem:
        told(visits(tmp_path, **columns), **choices)
    assert said in str(problem.value) and "\n" not in str(problem.value)


def test_too_few_groups_for_the_folds(tmp_path: Path) -> None:
    path = visits(tmp_path, patient=["p", "q", "r"] * 40)
    data = {"csv": str(path), "target": "y", "group": "patient"}
    (cell, *_) = make_cells(data=data, folds=5)
    with pytest.raises(DataError, match="3 groups are too few for folds = 5"):
        split_for(cell.recipe)


# ------------------------------------------------------------------------- a share of the training


@pytest.mark.parametrize("labels", [True, False])
def test_a_share_is_a_part_of_a_larger_one_with_every_class(labels: bool) -> None:
    generator = np.random.default_rng(0)
    kinds = np.r_[np.zeros(70, int), np.ones(27, int), np.full(3, 2)]
    rows = generator.permutation(100)
    of = kinds if labels else None
    found = {share: share_of(rows, of, share).tolist() for share in (0.03, 0.1, 0.25, 0.5, 1.0)}
    assert [len(some) for some in found.values()] == [3, 10, 25, 50, 100]
    for smaller, larger in pairwise(found.values()):
        assert set(smaller) < set(larger)
        assert smaller == [row for row in larger if row in smaller], "in the same order"
    if labels:
        assert np.bincount(kinds[found[0.03]]).tolist() == [1, 1, 1]
        for share in (0.1, 0.25, 0.5):
            counts = np.bincount(kinds[found[share]])
            assert (abs(counts - share * np.bincount(kinds)) < 1.1).all() and counts.min() >= 1
    else:
        assert found[0.25] == rows[:25].tolist()


def test_a_share_of_groups_is_whole_groups_and_by_time_the_latest_rows() -> None:
    groups = np.random.default_rng(1).integers(0, 20, 200)
    rows = np.random.default_rng(2).permutation(200)[:120]
    half = share_of(rows, None, 0.5, Ties(groups, grouped=True))
    assert 60 <= len(half) < 80 and not set(groups[half]) & set(groups[np.setdiff1d(rows, half)])
    assert set(share_of(rows, None, 0.25, Ties(groups, grouped=True))) < set(half)
    late = share_of(rows, None, 0.5, Ties(None, times=np.arange(200)))
    assert late.tolist() == rows[60:].tolist()
    with pytest.raises(ValueError, match=r"train_share 0\.1 leaves rows of one class alone"):
        share_of(np.arange(20), np.repeat([0, 1], [4, 16]), 0.1, Ties(None, times=np.arange(20)))


def test_only_the_training_part_is_smaller_and_scales_by_itself() -> None:
    whole, half = make_cells(data="wine", train_share=[1.0, 0.5], seeds=1)
    one, other = split_for(whole.recipe), split_for(half.recipe)
    assert (one.n_train, other.n_train) == (106, 53)
    for part in ("val", "test"):
        assert (one.y[part] == other.y[part]).all()
    assert other.x["train"].mean(0) == pytest.approx(0, abs=1e-12)
    assert one.x["test"] != pytest.approx(other.x["test"])
    assert len({program_key(cell) for cell in (whole, half)}) == 2
    (plain,) = make_cells(data="wine", seeds=1)
    assert plain.cell_id == whole.cell_id != half.cell_id
    assert "train_share" not in plain.recipe and whole.recipe["train_share"] == 1.0


@pytest.mark.whole
def test_a_share_trains_alike_in_every_engine_and_beside_it_the_models() -> None:
    document = {"baselines": ["linear", "neighbours"]}
    grid: dict[str, Any] = {"data": ["wine", "diabetes"], "train_share": [1.0, 0.3], "epochs": 3}
    cells = make_cells(document=document, dtype="float64", width=5, seeds=2, **grid)
    networks = [cell for cell in cells if "baseline" not in cell.recipe]
    models = [cell for cell in cells if "baseline" in cell.recipe]
    assert len(networks) == 8 and len(models) == 16
    assert not disagreements(networks)
    mine = {row["cell_id"]: row for row in train_native(networks).cells}
    other = {row["cell_id"]: row for row in train_all(networks).cells}
    for cell_id, row in mine.items():
        assert row["engine"].startswith("native-")
        assert row["test_loss"] == pytest.approx(other[cell_id]["test_loss"], rel=1e-9)
    rows = pd.DataFrame(map(fit_cell, models))
    share = [cell.recipe["train_share"] for cell in models]
    assert rows.groupby(share)["train_rows"].unique().map(sorted).to_dict() == {
        0.3: [32, 79],
        1.0: [106, 264],
    }
