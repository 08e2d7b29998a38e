"""The command line: every command, in the order in which `nnbench --help` lists them."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from nnbench import __version__
from nnbench.cli.long_reads import show_long_reads
from nnbench.cli.reading import (
    claims,
    compact,
    compare,
    doctor,
    export,
    figures,
    list_entries,
    report,
    schema,
    show,
    status,
    verify,
)
from nnbench.cli.running import atlas, lecture, new, prove, run, settle, theory

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train a grid of small networks and report what made a difference, in paired comparisons.",
)
COMMANDS: dict[str, Callable[..., int]] = {
    "run": run,
    "settle": settle,
    "new": new,
    "report": report,
    "figures": figures,
    "claims": claims,
    "lecture": lecture,
    "compare": compare,
    "status": status,
    "verify": verify,
    "compact": compact,
    "export": export,
    "list": list_entries,
    "show": show,
    "atlas": atlas,
    "theory": theory,
    "prove": prove,
    "doctor": doctor,
    "schema": schema,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _version(value: bool) -> None:
    if value:
        print(f"nnbench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Options of nnbench itself."""
    if context.invoked_subcommand is None:  # typer's own answer is an error's sentence
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)
    show_long_reads(sys.stderr)


if __name__ == "__main__":  # as `python -m nnbench.cli`
    from nnbench.cli.main import main

    main()
