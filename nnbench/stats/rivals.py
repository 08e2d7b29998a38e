"""Networks against the baselines beside them: who is ahead on the same splits, and how surely.

In each repeat the network is the one that does best on that repeat's validation part, whatever
its settings, as each baseline's setting is; the test part has no say in it. So the numbers are
those of a user who trains the whole grid and keeps the network that does best on validation.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from nnbench.stats.contrasts import holm
from nnbench.stats.intervals import Interval
from nnbench.stats.pairing import as_numbers, usable
from nnbench.stats.power import ALPHA
from nnbench.study.baselines import BASELINES
from nnbench.study.metrics import METRICS

NETWORK = "network"
BLOCK = ("data", "seed", "val_fraction", "test_fraction")
MOST_REPEATS = 100
CONSTANT = "constant"  # the baseline that looks at no feature
ALIKE = "the same in every repeat"  # why there is no interval
NEAR = 0.05  # of the way from the constant to the best


@dataclass(frozen=True)
class Rivals:
    """One data set's contestants, the simplest first and the network last.

    tests, validations: one row per repeat and one column per contestant, null where it has no
    result. overlap: rows of the test part for each row of the training part. grain: what one row
    of the test part is to the metric, below which no spread over repeats is believed. `use`: whom
    to use; `best`: who does best on validation.
    """

    metric: str
    tests: pd.DataFrame
    validations: pd.DataFrame
    overlap: float
    grain: float = 0.0

    @property
    def sign(self) -> int:
        """1 where more of the metric is better, else -1."""
        return 1 if METRICS[self.metric].higher_is_better else -1

    @cached_property
    def best(self) -> str:
        """Who does best on the validation parts, of those with a result in every repeat."""
        whole = self.tests.notna().all()
        means = (self.sign_of_choice * self.validations.mean()).where(whole)
        return str((means if whole.any() else self.validations.mean()).idxmax())

    @property
    def sign_of_choice(self) -> int:
        """1 where more of what settings are chosen by is better, else -1."""
        return 1 if METRICS[METRICS[self.metric].chosen_by].higher_is_better else -1

    @cached_property
    def use(self) -> str:
        """The simplest of those that the best one is neither surely nor far ahead of.

        Far is more than `NEAR` of what it gains over the constant: a model whose results swing so
        much that nobody is surely ahead of it is not for that the one to use. Where the best one's
        lead over the constant has an interval with zero in it, only those count that are surely
        ahead of the constant after Holm's correction over all; where none is, the constant is the
        one: there may be nothing to learn. At 2.5 % on the upper side for each of the two steps,
        at most 5 % of studies find something where there is nothing. Where the constant did not
        run, the simplest stands in for it, and whether there is anything to learn stays open.
        """
        simplest = str(self.tests.columns[0])
        if self.best == simplest:
            return simplest
        if self.against(self.best)["low"][simplest] > 0:
            return self._simplest_near(self.best, list(self.tests.columns))
        ahead = self._surely_ahead_of(simplest)
        if not ahead:
            return simplest
        leader = str((self.sign_of_choice * self.validations[ahead].mean()).idxmax())
        return self._simplest_near(leader, ahead)

    def _simplest_near(self, leader: str, names: list[str]) -> str:
        ahead = self.against(leader)
        most = NEAR * ahead["mean"][str(self.tests.columns[0])]
        fair = ahead.index[~ahead["is_clear"] & (ahead["mean"] <= most)]
        return next(name for name in names if name == leader or name in fair)

    def _surely_ahead_of(self, simplest: str) -> list[str]:
        """Of those with a result in every repeat."""
        table = self.against(simplest)
        whole = self.tests[table.index].notna().all()
        is_ahead = (table["high"] < 0) & (table["p_holm"] < ALPHA) & whole
        return [str(name) for name in table.index[is_ahead]]

    def against(self, name: str) -> pd.DataFrame:
        """How far one contestant is ahead of each other: a row by name.

        Columns: those of `difference`, in the direction that is better; `p_holm` corrected over
        the rows; `is_clear`: ahead, the interval leaves zero out, and the corrected p is below 5 %.
        """
        rows = {
            other: difference(
                self.sign * (self.tests[name] - self.tests[other]), self.overlap, self.grain
            )
            for other in self.tests
            if other != name
        }
        table = pd.DataFrame(rows).T.astype(float)
        table["p_holm"] = holm(table["p"].to_numpy())
        table["is_clear"] = (table["low"] > 0) & (table["p_holm"] < ALPHA)
        return table

    def mean(self, name: str) -> Interval:
        """A contestant's mean test score with its interval, over the repeats that have one."""
        values = self.tests[name].dropna()
        found = difference(values, self.overlap, self.grain)
        reason = None if len(values) > 1 else "undefined: one repeat"
        is_fixed = name == CONSTANT and values.nunique() == 1  # a ROC AUC of 1/2 is no measurement
        if reason is None and (is_fixed or math.isnan(found["low"])):
            reason = ALIKE
        ends, metric = (found["low"], found["high"]), METRICS[self.metric]
        low, high = max(ends[0], metric.low), min(ends[1], metric.high)
        return Interval(found["mean"], low, high, len(values), reason)


