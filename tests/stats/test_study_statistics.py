"""Statistics against independent oracles: a hand-written loop, scipy, and planted effects."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nnbench import stats
from tests.synthetic import ACTIVATION_EFFECT, make_cells

FACTORS = ["activation", "init", "optimizer"]


def generator_for(purpose: str) -> np.random.Generator:
    return np.random.default_rng([ord(letter) for letter in purpose])


def labelled(**options: object) -> pd.DataFrame:
    return stats.label_cells(make_cells(**options), FACTORS)  # type: ignore[arg-type]


def summary(frame: pd.DataFrame, factor: str = "activation") -> pd.DataFrame:
    levels = {name: list(dict.fromkeys(frame[name])) for name in FACTORS}
    baselines = {name: names[0] for name, names in levels.items()}
    table = stats.summarise_effects(frame, levels, baselines, "test_accuracy", generator_for)
    return table[table["factor"] == factor].set_index("level")


# Labels


def test_a_label_names_the_parameters_that_vary_within_the_level() -> None:
    frame = pd.DataFrame(
        {
            "activation": ["relu", "leaky_relu", "leaky_relu", "elu", "elu"],
            "activation.negative_slope": [None, 0.01, 0.2, None, None],
            "activation.alpha": [None, None, None, 1.0, 1.0],
        }
    )
    expected = ["relu", "leaky_relu negative_slope=0.01", "leaky_relu negative_slope=0.2", "elu"]
    assert list(stats.level_labels(frame, "activation")) == [*expected, "elu"]
    ignored = stats.level_labels(frame, "activation", ignore=["activation.negative_slope"])
    assert set(ignored) == {"relu", "leaky_relu", "elu"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8.0, "8"),
        (8, "8"),
        (1e-3, "0.001"),
        (np.float64(0.2), "0.2"),
        (1e-12, "1e-12"),
        (True, "true"),
        (np.False_, "false"),
        (None, "none"),
        (math.nan, "none"),
        ("a b", "a b"),
    ],
)
def test_a_level_is_written_as_in_the_study(value: object, text: str) -> None:
    assert stats.format_level(value) == text


def test_close_numbers_keep_apart() -> None:
    assert stats.format_level(0.1234567) != stats.format_level(0.1234568)


def test_factor_columns_take_sub_parameters_and_nothing_that_only_begins_alike() -> None:
    frame = pd.DataFrame(columns=["optimizer", "optimizer.lr", "optimizers", "depth"])
    assert stats.factor_columns(frame, ["optimizer"]) == ["optimizer", "optimizer.lr"]


def test_top_factors_leave_out_data_seed_nested_and_unknown_ones() -> None:
    columns = ["data", "data.noise", "seed", "optimizer", "optimizer.lr", "norm.groups"]
    factors = [*columns, "absent"]
    assert stats.top_factors(factors, columns) == ["optimizer", "norm.groups"]


def test_two_cells_with_the_same_labels_are_refused() -> None:
    cells = make_cells()
    cells["width"] = np.where(np.arange(len(cells)) % 2, 32, 64)
    twice = pd.concat([cells, cells.assign(width=128)])
    with pytest.raises(ValueError, match="not among the factors"):
        stats.label_cells(twice, FACTORS)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (None, "relu"),
        ("tanh", "tanh"),
        ("leaky_relu", "leaky_relu negative_slope=0.01"),
        ("leaky_relu negative_slope=0.2", "leaky_relu negative_slope=0.2"),
        ({"name": "leaky_relu", "negative_slope": 0.2}, "leaky_relu negative_slope=0.2"),
        ({"name": "tanh", "scale": 1.0}, "tanh"),
        ("absent", "relu"),
    ],
)
def test_the_declared_baseline_is_found(declared: object, expected: str) -> None:
    slopes = [f"leaky_relu negative_slope={slope}" for slope in (0.01, 0.2)]
    assert stats.baseline_level(["relu", "tanh", *slopes], declared) == expected


def test_levels_come_in_the_files_order_and_strangers_last() -> None:
    found = ["b x=2", "z", "a", "b x=1"]
    assert stats.order_levels(found, ["b x=1", "b x=2", "a"]) == ["b x=1", "b x=2", "a", "z"]


# Counting and pairing


def loop_differences(frame: pd.DataFrame, level: str) -> list[float]:
    """Return the paired differences of one activation to relu, the slow way."""
    differences = []
    for one in frame.to_dict("records"):
        for other in frame.to_dict("records"):
            same = all(one[k] == other[k] for k in ("data", "seed", "init", "optimizer"))
            if one["activation"] == level and other["activation"] == "relu" and same:
                differences.append(one["test_accuracy"] - other["test_accuracy"])
    return differences


@pytest.mark.parametrize("level", ["tanh", "sigmoid"])
def test_paired_differences_equal_a_hand_written_loop(level: str) -> None:
    frame = labelled()
    pairs = stats.paired_differences(frame, "activation", "relu", "test_accuracy", FACTORS)
    found = pairs.loc[pairs["level"] == level, "difference"]
    expected = loop_differences(frame, level)
    np.testing.assert_allclose(np.sort(found), np.sort(expected), equal_nan=True)
    shuffled = frame.assign(seed=frame["seed"].where(frame["activation"] != level, 2 - frame.seed))
    assert not np.allclose(np.sort(found), np.sort(loop_differences(shuffled, level)))


def test_a_lost_pair_is_counted_and_never_a_number() -> None:
    row = summary(labelled()).loc["sigmoid"]
    assert (row["n"], row["ok"], row["diverged"], row["used"]) == (24, 21, 3, 21)
    assert (row["pairs"], row["pairs_used"]) == (24, 21)
    frame = labelled()
    own = frame[frame["activation"] == "sigmoid"]
    by_hand = own.groupby("data")["test_accuracy"].mean().mean()
    assert row["mean"] == pytest.approx(by_hand)
    assert abs(row["mean"] - frame["test_accuracy"].fillna(0).mean()) > 0.01


def test_a_diverged_cell_with_a_number_in_its_metric_is_still_not_averaged() -> None:
    frame = labelled()
    poisoned = frame.assign(test_accuracy=frame["test_accuracy"].fillna(1e9))
    assert summary(poisoned).loc["sigmoid", "mean"] == summary(frame).loc["sigmoid", "mean"]


def test_a_one_factor_design_pairs_only_where_the_others_agree() -> None:
    frame = labelled()
    base = (frame["init"] == "he_normal") & (frame["optimizer"] == "adam")
    others = (frame["activation"] == "relu") & ~((frame["init"] != "he_normal") & ~base)
    design = frame[base | others]
    pairs = stats.paired_differences(design, "activation", "relu", "test_accuracy", FACTORS)
    assert set(pairs["optimizer"]) == {"adam"} and set(pairs["init"]) == {"he_normal"}
    assert len(pairs) == 2 * 2 * 3  # levels, data sets, seeds


def test_the_planted_effects_come_back() -> None:
    table = summary(labelled())
    for level, effect in ACTIVATION_EFFECT.items():
        if level != "relu":
            row = table.loc[level]
            assert abs(row["effect"] - effect) < 0.006
            assert row["effect_low"] < row["effect"] < row["effect_high"]
    assert list(table["verdict"]) == ["baseline", "better", "worse"]
    assert summary(labelled(), "init")["verdict"].iloc[1] == "no clear difference"


def test_another_level_changes_no_interval() -> None:
    frame = labelled()
    fewer = frame[frame["activation"] != "tanh"]
    one, other = summary(frame).loc["sigmoid"], summary(fewer).loc["sigmoid"]
    corrected = ["p_holm", "wilcoxon_p_holm", "comparisons", "detectable"]
    pd.testing.assert_series_equal(one.drop(corrected), other.drop(corrected))
    assert one["p_holm"] > other["p_holm"] and one["detectable"] > other["detectable"]


def test_a_level_that_wholly_diverged_has_no_effect_and_says_so() -> None:
    frame = labelled()
    lost = frame["activation"] == "sigmoid"
    frame.loc[lost, "status"], frame.loc[lost, "test_accuracy"] = "diverged", None
    row = summary(frame).loc["sigmoid"]
    assert math.isnan(row["effect"]) and math.isnan(row["mean"])
    assert row["effect_reason"] == "undefined: none of 24 pairs has both values"
    assert row["verdict"] == "undefined"
    effects = summary(frame).reset_index()
    ranking = stats.importance(effects).iloc[0]
    assert ranking["undefined"] == 1 and ranking["range"] == pytest.approx(effects["effect"].max())


def test_a_metric_that_a_data_set_cannot_have_drops_the_data_set_by_name() -> None:
    frame = labelled()
    regression = frame["data"] == "spirals"
    frame["test_r2"] = frame["test_accuracy"].where(regression)
    frame["test_accuracy"] = frame["test_accuracy"].mask(regression)
    kept, dropped = stats.applicable(frame, "test_accuracy")
    assert dropped == ["spirals"] and set(kept["data"]) == {"digits"}
    lost = frame.assign(status="diverged")
    assert stats.applicable(lost, "test_accuracy")[1] == []
    never_reached = frame.assign(epochs_to_target=np.nan)
    assert stats.applicable(never_reached, "epochs_to_target")[1] == []


def choose_rates(cells: pd.DataFrame, metric: str = "test_accuracy") -> pd.DataFrame:
    return stats.choose_tuned(cells, ["activation", "init", "optimizer"], ["optimizer.lr"], metric)


def test_tuning_chooses_on_validation_and_not_on_test() -> None:
    cells = make_cells(optimizers=[("adam", 0.001), ("adam", 0.01)])
    high = cells["optimizer.lr"] == 0.01
    # The higher rate is best on validation and worst on test, except where some seeds diverged.
    cells.loc[high, "val_accuracy"], cells.loc[high, "test_accuracy"] = 1.0, 0.1
    lost = high & (cells["data"] == "digits") & (cells["seed"] == 0)
    cells.loc[lost, "status"] = "diverged"
    chosen = choose_rates(cells)
    rates = chosen.groupby("data")["optimizer.lr"].unique()
    assert list(rates["spirals"]) == [0.01] and list(rates["digits"]) == [0.001]
    assert len(chosen) == len(cells) / 2


@pytest.mark.parametrize(
    ("metric", "score", "best"),
    [
        # A network at chance has a low loss: ln 10 where one that learns is surer of its mistakes.
        ("test_accuracy", {0.001: 0.1, 0.01: 0.3}, 0.01),
        ("test_accuracy", {0.001: 0.3, 0.01: 0.3}, 0.001),
        ("test_loss", {0.001: 0.1, 0.01: 0.3}, 0.001),
        ("dead_fraction_end", {0.001: 0.1, 0.01: 0.3}, 0.001),
    ],
)
def test_a_setting_is_chosen_by_the_metric_on_validation_and_equals_by_the_loss(
    metric: str, score: dict[float, float], best: float
) -> None:
    cells = make_cells(optimizers=[("adam", 0.01), ("adam", 0.001)])
    rates = cells["optimizer.lr"]
    # Equal means, though in thirds, whose sum differs in the last digit by the order of seeds.
    thirds = cells["seed"] / 3
    mirrored = thirds.max() - thirds
    cells["val_accuracy"] = rates.map(score) + thirds.where(rates == 0.01, mirrored)
    cells["val_loss"] = rates.map({0.001: 2.3, 0.01: 9.3})
    assert set(choose_rates(cells, metric)["optimizer.lr"]) == {best}


def test_a_loss_that_is_too_large_to_average_is_never_chosen() -> None:
    cells = make_cells(optimizers=[("adam", 0.01), ("adam", 0.001)])
    cells["val_loss"] = cells["optimizer.lr"].map({0.001: 9.0, 0.01: 1e308})
    assert set(choose_rates(cells, "test_loss")["optimizer.lr"]) == {0.001}


def test_a_factor_may_be_called_as_a_statistic_is() -> None:
    cells = make_cells(optimizers=[("adam", 0.001), ("adam", 0.01)])
    expected = choose_rates(cells)
    renamed = cells.rename(columns={"activation": "loss", "init": "finished"})
    factors = ["loss", "finished", "optimizer"]
    chosen = stats.choose_tuned(renamed, factors, ["optimizer.lr"], "test_accuracy")
    assert list(chosen["cell_id"]) == list(expected["cell_id"])


# Intervals


def test_the_plain_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=30)
    mine = stats.bootstrap_interval(
        values, ["one"] * 30, np.random.default_rng(2), resamples=40_000, expand=False
    )
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=40_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert mine.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert mine.high == pytest.approx(theirs.high, abs=0.02 * width)
    assert mine.estimate == pytest.approx(values.mean())


def loop_interval(
    table: pd.DataFrame, generator: np.random.Generator, resamples: int = 4000
) -> tuple[float, float]:
    """Return the plain interval by drawing whole blocks within each stratum, the slow way."""
    groups = {s: [b["value"].to_numpy() for _, b in part.groupby("block")]
              for s, part in table.groupby("stratum")}  # fmt: skip
    means = []
    for _ in range(resamples):
        drawn = [[blocks[i] for i in generator.integers(0, len(blocks), len(blocks))]
                 for blocks in groups.values()]  # fmt: skip
        means.append(np.mean([np.concatenate(stratum).mean() for stratum in drawn]))
    low, high = np.quantile(means, [0.025, 0.975])
    return low, high


def blocked_table() -> pd.DataFrame:
    generator = np.random.default_rng(4)
    rows = [
        {"stratum": stratum, "block": block, "value": shift + offset + generator.normal(0, 0.1)}
        for stratum, shift in (("a", 0.0), ("b", 5.0))
        for block, offset in enumerate(generator.normal(size=7))
        for _ in range(3 + block % 3)
    ]
    return pd.DataFrame(rows)


def test_blocks_and_strata_agree_with_a_hand_written_loop() -> None:
    table = blocked_table()
    arguments = (table["value"], table["stratum"], np.random.default_rng(5))
    mine = stats.bootstrap_interval(*arguments, blocks=table["block"], expand=False)
    low, high = loop_interval(table, np.random.default_rng(6))
    assert mine.low == pytest.approx(low, abs=0.06 * (high - low))
    assert mine.high == pytest.approx(high, abs=0.06 * (high - low))
    assert mine.blocks == 14
    # Both matter: cells of a block are not independent, and data sets differ by far.
    no_blocks = stats.bootstrap_interval(*arguments, expand=False)
    no_strata = stats.bootstrap_interval(
        table["value"], ["one"] * len(table), arguments[2], expand=False
    )
    assert no_blocks.high - no_blocks.low < 0.8 * (high - low)
    assert no_strata.high - no_strata.low > 1.2 * (high - low)


def test_the_widened_interval_covers_more_with_few_blocks() -> None:
    generator = np.random.default_rng(7)
    covered = {True: 0, False: 0}
    for _ in range(400):
        values = generator.normal(size=5)
        for expand in covered:
            interval = stats.bootstrap_interval(
                values, ["one"] * 5, generator, resamples=2000, expand=expand
            )
            covered[expand] += interval.low <= 0 <= interval.high
    assert covered[True] / 400 > 0.88
    assert covered[False] / 400 < 0.88


def test_the_same_generator_gives_the_same_interval() -> None:
    values, strata = [1.0, 2.0, 4.0], ["a"] * 3
    one, two = (
        stats.bootstrap_interval(values, strata, np.random.default_rng(8)) for _ in range(2)
    )
    assert one == two


@pytest.mark.parametrize(
    ("values", "strata", "reason"),
    [
        ([], [], "undefined: no value"),
        ([1.0], ["a"], "undefined: one block"),
        ([1.0, 2.0], ["a", "b"], "undefined: one block per data set"),
        ([1.0, 2.0, 3.0], ["a", "a", "b"], "undefined: one block in b"),
        ([2.0, 2.0, 2.0], ["a"] * 3, "undefined: all 3 blocks equal"),
        ([1.0, 1.0, 3.0, 3.0], ["a", "a", "b", "b"], "undefined: all 4 blocks equal"),
    ],
)
def test_an_undefined_interval_says_why(
    values: list[float], strata: list[str], reason: str
) -> None:
    interval = stats.bootstrap_interval(values, strata, np.random.default_rng(0))
    assert interval.reason == reason
    assert math.isnan(interval.low) and math.isnan(interval.high)
    if values:
        assert interval.estimate == pd.Series(values).groupby(strata).mean().mean()


finite = st.floats(-10, 10, allow_nan=False)


@given(finite, finite, st.booleans())
def test_no_side_is_taken_where_the_interval_spans_zero(
    low: float, high: float, higher_is_better: bool
) -> None:
    low, high = sorted((low, high))
    word = stats.verdict(stats.Interval((low + high) / 2, low, high, 5), higher_is_better)
    assert (word in ("better", "worse")) == (low > 0 or high < 0)
    if word == "better":
        assert (low > 0) == higher_is_better


def test_ties_are_ties_and_a_constant_difference_is_not_a_proof() -> None:
    undefined = stats.Interval(0.0, math.nan, math.nan, 4, "undefined: all 4 blocks equal")
    assert stats.verdict(undefined, True) == "tie"
    constant = stats.Interval(0.1, math.nan, math.nan, 4, "undefined: all 4 blocks equal")
    assert stats.verdict(constant, True) == "undefined"


def test_importance_orders_factors_by_the_range_of_their_effects() -> None:
    frame = labelled()
    effects = pd.concat([summary(frame, factor).reset_index() for factor in reversed(FACTORS)])
    ranking = stats.importance(effects)
    assert list(ranking["factor"]) == ["activation", "optimizer", "init"]
    assert ranking["range"].iloc[0] == pytest.approx(0.12, abs=0.005)


def test_every_metric_of_the_table_has_its_direction() -> None:
    assert stats.METRICS["test_accuracy"].higher_is_better
    assert not stats.METRICS["test_loss"].higher_is_better
    assert not stats.METRICS["epochs_to_target"].higher_is_better
