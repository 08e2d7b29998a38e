"""Ranks within blocks: who comes first, whether ranks differ at all, and which pairs do."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats

from nnbench.stats.contrasts import contrast, correct_family, holm
from nnbench.stats.intervals import GeneratorFor
from nnbench.stats.pairing import usable_values
from nnbench.stats.power import ALPHA
from nnbench.stats.signed_rank import LEAST_BLOCKS, signed_rank
from nnbench.study.metrics import METRICS

MOST_CONTESTANTS = 40
LABEL_SEPARATOR = " / "
BLOCK = ("data", "seed")
PAIR_COLUMNS = ("wins", "losses", "ties", "blocks", "p", "p_holm", "reason", "differs")


def contestant_labels(frame: pd.DataFrame, by: Sequence[str]) -> pd.Series:
    """Return one label a row: the levels of the factors in `by`, joined."""
    parts = [frame[f].astype(str) for f in by]
    label = parts[0]
    for part in parts[1:]:
        label = label + LABEL_SEPARATOR + part
    return label.astype(object)


def problem_scores(
    frame: pd.DataFrame, by: Sequence[str], metric: str, factors: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return a score for each problem and contestant, higher being better.

    `frame` is labelled; contestants, (columns), are the combinations of `by`; factors: all of the
    study's, if they are more than `by`. A *problem* is a data set, a seed and one level of each
    other factor, and the index names them in that order. The score is the metric, with its sign
    turned if lower is better; -infinity where the cell has none, so that diverged ranks last; and
    null where there is no such cell.
    """
    values = usable_values(frame, metric)
    signed = values if METRICS[metric].higher_is_better else -values
    table, keys = _contest(frame, by, factors, signed.fillna(-math.inf))
    names = list(dict.fromkeys(table["arm"]))
    wide = table.set_index([*keys, "arm"])["value"].unstack("arm").reindex(columns=names)
    return wide.rename_axis(columns="arm")


def block_scores(problems: pd.DataFrame) -> pd.DataFrame:
    """Return a score for each block and contestant, higher being better; the index: `data, seed`.

    problems: of `problem_scores`. Where a block is one problem, the score is the problem's. Where
    it is several, the score is minus the mean rank over them, for a mean of the metric would need a
    number for the cells that diverged. Only problems that every contestant met count: `attrs` has
    `problems_used` of `problems`.
    """
    scores: pd.DataFrame = problems.dropna()
    used = len(scores)
    if problems.index.nlevels > len(BLOCK):
        scores = -scores.rank(axis="columns", ascending=False)
        scores = scores.groupby(level=list(BLOCK)).mean()
    scores.attrs = {"problems": len(problems), "problems_used": used}
    return scores


def _contest(
    frame: pd.DataFrame, by: Sequence[str], factors: Sequence[str] | None, values: pd.Series
) -> tuple[pd.DataFrame, list[str]]:
    """Return `arm`, `value` and the keys of a problem, one row a cell, and those keys."""
    keys = [*BLOCK, *(f for f in factors or () if f not in by)]
    table = frame[keys].assign(value=values, arm=contestant_labels(frame, by))
    if table.duplicated([*keys, "arm"]).any():
        raise ValueError(f"cells share {keys} and {list(by)}: name the other factors too")
    return table, keys


def mean_ranks(scores: pd.DataFrame) -> pd.DataFrame:
    """Return `arm, mean_rank, blocks`, the best first: ranks within blocks, ties averaged."""
    ranks = scores.rank(axis="columns", ascending=False).mean()
    table = pd.DataFrame({"arm": list(scores.columns), "mean_rank": ranks.to_numpy(dtype=float)})
    table["blocks"] = len(scores)
    return table.sort_values("mean_rank", kind="stable", ignore_index=True)


def friedman(scores: pd.DataFrame) -> dict[str, Any]:
    """Return Friedman's test that all contestants rank alike: `statistic, p, blocks, arms, reason`.

    Undefined below 5 blocks or 3 contestants, or where all tie in every block. Source: Demšar
    2006, Statistical Comparisons of Classifiers over Multiple Data Sets.
    """
    blocks, arms = scores.shape
    result: dict[str, Any] = {"statistic": math.nan, "p": math.nan, "blocks": blocks, "arms": arms}
    ranks = scores.rank(axis="columns").to_numpy()
    if blocks < LEAST_BLOCKS:
        return result | {"reason": f"undefined: {blocks} blocks, but the test needs {LEAST_BLOCKS}"}
    if arms < 3:
        return result | {"reason": f"undefined: {arms} contestants, but the test needs 3"}
    if np.ptp(ranks, axis=1).max() == 0:
        return result | {"reason": f"undefined: all {arms} tie in every block"}
    statistic, p = scipy.stats.friedmanchisquare(*ranks.T)
    return result | {"statistic": float(statistic), "p": float(p), "reason": None}


