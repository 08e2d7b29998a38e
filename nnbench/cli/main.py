"""Where the command begins: signals are answered before anything else is imported."""

import logging
import sys

from nnbench.cli import stops


def main() -> None:
    """Run the command line and exit with its code; a user's mistake never shows a traceback."""
    try:
        stops.listen()
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where its cache lies is its own
        from nnbench.cli.ends import code_of

        code = code_of(_command)
        stops.is_done()
    except BaseException:
        if stops.is_stopping():  # whatever became of `Stopped` on its way up to here
            stops.end_now()
        raise
    sys.exit(code)


def _command() -> int | None:
    """Run the command that the arguments name."""
    from nnbench.cli.commands import app

    return app(standalone_mode=False)
