"""Drafts that need a second person: which, who decides, what becomes of them, and what the customer hears meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain import commands as c
from domain import events as e
from domain.approving import are_one, is_trainee, reasons, why_held
from domain.case import Case
from domain.clocks import Duty, owed
from domain.evolve import fold
from domain.policy import CasePolicy, Policy
from domain.replying import spoken
from domain.rights import Colleague, may_not, may_not_share_causes
from domain.story import story
from domain.values import Actor, Audience, Intent, Priority, Purpose, Role, Status, Via
from domain.view import needs_human
from tests.casefiles import case_file, policy_with
from tests.unit.domain.story import ANA, BEN, DEFAULT, POLICY, SHIPPED, Story

SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)
LEAD = Actor("slack:ULEAD", Role.LEAD, Via.SLACK)
MONEY = ("money:refund*",)
PRIVATE: CasePolicy = POLICY.model_copy(update={"private_messages": True})
URGENT: CasePolicy = PRIVATE.model_copy(update={"approve_priorities": (Priority.URGENT,)})


def saying(what: str, words: str = "w-draft", by: Actor = ANA, **more: Any) -> c.Command:
    more = {"reasons": MONEY, **more}
    match what:
        case "ask":
            return c.Ask(f"say-{words}", by, words, **more)
        case "update":
            return c.Update(f"say-{words}", by, words, **more)
        case "take_private":
            return c.TakePrivate(f"say-{words}", by, words, "w-private", **more)
        case _:
            return c.Resolve(f"say-{words}", by, "billing_error", words, cause_words="w-cause", **more)


def held(what: str = "update", **more: Any) -> Story:
    """A case of Ana's in which a draft of hers waits."""
    told = Story(policy=PRIVATE).accepted()
    told.done(saying(what, **more))
    return told


def the_draft(told: Story) -> int:
    (draft,) = told.case.held
    return draft.step


def approve(told: Story, by: Actor = SOFIA, **more: Any) -> list[e.Event] | c.Refusal:
    return told.tell(c.Approve(f"ok-{len(told.history)}", by, the_draft(told), **more))


def refused(decided: list[e.Event] | c.Refusal) -> str:
    assert isinstance(decided, c.Refusal), decided
    return decided.code


def replies(told: Story) -> list[str | None]:
    """What people have said in public."""
    planned = [ev for ev in told.history if isinstance(ev, e.ReplyPlanned) and ev.template is None]
    return [ev.words for ev in planned if ev.purpose is not Purpose.PRIVATE]


SAYINGS = ["ask", "update", "resolve", "take_private"]

# --- which ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SAYINGS)
def test_words_with_reasons_wait_and_nothing_goes_out(what: str) -> None:
    told = Story(policy=PRIVATE).accepted()
    before = told.case
    (event,) = told.done(saying(what))
    assert isinstance(event, e.DraftHeld)
    assert (event.what, event.words, event.why, event.author) == (what, "w-draft", MONEY, ANA.person)
    assert told.case.status is before.status
    assert told.case.turn == before.turn
    assert replies(told) == []
    assert needs_human(told.case) == "a draft waits for a second person"


@pytest.mark.parametrize("what", SAYINGS)
def test_words_without_reasons_go_out_at_once(what: str) -> None:
    told = Story(policy=PRIVATE).accepted()
    told.done(saying(what, reasons=()))
    assert replies(told) == ["w-draft"]
    assert told.case.held == ()


def test_a_private_message_waits_and_is_sent_when_it_is_approved() -> None:
    told = held("take_private")
    assert told.case.held[0].private == "w-private"
    assert not told.case.private
    whispers = [(one.who, one.words, one.note) for one in case_file(told).whispers]
    assert whispers == [("Ana Silva", "w-private", "waits for a second person")]
    assert case_file(told).is_private("w-private")
    told.done(c.ReadPrivate("read", SOFIA))
    approved(told)
    assert [ev.words for ev in told.of(e.ReplyPosted) if isinstance(ev, e.ReplyPosted) and ev.purpose is Purpose.PRIVATE] == ["w-private"]
    assert [(one.words, one.note) for one in case_file(told).whispers] == [("w-private", "")]
    assert told.case.private


