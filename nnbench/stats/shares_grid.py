"""The cells of a study as numbers, and the variance of a complete grid, term by term.

Every sum of squares is a quadratic form in the blocks: with weight w_b on block b, the share of
a term is w' G w for one matrix G, (blocks, blocks), per term. So the shares under a thousand
resamplings of the seeds cost a thousand small products and no second look at the cells.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

Term = tuple[str, ...]
"""() the mean, ("data",), ("activation",), ("activation", "init"), ("data", "init")."""


@dataclass(frozen=True)
class Groups:
    """The (data, arm) groups in which every seed has the metric.

    codes: per factor and for `data`, the level of each group, (groups,) from 0 on; `levels` how
    many there are. values: (groups, blocks), null where the block is of another data set.
    data_of: data set of each block. total: groups before those with a missing cell were dropped.
    """

    codes: dict[str, np.ndarray]
    levels: dict[str, int]
    values: np.ndarray
    data_of: np.ndarray
    total: int

    @property
    def factors(self) -> list[str]:
        """The factors, without the data set."""
        return [name for name in self.codes if name != "data"]

    @property
    def seeds(self) -> np.ndarray:
        """How many blocks each data set has."""
        return np.bincount(self.data_of)

    @property
    def weight(self) -> np.ndarray:
        """The share of all cells that is in each group's blocks, (groups,); they add up to 1."""
        cells = self.seeds[self.codes["data"]].astype(float)
        return cells / cells.sum()

    def freedom(self, term: Term) -> int:
        """How many parameters a term has where all combinations of its levels are there."""
        return math.prod(self.levels[f] - 1 for f in term)

    @property
    def is_complete(self) -> bool:
        """Whether each combination of levels and data set is there."""
        return len(self.values) == math.prod(self.levels.values())


@dataclass
class Forms:
    """The quadratic forms of a decomposition: one matrix a term, each (blocks, blocks).

    data: between data sets. between: of the groups' means. model: of the mean and all terms
    together. squares: each block's mean square, so the total is w . squares - w' mean w.
    freedom: degrees of freedom of each term. reasons: why a term has no form.
    """

    mean: np.ndarray
    data: np.ndarray
    between: np.ndarray
    squares: np.ndarray
    model: np.ndarray
    terms: dict[Term, np.ndarray] = field(default_factory=dict)
    freedom: dict[Term, int] = field(default_factory=dict)
    reasons: dict[Term, str] = field(default_factory=dict)
    is_overlapping: bool = False


def complete_groups(frame: pd.DataFrame, values: pd.Series, factors: Sequence[str]) -> Groups:
    """Return the groups whose cells all have a value, with a column for each block.

    A group that lost a cell would be averaged over its survivors, which is another thing, so it
    is left out whole and counted; nothing is imputed.
    """
    group = frame.groupby(["data", *factors], sort=True).ngroup().to_numpy()
    block = frame.groupby(["data", "seed"], sort=True).ngroup().to_numpy()
    shape = (int(group.max()) + 1, int(block.max()) + 1)
    place = group * shape[1] + block
    count = np.bincount(place, minlength=shape[0] * shape[1]).astype(float)
    sums = np.bincount(place, values.to_numpy(dtype=float), len(count))
    matrix = (sums / np.where(count > 0, count, math.nan)).reshape(shape)
    first_of = np.unique(group, return_index=True)[1]
    heads = frame.iloc[first_of][["data", *factors]].reset_index(drop=True)
    data_of = frame["data"].to_numpy(dtype=str)[np.unique(block, return_index=True)[1]]
    is_own = heads["data"].to_numpy(dtype=str)[:, None] == data_of[None, :]
    has_all = (np.isfinite(matrix) | ~is_own).all(axis=1)
    coded = {name: pd.factorize(heads.loc[has_all, name]) for name in ("data", *factors)}
    codes = {name: code for name, (code, _) in coded.items()}
    levels = {name: len(found) for name, (_, found) in coded.items()}
    place_of = pd.Index(coded["data"][1]).get_indexer(pd.Index(data_of))
    kept = matrix[has_all][:, place_of >= 0]
    return Groups(codes, levels, kept, place_of[place_of >= 0], len(matrix))


