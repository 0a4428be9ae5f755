"""What must hold whatever happens: random lives of a case, driven through the rules alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.clocks import due, running
from domain.decide import decide
from domain.evolve import evolve, fold
from domain.history import Entry, document, read
from domain.values import CLOSING_PURPOSES, SYSTEM, Intent, Permalink, Priority, Purpose, Status, Thread, Triage
from tests.unit.domain.story import ANA, BEN, Story

S = Status
LEGAL: dict[Status, set[Status]] = {
    S.NEW: {S.ACKNOWLEDGED, S.HANDED_OFF, S.IN_PROGRESS, S.RESOLVED, S.CLOSED, S.DISMISSED, S.WAITING_ON_CUSTOMER},
    S.ACKNOWLEDGED: {S.MERGED, S.HANDED_OFF, S.IN_PROGRESS, S.RESOLVED, S.CLOSED, S.DISMISSED, S.WAITING_ON_CUSTOMER},
    S.HANDED_OFF: {S.MERGED, S.IN_PROGRESS, S.WAITING_ON_CUSTOMER, S.CLOSED, S.DISMISSED, S.RESOLVED},
    S.IN_PROGRESS: {S.MERGED, S.HANDED_OFF, S.NEW, S.WAITING_ON_CUSTOMER, S.RESOLVED, S.DISMISSED},
    S.WAITING_ON_CUSTOMER: {S.IN_PROGRESS, S.HANDED_OFF, S.NEW, S.RESOLVED, S.CLOSED, S.DISMISSED},
    S.RESOLVED: {S.CLOSED, S.IN_PROGRESS, S.HANDED_OFF, S.NEW},
    S.CLOSED: {S.IN_PROGRESS, S.HANDED_OFF, S.ACKNOWLEDGED, S.NEW},
    S.DISMISSED: set(),
    S.MERGED: {S.ACKNOWLEDGED, S.HANDED_OFF, S.IN_PROGRESS},
}
"""From a status, the statuses that one decision may lead to. Back to `new`: reassigned or reopened before the customer was reached."""

WHAT = """
merge taken_in not_taken accept accept_other ask update resolve reassign note priority category dismiss reopen waive settle_yes settle_no
complaint question remark thanks stranger edit delete_first delete_other
posted posted failed unconfirmed expired desk desk_no mailed mail_no wait wait wait
"""

Step = tuple[str, int, int]
lives = st.lists(
    st.tuples(
        st.sampled_from(WHAT.split()),
        st.integers(0, 5),
        st.integers(0, 8 * 24 * 60),
    ),
    max_size=30,
)


def message(story: Story, kind: str, pick: int, number: int) -> c.Message | None:
    case, key = story.case, f"k{number}"
    reply = case.replies[pick % len(case.replies)] if case.replies else None
    planned = case.planned()
    arrives = {"complaint": Intent.COMPLAINT, "question": Intent.QUESTION, "remark": Intent.REMARK, "thanks": Intent.THANKS}
    if kind in arrives or kind == "stranger":
        triage = Triage(arrives.get(kind, Intent.COMPLAINT), "billing", Priority.NORMAL, "billing")
        return c.PostArrived(key, f"n{number}", triage, story.now, f"w{number}", by_customer=kind != "stranger")
    if kind == "posted" and planned is not None:
        late = story.now - timedelta(minutes=pick)
        parts = (Permalink(f"r{planned.step}", f"https://x.example/{planned.step}"),)
        return c.Posted(key, planned.step, planned.purpose, max(late, planned.planned_at), parts, planned.words, planned.promise)
    made: dict[str, c.Message | None] = {
        "accept": c.Accept(key, ANA),
        "accept_other": c.Accept(key, BEN),
        "ask": c.Ask(key, ANA, "w"),
        "update": c.Update(key, ANA, "w", story.now + timedelta(hours=pick)),
        "resolve": c.Resolve(key, ANA, "other", "w"),
        "reassign": c.Reassign(key, ANA, ["billing", "technical"][pick % 2]),
        "note": c.Note(key, ANA, "w"),
        "priority": c.SetPriority(key, BEN, list(Priority)[pick % 4]),
        "category": c.SetCategory(key, BEN, ["billing", "technical", "nonsense"][pick % 3]),
        "dismiss": c.Dismiss(key, BEN, "spam") if pick == 0 else None,
        "reopen": c.Reopen(key, BEN),
        "waive": c.WaiveThankYou(key, BEN, "w"),
        "settle_yes": c.SettleReply(key, BEN, reply.step if reply else 99, posted=True, permalink="https://x.example/s"),
        "settle_no": c.SettleReply(key, BEN, reply.step if reply else 99, posted=False),
        "merge": c.Merge(key, BEN, "meridian-x-2", "w", c.Target(2, pick != 1, None, pick != 2)) if pick < 3 else None,
        "taken_in": c.CaseMerged(key, f"meridian-x-{9 + pick}", (Thread(f"meridian-x-{9 + pick}", f"f{pick}", f"l{pick}"),), Priority.HIGH),
        "not_taken": c.MergeFailed(key, "meridian-x-2"),
        "edit": c.PostChanged(key, case.last_post, "w"),
        "delete_first": c.PostRemoved(key, case.first_post) if pick == 0 else None,
        "delete_other": c.PostRemoved(key, "elsewhere"),
        "failed": c.PostFailed(key, planned.step, "no") if planned else None,
        "unconfirmed": c.PostUnconfirmed(key, planned.step, "who knows") if planned else None,
        "expired": c.PostExpired(key, planned.step) if planned else None,
        "desk": c.DeskTold(key, case.events, case.department),
        "desk_no": c.DeskUnreachable(key, case.events, "gone"),
        "mailed": c.Mailed(key, case.handoff.mail_step) if case.handoff and case.handoff.mail_step else None,
        "mail_no": c.MailFailed(key, case.handoff.mail_step, "no") if case.handoff and case.handoff.mail_step else None,
    }
    return made.get(kind)


def legal(story: Story, before: Case) -> None:
    case = story.case
    assert case.status is before.status or case.status in LEGAL[before.status], f"{before.status} → {case.status}"
    if case.status is Status.CLOSED:
        assert case.closing_permalink or case.waived_by
    else:
        assert case.waived_by is None or case.is_over


def live(steps: list[Step], intent: Intent) -> Story:
    story = Story(posts=False).opened(intent)
    for number, (kind, pick, minutes) in enumerate(steps):
        before = story.case
        if kind != "wait" and (sent := message(story, kind, pick, number)) is not None:
            story.tell(sent)
            legal(story, before)
            before = story.case
        end = story.now + timedelta(minutes=minutes if kind == "wait" else 0)
        for moment in story.duties(end):
            following = due(story.case, story.policy)
            assert following is None or following > moment, "a duty that is taken up is no longer owed"
            legal(story, before)
            before = story.case
        story.now = end
        for clock in running(story.case, story.policy):
            if clock.due_at is not None and clock.due_at <= story.now:
                assert clock.name in story.case.breached, f"{clock.name} was missed without an event"
    return story


INTENTS = st.sampled_from([Intent.COMPLAINT, Intent.QUESTION, Intent.REMARK, Intent.PRAISE])


@given(lives, INTENTS)
@settings(max_examples=150, deadline=None)
def test_no_life_of_a_case_breaks_a_rule(steps: list[Step], intent: Intent) -> None:
    story = live(steps, intent)
    assert fold("meridian-x-1", story.history) == story.case


@given(lives, INTENTS)
@settings(max_examples=150, deadline=None)
def test_no_resolution_is_thanked_for_twice_and_no_loop_closes_unsaid(steps: list[Step], intent: Intent) -> None:
    thanked, said = 0, False
    for event in live(steps, intent).history:
        match event:
            case e.Resolved() | e.Reopened():
                thanked = 0
            case e.ReplyPosted(purpose=purpose) if purpose in CLOSING_PURPOSES:
                thanked, said = thanked + 1, True
                assert purpose is Purpose.CLOSING_NOTE or thanked <= 1
            case e.ThankYouWaived():
                said = True
            case e.Closed():
                assert said
                said = False
            case _:
                pass


@given(lives, INTENTS)
@settings(max_examples=150, deadline=None)
def test_the_news_of_a_posting_may_arrive_late_without_changing_the_case(steps: list[Step], intent: Intent) -> None:
    """The activity records `reply_posted` before the workflow hears of it, so other events can come between in the workflow's order."""
    history = live(steps, intent).history
    for at, event in enumerate(history):
        if not isinstance(event, e.ReplyPosted) or at < 1:
            continue
        earlier = history[at - 1]
        if isinstance(earlier, e.ReplyPosted | e.Opened) or getattr(earlier, "step", None) == event.step:
            continue
        base = fold("c", history[: at - 1])
        one = evolve(evolve(base, earlier), event)
        other = evolve(evolve(base, event), earlier)
        assert replace(one, pauses=(), breached=frozenset()) == replace(other, pauses=(), breached=frozenset())
        if not isinstance(earlier, e.ClockBreached):
            assert one.breached == other.breached


