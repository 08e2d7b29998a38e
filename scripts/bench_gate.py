"""Hold measured speeds against the accepted ones, or accept them: a gate that knows its noise.

    bench_gate.py check MEASURED ACCEPTED
    bench_gate.py accept MEASURED ACCEPTED

MEASURED is what `speeds.py` writes: the logarithms of each engine's speed over a plain loop's, turn
by turn, and of the loop over itself. Of each the median counts, with its exact 99 % interval. A
speed fell where all of its interval lies more than a tenth below the accepted speed, unless
arithmetic that never changes is another tenth away from what it was too. Then, and where an
interval, or that of the loop over itself, is too wide for a slowdown of a quarter to show, the
answer is that this cannot be told.

Exit codes: 0 holds, 2 a file is missing or not understood, 4 a speed fell, 5 cannot be told.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

FELL, UNTOLD = 4, 5
CONFIDENCE = 0.99
ALLOWED = math.log(1.10)  # by which a speed may lie below the accepted one
SOUGHT = math.log(1.25)  # a slowdown that must show
CONTROL, ARITHMETIC = "control", "arithmetic"


class GateError(Exception):
    """A file that cannot be used; the text says which, why, and what to do."""


class Speed(NamedTuple):
    """The median of log-ratios and its interval."""

    middle: float
    low: float
    high: float

    def text(self) -> str:
        """As a ratio."""
        middle, low, high = (math.exp(value) for value in self)
        return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def speed_of(turns: list[float]) -> Speed:
    """The median of some turns, with its interval by order statistics: whatever their law."""
    ordered, n = sorted(turns), len(turns)
    below = 0.0  # the chance that so few turns lie below the true median
    rank = 0
    while below + math.comb(n, rank) / 2**n <= (1 - CONFIDENCE) / 2:
        below += math.comb(n, rank) / 2**n
        rank += 1
    if rank == 0:
        raise GateError(f"{n} turns are too few for an interval; measure more")
    return Speed(median(ordered), ordered[rank - 1], ordered[n - rank])


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """The object in a file; `remedy` completes the message if there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GateError(f"{path} does not exist; {remedy}") from None
    except ValueError as error:
        raise GateError(f"{path} is not JSON ({error}); {remedy}") from None
    if not isinstance(document, dict):
        raise GateError(f"{path} does not hold a JSON object; {remedy}")
    return document


def measured_speeds(path: Path) -> tuple[str, dict[str, Speed]]:
    """The processor and the speeds of a measurement."""
    document = read_json(path, "run make bench-check")
    found = document.get("log_ratios")
    numbers = found.values() if isinstance(found, dict) else []
    if not found or not {CONTROL, ARITHMETIC} <= found.keys() or not all(map(_are_turns, numbers)):
        raise GateError(f"{path} holds no measured speeds; run make bench-check")
    return str(document.get("processor")), {name: speed_of(turns) for name, turns in found.items()}


def _are_turns(turns: object) -> bool:
    return isinstance(turns, list) and all(
        isinstance(turn, float) and math.isfinite(turn) for turn in turns
    )


def accepted_speeds(path: Path) -> tuple[str, dict[str, Speed]]:
    """The processor and the speeds of an accepted file."""
    document = read_json(path, "make bench-accept writes it")
    speeds = document.get("speeds")
    numbers = speeds.values() if isinstance(speeds, dict) else []
    if not speeds or ARITHMETIC not in speeds or not all(map(_are_turns, numbers)):
        raise GateError(f"{path} holds no accepted speeds; make bench-accept writes them")
    return str(document.get("processor")), {name: Speed(*values) for name, values in speeds.items()}


def verdict(measured: Speed, accepted: Speed) -> str:
    """`fell`, `holds` or `untold`, of one engine."""
    if measured.high < accepted.middle - ALLOWED:
        return "fell"
    # a speed that fell by what is sought would have shown
    told = measured.high - measured.middle < SOUGHT - ALLOWED
    return "holds" if told and measured.middle > accepted.middle - SOUGHT / 2 else "untold"


def is_quiet(control: Speed) -> bool:
    """Whether the loop, held against itself, is as fast as itself."""
    return max(abs(control.low), abs(control.high)) < ALLOWED


def check(measured: dict[str, Speed], accepted: dict[str, Speed]) -> int:
    """Print a line for each engine and return the exit code."""
    found = []
    for name in sorted(measured.keys() | accepted.keys()):
        if name in (CONTROL, ARITHMETIC):
            continue
        if name not in accepted:
            print(f"new     {name}: {measured[name].text()} times the loop")
        elif name not in measured:
            found.append("fell")
            print(f"missing {name}: accepted at {accepted[name].text()} times the loop")
        else:
            found.append(verdict(measured[name], accepted[name]))
            texts = (measured[name].text(), accepted[name].text())
            print(f"{found[-1]:7} {name}: {texts[0]} times the loop, accepted {texts[1]}")
    quiet = is_quiet(measured[CONTROL])
    print(f"{'quiet' if quiet else 'noisy':7} the loop over itself: {measured[CONTROL].text()}")
    texts = (measured[ARITHMETIC].text(), accepted[ARITHMETIC].text())
    alike = abs(measured[ARITHMETIC].middle - accepted[ARITHMETIC].middle) < ALLOWED
    print(f"{'alike' if alike else 'unlike':7} arithmetic: {texts[0]}, accepted {texts[1]}")
    if "fell" in found and alike:
        return FELL
    if not (quiet and alike) or "untold" in found:
        print("inconclusive: this machine is too noisy now to tell a slowdown of 1.25 from none")
        return UNTOLD
    return 0


def accept(processor: str, measured: dict[str, Speed], path: Path) -> None:
    """Write the measured speeds to `path` as the accepted ones."""
    if not is_quiet(measured[CONTROL]):
        raise GateError(f"too noisy to accept: the loop over itself {measured[CONTROL].text()}")
    speeds = {
        name: [round(value, 4) for value in speed]
        for name, speed in sorted(measured.items())
        if name != CONTROL
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"processor": processor, "speeds": speeds}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"accepted {len(speeds) - 1} speeds in {path}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Hold speeds against the accepted ones.")
    parser.add_argument("action", choices=["check", "accept"])
    parser.add_argument("measured", type=Path, help="what speeds.py wrote")
    parser.add_argument("accepted", type=Path, help="the speeds to hold")
    options = parser.parse_args(arguments)
    try:
        processor, measured = measured_speeds(options.measured)
        if options.action == "accept":
            accept(processor, measured, options.accepted)
            return 0
        where, accepted = accepted_speeds(options.accepted)
        if where != processor:
            raise GateError(
                f"accepted on {where}, measured on {processor}: make bench-accept accepts this one"
            )
        return check(measured, accepted)
    except GateError as error:
        print(f"bench_gate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
