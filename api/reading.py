"""Finding cases and reading their histories over the REST API."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from adapters.postgres.auditing import Read
from adapters.postgres.reading import NoSuchCase
from adapters.postgres.searching import Found
from adapters.postgres.store import Store
from api.access.rules import Reading
from api.conditional import NOT_MODIFIED, unchanged
from api.guarding import history_tag
from api.in_thread import in_thread
from api.paging import After, cursor, number_of, tell_next
from api.problems import Problem, described
from api.rest_models import HistoryOut, KeptClockOut, events_out, said_out
from api.seeking import NAMES, Reader, moment_of, sought_of
from domain.seeking import KINDS, Outcome
from domain.values import ClockName, Role

PAGE, PAGE_AT_MOST = 50, 200
ON_RECORD = frozenset({Role.AUDITOR, Role.PRIVACY})
"""Roles whose every look at a case is on record: they read, and do not work on it."""


class FoundOut(BaseModel):
    """A case that was found; nothing that anybody wrote is in it."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    opened_at: datetime
    brand: str = Field(examples=["meridian"])
    channel: str = Field(examples=["x"])
    department: str = Field(examples=["billing"])
    status: str = Field(examples=["closed"])
    priority: str = Field(examples=["high"])
    category: str = Field(examples=["billing"])
    owner: str | None = Field(examples=["Ana Sousa"])
    closed_at: datetime | None
    events: int = Field(examples=[14])

    @staticmethod
    def of(found: Found) -> FoundOut:
        """A case, as it is answered."""
        return FoundOut(**asdict(found))


class FoundCases(BaseModel):
    """A page of cases, the newest first."""

    cases: list[FoundOut]
    after: str | None = Field(examples=["WyJjYXNlcyIsNDcxMV0"], description="Send it as `after` for the next page; null: that was all.")
    not_searched_yet: int = Field(examples=[0], description="So many events, of the last seconds, cannot be found yet.")


class ReadingRoutes:
    """The routes."""

    def __init__(self, store: Store, threads: Executor) -> None:
        self._store = store
        self._threads = threads

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["cases"])
        a_reader = Depends(reader_of)

        @router.get(
            "/cases", response_model=FoundCases, responses=described(401, 403, 422, 429, 503), summary="Find cases", openapi_extra=_FILTERS
        )
        async def find(
            request: Request,
            response: Response,
            after: After = None,
            at_most: Annotated[int, Query(ge=1, le=PAGE_AT_MOST)] = PAGE,
            reader: Reader = a_reader,
        ) -> FoundCases:
            found = await self._find(request.query_params.multi_items(), reader, number_of("cases", after), at_most)
            tell_next(request, response, found.after)
            return found

        @router.get(
            "/cases/{case_id}/history",
            response_model=HistoryOut,
            responses={**NOT_MODIFIED, **described(401, 403, 404, 422, 429, 503)},
            summary="Everything that happened to a case",
        )
        async def read_history(
            request: Request,
            response: Response,
            case_id: str,
            as_of: Annotated[
                str | None,
                Query(max_length=60, examples=["2026-09-01T08:00:00Z"], description="Only what was on record at that moment."),
            ] = None,
            after: After = None,
            at_most: Annotated[int | None, Query(ge=1, le=1000, description="So many events on a page; without it, all.")] = None,
            reader: Reader = a_reader,
        ) -> Any:
            moment, above = moment_of("as_of", as_of) if as_of else None, number_of("history", after)
            tag, is_theirs = await in_thread(self._threads, lambda: self._tag(reader, case_id, moment, above, at_most))
            as_before = unchanged(request, tag) if is_theirs else None  # to others, and of what is not there, it is told below
            if as_before is not None:
                return as_before
            whole = await self._history(reader, case_id, moment)
            page = _page_of(whole, above, at_most)
            response.headers["etag"] = tag
            tell_next(request, response, page.after)
            return page

        return router

    async def _find(self, given: Sequence[tuple[str, str]], reader: Reader, after: int | None, at_most: int) -> FoundCases:
        def look() -> FoundCases:
            sought = sought_of(given, ("after", "at_most"), self._store.people.named)
            page = self._store.search.find(sought, after, at_most, reader.departments)
            return FoundCases(
                cases=[FoundOut.of(case) for case in page.cases],
                after=None if page.after is None else cursor("cases", page.after),
                not_searched_yet=self._store.search.behind(),
            )

        return await in_thread(self._threads, look)

    def _tag(self, reader: Reader, case_id: str, *asked: object) -> tuple[str, bool]:
        """The history's entity tag, and whether the reader may see that case."""
        stands = self._store.reader.stands(case_id)
        if stands is None:
            return "", False
        events, department = stands
        had_by = {card.department for card in self._store.cards.of_case(case_id)} if reader.departments is not None else ()
        digest = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
        return history_tag(events, self._store.audit.checkpoint_size(), digest), reader.may_see(department, had_by)

    async def _history(self, reader: Reader, case_id: str, as_of: datetime | None) -> HistoryOut:
        return await in_thread(self._threads, lambda: history_out(read_by(self._store, reader, case_id, as_of, words=True)))


