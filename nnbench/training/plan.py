"""Group cells into stacks that train in one tensor program, and say what that will cost.

Two cells share a stack when they agree on every field that shapes the program; `fields.py` and the
catalogue's parameters say of each field which of the two it is. Nothing that is decided here can
change a result: a cell's numbers depend on its recipe alone.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from nnbench.catalog import OPTIMIZERS, VOCABULARY
from nnbench.study.baselines import BASELINE
from nnbench.study.fields import Role
from nnbench.study.recipe import Recipe
from nnbench.study.study import Cell
from nnbench.study.study_kinds import CELL_FIELDS, LANDSCAPE, NUMERICS, TRAINING, study_kind_of
from nnbench.training import sweeps, walks
from nnbench.training.draws import (
    BLOCK_ROWS,
    Split,
    draw_key,
    sizes_for,
    split_for,
    steps_per_epoch,
)
from nnbench.training.protocol import LANCZOS_STEPS, PROBE_ROWS

MAX_STACK = 128  # more networks gain little speed, and a killed run loses the stack in flight
# of a stack that another machine trains: its time may be limited, and what it has not ended is lost
MOST_SECONDS_AWAY = 300.0
LEAST_SAVED = 0.8  # half a stack must take less than so much of the whole
DEFAULT_BUDGET = 1 << 30  # bytes of a stack in training, its data included

# Measured on two cores of an AMD EPYC in eager mode; see docs/performance.md. Good to a factor of
# about two, which is what a plan needs.
SECONDS_PER_CALL = 12e-6  # one operation on a stack, however small
CALLS_PER_LAYER, CALLS_PER_STEP = 14, 70
STEPS_PER_PROBE, STEPS_PER_PRODUCT = 3.0, 2.5  # whose calls a probe makes, and a Hessian product
SECONDS_PER_NUMBER = 0.45e-9  # reading and writing a number once in an elementwise operation
SECONDS_PER_PRODUCT = 0.12e-9  # one multiply-add of a small matrix product
# the same of compiled programs: within a third of what was measured at widths of 8 to 64
NATIVE_PER_STEP = 5e-6
NATIVE_PER_NUMBER = 0.12e-9
NATIVE_PER_PRODUCT = 0.07e-9
ALONE = 0.5  # of a stack of one: what plain PyTorch takes for a network
# drawing a network and its records, a layer of it, and a layer's row of a probe
SECONDS_PER_NETWORK, SECONDS_PER_LAYER, SECONDS_PER_LAYER_ROW = 1e-3, 0.1e-3, 0.15e-3
SECONDS_PER_EPOCH, SECONDS_PER_RECORD = 1.1e-3, 30e-6  # of a stack, and of each network in it
SECONDS_PER_WEIGHT = 0.2e-6  # to draw it, and to look at it once
SECONDS_TO_WALK, SECONDS_PER_WALK_STEP = 0.05, 2.4e-3  # of a stack, however many walk
# of a model of scikit-learn with all of its settings, however small, and for each number fitted
SECONDS_PER_BASELINE = {
    "constant": (2e-3, 0.0),
    "linear": (0.05, 2e-6),
    "neighbours": (0.02, 2e-6),
    "forest": (0.5, 2e-5),
    "boosting": (0.5, 5e-6),
}
SECONDS_PER_ROW = 8e-6  # of a curve
SECONDS_PER_POINT = 5e-7  # of a sweep
BYTES_PER_WALK_STEP, BYTES_PER_POINT = 200, 400
BYTES_PER_CELL_AND_EPOCH = 40  # on disk, compressed
BYTES_PER_LAYER_AND_PROBE = 180

# the fields that name an entry, whose parameters may shape a program
ENTRY_FIELDS = {
    kind: [name for name, field in fields.items() if field.registry]
    for kind, fields in CELL_FIELDS.items()
}


@dataclass(frozen=True)
class PlannedStack:
    """Cells that train together, and what they are expected to cost."""

    cells: tuple[Cell, ...]
    seconds: float
    memory: int  # bytes
    native: bool = False  # whether compiled programs are expected to train them


def plan(
    cells: Sequence[Cell],
    workers: int = 1,
    budget: int = DEFAULT_BUDGET,
    is_native: Callable[[Recipe], bool] = lambda recipe: False,
    most_seconds: float = math.inf,
) -> list[PlannedStack]:
    """Return stacks of these cells, the slowest first, so that no worker ends long after the rest.

    `is_native` says of a recipe whether compiled programs train it. `budget` bounds the memory of a
    stack, its data included, in bytes; at least two stacks a worker are made where there are cells
    enough, so that all have work. A stack takes `most_seconds` at most, as far as can be told, or
    is of one cell, or as small as still saves time.
    """
    groups: defaultdict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    program_key = ProgramKeys()
    for cell in cells:
        groups[program_key(cell)].append(cell)
    share = max(1, math.ceil(len(cells) / (2 * workers)))
    stacks = []
    for group in groups.values():
        cost = cost_of(group[0])
        native = isinstance(cost, Cost) and is_native(group[0].recipe)
        if isinstance(cost, Cost):
            cost = replace(cost, native=native)
        repeats = len({draw_key(cell.recipe) for cell in group}) if cost.data else 1
        most = max(1, min(MAX_STACK, share, cost.networks_in(budget, repeats)))
        while most > 1 and cost.seconds(most) > most_seconds:
            half = (most + 1) // 2
            if cost.seconds(half) > LEAST_SAVED * cost.seconds(most):
                break  # what a stack takes however small it is would only be paid more often
            most = half
        count = math.ceil(len(group) / most)
        size = math.ceil(len(group) / count)  # even sizes: a small rest would cost as much
        for first in range(0, len(group), size):
            chosen = tuple(group[first : first + size])
            memory = cost.memory * len(chosen) + cost.data * min(repeats, len(chosen))
            stacks.append(PlannedStack(chosen, cost.seconds(len(chosen)), memory, native))
    return sorted(stacks, key=lambda stack: -stack.seconds)


def cost_of(cell: Cell) -> Cost | FlatCost:
    """What a cell costs."""
    return COST_BY_STUDY[study_kind_of(cell.recipe)](cell)


def curve_rows(cell: Cell) -> int:
    """The rows of a cell's curve."""
    length, most = CURVE_BY_STUDY[study_kind_of(cell.recipe)]
    return int(min(cell.recipe[length], most)) if length else 0


