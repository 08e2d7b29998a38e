"""The command line: arguments, progress, exit codes. The only file that prints."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnbench import __version__
from nnbench.cli.ends import (
    STOPPED,
    Exit,
    Failed,
    Terminated,
    ended,
    flushed,
    other_end,
    prepare_streams,
    sentences,
    stop,
)

if TYPE_CHECKING:
    from nnbench.run import Options
    from nnbench.study.study import Study


PLACE = "a results folder, or a study: its file or its name"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train a grid of small networks, paired, and report what made a difference.",
)


def main() -> None:
    """Run the command line and exit with its code; a user's mistake never shows a traceback."""
    prepare_streams()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:  # of a shell that runs it in the background
            signal.signal(number, stop)
    try:
        code = _command()
    except (KeyboardInterrupt, Terminated) as again:  # while the first was being answered
        code = other_end(again)
    sys.exit(flushed(code))


def _command() -> int:
    """Run the command that the arguments name and return its exit code."""
    try:
        with sentences():
            code = app(standalone_mode=False)
    except Failed as failure:
        return ended(failure.code, str(failure))
    except BaseException as error:
        return other_end(error)
    if code == Exit.INTERRUPTED:  # click turns Ctrl-C into this code before it gets here
        return ended(Exit.INTERRUPTED, STOPPED)
    return Exit.DONE if code is None else int(code)


def _read(study: str, seeds: int | None = None) -> Study:
    """Read a study by path, or by the name of a file in `studies/`."""
    from nnbench.catalog import VOCABULARY
    from nnbench.study.mistakes import StudyError, nearest
    from nnbench.study.reading import read_study

    path = _study_file(study)
    if path is None:
        known = [file.stem for file in Path("studies").glob("*.toml")]
        hint = nearest(study, known) if known else "; there is no folder studies/ here"
        raise StudyError(f'there is no study "{study}"{hint}')
    return _reseeded(read_study(path, VOCABULARY), seeds)


def _study_file(study: str) -> Path | None:
    """Return the file that a path, or a name in `studies/`, stands for; None for an unknown name.

    A path ending in .toml is taken at its word, there or not.
    """
    path = Path(study)
    if path.suffix == ".toml" or path.is_file():
        return path
    path = Path("studies") / f"{study}.toml"
    return path if path.is_file() else None


@app.command()
def run(
    study: Annotated[
        str | None, typer.Argument(help="a study file, or the name of one in studies/")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="a CSV or Parquet table, in place of a study file")
    ] = None,
    target: Annotated[str | None, typer.Option(help="the table's column to predict")] = None,
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
    workers: Annotated[
        int | None, typer.Option(min=1, help="processes (default: one a core)")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    engine: Annotated[
        str,
        typer.Option(
            help="auto; native: compiled to C; stacked: mapped by torch; or reference: plain "
            "PyTorch, one network at a time"
        ),
    ] = "auto",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="repeats, in place of the file's")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="train at most so many networks")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="forget earlier results")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would run, and stop")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as JSON")] = False,
) -> int:
    """Run a study to its report, or go on where it stopped."""
    _one_of("--device", device, ("cpu", "cuda"))
    _one_of("--engine", engine, ("auto", "native", "stacked", "reference"))
    if engine == "native":
        _need_native(device)
    # before the libraries that a run needs: a bad study is refused at once
    planned = _study_or_table(study, data, target, seeds)
    if planned.kind != "training" and (device != "cpu" or engine == "native"):
        raise Failed(Exit.USAGE, f"a {planned.kind} study takes no --device and no --engine native")
    if device == "cuda":
        _need_cuda()
    from nnbench.run import Options

    options = Options(out, workers, device, engine, limit, fresh).of_kind(planned.kind)
    if dry_run:
        return _dry_run(planned, options, as_json)
    return _run(planned, options, as_json)