def reader_of(visitor: Reading) -> Reader:
    """A dependency: who reads."""
    return Reader(visitor.actor, visitor.sees_departments)


def read_by(store: Store, reader: Reader, case_id: str, as_of: datetime | None, *, words: bool, always: bool = False) -> Read:
    """A case, for somebody who may read it; on record before they have it. Raises Problem (404).

    `words`: they are shown what people wrote. `always`: whatever their role.
    """
    try:
        read = store.audit.read(case_id, as_of)
    except NoSuchCase as error:
        raise Problem(404, str(error)) from None
    had_by = {str(getattr(entry.event, "department", "")) for _, entry in read.file.history}
    if not reader.may_see(read.file.case.department, had_by):
        raise Problem(404, f"there is no case '{case_id}'")
    if always or reader.actor.role in ON_RECORD:
        store.audit.note(case_id, as_of, reader.actor, words=words)
    return read


def _page_of(whole: HistoryOut, above: int | None, at_most: int | None) -> HistoryOut:
    """The events after that number, so many; everything else is told whole on each page."""
    events = [event for event in whole.events if event.seq > (above or 0)]
    shown = events if at_most is None else events[:at_most]
    more = cursor("history", shown[-1].seq) if len(shown) < len(events) else None
    return whole.model_copy(update={"events": shown, "after": more})


def history_out(read: Read) -> HistoryOut:
    """A history, as it is answered."""
    return HistoryOut(
        case_id=read.file.case_id,
        as_of=read.as_of,
        status=read.file.case.status.value,
        verified=read.fault is None,
        fault=read.fault,
        sealed=read.proven.sealed,
        checkpoint=read.proven.size or None,
        proven=read.proven.fault is None and read.proven.size > 0,
        proof_fault=read.proven.fault,
        conversation=said_out(read.file),
        clocks=[KeptClockOut.model_validate(clock) for clock in read.clocks],
        events=events_out(read.file, read.recorded),
    )


_TOLD = {
    "case": "The id of a case; can be given several times.",
    "number": "A case's number.",
    "customer": "How the network shows them: a name or a handle, or words of it.",
    "person": "A colleague, by id or name: who did the event that `kind` or `breached` means, or owner then; without these, of any event.",
    "department": "Which had the case at the event that `kind` or `breached` means; without these, which ever had it.",
    "channel": "A channel of the policy.",
    "brand": "A brand of the policy.",
    "kind": "An event of the history.",
    "words": "Words that somebody wrote in the case, all of them, whole. Private ones are not searched.",
    "opened_from": "Opened at that moment or later.",
    "opened_until": "Opened before that moment.",
    "recorded_from": "The event that `kind` or `breached` means was recorded then or later; without these, any event.",
    "recorded_until": "… was recorded before that moment.",
    "breached": "A clock that ran out.",
    "outcome": "How the case stands, or ended.",
}
_ALLOWED: dict[str, list[str]] = {"kind": sorted(KINDS), "breached": [c.value for c in ClockName], "outcome": [o.value for o in Outcome]}


def _parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if name == "number" else "string"}
    if name in _ALLOWED:
        schema["enum"] = _ALLOWED[name]
    if name == "case":
        schema = {"type": "array", "items": schema}
    return {"name": name, "in": "query", "required": False, "description": _TOLD[name], "schema": schema}


_FILTERS = {"parameters": [_parameter(name) for name in NAMES]}
