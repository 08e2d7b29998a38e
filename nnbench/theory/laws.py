"""Predictions that need no training: formulas of signals, gradients, dead units and optimizers.

Throughout W_ij ~ N(0, sw2 / n_in) and b ~ N(0, sb2); a growth is the factor of a mean square from
one layer to the next. Plain numbers in and out. What needs an integral over an activation stands
in `nnbench.catalog.meanfield`; `nnbench.theory.checks` holds every prediction against the engine.
"""

import math
from collections.abc import Sequence

# Variance propagation -----------------------------------------------------------------------------


def linear_growth(fan_in: int, weight_variance: float) -> float:
    """n_in Var W: growth of a linear layer's variance, exactly, at any width.

    Glorot & Bengio (2010), Understanding the Difficulty of Training Deep Feedforward Networks.
    """
    return fan_in * weight_variance


def relu_growth(sw2: float) -> float:
    """sw2 / 2: growth of mean square and of squared gradients under ReLU, exactly, at any width.

    A weight law that is symmetric about zero loses half of the mean square in a rectifier. He's
    sw2 = 2 keeps it, Xavier's 1 leaves 2^-L, torch's default 1/3 leaves 6^-L.
    He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers.
    """
    return sw2 / 2


# ReLU correlations --------------------------------------------------------------------------------


