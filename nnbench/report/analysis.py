"""results directory -> every frame behind its report; nothing is drawn or laid out here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from nnbench import stats
from nnbench.report.page.units import difference_unit, in_unit, scale_of, scaled, unit_of
from nnbench.results.read import ReportError, Results
from nnbench.seeds import numpy_generator
from nnbench.stats.claims.repeats import claimed_levels
from nnbench.study.metrics import USUAL

LOGS = "log10 of the factor per layer"  # the unit of what is the size of such a logarithm
LARGE = 0.1  # share of the variance within data sets from which a table of its own is worth it


@dataclass(frozen=True)
class Analysis:
    """Every frame behind the report, in the unit that is read: accuracy in percent.

    cells: the cells that the metric applies to; labelled: those of the tuned settings, labelled.
    """

    metric: str
    labelled: pd.DataFrame
    factors: list[str]
    levels: dict[str, list[str]]
    baselines: dict[str, str]
    effects: pd.DataFrame
    blocks: pd.DataFrame
    ranking: pd.DataFrame
    data_sets: pd.DataFrame
    overall: stats.Interval
    not_applicable: list[str]
    tuned: list[str]
    shares: pd.DataFrame
    cells: pd.DataFrame
    generator_for: stats.GeneratorFor
    across: pd.DataFrame  # as `labelled`, of the settings that do best on other seeds
    is_sampled: bool = False  # arms drawn at random
    looked: bool = False  # judged before, with fewer seeds

    def shared(self, by: Sequence[str], across: bool = False) -> stats.Shared:
        """The cells on which the combinations of `by` are compared."""
        cells = self.across if across else self.labelled
        return _shared(cells, by, self.baselines, self.is_sampled)

    def arms(self, by: Sequence[str], cells: pd.DataFrame) -> pd.DataFrame:
        """The summary of every combination of `by` among some cells."""
        return self.scaled(stats.summarise_arms(cells, by, self.metric, self.generator_for))

    def scaled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame of statistics of the metric in the unit that is read."""
        return scaled(frame, self.metric)

    @property
    def label(self) -> str:
        """The metric in words."""
        return stats.METRICS[self.metric].label

    @property
    def axis(self) -> str:
        """The metric with its unit."""
        return in_unit(self.label, LOGS if self.is_log else unit_of(self.metric))

    @property
    def difference_axis(self) -> str:
        """A difference in the metric with its unit."""
        unit = LOGS if self.is_log else difference_unit(self.metric)
        return in_unit(f"difference in {self.label}", unit)

    @property
    def is_log(self) -> bool:
        """Whether the metric is the size of a factor's logarithm, and differences are factors'."""
        return bool(stats.METRICS[self.metric].factor_of)

    @property
    def higher_is_better(self) -> bool:
        """The metric's direction."""
        return stats.METRICS[self.metric].higher_is_better

    @property
    def varied(self) -> list[str]:
        """The factors with more than one level, the most important first; else the first one."""
        return [f for f in self.factors if len(self.levels[f]) > 1] or self.factors[:1]

    @cached_property
    def by_data(self) -> pd.DataFrame:
        """The effects on each data set of the factor that differs most between data sets.

        Empty where no factor's effect differs by a large share of the variance within data sets.
        """
        pairs = self.shares[self.shares["kind"] == "data pair"].dropna(subset=["component"])
        large = pairs[(pairs["component"] >= LARGE) & ~(pairs["p"] >= stats.ALPHA)]
        if large.empty:
            return pd.DataFrame()
        factor = str(large["second"].iloc[int(large["component"].to_numpy().argmax())])
        about = (factor, self.levels[factor], self.baselines[factor], self.metric)
        all_of_them = (list(self.baselines), self.generator_for, self.is_sampled, self.looked)
        question = stats.Question(*about, *all_of_them)
        return self.scaled(stats.effects_by_data(self.labelled, question, self.across))


