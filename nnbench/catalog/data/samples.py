"""What a data set is: its arrays, its entry in the catalogue, and the parameters that many share.

A function takes a numpy generator and the entry's parameters and returns a `Sample`. Splitting,
filling in missing values and scaling are the same for all and stand in `nnbench.training.draws`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnbench.catalog.data.tables.ties import Ties
from nnbench.study.vocabulary import Entry, Parameter, Term, need

NOISY_PARTS = ("train", "train and val", "all")


class Sample(NamedTuple):
    """The examples of a data set, before they are split.

    x: (examples, features) float64, NaN where a value is missing. y: (examples,) the truth: class
    indices int64, or real values float64. `observed` is y with its errors, as the parts named by
    `noisy` ("train", "train and val" or "all") see it; None where no errors are made. `ties` is
    what a split of a table keeps to.
    """

    x: NDArray[np.float64]
    y: NDArray[Any]
    observed: NDArray[Any] | None = None
    noisy: str = "all"
    ties: Ties | None = None

    def targets(self, part: str) -> NDArray[Any]:
        """Y (examples,) as the part "train", "val" or "test" sees it."""
        if self.observed is not None and (self.noisy == "all" or part in self.noisy.split(" and ")):
            return self.observed
        return self.y


@dataclass(frozen=True, kw_only=True)
class Data(Entry):
    """A data set.

    `task` is classification or regression, unless a parameter called `task` says; see
    `nnbench.catalog.data.registry.task_of`. `real` sets ignore the generator.
    """

    function: Callable[..., Sample]
    task: str = "classification"
    real: bool = False
    loader: str = ""  # scikit-learn's function, for a set that it carries
    scaled: bool = True  # features are brought to mean 0 and deviation 1 over the training part

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        if self.reader is not None:
            return "One's own"
        return f"{'Real' if self.real else 'Made'}: {self.task}"


def state_of(generator: np.random.Generator) -> int:
    """A seed for scikit-learn, drawn from the generator."""
    return int(generator.integers(2**31))


def examples(default: int) -> Parameter:
    """The parameter that says how many examples are made."""
    return Parameter(default, "examples", low=20, high=10_000_000, program=True)


def amount(default: float, doc: str, low: float, high: float = 1e6) -> Parameter:
    """A parameter of a generator: a whole number where its default is one."""
    return Parameter(default, doc, low=low, high=high, program=True)


def share(default: float, doc: str) -> Parameter:
    """A parameter between 0 and 1, both allowed."""
    return Parameter(default, doc, low=0, high=1, program=True)


def noisy_parts() -> Parameter:
    """The parameter that says which parts see the errors; a clean test measures truth."""
    doc = "the parts whose targets have the errors; the others keep the truth"
    return Parameter("train", doc, choices=NOISY_PARTS, program=True, needs=(need(Term(".p")),))