def test_a_private_message_that_was_not_approved_is_noted_as_not_sent() -> None:
    told = held("take_private")
    told.done(c.Reject("no", SOFIA, the_draft(told), "w-why"))
    assert [(one.words, one.note) for one in case_file(told).whispers] == [("w-private", "not sent")]
    assert refused(told.tell(c.ReadPrivate("read", SOFIA))) == "nothing_private"


def test_a_line_that_only_says_where_to_write_to_us_does_not_wait() -> None:
    told = Story(policy=URGENT).accepted()
    told.done(c.SetPriority("p", BEN, Priority.URGENT))
    told.done(c.TakePrivate("t", ANA, "w-line"))
    assert told.case.held == ()
    assert replies(told) == ["w-line"]


def test_at_a_priority_that_the_policy_names_every_draft_waits() -> None:
    told = Story(policy=URGENT).accepted()
    told.done(c.Update("u1", ANA, "w-1"))
    assert replies(told) == ["w-1"]
    told.done(c.SetPriority("p", BEN, Priority.URGENT))
    told.done(c.Update("u2", ANA, "w-2"))
    assert replies(told) == ["w-1"]
    assert told.case.held[0].why == ("priority:urgent",)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (c.Resolve("r", ANA, "no_such_cause", "w", reasons=MONEY), "unknown_root_cause"),
        (c.Update("u", ANA, "w", seen=0, reasons=MONEY), "changed_meanwhile"),
        (c.Ask("a", ANA, "w", joins=77, reasons=MONEY), "ask_is_sent"),
    ],
)
def test_what_would_be_refused_is_refused_and_does_not_wait(command: c.Command, code: str) -> None:
    told = Story(policy=PRIVATE).accepted()
    told.done(c.Update("u0", ANA, "w-0"))
    assert refused(told.tell(command)) == code
    assert told.case.held == ()


def test_the_same_words_wait_once() -> None:
    told = held()
    assert refused(told.tell(c.Update("again", BEN, "w-draft", reasons=MONEY))) == "waits_already"


def test_a_question_that_would_have_joined_another_waits_by_itself() -> None:
    told = Story(policy=PRIVATE, posts=False).accepted()
    told.network_posts()
    told.done(c.Ask("a1", BEN, "w-first"))
    planned = told.case.planned(Purpose.ASK)
    assert planned is not None
    told.done(c.Ask("a2", ANA, "w-both", "billing", planned.step, "w-mine", reasons=MONEY))
    assert told.case.held[0].words == "w-mine"
    assert told.case.planned(Purpose.ASK) == planned
    told.network_posts()
    told.posts = True
    assert [ev.kind for ev in approved(told)] == ["draft_approved", "ask_queued"]
    told.arrives(Intent.QUESTION)
    assert replies(told) == ["w-first", "w-mine"]


def approved(told: Story, **more: Any) -> list[e.Event]:
    decided = approve(told, **more)
    assert not isinstance(decided, c.Refusal), decided
    return decided


# --- approval ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SAYINGS)
def test_an_approved_draft_makes_happen_what_its_author_wanted(what: str) -> None:
    promise = Story().now + timedelta(hours=20)
    more: dict[str, Any] = {"promise": promise} if what == "update" else {"department": "technical"} if what == "ask" else {}
    told, plain = held(what, **more), Story(policy=PRIVATE).accepted()
    approved(told)
    plain.done(saying(what, reasons=(), **more))
    assert replies(told) == ["w-draft"]
    assert told.case.status is plain.case.status
    assert told.case.promise == plain.case.promise
    assert told.case.ask is None or plain.case.ask is None or told.case.ask.askers == plain.case.ask.askers
    assert told.case.held == ()
    assert needs_human(told.case) == needs_human(plain.case)
    if what == "resolve":
        (resolved,) = told.of(e.Resolved)
        assert isinstance(resolved, e.Resolved)
        assert (resolved.root_cause, resolved.author) == ("billing_error", ANA.person)
        assert [ev.words for ev in told.of(e.NoteAdded)] == ["w-cause"]  # type: ignore[union-attr]


def test_a_resolution_that_waits_resolves_nothing_until_it_is_approved() -> None:
    told = held("resolve")
    told.wait(timedelta(minutes=30))
    assert told.status() is Status.IN_PROGRESS
    approved(told)
    assert told.status() is Status.CLOSED


