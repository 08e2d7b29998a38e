"""What was done to a user's table, in sentences: for the terminal and for the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from nnbench.report.page.words import amount

MOST_NAMED = 6  # columns that a sentence names; the rest are counted

FILLED = (
    "Missing numbers are filled with the training part's median, and an extra feature marks where "
    "they were missing; in a category, missing is one more level."
)


def table_title(file: str, target: str) -> str:
    """The title of the study that is made of a table, by which a page knows it again."""
    return f"{file}: what helps to predict {target}?"


def table_sentences(about: Mapping[str, Any]) -> list[str]:
    """What became of a table's rows, target and columns.

    about: one entry of `tables` in provenance.json.
    """
    columns: Sequence[Mapping[str, Any]] = about["columns"]
    left_out = [column for column in columns if column["kind"] == "dropped"]
    used = [column for column in columns if column["kind"] != "dropped"]
    became = f"{amount(len(used), 'column')} became {amount(about['features'], 'feature')}."
    said = [_rows(about), _target(about), became]
    if above := about.get("lines_above"):
        lines = [f'"{line}"' for line in above]
        said.insert(0, f"Skipped above the header: {_named(lines)}.")
    said[:0] = about.get("told", [])
    if left_out:
        names = [f"{c['name'] or 'a column'} ({c['note']})" for c in left_out]
        said.append(f"Left out: {_named(names)}.")
    missing = [f"{c['name']} in {amount(c['missing'], 'row')}" for c in used if c["missing"]]
    if missing:
        said.append(f"Missing: {_named(missing)}.")
    noted = [f"{c['name']}: {c['note']}" for c in used if c["note"]]
    if about.get("target_note"):
        noted.insert(0, f"{about['target']}: {about['target_note']}")
    if noted:
        said.append(f"{_named(noted)}.")
    return [_printable(sentence) for sentence in said]


def _rows(about: Mapping[str, Any]) -> str:
    read, used, lost = about["rows_read"], about["rows_used"], about["rows_without_target"]
    rare = sum(about["rare_classes"].values())
    rest = read - used - lost - rare
    counts = {
        "without a target": lost,
        "in classes with under 5 examples": rare,
        "not drawn": rest,
    }
    reasons = ", ".join(f"{count:,} {why}" for why, count in counts.items() if count)
    told = f" ({reasons})" if reasons else ""
    return f"{used:,} of {read:,} rows are used{told}."


def _target(about: Mapping[str, Any]) -> str:
    why = "as asked" if about["task_why"] == "given" else about["task_why"]
    classes = f" with {len(about['classes'])} classes" if about.get("classes") else ""
    return f"Predicting {about['target']} is {about['task']}{classes}: {why}."


def _printable(text: str) -> str:
    """A text whose controls, which a terminal would obey, are written out."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)


def _named(parts: Sequence[str]) -> str:
    rest = len(parts) - MOST_NAMED
    shown = "; ".join(parts[:MOST_NAMED])
    return f"{shown}; and {rest:,} more" if rest > 0 else shown


COLUMNS = ("name", "read as", "features", "missing", "example", "what was done, or why left out")
READ_AS = {"dropped": "left out"}
MOST_LINES = 30  # of a table of columns on a terminal


def column_rows(about: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A table's columns as `COLUMNS` tells them, those that are left out last."""
    columns = sorted(about["columns"], key=lambda column: column["kind"] == "dropped")
    return [
        (
            str(column["name"] or "(no name)"),
            READ_AS.get(column["kind"], column["kind"]),
            str(column["features"]),
            str(column["missing"]),
            str(column.get("example", "")),
            str(column["note"]),
        )
        for column in columns
    ]


def table_lines(about: Mapping[str, Any]) -> list[str]:
    """A table's sentences and its columns, for a terminal."""
    return [f"{about['file']}: {' '.join(table_sentences(about))}", *column_lines(about)]


def column_lines(about: Mapping[str, Any]) -> list[str]:
    """The table of columns for a terminal, each column of it as wide as its texts."""
    rows = column_rows(about)
    shown = [COLUMNS, *([_printable(text) for text in row] for row in rows[:MOST_LINES])]
    widths = [max(len(row[place]) for row in shown) for place in range(len(COLUMNS))]
    lines = [
        "  "
        + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    rest = len(rows) - MOST_LINES
    return [*lines, f"  and {rest:,} more, listed in the report"] if rest > 0 else lines
