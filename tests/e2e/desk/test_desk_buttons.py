"""A case from the complaint to the thank-you by buttons alone, through three departments in two zones."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from adapters.slack import cards, modals
from tests.e2e.conftest import BEN, TECHNICAL, actions, quotes, texts
from tests.e2e.desk.conftest import CARE, JONAS, PRIYA, Desk, customer_of


def test_a_case_goes_from_complaint_to_thank_you_by_buttons_alone_through_three_departments_in_two_zones(desk: Desk) -> None:
    case, card = desk.case(by=BEN)

    # Ben asks, and the customer answers
    seen = desk.review(BEN, desk.open(BEN, card, cards.ASK), body="Which of the two charges is not yours?")
    assert desk.send(BEN, seen) == ""
    asked = desk.replies(case, 2)[1]
    assert asked["text"] == quotes(seen["blocks"])[0]
    card = desk.card(case, shows="Waiting on the customer")
    desk.hands.post("x", "The one over 58 euros.", customer_of(desk, case), in_reply_to=asked["id"])
    answered = desk.thread_says(card, "Our question is answered")
    assert {"type": "user", "user_id": BEN} in [e for b in answered["blocks"] for p in b["elements"] for e in p["elements"]]

    # he tells how it is going, and passes the case on to where they are at work when London is not
    seen = desk.review(
        BEN, desk.open(BEN, desk.card(case, shows="In progress"), cards.UPDATE), body="The charge was made by our network team."
    )
    assert desk.send(BEN, seen) == ""
    desk.replies(case, 3)
    view = desk.open(BEN, desk.card(case), cards.REASSIGN)
    seen = desk.review(BEN, view, department="technical", reason="A charge for a line that is dead.", tell=[modals.TELL])
    assert "Technical" in quotes(seen["blocks"])[0]
    assert desk.send(BEN, seen) == ""
    assert desk.replies(case, 4)[3]["text"] == quotes(seen["blocks"])[0]
    there = desk.card(case, "technical", shows="nobody yet")
    assert there["channel"] == TECHNICAL
    file = desk.file(case)
    accept = next(clock for clock in file.clocks if clock.name == "accept")
    assert accept.due_at is not None
    assert 13 <= accept.due_at.astimezone(ZoneInfo("America/New_York")).hour <= 18, "the accept clock runs while its department works"
    left = desk.card(case, "billing", shows="moved to Technical")
    assert actions(left) == [cards.OPEN]

    # Priya takes it, waits on a supplier, goes on, and has her peace for an hour
    assert desk.press(PRIYA, there, cards.ACCEPT).acked
    there = desk.card(case, "technical", shows="Owner: Priya Nair")
    assert desk.send(PRIYA, desk.menu(PRIYA, there, "wait"), words="The supplier looks into the line.") == ""
    there = desk.card(case, "technical", shows="Waiting on a third party")
    assert "The other clocks stand still while we wait." in " ".join(texts(there["blocks"]))
    assert desk.send(PRIYA, desk.menu(PRIYA, there, "resume")) == ""
    there = desk.card(case, "technical", shows="In progress")
    assert "Priya Nair goes on with this case: it waits on nobody any more" in desk.story(case)
    until = int((desk.file(case).history[-1][1].event.at + timedelta(hours=3)).timestamp())
    assert desk.send(PRIYA, desk.menu(PRIYA, there, "snooze"), until=until, words="Rest.") == ""
    there = desk.card(case, "technical", shows="No reminders until")

    # she goes on in private, and hands it to those who can pay the money back, without a word to the customer
    seen = desk.review(PRIYA, desk.menu(PRIYA, there, "private"), body="Which account shall we pay the 58 euros to?")
    whispered, line = quotes(seen["blocks"])
    assert desk.send(PRIYA, seen) == ""
    public = [reply for reply in desk.replies(case, 6) if reply["visibility"] == "public"]
    private = [reply for reply in desk.replies(case, 6) if reply["visibility"] == "private"]
    assert (public[-1]["text"], private[-1]["text"]) == (line, whispered)
    assert "Which account" not in line
    there = desk.card(case, "technical", shows="written in private")
    view = desk.open(PRIYA, there, cards.REASSIGN)
    assert desk.send(PRIYA, view, department="care", reason="To pay it back.") == ""
    last = desk.card(case, "care", shows="nobody yet")
    assert last["channel"] == CARE

    # Jonas accepts and resolves
    assert desk.press(JONAS, last, cards.ACCEPT).acked
    view = desk.open(JONAS, desk.card(case, "care", shows="Owner: Jonas Berg"), cards.RESOLVE)
    seen = desk.review(
        JONAS, view, cause="billing_error", cause_words="A line that was never closed.", body="The 58 euros are on their way back."
    )
    assert desk.send(JONAS, seen) == ""
    done = desk.card(case, "care", shows="Closed")
    assert desk.replies(case, 7)[-1]["text"] == quotes(seen["blocks"])[0]
    assert "Wrong bill or charge" in desk.story(case)
    assert "A line that was never closed." in desk.story(case)
    assert actions(done) == [cards.OPEN]
    assert desk.store.records.verify(case) is None
