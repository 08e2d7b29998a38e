"""Who trains a cell, and why the native engine would not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from nnbench.catalog import ACTIVATIONS, LOSSES, NORMS, OPTIMIZERS
from nnbench.training.native import cache, choice, compiler, parts, programs
from nnbench.training.native.choice import (
    LEAST_STEPS,
    Share,
    choose,
    expected_shares,
    foreseen,
    found_shares,
    train_cells,
    why_not,
    would_train,
)
from nnbench.training.native.compiler import CompilerError, RefusalError, find_compiler
from nnbench.training.native.origins import UNWRITTEN
from nnbench.training.stacked.network import program_of
from tests.helpers import make_cells, small_data


def recipe_of(**grid: Any) -> Any:
    (cell,) = make_cells(**grid)
    return cell.recipe


@pytest.mark.whole
def test_it_trains_all_of_the_catalogue_but_what_has_no_loop() -> None:
    grids: list[dict[str, Any]] = [{"activation": name} for name in ACTIVATIONS]
    grids += [{"optimizer": name} for name in OPTIMIZERS if name not in UNWRITTEN]
    grids += [{"norm": name} for name in NORMS]
    grids += [
        {"loss": name, "data": small_data("moons")}
        for name, loss in LOSSES.items()
        if "classification" in loss.targets
    ]
    for grid in grids:
        assert why_not(recipe_of(**grid)) is None, grid
    assert UNWRITTEN == ("shampoo", "soap")
    assert not cache.holds("why")  # which would make every dry run look at programs
    assert "_linalg_eigh" in str(foreseen(recipe_of(optimizer="shampoo")))
    assert "diag" in str(foreseen(recipe_of(optimizer="soap")))


def changed(patch: pytest.MonkeyPatch, function: Callable[..., Any]) -> Any:
    """The recipe of a network whose tanh is this function."""
    patch.setitem(ACTIVATIONS, "tanh", replace(ACTIVATIONS["tanh"], function=function))
    return recipe_of(activation="tanh")


@pytest.mark.whole
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: torch.special.bessel_j0(x), "bessel_j0 is not an operation"),
        (lambda x: x if x.sum() > 0 else -x, "branches on a number"),
        (lambda x: x + torch.rand_like(x), "rand_like is not an operation"),
        (lambda x: x * (x.shape[0] / (x.shape[0] + 1)), "depends on the size of the batch"),
        (lambda x: x * (x.shape[0] ** 2 + 1), "depends on the size of the batch"),
        (lambda x: x + torch.arange(x.shape[1]), "not an operation"),
    ],
    ids=["unknown", "branch", "random", "share", "square", "table"],
)
def test_it_says_why_not(
    function: Any, reason: str, monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    recipe = changed(monkeypatch, function)
    for _ in range(2):  # the second time from the cache
        found = why_not(recipe)
        assert found is not None and reason in found
    assert choose(recipe, "native").engine == "stacked"


def test_what_it_cannot_train_the_mapped_engine_does(
    monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    changed(monkeypatch, lambda x: torch.cumsum(x, -1))
    cells = make_cells(activation="tanh", epochs=1, optimizer="sgd")
    (row,) = train_cells(cells, "native", "cpu", lambda share: None).cells
    assert row["engine"] == "stacked-eager" and row["status"] == "ok"


def test_without_a_compiler_the_mapped_engine_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "/no/such/compiler")
    reason = why_not(recipe_of())
    assert reason is not None and "/no/such/compiler" in reason
    assert choose(recipe_of(epochs=1000), "auto").engine == "stacked"


@pytest.mark.whole
def test_a_program_that_the_compiler_refuses_is_trained_by_the_mapped_engine(
    monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    programs.runtime()

    def refuses(*rest: Any, **named: Any) -> None:
        raise RefusalError("cc fails: x.c:3:1: error: no")

    cells = make_cells(epochs=1, optimizer="sgd")
    with monkeypatch.context() as patch:
        patch.setattr(compiler.Compiler, "compile", refuses)
        assert choose(cells[0].recipe, "native").engine == "native", "nobody knows yet"
        (row,) = train_cells(cells, "native", "cpu", lambda share: None).cells
    assert row["engine"] == "stacked-eager"
    assert "x.c:3:1: error: no" in str(choose(cells[0].recipe, "native").why)


def test_a_compiler_that_fails_for_the_moment_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    programs.runtime()

    def fails(*rest: Any, **named: Any) -> None:
        raise CompilerError("cc fails: fatal error: No space left on device")

    monkeypatch.setattr(compiler.Compiler, "compile", fails)
    cells = make_cells(epochs=1, optimizer="sgd")
    with pytest.raises(CompilerError, match="No space left"):
        train_cells(cells, "native", "cpu", lambda share: None)
    assert choose(cells[0].recipe, "native").engine == "native"


def test_only_a_mistake_in_a_text_is_a_refusal() -> None:
    assert compiler.OF_A_TEXT.search("/tmp/x.c:12:7: error: expected ;")
    assert not compiler.OF_A_TEXT.search("cc1: fatal error: error writing to x.s: No space left")


def test_auto_is_a_question_of_steps_and_of_the_device() -> None:
    steps_of_epoch = 4  # 36 examples in batches of 10
    long, short = LEAST_STEPS // steps_of_epoch, LEAST_STEPS // steps_of_epoch - 1
    assert choose(recipe_of(epochs=long), "auto").engine == "native"
    assert choose(recipe_of(epochs=short), "auto").engine == "stacked"
    assert choose(recipe_of(epochs=short), "native").engine == "native"
    assert choose(recipe_of(epochs=long), "stacked").engine == "stacked"
    assert choose(recipe_of(epochs=long), "auto", "cuda").engine == "stacked"


def test_a_result_is_taken_by_whoever_would_train_it_so() -> None:
    long, short = recipe_of(epochs=LEAST_STEPS), recipe_of(epochs=1)
    native, mapped = f"native-{find_compiler().identity}", "stacked-eager"

    def takers(engine: str, recipe: Any) -> set[str]:
        asked = ("auto", "native", "stacked", "reference")
        return {wanted for wanted in asked if would_train(engine, recipe, wanted)}

    assert takers(native, long) == {"auto", "native"}
    assert takers(native, short) == {"native"}, "auto maps it"
    assert takers(mapped, long) == {"stacked"}
    assert takers(mapped, short) == {"auto", "stacked"}
    assert takers("reference", long) == {"reference"}
    assert takers("native-gcc-of-another-machine", long) == set()
    assert would_train("stacked-eager-cuda", long, "auto", "cuda")


def test_a_baseline_is_fitted_by_its_own_engine_whatever_is_wanted() -> None:
    recipes = [cell.recipe for cell in make_cells(document={"baselines": ["linear"]})]
    (baseline,) = [recipe for recipe in recipes if "baseline" in recipe]
    for wanted in ("auto", "native", "stacked", "reference"):
        assert would_train("scikit-learn", baseline, wanted), wanted
        assert not would_train("stacked-eager", baseline, wanted), wanted


def test_what_cannot_be_written_is_taken_from_the_mapped_engine(
    monkeypatch: pytest.MonkeyPatch, empty_cache: object
) -> None:
    recipe = changed(monkeypatch, lambda x: torch.cumsum(x, -1))
    assert would_train("stacked-eager", recipe, "native")
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert would_train("stacked-eager", recipe_of(epochs=LEAST_STEPS), "auto")


def test_shares_tell_who_trains_how_many_and_why() -> None:
    long, short = make_cells(epochs=[LEAST_STEPS, 1])
    few = f"compiling does not pay off below {LEAST_STEPS} steps"
    native = f"native-{find_compiler().identity}"
    wanted = [Share(native, 2, None), Share("stacked-eager", 1, few)]
    assert expected_shares([[long, long], [short]], "auto", "cpu") == wanted
    trained = [(long, native), (short, "stacked-eager"), (long, native)]
    assert found_shares(trained, "auto", "cpu") == wanted
    assert found_shares([(short, "stacked-eager")], "stacked", "cpu")[0].why is None
    (share,) = found_shares([(long, "stacked-eager")], "auto", "cpu")
    assert share.why == "its program did not compile"
    (share,) = found_shares([(long, "stacked-eager-cuda")], "auto", "cuda")
    assert share.why == "programs are compiled for the CPU only"


def test_programs_are_shared() -> None:
    def part(kind: str, **grid: Any) -> Any:
        recipe = recipe_of(**grid)
        program = program_of(recipe, choice.split_for(recipe))
        return parts.parts_of(program)[kind]

    plain: dict[str, Any] = {"optimizer": "adam", "activation": "relu"}
    gradient = part("gradient", **plain)
    assert gradient == part("gradient", **{**plain, "optimizer": "muon"}, weight_decay=0.1)
    assert gradient == part("gradient", **plain, batch_size=0, clip_norm=1.0)
    assert gradient != part("gradient", **plain, l1=0.1)
    update = part("update", **plain)
    assert update == part("update", **{**plain, "activation": "gelu"}, width=100, norm="batchnorm")
    assert update != part("update", **plain, clip_norm=1.0)
    evaluate = part("evaluate", **plain)
    assert evaluate == part("evaluate", **{**plain, "optimizer": "asgd"}, dropout=0.5, l1=0.1)
    assert evaluate != part("evaluate", **plain, dropout=0.5, evaluation="train")
    muon = {**plain, "optimizer": "muon"}
    assert part("update", **muon) != part("update", **muon, width=100)


def test_another_source_is_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(activation="tanh")
    program = program_of(recipe, choice.split_for(recipe))
    part = parts.parts_of(program)["gradient"]
    before = programs.key_of(part, find_compiler())
    assert programs.key_of(part, find_compiler()) == before
    other = replace(find_compiler(), macros="another processor")
    assert programs.key_of(part, other) != before
    changed(monkeypatch, lambda x: x)  # an entry from this file, outside of the package
    assert programs.key_of(part, find_compiler()) != before
