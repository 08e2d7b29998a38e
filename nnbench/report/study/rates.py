"""How each schedule moves the learning rate, above the loss, beside what that changed."""

import pandas as pd

from nnbench.plots.rates import rate_panels
from nnbench.report.analysis import Analysis
from nnbench.report.page import table_cells
from nnbench.report.page.numbers import number
from nnbench.report.page.parts import Column, Picture, picture, table_of
from nnbench.report.page.units import difference_unit
from nnbench.report.page.words import amount, capital, listed, spoken
from nnbench.report.study.sentences import comparing, effect_text
from nnbench.results.read import Results

FACTOR, RATE = "schedule", "optimizer.lr"
SIDES = ("better", "worse")
MOST_RATES = 20
LINES = ("not clear", *SIDES)  # of a panel's one line, by its verdict


def rates_picture(results: Results, analysis: Analysis) -> Picture | None:
    """Draw the learning rate by epoch, a panel for each schedule with the difference it makes."""
    rates = rates_by_epoch(results, analysis)
    if rates.empty:
        return None
    effects = comparing(analysis.effects)
    effects = effects[effects["factor"] == FACTOR].set_index("level")
    places = table_cells.effect_places(effects)
    levels = [level for level in analysis.levels[FACTOR] if level in set(rates["level"])]
    levels = levels[:MOST_RATES]
    unit = difference_unit(analysis.metric)
    said = {
        level: effect_text(effects.loc[level], places) if level in effects.index else "baseline"
        for level in levels
    }
    verdicts = effects["verdict"].where(effects["verdict"].isin(SIDES), LINES[0])
    lines = rates[rates["level"].isin(levels)].rename(columns={"level": "panel", "epoch": "x"})
    lines = lines.assign(series=lines["panel"].map(verdicts).fillna(LINES[0]), label="")
    names = {level: spoken(FACTOR, level) for level in levels}
    sizes = {
        level: f"  {number(effect, places, signed=True)} {unit}"
        for level, effect in effects["effect"].items()
    }
    heads = {level: name + sizes.get(level, "") for level, name in names.items()}
    warm = [level for level in levels if is_warm_up(rates[rates["level"] == level]["value"])]
    losses, where = losses_by_epoch(results, analysis)
    told = losses[losses["level"].isin(levels)].rename(columns={"level": "panel", "epoch": "x"})
    told = told.assign(series=told["panel"].map(verdicts).fillna(LINES[0]), label="")
    baseline = analysis.baselines[FACTOR]
    figure = rate_panels(lines, told, heads, LINES, baseline, warm)
    caption = (
        "Top: learning rate, relative to the one that the study gives. Bottom: validation loss"
        f"{where}, dotted for {names.get(baseline, baseline)}. Medians over networks. After each "
        f"name: its difference in {analysis.label}. In the text colour: no clear difference from "
        "the baseline."
    )
    if warm:
        caption += (
            f" Warm-up only: {listed([names[level] for level in warm])}. The rate rises to the "
            "given one and stays there."
        )
    columns = [
        Column(FACTOR, of=lambda row: names[row["level"]]),
        Column("final rate, of the given", True, lambda row: table_cells.plain(row["value"], 3)),
        Column(analysis.difference_axis, True, lambda row: said[row["level"]]),
    ]
    ends = rates[rates["level"].isin(levels)].groupby("level", sort=False).last().reset_index()
    table = table_of(ends, columns)
    return picture(figure, "rates", _title(effects, analysis), caption, table)


def is_warm_up(rates: pd.Series) -> bool:
    """Whether a rate, epoch by epoch, rises and never falls."""
    steps = rates.diff().dropna()
    return bool((steps >= 0).all() and (steps > 0).any())


def losses_by_epoch(results: Results, analysis: Analysis) -> tuple[pd.DataFrame, str]:
    """`level, epoch, value`: the median validation loss of the first data set; and its name.

    Losses of several data sets have no common scale, so that only one is drawn.
    """
    cells = analysis.labelled
    panels = list(dict.fromkeys(cells["data"]))
    where = f" on {panels[0]}" if len(panels) > 1 else ""
    here = cells.loc[cells["data"] == panels[0], ["cell_id", FACTOR]]
    rows = results.curves.merge(here, on="cell_id").rename(columns={FACTOR: "level"})
    rows = rows.assign(value=rows["val_loss"].astype(float)).dropna(subset=["value"])
    rows = rows[rows["epoch"] > 0]
    return rows.groupby(["level", "epoch"], sort=False)["value"].median().reset_index(), where


def rates_by_epoch(results: Results, analysis: Analysis) -> pd.DataFrame:
    """`level, epoch, value`: the median over networks of the rate over the recipe's own."""
    cells, curves = analysis.labelled, results.curves
    if FACTOR not in cells or RATE not in results.cells or "lr" not in curves:
        return pd.DataFrame(columns=["level", "epoch", "value"])
    given = results.cells.set_index("cell_id")[RATE].astype(float)
    rows = curves[curves["epoch"] > 0].merge(cells[["cell_id", FACTOR]], on="cell_id")
    rows = rows.assign(value=rows["lr"].astype(float) / rows["cell_id"].map(given))
    rows = rows.rename(columns={FACTOR: "level"}).dropna(subset=["value"])
    return rows.groupby(["level", "epoch"], sort=False)["value"].median().reset_index()


def _title(effects: pd.DataFrame, analysis: Analysis) -> str:
    """How many schedules do better or worse than the baseline, each named where they are few."""
    baseline = spoken(FACTOR, analysis.baselines[FACTOR])
    said = []
    for side in SIDES:
        levels = [str(level) for level in effects.index[effects["verdict"] == side]]
        if levels:
            names = listed(levels) if len(levels) <= 3 else f"{len(levels)} schedules"
            verb = "does" if len(levels) == 1 else "do"
            said.append(f"{names} {verb} {side}")
    if len(effects) == 1 and not said:
        return (
            f"{capital(spoken(FACTOR, effects.index[0]))} does not differ clearly from {baseline}"
        )
    schedules = amount(len(effects), "schedule")
    return f"Of {schedules} against {baseline}, {listed(said or ['none differs clearly'])}"
