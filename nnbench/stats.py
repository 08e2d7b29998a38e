"""Statistics of a study: frame in, frame out, with an explicit generator and no drawing.

The currency is the *labelled frame* of `label_cells`: one row per cell, one column of text per
factor, and the result columns. A cell that diverged keeps its row and has a null metric; every
average here says how many cells stand behind it (`used` of `n`), and no null becomes a number.

The unit of replication is the *block*, one (data set, seed) pair: cells of a block share their
split, batches and underlying noise, so they are not independent of each other; blocks are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtrit

GeneratorFor = Callable[[str], np.random.Generator]
"""Purpose -> generator, so that one more level changes no other level's interval."""


@dataclass(frozen=True)
class Metric:
    """What a result column means: its name in prose, its better direction, where it applies."""

    label: str
    higher_is_better: bool
    task: str | None = None  # "classification" or "regression"; None applies everywhere


METRICS: dict[str, Metric] = {
    "test_accuracy": Metric("test accuracy", True, "classification"),
    "val_accuracy": Metric("validation accuracy", True, "classification"),
    "train_accuracy": Metric("training accuracy", True, "classification"),
    "test_r2": Metric("test R²", True, "regression"),
    "val_r2": Metric("validation R²", True, "regression"),
    "train_r2": Metric("training R²", True, "regression"),
    "test_loss": Metric("test loss", False),
    "val_loss": Metric("validation loss", False),
    "train_loss": Metric("training loss", False),
    "loss_gap": Metric("gap between test and training loss", False),
    "score_gap": Metric("gap between training and test score", False),
    "weight_norm": Metric("norm of the weights", False),
    "small_weight_fraction": Metric("share of weights near zero", True),
    "epochs_to_target": Metric("epochs to the target", False),
    "epochs_run": Metric("epochs run", False),
    "seconds": Metric("seconds", False),
    "reached_global": Metric("share of walks that reach the global minimum", True),
    "final_value": Metric("height at the end", False),
    "distance_to_minimum": Metric("distance to the minimum", False),
    "steps_to_minimum": Metric("steps to the minimum", False),
    "safe_up_to": Metric("largest safe |logit|", True),
    "max_relative_error": Metric("largest relative error of the loss", False),
    "max_gradient_error": Metric("largest relative error of the gradient", False),
}


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval; where the interval is undefined, `reason` says why."""

    estimate: float
    low: float
    high: float
    blocks: int
    reason: str | None = None


# Labels ---------------------------------------------------------------------------------------


def format_level(value: Any) -> str:
    """Return a level as a person writes it: `0.001`, `8`, `true`, `none`."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return "none"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        # A column with a null is read back as float, so a whole number may carry a ".0".
        return repr(float(value)).removesuffix(".0")
    return str(value)


def factor_columns(frame: pd.DataFrame, factors: Iterable[str]) -> list[str]:
    """Return the columns that belong to the factors, sub-parameters (`optimizer.lr`) included."""
    names = list(factors)
    return [c for c in frame.columns if any(c == f or c.startswith(f"{f}.") for f in names)]


def level_labels(frame: pd.DataFrame, factor: str, ignore: Sequence[str] = ()) -> pd.Series:
    """Return one label per row: the level's name and those sub-parameters that vary within it.

    `leaky_relu` with one slope is `leaky_relu`; with two it is `leaky_relu negative_slope=0.2`.
    Columns in `ignore` (tuned ones) never enter a label.
    """
    names = frame[factor].astype(object).map(format_level)
    labels = names.copy()
    for column in factor_columns(frame, [factor]):
        if column == factor or column in ignore or column == "data.sha256":
            continue
        values = frame[column].astype(object).map(format_level)
        varies = values.groupby(names).transform("nunique") > 1
        name = column.removeprefix(f"{factor}.")
        if "." in name:  # a nested variant's parameter, which not all of them have
            varies &= frame[column].notna()
        suffix = f" {name}=" + values
        labels = labels.where(~varies, labels + suffix)
    return labels.astype(object)


def top_factors(factors: Iterable[str], columns: Iterable[str]) -> list[str]:
    """Return the factors to analyse: in the frame, and not inside another one, data set or seed.

    The data set is a block and not a factor: that one data set is harder than another says nothing
    about an arm. `optimizer.lr` belongs to `optimizer` where both are factors.
    """
    names, known = list(factors), set(columns)
    inside = ("data", "seed", *names)
    return [
        f
        for f in names
        if f in known
        and f not in ("data", "seed")
        and not any(f.startswith(f"{parent}.") for parent in inside)
    ]


