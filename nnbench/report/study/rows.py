"""Would more rows help: the score over the number of training rows, and its last step in words."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from nnbench import plots
from nnbench.plots.lines import Scales
from nnbench.report.page.numbers import decimals_for, number
from nnbench.report.page.parts import Part, Picture, Section, paragraph, picture
from nnbench.report.page.units import difference_unit, in_unit, scale_of, unit_of
from nnbench.report.page.words import amount, capital
from nnbench.results.read import Results, is_of_one_data_set
from nnbench.stats.rivals import CONSTANT, NETWORK, Rivals
from nnbench.stats.rows import Gain, gain_of, rivals_by_rows
from nnbench.study.baselines import SHARE
from nnbench.study.metrics import METRICS

METHOD = (
    "Everything is retrained on a share of the training part, with the same validation and test "
    "parts, and settings are chosen by the same rule; smaller shares are subsets of larger ones. "
    "The network is the best on validation among the settings that every share has, so it may "
    "differ from the one above. All networks train for equally many epochs, hence for fewer steps "
    "on fewer rows. The difference is taken within each repeat; its interval is as above, for new "
    "rows of the same kind."
)
CAPTION = "Mean over repeats with its 95 % interval for new rows, by the number of training rows."


class MoreRows(NamedTuple):
    """What is said of more rows, and the section that shows it."""

    said: str
    section: Section


def more_rows(results: Results, rivals: Rivals, name: Callable[[str], str]) -> MoreRows | None:
    """What more rows bring on the only data set; None where there was one number of them.

    rivals: the contestants on all rows; name: a contestant in words.
    """
    cells, models = every(results)
    if models.empty or not is_of_one_data_set(cells):
        return None
    found = rivals_by_rows(cells, models, rivals.metric)
    if len(found) < 2:
        return None
    who = _who(found, rivals)
    if not who:
        return None
    said = sentence(gain_of(found, who), rivals.metric, name(who))
    drawn = _picture(found, rivals.metric, name, said)
    parts: list[Part] = [paragraph(METHOD), *_beside(results), drawn]
    return MoreRows(said, Section("rows", "Would more rows help?", parts))


def _who(found: Mapping[int, Rivals], rivals: Rivals) -> str:
    """Whose gain is told: of whom to use, who does best or, of the rest, the least simple.

    Never the constant's, nor of who has no repeat with both numbers of rows; nobody's if all are
    such.
    """
    wanted = (rivals.use, rivals.best, *reversed(rivals.tests.columns))
    able = (str(who) for who in wanted if who != CONSTANT and _is_known(found, str(who)))
    return next((who for who in able if gain_of(found, who).found["n"]), "")


def _beside(results: Results) -> list[Part]:
    """Say what of the study no other section is about."""
    models = int(results.smaller["baseline"].notna().sum())
    networks = amount(len(results.smaller) - models, "network")
    told = f"{networks} and {amount(models, 'model')} with fewer rows appear in this section only."
    return [paragraph(told)] if len(results.smaller) > models else []


def sentence(gain: Gain, metric: str, who: str) -> str:
    """`From 400 to 800 training rows the accuracy of ... improves by 1.2 points (95 % CI ...)`."""
    scale, unit = scale_of(metric), f" {difference_unit(metric)}".rstrip()
    value, low, high = (scale * gain.found[key] for key in ("mean", "low", "high"))
    steps = f"From {gain.few:,} to {gain.many:,} training rows the {METRICS[metric].label} of {who}"
    places = decimals_for([value], [] if math.isnan(low) else [(high - low) / 2])
    sign = -1 if value < 0 else 1
    size = number(sign * value, places)
    moved = f"{'worsens' if sign < 0 else 'improves'} by {size}{unit}"
    if float(size) == 0:
        moved = "does not change" if value == 0 else "hardly changes"
    if math.isnan(low):
        return f"{steps} {moved}: one repeat cannot show whether more rows help."
    ends = sorted((sign * low, sign * high))
    span = f"(95 % CI {number(ends[0], places)} to {number(ends[1], places)})"
    if low > 0:
        verdict = "more rows are likely to help"
    elif high < 0:
        verdict = "more rows are unlikely to help"
    else:
        most = f"{number(high, decimals_for([high], [high / 5]))}{unit}"
        verdict = f"it is unclear whether more rows help; such a step adds at most {most}"
    return f"{steps} {moved} {span}: {verdict}."


def every(results: Results) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All networks and all models, of every share of the training part."""
    small = results.smaller
    if small.empty or "baseline" not in small or SHARE not in results.baselines:
        return results.cells, pd.DataFrame()
    is_model = small["baseline"].notna()
    is_own = small["seed"].isin(results.cells["seed"])  # the rest are of seeds of claims alone
    networks = small.loc[~is_model & is_own, list(results.cells)]
    return (
        pd.concat([results.cells, networks], ignore_index=True),
        pd.concat([results.baselines, small[is_model]], ignore_index=True),
    )


def _is_known(found: Mapping[int, Rivals], who: str) -> bool:
    return all(who in one.tests and one.tests[who].notna().any() for one in found.values())


def _picture(
    found: Mapping[int, Rivals], metric: str, name: Callable[[str], str], said: str
) -> Picture:
    """Draw every contestant that each number of rows has, who does best on all rows first."""
    last = found[max(found)]
    order = (last.sign * last.tests.mean()).sort_values(ascending=False).index
    shown = [str(who) for who in order if _is_known(found, str(who))]
    points = pd.DataFrame(
        [
            _point(rows, rivals, who, capital(name(who)) if who != NETWORK else "The network")
            for who in shown
            for rows, rivals in found.items()
        ]
    )
    label = in_unit(METRICS[metric].label, unit_of(metric))
    scales = Scales("training rows", label, log_x=True)
    figure = plots.size_lines(points, list(dict.fromkeys(points["series"])), scales)
    return picture(figure, "rows", said.partition(":")[0], CAPTION)


def _point(rows: int, rivals: Rivals, who: str, series: str) -> dict[str, Any]:
    value, low, high = rivals.mean(who).scaled(scale_of(rivals.metric))
    return {"series": series, "x": rows, "value": value, "low": low, "high": high}
