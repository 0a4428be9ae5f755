"""What somebody asks of the board, as it stands behind the question mark of its address; every view of it is an address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from adapters.postgres.board import FLAGS, By, Flag, Sought
from api.access.visitor import Visitor
from domain.policy import Policy
from domain.sentences import say

SOON = timedelta(hours=1)
SHOWN_AT_FIRST, SHOWN_AT_MOST = 12, 200
"""Cases in a column: so many at first, then four times as many, up to the most."""
NARROWING = ("status", "department", "channel", "brand", "priority", "category")
_EACH_AT_MOST = 20

Narrowed = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns, what is narrowed down to what, what marks the cases, and of which columns more is shown."""

    by: By = "status"
    narrowed: Narrowed = ()
    flags: tuple[Flag, ...] = ()
    more: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(query: QueryParams) -> Asked:
        """As an address has it; what nobody can ask is left out."""
        return Asked(
            by="department" if query.get("by") == "department" else "status",
            narrowed=tuple(
                (name, value) for name in NARROWING for value in query.getlist(name)[:_EACH_AT_MOST] if value and "\0" not in value
            ),
            flags=tuple(cast("Flag", flag) for flag in dict.fromkeys(query.getlist("only")) if flag in FLAGS),
            more=tuple(_more(query.getlist("more"))),
        )

    @property
    def query(self) -> str:
        """As it stands in an address."""
        pairs: list[tuple[str, str]] = [("by", self.by)] if self.by != "status" else []
        pairs += [*self.narrowed, *(("only", flag) for flag in self.flags)]
        pairs += [("more", f"{key}.{number}") for key, number in self.more]
        return urlencode(pairs)

    @property
    def address(self) -> str:
        """Where it is shown."""
        return f"/console?{self.query}" if self.query else "/console"

    def chosen(self, name: str) -> str:
        """What is narrowed down there."""
        return next((value for key, value in self.narrowed if key == name), "")

    def showing_more_of(self, column: str) -> Asked:
        """The same with more cases in a column."""
        shown = dict(self.more)
        shown[column] = min(SHOWN_AT_MOST, shown.get(column, SHOWN_AT_FIRST) * 4)
        return replace(self, more=tuple(shown.items()))

    def narrowed_to(self, name: str, value: str) -> Asked:
        """The same, and only that."""
        rest = tuple((key, there) for key, there in self.narrowed if key != name)
        return replace(self, narrowed=(*rest, (name, value)), more=())

    @property
    def view(self) -> Asked:
        """What is asked, however much of it is shown."""
        return replace(self, more=())

    def sought(self, visitor: Visitor, policy: Policy, now: datetime) -> Sought:
        """As it is looked for."""
        each = {name: tuple(value for key, value in self.narrowed if key == name) for name in NARROWING}
        return Sought(
            scope=visitor.sees_departments,
            me=visitor.actor.person,
            now=now,
            soon=now + SOON,
            unsorted=(policy.triage.otherwise,),
            flags=self.flags,
            **each,
        )


def _more(given: Iterable[str]) -> Iterable[tuple[str, int]]:
    for one in list(given)[:_EACH_AT_MOST]:
        key, _, number = one.rpartition(".")
        if key and number.isdigit() and len(number) < 6 and "\0" not in key:
            yield key, max(SHOWN_AT_FIRST, min(int(number), SHOWN_AT_MOST))


VIEWS: tuple[tuple[str, str, Asked], ...] = (
    ("all", say("All open"), Asked()),
    ("late", say("Late"), Asked(flags=("late",))),
    ("soon", say("Due within the hour"), Asked(flags=("soon",))),
    ("stalled", say("Stalled"), Asked(flags=("stalled",))),
    ("needs_us", say("Needs us"), Asked(flags=("needs_us",))),
    ("nobody", say("Nobody has it"), Asked(flags=("nobody",))),
    ("mine", say("Mine"), Asked(flags=("mine",))),
)
"""The views that everybody has: the name of the count, how it is called, and what it asks."""
