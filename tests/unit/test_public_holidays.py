"""Public holidays, held against dates that governments publish."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from adapters.public_holidays import UnknownCountry, public_holidays
from domain.errors import LoopkeeperError

HERE = Path(__file__).parents[2]
IN_2026 = range(2026, 2027)


def days(country: str, subdivision: str | None, years: range) -> set[str]:
    return {f"{day:%d %b %Y}" for day in public_holidays(country, subdivision, years)}


def test_england_has_its_bank_holidays_and_a_substitute_for_boxing_day() -> None:
    assert public_holidays("GB", "ENG", IN_2026) == {
        date(2026, 1, 1): "New Year's Day",
        date(2026, 4, 3): "Good Friday",
        date(2026, 4, 6): "Easter Monday",
        date(2026, 5, 4): "May Day",
        date(2026, 5, 25): "Spring Bank Holiday",
        date(2026, 8, 31): "Late Summer Bank Holiday",
        date(2026, 12, 25): "Christmas Day",
        date(2026, 12, 26): "Boxing Day",
        date(2026, 12, 28): "Boxing Day (observed)",
    }


def test_when_christmas_is_a_saturday_the_monday_and_the_tuesday_are_free() -> None:
    assert {"27 Dec 2027", "28 Dec 2027"} <= days("GB", "ENG", range(2027, 2028))


def test_scotland_and_england_differ() -> None:
    assert {"02 Jan 2026", "03 Aug 2026", "30 Nov 2026"} <= days("GB", "SCT", IN_2026) - days("GB", "ENG", IN_2026)


def test_bavaria_has_more_days_than_germany_as_a_whole_and_they_are_told_in_english() -> None:
    germany = {"01 Jan", "03 Apr", "06 Apr", "01 May", "14 May", "25 May", "03 Oct", "25 Dec", "26 Dec"}
    assert days("DE", None, IN_2026) == {f"{day} 2026" for day in germany}
    assert days("DE", "BY", IN_2026) == {f"{day} 2026" for day in germany | {"06 Jan", "04 Jun", "01 Nov"}}
    assert public_holidays("DE", "BY", IN_2026)[date(2026, 6, 4)] == "Corpus Christi"


def test_in_the_united_states_a_saturday_is_kept_on_the_friday_before() -> None:
    federal = "01 Jan, 19 Jan, 16 Feb, 25 May, 19 Jun, 03 Jul, 04 Jul, 07 Sep, 12 Oct, 11 Nov, 26 Nov, 25 Dec"
    assert days("US", None, IN_2026) == {f"{day} 2026" for day in federal.split(", ")}
    assert "31 Dec 2027" in days("US", None, range(2027, 2028))  # for the first of January 2028, a Saturday
    assert all(day.year == 2028 for day in public_holidays("US", None, range(2028, 2029)))


def test_several_years_come_in_order() -> None:
    found = list(public_holidays("FR", None, range(2025, 2028)))
    assert found == sorted(found)
    assert {day.year for day in found} == {2025, 2026, 2027}
    assert public_holidays("FR", None, range(2026, 2026)) == {}


@pytest.mark.parametrize(
    ("country", "subdivision", "sentence"),
    [
        ("GB", "ENGLAND", "GB has no subdivision 'ENGLAND'; there are: ENG, NIR, SCT, WLS."),
        ("GB", "", "GB has no subdivision ''; there are: ENG, NIR, SCT, WLS."),
        ("US", "CAL", "US has no subdivision 'CAL'; near it: CA, AL, WA, VA, SC."),
        ("SG", "01", "SG has no subdivision '01'; it has none, so leave it out."),
        ("gb", None, "There are no public holidays for 'gb': near it: GB (United Kingdom)."),
        ("Germany", None, "There are no public holidays for 'Germany': near it: DE (Germany)."),
        ("XX", "ENG", "There are no public holidays for 'XX': give its code of two letters (ISO 3166), such as GB, DE or US."),
    ],
)
def test_what_is_not_known_is_refused_with_what_is_near(country: str, subdivision: str | None, sentence: str) -> None:
    with pytest.raises(UnknownCountry) as refused:
        public_holidays(country, subdivision, IN_2026)
    assert str(refused.value) == sentence
    assert isinstance(refused.value, LoopkeeperError)


def run(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=HERE, env=os.environ | environment, capture_output=True, text=True, check=True).stdout.strip()


def test_the_names_do_not_follow_the_machines_locale() -> None:
    code = "from adapters.public_holidays import public_holidays as p; print(list(p('DE', None, range(2026, 2027)).values())[0])"
    assert run(code, LANGUAGE="de", LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8") == "New Year's Day"


def test_the_library_is_loaded_only_when_it_is_asked() -> None:
    assert run("import sys, adapters.public_holidays; print('holidays' in sys.modules)") == "False"
