"""The page of a study of networks: the answer first, then what stands behind it."""

from collections.abc import Mapping, Sequence

import pandas as pd

from nnbench import stats
from nnbench.report.analysis import Analysis
from nnbench.report.layers.drawing import network_picture
from nnbench.report.layers.pictures import Diagnostic, diagnostics
from nnbench.report.page import numbers, table_cells
from nnbench.report.page.commands import own_flags
from nnbench.report.page.parts import (
    Code,
    Commands,
    Page,
    Paragraph,
    Part,
    Section,
    paragraph,
)
from nnbench.report.page.words import MOST_FINDINGS, in_words, listed
from nnbench.report.study.failures import export_command, failure_section
from nnbench.report.study.figures import curves_picture
from nnbench.report.study.interaction import interaction_section, together
from nnbench.report.study.mattered import mattered_section
from nnbench.report.study.method import method_section
from nnbench.report.study.opening import MAPS, Opening, opening_of, wanted_first
from nnbench.report.study.rivals import Advice, advice_of
from nnbench.report.study.sentences import findings, finished_sentence
from nnbench.report.study.trust import cell_counts, run_command, training_strip, whole_page
from nnbench.report.study.winners import arms_of, winners_section
from nnbench.results.read import Results
from nnbench.study.metrics import scores_of

MOST_CURVE_FACTORS = 2
OTHER_TASK = {"classification": "regression", "regression": "classification"}


def study_page(results: Results, analysis: Analysis, whole: bool = True) -> Page:
    """The page, its sections in the order in which a reader asks; without them unless `whole`."""
    wanted = wanted_first(results, analysis)
    layers = diagnostics(results, analysis, wanted, None if whole else {wanted, *MAPS})
    opening = opening_of(results, analysis, wanted, layers)
    advice = advice_of(results, analysis, run_command(results, again=False))
    answer = [*(advice.said if advice else []), *answer_of(results, analysis, opening)]
    sections, commands = (
        _sections(results, analysis, opening, advice, layers) if whole else ([], ())
    )
    return whole_page(
        results,
        answer,
        training_strip(results),
        sections,
        _notes(results, analysis),
        commands,
        advice.picture if advice and advice.picture and not wanted else opening.picture,
        len(advice.said) if advice else MOST_FINDINGS,
        network_picture(results, analysis) if whole else None,
    )


def _sections(
    results: Results,
    analysis: Analysis,
    opening: Opening,
    advice: Advice | None,
    layers: Mapping[str, Diagnostic],
) -> tuple[list[Section | None], Sequence[Part]]:
    """The sections between the claims and how to repeat the study, and what more may be run."""
    arms = arms_of(analysis)
    pictures = [found.picture for found in layers.values()]
    diagnosed = Section("diagnostics", "What the layers did", pictures) if pictures else None
    compared = [
        mattered_section(analysis, opening.has_arms, opening.picture),
        winners_section(results, analysis, arms) if opening.has_arms else None,
        interaction_section(analysis) if opening.has_arms else None,
        training_section(results, analysis),
    ]
    if advice:
        compared[:0] = [advice.section, advice.more]
    sections = [*compared, diagnosed] if opening.has_arms else [diagnosed, *compared]
    commands = exports(results, analysis, arms) if opening.has_arms else ()
    return [
        *sections,
        failure_section(results, analysis),
        method_section(results, analysis),
    ], commands


def answer_of(results: Results, analysis: Analysis, opening: Opening) -> list[str]:
    """What was found in sentences, the most important first, and at last what finished."""
    single = mean_text(analysis.overall, analysis.axis, len(analysis.labelled))
    counts = cell_counts(results)
    found = findings(
        analysis.effects,
        analysis.ranking,
        analysis.baselines,
        analysis.metric,
        counts,
        single,
        together(analysis),
        run_command(results, again=False),
        chosen_said(analysis),
    )
    found = [*opening.said, *(found if opening.has_arms else [])]
    return [*found, finished_sentence(counts, divergence_by_level(results, analysis))]


def chosen_said(analysis: Analysis) -> str:
    """`each at its best learning rate`, of the settings that were tuned; or nothing."""
    names = list(dict.fromkeys(in_words(place) for place in analysis.tuned))
    return f"each at its best {listed(names)}" if names else ""


