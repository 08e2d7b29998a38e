"""Checks of a whole study: its size, its metrics, and whether its cells can be."""

from nnbench.study.document import Claim, Probes
from nnbench.study.grid import MAX_CELLS
from nnbench.study.leads import LEADS, lacking
from nnbench.study.metrics import METRICS, metrics_of, scores_of
from nnbench.study.mistakes import StudyError, as_written, nearest
from nnbench.study.recipe import has_own_table
from nnbench.study.selection import Partial, about, matches, may_match
from nnbench.study.study import Study
from nnbench.study.study_kinds import TRAINING

MAX_CHECKED_CELLS = 50_000  # a larger grid is checked by its levels alone when it is read
MAX_CHECKS = 500_000  # comparisons of an arm with a naming of cells


def check_size(study: Study) -> None:
    """Refuse more cells than a study may have."""
    cells = study.n_arms() * len(study.seeds)
    if cells > MAX_CELLS:
        counts = {key: len(levels) for key, levels in study.levels.items() if len(levels) > 1}
        product = " x ".join(f"{count} {key}" for key, count in counts.items())
        raise StudyError(
            f"[grid] has {cells:,} cells ({product} x {len(study.seeds)} seeds), over the limit of "
            f'{MAX_CELLS:,}: shorten a list, or use [design] kind = "sample" with n = 200'
        )


def check_report(study: Study) -> None:
    """Refuse a metric or a tuned parameter that the study cannot have."""
    metric, metrics = study.report.metric, metrics_of(study.kind)
    if metric not in metrics:
        raise StudyError(f"[report] metric: unknown {as_written(metric)}{nearest(metric, metrics)}")
    _check_metric(study, "[report]", metric, {})
    for number, claim in enumerate(study.claims, start=1):
        _check_metric(study, f"[[claim]] {number}", claim.metric, claim.where)
        _check_shares(study, f"[[claim]] {number}", claim)
    _check_lead(study)
    if study.kind != TRAINING:
        _check_only_for_training(study)
    places = {
        place for levels in study.levels.values() for level in levels for place in level.fields
    }
    for place in study.report.tune:
        if place not in places:
            raise StudyError(f"[report] tune: unknown {as_written(place)}{nearest(place, places)}")


def _check_lead(study: Study) -> None:
    """Refuse a lead that is not known, or that the study's page could not be opened with."""
    name = study.report.lead
    if not name:
        return
    if name not in LEADS:
        raise StudyError(f"[report] lead: unknown {as_written(name)}{nearest(name, LEADS)}")
    varied = [key for key, levels in study.levels.items() if len(levels) > 1]
    probes = [key for key in ("layers", "sharpness") if getattr(study.probes, key)]
    trains = any(level.fields["epochs"] for level in study.levels.get("epochs", []))
    if lack := lacking(LEADS[name], study.kind, varied, probes, trains):
        raise StudyError(f"[report] lead: {name} needs {lack}: add that, or leave lead out")


def _check_metric(study: Study, place: str, metric: str, where: Partial) -> None:
    """Refuse a metric that none of the cells of `where` can have."""
    _check_probed(place, metric, study.probes)
    of = METRICS[metric].task
    is_own = any(has_own_table(level.fields) for level in study.levels.get("data", []))
    if METRICS[metric].of_tables and not is_own:
        raise StudyError(
            f"{place} metric: {metric} is measured only on your own tables, and no data set here "
            f"is one: use {scores_of(of or '')[0]}"
        )
    wanted = about(where, "data")
    tasks = {
        study.vocabulary.task(level.fields)
        for level in study.levels.get("data", [])
        if may_match(level, wanted)
    }
    if of is not None and tasks and of not in tasks:
        own, others = scores_of(of), scores_of(tasks.pop())
        other = others[own.index(metric) if metric in own else 0]
        raise StudyError(
            f"{place} metric: {metric} is for {of}, which no data set here is: use {other}"
        )


