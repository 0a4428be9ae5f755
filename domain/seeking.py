"""What an auditor looks for: one filter for search and for export.

A case is sought when it fits everything that is named. What is said of an event (`kind`, `breached`) must be true of one event, together
with whose department the case was in then, and when that was recorded; see each field.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import get_args

from domain.errors import LoopkeeperError
from domain.events import Event
from domain.sentences import joined, mark, say
from domain.values import ClockName

KINDS = frozenset(str(each.__dataclass_fields__["kind"].default) for each in get_args(Event))
"""The kinds of events there are."""


class Outcome(StrEnum):
    """How a case stands, or how it ended."""

    OPEN = "open"
    CLOSED = "closed"
    WAIVED = "waived"
    DISMISSED = "dismissed"
    WALKED_AWAY = "walked_away"
    MERGED = "merged"


class NotSought(LoopkeeperError):
    """A filter cannot be meant as it is written."""


class SearchTooLong(LoopkeeperError):
    """A search was given up, because it took longer than it may."""

    def __init__(self) -> None:
        super().__init__(
            "the search took too long, and was given up; narrow it: by a department, a channel or a kind of event, by when the case was "
            "opened, or by a rarer word"
        )


@dataclass(frozen=True, slots=True)
class Sought:
    """A filter. None (or no `cases`) means that it does not matter.

    `cases`: ids. `number`: the case's number. `customer`: how the network shows them (`@sam`, `sam`; large or small letters).
    `person`: the id of a colleague who did the event or was the owner then; without `kind`, of any event of the case.
    `department`: which had the case at the event that `kind` or `breached` means; without these, which ever had it.
    `kind`: of an event that the case has. `breached`: a clock that ran out. `words`: words that somebody wrote in it.
    `opened_from`, `opened_until`: when the case was opened (the loop's time). `recorded_from`, `recorded_until`: when the event that
    `kind` or `breached` means was recorded; without these, any event. Of both, the first moment counts and the last does not.
    `outcome`: how the case stands, or ended; waived: it was closed without a public thank-you.
    Raises NotSought when moments have no zone, a range ends before it begins, or there is no such kind of event.
    """

    cases: tuple[str, ...] = ()
    number: int | None = None
    customer: str | None = None
    person: str | None = None
    department: str | None = None
    channel: str | None = None
    brand: str | None = None
    kind: str | None = None
    words: str | None = None
    opened_from: datetime | None = None
    opened_until: datetime | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None
    breached: ClockName | None = None
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise NotSought(say("there is no event '{kind}'; docs/history.md lists those there are", kind=self.kind))
        for name, since, until in (
            ("opened", self.opened_from, self.opened_until),
            ("recorded", self.recorded_from, self.recorded_until),
        ):
            if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
                raise NotSought(say("the moments of '{name}' need a time zone, like 2026-09-01T00:00:00Z", name=name))
            if since is not None and until is not None and until <= since:
                raise NotSought(
                    say(
                        "the range of '{name}' ends ({until}) before it begins ({since})",
                        name=name,
                        until=_moment(until),
                        since=_moment(since),
                    )
                )

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Sought()

    @property
    def is_of_an_event(self) -> bool:
        """Whether it asks for a particular event, of which department and time are then said."""
        return self.kind is not None or self.breached is not None

    def describe(self) -> str:
        """The filter in words that hold nothing personal: neither whose cases nor which words are looked for."""
        if self.is_everything:
            return say("everything")
        told = [said for field in fields(self) if (said := self._told(field.name)) is not None]
        return joined("; ", told)

    def _told(self, name: str) -> str | None:
        value = getattr(self, name)
        if value is None or value == ():
            return None
        if name == "cases":
            return say("cases {value}", value=", ".join(value)) if len(value) <= 10 else say("{value} cases by their ids", value=len(value))
        pattern = _TOLD[name]
        if "{value}" not in pattern:
            return say(pattern)  # and remembers nothing of what it is
        return say(pattern, value=_moment(value) if isinstance(value, datetime) else getattr(value, "value", value))


_TOLD = {
    "number": mark("case #{value}"),
    "customer": mark("one customer"),
    "person": mark("person {value}"),
    "department": mark("department {value}"),
    "channel": mark("channel {value}"),
    "brand": mark("brand {value}"),
    "kind": mark("event {value}"),
    "words": mark("certain words"),
    "opened_from": mark("opened from {value}"),
    "opened_until": mark("opened before {value}"),
    "recorded_from": mark("recorded from {value}"),
    "recorded_until": mark("recorded before {value}"),
    "breached": mark("clock {value} ran out"),
    "outcome": mark("outcome {value}"),
}
"""How each field is told; of a customer and of words, only that they are looked for."""


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
