"""Every activation, family by family; a family's functions and entries stand in one file."""

from nnbench.catalog.activations.base import Activation
from nnbench.catalog.activations.elu_like import ELU_LIKE, SELU_ALPHA, SELU_SCALE
from nnbench.catalog.activations.others import NONE, PERIODIC, SOFTMAX_LIKE
from nnbench.catalog.activations.relu_like import RELU_LIKE
from nnbench.catalog.activations.sigmoid_like import SIGMOID_LIKE
from nnbench.catalog.activations.threshold_like import THRESHOLD_LIKE
from nnbench.catalog.twin import of_family

ACTIVATIONS: dict[str, Activation] = {
    **of_family(NONE, family="None"),
    **of_family(THRESHOLD_LIKE, family="Threshold-like"),
    **of_family(SIGMOID_LIKE, family="Sigmoid-like"),
    **of_family(RELU_LIKE, family="ReLU-like"),
    **of_family(ELU_LIKE, family="ELU-like"),
    **of_family(PERIODIC, family="Periodic"),
    **of_family(SOFTMAX_LIKE, family="Softmax-like"),
}

__all__ = ["ACTIVATIONS", "SELU_ALPHA", "SELU_SCALE", "Activation"]