def relu_correlation(c: float) -> float:
    """[sqrt(1 - c^2) + c (pi - arccos c)] / pi: cosine of two inputs after one ReLU layer.

    Cho & Saul (2009), Kernel Methods for Deep Learning.
    """
    return (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi


def relu_correlation_after(layers: int, c: float = 0.0) -> float:
    """Cosine of two inputs after so many ReLU layers, from `c` at the input."""
    for _ in range(layers):
        c = relu_correlation(c)
    return c


RELU_CORRELATION_LIMIT = 9 * math.pi**2 / 2
"""(1 - c_l) l^2 for many layers l (Hayou, Doucet & Rousseau 2019)."""


# Finite width -------------------------------------------------------------------------------------

LAYER_VARIANCE = {"relu": 5.0, "identity": 2.0}
"""n Var r of one layer's squared length r, in units of its mean."""


def second_moment(activation: str, widths: Sequence[int]) -> float:
    """E R^2 = product of (1 + 5/n) under ReLU, (1 + 2/n) without an activation, where E R = 1.

    R is the mean square of the last layer over that of the input, under the init that keeps its
    mean, without biases. After Hanin (2018), Which Neural Net Architectures Give Rise to Exploding
    and Vanishing Gradients?
    """
    return math.prod(1 + LAYER_VARIANCE[activation] / n for n in widths)


# Born dead ----------------------------------------------------------------------------------------


def dead_for_one_input(widths: Sequence[int]) -> float:
    """1 - product of (1 - 2^-N): probability that a ReLU network gives zero for one non-zero input.

    Exact for zero biases and symmetric weights; an upper bound for giving zero for all inputs.
    Lu, Shin, Su & Karniadakis (2019), Dying ReLU and Initialization; Rister & Rubin (2020),
    Probabilistic Bounds on Neuron Death in Deep Rectifier Networks.
    """
    return 1 - math.prod(1 - 2.0**-n for n in widths)


def dead_at_least(width: int, hidden: int) -> float:
    """Lower bound of the probability that a network of one input feature is born dead.

    `hidden` layers of `width` units, zero biases (Lu et al. 2019; their depth L is hidden + 1).
    """
    n, steps = width, hidden - 1
    a1 = 1 - 2.0**-n
    a2 = 1 - 2.0 ** (1 - n) - (n - 1) * 4.0**-n
    both = (1 - 2.0 ** (1 - n)) * (1 - 2.0**-n) / (1 + (n - 1) * 2.0**-n)
    return 1 - a1**steps + both * (a2**steps - a1**steps)


def width_enough(hidden: int, probability: float) -> int:
    """Return the least width N >= log2(hidden / probability): dead with at most the probability."""
    return math.ceil(math.log2(hidden / probability) - 1e-12)


# SELU ---------------------------------------------------------------------------------------------

SELU = 1.6732632423543772, 1.0507009873554805
"""alpha and lambda, of the same work."""

SELU_CONTRACTION = 0.782648
"""Factor of a small error of the variance from layer to layer, at mean 0 and variance 1.

Klambauer, Unterthiner, Mayr & Hochreiter (2017), Self-Normalizing Neural Networks.
"""


def selu_gradient_growth() -> float:
    """lambda^2 [1/2 + alpha^2 e^2 Phi(-2)]: growth of squared gradients at the fixed point.

    E selu'(z)^2, for which E[e^(2z); z < 0] = e^2 Phi(-2).
    """
    alpha, scale = SELU
    below = math.exp(2) * math.erfc(math.sqrt(2)) / 2
    return scale**2 * (1 / 2 + alpha**2 * below)


def selu_mean_shift(shift: float, variance: float) -> float:
    """What the mean of SELU shifts by where the mean square of its inputs strays around 1.

    M(q) = lambda [sqrt(q / 2 pi) + alpha (e^(q/2) Phi(-sqrt q) - 1/2)] is E selu; M' times the
    shift of q, and M'' times half its variance.
    """
    alpha, scale = SELU
    below = math.exp(1 / 2) * math.erfc(math.sqrt(1 / 2)) / 2
    root = 1 / math.sqrt(2 * math.pi)
    first = scale * ((1 - alpha) * root / 2 + alpha * below / 2)
    second = scale * ((alpha - 1) * root / 4 + alpha * (below - root) / 4)
    return first * shift + second * variance / 2


# Batch normalisation ------------------------------------------------------------------------------


def batchnorm_linear_growth(batch: float) -> float:
    """(B - 2) / (B - 3): growth of squared gradients per layer of BatchNorm without activation.

    Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz (2019), A Mean Field Theory of Batch
    Normalization.
    """
    return (batch - 2) / (batch - 3)


def batchnorm_relu_growth(batch: float) -> float:
    """Growth of squared gradients per layer of BatchNorm, then ReLU, for wide layers, at any sw2.

    At the fixed point, a unit's normalised batch u is uniform on the sphere of radius sqrt(B) in
    the B - 1 dimensions orthogonal to the ones, and its squared length before that is chi-square.
    With P = I - 11'/B and D = diag(u > 0) the growth is

        B / [(B - 3) (B - 1)] * E tr[D P D (P - uu'/B)] / (E relu(u_1)^2 - E relu(u_1) relu(u_2)),

    whose expectations are those of normal pairs of correlation -1/(B - 1). Limit: pi / (pi - 1).
    """
    if math.isinf(batch):
        return math.pi / (math.pi - 1)
    rho, one = -1 / (batch - 1), 1 - 1 / batch  # one: squared length of a column of P
    root = math.sqrt(1 - rho * rho)
    mean_size_product = one * (2 / math.pi) * (root + rho * math.asin(rho))  # E |g_1 g_2|
    both_positive = 1 / 4 + math.asin(rho) / (2 * math.pi)
    trace = batch / 2 * one**2 + (batch - 1) / batch * both_positive
    squared_sum = (batch * one + batch * (batch - 1) * mean_size_product) / (batch - 1) / 4
    along_u = 1 / 2 - squared_sum / batch
    product = one / (2 * math.pi) * (root + rho * (math.pi - math.acos(rho)))
    spread = 1 / 2 - batch * product / (batch - 1)
    return batch / ((batch - 3) * (batch - 1)) * (trace - along_u) / spread


# Dropout ------------------------------------------------------------------------------------------


def dropout_growth(sw2: float, keep: float) -> float:
    """sw2 / (2 p): growth of the mean square under ReLU and inverted dropout that keeps p.

    Pretorius, van Biljon, Kroon & Kamper (2018), Critical Initialisation for Deep Signal
    Propagation in Noisy Rectifier Neural Networks.
    """
    return sw2 / (2 * keep)


def dropout_critical(keep: float) -> float:
    """2 p: the sw2 that keeps the mean square under ReLU and dropout that keeps p."""
    return 2 * keep


# Linear networks ----------------------------------------------------------------------------------


def linear_mode(strength: float, start: float, time: float) -> float:
    """s e^(2st) / (e^(2st) - 1 + s / u0): a mode's strength under gradient flow, balanced start.

    `time` is in units of tau, where tau du/dt = 2 u (s - u). Saxe, McClelland & Ganguli (2014),
    Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks.
    """
    grown = math.exp(2 * strength * time)
    return strength * grown / (grown - 1 + strength / start)


# Optimizers on a quadratic ------------------------------------------------------------------------


def largest_rate(curvature: float, momentum: float = 0.0) -> float:
    """2 (1 + b) / h: below it, descent with torch's momentum b converges (Polyak 1964)."""
    return 2 * (1 + momentum) / curvature


def largest_rate_nesterov(curvature: float, momentum: float) -> float:
    """2 (1 + b) / [h (1 + 2 b)]: the same for Nesterov's look-ahead in torch's form."""
    return 2 * (1 + momentum) / (curvature * (1 + 2 * momentum))


def stationary_variance(
    rate: float, curvature: float, noise: float, momentum: float = 0.0
) -> float:
    """lr s2 (1 + b) / {(1 - b) h [2 (1 + b) - lr h]}: of the parameter, under gradient noise s2."""
    below = (1 - momentum) * curvature * (2 * (1 + momentum) - rate * curvature)
    return rate * noise * (1 + momentum) / below


def adam_first_step(rate: float, gradient: float, eps: float) -> float:
    """lr g / (|g| + eps) (Kingma & Ba 2015)."""
    return rate * gradient / (abs(gradient) + eps)


def decayed(rate: float, decay: float, steps: int) -> float:
    """(1 - lr wd)^t: what torch's AdamW leaves of a parameter without a gradient."""
    return (1 - rate * decay) ** steps


def edge_of_stability(rate: float) -> float:
    """2 / lr: just above it the sharpness of full-batch descent comes to hover.

    Cohen, Kaur, Li, Kolter & Talwalkar (2021), Gradient Descent on Neural Networks Typically
    Occurs at the Edge of Stability.
    """
    return 2 / rate
