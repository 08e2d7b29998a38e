"""The report of a numerics study: where each way to write the loss goes wrong, and how."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.plots import sweeps
from nnbench.report.other_kinds.page import Content, counted, special_page, with_columns
from nnbench.report.page import entries
from nnbench.report.page.numbers import MINUS, number, rounded
from nnbench.report.page.parts import (
    Column,
    Entry,
    Page,
    Picture,
    Section,
    Table,
    paragraph,
    picture,
)
from nnbench.report.study import sentences
from nnbench.results.read import Results

WRONG, RIGHT = "wrong", "right"
TABLED = (-1000, -100, -10, -1, 0, 1, 10, 100, 1000)  # logits of a table's rows
QUANTITIES = {"value": "loss", "gradient": "gradient"}


def sweep_page(results: Results) -> Page:
    """Return the page of a numerics study."""
    return special_page(results, sweep_content(results))


def sweep_content(results: Results) -> Content:
    """Return what the page of a numerics study shows."""
    results = with_columns(results, ("not_finite_from", "gradient_lost_from"))
    cells = ordered(results)
    dtypes = list(dict.fromkeys(cells["dtype"]))
    crashed = cells["status"] == "crashed"
    sound = cells[~crashed]
    sections = [
        Section(
            "ranges",
            "How far each is safe",
            [
                paragraph(
                    "Loss and gradient count as right while their relative errors are at most 1 % "
                    "(in bfloat16, four units of rounding: 3 %). A gradient is lost where less "
                    "than 1 % of the exact one is left, or no finite number. Where the exact "
                    "number is too small for the number type, nothing is asked of it."
                ),
                *(range_table(sound, side, dtypes) for side in dict.fromkeys(sound["answer"])),
                *([detail_table(sound, dtypes[0])] if (sound["answer"] == WRONG).any() else []),
            ],
        ),
        Section("sweeps", "Along the logits", pictures(results, sound, dtypes)),
        method_section(sound),
    ]
    trust = [
        ("sweeps finished", f"{len(sound):,} of {len(cells):,}"),
        ("crashed", f"{int(crashed.sum())}"),
        ("expressions", f"{cells['expression'].nunique()}"),
        ("number types", f"{len(dtypes)}"),
    ]
    return Content(answer(sound, dtypes[0], len(cells)), trust, sections)


def ordered(results: Results) -> pd.DataFrame:
    """Return the sweeps in the file's order, expressions first."""
    factors = results.study.get("factors") or {}
    cells = results.cells
    levels = {
        key: stats.order_levels(cells[key].astype(str), list(factors.get(key, [])))
        for key in ("expression", "dtype", "answer")
    }
    return stats.sort_by_levels(cells, levels)


# Sentences --------------------------------------------------------------------------------------


def answer(cells: pd.DataFrame, dtype: str, n: int) -> list[str]:
    """Return the answer: who is safe, who fails first and how, and what right answers do."""
    said = []
    for side in (WRONG, RIGHT):
        part = cells[(cells["dtype"] == dtype) & (cells["answer"] == side)]
        if part.empty:
            continue
        said += _side_sentences(part, dtype, side)
    others = cells[(cells["dtype"] != dtype) & (cells["answer"] == WRONG)]
    safe = others[others["safe_up_to"] >= others["limit"]]
    if len(others):
        said.append(
            f"In the other number types, {len(safe)} of {counted(len(others), 'sweeps')} of wrong "
            f"answers stay right to the end."
        )
    said.append(f"All {n:,} sweeps finished." if len(cells) == n else f"{n - len(cells)} crashed.")
    return said


