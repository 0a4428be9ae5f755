"""What of a reply is said in its language besides the wording's forms: the greeting, who has the case, and moments as people say them.

A language that is not here has its forms from its wording file and these words in English; `domain.checking` says so when it is checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.personal import Kind, named


@dataclass(frozen=True, slots=True)
class Speech:
    """How a language says it. Moments are in the zone in which they are told; `days` is how many days the moment is away from now."""

    hello: Callable[[str | None], str]
    holder: Callable[[str | None, str], str]
    status: Callable[[str], str]
    future: Callable[[datetime, int, bool], str]
    past: Callable[[datetime, int, bool], str]
    shown: Callable[[str], str]
    apology: re.Pattern[str]


# --- English ------------------------------------------------------------------------------------------------------------------


def _english_hello(called: str | None) -> str:
    return f"Hi {called}," if called else "Hello,"


def _english_holder(owner: str | None, department: str) -> str:
    return f"{owner} from our {department} team" if owner else f"our {department} team"


def _english_future(there: datetime, days: int, dated: bool) -> str:
    date = f"on {there.day} {there:%B}"
    day = date if dated or days >= _WEEK else {0: "today", 1: "tomorrow"}.get(days, f"on {there:%A}")
    return f"{there:%H:%M %Z} {day}"


def _english_past(there: datetime, days: int, dated: bool) -> str:
    if days == 0 and not dated:
        return f"{there:%H:%M %Z} today"
    date = f"{there.day} {there:%B}"
    return f"{date if dated or days >= _WEEK else {1: 'yesterday'}.get(days, f'{there:%A}')}, {there:%H:%M %Z}"


_WEEK = 7
"""So many days away, a weekday says too little."""


# --- German -------------------------------------------------------------------------------------------------------------------


def _german_hello(called: str | None) -> str:
    return f"Hallo {called}," if called else "Guten Tag,"


def _german_holder(owner: str | None, department: str) -> str:
    return f"{owner} aus unserem Team {department}" if owner else f"unser Team {department}"


def _german_future(there: datetime, days: int, dated: bool) -> str:
    return _german_moment(there, days, dated, {0: "heute", 1: "morgen"})


def _german_past(there: datetime, days: int, dated: bool) -> str:
    return _german_moment(there, days, dated, {0: "heute", 1: "gestern"})


def _german_moment(there: datetime, days: int, dated: bool, near: Mapping[int, str]) -> str:
    """It stands after "bis", "ab" and "seit": a weekday before the date needs no article."""
    weekday = _WEEKDAYS[there.weekday()]
    date = f"{weekday}, {there.day}. {_MONTHS[there.month - 1]}"
    day = date if dated or days >= _WEEK else near.get(days, weekday)
    return f"{day}, {there:%H:%M} Uhr ({_ZONES.get(f'{there:%Z}', f'{there:%Z}')})"


_WEEKDAYS = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
_MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
_ZONES = {"CET": "MEZ", "CEST": "MESZ"}
_GERMAN_KINDS = {
    Kind.E_MAIL: "eine E-Mail-Adresse",
    Kind.PHONE: "eine Telefonnummer",
    Kind.CARD: "eine Kartennummer",
    Kind.IBAN: "eine Kontonummer",
    Kind.ORDER: "eine Bestellnummer",
}


def _german_shown(shown: str) -> str:
    """What `domain.personal.named` says, in German."""
    for kind, told in _GERMAN_KINDS.items():
        shown = shown.replace(str(named([kind])), told)
    return shown.replace(" and ", " und ")


SPEECHES: Mapping[str, Speech] = {
    "en": Speech(
        _english_hello,
        _english_holder,
        "See how it's going: {}".format,
        _english_future,
        _english_past,
        str,
        re.compile(r"\b(sorry|apolog)", re.IGNORECASE),
    ),
    "de": Speech(
        _german_hello,
        _german_holder,
        "So steht es um Ihr Anliegen: {}".format,
        _german_future,
        _german_past,
        _german_shown,
        re.compile(r"\b(tut (mir|uns)|leid|entschuldig|verzeihung|bedauer)", re.IGNORECASE),
    ),
}
"""The languages that replies are framed in."""


def speech_of(language: str) -> Speech:
    """How it is said in that language, else in English."""
    return SPEECHES.get(language, SPEECHES["en"])
