"""Figures: text stays text, nothing leaks, what is drawn is what the frame says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from nnbench import plots
from nnbench.plots import labels, style
from nnbench.plots.rates import rate_panels
from nnbench.report.page.svg import figure_svg

HOSTILE = ["$x^2$", "<script>alert(1)</script>", "a & b", "🦊 \x00\x1b[0m", "{{7*7}}", "x" * 300]


def texts(figure: Figure, name: str = "figure") -> list[str]:
    root = ElementTree.fromstring(figure_svg(figure, name, "a finding"))
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def strips(levels: list[str], effects: list[float] | None = None) -> pd.DataFrame:
    effects = [0.1] * len(levels) if effects is None else effects
    return pd.DataFrame(
        {
            "factor": "activation",
            "heading": "against relu",
            "level": levels,
            "effect": effects,
            "effect_low": np.array(effects) - 0.02,
            "effect_high": np.array(effects) + 0.02,
            "verdict": ["better" if e > 0.02 else "undefined" for e in effects],
            "text": [f"text of {i}" for i in range(len(levels))],
        }
    )


def points(levels: list[str]) -> pd.DataFrame:
    rows = [("activation", level, d) for level in levels for d in (0.09, 0.11)]
    return pd.DataFrame(rows, columns=["factor", "level", "difference"])


def cross(levels: list[str]) -> pd.DataFrame:
    rows = [
        {"data": "digits", "row": r, "column": c, "mean": 0.5, "used": 3, "n": 3, "diverged": 0}
        for r in levels
        for c in levels
    ]
    return pd.DataFrame(rows).assign(text="0.500")


def curves(levels: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    keys = [(level, epoch) for level in levels for epoch in range(4)]
    summary = pd.DataFrame(keys, columns=["level", "epoch"]).assign(
        data="digits", median=0.5, low=0.4, high=0.6, k=2, n=3
    )
    return summary, summary.assign(seed=0, value=0.5)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_users_label_is_drawn_as_text(label: str) -> None:
    shown = plots.shorten(label, 22)
    drawn = texts(plots.effect_strips(strips([label]), points([label]), "x", True))
    assert plots.shorten(label) in drawn
    assert any(shown in t for t in texts(plots.learning_curves(*curves([label]), [label], "y")))
    heat = texts(plots.heat_maps(cross([label]), [label], [label], label, label))
    assert plots.shorten(label) in heat


def test_a_missing_glyph_is_no_warning_but_others_are() -> None:
    with style.house_style(), pytest.warns(UserWarning, match="other"):
        warnings.warn("other", stacklevel=1)


def test_the_users_settings_neither_leak_in_nor_out() -> None:
    plain = figure_svg(plots.effect_strips(strips(["a"]), points(["a"]), "x", True), "f", "alt")
    with mpl.rc_context({"font.size": 40, "xtick.major.size": 20, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        again = figure_svg(plots.effect_strips(strips(["a"]), points(["a"]), "x", True), "f", "alt")
        assert dict(mpl.rcParams) == before
    assert again == plain


def test_svg_is_themed_responsive_and_read_aloud() -> None:
    figure = plots.effect_strips(strips(["a"]), points(["a"]), "x", True)
    svg = figure_svg(figure, "effects", 'a "finding" <here>')
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == 'a "finding" <here>'
    assert "width" not in root.attrib and "var(--ink)" in svg
    assert not any(color in svg for color in (style.INK, style.QUIET, style.SERIES[0], "font-fam"))
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert ids and all(str(i).startswith("effects-") for i in ids)
    other = figure_svg(figure, "heat", "alt")
    assert not set(ids) & {e.get("id") for e in ElementTree.fromstring(other).iter()} - {None}


def test_every_reference_in_the_svg_has_its_target() -> None:
    table = cross(["a", "b"])
    table.loc[0, ["mean", "diverged"]] = [np.nan, 3]
    svg = figure_svg(plots.heat_maps(table, ["a", "b"], ["a", "b"], "r", "c"), "heat", "alt")
    root = ElementTree.fromstring(svg)
    ids = {e.get("id") for e in root.iter()}
    wanted = {part.split(")")[0] for part in svg.split("url(#")[1:]}
    assert wanted and wanted <= ids


def test_a_diverged_cell_is_hatched_with_its_count_and_has_no_number() -> None:
    table = cross(["a", "b"])
    table.loc[0, ["mean", "diverged", "text"]] = [np.nan, 3, "never"]
    figure = plots.heat_maps(table, ["a", "b"], ["a", "b"], "row", "column")
    drawn = texts(figure)
    assert "3 of 3 div." in drawn and "never" not in drawn and drawn.count("0.500") == 3
    hatched = [p for p in figure.axes[0].patches if p.get_hatch()]
    assert len(hatched) == 1


def test_a_large_heat_map_prints_no_values_and_gets_a_scale() -> None:
    levels = [f"l{i}" for i in range(13)]
    figure = plots.heat_maps(cross(levels), levels, levels, "row", "column")
    assert "0.500" not in texts(figure) and len(figure.axes) == 2


def test_heads_of_narrow_columns_keep_apart_and_stay_different() -> None:
    levels = [f"some_norm_{i}" for i in range(20)]
    axes = plots.heat_maps(cross(levels), levels, levels, "row", "column").axes[0]
    heads = [text for text in axes.texts if text.get_text().endswith(tuple("0123456789"))]
    assert len({text.get_text() for text in heads}) == 20
    room = axes.bbox.width / 20
    assert all(labels.LETTER * text.get_size() * len(text.get_text()) <= room for text in heads)


def test_a_line_shows_the_values_given_and_computes_none() -> None:
    summary, lines = curves(["a"])
    lines = pd.concat([lines.assign(seed=seed, value=float(seed)) for seed in (1, 2)])
    axes = plots.learning_curves(summary, lines, ["a"], "y").axes[0]
    assert len([line for line in axes.lines if line.get_linewidth() < 1]) == 2, "no mean of both"
    assert list(axes.collections) == [], "and no band"


def test_the_same_frame_gives_the_same_bytes() -> None:
    levels = ["a", "b"]
    for draw in (
        lambda: plots.effect_strips(strips(levels), points(levels), "x", True),
        lambda: plots.heat_maps(cross(levels), levels, levels, "row", "column"),
        lambda: plots.learning_curves(*curves(levels), levels, "y"),
    ):
        assert figure_svg(draw(), "f", "alt") == figure_svg(draw(), "f", "alt")


def test_undefined_effects_are_words() -> None:
    table = strips(["lost", "fine"], [np.nan, 0.1])
    table["text"] = ["undefined: none of 24 pairs has both values", "+0.1"]
    figure = plots.effect_strips(table, points(["fine"]), "x", True)
    assert "undefined: none of 24 pairs has both values" in texts(figure)


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [((-0.1, 1.35), ["×1", "×2", "×5", "×10", "×20"]), ((0, 0.1), ["×1", "×1.1", "×1.2"])],
)
def test_an_axis_of_logarithms_says_what_they_are_of(ends: Any, ticks: list[str]) -> None:
    table = strips(["least", "most"], list(ends))
    table = table.assign(effect_low=table["effect"], effect_high=table["effect"])
    figure = plots.effect_strips(table, points(["most"]).iloc[:0], "x", False, logs=True)
    drawn = texts(figure)
    assert set(ticks) <= set(drawn) and "0.0" not in drawn
    axes = figure.axes[0]
    assert axes.get_xlim()[0] < ends[0] and axes.get_xlim()[1] > ends[1]


def test_the_side_that_is_better_depends_on_the_metric() -> None:
    table = strips(["up", "down"], [0.1, -0.1])
    for higher, words in ((True, ["← worse", "better →"]), (False, ["← better", "worse →"])):
        drawn = texts(plots.effect_strips(table, points(["up"]), "x", higher))
        assert set(words) <= set(drawn)


def test_at_most_seven_lines_share_a_panel_and_no_two_look_alike() -> None:
    levels = [f"l{i}" for i in range(9)]
    figure = plots.learning_curves(*curves(levels), levels, "y")
    ends = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", None)]
    drawn = [line for line in ends if line.get_visible()]
    looks = {(line.get_color(), line.get_marker()) for line in drawn}
    assert len(looks) == 7 and len({marker for _, marker in looks}) == 7
    # those that a page can show when asked look like none of them
    every = {(line.get_color(), line.get_marker()) for line in ends}
    assert len(every) == len(levels)


def test_every_seed_is_a_thin_line_behind_the_median_and_no_mark_is_doubled() -> None:
    summary, _ = curves(["a"])
    lines = pd.concat([summary.assign(seed=seed, value=0.1 * seed) for seed in (3, 5)])
    axes = plots.learning_curves(summary, lines, ["a"], "y").axes[0]
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert sorted(float(line.get_ydata()[0]) for line in thin) == pytest.approx([0.3, 0.5])
    (thick,) = [line for line in axes.lines if line.get_linewidth() > 2]
    assert thick.get_marker() == "None", "a line that is alone needs no mark"
    assert axes.get_ylim()[0] < 0.3 < 0.5 < axes.get_ylim()[1]
    summary, _ = curves(["a", "b"])
    axes = plots.learning_curves(summary, lines.head(0), ["a", "b"], "y").axes[0]
    both = [line for line in axes.lines if line.get_linewidth() > 2]
    places = [line.get_markevery()[0] for line in both]
    assert len(set(places)) == 2 and max(places) < len(summary) / 2 - 1


def test_names_are_told_apart_without_what_they_share() -> None:
    names = ["he gain=1 / 0.01 / adam", "he gain=1 / 0 / adam", "he gain=2 / 0 / adam"]
    short = labels.told_apart(names, 22)
    assert list(short.values()) == ["he gain=1 / 0.01", "he gain=1 / 0", "he gain=2 / 0"]
    alike = [f"{letter * 20}, same{'x' * 20}" for letter in "ab"]
    assert len(set(labels.told_apart([*alike, "c"], 8).values())) == 3
    assert labels.told_apart(["one / two"], 30) == {"one / two": "one / two"}


def test_rows_whose_names_are_alike_when_cut_get_the_room_that_tells_them_apart() -> None:
    alike = [f"momentum (learning rate 0.01, momentum {beta})" for beta in (0.95, 0.85)]
    alike += [one.replace("0.01", "0.02") for one in alike]
    assert len({style.shorten(one) for one in alike}) == 2, "what cutting each alone would do"
    assert len(set(style.cut_apart(alike))) == 4
    assert style.cut_apart(["b", "a", "b"]) == ["b", "a", "b"]
    ladder = plots.rank_ladder(pd.DataFrame({"arm": alike, "mean_rank": [1, 2, 3, 4]}), [], "")
    assert set(style.cut_apart(alike)) <= set(texts(ladder))


ALIKE = [f"momentum (learning rate {rate}, momentum 0.85)" for rate in ("0.001", "0.002", "0.003")]
LINES = pd.DataFrame([(a, "r", x, 0.5) for a in ALIKE for x in (0, 1)]).set_axis(
    ["panel", "series", "x", "value"], axis=1
)
SCORES = pd.DataFrame({"name": ALIKE, "value": 0.5, "low": 0.4, "high": 0.6, "text": "0.5"})
SHARES = pd.DataFrame({"group": "g", "kind": "factor", "term": ALIKE, "share": 0.1, "text": "10 %"})
OF_ALIKE: dict[str, Callable[[], Figure]] = {
    "effects": lambda: plots.effect_strips(strips(ALIKE), points(ALIKE), "x", True),
    "scores": lambda: plots.score_rows(SCORES.assign(first=False), "score"),
    "rates": lambda: rate_panels(LINES, LINES, {a: a for a in ALIKE}, ["r"], ALIKE[0], []),
    "shares": lambda: plots.share_bars(SHARES.assign(low=0.05, high=0.2), "share"),
    "heat": lambda: plots.heat_maps(cross(ALIKE), ALIKE, ALIKE, "a", "b"),
}


@pytest.mark.parametrize("name", OF_ALIKE)
def test_no_figure_cuts_two_names_to_one(name: str) -> None:
    assert len({style.shorten(one) for one in ALIKE}) == 1, "what cutting each alone would do"
    figure = OF_ALIKE[name]()
    cut = style.cut_apart(ALIKE, 40 if name == "shares" else 34)
    drawn = texts(figure)
    assert len(set(cut)) == 3 and all(one in drawn for one in cut)
    if name in ("effects", "scores", "shares"):
        room = figure.axes[0].get_position().x0 * figure.get_figwidth() * 72
        assert room > 7 * max(map(len, cut)), "as much as they take"


def test_the_columns_of_a_heat_map_are_as_wide_as_their_heads() -> None:
    figure = plots.heat_maps(cross(ALIKE), ALIKE, ALIKE, "a", "b")
    heads = labels.columns_apart(ALIKE, 12).values()
    assert {line for head in heads for line in head} <= set(texts(figure))
    column = figure.axes[0].get_position().width * figure.get_figwidth() * 72 / len(ALIKE)
    assert column > 7 * max(len(line) for head in heads for line in head)


def test_labels_at_the_ends_of_lines_are_cut_together() -> None:
    with style.house_style():
        axes = style.place_axes(figure := style.new_figure(600, 300), 20, 20, 300, 200)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        long = [f"{'a' * 30}{one}{'b' * 30}" for one in "xyz"]
        style.end_labels(axes, [(0.2 * i, label, "k", "o") for i, label in enumerate(long)])
        assert len({t for t in texts(figure) if "…" in t or t in long}) == 3


def test_names_that_differ_only_in_the_middle_get_the_room_that_tells_them_apart() -> None:
    names = [f"activation{'y' * 12}{middle}{'z' * 12}default" for middle in "ab"]
    short = labels.told_apart(names, 12)
    assert len(set(short.values())) == 2


def test_a_long_name_breaks_between_levels() -> None:
    assert labels.wrapped("he_normal gain=1, clip 0", 18) == ["he_normal gain=1,", "clip 0"]
    assert labels.wrapped("short", 18) == ["short"]
    assert labels.wrapped("x" * 40, 18) == [plots.shorten("x" * 40, 18)]


def test_a_note_stands_where_nothing_is_drawn() -> None:
    with style.house_style():
        figure = style.new_figure(400, 300)
        axes = style.place_axes(figure, 20, 20, 360, 260)
        axes.set_xlim(0, 10)
        axes.set_ylim(0, 10)
        for y in np.linspace(0, 5, 40):
            axes.plot([0, 10], [y, y])
        labels.write_clear(axes, [labels.Note("law", [(5.0, 2.0), (5.0, 8.0)])])
    (note,) = axes.texts
    assert note.xy == (5.0, 8.0), "the second spot, for the first is full of lines"
    assert note.get_bbox_patch() is None, "nothing is hidden, hence no patch"


def luminance(color: Any) -> float:
    """Return the relative luminance of an RGB colour (WCAG 2.1)."""
    channel = np.asarray(color[:3], dtype=float)
    linear = np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_ink_on_a_face_is_read_well() -> None:
    for color in mpl.colormaps["viridis"](np.linspace(0, 1, 50)):
        ink = 0.0 if style.ink_on(color) == style.DARK else 1.0
        light, dark = sorted([luminance(color), ink], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_an_svg_has_no_digits_and_no_groups_that_nobody_sees() -> None:
    with style.house_style():
        figure = style.new_figure(300, 200)
        axes = style.place_axes(figure, 20, 20, 260, 160)
        axes.plot([0, 1, 1, 1, 2], [1 / 3, 2 / 3, 2 / 3, 2 / 3, 0], "o-")
    root = ElementTree.fromstring(figure_svg(figure, "f", "alt"))
    assert not [e for e in root.iter() if e.tag.endswith("}g") and not e.attrib]
    paths = [e.get("d", "") for e in root.iter() if e.get("clip-path") and e.get("d")]
    assert len(paths) == 1 and paths[0].count("L") == 1
    assert len(paths[0].split()) == 2 + 2 * 3 + 0, "the repeated points are one"
    numbers = [word for word in paths[0].split() if word[-1].isdigit()]
    assert all(len(word.partition(".")[2]) <= 2 for word in numbers)


def test_neighbours_that_look_alike_are_one_path_unless_what_is_below_shows() -> None:
    drawn = {}
    for alpha in (1.0, 0.5):
        with style.house_style():
            figure = style.new_figure(300, 200)
            axes = style.place_axes(figure, 20, 20, 260, 160)
            axes.set_axis_off()
            axes.hlines([0, 1, 2], 0, 1, style.INK, alpha=alpha)
        root = ElementTree.fromstring(figure_svg(figure, "f", "alt"))
        drawn[alpha] = [e.get("d", "") for e in root.iter() if "var(--ink)" in e.get("style", "")]
    assert len(drawn[1.0]) == 1 and drawn[1.0][0].count("M") == 3
    assert len(drawn[0.5]) == 3, "where two cross, both are seen"


def test_what_is_not_known_is_no_path() -> None:
    with style.house_style():
        figure = style.new_figure(300, 200)
        axes = style.place_axes(figure, 20, 20, 260, 160)
        axes.set_axis_off()
        axes.hlines([0, np.nan, np.nan, 2], 0, [1, np.nan, np.nan, 1], style.INK)
        for _ in range(2):
            axes.plot([np.nan, np.nan], [np.nan, np.nan], color=style.INK)
    root = ElementTree.fromstring(figure_svg(figure, "f", "alt"))
    drawn = [e.get("d") for e in root.iter() if "var(--ink)" in e.get("style", "")]
    assert len(drawn) == 1 and drawn[0] is not None and drawn[0].count("M") == 2


@given(st.lists(st.floats(0, 300), max_size=7).map(sorted))
def test_labels_are_moved_apart_in_order_and_no_further_than_needed(places: list[float]) -> None:
    moved = style.spread_out(places, 16.0)
    gaps = np.diff(moved)
    assert len(moved) == len(places) and (gaps >= 16 - 1e-6).all()
    if (np.diff(places) >= 16).all():
        assert moved == pytest.approx(places)


@pytest.mark.parametrize("text", ["short", "leaky_relu negative_slope=0.2 and more of it"])
def test_shortening_keeps_both_ends(text: str) -> None:
    cut = plots.shorten(text, 20)
    assert len(cut) <= 20 and cut[:5] == text[:5] and cut[-5:] == text[-5:]


def test_a_label_is_left_out_with_its_line_where_a_panel_lacks_a_series() -> None:
    levels = [f"l{i}" for i in range(9)]
    summary, lines = curves(levels)
    kept = [frame[frame["level"] != "l2"] for frame in (summary, lines)]
    figure = plots.learning_curves(*kept, levels, "y")
    for axes in figure.axes:
        texts = {text.get_text().split()[0]: text.get_visible() for text in axes.texts if
                 text.get_text().startswith("l")}  # fmt: skip
        assert {name for name, is_seen in texts.items() if not is_seen} == {"l7", "l8"}
