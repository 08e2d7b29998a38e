"""The report of a numerics study: where each way to write the loss goes wrong, and how."""

import math
from typing import Any

import pandas as pd

from nnbench import stats
from nnbench.plots import sweeps
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import MINUS, number, rounded
from nnbench.report.page.parts import (
    Column,
    Page,
    Picture,
    Section,
    Table,
    TableCell,
    paragraph,
    picture,
    table_of,
)
from nnbench.report.page.words import amount, listed
from nnbench.report.study.trust import whole_page
from nnbench.results.read import Results

WRONG, RIGHT = "wrong", "right"
TABLED = (-1000, -100, -10, -1, 0, 1, 10, 100, 1000)  # logits of a table's rows
QUANTITIES = {"value": "loss", "gradient": "gradient"}


def sweep_page(results: Results) -> Page:
    """The page of a numerics study."""
    results = results.with_columns(("not_finite_from", "gradient_lost_from"))
    cells = ordered(results)
    dtypes = list(dict.fromkeys(cells["dtype"]))
    crashed = cells["status"] == "crashed"
    sound = cells[~crashed]
    drawn = pictures(results, sound, dtypes)
    sections = [
        _range_section(sound, dtypes),
        Section("sweeps", "Along the logits", drawn),
        method_section(sound),
    ]
    trust = [
        ("sweeps finished", f"{len(sound):,} of {len(cells):,}"),
        ("crashed", f"{int(crashed.sum())}"),
        ("expressions", f"{cells['expression'].nunique()}"),
        ("number types", f"{len(dtypes)}"),
    ]
    said = answer(sound, dtypes[0], len(cells))
    return whole_page(results, said, trust, sections, lead=drawn[0])


def ordered(results: Results) -> pd.DataFrame:
    """The sweeps in the file's order, expressions first."""
    factors = results.study.get("factors") or {}
    cells = results.cells
    levels = {
        key: stats.order_levels(cells[key].astype(str), list(factors.get(key, [])))
        for key in ("expression", "dtype", "answer")
    }
    return stats.sort_by_levels(cells, levels)


# Sentences --------------------------------------------------------------------------------------


def answer(cells: pd.DataFrame, dtype: str, n: int) -> list[str]:
    """Who is safe, who fails first and how, and what right answers do; then what finished."""
    said = []
    for side in (WRONG, RIGHT):
        part = cells[(cells["dtype"] == dtype) & (cells["answer"] == side)]
        said += [] if part.empty else _side_sentences(part, dtype, side)
    others = cells[(cells["dtype"] != dtype) & (cells["answer"] == WRONG)]
    safe = others[others["safe_up_to"] >= others["limit"]]
    if len(others):
        said.append(
            f"In the other number types, {len(safe)} of {amount(len(others), 'sweep')} of wrong "
            f"answers {'stays' if len(safe) == 1 else 'stay'} right over the whole range."
        )
    said.append(f"All {n:,} sweeps finished." if len(cells) == n else f"{n - len(cells)} crashed.")
    return said


def _side_sentences(part: pd.DataFrame, dtype: str, side: str) -> list[str]:
    safe = part[part["safe_up_to"] >= part["limit"]]
    rest = part[part["safe_up_to"] < part["limit"]].sort_values("safe_up_to", kind="stable")
    opening = f"In {dtype}, for {side} answers,"
    names = listed([str(name) for name in safe["expression"]] or ["no expression"])
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
            f"the loss there is under {loss}, so it matters little."
        ]
    said: dict[str, list[str]] = {}
    for _, row in rest.iterrows():
        said.setdefault(failure(row), []).append(str(row["expression"]))
    clauses = [f"{listed(who)} {how}" for how, who in said.items()]
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


def _range_section(cells: pd.DataFrame, dtypes: list[str]) -> Section:
    said = paragraph(
        "Loss and gradient count as right while their relative errors are at most 1 % "
        "(in bfloat16, four units of rounding: 3 %). A gradient is lost where less "
        "than 1 % of the exact one is left, or it is not finite. Where the exact "
        "number is too small for the number type, nothing is required. There are therefore three "
        "limits: up to where loss and gradient are right, from where the gradient is lost, and "
        "from where the loss is not finite. The first is in the tables of ranges, the others in "
        "the table of failures; the answer above names what each expression loses first."
    )
    tables = [range_table(cells, side, dtypes) for side in dict.fromkeys(cells["answer"])]
    if (cells["answer"] == WRONG).any():
        tables.append(detail_table(cells, dtypes[0]))
    return Section("ranges", "How far each is safe", [said, *tables])


def range_table(cells: pd.DataFrame, answer: str, dtypes: list[str]) -> Table:
    """How far each expression is right, by number type."""
    sides = cells[cells["answer"] == answer]
    ends = sides.assign(end=[_range(row) for _, row in sides.iterrows()])
    table = ends.pivot_table(
        index="expression", columns="dtype", values="end", aggfunc="first", sort=False
    )
    table = table.reindex(columns=dtypes).fillna("").reset_index()
    side = "The answer is wrong: right from 0 down to the logit"
    if answer == RIGHT:
        side = "The answer is right: right from 0 up to the logit"
    return table_of(table, [Column("expression"), *(Column(d, True) for d in dtypes)], side)


def _range(row: Any) -> str:
    if row["safe_up_to"] >= row["limit"]:
        return "everywhere"
    sign = MINUS if row["answer"] == WRONG else ""
    return f"{sign}{number(row['safe_up_to'], 1)}"


