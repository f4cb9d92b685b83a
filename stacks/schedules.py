"""EventBridge's schedule expressions, as its user guide has them for rules."""

import re

RATE = "rate(7 days): a whole number above 0, and minute, hour or day if that is 1, else minutes, hours or days"
CRON = (
    "cron(0 3 ? * SUN *): six fields, which are minutes, hours, day of the month, month, day of the week and year; "
    "one of the two days must be ?"
)

OFF = "off"

_MONTH = "(?:[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_WEEKDAY = "(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
_DAY = "(?:0?[1-9]|[12][0-9]|3[01])"


def _field(value: str, *others: str, steps: bool = True) -> re.Pattern[str]:
    """A list of values, ranges and steps, or one of what else the field may be."""
    part = rf"(?:\*|{value}(?:-{value})?)" + (r"(?:/[1-9]\d*)?" if steps else "")
    return re.compile("|".join([f"{part}(?:,{part})*", *others]))


_FIELDS = (
    _field("[0-5]?[0-9]"),
    _field("(?:[01]?[0-9]|2[0-3])"),
    _field(_DAY, r"\?", "L(?:-[0-9]+)?", "LW", f"{_DAY}W"),
    _field(_MONTH),
    _field(_WEEKDAY, r"\?", f"{_WEEKDAY}?L", f"{_WEEKDAY}#[1-5]", steps=False),
    _field("(?:19[7-9][0-9]|20[0-9][0-9]|21[0-9][0-9])"),
)


def requirement(expression: str) -> str | None:
    """Completes the sentence "must be ..." for an expression that EventBridge refuses; None for a good one."""
    match re.fullmatch(r"(rate|cron)\((.*)\)", expression):
        case None:
            return f"an EventBridge schedule: {RATE}; or {CRON}"
        case found if found[1] == "rate":
            return None if _is_rate(found[2]) else RATE
        case found:
            return None if _is_cron(found[2]) else CRON


def requirement_or_off(expression: str) -> str | None:
    """The same where `off` is good, too."""
    return None if expression == OFF else requirement(expression)


def _is_rate(text: str) -> bool:
    return bool(re.fullmatch(r"1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days)", text))


def _is_cron(text: str) -> bool:
    fields = text.split(" ")
    if len(fields) != len(_FIELDS) or [fields[2], fields[4]].count("?") != 1:
        return False
    return all(allowed.fullmatch(field) for allowed, field in zip(_FIELDS, fields, strict=True))
