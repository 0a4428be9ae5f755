"""The auditor's pages: find cases by anything that can be said of them, and read one as it was at any moment, with proof."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from adapters.postgres.auditing import Read
from adapters.postgres.rows import Row
from adapters.postgres.searching import Page
from adapters.postgres.store import Store
from api.console.ground import discreet
from api.console.visiting import visitor_of
from api.in_thread import in_thread
from api.pages import page
from api.problems import Problem
from api.reading import ON_RECORD, read_by, reader_of
from api.seeking import NAMES, Reader, cursor_of, moment_of, query_of, sought_of
from domain.dossier import conversation, steps
from domain.kept_clocks import Became
from domain.policy import Policy
from domain.rights import Right
from domain.seeking import KINDS, Outcome, SearchTooLong, Sought
from domain.sentences import say
from domain.values import ClockName

PAGE = 50
_BECAME = {
    Became.RUNNING: "running",
    Became.PAUSED: say("stands still"),
    Became.MET: "met",
    Became.MET_LATE: say("met late"),
    Became.OVER: say("not owed any more"),
}
_Given = Annotated[str | None, Query(max_length=60)]


@dataclass(frozen=True)
class AuditPages:
    """The pages. They only read; each look at a case is on record before it is shown."""

    store: Store
    threads: Executor
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        a_reader = Depends(reader_of)

        async def search(request: Request, after: _Given = None, reader: Reader = a_reader) -> Response:
            return await self._search(request, reader, after)

        async def case(request: Request, case_id: str, as_of: _Given = None, words: _Given = None, reader: Reader = a_reader) -> Response:
            try:
                moment = moment_of("as_of", as_of) if as_of else None
                return await self._case(request, reader, case_id, moment, words=words == "yes")
            except Problem as problem:
                here = f"/console/audit/cases/{quote(case_id)}" if as_of else None
                values = {"problem": problem.detail, "address": here, "here": "audit"}
                return page(request, "audit_problem.html", values, framed_by=self.framed_by, status=problem.status)

        router.add_api_route("/console/audit", search, methods=["GET"])
        router.add_api_route("/console/audit/cases/{case_id}", case, methods=["GET"])
        return router

    async def _search(self, request: Request, reader: Reader, after: str | None) -> Response:
        visitor = visitor_of(request)
        given = [(name, value.strip()) for name, value in request.query_params.multi_items()]

        def look() -> tuple[Sought | None, Page | None, str | None, int, Policy, list[Row]]:
            policy = self.store.book.active()
            if not given:
                return None, None, None, 0, policy, []
            try:
                sought = sought_of(given, ("after",), self.store.people.named)
                found = self.store.search.find(sought, cursor_of(after), PAGE, reader.departments)
            except Problem as problem:
                return None, None, problem.detail, 0, policy, []
            except SearchTooLong as error:
                return None, None, str(error), 0, policy, []
            works = visitor.actor.role not in ON_RECORD
            rows = self.store.causes.of_cases([case.case_id for case in found.cases]) if works else []
            return sought, found, None, self.store.search.behind(), policy, discreet(visitor, policy, rows)

        sought, found, problem, behind, policy, rows = await in_thread(self.threads, look)
        values = {
            "given": {name: value for name, value in given if name in NAMES},
            "choices": _choices(policy),
            "found": found,
            "rows": {row.case_id: row for row in rows},
            "works": visitor.actor.role not in ON_RECORD,
            "sought": sought,
            "problem": problem,
            "behind": behind,
            "is_first": not after,
            "older": _older(sought, found),
            "export": _export(request, sought),
            "policy": policy,
            "here": "audit",
        }
        return page(request, "audit_search.html", values, framed_by=self.framed_by, status=422 if problem else 200)

    async def _case(self, request: Request, reader: Reader, case_id: str, as_of: datetime | None, *, words: bool) -> Response:
        def look() -> Read:
            return read_by(self.store, reader, case_id, as_of, words=words, always=True)

        read = await in_thread(self.threads, look)
        values = {
            "read": read,
            "file": read.file,
            "case": read.file.case,
            "said": conversation(read.file),
            "steps": steps(read.file),
            "became": _BECAME,
            "words": words,
            "address": f"/console/audit/cases/{case_id}",
            "as_of": _told(as_of),
            "here": "audit",
        }
        return page(request, "audit_case.html", values, framed_by=self.framed_by)


def _choices(policy: Policy) -> dict[str, Sequence[tuple[str, str]]]:
    """What can be chosen in the form: the value, and how it reads."""
    return {
        "department": [(handle, desk.name) for handle, desk in policy.departments.items()],
        "channel": [(handle, channel.network) for handle, channel in policy.channels.items()],
        "brand": [(handle, brand.name) for handle, brand in policy.brands.items()],
        "kind": [(kind, kind.replace("_", " ")) for kind in sorted(KINDS)],
        "breached": [(clock.value, clock.value.replace("_", " ")) for clock in ClockName],
        "outcome": [(outcome.value, outcome.value.replace("_", " ")) for outcome in Outcome],
    }


def _older(sought: Sought | None, found: Page | None) -> str | None:
    """The address of the next page."""
    if sought is None or found is None or found.after is None:
        return None
    query: list[tuple[str, Any]] = [*query_of(sought), ("after", found.after)]
    return f"/console/audit?{urlencode(query)}"


def _export(request: Request, sought: Sought | None) -> str | None:
    """Where what was found can be exported, for whoever may."""
    if sought is None or not visitor_of(request).may(Right.EXPORT):
        return None
    return f"/console/audit/exports/new?{urlencode(query_of(sought))}"


def _told(as_of: datetime | None) -> str:
    return "" if as_of is None else as_of.isoformat().replace("+00:00", "Z")
