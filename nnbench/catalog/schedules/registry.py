"""Every schedule, and those that are made of others: `chained` and `sequential`.

These have parts `first`, `second` and perhaps `third`, whose parameters stand under `first.gamma`
and the like.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from nnbench.catalog.formulas import Of
from nnbench.catalog.schedules.base import Counts, Rates, Schedule
from nnbench.catalog.schedules.epochs import BY_EPOCH, none
from nnbench.catalog.schedules.plateau import BY_LOSS, PlateauState
from nnbench.catalog.schedules.steps import BY_STEP
from nnbench.catalog.twin import Twin
from nnbench.study.recipe import of_factor
from nnbench.study.vocabulary import Parameter

if TYPE_CHECKING:
    from torch.optim import Optimizer

PARTS = ("first", "second", "third")

__all__ = ["SCHEDULES", "PlateauState", "Schedule", "check_composition", "parts_of", "scheduler_of"]


def parts_of(parameters: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The names and parameters of the schedules that a composition is made of."""
    there = [place for place in PARTS if parameters.get(place) is not None]
    return [(parameters[place], of_factor(place, parameters)) for place in there]


def without_parts(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A composition's own parameters."""
    return {key: v for key, v in parameters.items() if key.partition(".")[0] not in PARTS}


def chained(count: Counts, lr: float, total: int, **parameters: Any) -> Rates:
    """lr times the factors of all parts."""
    rates = none(count, lr, total)
    for name, own in parts_of(parameters):
        function = SCHEDULES[name].function
        assert function is not None
        rates = rates * function(count, 1.0, total, **own)
    return rates


def sequential(
    count: Counts, lr: float, total: int, milestones: tuple[int, ...], **parameters: Any
) -> Rates:
    """The first part up to the first milestone, then the second from its beginning, and so on."""
    rates = none(count, lr, total)
    parts = parts_of(parameters)
    spans = one_by_one(total, len(parts), milestones)
    for (name, own), (start, end) in zip(parts, spans, strict=True):
        function = SCHEDULES[name].function
        assert function is not None
        here = count >= start
        rates[here] = function(count[here] - start, lr, end - start, **own)
    return rates


def all_at_once(total: int, parts: int) -> list[tuple[int, int]]:
    """Each part holds from the first epoch to the last."""
    return [(0, total)] * parts


def one_by_one(total: int, parts: int, milestones: tuple[int, ...]) -> list[tuple[int, int]]:
    """The first part holds up to the first milestone, the last from the last one on."""
    return list(pairwise([0, *milestones, max(total, milestones[-1] + 1)]))


def check_composition(schedule: str, parameters: Mapping[str, Any], total: int) -> None:
    """Raise ValueError where a schedule is made of parts that it cannot have.

    `total` is the epochs of the training.
    """
    parts = parts_of(parameters)
    for name, own in parts:
        entry = SCHEDULES[name]
        if entry.function is None or entry.unit != "epoch" or parts_of(own):
            raise ValueError(
                f'schedule "{schedule}": "{name}" cannot be a part of it: parts count in epochs '
                f"and have no parts of their own"
            )
        if schedule == "chained" and not entry.scales(total, **own):
            raise ValueError(
                f'schedule "chained": "{name}", as it stands, is no factor on a rate: take '
                f'"sequential", or for "cosine" eta_min = 0 and t_max = "none"'
            )
    if schedule == "sequential":
        milestones = parameters["milestones"]
        if len(milestones) != len(parts) - 1 or list(milestones) != sorted(set(milestones)):
            raise ValueError(
                f'schedule "sequential": milestones = {list(milestones)} must rise, one between '
                f"each two of its {len(parts)} parts: [[5]] for two, [[5, 10]] for three"
            )


class Planned(NamedTuple):
    """What makes a schedule's twin: its own parameters, and each part with its length."""

    twin: Twin
    own: dict[str, Any]
    parts: list[tuple[str, dict[str, Any], Any]]


def planned(schedule: str, parameters: Mapping[str, Any], total: Any) -> Planned:
    """A schedule's plan; `total` is its epochs or steps in all."""
    entry = SCHEDULES[schedule]
    unsaid = {name: about.default for name, about in entry.parameters.items() if about.sparse}
    twin = entry.twin.knowing(**unsaid, total=total)
    if entry.spans is None:
        return Planned(twin, dict(parameters), [])
    parts, own = parts_of(parameters), without_parts(parameters)
    spans = entry.spans(total, len(parts), **own)
    lengths = [end - start for start, end in spans]
    return Planned(twin, own, [(*part, n) for part, n in zip(parts, lengths, strict=True)])


def scheduler_of(
    schedule: str, parameters: Mapping[str, Any], optimizer: Optimizer, total: int
) -> Any:
    """torch's scheduler of an optimizer's rate, over `total` epochs or steps in all."""
    twin, own, parts = planned(schedule, parameters, total)
    lr = optimizer.param_groups[0]["lr"]
    made = [scheduler_of(part, its_own, optimizer, length) for part, its_own, length in parts]
    return twin.knowing(lr=lr, optimizer=optimizer, parts=made)(optimizer, **own)


COMPOSED = {
    "first": Parameter("exponential", "schedule that it begins with", registry="schedule"),
    "second": Parameter("constant_lr", "schedule that is added", registry="schedule"),
    "third": Parameter(None, "another, if wanted", registry="schedule", optional=True),
}

SCHEDULES: dict[str, Schedule] = {
    **BY_EPOCH,
    **BY_STEP,
    **BY_LOSS,
    "chained": Schedule(
        summary="Two or three schedules at once: their factors multiply.",
        formula="lr f1(epoch) f2(epoch) f3(epoch)",
        reference="PyTorch, torch.optim.lr_scheduler.ChainedScheduler",
        parameters=COMPOSED,
        function=chained,
        twin=Twin("torch.optim.lr_scheduler.ChainedScheduler", Of("parts"), Of("optimizer")),
        spans=all_at_once,
    ),
    "sequential": Schedule(
        summary="Two or three schedules one after another, each beginning at the base rate.",
        formula="first(epoch) before milestone 1, second(epoch - milestone 1) from there on, ...",
        reference="PyTorch, torch.optim.lr_scheduler.SequentialLR",
        parameters=COMPOSED
        | {"milestones": Parameter((10,), "epochs at which the next begins", low=1, high=1e9)},
        function=sequential,
        twin=Twin(
            "torch.optim.lr_scheduler.SequentialLR",
            *(Of("optimizer"), Of("parts")),
            milestones=Of("list(milestones)"),
        ),
        spans=one_by_one,
    ),
}
