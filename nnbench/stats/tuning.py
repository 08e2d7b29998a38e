"""What tuning is worth: how wide the good region is, and the best to expect of k trials.

These take the cells of every setting that was tried, before one is chosen.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import gammaln

from nnbench.stats.blocks import Blocks
from nnbench.stats.intervals import GeneratorFor, column_intervals
from nnbench.stats.labels import format_level, level_labels
from nnbench.stats.pairing import as_numbers, usable, usable_values
from nnbench.study.metrics import METRICS

RESAMPLES = 2000
REGION_COLUMNS = (
    *("settings", "best", "best_mean", "tolerance", "low", "high", "decades"),
    *("open_low", "open_high", "used", "n", "reason"),
)
TRIAL_COLUMNS = (
    *("trials", "settings", "val", "mean", "mean_low", "mean_high", "mean_reason"),
    *("none", "blocks_used", "blocks", "reason"),
)


def default_tolerance(metric: str, best: float) -> float:
    """Return how far from the best still is good: 0.01 of a score, a tenth of any other metric."""
    is_score = METRICS[metric].higher_is_better and METRICS[metric].high == 1.0
    return 0.01 if is_score else 0.1 * abs(best)


def good_region(
    cells: pd.DataFrame,
    factors: Sequence[str],
    tuned: str,
    metric: str,
    tolerance: float | None = None,
) -> pd.DataFrame:
    """Return how wide the region of good settings is, one row per data set and arm.

    `tuned` is a numeric column, such as `optimizer.lr`; the metric should be one of validation. A
    setting's mean counts only if all its cells have the metric. The region is the run of settings
    around the best whose means are within the tolerance of it, its ends on straight lines between
    means over the logarithm of the setting. Columns: `data`, the factors, `settings, best,
    best_mean, tolerance, low, high, decades` (log10 of high over low), `open_low, open_high` (all
    settings to that end are good, so the width is a lower bound), `used` of `n` settings,
    `reason`. Undefined where the best lies at an end of what was tried, for the true best may lie
    beyond, or where a setting is not positive.
    """
    labelled = _labelled(cells, factors, [tuned])
    rows = []
    for arm, part in labelled.groupby(["data", *factors], sort=False):
        heads = dict(zip(["data", *factors], arm, strict=True))
        rows.append(heads | _region(part, tuned, metric, tolerance))
    return pd.DataFrame(rows, columns=["data", *factors, *REGION_COLUMNS])


def _labelled(cells: pd.DataFrame, factors: Sequence[str], tuned: Sequence[str]) -> pd.DataFrame:
    labels = {name: level_labels(cells, name, tuned) for name in ("data", *factors)}
    return cells.assign(**labels)


def _region(part: pd.DataFrame, tuned: str, metric: str, tolerance: float | None) -> dict[str, Any]:
    """Return the region of one arm on one data set."""
    grouped = usable_values(part, metric).groupby(part[tuned].astype(float))
    means = grouped.mean().where(grouped.count() == grouped.size()).sort_index()
    row: dict[str, Any] = dict.fromkeys(REGION_COLUMNS, math.nan)
    row |= {"settings": len(means), "n": len(means), "used": int(means.notna().sum())}
    row |= {"open_low": False, "open_high": False, "reason": None}
    if means.empty:
        return row | {"reason": f"undefined: it has no {tuned}"}
    if means.notna().sum() == 0:
        return row | {"reason": "undefined: no setting finished all its seeds"}
    signed = means if METRICS[metric].higher_is_better else -means
    place = int(np.nanargmax(signed.to_numpy()))
    settings = means.index.to_numpy(dtype=float)
    best = float(means.iloc[place])
    near = default_tolerance(metric, best) if tolerance is None else tolerance
    row |= {"best": float(settings[place]), "best_mean": best, "tolerance": near}
    reason = _why_no_region(settings, place)
    if reason:
        return row | {"reason": reason}
    above = signed.to_numpy() - (float(signed.iloc[place]) - near)
    scale = np.log10(settings)
    down, up = _reach(above[place::-1], scale[place::-1]), _reach(above[place:], scale[place:])
    row |= {"low": 10 ** down[0], "high": 10 ** up[0], "decades": up[0] - down[0]}
    return row | {"open_low": down[1], "open_high": up[1]}


def _why_no_region(settings: np.ndarray, place: int) -> str | None:
    """Return why the region around the best setting cannot be told, or None where it can."""
    if (settings <= 0).any():
        return "undefined: a setting is not positive, so it has no logarithm"
    if place in (0, len(settings) - 1):
        end = "smallest" if place == 0 else "largest"
        best = format_level(float(settings[place]))
        return f"undefined: the best, {best}, is the {end} tried"
    return None


def _reach(above: np.ndarray, scale: np.ndarray) -> tuple[float, bool]:
    """Return how far good settings go from the best, first in line, and whether to the end.

    above: how far each mean is above the bar, null where cells are missing. The bar is crossed on
    the straight line between the last good and the next setting; where that one has no mean, the
    last good one is the end.
    """
    bad = np.flatnonzero(~(above >= 0))
    if not len(bad):
        return float(scale[-1]), True
    last, following = int(bad[0]) - 1, int(bad[0])
    if np.isnan(above[following]):
        return float(scale[last]), False
    part = above[last] / (above[last] - above[following])
    return float(scale[last] + part * (scale[following] - scale[last])), False


def choice_chances(settings: int, trials: int) -> np.ndarray:
    """Return the chance that the i-th best of the settings is the best of k drawn, (settings,).

    Drawn without replacement: C(N - i, k - 1) / C(N, k). Source: Dodge et al. 2019, Show Your
    Work, in the exact form of Tang et al. 2020, Showing Your Work Doesn't Always Work.
    """
    worse = settings - np.arange(1, settings + 1)
    others = trials - 1
    chances = np.zeros(settings)
    ok = worse >= others
    chances[ok] = np.exp(_log_choose(worse[ok], others) - _log_choose(settings, trials))
    return chances


def _log_choose(n: np.ndarray | int, k: int) -> np.ndarray:
    result: np.ndarray = gammaln(np.asarray(n) + 1.0) - gammaln(k + 1.0)
    return result - gammaln(np.asarray(n) - k + 1.0)


def expected_best(
    cells: pd.DataFrame,
    factors: Sequence[str],
    tuned: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
    select: str,
) -> pd.DataFrame:
    """Return what to expect of k random trials of the tuned settings, for every k.

    In each block the settings are ordered by `select`, on validation, equals by `val_loss`; k of
    them are tried, each set of k being as likely, and the best is kept. Columns: `data`, the
    factors, `trials` (k), `settings`, `val` (expected `select` of the chosen), `mean` with its
    interval over blocks (expected test `metric` of the chosen), `none` (chance that no trial
    finishes, in the worst block), `blocks_used` of `blocks`, `reason`. Where all k trials may
    diverge there is no expected value, and the reason says so.
    """
    columns = [c for c in tuned if c in cells.columns]
    keys = ["data", *factors]
    trials = _trials(_labelled(cells, factors, columns), metric, select)
    parts = []
    for arm, part in trials.groupby(keys, sort=False):
        name = "/".join(str(value) for value in arm)
        table = _curve(part, generator_for(f"trials/{name}"))
        for place, (key, value) in enumerate(zip(keys, arm, strict=True)):
            table.insert(place, key, str(value))
        parts.append(table)
    if not parts:
        return pd.DataFrame(columns=[*keys, *TRIAL_COLUMNS])
    found = pd.concat(parts, ignore_index=True)
    ends = METRICS[metric]
    found["mean_low"] = found["mean_low"].clip(lower=ends.low)
    found["mean_high"] = found["mean_high"].clip(upper=ends.high)
    return found.assign(val=found["val"] * (-1 if METRICS[select].higher_is_better else 1))


def _trials(labelled: pd.DataFrame, metric: str, select: str) -> pd.DataFrame:
    """Return each cell with `block`, `val` (low is better, infinite without a result) and `test`,
    the best of each block first.
    """
    is_done = usable(labelled, metric) & usable(labelled, select)
    val = as_numbers(labelled[select])
    signed = -val if METRICS[select].higher_is_better else val
    table = labelled.assign(
        block=labelled.groupby(["data", "seed"], sort=True).ngroup(),
        val=signed.where(is_done, math.inf),
        test=as_numbers(labelled[metric]).where(is_done),
    )
    return table.sort_values(["block", "val", "val_loss"], kind="stable")


def _curve(part: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """Return the rows of `expected_best` of one arm, one for each number of trials."""
    first = np.unique(part["block"].to_numpy(), return_index=True)[1]
    val, test = (np.split(part[c].to_numpy(), first[1:]) for c in ("val", "test"))
    blocks, settings = len(first), min(len(one) for one in val)
    each = [_of_block(*both, settings) for both in zip(val, test, strict=True)]
    chosen, tested, none = (np.stack([one[i] for one in each]) for i in range(3))
    known = (none < 1e-12).sum(axis=0)
    whole = known == blocks
    ends = np.full((settings, 3), math.nan)
    reasons, lost = (np.full(settings, None, dtype=object) for _ in range(2))
    lost[~whole] = [
        _lost(at + 1, int(known[at]), blocks) for at in range(settings) if not whole[at]
    ]
    if whole.any():
        names, strata = np.unique(part["data"].to_numpy(dtype=str)[first], return_inverse=True)
        gathered = Blocks(tested[:, whole], np.ones((blocks, 1)), strata, list(names))
        ends[whole], reasons[whole] = column_intervals(gathered, generator, RESAMPLES)
    columns = {"trials": np.arange(1, settings + 1), "settings": settings}
    columns |= {"val": np.where(whole, chosen.mean(axis=0), math.nan)}
    columns |= dict(zip(("mean", "mean_low", "mean_high"), ends.T, strict=True))
    columns |= {"mean_reason": pd.Series(reasons, dtype=object), "none": none.max(axis=0)}
    columns |= {"blocks_used": known, "blocks": blocks, "reason": pd.Series(lost, dtype=object)}
    return pd.DataFrame(columns)


def _of_block(
    val: np.ndarray, test: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the expected values of the chosen and the chance of none, each (trials,).

    val, test: (settings,), the best first and those without a result last.
    """
    chances = _all_chances(len(val), most)
    done = int(np.isfinite(val).sum())
    found = chances[:, :done]
    return found @ val[:done], found @ test[:done], chances[:, done:].sum(axis=1)


@lru_cache(maxsize=64)
def _all_chances(settings: int, most: int) -> np.ndarray:
    return np.stack([choice_chances(settings, trials) for trials in range(1, most + 1)])


def _lost(trials: int, known: int, blocks: int) -> str:
    tried = "the trial may diverge" if trials == 1 else f"all {trials} trials may diverge"
    return f"undefined: {tried} in {blocks - known} of {blocks} blocks"
