"""The auditor's filter: what can be meant by it, and how it is told without anybody's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.seeking import NotSought, Sought
from domain.values import ClockName

SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)


def test_a_filter_tells_itself() -> None:
    sought = Sought(kind="promise_broken", department="billing", recorded_from=SEPTEMBER, recorded_until=OCTOBER)
    assert sought.describe() == (
        "department billing; event promise_broken; recorded from 2026-09-01T00:00:00Z; recorded before 2026-10-01T00:00:00Z"
    )
    assert Sought().describe() == "everything"
    assert Sought(breached=ClockName.ACCEPT).describe() == "clock accept ran out"


def test_a_filter_does_not_tell_whom_or_what_words_it_looks_for() -> None:
    told = Sought(customer="@samkowalski", words="my divorce").describe()
    assert told == "one customer; certain words"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"kind": "promise_brocken"}, "no event 'promise_brocken'"),
        ({"opened_from": datetime(2026, 9, 1)}, "time zone"),  # noqa: DTZ001 - meant
        ({"recorded_from": OCTOBER, "recorded_until": SEPTEMBER}, "ends"),
        ({"recorded_from": OCTOBER, "recorded_until": OCTOBER}, "ends"),
    ],
)
def test_what_cannot_be_meant_is_refused(written: dict[str, object], told: str) -> None:
    with pytest.raises(NotSought, match=told):
        Sought(**written)  # type: ignore[arg-type]
