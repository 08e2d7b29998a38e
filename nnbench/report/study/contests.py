"""Who can be told from whom: mean ranks, differences of every pair, performance profiles."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nnbench import plots, stats
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import number
from nnbench.report.page.parts import Column, Picture, Table, picture, table_of
from nnbench.report.page.units import difference_unit
from nnbench.report.page.words import amount, capital, in_words, listed, spoken
from nnbench.report.study.sentences import CLEAR, effect_text, strongest

MOST_CONTESTING_ARMS = 8  # more arms than that: the levels of one factor contend
MOST_IN_MATRIX = 12
MOST_NAMED = 4  # in a sentence
JOIN = " / "
UNEVEN = (
    " They had unequal numbers of settings to choose from, so each network here uses the setting "
    "that does best on the other half of the seeds."
)


@dataclass(frozen=True)
class Contest:
    """Who contends: the factors whose levels make a contestant, and the baseline among them.

    names: what each contestant is called on the page, the baseline too, by its label. cells: those
    that all contestants have; aside: who has too few of them, and what is in no comparison.
    """

    by: list[str]
    baseline: str
    names: Mapping[str, str]
    cells: pd.DataFrame
    aside: str = ""

    @property
    def what(self) -> str:
        """The contestants in words."""
        return f"levels of {in_words(self.by[0])}" if len(self.by) == 1 else "configurations"

    def named(self, frame: pd.DataFrame) -> pd.Series:
        """What the contestant of each row is called."""
        return stats.contestant_labels(frame, self.by).map(self.names)


def contest_of(analysis: Analysis) -> Contest:
    """Who contends: the arms where they are few, else the levels of one factor.

    That is the most important factor with three levels, or the most important one.
    """
    varied = analysis.varied
    arms = len(analysis.labelled[varied].drop_duplicates())
    rich = [f for f in varied if len(analysis.levels[f]) > 2]
    by = varied if arms <= MOST_CONTESTING_ARMS else [*rich, *varied][:1]
    names, shared = arm_names(analysis.labelled, by), analysis.shared(by)
    aside = aside_said(shared, names)
    if shared.cells[stats.SETTINGS].nunique() > 1:
        shared, aside = analysis.shared(by, across=True), aside + UNEVEN
    return Contest(by, baseline_name(analysis, by), names, shared.cells, aside)


def baseline_name(analysis: Analysis, by: Sequence[str]) -> str:
    """What the arm of the factors' baselines is called."""
    return JOIN.join(spoken(f, analysis.baselines[f]) for f in by)


def aside_said(shared: stats.Shared, names: Mapping[str, str]) -> str:
    """Say who ran on too few of the cells to compare, and what no comparison has; or nothing."""
    told = ""
    if shared.left_out:
        told = f" Compared only where all of them ran: not {shared.left_out}."
    if not shared.partial:
        return told
    kept = list(shared.partial.items())[:MOST_NAMED]
    parts = [f"{names.get(level, level)} ({only})" for level, only in kept]
    if len(shared.partial) > MOST_NAMED:
        parts.append(f"{len(shared.partial) - MOST_NAMED} more")
    return f"{told} Not compared (ran on too little of the grid): {listed(parts)}."


def named(frame: pd.DataFrame, factors: Sequence[str]) -> pd.Series:
    """What the combination of the factors' levels in each row is called."""
    return stats.contestant_labels(frame, factors).map(arm_names(frame, factors))


def arm_names(frame: pd.DataFrame, factors: Sequence[str]) -> dict[str, str]:
    """What each combination of the factors' levels is called, by its label.

    A bare number takes its factor's name: `epochs 100 / rmsprop`, not `100 / rmsprop`.
    """
    arms = frame[list(factors)].drop_duplicates()
    words = arms.apply(lambda column: [spoken(str(column.name), str(x)) for x in column])
    labels, names = (stats.contestant_labels(part, factors) for part in (arms, words))
    return dict(zip(labels, names, strict=True))


def few(names: Sequence[str], baseline: str) -> tuple[list[str], str]:
    """At most 7 of the names, best first, with the baseline in front; and what is left out.

    Of more, the best ones, the baseline and the worst.
    """
    first = [baseline] if baseline in names else []
    others = [name for name in names if name != baseline]
    room = plots.MOST_SERIES - len(first)
    if len(others) <= room:
        return [*first, *others], ""
    kept = [*first, *others[: room - 1], others[-1]]
    return kept, f" Shown: the best {room - 1} of {len(names)}, the baseline and the worst."


# Ranks ------------------------------------------------------------------------------------------


