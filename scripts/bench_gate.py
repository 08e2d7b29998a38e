"""Hold measured speeds against the accepted ones, or accept them: a gate that knows its noise.

    bench_gate.py check MEASURED ACCEPTED
    bench_gate.py accept MEASURED ACCEPTED

MEASURED is what `speeds.py` writes: the logarithms of each engine's speed over a plain loop's, turn
by turn, of arithmetic that never changes over the loop's, and of the loop over itself. An engine is
held to what a neighbour on the same core slows as it does: compiled programs to the arithmetic, the
mapped engine, half of it Python, to the mean of both. Of each the median counts, with its exact
99 % interval. A speed fell where all of its interval lies more than a tenth below the accepted
speed. Where an interval is too wide for a slowdown of a quarter to show, or the loop over itself
may be a tenth from one, the answer is that this cannot be told.

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
HELD_TO = {"native": 1.0, "mapped": 0.5}  # the arithmetic's share in it; the loop has the rest


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


class Measured(NamedTuple):
    """What was measured: engines over the loop, as they are held, and the loop over itself."""

    processor: str
    times: dict[str, float]
    held: dict[str, Speed]
    control: Speed


def measured_speeds(path: Path) -> Measured:
    """The processor and the speeds of a measurement."""
    document = read_json(path, "run make bench-check")
    found = document.get("log_ratios")
    numbers = list(found.values()) if isinstance(found, dict) else []
    is_whole = all(map(_are_turns, numbers)) and len({len(turns) for turns in numbers}) == 1
    if not found or not {CONTROL, ARITHMETIC} <= found.keys() or not is_whole:
        raise GateError(f"{path} holds no measured speeds; run make bench-check")
    control, arithmetic = found.pop(CONTROL), found.pop(ARITHMETIC)
    return Measured(
        str(document.get("processor")),
        {name: math.exp(median(turns)) for name, turns in found.items()},
        held_speeds(found, arithmetic),
        speed_of(control),
    )


def held_speeds(found: dict[str, list[float]], arithmetic: list[float]) -> dict[str, Speed]:
    """The speeds of engines over what each is held to, from all turns' log-ratios to the loop."""
    return {
        name: speed_of(
            [x - HELD_TO.get(name, 0.0) * a for x, a in zip(turns, arithmetic, strict=True)]
        )
        for name, turns in found.items()
    }


def _are_turns(turns: object) -> bool:
    return isinstance(turns, list) and all(
        isinstance(turn, float) and math.isfinite(turn) for turn in turns
    )


def accepted_speeds(path: Path) -> tuple[str, dict[str, float], dict[str, Speed]]:
    """The processor, the engines over the loop and as they are held, of an accepted file."""
    document = read_json(path, "make bench-accept writes it")
    times, held = document.get("times"), document.get("held")
    numbers = list(held.values()) if isinstance(held, dict) else []
    is_whole = all(_are_turns(speed) and len(speed) == len(Speed._fields) for speed in numbers)
    if not held or not isinstance(times, dict) or held.keys() != times.keys() or not is_whole:
        raise GateError(f"{path} holds no accepted speeds; make bench-accept writes them")
    speeds = {name: Speed(*values) for name, values in held.items()}
    return str(document.get("processor")), times, speeds


def is_told(found: dict[str, list[float]]) -> bool:
    """Tell whether these turns are enough: a speed that fell by what is sought would show."""
    engines = {name: turns for name, turns in found.items() if name not in (CONTROL, ARITHMETIC)}
    speeds = held_speeds(engines, found[ARITHMETIC]).values()
    return is_quiet(speed_of(found[CONTROL])) and all(map(is_narrow, speeds))


def is_narrow(measured: Speed) -> bool:
    """Whether a speed that fell by what is sought would lie below what is allowed, surely."""
    return measured.high - measured.middle < SOUGHT - ALLOWED


def verdict(measured: Speed, accepted: Speed) -> str:
    """`fell`, `holds` or `untold`, of one engine."""
    if measured.high < accepted.middle - ALLOWED:
        return "fell"
    told = is_narrow(measured) and measured.middle > accepted.middle - SOUGHT / 2
    return "holds" if told else "untold"


def is_quiet(control: Speed) -> bool:
    """Whether the loop, held against itself, is as fast as itself."""
    return max(abs(control.low), abs(control.high)) < ALLOWED


def check(measured: Measured, times: dict[str, float], accepted: dict[str, Speed]) -> int:
    """Print a line for each engine and return the exit code."""
    found = []
    for name in sorted(measured.held.keys() | accepted.keys()):
        if name not in accepted:
            print(f"new     {name}: {measured.times[name]:.3g} times the loop")
        elif name not in measured.held:
            found.append("missing")
            print(f"missing {name}: accepted at {times[name]:.3g} times the loop")
        else:
            found.append(verdict(measured.held[name], accepted[name]))
            beside = Speed(*(value - accepted[name].middle for value in measured.held[name]))
            print(
                f"{found[-1]:7} {name}: {beside.text()} of what was accepted; "
                f"{measured.times[name]:.3g} times the loop, then {times[name]:.3g}"
            )
    quiet = is_quiet(measured.control)
    print(f"{'quiet' if quiet else 'noisy':7} the loop over itself: {measured.control.text()}")
    if "missing" in found or ("fell" in found and quiet):
        return FELL
    if not quiet or "untold" in found:
        print("inconclusive: this machine is too noisy now to detect a slowdown of 1.25")
        return UNTOLD
    return 0


def accept(measured: Measured, path: Path) -> None:
    """Write the measured speeds to `path` as the accepted ones."""
    if not is_quiet(measured.control):
        raise GateError(f"too noisy to accept: the loop over itself {measured.control.text()}")
    document = {
        "processor": measured.processor,
        "times": {name: round(value, 2) for name, value in sorted(measured.times.items())},
        "held": {
            name: [round(value, 4) for value in speed]
            for name, speed in sorted(measured.held.items())
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"accepted {len(measured.held)} speeds in {path}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Compare measured speeds with the accepted ones.")
    parser.add_argument("action", choices=["check", "accept"])
    parser.add_argument("measured", type=Path, help="what speeds.py wrote")
    parser.add_argument("accepted", type=Path, help="the accepted speeds")
    options = parser.parse_args(arguments)
    try:
        measured = measured_speeds(options.measured)
        if options.action == "accept":
            accept(measured, options.accepted)
            return 0
        where, times, accepted = accepted_speeds(options.accepted)
        if where != measured.processor:
            raise GateError(
                f"accepted on {where}, measured on {measured.processor}: make bench-accept "
                "accepts this one"
            )
        return check(measured, times, accepted)
    except GateError as error:
        print(f"bench_gate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
