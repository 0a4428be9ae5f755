"""What needs the social team: replies of which nobody is sure, cases that stand still, posts that nobody could sort or read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.board import Flag
from adapters.postgres.rows import Row
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.console.asking import Asked
from api.console.ground import Ground, discreet
from api.console.visiting import visitor_of
from domain.rights import Right
from domain.sentences import say

AT_MOST = 40
"""Cases in a group; the board has the others."""
_GROUPS: tuple[tuple[str, str, str, tuple[Flag, ...]], ...] = (
    ("needs_us", say("A person is needed"), say("The loop does not go on by itself here."), ("needs_us",)),
    ("stalled", say("Stalled"), say("Everybody up the chain was called, and nobody has acted."), ("stalled",)),
    ("late", say("Late"), say("A clock has run out: somebody waits longer than they should."), ("late",)),
    ("soon", say("Due within the hour"), say("Whoever owes it can still be reminded."), ("soon",)),
    ("unsorted", say("Not sorted"), say("Triage knew no category, and nobody has the case yet."), ("unsorted",)),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that need the same. `address`: all of them on the board."""

    key: str
    title: str
    why: str
    rows: Sequence[Row]
    total: int
    address: str


@dataclass(frozen=True)
class InboxPage:
    """The page."""

    ground: Ground

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/inbox", self.show, methods=["GET"], dependencies=[Depends(Needs(Right.READ_CASES))])
        router.add_api_route(
            "/console/inbox/{number}/again", self.again, methods=["POST"], dependencies=[Depends(Needs(Right.RETRY_UNREADABLE))]
        )
        return router

    async def show(self, request: Request, did: str = "") -> Response:
        """Everything that waits for the team."""
        visitor = visitor_of(request)
        groups = await waiting_groups(self.ground, visitor)
        unreadable = await self.ground.read(self.ground.store.inbox.quarantined) if visitor.may(Right.READ_UNREADABLE) else []
        values = {
            "here": "inbox",
            "refresh": "/console/inbox",
            "groups": groups,
            "unreadable": unreadable,
            "announcements": await self.ground.read(self.ground.store.causes.waiting) if visitor.may(Right.SHARE_CAUSES) else [],
            "done": say("It is being read again. If it still cannot be placed, it comes back here with the reason.")
            if did == "again"
            else None,
        }
        return await self.ground.page(request, "inbox.html", visitor, values)

    async def again(self, number: int) -> Response:
        """Read again what could not be read. Safe: whatever was placed before is not placed twice."""
        await self.ground.read(lambda: self.ground.store.inbox.read_again(number))
        self.ground.lately.forget()
        return RedirectResponse("/console/inbox?did=again#unreadable", 303)


async def waiting_groups(ground: Ground, visitor: Visitor) -> list[Group]:
    """The cases that wait for the team, each in the first group that it belongs to."""
    policy = await ground.looking.policy()
    counts = await ground.counts(visitor, policy)
    groups, seen = [], set[str]()
    for key, title, why, flags in _GROUPS:
        sought = Asked(flags=flags).sought(visitor, policy, ground.looking.now())
        found = await ground.read(partial(ground.store.board.needing_us, sought, AT_MOST)) if counts[key] else []
        rows = [row for row in discreet(visitor, policy, found) if row.case_id not in seen]
        seen |= {row.case_id for row in rows}
        groups.append(Group(key, title, why, rows, counts[key], Asked(flags=flags).address))
    return groups
