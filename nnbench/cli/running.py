"""The commands that compute: they train, measure or draw."""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnbench.cli import arguments as take
from nnbench.cli.ends import Exit, Failed
from nnbench.cli.needs import need_cluster, need_machine
from nnbench.cli.places import (
    RESULTS,
    file_said,
    files_said,
    open_page,
    reseeded,
    shown,
    study_named,
)
from nnbench.cli.stops import WITHOUT_FRESH, stop_says, way_on, way_on_with

if TYPE_CHECKING:
    from nnbench.pipeline import Options, Outcome
    from nnbench.settling import Look
    from nnbench.study.study import Study


def run(
    study: take.Study = None,
    data: Annotated[
        Path | None,
        typer.Option(help="a table (CSV, Excel, JSON lines, Parquet, Feather), instead of a study"),
    ] = None,
    target: Annotated[str | None, typer.Option(help="the column to predict")] = None,
    task: Annotated[
        str,
        take.one_of(
            ("auto", "classification", "regression"),
            "auto (decided by the target), classification or regression",
        ),
    ] = "auto",
    decimal: Annotated[
        str,
        take.one_of(("auto", ".", ","), "decimal sign of the table: auto, . or ,"),
    ] = "auto",
    missing: Annotated[
        list[str] | None,
        typer.Option(help="an additional marker for missing values (repeatable)"),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="a column to leave out (repeatable)")
    ] = None,
    numeric: Annotated[
        list[str] | None, typer.Option(help="a column to read as numbers (repeatable)")
    ] = None,
    categorical: Annotated[
        list[str] | None, typer.Option(help="a column to read as categories (repeatable)")
    ] = None,
    dates: Annotated[
        list[str] | None, typer.Option(help="a column to read as dates (repeatable)")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="the sheet of an Excel workbook with several")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="keep rows with the same value here in one part of the split")
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(help="a date or number that orders the rows: the latest are the test set"),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=20, help="use at most this many rows, drawn at random")
    ] = None,
    write_study: Annotated[
        Path | None, typer.Option(help="also write this run as a study file")
    ] = None,
    out: take.Out = RESULTS,
    workers: take.Workers = None,
    device: take.Device = "cpu",
    engine: take.Engine = "auto",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="number of seeds, instead of the file's")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="train at most this many networks")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="discard earlier results")] = False,
    time_limit: take.TimeLimit = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print what would run and how long it would take")
    ] = False,
    cluster: take.Cluster = "",
    mixed: take.Mixed = False,
    open: take.Open = False,
    own: take.With = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> int:
    """Run a study, or resume it, and write its report."""
    # before the libraries that a run needs: a bad study is refused at once
    said = {
        **{"task": task, "decimal": decimal, "missing": missing, "rows": rows},
        **{"drop": drop, "numeric": numeric, "categorical": categorical, "dates": dates},
        **{"sheet": sheet, "group": group, "time": time},
    }
    choices = {key: value for key, value in said.items() if value not in (None, "auto", [])}
    planned = _study_or_table(study, data, target, seeds, choices, write_study)
    need_machine(planned.kind, device, engine)
    need_cluster(cluster, mixed, device, workers)
    from nnbench.pipeline import Options
    from nnbench.training.time_limit import TimeLimit, lived

    said_of_file, files = file_said(study or str(write_study or "")), files_said(own)
    options = Options(out, workers, device, engine, limit, fresh, said_of_file, files)
    ends = TimeLimit.of(time_limit, lived())
    options = replace(options, time_limit=ends, cluster=cluster, mixed=mixed)
    if dry_run:
        if cluster:
            told = "--dry-run estimates a run on this machine: leave --cluster out"
            raise Failed(Exit.USAGE, told)
        return _dry_run(planned, options, as_json)
    forgotten = WITHOUT_FRESH if fresh and write_study is None else way_on()
    given = study or write_study or data or ""  # one of them, or the run had been refused
    tell = partial(_told, planned, given=given, own=own or (), as_json=as_json, opens=open)
    return _run(planned, options, tell, lambda: stop_says(forgotten))


