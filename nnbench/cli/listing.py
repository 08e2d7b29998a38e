"""Lists and pages of entries as text, for `nnbench list` and `nnbench show`."""

import textwrap

from nnbench.atlas.listing import PLURALS, Row, toml

NARROW = 56  # columns under which a summary goes under its name rather than beside it
WIDEST = 100
TOLD = ("formula", "reference", "torch", "twin", "path", "run")  # of a page, on a line each
SAID = {"twin": "tested against"}  # a label that a reader would not know


def list_text(listed: list[Row], columns: int) -> str:
    """Rows as aligned text of at most so many columns, with a heading for each kind of several."""
    width = min(columns, WIDEST)
    kinds = list(dict.fromkeys(row["kind"] for row in listed))
    blocks = []
    for kind in kinds:
        own = [row for row in listed if row["kind"] == kind]
        heading = [PLURALS.get(kind, kind)] if len(kinds) > 1 else []
        blocks.append("\n".join(heading + _lines(own, width, indent=2 if heading else 0)))
    return "\n\n".join(blocks)


def _lines(listed: list[Row], width: int, indent: int) -> list[str]:
    """Names in one column, summaries in the next, or under it where that is narrow."""
    labels = [", ".join([row["name"], *row["aliases"]]) for row in listed]
    widest = max(map(len, labels))
    beside = width >= NARROW and widest + indent + 32 <= width
    lines = []
    for label, row in zip(labels, listed, strict=True):
        first = " " * indent + (label.ljust(widest) + "  " if beside else "")
        if not beside:
            lines.append(" " * indent + label)
            first = " " * (indent + 2)
        lines += _wrapped(row["summary"], width, first)
    return lines


def _wrapped(text: str, width: int, first: str) -> list[str]:
    """Text in lines of at most `width`, the later ones under the beginning of the first."""
    later = " " * len(first)
    room = max(width, len(first) + 10)
    return textwrap.wrap(text, room, initial_indent=first, subsequent_indent=later) or [first]


def show_text(shown: Row, columns: int) -> str:
    """An entry's page as text of at most so many columns."""
    width = min(columns, WIDEST)
    title = " ".join([shown["kind"], shown["name"]])
    also = f" (also {', '.join(shown['aliases'])})" if shown["aliases"] else ""
    lines = [title + also, *_wrapped(shown["summary"], width, ""), ""]
    told = {label: shown[label] for label in TOLD if shown.get(label)} | shown.get("facts", {})
    if "picture" in shown:
        told["picture"] = shown["picture"] or "none yet: make atlas draws it"
    told = {SAID.get(label, label): words for label, words in told.items()}
    column = max(map(len, [*TOLD, *told])) + 2
    for label, words in told.items():
        lines += _wrapped(words, width, label.ljust(column))
    if shown.get("parameters"):
        lines += ["", "parameters", *_parameter_lines(shown["parameters"], width)]
    if "snippet" in shown:
        lines += ["", "in a study", *(f"  {line}" for line in shown["snippet"].splitlines())]
    return "\n".join(lines)


def _parameter_lines(parameters: list[Row], width: int) -> list[str]:
    heads = [f"  {one['name']} = {toml(one['default'])}" for one in parameters]
    widest = max(map(len, heads))
    lines = []
    for head, one in zip(heads, parameters, strict=True):
        about = f"{one['doc']}; {one['allowed']}"
        if width >= NARROW and widest + 30 <= width:
            lines += _wrapped(about, width, head.ljust(widest) + "  ")
        else:
            lines += [head, *_wrapped(about, width, "      ")]
    return lines
