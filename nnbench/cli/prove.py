"""Hold entries of one's own to what the catalogue's are held to, and say what that showed."""

import math
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nnbench.catalog import VOCABULARY
from nnbench.catalog.own import measured
from nnbench.catalog.own.entries import CODES, KINDS
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.native.choice import ALONE, train_cells, why_not
from nnbench.training.plan import plan
from nnbench.training.reference.train import train_cell

PROVEN, FAILS, UNKNOWN = "proven", "FAILS", "not shown"
FARTHEST = 1e4
AGREE = 1e-9  # of losses and weights in float64, relatively, after a few epochs
COMPARED = ("train_loss", "test_loss", "weight_norm")
BATCHES = (16, 1)
GRID: dict[str, Any] = {
    "data": {"name": "moons", "n": 60},
    "activation": "tanh",
    "optimizer": "momentum",
    "norm": "layernorm",
    "depth": 2,
    "width": 5,
    "epochs": 3,
    "batch_size": list(BATCHES),
    "dtype": "float64",
}
SEEDS = (0, 1, 2)
BY_PLACE = (
    "its place among them changes it by {:.1g}, since torch rounds the last elements of a vector "
    "otherwise, in functions such as exp and log1p"
)


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
        entry = next(entries for of, entries in KINDS.values() if of == kind)[name]
        for check, run in checks_of(kind, name, entry):
            try:
                outcome, why = run()
            except Exception as error:
                outcome, why = FAILS, f"{type(error).__name__}: {error}".splitlines()[0]
            shown.append(Shown(kind, name, check, outcome, why))
    return shown


Check = Callable[[], tuple[str, str]]


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
            yield f"finite, with its slope, up to {FARTHEST:g}", lambda: large_inputs(called)
            yield "its gain is what it says", lambda: gain(entry, given)
            if entry.elementwise:
                yield "saturates where it says", lambda: saturation(entry, given)
                yield "each element on its own", lambda: on_its_own(called)
    if kind == "optimizer":
        yield "changes nothing in place", lambda: in_place(entry)
        yield "a NaN passes through", lambda: nan_of_gradient(entry)
    yield from trained(kind, name, entry)


def result(holds: bool, why: str) -> tuple[str, str]:
    """Proven, or that it fails and why."""
    return (PROVEN, "") if holds else (FAILS, why)


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
    why = f"at {points[worst]:.3g}: {slope[worst]:.4g}, by differences {right[worst]:.4g}"
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
    return result(not bad, f"a NaN at {', '.join(bad)}: a branch not taken overflows")


