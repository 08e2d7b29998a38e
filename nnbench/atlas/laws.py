"""The law that an initialisation's formula states, read from its text.

``W ~ N(0, 2/fan_in)`` becomes a normal law of that variance, ``W ~ U(-b, b)`` a uniform one: the
atlas draws the density of what the formula says beside the histogram of what the code does.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OPERATORS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
LAW = re.compile(r"~ ([NU])\(")
CUT = re.compile(r"given \|W\| <= ([0-9.]+) std")


class Law(NamedTuple):
    """A normal law (mean, variance), perhaps cut off at a bound, or a uniform one (low, high)."""

    kind: str  # "N" or "U"
    first: float
    second: float
    bound: float = math.inf  # of |W| under a normal law

    @property
    def deviation(self) -> float:
        """Return the standard deviation."""
        if self.kind == "U":
            return (self.second - self.first) / math.sqrt(12)
        lost = 0.0
        if math.isfinite(self.bound):
            cut = self.bound / math.sqrt(self.second)
            lost = 2 * cut * math.exp(-cut * cut / 2) / (math.sqrt(2 * math.pi) * self._kept)
        return math.sqrt(self.second * (1 - lost))

    @property
    def _kept(self) -> float:
        """Return the share of the normal law that lies within the bound."""
        return math.erf(self.bound / math.sqrt(2 * self.second))

    def density(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the density at each weight."""
        if self.kind == "U":
            inside = (w >= self.first) & (w <= self.second)
            return np.where(inside, 1 / (self.second - self.first), 0.0)
        normal = np.exp(-((w - self.first) ** 2) / (2 * self.second))
        normal /= math.sqrt(2 * math.pi * self.second) * self._kept
        return np.where(np.abs(w) <= self.bound, normal, 0.0)


def law_of(formula: str, names: Mapping[str, float]) -> Law | None:
    """Return the law that a formula states, or None where it states no such law.

    `names` gives the formula's symbols their values: fan_in, fan_out and the entry's parameters.
    """
    start = LAW.search(formula)
    if start is None:
        return None
    try:
        tree = ast.parse(
            _bracketed(formula[start.end() - 1 :]).replace("^", "**"), mode="eval"
        ).body
        if not isinstance(tree, ast.Tuple) or len(tree.elts) != 2:
            return None
        first, second = (value(part, names) for part in tree.elts)
    except (SyntaxError, KeyError, ValueError):
        return None
    cut = CUT.search(formula)
    bound = float(cut[1]) * math.sqrt(second) if cut else math.inf
    spread = second if start[1] == "N" else second - first
    return Law(start[1], first, second, bound) if spread > 0 else None


def _bracketed(text: str) -> str:
    """Return the text up to the bracket that closes its first character."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return text[: place + 1]
    raise ValueError(f"a bracket stays open: {text}")


def value(tree: ast.expr, names: Mapping[str, float]) -> float:
    """Return the number that a formula's tree stands for; ValueError where it is not arithmetic."""
    match tree:
        case ast.Constant(value=int() | float() as constant):
            return float(constant)
        case ast.Name(id=name):
            return float(names[name])
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -value(inner, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](value(left, names), value(right, names))
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
            return math.sqrt(value(inner, names))
        case ast.Call(func=ast.Name(id="max"), args=[_, *_] as several):
            return max(value(one, names) for one in several)
    raise ValueError(f"no arithmetic: {ast.unparse(tree)}")
