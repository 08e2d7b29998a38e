"""A user's mistake in a study, and the words that help out of it."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

LONGEST = 80  # characters of a value in a message; the value itself may have megabytes


class StudyError(ValueError):
    """A user's mistake in a study: one sentence that names the key and the way out."""


def as_written(value: Any) -> str:
    """A value much as a study file has it: on one line, in ASCII and cut to a length."""
    if isinstance(value, str):
        value = value[: LONGEST + 1]
    text = json.dumps(value, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def printable(text: str) -> str:
    """Text as it is, or as a study file has it where a terminal could not show it or it is long."""
    return text if text.isprintable() and len(text) <= LONGEST else as_written(text)


def nearest(name: str, known: Iterable[str], listed_by: str = "") -> str:
    """Return ``; did you mean ...?`` with the nearest known name, or all known ones.

    listed_by: the command that lists them, where they are too many for a sentence.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name[:LONGEST].lower(), known, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    if listed_by:
        return f"; {listed_by} lists them"
    return f"; known are {', '.join(known)}" if known else "; there are none"