def test_an_edited_draft_goes_out_in_the_new_words_and_keeps_the_old() -> None:
    told = held(promise=Story().now + timedelta(hours=1))
    later = told.now + timedelta(hours=9)
    event = approved(told, words="w-better", promise=later)[0]
    assert isinstance(event, e.DraftApproved)
    assert (event.words, event.before, event.author) == ("w-better", "w-draft", ANA.person)
    assert replies(told) == ["w-better"]
    assert told.case.promise == later


@pytest.mark.parametrize("by", [ANA, replace(ANA, role=Role.LEAD), replace(ANA, role=Role.ADMIN, via=Via.API)])
def test_nobody_approves_their_own_draft(by: Actor) -> None:
    told = held(by=replace(ANA, role=Role.SOCIAL))
    decided = approve(told, by)
    assert refused(decided) == ("not_allowed" if by.role is Role.DEPARTMENT else "ones_own")
    assert replies(told) == []


@pytest.mark.parametrize("role", list(Role))
def test_only_the_social_team_and_leads_decide(role: Role) -> None:
    told, other = held(), Actor("slack:UOTHER", role, Via.SLACK)
    may = role in (Role.SOCIAL, Role.LEAD, Role.ADMIN)
    decided = approve(told, other)
    assert (not isinstance(decided, c.Refusal)) == may
    told = held()
    assert (not isinstance(told.tell(c.Reject("no", other, the_draft(told), "w-why")), c.Refusal)) == may
    colleague = Colleague(other, frozenset({"billing"}))
    if role in (Role.DEPARTMENT, Role.SOCIAL, Role.LEAD, Role.ADMIN):
        assert (may_not(colleague, c.Approve, told.case, DEFAULT) is None) == may
        assert (may_not(colleague, c.Reject, told.case, DEFAULT) is None) == may
    assert (may_not_share_causes(colleague, DEFAULT) is None) == may
    if role is Role.DEPARTMENT:
        for departments, code in (({"billing"}, "not_allowed"), (set[str](), "no_department")):
            refusal = may_not_share_causes(Colleague(other, frozenset(departments)), DEFAULT)
            assert refusal is not None
            assert refusal.code == code


def test_a_draft_is_decided_once() -> None:
    told = held()
    step = the_draft(told)
    approved(told)
    assert refused(told.tell(c.Approve("again", LEAD, step))) == "not_waiting"
    assert refused(told.tell(c.Reject("no", LEAD, step, "w-why"))) == "not_waiting"
    assert replies(told) == ["w-draft"]


def test_a_rejected_draft_does_not_go_out_and_can_be_written_anew() -> None:
    told = held()
    told.done(c.Reject("no", SOFIA, the_draft(told), "w-why"))
    assert told.case.held == ()
    assert replies(told) == []
    told.done(saying("update", reasons=()))
    assert replies(told) == ["w-draft"]


STALE = {
    "the customer wrote": lambda told: told.arrives(Intent.COMPLAINT),
    "somebody else spoke": lambda told: told.done(c.Update("other", BEN, "w-other")),
    "the case was moved": lambda told: told.done(c.Reassign("move", BEN, "technical")),
    "the post was deleted": lambda told: told.done(c.PostRemoved("gone", "p0")),
}


@pytest.mark.parametrize("happens", STALE.values(), ids=STALE)
def test_a_draft_from_before_something_happened_is_approved_only_when_it_was_read_again(happens: Any) -> None:
    told = held()
    written_at = told.case.turn
    happens(told)
    assert refused(approve(told)) == "stale"
    assert refused(approve(told, seen=written_at)) == "stale"
    assert refused(approve(told, words="w-better", seen=written_at)) == "stale"
    approved(told, seen=told.case.turn)
    assert replies(told)[-1] == "w-draft"


def test_the_systems_own_messages_make_no_draft_stale() -> None:
    told = held()
    told.wait(timedelta(days=3))
    assert told.of(e.ReplyPlanned)
    approved(told)


def test_a_promise_that_is_over_is_not_made() -> None:
    told = held(promise=Story().now + timedelta(hours=1))
    told.wait(timedelta(hours=2))
    assert refused(approve(told)) == "promise_is_over"
    assert refused(approve(told, words="w-better", promise=told.now)) == "promise_is_over"
    approved(told, words="w-better", promise=told.now + timedelta(hours=5))
    assert replies(told) == ["w-better"]


