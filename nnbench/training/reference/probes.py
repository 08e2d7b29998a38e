"""Probes of one network in ordinary torch: hooks, `retain_grad`, one real step of the optimizer.

The slow twin of the engine's probes, of which it imports nothing. It looks at copies of the network
and its optimizer, the network in training mode without dropout, and does as it likes with them.
What the statistics mean is said in the engine's own functions.
"""

from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.catalog.own.torch_class import copied_optimizer
from nnbench.study.recipe import Recipe
from nnbench.training.protocol import PROBE_ROWS, SATURATED_SLOPE, can_die
from nnbench.training.reference.step import Learner, Pace, minimised, train_step

Array = NDArray[np.float64]
DENSE_UP_TO = 200  # parameters: up to so many the whole Hessian is made


class Look(NamedTuple):
    """What a look at a network shows: as `Record.add_layers` takes it."""

    statistics: dict[str, Array]  # (layers,) each
    dead: NDArray[np.bool_]  # (layers, units)
    sharpness: float | None


class Watched:
    """A hidden layer whose activation's input and output are kept, and their gradients too."""

    def __init__(self, layer: Any) -> None:
        self.activation: nn.Module = layer.activation
        self.weight: Tensor = layer.linear.weight
        self.pre = self.act = torch.empty(0)
        self._hook = self.activation.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.pre, self.act = inputs[0], output
        self.pre.retain_grad()
        self.act.retain_grad()

    def release(self) -> None:
        """Watch no longer; what was seen stays."""
        self._hook.remove()


def look(learner: Learner, pace: Pace, x: Tensor, y: Tensor) -> Look:
    """Return what a learner's network shows on the training part, `x` (examples, features) and `y`.

    `pace` is that of the update that `update_ratio` tells of. The learner is left as it is.
    """
    seen = copied(learner)
    for group in seen.optimizer.param_groups:
        group.update(pace)
    with np.errstate(all="ignore"):  # a network that is about to diverge has infinite squares
        statistics, dead = probe(seen, x[:PROBE_ROWS], y[:PROBE_ROWS])
    if not learner.recipe["probe_sharpness"]:
        return Look(statistics, dead, None)
    seen = copied(learner)
    seen.network.double()
    targets = y.double() if y.is_floating_point() else y
    return Look(statistics, dead, sharpness(seen, x.double(), targets))


def copied(learner: Learner) -> Learner:
    """Return a copy of a learner, the noise of its network switched off."""
    known: dict[int, Any] = {}
    network = deepcopy(learner.network, known)
    for module in network.modules():
        if hasattr(module, "noise"):
            module.eval()
    optimizer = copied_optimizer(learner.optimizer, known)
    return replace(learner, network=network, optimizer=optimizer)


def probe(learner: Learner, x: Tensor, y: Tensor) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Return statistics by name, (layers,) each, and which units are dead, (layers, units).

    They are those of the rows `x` and `y`, on which the learner then takes a step.
    """
    recipe = learner.recipe
    layers = [Watched(layer) for layer in list(learner.network.children())[:-1]]
    learner.network.zero_grad()
    minimised(learner, x, y)[1].backward()
    for layer in layers:
        layer.release()
    rows = [statistics_of(recipe, layer) for layer in layers]
    dead = [dead_units(recipe, layer) for layer in layers]
    before = [layer.weight.detach().clone() for layer in layers]
    train_step(learner, x, y)
    for row, layer, old in zip(rows, layers, before, strict=True):
        change = array(layer.weight - old)
        row["update_ratio"] = np.linalg.norm(change) / np.linalg.norm(array(old))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}, np.array(dead)


def array(values: Tensor | None) -> Array:
    """Return a tensor's values in float64."""
    assert values is not None
    return values.detach().double().numpy()


def statistics_of(recipe: Recipe, layer: Watched) -> dict[str, Any]:
    """Return the statistics of a watched layer whose gradients are there, but for its update's."""
    pre, act = array(layer.pre), array(layer.act)
    found: dict[str, Any] = {"weight_norm": np.linalg.norm(array(layer.weight))}
    for name, values in (("pre", pre), ("act", act)):
        found |= {f"{name}_mean": values.mean(), f"{name}_std": values.std()}
    for name, tensor in (("", layer.weight), ("pre_", layer.pre), ("act_", layer.act)):
        gradient = array(tensor.grad)
        found |= {
            f"{name}grad_norm": np.linalg.norm(gradient),
            f"{name}grad_std": gradient.std(),
        }
    found["dead_fraction"] = dead_units(recipe, layer).mean()
    found["saturated_fraction"] = saturated_fraction(recipe, layer)
    found["zero_fraction"] = 1 - np.count_nonzero(act) / act.size
    found["effective_rank"] = effective_rank(act)
    found["similarity"] = similarity(act)
    if recipe["probe_correlation"]:
        found["correlation"] = correlation(pre)
    return found


