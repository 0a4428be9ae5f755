"""The loop as product.md tells it, rule by rule."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain import commands as c
from domain import events as e
from domain.values import ClockName, Intent, Priority, Purpose, Status, Triage
from tests.unit.domain.story import ANA, BEN, Story

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def refused(answer: object) -> str:
    assert isinstance(answer, c.Refusal), answer
    return answer.code


def test_a_complaint_runs_the_whole_loop() -> None:
    story = Story().opened()
    assert story.status() is Status.HANDED_OFF
    story.tell(c.Accept("1", ANA))
    assert (story.status(), story.case.owner) == (Status.IN_PROGRESS, ANA.person)
    story.tell(c.Update("2", ANA, "w-update"))
    story.tell(c.Resolve("3", ANA, "billing_error", "w-thanks"))
    assert story.status() is Status.CLOSED
    assert story.case.closing_permalink == "https://x.example/r3"
    story.wait(73 * HOUR)
    assert story.case.is_over
    assert story.kinds() == [
        "opened", "reply_planned", "handed_off", "reply_posted",
        "accepted",
        "reply_planned", "reply_posted", "promise_kept",
        "resolved", "reply_planned", "reply_posted", "closed",
        "watch_ended",
    ]  # fmt: skip


def test_the_acknowledgement_apologises_for_a_complaint_and_names_the_next_word() -> None:
    story = Story().opened()
    (planned,) = story.of(e.ReplyPlanned)
    assert isinstance(planned, e.ReplyPlanned)
    assert planned.template == "acknowledgement.complaint"
    assert planned.promise is not None
    assert planned.promise == story.now.replace(minute=0) + DAY


def test_praise_is_thanked_and_closed_at_once_without_a_department() -> None:
    story = Story().opened(Intent.PRAISE)
    assert story.status() is Status.CLOSED
    assert story.case.handoff is None


def test_spam_is_dismissed_without_a_word() -> None:
    story = Story().opened(Intent.SPAM)
    assert story.status() is Status.DISMISSED
    assert story.of(e.ReplyPlanned) == []


def test_a_customer_hears_daily_until_resolution() -> None:
    story = Story().accepted()
    story.wait(5 * DAY)
    spoken = [p for p in story.of(e.ReplyPlanned) if isinstance(p, e.ReplyPlanned) and p.purpose is Purpose.HOLDING_UPDATE]
    assert len(spoken) == 5
    assert {p.template for p in spoken} == {"holding_update.accepted"}
    assert len({p.variant for p in spoken}) == 5
    assert story.of(e.PromiseBroken) == []
    assert len(story.of(e.PromiseKept)) == 5


def test_the_holding_message_says_when_nobody_has_taken_the_case() -> None:
    story = Story().opened()
    story.wait(DAY)
    last = story.of(e.ReplyPlanned)[-1]
    assert isinstance(last, e.ReplyPlanned)
    assert last.template == "holding_update.not_yet_accepted"


def test_a_human_update_stands_in_for_the_system() -> None:
    story = Story().accepted()
    story.wait(20 * HOUR)
    story.tell(c.Update("u", ANA, "w"))
    story.wait(20 * HOUR)
    assert [p.purpose for p in story.of(e.ReplyPlanned) if isinstance(p, e.ReplyPlanned)] == [Purpose.ACKNOWLEDGEMENT, Purpose.UPDATE]


def test_each_clock_is_breached_once_and_accepting_ends_its_clock() -> None:
    story = Story().opened()
    story.wait(10 * HOUR)
    breached = [b.clock for b in story.of(e.ClockBreached) if isinstance(b, e.ClockBreached)]
    assert breached == [ClockName.ACCEPT]
    story.tell(c.Accept("a", ANA))
    story.wait(4 * DAY)
    breached = [b.clock for b in story.of(e.ClockBreached) if isinstance(b, e.ClockBreached)]
    assert breached == [ClockName.ACCEPT, ClockName.RESOLVE]


def test_a_late_acknowledgement_is_on_record_and_asks_a_person() -> None:
    story = Story(posts=False).opened()
    story.tell(c.DeskTold("d", 3, "billing"))
    happened = story.wait(timedelta(minutes=30))
    assert [h.kind for h in happened] == ["clock_breached", "human_needed"]
    assert story.status() is Status.NEW


def test_a_second_accept_is_told_who_has_it() -> None:
    story = Story().accepted()
    answer = story.tell(c.Accept("2", BEN))
    assert isinstance(answer, c.Refusal)
    assert (answer.code, answer.person) == ("has_an_owner", ANA.person)
    assert refused(story.tell(c.Accept("3", ANA))) == "yours_already"


def test_an_ask_pauses_the_clocks_the_answer_resumes_them_and_the_next_question_is_asked() -> None:
    story = Story().accepted()
    story.tell(c.Ask("q", ANA, "w"))
    assert story.status() is Status.WAITING_ON_CUSTOMER
    assert [h.kind for h in story.done(c.Ask("q2", BEN, "w2"))] == ["ask_queued"]
    happened = story.wait(20 * HOUR)
    assert happened == []
    answered = story.arrives(Intent.REMARK)
    assert [h.kind for h in answered] == ["customer_wrote", "ask_answered", "reply_planned", "asked_for"]
    (pause, _) = story.case.pauses
    assert pause.until is not None
    assert pause.until - pause.since == 20 * HOUR


def test_an_unanswered_ask_is_nudged_twice_and_closed_with_a_note() -> None:
    story = Story().accepted()
    story.tell(c.Ask("q", ANA, "w"))
    asked = story.now
    story.wait(8 * DAY)
    said = [(p.template, p.at - asked) for p in story.of(e.ReplyPlanned)[2:] if isinstance(p, e.ReplyPlanned)]
    assert said == [("nudge.first", DAY), ("nudge.again", 3 * DAY), ("closing_note.no_answer", 7 * DAY)]
    assert story.status() is Status.CLOSED
    assert story.of(e.ClockBreached) == []


def test_the_customer_who_answers_late_finds_the_case_open() -> None:
    story = Story().accepted()
    story.tell(c.Ask("q", ANA, "w"))
    story.wait(7 * DAY - HOUR)
    story.arrives(Intent.REMARK)
    story.posts = False
    story.wait(2 * HOUR)
    assert story.status() is Status.IN_PROGRESS
    assert story.of(e.Closed) == []


def test_an_answer_that_overtakes_the_news_of_the_ask_still_answers_it() -> None:
    story = Story(posts=False).opened()
    story.network_posts()
    story.tell(c.Accept("a", ANA))
    story.tell(c.Ask("q", ANA, "w"))
    asked = story.now
    story.now += timedelta(minutes=2)
    story.arrives(Intent.REMARK)
    reply = story.case.planned(Purpose.ASK)
    assert reply is not None
    story.tell(c.Posted("late", reply.step, reply.purpose, asked, (), "w"))
    assert story.status() is Status.IN_PROGRESS


def test_an_earlier_post_without_an_answer_does_not_hide_the_one_that_answers_the_ask() -> None:
    story = Story(posts=False).accepted()
    story.network_posts()
    story.arrives(Intent.COMPLAINT)
    story.now += timedelta(minutes=2)
    story.tell(c.Ask("q", ANA, "w"))
    asked = story.now
    story.now += timedelta(minutes=2)
    story.arrives(Intent.REMARK)
    reply = story.case.planned(Purpose.ASK)
    assert reply is not None
    story.tell(c.Posted("late", reply.step, reply.purpose, asked, (), "w"))
    assert story.status() is Status.IN_PROGRESS
    story.wait(3 * DAY)
    assert not [h for h in story.of(e.ReplyPlanned) if isinstance(h, e.ReplyPlanned) and h.purpose is Purpose.NUDGE]


def test_thanks_in_the_watch_are_answered_and_do_not_reopen() -> None:
    story = Story().accepted()
    story.tell(c.Resolve("r", ANA, "other", "w"))
    story.wait(HOUR)
    happened = story.arrives(Intent.THANKS)
    assert [h.kind for h in happened] == ["customer_wrote", "reply_planned"]
    assert story.status() is Status.CLOSED


def test_a_complaint_in_the_watch_reopens_with_the_owner_one_priority_up() -> None:
    story = Story().accepted()
    story.tell(c.Resolve("r", ANA, "other", "w"))
    story.wait(HOUR)
    story.arrives(Intent.COMPLAINT)
    assert (story.status(), story.case.owner, story.case.priority) == (Status.IN_PROGRESS, ANA.person, Priority.HIGH)
    last = story.of(e.ReplyPlanned)[-1]
    assert isinstance(last, e.ReplyPlanned)
    assert last.template == "acknowledgement.reopened"
    story.tell(c.Resolve("r2", ANA, "other", "w2"))
    assert story.status() is Status.CLOSED
    assert len(story.of(e.Closed)) == 2


def test_a_complaint_about_praise_goes_to_the_department_that_it_never_had() -> None:
    story = Story().opened(Intent.PRAISE)
    story.arrives(Intent.COMPLAINT)
    assert story.status() is Status.HANDED_OFF
    assert story.case.handoff is not None


def test_a_remark_in_the_watch_changes_nothing() -> None:
    story = Story().opened(Intent.PRAISE)
    assert [h.kind for h in story.arrives(Intent.REMARK)] == ["customer_wrote"]
    assert story.status() is Status.CLOSED


def test_after_the_watch_nothing_can_be_done_any_more() -> None:
    story = Story().opened(Intent.PRAISE)
    story.wait(4 * DAY)
    assert refused(story.tell(c.Reopen("r", ANA))) == "over"
    assert refused(story.tell(c.Accept("a", ANA))) == "over"


def test_the_customer_who_writes_again_is_answered_before_the_next_reply_clock_runs_out() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.arrives(Intent.COMPLAINT)
    happened = story.wait(4 * HOUR)
    assert [h.kind for h in happened] == ["reply_planned", "reply_posted", "promise_kept"]
    last = story.of(e.ReplyPlanned)[-1]
    assert isinstance(last, e.ReplyPlanned)
    assert last.template == "holding_update.message_seen"


def test_when_the_post_is_deleted_the_system_falls_silent_and_a_person_decides() -> None:
    story = Story().accepted()
    happened = story.done(c.PostRemoved("d", story.case.first_post))
    assert [h.kind for h in happened] == ["post_deleted", "human_needed"]
    story.wait(10 * DAY)
    assert len(story.of(e.ReplyPlanned)) == 1
    assert story.of(e.PromiseBroken) == []
    story.tell(c.Resolve("r", ANA, "other", "w"))
    assert story.status() is Status.RESOLVED
    story.tell(c.WaiveThankYou("w", BEN, "w-reason"))
    assert (story.status(), story.case.waived_by) == (Status.CLOSED, BEN.person)


def test_a_refused_thank_you_asks_a_person_who_can_resolve_in_other_words() -> None:
    story = Story(posts=False).accepted()
    story.network_posts()
    story.tell(c.Resolve("r", ANA, "other", "w1"))
    assert refused(story.tell(c.Resolve("r2", ANA, "other", "w2"))) == "already_resolved"
    step = story.case.closing_step
    assert step is not None
    happened = story.done(c.PostFailed("f", step, "too many links"))
    assert [h.kind for h in happened] == ["reply_failed", "human_needed"]
    story.tell(c.Resolve("r2", ANA, "other", "w2"))
    story.network_posts()
    assert story.status() is Status.CLOSED


def test_what_a_person_has_said_is_not_said_again_unless_the_customer_never_got_it() -> None:
    story = Story(posts=False).accepted()
    story.network_posts()
    story.tell(c.Update("u", ANA, "w1"))
    assert refused(story.tell(c.Update("u2", BEN, "w1"))) == "said_already"
    assert refused(story.tell(c.Resolve("r", ANA, "other", "w1"))) == "said_already"
    planned = story.case.planned(Purpose.UPDATE)
    assert planned is not None
    story.done(c.PostFailed("f", planned.step, "too many links"))
    story.tell(c.Update("u3", ANA, "w1"))
    assert len([h for h in story.of(e.ReplyPlanned) if isinstance(h, e.ReplyPlanned) and h.words == "w1"]) == 2


def test_an_unconfirmed_reply_is_never_resent_until_a_person_says_that_it_is_not_there() -> None:
    story = Story(posts=False).opened()
    happened = story.done(c.PostUnconfirmed("f", 1, "no answer, and the look-up is down"))
    assert [h.kind for h in happened] == ["reply_unconfirmed", "human_needed"]
    story.wait(3 * HOUR)
    assert len(story.of(e.ReplyPlanned)) == 1
    assert refused(story.tell(c.SettleReply("s", BEN, 1, posted=True))) == "permalink_missing"
    story.tell(c.SettleReply("s", BEN, 1, posted=False))
    planned = story.case.planned(Purpose.ACKNOWLEDGEMENT)
    assert planned is not None
    assert planned.step not in (1, story.case.handoff and story.case.handoff.mail_step)
    assert refused(story.tell(c.SettleReply("s", BEN, 1, posted=True, permalink="https://x"))) == "nothing_to_settle"


def test_an_unconfirmed_reply_that_is_there_counts_with_its_permalink() -> None:
    story = Story(posts=False).opened()
    story.tell(c.PostUnconfirmed("f", 1, "no answer"))
    story.tell(c.SettleReply("s", BEN, 1, posted=True, permalink="https://x.example/99"))
    assert story.status() is Status.HANDED_OFF
    posted = story.of(e.ReplyPosted)[0]
    assert isinstance(posted, e.ReplyPosted)
    assert posted.parts[0].url == "https://x.example/99"


def test_a_holding_message_that_could_not_be_sent_in_time_is_written_anew() -> None:
    story = Story().accepted()
    story.posts = False
    story.wait(2 * DAY)
    reply = story.case.planned(Purpose.HOLDING_UPDATE)
    assert reply is not None
    happened = story.done(c.PostExpired("e", reply.step))
    assert [h.kind for h in happened] == ["reply_withdrawn", "reply_planned"]
    again = story.case.planned(Purpose.HOLDING_UPDATE)
    assert again is not None
    assert again.promise is not None
    assert again.promise > story.now
    assert len(story.of(e.PromiseBroken)) == 1


def test_a_handoff_that_slack_does_not_take_goes_by_mail_after_five_minutes() -> None:
    story = Story().opened()
    happened = story.wait(timedelta(minutes=6))
    assert [h.kind for h in happened] == ["handoff_mailed"]
    story.tell(c.Mailed("m", 2))
    assert story.case.handoff is not None
    assert story.case.handoff.delivered_by == "email"


def test_when_slack_says_no_for_good_the_mail_goes_at_once_and_both_failing_asks_a_person() -> None:
    story = Story().opened()
    assert [h.kind for h in story.done(c.DeskUnreachable("d", 3, "channel_not_found"))] == ["handoff_failed", "handoff_mailed"]
    assert [h.kind for h in story.done(c.MailFailed("m", 2, "bad address"))] == ["handoff_failed", "human_needed"]
    story.tell(c.DeskTold("later", 9, "billing"))
    assert story.case.handoff is not None
    assert story.case.handoff.delivered_by == "slack"


def test_reassigning_moves_the_case_and_starts_the_accept_clock_anew() -> None:
    story = Story().accepted()
    story.wait(HOUR)
    story.tell(c.Reassign("r", ANA, "technical", "w"))
    assert (story.case.department, story.case.owner, story.status()) == ("technical", None, Status.HANDED_OFF)
    assert refused(story.tell(c.Reassign("r", ANA, "technical"))) == "there_already"
    assert refused(story.tell(c.Reassign("r", ANA, "kitchen"))) == "unknown_department"
    happened = story.wait(2 * HOUR)
    assert [h.clock for h in happened if isinstance(h, e.ClockBreached)] == [ClockName.ACCEPT]


def test_a_change_of_priority_counts_every_clock_from_its_start() -> None:
    story = Story().opened()
    story.wait(timedelta(minutes=20))
    story.tell(c.SetPriority("p", BEN, Priority.URGENT))
    happened = story.done(c.TimePassed())
    assert [(b.clock, b.due_at - b.started_at) for b in happened if isinstance(b, e.ClockBreached)] == [
        (ClockName.ACCEPT, timedelta(minutes=15))
    ]
    assert refused(story.tell(c.SetPriority("p", BEN, Priority.URGENT))) == "no_change"


def test_nobody_resolves_what_nobody_has() -> None:
    story = Story().opened()
    assert refused(story.tell(c.Resolve("r", ANA, "other", "w"))) == "nobody_has_it"
    story.tell(c.Accept("a", ANA))
    assert refused(story.tell(c.Resolve("r", ANA, "gremlins", "w"))) == "unknown_root_cause"


@pytest.mark.parametrize("intent", [Intent.COMPLAINT, Intent.QUESTION, Intent.REMARK])
def test_whatever_it_is_it_is_acknowledged(intent: Intent) -> None:
    story = Story().opened(intent)
    assert story.case.acknowledged_at == story.now


def test_a_dismissed_case_says_nothing_more() -> None:
    story = Story(posts=False).opened()
    happened = story.done(c.Dismiss("d", BEN, "nothing_to_answer"))
    assert [h.kind for h in happened] == ["reply_withdrawn", "dismissed"]
    assert story.wait(10 * DAY) == []


def test_someone_else_in_the_thread_is_on_record_and_moves_no_clock() -> None:
    story = Story().accepted()
    before = story.case
    triage = Triage(Intent.COMPLAINT, "billing", Priority.NORMAL, "billing")
    assert [h.kind for h in story.done(c.PostArrived("x", "p77", triage, story.now, by_customer=False))] == ["customer_wrote"]
    assert story.case.customer_waiting_since is None
    assert story.case.last_post == before.last_post
