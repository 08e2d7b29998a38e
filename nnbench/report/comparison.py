"""Two results folders side by side: what changed, and which differences are real, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.report.analysis import generators
from nnbench.report.page.html import render_page
from nnbench.report.page.numbers import measured
from nnbench.report.page.parts import (
    Code,
    Column,
    Page,
    Paragraph,
    Section,
    Table,
    TableCell,
    paragraph,
)
from nnbench.report.page.table_cells import known
from nnbench.report.page.words import amount, listed
from nnbench.results.read import ReportError, Results
from nnbench.stats.compare import (
    ARM,
    BETTER,
    LESS,
    LEVEL,
    MORE,
    TIE,
    UNDEFINED,
    WORSE,
    compare_pairs,
    failures,
    regressions,
)
from nnbench.stats.matching import Matched, changes, match_cells
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of

MOST_ARMS = 10  # that are printed, of those that differ
MOST_TEXT = 60  # characters of a changed setting
METHOD = (
    "Each row compares the same settings in a and b. A difference counts as real if its interval "
    "excludes zero and its p-value is below 0.05: the overall one uncorrected, those of levels and "
    "configurations corrected together. Intervals are 95 % over blocks of one data set and "
    "seed. Failed: diverged or crashed. Of single configurations, only those that differ are shown."
)


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison found; `rows` are of `nnbench.stats.compare`, b against a."""

    names: tuple[str, str]
    metric: str
    changed: list[tuple[str, str, str]]
    matched: Matched
    rows: pd.DataFrame
    unfinished: int = 0  # cells of b's study that have not run

    @property
    def regressions(self) -> pd.DataFrame:
        """The rows in which b is really worse, or fails really more often."""
        return regressions(self.rows)

    @property
    def complaint(self) -> str:
        """Say why b may not take the place of a, or nothing where it may.

        A b of which nothing can be told does not pass: not one that has no results left, nor one
        that differs with too few seeds to tell. Nor does one that lacks cells: what a broken change
        never ran cannot have got worse.
        """
        worse = len(self.regressions)
        if worse:
            where = amount(worse, "row")
            return f"B is really worse than A, or really fails more often, in {where}"
        if self.unfinished:
            missing = amount(self.unfinished, "result")
            return f"B is unfinished: {missing} of its study not run yet"
        if self.matched.only_a:
            lacking = amount(self.matched.only_a, "result")
            return f"B lacks {lacking} that A has, and a missing result proves nothing"
        overall = self.rows.iloc[0]
        if overall["verdict"] == UNDEFINED and self.matched.pairs["value_a"].notna().any():
            reason = str(overall["reason"]).removeprefix("undefined: ")
            return f"cannot tell whether B is worse than A: {reason}"
        return ""

    def document(self) -> dict[str, Any]:
        """For programs: plain data, null where there is no number."""
        pairs = self.matched.pairs
        rows = self.rows.drop(columns=["largest"]).to_dict("records")
        return {
            "a": self.names[0],
            "b": self.names[1],
            "metric": self.metric,
            "changed": [{"name": name, "a": a, "b": b} for name, a, b in self.changed],
            "matched": len(pairs),
            "same_recipe": int(pairs["same_recipe"].sum()),
            "only_a": self.matched.only_a,
            "only_b": self.matched.only_b,
            "regressions": len(self.regressions),
            "rows": [{str(key): _null(value) for key, value in row.items()} for row in rows],
        }


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def compare_results(a: Results, b: Results, metric: str | None = None) -> Comparison:
    """Compare two results on the metric that both declared, or on the one named.

    Networks of fewer rows are compared like any others. Raises ReportError where results have no
    kind, metric or cell in common.
    """
    a, b = a.with_smaller(), b.with_smaller()
    kinds = [study_kind_of(results.study) for results in (a, b)]
    if kinds[0] != kinds[1]:
        raise ReportError(f"{a.folder} is a {kinds[0]} study and {b.folder} a {kinds[1]} one")
    chosen = metric or _common_metric(a, b)
    for results in (a, b):
        if chosen not in stats.METRICS or chosen not in results.cells:
            raise ReportError(f"{results.folder} has no metric {chosen!r}")
    factors = dict.fromkeys([*(a.study.get("factors") or {}), *(b.study.get("factors") or {})])
    has_blocks = STUDY_KINDS[kinds[0]].has_chance
    try:
        matched = match_cells(a.cells, b.cells, list(factors), chosen, has_blocks)
    except ValueError as problem:
        raise ReportError(f"{a.folder} and {b.folder}: {problem}") from None
    if matched.pairs.empty:
        raise ReportError(
            f"{a.folder} and {b.folder} have no results in common: {_why_apart(a.cells, b.cells)}"
        )
    rows = compare_pairs(
        matched.pairs,
        {factor: _levels(a, b, factor) for factor in matched.factors},
        stats.METRICS[chosen].higher_is_better,
        generators(a, "compare"),
        is_exact=not stats.METRICS[chosen].has_chance,
    )
    changed = [*matched.changed, *changes(a.provenance, b.provenance)]
    unfinished = int((b.provenance.get("counts") or {}).get("missing") or 0)
    return Comparison((str(a.folder), str(b.folder)), chosen, changed, matched, rows, unfinished)


