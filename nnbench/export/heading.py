"""What stands at the head of a script: which cell it is, and what the study's table says of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nnbench import __version__
from nnbench.catalog import VOCABULARY
from nnbench.export.find import StoredCell
from nnbench.export.text import sentence
from nnbench.study.grid import value_label
from nnbench.study.study_kinds import OTHER_KEYS, STUDY_KINDS, study_kind_of

# fields that are told whatever their values; of the others, those that are not as usual
ALWAYS = ("depth", "width", "epochs", "batch_size", "optimizer.lr", "dtype", "answer", "steps")
UNTOLD_PARAMETERS = ("data.path", "data.sha256")


def heading(cell: StoredCell) -> dict[str, str]:
    """What a script's docstring says."""
    words = [*_words(cell.recipe), f"seed {cell.recipe['seed']}"]
    return {
        "cell_id": cell.cell_id,
        "study": cell.study,
        "version": __version__,
        "about": sentence(words),
    }


def _words(recipe: Mapping[str, Any]) -> Iterator[str]:
    for key, field in STUDY_KINDS[study_kind_of(recipe)].fields.items():
        if key in OTHER_KEYS or key not in recipe:
            continue
        value = recipe[key]
        if not field.registry:
            default = field.value.default if field.value else None
            if key in ALWAYS or value != default:
                yield f"{key} {shown(value)}"
        elif value != "none":
            told = list(_parameters(recipe, key, field.registry))
            yield f"{key} {value}" + (f" ({', '.join(told)})" if told else "")


def _parameters(recipe: Mapping[str, Any], place: str, registry: str) -> Iterator[str]:
    """Yield what is told of an entry's parameters; those of a part of it go with the part."""
    for name, parameter in VOCABULARY.registries[registry][recipe[place]].parameters.items():
        inner = f"{place}.{name}"
        if inner in UNTOLD_PARAMETERS:
            continue
        if parameter.registry and recipe[inner] is not None:
            told = list(_parameters(recipe, inner, parameter.registry))
            yield f"{name} {recipe[inner]}" + (f" ({', '.join(told)})" if told else "")
        elif inner in ALWAYS or recipe.get(inner, parameter.default) != parameter.default:
            yield f"{name} {shown(recipe[inner])}"


def shown(value: Any) -> str:
    """A value as a docstring may hold it: no text of a user's can end the docstring."""
    return "".join(
        sign if sign.isprintable() and sign not in '"\\' else "?" for sign in value_label(value)
    )


def expected(cell: StoredCell, names: Sequence[str]) -> dict[str, Any]:
    """The numbers of the table that a script compares its own with."""
    if cell.row["status"] == "crashed":
        return {}
    return {name: cell.row[name] for name in names if name in cell.row}
