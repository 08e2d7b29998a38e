"""Would more rows help: planted answers, in words, in a section, and beside the rest of a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nnbench.report.analysis import analyse
from nnbench.report.comparison import compare_results
from nnbench.report.page.parts import Picture
from nnbench.report.study.rivals import advice_of
from nnbench.report.study.rows import every as every_one
from nnbench.report.study.rows import more_rows, sentence
from nnbench.results.read import Results, read_results
from nnbench.stats.rivals import difference
from nnbench.stats.rows import Gain, gain_of, rivals_by_rows
from nnbench.study.baselines import fewer_are_beside
from tests.report.study.test_rivals import COMMAND, results
from tests.synthetic import write_results

SHARES = {1.0: 120, 0.5: 60, 0.25: 30}


def grown(tmp_path: Path, each: float, others: float = 0.0) -> Results:
    """Planted networks of three shares; a model gains so much by each doubling of the rows."""
    whole = results(tmp_path, {"constant": 0.3, "linear": 0.9}, 0.8)
    parts = []
    for number, (share, rows) in enumerate(SHARES.items()):
        cells = whole.cells.copy()
        cells.insert(3, "train_share", share)
        cells["cell_id"] += f"-{rows}"
        models = whole.baselines.assign(train_share=share, train_rows=rows)
        models["cell_id"] += f"-{rows}"
        swing = np.array([0.0, others, -others, others, -others])[models["seed"]] * (number == 1)
        linear = models["baseline"] == "linear"
        models["test_accuracy"] -= np.where(linear, number * each + swing, 0.0)
        if number:  # of fewer rows only one arm
            cells = cells[cells["activation"] == "relu"]
        parts.append((cells, models))
    cells, models = (pd.concat(some, ignore_index=True) for some in zip(*parts, strict=True))
    apart = [cells["train_share"] < 1, models["train_share"] < 1]
    small = pd.concat([cells[apart[0]], models[apart[1]]], ignore_index=True)
    rest = [
        frame[~is_small].reset_index(drop=True)
        for frame, is_small in zip((cells, models), apart, strict=True)
    ]
    return replace(whole, cells=rest[0], baselines=rest[1], smaller=small)


def test_the_gain_is_paired_and_its_interval_that_of_the_fewer_rows(tmp_path: Path) -> None:
    found = grown(tmp_path, 0.02, others=0.001)
    small = found.smaller[found.smaller["baseline"].isna()]
    cells = pd.concat([found.cells, small[list(found.cells)]], ignore_index=True)
    models = found.smaller[found.smaller["baseline"].notna()]
    models = pd.concat([found.baselines, models], ignore_index=True)
    by_rows = rivals_by_rows(cells, models, "test_accuracy")
    assert sorted(by_rows) == [30, 60, 120]
    whole = by_rows[120]
    assert whole.overlap == pytest.approx(0.2 / 0.6)
    assert by_rows[60].overlap == pytest.approx(0.2 / 0.3)
    few, many, row = gain_of(by_rows, "linear")
    assert (few, many, row["n"]) == (60, 120, 5)
    wanted = difference(pd.Series([0.02, 0.021, 0.019, 0.021, 0.019]), 0.2 / 0.3, 1 / 200)
    assert row == pytest.approx(wanted)
    assert gain_of(by_rows, "network").found["mean"] == 0
    chosen = cells[cells["activation"] == "relu"]
    assert len(whole.tests) == 5 and len(chosen) < len(cells)


@pytest.mark.parametrize(
    ("mean", "low", "high", "said"),
    [
        (
            0.012,
            0.003,
            0.021,
            "improves by 1.2 points (95 % CI 0.3 to 2.1): more rows are likely to",
        ),
        (
            -0.01,
            -0.02,
            -0.002,
            "worsens by 1.0 points (95 % CI 0.2 to 2.0): more rows are unlikely to help",
        ),
        (
            0.001,
            -0.003,
            0.005,
            "is unclear whether more rows help; such a step adds at most 0.50 points.",
        ),
        (
            -0.001,
            -0.005,
            0.003,
            "worsens by 0.10 points (95 % CI \N{MINUS SIGN}0.30 to 0.50): it is unclear whether",
        ),
        (
            0.0001,
            -0.03,
            0.03,
            "hardly changes (95 % CI \N{MINUS SIGN}3.0 to 3.0): it is unclear whether",
        ),
        (0.0, np.nan, np.nan, "does not change: one repeat cannot show whether more rows help."),
        (
            0.01,
            np.nan,
            np.nan,
            "improves by 1.00 points: one repeat cannot show whether more rows help.",
        ),
    ],
)
def test_what_more_rows_bring_is_said(mean: float, low: float, high: float, said: str) -> None:
    gain = Gain(400, 800, {"mean": mean, "low": low, "high": high})
    told = sentence(gain, "test_accuracy", "a random forest")
    opening = "From 400 to 800 training rows the test accuracy of a random forest "
    assert told.startswith(opening) and said in told


@pytest.mark.whole
def test_the_page_answers_it_and_shows_it(tmp_path: Path) -> None:
    planted = grown(tmp_path, 0.03)
    advice = advice_of(planted, analyse(planted), COMMAND)
    assert advice is not None and advice.more is not None
    told = next(one for one in advice.said if one.startswith("From 60 to 120 training rows"))
    assert "logistic regression improves by 3.0 points (95 % CI" in told
    assert told.endswith("more rows are likely to help.")
    *_, drawn = advice.more.parts
    assert isinstance(drawn, Picture) and drawn.title == told.partition(":")[0]
    bare = advice_of(replace(planted, smaller=pd.DataFrame()), analyse(planted), COMMAND)
    assert bare is not None and bare.more is None


@pytest.mark.parametrize("how", ["beside", "crossed", "claimed", "alone", "on two data sets"])
def test_networks_of_fewer_rows_stand_apart_unless_they_are_a_factor(
    tmp_path: Path, how: str
) -> None:
    planted = grown(tmp_path, 0.03)
    small = planted.smaller
    every = pd.concat([planted.cells, planted.baselines, small], ignore_index=True)
    if how == "alone":  # no section would show them
        every = every[every["baseline"].isna()].drop(columns="baseline").reset_index(drop=True)
    if how == "on two data sets":
        every.loc[every["seed"] == 0, "data"] = "circles"
    factors = {"activation": ["relu", "tanh"], "train_share": ["1", "0.5", "0.25"]}
    design = {"kind": "full", "exclude": []}
    if how != "crossed":
        design["exclude"] = [{"why": "time", "train_share": [0.5, 0.25], "activation": "tanh"}]
    claims = [{"text": "t", "better": {"train_share": 1.0}, "than": {"train_share": 0.5}}]
    changes = {"factors": factors, "design": design, "claims": claims * (how == "claimed")}
    curves = every[["cell_id"]].assign(epoch=1)
    folder = write_results(tmp_path / "t", every, curves, **changes)
    found = read_results(folder)
    networks = len(every) - int(every.get("baseline", pd.Series()).notna().sum())
    assert len(found.networks) == networks
    assert how == "alone" or set(found.baselines["train_share"]) == {1.0}
    if how == "beside":
        assert set(found.cells["train_share"]) == {1.0} and len(found.cells) < networks
        assert list(found.study["factors"]) == ["activation"]
        assert len(found.curves) == len(found.cells) + len(found.baselines)
        assert len(found.smaller) == len(small)
    else:
        assert len(found.cells) == networks and "train_share" in found.study["factors"]
    plain = write_results(tmp_path / "p", planted.cells.drop(columns="train_share"))
    assert read_results(plain).smaller.empty


def test_networks_of_fewer_rows_are_compared_too(tmp_path: Path) -> None:
    sides = []
    for name, worse in (("a", 0.0), ("b", 0.1)):
        planted = grown(tmp_path / name, 0.03)
        every = pd.concat([planted.cells, planted.baselines, planted.smaller], ignore_index=True)
        every["test_accuracy"] -= (worse + worse * every["seed"] / 20) * (every["train_share"] < 1)
        changes = {"factors": {"activation": ["relu", "tanh"], "train_share": ["1", "0.5", "0.25"]}}
        changes["design"] = {"exclude": [{"train_share": [0.5, 0.25], "activation": "tanh"}]}
        curves = every[["cell_id"]].assign(epoch=1)
        sides.append(read_results(write_results(tmp_path / name / "t", every, curves, **changes)))
    assert set(sides[0].cells["train_share"]) == {1.0}
    both = compare_results(*sides)
    assert len(both.matched.pairs) == len(sides[0].networks) and both.matched.only_a == 0
    rows = both.rows[both.rows["factor"] == "train_share"].set_index("level")
    assert list(rows.index) == ["1", "0.5", "0.25"]
    assert rows["effect"].to_numpy() == pytest.approx([0, -0.11, -0.11])
    assert rows["verdict"].tolist() == ["tie", "worse", "worse"] and not both.regressions.empty


@pytest.mark.parametrize("claim", [{"factor": "train_share"}, {"matters_more": "train_share"}])
def test_who_claims_something_of_the_factor_itself_keeps_it(claim: dict[str, str]) -> None:
    study = {"design": {"exclude": [{"train_share": 0.5, "activation": "tanh"}]}, "claims": []}
    assert fewer_are_beside(study)
    assert not fewer_are_beside(study | {"claims": [claim]})
    assert fewer_are_beside(study | {"claims": [{"factor": "activation"}]})
    assert not fewer_are_beside({"claims": []})


def test_claims_of_more_seeds_are_judged_on_all_rows_as_on_the_studys_own(tmp_path: Path) -> None:
    planted = grown(tmp_path, 0.03)
    every = pd.concat([planted.cells, planted.baselines, planted.smaller], ignore_index=True)
    design = {"exclude": [{"why": "time", "train_share": [0.5, 0.25], "activation": "tanh"}]}
    claim = {"text": "t", "better": {"activation": "relu"}, "than": {"activation": "tanh"}}
    changes = {"design": {"kind": "full"} | design, "seeds": [0, 1, 2]}
    changes["claims"] = [claim | {"more_seeds": [3, 4]}]
    curves = every[["cell_id"]].assign(epoch=1)
    found = read_results(write_results(tmp_path / "t", every, curves, **changes))
    assert set(found.claimed["seed"]) == {0, 1, 2, 3, 4}
    assert set(found.claimed["train_share"]) == {1.0}, "of fewer rows only relu"
    assert len(found.networks) == int(every["baseline"].isna().sum())
    assert set(every_one(found)[0]["seed"]) == {0, 1, 2}


def test_who_has_no_repeat_with_both_numbers_of_rows_is_not_told_of(tmp_path: Path) -> None:
    planted = grown(tmp_path, 0.03)
    rivals = rivals_by_rows(*every_one(planted), "test_accuracy")[120]
    small = planted.smaller
    lost = (small["baseline"] == "linear") & (small["train_share"] == 0.5)
    few = small.assign(test_accuracy=small["test_accuracy"].mask(lost))
    last = planted.baselines
    apart = few["test_accuracy"].where(~lost | (few["seed"] > 0), 0.5)
    gone = (last["baseline"] == "linear") & (last["seed"] == 0)
    models = last.assign(test_accuracy=last["test_accuracy"].mask(gone))
    found = replace(planted, smaller=few.assign(test_accuracy=apart), baselines=models)
    told = more_rows(found, rivals, str)
    assert told is not None and "of network does not change" in told.said
