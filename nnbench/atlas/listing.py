"""What a study file may name: the lists and the pages of `nnbench list` and `nnbench show`.

Reads the registries and the files in `studies/`; needs no torch. Everything is returned as text or
as plain data: the command line prints it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnbench.atlas.facts import facts
from nnbench.catalog import KEYS, VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.study.fields import FIELDS
from nnbench.study.mistakes import StudyError, nearest
from nnbench.study.vocabulary import Entry, Parameter, find_name

STUDY = "study"
PLURALS = {
    "activation": "activations",
    "init": "inits",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "loss": "losses",
    "layer": "layers",
    "norm": "norms",
    "regulariser": "regularisers",
    "early_stopping": "stoppings",
    "gradient": "gradients",
    "data": "data",
    "landscape": "landscapes",
    "expression": "expressions",
    STUDY: "studies",
}
KIND_OF_STUDY = {"landscape": "landscape", "expression": "numerics"}  # training for the rest
STUDIES = Path("studies")
ATLAS = Path("results") / "atlas"
Row = dict[str, Any]


def registries() -> dict[str, Mapping[str, Entry]]:
    """Return every registry by its kind, in the order in which they are listed.

    A kind is a key of a study file, but for those of `KEYS`: their entries have keys of their own.
    """
    kinds: dict[str, Mapping[str, Entry]] = {**VOCABULARY.kinds, **KEYS}
    order = [kind for kind in PLURALS if kind in kinds]
    rest = [kind for kind in kinds if kind not in PLURALS]
    return {kind: kinds[kind] for kind in order + rest}


def kind_of(word: str) -> str:
    """Return the kind that a word, singular or plural, names; StudyError where there is none."""
    kinds = [*registries(), STUDY]
    words = {each: kind for kind in kinds for each in (kind, PLURALS.get(kind, kind))}
    words |= {"stopping": "early_stopping", "initialisation": "init", "normalisation": "norm"}
    words |= {"regularizer": "regulariser", "regularizers": "regulariser"}
    if word not in words:
        raise StudyError(f'there is no kind "{word}"{nearest(word, words)}')
    return words[word]


def rows(word: str | None = None) -> list[Row]:
    """Return a row {kind, name, aliases, summary, reference, torch} for each entry of a kind.

    word: the kind, singular or plural; None for all.
    """
    wanted = [*registries(), STUDY] if word is None else [kind_of(word)]
    return [row for kind in wanted for row in _rows_of(kind)]


def _rows_of(kind: str) -> list[Row]:
    if kind == STUDY:
        return [_study_row(path) for path in sorted(STUDIES.glob("*.toml"))]
    return [_entry_row(kind, name, entry) for name, entry in registries()[kind].items()]


def _entry_row(kind: str, name: str, entry: Entry) -> Row:
    return {
        "kind": kind,
        "name": name,
        "aliases": list(entry.aliases),
        "summary": entry.summary,
        "reference": entry.reference,
        "torch": entry.torch,
    }


def _study_row(path: Path) -> Row:
    """Return a study's row; a file that cannot be read is listed too, with the reason."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        summary = str(document.get("question") or document.get("title") or "")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        summary = f"(cannot be read: {error})"
    empty: Row = {"aliases": [], "reference": "", "torch": ""}
    return {"kind": STUDY, "name": path.stem, "summary": summary} | empty


# One entry in full ------------------------------------------------------------------------------


def find(word: str, name: str) -> tuple[str, str]:
    """Return the kind and the name that two words stand for; StudyError names the nearest."""
    kind = kind_of(word)
    if kind == STUDY:
        known = [path.stem for path in STUDIES.glob("*.toml")]
        found = name if name in known else None
    else:
        known = list(registries()[kind])
        found = find_name(registries()[kind], name)
    if found is None:
        hint = nearest(name, known) if known else "; there is no folder studies/ here"
        raise StudyError(f'there is no {kind} "{name}"{_elsewhere(name) or hint}')
    return kind, found


def _elsewhere(name: str) -> str:
    """Return a hint to the kinds that do have an entry of that name; empty where none has."""
    places = [kind for kind, entries in registries().items() if find_name(entries, name)]
    commands = " or ".join(f"nnbench show {kind} {name}" for kind in places)
    return f"; try {commands}" if commands else ""