def label_cells(
    cells: pd.DataFrame, factors: Sequence[str], ignore: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the cells with `data` and each factor as one column of labels, others untouched.

    Raises ValueError where two cells of one block have the same labels: then something varies
    that is not a factor, and pairing would compare the wrong cells.
    """
    labels = {name: level_labels(cells, name, ignore) for name in ("data", *factors)}
    labelled = cells.assign(**labels).reset_index(drop=True)
    key = ["data", "seed", *factors]
    twice = labelled.duplicated(key)
    if twice.any():
        row = labelled.loc[twice, key].iloc[0].to_dict()
        raise ValueError(f"two cells share {row}: a column that varies is not among the factors")
    return labelled


def choose_tuned(cells: pd.DataFrame, factors: Sequence[str], tuned: Sequence[str]) -> pd.DataFrame:
    """Keep, in each arm, the cells of the tuned setting that does best on validation.

    Rule: per data set and arm, the setting with most finished seeds, then with the lowest mean
    `val_loss` over its seeds, then the first. Test results play no part in the choice.
    """
    columns = [c for c in tuned if c in cells.columns]
    if not columns or cells.empty:
        return cells
    arm = ["data", *factors]
    labelled = cells.assign(**{name: level_labels(cells, name, columns) for name in arm})
    score = labelled.groupby([*arm, *columns], dropna=False, sort=False).agg(
        n_finished=("status", lambda status: int((status == "ok").sum())),
        mean_val_loss=("val_loss", "mean"),
    )
    best = (
        score.reset_index()
        .sort_values(["n_finished", "mean_val_loss"], ascending=[False, True], kind="stable")
        .drop_duplicates(arm)
    )
    key = [*arm, *columns]
    chosen = labelled[key].merge(best[key].assign(chosen=True), on=key, how="left")["chosen"]
    return cells[chosen.eq(True).to_numpy()]


def baseline_level(levels: Sequence[str], declared: Any = None) -> str:
    """Return the level that the others are compared with: the declared one, else the first."""
    if declared is None:
        return levels[0]
    if isinstance(declared, Mapping):
        rest = [f"{k}={format_level(v)}" for k, v in declared.items() if k != "name"]
        wanted = [str(declared.get("name")), *rest]
    else:
        wanted = format_level(declared).split(" ")
    if " ".join(wanted) in levels:
        return " ".join(wanted)
    # A label names only the parameters that vary, so it may say less than the declaration.
    near = [level for level in levels if level.split(" ")[0] == wanted[0]]
    said = [level for level in near if set(level.split(" ")) <= set(wanted)]
    return [*said, *near, *levels][0]


def order_levels(found: Iterable[str], document: Sequence[str]) -> list[str]:
    """Return the levels found, in the study file's order; strangers keep theirs, at the end."""
    names = [label.split(" ")[0] for label in document]

    def place(level: str) -> tuple[int, int]:
        exact = document.index(level) if level in document else len(document)
        name = level.split(" ")[0]
        return (names.index(name) if name in names else len(names), exact)

    return sorted(dict.fromkeys(found), key=place)


def sort_by_levels(frame: pd.DataFrame, levels: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the labelled frame in the order of the levels, the first factor changing slowest."""
    ranks = pd.DataFrame({f: frame[f].map(list(levels[f]).index) for f in levels})
    return frame.loc[ranks.sort_values(list(levels), kind="stable").index]


# Counting and pairing -------------------------------------------------------------------------


def status_counts(frame: pd.DataFrame) -> dict[str, int]:
    """Return how many cells there are (`n`) and how many are ok, diverged and crashed."""
    status = frame["status"]
    return {"n": len(frame)} | {s: int((status == s).sum()) for s in ("ok", "diverged", "crashed")}


def usable(frame: pd.DataFrame, metric: str) -> pd.Series:
    """Return which rows have a number to average: finished, and the metric is finite."""
    values = pd.to_numeric(frame[metric], errors="coerce").astype(float)
    return (frame["status"] == "ok") & np.isfinite(values)


def applicable(frame: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, list[str]]:
    """Drop the data sets on which the metric cannot exist (accuracy of a regression); name them.

    A data set goes where cells finished and none has the metric. Where no cell finished the kind
    of task is unknown, so its cells stay and count as not usable. A metric that belongs to no
    kind of task, such as epochs to a target, may be null because it was never reached: it stays.
    """
    if METRICS[metric].task is None or frame.empty:
        return frame, []
    finished = (frame["status"] == "ok").groupby(frame["data"]).any()
    measured = usable(frame, metric).groupby(frame["data"]).any()
    dropped = sorted(finished.index[finished & ~measured])
    return frame[~frame["data"].isin(dropped)], dropped


def paired_differences(
    frame: pd.DataFrame, factor: str, baseline: str, metric: str, factors: Sequence[str]
) -> pd.DataFrame:
    """Return one row per pair: cells alike in data set, seed and every other factor.

    `frame` is labelled. Columns: `level, data, seed`, the other factors, `difference` (level minus
    baseline; null where either cell has no metric, so that a lost pair is counted and not lost).
    A level's cell without a partner, as in a one-factor design, makes no pair.
    """
    others = [f for f in factors if f != factor]
    key = ["data", "seed", *others]
    values = pd.to_numeric(frame[metric], errors="coerce").astype(float)
    table = frame[[*key, factor]].assign(value=values.where(usable(frame, metric)))
    base = table.loc[table[factor] == baseline, [*key, "value"]]
    pairs = table[table[factor] != baseline].merge(
        base, on=key, suffixes=("", "_baseline"), validate="many_to_one"
    )
    pairs["difference"] = pairs["value"] - pairs["value_baseline"]
    return pairs.rename(columns={factor: "level"})[["level", *key, "difference"]]


# Intervals ------------------------------------------------------------------------------------


def tail_probability(sizes: Sequence[int], level: float) -> float:
    """Return the tail to cut from each side of the resampled means, widened for few blocks.

    A plain percentile interval is too narrow by sqrt((n - 1) / n) and uses normal where Student's
    t is due: at 5 blocks "95 %" covers 84 %, widened 92 %; at 10, 91 and 94 (simulated, normal).
    Source: Hesterberg 2015, What Teachers Should Know About the Bootstrap, section 4.3 (the
    expanded percentile interval); here n is the mean block count of a stratum.
    """
    mean_size = sum(sizes) / len(sizes)
    freedom = sum(size - 1 for size in sizes)
    quantile = stdtrit(freedom, 0.5 + level / 2)
    return float(ndtr(-math.sqrt(mean_size / (mean_size - 1)) * quantile))


def bootstrap_interval(
    values: Sequence[float] | np.ndarray | pd.Series,
    strata: Sequence[Any] | np.ndarray | pd.Series,
    generator: np.random.Generator,
    level: float = 0.95,
    resamples: int = 10_000,
    blocks: Sequence[Any] | np.ndarray | pd.Series | None = None,
    expand: bool = True,
) -> Interval:
    """Return the mean of all values and its bootstrap interval over blocks, within strata.

    values: (n,) finite numbers. strata: (n,) data sets; each resample draws as many blocks from a
    stratum as it has. blocks: (n,) names of the blocks; without them every value is its own.
    expand: widen for few blocks (`tail_probability`); False is the plain percentile interval.
    Undefined, with the reason: no value, a stratum of one block, or blocks that are all equal.
    """
    column = np.asarray(values, dtype=float)
    names = np.arange(len(column)) if blocks is None else np.asarray(blocks, dtype=object)
    table = pd.DataFrame({"value": column, "stratum": np.asarray(strata), "block": names})
    grouped = table.groupby(["stratum", "block"], sort=True)["value"]
    sums, sizes = grouped.sum(), grouped.size()
    estimate = float(column.mean()) if len(column) else math.nan
    reason = _why_undefined(grouped.mean())
    if reason:
        return Interval(estimate, math.nan, math.nan, len(sums), reason)
    total = np.zeros(resamples)
    count = np.zeros(resamples)
    blocks_per_stratum = []
    for _, part in sums.groupby(level="stratum", sort=True):
        size = len(part)
        blocks_per_stratum.append(size)
        times_drawn = generator.multinomial(size, np.full(size, 1 / size), size=resamples)
        total += times_drawn @ part.to_numpy()
        count += times_drawn @ sizes.loc[part.index].to_numpy()
    tail = tail_probability(blocks_per_stratum, level) if expand else (1 - level) / 2
    low, high = np.quantile(total / count, [tail, 1 - tail])
    return Interval(estimate, float(low), float(high), len(sums))


def wilson_interval(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the share k of n with Wilson's score interval, which keeps within 0 and 1.

    Source: Wilson 1927, Probable Inference, the Law of Succession, and Statistical Inference.
    """
    if not n:
        return Interval(math.nan, math.nan, math.nan, 0, "undefined: no value")
    z = float(ndtri(0.5 + level / 2))
    share = k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0), n)


