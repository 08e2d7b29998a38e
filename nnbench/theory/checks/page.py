"""theory.json -> index.html: what theory predicts, what the engine measures, and by how much.

Needs no torch. The same JSON gives the same bytes.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnbench.report.page import html
from nnbench.report.page.numbers import MINUS, duration, number
from nnbench.report.page.parts import Picture, picture
from nnbench.report.page.words import typeset
from nnbench.results.disk import write_whole
from nnbench.results.read import ReportError
from nnbench.theory.checks import figures as draw

Checks = Sequence[Mapping[str, Any]]


def build_theory_page(folder: Path) -> Path:
    """Write `index.html` into the folder that holds `theory.json`, and return its path.

    Raises ReportError where that file is missing or is not what `nnbench theory` writes.
    """
    source = folder / "theory.json"
    try:
        document = json.loads(source.read_text(encoding="utf-8"))
        page = render(document, document["checks"])
    except (OSError, ValueError, LookupError, TypeError) as problem:
        raise ReportError(f"{source}: {problem}; nnbench theory writes it") from None
    return write_whole(folder / "index.html", page)


def render(document: Mapping[str, Any], checks: Checks) -> str:
    """Return the page."""
    groups = list(dict.fromkeys(check["group"] for check in checks))
    return html.render(
        "theory/checks/theory.html.j2",
        answer=answer(checks),
        notes={"Critical pairs": runaways(checks)},
        trust=_trust(document, checks),
        pictures=pictures(checks),
        tables=[
            (group, _identity(group), [row(check) for check in checks if check["group"] == group])
            for group in groups
        ],
        settings=document["settings"],
        asked=",".join(f"{k}={v}" for k, v in document["settings"].items() if v not in ("", None)),
        versions=sorted(document["versions"].items()),
    )


def answer(checks: Checks) -> list[str]:
    """Return in two or three paragraphs whether theory holds, and what the checks could see."""
    agree = sum(check["agrees"] for check in checks)
    if agree == len(checks):
        said = f"All {agree} predictions agree with what the engine measures."
    else:
        wrong = [check["name"] for check in checks if not check["agrees"]]
        said = f"{agree} of {len(checks)} predictions agree; not: {'; '.join(wrong)}."
    blind = [check["name"] for check in checks if not check["tells_mistake"]]
    if blind:
        seen = f"Too coarse to catch a plausible mistake: {'; '.join(blind)}."
    else:
        seen = (
            "Each would have caught a plausible mistake, such as weights 5 % too large or a "
            "forgotten factor: an engine with that mistake would measure a number more than twice "
            "as far from the prediction as anything that agrees."
        )
    return [part for part in (said, seen, chance_said(checks)) if part]


def chance_said(checks: Checks) -> str:
    """Say how many rows are farther off than chance takes most, and which an allowance saves."""
    random = [check for check in checks if check["standard_error"]]
    if not random:
        return ""
    off = [math.inf if check["errors_off"] is None else check["errors_off"] for check in random]
    beyond = [sum(errors > many for errors in off) for many in (2, 4)]
    text = (
        f"Of {len(random)} with a random component, {beyond[0]} lie beyond two standard errors "
        f"({number(0.0455 * len(random), 0)} would by chance) and {beyond[1]} beyond four."
    )
    saved = [check["name"] for check in checks if check["needs_allowance"]]
    return f"{text} Agree only by their allowance: {'; '.join(saved)}." if saved else text


def _trust(document: Mapping[str, Any], checks: Checks) -> list[tuple[str, str]]:
    settings = document["settings"]
    agree = sum(check["agrees"] for check in checks)
    caught = sum(check["tells_mistake"] for check in checks)
    return [
        ("predictions that agree", f"{agree} of {len(checks)}"),
        ("mistakes that are caught", f"{caught} of {len(checks)}"),
        ("width, depth, batch", ", ".join(str(settings[k]) for k in ("width", "depth", "batch"))),
        ("number type", "float64"),
        ("wall time", duration(float(document["wall_seconds"]))),
    ]


def _identity(group: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in group.lower())


def row(check: Mapping[str, Any]) -> dict[str, Any]:
    """Return one check as text; what is measured is written to two digits of its error."""
    error = check["standard_error"] or 0.0
    within = draw.ERRORS * error + check["allowance"]
    texts = {
        "predicted": written(check["predicted"], within / 10),
        "measured": written(check["measured"], error or within / 10),
        "error": f"± {_error(check['measured'], error)}" if error else "exact",
        "rival": written(check["rival"], within / 10),
    }
    before = {"equals": "", "at least": "≥ ", "at most": "≤ "}[check["relation"]]
    texts["predicted"] = before + texts["predicted"]
    set_in_print = {key: typeset(check[key]) for key in ("name", "law", "mistake")}
    return {**check, **set_in_print, **texts, "allowed": allowance_said(check)}


def allowance_said(check: Mapping[str, Any]) -> str:
    """Say by how much more than chance a row may be off, for what, and whether it needs it."""
    if not check["allows"]:
        return ""
    needed = ", and needs it" if check["needs_allowance"] else ""
    size = written(check["allowance"], check["allowance"] / 10)
    return f"allows {size} for {check['allows']}{needed}"


def written(value: float | None, error: float) -> str:
    """Return the number with as many decimals as two digits of its error have, at most six."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    least = abs(value) * 1e-6
    digits = 1 - math.floor(math.log10(max(error, least)))
    if abs(value) < 1e-3 or digits > 8:
        significant = max(min(digits + math.floor(math.log10(abs(value))), 5), 1)
        return f"{value:.{significant}e}".replace("-", MINUS)
    return number(value, min(max(digits, 0), 6))