def _side_sentences(part: pd.DataFrame, dtype: str, side: str) -> list[str]:
    safe = part[part["safe_up_to"] >= part["limit"]]
    rest = part[part["safe_up_to"] < part["limit"]].sort_values("safe_up_to", kind="stable")
    opening = f"In {dtype}, for {side} answers,"
    names = sentences.listed([str(name) for name in safe["expression"]] or ["no expression"])
    verb = "are" if len(safe) > 1 else "is"
    first = f"{opening} {names} {verb} right up to a logit of {part['limit'].max():,.0f}."
    if rest.empty:
        return [first]
    near = rest["safe_up_to"].min()
    if side == RIGHT:
        loss = f"{math.log1p(math.exp(-near)):.6f}".rstrip("0")
        who = f"all {len(part)} expressions" if safe.empty else f"{len(rest)} of {len(part)}"
        return [
            f"{opening} {who} are off by over 1 % somewhere beyond a logit of {number(near, 1)}; "
            f"the loss there is under {loss}, and little is lost with it."
        ]
    said: dict[str, list[str]] = {}
    for _, row in rest.iterrows():
        said.setdefault(failure(row), []).append(str(row["expression"]))
    clauses = [f"{sentences.listed(who)} {how}" for how, who in said.items()]
    return [first, f"Of the rest, by |logit|: {'; '.join(clauses)}."]


def failure(row: Any) -> str:
    """Say how an expression fails first, and from which |logit| on."""
    lost, broken = row["gradient_lost_from"], row["not_finite_from"]
    if pd.notna(lost) and not (pd.notna(broken) and broken < lost):
        return f"without a gradient from {number(lost, 1)}"
    if pd.notna(broken):
        return f"not finite from {number(broken, 1)}"
    return f"off by over 1 % from {number(row['safe_up_to'], 1)}"


# Tables and pictures ----------------------------------------------------------------------------


def range_table(cells: pd.DataFrame, answer: str, dtypes: list[str]) -> Table:
    """Return how far each expression is right, by number type."""
    columns = [Column("expression"), *(Column(dtype, True) for dtype in dtypes)]
    rows = []
    for expression, part in cells[cells["answer"] == answer].groupby("expression", sort=False):
        found = part.set_index("dtype")
        rows.append([str(expression), *(_range(found, dtype) for dtype in dtypes)])
    side = "The answer is wrong: right from 0 down to the logit"
    if answer == RIGHT:
        side = "The answer is right: right from 0 up to the logit"
    return Table(columns, rows, side)


def _range(found: pd.DataFrame, dtype: str) -> str:
    if dtype not in found.index:
        return ""
    row: Any = found.loc[dtype]
    if row["safe_up_to"] >= row["limit"]:
        return "everywhere"
    sign = MINUS if row["answer"] == WRONG else ""
    return f"{sign}{number(row['safe_up_to'], 1)}"


def detail_table(cells: pd.DataFrame, dtype: str) -> Table:
    """Return what goes wrong with wrong answers in one number type, and where."""
    columns = [
        Column("expression"),
        Column("loss not finite from", True),
        Column("gradient lost from", True),
        Column("worst error of the loss", True),
        Column("of the gradient", True),
    ]
    part = cells[(cells["answer"] == WRONG) & (cells["dtype"] == dtype)]
    rows = [
        [
            str(row["expression"]),
            logit_text(row["not_finite_from"]),
            logit_text(row["gradient_lost_from"]),
            error_text(row["max_relative_error"]),
            error_text(row["max_gradient_error"]),
        ]
        for _, row in part.iterrows()
    ]
    return Table(columns, rows, f"How they fail: wrong answers in {dtype}")


def logit_text(size: float) -> str:
    """Return the logit of a wrong answer, or that there is none."""
    return "never" if pd.isna(size) else f"{MINUS}{number(size, 1)}"


def error_text(error: float) -> str:
    """Return a relative error: `6.0·10⁻⁸`, `0.9 %` or, where nothing is left, `all of it`."""
    if error >= 1:
        return "all of it"
    return f"{100 * error:.2g} %" if error > 1e-4 else rounded(error)


