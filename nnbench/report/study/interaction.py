"""How factors interact: heat maps of pairs, and how much each pair explains beyond its factors."""

import pandas as pd

from nnbench import stats
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import counted
from nnbench.report.page.parts import Column, Part, Section, Table, paragraph, table_of
from nnbench.report.page.units import difference_unit
from nnbench.report.page.words import capital, in_words, spoken
from nnbench.report.study.figures import heat_picture
from nnbench.report.study.mattered import P_OF_NOISE, term_words
from nnbench.report.study.sentences import contrast, share_text

MOST_LISTED = 10


def interaction_section(analysis: Analysis) -> Section | None:
    """The pair that matters most, the pair that interacts most, and the shares of pairs."""
    varied = analysis.varied
    if len(varied) < 2:
        return None
    pairs = analysis.shares[analysis.shares["kind"] == "pair"]
    pairs = pairs.sort_values("component", ascending=False, kind="stable")
    known, unknown = pairs[pairs["component"].notna()], pairs[pairs["component"].isna()]
    drawn = drawn_pairs(varied, known, unknown)
    pictures = [heat_picture(analysis, pair, f"heat{place}") for place, pair in enumerate(drawn)]
    parts: list[Part] = [item for item in pictures if item is not None]
    if not parts:
        return None
    if not known.empty:
        parts = [paragraph(said(known, analysis.label)), *parts]
        parts.append(pair_table(pairs))
    return Section("interaction", "How factors interact", parts)


def drawn_pairs(
    varied: list[str], known: pd.DataFrame, unknown: pd.DataFrame
) -> list[tuple[str, str]]:
    """The pairs of factors to draw: the two that matter most, and two more if they differ.

    These are the pair with the largest share, and the first of those whose share is undefined, by
    combinations that were left out or diverged, for of that pair means are all there is to see.
    """
    pairs = [(varied[0], varied[1]), *_named(known)[:1]]
    pairs += sorted(_named(unknown), key=lambda pair: sum(map(varied.index, pair)))[:1]
    kept: dict[frozenset[str], tuple[str, str]] = {}
    for pair in pairs:
        kept.setdefault(frozenset(pair), pair)
    return list(kept.values())


def _named(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["first"].astype(str), pairs["second"].astype(str), strict=True))


def together(analysis: Analysis) -> str:
    """What to say of the pair whose share is larger than the second factor's alone.

    Nothing where there is no such pair, or noise alone could give it its share.
    """
    shares = analysis.shares.dropna(subset=["component"])
    pairs = shares[shares["kind"].isin(["pair", "data pair"])]
    alone = shares.loc[shares["kind"] == "factor", "component"].astype(float).nlargest(2)
    if pairs.empty or alone.empty:
        return ""
    first = pairs.iloc[int(pairs["component"].to_numpy().argmax())]
    if not (first["component"] > alone.iloc[-1] and first["p"] < stats.ALPHA):
        return ""
    if first["component_low"] <= 0:  # null where the seeds are too few for an interval
        return ""
    if first["kind"] == "data pair":
        return _by_data_said(analysis, first)
    return _ends_said(analysis, first)


def _ends_said(analysis: Analysis, pair: pd.Series) -> str:
    """Say what two factors explain together, and the highest and lowest mean of their levels."""
    both = [str(pair["first"]), str(pair["second"])]
    cells = analysis.shared(both).cells
    arms = analysis.arms(both, cells)
    arms = arms.dropna(subset=["standing"]).sort_values("standing", kind="stable")
    text = (
        f"{capital(in_words(both[0]))} and {in_words(both[1])} interact: beyond what each explains "
        f"alone, they explain {share_text(pair)} of the variance"
    )
    if len(arms) < 2:
        return f"{text}."
    places = table_cells.mean_places(arms)

    def end(row: pd.Series) -> str:
        names = " and ".join(spoken(factor, row[factor]) for factor in both)
        mean = table_cells.estimate(row, "mean", places).words
        return f"{mean} ({counted(row['used'], row['n'])}) with {names}"

    return f"{text}. Mean {analysis.axis} runs from {end(arms.iloc[0])} to {end(arms.iloc[-1])}."


def _by_data_said(analysis: Analysis, pair: pd.Series) -> str:
    """Say how a factor's effect differs between data sets: its most extreme level's, on two."""
    effects = analysis.by_data
    name = in_words(str(pair["second"]))
    text = f"The effect of {name} depends on the data set, which explains another "
    text += f"{share_text(pair)} of the variance"
    known = effects.dropna(subset=["effect"]) if len(effects) else effects
    if known.empty or known["factor"].iloc[0] != pair["second"]:
        return f"{text}."
    ranges = known.groupby("level")["effect"].agg(lambda effect: effect.max() - effect.min())
    level = str(ranges.idxmax())
    rows = known[known["level"] == level].sort_values("effect", kind="stable")
    places, unit = table_cells.effect_places(known), difference_unit(analysis.metric)
    first, last = (_on_data(rows.iloc[end], places, unit) for end in (0, -1))
    return f"{text}: {contrast(rows.iloc[0], analysis.baselines)} ranges from {first} to {last}."


def _on_data(row: pd.Series, places: int, unit: str) -> str:
    effect = f"{table_cells.estimate(row, 'effect', places, signed=True).words} {unit}".rstrip()
    return f"{effect} ({table_cells.pair_count(row)}) on {row['data']}"


def said(pairs: pd.DataFrame, label: str) -> str:
    """Say how much the pair that interacts most explains beyond its two factors alone."""
    first = pairs.iloc[0]
    text = (
        f"Beyond what each explains alone, {in_words(first['first'])} and "
        f"{in_words(first['second'])} together explain "
        f"{share_text(first)} of the variance in {label} within data sets"
    )
    return f"{text}."


def pair_table(pairs: pd.DataFrame) -> Table:
    """The shares of the pairs, the largest first: at most ten."""
    columns = [
        Column("pair", of=term_words),
        Column("variance explained", True, lambda row: table_cells.share(row, "component")),
        P_OF_NOISE,
    ]
    cut = "The largest {shown} of {all}."
    return table_of(pairs, columns, "Interactions of pairs", most=MOST_LISTED, cut=cut)