def test_what_was_said_meanwhile_is_not_said_twice() -> None:
    told = held(words="w-1")
    told.done(c.Update("u2", BEN, "w-2"))
    assert refused(approve(told, words="w-2", seen=told.case.turn)) == "said_already"
    assert told.case.held, "it still waits"


# --- the end ----------------------------------------------------------------------------------------------------------

ENDS = {
    "dismissed": lambda told: told.done(c.Dismiss("d", SOFIA, "nothing_to_answer")),
    "walked away": lambda told: told.done(c.WalkAway("w", LEAD, "w-abuse")),
    "resolved": lambda told: told.done(c.Resolve("r", BEN, "other", "w-thanks")),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_when_the_case_ends_without_them_drafts_are_dropped_on_record(ends: Any) -> None:
    told = held()
    told.done(saying("ask", "w-second"))
    steps = [draft.step for draft in told.case.held]
    ends(told)
    assert told.case.held == ()
    assert [ev.step for ev in told.of(e.DraftDropped)] == steps  # type: ignore[union-attr]
    assert refused(told.tell(c.Approve("late", SOFIA, steps[0]))) in ("not_waiting", "over")


def test_when_one_of_two_drafts_resolves_the_case_the_other_is_dropped() -> None:
    told = held("resolve")
    told.done(saying("update", "w-second"))
    told.done(c.Approve("ok", SOFIA, told.case.held[0].step))
    assert told.case.held == ()
    assert [ev.reason for ev in told.of(e.DraftDropped)] == ["the case was resolved"]  # type: ignore[union-attr]
    assert replies(told) == ["w-draft"]


def test_when_the_customer_never_answers_the_closing_note_drops_what_waits() -> None:
    told = Story(policy=PRIVATE).accepted()
    told.done(c.Ask("a", ANA, "w-ask"))
    told.done(saying("update"))
    told.wait(timedelta(days=8))
    assert told.status() is Status.CLOSED
    assert told.case.held == ()
    assert told.of(e.DraftDropped)


# --- meanwhile --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SAYINGS)
@pytest.mark.parametrize("priority", list(Priority))
def test_the_holding_message_goes_out_before_a_breach_while_a_draft_waits(what: str, priority: Priority) -> None:
    told = Story(policy=PRIVATE).accepted()
    told.done(c.SetPriority("p", BEN, priority)) if priority is not told.case.priority else None
    told.done(saying(what))
    told.wait(POLICY.clocks.holding_update.of(priority) + timedelta(hours=1))
    assert [ev for ev in told.of(e.ReplyPosted) if isinstance(ev, e.ReplyPosted) and ev.purpose is Purpose.HOLDING_UPDATE]
    late = {ev.clock for ev in told.of(e.ClockBreached) if isinstance(ev, e.ClockBreached)}
    assert not {clock for clock in late if spoken(clock) in ("holding update", "next reply")}
    assert told.of(e.PromiseBroken) == []
    assert told.case.held, "and the draft still waits"


def test_at_half_of_the_time_left_until_the_next_word_another_one_is_called_once() -> None:
    told = held()
    (draft,) = told.case.held
    promise = told.case.promise
    assert promise is not None
    assert draft.call_at == told.now + (promise - told.now) / 2
    told.wait(draft.call_at - told.now - timedelta(seconds=1))
    assert told.of(e.Escalated) == []
    told.wait(timedelta(days=2))
    (call,) = told.of(e.Escalated)
    assert isinstance(call, e.Escalated)
    assert (call.to, call.why, call.draft, call.at) == (Audience.SOCIAL_LEAD, "approval", draft.step, draft.call_at)
    assert told.case.asked_up == (), "this is no step up the chain"


def test_when_nothing_says_when_the_next_word_is_due_it_is_as_if_the_customer_had_just_written() -> None:
    told = Story(policy=PRIVATE).accepted()
    told.done(c.Ask("a", BEN, "w-ask"))
    told.done(saying("update"))
    assert told.case.promise is None
    assert told.case.held[0].call_at - told.now == POLICY.clocks.next_reply.of(told.case.priority) / 2


def test_what_a_lead_wrote_is_shown_to_others_than_the_lead() -> None:
    told = held(by=LEAD)
    assert told.case.held[0].calls is Audience.ESCALATIONS


@pytest.mark.parametrize("how", ["approve", "reject"])
def test_when_it_is_decided_nobody_needs_to_be_called_any_more(how: str) -> None:
    told = held()
    told.now = told.case.held[0].call_at
    told.tell(c.TimePassed())
    (call,) = told.case.calls
    if how == "approve":
        approved(told)
    else:
        told.done(c.Reject("no", SOFIA, the_draft(told), "w-why"))
    assert told.case.calls == ()
    assert [ev.step for ev in told.of(e.EscalationCalledOff)] == [call.step]  # type: ignore[union-attr]


def test_a_lead_who_sleeps_is_called_in_the_morning() -> None:
    told = Story(policy=SHIPPED.model_copy(update={"quiet": {"social_lead": SHIPPED.quiet["billing_lead"]}})).accepted()
    told.now = told.now.replace(hour=17)
    told.done(saying("update"))
    assert told.case.held[0].call_at.hour < 7
    (calls,) = [owing.at for owing in owed(told.case, told.policy) if owing.duty is Duty.CALL_APPROVER]
    assert (calls.hour, calls.minute) == (7, 0)


# --- the story --------------------------------------------------------------------------------------------------------


def test_the_story_tells_who_wrote_it_why_it_waits_and_what_became_of_it() -> None:
    told = held("resolve")
    approved(told, words="w-better")
    file = case_file(told, words={"w-draft": "We refund you.", "w-better": "You get it back."}, people={SOFIA.person: "Sofia Marin"})
    lines = {line.text: line for line in story(file)}
    waits = lines["Ana Silva's resolution waits for a second person: words of money (refund*)"]
    assert waits.quote == "We refund you."
    became = lines["Sofia Marin approved Ana Silva's resolution, in other words"]
    assert (became.quote, became.calls_people) == ("You get it back.", (ANA.person,))
    assert f"Ana Silva resolved this case. Root cause: {DEFAULT.root_causes['billing_error']}" in lines


def test_the_author_is_told_why_it_was_not_approved() -> None:
    told = held()
    told.done(c.Reject("no", SOFIA, the_draft(told), "w-why"))
    file = case_file(told, words={"w-why": "Never promise an amount."}, people={SOFIA.person: "Sofia Marin"})
    line = story(file)[-1]
    assert (line.text, line.quote) == ("Sofia Marin did not approve Ana Silva's update", "Never promise an amount.")
    assert line.calls_people == (ANA.person,)


def test_words_that_wait_are_not_written_a_second_time() -> None:
    file = case_file(held(), words={"w-draft": "Hi Sam,\nwe will refund the second charge today.\n– Ana"})
    assert file.is_said("we will refund the second charge today.")
    assert file.is_held("we will refund  the second charge today.")
    assert not file.is_said("we will refund the second charge today.", but=file.case.held[0].step)
    assert not file.is_held("we have told the bank of the second charge.")


# --- the policy -------------------------------------------------------------------------------------------------------


def approvals(**rules: Any) -> Policy:
    return policy_with(approvals=rules)


RULES: dict[str, Any] = {
    "priorities": ["urgent"],
    "phrases": {"money": ["refund*", "compensation"], "law": ["lawyer*", "legal action"], "safety": ["fire"]},
    "reach_above": 10_000,
    "trainees": ["billing_lead"],
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We are Refunding the charge.", ("money:refund*",)),
        ("No LEGAL action is needed, and no compensation. Compensation!", ("law:legal action", "money:compensation")),
        ("We wire you tomorrow.", ()),
        ("https://fire.example/refund", ()),
    ],
)
def test_phrases_are_found_as_in_triage_and_named_as_the_policy_has_them(text: str, found: tuple[str, ...]) -> None:
    assert reasons(approvals(**RULES), text, "slack:U1", "Ben Okoro", None) == found


