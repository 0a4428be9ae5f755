"""Several people at one case: who is writing, what has changed meanwhile, what comes late, twice, again, or after the case was moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from adapters.slack import cards, forms, modals
from sandbox.hands import Hands
from tests.e2e.conftest import BEN, BILLING, Json, actions, quotes, texts
from tests.e2e.desk.conftest import LENA, MAX, PRIYA, Desk, customer_of

TWO = "Ben Okoro is writing to this customer, too."


def said(view: Json) -> str:
    return " ".join(texts(view["blocks"]))


# --- who is writing ---------------------------------------------------------------------------------------------------


def test_whoever_begins_to_write_is_told_who_else_is_writing_and_so_is_the_other_before_they_send(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    bens = desk.open(BEN, card, cards.UPDATE)
    assert "is writing" not in said(bens)
    lenas = desk.open(LENA, card, cards.ASK)
    assert TWO in said(lenas)
    seen = desk.review(BEN, bens, body="We have found the second charge.")
    assert "Lena Fischer is writing to this customer, too." in said(seen)
    assert desk.send(BEN, seen) == ""
    desk.replies(case, 2)
    desk.hands.close_view(LENA, lenas["id"])
    last = desk.open(MAX, desk.card(case), cards.UPDATE)
    assert "is writing" not in said(last), "one has sent it, the other has closed the modal"
    desk.hands.close_view(MAX, last["id"])


def test_who_goes_back_to_change_the_words_is_still_writing(desk: Desk) -> None:
    _, card = desk.case(by=BEN)
    seen = desk.review(BEN, desk.open(BEN, card, cards.UPDATE), body="We have found the second charge.")
    below = desk.hands.close_view(BEN, seen["id"])
    assert below is not None
    lenas = desk.open(LENA, card, cards.UPDATE)
    assert TWO in said(lenas)
    desk.hands.close_view(BEN, below["id"])
    desk.hands.close_view(LENA, lenas["id"])
    again = desk.open(LENA, card, cards.UPDATE)
    assert "is writing" not in said(again)
    desk.hands.close_view(LENA, again["id"])


def test_a_review_that_a_line_has_opened_ends_the_writing_when_it_is_closed(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    seen = desk.type(BEN, f"update {desk.number(case)} We have found the second charge.")
    lenas = desk.open(LENA, card, cards.UPDATE)
    assert TWO in said(lenas)
    desk.hands.close_view(BEN, seen["id"])
    desk.hands.close_view(LENA, lenas["id"])
    again = desk.open(LENA, card, cards.UPDATE)
    assert "is writing" not in said(again)
    desk.hands.close_view(LENA, again["id"])


def test_who_has_left_a_modal_open_counts_as_writing_for_a_few_minutes_only(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    desk.open(BEN, card, cards.UPDATE)
    with desk.store.engine.begin() as connection:  # minutes that nobody waits for here
        connection.execute(text("update draft set until = until - interval '5 minutes' where case_id = :case"), {"case": case})
    lenas = desk.open(LENA, card, cards.UPDATE)
    assert "is writing" not in said(lenas)
    desk.hands.close_view(LENA, lenas["id"], clear=True)


# --- changed meanwhile ------------------------------------------------------------------------------------------------

Begin = Callable[[Desk, Json], Json]


def _ask(desk: Desk, card: Json) -> Json:
    return desk.review(BEN, desk.open(BEN, card, cards.ASK), body="Which of the two charges is it?")


def _update(desk: Desk, card: Json) -> Json:
    return desk.review(BEN, desk.open(BEN, card, cards.UPDATE), body="We are looking for the second charge.")


def _resolve(desk: Desk, card: Json) -> Json:
    return desk.review(BEN, desk.open(BEN, card, cards.RESOLVE), cause="billing_error", body="The second charge is paid back.")


def _private(desk: Desk, card: Json) -> Json:
    return desk.review(BEN, desk.menu(BEN, card, "private"), body="Which account shall we pay it to?")


def _move(desk: Desk, card: Json) -> Json:
    return desk.review(BEN, desk.open(BEN, card, cards.REASSIGN), department="care", reason="To pay it back.", tell=[modals.TELL])


ALL: dict[str, Begin] = {"ask": _ask, "update": _update, "resolve": _resolve, "private": _private, "move": _move}


@pytest.mark.parametrize("begin", ALL.values(), ids=ALL)
def test_when_the_customer_writes_before_it_is_sent_the_review_comes_anew_with_their_words_and_is_sent_once(
    desk: Desk, begin: Begin
) -> None:
    case, card = desk.case(by=BEN)
    seen = begin(desk, card)
    desk.hands.post("x", "Forget it, it is <b>sorted</b> out, but why?", customer_of(desk, case), in_reply_to=case.split("-")[2])
    desk.until(lambda: "customer_wrote" in desk.events(case))
    anew = desk.hands.submit(BEN, seen["id"], {})
    assert (anew.response_action, anew.error) == ("update", None)
    assert anew.view is not None
    assert "Since you wrote this:" in said(anew.view)
    assert quotes(anew.view["blocks"]) == ["Forget it, it is <b>sorted</b> out, but why?", *quotes(seen["blocks"])]
    assert len(desk.replies(case, 1)) == 1
    assert desk.send(BEN, anew.view) == ""
    count = len(quotes(seen["blocks"])) + 1
    assert [reply["text"] for reply in desk.replies(case, count)][1:] == quotes(seen["blocks"])
    assert desk.events(case).count("reply_planned") == count


def test_when_a_colleague_answers_first_the_review_comes_anew_with_what_they_said(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    seen = _update(desk, card)
    lenas = desk.review(LENA, desk.open(LENA, card, cards.UPDATE), body="The bank has the second charge.")
    assert desk.send(LENA, lenas) == ""
    anew = desk.hands.submit(BEN, seen["id"], {})
    assert anew.view is not None
    assert "📣 Lena Fischer has told the customer" in said(anew.view)
    assert quotes(anew.view["blocks"]) == quotes(lenas["blocks"]) + quotes(seen["blocks"])
    assert len(desk.replies(case, 2)) == 2
    desk.hands.close_view(BEN, anew.view["id"], clear=True)
    again = desk.open(LENA, desk.card(case), cards.UPDATE)
    assert "is writing" not in said(again), "Ben has thought better of it"
    desk.hands.close_view(LENA, again["id"])


def test_two_who_send_in_the_same_moment_one_of_whom_has_not_read_the_other(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    reviews = {BEN: _update(desk, card)}
    reviews[LENA] = desk.review(LENA, desk.open(LENA, card, cards.UPDATE), body="The bank has the second charge.")

    def confirm(user: str) -> str:
        with Hands(desk.installation.addresses["Sandbox"]) as hands:
            return Desk(desk.installation, desk.store, hands, desk.http).send(user, reviews[user])

    with ThreadPoolExecutor(2) as threads:
        outcomes = dict(zip(reviews, threads.map(confirm, reviews), strict=True))
    (late,) = [user for user, outcome in outcomes.items() if outcome]
    assert "Since you wrote this:" in outcomes[late]
    assert quotes(reviews[LENA if late == BEN else BEN]["blocks"])[0] in outcomes[late]
    assert len(desk.replies(case, 2)) == 2
    assert desk.events(case).count("reply_planned") == 2
    desk.hands.close_view(late, reviews[late]["id"], clear=True)


def test_a_promise_that_is_over_by_the_time_it_is_sent_is_not_made(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    seen = _update(desk, card)
    carried = json.loads(seen["private_metadata"]) | {"promise": "2020-01-01T00:00:00+00:00"}
    before = desk.events(case)
    submission = submission_of(BEN, {**seen, "private_metadata": json.dumps(carried)})
    told = desk.interact(submission).json()
    assert told["response_action"] == "update", "the words are in the modal beneath"
    assert "names a later one" in said(told["view"])
    assert desk.interact(submission_of(BEN, {**submission["view"], "previous_view_id": None})).json()["response_action"] == "push"
    assert desk.quiet_since(case, before)


# --- late, twice, again, and elsewhere --------------------------------------------------------------------------------


def submission_of(user: str, view: Json) -> Json:
    """What Slack sends when that person submits this view as they see it."""
    return {
        "type": "view_submission",
        "user": {"id": user},
        "team": {"id": "T0MERIDIAN"},
        "trigger_id": f"1.2.{view['id']}",
        "view": {**view, "state": {"values": {}}},
    }


def press_of(desk: Desk, user: str, card: Json, action: str, case: str) -> Json:
    """What Slack sends when a button is pressed that is not on the screen any more."""
    return {
        "type": "block_actions",
        "user": {"id": user},
        "team": {"id": "T0MERIDIAN"},
        "trigger_id": f"1.{desk.hands.number()}.late",
        "channel": {"id": card["channel"]},
        "message": {"ts": card["ts"], "thread_ts": card["ts"]},
        "container": {"type": "message", "message_ts": card["ts"], "channel_id": card["channel"]},
        "actions": [{"type": "button", "block_id": "do:1", "action_id": action, "value": case}],
    }


def test_a_submission_that_comes_again_and_again_is_carried_out_once(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    seen = _update(desk, card)
    assert desk.send(BEN, seen) == ""
    desk.replies(case, 2)
    note = desk.push(BEN, desk.menu(BEN, desk.card(case), "more"), forms.DO + "note")
    values = {forms.WORDS: {forms.WORDS: {"type": "plain_text_input", "value": "Called the bank."}}}
    assert desk.send(BEN, note, words="Called the bank.") == ""
    before = desk.events(case)
    for _ in range(3):
        assert desk.interact(submission_of(BEN, seen)).json() == {"response_action": "clear"}
        again = submission_of(BEN, note)
        again["view"]["state"]["values"] = values
        assert desk.interact(again).json() == {"response_action": "clear"}
    assert desk.events(case)[: len(before)] == before
    assert desk.quiet_since(case, before)
    assert len(desk.replies(case, 2)) == 2


def test_a_form_that_is_sent_after_somebody_else_has_resolved_says_so_and_does_nothing(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    wait = desk.menu(BEN, card, "wait")
    assert desk.send(LENA, desk.review(LENA, desk.open(LENA, card, cards.RESOLVE), cause="other", body="It is paid back.")) == ""
    desk.card(case, shows="Closed")
    before = desk.events(case)
    assert desk.send(BEN, wait, words="The bank.") == "This case is closed already. Reopen it if there is more to do."
    assert desk.quiet_since(case, before)
    desk.hands.close_view(BEN, wait["id"])


@pytest.mark.parametrize("action", [cards.ACCEPT, cards.UPDATE, cards.RESOLVE, cards.REASSIGN])
def test_a_button_on_the_card_of_a_case_that_has_moved_says_where_it_is(desk: Desk, moved: tuple[str, Json], action: str) -> None:
    case, card = moved
    before, number = desk.events(case), desk.hands.number()
    assert desk.interact(press_of(desk, LENA, card, action, case)).status_code == 200
    whisper = desk.hands.wait_for(lambda c: c.kind == "message" and c.object.get("ephemeral_to") == LENA, after=number).object
    assert whisper["text"] == "This case is with Technical. Only Technical, Social care and leads can do this."
    assert whisper.get("thread_ts") is None, "who presses on a card looks at the channel, not into its thread"
    assert desk.quiet_since(case, before)


def test_the_card_that_was_left_behind_shows_the_case_to_those_who_had_it(desk: Desk, moved: tuple[str, Json]) -> None:
    case, _ = moved
    left = desk.card(case, "billing", shows="moved to Technical")
    assert actions(left) == [cards.OPEN]
    shown = desk.open(LENA, left, cards.OPEN)
    assert quotes(shown["blocks"])[0] == desk.file(case).first_words
    assert actions(shown) == [cards.ASK, forms.DO + "note", forms.DO + "history"], "what they may not do is not offered"
    note = desk.push(LENA, shown, forms.DO + "note")
    assert desk.send(LENA, note, words="They had called us, too.") == ""
    desk.thread_says(desk.card(case, "technical"), "Lena Fischer noted")


def test_a_modal_that_was_opened_before_the_case_moved_is_refused_when_it_is_sent(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    mine = desk.open(LENA, card, cards.UPDATE)
    seen = desk.review(BEN, desk.open(BEN, card, cards.UPDATE), body="We are looking for the second charge.")
    assert desk.told(BEN, f"assign {desk.number(case)} technical It is the line.") == f"Case #{desk.number(case)} is with Technical now."
    refused = "This case is with Technical. Only Technical, Social care and leads can do this."
    assert desk.fill(LENA, mine, body="We have found it.").errors == {modals.BODY: refused}
    assert desk.send(BEN, seen) == refused
    assert len(desk.replies(case, 1)) == 1
    desk.hands.close_view(LENA, mine["id"])


def test_in_a_thread_people_are_told_in_the_thread(desk: Desk) -> None:
    _, card = desk.case(by=BEN)
    note = desk.hands.say(PRIYA, "C0TECHNIC1", "Nothing of a case.")
    before = desk.hands.number()
    desk.hands.shortcut(PRIYA, "send_to_customer", channel=note["channel"], message_ts=note["ts"])
    assert "not in the thread of a case" in desk.whisper(PRIYA, before)
    said_there = desk.hands.say(MAX, BILLING, "It is paid back.", thread_ts=card["ts"])
    before = desk.hands.number()
    desk.hands.shortcut(LENA, "send_to_customer", channel=BILLING, message_ts=said_there["ts"])
    told = desk.hands.wait_for(lambda c: c.kind == "message" and c.object.get("ephemeral_to") == LENA, after=before).object
    assert told["thread_ts"] == card["ts"]


@pytest.fixture(scope="module")
def shared() -> dict[str, str]:
    return {}


@pytest.fixture
def moved(desk: Desk, shared: dict[str, str]) -> tuple[str, Json]:
    """A case that Billing had and Technical has, and the card in Billing as somebody still sees it."""
    if "moved" not in shared:
        case, _ = desk.case(by=BEN)
        assert desk.told(BEN, f"assign {desk.number(case)} technical It is the line.").endswith("is with Technical now.")
        desk.card(case, "technical", shows="nobody yet")
        shared["moved"] = case
    return shared["moved"], desk.card(shared["moved"], "billing")
