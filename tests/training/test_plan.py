"""Stacks stay within their budget of memory, and are expected to take what their engine takes."""

from __future__ import annotations

import pytest

from nnbench.pipeline import Options
from nnbench.study.study import Cell
from nnbench.training.draws import draw_key
from nnbench.training.plan import cost_of, plan
from tests.helpers import make_cells


@pytest.fixture(scope="module")
def cells() -> list[Cell]:
    data = {"name": "moons", "n": 20_000}
    rates = {"name": "sgd", "lr": [0.1, 0.2, 0.3, 0.4]}
    return make_cells(data=data, optimizer=rates, width=8, depth=1, seeds=16)


@pytest.mark.parametrize("repeats", [0.5, 1, 4.5, 16, 17, 100])
def test_no_stack_takes_more_than_the_budget(cells: list[Cell], repeats: float) -> None:
    cost = cost_of(cells[0])
    assert cost.data > 20_000 * 3 * 8
    budget = int(repeats * (cost.data + cost.memory))
    stacks = plan(cells, budget=budget)
    assert sorted(c.cell_id for s in stacks for c in s.cells) == sorted(c.cell_id for c in cells)
    for stack in stacks:
        data = len({draw_key(cell.recipe) for cell in stack.cells}) * cost.data
        assert stack.memory >= data + len(stack.cells) * cost.memory
        assert stack.memory <= budget or len(stack.cells) == 1
    if repeats >= 1:  # the budget is made use of
        most = max(stack.memory for stack in stacks)
        assert most >= min(budget, cost.memory * 32 + cost.data * 16) / 2


def test_repeats_that_are_there_already_cost_no_more_data(cells: list[Cell]) -> None:
    cost = cost_of(cells[0])
    budget = 16 * cost.data + 40 * cost.memory
    assert len(plan(cells, budget=budget)[0].cells) == 32
    assert len(plan(cells[:64], budget=budget // 4)[0].cells) < 8


@pytest.mark.parametrize(("epochs", "width"), [(2000, 8), (20, 256)])
def test_little_time_cuts_no_stack_into_pieces_that_take_as_long(epochs: int, width: int) -> None:
    cells = make_cells(data="moons", depth=2, width=width, epochs=[epochs], seeds=16)
    whole, cut = (
        plan(cells, 1, is_native=lambda recipe: True, most_seconds=most) for most in (1e9, 1e-3)
    )
    assert len(whole) == 2 and len(cut) > len(whole)
    assert max(stack.seconds for stack in cut) < 0.9 * max(stack.seconds for stack in whole)
    assert sum(stack.seconds for stack in cut) < 4 * sum(stack.seconds for stack in whole)


def test_compiled_programs_are_expected_to_be_quicker_and_sooner_for_small_networks() -> None:
    def gain(width: int) -> float:
        cells = make_cells(data="digits", width=width, epochs=[10])
        mapped, native = plan(cells), plan(cells, is_native=lambda recipe: True)
        assert [stack.cells for stack in mapped] == [stack.cells for stack in native]
        return mapped[0].seconds / native[0].seconds

    assert gain(8) > gain(64) > 1


def test_what_trains_long_enough_is_planned_for_compiled_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long, short = (cell.recipe for cell in make_cells(epochs=[100, 1]))
    assert Options().is_native(long) and not Options().is_native(short)
    assert Options(engine="native").is_native(short)
    assert not Options(engine="stacked").is_native(long)
    assert not Options(device="cuda").is_native(long)
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert not Options().is_native(long)
