"""What mattered: how much of the variance each factor explains, and what its levels changed."""

from typing import Any

import pandas as pd

from nnbench import plots
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.parts import Column, Part, Picture, Section, Table, picture, table_of
from nnbench.report.page.words import amount, capital, in_words, spoken
from nnbench.report.study.figures import EFFECTS, effects_picture
from nnbench.report.study.sentences import CLEAR, shares_title

MOST_PAIRS = 6
LONG = 20  # rows of a table that scrolls within itself
NOTHING = 1e-9  # of the variance: what rounding leaves
GROUPS = {
    "factor": "factors alone",
    "pair": "pairs of factors",
    "data pair": "with the data set",
    "higher": "the rest",
    "seeds": "the rest",
    "unattributed": "the rest",
}
NAMES = {
    "higher": "all other interactions",
    "seeds": "seeds: noise",
    "unattributed": "cannot be attributed",
}
P_OF_NOISE = Column("p (noise alone)", True, lambda row: table_cells.p_value(row["p"]))


def mattered_section(
    analysis: Analysis, has_arms: bool = True, lead: Picture | None = None
) -> Section | None:
    """Importance and effects; None where the study varies nothing that finished.

    has_arms: arms compete. Elsewhere it is differences that are worth a figure, and no shares.
    lead: the page's first figure, which is not drawn twice.
    """
    drawn = lead if lead is not None and lead.name == EFFECTS else effects_picture(analysis)
    pictures = [importance_picture(analysis) if has_arms else None, drawn]
    parts: list[Part] = [item for item in pictures if item is not None]
    if not parts:
        return None
    if len(analysis.data_sets) > 1:
        parts.append(data_table(analysis))
    if len(analysis.by_data):
        parts.append(by_data_table(analysis))
    title = "What mattered" if has_arms else "Differences, factor by factor"
    return Section("mattered", title, parts)


def importance_picture(analysis: Analysis) -> Picture | None:
    """Draw the functional analysis of variance within data sets, the noise of seeds included."""
    shares = analysis.shares
    within = shares[shares["kind"] != "data"] if len(shares) else shares
    if within.empty or within["component"].isna().all():
        return None
    within = within[(within["kind"] != "higher") | (within["freedom"] > 0)]
    rows, hidden = drawn_terms(within)
    drawn = pd.DataFrame(
        {
            "group": rows["kind"].map(GROUPS),
            "kind": rows["kind"],
            "term": [term_words(row) for _, row in rows.iterrows()],
            "share": rows["component"],
            "low": rows["component_low"],
            "high": rows["component_high"],
            "text": [table_cells.share(row, "component").words for _, row in rows.iterrows()],
        }
    )
    figure = plots.share_bars(drawn, "variance explained (%)")
    caption = shares_caption(within)
    caption += unclear_said(analysis.effects, within)
    if hidden:
        verb = "is" if hidden == 1 else "are"
        caption += f" {amount(hidden, 'smaller pair')} {verb} in the table only."
    title = shares_title(within, analysis.label)
    columns = [
        Column("term", of=term_words),
        Column("variance explained", True, lambda row: table_cells.share(row, "component")),
        P_OF_NOISE,
        Column("degrees of freedom", True, lambda row: table_cells.plain(row["freedom"], 0)),
    ]
    data = table_of(within, columns)
    return picture(figure, "importance", title, caption, data)


def term_words(row: Any) -> str:
    """`initialisation`, or of a pair `initialisation × normalisation`."""
    if row["kind"] in NAMES:
        return NAMES[row["kind"]]
    names = [in_words(str(row[side])) for side in ("first", "second") if row[side] is not None]
    return " × ".join(names)


def shares_caption(within: pd.DataFrame) -> str:
    """What the shares are: exact on a full grid, of type II elsewhere; of which arms."""
    method = (
        "Exact functional analysis of variance (Hutter, Hoos and Leyton-Brown 2014): shares of the "
        "total variance within data sets"
    )
    if (within["kind"] == "unattributed").any():
        method = (
            "Type II analysis of variance, because the networks that count do not form a full "
            "grid: a share is what its row adds to the others, and what several rows could explain "
            "equally well cannot be attributed"
        )
    intervals = ", with 95 % intervals over seeds" if within["component_low"].notna().any() else ""
    text = f"{method}{intervals}. Hatched: not explained by any factor or pair."
    if within["by_chance"].notna().any():
        text += (
            " What noise alone would give a row is subtracted and counted with the seeds; if that "
            "is more than the row has, the row is zero."
        )
    used, arms = int(within["arms_used"].iloc[0]), int(within["arms"].iloc[0])
    if used < arms:
        text += (
            f" Counted: {used:,} of {arms:,} combinations of configuration and data set; the "
            "others lack a network's result."
        )
    return text


def unclear_said(effects: pd.DataFrame, within: pd.DataFrame) -> str:
    """Say why the largest factor may have no level that differs clearly; or nothing."""
    alone = within[within["kind"] == "factor"].dropna(subset=["component"])
    if alone.empty or not len(effects):
        return ""
    first = alone.iloc[int(alone["component"].to_numpy().argmax())]
    levels = effects[effects["factor"] == first["term"]]
    if not first["component"] > 0 or levels["verdict"].isin(CLEAR).any():
        return ""
    return (
        f" No level of {in_words(str(first['term']))} differs clearly from its baseline, which "
        "does not contradict this: a share sums over all levels and is tested on its own, while "
        "each level is tested separately and corrected for all others."
    )


def drawn_terms(within: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The terms to draw, by group, and how many pairs are left out: the smallest ones."""
    kept, hidden = [], 0
    for kind in GROUPS:
        part = within[within["kind"] == kind]
        if kind in ("pair", "data pair"):
            largest = part["component"].fillna(0).nlargest(MOST_PAIRS).index
            hidden += len(part) - len(largest)
            part = part.loc[[index for index in part.index if index in largest]]
        elif kind in ("higher", "unattributed"):
            part = part[part["component"].fillna(0) > NOTHING]
        kept.append(part)
    return pd.concat(kept), hidden


def data_table(analysis: Analysis) -> Table:
    """The data sets' rows: means only, for one data set is no arm of another."""
    places = table_cells.mean_places(analysis.data_sets)
    columns = [
        Column("data set", of="level"),
        Column(analysis.axis, True, lambda row: table_cells.mean(row, places)),
        table_cells.DIVERGED,
    ]
    note = "For reference only: how hard a data set is says nothing about the configurations."
    return table_of(analysis.data_sets, columns, "Data sets", note)


def by_data_table(analysis: Analysis) -> Table:
    """The effects on each data set of the factor that differs most between data sets."""
    effects = analysis.by_data
    factor, places = str(effects["factor"].iloc[0]), table_cells.effect_places(effects)
    columns = [
        Column("data set", of="data"),
        Column(in_words(factor), of=table_cells.level),
        Column(analysis.difference_axis, True, lambda row: table_cells.effect(row, places)),
        table_cells.VERDICT,
    ]
    baseline = spoken(factor, analysis.baselines[factor])
    note = f"Paired differences from {baseline}, corrected for all {len(effects)} in this list."
    title = f"{capital(in_words(factor))} on each data set"
    return table_of(effects, columns, title, note, is_long=len(effects) > LONG)
