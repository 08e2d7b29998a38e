"""results directory -> report: read, compute frames, draw, lay out, write in one step.

Reads the tables, `claims.csv` and `provenance.json` and nothing else; needs no torch. The same
inputs give the same bytes: no clock, no global generator, no ids by chance.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from nnbench.report.analysis import analyse
from nnbench.report.other_kinds.sweeps import sweep_page
from nnbench.report.other_kinds.walks import walk_page
from nnbench.report.page.commands import run_command
from nnbench.report.page.html import render_page
from nnbench.report.page.markdown import write_markdown
from nnbench.report.page.parts import Page
from nnbench.report.study.page import study_page
from nnbench.report.study.rivals import cell_to_use
from nnbench.results.disk import write_whole
from nnbench.results.read import ReportError, Results, read_results
from nnbench.study.study_kinds import LANDSCAPE, NUMERICS, TRAINING, study_kind_of

__all__ = ["Report", "ReportError", "build_report", "page_of", "write_whole"]

# told of each stage, and whether the whole page is wanted or its beginning alone
PageMaker = Callable[[Results, Callable[[str], None], bool], Page]


class Report(NamedTuple):
    """A report as written: where, what it answers, and the command to which its advice adds."""

    path: Path
    answer: list[str]
    command: str


def build_report(
    folder: Path,
    with_markdown: bool = False,
    on_stage: Callable[[str], None] = lambda name: None,
) -> Report:
    """Write `report.html` into the results directory, all of it or nothing.

    with_markdown: also `report.md`, with its figures in `report_files/`. `on_stage` is told what
    begins: `statistics`, `figures`, `page`.
    Raises ReportError where a file is missing or is not what a run writes.
    """
    results = read_results(folder)
    page = page_of(results, on_stage)
    on_stage("page")
    path = write_whole(folder / "report.html", render_page(page))
    if with_markdown:
        write_markdown(folder, page)
    return Report(path, list(page.answer), run_command(results, again=False))


def page_of(
    results: Results, on_stage: Callable[[str], None] = lambda name: None, whole: bool = True
) -> Page:
    """The report of a study of any kind. whole: with its sections, not its answer alone."""
    return PAGE_BY_STUDY[study_kind_of(results.study)](results, on_stage, whole)


def cell_to_use_of(folder: Path) -> str:
    """The id of a cell of what a folder's report says to use. Raises ReportError."""
    results = read_results(folder)
    if study_kind_of(results.study) != TRAINING:
        raise ReportError(f"{folder.name} has no networks: name a cell of it")
    return cell_to_use(results, analyse(results))


def _of_networks(results: Results, on_stage: Callable[[str], None], whole: bool) -> Page:
    on_stage("statistics")
    analysis = analyse(results)
    on_stage("figures")
    return study_page(results, analysis, whole)


def _of_one_step(page: Callable[[Results, bool], Page]) -> PageMaker:
    def made(results: Results, on_stage: Callable[[str], None], whole: bool) -> Page:
        on_stage("figures")
        return page(results, whole)

    return made


PAGE_BY_STUDY: Mapping[str, PageMaker] = {
    TRAINING: _of_networks,
    LANDSCAPE: _of_one_step(walk_page),
    NUMERICS: _of_one_step(lambda results, whole: sweep_page(results)),
}
