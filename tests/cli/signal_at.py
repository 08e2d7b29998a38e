"""Runs nnbench as its console script does, and sends signals at points that are named.

Arguments: the points, a comma between them, then those of nnbench. A point is WHEN:NAME, which is
only waited for, or WHEN:NAME:WHOM:SIGNAL, such as `call:Store.commit:self:INT`. WHEN is import,
call or return; WHOM is self, or all, the process's group. They are waited for one after the other.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

points: list[list[str]] = []


def reached(*event: str) -> None:
    """Take note of an event: send what waits for it, and look out for the next point."""
    while points and tuple(points[0][:2]) == event:
        whom_and_what = points.pop(0)[2:]
        # looking at calls takes time, which a wait for an import spares
        sys.setprofile(profile if points and points[0][0] != "import" else None)
        if whom_and_what:
            whom, what = whom_and_what
            os.kill(os.getpid() if whom == "self" else 0, signal.Signals[f"SIG{what}"])


def profile(frame: FrameType, event: str, argument: object) -> None:
    """Tell of calls and returns."""
    reached(event, frame.f_code.co_qualname)


def wait_for(wanted: str) -> None:
    """Look out for the points from here on."""
    points[:] = [point.split(":") for point in wanted.split(",")]
    sys.addaudithook(
        lambda event, found: reached("import", found[0]) if event == "import" else None
    )


def look() -> None:
    """Look at calls, where a call is what is waited for first."""
    if points[0][0] != "import":
        sys.setprofile(profile)


def send_at(wanted: str) -> None:
    """Do both, in a process that has imported all there is."""
    wait_for(wanted)
    look()


if __name__ == "__main__":
    wait_for(sys.argv.pop(1))
    from nnbench.cli.main import main

    look()
    main()
