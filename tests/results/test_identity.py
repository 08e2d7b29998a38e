"""A cell's id survives whatever leaves the network alone, and changes with all that changes it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nnbench.catalog import VOCABULARY
from nnbench.study.fields import FIELDS
from nnbench.study.grid import GRID_KEYS
from nnbench.study.mistakes import StudyError
from nnbench.study.reading import make_study, read_study
from nnbench.study.study import Cell, make_cell
from nnbench.study.vocabulary import Parameter
from tests.helpers import other_value
from tests.places import ROOT

WRITTEN = """
name = "identity"
title = "One"
seed = 3
[grid]
data = { name = "moons", n = 200 }
activation = [{ name = "leaky_relu", negative_slope = 0.2 }, "swish"]
optimizer = { name = "adam", lr = 0.001, beta1 = 0.9 }
dropout = 0.0
depth = 2
weight_decay = 1.0
seeds = 2
"""
SAME = {
    "as written": ("", ""),
    "a comment": ("[grid]", "# what is varied\n[grid]  # all of it"),
    "1e-3": ("lr = 0.001", "lr = 1e-3"),
    "a whole number for a float": ("weight_decay = 1.0", "weight_decay = 1"),
    "a float for a whole number": ("depth = 2", "depth = 2.0"),
    "a negative zero": ("dropout = 0.0", "dropout = -0.0"),
    "a title": ('title = "One"', 'title = "Two"\nquestion = "Why?"\nprediction = "So."'),
    "an alias": ('"swish"', '"silu"'),
    "a name for a table": ('"swish"', '{ name = "swish" }'),
    "a default spelt out": (", beta1 = 0.9", ", beta1 = 0.9, beta2 = 0.999"),
    "a default left out": (", beta1 = 0.9", ""),
    "a field's default spelt out": ("depth = 2", 'depth = 2\nwidth = 32\nloss = "cross_entropy"'),
    "parameters in another order": ("lr = 0.001, beta1 = 0.9", "beta1 = 0.9, lr = 0.001"),
    "keys in another order": ("dropout = 0.0\ndepth = 2", "depth = 2\ndropout = 0.0"),
    "a section": ("[grid]", '[report]\nmetric = "test_loss"\ntarget = 0.5\n[grid]'),
    "a claim": (
        "seeds = 2",
        'seeds = 2\n[[claim]]\ntext = "t"\nbetter.activation = "silu"\n'
        'than.activation = "leaky_relu"',
    ),
    "a one-element list": ("depth = 2", "depth = [2]"),
    "windows line ends": ("\n", "\r\n"),
    "a dotted table": (
        'optimizer = { name = "adam", lr = 0.001, beta1 = 0.9 }',
        'optimizer.name = "adam"\noptimizer.lr = 0.001',
    ),
    "another name of the study": ('name = "identity"', 'name = "another"'),
}


def ids(text: str, folder: Path) -> list[str]:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8", newline="")
    return [cell.cell_id for cell in read_study(path, VOCABULARY).cells()]


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_id_survives(change: tuple[str, str], tmp_path: Path) -> None:
    assert change[0] in WRITTEN
    changed = WRITTEN.replace(*change) if change[0] else WRITTEN
    assert ids(changed, tmp_path) == ids(WRITTEN, tmp_path)


def test_adding_a_level_leaves_the_other_cells_alone(tmp_path: Path) -> None:
    more = WRITTEN.replace("depth = 2", "depth = [4, 2]").replace("seeds = 2", "seeds = [7, 1, 0]")
    assert set(ids(WRITTEN, tmp_path)) < set(ids(more, tmp_path))


def test_the_hash_is_a_contract() -> None:
    """Results folders hold cells by it: sha256 of sorted JSON without spaces, in ASCII."""
    recipe = {"b": 1, "a": (0.001, "é"), "c": None, "d": True, "e": 1e-05, "f": 1.0}
    canonical = '{"a":[0.001,"\\u00e9"],"b":1,"c":null,"d":true,"e":1e-05,"f":1.0}'
    wanted = hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]
    assert make_cell("any", recipe).cell_id == wanted
    assert make_cell("any", recipe | {"path": "x"}, apart=["path"]).cell_id == wanted


SCRIPT = """
import sys
from pathlib import Path
from nnbench.catalog import VOCABULARY
from nnbench.study.reading import read_study
print(",".join(cell.cell_id for cell in read_study(Path(sys.argv[1]), VOCABULARY).cells()))
print(",".join(sorted({"torch", "sklearn", "pandas", "scipy", "matplotlib"} & set(sys.modules))))
"""


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_agrees_and_imports_nothing_heavy(hash_seed: str, tmp_path: Path) -> None:
    """In another folder, with other hashes and another locale; nor is torch needed to read."""
    expected = ids(WRITTEN, tmp_path)
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "TZ": "Asia/Tokyo",
    }
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, "../study.toml"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found, heavy = ended.stdout.split("\n")[:2]
    assert found.split(",") == expected
    assert heavy == ""


# ----------------------------------------------------------------------- all that changes a network


def cell_of(**sections: Any) -> Cell:
    grid = sections.pop("grid", {})
    if "expression" in grid:
        sections["kind"] = "numerics"
    elif "landscape" in grid:
        sections["kind"], grid = "landscape", {"seeds": 1} | grid
    else:
        grid = {"data": {"name": "moons", "n": 40}, "seeds": 1} | grid
    (cell,) = make_study({"name": "identity", "grid": grid, **sections}, VOCABULARY).cells()
    return cell


def id_of(**sections: Any) -> str:
    return cell_of(**sections).cell_id


PLAIN = [key for key in GRID_KEYS if FIELDS[key].value is not None]
ENTRIES = [
    (kind, name)
    for kind, entries in VOCABULARY.registries.items()
    for name, entry in entries.items()
    if entry.reader is None
]


def chosen(kind: str, name: str) -> dict[str, Any]:
    """Return a grid that has this entry: a loss needs data of a task that it can train."""
    if kind == "loss" and "classification" not in VOCABULARY.registries[kind][name].targets:
        return {"data": {"name": "diabetes"}}
    if kind in ("landscape", "expression"):
        return {}
    return {"batch_size": 10}


@pytest.mark.parametrize("key", PLAIN)
def test_every_plain_field_changes_the_id(key: str) -> None:
    value = FIELDS[key].value
    assert value is not None
    other = True if value.flag else other_value(value)
    grid = {"data": "diabetes"} if key == "target_transform" else {}  # values above 0
    assert id_of(grid=grid | {key: other}) != id_of(grid=grid)


@pytest.mark.parametrize("kind", VOCABULARY.registries)
def test_every_entry_has_an_id_of_its_own(kind: str) -> None:
    names = [name for of, name in ENTRIES if of == kind]
    found = {name: id_of(grid=chosen(kind, name) | {kind: name}) for name in names}
    assert len(set(found.values())) == len(names)


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=map(".".join, ENTRIES))
def test_every_parameter_changes_the_id(kind: str, name: str) -> None:
    cell = cell_of(grid=chosen(kind, name) | {kind: name})
    for key, parameter in VOCABULARY.registries[kind][name].parameters.items():
        for other in different(parameter):
            grid = chosen(kind, name) | {kind: {"name": name, key: other}}
            try:
                assert id_of(grid=grid) != cell.cell_id, key
            except StudyError:  # it goes only with another parameter's value, as a third part does
                continue
            break
        else:
            changed = dict(cell.recipe) | {f"{kind}.{key}": "other"}
            assert changed.keys() == cell.recipe.keys()
            assert make_cell("identity", changed).cell_id != cell.cell_id, key


def different(parameter: Parameter) -> list[Any]:
    """Return other values of a parameter, of which at least one should be allowed."""
    if parameter.registry:
        known = VOCABULARY.registries[parameter.registry]
        return [name for name in known if name not in (parameter.default, "none")]
    default = parameter.default
    if isinstance(default, tuple):
        return [[[value + 1 for value in default]], [list(range(1, len(default) + 1))]]
    if default is None:
        return [0.5, 2, 3, 0.1]
    near = [default + 1, default - 1, 0.5 * default] if isinstance(default, int | float) else []
    return [one for one in [other_value(parameter), *near] if one != default]


def test_the_studys_own_seed_and_its_probes_change_the_id() -> None:
    assert id_of(seed=1) != id_of()
    assert id_of(grid={"seeds": [1]}) != id_of()
    probed = id_of(probes={"layers": True, "every": 2})
    assert len({id_of(), probed, id_of(probes={"layers": True, "every": 3})}) == 3


def test_a_nested_variants_parameter_changes_the_id() -> None:
    parts = [{"name": "exponential", "gamma": gamma} for gamma in (0.9, 0.8)]
    found = {id_of(grid={"schedule": {"name": "chained", "first": part}}) for part in parts}
    assert len(found) == 2


def test_what_is_no_part_of_the_identity_is_left_out() -> None:
    """A parameter says so itself: where a file lies, say."""
    moons = VOCABULARY.registries["data"]["moons"]
    noise = replace(moons.parameters["noise"], identity=False)
    marked = replace(moons, parameters=dict(moons.parameters) | {"noise": noise})
    registries = dict(VOCABULARY.registries) | {"data": {"moons": marked}}
    vocabulary = replace(VOCABULARY, registries=registries)
    (first,), (second,) = (
        make_study(
            {"name": "x", "grid": {"data": {"name": "moons", "noise": noise}, "seeds": 1}},
            vocabulary,
        ).cells()
        for noise in (0.1, 0.3)
    )
    assert first.cell_id == second.cell_id and first.recipe["data.noise"] == 0.1
