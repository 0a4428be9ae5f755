"""The public holidays that a policy's calendars name, found when the policy is put in force."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from adapters.public_holidays import public_holidays
from domain.hours import Hours

YEARS_AHEAD = 3
"""Clocks look days or weeks ahead; the rest is time in which somebody puts the policy in force again."""


def holidays_of(hours: Hours) -> list[date]:
    """The public holidays of a calendar from last year to three years on; none when it names no country. Raises UnknownCountry."""
    if hours.public_holidays is None:
        return []
    country, _, part = hours.public_holidays.partition("-")
    this_year = datetime.now(ZoneInfo(hours.zone)).year
    return list(public_holidays(country, part or None, range(this_year - 1, this_year + YEARS_AHEAD + 1)))
