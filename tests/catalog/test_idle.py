"""What is said to change nothing changes no bit of a training, and what is not said so does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from nnbench.catalog import DATA, OPTIMIZERS, SCHEDULES, VOCABULARY
from nnbench.results.rows import Rows
from nnbench.study.fields import FIELDS
from nnbench.study.idle import why_idle
from nnbench.study.reading import make_study
from nnbench.study.study import Cell
from nnbench.study.vocabulary import Need, Parameter, Term
from nnbench.training.draws import split_for
from nnbench.training.stacked.walk import walk
from tests.helpers import differences, make_cells, other_value, small_data, train_all

# a network on which every key has something to act
BUSY: dict[str, Any] = {
    "activation": "rrelu",
    "norm": "layernorm",
    "dropout": 0.3,
    "weight_decay": 0.1,
    "optimizer": {"name": "sgd", "lr": 0.3},
    "epochs": 3,
    "width": 5,
}
STOP = {"name": "patience", "patience": 1, "min_delta": 1e6}
PAIRS = {
    "activation": ["relu", "tanh"],
    "norm": ["none", "layernorm"],
    "early_stopping": ["none", STOP],
}
# those of a schedule are functions of the recipe, and are tried on every schedule below
NEEDS = [(key, need) for key, field in FIELDS.items() if key != "schedule" for need in field.needs]
FACTORS = ("activation", "init", "optimizer", "schedule", "norm", "loss", "early_stopping", "data")


def results(cells: Sequence[Cell], rows: Rows) -> list[list[dict[str, Any]]]:
    """Return each cell's rows, but for what repeats the recipe or tells of the run."""
    told: dict[str, list[Any]] = {cell.cell_id: [] for cell in cells}
    left_out = ("cell_id", "seconds", "engine", "lr")
    for row in [*rows.cells, *rows.curves, *rows.layers]:
        if row["cell_id"] in told:
            told[row["cell_id"]].append({k: v for k, v in row.items() if k not in left_out})
    return [told[cell.cell_id] for cell in cells]


def assert_alike(place: str, cells: Sequence[Cell], rows: Rows, *, rounds: bool = False) -> None:
    """Demand that a place is said to change nothing in any of the cells, and does not."""
    assert all(why_idle(cell.recipe, place, VOCABULARY) for cell in cells)
    first, *others = results(cells, rows)
    for other in others:
        if rounds:
            assert not differences({"": other}, {"": first}, 1e-12)
        else:
            assert repr(other) == repr(first), place


def assert_told_apart(place: str, cells: Sequence[Cell], rows: Rows) -> None:
    """Demand that a place is said to matter in some cells, and that not all come out alike."""
    assert "" in [why_idle(cell.recipe, place, VOCABULARY) for cell in cells], place
    assert len(set(map(repr, results(cells, rows)))) > 1, place


def levels(key: str) -> list[Any]:
    """Return two levels of a key."""
    value = FIELDS[key].value
    if value is None:
        return PAIRS[key]
    if value.flag:
        return [False, True]
    return [0.0 if value.default is None else value.default, other_value(value)]


def off(term: Term) -> list[Any]:
    """Return levels of a term's key with which it does not hold."""
    field = FIELDS[term.key]
    if term.value is not None:
        assert field.value is not None
        return [choice for choice in field.value.choices if choice != term.value]
    if not term.trait:
        return [0]
    entries = VOCABULARY.registries[field.registry]
    names = [name for name, entry in entries.items() if not getattr(entry, term.trait)]
    return sorted(names, key=lambda name: name != field.default)  # the usual one first


def on(term: Term) -> Any:
    """Return a level of a term's key with which it holds."""
    if term.value is not None:
        return term.value
    if not term.trait:
        return BUSY.get(term.key, 2)
    entries = VOCABULARY.registries[FIELDS[term.key].registry]
    return next(name for name, entry in entries.items() if getattr(entry, term.trait))


def known(need: Need) -> list[Term]:
    return [term for term in need.terms if term.key in FIELDS]


def without(need: Need) -> Iterator[dict[str, Any]]:
    """Yield up to four grids in which no term of a need holds, by different levels."""
    choices = [off(term) for term in known(need)]
    for place in range(min(4, max(map(len, choices)))):
        yield {
            term.key: levels[place % len(levels)]
            for term, levels in zip(known(need), choices, strict=True)
        }


def with_just(term: Term, need: Need) -> dict[str, Any]:
    """Return a grid in which one term of a need holds and no other."""
    return {other.key: off(other)[0] for other in known(need)} | {term.key: on(term)}


def made(key: str, levels: Sequence[Any], **grid: Any) -> list[Cell]:
    """Return the cells of levels of a key, each of a study of its own."""
    document = {"probes": {"layers": True}} if grid.pop("probe_every", 0) else {}
    return [
        cell
        for level in levels
        for cell in make_cells(document=document, **{**BUSY, **grid, key: level})
    ]


