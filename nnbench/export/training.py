"""The training of a script: loss, optimizer and schedule, in torch's own classes if it has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.losses import LOSSES
from nnbench.catalog.optimizers.registry import OPTIMIZERS
from nnbench.catalog.schedules.registry import SCHEDULES, parts_of, spans
from nnbench.export.sources import definitions
from nnbench.export.text import call

TORCH_OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {}),
    "gd": ("SGD", {}),
    "momentum": ("SGD", {}),
    "nesterov": ("SGD", {"nesterov": True}),
    "rprop": ("Rprop", {}),
    "adagrad": ("Adagrad", {}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_centered": ("RMSprop", {"centered": True}),
    "adadelta": ("Adadelta", {}),
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "radam": ("RAdam", {}),
    "adamax": ("Adamax", {}),
    "adafactor": ("Adafactor", {}),
}
OWN_OPTIMIZERS = {
    "momentum_ema": "MomentumEma",
    "asgd": "ASGD",
    "nadam": "NAdam",
    "lion": "Lion",
    "muon": "Muon",
    "schedulefree_sgd": "ScheduleFreeSgd",
    "schedulefree_adamw": "ScheduleFreeAdamW",
}
COUPLED_TWINS = {"rprop": "Rprop", "adafactor": "Adafactor"}  # torch's have no such decay
PAIRED = {*TORCH_OPTIMIZERS, "nadam"}  # beta1 and beta2 as betas
TORCH_SCHEDULES = {
    "constant_lr": "ConstantLR",
    "step": "StepLR",
    "multistep": "MultiStepLR",
    "exponential": "ExponentialLR",
    "plateau": "ReduceLROnPlateau",
    "cosine_restarts": "CosineAnnealingWarmRestarts",
}
OUTPUTS = {"nll": "log_softmax = nn.LogSoftmax(dim=-1)", "bce": "sigmoid = nn.Sigmoid()"}
OWN_SCHEDULES = ("warmup_cosine", "inverse_sqrt", "wsd")


@dataclass(frozen=True)
class OptimizerCode:
    """An optimizer's definitions, where torch lacks it, and the code that makes `optimizer`.

    `decay` is the weight decay that is left to be applied by hand.
    """

    definitions: str
    code: str
    decay: float


def optimizer_code(recipe: Mapping[str, Any], parameters: str) -> OptimizerCode:
    """Return the code of a recipe's optimizer of `parameters`, an expression."""
    name, decay = str(recipe["optimizer"]), recipe["weight_decay"]
    by_hand = recipe["decoupled"] and not OPTIMIZERS[name].decoupled
    coupled, left = (0.0, decay) if by_hand else (decay, 0.0)
    hyper = {key: recipe[key] for key in recipe if key.startswith("optimizer.")}
    given = _torch_form(name, {key.removeprefix("optimizer."): hyper[key] for key in hyper})
    own = OWN_OPTIMIZERS.get(name) or (COUPLED_TWINS.get(name) if coupled else None)
    if own:
        defined = definitions("nnbench.catalog.optimizers.twins", own)
        made = call(own, parameters, **given, weight_decay=coupled)
        return OptimizerCode(defined, f"optimizer = {made}", left)
    torch_name, fixed = TORCH_OPTIMIZERS[name]
    decays = OPTIMIZERS[name].decoupled or coupled != 0
    given |= fixed | ({"weight_decay": coupled} if decays else {})
    made = call(f"torch.optim.{torch_name}", parameters, **given)
    return OptimizerCode("", f"optimizer = {made}", left)


def _torch_form(name: str, hyper: dict[str, Any]) -> dict[str, Any]:
    """Return the hyper-parameters by torch's names: what belongs together is a pair there."""
    pairs = {"betas": ("beta1", "beta2")} if name in PAIRED and "beta2" in hyper else {}
    if name == "rprop":
        pairs = {"etas": ("etaminus", "etaplus"), "step_sizes": ("step_min", "step_max")}
    given: dict[str, Any] = {}
    for key, value in hyper.items():
        paired = next((pair for pair, both in pairs.items() if key in both), key)
        given[paired] = value if paired == key else (*given.get(paired, ()), value)
    if name == "adafactor":
        given["eps"] = (None, given.pop("eps2"))
    return given


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
    """Return the code of a recipe's schedule.

    `total` is the epochs or steps in all, a number or the name of a variable.
    """
    name = str(recipe["schedule"])
    entry = SCHEDULES[name]
    prefix = "schedule."
    given = {key.removeprefix(prefix): recipe[key] for key in recipe if key.startswith(prefix)}
    if name == "none":
        return ScheduleCode("", "", "epoch", False)
    defined = ""
    if name in OWN_SCHEDULES:
        defined = definitions("nnbench.catalog.schedules.twins", name)
    if name in ("chained", "sequential"):
        code = _composed(name, given, total)
    else:
        code = "scheduler = " + _scheduler(name, given, total, recipe["optimizer.lr"])
    return ScheduleCode(defined, code, entry.unit, entry.after_epoch is not None)


