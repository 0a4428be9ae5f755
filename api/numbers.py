"""The numbers: pages with pictures for managers, the cases behind each figure, and the same as JSON and CSV for programs."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from adapters.postgres.reporting import WHICH, Behind, Reports
from api.access.rules import Needs, Reading
from api.access.visitor import Visitor
from api.pages import page
from api.pictures import draw
from api.problems import Problem
from api.shelf import Shelf
from domain.figures_told import change, told
from domain.policy import Policy
from domain.ports import PolicyBook
from domain.report import Column, Report, Row, Unit, Wanted, as_csv
from domain.report_parts import WEEKDAYS
from domain.report_people import without_owners
from domain.reports import KINDS, NoSuchReport
from domain.rights import Right
from domain.sentences import joined, say

PERIODS = {1: say("Today"), 7: say("Seven days"), 28: say("Four weeks"), 84: say("Twelve weeks"), 364: say("A year")}
USUAL = 28
LONGEST = 366 * 5
EARLIEST = 2000
CASES_A_PAGE = 50
ReadingReports = Annotated[Visitor, Depends(Needs(Right.READ_REPORTS))]
"""Somebody who may read the numbers: a department's colleague those of its own cases."""


@dataclass(frozen=True)
class Numbers:
    """What the pages need. `now`: the loop's time."""

    reports: Reports
    shelf: Shelf
    book: PolicyBook
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    now: Callable[[], datetime]
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""

        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/numbers", self.overview, methods=["GET"])
        router.add_api_route("/console/numbers/cases", self.cases, methods=["GET"])
        router.add_api_route("/console/numbers/{name}", self.report, methods=["GET"])
        router.add_api_route("/console/numbers/{name}/{table}.csv", self.table, methods=["GET"])
        return router

    async def overview(self, request: Request, visitor: ReadingReports) -> Response:
        """The first of the reports."""
        return await self.report(request, "overview", visitor)

    async def report(self, request: Request, name: str, visitor: ReadingReports) -> Response:
        """One report."""
        values = await self.in_thread(lambda: self._values(name, request.query_params, visitor))
        return page(request, "numbers.html", values, framed_by=self.framed_by)

    async def table(self, request: Request, name: str, table: str, visitor: ReadingReports) -> Response:
        """One table of a report, for a spreadsheet."""
        wanted, made, _ = await self.in_thread(lambda: self._made(name, request.query_params, visitor))
        return csv_of(made, table, wanted)

    async def cases(self, request: Request, visitor: Reading) -> Response:
        """The cases behind a figure."""
        asked = request.query_params
        wanted = await self.in_thread(lambda: wanted_of(asked, self.book.active(), self.now(), visitor))
        sought = behind_of(asked, visitor)
        after = _after(asked.get("after"))
        found: list[Behind] = await self.in_thread(lambda: self.reports.behind(wanted, sought, after, CASES_A_PAGE))
        policy: Policy = await self.in_thread(self.book.active)
        more = None
        if len(found) == CASES_A_PAGE:
            last = found[-1]
            query = {k: v for k, v in asked.items() if k != "after"} | {"after": f"{last.since.isoformat()} {last.case_id}"}
            more = f"/console/numbers/cases?{urlencode(query)}"
        values = {
            "here": "numbers", "rows": found, "wanted": wanted, "sought": sought, "more": more,
            "said": _sought_in_words(wanted, sought, policy), "back": f"/console/numbers?{urlencode(wanted.sought())}",
            "told": told, "Unit": Unit,
            "department": lambda key: policy.departments[key].name if key in policy.departments else key,
            "channel": lambda key: policy.channels[key].network if key in policy.channels else key.capitalize(),
        }  # fmt: skip
        return page(request, "numbers_cases.html", values, framed_by=self.framed_by)

    def _made(self, name: str, asked: Mapping[str, str], visitor: Visitor) -> tuple[Wanted, Report, Policy]:
        policy = self.book.active()
        wanted = wanted_of(asked, policy, self.now(), visitor)
        return wanted, made_of(name, self.shelf, wanted, policy, visitor), policy

    def _values(self, name: str, asked: Mapping[str, str], visitor: Visitor) -> dict[str, Any]:
        wanted, made, policy = self._made(name, asked, visitor)
        known = {what: self.reports.known(what) for what in ("brand", "channel", "department", "category")}
        known["department"] = [name for name in known["department"] if wanted.only is None or name in wanted.only]
        query = urlencode({key: value for key, value in asked.items() if key in _KEPT and value})

        def link(row: Row, column: Column) -> str | None:
            if row.cases is None or column.cases is None:
                return None
            return f"/console/numbers/cases?{urlencode({**wanted.sought(), **row.cases, **column.cases})}"

        return {
            "here": "numbers",
            "report": made, "wanted": wanted, "kinds": KINDS, "query": f"?{query}" if query else "", "known": known, "periods": PERIODS,
            "days": _period(asked, wanted), "told": told, "change": change, "Unit": Unit, "link": link,
            "drawn": lambda table: draw(table, link),
            "figure_link": lambda f: None if f.cases is None else f"/console/numbers/cases?{urlencode({**wanted.sought(), **f.cases})}",
            "names": {d: desk.name for d, desk in policy.departments.items()} | {c: ch.network for c, ch in policy.channels.items()},
        }  # fmt: skip


_KEPT = ("days", "from", "to", "brand", "channel", "department", "category")


