"""The forms in which dates are written, as patterns that `re` and Arrow's RE2 read alike.

A form is what stands before a clock, the text as a whole, and the change (pattern, replacement)
that pandas needs to read it rightly: of 1/2/2023 it takes the first number for the month.
"""

from __future__ import annotations

import re

Form = tuple[str, str, tuple[str, str]]

ZONE = r"Z|[+-]\d{2}:?\d{2}"
CLOCK = re.compile(rf"(?:[ T](\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(\.\d+)?)?(?: ?({ZONE}))?)?")
MONTH = r"(?:0?[1-9]|1[0-2])"
NAMED = (
    r"(?i:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
FROM_YEAR = rf"(?:\d{{4}}-{MONTH}-|\d{{4}}/{MONTH}/|\d{{4}}\.{MONTH}\.)\d{{1,2}}"
FROM_MONTH = rf"(?:{MONTH}-\d{{1,2}}-|{MONTH}/\d{{1,2}}/)\d{{4}}"
FROM_DAY = rf"(?:\d{{1,2}}-{MONTH}-|\d{{1,2}}/{MONTH}/|\d{{1,2}}\.{MONTH}\.)\d{{4}}"
SPELLED = rf"(?:\d{{1,2}}(?: {NAMED} |-{NAMED}-)|{NAMED} \d{{1,2}}, )\d{{4}}"
# a year that is one, not the first digits of a code
OF_MONTH = r"(?:1[89]|20)\d{2}[-/](?:0[1-9]|1[0-2])"
OF_TIME = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?(?i:[ap]m))?"
SHORT_YEAR = r"(?:\d{2}-\d{2}-|\d{2}/\d{2}/|\d{2}\.\d{2}\.)\d{2}"
BETWEEN = r"[-/. ,]+"
ANY = (  # what has a day, a month and a year, or a year: the rest pandas would take from today
    rf"(?:.*[^.+\d])?\d{{4}}.*|\D*\d{{1,4}}{BETWEEN}\d{{1,2}}{BETWEEN}\d.*"
    rf"|.*\d[-/. ,]*{NAMED}{BETWEEN}\d.*|.*{NAMED}{BETWEEN}\d+{BETWEEN}\d.*"
)
CONTRARY = r"(?:1[3-9]|[2-9]\d)[-/.]\d{1,2}[-/.]\d"  # the month first where it can be none
SWAPPED = (r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2}\b)", r"\2/\1/\3")
AS_IT_IS = ("^", "")

YEAR_FIRST = (FROM_YEAR, FROM_YEAR + CLOCK.pattern, AS_IT_IS)
MONTH_FIRST = (FROM_MONTH, FROM_MONTH + CLOCK.pattern, AS_IT_IS)
DAY_FIRST = (FROM_DAY, FROM_DAY + CLOCK.pattern, SWAPPED)
WITH_NAMES = (SPELLED, SPELLED, AS_IT_IS)
MONTHS = (OF_MONTH, OF_MONTH, AS_IT_IS)
# read wherever a column has one of them, of equals the first
FORMS = (YEAR_FIRST, MONTH_FIRST, DAY_FIRST, WITH_NAMES, MONTHS)
# read only where that is asked
TIMES = (OF_TIME, OF_TIME, ("^", "1970-01-01 "))
ANY_FORM = (ANY, ANY, AS_IT_IS)
ANY_DAY_FIRST = (ANY, ANY, SWAPPED)
ASKED = (TIMES, ANY_FORM, ANY_DAY_FIRST)
# what looks like a date, though it was not read as one
LIKELY = "|".join([*(form[1] for form in FORMS), SPELLED + CLOCK.pattern, OF_TIME, SHORT_YEAR])