@pytest.mark.parametrize(("followers", "found"), [(None, ()), (10_000, ()), (10_001, ("reach",))])
def test_a_large_reach_counts_where_the_network_told_it(followers: int | None, found: tuple[str, ...]) -> None:
    assert reasons(approvals(**RULES), "Hello.", "slack:U1", "Ben Okoro", followers) == found


@pytest.mark.parametrize(
    ("person", "name", "trained"),
    [
        ("slack:U1", "ana  silva", True),
        ("key:1", "Ana Silva", True),
        ("mail:billing:ana", "Ana", True),
        ("slack:U1", "Ana Souza", False),
        ("slack:U1", None, False),
        ("slack:UTRAINEE", "Somebody Else", True),
    ],
)
def test_a_trainee_is_known_by_slack_id_or_by_name(person: str, name: str | None, *, trained: bool) -> None:
    people = {**DEFAULT.model_dump(mode="json")["people"]}
    people["billing_lead"] = {"name": "Ana Silva", "slack": "UTRAINEE"}
    policy = policy_with(approvals=RULES, people=people)
    assert is_trainee(policy, person, name) == trained
    assert reasons(policy, "Hello.", person, name, None) == (("trainee",) if trained else ())


def test_two_ids_of_one_human_are_told_by_the_name() -> None:
    assert are_one("Ana Silva", " ana  silva ")
    assert not are_one("Ana Silva", "Ana Souza")
    assert not are_one(None, None)


