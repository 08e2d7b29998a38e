"""What a run of the checks leaves: theory.json, its page, and a few lines for a terminal."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from nnbench import __version__
from nnbench.results.disk import write_whole
from nnbench.theory.checks.base import Check, Settings
from nnbench.theory.checks.page import build_theory_page


def write_theory(folder: Path, settings: Settings, checks: Sequence[Check], seconds: float) -> Path:
    """Write theory.json and index.html into the folder; return the page's path."""
    python = {"nnbench": __version__, "python": platform.python_version()}
    document = {
        "settings": asdict(settings),
        "checks": [check.document() for check in checks],
        "versions": python | {name: version(name) for name in ("numpy", "scipy", "torch")},
        "wall_seconds": round(seconds, 1),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    write_whole(folder / "theory.json", f"{text}\n")
    return build_theory_page(folder)


def closing_lines(checks: Sequence[Check]) -> list[str]:
    """Return what a person is told: how many agree, and which do not."""
    agree = sum(check.agrees for check in checks)
    lines = [f"{agree} of {len(checks)} predictions agree with what the engine measures"]
    random = [check for check in checks if check.standard_error]
    beyond = [sum(check.errors_off > many for check in random) for many in (2, 4)]
    lines.append(
        f"  of {len(random)} with a random component, {beyond[0]} lie beyond two standard "
        f"errors, {beyond[1]} beyond four"
    )
    for check in checks:
        if check.needs_allowance:
            lines.append(f"  by allowance: {check.name}: {check.allowance:.2g} for {check.allows}")
        if not check.agrees:
            lines.append(
                f"  disagrees: {check.name}: predicted {check.predicted:.6g}, measured "
                f"{check.measured:.6g} ± {check.standard_error:.2g}"
            )
        elif not check.tells_mistake:
            lines.append(
                f"  too coarse: {check.name}: cannot rule out {check.rival:.6g} ({check.mistake})"
            )
    return lines
