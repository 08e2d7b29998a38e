"""The data of a script: a loader of scikit-learn's, a generator's own code, or a user's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.data.registry import DATA, task_of
from nnbench.catalog.data.tables.entry import choices_of
from nnbench.export.sources import definitions
from nnbench.export.text import call, fill, literal
from nnbench.study.recipe import of_factor

GENERATOR = 'np.random.default_rng(seed_of("data"))'


@dataclass(frozen=True)
class DataCode:
    """Code that defines `x`, `y` and, where some parts see errors in y, `observed`.

    `definitions` stand before it. `noisy` names the parts that see the errors.
    """

    definitions: str
    code: str
    task: str
    scaled: bool
    has_gaps: bool
    noisy: tuple[str, ...]


def data_code(recipe: Mapping[str, Any]) -> DataCode:
    """The code of a recipe's data."""
    name = str(recipe["data"])
    given = of_factor("data", recipe)
    task = task_of(recipe)
    noisy: tuple[str, ...] = ()
    if "parts" in given:
        parts = str(given["parts"])
        noisy = ("train", "val", "test") if parts == "all" else tuple(parts.split(" and "))
    if name == "label_noise":
        defined, code = _label_noise(given)
    else:
        defined, code = _set(name, given, GENERATOR)
    if task == "classification" and not DATA[name].real:
        code += "\n" + _numbered(bool(noisy))
    return DataCode(defined, code, task, DATA[name].scaled, DATA[name].reader is not None, noisy)


def _set(name: str, given: Mapping[str, Any], generator: str) -> tuple[str, str]:
    """The definitions and the code of one set."""
    if DATA[name].reader is not None:
        code = f"table = read_table(PATH, CHOICES, {literal(name)})\nx, y = table.x, table.y"
        return _table(given), code
    if DATA[name].loader:
        return "", f"x, y = datasets.{DATA[name].loader}(return_X_y=True)"
    function = DATA[name].function
    targets = "x, y, observed" if "parts" in given else "x, y"
    code = f"{targets} = {call(function.__name__, generator, **given)}"
    return definitions(function.__module__, function.__name__), code


def _label_noise(given: Mapping[str, Any]) -> tuple[str, str]:
    """The code of another set and of the errors in its labels, from one generator."""
    defined, code = _set(str(given["base"]), of_factor("base", given), "draws")
    flip = definitions("nnbench.catalog.data.synthetic", "flip")
    lines = [f"draws = {GENERATOR}", code, f"observed = {call('flip', 'draws', 'y', p=given['p'])}"]
    return "\n\n\n".join(part for part in (defined, flip) if part), "\n".join(lines)


def _numbered(noisy: bool) -> str:
    if noisy:
        return (
            "names = np.unique(y)  # number the classes that occur\n"
            "y, observed = np.searchsorted(names, y), np.searchsorted(names, observed)"
        )
    return "y = np.unique(y, return_inverse=True)[1]  # number the classes that occur"


def _table(given: Mapping[str, Any]) -> str:
    """The code that reads a user's table: the study's own, so that no rule can differ."""
    place = {key: given[key] for key in ("path", "sha256")}
    choices = choices_of(**{key: value for key, value in given.items() if key not in place})
    reading = definitions("nnbench.catalog.data.tables.table", "read_table", "Choices")
    code = call("Choices", **{key: value for key, value in vars(choices).items() if value})
    return fill("table.py.j2", reading=reading, choices=code, **place).strip("\n")
