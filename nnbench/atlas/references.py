"""Where a reference can be read: the address that stands in it, or a documentation's page.

A work without an address stays plain text. What PyTorch, scikit-learn, pandas and pyarrow have by a
dotted name is linked to its page of their documentation.
"""

import re
from typing import NamedTuple

WORK = re.compile(r"(.*?\(\d{4}\), )?(.*), (?:(arXiv|doi):|(?=https://))(\S+)")
DOTTED = re.compile(r"\b(torch|sklearn|pandas|pyarrow)(?:\.\w+)+")
SITES = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/", None: ""}
PAGES = {
    "torch": "https://docs.pytorch.org/docs/stable/generated/",
    "sklearn": "https://scikit-learn.org/stable/modules/generated/",
    "pandas": "https://pandas.pydata.org/docs/reference/api/",
    "pyarrow": "https://arrow.apache.org/docs/python/generated/",
}


class Part(NamedTuple):
    """A stretch of a reference: its text, and the address behind it, if it is a link."""

    text: str
    address: str = ""


def documentation(dotted: str) -> str:
    """The address of a dotted name's page in its library's documentation.

    A class has a page; so has a function, but for torch.nn.init's, which share one; a method is a
    place on its class's page.
    """
    pages = PAGES[dotted.partition(".")[0]]
    if dotted.startswith("torch.nn.init."):
        return f"{pages.removesuffix('generated/')}nn.init.html#{dotted}"
    method = re.fullmatch(r"([\w.]+\.[A-Z]\w*)\.\w+", dotted)
    return f"{pages}{method[1]}.html#{dotted}" if method else f"{pages}{dotted}.html"


def documented(text: str) -> list[Part]:
    """A text in parts, its dotted names as links to their documentation."""
    parts, end = [], 0
    for name in DOTTED.finditer(text):
        parts += [Part(text[end : name.start()]), Part(name[0], documentation(name[0]))]
        end = name.end()
    parts.append(Part(text[end:]))
    return [part for part in parts if part.text]


def linked(reference: str) -> list[Part]:
    """A reference in parts: titles are links where an address follows, which is not told."""
    parts: list[Part] = []
    for place, text in enumerate(reference.split("; ")):
        before = "; " if place else ""
        work = WORK.fullmatch(text)
        if work is None:
            parts += documented(before + text)
        else:
            address = SITES[work[3]] + work[4]
            parts += [Part(before + (work[1] or "")), Part(work[2], address)]
    return [part for part in parts if part.text]
