"""One row per arm: what it reached, how sure that is, and how often it did not finish.

An arm is one combination of all factors. Thousands of arms go through together, as columns.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnbench.stats.blocks import Blocks
from nnbench.stats.intervals import GeneratorFor, column_intervals, wilson_ends
from nnbench.stats.pairing import usable_values
from nnbench.study.metrics import METRICS

RESAMPLES = 2000  # for each of thousands of arms; a level's mean has 10,000
STATUSES = ("ok", "diverged", "crashed")
CENTRES = ("mean", "median", "iqm", "sd")
ENDS = ("mean_low", "mean_high", "mean_reason")
LOST = ("diverged_share", "diverged_low", "diverged_high")
ARM_COLUMNS = ("n", *STATUSES, "used", *CENTRES, *ENDS, *LOST, "mean_rank", "standing", "rank")


def summarise_arms(
    frame: pd.DataFrame,
    factors: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
    by_data: bool = False,
) -> pd.DataFrame:
    """Return one row per arm, the best first and those without a standing last.

    `frame` is labelled. Columns: `data` if by_data, the factors, `n, ok, diverged, crashed, used`;
    over the used cells `mean` (of the data sets' means, so that a lost cell moves no weight to
    another data set), `median`, `iqm` (the mean of the middle half), `sd` (within data sets),
    `mean_low, mean_high, mean_reason` (95 % bootstrap over blocks, within data sets);
    `diverged_share, diverged_low, diverged_high` (Wilson); `mean_rank` (over the blocks, among all
    arms of a block, a cell without the metric being last); `standing` and `rank` by it (1 is best;
    in each data set if by_data): the mean, but with a cell without the metric behind all others
    (`_standings`), so that no arm comes first for having lost its worst.
    An arm that lost every cell of a data set has no pooled numbers: they would be those of the
    other data sets. One that never ran on a data set that others have has no standing.
    Source of the interquartile mean: Agarwal et al. 2021, Deep Reinforcement Learning at the Edge
    of the Statistical Precipice.
    """
    keys = [*(["data"] if by_data else []), *factors]
    if frame.empty:
        return pd.DataFrame(columns=[*keys, *ARM_COLUMNS])
    table = frame[list(dict.fromkeys(["data", "seed", *factors, "status"]))].assign(
        value=usable_values(frame, metric), arm=_codes(frame, keys)
    )
    table["block_rank"] = _block_ranks(table, METRICS[metric].higher_is_better)
    arms = table.drop_duplicates("arm").sort_values("arm")[keys].reset_index(drop=True)
    arms = pd.concat([arms, _counts(table), _centres(table)], axis="columns")
    arms = arms.join(_mean_intervals(table, len(arms), metric, generator_for))
    arms.loc[arms["mean"].isna(), ["median", "iqm", "sd"]] = math.nan
    share, low, high = wilson_ends(arms["diverged"], arms["n"])
    arms = arms.assign(diverged_share=share, diverged_low=low, diverged_high=high)
    is_ascending = not METRICS[metric].higher_is_better
    place = arms["data"] if by_data else pd.Series("", index=arms.index)
    arms["standing"] = _standings(table, arms, not is_ascending, by_data)
    arms["rank"] = arms["standing"].groupby(place).rank(method="min", ascending=is_ascending)
    arms["place"] = pd.factorize(place)[0]
    ordered = arms.sort_values(["place", "rank"], kind="stable", ignore_index=True)
    return ordered[[*keys, *ARM_COLUMNS]]


def _codes(frame: pd.DataFrame, keys: Sequence[str]) -> np.ndarray:
    """Return a number for each row's combination of keys, from 0 on, in order of appearance."""
    if not keys:
        return np.zeros(len(frame), dtype=np.int64)
    return frame.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()


def _block_ranks(table: pd.DataFrame, higher_is_better: bool) -> pd.Series:
    """Return each cell's rank in its block, 1 is best; those without a value share the last."""
    better = table["value"] if higher_is_better else -table["value"]
    score = better.fillna(-math.inf)
    return score.groupby([table["data"], table["seed"]]).rank(ascending=False)


def _counts(table: pd.DataFrame) -> pd.DataFrame:
    found = {s: (table["status"] == s).groupby(table["arm"]).sum() for s in STATUSES}
    grouped = table.groupby("arm")
    return pd.DataFrame({"n": grouped.size()} | found | {"used": grouped["value"].count()})