def slopes(recipe: Recipe, layer: Watched) -> Array:
    """Return the activation's derivative at each pre-activation (rows, units), by autograd."""
    pre = layer.pre.detach().requires_grad_()
    act = layer.activation(pre)
    if ACTIVATIONS[recipe["activation"]].elementwise:
        return array(torch.autograd.grad(act.sum(), pre)[0])
    rows_of_jacobian = [
        torch.autograd.grad(output.sum(), pre, retain_graph=True)[0] for output in act.unbind(1)
    ]
    return array(torch.stack(rows_of_jacobian).abs().sum(0))


def dead_units(recipe: Recipe, layer: Watched) -> NDArray[np.bool_]:
    """Tell of each unit whether it gives one value to all rows, and no gradient (units,)."""
    act = array(layer.act)
    if not can_die(recipe):
        return np.zeros(act.shape[1], dtype=bool)
    is_constant = act.min(0) == act.max(0)
    has_no_slope = ~slopes(recipe, layer).any(0)
    return is_constant & has_no_slope


def saturated_fraction(recipe: Recipe, layer: Watched) -> float:
    """Return the share of units and rows whose slope is at most 5 % of the largest there is."""
    activation = ACTIVATIONS[recipe["activation"]]
    if activation.saturates == "none":
        return 0.0
    return float(np.mean(np.abs(slopes(recipe, layer)) <= SATURATED_SLOPE * activation.max_slope))


def effective_rank(act: Array) -> float:
    """Return exp of the entropy of the singular values' shares; NaN where there are none."""
    if not np.isfinite(act).all() or not act.any():
        return np.nan
    values = np.linalg.svd(act, compute_uv=False)
    share = values[values > 0] / values.sum()
    return float(np.exp(-np.sum(share * np.log(share))))


def similarity(act: Array) -> float:
    """Return the mean cosine of all pairs of rows that are not zero; NaN where there is none."""
    unit = directions(act[act.any(1)])
    first, second = np.triu_indices(len(unit), k=1)
    return float((unit @ unit.T)[first, second].mean()) if len(first) else np.nan


def correlation(pre: Array) -> float:
    """Return the mean cosine of rows 0 and 1, 2 and 3, ...; NaN where no pair is without zeros."""
    pairs = [(pre[first], pre[first + 1]) for first in range(0, len(pre) - 1, 2)]
    cosines = [
        float(np.prod(directions(np.stack(pair)), axis=0).sum())
        for pair in pairs
        if pair[0].any() and pair[1].any()
    ]
    return float(np.mean(cosines)) if cosines else np.nan


def directions(values: Array) -> Array:
    """Return rows (rows, units) divided by their lengths; none may be zero."""
    values = values / np.abs(values).max(1, keepdims=True)  # or their squares might underflow
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def sharpness(learner: Learner, x: Tensor, y: Tensor) -> float:
    """Return the largest eigenvalue of the loss's Hessian over all parameters, on these rows.

    From the whole Hessian of a small network;
    else by ARPACK, from products with it, each the gradient of a gradient's product (Pearlmutter
    1994).
    """
    params = list(learner.network.parameters())
    loss, _ = minimised(learner, x, y)
    gradient = flat(torch.autograd.grad(loss, params, create_graph=True))

    def hessian_times(vector: Array) -> Array:
        product = gradient @ torch.from_numpy(np.ravel(vector))
        return array(flat(torch.autograd.grad(product, params, retain_graph=True)))

    count = len(gradient)
    if count <= DENSE_UP_TO:
        hessian = np.stack([hessian_times(one) for one in np.eye(count)])
        if not np.isfinite(hessian).all():
            return np.nan
        return float(np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1])
    start = np.random.default_rng(0).standard_normal(count)
    if not np.isfinite(hessian_times(start)).all():
        return np.nan
    operator = LinearOperator((count, count), matvec=hessian_times, dtype=np.float64)
    largest = eigsh(operator, k=1, which="LA", v0=start, return_eigenvectors=False)
    return float(largest[0])


def flat(parts: tuple[Tensor, ...]) -> Tensor:
    """Return tensors as one vector."""
    return torch.cat([part.reshape(-1) for part in parts])
