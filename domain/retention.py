"""How long people's words are kept after a case has ended. The history of what happened stays for ever; what was said does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_SPAN = re.compile(r"(\d{1,5})\s*(d|y)\Z")
_DAYS = {"d": 1, "y": 365}
DEFAULT = "default"
ENDINGS = ("spam", "dismissed", "walked_away", "merged", "closed")
"""How a case can have ended: dismissed as spam, otherwise dismissed, …, and `closed`: the loop was closed, and its watch is over."""


def parse_span(value: object) -> object:
    """ "30 d" or "3 y" (of 365 days) as a timedelta."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _SPAN.match(value.strip())) and int(match[1]) > 0:
        return timedelta(days=int(match[1]) * _DAYS[match[2]])
    raise ValueError("must be a number of days or years such as '30 d' or '3 y'")


def write_span(value: timedelta) -> str:
    """The inverse of `parse_span`, in days."""
    return f"{value.days} d"


Span = Annotated[timedelta, BeforeValidator(parse_span), PlainSerializer(write_span, return_type=str)]


@dataclass(frozen=True, slots=True)
class Ended:
    """A case that is over: how, and when its last event was recorded."""

    case_id: str
    ending: str
    category: str
    last: datetime


def rule_of(kept: Mapping[str, timedelta], ending: str, category: str) -> str | None:
    """The name of the rule that a case falls under: how it ended, else its category, else the default; None: kept for ever."""
    return next((name for name in (ending, category, DEFAULT) if name in kept), None)


def ending_of(ended: str, *, spam: bool) -> str:
    """How a case has ended, in the words of the policy. `ended`: as the case has it."""
    if ended == "dismissed" and spam:
        return "spam"
    return "closed" if ended == "watch_ended" else ended


def due(kept: Mapping[str, timedelta], cases: Iterable[Ended], now: datetime) -> dict[str, list[str]]:
    """The cases whose words' time is over, by the name of the rule."""
    found: dict[str, list[str]] = {}
    for case in cases:
        rule = rule_of(kept, case.ending, case.category)
        if rule is not None and case.last <= now - kept[rule]:
            found.setdefault(rule, []).append(case.case_id)
    return found


def unknown(kept: Collection[str], categories: Collection[str]) -> list[str]:
    """The names that mean nothing."""
    return sorted(name for name in kept if name not in (DEFAULT, *ENDINGS, *categories))