def _study_or_table(
    study: str | None, data: Path | None, target: str | None, seeds: int | None
) -> Study:
    """Return the study that a run names: a file, or the default grid on a table of one's own."""
    if study is not None and data is None and target is None:
        return _read(study, seeds)
    if study is not None or data is None or target is None:
        raise Failed(Exit.USAGE, "name either a study, or a table with --data FILE --target COLUMN")
    from nnbench.catalog import VOCABULARY
    from nnbench.cli.default_study import table_study
    from nnbench.study.mistakes import StudyError
    from nnbench.study.reading import make_study

    try:
        content = table_study(data, target)
    except ValueError as error:
        raise StudyError(str(error)) from None
    return _reseeded(make_study(content, VOCABULARY), seeds)


def _reseeded(study: Study, seeds: int | None) -> Study:
    if seeds is not None and study.kind == "numerics":
        raise Failed(Exit.USAGE, "--seeds: nothing is random in a numerics study; leave it out")
    return study if seeds is None else replace(study, seeds=tuple(range(seeds)))


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise Failed(Exit.USAGE, f"{option} {value}: must be one of {', '.join(allowed)}")


def _need_native(device: str) -> None:
    from nnbench.training.native.compiler import CompilerError, find_compiler

    if device != "cpu":
        raise Failed(Exit.USAGE, "--engine native trains on the processor: leave --device out")
    try:
        find_compiler()
    except CompilerError as problem:
        raise Failed(
            Exit.USAGE, f"--engine native: {problem}; leave it out, or install gcc"
        ) from None


def _need_cuda() -> None:
    import torch

    if not torch.cuda.is_available():
        raise Failed(Exit.USAGE, "--device cuda: this PyTorch finds no CUDA device; leave it out")


def _run(study: Study, options: Options, as_json: bool) -> int:
    from nnbench.cli.progress import Progress
    from nnbench.cli.summary import closing_lines, outcome_row
    from nnbench.run import run as run_study

    progress = Progress(kind=study.kind)
    try:
        outcome = run_study(study, options, progress)
    finally:
        progress.close()
    if as_json:
        print(json.dumps(outcome_row(study, outcome)))
    else:
        place = f"  report: {_shown(outcome.report.path)}"
        print("\n".join([*closing_lines(study, outcome, _columns()), place]))
    return Exit.CRASHED if outcome.counts["crashed"] else Exit.DONE


