"""The command that runs a study again, as a page and a verdict give it."""

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nnbench.report.page.table_notes import table_title
from nnbench.results.provenance import asked_for
from nnbench.results.read import Results
from nnbench.study.study_kinds import STUDY_KINDS, study_kind_of

# in a sentence, whose end it reaches to
COMMAND = re.compile(r"(\bnnbench (?:run|export|settle) .+?)(?=\.$|\. [A-Z0-9]|$)")
USUAL = "results"  # the folder of all results, unless a run names another
NAMED = ("csv", "parquet", "target")  # keys of a table that --data and --target are for


def run_command(results: Results, again: bool = True) -> str:
    """The command that runs the study; `again`: with the seeds and the limit of that run.

    Without those, what it may be given more of can be added. A study without a file is that of a
    table, which `--data` names. As from beside the folder of all results: a page tells nothing of
    the folders above it.
    """
    study, tables = results.study, results.provenance.get("tables") or []
    words = ["nnbench", "run", asked_for(results.provenance)]
    if is_of_table(results):
        words = ["nnbench", "run", "--data", tables[0]["file"], "--target", tables[0]["target"]]
        words += _table_flags(study["grid"]["data"])
    own, ran = (study.get("grid") or {}).get("seeds", 3), list(study.get("seeds") or [])
    in_file = list(range(own)) if isinstance(own, int) else list(own)
    has_chance = STUDY_KINDS[study_kind_of(study)].has_chance
    if again and has_chance and ran == list(range(len(ran))) != in_file and ran:
        words += ["--seeds", str(len(ran))]
    if again and (limit := results.provenance.get("limit")):
        words += ["--limit", str(limit)]
    words += own_flags(results)
    if (folder := results.folder.resolve().parent.name) not in ("", USUAL):
        words += ["--out", folder]
    return shlex.join(words)


def from_here(
    text: str,
    command: str,
    given: str | Path,
    folder: Path,
    tables: Iterable[Path] = (),
    own: Iterable[Path] = (),
) -> str:
    """A sentence of a page with its commands as they run from here, wherever the files lie.

    command: the page's own, of `run_command`. given: the study, or the file of its table, as the
    run was given it. folder: the study's results, likewise. tables: those that the study reads;
    own: files with entries of one's own.
    """
    words = shlex.split(command)
    words[3 if words[2] == "--data" else 2] = str(given)
    if "--out" in words:
        del words[-2:]
    if folder.parent != Path(USUAL):
        words += ["--out", str(folder.parent)]
    here = {command: shlex.join(words), f"--from {place_said(folder)}": _flag("--from", folder)}
    here |= {_flag("--predict", path.name): _flag("--predict", path) for path in tables}
    here |= {
        _flag("--with", path.name): _flag("--with", path) for path in own if path.is_absolute()
    }
    for said, better in here.items():
        text = text.replace(said, better)
    return text


def _flag(name: str, value: str | Path) -> str:
    return shlex.join([name, str(value)])


def place_said(folder: Path) -> str:
    """A study's results as a page names them, from beside the folder of all results."""
    return shlex.quote("/".join(folder.resolve().parts[-2:]))


def own_flags(results: Results) -> list[str]:
    """The files of entries of one's own that the run was given, each as `--with`."""
    files = results.provenance.get("entry_files") or []
    return [word for file in files for word in ("--with", str(file))]


def _table_flags(data: Mapping[str, Any]) -> list[str]:
    """Each key of a table, beside the file and the target, as the flag of the same name."""
    flags = []
    for key, value in data.items():
        if key not in NAMED:
            flags += [f"--{key}={one}" for one in (value if isinstance(value, list) else [value])]
    return flags


def is_of_table(results: Results) -> bool:
    """Whether the study is the one that `nnbench run --data` makes of a table."""
    tables = results.provenance.get("tables") or []
    title = table_title(tables[0]["file"], tables[0]["target"]) if tables else ""
    return len(tables) == 1 and results.title == title and not results.study.get("claims")
