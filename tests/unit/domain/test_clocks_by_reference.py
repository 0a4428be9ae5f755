"""Clocks, warnings, chains and promises, held against a table that is worked out by looking at every moment (`tests.reference`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain.calendars import Span
from domain.clocks import due, due_moment, either, may_promise, promise_from, running
from domain.escalation import Chains, Repeat, Step
from domain.hours import Hours, Quiet
from domain.policy import CasePolicy
from domain.values import Audience, Intent, Pause, Priority
from tests.reference.table import Happened, Row, expected, recorded
from tests.reference.times import working
from tests.reference.working_time import NEVER, Stretch, reached, stretches, without, worked
from tests.unit.domain.story import ANA, BEN, SHIPPED, Story

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = ("America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Europe/London")
DEPARTMENTS = ("billing", "technical", "care")
STARTS = (
    date(2026, 3, 6),  # Los Angeles puts its clocks forward on the 8th,
    date(2026, 10, 30),  # and back on 1 November
    date(2026, 3, 27),  # London: forward on the 29th,
    date(2026, 10, 23),  # back on the 25th
    date(2026, 4, 3),  # Lord Howe: back by half an hour on the 5th,
    date(2026, 10, 2),  # forward on the 4th
    date(2011, 12, 28),  # Apia went without a 30 December
)

QUARTERS = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
SPANS = st.lists(st.builds(Span, QUARTERS, QUARTERS), max_size=2).map(tuple)
OFFICE = (Span(time(9), time(17, 30)),)
WEEKS = st.one_of(
    st.just((OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, (), ())),
    st.just(((Span(time(22), time(6)),),) * 7),
    st.lists(SPANS, min_size=7, max_size=7).filter(any).map(tuple),
)


@st.composite
def hours(draw: st.DrawFn, begins: date) -> Hours:
    """A calendar with a holiday and days of its own near `begins`."""
    days = st.integers(-1, 10).map(lambda n: begins + n * DAY)
    return Hours(
        zone=draw(st.sampled_from(ZONES)),
        week=draw(WEEKS),
        days=draw(st.dictionaries(days, SPANS, max_size=2)),
        holidays=tuple(draw(st.lists(days, max_size=2))),
    )


QUIET = st.builds(
    Quiet,
    zone=st.sampled_from(ZONES),
    hours=st.sampled_from([Span(time(21), time(7)), Span(time(0), time(6, 30)), Span(time(1, 15), time(13))]),
)
EVERY_HOUR = Repeat(every=HOUR, at_most=3)
ACCEPT_CHAINS = st.sampled_from(
    [
        SHIPPED.chains.accept,
        (),
        (
            Step(at=40, tell=(Audience.DEPARTMENT,)),
            Step(at=95, tell=(Audience.LEAD, Audience.SOCIAL_LEAD)),
            Step(at=170, tell=(Audience.HEAD, Audience.LEAD), raise_priority=True, repeat=EVERY_HOUR),
        ),
    ]
)
RESOLVE_CHAINS = st.sampled_from(
    [SHIPPED.chains.resolve, (Step(at=60, tell=(Audience.OWNER, Audience.HEAD)), Step(at=110, tell=(Audience.LEAD,), repeat=EVERY_HOUR))]
)
SHORT_CHAINS = st.sampled_from([(), (Step(at=50, tell=(Audience.SOCIAL,)), Step(at=120, tell=(Audience.OWNER, Audience.LEAD)))])


@st.composite
def policies(draw: st.DrawFn, begins: date, version: str) -> CasePolicy:
    """A version of the policy: calendars, quiet hours, warnings and chains of its own; some departments have nobody who leads them."""
    calendars = {name: draw(hours(begins)) for name in "abc"}
    names = st.sampled_from([None, *calendars])
    works = {department: name for department in DEPARTMENTS if (name := draw(names)) is not None}
    people = st.sampled_from(["lead", "head", "duty_manager", None])
    return SHIPPED.model_copy(
        update={
            "id": version,
            "warn_at": draw(st.sampled_from([(75, 90), (), (50,), (75, 90)])),
            "chains": Chains(
                accept=draw(ACCEPT_CHAINS),
                resolve=draw(RESOLVE_CHAINS),
                holding_update=draw(st.sampled_from([SHIPPED.chains.holding_update, ()])),
                next_reply=draw(SHORT_CHAINS),
                thank_you=draw(SHORT_CHAINS),
                acknowledge=draw(SHORT_CHAINS),
            ),
            "calendars": calendars,
            "works": works,
            "business": draw(names),
            "leads": {d: who for d in DEPARTMENTS if (who := draw(people)) is not None},
            "heads": {d: who for d in DEPARTMENTS if (who := draw(people)) is not None},
            "duty_manager": "duty_manager",
            "social_lead": "lead",
            "quiet": draw(st.dictionaries(st.sampled_from(["lead", "head", "duty_manager"]), QUIET, max_size=3)),
        }
    )


Act = tuple[str, int, int]
"""What, which of several, and how many seconds after the act before."""
WHAT = """
accept accept update promise ask ask answer answer complain thanks resolve resolve reassign reassign tell_and_reassign
priority priority move wait_on wait_until snooze resume reopen waive silence silence escalate private called delete dismiss
"""
SECONDS = st.one_of(st.integers(1, 2 * 3600), st.integers(1, 60 * 3600))
ACTS = st.tuples(
    st.lists(st.tuples(st.sampled_from(["accept", "accept", "accept", "silence"]), st.just(0), SECONDS), min_size=1, max_size=1),
    st.lists(st.tuples(st.sampled_from(WHAT.split()), st.integers(0, 7), SECONDS), min_size=4, max_size=14),
).map(lambda acts: [*acts[0], *acts[1]])


@dataclass(frozen=True)
class Life:
    """A case: when it begins, by which policies, and what happens in it."""

    begins: datetime
    versions: tuple[CasePolicy, ...]
    intent: Intent
    priority: Priority
    silent: bool
    """Whether the network is away when the case begins."""
    acts: list[Act]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    begins = draw(st.sampled_from(STARTS))
    at = datetime.combine(begins, time(0), UTC) + timedelta(seconds=draw(st.integers(0, 2 * 24 * 3600)))
    versions = (draw(policies(begins, "one@1")), draw(policies(begins, "two@1")))
    intents = st.sampled_from([Intent.COMPLAINT, Intent.COMPLAINT, Intent.PRAISE])
    return Life(at, versions, draw(intents), draw(st.sampled_from(Priority)), draw(st.integers(0, 3)) == 0, draw(ACTS))


def message(story: Story, what: str, pick: int, number: int) -> c.Message | None:
    """What somebody wants of the case, if it makes sense at all."""
    key, words, case = f"k{number}", f"w{number}", story.case
    later = story.now + (pick + 1) * 5 * HOUR
    made: dict[str, c.Message | None] = {
        "accept": c.Accept(key, ANA),
        "update": c.Update(key, ANA, words),
        "promise": c.Update(key, ANA, words, later),
        "ask": c.Ask(key, ANA, words),
        "resolve": c.Resolve(key, ANA, "other", words),
        "reassign": c.Reassign(key, ANA, DEPARTMENTS[pick % 3]),
        "tell_and_reassign": c.Reassign(key, ANA, DEPARTMENTS[pick % 3], public=words, promise=later),
        "priority": c.SetPriority(key, BEN, list(Priority)[pick % 4]),
        "move": c.MovePolicy(key, BEN, list(story.versions)[pick % 2]),
        "wait_on": c.WaitOnThirdParty(key, ANA, words),
        "wait_until": c.WaitOnThirdParty(key, ANA, words, later),
        "snooze": c.Snooze(key, ANA, later),
        "resume": c.Resume(key, ANA),
        "reopen": c.Reopen(key, BEN),
        "waive": c.WaiveThankYou(key, BEN, words),
        "escalate": c.EscalateNow(key, BEN),
        "private": c.TakePrivate(key, ANA, words, f"{words}-aside"),
        "called": c.Called(key, case.calls[pick % len(case.calls)].step, "slack") if case.calls else None,
        "delete": c.PostRemoved(key, case.first_post) if pick == 0 else None,
        "dismiss": c.Dismiss(key, BEN, "spam") if pick == 0 else None,
    }
    return made.get(what)


def live(life: Life) -> Story:
    """Live it: every duty is taken up at its moment, and the network posts at once, except for times in which it is away."""
    versions = {policy.id: policy for policy in life.versions}
    story = Story(now=life.begins, policy=life.versions[0], versions=versions, posts=not life.silent)
    story.arrives(life.intent, life.priority)
    wrote = {"answer": Intent.REMARK, "complain": Intent.COMPLAINT, "thanks": Intent.THANKS}
    for number, (what, pick, seconds) in enumerate(life.acts):
        pass_time(story, timedelta(seconds=seconds))
        if what == "silence":
            story.posts = not story.posts
            if story.posts:
                story.network_posts()
        elif what in wrote:
            story.arrives(wrote[what])
        elif (sent := message(story, what, pick, number)) is not None:
            story.tell(sent)
        pass_time(story, timedelta(0))
    pass_time(story, DAY)
    return story


def pass_time(story: Story, span: timedelta) -> None:
    end = story.now + span
    for moment in story.duties(end):
        following = due(story.case, story.policy)
        assert following is None or following > moment, "a duty that is taken up is no longer owed"
        nobody_is_called_in_vain(story)
    story.now = end
    nobody_is_called_in_vain(story)


def nobody_is_called_in_vain(story: Story) -> None:
    """Every call that is on its way is about something that has not happened yet."""
    clocks = {clock.name for clock in running(story.case, story.policy)}
    taken = {(mark.clock, mark.percent, mark.to) for mark in story.case.marks}
    for call in story.case.calls:
        assert story.case.is_open or call.clock in clocks, f"{call} in a case that is {story.case.status}"
        assert call.clock is None or (call.clock in clocks and (call.clock, call.percent, call.to) in taken), f"{call} is over"


def agree(story: Story) -> None:
    """What is on record is what ought to be."""
    history = [Happened(cause, event) for cause, event in zip(story.causes, story.history, strict=True)]
    told, owed = recorded(history), expected(history, story.versions, story.now)
    if told != owed:
        first = min(row.at for row in (*told, *owed) if (row in told) != (row in owed))
        before = [f"  {event}" for event in story.history if event.at <= first][-30:]
        raise AssertionError("\n".join(["what differs, and what had happened:", *_differing(told, owed), *before]))


def _differing(told: list[Row], owed: list[Row]) -> list[str]:
    return [f"- only on record: {row}" for row in told if row not in owed] + [
        f"- only in the table: {row}" for row in owed if row not in told
    ]


@given(lives())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_recorded_of_clocks_chains_and_promises_is_what_the_table_says(life: Life) -> None:
    agree(live(life))


# --- working time and pauses ------------------------------------------------------------------------------------------


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Hours, datetime]:
    """A calendar, and a moment near the days on which something is special about it."""
    begins = draw(st.sampled_from(STARTS))
    moment = datetime.combine(begins, time(0), UTC) + timedelta(seconds=draw(st.integers(0, 4 * 24 * 3600)))
    return draw(hours(begins)), moment


LENGTHS = st.integers(1, 20 * 3600).map(lambda n: timedelta(seconds=n))
LOOKED_AT = 9 * DAY


@st.composite
def pauses(draw: st.DrawFn, since: datetime) -> tuple[Pause, ...]:
    """Pauses in order and apart from each other; the last one may go on."""
    at = since - timedelta(seconds=draw(st.integers(0, 24 * 3600)))
    found: list[Pause] = []
    for before, length in draw(st.lists(st.tuples(LENGTHS, LENGTHS), max_size=3)):
        found.append(Pause(at + before, at + before + length))
        at += before + length
    goes_on: bool = draw(st.booleans())
    if found and goes_on:
        found[-1] = Pause(found[-1].since)
    return tuple(found)


def cut_out(calendar: Hours, since: datetime, *paused: tuple[Pause, ...]) -> list[Stretch]:
    """When people work from then on, without the pauses: by the reference."""
    return without(stretches(working(calendar), since, since + LOOKED_AT), [(p.since, p.until or NEVER) for some in paused for p in some])


@given(calendars(), LENGTHS, LENGTHS)
@settings(max_examples=50)
def test_working_time_that_is_added_lies_between(what: tuple[Hours, datetime], first: timedelta, second: timedelta) -> None:
    calendar, start = what[0].calendar, what[1]
    middle = calendar.add(start, first)
    assert calendar.between(start, middle) == first
    assert calendar.between(start, middle - timedelta.resolution) < first
    end = calendar.add(middle, second)
    assert end == calendar.add(start, first + second) > middle
    assert calendar.add(start + second, first) >= middle, "whoever starts later is done later"
    assert calendar.between(start, end) == calendar.between(start, start + second) + calendar.between(start + second, end)


@given(calendars(), LENGTHS, st.data())
@settings(max_examples=50)
def test_a_clock_with_pauses_runs_out_when_the_reference_says(
    what: tuple[Hours, datetime], allowance: timedelta, data: st.DataObject
) -> None:
    calendar, start = what
    paused = data.draw(pauses(start))
    due_at = due_moment(start, allowance, paused, calendar.calendar)
    line = cut_out(calendar, start, paused)
    if due_at is None:
        assert paused[-1].until is None
        assert worked(line, start, paused[-1].since) < allowance
    elif due_at < start + LOOKED_AT - DAY:
        assert due_at == reached(line, start, allowance)


@given(calendars(), LENGTHS, LENGTHS, st.data())
@settings(max_examples=50)
def test_counting_again_from_any_moment_neither_loses_nor_doubles_time(
    what: tuple[Hours, datetime], allowance: timedelta, later: timedelta, data: st.DataObject
) -> None:
    calendar, start = what
    paused = data.draw(pauses(start))
    due_at = due_moment(start, allowance, paused, calendar.calendar)
    now = start + later
    used = worked(cut_out(calendar, start, paused), start, now)
    if used < allowance:
        assert due_moment(now, allowance - used, paused, calendar.calendar) == due_at
    else:
        assert due_at is not None
        assert due_at <= now


@given(calendars(), LENGTHS, st.data())
@settings(max_examples=50)
def test_two_kinds_of_pauses_at_once_count_once(what: tuple[Hours, datetime], allowance: timedelta, data: st.DataObject) -> None:
    calendar, start = what
    asks, waits = data.draw(pauses(start)), data.draw(pauses(start))
    together = either(asks, waits)
    assert all(before.until is not None and before.until < after.since for before, after in pairwise(together))
    due_at = due_moment(start, allowance, together, calendar.calendar)
    if due_at is None or due_at < start + LOOKED_AT - DAY:
        assert due_at == reached(cut_out(calendar, start, asks, waits), start, allowance)


@given(calendars(), st.sampled_from(Priority))
@settings(max_examples=50)
def test_what_is_promised_is_within_the_time_for_an_update(what: tuple[Hours, datetime], priority: Priority) -> None:
    calendar, now = what
    policy = SHIPPED.model_copy(update={"calendars": {"a": calendar}, "business": "a"})
    story = Story(now=now, policy=policy).opened(priority=priority)
    promised, by = promise_from(now, story.case, policy), calendar.calendar.add(now, policy.clocks.holding_update.of(priority))
    assert now < promised <= by < promised + 5 * MINUTE
    assert may_promise(promised, now, story.case, policy)


@given(calendars(), st.sampled_from(Priority), st.timedeltas(timedelta(), timedelta(days=9)))
@settings(max_examples=50)
def test_what_somebody_has_been_shown_can_be_promised_until_it_is_over(
    what: tuple[Hours, datetime], priority: Priority, later: timedelta
) -> None:
    calendar, now = what
    policy = SHIPPED.model_copy(update={"calendars": {"a": calendar}, "business": "a"})
    case = Story(now=now, policy=policy).opened(priority=priority).case
    promised = promise_from(now, case, policy)
    assert may_promise(promised, now + later, case, policy) is (now + later < promised)
    assert not may_promise(calendar.calendar.add(now, policy.clocks.holding_update.of(priority)) + MINUTE, now, case, policy)
