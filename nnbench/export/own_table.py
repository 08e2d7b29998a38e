"""How a predicting script reads a user's table: what the study's reader decided, as plain data.

The reader weighs what every column may be; a script only needs to know what it came to. What is
written here is run on the table itself before it is handed out, and must give the very features
and targets that the study had.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnbench.catalog.data.tables.date_forms import AS_IT_IS, CONTRARY, SWAPPED, TIMES
from nnbench.catalog.data.tables.delimited import read_head
from nnbench.catalog.data.tables.entry import choices_of
from nnbench.catalog.data.tables.files import MISSING
from nnbench.catalog.data.tables.notations import written
from nnbench.catalog.data.tables.opening import as_text, encodings_of, packing_of
from nnbench.catalog.data.tables.table import Choices, Table, kept_table
from nnbench.catalog.data.tables.words import quoted
from nnbench.export.data import SHARES
from nnbench.export.find import ExportError
from nnbench.export.sources import definitions, definitions_of
from nnbench.export.text import fill
from nnbench.lazy import csgraph, pd, sparse
from nnbench.study.baselines import splits_by_more
from nnbench.study.recipe import of_factor

HEAD_LINES = 40
TIES = "nnbench.catalog.data.tables.ties"
SPLITS = (("nnbench.training.splits", "parts_of"), (TIES, "Ties"), (TIES, "joined"))
Description = dict[str, Any]
# what dates look like, roughly, and the change by which pandas reads them rightly
DATES = (
    (r"\d{4}([-/.])\d\d?\1\d\d?([ T].*)?", AS_IT_IS),
    *((r"\d\d?([-/.])\d\d?\1\d{4}([ T].*)?", change) for change in (AS_IT_IS, SWAPPED)),
    (r"\d{4}[-/]\d\d", AS_IT_IS),
    (r"\d\d?[- ][A-Za-z]+[- ]\d{4}|[A-Za-z]+ \d\d?, \d{4}", AS_IT_IS),
    (r"\d\d?:\d\d(:\d\d)?( ?[APap][Mm])?", TIMES[2]),
    *((r"(?!\d+:)(?=.*\d.*\d).*", change) for change in (AS_IT_IS, SWAPPED)),
)


@dataclass(frozen=True)
class OwnTable:
    """The code that reads a table, and what a script says of it.

    alike: whether rows with the same features stay in one part of the split.
    """

    code: str
    target: str
    classes: tuple[str, ...]
    alike: bool


def own_table(recipe: Mapping[str, Any], path: Path) -> OwnTable:
    """The reading of a recipe's table, and what a split keeps to if it is more than a shuffle.

    Raises ExportError where the short way reads otherwise.
    """
    given = of_factor("data", recipe)
    sha256 = given.pop("sha256")
    choices = choices_of(**{key: value for key, value in given.items() if key != "path"})
    try:
        table = kept_table(path, choices, recipe["data"])
    except ValueError as problem:
        raise ExportError(f"--predict {problem}") from None
    if table.report["sha256"] != sha256:
        raise ExportError(
            f"--predict {quoted(path)}: is not the table that the study read: run the study again"
        )
    for form in _forms(path, recipe["data"]):
        code = _code(path, choices, table, form, recipe)
        if code:
            return OwnTable(code, choices.target, table.classes, table.ties.alike is not None)
    raise ExportError(
        f"{path.name} is read by more rules than a short script has: export without --predict, "
        f"whose script has them all, or write it as plain CSV"
    )


def _forms(path: Path, form: str) -> Iterator[dict[str, Any] | None]:
    """Yield what pandas may be told of a file's form; None for Parquet."""
    if form != "csv":
        yield None
        return
    packed = packing_of(path)
    for encoding in encodings_of(path, packed):
        try:
            with as_text(path, packed, encoding) as file:
                head = read_head(list(itertools.islice(file, HEAD_LINES)))
        except ValueError:
            continue
        yield {
            "sep": head.delimiter,
            "skiprows": len(head.above),
            "encoding": encoding,
            "skipinitialspace": True,
        }


def _code(
    path: Path,
    choices: Choices,
    table: Table,
    form: dict[str, Any] | None,
    recipe: Mapping[str, Any],
) -> str:
    """Code that reads the table as the study did, or nothing where none was found."""
    told = {
        "file": path.name,
        "sha256": table.report["sha256"],
        "form": form,
        "missing": [*MISSING, *choices.missing],
        "target_missing": ["", *choices.missing],
        "task": table.task,
        "most": choices.rows,
        "drawing": definitions("nnbench.catalog.data.tables.targets", "drawn_places"),
        "split": definitions_of(SPLITS) if splits_by_more(recipe) else "",
        "share": definitions(*SHARES) if recipe.get("train_share", 1.0) < 1 else "",
        "alike": False,
        "by": None,
        "notations": _notations(),
        "has_dates": True,
        "contrary": CONTRARY,
    }
    tried = [how | {"name": choices.target} for how in _targets(table)]
    names = [column["name"] for column in table.report["columns"]]
    reading = [{"name": name, "text": False} for name in names]
    for target in tried:
        as_they_are = _run(told | {"target": target, "columns": reading})
        texts = _run(told | {"target": target, "columns": [r | {"text": True} for r in reading]})
        found = _found(path, table, target, as_they_are, texts)
        if found is None:
            continue
        for by, alike in itertools.product(_splitters(choices), _repeats(table)):
            kinds = [target, *found, *([by] if by else [])]
            needed = {
                "notations": _notations() if any("decimal" in how for how in kinds) else "",
                "has_dates": any(how.get("kind") == "date" for how in kinds),
            }
            found_so = told | needed | {"target": target, "columns": found}
            found_so |= {"by": by, "alike": alike}
            if _is_same(path, table, _run(found_so)):
                return fill("own_table.py.j2", **found_so).strip("\n")
    return ""