def _error(value: float | None, error: float) -> str:
    """Return a standard error to two digits, in the form that its value is written in."""
    if value is None or abs(value) < 1e-3:
        return f"{error:.1e}".replace("-", MINUS)
    return number(error, min(max(1 - math.floor(math.log10(error)), 0), 6))


def runaways(checks: Checks) -> str:
    """Return which activations' critical point does not hold q, as a sentence, or nothing."""
    found = [
        f"{check['detail']['activation']} ({check['detail']['slope']:.2f})"
        for check in checks
        if check["detail"].get("slope", 0) > 1.001
    ]
    if not found:
        return ""
    return (
        "A critical pair keeps gradients only while q stays constant. If the slope of the q map is "
        "above 1, random deviations grow from layer to layer and q leaves its fixed point: "
        f"{', '.join(found)}. These are measured over one layer, where the law holds at any width; "
        "those that draw q back are followed through the whole depth below."
    )


# Figures ------------------------------------------------------------------------------------------

BARS = "Bars (mostly hidden by the marks): four standard errors."
SHOWN: dict[str, tuple[Callable[..., Any], str, str]] = {
    "depth": (
        draw.depth_figure,
        "He's weights keep a ReLU network's signal; Xavier's halve it in every layer",
        "Mean over networks of the mean square of one input's activations. " + BARS,
    ),
    "chi": (
        draw.chi_figure,
        "Gradients keep their size at the critical pair, and fade or explode away from it",
        "Tanh-like and ELU-like activations at the critical pair of their fixed point, tanh in its "
        "ordered and its chaotic phase and under torch's default, GELU and SiLU under He's init. "
        + BARS,
    ),
    "correlation": (
        draw.correlation_figure,
        "Under ReLU two orthogonal inputs become similar, as slowly as 1/l²",
        "He's init. The prediction is for infinite width; networks of finite width differ by l/n. "
        + BARS,
    ),
    "batchnorm": (
        draw.batchnorm_figure,
        "BatchNorm makes gradients explode with depth, and small batches make it worse",
        "One layer on orthogonal inputs, where the law of infinite width holds at any width. "
        + BARS,
    ),
    "dead": (
        draw.dead_figure,
        "Narrow and deep ReLU networks are dead before training begins",
        "Share of networks with zero biases whose last layer is zero for an input. " + BARS,
    ),
    "stability": (
        draw.stability_figure,
        "Momentum allows larger rates; Nesterov's look-ahead takes them back",
        "The largest rate at which the engine's own update converges on a quadratic, by bisection.",
    ),
    "edge": (
        draw.edge_figure,
        "Gradient descent drives the sharpness to 2/lr, up or down, and hovers there",
        "Eight tanh networks on 64 random targets, full batch: the mean, and the band from "
        "smallest to largest.",
    ),
}


def pictures(checks: Checks) -> list[Picture]:
    """Return the page's figures, the overview first."""
    agree = sum(check["agrees"] for check in checks)
    title = f"{agree} of {len(checks)} measurements lie within what their prediction allows"
    caption = (
        "Each dot is one prediction. Shaded band: agreement, within four standard errors plus the "
        "allowance that a law of infinite width states for finite width. A bound that holds is at "
        "zero."
    )
    found = [picture(draw.overview(checks), "overview", title, caption)]
    for name, (function, title, caption) in SHOWN.items():
        rows = draw.of_figure(checks, name)
        if rows:
            wrong = [each["name"] for each in rows if not each["agrees"]]
            title = f"Theory and measurement differ: {'; '.join(wrong)}" if wrong else title
            found.append(picture(function(rows), name, title, caption))
    return found
