"""From Python: run a study, read its results back, and ask what the report asks of them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from nnbench.catalog.own.entries import Entries, register
from nnbench.cli.ends import Failed
from nnbench.cli.needs import need_cluster, need_machine
from nnbench.cli.places import file_said, reseeded, results_of, study_named
from nnbench.cli.progress import Progress, Silence
from nnbench.pipeline import Options
from nnbench.pipeline import run as run_study
from nnbench.report.analysis import Analysis, analyse
from nnbench.report.build import page_of
from nnbench.report.claims.table import claims_table
from nnbench.report.page.parts import Page
from nnbench.report.study.winners import arms_of
from nnbench.results.read import ReportError, Results, read_results
from nnbench.settling import MOST_SEEDS
from nnbench.settling import settle as settle_study
from nnbench.study.engines import DEVICES, ENGINES
from nnbench.study.mistakes import StudyError
from nnbench.study.study import Study
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of
from nnbench.training.time_limit import TimeLimit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = Path("results")


def read_study(
    study: str | Path | Mapping[str, Any],
    *,
    seeds: int | None = None,
    entries: Entries | None = None,
) -> Study:
    """Read and validate a study: a file, the name of one in `studies/`, or a dict like a file.

    seeds: use seeds 0 to `seeds` - 1 instead of the study's own. entries: your own entries that the
    study names; they stay known until others replace them. Errors: StudyError, EntryError, with one
    sentence.
    """
    if entries is not None:
        register(entries)
    if not isinstance(study, Mapping):
        return study_named(str(study), seeds)
    from nnbench.catalog import VOCABULARY
    from nnbench.study.reading import make_study

    return reseeded(make_study(study, VOCABULARY), seeds)


def _file_of(study: Any) -> str:
    """The study's file as its page may name it, where it has one."""
    return file_said(str(study)) if isinstance(study, str | Path) else ""


def run(
    study: Study | str | Path | Mapping[str, Any],
    *,
    seeds: int | None = None,
    out: str | Path = FOLDER,
    workers: int | None = None,
    device: str = "cpu",
    engine: str = "auto",
    limit: int | None = None,
    fresh: bool = False,
    time_limit: str | float | None = None,
    cluster: str = "",
    mixed: bool = False,
    entries: Entries | None = None,
    progress: bool = True,
) -> Result:
    """Run what is missing of a study, write tables and report to `out`/NAME, and load them.

    study: what `read_study` takes, or what it returned. workers: number of processes, by default
    one per core; each is a separate program, which never imports the caller's. time_limit: "2h", or
    seconds: finish within this time, everything written; run it again for the rest. entries: as in
    `read_study`. The other arguments are those of `nnbench run`. Errors: StudyError, StoreError,
    WorkerError, ClusterError, or TimeLimitError if the time is over before any network has
    finished, with the same sentence as on the command line.
    """
    if entries is not None:
        register(entries)
    planned = reseeded(study, seeds) if isinstance(study, Study) else read_study(study, seeds=seeds)
    _check(planned.kind, device, engine, cluster, mixed, workers=workers, limit=limit)
    options = Options(
        *(Path(out), workers, device, engine, limit, fresh, _file_of(study)),
        here=False,
        time_limit=_limited(time_limit),
        cluster=cluster,
        mixed=mixed,
    )
    with _listener(planned, progress) as listener:
        outcome = run_study(planned, options, listener)
    return load(outcome.folder)


def _limited(time_limit: str | float | None) -> TimeLimit | None:
    """The limit that is meant. Errors: StudyError."""
    if time_limit is not None and threading.current_thread() is not threading.main_thread():
        raise StudyError("time_limit: it works in the main thread only; leave it out")
    try:
        return TimeLimit.of(time_limit)
    except (ValueError, TypeError) as problem:
        raise StudyError(f"time_limit: {problem}") from None


def settle(
    study: Study | str | Path | Mapping[str, Any],
    *,
    most_seeds: int = MOST_SEEDS,
    out: str | Path = FOLDER,
    workers: int | None = None,
    device: str = "cpu",
    engine: str = "auto",
    cluster: str = "",
    mixed: bool = False,
    entries: Entries | None = None,
    progress: bool = True,
) -> Result:
    """Run a study, add seeds until each claim is decided or has `most_seeds`, load the results.

    Only the networks that an open claim compares get more seeds. Verdicts rest on evidence that is
    valid at any number of looks. Errors: those of `run`; StudyError if seeds can decide no claim.
    """
    if entries is not None:
        register(entries)
    planned = study if isinstance(study, Study) else read_study(study)
    _check(planned.kind, device, engine, cluster, mixed, workers=workers, most_seeds=most_seeds)
    options = Options(
        *(Path(out), workers, device, engine),
        file=_file_of(study),
        here=False,
        cluster=cluster,
        mixed=mixed,
    )
    with _listener(planned, progress) as listener:
        outcome, _ = settle_study(planned, options, listener, most_seeds)
    return load(outcome.folder)


def prove(entries: Entries) -> pd.DataFrame:
    """Check your own entries like those of the catalogue: one row per check.

    `outcome` is proven, FAILS or not shown, and `why` gives the reason. Errors: EntryError.
    """
    from nnbench.cli.prove import document, prove_all

    register(entries)
    return pd.DataFrame(document(prove_all()))


def _listener(study: Study, progress: bool) -> closing[Progress | Silence]:
    return closing(Progress(kind=study.kind, noun=study.noun) if progress else Silence())


