"""The chains of the shipped policy, told step by step. START is a Monday morning in London, at 10:02."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain import commands as c
from domain import events as e
from domain.policy import CasePolicy
from domain.values import Audience, ClockName, Intent, Priority, Purpose, Status
from tests.unit.domain.story import ANA, BEN, SHIPPED, START, Story

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
A = Audience


def shipped(now: datetime = START, policy: CasePolicy = SHIPPED) -> Story:
    return Story(now=now, policy=policy)


def handed_off(
    priority: Priority = Priority.NORMAL, department: str = "billing", now: datetime = START, policy: CasePolicy = SHIPPED
) -> Story:
    """A case whose department has seen its card."""
    story = shipped(now, policy).opened(priority=priority, department=department)
    story.tell(c.DeskTold("card", 3, department))
    return story


def taken(priority: Priority = Priority.NORMAL, department: str = "billing", now: datetime = START) -> Story:
    story = handed_off(priority, department, now)
    story.done(c.Accept("accept", ANA))
    return story


def reached(story: Story) -> None:
    """Whoever was called has been reached."""
    for call in story.case.calls:
        story.done(c.Called(f"reached-{call.step}", call.step, "slack"))


def lets_pass(story: Story, span: timedelta) -> None:
    """Let time pass; every call reaches whom it is for at once."""
    end = story.now + span
    for _ in story.duties(end):
        reached(story)
    story.now = end


def calls(story: Story, *clocks: ClockName) -> list[tuple[str, str, int]]:
    """Who was called, when and the how many-eth time again."""
    found = [ev for ev in story.history if isinstance(ev, e.Escalated) and (not clocks or ev.clock in clocks)]
    return [(f"{ev.at:%a %H:%M}", ev.to.value, ev.repeat) for ev in found]


def kinds(events: object) -> list[str]:
    assert isinstance(events, list), events
    return [event.kind for event in events]


def refused(answer: object) -> str:
    assert isinstance(answer, c.Refusal), answer
    return answer.code


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2026; the 2nd is a Monday, and London is at UTC until the 29th."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


# --- nobody accepts ---------------------------------------------------------------------------------------------------

CLIMB = [
    ("Mon 10:32", "department", 0),
    ("Mon 11:02", "lead", 0),
    ("Mon 11:32", "head", 0),
    ("Mon 11:32", "escalations", 0),
    ("Mon 12:02", "duty_manager", 0),
    ("Mon 13:02", "duty_manager", 1),
    ("Mon 14:02", "duty_manager", 2),
    ("Mon 15:02", "duty_manager", 3),
    ("Mon 16:02", "duty_manager", 4),
    ("Mon 17:02", "duty_manager", 5),
]


def test_a_case_that_nobody_accepts_climbs_the_chain_once_and_is_marked_as_stalled() -> None:
    story = handed_off()
    lets_pass(story, 3 * DAY)
    assert calls(story, ClockName.ACCEPT) == CLIMB
    (stalled,) = story.of(e.Stalled)
    assert stalled.at == at(3, 9, 32), "an hour of the department's working time after the last call: it went home at half past five"
    assert story.case.stalled_at == stalled.at
    why = "this case has stalled: everybody up the chain was called, and nobody has acted"
    assert [(ev.at, ev.why) for ev in story.history if isinstance(ev, e.HumanNeeded)] == [(stalled.at, why)]


def test_the_priority_goes_up_once_when_the_duty_manager_is_called() -> None:
    story = handed_off()
    lets_pass(story, 2 * DAY)
    raised = [(ev.at, ev.before, ev.priority) for ev in story.history if isinstance(ev, e.PrioritySet)]
    assert raised == [(at(2, 12, 2), Priority.NORMAL, Priority.HIGH)]


def test_a_case_that_comes_in_the_evening_is_chased_from_the_morning_on() -> None:
    story = handed_off(now=at(6, 19))
    lets_pass(story, 4 * DAY)
    assert calls(story, ClockName.ACCEPT)[:4] == [
        ("Mon 09:30", "department", 0),
        ("Mon 10:00", "lead", 0),
        ("Mon 10:30", "head", 0),
        ("Mon 10:30", "escalations", 0),
    ]


def test_an_urgent_case_climbs_four_times_as_fast_and_cannot_be_raised() -> None:
    story = handed_off(Priority.URGENT)
    lets_pass(story, 31 * MINUTE)
    assert [when for when, _, _ in calls(story, ClockName.ACCEPT)] == ["Mon 10:09", "Mon 10:17", "Mon 10:24", "Mon 10:24", "Mon 10:32"]
    assert story.of(e.PrioritySet) == []


def test_warnings_go_before_the_breach_each_once() -> None:
    story = handed_off()
    lets_pass(story, 2 * HOUR)
    warned = [(ev.at, ev.percent, ev.due_at) for ev in story.history if isinstance(ev, e.ClockWarned) and ev.clock is ClockName.ACCEPT]
    assert warned == [(at(2, 10, 47), 75, at(2, 11, 2)), (at(2, 10, 56), 90, at(2, 11, 2))]
    assert [(ev.at, ev.clock) for ev in story.history if isinstance(ev, e.ClockBreached)] == [(at(2, 11, 2), ClockName.ACCEPT)]


# --- somebody accepts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [5, 30, 35, 60, 65, 90, 100, 120, 130, 200, 420, 450, 2 * 24 * 60])
def test_to_accept_ends_the_chain_at_once(minutes: int) -> None:
    story = handed_off()
    lets_pass(story, minutes * MINUTE)
    before = calls(story, ClockName.ACCEPT)
    story.done(c.Accept("accept", ANA))
    assert story.case.stalled_at is None
    lets_pass(story, 5 * DAY)
    assert calls(story, ClockName.ACCEPT) == before
    assert [ev for ev in story.of(e.Stalled) if ev.at > START + minutes * MINUTE] == []


def test_to_accept_calls_off_what_has_not_been_delivered() -> None:
    story = handed_off()
    story.wait(92 * MINUTE)
    waiting = {call.step: call.to for call in story.case.calls}
    assert [*waiting.values()] == [A.DEPARTMENT, A.LEAD, A.HEAD, A.ESCALATIONS]
    happened = story.done(c.Accept("accept", ANA))
    assert {ev.step: ev.to for ev in happened if isinstance(ev, e.EscalationCalledOff)} == waiting
    assert story.case.calls == ()
    assert story.done(c.Called("too-late", min(waiting), "slack")) == []


def test_a_case_that_has_stalled_is_not_marked_again_when_somebody_has_acted() -> None:
    repeating = SHIPPED.chains.accept[-1].repeat
    resolve = (*SHIPPED.chains.resolve[:-1], SHIPPED.chains.resolve[-1].model_copy(update={"repeat": repeating}))
    story = handed_off(policy=SHIPPED.model_copy(update={"chains": SHIPPED.chains.model_copy(update={"resolve": resolve})}))
    story.done(c.Accept("accept", ANA))
    lets_pass(story, 10 * DAY)
    assert [ev.clock for ev in story.history if isinstance(ev, e.Stalled)] == [ClockName.RESOLVE]
    story.done(c.Reassign("r", ANA, "technical"))
    assert story.case.stalled_at is None
    lets_pass(story, MINUTE)
    assert story.case.stalled_at is None


def test_what_is_called_off_is_not_mailed_either() -> None:
    story = handed_off()
    story.wait(31 * MINUTE)
    assert [call.to for call in story.case.calls] == [A.DEPARTMENT]
    story.done(c.Accept("accept", ANA))
    story.wait(10 * MINUTE)
    assert story.of(e.EscalationMailed) == []


# --- quiet hours ------------------------------------------------------------------------------------------------------
# The technical department works until midnight. Its lead may be called at any hour; Helen Park, the head, sleeps from 22:00 to 07:00.

LATE = at(2, 21, 32)


def test_a_call_to_somebody_who_sleeps_waits_until_the_morning_and_the_next_step_does_not() -> None:
    story = handed_off(department="technical", now=LATE)
    lets_pass(story, 12 * HOUR)
    assert calls(story, ClockName.ACCEPT)[:6] == [
        ("Mon 22:02", "department", 0),
        ("Mon 22:32", "lead", 0),
        ("Mon 23:02", "escalations", 0),
        ("Mon 23:32", "duty_manager", 0),
        ("Tue 06:32", "duty_manager", 1),
        ("Tue 07:00", "head", 0),
    ]


def test_a_call_about_an_urgent_case_waits_for_nobody_to_wake_up() -> None:
    story = handed_off(Priority.URGENT, "technical", at(2, 22))
    lets_pass(story, 31 * MINUTE)
    assert ("Mon 22:22", "head", 0) in calls(story)


def test_a_case_that_becomes_urgent_wakes_whom_it_let_sleep() -> None:
    story = handed_off(department="technical", now=LATE)
    lets_pass(story, 95 * MINUTE)
    story.done(c.SetPriority("p", BEN, Priority.URGENT))
    lets_pass(story, MINUTE)
    assert ("Mon 23:07", "head", 0) in calls(story)


def test_whoever_sleeps_is_not_called_any_more_once_somebody_has_accepted() -> None:
    story = handed_off(department="technical", now=LATE)
    lets_pass(story, 2 * HOUR)
    story.done(c.Accept("accept", ANA))
    lets_pass(story, 10 * HOUR)
    assert "head" not in [to for _, to, _ in calls(story, ClockName.ACCEPT)]


def test_a_priority_that_is_raised_at_night_calls_nobody_who_sleeps_although_their_step_lies_in_the_day_before() -> None:
    story = handed_off(Priority.LOW, now=at(2, 15))
    lets_pass(story, 8 * HOUR)
    assert calls(story) == [("Mon 17:00", "department", 0)]
    story.done(c.SetPriority("p", BEN, Priority.NORMAL))  # it is 23:00: the lead's step would have been at 16:00, the head's at 16:30
    lets_pass(story, 9 * HOUR)
    assert calls(story, ClockName.ACCEPT)[1:] == [
        ("Mon 23:00", "escalations", 0),
        ("Mon 23:00", "duty_manager", 0),
        ("Tue 07:00", "lead", 0),
        ("Tue 07:00", "head", 0),
    ]


def test_the_one_who_is_called_in_place_of_a_missing_lead_is_let_sleep_too() -> None:
    story = handed_off(department="technical", now=LATE, policy=SHIPPED.model_copy(update={"leads": {}}))
    lets_pass(story, 10 * HOUR)
    assert ("Tue 07:00", "lead", 0) in calls(story, ClockName.ACCEPT), "that is the head, who sleeps until then"


# --- the owner and the leads ------------------------------------------------------------------------------------------


def test_an_owner_who_is_late_is_reminded_and_then_those_above() -> None:
    story = taken(now=at(2, 9))
    lets_pass(story, 8 * DAY)
    assert calls(story, ClockName.RESOLVE) == [("Wed 10:00", "owner", 0), ("Wed 16:00", "lead", 0), ("Fri 11:00", "head", 0)]


def test_the_customer_who_waits_for_an_update_is_told_of_to_the_owner_and_then_to_the_social_team() -> None:
    story = taken()
    lets_pass(story, DAY)
    assert calls(story, ClockName.HOLDING_UPDATE) == [("Tue 04:02", "owner", 0), ("Tue 07:38", "social", 0)]
    assert [ev.at for ev in story.history if isinstance(ev, e.ReplyPosted)] == [START, START + DAY - 7 * MINUTE]


def test_a_snooze_lets_the_owner_be_and_not_those_above() -> None:
    story = taken(now=at(2, 9))
    lets_pass(story, DAY)
    assert refused(story.tell(c.Snooze("s", ANA, story.now + 4 * DAY))) == "too_long"
    story.done(c.Snooze("s", ANA, at(5, 17)))
    lets_pass(story, 8 * DAY)
    assert calls(story, ClockName.RESOLVE) == [("Wed 16:00", "lead", 0), ("Thu 17:00", "owner", 0), ("Fri 11:00", "head", 0)]
    assert [(ev.at, ev.reason) for ev in story.history if isinstance(ev, e.SnoozeEnded)] == [(at(5, 17), "its time is over")]


def test_a_snooze_ends_when_the_customer_writes() -> None:
    story = taken()
    story.done(c.Snooze("s", ANA, START + 2 * DAY))
    lets_pass(story, HOUR)
    assert kinds(story.arrives(Intent.REMARK)) == ["customer_wrote", "snooze_ended"]
    assert story.case.snoozed_until is None


# --- pauses -----------------------------------------------------------------------------------------------------------


def test_a_third_party_pauses_the_resolve_clock_alone() -> None:
    story = taken(now=at(2, 9))
    lets_pass(story, HOUR)
    story.done(c.WaitOnThirdParty("w", ANA, "the courier", at(3, 10)))
    assert story.status() is Status.WAITING_ON_THIRD_PARTY
    lets_pass(story, 9 * DAY)
    assert [(ev.at, ev.reason) for ev in story.history if isinstance(ev, e.WaitEnded)] == [(at(3, 10), "its time is over")]
    assert calls(story, ClockName.RESOLVE) == [("Thu 10:00", "owner", 0), ("Thu 16:00", "lead", 0), ("Mon 11:00", "head", 0)]
    assert calls(story, ClockName.HOLDING_UPDATE)[:2] == [("Tue 03:00", "owner", 0), ("Tue 06:36", "social", 0)]


def test_a_question_to_the_customer_pauses_the_resolve_clock_and_the_updates() -> None:
    story = taken(now=at(2, 9))
    lets_pass(story, HOUR)
    story.done(c.Ask("q", ANA, "w"))
    lets_pass(story, 20 * HOUR)
    assert calls(story) == []
    lets_pass(story, 4 * HOUR)
    story.arrives(Intent.REMARK)
    lets_pass(story, 8 * DAY)
    assert calls(story, ClockName.RESOLVE) == [("Thu 10:00", "owner", 0), ("Thu 16:00", "lead", 0), ("Mon 11:00", "head", 0)]


def test_nobody_is_called_again_while_the_clock_stands_still() -> None:
    repeating = SHIPPED.chains.accept[-1].repeat
    resolve = (SHIPPED.chains.resolve[1].model_copy(update={"repeat": repeating}),)
    story = handed_off(now=at(2, 9), policy=SHIPPED.model_copy(update={"chains": SHIPPED.chains.model_copy(update={"resolve": resolve})}))
    story.done(c.Accept("accept", ANA))
    lets_pass(story, 2 * DAY + 7 * HOUR + 30 * MINUTE)  # the lead was called half an hour ago
    story.done(c.WaitOnThirdParty("w", ANA, "the courier", at(5, 12)))
    lets_pass(story, 2 * DAY)
    assert calls(story, ClockName.RESOLVE)[:3] == [("Wed 16:00", "lead", 0), ("Thu 12:30", "lead", 1), ("Thu 13:30", "lead", 2)]


def test_a_priority_that_is_lowered_gives_the_chain_its_time_back() -> None:
    story = handed_off(Priority.URGENT)
    lets_pass(story, 31 * MINUTE)
    story.done(c.SetPriority("p", BEN, Priority.LOW))
    lets_pass(story, 7 * HOUR)
    assert calls(story, ClockName.ACCEPT)[4:] == [("Mon 10:32", "duty_manager", 0)], "twice four hours after the handoff is tomorrow"
    lets_pass(story, DAY)
    assert calls(story, ClockName.ACCEPT)[5] == ("Tue 09:32", "duty_manager", 1)


# --- asked for, passed on ---------------------------------------------------------------------------------------------


def test_a_case_that_is_passed_on_for_the_third_time_is_told_to_whoever_leads_the_social_team() -> None:
    story = taken()
    for number, department in enumerate(["technical", "website"]):
        assert "escalated" not in kinds(story.done(c.Reassign(f"r{number}", ANA, department)))
    happened = story.done(c.Reassign("r2", ANA, "billing"))
    assert [(ev.to, ev.why, ev.clock) for ev in happened if isinstance(ev, e.Escalated)] == [(A.SOCIAL_LEAD, "bounced", None)]


def test_escalate_now_climbs_and_begins_anew_when_somebody_has_accepted() -> None:
    story = handed_off()
    for to in (A.LEAD, A.HEAD, A.DUTY_MANAGER):
        (called,) = story.done(c.EscalateNow(f"up-{to}", BEN, "w"))
        assert isinstance(called, e.Escalated)
        assert (called.to, called.why, called.words) == (to, "asked", "w")
    assert refused(story.tell(c.EscalateNow("higher", BEN))) == "top_of_the_chain"
    story.done(c.Accept("accept", ANA))
    (called,) = story.done(c.EscalateNow("again", BEN))
    assert isinstance(called, e.Escalated)
    assert called.to is A.LEAD


def test_escalate_now_goes_to_the_social_team_where_the_policy_names_nobody() -> None:
    story = handed_off(policy=SHIPPED.model_copy(update={"leads": {}, "heads": {}, "duty_manager": None}))
    (called,) = story.done(c.EscalateNow("up", BEN))
    assert isinstance(called, e.Escalated)
    assert called.to is A.SOCIAL
    assert refused(story.tell(c.EscalateNow("higher", BEN))) == "top_of_the_chain"


def test_to_accept_does_not_call_off_what_somebody_asked_for() -> None:
    story = handed_off()
    story.done(c.EscalateNow("up", BEN))
    story.done(c.Accept("accept", ANA))
    assert [call.to for call in story.case.calls] == [A.LEAD]


# --- how a call gets there --------------------------------------------------------------------------------------------


def test_a_call_that_slack_does_not_take_goes_by_mail_after_five_minutes() -> None:
    story = handed_off()
    story.wait(30 * MINUTE)
    (call,) = story.case.calls
    (mailed,) = story.wait(5 * MINUTE)
    assert isinstance(mailed, e.EscalationMailed)
    assert (mailed.at, mailed.step, mailed.to) == (at(2, 10, 37), call.step, A.DEPARTMENT)
    assert mailed.mail_step != call.step
    (delivered,) = story.done(c.Called("m", call.step, "email"))
    assert isinstance(delivered, e.EscalationDelivered)
    assert (delivered.step, delivered.by) == (call.step, "email")
    assert story.done(c.Called("late", call.step, "slack")) == [], "it was delivered already"


def test_a_call_that_slack_has_taken_is_not_mailed() -> None:
    story = handed_off()
    story.wait(30 * MINUTE)
    (call,) = story.case.calls
    (delivered,) = story.done(c.Called("c", call.step, "slack", "billing_lead"))
    assert isinstance(delivered, e.EscalationDelivered)
    assert delivered.person == "billing_lead"
    assert story.wait(10 * MINUTE) == []


def test_a_call_that_slack_will_never_take_is_mailed_at_once_and_when_both_fail_a_person_is_asked() -> None:
    story = handed_off()
    story.wait(30 * MINUTE)
    (call,) = story.case.calls
    assert kinds(story.done(c.CallFailed("f", call.step, "slack", "users_not_found"))) == ["escalation_failed", "escalation_mailed"]
    assert story.done(c.CallFailed("f2", call.step, "slack", "users_not_found")) == [], "the same news twice"
    assert story.wait(10 * MINUTE) == []
    assert kinds(story.done(c.CallFailed("m", call.step, "email", "bad address"))) == ["escalation_failed", "human_needed"]
    assert story.case.calls == ()


# --- whatever a call was about has happened ---------------------------------------------------------------------------


def test_a_resolution_calls_off_everything() -> None:
    story = taken()
    story.wait(DAY - HOUR)
    assert [call.to for call in story.case.calls] == [A.OWNER, A.SOCIAL]
    story.done(c.Resolve("r", ANA, "other", "w"))
    assert story.case.calls == ()


def test_a_word_to_the_customer_calls_off_what_was_about_their_waiting() -> None:
    story = taken()
    story.wait(DAY - HOUR)
    happened = story.done(c.Update("u", ANA, "w"))
    assert kinds(happened) == ["reply_planned"]
    assert [ev.to for ev in story.history[-3:] if isinstance(ev, e.EscalationCalledOff)] == [A.OWNER, A.SOCIAL]
    assert story.case.calls == ()


def test_nobody_is_called_for_an_update_under_a_post_that_is_gone() -> None:
    story = taken()
    story.wait(DAY - 2 * HOUR - 20 * MINUTE)
    assert [call.clock for call in story.case.calls] == [ClockName.HOLDING_UPDATE, ClockName.HOLDING_UPDATE]
    story.done(c.PostRemoved("d", story.case.first_post))
    assert story.case.calls == ()


def test_a_case_that_is_closed_by_a_note_calls_nobody_any_more() -> None:
    story = taken()
    story.done(c.EscalateNow("up", BEN))
    story.done(c.Ask("q", ANA, "w"))
    story.wait(7 * DAY - MINUTE)
    assert [call.to for call in story.case.calls] == [A.LEAD]
    story.wait(2 * MINUTE)
    assert story.status() is Status.CLOSED
    assert story.case.calls == ()


# --- one voice --------------------------------------------------------------------------------------------------------


def asks(story: Story) -> list[str | None]:
    """The questions that have reached the customer."""
    return [ev.words for ev in story.history if isinstance(ev, e.ReplyPosted) and ev.purpose is Purpose.ASK]


def dropped(story: Story) -> list[str]:
    return [ev.words for ev in story.history if isinstance(ev, e.AskDropped)]


def test_a_second_question_waits_until_the_first_is_answered() -> None:
    story = taken()
    story.done(c.Ask("q1", ANA, "w1"))
    assert kinds(story.done(c.Ask("q2", BEN, "w2", "technical"))) == ["ask_queued"]
    assert kinds(story.done(c.Ask("q3", ANA, "w3"))) == ["ask_queued"]
    assert refused(story.tell(c.Ask("q4", ANA, "w2"))) == "said_already"
    lets_pass(story, HOUR)
    assert asks(story) == ["w1"]
    story.arrives(Intent.REMARK)
    assert asks(story) == ["w1", "w2"]
    assert story.case.ask is not None
    assert [(asker.person, asker.department) for asker in story.case.ask.askers] == [(BEN.person, "technical")]
    lets_pass(story, HOUR)
    story.arrives(Intent.COMPLAINT)
    lets_pass(story, HOUR)
    story.arrives(Intent.QUESTION)
    assert asks(story) == ["w1", "w2", "w3"]
    assert story.status() is Status.IN_PROGRESS


def test_a_question_that_joins_one_in_time_is_asked_with_it_and_both_get_the_answer() -> None:
    story = taken()
    story.posts = False
    story.done(c.Ask("q1", ANA, "w1"))
    first = story.case.planned(Purpose.ASK)
    assert first is not None
    story.done(c.Ask("q2", BEN, "w1 and w2", "technical", joins=first.step, alone="w2"))
    story.network_posts()
    assert asks(story) == ["w1 and w2"]
    assert story.case.ask is not None
    assert [(asker.person, asker.alone) for asker in story.case.ask.askers] == [(ANA.person, None), (BEN.person, "w2")]


def test_a_question_that_joins_too_late_is_asked_by_itself_after_the_answer() -> None:
    story = taken()
    story.posts = False
    story.done(c.Ask("q1", ANA, "w1"))
    first = story.case.planned(Purpose.ASK)
    assert first is not None
    story.done(c.Ask("q2", BEN, "w1 and w2", "technical", joins=first.step, alone="w2"))
    story.done(c.Posted("overtaken", first.step, Purpose.ASK, story.now, (), "w1"))  # it had gone out before anybody could know
    assert story.case.planned(Purpose.ASK) is None
    assert [question.words for question in story.case.questions] == ["w2"]
    assert story.case.ask is not None
    assert [asker.person for asker in story.case.ask.askers] == [ANA.person]
    story.posts = True
    story.now += HOUR
    story.arrives(Intent.REMARK)
    assert asks(story) == ["w1", "w2"]


def test_whoever_joins_a_question_that_is_already_asked_is_told_so() -> None:
    story = taken()
    story.done(c.Ask("q1", ANA, "w1"))
    assert story.case.ask is not None
    late = c.Ask("q2", BEN, "w1 and w2", joins=story.case.ask.step, alone="w2")
    assert refused(story.tell(late)) == "ask_is_sent"


def test_questions_that_wait_are_dropped_when_the_case_is_resolved() -> None:
    story = taken()
    story.done(c.Ask("q1", ANA, "w1"))
    story.done(c.Ask("q2", BEN, "w2"))
    story.done(c.Resolve("r", ANA, "other", "w3"))
    assert dropped(story) == ["w2"]
    assert story.case.questions == ()