def _repeats(table: Table) -> tuple[bool, ...]:
    """Whether rows with the same features are tied; either, where groups tie them, too."""
    return (False, True) if table.ties.grouped else (table.ties.alike is not None,)


def _splitters(choices: Choices) -> Iterator[Description | None]:
    """Yield in which ways the column may be read that rows are split by; None if there is none."""
    if choices.group:
        for text in (True, False):
            yield {"name": choices.group, "kind": "group", "text": text}
    elif choices.time:
        how = {"name": choices.time}
        yield {**how, "kind": "number", "text": False}
        for form, change in DATES:
            yield {**how, "kind": "date", "text": True, "form": form, "change": change}
        for decimal in (".", ","):
            yield {**how, "kind": "number", "text": True, "decimal": decimal, "unit": ""}
    else:
        yield None


def _notations() -> str:
    return definitions("nnbench.catalog.data.tables.notations", "written", "value_of")


def _run(told: Mapping[str, Any]) -> dict[str, Any]:
    """The functions of a script's reading, made as the script itself makes them."""
    names: dict[str, Any] = {"np": np, "pd": pd, "sparse": sparse, "csgraph": csgraph}
    exec("import re\nfrom dataclasses import dataclass\nfrom functools import lru_cache", names)
    exec(fill("own_table.py.j2", **told), names)
    return names


def _targets(table: Table) -> Iterator[Description]:
    """Yield in which ways the target may be read."""
    about = {"classes": list(table.classes)} if table.classes else {}
    yield {"text": False, **about}
    if table.classes:
        yield {"text": True, **about}
        return
    for decimal in (".", ","):
        yield {"text": True, "decimal": decimal, "unit": ""}


def _found(
    path: Path, table: Table, target: Description, *readings: Mapping[str, Any]
) -> list[Description] | None:
    """Each column's description, or None where one of them, or the target, is read otherwise."""
    try:
        frames = [(reading, reading["read"](path)) for reading in readings]
        rows, y = frames[target["text"]][0]["examples"](frames[target["text"]][1])
    except (SystemExit, ValueError, KeyError):
        return None
    if not np.array_equal(y, table.y):
        return None
    found, place = [], 0
    for column in table.report["columns"]:
        wanted = table.x[:, place : place + column["features"]]
        names = table.features[place : place + column["features"]]
        place += column["features"]
        if not column["features"]:
            continue
        tried = (
            how
            for how in _descriptions(column, names, *frames[1], rows)
            if _is_like(how, wanted, *frames[how["text"]], rows)
        )
        if (how := next(tried, None)) is None:
            return None
        found.append(how)
    return found


def _is_like(
    how: Description, wanted: Any, reading: Mapping[str, Any], frame: pd.DataFrame, rows: Any
) -> bool:
    """Whether a column that is described so becomes the features that are wanted."""
    try:
        values = reading["features_of"](frame[how["name"]].iloc[rows], how, tell=lambda said: None)
    except (ValueError, KeyError, TypeError):
        return False
    return np.array_equal(values, wanted, equal_nan=True)


def _descriptions(
    column: Mapping[str, Any],
    names: tuple[str, ...],
    reading: Mapping[str, Any],
    texts: pd.DataFrame,
    rows: Any,
) -> Iterator[Description]:
    """Yield in which ways a column may be read. texts: the table with all of it as texts, so read
    by a script's functions.
    """
    name, kind = column["name"], column["kind"]
    how: Description = {"name": name, "kind": kind}
    if kind == "category":
        levels = [feature[len(name) + len(" = ") :] for feature in names]
        for text in (True, False):
            yield {**how, "text": text, "levels": levels}
        return
    gaps = names[-1] == f"{name} is missing"
    if kind == "number":
        yield {**how, "text": False, "gaps": gaps}
        found = [written(str(text).strip()) for text in texts[name].dropna().unique()]
        units = Counter(number.unit.casefold() for number in found if number and number.unit)
        unit = units.most_common(1)[0][0] if units else ""
        for decimal in (".", ","):
            yield {**how, "text": True, "gaps": gaps, "decimal": decimal, "unit": unit}
        return
    parts = [feature[len(name) + 1 :] for feature in names[: len(names) - gaps]]
    for form, change in DATES:
        written_so = {"form": form, "change": change}
        dates = reading["dates_of"](texts[name].iloc[rows], written_so)
        if dates.isna().all():
            continue
        first = dates.min().isoformat()
        yield {**how, "text": True, "gaps": gaps, "parts": parts, "first": first, **written_so}


def _is_same(path: Path, table: Table, reading: Mapping[str, Any]) -> bool:
    """Whether a script that reads so has the study's features and targets, bit for bit."""
    frame = reading["read"](path)
    rows, y = reading["examples"](frame)
    x = reading["encoded"](frame.iloc[rows], reading["COLUMNS"], tell=lambda said: None)
    if "ties_of" in reading:
        try:
            ties = reading["ties_of"](frame.iloc[rows], x)
        except (ValueError, KeyError, TypeError):
            return False
        pairs = ((ties.alike, table.ties.alike), (ties.times, table.ties.times))
        if not all(pd.Series(one).equals(pd.Series(other)) for one, other in pairs):
            return False
    elif table.ties.alike is not None:
        found = pd.factorize(pd.Series([row.tobytes() for row in x + 0.0]))[0]
        if not np.array_equal(found, table.ties.alike):  # told apart by more than features
            return False
    return np.array_equal(y, table.y) and np.array_equal(x, table.x, equal_nan=True)
