"""The board: every open case, by status or by department, the most urgent clock first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from adapters.postgres.rows import Row
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.console.asking import SHOWN_AT_FIRST, SHOWN_AT_MOST, VIEWS, Asked
from api.console.ground import Ground, discreet
from api.console.offers import OFFERS
from api.console.visiting import visitor_of
from domain.rights import Right
from domain.values import Priority, Status

PAGE = 50
_TO_BE_CALLED = frozenset({"late", "soon", "stalled"})
"""In these views somebody owes something: whoever it is can be called right from the card."""
Number = Annotated[int | None, Query(ge=1, le=2**62)]
_OPEN = tuple(status.value for status in Status if status not in (Status.CLOSED, Status.DISMISSED, Status.WALKED_AWAY, Status.MERGED))


@dataclass(frozen=True)
class Board:
    """The pages."""

    ground: Ground

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.READ_CASES))])
        router.add_api_route("/console", self.show, methods=["GET"])
        router.add_api_route("/console/views", self.keep, methods=["POST"])
        router.add_api_route("/console/keys", self.keys, methods=["GET"])
        return router

    async def show(self, request: Request, show: str = "open", before: Number = None) -> Response:
        """The board; or all cases, also those that are over, the newest first."""
        if show == "all":
            return await self._all(request, before)
        visitor = visitor_of(request)
        policy = await self.ground.looking.policy()
        asked = Asked.of(request.query_params)
        sought = asked.sought(visitor, policy, self.ground.looking.now())
        more = dict(asked.more)
        board, person = self.ground.store.board, visitor.actor.person
        whose = person if "mine" in asked.flags else None
        columns = await self.ground.lately.of(
            ("columns", sought.scope, whose, asked, policy.id),
            lambda: self.ground.read(lambda: board.columns(sought, asked.by, at_most=SHOWN_AT_FIRST, more=more)),
        )
        kept = await self.ground.read(lambda: board.views(person))
        order = _OPEN if asked.by == "status" else tuple(policy.departments)
        placed = sorted(columns, key=lambda column: order.index(column.key) if column.key in order else len(order))
        values = {
            "here": "board",
            "refresh": asked.address,
            "asked": asked,
            "columns": [replace(column, rows=discreet(visitor, policy, column.rows)) for column in placed],
            "found": sum(column.total for column in columns),
            "any_case": bool(columns) or await self._any_case(visitor),
            "statuses": _OPEN,
            "priorities": [priority.value for priority in Priority],
            "views": VIEWS,
            "kept": [(name, query, query == asked.view.query) for name, query in kept],
            "most": SHOWN_AT_MOST,
            "kept_card": self.ground.cards.card,
            "calls": visitor.may(Right.ACT) and not _TO_BE_CALLED.isdisjoint(asked.flags),
        }
        return await self.ground.page(request, "board.html", visitor, values)

    async def _any_case(self, visitor: Visitor) -> bool:
        theirs, reader = visitor.sees_departments, self.ground.store.reader
        return bool(await self.ground.read(lambda: reader.cases(only_open=False, before=None, departments=theirs, at_most=1)))

    async def _all(self, request: Request, before: int | None) -> Response:
        visitor = visitor_of(request)
        theirs, policy = visitor.sees_departments, await self.ground.looking.policy()

        def look() -> list[Row]:
            found = self.ground.store.reader.cases(only_open=False, before=before, at_most=PAGE, departments=theirs)
            return discreet(visitor, policy, found)

        rows = await self.ground.read(look)
        older = rows[-1].number if len(rows) == PAGE else None
        return await self.ground.page(
            request, "all.html", visitor, {"here": "all", "refresh": _address(before), "rows": rows, "older": older}
        )

    async def keep(
        self,
        request: Request,
        name: Annotated[str, Form(max_length=60)] = "",
        query: Annotated[str, Form(max_length=1000)] = "",
        drop: Annotated[str, Form(max_length=60)] = "",
    ) -> Response:
        """Keep what is shown as a view, or keep one no longer."""
        visitor = visitor_of(request)
        called, board, person = " ".join(name.replace("\0", "").split()), self.ground.store.board, visitor.actor.person
        asked = Asked.of(QueryParams(parse_qsl(query))).view  # only what a view can ask: nothing else gets into an address of ours
        if drop and "\0" not in drop:
            await self.ground.read(lambda: board.drop_view(person, drop))
        elif called:
            await self.ground.read(lambda: board.keep_view(person, called, asked.query))
        return RedirectResponse(asked.address, 303)

    async def keys(self, request: Request) -> Response:
        """Which key does what."""
        return await self.ground.page(request, "keys.html", visitor_of(request), {"here": "keys", "all_offers": OFFERS})


def _address(before: int | None) -> str:
    return "/console?show=all" + (f"&before={before}" if before else "")
