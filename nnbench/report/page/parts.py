"""What a page is made of: sections of paragraphs, tables and pictures, as text and in no format.

`nnbench.report.page.html` and `nnbench.report.page.markdown` turn the same parts into a page and a
file, so that both say the same. Every number is text by now; a table also keeps it for sorting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from nnbench.plots.marks import Drawing
from nnbench.plots.rooms import small_of
from nnbench.report.page.numbers import number
from nnbench.report.page.svg import figure_svg, window_svg
from nnbench.report.page.words import capital

# Beyond both a figure is scrolled through in a lecture: times its width, and what a screen shows.
TALL, SCREEN = 0.9, 640.0  # pixels
MOST_ROWS = 60  # of a table behind a figure
SEVERAL = 3  # rows that give one reason: more say it once
# A verdict is a word with a mark, never a colour alone: its mark, and its look in the style sheet.
VERDICTS: Mapping[str, tuple[str, str]] = {
    "better": ("▲", "better"),
    "worse": ("▼", "worse"),
    "no clear difference": ("○", "open"),
    "tie": ("=", "open"),
    "undefined": ("?", "open"),
    "baseline": ("", "open"),
    "supported": ("▲", "better"),
    "contradicted": ("▼", "worse"),
    "undecided": ("○", "open"),
}


@dataclass(frozen=True)
class Code:
    """A piece of a sentence that a reader may type or copy."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text with code in it."""

    pieces: Sequence[str | Code]
    is_quiet: bool = False
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: Sequence[str]
    kind: ClassVar[str] = "commands"


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    items: Sequence[str]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Facts:
    """Names with a short value each, such as versions."""

    pairs: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class TableCell:
    """One entry of a table: what is read, what stands quieter after it, and the number behind it.

    span: the interval. count: `n 40`, the cells behind the number. reason: why there is none.
    """

    text: str
    span: str = ""
    count: str = ""
    reason: str = ""
    note: str = ""
    link: str = ""
    is_code: bool = False
    is_verdict: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def mark(self) -> str:
        """The sign before a verdict's word."""
        return VERDICTS.get(self.text, ("", ""))[0] if self.is_verdict else ""

    @property
    def css_class(self) -> str:
        """The verdict's class in the style sheet."""
        return VERDICTS.get(self.text, ("", "open"))[1]

    @property
    def words(self) -> str:
        """The entry on one line."""
        parts = (self.mark, self.text, self.span, self.count, self.reason, self.note)
        return " ".join(part for part in parts if part)


Fill = Callable[[Any], TableCell | str]  # of a row of a frame


@dataclass(frozen=True)
class Column:
    """A column of a table, numbers on the right. is_extra: left out on paper, which is narrow.

    of: what stands in it, for `table_of`: a function of a row, or the name of a frame's column;
    without it the frame's column of its own name.
    """

    name: str
    is_number: bool = False
    of: Fill | str = ""
    is_extra: bool = False

    @property
    def css_class(self) -> str:
        """The column's classes in the style sheet."""
        names = (("number", self.is_number), ("extra", self.is_extra))
        return " ".join(name for name, is_so in names if is_so)

    def cell_of(self, row: Any) -> TableCell | str:
        """What stands in a row of a frame."""
        return self.of(row) if callable(self.of) else str(row[self.of or self.name])


