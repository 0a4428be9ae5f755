"""How values of reports are told to people."""

from __future__ import annotations

from datetime import date

from domain.report import Unit, Value

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600


def told(value: Value, unit: Unit) -> str:
    """A value as people read it; an en dash where there is nothing. Times are in hours up to four days of 24 hours, working times too."""
    if value is None or value == "":
        return "–"
    if isinstance(value, date):
        return f"{value.day} {value:%b}"
    if isinstance(value, str):
        return value
    match unit:
        case Unit.SHARE:
            return _percent(value)
        case Unit.SECONDS:
            return _span(value)
        case Unit.MEAN:
            return f"{value:,.1f}" if 0 < value < 100 else f"{value:,.0f}"
        case _:
            return f"{value:,.0f}"


def change(now: Value, before: Value, unit: Unit) -> str:
    """What has changed against before, in words; nothing when either is unknown or they read the same."""
    if isinstance(now, str | date | None) or isinstance(before, str | date | None) or told(now, unit) == told(before, unit):
        return ""
    more = "more" if now > before else "less"
    match unit:
        case Unit.SHARE:
            points = abs(now - before) * 100
            return f"{points:.1f} points {more}" if points < 10 else f"{points:.0f} points {more}"
        case Unit.SECONDS:
            return f"{told(abs(now - before), unit)} {'longer' if now > before else 'shorter'}"
        case _:
            return f"{abs(now - before) / before:.0%} {more}" if before else f"{told(abs(now - before), unit)} {more}"


def _percent(share: float) -> str:
    percent = share * 100
    fine = 99 < percent < 100 or 0 < percent < 1
    return f"{percent:.1f} %" if fine and f"{percent:.1f}" not in ("100.0", "0.0") else f"{percent:.0f} %"


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * _MINUTE:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 96 * _HOUR:
        hours = seconds / _HOUR
        return f"{hours:.1f} h" if hours < 10 else f"{hours:.0f} h"
    return f"{seconds / _DAY:.1f} d"
