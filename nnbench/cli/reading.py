"""The commands that read: results that are there, the catalogue, the machine."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from nnbench.cli import arguments as take
from nnbench.cli.ends import Exit, Failed
from nnbench.cli.places import (
    RESULTS,
    folder_of,
    open_page,
    results_of,
    shown,
    study_file,
    study_named,
)
from nnbench.cli.stops import GO_ON, stop_says


def report(
    place: take.Place, out: take.Out = RESULTS, own: take.With = None, open: take.Open = False
) -> int:
    """Rewrite a study's report from its tables.

    Writes report.html, and report.md with its figures in report_files, and lists the files.
    """
    from nnbench.report.build import build_report
    from nnbench.report.claims.table import write_claims
    from nnbench.report.index import write_index

    folder = results_of(place, out)
    if own:
        from nnbench.cli.summary import changed_code

        for line in changed_code(folder):
            print(f"nnbench: {line}", file=sys.stderr)
    write_claims(folder)
    page = build_report(folder, with_markdown=True).path
    written = [page, page.with_name("report.md"), *sorted(folder.glob("report_files/*.png"))]
    print("\n".join(str(shown(path.resolve())) for path in written))
    print(page.resolve().as_uri())
    if open:
        open_page(page)
    if folder.resolve().parent == out.resolve():
        write_index(out)
    return Exit.DONE


def figures(
    place: take.Place,
    out: take.Out = RESULTS,
    format: Annotated[str, take.one_of(("svg", "pdf", "png"), "svg, pdf or png")] = "svg",
    only: Annotated[
        int | None, typer.Option(help="write one figure: its number on the page", min=1)
    ] = None,
) -> int:
    """Write a report's figures, sized for print and for slides.

    Writes to figures/ in the results folder, and lists the files.
    """
    from nnbench.report.build import page_of
    from nnbench.report.page.paper import write_figures
    from nnbench.results.read import read_results

    folder = results_of(place, out)
    page = page_of(read_results(folder))
    count = len(page.pictures)
    if only is not None and only > count:
        there = f"has {count} figures" if count != 1 else "has one figure"
        raise Failed(Exit.USAGE, f"--only {only}: the report of {folder.name} {there}")
    written = write_figures(folder, page, format, only)
    if not written:
        raise Failed(Exit.USAGE, f"the report of {folder.name} has no figures")
    print("\n".join(str(shown(path.resolve())) for path in written))
    return Exit.DONE


def claims(
    out: take.Out = RESULTS,
    gate: Annotated[
        bool, typer.Option("--gate", help="exit with 4 if any claim is contradicted")
    ] = False,
    as_json: take.AsJson = False,
) -> int:
    """Judge the claims of every finished study, on one page."""
    from nnbench.report.claims.ledger import answer, gather, write_ledger
    from nnbench.report.index import write_index

    if not out.is_dir():
        raise Failed(Exit.USAGE, f"{out}: no such folder; create results with nnbench run")
    ledger = gather(out)
    page = write_ledger(out, ledger)
    write_index(out)
    for name in ledger.unreadable:
        print(f"nnbench: {name} is left out: its results cannot be read", file=sys.stderr)
    lines = [*answer(ledger), f"ledger: {shown(page.resolve())}"]
    take.tell(as_json, [entry.row() for entry in ledger.judged], lines)
    wrong = sum(entry.word == "contradicted" for entry in ledger.judged)
    if gate and wrong:
        raise Failed(
            Exit.GATE,
            f"{wrong} of {len(ledger.judged)} claims are contradicted; the ledger shows why",
        )
    return Exit.DONE


def compare(
    a: Annotated[str, take.place(f"the earlier results: {take.PLACE}")],
    b: Annotated[str, take.place("the later results")],
    out: take.Out = RESULTS,
    metric: Annotated[
        str | None, typer.Option(help="metric to compare (default: the one that both rank by)")
    ] = None,
    fail: Annotated[
        bool,
        typer.Option(
            "--fail-on-regression",
            help="exit with 4 if B is really worse, fails more often, is incomplete, "
            "or cannot be judged",
        ),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="also write the comparison as a page")] = None,
    as_json: take.AsJson = False,
) -> int:
    """Compare two results: what changed, and which changes are real."""
    from nnbench.report.comparison import compare_results, comparison_lines, comparison_page
    from nnbench.results.disk import write_whole
    from nnbench.results.read import read_results

    first, second = (read_results(shown(results_of(place, out))) for place in (a, b))
    comparison = compare_results(first, second, metric)
    if html is not None:
        write_whole(html, comparison_page(comparison))
    take.tell(as_json, comparison.document(), comparison_lines(comparison))
    if fail and comparison.complaint:
        raise Failed(Exit.GATE, comparison.complaint)
    return Exit.DONE


def status(
    place: take.Place,
    out: take.Out = RESULTS,
    own: take.With = None,
    watch: Annotated[bool, typer.Option("--watch", help="follow a run until it ends")] = False,
    as_json: take.AsJson = False,
) -> int:
    """Show how much of a study is finished, and what a run would do."""
    from nnbench.cli.summary import standing_of_results, standing_of_study
    from nnbench.pipeline import Options
    from nnbench.results.running import is_running
    from nnbench.results.store import holds_results

    if watch:
        _watch(place, out, as_json)
    # results may be here without the file of their study
    folder = folder_of(place, out)
    is_given = folder == Path(place) and (holds_results(folder) or is_running(folder))
    if is_given or (study_file(place) is None and holds_results(folder)):
        standing = standing_of_results(results_of(place, out))
    else:
        standing = standing_of_study(study_named(place), Options(out, file=place))
    take.tell(as_json, standing.row(), standing.lines())
    return Exit.DONE


def _watch(place: str, out: Path, as_json: bool) -> None:
    """Tell of the run of a place, if there is one, until it has ended."""
    from nnbench.cli.watch import watch
    from nnbench.results.running import is_running

    if as_json:
        raise Failed(Exit.USAGE, "--watch prints lines, not JSON: leave --json out")
    folder = folder_of(place, out)
    if not is_running(folder):
        print(f"nnbench: no run is in progress in {shown(folder)}", file=sys.stderr)
    stop_says("the run itself continues")
    watch(folder)
    stop_says(GO_ON)


def verify(place: take.Place, out: take.Out = RESULTS) -> int:
    """Check every stored result against its checksum.

    Exits with 5 if anything is damaged.
    """
    from nnbench.results.store import verify as verify_folder

    folder = results_of(place, out)
    damage = verify_folder(folder)
    for sentence in damage:
        print(sentence)
    if damage:
        raise Failed(
            Exit.DISK, f"{folder}: {len(damage)} damaged; run the study again to repair it"
        )
    print(f"{shown(folder.resolve())}: sound")
    return Exit.DONE


def compact(place: take.Place, out: take.Out = RESULTS) -> int:
    """Merge the small files that a study's runs leave into a few.

    Tables, report and what a later run would do stay the same.
    """
    from nnbench.results.compact import compact as compact_folder

    folder = results_of(place, out)
    found = compact_folder(folder)
    (were, are), (before, after) = found.folders, found.size
    print(
        f"{shown(folder.resolve())}: part folders: {were:,} before, {are:,} now; "
        f"size: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now"
    )
    return Exit.DONE


def export(
    cell_id: Annotated[
        str,
        typer.Argument(
            help="cell_id of a network, or its first characters; best: the one recommended"
        ),
    ],
    place: Annotated[
        str | None, typer.Option("--from", help=take.PLACE, autocompletion=take.places)
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--predict", help="the study's table: write a script that predicts new rows"),
    ] = None,
    own: take.With = None,
    out: take.Out = RESULTS,
) -> int:
    """Print a plain PyTorch script that trains one network.

    To save it: nnbench export CELL_ID > cell.py
    """
    from nnbench.export.find import find, folders_of_results
    from nnbench.export.script import hints, script_of

    folders = folders_of_results(out) if place is None else [results_of(place, out)]
    cell = find(_best(folders) if cell_id == "best" else cell_id, folders)
    print(script_of(cell, table), end="")
    for hint in hints(cell, table is not None):
        print(f"nnbench: {hint}", file=sys.stderr)
    return Exit.DONE


def _best(folders: Sequence[Path]) -> str:
    """The cell of what the report of the only results says to use."""
    from nnbench.report.build import cell_to_use_of

    if len(folders) != 1:
        way = "choose one with --from" if folders else "create results with nnbench run"
        raise Failed(Exit.USAGE, f"best needs one study, but there are {len(folders)} here: {way}")
    return cell_to_use_of(folders[0])


def list_entries(
    kind: take.SomeKind = None, own: take.With = None, as_json: take.AsJson = False
) -> int:
    """List the names that a study file can use, and the studies."""
    from nnbench.atlas.listing import rows
    from nnbench.cli.listing import list_text

    listed = rows(kind)
    print(json.dumps(listed, indent=2) if as_json else list_text(listed, take.columns()))
    return Exit.DONE


def show(
    kind: take.Kind, name: take.Name, own: take.With = None, as_json: take.AsJson = False
) -> int:
    """Show one entry: formula, parameters, reference, picture."""
    from nnbench.atlas.listing import show as show_entry
    from nnbench.cli.listing import show_text

    entry = show_entry(kind, name)
    print(json.dumps(entry, indent=2) if as_json else show_text(entry, take.columns()))
    return Exit.DONE


def doctor(out: take.Out = RESULTS, as_json: take.AsJson = False) -> int:
    """Check this machine: what is missing, and how to fix it."""
    from nnbench.cli.doctor import as_rows, as_text, examine, is_broken

    findings = examine(out)
    print(json.dumps(as_rows(findings), indent=2) if as_json else as_text(findings, take.columns()))
    return Exit.FAULT if is_broken(findings) else Exit.DONE


def schema() -> int:
    """Print the JSON Schema of a study file, for editors."""
    from nnbench.catalog import VOCABULARY
    from nnbench.study.json_schema import study_schema

    print(json.dumps(study_schema(VOCABULARY), indent=2))
    return Exit.DONE