class ProgramKeys:
    """Says of cells what shapes their tensor programs; equal keys may share a stack.

    Which places of a recipe shape it is looked up once for all recipes of like fields and entries.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[list[str], list[str]]] = {}

    def __call__(self, cell: Cell) -> tuple[Any, ...]:
        """A cell's key: the values that shape its program, and the switches that are on."""
        recipe = cell.recipe
        kind = study_kind_of(recipe)
        alike = (kind, *recipe, *(recipe.get(name) for name in ENTRY_FIELDS[kind]))
        if alike not in self._known:
            self._known[alike] = self._places(kind, recipe)
        values, switches = self._known[alike]
        sizes = sizes_for(recipe) if "data" in CELL_FIELDS[kind] else None
        return (
            *((place, recipe[place]) for place in values),
            *((place, bool(recipe[place])) for place in switches),
            *([("rows", sizes)] if sizes else []),
        )

    @staticmethod
    def _places(kind: str, recipe: Recipe) -> tuple[list[str], list[str]]:
        places: dict[Role, list[str]] = {Role.PROGRAM: [], Role.SWITCH: []}
        for place in sorted(recipe):
            name, _, inner = place.partition(".")
            field = CELL_FIELDS[kind].get(name)
            if field is None or field.role not in places:
                continue
            if inner:
                # a nested variant's own parameters go with the parameter that holds it
                parameters = VOCABULARY.registries[field.registry][str(recipe[name])].parameters
                holder = parameters[inner.partition(".")[0]]
                if field.role is not Role.PROGRAM or not holder.program:
                    continue
            places[field.role].append(place)
        return places[Role.PROGRAM], places[Role.SWITCH]


