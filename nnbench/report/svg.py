"""A matplotlib figure as SVG for inside a page: themed, unique ids, text as text, an alt text."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

from nnbench.plots import INK, PAPER, QUIET, RULE, SERIES, house_style

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
THEME = {INK: "var(--ink)", QUIET: "var(--quiet)", RULE: "var(--rule)", PAPER: "var(--paper)"} | {
    color: f"var(--series-{i})" for i, color in enumerate(SERIES, start=1)
}
_COLOR = re.compile("|".join(THEME))
_FONT = re.compile(r"font-family: [^;]*;?")


def figure_svg(figure: Figure, name: str, alt: str) -> str:
    """Return the figure as an `<svg>` element.

    name: letters, unique on the page: the prefix of every id. alt: the finding, read aloud.
    Same figure and name, same bytes. Text takes the page's font, and colours the page's theme.
    """
    buffer = io.StringIO()
    with house_style():
        mpl.rcParams["svg.hashsalt"] = name
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", LINK[1:].partition("}")[0])
    root = ElementTree.fromstring(buffer.getvalue())
    _make_responsive(root, alt)
    _remove(root, {"metadata", "style"})
    _rename_ids(root, name)
    for element in root.iter():
        style = element.get("style")
        if style:
            element.set("style", _themed(style))
    return ElementTree.tostring(root, encoding="unicode")


def _make_responsive(root: ElementTree.Element, alt: str) -> None:
    width = float(root.attrib["viewBox"].split()[2])
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    # Under 70 % of its size a figure's text is too small to read: there it scrolls instead.
    root.set(
        "style", f"max-width: {width:.0f}px; min-width: {min(width, 760 * width / 1080):.0f}px"
    )
    root.set("role", "img")
    root.set("aria-label", alt)


def _remove(root: ElementTree.Element, names: set[str]) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.removeprefix(SVG) in names:
                parent.remove(child)


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Prefix the ids that something refers to, and drop the rest: ids are one space per page."""
    used = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == LINK:
                used.add(value.removeprefix("#"))
                element.set(key, value.replace("#", f"#{name}-", 1))
            elif key in ("style", "clip-path", "fill"):
                used.update(re.findall(r"url\(#([^)]+)\)", value))
                element.set(key, value.replace("url(#", f"url(#{name}-"))
    for element in root.iter():
        identity = element.attrib.pop("id", None)
        if identity in used:
            element.set("id", f"{name}-{identity}")


def _themed(style: str) -> str:
    style = _COLOR.sub(lambda match: THEME[match.group()], style)
    return _FONT.sub("", style).strip()