def _why_apart(a: pd.DataFrame, b: pd.DataFrame) -> str:
    """Why the cells of two results have no pair, and the way out where only their seeds differ."""
    if "seed" in a and "seed" in b and not (first := set(a["seed"])) & (second := set(b["seed"])):
        seeds = " and ".join(listed([str(seed) for seed in sorted(of)]) for of in (first, second))
        return f"their seeds differ ({seeds}): run both with the same seeds"
    return "no two recipes agree in everything that varies"


def _levels(a: Results, b: Results, factor: str) -> list[str]:
    """The levels of a factor in the order of the study files, a's first."""
    declared = [(results.study.get("factors") or {}).get(factor) or [] for results in (a, b)]
    return list(dict.fromkeys([*declared[0], *declared[1]]))


def _common_metric(a: Results, b: Results) -> str:
    first, second = (str((results.study.get("report") or {}).get("metric")) for results in (a, b))
    if first != second:
        raise ReportError(
            f"{a.folder} ranks on {first} and {b.folder} on {second}: "
            f"choose one with --metric {first}"
        )
    return first


# Words ------------------------------------------------------------------------------------------


def comparison_page(both: Comparison) -> str:
    """The comparison as a page of its own."""
    first, second = both.names
    return render_page(
        Page(
            kicker="nnbench · comparison",
            title=f"{Path(first).name} against {Path(second).name}",
            answer=answer(both),
            notes=[paragraph("a: ", Code(first), ", b: ", Code(second), ".")],
            trust=[],
            sections=[
                Section("changed", "What changed", [_changed(both)]),
                Section("differences", "Differences", [paragraph(METHOD), _differences(both)]),
            ],
        )
    )


def _changed(both: Comparison) -> Table | Paragraph:
    if not both.changed:
        return paragraph("Nothing: settings, sources and versions are the same.")
    return Table([Column("setting"), Column("a"), Column("b")], both.changed)


def _differences(both: Comparison) -> Table:
    shown, hidden = shown_rows(both)
    rows: list[list[TableCell | str]] = []
    for row in shown.to_dict("records"):
        place, level, size, count, failed, _ = _cells_of(row)
        note = f"fails {row['failed_verdict']}" if row["failed_verdict"] else ""
        verdict = TableCell(str(row["verdict"]), is_verdict=True, note=note)
        effect = TableCell(size, value=known(row["effect"]))
        rows.append([place, level, effect, count, failed.replace("->", "→"), verdict])
    names = ("factor", "level", "b minus a, 95 %", "pairs", "failed", "verdict")
    columns = [Column(name, 2 <= place < 5) for place, name in enumerate(names)]
    note = f"{hidden:,} more configurations differ." if hidden else ""
    return Table(columns, rows, note=note, has_tools=True)


def comparison_lines(both: Comparison) -> list[str]:
    """The comparison as lines of text, the answer first."""
    a, b = both.names
    lines = [*answer(both), "", f"a: {a}", f"b: {b}"]
    lines += [f"  {name}: {_cut(old)} -> {_cut(new)}" for name, old, new in both.changed]
    if not both.changed:
        lines.append("  nothing changed: settings, sources and versions are the same")
    is_quiet = both.rows["verdict"].eq(TIE).all() and not both.rows["failed_verdict"].any()
    return lines if is_quiet else [*lines, "", *_aligned(table_rows(both))]


