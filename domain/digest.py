"""The weekly digest: what its readers choose, when it is due, and what stands in it. docs/numbers.md says it in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from domain.errors import LoopkeeperError
from domain.policy import Policy
from domain.report import Figure, Row, Table, Wanted
from domain.report_parts import figures_of, naming, total
from domain.report_people import topics
from domain.sentences import Day, Number, joined, known, say, say_n
from domain.sums import Sums
from domain.topics import AT_LEAST
from domain.zones import known_zone

RISING, STALLED = 5, 5
"""So many rising topics and stalled cases are named; the console has the others."""
ASKS_A_DAY = 5
"""So often a day somebody may have a confirmation sent: it goes to an address that nobody has confirmed yet."""
AWAY_DAYS = 30
"""Whoever has not been at the console for so long is sent none until they are there again: their rights are those of the last sign-in."""
LONGEST_ADDRESS = 254
_MAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]+\.[^@\s,;<>\"]+")
_SLACK = re.compile(r"[UW][A-Z0-9]{2,20}")


class Way(StrEnum):
    """How a digest reaches its reader."""

    MAIL = "mail"
    SLACK = "slack"


class UnfitChoice(LoopkeeperError):
    """What somebody chose cannot be done: which field, and what would do."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader chose. Raises UnfitChoice.

    `address`: an e-mail address; for Slack a member's id, or the address that Slack knows them by. `weekday`: Monday is 1. `hour`: of the
    reader's own `zone`. `department`: only this one's cases; None: all that the reader may see.
    """

    way: Way
    address: str
    weekday: int
    hour: int
    zone: str
    department: str | None = None

    def __post_init__(self) -> None:
        mail = _MAIL.fullmatch(self.address) is not None and self.address.isprintable() and len(self.address) <= LONGEST_ADDRESS
        if self.way is Way.MAIL and not mail:
            raise UnfitChoice("address: write an e-mail address, such as name@example.com")
        if self.way is Way.SLACK and not mail and not is_slack_id(self.address):
            raise UnfitChoice("address: write your Slack member id, such as U0ANA00001, or the e-mail address that Slack knows you by")
        if not 1 <= self.weekday <= 7:
            raise UnfitChoice("weekday: from 1 (Monday) to 7")
        if not 0 <= self.hour <= 23:
            raise UnfitChoice("hour: from 0 to 23")
        try:
            known_zone(self.zone)
        except ValueError as error:
            raise UnfitChoice(f"zone: {error}") from None


def is_slack_id(address: str) -> bool:
    """Whether an address is a member's id in Slack."""
    return _SLACK.fullmatch(address) is not None


def last_due(weekday: int, hour: int, zone_name: str, now: datetime) -> datetime:
    """The newest moment up to `now` at which a digest fell due. An hour that is skipped in spring is the one after; of two, the first."""
    there = ZoneInfo(zone_name)
    today = now.astimezone(there).date()
    day = today - timedelta(days=(today.isoweekday() - weekday) % 7)
    at = _moment(day, hour, there)
    return at if at <= now else _moment(day - timedelta(days=7), hour, there)


def owed(choice: Choice, since: datetime, now: datetime) -> date | None:
    """The Monday of the week whose digest is owed by now, None when none has fallen due since the reader chose it.

    After a time in which none could be sent it is the newest alone: old weeks are in the console.
    """
    at = last_due(choice.weekday, choice.hour, choice.zone, now)
    if at < since:
        return None
    day = at.astimezone(ZoneInfo(choice.zone)).date()
    return day - timedelta(days=day.weekday())


def week_before(monday: date) -> tuple[date, date]:
    """The seven days that the digest of a week is about."""
    return monday - timedelta(days=7), monday - timedelta(days=1)


def _moment(day: date, hour: int, there: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), there).astimezone(UTC)


# --- what stands in it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StalledCase:
    """A case for which everybody was called, and nobody has acted."""

    case_id: str
    number: int
    department: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Stalled:
    """The open cases that are stalled now: how many, and those that have been for longest."""

    total: int
    cases: Sequence[StalledCase]


