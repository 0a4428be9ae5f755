"""Durations as policy files write them: `15 min`, `2 h`, `3 d`; `2 wd` is two working days of eight hours."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "wd": 8 * 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d|wd)\Z")


def parse_duration(value: object) -> object:
    """A duration as people write it ("15 min", "2 h", "3 d") as a timedelta; other kinds of value are left to pydantic."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    raise ValueError("must be a duration such as '15 min', '2 h' or '3 d' (units: s, min, h, d; wd: a working day of 8 h)")


def write_duration(value: timedelta) -> str:
    """The inverse of `parse_duration`, in the largest unit that is whole."""
    return _written(value, ("d", "h", "min"))


def write_working_time(value: timedelta) -> str:
    """The same without days: three working days are 24 hours, and would be taken for one day."""
    return _written(value, ("h", "min"))


def _written(value: timedelta, units: tuple[str, ...]) -> str:
    seconds = value.total_seconds()
    for unit in units:
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{round(seconds / _UNITS[unit])} {unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + " s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, return_type=str), Field(gt=timedelta(0))]
