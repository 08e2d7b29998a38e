"""Figures as files: their sizes, their bytes, and what scales with them."""

from __future__ import annotations

import io
import re
import zlib

import pytest
from matplotlib.figure import Figure
from PIL import Image

from nnbench.plots.style import blank, house_style, new_figure, write
from nnbench.report.page.paper import FORMATS, SIZES, fitted


def drawing(width: float, height: float) -> Figure:
    """Return a figure with a square in its lower left corner and a text."""
    with house_style():
        figure = new_figure(width, height)
        axes = blank(figure, 0, 0, width, height)
        axes.fill([0, 100, 100, 0], [height, height, height - 100, height - 100], "#0072b2", lw=0)
        write(axes, "named", (0.5, 0.5))
    return figure


def inches(content: bytes, kind: str, dots: float) -> tuple[float, float]:
    """Return the size that a file says it has."""
    if kind == "png":
        with Image.open(io.BytesIO(content)) as image:
            return image.width / dots, image.height / dots
    if kind == "pdf":
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
        assert box is not None
        return float(box[1]) / 72, float(box[2]) / 72
    sides = re.search(rb'width="([\d.]+)in" height="([\d.]+)in"', content)
    assert sides is not None
    return float(sides[1]), float(sides[2])


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("sides", [(1080, 300), (300, 1080)])
def test_a_figure_fills_the_room_and_keeps_its_shape(sides, kind, size) -> None:  # type: ignore[no-untyped-def]
    content = fitted(drawing(*sides), kind, size, "one")
    width, height = inches(content, kind, size.dots)
    assert width / height == pytest.approx(sides[0] / sides[1], rel=0.01)
    assert max(width / size.width, height / size.height) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_figure_gives_the_same_bytes(kind: str) -> None:
    contents = {fitted(drawing(400, 300), kind, SIZES[0], "one") for _ in range(2)}
    assert len(contents) == 1


def test_what_is_drawn_is_scaled_with_the_page_of_a_pdf() -> None:
    print_size = SIZES[0]
    content = fitted(drawing(1080, 300), "pdf", print_size, "one")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, flags=re.DOTALL)
    texts = []
    for stream in streams:
        try:
            texts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    page = next(text for text in texts if b" cm" in text)
    scale = float(page.split(b" 0 0 ")[0].split()[-1])
    assert scale == pytest.approx(print_size.width / (1080 / 72), rel=1e-3)


def test_paper_is_white() -> None:
    with Image.open(io.BytesIO(fitted(drawing(400, 300), "png", SIZES[1], "one"))) as image:
        pixels = image.convert("RGB")
        assert pixels.getpixel((image.width - 1, 0)) == (255, 255, 255)
        assert pixels.getpixel((2, image.height - 3)) == (0, 114, 178)
