"""What every page of the console stands on: who looks, the loop's time, whose zone, how much waits for the team; and the reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import Response

from adapters.links import Links
from adapters.postgres.board import FLAGS
from adapters.postgres.engine import together
from adapters.postgres.reading import NoSuchCase
from adapters.postgres.rows import Row
from adapters.postgres.store import Store
from api.access.visitor import Visitor
from api.acting import Acting
from api.console.asking import Asked
from api.console.cards import Cards
from api.console.lately import Counted, Lately, summed
from api.looking import Looking
from api.pages import page
from api.problems import Problem
from api.reading import ON_RECORD
from domain.casefile import CaseFile
from domain.discretion import Onlookers
from domain.policy import Policy
from domain.rights import EVERYWHERE, Right, may_see
from domain.values import Role

_T = TypeVar("_T")
_SEE_WHOLE = EVERYWHERE | {Role.AUDITOR, Role.PRIVACY}
"""Who reads customers' posts as they are; for the others what everybody should not read is masked, as in Slack."""


@dataclass(frozen=True)
class Ground:
    """See the module's text."""

    store: Store
    acting: Acting
    looking: Looking
    links: Links
    threads: Executor
    framed_by: str | None
    lately: Lately[Any] = field(default_factory=Lately)
    cards: Cards = field(default_factory=Cards)

    async def page(self, request: Request, name: str, visitor: Visitor, values: dict[str, Any], *, status: int = 200) -> Response:
        """A page of the console, or its changing parts alone, when the module asks for them."""
        policy = await self.looking.policy()
        now = self.looking.now()
        counts = await self.counts(visitor, policy)
        frame = {
            "layout": "parts.html" if request.headers.get("x-parts") else "console.html",
            "visitor": visitor,
            "now": now,
            "speed": self.looking.pace.speed,
            "zone": zone_of(policy),
            "policy": policy,
            "counts": counts,
            "without_words": visitor.actor.role in ON_RECORD,
            "waiting": counts["needs_us"] + counts["unsorted"] + counts["quarantined"] + counts["announced"],
        }
        return page(request, name, {**frame, **values}, framed_by=self.framed_by, status=status)

    async def counts(self, visitor: Visitor, policy: Policy) -> dict[str, int]:
        """How many open cases there are of what."""
        unreadable, shares = visitor.may(Right.READ_UNREADABLE), visitor.may(Right.SHARE_CAUSES)
        sought = Asked().sought(visitor, policy, self.looking.now())

        def look() -> Counted:
            unread = len(self.store.inbox.quarantined()) if unreadable else 0
            announced = len(self.store.causes.waiting()) if shares else 0
            none = dict.fromkeys(("all", *FLAGS), 0)
            return {**self.store.board.counted(sought), "": {**none, "quarantined": unread, "announced": announced}}

        return summed(await self.lately.of(("counts", sought.scope, unreadable, shares, policy.id), lambda: self.read(look)), sought.me)

    async def file(self, visitor: Visitor, case_id: str) -> CaseFile:
        """The whole of a case that the visitor may see. Raises Problem: of a case that they may not see, as if it were not there."""
        try:
            file, had_by = await self.read_together(lambda: (self.store.reader.file(case_id), self.had_by(case_id)))
        except NoSuchCase as error:
            raise Problem(404, str(error)) from None
        if not may_see(visitor.colleague, file.case.department, had_by):
            raise Problem(404, f"there is no case '{case_id}'")
        return file

    def had_by(self, case_id: str) -> frozenset[str]:
        """The departments that have, or have had, a case; read off the event loop."""
        return frozenset(card.department for card in self.store.cards.of_case(case_id))

    async def read(self, call: Callable[[], _T]) -> _T:
        """Have it read off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    async def read_together(self, call: Callable[[], _T]) -> _T:
        """Have it read in one go, over one connection; so it may read alone (see `together`)."""

        def look() -> _T:
            with together(self.store.engine):
                return call()

        return await self.read(look)


def sees_whole(visitor: Visitor) -> bool:
    """Whether they read customers' posts as they are."""
    return visitor.actor.role in _SEE_WHOLE


def zone_of(policy: Policy, brand: str | None = None) -> ZoneInfo:
    """The brand's zone; of several brands, that of the first."""
    known = policy.brands.get(brand or "") or next(iter(policy.brands.values()))
    return ZoneInfo(known.zone)


def discreet(visitor: Visitor, policy: Policy, rows: Sequence[Row]) -> list[Row]:
    """Rows of a list as this visitor may read them. Whose every reading is on record reads words where each can be recorded: not here."""
    if visitor.actor.role in ON_RECORD:
        return [replace(row, words="") for row in rows]
    if sees_whole(visitor):
        return list(rows)
    return [replace(row, words=Onlookers(policy, row.brand, row.channel).masked(row.words)) for row in rows]