def on_its_own(function: Callable[[Tensor], Tensor]) -> tuple[str, str]:
    """Neither the others nor their number matter to an element."""
    x = torch.randn(40, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([function(row) for row in x.split(1)])
    gap = float((function(x) - alone).abs().max())
    return result(gap < 1e-12, f"others change it by {gap:.2g}; say elementwise=False if meant")


def gain(entry: Any, given: Mapping[str, float]) -> tuple[str, str]:
    """1 / sqrt(E f(z)^2) for a standard normal z, by quadrature."""
    try:
        found = measured.gain_of(entry.function, given)
    except ArithmeticError:
        return UNKNOWN, "its mean square does not settle, as where it jumps"
    why = f"it says {entry.gain:.4g}, and is {found:.4g}; leave gain out if no other is meant"
    return result(math.isclose(entry.gain, found, rel_tol=1e-3), why)


def saturation(entry: Any, given: Mapping[str, float]) -> tuple[str, str]:
    """On which sides the slope goes to zero, thirty deviations out."""
    found = measured.saturates(entry.function, given)
    why = f"it says {entry.saturates}, and is so: {found}; leave saturates out"
    return result(entry.saturates == found, why)


def in_place(entry: Any) -> tuple[str, str]:
    """What an update is given stays as it is, and the same again gives the same."""
    given = _step_of(entry)
    kept = [{k: v.clone() for k, v in one.items()} for one in (given["state"], given["rest"])]
    first, second = (_update(entry, given) for _ in range(2))
    for one, before in zip((given["state"], given["rest"]), kept, strict=True):
        for key, value in before.items():
            if not torch.equal(one[key], value):
                return (
                    FAILS,
                    f"it changes {key} in place: networks that are trained together share nothing",
                )
    return result(torch.equal(first, second), "the same step again gives another: it remembers")


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


def _update(entry: Any, given: Mapping[str, dict[str, Tensor]]) -> Tensor:
    return _moved(entry, given)[0]


def _moved(entry: Any, given: Mapping[str, dict[str, Tensor]]) -> tuple[Tensor, Mapping[str, Any]]:
    hyper = {k: torch.tensor(about.default) for k, about in entry.parameters.items()}
    rest, step = given["rest"], torch.tensor(1.0)
    moved: tuple[Tensor, Mapping[str, Any]] = entry.update(
        rest["grad"], given["state"], rest["param"], hyper, step
    )
    return moved


def trained(kind: str, name: str, entry: Any) -> Iterator[tuple[str, Check]]:
    """What is held against what: stack, alone, native, reference."""
    made: dict[str, list[dict[str, Any]]] = {}

    def rows(engine: str) -> list[dict[str, Any]]:
        if engine not in made:
            cells = cells_with(kind, name)
            if engine == "reference":
                made[engine] = [train_cell(cell).cells[0] for cell in cells]
            else:
                groups = [[cell] for cell in cells] if engine == "alone" else stacks_of(cells)
                known = "native" if engine == "native" else "stacked"
                made[engine] = [
                    row
                    for group in groups
                    for row in train_cells(group, known, "cpu", lambda share: None).cells
                ]
        return made[engine]

    def alone() -> tuple[str, str]:
        gap = gap_of(rows("stacked"), rows("alone"))
        if 0 < gap < AGREE and gap_of_neighbours(kind, name) == 0:
            return PROVEN, f"whichever networks are beside it; {BY_PLACE.format(gap)}"
        return result(gap == 0, f"the networks beside it change it by {gap:.2g}")

    def native() -> tuple[str, str]:
        if why := why_not(cells_with(kind, name)[0].recipe):
            return UNKNOWN, f"{why}: PyTorch trains it"
        gap = gap_of(rows("native"), rows("stacked"))
        return result(gap < AGREE, f"they differ by {gap:.2g}")

    def twin() -> tuple[str, str]:
        if vars(entry.twin).get("applied"):
            return UNKNOWN, "PyTorch has nothing like it that was written apart from it"
        gap = gap_of(rows("reference"), rows("stacked"))
        return result(gap < AGREE, f"they differ by {gap:.2g}")

    def again() -> tuple[str, str]:
        gap = gap_of(
            rows("reference"), [train_cell(cell).cells[0] for cell in cells_with(kind, name)]
        )
        return result(gap == 0, f"the same network trained again differs by {gap:.2g}")

    def one_example() -> tuple[str, str]:
        sizes = {cell.cell_id: cell.recipe["batch_size"] for cell in cells_with(kind, name)}
        ends = {
            size: {row["status"] for row in rows("stacked") if sizes[row["cell_id"]] == size}
            for size in BATCHES
        }
        lost = ends[1] != {"ok"} and all(ends[size] == {"ok"} for size in BATCHES if size != 1)
        return result(not lost, "it diverges there, and in larger batches it does not")

    if vars(entry).get("alone"):
        yield "trains alike each time, bit for bit", again
        yield "beside others as alone, bit for bit", lambda: (UNKNOWN, ALONE)
        return
    if kind in ("activation", "loss", "norm"):
        yield "trains with one example to a batch", one_example
    yield "beside others as alone, bit for bit", alone
    yield "compiled to C as mapped by PyTorch", native
    if hasattr(entry, "twin"):
        yield "as written in plain PyTorch", twin


def gap_of_neighbours(kind: str, name: str) -> float:
    """What other networks beside it change in a network that keeps its place in the stack."""
    gaps = []
    others = cells_with(kind, name, seeds=range(len(SEEDS), 2 * len(SEEDS)))
    for stack, strangers in zip(stacks_of(cells_with(kind, name)), stacks_of(others), strict=True):
        before = train_cells(stack, "stacked", "cpu", lambda share: None).cells
        for place, cell in enumerate(stack):
            among = [*strangers[:place], cell, *strangers[place + 1 :]]
            after = train_cells(among, "stacked", "cpu", lambda share: None).cells
            gaps.append(gap_of([before[place]], after))
    return max(gaps)


def stacks_of(cells: Sequence[Cell]) -> list[Sequence[Cell]]:
    """The stacks that a run would make of cells."""
    return [stack.cells for stack in plan(list(cells), 1)]


def cells_with(kind: str, name: str, seeds: Sequence[int] = SEEDS) -> list[Cell]:
    """A small grid with an entry, in batches of several examples and of one."""
    grid = {**GRID, kind: name, "seeds": list(seeds)}
    study = {"name": "prove", "grid": grid}
    try:
        return make_study(study, VOCABULARY).cells()
    except StudyError:  # such as a loss of regression on classes
        return make_study(
            {"name": "prove", "grid": {**grid, "data": "sine_wave"}}, VOCABULARY
        ).cells()


def gap_of(rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> float:
    """The largest relative difference of losses and weights; infinite where one has none."""
    by_id = {row["cell_id"]: row for row in others}
    gaps = [0.0]
    for row in rows:
        other = by_id[row["cell_id"]]
        if row["status"] != other["status"]:
            return float("inf")
        for column in COMPARED:
            one, two = row[column], other[column]
            if (one is None) != (two is None):
                return float("inf")
            if one is not None and one != two:
                gaps.append(abs(one - two) / max(abs(one), abs(two)))
    return max(gaps)


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
