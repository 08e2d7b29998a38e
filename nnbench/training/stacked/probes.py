"""One network's statistics, layer by layer, on a fixed set of training examples.

Gradients are read before the update, in training mode without dropout, at the iterate itself: where
an optimizer evaluates an average of its iterates, the gradients are still those of the iterate.
Norms are taken in float64: in a deep float32 network the squares of gradients underflow long before
the gradients do.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.func import grad, jvp, vjp

from nnbench.catalog.activations.registry import ACTIVATIONS
from nnbench.training.protocol import LANCZOS_STEPS, SATURATED_SLOPE
from nnbench.training.stacked.descent import Numbers
from nnbench.training.stacked.network import (
    Network,
    Program,
    Tap,
    activate,
    forward,
    noise_at_its_mean,
    unflatten,
    untapped,
)
from nnbench.training.stacked.step import loss_of, sum_of_weights, update

Statistics = dict[str, Tensor]


def probe(
    program: Program,
    network: Network,
    numbers: Numbers,
    can_die: Tensor,
    lr: Tensor,
    step: Tensor,
    x: Tensor,
    y: Tensor,
    correlation: bool = False,
) -> tuple[Statistics, Tensor]:
    """Return statistics by name, (layers,) each, and which units are dead, (layers, units).

    `x` is (rows, features). `can_die` tells whether the network's activation has a flat piece, see
    `dead_units`. `lr` and `step` are those of the update that would come next.
    """
    program = replace(program, dropout=False)
    gradient, by_tap, trace = _differentiated(program, network, numbers, x, y)
    old = unflatten(program, network.params)
    new = unflatten(program, update(program, network, gradient, numbers, lr, step)[0])
    by_param = unflatten(program, gradient)
    rows, dead = [], []
    for layer in range(program.depth):
        pre, act = trace[f"pre/{layer}"], trace[f"act/{layer}"]
        weight = f"{layer}.weight"
        slope = slopes(program, old, numbers, layer, pre)
        is_dead = dead_units(act, slope, can_die)
        dead.append(is_dead)
        row = {
            **_spread("pre", pre),
            **_spread("act", act),
            **_gradient("", by_param[weight]),
            **_gradient("pre_", by_tap[f"pre/{layer}"]),
            **_gradient("act_", by_tap[f"act/{layer}"]),
            "weight_norm": norm(old[weight]),
            "update_ratio": norm(new[weight] - old[weight]) / norm(old[weight]),
            "dead_fraction": is_dead.double().mean(),
            "saturated_fraction": saturated(program, slope),
            "zero_fraction": (act == 0).double().mean(),
            "effective_rank": effective_rank(act),
            "similarity": mean_similarity(act),
        }
        rows.append(row | ({"correlation": pair_correlation(pre)} if correlation else {}))
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}, torch.stack(dead)


def _differentiated(
    program: Program, network: Network, numbers: Numbers, x: Tensor, y: Tensor
) -> tuple[Tensor, Statistics, dict[str, Tensor]]:
    """Return the gradient of what is minimised by parameter (P,), and by tap; and the taps' values.

    What is minimised includes the L1 penalty, as in a step; coupled decay comes with the update.
    """

    def objective(flat: Tensor, nudges: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        seen: dict[str, Tensor] = {}

        def tap(name: str, h: Tensor) -> Tensor:
            seen[name] = h + nudges[name]
            return seen[name]

        loss = _loss(program, network, numbers, flat, x, y, tap)
        if program.l1:
            loss = loss + numbers["l1"] * sum_of_weights(unflatten(program, flat))
        return loss, seen

    names = [f"{kind}/{layer}" for kind in ("pre", "act") for layer in range(program.depth)]
    nudges = {name: x.new_zeros(x.shape[0], program.width) for name in names}
    # the gradient with respect to a nudge of zero is the gradient with respect to what it nudges
    derivative = grad(objective, argnums=(0, 1), has_aux=True)
    (gradient, by_tap), trace = derivative(network.params, nudges)
    return gradient, by_tap, trace


def _loss(
    program: Program,
    network: Network,
    numbers: Numbers,
    flat: Tensor,
    x: Tensor,
    y: Tensor,
    tap: Tap = untapped,
) -> Tensor:
    """Return the loss in training mode, without dropout, as a function of the parameters (P,)."""
    params, noise = unflatten(program, flat), noise_at_its_mean(program, x)
    outputs, _ = forward(program, params, network.running, numbers, x, noise, tap)
    return loss_of(program, outputs, y, numbers)


def norm(values: Tensor) -> Tensor:
    """Return the Euclidean norm, in float64."""
    return torch.linalg.vector_norm(values.double())


def _spread(kind: str, values: Tensor) -> Statistics:
    """Mean and standard deviation over rows and units."""
    values = values.double()
    return {f"{kind}_mean": values.mean(), f"{kind}_std": values.std(correction=0)}


def _gradient(kind: str, values: Tensor) -> Statistics:
    """Norm of a gradient and standard deviation of its entries."""
    return {f"{kind}grad_norm": norm(values), f"{kind}grad_std": values.double().std(correction=0)}


def slopes(
    program: Program, params: dict[str, Tensor], numbers: Numbers, layer: int, pre: Tensor
) -> Tensor:
    """Return the activation's derivative at each pre-activation (rows, units).

    Where units depend on each other (softmax) it is the sum over outputs of the derivative's size.
    """
    function = partial(activate, program, params, numbers, layer, noise=None)
    if ACTIVATIONS[program.activation].elementwise:
        pull = vjp(function, pre)[1]
        return pull(torch.ones_like(pre))[0]
    columns = []
    for unit in range(pre.shape[-1]):
        one = torch.zeros_like(pre)
        one[..., unit] = 1.0
        columns.append(jvp(function, (pre,), (one,))[1].abs().sum(-1))
    return torch.stack(columns, -1)


def dead_units(act: Tensor, slope: Tensor, can_die: Tensor) -> Tensor:
    """Tell of each unit whether it is constant, with no gradient, over all rows (units,).

    Only where the activation has a flat piece, by its own rule and parameters: a leaky unit never
    is, however small its slope, nor a sigmoid that has saturated beyond what floats can tell.
    """
    return (act == act[:1]).all(0) & (slope == 0).all(0) & can_die


def saturated(program: Program, slope: Tensor) -> Tensor:
    """Return the share of units and rows whose slope is at most 5 % of the largest there is."""
    entry = ACTIVATIONS[program.activation]
    if entry.saturates == "none":
        return slope.new_zeros((), dtype=torch.float64)
    return (slope.abs() <= SATURATED_SLOPE * entry.max_slope).double().mean()


def effective_rank(act: Tensor) -> Tensor:
    """Return exp of the entropy of the normalised singular values (Roy & Vetterli 2007).

    NaN where all are zero, and of activations that are not finite, which no decomposition takes.
    """
    act = act.double()
    values = torch.linalg.svdvals(torch.where(torch.isfinite(act).all(), act, 0.0))
    share = values / values.sum()
    return torch.exp(torch.special.entr(share).sum())


def mean_similarity(act: Tensor) -> Tensor:
    """Return the mean cosine of the angle between two rows' activations, over all pairs.

    Rows of zeros have no direction and are left out; NaN where fewer than two are left.
    """
    unit, has_direction = _directions(act)
    n = has_direction.sum()
    mean = (unit.sum(0).square().sum() - n) / (n * (n - 1))
    return torch.where(n > 1, mean, torch.nan)


def pair_correlation(pre: Tensor) -> Tensor:
    """Return the mean cosine of the pre-activations of rows 0 and 1, 2 and 3, and so on.

    Of mean-field theory's c = q12 / sqrt(q11 q22), with uncentred products over units (Poole et al.
    2016). Pairs with a row of zeros are left out; NaN where none is left.
    """
    pairs = pre.shape[0] // 2
    unit, has_direction = _directions(pre[: 2 * pairs])
    cosines = (unit[0::2] * unit[1::2]).sum(-1)
    return cosines.sum() / (has_direction[0::2] & has_direction[1::2]).sum()


def _directions(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return each row at length 1, in float64, or zero; and which rows are not zero, NaN ones too.

    A row is divided by its largest entry first, since squares underflow before the entries do.
    """
    values = values.double()
    largest = values.abs().amax(-1, keepdim=True)
    has_direction = largest != 0
    values = values / torch.where(has_direction, largest, 1.0)
    length = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
    return values / torch.where(has_direction, length, 1.0), has_direction[..., 0]


