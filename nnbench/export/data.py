"""The data of a script: a loader of scikit-learn's, a generator's own code, or a user's table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnbench.catalog.data.registry import DATA, task_of
from nnbench.catalog.data.tables.entry import choices_of
from nnbench.catalog.own.entries import CODES
from nnbench.export.sources import definitions, definitions_of
from nnbench.export.text import call, fill, literal
from nnbench.study.recipe import of_factor

GENERATOR = "np.random.default_rng(seed_of({}))"
SPLITS = ("nnbench.training.splits", "parts_of")
SHARES = ("nnbench.training.splits", "share_of")


@dataclass(frozen=True)
class DataCode:
    """Code that defines `x`, `y` and, where some parts see errors in y, `observed`.

    `definitions` stand before it. `noisy` names the parts that see the errors. `parts` is the code
    that says which rows each part has, where that is more than a shuffle; `share` that of the
    training rows, where those are a share of that part.
    """

    definitions: str
    code: str
    task: str
    scaled: bool
    has_gaps: bool
    noisy: tuple[str, ...]
    parts: str = ""
    share: str = ""


def data_code(recipe: Mapping[str, Any], ties: str = "table.ties") -> DataCode:
    """The code of a recipe's data. ties: an expression of what a split of a table keeps to."""
    name = str(recipe["data"])
    given = of_factor("data", recipe)
    task = task_of(recipe)
    noisy: tuple[str, ...] = ()
    if "parts" in given:
        parts = str(given["parts"])
        noisy = ("train", "val", "test") if parts == "all" else tuple(parts.split(" and "))
    is_table = DATA[name].reader is not None
    folds = recipe.get("folds", 0)
    shuffle, fold = divmod(recipe["seed"], folds) if folds else (None, None)
    generator = GENERATOR.format(_purpose("data", shuffle))
    if name == "label_noise":
        defined, code = _label_noise(given, generator)
    else:
        defined, code = _set(name, given, generator)
    if task == "classification" and not DATA[name].real:
        code += "\n" + _numbered(bool(noisy))
    parts = ""
    if is_table or folds:
        of = ["len(x)", "y" if task == "classification" else "None"]
        of += [f"seed_of({_purpose('split', shuffle)})"]
        of += [str(recipe[key]) for key in ("val_fraction", "test_fraction")]
        of += [ties] if is_table else []
        parts = call("parts_of", *of, **({"fold": (fold, folds)} if folds else {}))
    share = _share(recipe, task, ties)
    needed = [*[SPLITS] * bool(folds and not is_table), *[SHARES] * bool(share)]
    if needed:
        defined = "\n\n\n".join(part for part in (defined, definitions_of(needed)) if part)
    return DataCode(defined, code, task, DATA[name].scaled, is_table, noisy, parts, share)


def _share(recipe: Mapping[str, Any], task: str, ties: str) -> str:
    """The training rows, where they are a share of their part."""
    if recipe.get("train_share", 1.0) == 1:
        return ""
    of = ['rows_of["train"]', "y" if task == "classification" else "None"]
    of += [str(recipe["train_share"])]
    of += [ties] if recipe.get("data.group") or recipe.get("data.time") else []
    return call("share_of", *of)


def _purpose(name: str, repeat: int | None) -> str:
    """What a seed is asked for by; folds have that of the shuffle that they are of."""
    return literal(name) if repeat is None else f"{literal(name)}, {repeat}"


def _set(name: str, given: Mapping[str, Any], generator: str) -> tuple[str, str]:
    """The definitions and the code of one set."""
    if DATA[name].reader is not None:
        code = f"table = read_table(PATH, CHOICES, {literal(name)})\nx, y = table.x, table.y"
        return _table(given), code
    if DATA[name].loader:
        return "", f"x, y = datasets.{DATA[name].loader}(return_X_y=True)"
    function = DATA[name].function
    if ("data", name) in CODES:  # of one's own
        lines = (
            f"x, y = {call('own_data', generator, **given)}\nx = np.asarray(x, dtype=np.float64)"
        )
        kind = "int64" if DATA[name].task == "classification" else "float64"
        return "", f"{lines}\ny = np.asarray(y).astype(np.{kind})"
    targets = "x, y, observed" if "parts" in given else "x, y"
    code = f"{targets} = {call(function.__name__, generator, **given)}"
    return definitions(function.__module__, function.__name__), code


def _label_noise(given: Mapping[str, Any], generator: str) -> tuple[str, str]:
    """The code of another set and of the errors in its labels, from one generator."""
    defined, code = _set(str(given["base"]), of_factor("base", given), "draws")
    flip = definitions("nnbench.catalog.data.synthetic", "flip")
    lines = [f"draws = {generator}", code, f"observed = {call('flip', 'draws', 'y', p=given['p'])}"]
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
    of = "nnbench.catalog.data.tables.table"
    reading = definitions_of([(of, "read_table"), (of, "Choices"), SPLITS])
    code = call("Choices", **{key: value for key, value in vars(choices).items() if value})
    return fill("table.py.j2", reading=reading, choices=code, **place).strip("\n")
