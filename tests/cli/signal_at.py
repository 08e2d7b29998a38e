"""Sends a process signals at points of its run that are named.

Points have a comma between them, and are waited for one after the other. A point is WHEN:NAME,
which is only waited for, or WHEN:NAME:WHOM:SIGNAL, such as `call:Store.commit:self:INT`. WHEN is
import, call or return; WHOM is self, or all, the process's group.

As a script: the points, then the arguments of nnbench, which starts as its console script does.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

points: list[list[str]] = []


def watch(wanted: str) -> None:
    """Look out for points from here on."""
    points.extend(point.split(":") for point in wanted.split(","))
    sys.addaudithook(lambda event, about: reached(event, about[0]) if event == "import" else None)
    look()


def watch_as_told() -> None:
    """Look out for the points in the environment."""
    watch(os.environ["POINTS"])


def look() -> None:
    """See calls where the next point is one; they take time, which a wait for an import spares."""
    sys.setprofile(profile if points and points[0][0] != "import" else None)


def profile(frame: FrameType, event: str, argument: object) -> None:
    """Tell of the call or return that is waited for: told of all, a run would take three times."""
    if points and frame.f_code.co_qualname == points[0][1]:
        reached(event, points[0][1])


def reached(*event: str) -> None:
    """Take note of an event, and send what waits for it."""
    while points and tuple(points[0][:2]) == event:
        whom_and_what = points.pop(0)[2:]
        look()
        if whom_and_what:
            whom, what = whom_and_what
            os.kill(os.getpid() if whom == "self" else 0, signal.Signals[f"SIG{what}"])


if __name__ == "__main__":
    from nnbench.cli.main import main

    watch(sys.argv.pop(1))
    main()
