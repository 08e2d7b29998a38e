"""Hold entries of one's own to what the catalogue's are held to, and say what that showed."""

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnbench.catalog.own import measured
from nnbench.catalog.own.entries import CODES, entry_of
from nnbench.cli.prove_training import FAILS, UNKNOWN, Check, Trainings, result

FARTHEST = 1e4


@dataclass(frozen=True)
class Shown:
    """What one check of one entry came to: proven, FAILS or not shown, and why."""

    kind: str
    name: str
    check: str
    outcome: str
    why: str = ""


def prove_all() -> list[Shown]:
    """Check every registered entry of one's own."""
    shown = []
    for kind, name in sorted(CODES):
        for check, run in checks_of(kind, name, entry_of(kind, name)):
            try:
                outcome, why = run()
            except Exception as error:
                outcome, why = FAILS, f"{type(error).__name__}: {error}".splitlines()[0]
            shown.append(Shown(kind, name, check, outcome, why))
    return shown


def checks_of(kind: str, name: str, entry: Any) -> Iterator[tuple[str, Check]]:
    """The checks of an entry, by what they show."""
    if kind == "activation":
        given = {key: about.default for key, about in entry.parameters.items()}

        def called(x: Tensor) -> Tensor:
            numbers = {k: torch.tensor(v, dtype=x.dtype) for k, v in given.items()}
            return entry.function(x, **numbers)

        if not entry.random and not entry.learned:
            yield "derivative equals finite differences", lambda: derivative(called)
            yield "a NaN passes through", lambda: nan_passes(called)
            yield f"no NaN in value or slope up to {FARTHEST:g}", lambda: large_inputs(called)
            yield "its gain is as stated", lambda: gain(entry, given)
            if entry.elementwise:
                yield "saturates as stated", lambda: saturation(entry, given)
                yield "each element on its own", lambda: on_its_own(called)
    if kind == "optimizer":
        yield "changes nothing in place", lambda: in_place(entry)
        yield "a NaN passes through", lambda: nan_of_gradient(entry)
    yield from Trainings(kind, name, entry).checks()


def derivative(function: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """Against central differences, where those from the left and from the right agree."""
    points = torch.linspace(-6, 6, 997, dtype=torch.float64) + 1e-3 * np.sqrt(2)
    step = 1e-5
    x = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(x).sum(), x)
    with torch.no_grad():
        before, here, after = (function(points + d) for d in (-step, 0.0, step))
    left, right = (here - before) / step, (after - here) / step
    smooth = (left - right).abs() < 1e-3 * (1 + left.abs())
    gap = ((left + right) / 2 - slope).abs() / (1 + slope.abs())
    worst = int(torch.where(smooth, gap, 0.0).argmax())
    why = f"at {points[worst]:.3g}: {slope[worst]:.4g}, finite differences {right[worst]:.4g}"
    return result(bool(gap[worst] < 1e-4) and bool(smooth.double().mean() > 0.9), why)


def nan_passes(function: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """A NaN in is a NaN out, at its place."""
    x = torch.tensor([1.0, float("nan"), -1.0])
    y = function(x)
    return result(bool(y[1].isnan()), f"a NaN becomes {y[1]:g}: divergence would go unseen")


def large_inputs(function: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """Value and slope far out are no NaN, in float32."""
    x = torch.tensor([-FARTHEST, -100.0, 0.0, 100.0, FARTHEST]).requires_grad_()
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    bad = [f"{at:g}" for at, v, s in zip(x, y, slope, strict=True) if v.isnan() or s.isnan()]
    return result(not bad, f"NaN at {', '.join(bad)}: a branch not taken overflows")


def on_its_own(function: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """Neither the others nor their number matter to an element."""
    x = torch.randn(40, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([function(row) for row in x.split(1)])
    gap = float((function(x) - alone).abs().max())
    return result(gap < 1e-12, f"others change it by {gap:.2g}; if intended, set elementwise=False")


def gain(entry: Any, given: Mapping[str, float]) -> tuple[str, str]:
    """1 / sqrt(E f(z)^2) for a standard normal z, by quadrature."""
    try:
        found = measured.gain_of(entry.function, given)
    except ArithmeticError:
        return UNKNOWN, "its mean square does not converge, as where it jumps"
    why = f"stated {entry.gain:.4g}, measured {found:.4g}; omit gain unless you intend another"
    return result(math.isclose(entry.gain, found, rel_tol=1e-3), why)


def saturation(entry: Any, given: Mapping[str, float]) -> tuple[str, str]:
    """On which sides the slope goes to zero, thirty deviations out."""
    found = measured.saturates(entry.function, given)
    why = f"stated {entry.saturates}, measured {found}; omit saturates"
    return result(entry.saturates == found, why)


def in_place(entry: Any) -> tuple[str, str]:
    """What an update is given stays as it is, and the same again gives the same."""
    given = _step_of(entry)
    kept = [{k: v.clone() for k, v in one.items()} for one in (given["state"], given["rest"])]
    first, second = (_moved(entry, given)[0] for _ in range(2))
    for one, before in zip((given["state"], given["rest"]), kept, strict=True):
        for key, value in before.items():
            if not torch.equal(one[key], value):
                why = "in place: return new tensors, since networks train together"
                return FAILS, f"it changes {key} {why}"
    return result(
        torch.equal(first, second), "repeating a step gives another result: it keeps hidden state"
    )


def nan_of_gradient(entry: Any) -> tuple[str, str]:
    """A NaN in the gradient reaches the parameter, or the state: torch's sign of a NaN is 0."""
    given = _step_of(entry)
    given["rest"]["grad"][0, 0] = float("nan")
    moved, state = _moved(entry, given)
    kept = [one for one in state.values() if isinstance(one, Tensor)]
    traces = [bool(one.isnan().any()) for one in (moved, *kept)]
    return result(any(traces), "a NaN in the gradient leaves no trace")


def _step_of(entry: Any) -> dict[str, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    param, grad = (torch.randn(4, 3, dtype=torch.float64, generator=generator) for _ in range(2))
    return {"state": dict(entry.init(param)), "rest": {"grad": grad, "param": param}}


def _moved(entry: Any, given: Mapping[str, dict[str, Tensor]]) -> tuple[Tensor, Mapping[str, Any]]:
    hyper = {k: torch.tensor(about.default) for k, about in entry.parameters.items()}
    rest, step = given["rest"], torch.tensor(1.0)
    moved: tuple[Tensor, Mapping[str, Any]] = entry.update(
        rest["grad"], given["state"], rest["param"], hyper, step
    )
    return moved


def lines(shown: Sequence[Shown], columns: int) -> list[str]:
    """For people: a line for each check."""
    told = []
    for one in shown:
        line = f"{one.kind} {one.name}: {one.check}: {one.outcome}"
        told += textwrap.wrap(
            f"{line} ({one.why})" if one.why else line, columns, subsequent_indent="  "
        )
    return told


def document(shown: Sequence[Shown]) -> list[dict[str, str]]:
    """For programs: plain data."""
    return [asdict(one) for one in shown]
