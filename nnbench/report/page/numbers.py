"""How numbers are written: two to three significant digits, the interval in the same breath."""

import math
from collections.abc import Iterable

from nnbench.study.words import MINUS, RAISED

MOST_DECIMALS = 6


def decimals_for(values: Iterable[float], half_widths: Iterable[float] = ()) -> int:
    """How many decimals a column needs, from 0 to 6.

    Three significant digits of the largest value; where there are intervals, enough to show the
    first digit of the narrowest half width, between two and three digits of the largest value, or
    of that half width, where no value is as large.
    """
    widths = [w for w in half_widths if math.isfinite(w) and w > 0]
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    largest = max(largest, min(widths, default=0.0))
    first_digit = -_exponent(largest) if largest > 0 else 0
    needed = first_digit + 2
    if widths:
        needed = min(max(-_exponent(min(widths)), first_digit + 1), first_digit + 2)
    return min(max(needed, 0), MOST_DECIMALS)


def places_past_one(*factors: float) -> int:
    """How many decimals tell factors from one, which all lie on the same side of it; 0 else."""
    apart = [factor - 1 for factor in factors if math.isfinite(factor)]
    nearest = min(map(abs, apart), default=0.0)
    if nearest == 0 or min(apart) < 0 < max(apart):
        return 0
    return min(max(-_exponent(nearest), 0), MOST_DECIMALS)


def number(value: float, decimals: int | None = None, signed: bool = False) -> str:
    """The number with a true minus sign, in powers of ten where decimals would not do."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0 and decimals is None:
        return "0"
    places = decimals_for([value]) if decimals is None else decimals
    too_small = abs(value) > 0 and round(value, places) == 0
    if abs(value) >= 1e6 or (too_small and decimals is None):
        text = power_of_ten(value)
    else:
        text = f"{value:.{places}f}"
        if float(text) == 0:
            text = text.removeprefix("-")
        text = text.replace("-", MINUS)
    is_above = signed and value > 0 and text.strip("0.") != ""
    return f"+{text}" if is_above else text


def rounded(value: float, digits: int = 2) -> str:
    """The number to so many significant digits: `0.13`, `2.0`, `340`, `1.7·10¹⁴`."""
    if value == 0 or not math.isfinite(value):
        return number(value, 0)
    if not 1e-3 <= abs(value) < 1e3:
        return power_of_ten(value, digits)
    exact = float(f"{value:.{digits - 1}e}")
    return number(exact, max(digits - 1 - _exponent(abs(exact)), 0))


def power_of_ten(value: float, digits: int = 3) -> str:
    """`1.70·10¹⁴`, to so many significant digits."""
    factor, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{factor}·10{str(int(exponent)).translate(RAISED)}".replace("-", MINUS)


def counted(k: float, n: float) -> str:
    """`n 40`, or where some are lacking `n 38 of 40`."""
    return f"n {k:,.0f}" if k == n else f"n {k:,.0f} of {n:,.0f}"


def interval(low: float, high: float, decimals: int | None = None) -> str:
    """`[0.936, 0.948]`; an interval that leaves zero out does so as printed too."""
    places = decimals_for([low, high], [(high - low) / 2]) if decimals is None else decimals
    if not (low > 0 or high < 0):
        return f"[{number(low, places)}, {number(high, places)}]"
    return f"[{nonzero(low, places)}, {nonzero(high, places)}]"


def estimated(
    value: float, low: float, high: float, decimals: int | None = None, signed: bool = False
) -> str:
    """The number that an interval is of: not as zero where the interval leaves zero out."""
    if decimals is None or not (low > 0 or high < 0):
        return number(value, decimals, signed)
    return nonzero(value, decimals, signed)


def measured(
    value: float, low: float, high: float, decimals: int | None = None, signed: bool = False
) -> str:
    """`0.942 [0.936, 0.948]`, in one number of decimals; no interval where there is none."""
    return " ".join(measured_apart(value, low, high, decimals, signed)).rstrip()


def measured_apart(
    value: float, low: float, high: float, decimals: int | None = None, signed: bool = False
) -> tuple[str, str]:
    """The same, the interval by itself: nothing where there is none."""
    if math.isnan(low):
        return number(value, decimals, signed), ""
    places = decimals_for([value], [(high - low) / 2]) if decimals is None else decimals
    return estimated(value, low, high, places, signed), interval(low, high, places)


def nonzero(value: float, decimals: int, signed: bool = False) -> str:
    """A number that is not zero with its own first digit where it would be printed as 0."""
    if value == 0 or round(value, decimals) != 0:
        return number(value, decimals, signed)
    own = -_exponent(abs(value))
    return number(value, own if own <= MOST_DECIMALS else None, signed)


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 20 s` or `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _exponent(value: float) -> int:
    return math.floor(math.log10(value))