def _standings(
    table: pd.DataFrame, arms: pd.DataFrame, higher_is_better: bool, by_data: bool
) -> pd.Series:
    """Return what each arm is ranked by: its mean, with what was lost behind everything else.

    A lost cell counts as far behind the worst of its data set as the best is ahead of it, so that
    an arm that lost half of its cells is behind every arm that lost none.
    """
    by = table["value"].groupby(table["data"])
    ends = [by.transform(end) for end in ("min", "max")]
    worst, best = ends if higher_is_better else ends[::-1]
    value = table["value"].fillna(worst - (best - worst))
    means = value.groupby([table["arm"], table["data"]]).mean().groupby(level="arm")
    standing = means.mean().where(arms["mean"].notna())
    if by_data:
        return standing
    return standing.where(means.size() == table["data"].nunique())


def _centres(table: pd.DataFrame) -> pd.DataFrame:
    """Return `median, iqm, sd, mean_rank` of each arm, by its number."""
    grouped = table.groupby("arm")["value"]
    parts = table.groupby(["arm", "data"])["value"]
    squares = (parts.var(ddof=0) * parts.count()).groupby(level="arm").sum(min_count=1)
    freedom = (parts.count() - 1).clip(lower=0).groupby(level="arm").sum()
    return pd.DataFrame(
        {
            "median": grouped.median(),
            "iqm": interquartile_means(table["value"], table["arm"]),
            "sd": np.sqrt(squares / freedom.where(freedom > 0)),
            "mean_rank": table.groupby("arm")["block_rank"].mean(),
        }
    )


def interquartile_means(values: pd.Series, groups: pd.Series) -> pd.Series:
    """Return the mean of each group without its lowest and highest quarter (rounded down)."""
    known = values.notna()
    ordered = values[known].sort_values(kind="stable")
    of_group = groups[known].loc[ordered.index]
    place = ordered.groupby(of_group).cumcount()
    size = ordered.groupby(of_group).transform("size")
    cut = size // 4
    inside = (place >= cut) & (place < size - cut)
    return ordered[inside].groupby(of_group[inside]).mean()


def _mean_intervals(
    table: pd.DataFrame, arms: int, metric: str, generator_for: GeneratorFor
) -> pd.DataFrame:
    """Return `mean, mean_low, mean_high, mean_reason` of each arm, by its number."""
    names, stratum = np.unique(table["data"].to_numpy(dtype=str), return_inverse=True)
    sums, sizes, strata = _by_block(table, stratum, arms)
    result = np.full((arms, 3), math.nan)
    reasons = np.full(arms, None, dtype=object)
    used = np.stack([(sizes[:, strata == s] > 0).sum(axis=1) for s in range(len(names))], axis=1)
    ran = np.bincount(table["arm"] * len(names) + stratum, minlength=arms * len(names))
    used[ran.reshape(arms, -1) == 0] = -1  # not lost: never in the study
    patterns, which = np.unique(used, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == number)
        if (pattern == 0).any():
            reasons[rows] = f"undefined: no cell finished on {names[np.argmax(pattern == 0)]}"
            continue
        there = sizes[rows] > 0
        place = np.repeat(np.arange((pattern > 0).sum()), pattern[pattern > 0])
        shape = (len(rows), len(place))
        own, size = (part[rows][there].reshape(shape).T for part in (sums, sizes))
        named = Blocks(own, size, place, list(names[pattern > 0]))
        generator = generator_for("arms/" + ",".join(str(count) for count in pattern))
        result[rows], reasons[rows] = column_intervals(named, generator, RESAMPLES)
    ends = METRICS[metric]
    low, high = result[:, 1].clip(min=ends.low), result[:, 2].clip(max=ends.high)
    columns = {"mean": result[:, 0], "mean_low": low, "mean_high": high}
    return pd.DataFrame(columns | {"mean_reason": pd.Series(reasons, dtype=object)})


def _by_block(
    table: pd.DataFrame, stratum: np.ndarray, arms: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sums and counts of the values, (arms, blocks), and each block's data set."""
    block = table.assign(stratum=stratum).groupby(["stratum", "seed"], sort=True).ngroup()
    strata = np.zeros(int(block.max()) + 1, dtype=np.int64)
    strata[block] = stratum
    place = table["arm"].to_numpy() * len(strata) + block.to_numpy()
    known = table["value"].notna().to_numpy()
    size = arms * len(strata)
    sums = np.bincount(place[known], table["value"].to_numpy()[known], size)
    sizes = np.bincount(place[known], minlength=size).astype(float)
    return sums.reshape(arms, -1), sizes.reshape(arms, -1), strata
