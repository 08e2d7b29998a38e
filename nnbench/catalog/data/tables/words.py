"""How messages show what stands in a user's file."""

import difflib
import json
from collections.abc import Iterable, Sequence


def is_number(text: str) -> bool:
    """Tell whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def quoted(value: object) -> str:
    """A name from a user's file as messages show it: quoted, not too long, no controls."""
    text = str(value)
    short = json.dumps(text if len(text) <= 80 else text[:77] + "...", ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in short)


def listed(names: Sequence[object]) -> str:
    """The first few names for a message."""
    shown = ", ".join(quoted(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def in_one(*notes: str) -> str:
    """Notes as one, without the empty ones."""
    return "; ".join(note for note in notes if note)


def missing_said(names: Sequence[str], count: int) -> str:
    """What is said of words that stand for a missing value in so many rows; nothing of none."""
    shown = ", ".join(map(quoted, names[:5]))
    return (
        f"{shown} in {count:,} {'row' if count == 1 else 'rows'} read as missing" if names else ""
    )


def stray_said(count: int, example: str, what: str, kind: str) -> str:
    """What is said of values that are not `what` ("a number"), as their column ("numbers") is."""
    shown = example if len(example) <= 20 else example[:17] + "..."
    if count == 1:
        return f"1 value that is not {what} ({quoted(shown)}) read as missing"
    return f"{count:,} values that are not {kind} (such as {quoted(shown)}) read as missing"


def unknown_column(name: str, columns: Iterable[str]) -> str:
    """The sentence for a column that a file lacks, with the nearest name that it has."""
    hint = nearest_name(name, [column for column in columns if column])
    return f"there is no column {quoted(name)}; {hint}"


def nearest_name(name: str, known: Sequence[str]) -> str:
    """The way out for a name that is not known: the nearest one, or those that there are."""
    lower = {one.lower(): one for one in reversed(known)}
    close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return f"did you mean {quoted(lower[close[0]])}?" if close else f"it has {listed(known)}"