def pictures(results: Results, cells: pd.DataFrame, dtypes: list[str]) -> list[Picture]:
    """Draw loss and gradient of every expression along the logits."""
    drawn = dtypes[: len(sweeps.DTYPE_COLORS)]
    keys = ["cell_id", "expression", "dtype", "answer"]
    curves = cells.loc[cells["dtype"].isin(drawn), keys].merge(results.curves, on="cell_id")
    expressions = list(dict.fromkeys(cells["expression"]))
    found = []
    for column, name in QUANTITIES.items():
        captions = {one: caption(cells, one, dtypes[0], column) for one in expressions}
        figure = sweeps.sweep_panels(curves, expressions, drawn, column, captions)
        title = picture_title(cells, dtypes[0], column)
        text = (
            f"The {name} of one example over the logit of its right class: left of 0 the answer is "
            f"wrong, right of it right. Both axes are linear near 0 and logarithmic beyond."
            if column == "value"
            else f"The {name} by the logit of the right class; the axis is linear up to 10 and "
            f"logarithmic beyond."
        )
        table = curve_table(curves, column, name)
        found.append(picture(figure, f"sweep{column}", title, text, table))
    return found


def curve_table(curves: pd.DataFrame, column: str, name: str) -> Table:
    """Return a quantity at a few logits: the exact one, and each number type's."""
    dtypes = list(dict.fromkeys(curves["dtype"]))
    columns = [Column("expression"), Column("logit", True), Column(f"exact {name}", True)]
    columns += [Column(dtype, True) for dtype in dtypes]
    rows: list[list[Entry | str]] = []
    for expression, part in curves.groupby("expression", sort=False):
        for wanted in TABLED:
            near = part.loc[(part["logit"] - wanted).abs().groupby(part["dtype"]).idxmin()]
            values = near.set_index("dtype")[column]
            exact = entries.plain(near[f"{column}64"].iloc[0])
            cells = [written(values.get(dtype)) for dtype in dtypes]
            rows.append([str(expression), entries.whole(wanted), exact, *cells])
    return Table(columns, rows, note="At the computed logits that are nearest to these.")


def written(value: float | None) -> Entry:
    """Return a computed number, also one that is none or infinite."""
    if value is None:
        return Entry("–")
    return entries.plain(value) if math.isfinite(value) else Entry(f"{value}".replace("-", MINUS))


def caption(cells: pd.DataFrame, expression: str, dtype: str, column: str) -> str:
    """Return a panel's second line: what happens for wrong answers in the first number type."""
    row = cells[
        (cells["expression"] == expression) & (cells["dtype"] == dtype) & (cells["answer"] == WRONG)
    ]
    if row.empty:
        return ""
    one = row.iloc[0]
    if column == "gradient":
        lost = one["gradient_lost_from"]
        return f"{dtype}: kept" if pd.isna(lost) else f"{dtype}: lost at {MINUS}{number(lost, 0)}"
    if one["max_relative_error"] <= 0.01:
        return f"{dtype}: right"
    broken = one["not_finite_from"]
    return (
        f"{dtype}: saturates"
        if pd.isna(broken)
        else f"{dtype}: broken at {MINUS}{number(broken, 0)}"
    )


def picture_title(cells: pd.DataFrame, dtype: str, column: str) -> str:
    """Return the finding of a picture: how many expressions go wrong for wrong answers."""
    part = cells[(cells["dtype"] == dtype) & (cells["answer"] == WRONG)]
    if column == "gradient":
        bad = part["gradient_lost_from"].notna()
        what = "lose the gradient of a confident wrong answer"
    else:
        bad = part["max_relative_error"] > 0.01
        what = "state the loss of a confident wrong answer wrongly"
    return f"In {dtype}, {int(bad.sum())} of {len(part)} expressions {what}"


def method_section(cells: pd.DataFrame) -> Section:
    """Say what is computed and what it is held against."""
    points = int(cells["points"].max())
    return Section(
        "method",
        "Method",
        [
            paragraph(
                "All expressions state one number, −log sigmoid(z), the loss of a class with "
                "logit z against one with logit 0. Each is computed in each number type at "
                f"{points:,} logits on either side of 0, denser near it, with autograd's gradient. "
                "The exact values are log(1 + e^−z) and −1 / (1 + e^z) in float64, written so "
                "that nothing overflows, at the logits as the number type holds them. Nothing is "
                "random here, so that there are no intervals: another run on the same machine and "
                "versions gives the same numbers."
            ),
        ],
    )
