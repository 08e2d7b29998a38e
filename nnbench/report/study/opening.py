"""What a page opens with: the finding that its study was made for, and the figure that shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnbench.report.analysis import Analysis
from nnbench.report.layers.views import Diagnostic
from nnbench.report.page.parts import Picture
from nnbench.report.study.figures import curves_picture, effects_picture
from nnbench.report.study.rates import FACTOR, rates_picture
from nnbench.results.read import Results
from nnbench.study.leads import LEADS

# What a study that judges by a probe is about.
BY_METRIC = {
    "dead_fraction_start": "born_dead",
    "dead_fraction_end": "dead_units",
    "gradient_drift": "growth",
    "signal_drift": "growth",
    "sharpness_end": "sharpness",
}
MAPS = ("trainability",)  # pictures of layers that answer a study whatever its metric is
LEAST_RATES = 4  # schedules of a study that is about how the rate falls


@dataclass(frozen=True)
class Opening:
    """What a page opens with: `name` is a key of `LEADS`. said: sentences on what it shows."""

    name: str
    picture: Picture | None
    said: Sequence[str] = ()

    @property
    def has_arms(self) -> bool:
        """Whether arms compete, so that who came first is worth a section."""
        return LEADS[self.name].has_arms


def wanted_first(results: Results, analysis: Analysis) -> str:
    """The lead that the study file names, or else the one that its metric or its factors ask for.

    Where the claims agree on a metric that a probe measures, that is what the study is about;
    nothing where none of these asks for one.
    """
    if named := str((results.study.get("report") or {}).get("lead") or ""):
        return named
    claimed = {str(claim.get("metric")) for claim in results.study.get("claims") or []}
    metric = claimed.pop() if len(claimed) == 1 else analysis.metric
    if metric in BY_METRIC or analysis.metric in BY_METRIC:
        return BY_METRIC.get(metric) or BY_METRIC[analysis.metric]
    rates = len(analysis.levels.get(FACTOR, ()))
    if rates >= LEAST_RATES and rates == max(map(len, analysis.levels.values())):
        return "rates"
    return ""


def opening_of(
    results: Results, analysis: Analysis, wanted: str, layers: Mapping[str, Diagnostic]
) -> Opening:
    """The opening that is wanted, or the first one that the results can give."""
    wanted = wanted or next((name for name in MAPS if name in layers), "differences")
    if wanted in layers:
        found = layers[wanted]
        return Opening(wanted, found.picture, found.said or [f"{found.picture.title}."])
    if wanted == "rates" and (drawn := rates_picture(results, analysis)):
        return Opening(wanted, drawn, [f"{drawn.title}."])
    if wanted == "curves" and (drawn := curves_picture(results, analysis, analysis.varied[0])):
        return Opening(wanted, drawn, [f"{drawn.title}."])
    return Opening("differences", effects_picture(analysis))
