"""Figures of importance, ranks and cost: what is drawn is what the frame says."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.patches import Rectangle

from nnbench import plots
from nnbench.plots import style
from nnbench.plots.rooms import small_of
from nnbench.report.page.svg import figure_svg

HOSTILE = ["$x^2$", "<script>alert(1)</script>", "a & b", "🦊 \x00", "x" * 300]


def texts(figure: Figure) -> list[str]:
    root = ElementTree.fromstring(figure_svg(figure, "figure", "a finding"))
    return ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]


def marks(figure: Figure, marker: str) -> list[float]:
    """Return where markers of a kind stand, along x."""
    mark = MarkerStyle(marker)
    wanted = mark.get_path().transformed(mark.get_transform()).vertices
    found = [c for axes in figure.axes for c in axes.collections if isinstance(c, PathCollection)]
    own = [c for c in found if np.array_equal(c.get_paths()[0].vertices, wanted)]
    # seaborn takes a logarithm and back
    return [round(float(x), 12) for c in own for x, _ in c.get_offsets()]


def bars(figure: Figure, width: float) -> list[np.ndarray]:
    """Return the ends of the straight lines of a width that stand for a number."""
    found = [c for axes in figure.axes for c in axes.collections if isinstance(c, LineCollection)]
    parts = [part for c in found if c.get_linewidth()[0] == width for part in c.get_segments()]
    return [part for part in parts if len(part) and np.isfinite(part).all()]


def shares() -> pd.DataFrame:
    rows = [
        ("factors alone", "factor", "activation", 0.5, 0.4, 0.6, "50 % [40, 60]"),
        ("factors alone", "factor", "init", np.nan, np.nan, np.nan, "undefined"),
        ("pairs of factors", "pair", "activation x init", 0.3, 0.2, 0.4, "30 %"),
        ("the rest", "seeds", "seeds: noise", 0.2, 0.1, 0.3, "20 %"),
    ]
    columns = ["group", "kind", "term", "share", "low", "high", "text"]
    return pd.DataFrame(rows, columns=columns)


def test_a_share_is_a_bar_from_zero_and_noise_is_hatched() -> None:
    figure = plots.share_bars(shares(), "share")
    drawn = [p for p in figure.axes[0].patches if isinstance(p, Rectangle)]
    assert [bar.get_width() for bar in drawn] == [0.5, 0.3, 0.2]
    assert all(bar.get_x() == 0 for bar in drawn)
    assert [bool(bar.get_hatch()) for bar in drawn] == [False, False, True]
    spans = [(round(a[0], 6), round(b[0], 6)) for a, b in bars(figure, 1.6) if a[1] == b[1]]
    assert spans[:2] == [(0.4, 0.6), (0.2, 0.4)], "the intervals that the frame gives"
    drawn = texts(figure)
    assert "undefined" in drawn and drawn.count("factors alone") == 1


def test_a_group_of_shares_is_headed_above_its_rows() -> None:
    figure = plots.share_bars(shares(), "share")
    figure.canvas.draw()
    boxes = {
        text.get_text(): text.get_window_extent() for axes in figure.axes for text in axes.texts
    }
    head, row = boxes["pairs of factors"], boxes["activation x init"]
    assert head.y0 >= row.y1, "a long name has the whole width beside the bars"


def ranks(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"arm": names, "mean_rank": np.arange(1.0, len(names) + 1)})


def test_ranks_stand_in_order_and_a_bar_joins_a_clique() -> None:
    figure = plots.rank_ladder(ranks(["a", "b", "c"]), [["a", "b"], ["c"]], "b")
    assert marks(figure, "s") == [1.0, 3.0] and marks(figure, "o") == [2.0]
    assert [(round(a[1]), round(b[1])) for a, b in bars(figure, 5)] == [(0, 1)]


def matrix(names: list[str]) -> pd.DataFrame:
    rows = [
        {"row": a, "column": b, "effect": 0.1, "towards": (1 if a < b else -1) * 0.1}
        for a in names
        for b in names
        if a != b
    ]
    table = pd.DataFrame(rows).assign(text="+0.1", clear=True)
    table.loc[0, ["effect", "towards", "text", "clear"]] = [np.nan, np.nan, "–", False]
    return table


def test_a_difference_is_blue_where_the_row_is_better() -> None:
    figure = plots.difference_matrix(matrix(["a", "b", "c"]), ["a", "b", "c"])
    (mesh,) = figure.axes[0].collections
    mesh.update_scalarmappable()
    cells = mesh.get_facecolor().reshape(3, 3, 4)
    red, _, blue, _ = cells[0, 2]
    assert blue > red, "row a, column c"
    red, _, blue, _ = cells[2, 0]
    assert red > blue, "row c, column a"
    assert cells[0, 1, 3] == 0, "no colour where there is no difference"


def profile(names: list[str]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"arm": name, "tau": [0.1, 0.5, 0.9], "share": [1.0, 0.5, 0.0]})
        for name in names
    ]
    return pd.concat(parts).assign(share_low=0.0, share_high=1.0)


def test_the_labels_of_profiles_stand_where_the_lines_lie_furthest_apart() -> None:
    table = profile(["a", "b"])
    table.loc[(table["arm"] == "b") & (table["tau"] == 0.5), "share"] = 0.2
    axes = plots.profile_lines(table, ["a", "b"], "score").axes[0]
    dotted = [float(line.get_xdata()[0]) for line in axes.lines if line.is_dashed()]
    assert dotted == [0.5]
    steps = [x for x in axes.lines if x.get_drawstyle() == "steps-post"]
    assert [line.get_markevery() for line in steps] == [[1], [1]]


def test_the_ticks_of_a_profile_of_ratios_are_plain_numbers() -> None:
    table = profile(["a", "b"]).replace({"tau": {0.1: 1.0, 0.5: 10.0, 0.9: 1e6}})
    figure = plots.profile_lines(table, ["a", "b"], "times the best", log=True)
    svg = figure_svg(figure, "figure", "a finding")
    assert "mathdefault" not in svg and "10⁴" in svg


def test_at_most_seven_profiles_share_a_panel_and_no_two_look_alike() -> None:
    names = [f"n{i}" for i in range(9)]
    figure = plots.profile_lines(profile(names), names, "score")
    steps = [x for x in figure.axes[0].lines if x.get_drawstyle() == "steps-post"]
    assert len({(line.get_color(), line.get_marker()) for line in steps}) == len(steps) == 7


def costs(names: list[str]) -> pd.DataFrame:
    count = len(names)
    return pd.DataFrame(
        {
            "arm": names,
            "cost": np.geomspace(1, 9, count),
            "mean": np.linspace(0.1, 0.9, count),
            "on_front": [i % 2 == 0 for i in range(count)],
            "named": [i % 2 == 0 for i in range(count)],
        }
    ).assign(mean_low=0.0, mean_high=1.0)


def test_the_front_is_joined_and_named() -> None:
    figure = plots.cost_scatter(costs(["a", "b", "c"]), "seconds", "accuracy", True)
    assert marks(figure, "s") == [1.0, 9.0] and marks(figure, "o") == [3.0]
    drawn = texts(figure)
    assert "a" in drawn and "c" in drawn and "b" not in drawn
    assert "accuracy, better is up and to the left" in drawn


def test_a_name_stands_beside_its_own_point() -> None:
    figure = plots.cost_scatter(costs(["a", "b", "c"]), "seconds", "accuracy", True)
    named = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert named["a"] == pytest.approx((1.0, 0.1)) and named["c"] == pytest.approx((9.0, 0.9))
    assert figure.axes[0].get_xlabel() == "seconds, logarithmic"


def regions(names: list[str]) -> pd.DataFrame:
    rows = [(d, a, 0.01, 0.1, 0.03, a == names[0], False, "1.0") for d in "xy" for a in names]
    columns = ["data", "arm", "low", "high", "best", "open_low", "open_high", "text"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[1, ["low", "high", "text"]] = [np.nan, np.nan, "undefined"]
    return table


def test_an_open_end_is_an_arrow_and_what_is_undefined_has_no_bar() -> None:
    figure = plots.good_regions(regions(["a", "b"]), ["a", "b"], "lr")
    assert len(figure.axes) == 2 and marks(figure, "<") == [0.01, 0.01] and marks(figure, ">") == []
    assert len(bars(figure, 5)) == 3 and "undefined" in texts(figure)
    assert marks(figure, "o") == [0.03] * 3, "nor a best"


def budget(names: list[str]) -> pd.DataFrame:
    rows = [(d, a, k, 0.1 * k) for d in "xy" for a in names for k in (1, 2, 3)]
    table = pd.DataFrame(rows, columns=["data", "arm", "trials", "mean"])
    return table.assign(mean_low=table["mean"] - 0.05, mean_high=table["mean"] + 0.05)


def test_every_budget_has_its_interval() -> None:
    figure = plots.budget_lines(budget(["a", "b"]), ["a", "b"], "accuracy")
    spans = bars(figure, 1.2)
    assert len(spans) == 2 * 2 * 3
    assert all(high[1] - low[1] == pytest.approx(0.1) for low, high in spans)


def test_arms_that_are_alike_when_cut_have_labels_of_their_own() -> None:
    arms = [f"he_normal gain=1 / {clip} / sgd momentum=0.9" for clip in ("0.01", "0", "0.1")]
    drawn = texts(plots.budget_lines(budget(arms), arms, "accuracy"))
    assert {"0.01", "0", "0.1"} <= set(drawn), "what all arms share is left out"
    arms = [f"arm{'y' * 20}{middle}{'z' * 20}" for middle in "ab"]
    drawn = texts(plots.budget_lines(budget(arms), arms, "accuracy"))
    assert len({text for text in drawn if text.startswith("arm")}) == 2


def test_a_narrow_matrix_has_heads_of_two_lines() -> None:
    names = [f"batchnorm position={place}" for place in ("before", "after", "both")]
    small = small_of(plots.difference_matrix(matrix(names), names))
    assert small is not None
    drawn = texts(small)
    assert drawn.count("batchnorm") == 3 and "position=after" in drawn


def test_budgets_share_their_limits_over_data_sets() -> None:
    figure = plots.budget_lines(budget(["a", "b"]), ["a", "b"], "accuracy")
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim() and texts(figure).count("accuracy") == 2


@pytest.mark.whole
def test_the_same_frame_gives_the_same_bytes() -> None:
    names = ["a", "b"]
    for draw in (
        lambda: plots.share_bars(shares(), "share"),
        lambda: plots.rank_ladder(ranks(names), [names], "b"),
        lambda: plots.difference_matrix(matrix(names), names),
        lambda: plots.profile_lines(profile(names), names, "score"),
        lambda: plots.cost_scatter(costs(names), "s", "y", True),
        lambda: plots.good_regions(regions(names), names, "lr"),
        lambda: plots.budget_lines(budget(names), names, "y"),
    ):
        assert figure_svg(draw(), "f", "alt") == figure_svg(draw(), "f", "alt")


@pytest.mark.whole
@pytest.mark.parametrize("label", HOSTILE)
def test_a_users_label_is_drawn_as_text(label: str) -> None:
    short = plots.shorten(label)
    assert short in texts(plots.rank_ladder(ranks([label, "b"]), [[label, "b"]], "b"))
    assert short in texts(plots.difference_matrix(matrix([label, "b"]), [label, "b"]))
    assert short in texts(plots.good_regions(regions([label, "b"]), [label, "b"], "lr"))
    cut = plots.shorten(label, 34)
    assert cut in texts(plots.profile_lines(profile([label]), [label], "score"))
    assert cut in texts(plots.cost_scatter(costs([label, "b"]), "s", "y", True))
    assert plots.shorten(label, 22) in texts(plots.budget_lines(budget([label]), [label], "y"))


@given(st.lists(st.floats(-200, 500), max_size=12).map(sorted), st.floats(50, 400))
def test_labels_stay_inside_if_they_fit_and_apart_in_any_case(
    places: list[float], height: float
) -> None:
    kept = style.spread_out(places, 16.0, height)
    assert len(kept) == len(places) and (np.diff(kept) >= 16 - 1e-6).all()
    if kept and 16.0 * (len(kept) - 1) <= height:
        assert kept[0] >= -1e-6 and kept[-1] <= height + 1e-6
