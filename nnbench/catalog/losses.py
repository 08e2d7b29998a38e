"""Losses: functions of one network's outputs (batch, outputs) and targets, mean over the batch.

`targets` says what a loss is given: `class` (indices), `one_hot` (0 and 1; a single column when
there are two classes) or `value` (real numbers, one column). Parameters are 0-dimensional tensors,
so that networks of one stack may differ in them, unless they are marked as part of the program.
Kinks have torch's derivatives.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nnbench.catalog.formulas import Of
from nnbench.catalog.twin import Twin, Twinned
from nnbench.catalog.works import BRIDLE, HUBER, SZEGEDY
from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Parameter

BCE_FLOOR = -100.0  # of a logarithm
# Least p (1 - p) by which the derivative is divided: 1e-12 in single precision, as torch has it
BCE_EPSILON = 9.999999960041972e-13


@dataclass(frozen=True, kw_only=True)
class Loss(Twinned):
    """A loss. `targets` maps each task that it can train to the form of its target.

    `output` maps the network's outputs before the loss sees them (a sigmoid for `bce`), and
    `output_twin` is torch's module for it; scores and `threshold`, which parts two classes by a
    single output, are of the outputs before that. `output_elementwise` says that the map takes
    each output on its own. `logits`: those outputs are logits, of which there are probabilities.
    `takes_weights`: the function takes `weight` (classes,), by which examples weigh in the mean.
    """

    function: Callable[..., Tensor]
    targets: dict[str, str]
    output: Callable[[Tensor], Tensor] | None = None
    output_twin: Twin | None = None
    output_elementwise: bool = False
    logits: bool = False
    takes_weights: bool = False
    threshold: float = 0.0

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        if "regression" in self.targets:
            return "Distances between numbers"
        return "Class indices" if "class" in self.targets.values() else "One output a class"


def cross_entropy(
    outputs: Tensor, targets: Tensor, label_smoothing: float, weight: Tensor | None = None
) -> Tensor:
    """-(1 - s) log softmax(o)[t] - s mean over classes of log softmax(o); targets (batch,).

    The smoothing s is part of the program: without it, the commonest loss does nothing for it.
    With a weight (classes,) each class's log softmax is multiplied by its own, and the mean is over
    the weights of the targets, as in torch.
    """
    logs = weighted(outputs.log_softmax(-1), weight)
    right = picked(logs, targets)
    if label_smoothing:
        right = (1 - label_smoothing) * right + label_smoothing * logs.mean(-1)
    return -mean_by_weight(right, targets, weight, logs)


def nll(outputs: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
    """-o[t], outputs being log-probabilities; weights as in `cross_entropy`."""
    logs = weighted(outputs, weight)
    return -mean_by_weight(picked(logs, targets), targets, weight, logs)


def weighted(logs: Tensor, weight: Tensor | None) -> Tensor:
    """Logs (batch, classes) times each class's weight."""
    return logs if weight is None else logs * weight.to(logs.dtype)


def mean_by_weight(values: Tensor, targets: Tensor, weight: Tensor | None, like: Tensor) -> Tensor:
    """The mean of values (batch,), or, weighted already, their sum over the targets' weights."""
    if weight is None:
        return values.mean()
    return values.sum() / weights_of(targets, weight, like).sum()


def weights_of(targets: Tensor, weight: Tensor, like: Tensor) -> Tensor:
    """The weight of each target (batch,), in the number type of `like` (batch, classes)."""
    return picked(torch.zeros_like(like) + weight.to(like.dtype), targets)


def picked(logs: Tensor, targets: Tensor) -> Tensor:
    """The entry of each row (batch, classes) at its class (batch,)."""
    return logs.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def log_softmax(outputs: Tensor) -> Tensor:
    """o - log sum exp(o), over the outputs."""
    return outputs.log_softmax(-1)


def huber(outputs: Tensor, targets: Tensor, delta: Tensor) -> Tensor:
    """e^2 / 2 for an error e up to delta, delta (|e| - delta / 2) beyond."""
    error = (outputs - targets).abs()
    near = torch.minimum(error, delta.to(error.dtype))
    return (0.5 * near * near + delta * (error - near)).mean()


def smooth_l1(outputs: Tensor, targets: Tensor, beta: Tensor) -> Tensor:
    """e^2 / (2 beta) for an error e up to beta, |e| - beta / 2 beyond: Huber's loss over beta."""
    error = (outputs - targets).abs()
    near = torch.minimum(error, beta.to(error.dtype))
    return (0.5 * near * near / beta + (error - near)).mean()


def sigmoid(outputs: Tensor) -> Tensor:
    """1 / (1 + e^-o)."""
    return torch.sigmoid(outputs)