def test_without_the_key_nobody_needs_a_second_person_and_cases_carry_nothing_new() -> None:
    assert reasons(DEFAULT, "refund lawyer fire", "slack:U1", "Ana Silva", 10**9) == ()
    assert "approve" not in SHIPPED.to_json()
    assert approvals(**RULES).for_case("meridian", "x").approve_priorities == (Priority.URGENT,)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"trainees": ["nobody"]}, "approvals.trainees names 'nobody', who is not among people"),
        ({"phrases": {"reach": ["x"]}}, "phrases.reach: a list needs another name"),
        ({"phrases": {"money": []}}, "at least 1 item"),
        ({"reach_above": 0}, "greater than or equal to 1"),
        ({"prioritys": []}, "Extra inputs"),
    ],
)
def test_what_is_wrong_with_the_rules_is_said(rules: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        approvals(**rules)


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (("priority:urgent",), "the case is urgent"),
        (("money:refund*", "money:pay", "law:court"), "words of money (refund*, pay); words of law (court)"),
        (("reach", "trainee"), "the customer reaches many; its author is in training"),
    ],
)
def test_why_a_draft_waits_is_told_in_words(why: tuple[str, ...], told: str) -> None:
    assert why_held(why) == told


# --- whatever happens -------------------------------------------------------------------------------------------------

WHAT = "ask update resolve private approve edit reject own writes other move dismiss reopen waive wait wait"
DOINGS = st.sampled_from(WHAT.split())
LIVES = st.lists(st.tuples(DOINGS, st.integers(0, 3), st.integers(0, 3000)), max_size=25)