def analyse(results: Results) -> Analysis:
    """Compute every frame of the report: tuned, labelled, summarised, ranked."""
    study = results.study
    metric, tuned = _declared_metric(results)
    declared = study.get("factors") or {}
    factors = stats.top_factors([f for f in declared if f not in tuned], results.cells.columns)
    chosen = stats.choose_tuned(results.cells, factors, tuned, metric)
    labelled = stats.label_cells(chosen, factors, ignore=tuned)
    labelled, not_applicable = stats.applicable(labelled, metric)
    if labelled.empty:
        raise ReportError(f"no cell has {metric}; {_known(results)}")
    by_file = ["data", *factors]
    levels = {f: stats.order_levels(labelled[f], list(declared.get(f, []))) for f in by_file}
    labelled = stats.sort_by_levels(labelled, levels)
    design = study.get("design") or {}
    named, is_sampled = design.get("baseline") or {}, design.get("kind") == "sample"
    baselines = {f: stats.baseline_level(levels[f], named.get(f)) for f in factors}
    generator_for = generators(results, "bootstrap")
    arguments = (labelled, levels, baselines, metric, generator_for, is_sampled)
    looks = len(results.earlier_looks)
    claimed = claimed_levels(study, results.claimed, labelled, baselines, metric, looks)
    other = stats.choose_tuned(results.cells, factors, tuned, metric, across=True)
    across, _ = stats.applicable(stats.label_cells(other, factors, ignore=tuned), metric)
    across = stats.sort_by_levels(across, levels)
    effects = stats.summarise_effects(*arguments, claimed, across, looks > 0)
    varied = [f for f in factors if len(levels[f]) > 1]
    shares = stats.variance_shares(labelled, varied, metric, generator_for)
    ranking = rank_factors(stats.importance(effects), shares)
    return Analysis(
        metric=metric,
        labelled=labelled,
        factors=list(ranking["factor"]),
        levels=levels,
        baselines=baselines,
        effects=scaled(effects, metric),
        blocks=scaled(_blocks(labelled, baselines, metric, is_sampled), metric),
        ranking=ranking,
        data_sets=scaled(
            stats.summarise_levels(labelled, "data", levels["data"], metric, generator_for), metric
        ),
        overall=_times(
            scale_of(metric), stats.mean_interval(labelled, metric, generator_for("overall"))
        ),
        not_applicable=not_applicable,
        tuned=tuned,
        shares=shares,
        cells=results.cells[~results.cells["data"].map(stats.format_level).isin(not_applicable)],
        generator_for=generator_for,
        across=across,
        is_sampled=is_sampled,
        looked=looks > 0,
    )


def _times(scale: float, interval: stats.Interval) -> stats.Interval:
    ends = {name: scale * getattr(interval, name) for name in ("estimate", "low", "high")}
    return replace(interval, **ends)


def rank_factors(ranges: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """The factors, the most important first, with their shares of the variance.

    By the share within data sets where every factor that varies has one; otherwise by the range of
    the mean differences, which grows with noise and with the number of levels. A factor of one
    level, which tuning or a limit may leave, has neither and comes last.
    """
    columns = ["component", "component_low", "component_high"]
    alone = shares[shares["kind"] == "factor"].set_index("term")[columns]
    ranking = ranges.join(alone, on="factor")
    varies = ranking["levels"] > 1
    if ranking.loc[varies, "component"].notna().all():
        ranking = ranking.sort_values("component", ascending=False, kind="stable")
    return ranking.reset_index(drop=True)


def _declared_metric(results: Results) -> tuple[str, list[str]]:
    """The metric and the tuned columns that the study declared before it ran."""
    report = results.study.get("report") or {}
    metric = report.get("metric") or USUAL
    if metric not in stats.METRICS or metric not in results.cells:
        raise ReportError(f"report.metric {metric!r} is not in the results; {_known(results)}")
    return metric, list(report.get("tune") or [])


def _known(results: Results) -> str:
    """Say which metrics some cell has a value of."""
    cells = results.cells
    known = [m for m in stats.METRICS if m in cells and cells[m].notna().any()]
    return f"there are: {', '.join(known)}"


def generators(results: Results, use: str) -> stats.GeneratorFor:
    """Generators for purposes of one use, seeded by the study."""
    seed = int(results.study.get("seed") or 0)
    return lambda purpose: numpy_generator(seed, f"{use}/{purpose}", "", 0)


def _shared(
    labelled: pd.DataFrame, by: Sequence[str], baselines: Mapping[str, str], is_sampled: bool
) -> stats.Shared:
    labels, others = stats.contestant_labels(labelled, by), [f for f in baselines if f not in by]
    baseline = stats.contestant_labels(pd.DataFrame([baselines]), by).iloc[0]
    return stats.shared_cells(labelled, labels, others, baseline, is_sampled)


def _blocks(
    labelled: pd.DataFrame, baselines: Mapping[str, str], metric: str, is_sampled: bool
) -> pd.DataFrame:
    """Every block's difference to the baseline, of all factors and levels that compare."""
    parts = []
    for factor, baseline in baselines.items():
        cells = _shared(labelled, [factor], baselines, is_sampled).cells
        pairs = stats.paired_differences(cells, factor, baseline, metric, list(baselines))
        parts.append(stats.block_differences(pairs).assign(factor=factor))
    if not parts:
        return pd.DataFrame(columns=["factor", "level", "difference"])
    return pd.concat(parts, ignore_index=True)
