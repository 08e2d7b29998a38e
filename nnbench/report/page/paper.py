"""A page's figures as files of their own: in a size for print, and in one for slides."""

import io
import re
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages
from matplotlib.figure import Figure

from nnbench.plots.style import house_style
from nnbench.report.page.parts import Page
from nnbench.results.disk import write_whole

FORMATS = ("svg", "pdf", "png")
FOLDER = "figures"
MILLIMETRE = 1 / 25.4  # of an inch
NO_DATES: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


class Size(NamedTuple):
    """The room that a figure is fitted into, in inches, and the dots an inch of a PNG."""

    name: str
    width: float
    height: float
    dots: float


SIZES = (
    Size("print", 180 * MILLIMETRE, 230 * MILLIMETRE, 300),  # both columns of a journal
    Size("slide", 40 / 3, 7.5, 144),  # 16 to 9: 1,920 pixels across
)


def write_figures(folder: Path, page: Page, kind: str, only: int | None = None) -> list[Path]:
    """Write every figure of a page, or the one of a number, in each size to `figures/`.

    kind: one of `FORMATS`. The same figure gives the same bytes.
    """
    written = []
    for number, item in enumerate(page.pictures, start=1):
        if item.figure is None or only not in (None, number):
            continue
        for size in SIZES:
            path = folder / FOLDER / f"{number:02d}-{item.name}-{size.name}.{kind}"
            written.append(write_whole(path, fitted(item.figure, kind, size, item.name)))
    return written


def fitted(figure: Figure, kind: str, size: Size, name: str) -> bytes:
    """The figure on white, as large as fits."""
    width, height = figure.get_size_inches()
    scale = min(size.width / width, size.height / height)
    buffer = io.BytesIO()
    with house_style(), mpl.rc_context({"savefig.facecolor": "white", "svg.hashsalt": name}):
        if kind == "pdf":
            with Scaled(buffer, scale) as pages:
                figure.savefig(pages, format="pdf")
        else:
            dots: dict[str, Any] = {"dpi": size.dots * scale} if kind == "png" else {}
            figure.savefig(buffer, format=kind, metadata=NO_DATES[kind], **dots)
    content = buffer.getvalue()
    if kind != "svg":
        return content
    sides = f'width="{width * scale:.4f}in" height="{height * scale:.4f}in"'
    return re.sub(rb'width="[\d.]+pt" height="[\d.]+pt"', sides.encode(), content, count=1)


class _ScaledFile(PdfFile):
    """A PDF whose pages are so much larger than what is drawn on them, and that enlarge it."""

    scale = 1.0

    def newPage(self, width: float, height: float) -> None:
        """Begin a page of that many inches before scaling."""
        super().newPage(self.scale * width, self.scale * height)
        self.output(self.scale, 0, 0, self.scale, 0, 0, Op.concat_matrix)


class Scaled(PdfPages):
    """A PDF of one figure, enlarged or reduced with all that is in it: text, lines, marks."""

    def __init__(self, file: io.BytesIO, scale: float) -> None:
        super().__init__(file)
        self._file = _ScaledFile(file, metadata=NO_DATES["pdf"])
        self._file.scale = scale
