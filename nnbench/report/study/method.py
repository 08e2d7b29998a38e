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
    " Arms had unequal numbers of settings to choose from, and a choice on the seeds that are "
    "judged flatters who had more: a difference between such arms must also hold, with interval "
    "and test, where each half of the seeds has the setting that does best on the other half."
)


FOLDED = (
    "Seeds are the folds of a shuffle: each row is tested once in {folds} seeds. The mean over a "
    "whole shuffle hardly depends on the shuffle, so that an interval of a difference between "
    "networks, taken for other shuffles of these rows, is wider than it need be: simulated, two "
    "equal learners are told apart in under 1 of 100 studies. It does not speak of new rows: taken "
    "for those it is about right with one shuffle of five folds (6 of 100) and too narrow with two "
    "(18 of 100), since every shuffle has the same rows."
)
TIMED = (
    "Rows are split by time, so all seeds have the same parts, and an interval speaks of other "
    "seeds alone: what each seed shows may still be true of these latest rows only."
)


def method_section(results: Results, analysis: Analysis) -> Section:
    """Say how cells are paired, how sure an interval is, what is corrected and tuned."""
    better = "higher" if analysis.higher_is_better else "lower"
    parts: list[Part] = [
        paragraph(
            f"The metric, {analysis.label}, was declared before the run; {better} is better. A "
            "difference is the mean over pairs of networks that agree in data set, seed and every "
            "other factor, and so share their split, their batches and the noise under their "
            "initial weights, on the networks that all levels of the factor have; data sets weigh "
            "alike. A pair of which one network diverged has no difference: n counts the pairs "
            "left, of all. Where the side that lost more is ahead, it is called better only if "
            "that holds with each network that it alone lost as far behind as any is seen to be; "
            "the verdict then says that it is of those that finished."
        ),
        paragraph(
            "An interval is a 95 % bootstrap interval over blocks, one block being one data set "
            "and one seed, drawn within each data set 10,000 times with a generator seeded by the "
            "study, and stretched to Student's t for few blocks. Simulated with normal noise it "
            "covers the truth in 93 to 97 of 100 studies from three seeds on. Where blocks do not "
            "vary, or a data set has only one, there is no interval and the reason is given. An "
            "interval knows what its blocks show: what befell none of n, such as a rare collapse, "
            "may befall 1 − 0.05^(1/n) of new ones (none of 5: up to 45 %). An "
            "interval speaks of new seeds on these data sets and not of other data sets, on which "
            "a difference may well be another: see the panels."
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
        "A level is called better or worse only where its interval excludes zero and its paired t "
        "test stays below 5 % after Holm's correction for the "
        f"{count} comparisons with a baseline on this page"
        if count > 1
        else "A level is called better or worse only where its interval excludes zero and its "
        "paired t test is below 5 %; this page makes one comparison with a baseline"
    )
    return [
        paragraph(
            f"{text}. The smallest detectable difference is the one that this design would find "
            "in 80 of 100 studies; the seeds to settle are those per data set with which a true "
            "difference as large as the observed one would be found as often."
        )
    ]


def _tuning(analysis: Analysis) -> list[Paragraph]:
    if not analysis.tuned:
        return []
    by = METRICS[analysis.metric].chosen_by
    tie = "" if by == "val_loss" else ", among equals that with the lowest validation loss"
    return [
        paragraph(
            f"Tuned: {listed(analysis.tuned)}. In each arm and data set the setting with most "
            f"finished seeds and then the best mean {METRICS[by].label} was kept{tie}; its test "
            "results are what is reported."
            + (UNEVEN if analysis.labelled[SETTINGS].nunique() > 1 else "")
        )
    ]


def _tables(provenance: Mapping[str, Any]) -> list[Paragraph]:
    """Say what was done to each of the user's own tables."""
    tables = provenance.get("tables") or []
    said = [paragraph(f"{one['file']}: {' '.join(table_sentences(one))}") for one in tables]
    return [*said, paragraph(FILLED)] if said else []
