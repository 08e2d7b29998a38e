"""How the numbers of a report come about, in plain words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nnbench.report.analysis import Analysis
from nnbench.report.page.parts import Paragraph, Part, Section, paragraph
from nnbench.report.page.table_notes import FILLED, table_sentences
from nnbench.report.page.words import listed
from nnbench.results.read import Results
from nnbench.stats import METRICS, SETTINGS

UNEVEN = (
    " Configurations had unequal numbers of settings to choose from, and choosing on the same "
    "seeds that are judged flatters those with more. A difference between such configurations must "
    "therefore also hold, by interval and test, when each half of the seeds uses the setting that "
    "does best on the other half."
)


FOLDED = (
    "Seeds are the folds of a shuffle: each row is tested once in {folds} seeds. The mean over a "
    "whole shuffle hardly depends on the shuffle. Read as a statement about other shuffles of "
    "these rows, the interval of a difference between networks is therefore wider than necessary: "
    "in simulations, two equal learners are found to differ in under 1 of 100 studies. It does not "
    "cover new rows: read that way, it is about right with one shuffle of five folds (6 of 100) "
    "and too narrow with two (18 of 100), because every shuffle has the same rows."
)
TIMED = (
    "Rows are split by time, so all seeds have the same parts, and an interval covers other seeds "
    "only: what every seed shows may still hold for these latest rows alone."
)


def method_section(results: Results, analysis: Analysis) -> Section:
    """Say how cells are paired, how sure an interval is, what is corrected and tuned."""
    better = "higher" if analysis.higher_is_better else "lower"
    parts: list[Part] = [
        paragraph(
            f"The metric, {analysis.label}, was declared before the run; {better} is better. A "
            "difference is the mean over pairs of networks that agree in data set, seed and every "
            "other factor, and so share their split, their batches and the random numbers behind "
            "their initial weights. It uses the settings that all levels of the factor have; data "
            "sets have equal weight. A pair with a diverged network has no difference: n counts "
            "the pairs left, of all. If the side that lost more networks is ahead, it is called "
            "better only if that still holds when each network that one side alone lost counts as "
            "worse than its partner by the largest difference seen; the verdict then says that it "
            "is of those that finished."
        ),
        paragraph(
            "Intervals are 95 % bootstrap intervals over blocks (one data set and one seed each), "
            "resampled within each data set 10,000 times with a generator seeded by the study, and "
            "widened to Student's t when blocks are few. In simulations with normal noise they "
            "cover the truth in 93 to 97 of 100 studies from three seeds on. If blocks do not "
            "vary, or a data set has only one, there is no interval and the reason is given. An "
            "interval reflects only what its blocks show: what happened in none of n, such as a "
            "rare collapse, may happen in up to 1 − 0.05^(1/n) of new ones (none of 5: up to "
            "45 %). Intervals are about new seeds on these data sets, not about other data sets, "
            "where a difference may well be another: see the panels."
        ),
        *(paragraph(said) for said in of_splits(results.cells)),
        *_correction(analysis),
        *_tuning(analysis),
        *_tables(results.provenance),
    ]
    return Section("method", "Method", parts)


def of_splits(cells: pd.DataFrame) -> list[str]:
    """What an interval means where seeds do not each draw a split of their own."""
    said = []
    if "folds" in cells and (folds := int(cells["folds"].max())):
        said.append(FOLDED.format(folds=folds))
    return [*said, TIMED] if is_split_by_time(cells) else said


def is_split_by_time(cells: pd.DataFrame) -> bool:
    """Whether a data set of the study is a table whose latest rows are the test part."""
    return "data.time" in cells and bool(cells["data.time"].fillna("").astype(bool).any())


def _correction(analysis: Analysis) -> list[Paragraph]:
    count = int(analysis.effects["comparisons"].max()) if "comparisons" in analysis.effects else 0
    if not count:
        return []
    text = (
        "A level is called better or worse only if its interval excludes zero and the p-value of "
        "its paired t test stays below 5 % after Holm's correction for the "
        f"{count} comparisons with a baseline on this page"
        if count > 1
        else "A level is called better or worse only if its interval excludes zero and the p-value "
        "of its paired t test is below 5 %; this page makes one comparison with a baseline"
    )
    return [
        paragraph(
            f"{text}. The smallest detectable difference is the one this design would find in 80 "
            "of 100 studies. Seeds to settle: the seeds per data set with which a true difference "
            "as large as the observed one would be found equally often."
        )
    ]


def _tuning(analysis: Analysis) -> list[Paragraph]:
    if not analysis.tuned:
        return []
    by = METRICS[analysis.metric].chosen_by
    tie = "" if by == "val_loss" else " (ties go to the lowest validation loss)"
    return [
        paragraph(
            f"Tuned: {listed(analysis.tuned)}. For each configuration and data set, the setting "
            "with the most finished seeds and, among those, the best mean "
            f"{METRICS[by].label}{tie} was kept; its test results are reported."
            + (UNEVEN if analysis.labelled[SETTINGS].nunique() > 1 else "")
        )
    ]


def _tables(provenance: Mapping[str, Any]) -> list[Paragraph]:
    """Say what was done to each of the user's own tables."""
    tables = provenance.get("tables") or []
    said = [paragraph(f"{one['file']}: {' '.join(table_sentences(one))}") for one in tables]
    return [*said, paragraph(FILLED)] if said else []