def does(told: Story, what: str, pick: int, number: int) -> c.Command | None:
    key = f"k{number}"
    held = told.case.held
    step = held[pick % len(held)].step if held else pick
    made: dict[str, c.Command] = {
        "ask": c.Ask(key, ANA, f"w{number}", reasons=MONEY),
        "update": c.Update(key, BEN, f"w{number}", told.now + timedelta(hours=pick), reasons=MONEY),
        "resolve": c.Resolve(key, ANA, "other", f"w{number}", reasons=MONEY),
        "private": c.TakePrivate(key, ANA, f"w{number}", f"wp{number}", reasons=MONEY),
        "approve": c.Approve(key, SOFIA, step, seen=told.case.turn - pick // 3),
        "edit": c.Approve(key, LEAD, step, f"e{number}", told.now + timedelta(hours=1), seen=told.case.turn),
        "own": c.Approve(key, replace(ANA, role=Role.LEAD), step, seen=told.case.turn),
        "reject": c.Reject(key, SOFIA, step, "w-why"),
        "other": c.Update(key, BEN, f"o{number}"),
        "move": c.Reassign(key, BEN, ["billing", "technical"][pick % 2]),
        "dismiss": c.Dismiss(key, SOFIA, "spam"),
        "reopen": c.Reopen(key, BEN),
        "waive": c.WaiveThankYou(key, SOFIA, "w-why"),
    }
    return made.get(what)


@given(LIVES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_never_do_two_replies_come_of_one_draft_and_none_without_a_second_person(steps: list[tuple[str, int, int]], at_once: bool) -> None:
    told = Story(policy=PRIVATE, posts=at_once).accepted()
    for number, (what, pick, minutes) in enumerate(steps):
        if what == "writes":
            told.arrives(list(Intent)[pick])
        elif what == "wait":
            told.wait(timedelta(minutes=minutes))
        elif (command := does(told, what, pick, number)) is not None:
            told.tell(command)
    drafts = [ev for ev in told.history if isinstance(ev, e.DraftHeld)]
    ends = [ev for ev in told.history if isinstance(ev, e.DraftApproved | e.DraftRejected | e.DraftDropped)]
    assert len({ev.step for ev in ends}) == len(ends), "a draft is decided once"
    assert {ev.step for ev in drafts} == {ev.step for ev in ends} | {draft.step for draft in told.case.held}
    authors = {ev.step: ev.author for ev in drafts}
    entries = {id(entry.event): entry for entry in told.entries}
    allowed = [ev for ev in ends if isinstance(ev, e.DraftApproved)]
    assert all(entries[id(ev)].by.person != authors[ev.step] for ev in allowed)
    drafted = [ev.words for ev in told.history if isinstance(ev, e.ReplyPlanned) and ev.words and ev.words[0] in "we"]
    assert len(drafted) == len(set(drafted)), "no draft goes out twice"
    private = {ev.private for ev in drafts if ev.step in {one.step for one in allowed}}
    assert set(drafted) <= {ev.words for ev in allowed} | private, "and none that nobody else approved"
    calls = [ev.draft for ev in told.history if isinstance(ev, e.Escalated) and ev.why == "approval"]
    assert len(calls) == len(set(calls)), "another one is called once about each"
    assert not told.case.held or not (told.case.is_over or told.case.closed_at), "nothing waits in a case that is at its end"
    assert fold("meridian-x-1", told.history) == told.case
    assert isinstance(told.case, Case)


# --- written anew by its author ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SAYINGS)
def test_its_author_writes_a_draft_anew_and_it_waits_again(what: str) -> None:
    told = held(what)
    before = told.case.held[0]
    dropped, again = told.done(saying(what, "w-anew", replaces=before.step))
    assert isinstance(dropped, e.DraftDropped)
    assert isinstance(again, e.DraftHeld)
    assert (dropped.step, again.words, again.before) == (before.step, "w-anew", "w-draft")
    assert [draft.step for draft in told.case.held] == [again.step]
    assert again.call_at <= before.call_at, "nobody is called later for that"
    assert replies(told) == []
    approved(told)
    assert replies(told) == ["w-anew"]


def test_words_that_need_nobody_any_more_go_out_at_once_in_the_place_of_the_draft() -> None:
    told = held()
    told.done(saying("update", "w-anew", replaces=the_draft(told), reasons=()))
    assert (told.case.held, replies(told)) == ((), ["w-anew"])


def test_only_its_author_writes_a_draft_anew_and_only_as_what_it_was_and_while_it_waits() -> None:
    told = held()
    step = the_draft(told)
    assert refused(told.tell(saying("update", "w-mine", BEN, replaces=step))) == "not_yours"
    assert refused(told.tell(saying("ask", "w-anew", replaces=step))) == "another_kind"
    approved(told)
    assert refused(told.tell(saying("update", "w-anew", replaces=step))) == "not_waiting"
    assert replies(told) == ["w-draft"]


def test_a_draft_that_is_refused_anew_goes_on_to_wait() -> None:
    told = held()
    told.arrives(Intent.COMPLAINT)
    assert refused(told.tell(saying("update", "w-anew", replaces=the_draft(told), seen=told.case.turn - 1))) == "changed_meanwhile"
    assert [draft.words for draft in told.case.held] == ["w-draft"]


def test_whoever_was_called_about_it_is_called_off_when_it_is_written_anew() -> None:
    told = held(promise=Story().now + timedelta(hours=1))
    told.wait(told.case.held[0].call_at - told.now)
    assert told.case.held[0].called
    told.done(saying("update", "w-anew", replaces=the_draft(told), promise=told.now + timedelta(hours=9)))
    assert told.case.calls == ()
    assert told.case.held[0].call_at > told.now
