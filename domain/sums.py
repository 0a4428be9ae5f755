"""What reports are made of, as a protocol: sums over the figures of cases, kept up to date by the roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from domain.report import Wanted

Key = tuple[Any, ...]
"""The values of what sums are told by: days, names, numbers."""
Counts = Mapping[Key, Mapping[str, int]]
Histograms = Mapping[Key, Mapping[str, Mapping[int, int]]]
"""How many cases took how long (`domain.histograms`), by what was measured."""


class Sums(Protocol):
    """`by`: what the sums are told by (day, week, weekday from Monday as 1, hour, brand, channel, category, department, owner), in order.

    Only departments of `wanted.only` are in them. A week is named by its Monday.
    What is zero throughout is left out; without `by` there is one sum, of everything, under `()`.
    """

    def days(self, wanted: Wanted, *by: str) -> Counts:
        """Cases by day."""
        ...

    def owners(self, wanted: Wanted, *by: str) -> Counts:
        """Cases by owner; only the brand and the department of `wanted` matter. Nobody's have the owner ''."""
        ...

    def hours(self, wanted: Wanted, *by: str) -> Counts:
        """Cases and posts by hour."""
        ...

    def times(self, wanted: Wanted, *by: str) -> Histograms:
        """How long it took."""
        ...

    def owner_times(self, wanted: Wanted, *by: str) -> Histograms:
        """How long it took, by owner; only the brand and the department of `wanted` matter."""
        ...

    def terms(self, wanted: Wanted, day: date) -> Mapping[str, int]:
        """How many customers used a term in the seven days that end with the last day with a case up to `day`, which is in the same week.

        Only the brand of `wanted` matters.
        """
        ...

    def people(self, ids: Iterable[str]) -> Mapping[str, str]:
        """How people are called."""
        ...

    def known(self, what: str) -> list[str]:
        """The brands, channels, categories or departments that cases have had."""
        ...

    def as_of(self) -> datetime | None:
        """When the roll-up was last up to date, by the database's clock; None when it never ran."""
        ...
