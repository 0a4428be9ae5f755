"""What became of a case's clocks, read off its history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain import commands as c
from domain.clocks import running
from domain.kept_clocks import Became, KeptClock, kept_clocks
from domain.policy import CasePolicy
from domain.values import ClockName, Intent, Priority
from tests.unit.domain.story import ANA, POLICY, START, Story

HOUR = timedelta(hours=1)


def clocks_of(story: Story, upto: int | None = None) -> list[KeptClock]:
    versions: dict[str, CasePolicy] = {POLICY.id: POLICY, **story.versions}
    return kept_clocks(story.case.id, list(enumerate(story.entries, start=1))[:upto], lambda version: versions[version])


def of(story: Story, clock: ClockName) -> list[tuple[int, Became]]:
    return [(row.cycle, row.became) for row in clocks_of(story) if row.clock is clock]


def one(story: Story, clock: ClockName, cycle: int = 1) -> KeptClock:
    (row,) = [row for row in clocks_of(story) if row.clock is clock and row.cycle == cycle]
    return row


def closed() -> Story:
    story = Story().opened()
    story.wait(timedelta(minutes=20))
    story.tell(c.Accept("a", ANA))
    story.wait(HOUR)
    story.tell(c.Resolve("r", ANA, "billing_error", "w-thanks"))
    return story


def test_a_case_that_went_well_kept_each_of_its_clocks() -> None:
    story = closed()
    assert {(row.clock, row.became) for row in clocks_of(story)} == {
        (ClockName.ACKNOWLEDGE, Became.MET),
        (ClockName.ACCEPT, Became.MET),
        (ClockName.HOLDING_UPDATE, Became.OVER),
        (ClockName.RESOLVE, Became.MET),
        (ClockName.THANK_YOU, Became.MET),
    }
    accept = one(story, ClockName.ACCEPT)
    assert accept.started_at == START
    assert accept.due_at == START + POLICY.clocks.accept.of(Priority.NORMAL)
    assert accept.met_at == START + timedelta(minutes=20)
    assert accept.breached_at is None
    assert story.entries[(accept.ended_by or 0) - 1].event.kind == "accepted"


def test_what_was_done_too_late_says_when_it_was_due_and_when_it_was_done() -> None:
    story = Story().opened()
    story.wait(POLICY.clocks.accept.of(Priority.NORMAL) + HOUR)
    story.tell(c.Accept("a", ANA))
    accept = one(story, ClockName.ACCEPT)
    assert accept.became is Became.MET_LATE
    assert accept.breached_at == accept.due_at == START + POLICY.clocks.accept.of(Priority.NORMAL)
    assert accept.met_at == story.now


def test_a_move_to_another_department_ends_the_accept_clock_unmet_and_starts_another() -> None:
    story = Story().opened()
    story.wait(timedelta(minutes=5))
    story.done(c.Reassign("m", ANA, "technical", None, None, None))
    assert of(story, ClockName.ACCEPT) == [(1, Became.OVER), (2, Became.RUNNING)]
    assert one(story, ClockName.ACCEPT, 2).started_at == story.now


def test_while_the_customer_is_asked_the_resolve_clock_stands_still() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.done(c.Ask("q", ANA, "w-question"))
    asked = story.now
    assert one(story, ClockName.RESOLVE).became is Became.PAUSED
    assert one(story, ClockName.RESOLVE).due_at is None
    story.wait(HOUR)
    story.arrives(Intent.REMARK)
    answered = one(story, ClockName.RESOLVE)
    assert answered.became is Became.RUNNING
    assert [(p.since, p.until) for p in answered.pauses] == [(asked, story.now)]
    assert answered.due_at == answered.started_at + POLICY.clocks.resolve.of(Priority.NORMAL) + HOUR


def test_every_update_is_a_cycle_of_its_own() -> None:
    story = Story().accepted()
    for _ in range(3):
        story.wait(HOUR)
        story.done(c.Update(f"u{story.now}", ANA, f"w-{story.now}", story.now + timedelta(days=1)))
    assert of(story, ClockName.HOLDING_UPDATE) == [(1, Became.MET), (2, Became.MET), (3, Became.MET), (4, Became.RUNNING)]


def test_a_case_that_ends_owes_nothing_any_more() -> None:
    story = Story().opened()
    story.done(c.Dismiss("d", ANA, "spam"))
    assert {row.became for row in clocks_of(story)} == {Became.MET, Became.OVER}


def test_another_policy_gives_another_due_moment_from_the_move_on() -> None:
    accept = POLICY.clocks.accept.model_copy(update={"normal": timedelta(minutes=10)})
    stricter = POLICY.model_copy(update={"id": "default@2", "clocks": POLICY.clocks.model_copy(update={"accept": accept})})
    story = Story(versions={"default@2": stricter}).opened()
    before = len(story.entries)
    story.wait(timedelta(minutes=1))
    story.done(c.MovePolicy("p", ANA, "default@2"))
    then = [row for row in clocks_of(story, before) if row.clock is ClockName.ACCEPT]
    assert [row.due_at for row in then] == [START + POLICY.clocks.accept.of(Priority.NORMAL)]
    assert one(story, ClockName.ACCEPT).due_at == START + timedelta(minutes=10)


ACTS: list[Callable[[Story, str], object]] = [
    lambda s, key: s.tell(c.Accept(key, ANA)),
    lambda s, key: s.tell(c.Ask(key, ANA, f"w-{key}")),
    lambda s, key: s.tell(c.Update(key, ANA, f"w-{key}", None)),
    lambda s, key: s.tell(c.Resolve(key, ANA, "billing_error", f"w-{key}")),
    lambda s, key: s.tell(c.Reassign(key, ANA, "technical", None, None, None)),
    lambda s, key: s.tell(c.WaitOnThirdParty(key, ANA, f"w-{key}")),
    lambda s, key: s.tell(c.SetPriority(key, ANA, Priority.URGENT)),
    lambda s, key: s.arrives(Intent.COMPLAINT),
    lambda s, key: s.arrives(Intent.THANKS),
    lambda s, key: s.wait(timedelta(hours=7)),
    lambda s, key: s.wait(timedelta(days=4)),
]


@given(st.lists(st.sampled_from(range(len(ACTS))), max_size=14))
def test_at_every_moment_what_runs_is_what_has_not_ended(acts: list[int]) -> None:
    story = Story().opened()
    for number, act in enumerate(acts):
        ACTS[act](story, f"k{number}")
    rows = clocks_of(story)
    open_rows = {(row.clock, row.started_at, row.due_at if row.breached_at is None else None) for row in rows if row.ended_at is None}
    breached = {row.clock for row in rows if row.ended_at is None and row.breached_at is not None}
    now = running(story.case, story.policy)
    assert open_rows == {(clock.name, clock.started_at, None if clock.name in breached else clock.due_at) for clock in now}
    for row in rows:
        assert row.ended_at is None or row.ended_at >= row.started_at
        assert (row.ended_at is None) == (row.became in (Became.RUNNING, Became.PAUSED))
        assert all(pause.since >= row.started_at for pause in row.pauses)
    for name in ClockName:
        assert [row.cycle for row in rows if row.clock is name] == list(range(1, 1 + sum(row.clock is name for row in rows)))
