"""What theory says of a study's layers before any is measured: `predictions.parquet`.

Written by the run, since the quadrature needs the activations' functions and the report is to be
read without torch. One row per arm, layer and quantity; where theory says nothing, `predicted` is
null and `reason` says why. Quantities, layers counted from 1, 0 standing for the whole network:

    pre_std, act_mean, act_std    over units and examples, as the probes take them
    gradient_growth               of squared gradients, from the layer above to this one
    born_dead, born_dead_at_least probability that this layer or one below gives zero throughout
    depth_scale                   xi, in layers (network)
    sharpness                     where full-batch descent comes to hover (network)
"""

import math
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nnbench.catalog.inits.registry import INITS
from nnbench.results.predicted import arm_columns
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.theory import laws
from nnbench.theory.layers import (
    RESIDUAL,
    depth_scale,
    field_of,
    inputs_of,
    moments,
    pre_activations,
    variances,
)
from nnbench.training.protocol import can_die

FILE = "predictions.parquet"
COLUMNS = ("cell_id", "layer", "quantity", "predicted", "law", "reason")


class Row(NamedTuple):
    """One prediction, or the reason that there is none."""

    layer: int
    quantity: str
    predicted: float | None
    law: str
    reason: str | None = None


def prediction_files(cells: Sequence[Cell]) -> dict[str, bytes]:
    """Return the file that has the predictions for these cells."""
    buffer = BytesIO()
    predict(cells).to_parquet(buffer, index=False)
    return {FILE: buffer.getvalue()}


