"""The rows of an analysis of variance under weights of the blocks: their squares, their noise."""

import math

import numpy as np
from scipy.special import fdtrc

from nnbench.stats.shares_grid import Forms, Groups, Term

LEFT_WITHIN = ("unattributed within",)  # what terms share within data sets


def parts_of(
    forms: Forms, weights: np.ndarray
) -> tuple[dict[Term, np.ndarray], np.ndarray, np.ndarray]:
    """Return each row's squares under each weighting of the blocks, all, and those within data."""

    def form(matrix: np.ndarray) -> np.ndarray:
        return ((weights @ matrix) * weights).sum(axis=1)

    between, model = form(forms.between), form(forms.model)
    squares = weights @ forms.squares
    parts = {term: form(matrix) for term, matrix in forms.terms.items()}
    parts[("higher",)] = between - model
    parts[("seeds",)] = squares - between
    total = squares - form(forms.mean)
    inner = total - form(forms.data)
    if forms.is_overlapping:
        parts[("unattributed",)] = total - sum(parts.values())
        parts[LEFT_WITHIN] = inner - sum(
            part for term, part in parts.items() if term not in (("data",), ("unattributed",))
        )
    return parts, total, np.where(inner > 1e-12 * total, inner, 0.0)


def inside_data(parts: dict[Term, np.ndarray]) -> dict[Term, np.ndarray]:
    """Return the parts within data sets."""
    left = {term: part for term, part in parts.items() if term != ("data",)}
    if LEFT_WITHIN in left:
        left[("unattributed",)] = left.pop(LEFT_WITHIN)
    return left


def freedom_of(groups: Groups, forms: Forms) -> dict[Term, int]:
    """Return the degrees of freedom of every row."""
    arms, cells = len(groups.values), int(np.isfinite(groups.values).sum())
    freedom: dict[Term, int] = dict(forms.freedom)
    freedom[("higher",)] = arms - 1 - sum(forms.freedom.values())
    freedom[("seeds",)] = cells - arms
    return freedom


def components_of(groups: Groups, forms: Forms, weights: np.ndarray) -> dict[Term, np.ndarray]:
    """Return each row's share of the variance within data sets, chance taken off.

    A row's squares hold, on top of what it does, one helping of noise for each degree of freedom;
    the seeds' own are short of these helpings. What noise is in a cell: what seeds do to a whole
    block, and what they do to an arm beyond that.
    """
    parts, _, _ = parts_of(forms, weights)
    found = inside_data(parts)
    if not sum(noise_freedom(groups)):
        return divided(found, sum(found.values(), np.zeros(len(weights))))
    block_rate, rate = (np.nan_to_num(one) for one in noise_of(groups, forms, weights))
    freedom = freedom_of(groups, forms)
    cells, blocks = int(np.isfinite(groups.values).sum()), len(groups.data_of)
    for term in found:
        if term not in (("seeds",), ("unattributed",)):
            found[term] = found[term] - freedom[term] * rate
    found[("seeds",)] = block_rate * blocks + rate * (cells - blocks)
    return divided(found, sum(found.values(), np.zeros(len(weights))))


def divided(parts: dict[Term, np.ndarray], whole: np.ndarray) -> dict[Term, np.ndarray]:
    """Return each part's share of the whole, null where there is none."""
    safe = np.where(whole > 0, whole, math.nan)
    return {term: part / safe for term, part in parts.items()}


def noise_freedom(groups: Groups) -> tuple[int, int]:
    """Return the degrees of freedom of whole blocks, and of arms within them."""
    arms = np.bincount(groups.codes["data"])
    within = int(((arms - 1) * (groups.seeds - 1)).sum())
    return int((groups.seeds - 1).sum()), within


def noise_of(groups: Groups, forms: Forms, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the noise of a degree of freedom under each weighting: between data sets and within.

    Between data sets that is the noise of whole blocks; within them, what seeds do to an arm
    beyond what they do to its whole block. Null where there are no degrees of freedom.
    """
    block_means = np.nansum(groups.weight[:, None] * groups.values, axis=0)
    of_data = np.bincount(groups.codes["data"], weights=groups.weight)
    block_means = block_means / of_data[groups.data_of]
    places = np.eye(len(of_data))[groups.data_of]  # (blocks, data sets)
    centre = (weights * block_means) @ places
    blocks = ((weights * block_means**2) @ places - centre**2) @ of_data
    noise = weights @ forms.squares - ((weights @ forms.between) * weights).sum(axis=1)
    between, within = noise_freedom(groups)
    nothing = np.full(len(weights), math.nan)
    return (
        blocks / between if between else nothing,
        (noise - blocks) / within if within else nothing,
    )


def noise_p(squares: np.ndarray | None, freedom: int, rate: np.ndarray, groups: Groups) -> float:
    """Return the p that squares of so many degrees of freedom are noise alone."""
    within = noise_freedom(groups)[1]
    if squares is None or freedom < 1 or not rate[0] > 0:
        return math.nan
    return float(fdtrc(freedom, within, max(float(squares[0]), 0.0) / freedom / float(rate[0])))