st.register_type_strategy(datetime, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
st.register_type_strategy(str, st.text(st.characters(codec="utf-8"), max_size=20))
EVENT_KINDS: tuple[type[e.Event], ...] = get_args(e.Event)
EVENTS = st.one_of(*(st.from_type(kind) for kind in EVENT_KINDS))


@given(st.lists(EVENTS, max_size=12))
@settings(max_examples=100, deadline=None)
def test_every_event_applies_to_every_case(history: list[e.Event]) -> None:
    case = fold("c", history)
    assert case.events == len(history)
    assert case.status in Status


@given(EVENTS)
@settings(max_examples=300, deadline=None)
def test_a_document_says_all_that_the_event_says(event: e.Event) -> None:
    entry = Entry("w1", event, SYSTEM, "clock", "default@1")
    again = read(document(entry), "w1")
    assert again == entry
    assert document(again) == document(entry)


@pytest.mark.parametrize("kind", [k.__name__ for k in EVENT_KINDS])
def test_every_event_says_when_it_happens(kind: str) -> None:
    doc = getattr(e, kind).__doc__
    assert doc
    assert not doc.startswith(kind + "("), "the generated signature is no description"
    assert "\n" not in doc.strip()


def test_a_refusal_changes_nothing() -> None:
    story = Story().opened()
    before = story.case
    assert isinstance(decide(before, c.Resolve("r", ANA, "other", "w"), story.policy, story.now), c.Refusal)
    assert story.case is before
