"""How numbers are written: two to three significant digits, the interval in the same breath."""

from __future__ import annotations

import math
from collections.abc import Iterable

MINUS = "\N{MINUS SIGN}"


def decimals_for(values: Iterable[float], half_widths: Iterable[float] = ()) -> int:
    """Return how many decimals a column needs, from 0 to 6.

    Three significant digits of the largest value; where there are intervals, enough to show the
    first digit of the narrowest half width, between one and four digits of the largest value.
    """
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    first_digit = -_exponent(largest) if largest > 0 else 0
    widths = [w for w in half_widths if math.isfinite(w) and w > 0]
    needed = first_digit + 2
    if widths:
        needed = min(max(-_exponent(min(widths)), first_digit), first_digit + 3)
    return min(max(needed, 0), 6)


def number(value: float, decimals: int | None = None, signed: bool = False) -> str:
    """Return the number with a true minus sign, in powers of ten where decimals would not do."""
    if value is None or not math.isfinite(value):
        return "–"
    places = decimals_for([value]) if decimals is None else decimals
    too_small = abs(value) > 0 and round(value, places) == 0
    if abs(value) >= 1e6 or (too_small and decimals is None):
        text = f"{value:.2e}"
    else:
        text = f"{value:.{places}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    elif signed and value > 0:
        text = f"+{text}"
    return text.replace("-", MINUS)


def interval(low: float, high: float, decimals: int | None = None) -> str:
    """Return `[0.936, 0.948]`."""
    places = decimals_for([low, high], [(high - low) / 2]) if decimals is None else decimals
    return f"[{number(low, places)}, {number(high, places)}]"


def duration(seconds: float) -> str:
    """Return `4.2 s`, `3 min 20 s` or `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _exponent(value: float) -> int:
    return math.floor(math.log10(value))
