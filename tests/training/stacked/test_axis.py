"""What every stack does with its cells, networks and walks alike."""

from __future__ import annotations

import pytest
import torch

from nnbench.catalog import VOCABULARY
from nnbench.study.study import make_study
from nnbench.training.draws import split_for
from nnbench.training.stacked.axis import MIN_STACK, one_thread, padded, stacked_numbers
from nnbench.training.stacked.network import number_names, program_of
from nnbench.training.stacked.walk import course_of, walk
from nnbench.training.stacked.walk import number_names as walk_numbers
from tests.helpers import make_cells

WALK = {"name": "walk", "kind": "landscape", "grid": {"landscape": "bowl", "steps": 2, "seeds": 1}}


def test_a_lone_cell_has_itself_for_company() -> None:
    one, *others = make_cells(seeds=3)
    assert padded([one]) == [one] * MIN_STACK
    assert padded([one, *others]) == [one, *others]


def test_numbers_are_those_that_the_program_reads() -> None:
    cells = make_cells(optimizer={"name": "adam", "lr": [0.1, 0.2]}, clip_norm=2.0, l1=0.0)
    program = program_of(cells[0].recipe, split_for(cells[0].recipe))
    numbers = stacked_numbers(cells, number_names(program))
    assert set(numbers) == {
        "clip_norm",
        *(f"optimizer.{n}" for n in ("lr", "beta1", "beta2", "eps")),
    }
    assert numbers["optimizer.lr"].tolist() == [cell.recipe["optimizer.lr"] for cell in cells]
    assert numbers["clip_norm"].dtype == torch.float64


def test_a_walk_reads_its_landscape_and_what_pulls_on_it() -> None:
    grid = {**WALK["grid"], "weight_decay": 0.1}  # type: ignore[dict-item]
    (cell,) = make_study(WALK | {"grid": grid}, VOCABULARY).cells()
    assert walk_numbers(course_of(cell.recipe)) == [
        "weight_decay",
        "landscape.condition",
        "optimizer.lr",
    ]


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="stopped"), one_thread():
            assert torch.get_num_threads() == 1
            raise RuntimeError("stopped")
        assert torch.get_num_threads() == 2
        walk(make_study(WALK, VOCABULARY).cells())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
