"""The laws that weights are drawn from, at a gain of 1: told by a formula, drawn as a density."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.formulas import Of

Names = Mapping[str, Any]  # what a law's symbols stand for: fan_in, fan_out, an init's parameters
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Normal:
    """N(0, variance), cut off at so many standard deviations."""

    variance: str
    cut: float = math.inf

    @property
    def words(self) -> str:
        """The law as a paper writes it."""
        given = f" given |W| <= {self.cut:g} std" if math.isfinite(self.cut) else ""
        return f"W ~ N(0, {self.variance}){given}"

    @property
    def _kept(self) -> float:
        """The share of the normal law that is not cut off."""
        return math.erf(self.cut / math.sqrt(2))

    def deviation(self, names: Names) -> float:
        """The standard deviation of what is not cut off."""
        lost = 0.0
        if math.isfinite(self.cut):
            edge = math.exp(-self.cut * self.cut / 2) / math.sqrt(2 * math.pi)
            lost = 2 * self.cut * edge / self._kept
        return math.sqrt(Of(self.variance).value(names) * (1 - lost))

    def density(self, w: Array, names: Names) -> Array:
        """The density at each weight."""
        variance = Of(self.variance).value(names)
        normal = np.exp(-(w**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return np.where(np.abs(w) <= self.cut * math.sqrt(variance), normal / self._kept, 0.0)


@dataclass(frozen=True)
class Uniform:
    """U(-bound, bound)."""

    bound: str

    @property
    def words(self) -> str:
        """The law as a paper writes it."""
        return f"W ~ U(-{self.bound}, {self.bound})"

    def deviation(self, names: Names) -> float:
        """The standard deviation."""
        return float(Of(self.bound).value(names)) / math.sqrt(3)

    def density(self, w: Array, names: Names) -> Array:
        """The density at each weight."""
        bound = Of(self.bound).value(names)
        return np.where(np.abs(w) <= bound, 1 / (2 * bound), 0.0)
