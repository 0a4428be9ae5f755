"""A week of two hundred mixed cases, across a daylight-saving change and a public holiday, in three departments and two zones.

Everything that is recorded of their clocks, chains and promises agrees with the table of `tests.reference`. The cases are drawn once
and for all, so that what the week must have in it can be asserted, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from domain.hours import Hours, Quiet
from domain.policy import CasePolicy
from domain.values import Audience, ClockName, Intent, Priority
from tests.reference.table import Happened, Row, recorded
from tests.unit.domain.story import SHIPPED, Story
from tests.unit.domain.test_clocks_by_reference import agree, message, pass_time

CASES = 200
BEGINS = datetime(2026, 3, 28, tzinfo=UTC)
"""A Saturday. London puts its clocks forward on the 29th, when New York has done so three weeks ago; 3 April is Good Friday."""
ENDS = BEGINS + timedelta(days=7)
SHORT, HOLIDAY = date(2026, 4, 2), date(2026, 4, 3)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DEPARTMENTS = ("billing", "technical", "care")


def _policy() -> CasePolicy:
    """The shipped one, but Technical works at night, over the hour that is skipped, and Care in New York."""
    office = {"zone": "Europe/London", "week": {"mon-fri": "09:00-17:30"}, "holidays": [HOLIDAY], "days": {SHORT: "09:00-13:00"}}
    nights = {"zone": "Europe/London", "week": {"mon-sun": "22:00-06:00"}}
    overseas = {"zone": "America/New_York", "week": {"mon-fri": ["08:30-12:00", "13:00-18:30"], "sat": "10:00-14:00"}}
    calendars = {name: Hours.model_validate(hours) for name, hours in (("office", office), ("nights", nights), ("overseas", overseas))}
    quiet = {"billing_lead": Quiet.model_validate({"zone": "Europe/London", "hours": "08:00-10:15"}), **SHIPPED.quiet}
    works = {"billing": "office", "technical": "nights", "care": "overseas"}
    return SHIPPED.model_copy(update={"id": "week@1", "calendars": calendars, "works": works, "business": "office", "quiet": quiet})


POLICY = _policy()
NEXT = POLICY.model_copy(update={"id": "week@2", "works": {**POLICY.works, "technical": "overseas"}, "business": None})
"""A version of it that came into force during the week: customers are kept informed around the clock."""
VERSIONS = {policy.id: policy for policy in (POLICY, NEXT)}
LIVES = {
    "nobody takes it": "",
    "quickly done": "accept:9m update:50m resolve:4h thanks:1h",
    "slowly done": "accept:7h update:20h resolve:40h complain:3h accept:2h resolve:10h",
    "asked, and answered": "accept:1h ask:30m answer:9h update:5h resolve:30h thanks:5h",
    "asked, and never answered": "accept:1h ask:3h",
    "promised, and kept or not": "accept:30m promise:1h promise:9h promise:16h resolve:20h",
    "passed around": "accept:1h reassign:5h accept:20h reassign:1h accept:10h reassign:10h",
    "a third party": "accept:1h wait_on:2h resume:20h wait_until:5h snooze:5h resolve:40h",
    "ever more urgent": "priority:3h accept:4h priority:10h priority:10h complain:4h update:3h resolve:9h",
    "the customer writes and writes": "accept:2h complain:1h complain:9h update:9h complain:1h complain:3h",
    "moved to the next version": "accept:2h move:9h complain:5h update:9h move:2h wait_on:5h resume:3h resolve:30h",
    "the network is away": "silence:0m accept:2h update:3h silence:5h complain:4h silence:1h update:9h silence:12h resolve:10h",
    "away when it is solved": "accept:1h silence:3h resolve:5h silence:12h thanks:1h",
    "closed without a word": "accept:1h silence:1h resolve:5h waive:9h reopen:9h",
}
"""What happens in a case, and how long after the event before, give or take a half."""
_SPANS = {"m": MINUTE, "h": HOUR}
_WROTE = {"answer": Intent.REMARK, "complain": Intent.COMPLAINT, "thanks": Intent.THANKS}


@dataclass(frozen=True)
class Lived:
    """A case of the week, and what became of it."""

    name: str
    story: Story

    @property
    def rows(self) -> list[Row]:
        return recorded(Happened(cause, event) for cause, event in zip(self.story.causes, self.story.history, strict=True))


def _live(number: int) -> Lived:
    """The case of that number: it begins somewhen in the week, and goes on to two days after it."""
    chance = Random(f"week {number}")
    name = list(LIVES)[number % len(LIVES)]
    acts = LIVES[name].split()
    begins = BEGINS + chance.random() * (ENDS - BEGINS)
    story = Story(now=begins, policy=POLICY, versions=VERSIONS, posts=acts[:1] != ["silence:0m"])
    story.arrives(Intent.COMPLAINT, chance.choice(list(Priority)), chance.choice(DEPARTMENTS))
    for step, act in enumerate(acts):
        what, _, span = act.partition(":")
        pass_time(story, int(span[:-1]) * _SPANS[span[-1]] * (0.5 + chance.random()))
        if what == "silence":
            story.posts = not story.posts if step else False
            if story.posts:
                story.network_posts()
        elif what in _WROTE:
            story.arrives(_WROTE[what])
        elif (sent := message(story, what, chance.randrange(8), step)) is not None:
            story.tell(sent)
        pass_time(story, timedelta(0))
    pass_time(story, max(ENDS + timedelta(days=2) - story.now, HOUR))
    return Lived(f"case {number}, {name}, from {begins:%a %H:%M}", story)


@pytest.fixture(scope="module")
def week() -> list[Lived]:
    return [_live(number) for number in range(CASES)]


def test_every_warning_breach_call_and_promise_of_the_week_is_what_the_table_says(week: list[Lived]) -> None:
    for lived in week:
        try:
            agree(lived.story)
        except AssertionError as error:
            error.add_note(lived.name)
            raise


def test_the_week_has_everything_in_it(week: list[Lived]) -> None:
    rows = [row for lived in week for row in lived.rows]
    for kind in ("clock_warned", "clock_breached"):
        assert {row.clock for row in rows if row.kind == kind} == set(ClockName)
    assert {row.percent for row in rows if row.kind == "clock_warned"} == {75, 90}
    called = Counter(row.to for row in rows if row.kind == "escalated")
    assert set(called) == set(Audience) - {Audience.SOCIAL_LEAD}, "no chain of the policy calls the social team's lead"
    assert max(row.repeat for row in rows) == 5
    kinds = Counter(row.kind for row in rows)
    for kind in ("promise_kept", "promise_broken", "stalled", "wait_ended", "snooze_ended", "priority_set"):
        assert kinds[kind] > 0, kind
    assert len(rows) > 10 * CASES


def test_nobody_is_chased_while_their_department_is_away(week: list[Lived]) -> None:
    """Whoever sleeps is called when they wake up, be that on a holiday; everybody else when their department works."""
    away = {BEGINS.date(), BEGINS.date() + timedelta(days=1), HOLIDAY}
    untouched = [one for one in week if "nobody takes it" in one.name and one.story.case.department == "billing"]
    rows = [row for one in untouched for row in one.rows if row.clock is ClockName.ACCEPT]
    rows = [row for row in rows if row.to not in (Audience.LEAD, Audience.HEAD)]
    assert len(rows) > 30
    assert {row.at.date() for row in rows}.isdisjoint(away)