@pytest.mark.parametrize(("key", "need"), NEEDS, ids=[key for key, _ in NEEDS])
def test_a_key_without_what_it_needs_changes_no_bit(key: str, need: Need) -> None:
    for grid in without(need):
        cells = made(key, levels(key), **grid)
        assert_alike(key, cells, train_all(cells), rounds=need.rounds)


@pytest.mark.whole
@pytest.mark.parametrize(("key", "need"), NEEDS, ids=[key for key, _ in NEEDS])
def test_a_key_with_any_one_of_what_it_needs_changes_the_network(key: str, need: Need) -> None:
    for term in known(need):
        cells = made(key, levels(key), **with_just(term, need))
        assert_told_apart(key, cells, train_all(cells))


# ------------------------------------------------------------------------------------- schedules


def quick(name: str) -> dict[str, Any]:
    """Return a schedule, in a form in which it says something within a few epochs."""
    falls = {"patience": 0, "threshold": 1.0}
    return {"name": name} | (falls if SCHEDULES[name].after_epoch else {})


@pytest.mark.parametrize("optimizer", ["sgd", "rprop"])
@pytest.mark.parametrize("epochs", [3, 12])
def test_a_schedule_that_is_said_to_change_nothing_is_as_good_as_none(
    optimizer: str, epochs: int
) -> None:
    cells = made("schedule", list(map(quick, SCHEDULES)), optimizer=optimizer, epochs=epochs)
    found = dict(zip(SCHEDULES, map(repr, results(cells, train_all(cells))), strict=True))
    reasons = [why_idle(cell.recipe, "schedule", VOCABULARY) for cell in cells]
    idle = {name for name, why in zip(SCHEDULES, reasons, strict=True) if why}
    assert idle == {name for name in SCHEDULES if found[name] == found["none"]}
    assert ("step" in idle) == (optimizer == "rprop" or epochs == 3)
    assert ("exponential" in idle) == (optimizer == "rprop") and "onecycle" not in idle


@pytest.mark.parametrize(("optimizer", "place"), [("momentum", "momentum"), ("adam", "beta1")])
def test_a_momentum_that_is_cycled_is_the_schedules(optimizer: str, place: str) -> None:
    levels = [{"name": optimizer, place: value} for value in (0.5, 0.9)]
    for cycled, demand in ((True, assert_alike), (False, assert_told_apart)):
        schedule = {"name": "onecycle", "cycle_momentum": cycled}
        cells = made("optimizer", levels, schedule=schedule)
        demand(f"optimizer.{place}", cells, train_all(cells))


# ------------------------------------------------------------------------- parameters of entries


