"""The reports over REST: as JSON, and each table as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from adapters.postgres.reporting import Behind, Reports
from api.access.door import InThread
from api.access.rules import Reading
from api.access.visitor import Visitor
from api.numbers import LONGEST, USUAL, ReadingReports, behind_of, csv_of, made_of, wanted_of
from api.paging import After, AtMost, cursor, moment_of, tell_next
from api.problems import Problem, described
from api.shelf import Shelf
from domain.policy import Policy
from domain.ports import PolicyBook
from domain.report import Wanted, as_json
from domain.reports import KINDS, unknown

Value = str | int | float | None
Days = Annotated[int, Query(ge=1, le=LONGEST, description="So many days, when `from` is not given.")]
First = Annotated[date | None, Query(alias="from", description="The first day, in the brand's zone.")]
Last = Annotated[date | None, Query(alias="to", description="The last day; today, when it is not given.")]
Handle = Annotated[str | None, Query(max_length=40)]


class KindOut(BaseModel):
    """A report that there is."""

    name: str = Field(examples=["in-time"])
    title: str = Field(examples=["In time"])
    about: str


class ReportColumnOut(BaseModel):
    """A column of a table. `unit`: text, day (ISO 8601), count, mean, share (0 to 1), seconds."""

    key: str = Field(examples=["acknowledge"])
    title: str = Field(examples=["Acknowledged in time"])
    unit: Literal["text", "day", "count", "mean", "share", "seconds"]


class TableOut(BaseModel):
    """A table: its columns, and each row's values in their order."""

    name: str = Field(examples=["in_time_by_week"])
    title: str
    columns: list[ReportColumnOut]
    rows: list[list[Value]]


class FigureOut(BaseModel):
    """One number; `before` is what it was in as many days before."""

    key: str = Field(examples=["acknowledge"])
    title: str
    unit: Literal["text", "day", "count", "mean", "share", "seconds"]
    value: Value
    before: Value


class ReportOut(BaseModel):
    """A report. `wanted`: the days and the filters; `as_of`: up to when everything had been taken up; `says`: what follows from it."""

    report: str = Field(examples=["in-time"])
    title: str
    about: str
    says: str | None
    wanted: dict[str, str] = Field(examples=[{"from": "2026-03-01", "to": "2026-03-28", "department": "billing"}])
    as_of: datetime | None
    figures: list[FigureOut]
    tables: list[TableOut]


class BehindOut(BaseModel):
    """A case behind a figure."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    since: datetime = Field(description="When the customer wrote.")
    channel: str = Field(examples=["x"])
    category: str = Field(examples=["billing"])
    department: str = Field(examples=["billing"])
    owner: str | None = Field(examples=["slack:U0ANA00001"])
    priority: str = Field(examples=["high"])
    status: str = Field(examples=["closed"])
    acknowledged: int | None = Field(examples=[4], description="Seconds until it was.")
    resolved: int | None = Field(examples=[86_400], description="Seconds until it was.")
    late: list[str] = Field(examples=[["accept"]], description="The clocks that ran out.")


class BehindsOut(BaseModel):
    """The cases behind a figure, the newest first."""

    cases: list[BehindOut]
    after: str | None = Field(examples=[None], description="Send it as `after` for the next page; null: that was all.")


@dataclass(frozen=True)
class RestReports:
    """The routes. `now`: the loop's time."""

    shelf: Shelf
    reports: Reports
    book: PolicyBook
    in_thread: InThread
    now: Callable[[], datetime]

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/reports."""

        router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

        @router.get("", response_model=list[KindOut], responses=described(401, 403, 429, 503), summary="The reports that there are")
        async def kinds(_visitor: ReadingReports) -> list[KindOut]:
            return [KindOut(name=kind.name, title=kind.title, about=kind.about) for kind in KINDS]

        @router.get("/cases", response_model=BehindsOut, responses=described(401, 403, 422, 429, 503), summary="The cases behind a figure")
        async def behind(
            request: Request,
            response: Response,
            visitor: Reading,
            days: Days = USUAL,
            first: First = None,
            last: Last = None,
            brand: Handle = None,
            channel: Handle = None,
            department: Handle = None,
            category: Handle = None,
            which: Annotated[str | None, Query(max_length=40, description="Such as `late`, `broken` or `not_in_15_min`.")] = None,
            owner: Annotated[str | None, Query(max_length=200, description="The id of a person.")] = None,
            weekday: Annotated[int | None, Query(ge=1, le=7, description="Monday is 1.")] = None,
            hour: Annotated[int | None, Query(ge=0, le=23)] = None,
            after: After = None,
            at_most: AtMost = 50,
        ) -> BehindsOut:
            del days, first, last, brand, channel, department, category, which, owner, weekday, hour  # read as the pages read them
            found = await self.in_thread(lambda: self._behind(request.query_params, visitor, after, at_most))
            tell_next(request, response, found.after)
            return found

        @router.get(
            "/{name}",
            response_model=ReportOut,
            responses={**described(401, 403, 404, 422, 429, 503), 200: {"content": {"text/csv": {}}, "description": "The report."}},
            summary="A report, as JSON, or one of its tables as CSV",
        )
        async def report(
            name: str,
            visitor: ReadingReports,
            days: Days = USUAL,
            first: First = None,
            last: Last = None,
            brand: Handle = None,
            channel: Handle = None,
            department: Handle = None,
            category: Handle = None,
            form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
            table: Annotated[str | None, Query(max_length=60, description="With csv: which table; the first one otherwise.")] = None,
        ) -> Any:
            asked = {
                "days": str(days),
                "from": first.isoformat() if first else "",
                "to": last.isoformat() if last else "",
                "brand": brand or "",
                "channel": channel or "",
                "department": department or "",
                "category": category or "",
            }
            return await self.in_thread(lambda: self._report(name, asked, visitor, table if form == "csv" else None, form))

        return router

    def _wanted(self, asked: Mapping[str, str], policy: Policy, visitor: Visitor) -> Wanted:
        wanted = wanted_of(asked, policy, self.now(), visitor)
        if (wrong := unknown(wanted, self.reports, policy)) is not None:
            raise Problem(422, wrong)
        return wanted

    def _behind(self, asked: Mapping[str, str], visitor: Visitor, after: str | None, at_most: int) -> BehindsOut:
        wanted = self._wanted(asked, self.book.active(), visitor)
        rows = self.reports.behind(wanted, behind_of(asked, visitor), moment_of("behind", after), at_most + 1)
        last = rows[at_most - 1] if len(rows) > at_most else None
        more = cursor("behind", last.since.isoformat(), last.case_id) if last is not None else None
        return BehindsOut(cases=[_behind_out(row) for row in rows[:at_most]], after=more)

    def _report(self, name: str, asked: dict[str, str], visitor: Visitor, table: str | None, form: str) -> Response | dict[str, object]:
        policy = self.book.active()
        wanted = self._wanted(asked, policy, visitor)
        made = made_of(name, self.shelf, wanted, policy, visitor)
        return csv_of(made, table, wanted) if form == "csv" else as_json(made)


def _behind_out(row: Behind) -> BehindOut:
    return BehindOut(**{**asdict(row), "late": list(row.late)})