def sharpness(
    program: Program, network: Network, numbers: Numbers, start: Tensor, x: Tensor, y: Tensor
) -> Tensor:
    """Return the largest eigenvalue of the loss's Hessian on the rows, by Lanczos' method.

    `start` (P,) is the first vector, standard normal. Full reorthogonalisation keeps the few steps
    exact (Lanczos 1950); the top eigenvalue of the tridiagonal matrix converges from below.
    """
    program = replace(program, dropout=False)

    def loss(flat: Tensor) -> Tensor:
        return _loss(program, network, numbers, flat, x, y)

    def hessian_times(vector: Tensor) -> Tensor:
        return jvp(grad(loss), (network.params,), (vector,))[1]

    steps = min(LANCZOS_STEPS, network.params.shape[0])
    basis = [start / torch.linalg.vector_norm(start)]
    diagonal, beside = [], []
    for _ in range(steps):
        vector = hessian_times(basis[-1])
        diagonal.append(torch.dot(vector, basis[-1]))
        for _ in range(2):  # twice is enough (Parlett 1980)
            known = torch.stack(basis)
            vector = vector - known.T @ (known @ vector)
        size = torch.linalg.vector_norm(vector)
        beside.append(size)
        # an exhausted space leaves a zero vector; the tiny divisor keeps it one
        basis.append(vector / torch.clamp(size, min=torch.finfo(size.dtype).tiny))
    matrix = torch.diag(torch.stack(diagonal))
    if steps > 1:
        side = torch.stack(beside[:-1])
        matrix = matrix + torch.diag(side, 1) + torch.diag(side, -1)
    matrix = matrix.double()
    finite = torch.isfinite(matrix).all()
    top = torch.linalg.eigvalsh(torch.where(finite, matrix, 0.0))[-1]
    return torch.where(finite, top, torch.nan)
