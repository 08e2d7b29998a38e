"""Which of the settings that were tried an arm is judged by, and on which seeds that was chosen."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnbench.stats.labels import level_labels
from nnbench.stats.pairing import LARGEST, as_numbers
from nnbench.study.metrics import METRICS

SETTINGS = "settings tried"


def choose_tuned(
    cells: pd.DataFrame,
    factors: Sequence[str],
    tuned: Sequence[str],
    metric: str,
    across: bool = False,
) -> pd.DataFrame:
    """Keep, in each arm, the cells of the tuned setting that does best on validation.

    Rule: per data set and arm, the setting with most finished seeds, then with the best mean over
    its seeds of what the metric is chosen by, then with the lowest mean `val_loss`, then the
    first. Test results play no part in the choice. The result has one more column, `SETTINGS`: how
    many the arm had to choose from.

    across: choose on other seeds than those that are judged. The seeds of a data set are split in
    two, and each half gets the setting that does best on the other; with one seed there is no
    other. A network that is good by chance is so on validation and on test, so a choice on the
    seeds that are judged flatters whoever had more to choose from. Of one half on the other it
    flatters no one, and the blocks stay nearly independent: where each seed is left out in turn,
    they choose nearly alike, and t tests call copies different in up to 34 of 100 studies.
    """
    columns = [c for c in tuned if c in cells.columns]
    if not columns or cells.empty:
        return cells.assign(**{SETTINGS: 1})
    arm = ["data", *factors]
    labelled = _scored(cells, arm, columns, metric)
    setting = labelled.groupby(columns, dropna=False).ngroup()
    tried = setting.groupby([labelled[name] for name in arm]).transform("nunique")
    if across:
        kept = _by_halves(labelled, arm, columns)
    else:
        kept = _is_best(labelled, _best(labelled, arm, columns), arm, columns)
    return cells.assign(**{SETTINGS: tried})[kept]


def _scored(
    cells: pd.DataFrame, arm: Sequence[str], columns: Sequence[str], metric: str
) -> pd.DataFrame:
    """Return the cells, labelled, with a column of scores for each thing to rank settings by."""
    labelled = cells.assign(**{name: level_labels(cells, name, columns) for name in arm})
    by = {"finished": (cells["status"] == "ok").astype(float)}
    for name in dict.fromkeys([METRICS[metric].chosen_by, "val_loss"]):
        if name in cells:
            value = as_numbers(cells[name])
            value = value.mask(value > LARGEST, np.inf).mask(value < -LARGEST, -np.inf)
            by[name] = value if METRICS[name].higher_is_better else -value
    return labelled.assign(**{f"rank by {name}": value for name, value in by.items()})


def _best(labelled: pd.DataFrame, arm: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Return the best setting of each arm, a row each: `arm` and `columns`."""
    ranks = [str(name) for name in labelled if str(name).startswith("rank by ")]
    groups = labelled.groupby([*arm, *columns], dropna=False, sort=False)
    score = groups.agg({rank: "mean" for rank in ranks} | {ranks[0]: "sum"})
    # Rounded: a tie must not be broken by the order in which floats were summed.
    best = score.round(12).reset_index().sort_values(ranks, ascending=False, kind="stable")
    return best.drop_duplicates(list(arm))[[*arm, *columns]]


def _is_best(
    labelled: pd.DataFrame, best: pd.DataFrame, arm: Sequence[str], columns: Sequence[str]
) -> np.ndarray:
    key = [*arm, *columns]
    chosen = labelled[key].merge(best.assign(chosen=True), on=key, how="left")["chosen"]
    return chosen.eq(True).to_numpy()


def _by_halves(labelled: pd.DataFrame, arm: Sequence[str], columns: Sequence[str]) -> np.ndarray:
    """Return which cells are of the setting that does best on the other half of the seeds."""
    place = labelled.groupby("data")["seed"].rank(method="dense")
    is_odd = (place % 2 == 1).to_numpy()
    kept = np.zeros(len(labelled), dtype=bool)
    for half in (is_odd, ~is_odd):
        other, own = (_best(labelled[rows], arm, columns) for rows in (~half, half))
        best = pd.concat([other, own]).drop_duplicates(list(arm))  # its own, where no other ran
        kept |= half & _is_best(labelled, best, arm, columns)
    return kept


def uneven_levels(
    frame: pd.DataFrame, factor: str, baseline: str, factors: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Return the levels that had more or fewer settings to choose from than the baseline, and both.

    frame: labelled cells of `choose_tuned`. Arms are compared that are alike in every other factor;
    where several differ, those furthest apart are told.
    """
    if SETTINGS not in frame or frame[SETTINGS].nunique() < 2:
        return {}
    others = ["data", *(f for f in factors if f != factor)]
    arms = frame.drop_duplicates([*others, factor])[[*others, factor, SETTINGS]]
    both = arms.merge(arms[arms[factor] == baseline], on=others, suffixes=("", " of the baseline"))
    own, base = both[SETTINGS], both[f"{SETTINGS} of the baseline"]
    ratio = np.abs(np.log(own / base))
    apart = both.assign(ratio=ratio)[ratio > 0].sort_values("ratio", ascending=False, kind="stable")
    return {
        str(row[factor]): (int(row[SETTINGS]), int(row[f"{SETTINGS} of the baseline"]))
        for _, row in apart.drop_duplicates(factor).iterrows()
    }


def tried_words(settings: tuple[int, int]) -> str:
    """Say how many settings each side had to choose from."""
    first, second = settings
    return f"{first} {'setting was' if first == 1 else 'settings were'} tried against {second}"