def best_of(contest: Contest, analysis: Analysis, arms: pd.DataFrame | None) -> str:
    """Who leads the table of all arms, where these are the ones that contend."""
    if arms is None or contest.by != analysis.varied or arms.empty:
        return ""
    return str(contest.named(arms.head(1)).iloc[0])


def rank_picture(
    analysis: Analysis, contest: Contest, arms: pd.DataFrame | None = None
) -> Picture | None:
    """Draw mean ranks with cliques, or where blocks are few the differences of every pair.

    None where pairs are too many for that: no rank test could reach significance.
    """
    problems = stats.problem_scores(
        contest.cells, contest.by, analysis.metric, analysis.factors
    ).rename(columns=contest.names)
    scores = stats.block_scores(problems)
    if scores.shape[1] < 2 or scores.empty:
        return None
    pairs = math.comb(min(scores.shape[1], stats.MOST_CONTESTANTS), 2)
    least_p = 2.0 ** (1 - len(scores)) * pairs  # of Wilcoxon's exact test, corrected for all pairs
    is_blind = len(scores) < stats.LEAST_BLOCKS or least_p >= stats.ALPHA
    if not is_blind:
        return ladder_picture(problems, contest, best_of(contest, analysis, arms))
    return matrix_picture(analysis, contest) if scores.shape[1] <= MOST_IN_MATRIX else None


def ladder_picture(problems: pd.DataFrame, contest: Contest, best: str = "") -> Picture:
    """Draw mean ranks, and which of them do not differ clearly. best: who leads the table."""
    scores = stats.block_scores(problems)
    ranks = stats.mean_ranks(scores)
    total = len(ranks)
    if total > stats.MOST_CONTESTANTS:
        problems = problems[list(ranks["arm"][: stats.MOST_CONTESTANTS])]
        scores = stats.block_scores(problems)
        ranks = stats.mean_ranks(scores)
    overall = stats.friedman(scores)
    blocks, count = len(scores), math.comb(len(ranks), 2)
    caption = (
        f"Mean ranks of the {contest.what} over {blocks} blocks (one data set and seed each), "
        f"averaged over the other factors; diverged networks rank last. {_friedman(overall)}"
    )
    cliques = stats.rank_cliques(ranks, stats.pairwise_ranks(problems), overall["p"])
    title = ladder_title(ranks, cliques, blocks)
    correction = f", Holm's correction over {count} pairs" if count > 1 else ""
    caption += (
        "A bar joins neighbours without a clear difference (Wilcoxon's signed-rank "
        f"test{correction}, 5 %). The baseline is in the text colour."
    )
    if len(ranks) < total:
        caption += f" The best {len(ranks)} of {total}."
    if best and ranks["arm"].iloc[0] != best:
        caption += (
            f" By mean rank {ranks['arm'].iloc[0]} leads, in the table {best}: ranks reflect in "
            "how many blocks one is ahead, the table how well each does overall."
        )
    caption += contest.aside
    figure = plots.rank_ladder(ranks, cliques, contest.baseline)
    return picture(figure, "ranks", title, caption, _rank_table(ranks, cliques))


def _friedman(overall: Any) -> str:
    """The test of all contestants as a sentence; two have only the test of their pair."""
    if overall["arms"] < 3:
        return ""
    if overall["reason"]:
        return f"Friedman's test is {overall['reason']}. "
    p = "< 0.001" if overall["p"] < 0.001 else f"= {number(overall['p'], 3)}"
    return f"Friedman's test over all of them: p {p}. "


def leader(ranks: pd.DataFrame, blocks: int) -> str:
    """Who ranks first, together with those that tie with it."""
    least = float(ranks["mean_rank"].iloc[0])
    first = [str(name) for name in ranks.loc[ranks["mean_rank"] == least, "arm"]]
    verb = "ranks first" if len(first) == 1 else "tie for first"
    if len(first) > MOST_NAMED:
        first = [f"{len(first)} of {len(ranks)}"]
    return f"{listed(first)} {verb} (mean rank {least:.2f} of {len(ranks)}, {blocks} blocks)"


