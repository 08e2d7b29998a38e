"""The variance of an incomplete grid by least squares: what each term adds to the others.

On a complete grid this gives what `grid_forms` gives. Elsewhere the terms overlap, and a term's
share is what it explains beyond all other terms that do not contain it (type II).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import linalg, sparse

from nnbench.stats.shares_grid import Forms, Groups, Term, empty_forms, two_factor_terms

MOST_COLUMNS = 1200
TOO_FEW = "undefined: too few arms to tell the pairs apart"
CONFOUNDED = "undefined: confounded with other factors"
TOO_MANY = f"undefined: the pairs have more than {MOST_COLUMNS:,} parameters"


class LeastSquares:
    """Least squares over the groups, with a sum-to-zero coding of each term's levels.

    products: X'WX over the columns of all terms. targets: X'WY, (columns, blocks).
    """

    def __init__(self, groups: Groups, terms: Sequence[Term]) -> None:
        self.columns: dict[Term, slice] = {}
        parts = []
        start = 0
        for term in [(), *terms]:
            coded = _coded(groups, term)
            self.columns[term] = slice(start, start + coded.shape[1])
            start += coded.shape[1]
            parts.append(coded)
        design = sparse.hstack(parts, format="csr")
        weighted = design.multiply(groups.weight[:, None]).tocsr()
        self.products = np.asarray((design.T @ weighted).todense())
        self._last: tuple[tuple[Term, ...] | None, np.ndarray] = (None, np.empty((0, 0)))
        self.targets = np.asarray(weighted.T @ np.nan_to_num(groups.values))

    def freedom(self, term: Term) -> int:
        """Return how many parameters the term has."""
        place = self.columns[term]
        return place.stop - place.start

    def rank(self, terms: Iterable[Term]) -> int:
        """Return the rank of the mean and these terms together."""
        keep = self._places(terms)
        values = linalg.eigvalsh(self.products[np.ix_(keep, keep)])
        return int((values > 1e-9 * values.max()).sum())

    def explained(self, terms: Iterable[Term]) -> np.ndarray:
        """Return the form of what the mean and these terms explain; they have full rank."""
        target = self.targets[self._places(terms)]
        return target.T @ self._inverse(tuple(terms)) @ target

    def added(self, term: Term, others: Iterable[Term]) -> np.ndarray:
        """Return the form of what a term explains beyond the mean and the others.

        That is b' C^-1 b for its coefficients b and their block C of the inverse of X'WX, so
        all terms that are added to the same model need one inverse.
        """
        model = tuple(t for t in self.columns if t and (t == term or t in set(others)))
        keep = self._places(model)
        inverse = self._inverse(model)
        own = np.isin(keep, self._places([term])[1:])
        found = inverse[own] @ self.targets[keep]
        return found.T @ linalg.solve(inverse[np.ix_(own, own)], found)

    def _inverse(self, model: tuple[Term, ...]) -> np.ndarray:
        if model != self._last[0]:
            keep = self._places(model)
            self._last = model, linalg.inv(self.products[np.ix_(keep, keep)])
        return self._last[1]

    def _places(self, terms: Iterable[Term]) -> np.ndarray:
        found = [np.arange(self.columns[t].start, self.columns[t].stop) for t in [(), *terms]]
        return np.concatenate(found)


def square_forms(groups: Groups) -> Forms:
    """Return the forms of any design, type II, with a reason for each term not identifiable.

    A pair is identifiable where all its combinations are there and the model of all such pairs
    has full rank; a main effect where it is not confounded with the others. What the model leaves
    between groups is "higher"; what terms share is no term's. Source: Fox 2016, Applied
    Regression Analysis, section 8.2 (marginality).
    """
    forms = empty_forms(groups)
    forms.is_overlapping = True
    singles: list[Term] = [(f,) for f in ("data", *groups.factors) if groups.levels[f] > 1]
    pairs = _identifiable_pairs(groups, singles, forms)
    model = LeastSquares(groups, [*singles, *pairs])
    if pairs and model.rank([*singles, *pairs]) < len(model.products):
        forms.reasons |= dict.fromkeys(pairs, TOO_FEW)
        pairs = []
    singles = _identifiable_singles(model, singles, forms)
    lost = [pair for pair in pairs if not all((f,) in singles for f in pair)]
    forms.reasons |= dict.fromkeys(lost, CONFOUNDED)
    pairs = [pair for pair in pairs if pair not in lost]
    for term in [*singles, *pairs]:
        others = [t for t in [*singles, *pairs] if not set(term) <= set(t)]
        forms.terms[term] = model.added(term, others)
        forms.freedom[term] = model.freedom(term)
    forms.model = model.explained([*singles, *pairs])
    return forms


def _identifiable_pairs(groups: Groups, singles: Sequence[Term], forms: Forms) -> list[Term]:
    """Return the pairs all of whose combinations are there; say why the others are not."""
    found = []
    for first, second in two_factor_terms(groups):
        wanted = groups.levels[first] * groups.levels[second]
        there = len(np.unique(groups.codes[first] * groups.levels[second] + groups.codes[second]))
        if there == wanted:
            found.append((first, second))
        else:
            forms.reasons[(first, second)] = (
                f"undefined: {there} of {wanted} combinations have all their cells"
            )
    columns = 1 + sum(groups.freedom(term) for term in [*singles, *found])
    if columns <= MOST_COLUMNS:
        return list(found)
    forms.reasons |= dict.fromkeys(found, TOO_MANY)
    return []


def _identifiable_singles(model: LeastSquares, singles: Sequence[Term], forms: Forms) -> list[Term]:
    """Return the main effects that are not confounded; say so of the others."""
    whole = model.rank(singles)
    if whole == 1 + sum(model.freedom(term) for term in singles):
        return list(singles)
    kept = []
    for term in singles:
        without = model.rank([t for t in singles if t != term])
        if whole - without == model.freedom(term):
            kept.append(term)
        else:
            forms.reasons[term] = CONFOUNDED
    return kept


def _coded(groups: Groups, term: Term) -> sparse.csr_matrix:
    """Return the columns of a term, (groups, freedom): products of its factors' own columns."""
    coded: np.ndarray = np.ones((1, 1))
    level = np.zeros(len(groups.values), dtype=np.int64)
    for f in term:
        size = groups.levels[f]
        own = np.vstack([np.eye(size - 1), -np.ones((1, size - 1))])
        coded = np.kron(coded, own)
        level = level * size + groups.codes[f]
    return sparse.csr_matrix(coded)[level]
