"""What commands take: the arguments that several of them share, and what a shell completes."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nnbench.cli.ends import Exit, Failed
from nnbench.cli.places import RESULTS
from nnbench.study.engines import DEVICES, ENGINES
from nnbench.study.shelf import named_studies, study_files

PLACE = "a results folder, or a study (file or name)"


def columns() -> int:
    """The width of the terminal, in characters."""
    return shutil.get_terminal_size().columns


def tell(as_json: bool, content: Any, lines: Sequence[str]) -> None:
    """Print a command's result: its content for programs, or its lines for people."""
    print(json.dumps(content) if as_json else "\n".join(lines))


# What a shell completes: names that are found without reading a file ------------------------------


def _studies(incomplete: str) -> list[str]:
    # of a folder with studies of its own, those alone: the shipped ones are many
    return [name for name in study_files() or named_studies() if name.startswith(incomplete)]


def places(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of studies and of folders of results."""
    out = Path(ctx.params.get("out") or RESULTS)
    finished = (path.parent.name for path in out.glob("*/provenance.json"))
    return sorted({*_studies(incomplete), *(x for x in finished if x.startswith(incomplete))})


def _kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Kinds as the command writes them: `list` of all entries in the plural, `show` of one."""
    from nnbench.atlas.listing import PLURALS

    words = PLURALS.values() if ctx.info_name == "list" else PLURALS
    return [word for word in words if word.startswith(incomplete)]


def _entries(ctx: typer.Context, incomplete: str) -> list[str]:
    from nnbench.atlas.listing import rows
    from nnbench.study.mistakes import StudyError

    try:
        listed = rows(ctx.params.get("kind"))
    except StudyError:  # there is no such kind
        return []
    names = (name for row in listed for name in (row["name"], *row["aliases"]))
    return [name for name in names if name.startswith(incomplete)]


def one_of(words: Sequence[str], help: str) -> Any:
    """An option that takes one of these words."""

    def checked(ctx: typer.Context, param: typer.CallbackParam, value: str) -> str:
        if value not in words and not ctx.resilient_parsing:
            allowed = f"must be one of {', '.join(words)}"
            raise Failed(Exit.USAGE, f"{param.opts[0]} {value}: {allowed}")
        return value

    def completed(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return typer.Option(help=help, callback=checked, autocompletion=completed)


def _registered(paths: list[Path] | None) -> list[Path] | None:
    """Put the entries of files beside the catalogue's, before a command looks for any."""
    if paths:
        from nnbench.catalog.own.entries import read_entries, register

        register(read_entries(paths))
    return paths


With = Annotated[
    list[Path] | None,
    typer.Option(
        "--with",
        callback=_registered,
        help="a Python file with your own entries, which is executed (repeatable)",
    ),
]


def _is_time(text: str | None) -> str | None:
    """Refuse a time that is none, before a command does anything."""
    from nnbench.training.time_limit import seconds_of

    try:
        if text is not None:
            seconds_of(text)
    except ValueError as problem:
        raise Failed(Exit.USAGE, f"--time-limit: {problem}") from None
    return text


def place(help: str = PLACE) -> Any:
    """An argument that names results."""
    return typer.Argument(help=help, autocompletion=places)


_STUDY = typer.Argument(
    help="a study file, or the name of a study in studies/", autocompletion=_studies
)
Study = Annotated[str | None, _STUDY]
SomeStudy = Annotated[str, _STUDY]
Workers = Annotated[
    int | None, typer.Option(min=1, help="number of processes (default: one per core)")
]
Device = Annotated[str, one_of(DEVICES, "cpu or cuda")]
Engine = Annotated[
    str,
    one_of(
        ENGINES,
        "auto, native (compiled to C), stacked (vectorised by PyTorch) "
        "or reference (plain PyTorch, one network at a time)",
    ),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        callback=_is_time,
        help="finish within this time (2h, 1h30m), results written; the same command resumes",
    ),
]
Place = Annotated[str, place()]
Out = Annotated[Path, typer.Option(help="results folder")]
Cluster = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="train on the workers of a Dask scheduler: tcp://HOST:PORT, tls://HOST:PORT, or "
        "local:4 for four processes on this machine",
    ),
]
Mixed = Annotated[
    bool,
    typer.Option(
        "--mixed",
        help="also use cluster workers that differ from this machine; the engine's name says how",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print as JSON")]
Open = Annotated[bool, typer.Option("--open", help="open the page in a browser")]
SomeKind = Annotated[
    str | None,
    typer.Argument(help="activations, inits, layers, ..., data or studies", autocompletion=_kinds),
]
Kind = Annotated[
    str,
    typer.Argument(help="activation, init, optimizer, ..., data or study", autocompletion=_kinds),
]
Name = Annotated[str, typer.Argument(help="the entry's name or alias", autocompletion=_entries)]