def _why_undefined(block_means: pd.Series) -> str | None:
    """Return why a bootstrap over these blocks says nothing, or None where it does."""
    if block_means.empty:
        return "undefined: no value"
    sizes = block_means.groupby(level="stratum").size()
    if (sizes < 2).all():
        return "undefined: one block" if len(sizes) == 1 else "undefined: one block a data set"
    if (sizes < 2).any():
        return f"undefined: one block in {sizes.index[sizes < 2][0]}"
    spread = block_means.groupby(level="stratum").agg(np.ptp).max()
    if spread <= 1e-12 * max(1.0, float(block_means.abs().max())):
        return f"undefined: all {len(block_means)} blocks equal"
    return None


# One row per level, one row per factor --------------------------------------------------------


def verdict(effect: Interval, higher_is_better: bool) -> str:
    """Return the word for a difference: never "better" where the interval spans zero."""
    if effect.reason:
        return "tie" if effect.estimate == 0 and effect.blocks > 1 else "undefined"
    if effect.low <= 0 <= effect.high:
        return "no clear difference"
    return "better" if (effect.low > 0) == higher_is_better else "worse"


def summarise_factor(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    baseline: str,
    metric: str,
    factors: Sequence[str],
    generator_for: GeneratorFor,
) -> pd.DataFrame:
    """Return one row per level, in order: counts, mean and paired effect, each with interval.

    `frame` is labelled. Columns: `factor, level, baseline, n, ok, diverged, crashed, used, mean,
    mean_low, mean_high, mean_reason, effect, effect_low, effect_high, effect_reason, pairs_used,
    pairs, blocks, verdict`. The mean and the effect may rest on different cells: where one of a
    pair diverged, the other still counts in its mean.
    """
    pairs = paired_differences(frame, factor, baseline, metric, factors)
    table = summarise_levels(frame, factor, levels, metric, generator_for)
    table.insert(2, "baseline", [level == baseline for level in levels])
    effects = pd.DataFrame(
        [
            _effect_columns(
                pairs[pairs["level"] == level], metric, generator_for(f"{factor}/{level}/effect")
            )
            for level in levels
        ]
    )
    effects.loc[table["baseline"], "verdict"] = "baseline"
    effects.loc[table["baseline"], "effect_reason"] = None
    return pd.concat([table, effects], axis="columns")


