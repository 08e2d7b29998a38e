"""A page as one HTML file: no network, one script of its own, everything in it escaped."""

import hashlib
import re
from base64 import b64encode
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from nnbench.report.page.commands import COMMAND
from nnbench.report.page.parts import Page

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1]  # a template stands beside the code that fills it, and is named from here
GENERATOR = "nnbench"  # how a page of ours names what wrote it
# What HTML has no place for: C0 and C1 controls but tab and newline, and lone surrogates.
CONTROL_CHARACTERS = dict.fromkeys(
    [c for c in (*range(32), *range(127, 160), *range(0xD800, 0xE000)) if c not in (9, 10)],
    "\N{REPLACEMENT CHARACTER}",
)
# A number with its unit, an interval, a count: no line breaks within one.
UNBROKEN = re.compile(
    r"(?<=\d) (?=%)|(?<=\d) (?=s\b)|\bn (?=\d)"
    r"|(?<=≥) (?=\d)|\[[^][\s]+,\s[^][\s]+\]"
    r"|(?<=\S) (?=[−/] )|(?<= [−/]) (?=\S)"  # of a formula
)


def unbroken(text: str) -> str:
    """Text with no-break spaces inside what reads as one: `45 %`, `[40, 50]`, `1 − (1 − p)`."""
    return UNBROKEN.sub(lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def with_commands(text: str) -> Markup:
    """A sentence with the commands in it, which reach to its end, as code."""
    pieces = COMMAND.split(text)  # every second one is a command
    plain = (escape(unbroken(piece)) for piece in pieces[::2])
    code = (Markup("<code>{}</code>").format(piece) for piece in pieces[1::2])
    return Markup("").join(
        piece for pair in zip_longest(plain, code, fillvalue="") for piece in pair
    )


@cache
def environment() -> Environment:
    """The templates: escaped, and strict about names."""
    templates = Environment(
        loader=FileSystemLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["unbroken"] = unbroken
    templates.filters["with_commands"] = with_commands
    return templates


def style() -> Markup:
    """The style sheet."""
    return Markup((HERE / "page.css").read_text(encoding="utf-8"))


SCRIPTS = ("page.js", "play.js", "figures.js", "lecture.js")


def script() -> Markup:
    """The one script of a page: tables and figures that one does things with, and the lecture."""
    parts = [(HERE / name).read_text(encoding="utf-8").strip() for name in SCRIPTS]
    return Markup("\n".join(parts))


def policy(code: str) -> str:
    """A content security policy under which nothing is fetched and only this code runs."""
    digest = b64encode(hashlib.sha256(code.encode("utf-8")).digest()).decode("ascii")
    allowed = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    allowed += "; img-src data:"  # what the script itself draws a figure from, to save it as PNG
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def render_page(page: Page) -> str:
    """The page. The template lays out; every number in it is text by now."""
    code = script()
    return render("report/page/page.html.j2", page=page, script=code, policy=policy(code))


def render(template: str, **values: Any) -> str:
    """A filled template, without the characters that HTML has no place for."""
    text = environment().get_template(template).render(css=style(), generator=GENERATOR, **values)
    return text.translate(CONTROL_CHARACTERS)
