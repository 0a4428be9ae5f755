"""The reports over REST: as JSON, and each table as CSV."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.access.visitor import Visitor
from api.numbers import LONGEST, USUAL, ReadingReports, csv_of, made_of, wanted_of
from api.problems import described
from api.shelf import Shelf
from domain.ports import PolicyBook
from domain.report import as_json
from domain.reports import KINDS

Value = str | int | float | None


class KindOut(BaseModel):
    """A report that there is."""

    name: str = Field(examples=["in-time"])
    title: str = Field(examples=["In time"])
    about: str


class ColumnOut(BaseModel):
    """A column of a table. `unit`: text, day (ISO 8601), count, mean, share (0 to 1), seconds."""

    key: str = Field(examples=["acknowledge"])
    title: str = Field(examples=["Acknowledged in time"])
    unit: Literal["text", "day", "count", "mean", "share", "seconds"]


class TableOut(BaseModel):
    """A table: its columns, and each row's values in their order."""

    name: str = Field(examples=["in_time_by_week"])
    title: str
    columns: list[ColumnOut]
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


@dataclass(frozen=True)
class RestReports:
    """The routes. `now`: the loop's time."""

    shelf: Shelf
    book: PolicyBook
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]
    now: Callable[[], datetime]

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/reports."""

        router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

        @router.get("", response_model=list[KindOut], responses=described(401, 403), summary="The reports that there are")
        async def kinds(_visitor: ReadingReports) -> list[KindOut]:
            return [KindOut(name=kind.name, title=kind.title, about=kind.about) for kind in KINDS]

        @router.get(
            "/{name}",
            response_model=ReportOut,
            responses={**described(401, 403, 404, 422, 503), 200: {"content": {"text/csv": {}}, "description": "The report."}},
            summary="A report, as JSON, or one of its tables as CSV",
        )
        async def report(
            name: str,
            visitor: ReadingReports,
            days: Annotated[int, Query(ge=1, le=LONGEST, description="So many days, when `from` is not given.")] = USUAL,
            first: Annotated[date | None, Query(alias="from", description="The first day, in the brand's zone.")] = None,
            last: Annotated[date | None, Query(alias="to", description="The last day; today, when it is not given.")] = None,
            brand: Annotated[str | None, Query(max_length=40)] = None,
            channel: Annotated[str | None, Query(max_length=40)] = None,
            department: Annotated[str | None, Query(max_length=40)] = None,
            category: Annotated[str | None, Query(max_length=40)] = None,
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

    def _report(self, name: str, asked: dict[str, str], visitor: Visitor, table: str | None, form: str) -> Response | dict[str, object]:
        policy = self.book.active()
        wanted = wanted_of(asked, policy, self.now(), visitor)
        made = made_of(name, self.shelf, wanted, policy, visitor)
        return csv_of(made, table, wanted) if form == "csv" else as_json(made)
