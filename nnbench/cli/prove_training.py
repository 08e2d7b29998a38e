"""Small trainings with an entry of one's own, held against each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nnbench.catalog import VOCABULARY
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.training.native.choice import ALONE, train_cells, why_not
from nnbench.training.plan import plan
from nnbench.training.reference.train import train_cell

Check = Callable[[], tuple[str, str]]
Trained = list[dict[str, Any]]  # rows of cells

PROVEN, FAILS, UNKNOWN = "proven", "FAILS", "not shown"
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
    "differently in functions such as exp and log1p"
)


def result(holds: bool, why: str) -> tuple[str, str]:
    """Proven, or that it fails and why."""
    return (PROVEN, "") if holds else (FAILS, why)


@dataclass(frozen=True)
class Trainings:
    """The same small grid by each who trains it, once each: its rows are kept."""

    kind: str
    name: str
    entry: Any
    _made: dict[str, Trained] = field(default_factory=dict)

    def checks(self) -> Iterator[tuple[str, Check]]:
        """The checks, by what they show."""
        if vars(self.entry).get("alone"):
            yield "training repeats, bit for bit", self.again
            yield "the same beside others as alone, bit for bit", lambda: (UNKNOWN, ALONE)
            return
        if self.kind in ("activation", "loss", "norm"):
            yield "trains with one example per batch", self.one_example
        yield "the same beside others as alone, bit for bit", self.beside_others
        yield "the same compiled to C as in PyTorch", self.compiled
        if hasattr(self.entry, "twin"):
            yield "the same as in plain PyTorch", self.twin

    def rows(self, way: str) -> Trained:
        """Its cells' rows: native, stacked, by the reference, or stacked each alone."""
        if way not in self._made:
            cells = cells_with(self.kind, self.name)
            if way == "reference":
                self._made[way] = by_reference(cells)
            elif way == "alone":
                self._made[way] = by_engine("stacked", [[cell] for cell in cells])
            else:
                self._made[way] = by_engine(way, stacks_of(cells))
        return self._made[way]

    def beside_others(self) -> tuple[str, str]:
        """Bit for bit; or whichever the others are, where its place among them rounds it."""
        gap = gap_of(self.rows("stacked"), self.rows("alone"))
        if 0 < gap < AGREE and self.gap_of_neighbours() == 0:
            return PROVEN, f"whichever networks are beside it; {BY_PLACE.format(gap)}"
        return result(gap == 0, f"the networks beside it change it by {gap:.2g}")

    def gap_of_neighbours(self) -> float:
        """What other networks beside it change in a network that keeps its place in the stack."""
        before, gaps = {row["cell_id"]: row for row in self.rows("stacked")}, []
        stacks = stacks_of(cells_with(self.kind, self.name))
        others = cells_with(self.kind, self.name, seeds=range(len(SEEDS), 2 * len(SEEDS)))
        for stack, strangers in zip(stacks, stacks_of(others), strict=True):
            for place, cell in enumerate(stack):
                among = [*strangers[:place], cell, *strangers[place + 1 :]]
                gaps.append(gap_of([before[cell.cell_id]], by_engine("stacked", [among])))
        return max(gaps)

    def compiled(self) -> tuple[str, str]:
        """The native engine against the mapped one."""
        if why := why_not(cells_with(self.kind, self.name)[0].recipe):
            return UNKNOWN, f"{why}: PyTorch trains it"
        gap = gap_of(self.rows("native"), self.rows("stacked"))
        return result(gap < AGREE, f"they differ by {gap:.2g}")

    def twin(self) -> tuple[str, str]:
        """The reference with its twin against the mapped engine with its function."""
        if vars(self.entry.twin).get("applied"):
            return UNKNOWN, "no independent PyTorch version of it was given"
        gap = gap_of(self.rows("reference"), self.rows("stacked"))
        return result(gap < AGREE, f"they differ by {gap:.2g}")

    def again(self) -> tuple[str, str]:
        """The reference twice."""
        gap = gap_of(self.rows("reference"), by_reference(cells_with(self.kind, self.name)))
        return result(gap == 0, f"the same network trained again differs by {gap:.2g}")

    def one_example(self) -> tuple[str, str]:
        """No divergence with one example to a batch alone."""
        sizes = {c.cell_id: c.recipe["batch_size"] for c in cells_with(self.kind, self.name)}
        ends = {
            size: {row["status"] for row in self.rows("stacked") if sizes[row["cell_id"]] == size}
            for size in BATCHES
        }
        lost = ends[1] != {"ok"} and all(ends[size] == {"ok"} for size in BATCHES if size != 1)
        return result(not lost, "it diverges there, but not in larger batches")


def by_reference(cells: Sequence[Cell]) -> Trained:
    """Rows of cells, each trained in plain PyTorch."""
    return [train_cell(cell).cells[0] for cell in cells]


def by_engine(engine: str, stacks: Sequence[Sequence[Cell]]) -> Trained:
    """Rows of the cells of stacks."""
    return [
        row
        for stack in stacks
        for row in train_cells(stack, engine, "cpu", lambda share: None).cells
    ]


def stacks_of(cells: Sequence[Cell]) -> list[Sequence[Cell]]:
    """The stacks that a run would make of cells."""
    return [stack.cells for stack in plan(list(cells), 1)]


def cells_with(kind: str, name: str, seeds: Sequence[int] = SEEDS) -> list[Cell]:
    """A small grid with an entry, in batches of several examples and of one."""
    grid = {**GRID, kind: name, "seeds": list(seeds)}
    try:
        return make_study({"name": "prove", "grid": grid}, VOCABULARY).cells()
    except StudyError:  # such as a loss of regression on classes
        grid["data"] = "sine_wave"
        return make_study({"name": "prove", "grid": grid}, VOCABULARY).cells()


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
