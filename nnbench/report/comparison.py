"""Two results folders side by side: what changed, and which differences are real, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnbench import stats
from nnbench.report.page.html import render
from nnbench.report.page.numbers import decimals_for, interval, number
from nnbench.results.read import ReportError, Results
from nnbench.seeds import numpy_generator
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
        """Return the rows in which b is really worse, or fails really more often."""
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
            where = "1 row" if worse == 1 else f"{worse} rows"
            return f"B is really worse than A, or fails really more often, in {where}"
        if self.unfinished:
            return f"B is unfinished: {_cells_said(self.unfinished)} of its study did not run yet"
        if lacking := self.matched.only_a:
            return f"B lacks {_cells_said(lacking)} that A has, and what did not run proves nothing"
        overall = self.rows.iloc[0]
        if overall["verdict"] == UNDEFINED and self.matched.pairs["value_a"].notna().any():
            reason = str(overall["reason"]).removeprefix("undefined: ")
            return f"whether B is worse than A cannot be told: {reason}"
        return ""

    def document(self) -> dict[str, Any]:
        """Return the comparison as plain data, null where there is no number."""
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


def _cells_said(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def compare_results(a: Results, b: Results, metric: str | None = None) -> Comparison:
    """Compare two results on the metric that both declared, or on the one named.

    Raises ReportError where they have no kind, metric or cell in common.
    """
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
            f"{a.folder} and {b.folder} have no cell in common: no recipe agrees in all that varies"
        )
    rows = compare_pairs(
        matched.pairs,
        {factor: _levels(a, b, factor) for factor in matched.factors},
        stats.METRICS[chosen].higher_is_better,
        _generators(int(a.study.get("seed") or 0)),
        is_exact=not stats.METRICS[chosen].has_chance,
    )
    changed = [*matched.changed, *changes(a.provenance, b.provenance)]
    unfinished = int((b.provenance.get("counts") or {}).get("missing") or 0)
    return Comparison((str(a.folder), str(b.folder)), chosen, changed, matched, rows, unfinished)


def _levels(a: Results, b: Results, factor: str) -> list[str]:
    """Return the levels of a factor in the order of the study files, a's first."""
    declared = [(results.study.get("factors") or {}).get(factor) or [] for results in (a, b)]
    return list(dict.fromkeys([*declared[0], *declared[1]]))


def _common_metric(a: Results, b: Results) -> str:
    found = [str((results.study.get("report") or {}).get("metric")) for results in (a, b)]
    if found[0] != found[1]:
        raise ReportError(
            f"{a.folder} ranks on {found[0]} and {b.folder} on {found[1]}: "
            f"choose one with --metric {found[0]}"
        )
    return found[0]


def _generators(seed: int) -> stats.GeneratorFor:
    def generator_for(purpose: str) -> np.random.Generator:
        return numpy_generator(seed, f"compare/{purpose}", "", 0)

    return generator_for


# Words ------------------------------------------------------------------------------------------


def comparison_page(found: Comparison) -> str:
    """Return the comparison as a page."""
    head, *rows = table_rows(found)
    return render(
        "report/comparison.html.j2",
        title=f"{Path(found.names[0]).name} against {Path(found.names[1]).name}",
        names=found.names,
        answer=answer(found),
        changed=found.changed,
        head=head[2:],
        rows=rows,
        marks={BETTER: "▲", WORSE: "▼"},
    )


def comparison_lines(found: Comparison) -> list[str]:
    """Return the comparison as lines of text, the answer first."""
    a, b = found.names
    lines = [*answer(found), "", f"a: {a}", f"b: {b}"]
    lines += [f"  {name}: {_cut(old)} -> {_cut(new)}" for name, old, new in found.changed]
    if not found.changed:
        lines.append("  nothing changed: settings, sources and versions are the same")
    is_quiet = found.rows["verdict"].eq(TIE).all() and not found.rows["failed_verdict"].any()
    return lines if is_quiet else [*lines, "", *_aligned(table_rows(found))]