def _study_or_table(
    study: str | None,
    data: Path | None,
    target: str | None,
    seeds: int | None,
    choices: Mapping[str, Any],
    written: Path | None,
) -> Study:
    """The study that a run names: a file, or the default grid on a table of one's own.

    written: where the file of the latter is to be written, whose study is then run.
    """
    if study is not None and data is None and target is None and not choices:
        if written is not None:
            raise Failed(
                Exit.USAGE, "--write-study needs --data FILE: this study already has a file"
            )
        return study_named(study, seeds)
    if study is not None or data is None or target is None:
        said = {"target": target, **choices} if target is not None else choices
        raise Failed(Exit.USAGE, _way_to_name(study is not None, data is not None, said))
    from nnbench.catalog import VOCABULARY
    from nnbench.cli.default_study import table_study, why_metric
    from nnbench.study.mistakes import StudyError
    from nnbench.study.reading import make_study

    try:
        content = table_study(data, target, **choices)
        why = why_metric(data, target, **choices)
    except ValueError as error:
        raise StudyError(str(error)) from None
    if why:
        print(f"{data.name}: {why}", file=sys.stderr)
    if written is not None:
        if seeds is not None:
            content["grid"]["seeds"] = seeds
        return _written(content, written)
    return reseeded(make_study(content, VOCABULARY), seeds)


