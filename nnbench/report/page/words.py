"""Words that every page has in common."""

import re
from collections.abc import Mapping, Sequence

from nnbench.study.words import RAISED
from nnbench.study.words import in_words as in_words
from nnbench.study.words import spoken as spoken

# Of a formula as it is typed: the letter that is set for each name.
SYMBOLS = {"pi": "π", "sw2": "σ_w²", "sb2": "σ_b²", "chi": "χ", "phi": "φ", "xi": "ξ", "tau": "τ"}
_SYMBOL = re.compile(rf"\b(?:{'|'.join(SYMBOLS)})\b")
MOST_FINDINGS = 2  # above the figure that shows them


def capital(text: str) -> str:
    """The text with its first letter as a sentence has it."""
    return text[:1].upper() + text[1:]


def lowered(text: str) -> str:
    """The text as it goes on after a colon: a word in capitals, such as ReLU or R², stays."""
    word = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if word[1:].islower() or len(word) == 1 else text


def is_plural(label: str) -> bool:
    """Tell whether a metric's label is of several, as `epochs to the target` is."""
    noun = label.split()[0]
    return noun.endswith("s") and not noun.endswith("ss")


def amount(count: int, noun: str) -> str:
    """`1 walk`, `20 walks` or `20 studies`."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else several}"


def tallied(counts: Mapping[str, int]) -> str:
    """`3 are supported and 1 undecided`, of those that there are."""
    (first, count), *rest = [(word, count) for word, count in counts.items() if count]
    verb = "is" if count == 1 else "are"
    return listed([f"{count} {verb} {first}", *(f"{count} {word}" for word, count in rest)])


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b` or `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def typeset(formula: str) -> str:
    """`x² / 8 − cos(2π x)` of `x^2 / 8 - cos(2 pi x)`: a formula as it is set in print."""
    text = re.sub(r"\^(\d+)", lambda power: power[1].translate(RAISED), formula)
    text = re.sub(r"(\d) pi\b", r"\1π", text).replace(" - ", " − ")
    return _SYMBOL.sub(lambda name: SYMBOLS[name[0]], text)