def summarise_levels(
    frame: pd.DataFrame,
    factor: str,
    levels: Sequence[str],
    metric: str,
    generator_for: GeneratorFor,
) -> pd.DataFrame:
    """Return one row per level: the counts and the mean of `summarise_factor`, without effects."""
    rows = []
    for level in levels:
        cells = frame[frame[factor] == level]
        mean = mean_interval(cells, metric, generator_for(f"{factor}/{level}/mean"))
        row = {"factor": factor, "level": level} | status_counts(cells)
        row["used"] = int(usable(cells, metric).sum())
        rows.append(row | _interval_columns("mean", mean))
    return pd.DataFrame(rows)


def mean_interval(frame: pd.DataFrame, metric: str, generator: np.random.Generator) -> Interval:
    """Return the mean of the metric over the cells that have it, with its interval."""
    cells = frame[usable(frame, metric)]
    values, blocks = cells[metric].astype(float), cells["seed"].astype(str)
    return bootstrap_interval(values, cells["data"], generator, blocks=blocks)


def _interval_columns(name: str, interval: Interval) -> dict[str, Any]:
    return {
        name: interval.estimate,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_reason": interval.reason,
    }


def _effect_columns(
    pairs: pd.DataFrame, metric: str, generator: np.random.Generator
) -> dict[str, Any]:
    """Return the columns of one level's paired effect, the lost pairs counted."""
    whole = pairs.dropna(subset=["difference"])
    blocks = whole["seed"].astype(str)
    effect = bootstrap_interval(whole["difference"], whole["data"], generator, blocks=blocks)
    if whole.empty:
        lost = f"undefined: none of {len(pairs)} pairs finished"
        reason = lost if len(pairs) else "undefined: no pair with the baseline"
        effect = Interval(math.nan, math.nan, math.nan, 0, reason)
    return _interval_columns("effect", effect) | {
        "pairs_used": len(whole),
        "pairs": len(pairs),
        "blocks": effect.blocks,
        "verdict": verdict(effect, METRICS[metric].higher_is_better),
    }


def block_differences(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the mean difference of each block: columns `level, data, seed, difference`."""
    whole = pairs.dropna(subset=["difference"])
    keys = ["level", "data", "seed"]
    return whole.groupby(keys, sort=True)["difference"].mean().reset_index()


def importance(effects: pd.DataFrame) -> pd.DataFrame:
    """Return one row per factor, the most important first: `factor, range, levels, undefined`.

    range: from the lowest to the highest mean paired difference, the baseline's 0 included. It
    grows with noise and with the number of levels, so it orders factors and proves nothing.
    undefined: levels without an effect (all diverged, or never paired): they have no share in
    the range. A factor with no effect at all has a null range and comes last.
    """
    rows = []
    for factor, part in effects.groupby("factor", sort=False):
        others = part[~part["baseline"]]
        known = others["effect"].dropna()
        spread = max(known.max(), 0) - min(known.min(), 0) if len(known) else math.nan
        missing = int(others["effect"].isna().sum())
        rows.append({"factor": factor, "range": spread, "levels": len(part), "undefined": missing})
    table = pd.DataFrame(rows, columns=["factor", "range", "levels", "undefined"])
    return table.sort_values("range", ascending=False, kind="stable").reset_index(drop=True)
