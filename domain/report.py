"""The form of a report: figures, and tables that can be drawn. Made once, shown as a page, as JSON, as CSV, in a terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

Value = str | int | float | date | None
Sought = Mapping[str, str]
"""Which cases stand behind a figure, as the console's list of cases is asked for them."""


class Unit(StrEnum):
    """What a value is."""

    TEXT = "text"
    DAY = "day"
    COUNT = "count"
    MEAN = "mean"
    """How many on average; two decimals are enough."""
    SHARE = "share"
    """From 0 to 1."""
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases a report is about: of the days from `first` to `last`, and of a brand, channel, category and department, if named."""

    first: date
    last: date
    brand: str | None = None
    channel: str | None = None
    category: str | None = None
    department: str | None = None
    only: frozenset[str] | None = None
    """The departments that whoever asks may see; None: all."""

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def before(self) -> Wanted:
        """As many days before, of the same weekdays."""
        back = timedelta(days=-(-self.days // 7) * 7)
        return self.during(self.first - back, self.last - back)

    def during(self, first: date, last: date) -> Wanted:
        """The same on other days."""
        return replace(self, first=first, last=last)

    def sought(self) -> dict[str, str]:
        """As the addresses of the console have it."""
        named = {name: getattr(self, name) for name in ("brand", "channel", "category", "department")}
        return {"from": self.first.isoformat(), "to": self.last.isoformat(), **{name: value for name, value in named.items() if value}}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name for programs, its title, what its values are. `cases`: which cases they stand for, together with the row's."""

    key: str
    title: str
    unit: Unit = Unit.COUNT
    cases: Sought | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `cases`: which cases it is about; None when nothing can be looked up."""

    cells: tuple[Value, ...]
    cases: Sought | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """How a table is drawn, and what is to be seen in it, in a sentence. `series`: the columns; `target`: where the values should be."""

    kind: Literal["stack", "lines", "heat", "bars"]
    says: str
    series: tuple[str, ...]
    target: float | None = None
    forecast: int = 0
    """So many rows at the end are not known yet, but expected."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its first column names the rows."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    picture: Picture | None = None
    about: str = ""

    def column(self, key: str) -> tuple[int, Column]:
        """A column and its place."""
        return next((place, column) for place, column in enumerate(self.columns) if column.key == key)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `before`: what it was in as many days before; `rises`: whether more of it is better, worse, or neither."""

    key: str
    title: str
    value: Value
    unit: Unit = Unit.COUNT
    before: Value = None
    rises: Literal["well", "badly", "neither"] = "neither"
    note: str = ""
    cases: Sought | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it was at `at`, when everything up to then had been taken up."""

    name: str
    title: str
    about: str
    wanted: Wanted
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    says: str = ""
    """What follows from it, in a sentence or two."""
    at: datetime | None = None

    def table(self, name: str) -> Table | None:
        """One of its tables."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True, slots=True)
class Kind:
    """A report that there is."""

    name: str
    title: str
    about: str


def as_json(report: Report) -> dict[str, object]:
    """For programs. Shares are from 0 to 1, times are seconds, days are ISO 8601."""
    return {
        "report": report.name,
        "title": report.title,
        "about": report.about,
        "says": report.says or None,
        "wanted": report.wanted.sought(),
        "as_of": report.at.isoformat() if report.at else None,
        "figures": [
            {"key": f.key, "title": f.title, "unit": f.unit.value, "value": _plain(f.value), "before": _plain(f.before)}
            for f in report.figures
        ],
        "tables": [
            {
                "name": table.name,
                "title": table.title,
                "columns": [{"key": c.key, "title": c.title, "unit": c.unit.value} for c in table.columns],
                "rows": [[_plain(cell) for cell in row.cells] for row in table.rows],
            }
            for table in report.tables
        ],
    }


def as_csv(table: Table) -> str:
    """For a spreadsheet: RFC 4180, a heading of the columns' names. Text that a spreadsheet would take for a formula is made harmless."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([harmless(column.key) for column in table.columns])
    writer.writerows([_cell(value) for value in row.cells] for row in table.rows)
    return written.getvalue()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: what begins like one is quoted (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠") else text


def _cell(value: Value) -> str:
    if isinstance(value, str):
        return harmless(value)
    plain = _plain(value)
    return "" if plain is None else str(plain)


def _plain(value: Value) -> str | int | float | None:
    if isinstance(value, date):
        return value.isoformat()
    return round(value, 4) if isinstance(value, float) else value
