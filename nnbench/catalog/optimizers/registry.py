"""Every optimizer, family by family; a family's rules and entries stand in one file."""

from nnbench.catalog.optimizers.adam import ADAM
from nnbench.catalog.optimizers.adaptive import ADAPTIVE
from nnbench.catalog.optimizers.averages import AVERAGES
from nnbench.catalog.optimizers.base import Optimizer
from nnbench.catalog.optimizers.descent import DESCENT
from nnbench.catalog.optimizers.distance import DISTANCE
from nnbench.catalog.optimizers.signs_and_matrices import SIGNS_AND_MATRICES
from nnbench.catalog.twin import of_family

OPTIMIZERS: dict[str, Optimizer] = {
    **of_family(DESCENT, family="Descent and momentum"),
    **of_family(AVERAGES, family="Averages of the iterates"),
    **of_family(ADAPTIVE, family="A rate for each parameter"),
    **of_family(ADAM, family="Adam and its kin"),
    **of_family(DISTANCE, family="A rate that is found"),
    **of_family(SIGNS_AND_MATRICES, family="Signs and matrices"),
}

__all__ = ["OPTIMIZERS", "Optimizer"]