def _composed(name: str, given: Mapping[str, Any], total: int | str) -> str:
    """Return a scheduler made of others, each over its own span where they follow each other."""
    assert isinstance(total, int)
    parts = parts_of(given)
    lengths = [total] * len(parts)
    if name == "sequential":
        lengths = [end - start for start, end in spans(given["milestones"], total)]
    lines = [
        f"    {_scheduler(part, own, length, None)},"
        for (part, own), length in zip(parts, lengths, strict=True)
    ]
    last = "ChainedScheduler(parts, optimizer)"
    if name == "sequential":
        last = f"SequentialLR(optimizer, parts, milestones={list(given['milestones'])})"
    return "\n".join(["parts = [", *lines, "]", f"scheduler = lr_scheduler.{last}"])


def _scheduler(name: str, given: Mapping[str, Any], total: int | str, lr: float | None) -> str:
    """Return the call that makes one scheduler."""
    if name in OWN_SCHEDULES:
        return call(name, "optimizer", str(total), **given)
    if name in TORCH_SCHEDULES:
        return call(f"lr_scheduler.{TORCH_SCHEDULES[name]}", "optimizer", **_lists(given))
    if name == "none":
        return call("lr_scheduler.ConstantLR", "optimizer", factor=1.0, total_iters=0)
    if name in ("cyclic", "onecycle"):
        return _of_steps(name, dict(given), total, lr)
    assert isinstance(total, int)
    own, all_epochs = dict(given), max(total, 1)
    torch_name, length = {
        "linear": ("LinearLR", "total_iters"),
        "polynomial": ("PolynomialLR", "total_iters"),
        "cosine": ("CosineAnnealingLR", "t_max"),
    }[name]
    key = "T_max" if length == "t_max" else length
    own[key] = own.pop(length) or all_epochs
    return call(f"lr_scheduler.{torch_name}", "optimizer", **own)


def _lists(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters by torch's names; milestones are a list there."""
    names = {"t_0": "T_0", "t_mult": "T_mult"}
    return {
        names.get(key, key): list(value) if isinstance(value, tuple) else value
        for key, value in given.items()
    }


def _of_steps(name: str, own: dict[str, Any], total: int | str, lr: float | None) -> str:
    """Return a scheduler that cycles over all steps, of the rate alone."""
    if name == "onecycle":
        whole = max(total, 1) if isinstance(total, int) else f"max({total}, 1)"
        given = ["optimizer", f"max_lr={lr!r}", f"total_steps={whole}", "cycle_momentum=False"]
        return call("lr_scheduler.OneCycleLR", *given, **own)
    top = lr if own["max_lr"] is None else own["max_lr"]
    assert top is not None
    low = top / 10 if own["base_lr"] is None else own["base_lr"]
    eighth = max(total // 8, 1) if isinstance(total, int) else f"max({total} // 8, 1)"
    up = own["step_size_up"] or eighth
    given = ["optimizer", repr(low), repr(top), str(up), str(own["step_size_down"] or up)]
    given += [f'mode="{own["mode"]}"', f"gamma={own['gamma']!r}", "cycle_momentum=False"]
    return call("lr_scheduler.CyclicLR", *given)


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
        """Return what of the outputs the loss is given."""
        return f"{self.output.split()[0]}(outputs)" if self.output else "outputs"


def loss_code(recipe: Mapping[str, Any], task: str) -> LossCode:
    """Return the code of a recipe's loss."""
    name = str(recipe["loss"])
    entry = LOSSES[name]
    given = {key.removeprefix("loss."): recipe[key] for key in recipe if key.startswith("loss.")}
    given = {key: value for key, value in given.items() if (key, value) != ("label_smoothing", 0)}
    torch_name = entry.torch.removeprefix("torch.").partition(" ")[0]
    defined = ""
    if name == "bce":
        defined, torch_name = definitions("nnbench.catalog.loss_twins", "BCELoss"), "BCELoss"
    return LossCode(
        definitions=defined,
        module=call(torch_name, **given),
        output=OUTPUTS.get(name, ""),
        target=entry.targets[task],
        threshold=entry.threshold,
    )
