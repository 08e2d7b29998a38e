"""Ways to write one and the same loss: -log sigmoid(z), the loss of a class with logit z against 0.

A function takes logits (n,) of the right class, in any number type, and returns their losses (n,);
with two classes the other logit is 0, so that every way states the same number. The exact value is
log(1 + e^-z) and its derivative -1 / (1 + e^z); what they differ in is rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nnbench.lazy import Tensor, torch
from nnbench.study.vocabulary import Entry


@dataclass(frozen=True, kw_only=True)
class Expression(Entry):
    """A way to write the loss. `loss` names the catalogue's loss that is computed so, if any."""

    function: Callable[[Tensor], Tensor]
    loss: str = ""


def exact(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and its derivative at float64 logits (n,), right to the last digits.

    The exponent is never positive, so nothing overflows, and nothing is subtracted from 1.
    """
    tail = torch.exp(-logits.abs())
    value = torch.clamp(-logits, min=0.0) + torch.log1p(tail)
    gradient = -torch.where(logits > 0, tail, torch.ones_like(tail)) / (1 + tail)
    return value, gradient


def two_classes(logits: Tensor) -> Tensor:
    """(n, 2): the right class's logits, and 0 for the other."""
    return torch.stack([logits, torch.zeros_like(logits)], dim=-1)


def right_class(logits: Tensor) -> Tensor:
    """The index of the right class, n times."""
    return torch.zeros(len(logits), dtype=torch.int64)


def bce_with_logits(logits: Tensor) -> Tensor:
    """torch's binary cross-entropy on logits."""
    return torch.nn.functional.binary_cross_entropy_with_logits(
        logits, torch.ones_like(logits), reduction="none"
    )


def bce_of_sigmoid(logits: Tensor) -> Tensor:
    """torch's binary cross-entropy of torch's sigmoid."""
    return torch.nn.functional.binary_cross_entropy(
        torch.sigmoid(logits), torch.ones_like(logits), reduction="none"
    )


def log_of_sigmoid(logits: Tensor) -> Tensor:
    """-log of torch's sigmoid."""
    return -torch.log(torch.sigmoid(logits))


def sigmoid_by_hand(logits: Tensor) -> Tensor:
    """-log(1 / (1 + e^-z)) as it is written."""
    return -torch.log(1 / (1 + torch.exp(-logits)))


def cross_entropy(logits: Tensor) -> Tensor:
    """torch's cross-entropy on two logits."""
    return torch.nn.functional.cross_entropy(
        two_classes(logits), right_class(logits), reduction="none"
    )


def nll_of_log_softmax(logits: Tensor) -> Tensor:
    """torch's negative log-likelihood of torch's log-softmax."""
    logs = torch.nn.functional.log_softmax(two_classes(logits), dim=-1)
    return torch.nn.functional.nll_loss(logs, right_class(logits), reduction="none")


def log_of_softmax(logits: Tensor) -> Tensor:
    """-log of torch's softmax."""
    return -torch.log(torch.softmax(two_classes(logits), dim=-1)[:, 0])


def softmax_by_hand(logits: Tensor) -> Tensor:
    """-log(e^z / (e^z + e^0)) as it is written."""
    powers = torch.exp(two_classes(logits))
    return -torch.log(powers[:, 0] / powers.sum(-1))


GOODFELLOW = (
    "Goodfellow, Bengio & Courville (2016), Deep Learning, sections 4.1 and 6.2.2, "
    "https://www.deeplearningbook.org"
)
BLANCHARD = (
    "Blanchard, Higham & Higham (2021), Accurately Computing the Log-Sum-Exp and Softmax, "
    "doi:10.1093/imanum/draa038"
)

EXPRESSIONS: dict[str, Expression] = {
    "bce_with_logits": Expression(
        summary="Binary cross-entropy on logits.",
        formula="max(-z, 0) + log(1 + e^-|z|)",
        reference=GOODFELLOW,
        torch="torch.nn.BCEWithLogitsLoss",
        function=bce_with_logits,
        loss="bce_with_logits",
    ),
    "bce_of_sigmoid": Expression(
        summary="Binary cross-entropy in two parts: a sigmoid, then logarithms kept above -100.",
        formula="-max(log p, -100), p = sigmoid(z)",
        reference=GOODFELLOW,
        torch="torch.nn.BCELoss on torch.nn.Sigmoid",
        aliases=("bce",),
        function=bce_of_sigmoid,
        loss="bce",
    ),
    "log_of_sigmoid": Expression(
        summary="The logarithm of a sigmoid, without a bound.",
        formula="-log p, p = sigmoid(z)",
        reference=GOODFELLOW,
        torch="torch.log of torch.sigmoid",
        function=log_of_sigmoid,
    ),
    "sigmoid_by_hand": Expression(
        summary="The textbook's formula of the sigmoid, typed in.",
        formula="-log(1 / (1 + e^-z))",
        reference=GOODFELLOW,
        function=sigmoid_by_hand,
    ),
    "cross_entropy": Expression(
        summary="Cross-entropy on logits.",
        formula="m + log(e^(z - m) + e^-m) - z, m = max(z, 0)",
        reference=BLANCHARD,
        torch="torch.nn.CrossEntropyLoss",
        function=cross_entropy,
        loss="cross_entropy",
    ),
    "nll_of_log_softmax": Expression(
        summary="Cross-entropy in two parts: log-softmax, then the right one negated.",
        formula="-(log_softmax(z, 0))[0]",
        reference=BLANCHARD,
        torch="torch.nn.NLLLoss on torch.nn.LogSoftmax",
        aliases=("nll",),
        function=nll_of_log_softmax,
        loss="nll",
    ),
    "log_of_softmax": Expression(
        summary="The logarithm of a softmax that is itself computed safely.",
        formula="-log s, s = softmax(z, 0)[0]",
        reference=BLANCHARD,
        torch="torch.log of torch.softmax",
        function=log_of_softmax,
    ),
    "softmax_by_hand": Expression(
        summary="The textbook's formula of the softmax, typed in.",
        formula="-log(e^z / (e^z + e^0))",
        reference=BLANCHARD,
        function=softmax_by_hand,
    ),
}
