"""Where things are: the study or the results that a word of the command line stands for."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnbench.cli.ends import Exit, Failed
from nnbench.study.shelf import LISTED, named_studies

if TYPE_CHECKING:
    from nnbench.study.study import Study

RESULTS = Path("results")


def study_file(word: str) -> Path | None:
    """The file that a path or a name stands for; None for an unknown name.

    A path ending in .toml is taken at its word, there or not. A name is of a file in `studies/`, or
    else of one in this folder: pages and verdicts name a study so, wherever its file lies.
    """
    path = Path(word)
    if path.suffix == ".toml" or path.is_file():
        return path
    here = Path(f"{word}.toml")
    return named_studies().get(word) or (here if here.is_file() else None)


def file_said(word: str) -> str:
    """A study as the results may keep it: a path from here, of a file elsewhere its name alone."""
    path = Path(word)
    return path.name if path.is_absolute() else word


def files_said(paths: Sequence[Path] | None) -> tuple[str, ...]:
    """The files of entries of one's own, likewise."""
    return tuple(file_said(str(path)) for path in paths or [])


def study_named(word: str, seeds: int | None = None) -> Study:
    """Read the study that a word stands for, with so many seeds if given."""
    from nnbench.catalog import VOCABULARY
    from nnbench.study.mistakes import StudyError, nearest
    from nnbench.study.reading import read_study

    path = study_file(word)
    if path is None:
        known = named_studies()
        hint = nearest(word, known, LISTED) if known else "; there is no folder studies/ here"
        raise StudyError(f'there is no study "{word}"{hint}')
    return reseeded(read_study(path, VOCABULARY), seeds)


def reseeded(study: Study, seeds: int | None) -> Study:
    """The study with seeds 0 to `seeds` - 1 in place of its own, if given."""
    from nnbench.study.study_kinds import STUDY_KINDS

    if seeds is not None and not STUDY_KINDS[study.kind].has_chance:
        raise Failed(
            Exit.USAGE, f"--seeds: nothing is random in a {study.kind} study; leave it out"
        )
    return study if seeds is None else replace(study, seeds=tuple(range(seeds)))


def results_of(place: str, out: Path) -> Path:
    """The folder of results that is given itself, or as the name or the file of a study."""
    from nnbench.results.running import is_running
    from nnbench.results.store import holds_results

    folder = folder_of(place, out)
    if holds_results(folder):
        return folder
    if is_running(folder):
        told = "its run has just begun and has no results yet; try again in a minute"
        raise Failed(Exit.USAGE, f"{place}: {told}")
    study = shlex.quote(place) if study_file(place) is not None else "STUDY"
    raise Failed(Exit.USAGE, f"{place}: no results there; create them with nnbench run {study}")


def folder_of(place: str, out: Path) -> Path:
    """Where the results of a place lie, or would: a folder that is given itself, or a study's."""
    from nnbench.results.disk import StoreError
    from nnbench.results.files import results_folder
    from nnbench.results.running import is_running
    from nnbench.results.store import holds_results

    path = Path(place)
    if holds_results(path) or is_running(path):
        return path
    file = None if holds_results(out / place) else study_file(place)
    if file is None and len(path.parts) > 1:
        return path
    try:
        return results_folder(out, place if file is None else _name_in(file))
    except StoreError:  # no study has such a name
        return path


def _name_in(file: Path) -> str:
    """The name in a study file, whose entries need not be known here."""
    import tomllib

    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, RecursionError):
        return study_named(str(file)).name  # which says what is wrong with it


def shown(path: Path) -> Path:
    """A path as short as it can be said from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def open_page(page: Path) -> None:
    """Show a page in the browser that the system names; its link is printed in any case."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        print("nnbench: found no browser to open the page in", file=sys.stderr)