def detail_table(cells: pd.DataFrame, dtype: str) -> Table:
    """What goes wrong with wrong answers in one number type, and where."""
    part = cells[(cells["answer"] == WRONG) & (cells["dtype"] == dtype)]
    columns = [
        Column("expression"),
        Column("loss not finite from", True, lambda row: logit_text(row["not_finite_from"])),
        Column("gradient lost from", True, lambda row: logit_text(row["gradient_lost_from"])),
        Column("worst error of the loss", True, lambda row: error_text(row["max_relative_error"])),
        Column("of the gradient", True, lambda row: error_text(row["max_gradient_error"])),
    ]
    return table_of(part, columns, f"How they fail: wrong answers in {dtype}")


def logit_text(size: float) -> str:
    """The logit of a wrong answer, or that there is none."""
    return "never" if pd.isna(size) else f"{MINUS}{number(size, 1)}"


def error_text(error: float) -> str:
    """A relative error: `6.0·10⁻⁸`, `0.9 %` or, where nothing is left, `all of it`."""
    if error >= 1:
        return "all of it"
    return f"{100 * error:.2g} %" if error > 1e-4 else rounded(error)


def pictures(results: Results, cells: pd.DataFrame, dtypes: list[str]) -> list[Picture]:
    """Draw loss and gradient of every expression along the logits."""
    drawn = dtypes[: len(sweeps.DTYPE_COLORS)]
    keys = ["cell_id", "expression", "dtype", "answer"]
    curves = cells.loc[cells["dtype"].isin(drawn), keys].merge(results.curves, on="cell_id")
    expressions = list(dict.fromkeys(cells["expression"]))
    parts = []
    for column, name in QUANTITIES.items():
        captions = {one: caption(cells, one, dtypes[0], column) for one in expressions}
        figure = sweeps.sweep_panels(curves, expressions, drawn, column, captions)
        title = picture_title(cells, dtypes[0], column)
        text = (
            f"The {name} of one example against the logit of its true class: below 0 the answer is "
            f"wrong, above 0 right. Both axes are linear near 0 and logarithmic beyond."
            if column == "value"
            else f"The {name} against the logit of the true class; the axis is linear up to 10 and "
            f"logarithmic beyond."
        )
        table = curve_table(curves, column, name)
        parts.append(picture(figure, f"sweep{column}", title, text, table))
    return parts


def curve_table(curves: pd.DataFrame, column: str, name: str) -> Table:
    """A quantity at a few logits: the exact one, and each number type's."""
    rows = []
    for expression, part in curves.groupby("expression", sort=False):
        for wanted in TABLED:
            near = part.loc[(part["logit"] - wanted).abs().groupby(part["dtype"]).idxmin()]
            exact = near[f"{column}64"].iloc[0]
            values = near.set_index("dtype")[column].to_dict()
            rows.append({"expression": expression, "logit": wanted, "exact": exact} | values)

    def computed(dtype: str) -> Column:
        return Column(dtype, True, lambda row: written(row.get(dtype)))

    columns = [
        Column("expression"),
        Column("logit", True, lambda row: table_cells.whole(row["logit"])),
        Column(f"exact {name}", True, lambda row: table_cells.plain(row["exact"])),
        *map(computed, dict.fromkeys(curves["dtype"])),
    ]
    return table_of(rows, columns, note="At the computed logits nearest to these.")


def written(value: float | None) -> TableCell:
    """A computed number, also one that is none or infinite."""
    if value is None:
        return table_cells.NOTHING
    return (
        table_cells.plain(value)
        if math.isfinite(value)
        else TableCell(f"{value}".replace("-", MINUS))
    )


def caption(cells: pd.DataFrame, expression: str, dtype: str, column: str) -> str:
    """A panel's second line: what happens for wrong answers in the first number type."""
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
    how = "saturates" if pd.isna(broken) else f"broken at {MINUS}{number(broken, 0)}"
    return f"{dtype}: {how}"


def picture_title(cells: pd.DataFrame, dtype: str, column: str) -> str:
    """The finding of a picture: how many expressions go wrong for wrong answers."""
    part = cells[(cells["dtype"] == dtype) & (cells["answer"] == WRONG)]
    if column == "gradient":
        bad = part["gradient_lost_from"].notna()
        what = f"{'loses' if bad.sum() == 1 else 'lose'} the gradient of a confident wrong answer"
    else:
        bad = part["max_relative_error"] > 0.01
        verb = "misstates" if bad.sum() == 1 else "misstate"
        what = f"{verb} the loss of a confident wrong answer"
    return f"In {dtype}, {int(bad.sum())} of {len(part)} expressions {what}"


def method_section(cells: pd.DataFrame) -> Section:
    """Say what is computed and what it is held against."""
    points = int(cells["points"].max())
    return Section(
        "method",
        "Method",
        [
            paragraph(
                "All expressions compute one number, −log sigmoid(z), the loss of a class with "
                "logit z against one with logit 0. Each is computed in each number type at "
                f"{points:,} logits on either side of 0, denser near it, with autograd's gradient. "
                "The exact values are log(1 + e^−z) and −1 / (1 + e^z) in float64, written so "
                "that nothing overflows, at the logits as the number type holds them. Nothing is "
                "random here, so there are no intervals: another run on the same machine and "
                "versions gives the same numbers."
            ),
        ],
    )
