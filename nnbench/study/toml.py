"""Values as TOML writes them, on one line."""

import json
from collections.abc import Mapping
from typing import Any


def toml(value: Any, digits: int | None = None) -> str:
    """Text, numbers, true and false, lists and tables; a tuple is one level, a list in a list.

    digits: of a fraction, for people; all by default. None is the word that stands for it.
    """
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {toml(one, digits)}" for key, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, tuple):
        return f"[{toml(list(value), digits)}]"
    if isinstance(value, list):
        return f"[{', '.join(toml(one, digits) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, str):  # TOML's escapes are JSON's, but for a bare DEL
        text = "none" if value is None else value
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{value:.{digits}g}" if digits and isinstance(value, float) else repr(value)
