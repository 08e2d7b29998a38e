"""What a result costs: how long until a target is reached, and who is best at each price."""

import math
from collections.abc import Sequence

import pandas as pd

from nnbench.stats.intervals import wilson_ends
from nnbench.stats.pairing import as_numbers, usable_values


def time_to_target(
    frame: pd.DataFrame, by: Sequence[str], column: str = "epochs_to_target"
) -> pd.DataFrame:
    """Return how many cells reach the target and after how long, one row per combination of `by`.

    by: at least one column. Columns: those of `by`, `n, reached, reached_share, reached_low,
    reached_high` (Wilson), `median, q25, q75, reason`. A cell that never reached it, or diverged,
    took longer than any that did: the quantiles are over all n, and null where that quantile never
    reached it.
    """
    values = as_numbers(frame[column])
    late = values.where(frame["status"] == "ok").fillna(math.inf)
    keys = [frame[name] for name in by]
    grouped = late.groupby(keys, sort=False)
    table = pd.DataFrame({"n": grouped.size()})
    table["reached"] = (late < math.inf).groupby(keys, sort=False).sum()
    share, low, high = wilson_ends(table["reached"], table["n"])
    table = table.assign(reached_share=share, reached_low=low, reached_high=high)
    for name, level in (("median", 0.5), ("q25", 0.25), ("q75", 0.75)):
        # No interpolation: between a number and never there is nothing.
        found = grouped.quantile(level, interpolation="higher")
        table[name] = found.where(found < math.inf)
    few = table["median"].isna()
    counts = table["reached"].astype(str) + " of " + table["n"].astype(str)
    table["reason"] = ("undefined: reached by " + counts).astype(object).where(few, None)
    return table.reset_index()


def arm_costs(frame: pd.DataFrame, factors: Sequence[str], cost: str) -> pd.DataFrame:
    """Return the mean cost of each arm, under the cost's own name, with `cost_used` of `cost_n`.

    Over finished cells: one that diverged stopped early and would look cheap. factors: at least
    one.
    """
    grouped = usable_values(frame, cost).groupby([frame[f] for f in factors], sort=False)
    table = pd.DataFrame(
        {cost: grouped.mean(), "cost_used": grouped.count(), "cost_n": grouped.size()}
    )
    return table.reset_index()


def pareto_front(
    arms: pd.DataFrame, cost: str, value: str = "mean", higher_is_better: bool = True
) -> pd.DataFrame:
    """Return the arms by rising cost, with `on_front`: no other is as cheap and better, or as good
    and cheaper.

    An arm without a value or a cost is never on the front. Two that tie in both are both on it.
    """
    signed = arms[value].astype(float) * (1 if higher_is_better else -1)
    price = arms[cost].astype(float).where(signed.notna())
    best = signed.groupby(price).max()  # at each price, from the lowest on
    best_cheaper = best.cummax().shift(fill_value=-math.inf)
    is_front = (signed == price.map(best)) & (signed > price.map(best_cheaper))
    table = arms.assign(on_front=is_front, signed=signed)
    ordered = table.sort_values([cost, "signed"], ascending=[True, False], kind="stable")
    return ordered.drop(columns="signed").reset_index(drop=True)
