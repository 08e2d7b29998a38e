"""What a study file may name: the lists and the pages of `nnbench list` and `nnbench show`.

Reads the registries and the files in `studies/`; needs no torch. Everything is returned as text or
as plain data: the command line prints it.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnbench.atlas.facts import facts
from nnbench.catalog import KEYS, VOCABULARY
from nnbench.catalog.keys import Key
from nnbench.catalog.twin import Twinned
from nnbench.study.fields import FIELDS
from nnbench.study.mistakes import StudyError, nearest
from nnbench.study.shelf import LISTED, named_studies
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING
from nnbench.study.toml import toml as toml_text
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
ATLAS = Path("results") / "atlas"
Row = dict[str, Any]


def registries() -> dict[str, Mapping[str, Entry]]:
    """Every registry by its kind, in the order in which they are listed.

    A kind is a key of a study file, but for those of `KEYS`: their entries have keys of their own.
    """
    kinds: dict[str, Mapping[str, Entry]] = {**VOCABULARY.registries, **KEYS}
    order = [kind for kind in PLURALS if kind in kinds]
    rest = [kind for kind in kinds if kind not in PLURALS]
    return {kind: kinds[kind] for kind in order + rest}


def kind_of(word: str) -> str:
    """The kind that a word, singular or plural, names; StudyError where there is none."""
    kinds = [*registries(), STUDY]
    words = {each: kind for kind in kinds for each in (kind, PLURALS.get(kind, kind))}
    words |= {"stopping": "early_stopping", "initialisation": "init", "normalisation": "norm"}
    words |= {"regularizer": "regulariser", "regularizers": "regulariser"}
    if word not in words:
        raise StudyError(f'there is no kind "{word}"{nearest(word, words)}')
    return words[word]


def rows(word: str | None = None) -> list[Row]:
    """A row {kind, name, aliases, summary, reference, torch} for each entry of a kind.

    word: the kind, singular or plural; None for all.
    """
    wanted = [*registries(), STUDY] if word is None else [kind_of(word)]
    return [row for kind in wanted for row in _rows_of(kind)]


def _rows_of(kind: str) -> list[Row]:
    if kind == STUDY:
        return [_study_row(path) for path in named_studies().values()]
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
    """A study's row; a file that cannot be read is listed too, with the reason."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        summary = str(document.get("question") or document.get("title") or "")
        paper = str(document.get("paper") or "")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        summary = f"(cannot be read: {error})"
        paper = ""
    rest: Row = {"aliases": [], "reference": paper, "torch": ""}
    return {"kind": STUDY, "name": path.stem, "summary": summary} | rest


# One entry in full ------------------------------------------------------------------------------


def find(word: str, name: str) -> tuple[str, str]:
    """The kind and the name that two words stand for; StudyError names the nearest."""
    kind = kind_of(word)
    if kind == STUDY:
        known = list(named_studies())
        full = name if name in known else None
    else:
        known = list(registries()[kind])
        full = find_name(registries()[kind], name)
    if full is None:
        hint = nearest(name, known, LISTED) if known else "; there is no folder studies/ here"
        raise StudyError(f'there is no {kind} "{name}"{_elsewhere(name) or hint}')
    return kind, full


def _elsewhere(name: str) -> str:
    """A hint to the kinds that do have an entry of that name; empty where none has."""
    places = [kind for kind, entries in registries().items() if find_name(entries, name)]
    commands = " or ".join(f"nnbench show {kind} {name}" for kind in places)
    return f"; try {commands}" if commands else ""


def show(word: str, name: str) -> Row:
    """All that is known of an entry, as plain data; of a study, its document."""
    kind, name = find(word, name)
    if kind == STUDY:
        path = named_studies()[name]
        return _study_row(path) | {"path": str(path), "run": f"nnbench run {name}"}
    entry = registries()[kind][name]
    picture = picture_path(ATLAS, kind, name)
    return _entry_row(kind, name, entry) | {
        "formula": entry.formula,
        "twin": twin_words(entry),
        "facts": facts(kind, entry),
        "parameters": [_parameter(key, about) for key, about in settable(entry).items()],
        "picture": str(picture) if picture.is_file() else None,
        "snippet": snippet(kind, name, entry),
    }


def twin_words(entry: Entry) -> str:
    """What the reference trains with, where that is not what `torch` says; else nothing."""
    words = entry.twin.words if isinstance(entry, Twinned) else ""
    return words if words != entry.torch else ""


def picture_path(atlas: Path, kind: str, name: str) -> Path:
    """Where the atlas in that folder keeps an entry's picture."""
    return atlas / kind / f"{name}.svg"


def settable(entry: Entry) -> Mapping[str, Parameter]:
    """What a study file may set of an entry, by name."""
    if not isinstance(entry, Key):
        return entry.parameters if entry.written is None else entry.written
    own: dict[str, Parameter] = {}
    for key, level in entry.levels.items():
        about = FIELDS[key].value
        if about is not None:
            own[key] = about
        else:  # an entry of the key's kind, of which only what stands here makes the item
            parameters = VOCABULARY.registries[key][level["name"]].parameters
            own |= {name: parameters[name] for name in level if name != "name"}
    return own


def _parameter(name: str, about: Parameter) -> Row:
    return {"name": name, "default": about.default, "allowed": allowed(about), "doc": about.doc}


def allowed(about: Parameter) -> str:
    """The values that a parameter takes, in words or as an interval."""
    if about.choices:
        words = ", ".join(about.choices)
    elif about.registry:
        words = f"one of {PLURALS.get(about.registry, about.registry)}"
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
    """A parameter with its default as a study file writes it, ``lr = 0.1``."""
    return f"{name} = {toml(about.default)}"


def toml(value: Any) -> str:
    """A value as a study file writes it, fractions to four digits."""
    return toml_text(value, digits=4)


def snippet(kind: str, name: str, entry: Entry) -> str:
    """Lines of a study file that use an entry: beside another, or a number at two values."""
    if isinstance(entry, Key):
        lines = (
            f"{key} = {toml([FIELDS[key].usual, level])}" for key, level in entry.levels.items()
        )
        return "\n".join(["[grid]", *lines])
    if entry.reader is not None:
        return f'[grid]\ndata = [{{ {name} = "my.{name}", target = "column" }}]'
    head, key = ("[grid]", kind)
    study_kind = next((name for name, one in STUDY_KINDS.items() if one.required == kind), TRAINING)
    if study_kind != TRAINING:
        head, key = f'kind = "{study_kind}"', f"grid.{kind}"
    for parameter, about in entry.parameters.items():
        other = another(about)
        if other is not None:
            values = f"[{toml(about.default)}, {toml(other)}]"
            return f'{head}\n{key} = [{{ name = "{name}", {parameter} = {values} }}]'
    partner = next(other for other in registries()[kind] if other != name)
    return f'{head}\n{key} = ["{partner}", "{name}"]'


def another(about: Parameter) -> float | int | None:
    """A second value to compare a number's default with, None where there is none."""
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