def wanted_of(asked: Mapping[str, str], policy: Policy, now: datetime, visitor: Visitor) -> Wanted:
    """Which cases an address asks for, of those that the visitor may see. The days are those of the brand's zone. Raises Problem."""
    brand = asked.get("brand") or None
    zone = policy.brands[brand].zone if brand in policy.brands else next(iter(policy.brands.values())).zone
    today = now.astimezone(ZoneInfo(zone)).date()
    try:
        last = date.fromisoformat(asked["to"]) if asked.get("to") else today
        days = int(asked.get("days") or USUAL)
        first = date.fromisoformat(asked["from"]) if asked.get("from") else last - timedelta(days=days - 1)
    except (ValueError, OverflowError):
        raise Problem(422, "days, from, to: a number of days, and dates such as 2026-03-31") from None
    if not first <= last or (last - first).days >= LONGEST or first.year < EARLIEST or last.year > today.year + 1:
        raise Problem(422, f"from, to: from must not be after to, and at most {LONGEST} days before it; both from {EARLIEST} to next year")
    names = {name: asked.get(name) or None for name in ("brand", "channel", "category", "department")}
    for name, handle in names.items():
        if handle is not None and not _HANDLE.match(handle):
            raise Problem(422, f"{name}: no {name} can be called so")
    return Wanted(first, last, names["brand"], names["channel"], names["category"], names["department"], visitor.sees_departments)


def made_of(name: str, shelf: Shelf, wanted: Wanted, policy: Policy, visitor: Visitor) -> Report:
    """A report as the visitor may see it. Raises Problem when there is none of that name."""
    try:
        made = shelf.report(name, wanted, policy)
    except NoSuchReport as error:
        raise Problem(404, str(error)) from None
    return made if visitor.may(Right.READ_OWNERS) else without_owners(made)


def csv_of(made: Report, name: str | None, wanted: Wanted) -> Response:
    """A table of a report as CSV; the first one, when none is named. Raises Problem."""
    table = made.table(name) if name else next(iter(made.tables), None)
    if table is None:
        there = ", ".join(table.name for table in made.tables) or "none"
        raise Problem(404, f"the report '{made.name}' has no table '{name or ''}'; there are: {there}")
    file = f"{made.name}-{table.name}-{wanted.first}-{wanted.last}.csv"
    headers = {"content-disposition": f'attachment; filename="{file}"', "cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(as_csv(table), media_type="text/csv; charset=utf-8; header=present", headers=headers)


def _period(asked: Mapping[str, str], wanted: Wanted) -> int | None:
    """The chosen number of days; None when the days were given one by one."""
    return None if asked.get("from") or asked.get("to") else wanted.days


_HANDLE = re.compile(r"[A-Za-z0-9_]{1,40}\Z")


def behind_of(asked: Mapping[str, str], visitor: Visitor) -> dict[str, str]:
    """What is looked for among the cases, if the visitor may look for that. Raises Problem."""
    sought = {name: asked[name] for name in ("which", "owner", "weekday", "hour") if asked.get(name)}
    if sought.get("which", "late") not in WHICH:
        raise Problem(422, f"which: there are: {', '.join(WHICH)}")
    if sought.get("weekday", "1") not in map(str, range(1, 8)):
        raise Problem(422, "weekday: from 1 (Monday) to 7")
    if sought.get("hour", "0") not in map(str, range(24)):
        raise Problem(422, "hour: from 0 to 23")
    if "\0" in sought.get("owner", ""):
        raise Problem(422, "owner: nobody is called so")
    if "owner" in sought and not visitor.may(Right.READ_OWNERS) and sought["owner"] != visitor.actor.person:
        raise Problem(403, "figures of single owners are for leads and admins", code="not_allowed")
    return sought


def _after(text: str | None) -> tuple[datetime, str] | None:
    if not text or "\0" in text:
        return None
    moment, _, case_id = text.partition(" ")
    try:
        return datetime.fromisoformat(moment).astimezone(UTC), case_id
    except (ValueError, OverflowError):
        raise Problem(422, "after: take it from the link to older cases") from None


_WHICH_IN_WORDS = {
    "open": say("still open"), "resolved": say("resolved"), "acknowledged": say("acknowledged"),
        "not_in_15_min": say("not answered within 15 minutes"),
    "late": say("late in something"), "broken": say("with a broken promise"), "kept_promise": say("with a kept promise"),
        "reopened": say("reopened"),
    "thanked": say("whose customer said thanks"), "closed": say("closed"), "closed_in_public": say("closed in public"),
    "thanked_in_public": say("closed by a public thank-you"), "not_closed": say("not closed yet"),
    "by_closing_note": say("closed by a closing note"), "waived": say("closed by a waiver"),
        "closed_elsewhere": say("closed, but not in public"),
    "without_loop": say("in which there was nothing to answer"),
    "late_acknowledge": say("acknowledged late"), "late_accept": say("accepted late"), "late_holding_update": say("updated late"),
    "late_next_reply": say("answered again late"), "late_resolve": say("resolved late"), "late_thank_you": say("thanked late"),
}  # fmt: skip


def _sought_in_words(wanted: Wanted, sought: Mapping[str, str], policy: Policy) -> str:
    parts = []
    if wanted.department is not None:
        parts.append(policy.departments[wanted.department].name if wanted.department in policy.departments else wanted.department)
    parts += [name for name in (wanted.brand, wanted.channel, wanted.category) if name is not None]
    if "which" in sought:
        parts.append(_WHICH_IN_WORDS.get(sought["which"], sought["which"].replace("_", " ")))
    if "weekday" in sought:
        parts.append(WEEKDAYS[int(sought["weekday"]) - 1])
    if "hour" in sought:
        parts.append(f"{int(sought['hour']):02}:00 to {int(sought['hour']) + 1:02}:00")
    return joined(", ", parts)