def pairwise_ranks(problems: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pair of contestants, Wilcoxon's test with Holm's correction over all.

    problems: of `problem_scores`. A pair is judged by its own scores on the problems that both
    met, whoever else competes: in a block of one problem by their difference, of several by the
    share won less the share lost. Columns: `first, second, wins, losses, ties, blocks` (of the
    first over the second), `p, p_holm, reason, differs`. Raises ValueError above 40 contestants:
    780 pairs are corrected for already, so none of more would be found to differ, and no one reads
    them. Source: Benavoli, Corani and Mangili 2016, Should We Really Use Post-Hoc Tests Based on
    Mean-Ranks?
    """
    names, scores = list(problems.columns), problems.to_numpy(dtype=float)
    _check_contestants(names)
    blocks = problems.groupby(level=list(BLOCK), sort=False).ngroup().to_numpy()
    is_lone = problems.index.nlevels == len(BLOCK)
    rows = []
    for first, second in itertools.combinations(range(len(names)), 2):
        met = ~np.isnan(scores[:, [first, second]]).any(axis=1)
        one, other = scores[met, first], scores[met, second]
        ahead = _gaps(one, other) if is_lone else _shares_ahead(one, other, blocks[met])
        test = signed_rank(ahead)
        row = {"first": names[first], "second": names[second], "wins": int((ahead > 0).sum())}
        row |= {"losses": int((ahead < 0).sum()), "ties": int((ahead == 0).sum())}
        rows.append(row | {"blocks": len(ahead), "p": test.p, "reason": test.reason})
    table = pd.DataFrame(rows, columns=["first", "second", *PAIR_COLUMNS])
    table["p_holm"] = holm(table["p"].to_numpy(dtype=float))
    table["differs"] = table["p_holm"] < ALPHA
    table["reason"] = table["reason"].astype(object).where(table["reason"].notna(), None)
    return table


def _gaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the differences; 0 where both are -infinity."""
    return np.subtract(one, other, out=np.zeros(len(one)), where=one != other)


def _shares_ahead(one: np.ndarray, other: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return for each block the share of its problems won, less the share lost."""
    won = (one > other).astype(float) - (one < other)
    counts = np.bincount(blocks)
    return np.bincount(blocks, weights=won)[counts > 0] / counts[counts > 0]


def rank_cliques(ranks: pd.DataFrame, pairs: pd.DataFrame, friedman_p: float) -> list[list[str]]:
    """Return the groups of neighbours in mean rank among whom no pair differs, for the bars of a
    critical-difference diagram.

    ranks: of `mean_ranks`. pairs: of `pairwise_ranks`. Where Friedman's test does not reject, all
    are one group; of two contestants there is no such test, and their one pair decides. With 5
    blocks no pair can differ, for the smallest p is 1/16. A group of one is left out, and so is one
    inside of another. Source: Benavoli, Corani and Mangili 2016.
    """
    order = list(ranks["arm"])
    if len(order) > 2 and not friedman_p < ALPHA:
        return [order] if len(order) > 1 else []
    differing = pairs[pairs["differs"].astype(bool)]
    apart = {frozenset(pair) for pair in zip(differing["first"], differing["second"], strict=True)}
    groups: list[list[str]] = []
    end = 0
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and not any(
            frozenset((member, order[stop])) in apart for member in order[start:stop]
        ):
            stop += 1
        if stop > end and stop - start > 1:
            groups.append(order[start:stop])
        end = max(end, stop)
    return groups


def pairwise_differences(
    frame: pd.DataFrame,
    by: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
    factors: Sequence[str] | None = None,
    looked: bool = False,
) -> pd.DataFrame:
    """Return one row per pair of contestants: `first, second` and the columns of `contrast`.

    The difference is first minus second over cells alike in all else; verdicts hold for all pairs
    together. It says more than ranks do where there are fewer than 5 blocks. Raises ValueError
    above 40 contestants. looked: the study was judged before, with fewer seeds.
    """
    table, key = _contest(frame, by, factors, usable_values(frame, metric))
    names = list(dict.fromkeys(table["arm"]))
    _check_contestants(names)
    cells = {name: part.drop(columns="arm") for name, part in table.groupby("arm", sort=False)}
    rows = []
    for first, second in itertools.combinations(names, 2):
        pairs = cells[first].merge(cells[second], on=key, suffixes=("", "_second"))
        pairs["difference"] = pairs["value"] - pairs["value_second"]
        pairs["lost"], pairs["lost_baseline"] = pairs["value"].isna(), pairs["value_second"].isna()
        generator = generator_for(f"{first}/{second}/pair")
        row = {"first": first, "second": second} | contrast(pairs, metric, generator, looked)
        rows.append(row)
    if not rows:
        return pd.DataFrame(columns=["first", "second", "effect", "verdict"])
    return correct_family(pd.DataFrame(rows), metric)


def _check_contestants(names: Sequence[str]) -> None:
    if len(names) > MOST_CONTESTANTS:
        raise ValueError(f"{len(names)} contestants: at most {MOST_CONTESTANTS} can be compared")