def program_key(cell: Cell) -> tuple[Any, ...]:
    """What shapes the tensor program of one cell."""
    return ProgramKeys()(cell)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The bytes that a stack takes: for each cell, and for the data of each repeat."""

    memory: int
    data: int = 0

    def networks_in(self, budget: int, repeats: int) -> int:
        """Return how many cells fit, where so many repeats share out the cells in turn."""
        each_its_own = budget // max(1, self.memory + self.data)
        if each_its_own <= repeats:
            return each_its_own
        return (budget - repeats * self.data) // max(1, self.memory)


@dataclass(frozen=True)
class FlatCost(Memory):
    """What a walk or a sweep costs: seconds of a stack and of a cell."""

    of_stack: float
    of_cell: float

    def seconds(self, cells: int) -> float:
        """Return the expected seconds of a stack of so many cells."""
        return self.of_stack + cells * self.of_cell


def walk_cost(cell: Cell) -> FlatCost:
    """What a walk costs."""
    steps = cell.recipe["steps"]
    return FlatCost(
        SECONDS_TO_WALK + steps * SECONDS_PER_WALK_STEP,
        SECONDS_PER_ROW * curve_rows(cell),
        memory=steps * BYTES_PER_WALK_STEP,
    )


def sweep_cost(cell: Cell) -> FlatCost:
    """What a sweep costs."""
    points = cell.recipe["points"]
    of_cell = SECONDS_PER_ROW * curve_rows(cell) + points * SECONDS_PER_POINT
    return FlatCost(0.0, of_cell, memory=points * BYTES_PER_POINT)


def baseline_cost(cell: Cell) -> FlatCost:
    """What a model of scikit-learn costs, all of its settings together."""
    split = split_for(cell.recipe)
    numbers, outputs = split.x["train"].size, max(1, split.n_classes)
    name = cell.recipe["baseline"]
    of_model, of_number = SECONDS_PER_BASELINE[name]
    of_cell = of_model + numbers * of_number
    return FlatCost(0.05, of_cell * (outputs if name == "boosting" else 1), memory=4 * split.nbytes)


@dataclass(frozen=True)
class ProbeCost:
    """What the probes of one network cost, and what those of a stack cost beside."""

    count: int
    steps: float  # whose calls one makes, however many networks there are
    seconds: float  # of one, for each network
    memory: int  # bytes, while it runs

    @classmethod
    def of(cls, recipe: Recipe, shapes: Sequence[int], n_train: int, size: int) -> ProbeCost:
        """Return the cost of a recipe's probes, for layers of these shapes and numbers of `size`.

        Sharpness is by far the largest part of both: Hessian products of the whole training part.
        """
        if not recipe["probe_every"]:
            return cls(0, 0.0, 0.0, 0)
        weights = sum(a * b + b for a, b in itertools.pairwise(shapes))
        rows = min(PROBE_ROWS, n_train)
        units, width = sum(shapes[1:-1]), recipe["width"]
        decompositions = 20 * rows * units * min(rows, width)
        products, elements = 3 * rows * weights + decompositions, 60 * rows * units
        memory = size * (rows * (12 * units + shapes[0]) + 16 * weights)
        steps = STEPS_PER_PROBE
        if recipe["probe_sharpness"]:
            steps += LANCZOS_STEPS * STEPS_PER_PRODUCT
            products += LANCZOS_STEPS * 6 * n_train * weights
            elements += LANCZOS_STEPS * 36 * n_train * units
            of_rows = n_train * (16 * units + 2 * shapes[0])
            memory = max(memory, size * (of_rows + 3 * LANCZOS_STEPS * weights))
        return cls(
            count=1 + math.ceil(recipe["epochs"] / recipe["probe_every"]),
            steps=steps,
            seconds=products * SECONDS_PER_PRODUCT + elements * SECONDS_PER_NUMBER,
            memory=memory,
        )


class DataShape(NamedTuple):
    """What of a data set a cost depends on."""

    n_features: int
    n_classes: int  # 0 for regression
    n_train: int
    rows: int  # of all parts
    nbytes: int

    @classmethod
    def of(cls, split: Split) -> DataShape:
        """The shape of a split."""
        rows = sum(len(x) for x in split.x.values())
        return cls(split.n_features, split.n_classes, split.n_train, rows, split.nbytes)


@dataclass(frozen=True)
class Cost(Memory):
    """What one network of a program costs: numbers from its shape, seconds from a rough model."""

    steps: int
    evaluations: int
    calls: int  # operations of a step
    products: float  # multiply-adds of a step, forward and backward
    elements: float  # numbers that a step's elementwise operations touch
    depth: int
    weights: int
    elements_per_row: float  # of activations
    rows: int  # of one whole evaluation
    probes: ProbeCost
    native: bool = False  # whether compiled programs train it
    alone: bool = False  # whether plain PyTorch trains one network at a time

    @classmethod
    def of(cls, cell: Cell) -> Cost:
        """Return the cost of a cell, whose data is loaded or generated for its shape."""
        return cls.on(cell.recipe, DataShape.of(split_for(cell.recipe)))

    @classmethod
    def on(cls, recipe: Recipe, data: DataShape) -> Cost:
        """Return the cost of a recipe on data of a shape."""
        outputs = max(1, data.n_classes)
        depth, width, batch = recipe["depth"], recipe["width"], recipe["batch_size"]
        batch = min(batch or data.n_train, data.n_train)
        shapes = [data.n_features, *[width] * depth, outputs]
        weights = sum(a * b + b for a, b in itertools.pairwise(shapes))
        activations = batch * (width * depth * 12 + outputs * 6)
        size = 8 if recipe["dtype"] == "float64" else 4
        widest = max(shapes)
        # in training mode an example enters twice, and brings its noise for each layer
        evaluated = BLOCK_ROWS * (2 + depth if recipe["evaluation"] == "train" else 1)
        probes = ProbeCost.of(recipe, shapes, data.n_train, size)
        training = size * (12 * weights + activations + 4 * evaluated * widest)
        return cls(
            steps=recipe["epochs"] * steps_per_epoch(data.n_train, batch),
            evaluations=recipe["epochs"] + 1,
            calls=CALLS_PER_STEP + CALLS_PER_LAYER * (depth + 1),
            products=3.0 * batch * weights,
            elements=activations + 25.0 * weights,
            depth=depth,
            weights=weights,
            elements_per_row=activations / batch,
            rows=data.rows,
            memory=max(training, probes.memory),
            # as the split has it in double precision, and as the stack has it
            data=data.nbytes + data.nbytes * size // 8,
            probes=probes,
            alone=OPTIMIZERS[recipe["optimizer"]].alone,
        )

    def seconds(self, networks: int) -> float:
        """Return the expected seconds of a stack of so many networks."""
        of_layer = SECONDS_PER_LAYER + self.probes.count * SECONDS_PER_LAYER_ROW
        drawn = self.weights * SECONDS_PER_WEIGHT
        beside = networks * (SECONDS_PER_NETWORK + self.depth * of_layer + drawn)
        beside += self.evaluations * networks * SECONDS_PER_RECORD
        of_stack = self.evaluations * SECONDS_PER_EPOCH
        of_stack += self.probes.count * self.probes.steps * self.calls * SECONDS_PER_CALL
        if self.alone:
            return beside + networks * (of_stack + ALONE * self._mapped(1))
        trained = networks * self._native_seconds() if self.native else self._mapped(networks)
        return beside + of_stack + trained

    def _mapped(self, networks: int) -> float:
        step = self.products * SECONDS_PER_PRODUCT + self.elements * SECONDS_PER_NUMBER
        training = self.steps * (self.calls * SECONDS_PER_CALL + networks * step)
        row = self.products / 3 * SECONDS_PER_PRODUCT + self.elements * SECONDS_PER_NUMBER / 4
        batch_rows = max(1.0, self.rows / 32)
        training += networks * self.probes.count * self.probes.seconds
        return training + self.evaluations * networks * row * batch_rows / 3

    def _native_seconds(self) -> float:
        step = self.products * NATIVE_PER_PRODUCT + self.elements * NATIVE_PER_NUMBER
        row = (self.weights * NATIVE_PER_PRODUCT + self.elements_per_row * NATIVE_PER_NUMBER) * 1.5
        training = self.steps * (NATIVE_PER_STEP + step)
        return (
            training + self.evaluations * self.rows * row + self.probes.count * self.probes.seconds
        )


COST_BY_STUDY: Mapping[str, Callable[[Cell], Cost | FlatCost]] = {
    TRAINING: Cost.of,
    LANDSCAPE: walk_cost,
    NUMERICS: sweep_cost,
    BASELINE: baseline_cost,
}
# what a curve has a row of, and how many at most
CURVE_BY_STUDY: Mapping[str, tuple[str, float]] = {
    TRAINING: ("epochs", math.inf),
    LANDSCAPE: ("steps", walks.MOST_POINTS),
    NUMERICS: ("points", sweeps.MOST_POINTS),
    BASELINE: ("", 0),
}


def disk_bytes(stacks: Sequence[PlannedStack]) -> int:
    """Return the expected size of the results on disk."""
    return sum(
        (curve_rows(cell) + 10) * BYTES_PER_CELL_AND_EPOCH
        + layer_rows(cell) * BYTES_PER_LAYER_AND_PROBE
        for stack in stacks
        for cell in stack.cells
    )


def layer_rows(cell: Cell) -> int:
    """Return the rows of a cell's table of layers."""
    recipe = cell.recipe
    every = recipe.get("probe_every")
    return int(recipe["depth"]) * (1 + math.ceil(recipe["epochs"] / every)) if every else 0
