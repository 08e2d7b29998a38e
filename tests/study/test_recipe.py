from __future__ import annotations

import pickle
from copy import deepcopy

import pytest

from nnbench.study.recipe import Recipe, of_factor
from nnbench.study.study import make_cell

FIELDS = {
    "optimizer": "sgd",
    "optimizer.lr": 0.1,
    "optimizers": "a field whose name only begins alike",
    "schedule": "chained",
    "schedule.first": "exponential",
    "schedule.first.gamma": 0.9,
    "depth": 2,
}


def test_a_factor_has_its_own_parameters_by_their_own_names() -> None:
    recipe = Recipe(FIELDS)
    assert recipe.of("optimizer") == {"lr": 0.1}
    assert recipe.of("schedule") == {"first": "exponential", "first.gamma": 0.9}
    assert of_factor("first", recipe.of("schedule")) == {"gamma": 0.9}
    assert recipe.of("depth") == recipe.of("none") == {}


def test_a_recipe_is_a_mapping_that_nothing_changes() -> None:
    given = dict(FIELDS)
    recipe = Recipe(given)
    given["depth"] = 9
    assert recipe == FIELDS and list(recipe) == list(FIELDS)
    assert recipe["depth"] == 2 and recipe.get("width") is None and "width" not in recipe
    with pytest.raises(TypeError, match="does not support item assignment"):
        recipe["depth"] = 3  # type: ignore[index]
    with pytest.raises(AttributeError):
        recipe.depth = 3  # type: ignore[attr-defined]


def test_another_recipe_has_the_new_fields_last_and_the_old_ones_in_place() -> None:
    recipe = Recipe(FIELDS)
    other = recipe | {"width": 8, "depth": 3}
    assert isinstance(other, Recipe) and recipe == FIELDS
    assert list(other.items()) == [*list(FIELDS.items())[:-1], ("depth", 3), ("width", 8)]


def test_a_recipe_survives_copying_and_the_way_to_a_worker() -> None:
    cell = make_cell("any", FIELDS)
    assert isinstance(cell.recipe, Recipe)
    for again in (pickle.loads(pickle.dumps(cell)), deepcopy(cell)):
        assert again == cell and again.recipe.of("optimizer") == {"lr": 0.1}
        assert hash(again) == hash(cell)


def test_the_form_of_a_recipe_does_not_change_a_cells_id() -> None:
    backwards = dict(reversed(FIELDS.items()))
    wanted = "2443876dccf30f4f"
    forms = (FIELDS, Recipe(FIELDS), backwards)
    assert {make_cell("any", form).cell_id for form in forms} == {wanted}
