"""Find a cell among results, and read its recipe back from its row of the table.

Reads `cells.parquet` alone, and needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnbench.catalog import VOCABULARY
from nnbench.catalog.own.entries import CODES
from nnbench.lazy import pa, parquet
from nnbench.results.files import read_files
from nnbench.study.baselines import BASELINE, BASELINE_FIELDS
from nnbench.study.fields import SPARSE
from nnbench.study.grid import accept, unsaid_places
from nnbench.study.mistakes import as_written, nearest
from nnbench.study.study import make_cell
from nnbench.study.study_kinds import STUDY_KINDS, TRAINING, study_kind_of
from nnbench.study.vocabulary import Parameter

TABLE = "cells.parquet"
SHOWN = 5  # candidates in a message
STUDY_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ExportError(ValueError):
    """A cell that cannot be found or written out: one sentence that says the way out."""


@dataclass(frozen=True)
class StoredCell:
    """A cell of some results.

    `row` is its row of the table, null values left out. `is_sound` says that the recipe has the
    hash that is the cell's id, so that nothing was lost on the way through the table.
    """

    cell_id: str
    study: str
    recipe: dict[str, Any]
    row: dict[str, Any]
    is_sound: bool


def folders_of_results(out: Path) -> list[Path]:
    """The results folders in a folder, by name."""
    return sorted(path.parent for path in out.glob(f"*/{TABLE}"))


def find(wanted: str, folders: Iterable[Path]) -> StoredCell:
    """The only cell whose id begins with `wanted`, in the first of the folders that has it.

    Raises ExportError where none does, or several do.
    """
    known: dict[str, Path] = {}
    for folder in folders:
        for cell_id in _read(folder / TABLE, columns=["cell_id"])["cell_id"].to_pylist():
            known.setdefault(str(cell_id), folder)
    matching = sorted(cell_id for cell_id in known if wanted and cell_id.startswith(wanted))
    if not matching:
        raise ExportError(_unknown(wanted, known))
    if len(matching) > 1:
        named = ", ".join(matching[:SHOWN]) + (", ..." if len(matching) > SHOWN else "")
        raise ExportError(
            f"{len(matching)} cells begin with {as_written(wanted)}: {named}; give more characters"
        )
    return _stored(matching[0], known[matching[0]] / TABLE)


def _unknown(wanted: str, known: Mapping[str, Path]) -> str:
    if not known:
        return "there are no results here to export from; create them with nnbench run STUDY"
    close = nearest(wanted, known)
    hint = close if close.startswith("; did") else "; column cell_id of cells.csv lists them all"
    return f"there is no cell {as_written(wanted)} among {len(known):,}{hint}"


def _read(path: Path, **options: Any) -> pa.Table:
    content = read_files(path.parent, [path.name]).get(path.name)
    if content is None:
        raise ExportError(f"{path.parent}: no {TABLE} there; name a results folder")
    return parquet.read_table(pa.BufferReader(content), **options)


def _stored(cell_id: str, path: Path) -> StoredCell:
    (row,) = _read(path, filters=[("cell_id", "==", cell_id)]).to_pylist()[:1]
    study = str(row["study"])
    if not STUDY_NAME.fullmatch(study):
        raise ExportError(f"{path}: {as_written(study)} is not a study name: run the study again")
    try:
        recipe = recipe_of(row)
    except ExportError:
        raise
    except (ValueError, KeyError) as problem:
        check_known(cell_id, row.get("own"))
        raise ExportError(
            f"{path}: the recipe of {cell_id} cannot be read ({problem}): run the study again"
        ) from None
    # a table that is older than a field has no column for it, and its ids none of it
    apart = {key for key in recipe if key not in row or key == "data.path"}
    kind = study_kind_of(recipe)
    known_kind = kind if kind in STUDY_KINDS else TRAINING  # a baseline has networks' data
    apart |= unsaid_places(recipe, replace(VOCABULARY, study_kind=known_kind))
    is_sound = make_cell(study, recipe, apart).cell_id == cell_id
    known = {name: value for name, value in row.items() if value is not None}
    return StoredCell(cell_id, study, recipe, known, is_sound)


def check_known(cell_id: str, own: str | None) -> None:
    """Refuse a cell of whose entries of one's own some are not registered."""
    named = [word.partition("=")[0] for word in (own or "").split()]
    known = [f"{key}.{name}" for key, name in CODES]
    if unknown := ", ".join(name for name in named if name not in known):
        raise ExportError(
            f"{cell_id} uses your own {unknown}: name its file, --with FILE"
        ) from None


def recipe_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's recipe, each value in the type that it had before it was a column.

    A column that the table lacks has its default. Raises ValueError for what no recipe has.
    """
    kind = str(row.get("kind") or TRAINING)
    if kind not in (BASELINE, *STUDY_KINDS):
        raise ValueError(f"unknown kind {as_written(kind)}")
    fields = BASELINE_FIELDS if kind == BASELINE else STUDY_KINDS[kind].fields
    recipe: dict[str, Any] = {} if kind == TRAINING else {"kind": kind, "data": row["data"]}
    for key, field in fields.items():
        is_left_out = key in SPARSE and row.get(key) is None
        if key != "kind" and not is_left_out:
            about = field.value or Parameter(field.default, field.doc, registry=field.registry)
            _read_field(recipe, key, about, row)
    if own := row.get("own"):  # the code of entries of one's own, which no key says
        recipe["own"] = own
    return recipe


def _read_field(
    recipe: dict[str, Any], place: str, about: Parameter, row: Mapping[str, Any]
) -> None:
    value = row.get(place, about.default)
    is_text = about.registry or about.choices or isinstance(about.default, str)
    if isinstance(value, str) and not is_text:
        value = json.loads(value)  # of a column that holds lists, or more than one type
    recipe[place] = accept(about, value, VOCABULARY)
    if about.registry and recipe[place] is not None:
        entry = VOCABULARY.registries[about.registry][recipe[place]]
        for name, parameter in entry.parameters.items():
            if parameter.sparse and row.get(f"{place}.{name}") is None:
                continue
            _read_field(recipe, f"{place}.{name}", parameter, row)