def ladder_title(ranks: pd.DataFrame, cliques: Sequence[Sequence[str]], blocks: int) -> str:
    """The finding: who ranks first, and who cannot be told from it."""
    start = leader(ranks, blocks)
    first = list(ranks.loc[ranks["mean_rank"] == ranks["mean_rank"].iloc[0], "arm"])
    rest = [name for name in ranks["arm"] if name not in first]
    others = [name for name in rest if any(name in _not_told(one, ranks, cliques) for one in first)]
    if not rest:
        return start
    if len(ranks) == 2:
        ending = "no clear difference from" if others else "clearly ahead of"
        return f"{start}, {ending} {rest[0]}"
    if len(others) == len(rest):
        return f"{start}, but without a clear difference from any other"
    if not others:
        whom = {1: "the other", 2: "both others"}.get(len(rest), f"all {len(rest)} others")
        return f"{start}, clearly ahead of {whom}"
    who = listed(others) if len(others) <= MOST_NAMED else f"{len(others)} others"
    return f"{start}, without a clear difference from {who}"


def _not_told(name: str, ranks: pd.DataFrame, cliques: Sequence[Sequence[str]]) -> list[str]:
    """Who shares a clique with a contestant, the best first."""
    beside = {other for clique in cliques if name in clique for other in clique}
    return [other for other in ranks["arm"] if other in beside and other != name]


def _rank_table(ranks: pd.DataFrame, cliques: Sequence[Sequence[str]]) -> Table:
    def joined(row: Any) -> str:
        names = _not_told(row["arm"], ranks, cliques)
        rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        return ", ".join(names[:MOST_NAMED]) + rest or "–"

    columns = [
        Column("contestant", of="arm"),
        Column("mean rank", True, lambda row: table_cells.plain(row["mean_rank"], 2)),
        Column("blocks", True, lambda row: table_cells.whole(row["blocks"])),
        Column("no clear difference from", of=joined),
    ]
    return table_of(ranks, columns)


# Differences of every pair ----------------------------------------------------------------------


def matrix_picture(analysis: Analysis, contest: Contest) -> Picture | None:
    """Draw the difference of every pair of contestants."""
    sample = (contest.cells, contest.by, analysis.metric, analysis.generator_for)
    names = list(contest.named(stats.summarise_arms(*sample)))
    pairs = analysis.scaled(stats.pairwise_differences(*sample, analysis.factors, analysis.looked))
    if pairs.empty or pairs["effect"].isna().all():
        return None
    sides = {side: pairs[side].map(contest.names) for side in ("first", "second")}
    pairs = pairs.assign(**sides)
    places = table_cells.effect_places(pairs)
    drawn = _mirrored(pairs, places, 1 if analysis.higher_is_better else -1)
    figure = plots.difference_matrix(drawn, names)
    furthest = strongest(pairs[pairs["effect"].notna()])
    size = effect_text(furthest, places, difference_unit(analysis.metric), analysis.is_log)
    beside = "against" if analysis.is_log else "minus"
    title = (
        f"{_clear_pairs(pairs, contest)} in {analysis.label}; the largest gap is "
        f"{furthest['first']} {beside} {furthest['second']}: {size}"
    )
    caption = (
        f"{capital(analysis.difference_axis)}, row minus column, mean over pairs. Blue: the row is "
        "better; orange: worse; grey: no clear difference "
        f"after Holm's correction for {amount(len(pairs), 'pair')}.{contest.aside}"
    )
    columns = [
        Column("first"),
        Column("second"),
        Column(analysis.difference_axis, True, lambda row: table_cells.effect(row, places)),
        table_cells.VERDICT,
        Column("corrected p", True, lambda row: table_cells.plain(row["p_holm"], 3)),
    ]
    return picture(figure, "pairs", title, caption, table_of(pairs, columns))


def _clear_pairs(pairs: pd.DataFrame, contest: Contest) -> str:
    """`All 3 pairs of levels of initialisation differ`, of the pairs with a clear difference."""
    clear, every = int(pairs["verdict"].isin(CLEAR).sum()), len(pairs)
    if every == 1:
        return f"The two {contest.what} {'differ' if clear else 'do not clearly differ'}"
    if clear in (0, every):
        count = f"All {every}" if clear else f"None of the {every}"
        return f"{count} pairs of {contest.what} clearly differ"
    return f"{clear} of {every} pairs of {contest.what} clearly differ"


def _mirrored(pairs: pd.DataFrame, places: int, sign: int) -> pd.DataFrame:
    """Both directions of every pair, `towards` being above zero where the row is better."""
    clear = pairs["verdict"].isin(CLEAR)
    one = pairs.assign(row=pairs["first"], column=pairs["second"], clear=clear)
    other = one.assign(row=pairs["second"], column=pairs["first"], effect=-pairs["effect"])
    both = pd.concat([one, other], ignore_index=True)
    texts = [number(value, places, signed=True) for value in both["effect"]]
    return both.assign(towards=sign * both["effect"], text=texts)
