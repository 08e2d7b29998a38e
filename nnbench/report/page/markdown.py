"""A page as Markdown with PNG figures, for repositories and pull requests: the same sentences."""

import io
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from nnbench.plots.style import house_style
from nnbench.report.page.html import CONTROL_CHARACTERS
from nnbench.report.page.parts import (
    Bullets,
    Code,
    Commands,
    Facts,
    Page,
    Paragraph,
    Part,
    Section,
    Table,
    TableCell,
)
from nnbench.results.disk import disk, write_whole

FIGURES = "report_files"
MOST_ROWS = 30  # of a table: a Markdown page cannot scroll inside
DOTS_PER_INCH = 108  # of 72: one and a half pixels for each of a page's
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#|~$&!@])")
_LIST = re.compile(r"^(\d*)([-+=.](?=\s|$|-|=))")  # what would begin a list or a heading
_ADDRESS = re.compile(r"(?i)(?=://)|(?<=\bwww)(?=\.)")  # where an address would become a link
_WHITE = re.compile(r"\s+")


def write_markdown(folder: Path, page: Page) -> Path:
    """Write `report.md` and its figures into the results directory.

    Figures go into a folder of their own, which then holds those of this report and nothing else.
    """
    figures = folder / FIGURES
    drawn = {}
    for item in page.pictures:
        if item.figure is not None:
            name = f"{item.name}.png"
            drawn[name] = write_whole(figures / name, png(item.figure))
    with disk("remove old figures from", figures):
        for old in figures.glob("*.png"):
            if old.name not in drawn:
                old.unlink()
        if not drawn and figures.is_dir():
            shutil.rmtree(figures)
    return write_whole(folder / "report.md", markdown(page))


def png(figure: Figure) -> bytes:
    """The figure on white; same figure, same bytes."""
    buffer = io.BytesIO()
    with house_style(), mpl.rc_context({"savefig.facecolor": "white"}):
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def markdown(page: Page) -> str:
    """The page as GitHub-flavoured Markdown."""
    lines = [escaped(page.kicker), f"# {escaped(page.title)}"]
    lines += [f"*{escaped(page.question)}*"] if page.question else []
    if page.prediction:
        lines.append(f"Predicted before the run: {escaped(page.prediction)}")
    lines += [f"Published: {escaped(page.paper)}"] if page.paper else []
    lines += ["## Answer", escaped(" ".join(page.answer))]
    if page.tested:
        lines.append("\n".join(f"- {_cell(item)}" for item in page.tested))
    lines += _part(page.lead)[1:] if page.lead else []  # the answer is its title
    lines += [escaped(" ".join(page.rests))] if page.rests else []
    lines += [_paragraph(item) for item in page.notes]
    lines.append(_pairs(page.trust))
    for section in page.sections:
        lines += _section(section)
    return "\n\n".join(lines).translate(CONTROL_CHARACTERS) + "\n"


def escaped(text: str) -> str:
    """Text on one line in which no character means anything to Markdown or HTML."""
    line = _SPECIAL.sub(r"\\\1", _WHITE.sub(" ", text).strip())
    return _LIST.sub(r"\1\\\2", _ADDRESS.sub(r"\\", line))


def code(text: str) -> str:
    """Text as code, whatever backticks are in it."""
    line = _WHITE.sub(" ", text)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    inner = f" {line} " if longest else line
    return f"{fence}{inner}{fence}"


def _section(section: Section) -> list[str]:
    lines = [f"## {escaped(section.title)}"]
    for item in section.parts:
        lines += _part(item)
    return lines


def _part(item: Part) -> list[str]:
    if isinstance(item, Paragraph):
        return [_paragraph(item)]
    if isinstance(item, Commands):
        return ["\n".join(f"    {_WHITE.sub(' ', line)}" for line in item.lines)]
    if isinstance(item, Bullets):
        return ["\n".join(f"- {escaped(text)}" for text in item.items)]
    if isinstance(item, Facts):
        return [_pairs(item.pairs)]
    if isinstance(item, Table):
        return _table(item)
    picture = f"![{escaped(item.title)}]({FIGURES}/{item.name}.png)"
    shown = [picture] if item.figure is not None else []
    lines = [f"**{escaped(item.title)}**", *shown, escaped(item.caption)]
    if item.data is None:
        return lines
    opening = "<details><summary>The numbers behind this figure</summary>"
    return [*lines, opening, *_table(item.data), "</details>"]


def _paragraph(item: Paragraph) -> str:
    return "".join(
        code(piece.text) if isinstance(piece, Code) else _kept_spaces(piece)
        for piece in item.pieces
    )


def _kept_spaces(text: str) -> str:
    """Text escaped, with a space at either end if it had one there."""
    first, last = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' * first}{escaped(text)}{' ' * last}"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return " · ".join(f"{escaped(name)}: **{escaped(value)}**" for name, value in pairs)


def _table(table: Table) -> list[str]:
    columns = [escaped(column.name) for column in table.columns]
    rule = ["---:" if column.is_number else "---" for column in table.columns]
    rows = [[_cell(cell) for cell in row] for row in table.table_cells[:MOST_ROWS]]
    grid = "\n".join(f"| {' | '.join(cells)} |" for cells in [columns, rule, *rows])
    lines = [f"### {escaped(table.title)}"] if table.title else []
    lines.append(grid)
    if len(table.rows) > MOST_ROWS:
        lines.append(f"The first {MOST_ROWS} of {len(table.rows)} rows; report.html has more.")
    return [*lines, *([escaped(table.note)] if table.note else [])]


def _cell(cell: TableCell) -> str:
    if cell.is_code:
        return code(cell.text).replace("|", "\\|")
    if cell.link:
        return f"[{escaped(cell.text)}]({cell.link})"
    if cell.is_verdict:
        rest = f" {escaped(cell.note)}" if cell.note else ""
        return f"{cell.mark} {escaped(cell.text)}{rest}".strip()
    return escaped(cell.words)
