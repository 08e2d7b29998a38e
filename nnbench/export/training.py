"""The training of a script: loss, optimizer and schedule, in torch's own classes if it has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.formulas import Code
from nnbench.catalog.losses import LOSSES
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.schedules.registry import SCHEDULES, planned
from nnbench.export.own_entries import coupled_decay
from nnbench.export.sources import definitions_of
from nnbench.export.twins import TwinCode, twin_code
from nnbench.study.recipe import of_factor


@dataclass(frozen=True)
class OptimizerCode:
    """An optimizer's definitions, where torch lacks it, and the code that makes `optimizer`.

    `decay` is the weight decay that is left to be applied by hand.
    """

    definitions: str
    code: str
    decay: float


def optimizer_code(recipe: Mapping[str, Any], parameters: str) -> OptimizerCode:
    """The code of a recipe's optimizer of `parameters`, an expression."""
    entry = OPTIMIZERS[recipe["optimizer"]]
    twin, decay = entry.twin_for(recipe)
    made = twin_code(twin, parameters, **of_factor("optimizer", recipe), **decay)
    code, needs = f"optimizer = {made.call}", made.needs
    if coupled := coupled_decay(twin, decay):
        code += f"\noptimizer.register_step_pre_hook(partial(couple, {coupled!r}))"
        needs = (("nnbench.catalog.own.torch_class", "couple"),)
    return OptimizerCode(definitions_of(needs), code, entry.decay_by_hand(recipe))


@dataclass(frozen=True)
class ScheduleCode:
    """A schedule's definitions and the code that makes `scheduler`, empty where there is none.

    `unit` is what it counts, `waits` says that it is told the validation loss.
    """

    definitions: str
    code: str
    unit: str
    waits: bool


def schedule_code(recipe: Mapping[str, Any], total: int | str) -> ScheduleCode:
    """The code of a recipe's schedule.

    `total` is the epochs or steps in all, a number or the name of a variable.
    """
    name = str(recipe["schedule"])
    if name == "none":
        return ScheduleCode("", "", "epoch", False)
    entry = SCHEDULES[name]
    total = Code(total) if isinstance(total, str) else total
    lines, made = _scheduler(name, of_factor("schedule", recipe), total, recipe["optimizer.lr"])
    code = "\n".join([*lines, f"scheduler = {made.call}"])
    waits = entry.after_epoch is not None
    return ScheduleCode(definitions_of(made.needs), code, entry.unit, waits)


def _scheduler(
    name: str, parameters: Mapping[str, Any], total: Any, lr: float
) -> tuple[list[str], TwinCode]:
    """The lines before a scheduler is made, which make its parts if it has such, and its code."""
    twin, own, parts = planned(name, parameters, total)
    made = [_scheduler(part, its_own, length, lr)[1].call for part, its_own, length in parts]
    lines = ["parts = [", *(f"    {one}," for one in made), "]"] if made else []
    known = twin.knowing(lr=lr, optimizer=Code("optimizer"), parts=Code("parts"))
    return lines, twin_code(known, "optimizer", **own)


@dataclass(frozen=True)
class LossCode:
    """A loss: its definitions, its module, and the line that defines what maps the outputs first.

    `target` is the form of its targets, `threshold` parts two classes by a single output.
    """

    definitions: str
    module: str
    output: str
    target: str
    threshold: float

    @property
    def given(self) -> str:
        """What of the outputs the loss is given."""
        return f"{self.output.split()[0]}(outputs)" if self.output else "outputs"


def loss_code(recipe: Mapping[str, Any], task: str) -> LossCode:
    """The code of a recipe's loss."""
    entry = LOSSES[recipe["loss"]]
    weighed = {} if recipe["class_weight"] == "none" else {"weight": Code("weight")}
    loss = twin_code(entry.twin, **of_factor("loss", recipe), **weighed)
    needs, output = loss.needs, ""
    if entry.output is not None and entry.output_twin is not None:
        mapped = twin_code(entry.output_twin)
        needs += mapped.needs
        output = f"{entry.output.__name__} = {mapped.call}"
    return LossCode(
        definitions=definitions_of(needs),
        module=loss.call,
        output=output,
        target=entry.targets[task],
        threshold=entry.threshold,
    )
