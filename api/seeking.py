"""From what somebody wrote in a query string to the filter that they mean; for the REST API and the auditor's form alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from api.problems import Problem
from domain.index_terms import wanted_words
from domain.seeking import KINDS, NotSought, Outcome, Sought
from domain.values import Actor, ClockName

CASES_AT_MOST = 1_000
LONGEST = 200
"""Signs of any one value."""
NAMES = ("case", *(field.name for field in fields(Sought) if field.name != "cases"))
"""The parameters that make a filter; `case` can be given several times."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who looks for cases and reads them. `departments`: only cases of these; None: all."""

    actor: Actor
    departments: frozenset[str] | None = None

    def may_see(self, department: str, had_by: Iterable[str] = ()) -> bool:
        """Whether they may read a case that is with that department, and was with those."""
        return self.departments is None or not self.departments.isdisjoint({department, *had_by})


def sought_of(given: Iterable[tuple[str, str]], beside: Iterable[str] = (), person: Callable[[str], list[str]] | None = None) -> Sought:
    """The filter. `beside`: other parameters of that address. `person`: the ids of the colleagues of a name.

    Empty values are as if they were not there, as forms send them. Raises Problem (422), which says what could be written instead.
    """
    cases: list[str] = []
    named: dict[str, str] = {}
    others = set(beside)
    for name, value in given:
        if name in others or (name in NAMES and not value.strip()):
            continue
        if name not in NAMES:
            raise Problem(422, f"{name}: there is no such filter; there are {', '.join(NAMES)}")
        if "\0" in value or len(value) > LONGEST:
            raise Problem(422, f"{name}: at most {LONGEST} signs, and no NUL among them")
        if name == "case":
            cases.append(value.strip())
        elif name in named:
            raise Problem(422, f"{name}: is given twice; give it once")
        else:
            named[name] = value.strip()
    if len(cases) > CASES_AT_MOST:
        raise Problem(422, f"case: at most {CASES_AT_MOST} can be named at once; these are {len(cases)}")
    try:
        return Sought(cases=tuple(cases), **{name: _read(name, value, person) for name, value in named.items()})
    except NotSought as error:
        raise Problem(422, str(error)) from None


def cursor_of(after: str | None) -> int | None:
    """Where a page goes on. Raises Problem (422)."""
    if after is None or after == "":
        return None
    if not (after.isascii() and after.isdigit() and 0 < len(after) < 19 and int(after) > 0):
        raise Problem(422, "after: is no place to go on from; take it from the page before, or leave it out for the first page")
    return int(after)


def moment_of(name: str, value: str) -> datetime:
    """A moment, or the midnight (UTC) with which a day begins. Raises Problem (422)."""
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        moment = datetime.fromisoformat(value.replace(" ", "+") if value.count(" ") == 1 and "T" in value else value)
        if moment.tzinfo is None:
            raise Problem(
                422, f"{name}: '{value}' needs a time zone, like 2026-09-01T08:00:00Z; a day alone (2026-09-01) begins at midnight UTC"
            )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Problem(
            422, f"{name}: '{value}' is no moment; write a day (2026-09-01) or a moment with its zone (2026-09-01T08:00:00Z)"
        ) from None


def query_of(sought: Sought) -> list[tuple[str, str]]:
    """The inverse of `sought_of`, for links from page to page."""
    query = [("case", case) for case in sought.cases]
    for field in fields(Sought):
        value: Any = getattr(sought, field.name)
        if field.name != "cases" and value is not None:
            query.append((field.name, value.isoformat() if isinstance(value, datetime) else str(getattr(value, "value", value))))
    return query


def _read(name: str, value: str, person: Callable[[str], list[str]] | None) -> Any:
    match name:
        case "number":
            number = value.removeprefix("#")
            if not (number.isascii() and number.isdigit() and len(number) < 19):
                raise Problem(422, f"number: '{value}' is no case's number; write it like 42")
            return int(number)
        case "kind":
            return _one_of(name, value, {kind: kind for kind in KINDS})
        case "breached":
            return _one_of(name, value, {clock.value: clock for clock in ClockName})
        case "outcome":
            return _one_of(name, value, {outcome.value: outcome for outcome in Outcome})
        case "words" | "customer" if not wanted_words(value):
            raise Problem(422, f"{name}: there is no word in '{value}'; whole words are looked for, of letters or digits")
        case "person" if person is not None and ":" not in value:
            return _person(value, person(value))
        case _ if name.endswith(("_from", "_until")):
            return moment_of(name, value)
        case _:
            return value


def _one_of(name: str, value: str, known: Mapping[str, Any]) -> Any:
    if value not in known:
        raise Problem(422, f"{name}: there is no '{value}'; there are {', '.join(sorted(known))}")
    return known[value]


def _person(name: str, ids: list[str]) -> str:
    if not ids:
        raise Problem(
            422,
            f"person: nobody called '{name}' has been seen here; write the name as it stands in a history, or an id like slack:U0ANA00001",
        )
    if len(ids) > 1:
        raise Problem(422, f"person: several are called '{name}'; write the id of one: {', '.join(ids)}")
    return ids[0]
