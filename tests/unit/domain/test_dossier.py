"""A history as people read it: who said what and when it was seen, and every step with who, by which rule, why, and what it changed."""

from __future__ import annotations

from datetime import timedelta

from domain import commands as c
from domain import events as e
from domain.dossier import Change, Said, Step, conversation, rule_of, steps
from domain.story import _CLOCKS
from domain.values import Actor, ClockName, Intent, Purpose, Role, Via
from tests.casefiles import case_file
from tests.unit.domain.story import ANA, START, Story

HOUR = timedelta(hours=1)


def said(story: Story, **named: object) -> list[Said]:
    return conversation(case_file(story, **named))  # type: ignore[arg-type]


def step(story: Story, kind: str) -> Step:
    return next(one for one in steps(case_file(story)) if one.kind == kind)


def test_the_conversation_is_what_is_on_the_network_in_its_order() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.done(c.Update("u", ANA, "w-update"))
    story.wait(HOUR)
    story.arrives(Intent.QUESTION)
    spoken = said(story)
    assert [(one.voice, one.purpose) for one in spoken] == [
        ("customer", None),
        ("us", Purpose.ACKNOWLEDGEMENT),
        ("us", Purpose.UPDATE),
        ("customer", None),
    ]
    assert spoken[1].who == "the system"
    assert spoken[2].who == "Ana Silva"
    assert spoken[2].links == ("https://x.example/r2",)
    assert [version.words for version in spoken[2].versions] == ["w-update"]


def test_a_post_that_was_changed_and_deleted_keeps_what_we_saw_and_when() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.done(c.PostChanged("e", "p0", "w-second"))
    changed = story.now
    story.wait(HOUR)
    story.done(c.PostRemoved("d", "p0"))
    first = said(story)[0]
    assert [(version.at, version.words) for version in first.versions] == [(START, "w-p0"), (changed, "w-second")]
    assert first.deleted_at == story.now


def test_what_was_decided_and_not_sent_is_not_said() -> None:
    story = Story().accepted()
    story.posts = False
    story.done(c.Update("u", ANA, "w-update"))
    assert [one.purpose for one in said(story)] == [None, Purpose.ACKNOWLEDGEMENT]


def test_a_step_says_who_did_it_in_which_role_and_through_what() -> None:
    accepted = step(Story().accepted(), "accepted")
    assert (accepted.who, accepted.person, accepted.role, accepted.via) == ("Ana Silva", ANA.person, Role.DEPARTMENT, "slack")
    assert accepted.rule is None
    assert accepted.policy == Story().policy.id
    assert accepted.changes == (Change("status", "handed off", "in progress"), Change("owner", "nobody", "Ana Silva"))


def test_what_the_system_did_names_its_rule_and_what_it_follows_from() -> None:
    story = Story().opened()
    story.wait(timedelta(hours=2))
    breached = step(story, "clock_breached")
    assert (breached.who, breached.rule, breached.cause, breached.because_of) == ("the system", "clocks: accept", "it was time", None)
    assert breached.told == _CLOCKS[ClockName.ACCEPT]
    planned, posted = step(story, "reply_planned"), step(story, "reply_posted")
    assert planned.rule is not None
    assert planned.rule.startswith("wording: ")
    assert planned.because_of == 1, "the customer's post"
    assert posted.because_of == planned.seq
    assert posted.told == "Acknowledged in public"
    assert step(story, "opened").rule == "triage: no rule fits"


def test_an_answer_follows_from_the_post_that_gave_it_and_a_delivery_from_the_handoff() -> None:
    story = Story().accepted()
    story.done(c.Ask("q", ANA, "w-question"))
    story.wait(HOUR)
    story.arrives(Intent.REMARK)
    wrote = step(story, "customer_wrote")
    assert step(story, "ask_answered").because_of == wrote.seq
    assert step(story, "handoff_delivered").because_of == step(story, "handed_off").seq


def test_a_change_is_told_with_what_was_before() -> None:
    story = Story().accepted()
    story.done(c.Reassign("m", ANA, "technical"))
    changed = [change for one in steps(case_file(story)) if one.cause == "m" for change in one.changes]
    assert Change("department", "Billing", "Technical") in changed
    assert Change("owner", "Ana Silva", "nobody") in changed


def test_every_event_has_a_sentence() -> None:
    story = Story().accepted()
    story.wait(timedelta(days=3))
    told = [one.told for one in steps(case_file(story))]
    assert all(told)
    assert not any("`" in one for one in told)
    assert "A reply is to go out: acknowledgement" in told
    assert "Billing has the handoff, by Slack" in told
    watched = e.WatchEnded(START)
    assert rule_of(watched) == "watch"


def test_a_draft_names_the_rules_it_waits_by_and_what_was_decided_follows_from_it() -> None:
    second = Actor("slack:USECOND", Role.SOCIAL, Via.SLACK)
    story = Story().accepted()
    story.done(c.Update("u", ANA, "w-update", reasons=("money:refund*", "trainee")))
    story.wait(story.case.held[0].call_at - story.now)
    story.done(c.Approve("a", second, story.case.held[0].step, "w-other"))
    held, called, approved = (step(story, kind) for kind in ("draft_held", "escalated", "draft_approved"))
    assert (held.rule, held.person) == ("approvals: money:refund*, trainee", ANA.person)
    assert (called.because_of, approved.because_of) == (held.seq, held.seq)
    assert called.rule == "escalation: approval"
    assert approved.person == second.person
    (ours,) = [one for one in said(story) if one.purpose is Purpose.UPDATE]
    assert (ours.who, [version.words for version in ours.versions]) == ("Ana Silva", ["w-other"])