def _check_shares(study: Study, place: str, claim: Claim) -> None:
    """Refuse a claim about the share of what does not vary, or of what has no variance."""
    keys = ("factor",) if claim.factor is not None else ("matters_more", "than")
    if not claim.shared_out:
        return
    if study.kind != TRAINING:
        raise StudyError(
            f'{place}: shares of variance are for networks, not for kind = "{study.kind}": '
            "use better and than"
        )
    if METRICS[claim.metric].of_stack:
        raise StudyError(
            f"{place} metric: {claim.metric} is measured per stack, so seeds do not vary it: "
            "use better and than, or another metric"
        )
    for key, factor in zip(keys, claim.shared_out, strict=True):
        _check_factor(study, f"{place} {key}", factor, claim.where)
    if len(set(claim.shared_out)) < len(claim.shared_out):
        raise StudyError(f"{place}: matters_more and than name the same factor: change one of them")


def _check_factor(study: Study, place: str, factor: str, where: Partial) -> None:
    varied = [key for key, levels in study.levels.items() if len(levels) > 1 and key != "data"]
    if factor == "data":
        raise StudyError(
            f"{place}: shares are computed within data sets: name a factor other than data"
        )
    if factor not in study.levels:
        if (root := factor.split(".")[0]) in study.levels:
            raise StudyError(f"{place}: {factor} is a parameter of {root}: name the factor, {root}")
        raise StudyError(f"{place}: unknown {as_written(factor)}{nearest(factor, varied)}")
    if factor in study.report.tune:
        raise StudyError(f"{place}: {factor} is tuned, so it is chosen and not compared")
    wanted = about(where, factor)
    if sum(may_match(level, wanted) for level in study.levels[factor]) < 2:
        raise StudyError(
            f"{place}: {factor} has one level here, which explains nothing: list more in [grid] "
            f"{factor}, or name a factor that varies"
        )


def _check_probed(where: str, metric: str, probes: Probes) -> None:
    """Refuse a metric that only probes measure where the study has none of them."""
    wanted = [name for name in METRICS[metric].probes if not getattr(probes, name)]
    if wanted:
        keys = " and ".join(f"{name} = true" for name in wanted)
        raise StudyError(f"{where} metric: {metric} is measured by probes: add {keys} to [probes]")


def _check_only_for_training(study: Study) -> None:
    given = {"[probes]": study.probes != Probes(), "[report] tune": bool(study.report.tune)}
    given["baselines"] = bool(study.written.baselines)
    given["[report] target"] = study.report.target is not None
    for place in [place for place, is_given in given.items() if is_given]:
        raise StudyError(f'{place} belongs to training, not to kind = "{study.kind}": remove it')


def check_cells(study: Study) -> None:
    """Refuse a recipe that cannot be, and a claim about cells that the study does not have.

    Of a large grid only what its levels tell: its cells are made, and checked, when it is run.
    """
    waiting = {
        (number, side): (partial, claim.where)
        for number, claim in enumerate(study.claims, start=1)
        for side, partial in claim.named.items()
    }
    for (number, side), both in waiting.items():
        for factor, levels in study.levels.items():
            parts = [about(one, factor) for one in both]
            if not any(all(may_match(level, part) for part in parts) for level in levels):
                raise StudyError(_no_cell(number, side))
    n_partials, arms = 1 + 2 * len(waiting) + len(study.design.exclude), study.n_arms()
    if arms * len(study.seeds) > MAX_CHECKED_CELLS or arms * n_partials > MAX_CHECKS:
        return
    empty = True
    for recipe in study.recipes():
        empty = False
        waiting = {
            key: both
            for key, both in waiting.items()
            if not all(matches(recipe, one) for one in both)
        }
    if empty:
        raise StudyError("[design] exclude leaves no cell: remove one of its entries")
    for number, side in waiting:
        raise StudyError(_no_cell(number, side))


def _no_cell(number: int, side: str) -> str:
    return (
        f"[[claim]] {number}: no cell of this study is both in {side} and in where: change one of "
        f"the two, or [design] exclude"
    )
