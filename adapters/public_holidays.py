"""Which days are public holidays in a country, from the tables of the `holidays` library. No network, and the same in every locale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from domain.errors import LoopkeeperError
from domain.hours import Hours

_LANGUAGE = "en_US"  # the English that every country of the library has; left out, it would follow the machine's locale
_FEW = 20
YEARS_AHEAD = 3
"""Clocks look days or weeks ahead; the rest is time in which somebody puts the policy in force again."""


class UnknownCountry(LoopkeeperError):
    """No public holidays are known for this country, or it has no such subdivision."""


def public_holidays(country: str, subdivision: str | None, years: range) -> dict[date, str]:
    """The days off of these years with their English names, in order; substitute days of those at a weekend included.

    `country` is a code of ISO 3166-1 ("GB"), `subdivision` one of ISO 3166-2 without the country ("ENG", "BY"). Without a
    subdivision these are the days of the country as a whole. Raises UnknownCountry with the codes that are near.
    """
    import holidays  # it takes a tenth of a second, and only those who ask for holidays are to wait for it

    known = holidays.list_supported_countries()
    if country not in known:
        raise UnknownCountry(f"There are no public holidays for '{country}': {_which_country(country)}.")
    if subdivision is not None and subdivision not in known[country]:
        raise UnknownCountry(f"{country} has no subdivision '{subdivision}'; {_which_subdivision(subdivision, known[country])}.")
    found = holidays.country_holidays(country, subdiv=subdivision, years=years, language=_LANGUAGE)
    return {day: found[day] for day in sorted(found) if day.year in years}


def holidays_of(hours: Hours) -> list[date]:
    """The public holidays of a calendar from last year to three years on; none when it names no country. Raises UnknownCountry."""
    if hours.public_holidays is None:
        return []
    country, _, part = hours.public_holidays.partition("-")
    this_year = datetime.now(ZoneInfo(hours.zone)).year
    return list(public_holidays(country, part or None, range(this_year - 1, this_year + YEARS_AHEAD + 1)))


def _which_country(asked: str) -> str:
    from holidays.registry import COUNTRIES

    words = {}
    for module, (_, code, *_) in COUNTRIES.items():
        words[code.casefold()] = words[module.replace("_", " ")] = f"{code} ({module.replace('_', ' ').title()})"
    near = [words[word] for word in _near(asked.casefold(), words, at_least=0.7)]
    return f"near it: {', '.join(near)}" if near else "give its code of two letters (ISO 3166), such as GB, DE or US"


def _which_subdivision(asked: str, there_are: list[str]) -> str:
    if not there_are:
        return "it has none, so leave it out"
    if len(there_are) <= _FEW:
        return f"there are: {', '.join(there_are)}"
    return f"near it: {', '.join(_near(asked.upper(), there_are, at_least=0.0))}"


def _near(asked: str, words: Iterable[str], at_least: float) -> list[str]:
    return get_close_matches(asked, list(words), n=5, cutoff=at_least)
