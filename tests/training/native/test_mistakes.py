"""Wrong programs on purpose: the comparison with the reference must catch each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from nnbench.training.native import lower, places, programs, text, train
from tests.helpers import make_cells
from tests.training.native.check import complaints

Patch = pytest.MonkeyPatch
GRID: dict[str, Any] = {"optimizer": {"name": "adam", "lr": [0.001, 0.01]}, "activation": "tanh"}


def change_text(patch: Patch, change: Callable[[str], str]) -> None:
    right = programs.program_text
    patch.setattr(programs, "program_text", lambda *rest, **named: change(right(*rest, **named)))


def swapped_index(patch: Patch) -> None:
    change_text(patch, lambda found: found.replace("[i0 * 7 + i1]", "[i1 * 7 + i0]", 1))


def lost_tail(patch: Patch) -> None:
    change_text(patch, lambda found: re.sub(r"\bi1 < 7;", "i1 < 6;", found))


def stale_buffer(patch: Patch) -> None:
    """Every buffer is given away as soon as it is filled."""
    right = text.slots_for

    def wrong(lowering: Any) -> Any:
        seen: set[str] = set()
        for number, statement in enumerate(lowering.statements):
            fresh = statement.bases - seen
            seen |= statement.bases
            lowering.statements[number] = places.Statement(statement.text, fresh)
        return right(lowering)

    patch.setattr(text, "slots_for", wrong)


def sum_of_the_first_row_only(patch: Patch) -> None:
    patch.setitem(lower.TAKE_IN, "sum", "{0} = {0} ? {0} : {1};")


def numbers_in_another_order(patch: Patch) -> None:
    right = train.NativeStack._numbers
    patch.setattr(train.NativeStack, "_numbers", lambda self, *of: right(self, *of)[::-1])


def rows_of_another_repeat(patch: Patch) -> None:
    right = train.NativeStack.train_epoch

    def wrong(self: Any, *rest: Any) -> Any:
        which, self.data.which = self.data.which, self.data.which.flip(0)
        try:
            return right(self, *rest)
        finally:
            self.data.which = which

    patch.setattr(train.NativeStack, "train_epoch", wrong)


QUICK = [swapped_index, stale_buffer]
SLOW = [
    lost_tail,
    sum_of_the_first_row_only,
    numbers_in_another_order,
    rows_of_another_repeat,
]


@pytest.mark.whole
@pytest.mark.parametrize(
    "sabotage",
    [*QUICK, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)],
    ids=lambda one: one.__name__,
)
def test_mistake_is_caught(
    sabotage: Callable[[Patch], None], monkeypatch: Patch, empty_cache: object
) -> None:
    cells = make_cells(**GRID, seeds=2, epochs=2)
    sabotage(monkeypatch)
    assert complaints(cells) != []


def test_without_mistakes_there_is_nothing_to_catch() -> None:
    assert complaints(make_cells(**GRID, seeds=2, epochs=2)) == []
