"""Which differences between two results are real: overall, by level of a factor, by arm.

Every row compares the same cells in a and b. The row of all cells is one test, at 5 %. The others
share 5 % among them: Holm's method among the rows of one kind, times the number of kinds. So a b
that is a again is called worse in 5 % of comparisons at most, and so is it called better.

A cell that diverged or crashed has no difference: failures are compared by themselves, and where
they leave nothing to compare, the row is undefined and says so. A side that lost more is called
better only where that holds with what it lost (`held_p`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, fisher_exact

from nnbench import stats
from nnbench.stats.blocks import Blocks, gather_blocks, mean_of, spread_of, two_sided_p
from nnbench.stats.contrasts import held_p
from nnbench.stats.intervals import ALL_ALIKE, varies, why_undefined
from nnbench.stats.power import ALPHA

OVERALL, LEVEL, ARM = "overall", "level", "arm"
BETTER, WORSE, TIE = "better", "worse", "tie"
UNCLEAR, UNDEFINED, MIXED = "no clear difference", "undefined", "mixed"
MORE, LESS = "more often", "less often"
NOTHING_LEFT = "undefined: none of {:,} cells has a result in both"
FAILED = ("diverged", "crashed")


def compare_pairs(
    pairs: pd.DataFrame,
    factors: Mapping[str, Sequence[str]],
    higher_is_better: bool,
    generator_for: stats.GeneratorFor,
    is_exact: bool = False,
) -> pd.DataFrame:
    """Return one row overall, one per level of each factor that varies, one per arm.

    pairs: those of `nnbench.stats.matching.Matched`; factors: each with its levels in the order
    to show them. Columns: `kind, factor, level, n, n_ok, effect` (b
    minus a, in the metric's unit), `low, high` (95 %; of an arm only where it is clear), `largest`
    (absolute difference), `p, p_corrected, verdict` (of b), `reason` (why it is undefined, or
    empty), `diverged_a, diverged_b, crashed_a, crashed_b`, and of both kinds of failure together
    `failed_p, failed_corrected, failed_verdict` (of b: more often, less often, or empty).
    is_exact: nothing is random, so that every difference is real.
    """
    pairs = pairs.assign(lost=pairs["value_b"].isna(), lost_baseline=pairs["value_a"].isna())
    groups = list(_groups(pairs, factors))
    rows = pd.DataFrame([_row(*group, higher_is_better) for group in groups])
    rows = rows.assign(
        p_corrected=_corrected(rows, "p"), failed_corrected=_corrected(rows, "failed_p")
    )
    judged = [
        _exact_judgement(part, higher_is_better)
        if is_exact
        else _judgement(row, part, higher_is_better, generator_for)
        for row, (*_, part) in zip(rows.to_dict("records"), groups, strict=True)
    ]
    rows = rows.join(pd.DataFrame(judged, index=rows.index))
    rows["failed_verdict"] = [_failed_verdict(row) for row in rows.to_dict("records")]
    return rows


def _groups(
    pairs: pd.DataFrame, factors: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Yield each row's kind, factor, level and pairs."""
    varied = [factor for factor in factors if pairs[factor].nunique() > 1]
    yield OVERALL, "", "", pairs
    levels = {f: stats.order_levels(pairs[f].unique(), list(factors[f])) for f in varied}
    for factor in varied:
        by_level = dict(list(pairs.groupby(factor, sort=False)))
        yield from ((LEVEL, factor, level, by_level[level]) for level in levels[factor])
    if len(varied) > 1:
        ordered = stats.sort_by_levels(pairs, levels)
        for names, part in ordered.groupby(varied, sort=False):
            yield ARM, ", ".join(varied), ", ".join(map(str, names)), part


def _row(
    kind: str, factor: str, level: str, part: pd.DataFrame, higher_is_better: bool
) -> dict[str, Any]:
    whole = part[part["difference"].notna()]
    blocks = _blocks_of(whole, whole["difference"])
    effect = float(mean_of(blocks)[0]) if len(whole) else np.nan
    lost = {f"{how}_{side}": int(part[f"{how}_{side}"].sum()) for how in FAILED for side in "ab"}
    return {
        "kind": kind,
        "factor": factor,
        "level": level,
        "n": len(part),
        "n_ok": len(whole),
        "effect": effect,
        "largest": float(whole["difference"].abs().max()) if len(whole) else np.nan,
        "p": held_p(effect, _p_of(blocks), part, higher_is_better),
        **lost,
        "failed_p": _failed_p(kind, part),
    }


def _blocks_of(pairs: pd.DataFrame, values: pd.Series) -> Blocks:
    return gather_blocks(values.to_numpy(dtype=float), pairs["data"], pairs["seed"])


def _p_of(blocks: Blocks) -> float:
    """Return the p of a mean of zero over blocks; NaN where blocks cannot tell.

    Student's t over the blocks, within data sets. Where they do not vary there is no spread to go
    by, and what counts is on which side they fall.
    """
    if not len(blocks.per_stratum) or (blocks.per_stratum < 2).any():
        return np.nan
    if varies(blocks)[0]:
        return float(two_sided_p(spread_of(blocks))[0])
    return _sign_p((blocks.sums / blocks.sizes)[:, 0])


def _sign_p(values: np.ndarray) -> float:
    """Return the p of the exact sign test; 1 where no value takes a side."""
    above, below = int((values > 0).sum()), int((values < 0).sum())
    return float(binomtest(above, above + below).pvalue) if above + below else 1.0


def _failed_p(kind: str, part: pd.DataFrame) -> float:
    """Return the p of equal shares of failures; NaN where nothing failed, which tests nothing.

    In an arm every cell is a block of its own: Fisher's exact test of the counts. Elsewhere cells
    share blocks, and the blocks' shares are compared as the metric is. Where these do not vary,
    or a data set has one block, it is the exact sign test over the cells that failed on one side
    only: all that were lost at once cannot pass for chance because every seed lost them.
    """
    in_a, in_b = (part[[f"{how}_{side}" for how in FAILED]].any(axis=1) for side in "ab")
    if not (in_a | in_b).any():
        return np.nan
    if kind == ARM:
        counts = [int(in_a.sum()), int(in_b.sum())]
        return float(fisher_exact([counts, [len(part) - count for count in counts]])[1])
    change = in_b.astype(float) - in_a.astype(float)
    blocks = _blocks_of(part, change)
    if (blocks.per_stratum < 2).any() or not varies(blocks)[0]:
        return _sign_p(change.to_numpy())
    return _p_of(blocks)


def _corrected(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return corrected p-values: the row of all cells stands alone, the others share 5 %.

    Holm's within a kind, times the number of kinds.
    """
    alone = rows["kind"].eq(OVERALL)
    n_kinds = rows.loc[rows[column].notna() & ~alone, "kind"].nunique()
    corrected = rows.groupby("kind")[column].transform(lambda p: stats.holm(p.to_numpy()))
    return corrected.where(alone, corrected * n_kinds).clip(upper=1.0)


def _judgement(
    row: Mapping[Any, Any],
    part: pd.DataFrame,
    higher_is_better: bool,
    generator_for: stats.GeneratorFor,
) -> dict[str, Any]:
    """Return `verdict, reason, low, high`: no side where the interval holds zero."""
    is_shown = row["kind"] != ARM or row["p_corrected"] < ALPHA
    purpose = f"{row['kind']}/{row['factor']}/{row['level']}"
    found = _interval(part, generator_for(purpose) if is_shown else None)
    word = stats.verdict(found, higher_is_better, row["p_corrected"])
    if row["largest"] == 0:
        word = TIE
    is_clear = word in (BETTER, WORSE)
    ends = (found.low, found.high) if row["kind"] != ARM or is_clear else (np.nan, np.nan)
    reason = (found.reason or "") if word == UNDEFINED else ""
    return {"verdict": word, "reason": reason, "low": ends[0], "high": ends[1]}


def _interval(part: pd.DataFrame, generator: np.random.Generator | None) -> stats.Interval:
    """Return the mean difference with its interval, left out without a generator.

    Of `ALL_ALIKE` blocks that do not vary within a data set it runs from the lowest to the highest:
    so many hold the median between them in 97 of 100 cases.
    """
    whole = part[part["difference"].notna()]
    if whole.empty:
        return stats.Interval(np.nan, np.nan, np.nan, 0, NOTHING_LEFT.format(len(part)))
    blocks = _blocks_of(whole, whole["difference"])
    count, mean = len(blocks.strata), float(mean_of(blocks)[0])
    if (blocks.per_stratum > 1).all() and not varies(blocks)[0] and count >= ALL_ALIKE:
        means = blocks.sums / blocks.sizes
        return stats.Interval(mean, float(means.min()), float(means.max()), count)
    reason = why_undefined(blocks)
    if reason or generator is None:
        return stats.Interval(mean, np.nan, np.nan, count, reason)
    return stats.bootstrap_interval(
        whole["difference"], whole["data"], generator, blocks=whole["seed"]
    )


def _exact_judgement(part: pd.DataFrame, higher_is_better: bool) -> dict[str, Any]:
    """Return the verdict where nothing is random: what all pairs that differ agree on."""
    signs = set(np.sign(part["difference"].dropna())) - {0.0}
    word, reason = TIE, ""
    if part["difference"].isna().all():
        word, reason = UNDEFINED, NOTHING_LEFT.format(len(part))
    elif len(signs) == 1:
        word = BETTER if (signs.pop() > 0) == higher_is_better else WORSE
    elif signs:
        word = MIXED
    return {"verdict": word, "reason": reason, "low": np.nan, "high": np.nan}


def _failed_verdict(row: Mapping[Any, Any]) -> str:
    in_a, in_b = failures(row)
    if not row["failed_corrected"] < ALPHA or in_a == in_b:
        return ""
    return MORE if in_b > in_a else LESS


def failures(row: Mapping[Any, Any]) -> tuple[int, int]:
    """Return how many cells of a row diverged or crashed, in a and in b."""
    in_a, in_b = (sum(int(row[f"{how}_{side}"]) for how in FAILED) for side in "ab")
    return in_a, in_b


def regressions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in which b is really worse than a, or fails really more often."""
    return rows[rows["verdict"].eq(WORSE) | rows["failed_verdict"].eq(MORE)]
