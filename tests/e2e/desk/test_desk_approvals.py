"""Drafts that need a second person, in Slack from the preview to the customer: a voucher is promised by two, or not at all."""

from __future__ import annotations

from adapters.slack import approvals, cards
from domain.rights import NO_DEPARTMENT
from tests.e2e.conftest import BEN, SOCIAL, SOFIA, Json, actions, quotes, texts
from tests.e2e.desk.conftest import MAX, NOBODY, Desk, customer_of

BUTTONS = [approvals.APPROVE, approvals.EDIT, approvals.REJECT]


def said(view: Json) -> str:
    return " ".join(texts(view["blocks"]))


def shown_to_social(desk: Desk, text: str) -> Json:
    """The message with that draft in the social team's channel."""
    return desk.hands.wait_for(
        lambda c: c.kind == "message" and c.object["channel"] == SOCIAL and text in quotes(c.object.get("blocks", [])), 25
    ).object


def now(desk: Desk, message: Json, words: str) -> Json:
    """The same message, once it says that."""
    return desk.hands.wait_for(
        lambda c: c.kind == "message" and c.object["ts"] == message["ts"] and words in " ".join(texts(c.object.get("blocks", []))), 25
    ).object


def mentioned(message: Json) -> list[str]:
    return [e["user_id"] for b in message["blocks"] for p in b.get("elements", []) for e in p.get("elements", []) if e["type"] == "user"]


def written(desk: Desk, user: str, case: str, words: str, button: str = cards.UPDATE) -> str:
    """Somebody says that to the customer; exactly what would go out."""
    seen = desk.review(user, desk.open(user, desk.card(case, shows="In progress"), button), body=words)
    assert "It goes out when a second person has approved it: words of money (voucher*)." in said(seen)
    assert desk.send(user, seen) == ""
    (text,) = quotes(seen["blocks"])
    return text


