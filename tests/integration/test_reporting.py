"""Reports on a real database, held against counting all cases one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from math import ceil
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from adapters.postgres.reporting import WHICH, Reports
from bench.measures import make_measures
from cli.engines import Postgres
from domain.histograms import ERROR
from domain.report import Report, Unit, Wanted
from domain.reports import KINDS, NoSuchReport, make
from tests.conftest import fresh_database, open_on
from tests.unit.domain.story import DEFAULT

LAST = date(2026, 3, 31)
ALL = Wanted(LAST - timedelta(days=59), LAST)
SOME = (
    ALL,
    Wanted(LAST - timedelta(days=27), LAST, department="technical"),
    Wanted(date(2026, 3, 4), date(2026, 3, 4)),
    Wanted(date(2026, 3, 3), date(2026, 3, 22), channel="facebook", category="billing", brand="meridian"),
    Wanted(date(2020, 1, 1), date(2020, 1, 31)),
    Wanted(LAST, LAST, brand="nobody"),
)
Rows = list[Mapping[str, Any]]


@pytest.fixture(scope="module")
def counted(postgres: Postgres) -> Iterator[tuple[Reports, Rows]]:
    """What is asked, and all cases one by one."""
    with fresh_database(postgres) as address:
        owner = create_engine(address)
        with owner.begin() as connection:
            make_measures(connection, 3_000, LAST, 80)
            rows: Rows = [dict(row) for row in connection.execute(text("select * from case_measure")).mappings()]
        owner.dispose()
        store = open_on(address)
        yield Reports(store.engine), rows
        store.close()


def chosen(rows: Rows, wanted: Wanted) -> Rows:
    names = [name for name in ("brand", "channel", "category", "department") if getattr(wanted, name)]
    return [r for r in rows if wanted.first <= r["day"] <= wanted.last and all(r[n] == getattr(wanted, n) for n in names)]


@pytest.mark.parametrize("wanted", SOME)
def test_counts_are_those_of_the_cases(counted: tuple[Reports, Rows], wanted: Wanted) -> None:
    reports, rows = counted
    here = chosen(rows, wanted)
    whole = reports.days(wanted)[()]
    assert whole["opened"] == len(here)
    assert whole["within_15_min"] == sum(r["acknowledge_s"] is not None and r["acknowledge_s"] <= 900 for r in here)
    assert whole["closed_in_public"] == sum(r["closing"] in ("thank_you", "closing_note") for r in here)
    assert whole["still_open"] == sum(r["status"] in ("handed_off", "in_progress") for r in here)
    assert whole["accept_late"] == sum(r["accept_late"] for r in here)
    by_week = Counter((r["day"] - timedelta(days=r["day"].weekday()), r["channel"]) for r in here)
    assert {key: n["opened"] for key, n in reports.days(wanted, "week", "channel").items()} == dict(by_week)
    by_hour = Counter((r["hour"], r["day"].isoweekday()) for r in here)
    assert {k: n["opened"] for k, n in reports.hours(wanted, "hour", "weekday").items() if n["opened"]} == dict(by_hour)
    by_owner = Counter(r["owner"] for r in chosen(rows, Wanted(wanted.first, wanted.last, wanted.brand, department=wanted.department)))
    assert {k[0]: n["opened"] for k, n in reports.owners(wanted, "owner").items()} == dict(by_owner)


@pytest.mark.parametrize("wanted", SOME)
def test_histograms_count_every_case_once_whether_read_by_days_or_by_weeks(counted: tuple[Reports, Rows], wanted: Wanted) -> None:
    reports, rows = counted
    here = chosen(rows, wanted)
    spans = reports.times(wanted).get((), {})
    for span in ("acknowledge", "accept", "accept_working", "resolve", "resolve_working", "close"):
        assert sum(spans.get(span, {}).values()) == sum(r[f"{span}_s"] is not None for r in here), span
    by_week = reports.times(wanted, "week", "department")
    expected = Counter((r["day"] - timedelta(days=r["day"].weekday()), r["department"]) for r in here if r["resolve_s"] is not None)
    assert {key: sum(n["resolve"].values()) for key, n in by_week.items() if n["resolve"]} == dict(expected)


def test_percentiles_are_within_the_stated_error_of_the_true_ones(counted: tuple[Reports, Rows]) -> None:
    reports, rows = counted
    table = make("times", reports, ALL, DEFAULT).table("by_span")
    assert table is not None
    spans = ("acknowledge", "accept", "accept_working", "resolve", "resolve_working", "close")
    for span, row in zip(spans, table.rows, strict=True):
        times = sorted(r[f"{span}_s"] for r in chosen(rows, ALL) if r[f"{span}_s"] is not None)
        for share, told in zip((0.5, 0.9, 0.99), row.cells[2:], strict=True):
            exact = times[ceil(share * len(times)) - 1]
            assert isinstance(told, float)
            assert abs(told - exact) <= ERROR * exact * 1.000_001, (span, share)


@pytest.mark.parametrize("wanted", SOME)
@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_every_report_can_be_made_of_any_days_and_filters(counted: tuple[Reports, Rows], name: str, wanted: Wanted) -> None:
    made = make(name, counted[0], wanted, DEFAULT)
    for table in made.tables:
        assert all(len(row.cells) == len(table.columns) for row in table.rows), table.name
        for place, column in enumerate(table.columns):
            if column.unit is Unit.SHARE:
                values = [row.cells[place] for row in table.rows]
                assert all(v is None or (isinstance(v, float) and 0 <= v <= 1) for v in values), (table.name, column.key)
        assert table.picture is None or all(table.column(key) for key in table.picture.series)


def links(made: Report) -> Iterator[tuple[Wanted, dict[str, str], int]]:
    """Each count of a report that leads to cases, with what is looked for."""
    for table in made.tables:
        for row in table.rows:
            for column, value in zip(table.columns, row.cells, strict=True):
                if row.cases is not None and column.cases is not None and column.unit is Unit.COUNT and isinstance(value, int):
                    sought = {**made.wanted.sought(), **row.cases, **column.cases}
                    brand, channel, category, department = (sought.get(n) for n in ("brand", "channel", "category", "department"))
                    first, last = date.fromisoformat(sought["from"]), date.fromisoformat(sought["to"])
                    yield Wanted(first, last, brand, channel, category, department), sought, value


@pytest.mark.parametrize("name", ["volume", "departments", "loops"])
def test_as_many_cases_stand_behind_a_count_as_it_says(counted: tuple[Reports, Rows], name: str) -> None:
    reports = counted[0]
    looked_at = 0
    for wanted, sought, count in links(make(name, reports, SOME[1], DEFAULT)):
        assert len(reports.behind(wanted, sought, at_most=5_000)) == count, sought
        looked_at += 1
    assert looked_at > 10


def test_the_cases_behind_a_figure_come_page_by_page(counted: tuple[Reports, Rows]) -> None:
    reports, rows = counted
    everything = reports.behind(ALL, {}, at_most=5_000)
    assert [b.case_id for b in everything] == [r["case_id"] for r in sorted(chosen(rows, ALL), key=lambda r: (r["since"], r["case_id"]))][
        ::-1
    ]
    paged, after = [], None
    while page := reports.behind(ALL, {}, after, at_most=400):
        paged += page
        after = (page[-1].since, page[-1].case_id)
    assert paged == everything


def test_every_way_to_ask_for_cases_is_understood(counted: tuple[Reports, Rows]) -> None:
    reports = counted[0]
    found = {which: len(reports.behind(ALL, {"which": which}, at_most=5_000)) for which in WHICH}
    assert found["late"] >= found["late_accept"] > 0
    assert found["closed"] >= found["closed_in_public"] > found["by_closing_note"] > 0


def test_a_quiet_day_has_the_words_of_the_days_before_it_and_a_quiet_week_has_none(counted: tuple[Reports, Rows]) -> None:
    reports = counted[0]
    with reports._engine.begin() as connection:
        connection.execute(text("insert into report_term values ('meridian', :day, 'outage', 9)"), {"day": LAST})
    assert reports.terms(ALL, LAST + timedelta(days=2)) == {"outage": 9}
    assert reports.terms(ALL, LAST + timedelta(days=7)) == {}
    assert reports.terms(Wanted(LAST, LAST, brand="nobody"), LAST) == {}


def test_a_report_that_does_not_exist_is_named(counted: tuple[Reports, Rows]) -> None:
    with pytest.raises(NoSuchReport, match="there is no report 'nonsense'; there are: overview, volume"):
        make("nonsense", counted[0], ALL, DEFAULT)
