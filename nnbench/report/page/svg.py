"""A matplotlib figure as SVG for inside a page: themed, unique ids, text as text, an alt text."""

import io
import json
import re
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

from nnbench.plots.marks import (
    FRAME_OF,
    HIDDEN,
    LABEL_OF,
    SERIES_OF,
    Box,
    Drawing,
    with_those_left_out,
)
from nnbench.plots.style import INK, PAPER, QUIET, RULE, SERIES, house_style

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
THEME = {INK: "var(--ink)", QUIET: "var(--quiet)", RULE: "var(--rule)", PAPER: "var(--paper)"} | {
    color: f"var(--series-{i})" for i, color in enumerate(SERIES, start=1)
}
_COLOR = re.compile("|".join(THEME))
_NUMBERS = {"d", "x", "y", "transform"}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_REPEATED = re.compile(r"( L \S+ \S+)(?:\1(?= |$))+")
_LINES = re.compile(r"(L \S+ \S+)((?: L \S+ \S+)+)")
_LONG_FRACTION = re.compile(r"-?\d+\.\d{2,}")
LONG_PATH = 400  # letters
_FONT = re.compile(r"font-family: [^;]*;?")


def figure_svg(figure: Figure, name: str, alt: str) -> str:
    """The figure as an `<svg>` element.

    name: letters, unique on the page: the prefix of every id. alt: the finding, read aloud.
    Same figure and name, same bytes. Text takes the page's font, and colours the page's theme.
    """
    buffer = io.StringIO()
    with house_style(), with_those_left_out(figure):
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
    _slim(root)
    if isinstance(figure, Drawing) and figure.windows:
        whole = ElementTree.Element(SVG + "g", {"id": f"{name}-whole"})
        whole[:], root[:] = root[:], [whole]
    _add_marks(root, figure)
    return ElementTree.tostring(root, encoding="unicode")


def window_svg(name: str, box: Box) -> str:
    """A window on a part of the figure of a name, which is on the page already."""
    left, top, width, height = (f"{side:g}" for side in box)
    return (
        f'<svg viewBox="{left} {top} {width} {height}" aria-hidden="true">'
        f'<use href="#{name}-whole"/></svg>'
    )


def _make_responsive(root: ElementTree.Element, alt: str) -> None:
    width = float(root.attrib["viewBox"].split()[2])
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    # No wider than it was drawn; for a narrow window there is another drawing, or windows on it.
    root.set("style", f"--wide: {width:.0f}px")
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
        identity = element.attrib.pop("id", "")
        if identity in used:
            element.set("id", f"{name}-{identity}")
        _name_series(element, identity)


def _name_series(element: ElementTree.Element, identity: str) -> None:
    """Say of which series or frame a group is, or whose label; and if it is left out."""
    shown = identity.removeprefix(HIDDEN)
    if shown.startswith(SERIES_OF):
        element.set("data-series", shown.removeprefix(SERIES_OF))
    elif shown.startswith(LABEL_OF):
        panel, _, series = shown.removeprefix(LABEL_OF).partition(" ")
        element.set("data-label", series)
        element.set("data-panel", panel)
    elif shown.startswith(FRAME_OF):
        place, _, said = shown.removeprefix(FRAME_OF).partition(" ")
        element.set("data-frame", place)
        element.set("data-said", said)
    if shown != identity:
        element.set("data-off", "")


def _add_marks(root: ElementTree.Element, figure: Figure) -> None:
    """Put what the figure's marks say beside it, for the page's script; nobody sees it."""
    said = figure.document() if isinstance(figure, Drawing) else []
    if said:
        kept = ElementTree.SubElement(root, SVG + "metadata")
        kept.text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _slim(root: ElementTree.Element) -> None:
    """Drop what no eye can see: digits beyond a hundredth pixel, bare groups, indentation.

    Of a long path, digits beyond a tenth.

    A page of walks has hundreds of thousands of coordinates: this makes half of it.
    """
    for element in root.iter():
        for name in _NUMBERS & element.attrib.keys():
            element.set(name, _LONG_NUMBER.sub(_rounded, element.attrib[name]))
        if "d" in element.attrib:
            path = _short_path(element.attrib["d"])
            is_long = len(path) > LONG_PATH
            element.set("d", _LONG_FRACTION.sub(_in_tenths, path) if is_long else path)
        if element.get("transform", "").startswith(("rotate(-0 ", "rotate(0 ")):
            element.attrib.pop("transform")
        if element.tag != SVG + "text":
            element.text = None
        element.tail = None
        if element.tag == SVG + "g":
            _share_style(element)
    _unwrap(root)
    for parent in root.iter():
        _join_paths(parent)


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")


def _in_tenths(match: re.Match[str]) -> str:
    return f"{float(match.group()):.1f}".removesuffix(".0")


def _short_path(path: str) -> str:
    """A path without repeated points, and with one letter for a run of lines."""
    path = _REPEATED.sub(r"\1", " ".join(path.split()))
    return _LINES.sub(lambda run: run[1] + run[2].replace(" L", ""), path)


def _share_style(group: ElementTree.Element) -> None:
    """Say once for the group what all of its marks say."""
    styles = {child.get("style") for child in group}
    if len(group) > 1 and len(styles) == 1 and all(x.tag == SVG + "use" for x in group):
        group.set("style", group[0].attrib["style"])
        for child in group:
            child.attrib.pop("style")


def _unwrap(parent: ElementTree.Element) -> None:
    """Put what stands in groups that say nothing where the group is."""
    children: list[ElementTree.Element] = []
    for child in list(parent):
        _unwrap(child)
        bare = child.tag == SVG + "g" and not child.attrib
        children += list(child) if bare else [child]
    parent[:] = children


def _join_paths(parent: ElementTree.Element) -> None:
    """Make one path of neighbours that look alike: cells of one colour, rules of one grid.

    A path that goes nowhere, of numbers that are not known, is left out. Not joined are those that
    let through what is below: where two of them cross, both would be seen.
    """
    kept: list[ElementTree.Element] = []
    for child in parent:
        if child.tag == SVG + "path" and not child.get("d"):
            continue
        if kept and _look_alike(kept[-1], child):
            kept[-1].set("d", f"{kept[-1].get('d')} {child.get('d')}")
        else:
            kept.append(child)
    parent[:] = kept


def _look_alike(one: ElementTree.Element, other: ElementTree.Element) -> bool:
    first, second = ({**element.attrib, "d": ""} for element in (one, other))
    is_solid = "opacity" not in first.get("style", "opacity")
    return one.tag == other.tag == SVG + "path" and first == second and is_solid


def _themed(style: str) -> str:
    style = _COLOR.sub(lambda match: THEME[match.group()], style)
    return _FONT.sub("", style).strip()
