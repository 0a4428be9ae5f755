"""A case's figures: by stories that people can follow, and held against a slow reading of the same history."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.clocks import either
from domain.evolve import fold
from domain.measures import Closing, Measure, Tally, local, measure
from domain.policy import CasePolicy
from domain.values import ASIDE, ClockName, Intent, Pause, Permalink, Priority, Purpose
from tests.reference.times import working
from tests.reference.working_time import NEVER, stretches, without, worked
from tests.unit.domain.story import ANA, SHIPPED, START, Story
from tests.unit.domain.test_clocks_by_reference import Life, live, lives

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def measured(story: Story) -> Measure:
    versions = {story.policy.id: story.policy, **story.versions}
    found = measure(story.case.id, story.history, versions.__getitem__)
    assert found is not None
    return found


def tallies(story: Story) -> dict[ClockName, Tally]:
    return dict(measured(story).clocks)


def test_a_loop_that_goes_well_is_in_time_everywhere() -> None:
    story = Story().accepted()
    story.wait(2 * HOUR)
    story.done(c.Update("u", ANA, "w-u", story.now + 4 * HOUR))
    story.wait(HOUR)
    story.done(c.Resolve("r", ANA, "other", "w-r"))
    story.wait(MINUTE)
    story.arrives(Intent.THANKS)
    found = measured(story)
    assert (found.status, found.closing, found.department, found.owner) == ("closed", Closing.THANK_YOU, "billing", ANA.person)
    assert (found.acknowledged, found.accepted, found.resolved, found.closed) == (0, 0, 3 * 3600, 3 * 3600)
    assert (found.promises_kept, found.promises_broken) == (2, 0)
    assert (found.thanks, found.thanks_answered) == (1, 1)
    assert found.wrote == (START, START + 3 * HOUR + MINUTE)
    assert tallies(story) == {
        ClockName.ACKNOWLEDGE: Tally(1, 0),
        ClockName.ACCEPT: Tally(1, 0),
        ClockName.HOLDING_UPDATE: Tally(1, 0),
        ClockName.RESOLVE: Tally(1, 0),
        ClockName.THANK_YOU: Tally(1, 0),
    }


def test_a_clock_that_ran_out_is_late_once_whether_it_still_runs_or_has_ended() -> None:
    story = Story().opened()
    story.wait(61 * MINUTE)
    assert tallies(story)[ClockName.ACCEPT] == Tally(0, 1)
    story.tell(c.Accept("a", ANA))
    assert tallies(story)[ClockName.ACCEPT] == Tally(0, 1)
    assert measured(story).accepted == 61 * 60


def test_what_happened_after_the_due_moment_is_late_even_when_nobody_recorded_the_breach() -> None:
    story = Story().opened()
    story.now += 61 * MINUTE  # nothing is taken up meanwhile
    story.tell(c.Accept("a", ANA))
    assert not any(isinstance(event, e.ClockBreached) and event.clock is ClockName.ACCEPT for event in story.history)
    assert tallies(story)[ClockName.ACCEPT] == Tally(0, 1)


def test_time_counts_from_when_the_customer_wrote_and_not_from_when_we_heard_of_it() -> None:
    story = Story()
    story.history = [
        e.Opened(START, "p", "meridian", "x", Intent.COMPLAINT, "billing", Priority.NORMAL, "billing",
                 story.policy.id, posted_at=START - 10 * MINUTE),
        e.ReplyPlanned(START, 1, Purpose.ACKNOWLEDGEMENT, "p", template="acknowledgement.complaint"),
        e.ReplyPosted(START + MINUTE, 1, Purpose.ACKNOWLEDGEMENT, (Permalink("1", "https://x.example/1"),)),
    ]  # fmt: skip
    found = measured(story)
    assert found.since == START - 10 * MINUTE
    assert found.acknowledged == 11 * 60
    assert found.clocks[ClockName.ACKNOWLEDGE] == Tally(1, 0), "the clock runs from when we could know of it"


def test_a_reopened_case_is_resolved_when_it_is_resolved_again_and_its_time_counts_from_the_first_post() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.done(c.Resolve("r", ANA, "other", "w-r"))
    story.wait(DAY)
    story.arrives(Intent.COMPLAINT)
    found = measured(story)
    assert (found.reopened, found.resolved, found.resolved_working, found.closing) == (1, None, None, None)
    story.tell(c.Accept("again", ANA))
    story.wait(2 * HOUR)
    story.done(c.Resolve("r2", ANA, "other", "w-r2"))
    found = measured(story)
    assert found.resolved == 27 * 3600
    assert found.resolved_working == 3 * 3600, "without the day in which it was closed"


def test_the_time_in_which_a_third_party_is_waited_for_is_no_working_time() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.done(c.WaitOnThirdParty("w", ANA, "w-w"))
    story.wait(5 * HOUR)
    story.done(c.Resume("go", ANA))
    story.wait(HOUR)
    story.done(c.Resolve("r", ANA, "other", "w-r"))
    found = measured(story)
    assert (found.resolved, found.resolved_working) == (7 * 3600, 2 * 3600)


def test_a_loop_that_is_waived_or_closed_by_a_note_is_told_apart() -> None:
    story = Story().accepted()
    story.done(c.Ask("q", ANA, "w-q"))
    story.wait(8 * DAY)
    assert measured(story).closing is Closing.CLOSING_NOTE
    story = Story().accepted()
    story.posts = False
    story.done(c.Resolve("r", ANA, "other", "w-r"))
    thanks = story.case.planned(Purpose.THANK_YOU)
    assert thanks is not None
    story.done(c.PostFailed("f", thanks.step, "the customer blocks us"))
    story.done(c.WaiveThankYou("wv", ANA, "w-wv"))
    assert measured(story).closing is Closing.WAIVED


def test_the_hour_is_that_of_the_clock_on_the_brands_wall() -> None:
    assert local(datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "Europe/London") == (date(2026, 7, 2), 0)
    assert local(datetime(2026, 1, 1, 3, 0, tzinfo=UTC), "America/Los_Angeles") == (date(2025, 12, 31), 19)


def test_what_was_never_opened_has_no_figures() -> None:
    assert measure("meridian-x-1", [], {"v": SHIPPED}.__getitem__) is None


# --- against a slow reading of the same history -----------------------------------------------------------------------


def slow_tallies(story: Story) -> dict[ClockName, Tally]:
    """Every breach on record is a lateness; what was done for a clock that had not been breached since it began was in time."""
    late: dict[ClockName, int] = {}
    for event in story.history:
        if isinstance(event, e.ClockBreached):
            late[event.clock] = late.get(event.clock, 0) + 1
    accepts, breached, waiting = 0, False, False
    for event in story.history:
        if isinstance(event, e.HandedOff):
            breached, waiting = False, True
        elif isinstance(event, e.ClockBreached) and event.clock is ClockName.ACCEPT:
            breached = True
        elif isinstance(event, e.Accepted) and waiting:
            accepts, waiting = accepts + (not breached), False
    heard = any(isinstance(event, e.ReplyPosted) and event.purpose not in ASIDE for event in story.history)
    return {
        ClockName.ACCEPT: Tally(accepts, late.get(ClockName.ACCEPT, 0)),
        ClockName.ACKNOWLEDGE: Tally(int(heard and not late.get(ClockName.ACKNOWLEDGE)), late.get(ClockName.ACKNOWLEDGE, 0)),
        **{name: Tally(-1, late.get(name, 0)) for name in ClockName if name not in (ClockName.ACCEPT, ClockName.ACKNOWLEDGE)},
    }


def slow_working(story: Story) -> int | None:
    """Minute by minute, on the calendar that the case was held to when it was resolved."""
    if story.case.resolved_at is None:
        return None
    total = timedelta(0)
    for number, event in enumerate(story.history):
        if isinstance(event, e.Resolved):
            before: Case = fold(story.case.id, story.history[:number])
            policy: CasePolicy = story.versions[before.policy]
            since = before.resolve_from
            assert since is not None
            name = policy.works.get(before.department)
            open_ = [(since, event.at)] if name is None else stretches(working(policy.calendars[name]), since, event.at)
            stood: tuple[Pause, ...] = either(before.pauses, before.waits)
            total += worked(without(open_, [(p.since, p.until or NEVER) for p in stood]), since, event.at)
    return int(total.total_seconds())


@given(lives())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_figures_are_what_a_slow_reading_of_the_history_says(life: Life) -> None:
    story = live(life)
    found = measured(story)
    for name, slow in slow_tallies(story).items():
        quick = found.clocks.get(name, Tally())
        assert quick.late == slow.late, name
        assert slow.kept in (-1, quick.kept), name
    assert found.resolved_working == slow_working(story)
    public = [event.at for event in story.history if isinstance(event, e.ReplyPosted) and event.purpose not in ASIDE]
    assert found.acknowledged == (int((public[0] - found.since).total_seconds()) if public else None)
    assert found.promises_kept == sum(isinstance(event, e.PromiseKept) for event in story.history)
    assert found.promises_broken == sum(isinstance(event, e.PromiseBroken) for event in story.history)
    assert found.reopened == sum(isinstance(event, e.Reopened) for event in story.history)
    assert len(found.wrote) == sum(isinstance(event, e.Opened | e.CustomerWrote) for event in story.history)
    assert (found.closing is None) == (story.case.closed_at is None)


def test_the_shipped_policy_gives_working_hours_and_not_hours() -> None:
    story = Story(now=datetime(2026, 3, 6, 17, 0, tzinfo=UTC), policy=SHIPPED).opened()  # a Friday, half an hour before the end
    story.wait(3 * DAY - 7 * HOUR)  # Monday at ten: an hour after the beginning
    story.tell(c.Accept("a", ANA))
    found = measured(story)
    assert found.accepted_working == int(1.5 * 3600)
    assert found.accepted == (3 * 24 - 7) * 3600