def two_factor_terms(groups: Groups) -> list[Term]:
    """Return pairs of factors, then each factor with the data set, of those with two levels."""
    names = [f for f in groups.factors if groups.levels[f] > 1]
    pairs: list[Term] = list(itertools.combinations(names, 2))
    with_data: list[Term] = [("data", f) for f in names] if groups.levels["data"] > 1 else []
    return [*pairs, *with_data]


def empty_forms(groups: Groups) -> Forms:
    """Return what holds for any design: the mean, what is between groups, the blocks' squares."""
    weight = groups.weight[:, None]
    values = np.nan_to_num(groups.values)
    means = (weight * values).sum(axis=0)
    mean = np.outer(means, means)
    of_data = np.bincount(groups.codes["data"], weights=groups.weight)
    is_same = groups.data_of[:, None] == groups.data_of[None, :]
    data = mean * is_same / of_data[groups.data_of] - mean
    between = values.T @ (weight * values)  # blocks of two data sets have no group in common
    return Forms(mean, data, between, np.diagonal(between).copy(), mean)


def grid_forms(groups: Groups) -> Forms:
    """Return the forms of a complete grid, where the terms are orthogonal and the shares exact.

    Marginal means suffice: G of a factor is that of its marginal means less that of the mean, and
    G of a pair that of the pair's means less both factors' and the mean's. Source: Hooker 2007,
    Generalized Functional ANOVA Diagnostics; here the grid is all there is, so it is exact.
    """
    forms = empty_forms(groups)
    arms = [groups.levels[f] for f in groups.factors]
    tensor = _tensor(groups)
    share = groups.seeds / groups.seeds.sum()
    of_block = share[groups.data_of]
    pooled = np.outer(of_block, of_block)
    apart = of_block[:, None] * (groups.data_of[:, None] == groups.data_of[None, :])

    def marginal(*kept: int) -> np.ndarray:
        rest = tuple(axis for axis in range(len(arms)) if axis not in kept)
        means = tensor.mean(axis=rest).reshape(-1, tensor.shape[-1])
        return means.T @ means / len(means)

    mean = marginal()
    single = {(f,): marginal(axis) - mean for axis, f in enumerate(groups.factors)}
    if groups.levels["data"] > 1:
        forms.terms[("data",)] = (apart - pooled) * mean
    for term, form in single.items():
        forms.terms[term] = pooled * form
    for first, second in itertools.combinations(range(len(arms)), 2):
        one, other = groups.factors[first], groups.factors[second]
        form = marginal(first, second) - mean - single[(one,)] - single[(other,)]
        forms.terms[(one, other)] = pooled * form
    for (f,), form in single.items():
        forms.terms[("data", f)] = (apart - pooled) * form
    # of a factor or data set with one level there is nothing to vary
    forms.freedom = {t: groups.freedom(t) for t in forms.terms if groups.freedom(t)}
    forms.terms = {t: forms.terms[t] for t in forms.freedom}
    forms.model = sum(forms.terms.values(), forms.mean)
    return forms


def _tensor(groups: Groups) -> np.ndarray:
    """Return each block's values on the grid of arms, (levels of each factor ..., blocks)."""
    shape = [groups.levels[f] for f in groups.factors]
    arms = math.prod(shape)
    place = np.zeros(len(groups.values), dtype=np.int64)
    for f in groups.factors:
        place = place * groups.levels[f] + groups.codes[f]
    tensor = np.empty((arms, len(groups.data_of)))
    for data in range(groups.levels["data"]):
        rows, columns = groups.codes["data"] == data, groups.data_of == data
        tensor[np.ix_(place[rows], columns)] = groups.values[np.ix_(rows, columns)]
    return tensor.reshape([*shape, -1])
