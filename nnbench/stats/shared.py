"""The cells on which levels are compared: those that all of them have.

A grid may leave combinations out. A level that ran in an easy corner only looks good beside one
that ran everywhere, whatever it does; so a comparison of levels keeps to the cells they share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_NAMED = 3  # levels that a phrase names one by one


@dataclass(frozen=True)
class Shared:
    """Levels and the cells to compare them on.

    cells: those of the levels in `whole`, each of which has the same ones. partial: every other
    level, and on which part of the grid it ran: "only with activation identity". left_out: what
    of the grid is in no comparison, in words, or nothing.
    """

    cells: pd.DataFrame
    whole: list[str]
    partial: dict[str, str]
    left_out: str = ""


def shared_cells(
    frame: pd.DataFrame,
    labels: pd.Series,
    others: Sequence[str],
    baseline: str | None = None,
    is_sampled: bool = False,
) -> Shared:
    """Return the cells on which the levels are compared, and the levels that have too few.

    `frame` is labelled; labels: the level of each row; others: every other factor. A *place* is a
    data set, a seed and a level of each other factor. What counts is the places that the baseline
    (or the level with most) and more than half of all levels have. A level is whole while half of
    these remain after it: cells are kept where every whole level has that place. Then a level of
    another factor goes, in each data set, that is there less than half as often as its factor's
    commonest: a leaky activation that ran at one width says nothing of what depth does.
    is_sampled: arms were drawn at random, so that no corner is favoured and each level's own cells
    are a fair sample: all stay.
    """
    names = list(dict.fromkeys(labels))
    keys = ["data", "seed", *others]
    place = frame.groupby(keys, sort=False).ngroup().to_numpy()
    code = pd.Index(names).get_indexer(pd.Index(labels))
    has = np.zeros((len(names), int(place.max(initial=-1)) + 1), dtype=bool)
    has[code, place] = True
    if is_sampled or frame.empty:
        return Shared(frame, names, {})
    anchor = names.index(baseline) if baseline in names else int(has.sum(axis=1).argmax())
    whole, common = _whole_levels(has, anchor)
    first = np.unique(place, return_index=True)[1]
    common &= _common_enough(frame.iloc[first][keys], common, others)
    kept = common[place] & np.isin(code, whole)
    if kept.all():
        return Shared(frame, names, {})
    cells = frame[kept]
    partial = {
        name: _only(frame[code == number], cells, keys)
        for number, name in enumerate(names)
        if number not in whole
    }
    in_order = [name for number, name in enumerate(names) if number in whole]
    ran = frame[np.isin(code, whole)]
    return Shared(cells, in_order, partial, _without(ran, cells, ["data", *others]))


def _whole_levels(has: np.ndarray, anchor: int) -> tuple[list[int], np.ndarray]:
    """Return the levels to compare and the places that all of them have, (places,).

    has: which level has which place, (levels, places).
    """
    count = has.sum(axis=0)
    wide = has[anchor] & (count >= 2) & (2 * count > len(has))
    if not wide.any():
        wide = has[anchor] & (count >= 2)
    whole, common = [anchor], wide.copy() if wide.any() else has[anchor].copy()
    order = np.argsort(-(has & wide).sum(axis=1), kind="stable")
    for level in order[order != anchor]:
        both = common & has[level] & wide
        if both.any() and 2 * both.sum() >= wide.sum():
            whole.append(int(level))
            common = both
    return whole, common


def _common_enough(places: pd.DataFrame, common: np.ndarray, others: Sequence[str]) -> np.ndarray:
    """Return which places (places,) have no level that is rare among the common ones.

    Rare is a level that is there less than half as often as its factor's commonest, each data set
    by itself: where a factor's levels meet different others, the mean over them is one of a mixture
    that nobody chose.
    """
    fine = common.copy()
    for _ in range(len(others) * len(places) + 1):
        before = fine.copy()
        for factor in others:
            both = places.loc[fine, ["data", factor]]
            size = both.groupby(["data", factor], sort=False)[factor].transform("size")
            most = size.groupby(both["data"], sort=False).transform("max")
            fine[np.flatnonzero(fine)[(2 * size < most).to_numpy()]] = False
        if (fine == before).all():
            break
    return fine


def _only(own: pd.DataFrame, cells: pd.DataFrame, keys: Sequence[str]) -> str:
    """Say on which part of the compared cells a level ran."""
    told = []
    for key in [*keys[2:], *keys[:2]]:  # the factors first
        found, all_of_it = (list(dict.fromkeys(part[key])) for part in (own, cells))
        if set(found) < set(all_of_it) and len(found) <= MOST_NAMED:
            told.append(_named(key, found))
    if told:
        return f"only {' and '.join(told)}"
    count = f"{len(own):,} {'cell' if len(own) == 1 else 'cells'}"
    return f"only {count}, which the others partly share"


def _without(ran: pd.DataFrame, cells: pd.DataFrame, keys: Sequence[str]) -> str:
    """Say which levels of which factors a comparison leaves out, after `not`; or nothing."""
    told = []
    for key in keys:
        lost = [level for level in dict.fromkeys(ran[key]) if level not in set(cells[key])]
        if lost:
            more = f"{len(lost)} levels of {key}"
            told.append(_named(key, lost) if len(lost) <= MOST_NAMED else f"with {more}")
    if told:
        return ", nor ".join(told)
    return "for combinations that some lack" if len(cells) < len(ran) else ""


def _named(key: str, levels: Sequence[object]) -> str:
    listed = " or ".join(map(str, levels))
    return f"on {listed}" if key == "data" else f"with {key} {listed}"