def _written(content: Mapping[str, Any], path: Path) -> Study:
    """The study of a table, read back from the file that it was written to."""
    from nnbench.catalog import VOCABULARY
    from nnbench.cli.written_study import study_text
    from nnbench.study.reading import read_study

    if path.suffix != ".toml":
        raise Failed(Exit.USAGE, f"--write-study {path}: a study file ends in .toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(study_text(content, path))
    except FileExistsError:
        told = f"--write-study {path}: the file exists: run it, or move it"
        raise Failed(Exit.USAGE, told) from None
    except OSError as error:
        raise Failed(Exit.DISK, f"--write-study {path}: {error.strerror}") from None
    again = f"nnbench run {shlex.quote(str(path))}, with the same --out and other options"
    print(f"nnbench: wrote {path}; to repeat this run: {again}", file=sys.stderr)
    stop_says(way_on_with(str(path)))
    return read_study(path, VOCABULARY)


def _way_to_name(study: bool, data: bool, choices: Mapping[str, Any]) -> str:
    """What is wrong with how a study or a table is named, and the way out."""
    if study and choices and not data:
        flag = next(iter(choices))
        return f"--{flag} needs a table, --data FILE; in a study file, write it as a key of data"
    if data and not study:
        return "--data needs --target COLUMN, the column to predict"
    return "give either a study, or a table with --data FILE --target COLUMN"


def _run(
    study: Study,
    options: Options,
    tell: Callable[[Outcome], int],
    on_planned: Callable[[], None],
) -> int:
    from nnbench.cli.progress import Progress
    from nnbench.pipeline import run as run_study

    with closing(Progress(kind=study.kind, noun=study.noun, on_planned=on_planned)) as progress:
        outcome = run_study(study, options, progress)
    code = tell(outcome)
    missing = outcome.counts["missing"]
    if missing and options.time_limit is not None and options.time_limit.is_over:
        told = f"the time limit was reached with {missing:,} {study.noun} left; {way_on()}"
        raise Failed(Exit.TIME, told)
    return code


def _told(
    study: Study,
    outcome: Outcome,
    given: str | Path,
    own: Sequence[Path],
    as_json: bool,
    opens: bool,
    look: Look | None = None,
) -> int:
    """Tell what a run came to, and a look at its claims; the exit code that says so too."""
    from nnbench.cli.summary import closing_lines, look_line, outcome_row

    page, row = outcome.report.path, outcome_row(study, outcome)
    lines = closing_lines(study, outcome, given, own, take.columns())
    if look is not None:
        lines.append(f"  {look_line(look)}")
        row |= {"verdicts": [one.verdict for one in look.verdicts], "seeds": look.seeds}
    lines += [f"  report: {shown(page)}", f"  {page.resolve().as_uri()}"]
    take.tell(as_json, row, lines)
    if opens:
        open_page(page)
    return Exit.CRASHED if outcome.counts["crashed"] else Exit.DONE


def settle(
    study: take.SomeStudy,
    most_seeds: Annotated[
        int | None, typer.Option(min=2, help="at most this many seeds per claim (default: 30)")
    ] = None,
    out: take.Out = RESULTS,
    workers: take.Workers = None,
    device: take.Device = "cpu",
    engine: take.Engine = "auto",
    cluster: take.Cluster = "",
    mixed: take.Mixed = False,
    open: take.Open = False,
    own: take.With = None,
    as_json: take.AsJson = False,
) -> int:
    """Run a study, then add seeds until each claim is decided."""
    planned = study_named(study)
    need_machine(planned.kind, device, engine)
    need_cluster(cluster, mixed, device, workers)
    from nnbench.cli.progress import Progress
    from nnbench.cli.summary import look_line
    from nnbench.pipeline import Options
    from nnbench.settling import MOST_SEEDS
    from nnbench.settling import settle as settle_study

    options = Options(out, workers, device, engine, file=file_said(study))
    options = replace(options, entry_files=files_said(own), cluster=cluster, mixed=mixed)
    with closing(Progress(kind=planned.kind, noun=planned.noun)) as progress:
        outcome, look = settle_study(
            planned,
            options,
            progress,
            most_seeds or MOST_SEEDS,
            lambda look: progress.say(look_line(look)),
        )
    return _told(planned, outcome, study, own or (), as_json, open, look)


def _dry_run(study: Study, options: Options, as_json: bool) -> int:
    from nnbench.cli.forecast import forecast

    expected = forecast(study, options)
    take.tell(as_json, expected.row(), expected.lines())
    return Exit.DONE


def new(
    name: Annotated[str, typer.Argument(help="name of the study and of its file")],
) -> int:
    """Write a small commented study to start from."""
    from nnbench.cli.new_study import write_study

    path = write_study(name)
    print(f"{path}: edit it, then nnbench run {path}")
    return Exit.DONE


def prove(
    files: Annotated[
        list[Path], typer.Argument(help="Python files with your own entries, which are executed")
    ],
    as_json: take.AsJson = False,
) -> int:
    """Check your own entries like those of the catalogue.

    Exits with 4 if a check fails.
    """
    from nnbench.catalog.own.entries import read_entries, register
    from nnbench.cli import prove as proof

    register(read_entries(files))
    shown = proof.prove_all()
    take.tell(as_json, proof.document(shown), proof.lines(shown, take.columns()))
    failed = sum(one.outcome == proof.FAILS for one in shown)
    if failed:
        raise Failed(Exit.GATE, f"{failed} of {len(shown)} checks failed")
    return Exit.DONE


def atlas(
    out: Annotated[Path, typer.Option(help="folder to draw into")] = RESULTS / "atlas",
    own: take.With = None,
) -> int:
    """Draw the atlas: a picture of everything a study can vary."""
    from nnbench.atlas.build import build_atlas

    print(shown(build_atlas(out).resolve()))
    return Exit.DONE


def lecture(out: take.Out = RESULTS, open: take.Open = False) -> int:
    """Collect the studies' findings into a lecture, topic by topic.

    lecture.html#lecture opens it as slides.
    """
    from nnbench.report.index import write_index
    from nnbench.report.lecture import write_lecture

    if not out.is_dir():
        raise Failed(Exit.USAGE, f"{out}: no such folder; create results with nnbench run")
    page = write_lecture(out)
    write_index(out)
    print(f"{shown(page.resolve())}\n{page.resolve().as_uri()}#lecture")
    if open:
        open_page(page)
    return Exit.DONE


def theory(
    sizes: Annotated[
        str,
        typer.Option(
            "--set",
            help="network sizes, width=128,depth=16,batch=64, and a mean field of your own, "
            "activation=tanh,sw2=1.3,sb2=0.1",
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="folder to write the page to")] = RESULTS / "theory",
    gate: Annotated[
        bool, typer.Option("--gate", help="exit with 4 if a prediction and a measurement differ")
    ] = False,
    as_json: take.AsJson = False,
) -> int:
    """Compare theoretical predictions with measurements."""
    from nnbench.theory.checks.measure import measure_all, read_settings
    from nnbench.theory.checks.record import closing_lines, write_theory

    settings = read_settings(sizes)
    began = time.perf_counter()
    _need_folder(out)
    stop_says("nothing was kept: the same command starts over")
    checks = measure_all(settings, _progress)
    page = write_theory(out, settings, checks, time.perf_counter() - began)
    lines = [*closing_lines(checks), f"  page: {shown(page.resolve())}"]
    take.tell(as_json, [check.row() for check in checks], lines)
    wrong = sum(not (check.agrees and check.tells_mistake) for check in checks)
    if gate and wrong:
        raise Failed(Exit.GATE, f"{wrong} of {len(checks)} predictions fail; the page names them")
    return Exit.DONE


def _need_folder(out: Path) -> None:
    """See that a folder can be written to, before it is known what to write."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise Failed(Exit.DISK, f"{error.filename or out}: {error.strerror}") from None


def _progress(name: str, share: float) -> None:
    """Say how far it is: on a terminal in a line that the next one replaces, elsewhere in lines."""
    text = f"{100 * share:3.0f} % measured, {name}" if name else ""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)
