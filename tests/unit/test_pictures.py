"""Pictures are whole, say what they show, carry no style of their own, and take no word for markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pictures import draw
from domain.report import Column, Picture, Row, Table, Unit, Value

DAY = date(2026, 3, 2)
HOSTILE = "<script>alert('1')</script> \" onload=\"x & ]]>"
KINDS = ("stack", "lines", "heat", "bars")


def table(kind: str, rows: Sequence[tuple[Value, ...]], unit: Unit = Unit.COUNT, *, forecast: int = 0, names: bool = False) -> Table:
    series = tuple(f"c{n}" for n in range(len(rows[0]) - 1 if rows else 2))
    first = Column("k", "Key", Unit.TEXT if names else Unit.DAY)
    columns = (first, *(Column(key, f"{HOSTILE} {key}", unit, {"which": "late"}) for key in series))
    picture = Picture(kind, f"What is to be seen: {HOSTILE}", series, 0.9 if unit is Unit.SHARE else None, forecast)  # type: ignore[arg-type]
    return Table("t", f"Title {HOSTILE}", columns, tuple(Row(row, {"hour": "1"}) for row in rows), picture)


def drawn(what: Table) -> ET.Element:
    return ET.fromstring(str(draw(what, lambda row, column: f"/cases?a=1&b={row.cells[0]}&c={column.key}")))


VALUES = st.none() | st.integers(0, 10**7)
SHARES = st.none() | st.floats(0, 1)


@pytest.mark.parametrize("kind", KINDS)
@given(rows=st.lists(st.tuples(VALUES, VALUES), max_size=30))
def test_any_counts_can_be_drawn(kind: str, rows: list[tuple[Value, ...]]) -> None:
    keyed = [(HOSTILE if kind in ("heat", "bars") else DAY + timedelta(days=n), *row) for n, row in enumerate(rows)]
    whole(drawn(table(kind, keyed, names=kind in ("heat", "bars"))))


@pytest.mark.parametrize("kind", ["lines", "bars", "heat"])
@pytest.mark.parametrize("unit", [Unit.SHARE, Unit.SECONDS, Unit.MEAN])
@given(rows=st.lists(st.tuples(SHARES), min_size=1, max_size=10), scale=st.sampled_from([1, 100, 10_000, 10_000_000]))
def test_any_shares_and_times_can_be_drawn(kind: str, unit: Unit, rows: list[tuple[float | None]], scale: int) -> None:
    grown = [(DAY + timedelta(days=n), None if v is None else v * (1 if unit is Unit.SHARE else scale)) for n, (v,) in enumerate(rows)]
    whole(drawn(table(kind, grown, unit)))


def whole(svg: ET.Element) -> None:
    """It has a title and a description, nothing of it lies outside, and there is neither style nor script in it."""
    _, _, wide, high = map(float, svg.attrib["viewBox"].split())
    names = svg.attrib["aria-labelledby"].split()
    assert [svg[n].attrib["id"] for n in (0, 1)] == names
    assert (svg[0].tag, svg[1].tag) == ("title", "desc")
    assert HOSTILE in str(svg[0].text)
    for element in svg.iter():
        assert "style" not in element.attrib
        assert not any(name.startswith("on") for name in element.attrib)
        assert element.tag in ("svg", "g", "a", "title", "desc", "text", "rect", "circle", "line", "path")
        if element.tag == "rect":
            assert 0 <= float(element.attrib["x"]) <= wide
            assert float(element.attrib["x"]) + float(element.attrib["width"]) <= wide + 0.2
            assert -0.2 <= float(element.attrib["y"]) <= high
            assert float(element.attrib["y"]) + float(element.attrib["height"]) <= high + 0.2
        if element.tag == "circle":
            assert 0 <= float(element.attrib["cx"]) <= wide
            assert -0.2 <= float(element.attrib["cy"]) <= high


def test_a_shape_leads_to_its_cases_and_says_what_it_is_when_pointed_at() -> None:
    svg = drawn(table("stack", [(DAY, 3, 0)]))
    (link,) = svg.iter("a")
    assert link.attrib["href"] == "/cases?a=1&b=2026-03-02&c=c0"
    assert link.attrib["tabindex"] == "-1", "the table beneath has the same link for the keyboard"
    assert [title.text for title in link.iter("title")] == [f"2 Mar, {HOSTILE} c0: 3"]


def test_what_is_not_known_leaves_a_gap_and_what_is_expected_is_drawn_otherwise() -> None:
    rows: list[tuple[Value, ...]] = [(DAY + timedelta(days=n), v) for n, v in enumerate([0.5, None, 0.7, 0.8, 0.9])]
    svg = drawn(table("lines", rows, Unit.SHARE, forecast=1))
    paths = [path.attrib for path in svg.iter("path")]
    assert paths[0]["d"].count("M") == 2
    assert paths[1]["class"] == "line l1 expected"
    assert len(list(svg.iter("circle"))) == 4