def divergence_by_level(results: Results, analysis: Analysis) -> pd.DataFrame:
    """`factor, level, n, diverged` over all cells, those of settings not chosen included.

    A row for each level of each factor and tuned setting.
    """
    rows = []
    is_lost = results.cells["status"] == "diverged"
    for factor in [*analysis.baselines, *analysis.tuned]:
        if factor not in results.cells:
            continue
        labels = stats.level_labels(results.cells, factor, analysis.tuned)
        for level, lost in is_lost.groupby(labels.where(results.cells[factor].notna())):
            rows.append((factor, level, len(lost), int(lost.sum())))
    return pd.DataFrame(rows, columns=["factor", "level", "n", "diverged"])


def mean_text(interval: stats.Interval, label: str, n: int) -> str:
    """The mean of all cells as a phrase, with interval or the reason that it has none."""
    if interval.reason:
        said = table_cells.no_interval(interval.reason)
        return f"mean {label} {numbers.number(interval.estimate)} ({said})"
    mean = numbers.measured(interval.estimate, interval.low, interval.high)
    return f"mean {label} {mean}, {n} networks"


def _notes(results: Results, analysis: Analysis) -> list[Paragraph]:
    """What the answer leaves out: data sets of another task, and networks without a score."""
    metric = stats.METRICS[analysis.metric]
    notes = [paragraph(said) for said in _own_said(results, analysis.cells)]
    if analysis.not_applicable:
        others = [name for name in scores_of(OTHER_TASK[str(metric.task)]) if name in results.cells]
        notes.append(
            paragraph(
                f"This page is about {metric.label}, which exists only for {metric.task}: "
                f"{listed(analysis.not_applicable)} took no part. To report on the rest, set ",
                Code(f'metric = "{others[0]}"'),
                " in ",
                Code("[report]"),
                " and rewrite the report: the networks are already trained.",
            )
            if others
            else paragraph(f"Not part of this page: {listed(analysis.not_applicable)}.")
        )
    cells = analysis.labelled
    without = cells[(cells["status"] == "ok") & cells[analysis.metric].isna()]
    if len(without) and not metric.null_is_never:
        reasons = without.get("reason", pd.Series(dtype=object)).dropna().unique()
        why = f" ({reasons[0]})" if len(reasons) == 1 else ""
        notes.append(
            paragraph(
                f"{len(without):,} of {len(cells):,} networks finished without a "
                f"{metric.label}{why}: they count in n but in no mean, so n may be short even "
                "where nothing failed."
            )
        )
    return notes


def _own_said(results: Results, cells: pd.DataFrame) -> list[str]:
    """Say which entries are none of the catalogue's, if any."""
    if "own" not in cells or cells["own"].isna().all():
        return []
    used = cells["own"].dropna().str.split(" ").explode()
    names = sorted({str(one).partition("=")[0].replace(".", " ", 1) for one in used})
    said = f"Your own entries, not proven as the catalogue's are: {', '.join(names)}."
    if own_flags(results):
        return [said]
    return [
        f"{said} To run this again, name the file that defines them: nnbench run ... --with FILE.py"
    ]


def training_section(results: Results, analysis: Analysis) -> Section | None:
    """The learning curves of the factors that matter most."""
    factors = analysis.varied[:MOST_CURVE_FACTORS]
    pictures = [curves_picture(results, analysis, factor) for factor in factors]
    parts = [item for item in pictures if item is not None]
    return Section("training", "How training went", parts) if parts else None


def exports(results: Results, analysis: Analysis, arms: pd.DataFrame) -> list[Part]:
    """The commands that write a network of the best and of the worst arm as a script."""
    known = arms.dropna(subset=["mean"]) if "mean" in arms else arms
    if len(known) < 2:
        return []
    lines = []
    for name, arm in {"best": known.iloc[0], "worst": known.iloc[-1]}.items():
        here = analysis.labelled
        for factor in analysis.factors:
            here = here[here[factor] == arm[factor]]
        cell = here[here["status"] == "ok"]["cell_id"].iloc[0]
        lines += [f"# {name} configuration", export_command(results, str(cell))]
    said = paragraph(
        "One network of the best and one of the worst configuration by mean, each as a standalone "
        "script in plain PyTorch:"
    )
    return [said, Commands(lines)]
