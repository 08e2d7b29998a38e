"""Which differences between two results are real: overall, by level of a factor, by arm.

Every row compares the same cells in a and b. Its p-values are corrected over all rows of the
comparison: Holm's method among the rows of one kind, times the number of kinds, so that two runs
that differ in nothing but chance are told apart in 5 % of comparisons at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from nnbench import stats
from nnbench.stats.blocks import gather_blocks, spread_of, two_sided_p

OVERALL, LEVEL, ARM = "overall", "level", "arm"
ALPHA = 0.05
BETTER, WORSE, TIE = "better", "worse", "tie"
UNCLEAR, UNDEFINED, MIXED = "no clear difference", "undefined", "mixed"
MORE, LESS = "more often", "less often"


def compare_pairs(
    pairs: pd.DataFrame,
    factors: Mapping[str, Sequence[str]],
    higher_is_better: bool,
    generator_for: stats.GeneratorFor,
    is_exact: bool = False,
) -> pd.DataFrame:
    """Return one row overall, one per level of each factor that varies, one per arm.

    pairs: those of `nnbench.matching.Matched`; factors: each with its levels in the order to show
    them. Columns: `kind, factor, level, n, n_ok, effect` (b
    minus a, in the metric's unit), `low, high` (95 %; of an arm only where it is clear), `largest`
    (absolute difference), `p, p_corrected, verdict` (of b), and
    `diverged_a, diverged_b, diverged_p, diverged_verdict` (of b: more often, less often, or empty).
    is_exact: nothing is random, so that every difference is real.
    """
    groups = list(_groups(pairs, factors))
    rows = pd.DataFrame([_row(kind, factor, level, part) for kind, factor, level, part in groups])
    rows = rows.assign(
        p_corrected=_corrected(rows, "p"), diverged_corrected=_corrected(rows, "diverged_p")
    )
    parts = [part for *_, part in groups]
    rows["verdict"] = [
        _exact_verdict(part, higher_is_better) if is_exact else _verdict(row, higher_is_better)
        for row, part in zip(rows.to_dict("records"), parts, strict=True)
    ]
    rows["diverged_verdict"] = [_diverged(row) for row in rows.to_dict("records")]
    shown = rows["kind"].ne(ARM) | rows["verdict"].isin([BETTER, WORSE])
    ends = [
        _interval(part, generator_for(f"{row['kind']}/{row['factor']}/{row['level']}"))
        if wanted and not is_exact
        else (np.nan, np.nan)
        for row, part, wanted in zip(rows.to_dict("records"), parts, shown, strict=True)
    ]
    return rows.assign(low=[low for low, _ in ends], high=[high for _, high in ends])


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


def _row(kind: str, factor: str, level: str, part: pd.DataFrame) -> dict[str, Any]:
    whole = part[part["difference"].notna()]
    diverged = {side: int(part[f"diverged_{side}"].sum()) for side in ("a", "b")}
    return {
        "kind": kind,
        "factor": factor,
        "level": level,
        "n": len(part),
        "n_ok": len(whole),
        "effect": float(whole["difference"].mean()) if len(whole) else np.nan,
        "largest": float(whole["difference"].abs().max()) if len(whole) else np.nan,
        "p": _p_of(whole, whole["difference"]),
        "diverged_a": diverged["a"],
        "diverged_b": diverged["b"],
        "diverged_p": _diverged_p(kind, part, diverged["a"], diverged["b"]),
    }


def _p_of(pairs: pd.DataFrame, values: pd.Series) -> float:
    """Return the p of a mean of zero over blocks; NaN where blocks cannot tell.

    Student's t over the blocks, within data sets. Where all blocks have one value that is not
    zero, there is no spread to go by, but they all fall on one side: by chance in 2^(1 - n).
    """
    blocks_of = pairs.groupby("data")["seed"].nunique()
    if pairs.empty or (blocks_of < 2).any():
        return np.nan
    blocks = gather_blocks(values.to_numpy(dtype=float), pairs["data"], pairs["seed"])
    spread = spread_of(blocks)
    if float(spread.error[0]) <= 1e-12 * max(1.0, abs(float(spread.mean[0]))):
        is_zero = abs(float(spread.mean[0])) <= 1e-12
        return 1.0 if is_zero else 2.0 ** (1 - len(blocks.strata))
    return float(two_sided_p(spread)[0])


def _diverged_p(kind: str, part: pd.DataFrame, in_a: int, in_b: int) -> float:
    """Return the p of equal divergence; NaN where nothing diverged, which tests nothing.

    In an arm every cell is a block of its own: Fisher's exact test of the counts. Elsewhere cells
    share blocks, and the blocks' shares are compared as the metric is.
    """
    if not in_a + in_b:
        return np.nan
    if kind == ARM:
        table = [[in_a, len(part) - in_a], [in_b, len(part) - in_b]]
        return float(fisher_exact(table)[1])
    change = part["diverged_b"].astype(float) - part["diverged_a"].astype(float)
    return _p_of(part, change)


def _corrected(rows: pd.DataFrame, column: str) -> pd.Series:
    """Return p-values corrected over all rows: Holm's within a kind, times the number of kinds."""
    n_kinds = rows.loc[rows[column].notna(), "kind"].nunique()
    corrected = rows.groupby("kind")[column].transform(lambda p: stats.holm(p.to_numpy()))
    return (corrected * n_kinds).clip(upper=1.0)


def _verdict(row: Mapping[Any, Any], higher_is_better: bool) -> str:
    if np.isnan(row["p"]):
        return UNDEFINED
    if row["largest"] == 0:
        return TIE
    if row["p_corrected"] >= ALPHA:
        return UNCLEAR
    return BETTER if (row["effect"] > 0) == higher_is_better else WORSE


def _exact_verdict(part: pd.DataFrame, higher_is_better: bool) -> str:
    """Return the verdict where nothing is random: what all pairs that differ agree on."""
    signs = set(np.sign(part["difference"].dropna())) - {0.0}
    if part["difference"].isna().all():
        return UNDEFINED
    if len(signs) != 1:
        return MIXED if signs else TIE
    return BETTER if (signs.pop() > 0) == higher_is_better else WORSE


def _diverged(row: Mapping[Any, Any]) -> str:
    if not row["diverged_corrected"] < ALPHA or row["diverged_a"] == row["diverged_b"]:
        return ""
    return MORE if row["diverged_b"] > row["diverged_a"] else LESS


def _interval(part: pd.DataFrame, generator: np.random.Generator) -> tuple[float, float]:
    whole = part[part["difference"].notna()]
    if whole.empty:
        return np.nan, np.nan
    found = stats.bootstrap_interval(
        whole["difference"], whole["data"], generator, blocks=whole["seed"]
    )
    return found.low, found.high


def regressions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in which b is really worse than a, or diverges really more often."""
    return rows[rows["verdict"].eq(WORSE) | rows["diverged_verdict"].eq(MORE)]