def answer(found: Comparison) -> list[str]:
    """Return what matters in a few sentences: how much is compared, and what is real."""
    pairs, rows = found.matched.pairs, found.rows
    label = stats.METRICS[found.metric].label
    same = int(pairs["same_recipe"].sum())
    equal = int((pairs["difference"] == 0).sum())
    sentences = [
        f"{len(pairs):,} cells are in both ({same:,} of the very same recipe), "
        f"{found.matched.only_a:,} only in a, {found.matched.only_b:,} only in b; "
        f"{equal:,} have exactly the same {label}."
    ]
    overall = rows.iloc[0]
    word = overall["reason"] or overall["verdict"]
    sentences.append(f"Overall, {label} of b minus a: {_effect(overall)}: {word}.")
    for kind, noun in ((LEVEL, "level"), (ARM, "arm")):
        part = rows[rows["kind"] == kind]
        if len(part):
            sentences.append(_counted(part, noun))
    if overall["failed_verdict"]:
        sentences.append(
            f"Overall, b fails really {overall['failed_verdict']}: "
            f"{_failed(overall, 'b')} in b, {_failed(overall, 'a')} in a."
        )
    return sentences


def _failed(row: Any, side: str) -> str:
    return f"{row[f'diverged_{side}']:,} diverged and {row[f'crashed_{side}']:,} crashed"


def _counted(rows: pd.DataFrame, noun: str) -> str:
    better, worse = (int(rows["verdict"].eq(word).sum()) for word in (BETTER, WORSE))
    more, less = (int(rows["failed_verdict"].eq(word).sum()) for word in (MORE, LESS))
    nouns = f"{noun}s" if len(rows) != 1 else noun
    text = f"Of {len(rows):,} {nouns}, b is really better in {better:,} and worse in {worse:,}"
    if more or less:
        text += f"; it fails really more often in {more:,}, less often in {less:,}"
    return f"{text}."


def _effect(row: Any) -> str:
    """Return size, interval and count of a row."""
    count = f"n {row['n_ok']:,}/{row['n']:,}"
    if math.isnan(row["effect"]):
        return f"no difference exists, {count}"
    if math.isnan(row["low"]):
        return f"{number(row['effect'], signed=True)}, {count}"
    places = decimals_for([row["effect"]], [(row["high"] - row["low"]) / 2])
    size = number(row["effect"], places, signed=True)
    return f"{size} {interval(row['low'], row['high'], places)}, {count}"


def shown_rows(found: Comparison) -> tuple[pd.DataFrame, int]:
    """Return the rows to show, and how many differing arms are left out.

    All rows overall and by level; of the arms only those that differ, the largest first.
    """
    rows = found.rows
    arms = rows[rows["kind"] == ARM]
    differ = arms[arms["verdict"].isin([BETTER, WORSE]) | arms["failed_verdict"].ne("")]
    order = differ["effect"].abs().fillna(np.inf).sort_values(ascending=False, kind="stable").index
    kept = order[:MOST_ARMS]
    return pd.concat([rows[rows["kind"] != ARM], arms.loc[kept]]), len(order) - len(kept)


def table_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Return the table as text: a head, then a row each."""
    shown, hidden = shown_rows(found)
    table: list[tuple[str, ...]] = [
        ("", "", "b minus a, 95 %", "pairs", "failed", "verdict"),
        *(_cells_of(row) for row in shown.to_dict("records")),
    ]
    if hidden:
        table.append(("", f"and {hidden:,} more arms that differ", "", "", "", ""))
    return table


def _cells_of(row: Any) -> tuple[str, ...]:
    size, _, count = _effect(row).rpartition(", n ")
    verdict = row["verdict"]
    if row["failed_verdict"]:
        verdict += f", fails {row['failed_verdict']}"
    in_a, in_b = failures(row)
    failed = f"{in_a:,} -> {in_b:,}" if in_a or in_b else ""
    place = "arm" if row["kind"] == ARM else row["factor"] or row["kind"]
    return place, row["level"], size, count, failed, verdict


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _cut(text: str) -> str:
    """Return a setting on one line, printable and not too long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= MOST_TEXT else f"{shown[: MOST_TEXT - 3]}..."
