"""What a machine is measured to be, how long that is kept, and what a whole run is said to take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nnbench.catalog import ACTIVATIONS, LOSSES, NORMS, OPTIMIZERS
from nnbench.training.native import cache, machine, origins, wall
from nnbench.training.native.compiler import find_compiler
from nnbench.training.native.machine import Machine, compiled_trial, known_machine, measure
from nnbench.training.native.wall import missing_programs, note_made, program_names, wall_seconds
from nnbench.training.plan import PlannedStack, plan
from tests.helpers import make_cells


def test_a_machine_is_measured_once(monkeypatch: pytest.MonkeyPatch, empty_cache: object) -> None:
    calls = []
    monkeypatch.setattr(machine, "measure", lambda: calls.append(1) or Machine(2.0, 3.0, 4.0))
    assert known_machine() == known_machine() == Machine(2.0, 3.0, 4.0)
    assert len(calls) == 1


@pytest.mark.parametrize("change", ["old", "other", "ahead", "broken", "list"])
def test_what_is_stale_is_measured_again(
    change: str, monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    monkeypatch.setattr(machine, "measure", lambda: Machine(2.0, 3.0, 4.0))
    known_machine()
    kept = json.loads(cache.read("machine", "json") or "")
    kept["machine"]["python"] = 9.0
    cache.write("machine", "json", json.dumps(kept))
    assert known_machine().python == 9.0, "what is kept is believed"
    if change == "other":
        kept["who"][0] = "another machine"
    kept["measured"] += {"old": -1e8, "ahead": 1e8}.get(change, 0.0)
    text = {"broken": "{", "list": "[1]"}.get(change, json.dumps(kept))
    cache.write("machine", "json", text)
    assert known_machine().python == 2.0


def test_every_trial_finds_some_time() -> None:
    found = measure()
    assert min(found.python, found.arithmetic, found.compiling) > 0


def test_where_python_starts_no_other_it_counts_as_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("", "/no/such/python", "/bin/false"):
        monkeypatch.setattr(machine.sys, "executable", program)
        assert measure().python == 1.0


def test_a_trial_begins_anew_each_time() -> None:
    trial = compiled_trial(find_compiler())
    first = trial(7)
    assert first != trial(8) and trial(7) == first, "what it does may not hang on what was tried"


def test_without_a_compiler_python_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/no/such/compiler")
    found = measure()
    assert found.python == found.arithmetic == found.compiling


def stacks(native: bool) -> list[PlannedStack]:
    return plan(make_cells(data="iris", epochs=[50]), is_native=lambda recipe: native)


@pytest.mark.parametrize(
    ("slower", "native", "mapped"),
    [("python", True, True), ("arithmetic", True, False), ("compiling", True, False)],
)
def test_what_is_slower_takes_longer(
    slower: str, native: bool, mapped: bool, empty_cache: object
) -> None:
    other = replace(Machine(), **{slower: 3.0})
    for is_native, longer in ((True, native), (False, mapped)):
        chosen = stacks(is_native)
        taken, plain = (wall_seconds(chosen, 1, one) for one in (other, Machine()))
        assert (taken > plain) == longer


def test_more_workers_take_less_but_not_less_than_the_longest_stack() -> None:
    longest = PlannedStack(tuple(make_cells(epochs=1)), 1000.0, 0)
    others = [replace(longest, seconds=100.0)] * 20
    alone, two, many = (wall_seconds([longest, *others], n, Machine()) for n in (1, 2, 16))
    assert alone > two > many > 1000


def test_programs_that_were_made_are_not_made_again(empty_cache: object) -> None:
    chosen = stacks(native=True)
    before = wall_seconds(chosen, 1, Machine())
    recipe = chosen[0].cells[0].recipe
    assert len(missing_programs([recipe, recipe])) == 3
    note_made(recipe)
    assert missing_programs([recipe]) == set()
    assert wall_seconds(chosen, 1, Machine()) < before


def names(**grid: Any) -> list[str]:
    (cell,) = make_cells(**grid)
    return program_names(cell.recipe)


def test_names_are_shared_as_programs_are() -> None:
    plain = names(optimizer="adam", activation="relu")
    other_rule, other_slope = names(optimizer="sgd", activation="relu"), names(activation="tanh")
    assert plain[:2] == other_rule[:2] and plain[2] != other_rule[2]
    assert plain[2] == other_slope[2] and not set(plain[:2]) & set(other_slope[:2])
    assert names(dropout=0.5)[1] == names(dropout=0.2)[1] == names()[1]
    assert names(optimizer="muon", width=100)[2] != names(optimizer="muon")[2]


def test_no_entry_of_the_package_is_taken_for_a_users_own() -> None:
    plain = {"activation": "relu", "norm": "none", "loss": "mse", "optimizer": "sgd"}
    kinds = {"activation": ACTIVATIONS, "norm": NORMS, "loss": LOSSES, "optimizer": OPTIMIZERS}
    for kind, registry in kinds.items():
        for name in registry:
            assert origins.own_sources(**{**plain, kind: name}) == [], name


def test_a_mark_is_of_these_sources(monkeypatch: pytest.MonkeyPatch, empty_cache: object) -> None:
    (cell,) = make_cells(epochs=1)
    note_made(cell.recipe)
    monkeypatch.setattr(wall, "_makers", lambda: "other sources")
    assert len(missing_programs([cell.recipe])) == 3
