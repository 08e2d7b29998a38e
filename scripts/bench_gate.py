"""Compare measured speed ratios with the accepted ones, or accept them: a gate on speed.

A benchmark puts `ratio` in pytest-benchmark's `extra_info`: nnbench's speed over a baseline's,
measured side by side in one run, higher is better, one number or a list of repeats. Ratios are
compared, not seconds: a ratio carries over from one machine to another and a second does not.

    bench_gate.py check MEASURED ACCEPTED [--tolerance 0.2]
    bench_gate.py accept MEASURED ACCEPTED

Exit codes: 0 done, 2 a file is missing or not understood, 4 a ratio fell or is measured no longer.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from statistics import median
from typing import Any

GATE_FAILED = 4
DEFAULT_TOLERANCE = 0.2  # two runs on a busy shared machine differ by up to about 15 %


class GateError(Exception):
    """A file that cannot be used; the text says which, why, and what to do."""


def read_json(path: Path, remedy: str) -> dict[str, Any]:
    """Return the object in `path`; `remedy` completes the message if there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GateError(f"{path} does not exist; {remedy}") from None
    except ValueError as error:
        raise GateError(f"{path} is not JSON ({error}); {remedy}") from None
    if not isinstance(document, dict):
        raise GateError(f"{path} does not hold a JSON object; {remedy}")
    return document


def is_positive_number(value: object) -> bool:
    """Return whether `value` is a finite number above zero (true and false are not numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > 0


def checked_ratio(name: str, value: object) -> float:
    """Return the median of a ratio's repeats (a single number is its own median)."""
    repeats: list[Any] = value if isinstance(value, list) else [value]
    if not repeats or not all(map(is_positive_number, repeats)):
        raise GateError(f"the ratio of {name} is {value!r}; it must be a positive number")
    return float(median(repeats))


def measured_ratios(path: Path) -> dict[str, float]:
    """Return {benchmark: ratio} of a pytest-benchmark file, for the benchmarks that have one."""
    benchmarks = read_json(path, "run make bench").get("benchmarks", [])
    recorded = {b["fullname"]: b["extra_info"] for b in benchmarks if "ratio" in b["extra_info"]}
    if not recorded:
        raise GateError(f'{path} holds no benchmark with extra_info["ratio"]; run make bench')
    return {name: checked_ratio(name, extra["ratio"]) for name, extra in sorted(recorded.items())}


def accepted_ratios(path: Path) -> dict[str, float]:
    """Return {benchmark: ratio} of an accepted file."""
    remedy = "make bench-accept writes it"
    ratios = read_json(path, remedy).get("ratios")
    if not isinstance(ratios, dict) or not ratios:
        raise GateError(f"{path} holds no ratios; {remedy}")
    return {name: checked_ratio(name, ratio) for name, ratio in ratios.items()}


def check(measured: dict[str, float], accepted: dict[str, float], tolerance: float) -> bool:
    """Print a line per benchmark; return whether each accepted ratio still holds.

    A ratio holds while it is at least `accepted * (1 - tolerance)`. An accepted benchmark that is
    measured no longer fails too, or deleting a slow one would pass. A new one is only named.
    """
    holds = True
    for name in sorted(measured.keys() | accepted.keys()):
        if name not in accepted:
            print(f"new     {name}: {measured[name]:.2f}; make bench-accept adds it")
        elif name not in measured:
            holds = False
            print(f"missing {name}: accepted at {accepted[name]:.2f}, not measured")
        else:
            held = measured[name] >= accepted[name] * (1 - tolerance)
            holds = holds and held
            change = measured[name] / accepted[name] - 1
            ratios = f"{measured[name]:.2f}, accepted {accepted[name]:.2f} ({change:+.0%})"
            print(f"{'holds' if held else 'fell':7} {name}: {ratios}")
    return holds


def accept(measured: dict[str, float], path: Path) -> None:
    """Write the measured ratios to `path` as the accepted ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ratios = {name: round(ratio, 3) for name, ratio in measured.items()}
    path.write_text(json.dumps({"ratios": ratios}, indent=2) + "\n", encoding="utf-8")
    print(f"accepted {len(ratios)} ratios in {path}")


def tolerance_of(text: str) -> float:
    """Return a tolerance: the fraction, from 0 to under 1, by which a ratio may fall."""
    tolerance = float(text)
    if not 0 <= tolerance < 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to under 1")
    return tolerance


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Compare or accept measured speed ratios.")
    parser.add_argument("action", choices=["check", "accept"])
    parser.add_argument("measured", type=Path, help="what pytest --benchmark-json wrote")
    parser.add_argument("accepted", type=Path, help="the ratios to hold")
    parser.add_argument("--tolerance", type=tolerance_of, default=DEFAULT_TOLERANCE)
    options = parser.parse_args(arguments)
    try:
        measured = measured_ratios(options.measured)
        if options.action == "accept":
            accept(measured, options.accepted)
            return 0
        holds = check(measured, accepted_ratios(options.accepted), options.tolerance)
    except GateError as error:
        print(f"bench_gate: {error}", file=sys.stderr)
        return 2
    return 0 if holds else GATE_FAILED


if __name__ == "__main__":
    sys.exit(main())