@dataclass(frozen=True)
class Table:
    """A table. note: what its rows leave out. has_tools: it sorts, filters and can be copied.

    is_prose: its cells are sentences, which wrap and stand one below the other on small screens.
    is_long: it scrolls within itself.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell | str]]
    title: str = ""
    note: str = ""
    has_tools: bool = False
    is_prose: bool = False
    is_long: bool = False
    kind: ClassVar[str] = "table"

    @property
    def table_cells(self) -> list[list[TableCell]]:
        """The rows, with plain text as cells too."""
        return [[e if isinstance(e, TableCell) else TableCell(e) for e in row] for row in self.rows]


def table_of(
    rows: pd.DataFrame | Sequence[Any],
    columns: Sequence[Column],
    title: str = "",
    note: str = "",
    most: int | None = None,
    cut: str = "",
    **looks: bool,
) -> Table:
    """A row for each of a frame's. Of more than `most`, those, and `cut` after the note.

    cut: may hold {shown}, {all} and {hidden}, numbers of rows. looks: has_tools, is_prose, is_long.
    """
    shown = rows[:most]
    if len(shown) < len(rows):
        told = cut.format(shown=len(shown), all=len(rows), hidden=len(rows) - len(shown))
        note = f"{note} {told}".strip()
    every = [row for _, row in shown.iterrows()] if isinstance(shown, pd.DataFrame) else shown
    filled = [[c.cell_of(row) for c in columns] for row in every]
    for place, column in enumerate(columns):
        note = f"{note} {_said_once(filled, place, column.name)}".strip()
    return Table(columns, filled, title, note, **looks)


def _said_once(rows: list[list[TableCell | str]], place: int, name: str) -> str:
    """Take a reason that several rows of a column give, and no other, out of them; say it here."""
    given = [
        (row, cell) for row in rows if isinstance(cell := row[place], TableCell) and cell.reason
    ]
    if len(given) < SEVERAL or len({cell.reason for _, cell in given}) > 1:
        return ""
    for row, cell in given:
        row[place] = replace(cell, reason="")
    return f"{capital(name)}: {given[0][1].reason}."


@dataclass(frozen=True)
class Stage:
    """What a page's script plays in a picture's place. document: JSON; scenes: drawings."""

    document: str
    scenes: Sequence[Markup]

    @property
    def data(self) -> Markup:
        """The document for inside a script element, which a "</" would end."""
        return Markup(self.document.replace("<", "\\u003c"))


@dataclass(frozen=True)
class Picture:
    """One figure: its finding, its picture, what the marks mean, and the table behind it.

    figure: what `svg` was drawn from, for other formats. name: letters, unique on a page.
    """

    title: str
    svg: Markup
    caption: str
    figure: Figure | None = None
    data: Table | None = None
    name: str = ""
    link: str = ""  # the address of the page that the figure comes from
    stage: Stage | None = None
    kind: ClassVar[str] = "picture"

    @cached_property
    def narrow(self) -> Markup | None:
        """The same for a window that the figure is too wide for."""
        small = small_of(self.figure)
        if small is not None:
            return Markup(figure_svg(small, f"{self.name}narrow", self.title))
        boxes = self.figure.windows if isinstance(self.figure, Drawing) else ()
        return Markup("".join(window_svg(self.name, box) for box in boxes)) if boxes else None

    @property
    def room(self) -> str:
        """How wide the drawing is at its own size, for the style sheet."""
        return f"{self._size[0]:.0f}px" if self._size else "100%"

    @property
    def is_tall(self) -> bool:
        """Whether it could not be read where it is shrunk to the height of a screen."""
        width, height = self._size or (0.0, 0.0)
        return height > max(TALL * width, SCREEN)

    @cached_property
    def _size(self) -> tuple[float, ...]:
        """Width and height of the drawing; nothing where there is none."""
        found = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', self.svg)
        return tuple(map(float, found.groups())) if found else ()


Part = Paragraph | Bullets | Commands | Facts | Table | Picture


@dataclass(frozen=True)
class Section:
    """A part of the page under one heading."""

    identity: str
    title: str
    parts: Sequence[Part] = ()

    def without(self, name: str) -> Section | None:
        """The section without the picture of a name; None where nothing else is in it."""
        kept = [
            part for part in self.parts if not (isinstance(part, Picture) and part.name == name)
        ]
        return replace(self, parts=kept) if kept else None


@dataclass(frozen=True)
class Page:
    """A page: what it asks, what it answers, how far to trust it, and its sections.

    lead: the figure that shows the answer. rests: sentences on what the answer rests on.
    tested: verdicts on what was predicted, each with its claim as the note.
    """

    kicker: str
    title: str
    answer: Sequence[str]
    trust: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    question: str = ""
    prediction: str = ""
    paper: str = ""  # the publication whose finding is put to the test
    notes: Sequence[Paragraph] = field(default_factory=list)
    lead: Picture | None = None
    rests: Sequence[str] = ()
    tested: Sequence[TableCell] = ()
    way: Sequence[tuple[str, str]] = ()  # other pages: what each is, and its address from here

    @property
    def figure_numbers(self) -> dict[str, int]:
        """Each figure's number on the page, by its name."""
        return {item.name: number for number, item in enumerate(self.pictures, start=1)}

    @property
    def pictures(self) -> list[Picture]:
        """Every figure of the page, in its order."""
        every = [part for section in self.sections for part in section.parts]
        return [part for part in (self.lead, *every) if isinstance(part, Picture)]


def paragraph(*pieces: str | Code) -> Paragraph:
    """One after the other, without a space between them."""
    return Paragraph(pieces)


def picture(
    figure: Figure,
    name: str,
    title: str,
    caption: str,
    data: Table | None = None,
) -> Picture:
    """A figure as a part of a page. name: letters, unique on it."""
    drawn = Markup(figure_svg(figure, name, title))
    return Picture(title, drawn, caption, figure, data, name)


def frame_table(frame: pd.DataFrame, most: int = MOST_ROWS) -> Table:
    """A frame as it is: columns of numbers on the right, each number to three digits."""
    columns = [Column(str(n), pd.api.types.is_numeric_dtype(frame[n])) for n in frame.columns]
    rows = [
        [_cell(value, column.is_number) for value, column in zip(row, columns, strict=True)]
        for row in frame.head(most).itertuples(index=False)
    ]
    rest = "the tables of the study have them all."
    note = f"The first {most:,} of {len(frame):,} rows; {rest}" if len(frame) > most else ""
    return Table(columns, rows, note=note)


def _cell(value: Any, is_number: bool) -> TableCell:
    if not is_number or isinstance(value, bool):
        return TableCell("–" if value is None or value != value else str(value))
    known = float(value) if pd.notna(value) else math.nan
    whole = math.isfinite(known) and known == int(known) and abs(known) < 1e6
    return TableCell(number(known, 0) if whole else number(known), value=known)
