"""What departments see and do in Slack, and what the customer then reads. Slack and the network are the stand-ins, on the wire."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from adapters.slack import cards, modals
from api.slack.floor import LATER
from domain.commands import SAID_ALREADY
from sandbox.hands import Author
from tests.e2e.conftest import (
    ANA,
    BEN,
    BILLING,
    COMPLAINT,
    PATIENCE,
    SOCIAL,
    TECHNICAL,
    TOM,
    WIDE_BOARD,
    Stage,
    actions,
    quotes,
    texts,
)


@pytest.fixture
def accepted(stage: Stage) -> tuple[str, dict[str, Any]]:
    """A case that Ana has, and its card."""
    case = stage.complain()
    assert stage.press(ANA, stage.card(case, shows="nobody yet"), cards.ACCEPT).acked
    return case, stage.card(case, shows="Owner: Ana Silva")


def test_the_card_says_who_where_what_how_urgent_and_what_is_due_when(stage: Stage) -> None:
    case = stage.complain()
    card = stage.card(case)
    said = " ".join(texts(card["blocks"]))
    assert card["channel"] == BILLING
    assert quotes(card["blocks"]) == [COMPLAINT]
    for part in ("Sam Okafor (@sam)", " on X", "Complaint", "High", "Owner: nobody yet", "Category: billing"):
        assert part in said
    due = [
        e
        for block in card["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        for e in part["elements"]
        if e["type"] == "date"
    ]
    opened = stage.store.reader.file(case)
    assert [moment["timestamp"] for moment in due] == [int(clock.due_at.timestamp()) for clock in opened.clocks if clock.due_at]
    assert stage.hands.world()["usergroups"][3]["id"] in str(card["blocks"]), "the group is mentioned"
    assert f"/x/{case.split('-')[2]}" in str(card["blocks"]), "the post is linked"
    assert actions(card) == [cards.ACCEPT, cards.ASK, cards.UPDATE, cards.RESOLVE, cards.REASSIGN, cards.MORE]


def test_whoever_accepts_has_it_and_the_next_one_is_told_who(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    assert cards.ACCEPT not in actions(card)
    stale = {**press_of(stage, card, case, cards.ACCEPT), "user": {"id": BEN}}
    before = stage.hands.number()
    assert stage.interact(stale).status_code == 200
    assert stage.whisper(BEN, before) == "Ana Silva has this case."
    assert stage.events(case).count("accepted") == 1


def test_two_who_accept_in_the_same_moment_are_one_owner_and_one_who_is_told(stage: Stage) -> None:
    case = stage.complain()
    card = stage.card(case, shows="nobody yet")
    presses = [{**press_of(stage, card, case, cards.ACCEPT), "user": {"id": who}, "trigger_id": f"t{who}{case}"} for who in (ANA, BEN)]
    before = stage.hands.number()
    with ThreadPoolExecutor(2) as threads:
        assert [answer.status_code for answer in threads.map(stage.interact, presses)] == [200, 200]
    owner = "Ana Silva" if "Ana Silva" in " ".join(texts(stage.card(case, shows="In progress")["blocks"])) else "Ben Okoro"
    other = BEN if owner == "Ana Silva" else ANA
    assert stage.whisper(other, before) == f"{owner} has this case."
    assert stage.events(case).count("accepted") == 1


SAYINGS = [
    (cards.ASK, "Which of the two charges do you mean?", None, "waiting_on_customer"),
    (cards.UPDATE, "We have found the second charge.\n\nThe bank has been told.", None, "in_progress"),
    (cards.RESOLVE, "The second charge is paid back.", "billing_error", "closed"),
]


@pytest.mark.parametrize(("action", "body", "cause", "status"), SAYINGS, ids=["ask", "update", "resolve"])
def test_what_is_posted_is_exactly_what_was_shown_with_its_length(
    stage: Stage, accepted: tuple[str, dict[str, Any]], action: str, body: str, cause: str | None, status: str
) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, action), body, cause)
    assert (seen.response_action, seen.error) == ("push", None)
    assert seen.view is not None
    (shown,) = quotes(seen.view["blocks"])
    assert body in shown
    assert shown.startswith("Hi Sam,")
    assert shown.endswith("– Ana")
    assert f"{len(shown)} of 280 characters, as X counts them." in texts(seen.view["blocks"])
    assert len(stage.replies(case, 1)) == 1, "nothing goes out that was only looked at"
    assert stage.send(ANA, seen.view) == ""
    assert [reply["text"] for reply in stage.replies(case, 2)][1:] == [shown]
    stage.until(lambda: stage.store.reader.file(case).case.status.value == status)


def test_a_text_that_is_too_long_for_one_post_is_shown_in_the_parts_in_which_it_goes_out(
    stage: Stage, accepted: tuple[str, dict[str, Any]]
) -> None:
    case, card = accepted
    body = " ".join(f"Sentence number {n} says something about the charge." for n in range(1, 10))
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), body)
    assert seen.view is not None
    shown = quotes(seen.view["blocks"])
    assert len(shown) in (2, 3)
    assert any(f"goes out in {len(shown)} posts" in text for text in texts(seen.view["blocks"]))
    assert stage.send(ANA, seen.view) == ""
    assert [reply["text"] for reply in stage.replies(case, 1 + len(shown))][1:] == shown


@pytest.mark.parametrize(("body", "told"), [("  \n ", "Write something first."), ("x" * 2500, "280")], ids=["nothing", "far too much"])
def test_what_cannot_be_posted_is_said_in_the_modal(stage: Stage, accepted: tuple[str, dict[str, Any]], body: str, told: str) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), body)
    assert told in seen.errors[modals.BODY]
    assert len(stage.replies(case, 1)) == 1


def test_reassigning_moves_the_card_and_the_other_department_is_called(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    view = stage.open(ANA, card, cards.REASSIGN)
    values: dict[str, dict[str, object]] = {
        modals.DEPARTMENT: {modals.DEPARTMENT: "technical"},
        modals.REASON: {modals.REASON: "It is the router."},
    }
    assert stage.hands.submit(ANA, view["id"], values).errors == {}
    there = stage.card(case, "technical", shows="nobody yet")
    assert (there["channel"], actions(there)[0]) == (TECHNICAL, cards.ACCEPT)
    left = stage.card(case, "billing", shows="moved to Technical")
    assert actions(left) == [cards.OPEN]
    assert stage.press(TOM, there, cards.ACCEPT).acked
    stage.card(case, "technical", shows="Owner: Tom Lindqvist")
    assert len(stage.replies(case, 1)) == 1, "a reassignment is internal"


def test_an_interaction_that_slack_delivers_twice_acts_once(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), "The bank has been told.")
    assert seen.view is not None
    stage.hands.fault("interactions", "deliver_twice", count=1)
    assert stage.send(ANA, seen.view) == ""
    stage.hands.clear_faults()
    assert stage.write(ANA, stage.open(ANA, card, cards.ASK), "Which charge?").response_action == "push"
    assert len(stage.replies(case, 2)) == 2
    assert stage.events(case).count("reply_planned") == 2


def test_a_confirmation_whose_answer_was_lost_can_be_pressed_again_and_posts_once(
    stage: Stage, accepted: tuple[str, dict[str, Any]]
) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), "The bank has been told.")
    assert seen.view is not None
    stage.hands.fault("interactions", "lose_answer", count=1)
    assert not stage.hands.submit(ANA, seen.view["id"], {}).acked
    assert stage.send(ANA, seen.view) == ""
    stage.replies(case, 2)
    assert stage.events(case).count("reply_planned") == 2


def test_a_double_click_on_accept_is_no_mistake(stage: Stage) -> None:
    case = stage.complain()
    card = stage.card(case, shows="nobody yet")
    once = press_of(stage, card, case, cards.ACCEPT)
    before = stage.hands.number()
    for trigger in ("first", "first", "second"):
        assert stage.interact({**once, "trigger_id": f"{trigger}.{case}"}).status_code == 200
    stage.hands.wait_for(
        lambda ch: ch.kind == "message" and ch.object.get("ephemeral_to") == ANA and ch.object["text"] == "You have this case already.",
        after=before,
    )
    assert stage.events(case).count("accepted") == 1


def test_what_somebody_else_has_resolved_meanwhile_is_not_posted_about(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), "Still looking.")
    resolve = stage.write(BEN, stage.open(BEN, card, cards.RESOLVE), "It is paid back.", "billing_error")
    assert seen.view is not None
    assert resolve.view is not None
    assert stage.send(BEN, resolve.view) == ""
    assert "already. Reopen it if there is more to do." in stage.send(ANA, seen.view)
    stage.card(case, shows="Closed")
    assert not any("Still looking" in reply["text"] for reply in stage.replies(case, 2))


@pytest.mark.parametrize("action", [cards.ACCEPT, cards.ASK, cards.UPDATE, cards.RESOLVE, cards.REASSIGN])
def test_a_button_on_a_card_that_was_closed_meanwhile_says_so_and_does_nothing(stage: Stage, closed: str, action: str) -> None:
    card = stage.card(closed, shows="Closed")
    assert actions(card) == [cards.OPEN]
    events, before = stage.events(closed), stage.hands.number()
    assert stage.interact(press_of(stage, card, closed, action)).status_code == 200
    assert stage.whisper(ANA, before) == "This case is closed already. Reopen it if there is more to do."
    assert stage.events(closed) == events
    assert not [c for c in stage.hands.changes(before)[0] if c.kind == "view"], "nothing to write into is opened"


def test_forged_and_old_interactions_are_refused(stage: Stage) -> None:
    case = stage.complain()
    press = press_of(stage, stage.card(case), case, cards.ACCEPT)
    assert stage.interact(press, secret="somebody else's").status_code == 401
    assert stage.interact(press, at=time.time() - 400).status_code == 401
    assert stage.http.post("/slack/events", json={"type": "url_verification", "challenge": "x"}).status_code == 401
    assert "accepted" not in stage.events(case)


def test_when_the_customer_deletes_the_post_the_social_team_is_asked_and_people_may_still_speak(
    stage: Stage, accepted: tuple[str, dict[str, Any]]
) -> None:
    case, card = accepted
    stage.hands.delete("x", case.split("-")[2])
    title = texts(card["blocks"])[0].split(" ")[0]
    told = f"{title}: A person is needed: the customer deleted the post; nothing more is posted automatically"
    stage.hands.wait_for(lambda c: c.kind == "message" and c.object["channel"] == SOCIAL and told in str(c.object), PATIENCE)
    assert stage.events(case)[-2:] == ["post_deleted", "human_needed"]
    resolve = stage.write(ANA, stage.open(ANA, card, cards.RESOLVE), "It is paid back.", "billing_error")
    assert resolve.view is not None
    assert stage.send(ANA, resolve.view) == ""
    stage.until(lambda: stage.events(case)[-1] == "human_needed")
    assert len(stage.replies(case, 1)) == 1, "there is nothing left to thank under"


def test_an_edited_post_is_told_and_both_versions_are_kept(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    stage.hands.edit("x", case.split("-")[2], "You charged me three times!")
    stage.until(lambda: "post_edited" in stage.events(case))
    said = [line.quote for line in _story(stage, case)]
    assert COMPLAINT in said
    assert "You charged me three times!" in said
    told = stage.hands.wait_for(
        lambda c: c.kind == "message" and c.object.get("thread_ts") == card["ts"] and "three times" in str(c.object)
    )
    assert quotes(told.object["blocks"])[-1] == "You charged me three times!"


HOSTILE = (
    "refund <!channel> <!here|all> <@U0ANA00001> <#C0BILLING1> *bold* _it_ ~s~ `code` ```fence``` > quote <https://evil.example|click> "
    "<b>html</b><script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} {name} {sign} {hello} ${7*7} {% raw %} %s &amp; & :boom: "
    "\u202egnp.exe\u202c zero\u200bwidth \u2066isolate\u2069 e\u0301 \U0001f468\u200d\U0001f469\u200d\U0001f467"
)
MALLORY = Author("66", "mallory<b>", "<!channel> *Mallory* \u202e{sign}")


def test_hostile_text_appears_as_text_in_the_card_the_thread_the_modal_and_the_console(stage: Stage) -> None:
    case = stage.complain(HOSTILE, "facebook", MALLORY)
    card = stage.card(case)
    assert quotes(card["blocks"]) == [HOSTILE]
    assert "<!channel>" not in card["text"]
    assert "\u202e" not in " ".join(texts(card["blocks"][:1])), "a name does not turn what stands beside it"
    first = stage.open(ANA, card, cards.UPDATE)
    assert quotes(first["blocks"]) == [HOSTILE]
    page = stage.console(f"/console/cases/{case}").text
    board = stage.console(WIDE_BOARD).text
    for shown in (page, board):
        assert "<script>alert" not in shown
        assert "&lt;!channel&gt; &lt;!here|all&gt;" in shown
    assert "{{7*7}} {name} {sign} {hello} ${7*7} {% raw %} %s &amp;amp; &amp;" in page
    assert stage.hands.post("facebook", HOSTILE, MALLORY, in_reply_to=case.split("-")[2])
    told = stage.hands.wait_for(
        lambda c: c.kind == "message" and c.object.get("thread_ts") == card["ts"] and HOSTILE in quotes(c.object["blocks"])
    )
    assert "<!channel>" not in told.object["text"]
    acknowledged = stage.replies(case, 1)[0]["text"]
    assert acknowledged.startswith("Hello,"), "what does not look like a name is not greeted by"


def test_hostile_words_of_a_colleague_reach_the_customer_as_they_were_shown(stage: Stage) -> None:
    case = stage.complain(COMPLAINT, "facebook")
    card = stage.card(case)
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), HOSTILE)
    assert seen.view is not None
    (shown,) = quotes(seen.view["blocks"])
    assert "{{7*7}} {name} {sign} {hello} ${7*7}" in shown
    assert stage.send(ANA, seen.view) == ""
    assert stage.replies(case, 2)[1]["text"] == shown


# --- small parts ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared() -> dict[str, str]:
    return {}


@pytest.fixture
def closed(stage: Stage, shared: dict[str, str]) -> str:
    """A closed case."""
    if "closed" not in shared:
        case = stage.complain()
        assert stage.press(ANA, stage.card(case, shows="nobody yet"), cards.ACCEPT).acked
        view = stage.open(ANA, stage.card(case, shows="Owner: Ana Silva"), cards.RESOLVE)
        seen = stage.write(ANA, view, "It is paid back.", "billing_error")
        assert seen.view is not None
        assert stage.send(ANA, seen.view) == ""
        shared["closed"] = case
    return shared["closed"]


def press_of(stage: Stage, card: dict[str, Any], case: str, action: str) -> dict[str, Any]:
    """What Slack sends when Ana presses a button on a card that her screen has not brought up to date."""
    return {
        "type": "block_actions",
        "user": {"id": ANA},
        "trigger_id": f"{time.time_ns()}.0.{case}",
        "team": {"id": "T0MERIDIAN"},
        "channel": {"id": card["channel"]},
        "message": {"ts": card["ts"]},
        "container": {"type": "message", "message_ts": card["ts"], "channel_id": card["channel"]},
        "actions": [{"type": "button", "block_id": "b", "action_id": action, "value": case}],
    }


def _story(stage: Stage, case: str) -> list[Any]:
    from domain.story import story

    return story(stage.store.reader.file(case))


def test_what_takes_longer_than_slack_waits_is_told_in_the_modal_later(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), "The bank has the second charge now.").view
    assert seen is not None
    worker = psutil.Process(stage.installation.services["worker"].pid)
    worker.suspend()
    try:
        waiting = stage.hands.submit(ANA, seen["id"], {}).view
    finally:
        worker.resume()
    assert waiting is not None
    assert texts(waiting["title"]) == ["One moment"]
    told = stage.hands.wait_for(
        lambda c: c.kind == "view" and c.object["id"] == waiting["id"] and texts(c.object["title"]) != ["One moment"], PATIENCE
    )
    if texts(told.object["title"]) == ["Done"]:
        assert texts(told.object["blocks"]) == [modals.GOES_OUT]
    else:  # the worker has so much else to do that nobody can tell yet
        assert texts(told.object["blocks"]) == [LATER.reason]
    stage.hands.close_view(ANA, waiting["id"], clear=True)
    assert [reply["text"] for reply in stage.replies(case, 2)][1:] == quotes(seen["blocks"])


def test_words_that_the_customer_has_read_are_not_posted_twice(stage: Stage, accepted: tuple[str, dict[str, Any]]) -> None:
    case, card = accepted
    words = "We have found the second charge and asked the bank for it."
    seen = stage.write(ANA, stage.open(ANA, card, cards.UPDATE), words).view
    assert seen is not None
    assert stage.send(ANA, seen) == ""
    stage.replies(case, 2)
    again = stage.open(ANA, stage.card(case, shows="In progress"), cards.UPDATE)
    assert stage.write(ANA, again, f"  {words} ").errors == {modals.BODY: SAID_ALREADY}
    other = stage.write(ANA, again, "The bank has answered: the money is on its way.")
    assert other.view is not None
    stage.hands.close_view(ANA, other.view["id"], clear=True)