def tried(factor: str, about: Parameter) -> list[Any]:
    """Return values of a parameter to try: the usual one, one near it and, if not far, its ends."""
    if about.choices:
        return list(about.choices)
    ends = [end for end in (about.low, about.high) if abs(end) <= 1e6]
    if factor == "data":  # with more classes than examples there is no data
        ends = [about.default * 3 // 2 if isinstance(about.default, int) else about.default * 1.5]
    values = [about.default, *(end for end in ends if allowed(about, end))]
    values = [value for value in dict.fromkeys(values) if value is not None]
    other = other_value(about)
    return values if other in (None, *values) else [*values, other]


def allowed(about: Parameter, value: Any) -> bool:
    try:
        about.accept(value)
    except ValueError:
        return False
    return True


def table_of(factor: str, name: str) -> dict[str, Any]:
    if name == "label_noise":
        return {"name": name, "base": small_data("moons")}
    if factor == "data":
        return small_data(name)
    return quick(name) if factor == "schedule" else {"name": name}


def varied(factor: str, name: str, parameter: str, **table: Any) -> list[Any]:
    """Return levels that differ in a parameter of an entry, what it needs of others being there."""
    about = VOCABULARY.registries[factor][name].parameters[parameter]
    siblings = {
        term.key[1:]: term.value
        for need in about.needs
        for term in need.terms
        if term.key.startswith(".") and term.value is not None
    }
    whole = table_of(factor, name) | siblings | table
    return [whole | {parameter: value} for value in tried(factor, about)]


def parameters_of(factor: str, name: str) -> dict[str, Parameter]:
    entry = VOCABULARY.registries[factor][name]
    return {} if entry.reader else {k: p for k, p in entry.parameters.items() if not p.registry}


def assert_all_matter(factor: str, names: Sequence[str], **grid: Any) -> None:
    """Demand of each parameter that it changes the network, unless it is said never to."""
    cells = {
        (name, key): made(factor, varied(factor, name, key), **grid)
        for name in names
        for key in parameters_of(factor, name)
    }
    rows = train_all(
        list({cell.cell_id: cell for some in cells.values() for cell in some}.values())
    )
    for (name, key), some in cells.items():
        never = any(not need.terms for need in parameters_of(factor, name)[key].needs)
        demand = assert_alike if never else assert_told_apart
        demand(f"{factor}.{key}", some, rows)


@pytest.mark.parametrize("factor", ["init", "schedule", "early_stopping"])
def test_a_parameter_of_what_shares_a_stack_matters(factor: str) -> None:
    # an epoch of one step; and an activation whose signals have a length of their own
    grid = {"epochs": 12, "batch_size": 0, "activation": "tanh"}
    grid |= {"optimizer": "momentum"} if factor == "schedule" else {}
    assert_all_matter(factor, list(VOCABULARY.registries[factor]), **grid)


@pytest.mark.whole
@pytest.mark.parametrize(
    ("factor", "name"),
    [
        (f, n)
        for f in ("activation", "optimizer", "norm", "loss")
        for n in VOCABULARY.registries[f]
        if parameters_of(f, n)
    ],
)
def test_a_parameter_of_what_is_a_program_matters(factor: str, name: str) -> None:
    assert_all_matter(factor, [name])


@pytest.mark.parametrize("name", [name for name in DATA if parameters_of("data", name)])
def test_a_parameter_of_data_changes_the_data(name: str) -> None:
    for key in parameters_of("data", name):
        cells = made("data", varied("data", name, key))
        assert not any(why_idle(cell.recipe, f"data.{key}", VOCABULARY) for cell in cells)
        assert len({drawn(cell) for cell in cells}) > 1, key


def drawn(cell: Cell) -> str:
    split = split_for(cell.recipe)
    return repr([array.tobytes() for arrays in (split.x, split.y) for array in arrays.values()])


NEEDY = [
    (factor, name, key, need)
    for factor in FACTORS
    for name in VOCABULARY.registries[factor]
    for key, about in parameters_of(factor, name).items()
    for need in about.needs
    if need.terms and not need.terms[0].trait  # a function of the recipe: a schedule's, below
]


@pytest.mark.parametrize(
    ("factor", "name", "key", "need"), NEEDY, ids=[f"{n}-{k}" for _, n, k, _ in NEEDY]
)
def test_a_parameter_without_what_it_needs_changes_no_bit(
    factor: str, name: str, key: str, need: Need
) -> None:
    (term,) = need.terms
    siblings = VOCABULARY.registries[factor][name].parameters
    if term.key.startswith("."):
        about = siblings[term.key[1:]]
        usual = [False] if isinstance(about.default, bool) else [0.0]
        others = [choice for choice in about.choices if choice != term.value] or usual
        cells = [
            made(factor, varied(factor, name, key, **{term.key[1:]: other})) for other in others
        ]
    else:
        cells = [made(factor, varied(factor, name, key), **grid) for grid in without(need)]
    for some in cells:
        assert_alike(f"{factor}.{key}", some, train_all(some), rounds=need.rounds)


# ----------------------------------------------------------------------------------------- walks


def walks(**grid: Any) -> list[Cell]:
    usual = {"landscape": "beale", "steps": 120, "noise": 0.1, "seeds": 1}
    content = {"name": "test", "kind": "landscape", "grid": {**usual, **grid}}
    return make_study(content, VOCABULARY).cells()


def why_of_walk(cells: Sequence[Cell], place: str) -> list[str]:
    vocabulary = replace(VOCABULARY, study_kind="landscape")
    return [why_idle(cell.recipe, place, vocabulary) for cell in cells]


# Noise makes gradients turn; where it is large, the curvature is never below its least.
NOISE = {("sophia_ef", "eps"): 1.0}
OF_MATRICES = (("muon", "momentum"), ("soap", "every"))  # a point is no weight matrix


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_parameter_matters_to_a_walk_unless_it_is_said_not_to(name: str) -> None:
    for key in OPTIMIZERS[name].parameters:
        cells = [
            cell
            for level in varied("optimizer", name, key)
            for cell in walks(optimizer=level, noise=NOISE.get((name, key), 30.0))
        ]
        idle = why_of_walk(cells, f"optimizer.{key}")
        found = set(map(repr, results(cells, walk(cells))))
        assert (len(found) == 1) == all(idle) and len(set(map(bool, idle))) == 1, (key, idle)
        assert all(idle) == ((name, key) in OF_MATRICES)


@pytest.mark.parametrize("name", ["sgd", "rprop"])
def test_a_schedule_of_a_walk_is_as_good_as_none_where_it_is_said_to_be(name: str) -> None:
    able = [schedule for schedule, entry in SCHEDULES.items() if entry.function]
    for steps in (4, 40):
        cells = [c for s in able for c in walks(optimizer=name, schedule=s, steps=steps)]
        found = dict(zip(able, map(repr, results(cells, walk(cells))), strict=True))
        reasons = zip(able, why_of_walk(cells, "schedule"), strict=True)
        idle = {schedule for schedule, why in reasons if why}
        assert idle == {schedule for schedule in able if found[schedule] == found["none"]}


@pytest.mark.parametrize("key", ["weight_decay", "clip_norm", "clip_value"])
def test_without_steps_a_walk_stays_where_it_is(key: str) -> None:
    for steps in (0, 3):
        cells = walks(**{key: [0.0, 0.001], "steps": steps})
        rows = [walk([cell]) for cell in cells]
        found = {repr(results([cell], one)) for cell, one in zip(cells, rows, strict=True)}
        assert (len(found) == 1) == all(why_of_walk(cells, key)) == (steps == 0)