def answer(both: Comparison) -> list[str]:
    """What matters in a few sentences: how much is compared, and what is real."""
    pairs, rows = both.matched.pairs, both.rows
    label = stats.METRICS[both.metric].label
    same = int(pairs["same_recipe"].sum())
    equal = int((pairs["difference"] == 0).sum())
    sentences = [
        f"{len(pairs):,} results are in both ({same:,} with the same recipe), "
        f"{both.matched.only_a:,} only in a, {both.matched.only_b:,} only in b; "
        f"{equal:,} have exactly the same {label}."
    ]
    overall = rows.iloc[0]
    word = overall["reason"] or overall["verdict"]
    sentences.append(f"Overall, {label} of b minus a: {_size(overall)}, {_pairs(overall)}: {word}.")
    for kind, noun in ((LEVEL, "level"), (ARM, "configuration")):
        part = rows[rows["kind"] == kind]
        if len(part):
            sentences.append(_counted(part, noun))
    if overall["failed_verdict"]:
        sentences.append(
            f"Overall, b really fails {overall['failed_verdict']}: "
            f"{_failed(overall, 'b')} in b, {_failed(overall, 'a')} in a."
        )
    return sentences


def _failed(row: Any, side: str) -> str:
    return f"{row[f'diverged_{side}']:,} diverged and {row[f'crashed_{side}']:,} crashed"


def _counted(rows: pd.DataFrame, noun: str) -> str:
    better, worse = (int(rows["verdict"].eq(word).sum()) for word in (BETTER, WORSE))
    more, less = (int(rows["failed_verdict"].eq(word).sum()) for word in (MORE, LESS))
    text = f"Of {amount(len(rows), noun)}, b is really better in {better:,} and worse in {worse:,}"
    if more or less:
        text += f"; it really fails more often in {more:,}, less often in {less:,}"
    return f"{text}."


def _pairs(row: Any) -> str:
    """`24 pairs`, or where some are lost `20 of 24 pairs`."""
    whole = amount(row["n"], "pair")
    return whole if row["n_ok"] == row["n"] else f"{row['n_ok']:,} of {whole}"


def _size(row: Any) -> str:
    """A row's difference with its interval."""
    if math.isnan(row["effect"]):
        return "no difference to measure"
    return measured(row["effect"], row["low"], row["high"], signed=True)


def shown_rows(both: Comparison) -> tuple[pd.DataFrame, int]:
    """The rows to show, and how many differing arms are left out.

    All rows overall and by level; of the arms only those that differ, the largest first.
    """
    rows = both.rows
    arms = rows[rows["kind"] == ARM]
    differ = arms[arms["verdict"].isin([BETTER, WORSE]) | arms["failed_verdict"].ne("")]
    order = differ["effect"].abs().fillna(np.inf).sort_values(ascending=False, kind="stable").index
    kept = order[:MOST_ARMS]
    return pd.concat([rows[rows["kind"] != ARM], arms.loc[kept]]), len(order) - len(kept)


def table_rows(both: Comparison) -> list[tuple[str, ...]]:
    """The table as text: a head, then a row each."""
    shown, hidden = shown_rows(both)
    table: list[tuple[str, ...]] = [
        ("", "", "b minus a, 95 %", "pairs", "failed", "verdict"),
        *(_cells_of(row) for row in shown.to_dict("records")),
    ]
    if hidden:
        table.append(("", f"{hidden:,} more configurations differ", "", "", "", ""))
    return table


def _cells_of(row: Any) -> tuple[str, ...]:
    verdict = row["verdict"]
    if row["failed_verdict"]:
        verdict += f", fails {row['failed_verdict']}"
    in_a, in_b = failures(row)
    failed = f"{in_a:,} -> {in_b:,}" if in_a or in_b else ""
    place = "configuration" if row["kind"] == ARM else row["factor"] or row["kind"]
    size, count = _size(row), f"{row['n_ok']:,}/{row['n']:,}"
    return place, row["level"], size, count, failed, verdict


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _cut(text: str) -> str:
    """A setting on one line, printable and not too long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= MOST_TEXT else f"{shown[: MOST_TEXT - 3]}..."