def show(word: str, name: str) -> Row:
    """Return all that is known of an entry, as plain data; of a study, its document."""
    kind, found = find(word, name)
    if kind == STUDY:
        path = STUDIES / f"{found}.toml"
        return _study_row(path) | {"path": str(path), "run": f"nnbench run {found}"}
    entry = registries()[kind][found]
    picture = picture_path(ATLAS, kind, found)
    return _entry_row(kind, found, entry) | {
        "formula": entry.formula,
        "facts": facts(kind, entry),
        "parameters": [_parameter(key, about) for key, about in settable(entry).items()],
        "picture": str(picture) if picture.is_file() else None,
        "snippet": snippet(kind, found, entry),
    }


def picture_path(atlas: Path, kind: str, name: str) -> Path:
    """Return where the atlas in that folder keeps an entry's picture."""
    return atlas / kind / f"{name}.svg"


def settable(entry: Entry) -> Mapping[str, Parameter]:
    """Return what a study file may set of an entry, by name."""
    if not isinstance(entry, Key):
        return entry.parameters if entry.written is None else entry.written
    found: dict[str, Parameter] = {}
    for key, level in entry.levels.items():
        about = FIELDS[key].value
        if about is not None:
            found[key] = about
        else:  # an entry of the key's kind, of which only what stands here makes the item
            parameters = VOCABULARY.kinds[key][level["name"]].parameters
            found |= {name: parameters[name] for name in level if name != "name"}
    return found


def _parameter(name: str, about: Parameter) -> Row:
    return {
        "name": name,
        "default": about.default,
        "allowed": allowed(about),
        "doc": about.doc,
    }


def allowed(about: Parameter) -> str:
    """Return the values that a parameter takes, in words or as an interval."""
    if about.choices:
        words = ", ".join(about.choices)
    elif about.kind:
        words = f"one of {PLURALS.get(about.kind, about.kind)}"
    elif about.flag or isinstance(about.default, bool):
        words = "true, false"
    elif isinstance(about.default, str):
        words = "text"
    elif isinstance(about.default, list):
        words = "a list of names"
    else:
        many = "each in " if isinstance(about.default, tuple) else ""
        words = many + about.interval()
    return f"{words}, none" if about.optional else words


def setting(name: str, about: Parameter) -> str:
    """Return a parameter with its default as a study file writes it, ``lr = 0.1``."""
    return f"{name} = {toml(about.default)}"


def toml(value: Any) -> str:
    """Return a value as a study file writes it; a tuple is one level, hence a list in a list."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if value is None:
        return '"none"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[[{', '.join(map(toml, value))}]]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def off(key: str) -> Any:
    """Return the level of a key of `[grid]` without the item that the key is for: its default."""
    field = FIELDS[key]
    return field.default if field.value is None else field.value.default


def snippet(kind: str, name: str, entry: Entry) -> str:
    """Return lines of a study file that use an entry: beside another, or a number at two values."""
    if isinstance(entry, Key):
        lines = (f"{key} = {toml([off(key), level])}" for key, level in entry.levels.items())
        return "\n".join(["[grid]", *lines])
    if entry.reader is not None:
        return f'[grid]\ndata = [{{ {name} = "my.{name}", target = "column" }}]'
    head, key = ("[grid]", kind)
    if kind in KIND_OF_STUDY:
        head, key = f'kind = "{KIND_OF_STUDY[kind]}"', f"grid.{kind}"
    for parameter, about in entry.parameters.items():
        other = another(about)
        if other is not None:
            values = f"[{toml(about.default)}, {toml(other)}]"
            return f'{head}\n{key} = [{{ name = "{name}", {parameter} = {values} }}]'
    partner = next(other for other in registries()[kind] if other != name)
    return f'{head}\n{key} = ["{partner}", "{name}"]'


def another(about: Parameter) -> float | int | None:
    """Return a second value to compare a number's default with, None where there is none."""
    default = about.default
    if isinstance(default, bool) or not isinstance(default, int | float) or default == 0:
        return None
    whole = isinstance(default, int)
    candidates = (2 * default, default // 2) if whole else (10 * default, default / 10, default / 2)
    for value in candidates:
        try:
            about.accept(value)
        except ValueError:
            continue
        return value if whole else float(f"{value:.4g}")
    return None
