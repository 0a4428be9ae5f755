"""Calendars as policy files write them: `{zone: Europe/London, week: {mon-fri: 09:00-17:30}, days: {2026-12-24: 09:00-13:00}}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from domain.calendars import Span, WorkingHours
from domain.zones import Zone

CLOSED = "closed"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\Z")


def parse_span(written: object) -> object:
    """A span as people write it ("09:00-17:30", "22:00-06:00", "00:00-24:00"); other kinds of value are left to pydantic."""
    if isinstance(written, Span):
        return written
    match = _SPAN.match(written.strip()) if isinstance(written, str) else None
    if match is None:
        raise ValueError("must be a span of the day such as 09:00-17:30")
    hours = [int(n) for n in match.groups()]
    if hours[2:] == [24, 0]:
        hours[2] = 0
    try:
        return Span(time(hours[0], hours[1]), time(hours[2], hours[3]))
    except ValueError:
        raise ValueError(f"'{written}' has a time that no clock shows") from None


def write_span(span: Span) -> str:
    """The inverse of `parse_span`."""
    return f"{span.start:%H:%M}-{span.end:%H:%M}"


def _listed(written: object) -> object:
    if written == CLOSED:
        return ()
    return (written,) if isinstance(written, str | Span) else written


SpanText = Annotated[Span, BeforeValidator(parse_span), PlainSerializer(write_span, return_type=str)]
Spans = Annotated[tuple[SpanText, ...], BeforeValidator(_listed)]


def _week(written: object) -> object:
    """`{mon-fri: 09:00-17:30, sat: [10:00-12:00, 13:00-15:00]}` as seven lists; a list of seven as it is."""
    if not isinstance(written, Mapping):
        return written
    week: list[object] = [()] * 7
    for days, spans in written.items():
        first, _, last = str(days).partition("-")
        if first not in DAYS or (last or first) not in DAYS or DAYS.index(last or first) < DAYS.index(first):
            raise ValueError(f"'{days}' is not a day or a run of days such as mon, mon-fri, sat-sun")
        for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
            if week[day] != ():
                raise ValueError(f"{DAYS[day]} is given twice")
            week[day] = spans
    return week


def _some(week: tuple[Any, ...]) -> tuple[Any, ...]:
    if not any(week):
        raise ValueError("nobody ever works in this week, so no clock would ever run out")
    return week


class Hours(BaseModel):
    """When people work. `public_holidays`: a country, or a part of one ("GB-ENG"); its dates are found when the policy is put in force
    and stand in `holidays` from then on, so that a version of the policy always means the same days.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: Zone
    week: Annotated[tuple[Spans, ...], BeforeValidator(_week), Field(min_length=7, max_length=7), AfterValidator(_some)]
    days: dict[date, Spans] = {}
    public_holidays: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,6})?$")] | None = None
    holidays: tuple[date, ...] = ()

    @cached_property
    def calendar(self) -> WorkingHours:
        """The working time that this describes. A date with spans of its own is no holiday."""
        closed: dict[date, tuple[Span, ...]] = dict.fromkeys(self.holidays, ())
        return WorkingHours(self.zone, self.week, {**closed, **self.days})


class Quiet(BaseModel):
    """The hours in which a person is not called: `{zone: Europe/London, hours: 21:00-07:00}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: Zone = "UTC"
    hours: SpanText

    @model_validator(mode="after")
    def _not_always(self) -> Quiet:
        if self.hours.start == self.hours.end:
            raise ValueError("quiet hours from a time to the same time would be all day: nobody could ever be called")
        return self

    @cached_property
    def awake(self) -> WorkingHours:
        """When the person may be called."""
        return WorkingHours(self.zone, ((Span(self.hours.end, self.hours.start),),) * 7)
