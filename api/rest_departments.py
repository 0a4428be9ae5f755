"""Departments and when they work, over REST. Of people only that there is somebody for a part: who, the policy's files say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from api.access.door import InThread
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.problems import Problem, described
from domain.calendars import Span
from domain.hours import DAYS, Hours, write_span
from domain.policy import Desk, Policy
from domain.ports import PolicyBook
from domain.rights import Right

ReadingPolicy = Annotated[Visitor, Depends(Needs(Right.READ_POLICY))]
_WEEK = {"mon": ["09:00-17:30"], "sat": []}
_AN_OFFICE = {"name": "office", "zone": "Europe/London", "week": _WEEK, "days": {"2026-12-24": ["09:00-13:00"]}, "holidays": ["2026-12-25"]}


class CalendarOut(BaseModel):
    """When people work."""

    name: str = Field(examples=["office"])
    zone: str = Field(examples=["Europe/London"])
    week: dict[str, list[str]] = Field(examples=[_WEEK], description="The spans of each weekday, by the clock on the wall there.")
    days: dict[date, list[str]] = Field(examples=[{"2026-12-24": ["09:00-13:00"]}], description="Days with spans of their own.")
    holidays: list[date] = Field(examples=[["2026-12-25"]], description="Public holidays, on which nobody works.")
    open_now: bool
    opens_at: datetime | None = Field(description="While closed: when people work again.", examples=["2026-03-02T09:00:00Z"])


class CalendarsOut(BaseModel):
    """The calendars of the policy in force."""

    calendars: list[CalendarOut] = Field(examples=[[{**_AN_OFFICE, "open_now": True, "opens_at": None}]])


class DepartmentOut(BaseModel):
    """A department, or the social team."""

    id: str = Field(examples=["billing"])
    name: str = Field(examples=["Billing"])
    calendar: str | None = Field(examples=["office"], description="When it works; null: around the clock.")
    open_now: bool
    opens_at: datetime | None = Field(description="While closed: when people work again.", examples=[None])
    has_lead: bool = Field(description="Whether the policy names somebody who is called when nobody acts.")
    has_head: bool
    by_mail: bool = Field(description="Whether it gets handoffs by e-mail when Slack is away.")
    categories: list[str] = Field(examples=[["billing"]], description="What triage hands to it.")


class DepartmentsOut(BaseModel):
    """The departments of the policy in force, and the social team."""

    policy: str = Field(examples=["default@9904397cd3"])
    departments: list[DepartmentOut]
    social_team: DepartmentOut


@dataclass(frozen=True)
class RestDepartments:
    """The routes. `now`: the loop's time."""

    book: PolicyBook
    in_thread: InThread
    now: Callable[[], datetime]

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["policies"])

        @router.get(
            "/departments",
            response_model=DepartmentsOut,
            responses=described(401, 403, 422, 429, 503),
            summary="The departments, and their hours",
        )
        async def departments(_visitor: ReadingPolicy) -> DepartmentsOut:
            policy = await self._policy()
            each = [self._department(policy, key, desk) for key, desk in policy.departments.items()]
            return DepartmentsOut(policy=policy.id, departments=each, social_team=self._department(policy, "social", policy.social))

        @router.get(
            "/departments/{name}", response_model=DepartmentOut, responses=described(401, 403, 404, 422, 429, 503), summary="One department"
        )
        async def department(name: str, _visitor: ReadingPolicy) -> DepartmentOut:
            policy = await self._policy()
            if name not in policy.departments:
                raise Problem(404, f"there is no department '{name[:40]}': {', '.join(policy.departments)}")
            return self._department(policy, name, policy.departments[name])

        @router.get("/calendars", response_model=CalendarsOut, responses=described(401, 403, 422, 429, 503), summary="When people work")
        async def calendars(_visitor: ReadingPolicy) -> CalendarsOut:
            policy = await self._policy()
            return CalendarsOut(calendars=[self._calendar(name, hours) for name, hours in policy.calendars.items()])

        return router

    async def _policy(self) -> Policy:
        return await self.in_thread(self.book.active)

    def _department(self, policy: Policy, key: str, desk: Desk) -> DepartmentOut:
        hours = policy.calendars[desk.calendar] if desk.calendar is not None else None
        opens_at = self._opens(hours)
        return DepartmentOut(
            id=key,
            name=desk.name,
            calendar=desk.calendar,
            open_now=opens_at is None,
            opens_at=opens_at,
            has_lead=desk.lead is not None,
            has_head=desk.head is not None,
            by_mail=desk.email is not None,
            categories=[category for category, to in policy.triage.departments.items() if to == key],
        )

    def _calendar(self, name: str, hours: Hours) -> CalendarOut:
        opens_at = self._opens(hours)
        return CalendarOut(
            name=name,
            zone=hours.zone,
            week={day: _spans(spans) for day, spans in zip(DAYS, hours.week, strict=True)},
            days=_days(hours.days),
            holidays=list(hours.holidays),
            open_now=opens_at is None,
            opens_at=opens_at,
        )

    def _opens(self, hours: Hours | None) -> datetime | None:
        """When people work again; None while they do."""
        now = self.now()
        opens_at = now if hours is None else hours.calendar.opens(now)
        return None if opens_at == now else opens_at


def _spans(spans: tuple[Span, ...]) -> list[str]:
    return [write_span(span) for span in spans]


def _days(days: Mapping[date, tuple[Span, ...]]) -> dict[date, list[str]]:
    return {day: _spans(spans) for day, spans in sorted(days.items())}
