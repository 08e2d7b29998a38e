"""Performance profiles: which share of each contestant's runs do at least so well."""

from collections.abc import Sequence

import pandas as pd

from nnbench import plots, stats
from nnbench.plots.contestants import MOST_BANDS
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import decimals_for, number
from nnbench.report.page.parts import Column, Picture, Table, picture, table_of
from nnbench.report.page.units import scale_of
from nnbench.report.page.words import is_plural
from nnbench.report.study.contests import Contest, few

PROFILE_LABELS = {
    "score": "{}, at least",
    "ratio": "{}: within this multiple of the block's best",
    "gap": "{}: within this distance of the block's best",
}
BEST = {"ratio": 1.0, "gap": 0.0}  # where along the axis the best of a block stands


def profile_picture(analysis: Analysis, contest: Contest) -> Picture | None:
    """Draw which share of each contestant's runs do at least so well; several blocks are needed."""
    runs = contest.cells.groupby(contest.by).size()
    if len(runs) < 2 or runs.min() < stats.LEAST_BLOCKS:
        return None
    profile = stats.performance_profile(contest.cells, contest.by, analysis.metric)
    known = profile.dropna(subset=["share"])
    known = known.assign(arm=known["arm"].map(contest.names))
    if known.empty:
        return None
    kind = str(known["kind"].iloc[0])
    if kind != "ratio":
        known = known.assign(tau=scale_of(analysis.metric) * known["tau"])
    area = known.groupby("arm", sort=False)["share"].mean().sort_values(ascending=False)
    names, note = few(list(area.index), contest.baseline)
    x_label = PROFILE_LABELS[kind].format(analysis.axis)
    figure = plots.profile_lines(known, names, x_label, log=kind == "ratio")
    title = _profile_title(
        known[known["arm"].isin(names)],
        analysis.label,
        kind,
        " %" if scale_of(analysis.metric) != 1 else "",
    )
    band = ", with a 95 % band over blocks" if len(names) <= MOST_BANDS else ""
    caption = (
        "Performance profile: the share of all runs, diverged ones included, that do at "
        f"least this well{band} (Dolan and Moré 2002; Agarwal et al. 2021). Dotted line: where the "
        f"curves differ most. Labels are sorted by the value there.{note}"
        f"{contest.aside}"
    )
    return picture(figure, "profile", title, caption, _profile_table(known, names))


def _profile_title(profile: pd.DataFrame, label: str, kind: str, unit: str) -> str:
    """The finding: where the lines lie furthest apart, and how far."""
    spread = profile.groupby("tau")["share"].agg(lambda share: share.max() - share.min())
    tau = spread.index[int(spread.to_numpy().argmax())]
    here = profile[profile["tau"] == tau].sort_values("share", kind="stable")
    edge = number(float(tau))
    what = label if is_plural(label) else f"a {label}"
    end = {
        "score": f"reach {what} of {edge}{unit}",
        "ratio": f"have {what} within {edge} times the best",
        "gap": f"have {what} within {edge} of the best",
    }[kind]
    if round(float(tau), decimals_for([tau])) == BEST.get(kind):
        end = "do as well as the best"
    (most, best), (least, worst) = (_said(here.iloc[place]) for place in (-1, 0))
    first = f"{most} of the runs of {here['arm'].iloc[-1]} {end} ({best})"
    return f"{first}, {least} of those of {here['arm'].iloc[0]} ({worst})"


def _said(row: pd.Series) -> tuple[str, str]:
    """A share with its interval, and the count that belongs in brackets after it."""
    return table_cells.share(row).words, f"{row['k']:,.0f} of {row['n']:,.0f}"


def _profile_table(profile: pd.DataFrame, names: Sequence[str]) -> Table:
    """The shares at eleven places along the axis."""
    taus = sorted(profile["tau"].unique())
    chosen = sorted({taus[round(i * (len(taus) - 1) / 10)] for i in range(11)})
    wide = profile.pivot_table(index="tau", columns="arm", values="share", sort=False)

    def shares(name: str) -> Column:
        return Column(name, True, lambda row: table_cells.plain_share(row[name]))

    at = Column("at", True, lambda row: table_cells.plain(row["tau"]))
    return table_of(wide.loc[chosen].reset_index(), [at, *map(shares, names)])
