"""The score over the number of training rows, of networks and of the models beside them."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from nnbench.stats.labels import setting_names
from nnbench.stats.rivals import Rivals, difference, rivals_of

SHARE, ROWS = "train_share", "train_rows"
APART = ("cell_id", "seed", SHARE)  # of a recipe's columns: what an arm's networks differ in


class Gain(NamedTuple):
    """What more rows bring: from so few to so many, as `difference` has it, for the better."""

    few: int
    many: int
    found: Mapping[str, float]


def rivals_by_rows(cells: pd.DataFrame, models: pd.DataFrame, metric: str) -> dict[int, Rivals]:
    """One data set's contestants by the number of training rows, the fewest first.

    cells, models: of all shares of the training part; they have the same test parts. Networks
    count whose settings every share has, so that all choose from as many.
    """
    shares = cells.groupby(setting_names(cells, APART))[SHARE].transform("nunique")
    everywhere = cells[shares == cells[SHARE].nunique()]
    found = {}
    for share, own in models.groupby(SHARE):
        networks = everywhere[everywhere[SHARE] == share]
        for rivals in rivals_of(networks, own, metric).values():
            found[round(float(own[ROWS].mean()))] = rivals
    return found


def gain_of(found: Mapping[int, Rivals], contestant: str) -> Gain:
    """What the last step to more rows brings a contestant, paired by repeat.

    Repeats overlap as those of the fewer rows do, by which the interval is the wider one.
    """
    few, many = sorted(found)[-2:]
    one, other = found[few], found[many]
    values = one.sign * (other.tests[contestant] - one.tests[contestant])
    return Gain(few, many, difference(values, one.overlap, one.grain))
