"""Means and standard errors of blocks against loops, scipy and the resampling itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from nnbench import stats
from nnbench.stats.blocks import (
    Blocks,
    gather_blocks,
    resampled_quantiles,
    spread_of,
    stretched_interval,
    times_drawn,
    two_sided_p,
)
from tests.searching import examples
from tests.stats.selfcheck import coverage


def uneven() -> pd.DataFrame:
    """Return two data sets of six blocks with one to four cells a block."""
    generator = np.random.default_rng(0)
    rows = [
        {"data": data, "seed": seed, "value": generator.normal(seed % 3, 0.2)}
        for data in ("a", "b")
        for seed in range(6)
        for _ in range(generator.integers(1, 5))
    ]
    return pd.DataFrame(rows)


def gathered(table: pd.DataFrame) -> Blocks:
    return gather_blocks(table["value"].to_numpy(), table["data"], table["seed"])


def test_blocks_add_up_what_a_groupby_adds_up() -> None:
    table = uneven().sample(frac=1.0, random_state=1)
    blocks = gathered(table)
    theirs = table.groupby(["data", "seed"])["value"].agg(["sum", "size"])
    np.testing.assert_allclose(np.sort(blocks.sums[:, 0]), np.sort(theirs["sum"]))
    assert sorted(blocks.sizes[:, 0]) == sorted(theirs["size"])
    assert list(blocks.per_stratum) == [6, 6] and list(blocks.names) == ["a", "b"]
    alone = gather_blocks(table["value"].to_numpy(), table["data"], None)
    assert len(alone.strata) == len(table)


def test_the_standard_error_of_one_data_set_is_the_textbooks() -> None:
    values = np.random.default_rng(2).normal(0.4, 1.0, size=7)
    spread = spread_of(gather_blocks(values, ["a"] * 7, None))
    assert spread.error[0] == pytest.approx(scipy.stats.sem(values))
    assert spread.freedom[0] == pytest.approx(6)
    assert two_sided_p(spread)[0] == pytest.approx(scipy.stats.ttest_1samp(values, 0).pvalue)


def test_the_plain_error_is_that_of_the_resampled_means_uneven_blocks_included() -> None:
    table = uneven().assign(value=5 + uneven()["value"])
    blocks = gathered(table)
    spread = spread_of(blocks)
    drawn = times_drawn(blocks.strata, np.random.default_rng(3), 40_000)
    of_data = [
        (drawn[:, own] @ blocks.sums[own]) / (drawn[:, own] @ blocks.sizes[own])
        for own in (blocks.strata == 0, blocks.strata == 1)
    ]
    means = np.mean(of_data, axis=0)
    assert spread.mean[0] == pytest.approx(table.groupby("data")["value"].mean().mean())
    assert spread.plain_error[0] == pytest.approx(means.std(), rel=0.04)
    even = np.full_like(blocks.sizes, blocks.sizes.mean())
    careless = spread_of(Blocks(blocks.sums, even, blocks.strata)).plain_error[0]
    assert careless > 1.5 * means.std()


def test_each_resample_draws_as_many_blocks_as_a_data_set_has() -> None:
    strata = np.array([0, 0, 1, 1, 1])
    drawn = times_drawn(strata, np.random.default_rng(4), 500)
    assert (drawn[:, :2].sum(axis=1) == 2).all() and (drawn[:, 2:].sum(axis=1) == 3).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(5), abs=0.15)


def test_columns_are_what_each_is_alone() -> None:
    generator = np.random.default_rng(5)
    values, strata = generator.normal(size=(6, 900)), np.array([0, 0, 0, 1, 1, 1])
    together = Blocks(values, np.ones((6, 1)), strata)
    drawn = times_drawn(strata, generator, 300)
    low, high = stretched_interval(together, spread_of(together), drawn, 0.95)
    for column in (0, 399, 400, 899):
        alone = Blocks(values[:, [column]], np.ones((6, 1)), strata)
        ends = stretched_interval(alone, spread_of(alone), drawn, 0.95)
        assert (ends[0][0], ends[1][0]) == pytest.approx((low[column], high[column]))


def test_with_many_blocks_stretching_changes_nothing() -> None:
    generator = np.random.default_rng(6)
    values = generator.gamma(2.0, size=(3000, 1))
    blocks = Blocks(values, np.ones((3000, 1)), np.zeros(3000, dtype=int))
    drawn = times_drawn(blocks.strata, generator, 2000)
    plain = resampled_quantiles(blocks, drawn, 0.025)
    wide = stretched_interval(blocks, spread_of(blocks), drawn, 0.95)
    width = plain[1][0] - plain[0][0]
    assert abs(wide[0][0] - plain[0][0]) < 0.002 * width
    assert abs(wide[1][0] - plain[1][0]) < 0.002 * width


@pytest.mark.parametrize("blocks", [3, 5, 10])
def test_data_sets_may_differ_in_their_noise(blocks: int) -> None:
    scale = np.repeat([1.0, 3.0, 9.0], blocks)[:, None]

    def unequal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return scale * generator.normal(size=shape)

    share = coverage(unequal, 3, blocks, 6000, np.random.default_rng(7), resamples=1000)
    assert 0.93 <= share <= 0.97


differences = st.lists(
    st.integers(-1000, 1000).map(lambda number: number / 1000), min_size=4, max_size=9
)


def one_contrast(values: list[float]) -> dict[str, float]:
    table = pd.DataFrame({"data": "one", "seed": range(len(values)), "difference": values})
    table = table.assign(lost=False, lost_baseline=False)
    return stats.contrast(table, "loss_gap", np.random.default_rng(8))


@examples(30)
@given(differences)
def test_turning_a_difference_around_turns_all_numbers_around(values: list[float]) -> None:
    one, other = one_contrast(values), one_contrast([-value for value in values])
    for name in ("effect", "cohen_d", "rank_biserial"):
        assert one[name] == pytest.approx(-other[name], nan_ok=True)
    assert one["effect_low"] == pytest.approx(-other["effect_high"], nan_ok=True, abs=1e-9)
    for name in ("p", "wilcoxon_p", "detectable", "seeds_needed"):
        assert one[name] == pytest.approx(other[name], nan_ok=True)


@examples(30)
@given(differences, st.sampled_from([0.001, 7.0, 1e6]))
def test_the_unit_changes_sizes_and_no_p(values: list[float], unit: float) -> None:
    one, other = one_contrast(values), one_contrast([unit * value for value in values])
    for name in ("effect", "effect_low", "effect_high", "detectable"):
        assert one[name] * unit == pytest.approx(other[name], nan_ok=True, rel=1e-6)
    for name in ("p", "wilcoxon_p", "cohen_d", "seeds_needed"):
        assert one[name] == pytest.approx(other[name], nan_ok=True, rel=1e-6)


def test_what_has_no_block_is_a_block_of_its_own_in_its_stratum() -> None:
    values, strata = np.array([1.0, 2.0, 3.0, 5.0]), ["a", "a", "b", "b"]
    blocks = gather_blocks(values, strata, ["x", None, "x", None])
    assert blocks.strata.tolist() == [0, 0, 1, 1]
    assert blocks.sums[:, 0].tolist() == [1.0, 2.0, 3.0, 5.0]


def test_what_has_no_data_set_is_a_stratum_of_its_own() -> None:
    blocks = gather_blocks(np.array([1.0, 2.0, 3.0]), ["moons", None, None], None)
    assert sorted(blocks.per_stratum) == [1, 2] and blocks.sums.sum() == 6.0
