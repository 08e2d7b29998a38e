"""Networks against baselines: chosen on validation, judged on test, and honest about few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nnbench.stats.rivals import (
    NETWORK,
    Rivals,
    chosen_networks,
    difference,
    repeats_needed,
    rivals_of,
    usual_network,
)
from nnbench.training.splits import parts_of

FRACTIONS: dict[str, Any] = {"data": "t", "val_fraction": 0.2, "test_fraction": 0.2, "status": "ok"}


def network(
    seed: int, arm: str, val: float | None, test: float, loss: float = 1.0
) -> dict[str, Any]:
    row = {"seed": seed, "arm": arm, "val_accuracy": val, "test_accuracy": test, "val_loss": loss}
    return FRACTIONS | row


def baseline(seed: int, name: str, val: float, test: float) -> dict[str, Any]:
    row = {"seed": seed, "baseline": name, "val_accuracy": val, "test_accuracy": test}
    return FRACTIONS | row | {"val_loss": 1.0, "test_rows": 50}


def rivals(**tests: list[float]) -> Rivals:
    frame = pd.DataFrame(tests)
    return Rivals("test_accuracy", frame, frame, 1 / 3, grain=1 / 50)


def test_the_network_of_a_repeat_is_chosen_on_validation_whatever_it_does_on_test() -> None:
    cells = pd.DataFrame(
        [
            network(0, "a", 0.9, 0.1),
            network(0, "b", 0.8, 0.99),
            network(1, "a", 0.7, 0.5, loss=2.0),
            network(1, "b", 0.7, 0.6, loss=0.5),  # a tie goes by the loss
            network(2, "a", None, 0.9) | {"status": "diverged"},
            network(2, "b", 0.1, 0.2),
        ]
    )
    chosen = chosen_networks(cells, "val_accuracy").set_index("seed")["test_accuracy"]
    assert chosen.to_dict() == {0: 0.1, 1: 0.6, 2: 0.2}
    models = pd.DataFrame([baseline(s, "linear", 0.5, 0.5 + s / 10) for s in range(3)])
    found = rivals_of(cells, models, "test_accuracy")["t"]
    assert found.tests[NETWORK].tolist() == [0.1, 0.6, 0.2]
    assert found.tests["linear"].tolist() == [0.5, 0.6, 0.7]
    assert found.overlap == pytest.approx(0.2 / 0.6)


def test_shuffled_test_scores_change_no_choice() -> None:
    generator = np.random.default_rng(0)
    cells = pd.DataFrame(
        [network(s, f"{a}", *generator.random(2)) for s in range(5) for a in range(20)]
    )
    other = cells.assign(test_accuracy=generator.random(100))
    for choose in (chosen_networks, usual_network):
        both = [choose(frame, "val_accuracy") for frame in (cells, other)]
        assert (
            both[0]["arm"].tolist() == both[1]["arm"].tolist()
            if choose is chosen_networks
            else (both[0]["arm"] == both[1]["arm"])
        )


def test_the_simplest_that_is_not_surely_behind_is_to_be_used() -> None:
    noise = np.array([0.0, 0.01, -0.01, 0.005, -0.005])
    level = {"constant": 0.5, "linear": 0.9, "boosting": 0.902, NETWORK: 0.904}
    moved = {name: list(v + noise * (1 + i)) for i, (name, v) in enumerate(level.items())}
    assert rivals(**moved).best == NETWORK and rivals(**moved).use == "linear"
    ahead = moved | {NETWORK: list(0.99 + noise)}
    assert rivals(**ahead).use == NETWORK
    behind = rivals(**ahead).against(NETWORK)
    assert behind["is_clear"].all() and behind.loc["linear", "mean"] == pytest.approx(0.09)


def test_who_swings_too_much_to_be_surely_behind_is_not_for_that_to_be_used() -> None:
    swings = {"linear": [0.62, 0.87, 0.7, 0.86, 0.84], "boosting": [0.94, 0.95, 0.93, 0.94, 0.94]}
    found = rivals(constant=[0.5] * 5, **swings, network=[0.96, 0.97, 0.95, 0.96, 0.95])
    assert not found.against(NETWORK)["is_clear"]["linear"] and found.use == "boosting"


def test_of_few_repeats_what_is_ahead_in_all_of_them_is_not_given_up_for_the_constant() -> None:
    scores = {"linear": [0.755, 0.78, 0.76], "network": [0.765, 0.79, 0.758]}
    found = rivals(constant=[0.62, 0.62, 0.62], **scores)
    ahead = found.against(found.best).loc["constant"]
    assert ahead["low"] > 0 and not found.against(NETWORK)["is_clear"]["linear"]
    assert found.use == "linear"
    assert rivals(constant=[0.62, 0.7, 0.5], **scores).use == "constant"


def test_who_is_surely_ahead_of_the_constant_is_used_where_the_best_on_validation_is_not() -> None:
    swings = [0.1, 0.9, 0.95, 0.2, 0.9]
    tests = {"constant": [0.3] * 5, "linear": [0.6, 0.61, 0.59, 0.6, 0.6], NETWORK: swings}
    found = rivals(**tests)
    assert found.best == NETWORK and not found.against(NETWORK).loc["constant", "low"] > 0
    assert found.use == "linear"
    assert rivals(**tests | {"linear": [0.3, 0.31, 0.29, 0.3, 0.3]}).use == "constant"
    third = {"boosting": [0.9, 0.1, 0.9, 0.1, 0.4]}
    swapped = {"constant": tests["constant"], **third, "forest": swings, NETWORK: tests["linear"]}
    assert rivals(**swapped).best == "forest" and rivals(**swapped).use == NETWORK


def test_a_lead_that_only_counts_uncorrected_is_not_surely_ahead_of_the_constant() -> None:
    base = np.full(5, 0.3)
    lead = np.array([0.1, 0.02, 0.12, 0.14, 0.12])
    swings = [0.1, 0.9, 0.95, 0.2, 0.9]
    found = rivals(constant=list(base), linear=list(base + lead), forest=[0.3] * 5, network=swings)
    row = found.against("constant").loc["linear"]
    assert row["high"] < 0 and row["p"] < 0.05 < row["p_holm"]
    assert found.use == "constant"


def test_a_metric_of_which_less_is_better_turns_the_sides_around() -> None:
    frame = pd.DataFrame({"constant": [1.0, 1.1, 0.9], "linear": [0.1, 0.21, -0.01]})
    found = Rivals("test_loss", frame, frame, 1 / 3)
    assert found.best == "linear" and found.use == "linear"
    assert found.against("linear").loc["constant", "mean"] == pytest.approx(0.9)


def test_the_interval_is_students_with_the_overlap_of_the_repeats() -> None:
    row = difference(pd.Series([1.0, 2.0, 3.0]), 0.0)
    assert row["low"] == pytest.approx(2 - 4.302653 / np.sqrt(3), abs=1e-5)  # plain Student's t
    wide = difference(pd.Series([1.0, 2.0, 3.0]), 1 / 3)
    reach = 4.302653 * np.sqrt(1 / 3 + 1 / 3)
    assert wide["low"] == pytest.approx(2 - reach, abs=1e-5)
    assert np.isnan(difference(pd.Series([1.0]), 0.3)["low"])
    alike = [difference(pd.Series([0.4] * 5), 1 / 3, grain) for grain in (0.0, 1 / 50)]
    assert np.isnan(alike[0]["p"])  # nothing tells how far off it may be
    reach = 2.776445 * np.sqrt(1 / 5 + 1 / 3) / 50  # one row of the test part does
    assert alike[1]["low"] == pytest.approx(0.4 - reach, abs=1e-6)
    same = difference(pd.Series([0.0, 0.0]), 0.3)
    assert same["p"] == 1.0 and same["low"] == same["high"] == 0.0


def test_one_repeat_is_never_clear_and_equal_models_are_not_told_apart() -> None:
    one = rivals(constant=[0.1], network=[0.9])
    assert one.use == "constant" and not one.against(NETWORK)["is_clear"].any()
    tied = rivals(linear=[0.9, 0.8], network=[0.9, 0.8])
    assert tied.use == "linear"


def test_repeats_that_would_settle_a_difference_are_those_that_do() -> None:
    needed = repeats_needed(1.0, 1.0, 0.0)
    assert needed is not None
    for n, settles in ((needed, True), (needed - 1, False)):
        half = np.tile([-1.0, 1.0], n)[:n]
        values = pd.Series(1.0 + (half - half.mean()) / half.std(ddof=1))
        assert (difference(values, 0.0)["low"] > 0) is settles
    assert repeats_needed(0.5, 1.0, 1 / 3) is None  # the overlap alone is wider


def claims_of_nothing(rows: int, repeats: int, studies: int, overlap: float | None) -> float:
    """The share of studies of two equally good models that call one of them ahead.

    A table of so many rows is drawn from a population in which both models are wrong on a fifth
    of all rows, independently, and is split anew in each repeat.
    """
    generator = np.random.default_rng(1)
    wrong = 0
    for _ in range(studies):
        right = generator.random((2, rows)) < 0.8
        scores = np.empty((2, repeats))
        for repeat in range(repeats):
            test = generator.permutation(rows)[: rows // 5]
            scores[:, repeat] = right[:, test].mean(1)
        found = difference(pd.Series(scores[0] - scores[1]), 1 / 3 if overlap is None else overlap)
        wrong += not found["low"] <= 0 <= found["high"]
    return wrong / studies


@pytest.mark.whole
@pytest.mark.parametrize("repeats", [5, 10])
def test_equal_models_are_told_apart_in_few_studies(repeats: int) -> None:
    assert claims_of_nothing(200, repeats, 1500, None) < 0.065
    assert claims_of_nothing(200, repeats, 1500, 0.0) > 0.08  # as if repeats were new rows


def differences_of_equals(tables: int, folds: int, seeds: int) -> list[pd.Series]:
    """By table of 200 rows, how far apart two learners are, seed by seed, that are equal."""
    generator = np.random.default_rng(0)
    found = []
    for number in range(tables):
        x = generator.normal(size=(200, 10))
        y = x @ np.full(10, 0.4) + generator.normal(size=200)
        values = []
        for seed in range(seeds):
            shuffle, fold = divmod(seed, folds) if folds else (seed, 0)
            among = (fold, folds) if folds else None
            rows = parts_of(200, None, 1000 * number + shuffle, 0.2, 0.2, None, among)
            first, second = (_error(x[:, half], y, rows) for half in (slice(0, 5), slice(5, 10)))
            values.append(first - second)
        found.append(pd.Series(values))
    return found


def _error(x: Any, y: Any, rows: dict[str, Any]) -> float:
    train, test = rows["train"], rows["test"]
    weights = np.linalg.lstsq(x[train], y[train], rcond=None)[0]
    return float(((y[test] - x[test] @ weights) ** 2).mean())


@pytest.mark.slow
@pytest.mark.parametrize(("folds", "plain"), [(0, 0.26), (5, 0.18)])
def test_equal_learners_on_repeats_of_the_same_rows(folds: int, plain: float) -> None:
    """Simulated: with folds, too, the correction is needed, and suffices."""
    tables = differences_of_equals(200, folds, seeds=10)
    apart = {}
    for overlap in (0.0, 1 / 3):
        rows = [difference(values, overlap) for values in tables]
        apart[overlap] = float(np.mean([not row["low"] <= 0 <= row["high"] for row in rows]))
    assert apart[0.0] == pytest.approx(plain, abs=0.1)
    assert apart[1 / 3] <= 0.06


@pytest.mark.slow
def test_where_nothing_can_be_learned_the_constant_is_named() -> None:
    """Simulated: equal learners, their repeats as alike as Nadeau and Bengio take them to be."""
    generator = np.random.default_rng(1)
    shared = 0.25  # of the variance, by splits of the same rows: a test part a third of training's
    learners = ["logistic", "neighbours", "forest", "boosting", NETWORK]

    def scores() -> pd.DataFrame:
        of_repeats = generator.normal(size=(5, 1)) + generator.normal(size=(5, len(learners)))
        of_rows = generator.normal() + generator.normal(size=(1, len(learners)))
        moved = np.sqrt(1 - shared) * of_repeats + np.sqrt(shared) * of_rows
        table = pd.DataFrame(0.5 + 0.03 * moved, columns=learners)
        table.insert(0, "constant", 0.5)
        return table

    found = [Rivals("test_accuracy", scores(), scores(), 1 / 3).use for _ in range(1500)]
    share = np.mean([name != "constant" for name in found])
    assert 0.01 < share <= 0.05  # 3.1 % of 3,000