def predict(cells: Sequence[Cell]) -> pd.DataFrame:
    """Return the predictions for the arms of these cells, under the id of an arm's first cell."""
    arms: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        sharp = bool(cell.recipe.get("probe_sharpness"))
        columns = sorted(arm_columns(cell.recipe, sharp))
        arms.setdefault(tuple((name, cell.recipe[name]) for name in columns), cell)
    rows = [
        (cell.cell_id, *row)
        for cell in arms.values()
        if cell.recipe.get("depth")
        for row in predict_arm(cell.recipe)
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    kinds = {"layer": "int64", "predicted": "float64"}
    return frame.astype(kinds | {name: "str" for name in COLUMNS if name not in kinds})


def predict_arm(recipe: Recipe) -> Iterator[Row]:
    """Yield every prediction of one recipe."""
    yield from _signals(recipe)
    yield from _gradients(recipe)
    yield from _born_dead(recipe)
    yield _depth_scale(recipe)
    if recipe.get("probe_sharpness"):
        yield _sharpness(recipe)


# Layers -------------------------------------------------------------------------------------------


def _signals(recipe: Recipe) -> Iterator[Row]:
    names = ("pre_std", "act_mean", "act_std")
    law = "q' = sw2 E f(sqrt(q) z)² + sb2, by quadrature"
    try:
        field, layers = field_of(recipe), pre_activations(recipe)
        mean = moments(field, "first", layers).mean(1)
        second = moments(field, "second", layers).mean(1)
    except (ValueError, ArithmeticError) as problem:
        yield from (Row(0, name, None, law, str(problem)) for name in names)
        return
    spread = np.sqrt(np.clip(second - mean**2, 0.0, None))
    for layer, q in enumerate(layers.mean(1), start=1):
        yield Row(layer, "pre_std", math.sqrt(q), law)
        yield Row(layer, "act_mean", float(mean[layer - 1]), law)
        yield Row(layer, "act_std", float(spread[layer - 1]), law)


# Backward -----------------------------------------------------------------------------------------


def _gradients(recipe: Recipe) -> Iterator[Row]:
    law = "chi = sw2 E f'(sqrt(q) z)²"
    try:
        growths, law = gradient_growths(recipe)
    except (ValueError, ArithmeticError) as problem:
        yield Row(0, "gradient_growth", None, law, str(problem))
        return
    for layer, growth in enumerate(growths, start=1):
        yield Row(layer, "gradient_growth", growth, law)


def gradient_growths(recipe: Recipe) -> tuple[list[float], str]:
    """Return each layer's growth of squared gradients, and the law; ValueError without one.

    Of the gradient with respect to the pre-activations, from the layer above. The last layer's
    stands above an output layer of another width: it is of hidden layers' weights all the same.
    """
    activation, depth, norm = recipe["activation"], recipe["depth"], recipe["norm"]
    if recipe["residual"]:
        raise ValueError(RESIDUAL)
    if norm != "none":
        return [_batchnorm_growth(recipe)] * depth, "batch normalisation (Yang et al. 2019)"
    _, n_features, _ = inputs_of(recipe)
    sw2 = variances(recipe, n_features).hidden
    if activation == "relu":
        return [laws.relu_growth(sw2)] * depth, "sw2 / 2 (He et al. 2015)"
    if activation == "identity":
        return [laws.linear_growth(1, sw2)] * depth, "n_in Var W (Glorot & Bengio 2010)"
    growth = sw2 * moments(field_of(recipe), "slope", pre_activations(recipe))  # (layers, groups)
    # A group's weight in a layer's gradient is what its growths above have left of it.
    logs = np.log(np.clip(growth, 1e-300, None))
    above = np.cumsum(logs[::-1], axis=0)[::-1] - logs
    weight = np.exp(above - above.max(axis=1, keepdims=True))
    growths = (weight * growth).sum(1) / weight.sum(1)
    law = "chi = sw2 E f'(sqrt(q) z)², by quadrature (Schoenholz et al. 2017)"
    return [float(one) for one in growths], law


def _batchnorm_growth(recipe: Recipe) -> float:
    """Return the growth through BatchNorm before ReLU or nothing; ValueError for all others."""
    norm, activation = recipe["norm"], recipe["activation"]
    if norm != "batchnorm" or recipe["norm.position"] != "before":
        raise ValueError(f"norm {norm}: the law is of batchnorm before the activation")
    batch = inputs_of(recipe)[2]
    if activation == "relu":
        return laws.batchnorm_relu_growth(batch)
    if activation == "identity":
        return laws.batchnorm_linear_growth(batch)
    raise ValueError(f"batchnorm with {activation}: the law is of relu and identity")


# Dead units ---------------------------------------------------------------------------------------


def _born_dead(recipe: Recipe) -> Iterator[Row]:
    """Yield the probability of a layer that gives zero, and its lower bound for one feature."""
    width, depth = recipe["width"], recipe["depth"]
    law = "1 - (1 - 2^-N)^l, exact for one input, else an upper bound (Lu et al. 2019)"
    if not can_die(recipe):
        law = "no interval where it is constant"
        yield from (Row(layer, "born_dead", 0.0, law) for layer in range(1, depth + 1))
        return
    plain = recipe["activation"] == "relu" and recipe["norm"] == "none" and not recipe["residual"]
    init = recipe["init"]
    symmetric = init not in ("zero", "constant", "lsuv") and INITS[init].bias is None
    if not (plain and symmetric and recipe["bias"] == 0):
        reason = "the law is of plain relu layers with symmetric weights and without biases"
        yield Row(0, "born_dead", None, law, reason)
        return
    one_feature = inputs_of(recipe)[1] == 1
    bound = "lower bound for one input feature (Lu et al. 2019)"
    for layer in range(1, depth + 1):
        yield Row(layer, "born_dead", laws.dead_for_one_input([width] * layer), law)
        if one_feature:
            yield Row(layer, "born_dead_at_least", laws.dead_at_least(width, layer), bound)


# The whole network --------------------------------------------------------------------------------


def _depth_scale(recipe: Recipe) -> Row:
    """Return xi: layers until a signal, or the difference of two, has changed by a factor e."""
    law = "xi = 1/|ln chi|, in chaos by the slope at c* (Schoenholz et al. 2017)"
    try:
        if recipe["norm"] != "none" or recipe["residual"]:
            raise ValueError("the depth scale is of plain layers without normalisation")
        mean_squares, n_features, _ = inputs_of(recipe)
        weights = variances(recipe, n_features)
        start = weights.first * float(mean_squares.mean()) + weights.first_bias
        field = field_of(recipe)
        return Row(0, "depth_scale", depth_scale(field, weights.hidden, weights.bias, start), law)
    except (ValueError, ArithmeticError) as problem:
        return Row(0, "depth_scale", None, law, str(problem))


def _sharpness(recipe: Recipe) -> Row:
    """Return the largest stable curvature of the optimizer, for a constant rate."""
    name, rate = recipe["optimizer"], recipe["optimizer.lr"]
    momentum = recipe.get("optimizer.momentum", 0.0)
    law = "2 / lr (Cohen et al. 2021)"
    if recipe["batch_size"] != 0 and name != "gd":
        return Row(0, "sharpness", None, law, "mini-batches: the edge is that of full batches")
    if recipe["schedule"] != "none":
        return Row(0, "sharpness", None, law, "the learning rate changes")
    if name in ("sgd", "gd"):
        return Row(0, "sharpness", laws.edge_of_stability(rate), law)
    if name == "momentum":
        return Row(0, "sharpness", laws.largest_rate(rate, momentum), "2 (1 + b) / lr")
    if name == "nesterov":
        edge = laws.largest_rate_nesterov(rate, momentum)
        return Row(0, "sharpness", edge, "2 (1 + b) / [lr (1 + 2 b)]")
    return Row(0, "sharpness", None, law, f"{name}: the edge is that of descent and momentum")