def difference(values: pd.Series, overlap: float, grain: float = 0.0) -> dict[str, float]:
    """The mean of paired differences, one a repeat, its 95 % interval and its p: `n` of them.

    Repeats split the same rows, so their results are not independent, and an interval as if they
    were is too narrow for new rows. The variance of the mean is therefore (1/n + overlap) times
    that of one, overlap being the test part's size over the training part's; the standard
    deviation of one is `grain` at least, for shares of few rows may agree by chance. Source:
    Nadeau and Bengio 2003, Inference for the Generalization Error, doi:10.1023/A:1024068626366.
    """
    known = values.dropna().to_numpy(dtype=float)
    n = len(known)
    mean = float(known.mean()) if n else math.nan
    row = {"mean": mean, "low": math.nan, "high": math.nan, "p": math.nan, "sd": math.nan, "n": n}
    if n < 2:
        return row
    sd = max(float(known.std(ddof=1)), grain)
    error = sd * math.sqrt(1 / n + overlap)
    if sd <= 1e-12 * max(1.0, abs(mean)):  # alike in every repeat: there is nothing to estimate
        return row | ({"low": 0.0, "high": 0.0, "p": 1.0, "sd": 0.0} if mean == 0 else {})
    reach = float(stdtrit(n - 1, 1 - ALPHA / 2)) * error
    p = 2 * float(stdtr(n - 1, -abs(mean) / error))
    return row | {"low": mean - reach, "high": mean + reach, "p": p, "sd": sd}


def repeats_needed(mean: float, sd: float, overlap: float, comparisons: int = 1) -> int | None:
    """How many repeats would tell such a difference from zero; None where no number of them would.

    comparisons: among which it must stand out (Bonferroni, which is Holm's first step).
    Repeats of the same rows leave `overlap` of the variance, which only more rows would take away.
    """
    for n in range(2, MOST_REPEATS + 1):
        quantile = float(stdtrit(n - 1, 1 - ALPHA / comparisons / 2))
        reach = quantile * sd * math.sqrt(1 / n + overlap)
        if abs(mean) > reach:
            return n
    return None


def rivals_of(cells: pd.DataFrame, baselines: pd.DataFrame, metric: str) -> dict[str, Rivals]:
    """Each data set's contestants, by its label: `data` of both frames.

    cells: all networks, whatever their settings; baselines: a row for each model and split. Data
    sets of which no baseline has the metric are left out.
    """
    found = {}
    by = METRICS[metric].chosen_by
    for data, models in baselines.groupby("data", sort=False):
        networks = cells[cells["data"] == data]
        if not usable(models, metric).any():
            continue
        chosen = chosen_networks(networks, by)
        names = [name for name in BASELINES if name in set(models["baseline"])]
        columns = [(name, models[models["baseline"] == name]) for name in names]
        both = [*columns, (NETWORK, chosen)]
        tests, validations = (_by_repeat(both, column) for column in (metric, by))
        share = models[["val_fraction", "test_fraction"]].astype(float).mean()
        trained = 1 - share["val_fraction"] - share["test_fraction"]
        if "train_share" in models:
            trained *= float(models["train_share"].mean())
        overlap = float(share["test_fraction"] / trained)
        grain = float(1 / models["test_rows"].max()) if METRICS[metric].is_share else 0.0
        found[str(data)] = Rivals(metric, tests, validations, overlap, grain)
    return found


def _by_repeat(rows: Sequence[tuple[str, pd.DataFrame]], column: str) -> pd.DataFrame:
    """One row per repeat and one column per contestant, of their rows' `column`."""
    found = {name: own.set_index(list(BLOCK))[column].astype(float) for name, own in rows}
    return pd.DataFrame(found).sort_index()


def chosen_networks(networks: pd.DataFrame, by: str) -> pd.DataFrame:
    """In each repeat the finished network that does best on validation, by `by`, then the loss."""
    finished = networks[networks["status"] == "ok"]
    value = as_numbers(finished[by])
    value = value if METRICS[by].higher_is_better else -value
    loss = as_numbers(finished["val_loss"])
    ordered = finished.assign(_value=value.fillna(-np.inf), _loss=-loss.fillna(np.inf))
    ordered = ordered.sort_values(["_value", "_loss"], ascending=False, kind="stable")
    return ordered.drop_duplicates(list(BLOCK)).drop(columns=["_value", "_loss"])


def usual_network(networks: pd.DataFrame, by: str) -> pd.Series:
    """A network of the settings that do best on validation in the mean over all repeats.

    networks: those of one data set, with a column `arm` that names all of their settings.
    """
    finished = networks[networks["status"] == "ok"]
    value = as_numbers(finished[by])
    scores = (value if METRICS[by].higher_is_better else -value).groupby(finished["arm"])
    table = pd.DataFrame({"n": scores.count(), "mean": scores.mean().round(12)})
    best = table.sort_values(["n", "mean"], ascending=False, kind="stable").index[0]
    return finished[finished["arm"] == best].iloc[0]