def bce(outputs: Tensor, targets: Tensor) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)], the outputs being probabilities p; logarithms from -100 up.

    As in torch the derivative is (p - t) / max(p (1 - p), 1e-12), which is not that of the value
    where either bound holds: past a logit of 27 a wrong answer loses its gradient.
    """
    p = outputs.detach()
    value = -targets * torch.log(p).clamp(min=BCE_FLOOR)
    value = value - (1 - targets) * torch.log1p(-p).clamp(min=BCE_FLOOR)
    inner = outputs * (1 - outputs) > BCE_EPSILON
    safe = torch.where(inner, outputs, 0.5)  # a logarithm of 0 would make a NaN of a gradient of 0
    logarithm = -targets * torch.log(safe) - (1 - targets) * torch.log1p(-safe)
    square = (0.5 / BCE_EPSILON) * (outputs - targets) ** 2
    sloped = torch.where(inner, logarithm, square)  # has torch's derivative throughout
    return (value + (sloped - sloped.detach())).mean()


def bce_with_logits(outputs: Tensor, targets: Tensor) -> Tensor:
    """-[t log sigmoid(o) + (1 - t) log(1 - sigmoid(o))], safe at any logit."""
    return ((1 - targets) * outputs - torch.nn.functional.logsigmoid(outputs)).mean()


ANY_TASK = {"classification": "one_hot", "regression": "value"}

LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss(
        summary="Negative log-likelihood of the true class under the softmax of the logits.",
        formula="-(1 - s) log softmax(o)[t] - s mean(log softmax(o)), s = label_smoothing",
        reference=BRIDLE + "; " + SZEGEDY,
        parameters={
            "label_smoothing": Parameter(
                0.0, "share of the target spread over all classes", low=0, high=1, program=True
            )
        },
        function=cross_entropy,
        twin=Twin("torch.nn.CrossEntropyLoss", label_smoothing=Of("label_smoothing", unless=0)),
        logits=True,
        takes_weights=True,
        targets={"classification": "class"},
    ),
    "nll": Loss(
        summary="Cross-entropy in two parts: log-softmax outputs, then the right one negated.",
        formula="-(log softmax(o))[t]",
        reference=BRIDLE,
        torch="torch.nn.NLLLoss on torch.nn.LogSoftmax",
        function=nll,
        twin=Twin("torch.nn.NLLLoss"),
        logits=True,
        takes_weights=True,
        targets={"classification": "class"},
        output=log_softmax,
        output_twin=Twin("torch.nn.LogSoftmax", dim=-1),
    ),
    "mse": Loss(
        summary="Mean squared error; on classes, between the outputs, which are no probabilities, "
        "and their one-hot code.",
        formula="mean (o - t)^2",
        reference="Legendre (1805), Nouvelles méthodes pour la détermination des orbites des "
        "comètes; Stigler (1981), Gauss and the Invention of Least Squares, "
        "doi:10.1214/aos/1176345451",
        function=lambda outputs, targets: ((outputs - targets) ** 2).mean(),
        twin=Twin("torch.nn.MSELoss"),
        targets=ANY_TASK,
        threshold=0.5,
    ),
    "mae": Loss(
        summary="Mean absolute error: an outlier pulls no harder than any other example.",
        formula="mean |o - t|",
        reference="Laplace (1793), Sur quelques points du système du monde; Portnoy & Koenker "
        "(1997), The Gaussian Hare and the Laplacian Tortoise, doi:10.1214/ss/1030037960",
        function=lambda outputs, targets: (outputs - targets).abs().mean(),
        twin=Twin("torch.nn.L1Loss"),
        targets=ANY_TASK,
        threshold=0.5,
    ),
    "huber": Loss(
        summary="Squared for errors up to delta, absolute beyond.",
        formula="mean of e^2 / 2 where |e| <= delta, delta (|e| - delta / 2) where not; e = o - t",
        reference=HUBER,
        parameters={
            "delta": Parameter(1.0, "error from which on the loss is linear", 0, 1e6, open_low=True)
        },
        function=huber,
        twin=Twin("torch.nn.HuberLoss"),
        targets=ANY_TASK,
        threshold=0.5,
    ),
    "smooth_l1": Loss(
        summary="Absolute error, rounded off below beta (1 in the paper): Huber's loss over beta.",
        formula="mean of e^2 / (2 beta) where |e| <= beta, |e| - beta / 2 where not; e = o - t",
        reference="Girshick (2015), Fast R-CNN, arXiv:1504.08083",
        parameters={
            "beta": Parameter(1.0, "error from which on the loss is linear", 0, 1e6, open_low=True)
        },
        function=smooth_l1,
        twin=Twin("torch.nn.SmoothL1Loss"),
        targets=ANY_TASK,
        threshold=0.5,
    ),
    "bce_with_logits": Loss(
        summary="Binary cross-entropy on logits; with more than two classes, one against the rest.",
        formula="(1 - t) o - log sigmoid(o)",
        reference="PyTorch, torch.nn.BCEWithLogitsLoss",
        function=bce_with_logits,
        twin=Twin("torch.nn.BCEWithLogitsLoss"),
        logits=True,
        targets={"classification": "one_hot"},
    ),
    "bce": Loss(
        summary="Binary cross-entropy in two parts: sigmoid outputs, then logarithms of them.",
        formula="-[t log p + (1 - t) log(1 - p)], p = sigmoid(o), logarithms from -100 up",
        reference="PyTorch, torch.nn.BCELoss",
        torch="torch.nn.BCELoss on torch.nn.Sigmoid",
        function=bce,
        twin=Twin("loss_twins.BCELoss"),
        logits=True,
        targets={"classification": "one_hot"},
        output=sigmoid,
        output_twin=Twin("torch.nn.Sigmoid"),
        output_elementwise=True,
    ),
}