def _check(
    kind: str, device: str, engine: str, cluster: str, mixed: bool, **counts: int | None
) -> None:
    """Refuse what the command line refuses of the same flags."""
    for name, count in counts.items():
        least = 2 if name == "most_seeds" else 1
        if count is not None and (not isinstance(count, int) or count < least):
            raise StudyError(f"{name}={count!r}: must be a whole number of at least {least}")
    for name, value, known in (("device", device, DEVICES), ("engine", engine, ENGINES)):
        if value not in known:
            raise StudyError(f"{name}={value!r}: must be one of {', '.join(known)}")
    try:
        need_machine(kind, device, engine)
        need_cluster(cluster, mixed, device, counts["workers"])
    except Failed as failure:
        raise StudyError(str(failure)) from None


def load(place: str | Path, *, out: str | Path = FOLDER) -> Result:
    """Load the results in a folder, or of the study of that name in `out`.

    Errors: ReportError if there are none yet, StoreError if a file is damaged.
    """
    try:
        folder = results_of(str(place), Path(out))
    except Failed as failure:
        raise ReportError(str(failure)) from None
    return Result(read_results(folder))


@dataclass(frozen=True, repr=False)
class Result:
    """A study's results: its tables as data frames, and the statistics and figures of its report.

    A notebook shows the report's answer with its figure; `print` gives the answer as text.
    """

    results: Results

    @property
    def folder(self) -> Path:
        """The results folder, with the tables and the report."""
        return self.results.folder

    @property
    def page(self) -> Path:
        """The path of the report."""
        return self.folder / "report.html"

    @property
    def study(self) -> Mapping[str, Any]:
        """The study as it ran, with every default filled in."""
        return self.results.study

    @property
    def cells(self) -> pd.DataFrame:
        """One row per network: its settings, its status and its scores.

        Includes networks with a claim's extra seeds, and those trained on fewer rows for
        comparison, which no other frame has.
        """
        return self.results.networks.copy()

    @property
    def curves(self) -> pd.DataFrame:
        """One row per network and epoch."""
        return self.results.curves.copy()

    @property
    def layers(self) -> pd.DataFrame:
        """One row per network, probed epoch and hidden layer; empty without probes."""
        found = self.results.layers
        return pd.DataFrame() if found is None else found.copy()

    @cached_property
    def claims(self) -> pd.DataFrame:
        """One row per claim of the study: verdict, effect, interval, counts and a sentence."""
        return claims_table(self.results)

    @property
    def answer(self) -> list[str]:
        """The report's answer, in sentences."""
        return list(self._page.answer)

    def effects(self) -> pd.DataFrame:
        """One row per level: its paired difference from the baseline, with interval and verdict.

        In the units of the report: points for accuracy. Errors: ReportError for numerics.
        """
        return self._analysis.effects.copy()

    def importance(self) -> pd.DataFrame:
        """One row per factor, the most important first: its share of the variance (`component`)."""
        return self._analysis.ranking.drop(columns="range")

    def ranks(self) -> pd.DataFrame:
        """One row per configuration, best first: rank, mean, interval and counts."""
        return arms_of(self._analysis)

    @property
    def figures(self) -> list[str]:
        """The names of the report's figures, in its order."""
        return [picture.name for picture in self._page.pictures]

    def figure(self, name: str) -> Figure:
        """A figure of the report, to change and save as you like. Errors: ReportError."""
        for picture in self._page.pictures:
            if picture.name == name and picture.figure is not None:
                return picture.figure
        known = ", ".join(self.figures)
        raise ReportError(f"there is no figure {name!r}; the figures are: {known}")

    def export(
        self,
        cell_id: str,
        to: str | Path,
        *,
        predict: str | Path | None = None,
        entries: Entries | None = None,
    ) -> Path:
        """Write a plain PyTorch script that trains one network, as `nnbench export` prints it.

        cell_id: a network's, or its first characters; "best" is what the report recommends, if
        the study has scikit-learn models for comparison. to: the script's file, which is returned.
        predict: the study's table, for a script that predicts new rows. entries: your own, as in
        `read_study`, unchanged since the network was trained. What the script itself does not say
        becomes a warning. Errors: ExportError, ReportError, EntryError, StoreError if the file
        cannot be written.
        """
        from nnbench.export.find import find
        from nnbench.export.script import hints, script_of
        from nnbench.report.build import cell_to_use_of
        from nnbench.results.disk import write_whole

        if entries is not None:
            register(entries)
        wanted = cell_to_use_of(self.folder) if cell_id == "best" else cell_id
        cell = find(wanted, [self.folder])
        write_whole(Path(to), script_of(cell, None if predict is None else Path(predict)))
        for hint in hints(cell, predict is not None):
            warnings.warn(hint, stacklevel=2)
        return Path(to)

    def __repr__(self) -> str:
        """The answer, and where the page is."""
        return "\n".join(
            [self.results.title, *(f"  {said}" for said in [*self.answer, self._place])]
        )

    def _repr_html_(self) -> str:
        """The answer with its figure, for a notebook."""
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.answer)
        lead = self._page.lead
        drawn = "" if lead is None else f"<p><b>{escape(lead.title)}</b></p>{lead.svg}"
        title, place = escape(self.results.title), escape(self._place)
        return f"<h3>{title}</h3>{said}{drawn}<p>{place}</p>"

    @property
    def _place(self) -> str:
        return f"page: {self.page}"

    @cached_property
    def _page(self) -> Page:
        return page_of(self.results)

    @cached_property
    def _analysis(self) -> Analysis:
        kind = study_kind_of(self.study)
        if not STUDY_KINDS[kind].has_chance:
            raise ReportError(f"a {kind} study has no effects: see its cells and figures")
        return analyse(self.results)