class StalledCases(Protocol):
    """Finds them."""

    def stalled(self, wanted: Wanted, at_most: int) -> Stalled:
        """Those of the departments wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Linked:
    """A line of the digest, and where the console has more on it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A week against the week before. `about`: whose cases. `links`: each figure's address in the console, by its key."""

    first: date
    last: date
    about: str
    figures: tuple[Figure, ...]
    links: Mapping[str, str]
    rising: tuple[Linked, ...]
    stalled_total: int
    stalled: tuple[Linked, ...]
    numbers: str
    board: str
    choose: str
    as_of: datetime | None


def digest(sums: Sums, found: StalledCases, wanted: Wanted, policy: Policy, base_url: str) -> Digest:
    """The digest of the days wanted, of the cases that its reader may see. It holds nobody's words and names no customer."""
    now, before = total(sums, wanted), total(sums, wanted.before())
    thanks = Figure("thanks", say("Thanks received"), now["thanks"], before=before["thanks"], rises="well", cases={"which": "thanked"})
    figures = (*figures_of(now, before, "opened", "acknowledge", "resolve", "promises", "closed_in_public"), thanks)
    stalled, name = found.stalled(wanted, STALLED), naming(policy, "department")
    cases = f"{base_url}/console/numbers/cases"
    return Digest(
        first=wanted.first,
        last=wanted.last,
        about=_about(wanted, policy),
        figures=figures,
        links={one.key: f"{cases}?{urlencode({**wanted.sought(), **(one.cases or {})})}" for one in figures},
        rising=_rising(sums, wanted, policy, base_url),
        stalled_total=stalled.total,
        stalled=tuple(Linked(_stalled(one, name(one.department)), f"{base_url}/console/cases/{one.case_id}") for one in stalled.cases),
        numbers=f"{base_url}/console/numbers?{urlencode(wanted.sought())}",
        board=f"{base_url}/console?only=stalled",
        choose=f"{base_url}/console/digest",
        as_of=sums.as_of(),
    )


def _about(wanted: Wanted, policy: Policy) -> str:
    name = naming(policy, "department")
    if wanted.department is not None:
        return name(wanted.department)
    return say("All cases") if wanted.only is None else joined(", ", [name(one) for one in sorted(wanted.only)])


def _stalled(one: StalledCase, department: str) -> str:
    return say("#{number}, {department}, since {day}", number=one.number, department=department, day=Day(one.since.date()))


def _rising(sums: Sums, wanted: Wanted, policy: Policy, base_url: str) -> tuple[Linked, ...]:
    """Words that at least five customers used, where the reader sees all cases; else the categories that rise."""
    made = topics(sums, wanted, policy)
    url = f"{base_url}/console/numbers/topics?{urlencode(wanted.sought())}"
    words = made.table("words") if wanted.department is None else None
    lines = _risen_words(words) if words is not None else ()
    categories = made.table("categories")
    assert categories is not None, "the report on topics always has its categories"
    return tuple(Linked(line, url) for line in (lines or _risen_categories(categories))[:RISING])


def _risen_words(table: Table) -> tuple[str, ...]:
    """Of fewer than `AT_LEAST` customers nobody knows how many they were."""
    few = say("fewer than {at_least}", at_least=Number(AT_LEAST))
    return tuple(
        say_n(
            "{word}: {count} customer, usually {usual}", "{word}: {count} customers, usually {usual}", now,
            word=_apart(str(row.cells[0])), count=Number(now), usual=Number(usual) if usual >= AT_LEAST else few,
        )
        for row, now, usual in _risen(table)
    )  # fmt: skip


def _apart(word: str) -> str:
    """A word that runs from right to left, in Unicode's isolates (UAX 9): otherwise the figures beside it change their places."""
    return f"\u2068{word}\u2069" if any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in word) else word


def _risen_categories(table: Table) -> tuple[str, ...]:
    return tuple(
        say_n(
            "{category}: {count} case, usually {usual}", "{category}: {count} cases, usually {usual}", now,
            category=known((row.cases or {}).get("category", row.cells[0])), count=Number(now), usual=Number(usual),
        )
        for row, now, usual in _risen(table)
    )  # fmt: skip


def _risen(table: Table) -> Iterator[tuple[Row, int, float]]:
    """The rows that are half as many again as usual, how many they are now, and usually."""
    for row in table.rows:
        now, usual = row.cells[1], row.cells[2]
        if isinstance(now, int) and isinstance(usual, float | int) and now >= 2 and now >= 1.5 * usual:
            yield row, now, usual