def _shown(path: Path) -> Path:
    """Return a path as short as it can be said from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _dry_run(study: Study, options: Options, as_json: bool) -> int:
    from nnbench.cli.summary import forecast

    found = forecast(study, options)
    print(json.dumps(found.row()) if as_json else "\n".join(found.lines()))
    return Exit.DONE


def _folder(place: str, out: Path) -> Path:
    """Return a results folder, given itself, or as the name or the file of a study."""
    from nnbench.results.disk import StoreError
    from nnbench.results.files import results_folder
    from nnbench.results.store import holds_results

    path = Path(place)
    if holds_results(path):
        return path
    is_study = not holds_results(out / place) and _study_file(place) is not None
    name = _read(place).name if is_study else place
    try:
        folder = results_folder(out, name)
    except StoreError:  # a path, and so no study's name
        raise Failed(Exit.USAGE, f"{place}: no results there; nnbench run makes them") from None
    if not holds_results(folder):
        raise Failed(Exit.USAGE, f"{place}: no results there; nnbench run {name} makes them")
    return folder


@app.command()
def report(
    place: Annotated[str, typer.Argument(help=PLACE)],
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
) -> int:
    """Write a study's report again from its tables.

    As a page, report.html, and as Markdown, report.md.
    """
    from nnbench.report.build import build_report
    from nnbench.report.claims.table import write_claims
    from nnbench.report.index import write_index

    folder = _folder(place, out)
    write_claims(folder)
    print(_shown(build_report(folder, with_markdown=True).path.resolve()))
    if folder.resolve().parent == out.resolve():
        write_index(out)
    return Exit.DONE


@app.command()
def claims(
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
    gate: Annotated[
        bool, typer.Option("--gate", help="end with 4 where any claim is contradicted")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Judge the claims of every finished study into one ledger."""
    from nnbench.report.claims.ledger import answer, gather, write_ledger
    from nnbench.report.index import write_index

    if not out.is_dir():
        raise Failed(Exit.USAGE, f"{out}: no such folder; nnbench run makes results")
    ledger = gather(out)
    page = write_ledger(out, ledger)
    write_index(out)
    for name in ledger.unreadable:
        print(f"nnbench: {name} is left out: its results cannot be read", file=sys.stderr)
    if as_json:
        print(json.dumps([entry.row() for entry in ledger.judged]))
    else:
        print("\n".join([*answer(ledger), f"ledger: {_shown(page.resolve())}"]))
    wrong = sum(entry.word == "contradicted" for entry in ledger.judged)
    if gate and wrong:
        raise Failed(
            Exit.GATE,
            f"{wrong} of {len(ledger.judged)} claims are contradicted; the ledger says by what",
        )
    return Exit.DONE


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help=f"the earlier: {PLACE}")],
    b: Annotated[str, typer.Argument(help="the later one")],
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
    metric: Annotated[
        str | None, typer.Option(help="what to compare (default: what both rank on)")
    ] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression",
            help="end with 4 where B is really worse, fails more often, or cannot be judged",
        ),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="write a page of it to this file too")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Say what changed between two results, and what of it is real."""
    from nnbench.report.comparison import compare_results, comparison_lines, comparison_page
    from nnbench.results.disk import write_whole
    from nnbench.results.read import read_results

    first, second = (read_results(_shown(_folder(place, out))) for place in (a, b))
    found = compare_results(first, second, metric)
    if html is not None:
        write_whole(html, comparison_page(found))
    print(json.dumps(found.document()) if as_json else "\n".join(comparison_lines(found)))
    if fail and found.complaint:
        raise Failed(Exit.GATE, found.complaint)
    return Exit.DONE


@app.command()
def status(
    place: Annotated[str, typer.Argument(help=PLACE)],
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Say how much of a study is finished, and what a run would do."""
    from nnbench.cli.summary import standing_of_results, standing_of_study
    from nnbench.results.store import holds_results

    # results may be here without the file of their study
    if holds_results(Path(place)) or (_study_file(place) is None and holds_results(out / place)):
        standing = standing_of_results(_folder(place, out))
    else:
        standing = standing_of_study(_read(place), out)
    print(json.dumps(standing.row()) if as_json else "\n".join(standing.lines()))
    return Exit.DONE


@app.command()
def verify(
    place: Annotated[str, typer.Argument(help=PLACE)],
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
) -> int:
    """Check every stored result against its checksum.

    Ends with 5 where anything is damaged.
    """
    from nnbench.results.store import verify as verify_folder

    folder = _folder(place, out)
    damage = verify_folder(folder)
    for sentence in damage:
        print(sentence)
    if damage:
        raise Failed(Exit.DISK, f"{folder}: {len(damage)} damaged; run the study again to mend it")
    print(f"{_shown(folder.resolve())}: sound")
    return Exit.DONE


@app.command()
def export(
    cell_id: Annotated[str, typer.Argument(help="a cell's id, or as much of it as only it has")],
    place: Annotated[str | None, typer.Option("--from", help=PLACE)] = None,
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
) -> int:
    """Print a plain PyTorch script that trains one cell again.

    Keep it with: nnbench export CELL_ID > cell.py
    """
    from nnbench.export.find import find, folders_of_results
    from nnbench.export.script import hints, script_of

    folders = folders_of_results(out) if place is None else [_folder(place, out)]
    found = find(cell_id, folders)
    print(script_of(found), end="")
    for hint in hints(found):
        print(f"nnbench: {hint}", file=sys.stderr)
    return Exit.DONE