def test_a_draft_waits_is_edited_by_a_second_person_and_goes_out_as_they_saw_it(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    text = written(desk, BEN, case, "We send you a voucher for the wrong charge.")
    message = shown_to_social(desk, text)
    assert "Ben Okoro's update waits for a second person: words of money (voucher*)." in said(message)
    assert actions(message) == BUTTONS
    desk.thread_says(card, "Ben Okoro's update waits for a second person")
    desk.card(case, shows="A draft waits for a second person.")
    assert len(desk.replies(case, 1)) == 1, "nothing goes out on one person's word"

    # not everybody who reads the channel may
    before = desk.hands.number()
    assert desk.press(NOBODY, message, approvals.APPROVE).acked
    assert desk.whisper(NOBODY, before) == NO_DEPARTMENT

    # the customer writes again, so it is read again
    desk.hands.post("x", "And now a third charge!", customer_of(desk, case), in_reply_to=case.split("-")[2])
    desk.until(lambda: "customer_wrote" in desk.events(case))
    anew = desk.open(MAX, message, approvals.APPROVE)
    assert "Since this was written:" in said(anew)
    assert quotes(anew["blocks"]) == ["And now a third charge!", text]
    desk.hands.close_view(MAX, anew["id"])

    # it is put in other words, which are held against what every text is
    view = desk.open(MAX, message, approvals.EDIT)
    assert "And now a third charge!" in quotes(view["blocks"])
    refused = desk.fill(MAX, view, body="Ring +44 7700 900123 for your voucher.")
    assert "phone number" in refused.errors[approvals.BODY]
    seen = desk.review(MAX, view, body="We look into all three charges, and send you a voucher of 20 pounds.")
    shown = quotes(seen["blocks"])[-1]
    assert f"{len(shown)} of 280 characters, as X counts them." in texts(seen["blocks"])
    assert shown.endswith("– Ben"), "it stays its author's"
    assert desk.send(MAX, seen) == ""
    assert [reply["text"] for reply in desk.replies(case, 2)][1:] == [shown]

    # everybody hears what became of it
    told = desk.thread_says(card, "Max Adler approved Ben Okoro's update, in other words")
    assert mentioned(told).count(BEN) >= 1
    assert shown in quotes(told["blocks"])
    assert actions(now(desk, message, "Max Adler approved Ben Okoro's update")) == []
    assert desk.events(case).count("draft_approved") == 1
    assert text in desk.story(case), "the words of before stay on record"


def test_a_rejected_draft_does_not_go_out_and_its_author_reads_why(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    text = written(desk, BEN, case, "Which shop shall the voucher be for?", cards.ASK)
    message = shown_to_social(desk, text)
    view = desk.open(MAX, message, approvals.REJECT)
    assert desk.fill(MAX, view, reason="  ").errors == {approvals.REASON: "Write a reason first: its author reads it."}
    assert desk.send(MAX, view, reason="We give no vouchers for this.") == ""
    told = desk.thread_says(card, "Max Adler did not approve Ben Okoro's question")
    assert BEN in mentioned(told)
    assert "We give no vouchers for this." in quotes(told["blocks"])
    assert actions(now(desk, message, "Max Adler did not approve")) == []
    assert len(desk.replies(case, 1)) == 1


def test_a_private_message_is_shown_to_whoever_decides_and_nowhere_else(desk: Desk) -> None:
    case, card = desk.case(by=BEN)
    seen = desk.review(BEN, desk.menu(BEN, card, "private"), body="Here is your voucher: VOUCHER-4711. Is it for the shop in York?")
    assert "It goes out when a second person has approved it" in said(seen)
    whispered, line = quotes(seen["blocks"])
    assert desk.send(BEN, seen) == ""
    message = shown_to_social(desk, line)
    assert actions(message) == [approvals.APPROVE, approvals.REJECT]
    shown = desk.open(MAX, message, approvals.APPROVE)
    assert quotes(shown["blocks"]) == [whispered, line]
    assert "private_read" in desk.events(case), "that he has read it is on record before he does"
    assert len(desk.replies(case, 1)) == 1
    assert desk.send(MAX, shown) == ""
    told = desk.thread_says(card, "Max Adler approved Ben Okoro's private message")
    desk.until(lambda: desk.events(case).count("reply_posted") == 3)
    posts = [c.object for c in desk.hands.state() if c.kind == "post" and c.object["thread"] == case.split("-")[2]]
    assert [post["text"] for post in posts if post.get("visibility") == "private" and post["author"]["is_brand"]] == [whispered]
    everything = str([c.object for c in desk.hands.state() if c.kind == "message"])
    assert "VOUCHER-4711" not in everything + str(told)


def test_nobody_approves_their_own_and_the_lead_is_called_at_half_of_the_time(desk: Desk) -> None:
    case, _ = desk.case(by=BEN)
    desk.hands.post("x", "Is anybody there?", customer_of(desk, case), in_reply_to=case.split("-")[2])
    desk.until(lambda: "customer_wrote" in desk.events(case))
    text = written(desk, MAX, case, "You get a voucher today.")
    message = shown_to_social(desk, text)
    before = desk.hands.number()
    assert desk.press(MAX, message, approvals.APPROVE).acked
    assert desk.whisper(MAX, before) == "You wrote this yourself. Somebody else must approve it."
    mine = desk.until(
        lambda: [c.object["id"] for c in desk.hands.state() if c.kind == "conversation" and c.object["user"] == SOFIA], seconds=75
    )
    direct = desk.hands.wait_for(
        lambda c: c.kind == "message" and c.object["channel"] in mine and text in quotes(c.object.get("blocks", [])), 75
    ).object
    assert "still waits for a second person" in said(direct)
    assert desk.press(SOFIA, direct, approvals.APPROVE).acked
    assert [reply["text"] for reply in desk.replies(case, 2)][-1] == text
    before = desk.hands.number()
    assert desk.press(SOFIA, message, approvals.APPROVE).acked
    assert "This draft waits no more" in desk.whisper(SOFIA, before)
    assert desk.events(case).count("draft_approved") == 1
