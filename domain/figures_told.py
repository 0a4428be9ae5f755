"""How values of reports are told to people."""

from __future__ import annotations

from datetime import date

from domain.report import Unit, Value
from domain.sentences import Day, Number, say

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600


def told(value: Value, unit: Unit) -> str:
    """A value as people read it; an en dash where there is nothing. Times are in hours up to four days of 24 hours, working times too."""
    if value is None or value == "":
        return "–"
    if isinstance(value, date):
        return Day(value)
    if isinstance(value, str):
        return value
    match unit:
        case Unit.SHARE:
            return _percent(value)
        case Unit.SECONDS:
            return _span(value)
        case Unit.MEAN:
            return Number(value, ",.1f") if 0 < value < 100 else Number(value)
        case _:
            return Number(value)


def change(now: Value, before: Value, unit: Unit) -> str:
    """What has changed against before, in words; nothing when either is unknown or they read the same."""
    if isinstance(now, str | date | None) or isinstance(before, str | date | None) or told(now, unit) == told(before, unit):
        return ""
    rises = now > before
    match unit:
        case Unit.SHARE:
            points = abs(now - before) * 100
            number = Number(points, ".1f" if points < 10 else ".0f")
            return say("{number} points more", number=number) if rises else say("{number} points less", number=number)
        case Unit.SECONDS:
            span = told(abs(now - before), unit)
            return say("{span} longer", span=span) if rises else say("{span} shorter", span=span)
        case _:
            by = say("{number} %", number=Number(abs(now - before) / before * 100, ".0f")) if before else told(abs(now - before), unit)
            return say("{number} more", number=by) if rises else say("{number} less", number=by)


def _percent(share: float) -> str:
    percent = share * 100
    fine = 99 < percent < 100 or 0 < percent < 1
    digits = ".1f" if fine and f"{percent:.1f}" not in ("100.0", "0.0") else ".0f"
    return say("{number} %", number=Number(percent, digits))


def _span(seconds: float) -> str:
    if seconds < 100:
        return say("{number} s", number=Number(seconds, ".0f"))
    if seconds < 100 * _MINUTE:
        return say("{number} min", number=Number(seconds / _MINUTE, ".0f"))
    if seconds < 96 * _HOUR:
        hours = seconds / _HOUR
        return say("{number} h", number=Number(hours, ".1f" if hours < 10 else ".0f"))
    return say("{number} d", number=Number(seconds / _DAY, ".1f"))