@app.command("list")
def list_entries(
    kind: Annotated[
        str | None, typer.Argument(help="activations, inits, layers, ..., data or studies")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """List what a study file may name, and the studies."""
    from nnbench.atlas.listing import rows
    from nnbench.cli.listing import list_text

    listed = rows(kind)
    print(json.dumps(listed, indent=2) if as_json else list_text(listed, _columns()))
    return Exit.DONE


@app.command()
def show(
    kind: Annotated[str, typer.Argument(help="activation, init, optimizer, ..., data or study")],
    name: Annotated[str, typer.Argument(help="its name, or an alias")],
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Show one entry: formula, parameters, reference, picture."""
    from nnbench.atlas.listing import show as show_entry
    from nnbench.cli.listing import show_text

    shown = show_entry(kind, name)
    print(json.dumps(shown, indent=2) if as_json else show_text(shown, _columns()))
    return Exit.DONE


@app.command()
def atlas(
    out: Annotated[Path, typer.Option(help="folder of the atlas")] = Path("results/atlas"),
) -> int:
    """Draw the atlas: a picture of everything that a study can vary."""
    from nnbench.atlas.build import build_atlas

    print(_shown(build_atlas(out).resolve()))
    return Exit.DONE


@app.command()
def theory(
    sizes: Annotated[
        str,
        typer.Option(
            "--set",
            help="sizes of the networks, width=128,depth=16,batch=64; and a mean field of one's "
            "own, activation=tanh,sw2=1.3,sb2=0.1",
        ),
    ] = "",
    out: Annotated[Path, typer.Option(help="folder of the page")] = Path("results/theory"),
    gate: Annotated[
        bool, typer.Option("--gate", help="end with 4 where a prediction and a measurement differ")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Hold theory's predictions against what the engine measures."""
    from nnbench.theory.checks import measure_all, read_settings
    from nnbench.theory.checks.record import closing_lines, write_theory

    settings = read_settings(sizes)
    began = time.perf_counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()  # whether it can be written, before it is measured
    except OSError as error:
        raise Failed(Exit.DISK, f"{error.filename or out}: {error.strerror}") from None
    with _nothing_kept():
        checks = measure_all(settings, lambda name, share: _progress(name, share, "measured"))
    page = write_theory(out, settings, checks, time.perf_counter() - began)
    if as_json:
        print(json.dumps([check.row() for check in checks]))
    else:
        print("\n".join([*closing_lines(checks), f"  page: {_shown(page.resolve())}"]))
    wrong = sum(not (check.agrees and check.tells_mistake) for check in checks)
    if gate and wrong:
        raise Failed(Exit.GATE, f"{wrong} of {len(checks)} predictions fail; the page names them")
    return Exit.DONE


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Say of a command that is stopped here that it begins anew, instead of going on."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as stop:
        word, code = "stopped", Exit.INTERRUPTED
        if isinstance(stop, Terminated):
            word, code = "terminated", Exit.TERMINATED
        raise Failed(code, f"{word}; nothing was kept: the same command begins anew.") from None


def _progress(name: str, share: float, verb: str) -> None:
    """Say how far it is: on a terminal in a line that the next one replaces, elsewhere in lines."""
    text = f"{100 * share:3.0f} % {verb}, {name}" if name else ""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


@app.command()
def doctor(
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> int:
    """Look at this machine: what is missing, and how to mend it."""
    from nnbench.cli.doctor import as_rows, as_text, examine, is_broken

    findings = examine(out)
    print(json.dumps(as_rows(findings), indent=2) if as_json else as_text(findings, _columns()))
    return Exit.FAULT if is_broken(findings) else Exit.DONE


@app.command()
def schema() -> int:
    """Print the JSON Schema of a study file, for editors."""
    from nnbench.catalog import VOCABULARY
    from nnbench.study.json_schema import study_schema

    print(json.dumps(study_schema(VOCABULARY), indent=2))
    return Exit.DONE


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _version(value: bool) -> None:
    if value:
        print(f"nnbench {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Options of nnbench itself."""


if __name__ == "__main__":
    main()
