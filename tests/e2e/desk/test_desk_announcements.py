"""One text to the customers of a shared cause, from the console's or a program's request to a second person in Slack, to the customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activities.announcing import AnnouncementTeller
from activities.messages import Messages
from activities.places import Admins, Places
from adapters.postgres.keys import NewKey
from adapters.postgres.waiting_announcements import PostgresWaitingAnnouncements
from adapters.slack import announcements
from adapters.slack.desk import SlackDesk
from domain.values import SYSTEM, Role
from tests.e2e.conftest import SOCIAL, SOFIA, Json, actions, quotes, texts
from tests.e2e.desk.conftest import MAX, NOBODY, Desk
from tests.standins import Postbox

BODY = "The card in your cabinet is worn out. We replace it this afternoon, and you get a voucher."
Waits = Callable[..., tuple[Json, list[str]]]


def said(view: Json) -> str:
    return " ".join(texts(view["blocks"]))


def by_key(desk: Desk, name: str) -> Callable[[str, Json], Any]:
    """What somebody of that name does over REST."""
    secret = desk.store.keys.make(NewKey(name, Role.SOCIAL), SYSTEM)[1]

    def call(path: str, given: Json) -> Any:
        answer = desk.http.post(f"/api/v1{path}", json=given, headers={"authorization": f"Bearer {secret}"})
        assert answer.is_success, answer.text
        return answer.json()

    return call


@pytest.fixture
def waits(desk: Desk) -> Waits:
    """Two customers share a cause, and a text for both of them waits; the message in Slack, and the cases."""
    call = by_key(desk, "Hanna Weber")

    def waiting(body: str = BODY) -> tuple[Json, list[str]]:
        cases = [desk.case("My line is dead since noon.", by=SOFIA)[0] for _ in range(2)]
        cause = call("/causes", {"name": "Cabinet 12", "department": "technical"})["number"]
        for case in cases:
            call(f"/cases/{case}/commands", {"do": "join_shared_cause", "cause": cause})
        number = call(f"/causes/{cause}/announcements", {"what": "update", "text": body})["number"]
        assert call(f"/causes/{cause}/announcements/{number}/decision", {"do": "send"})["state"] == "waiting"
        teller(desk).tell("")  # the worker does it within a minute
        message = desk.hands.wait_for(
            lambda c: c.kind == "message" and c.object["channel"] == SOCIAL and f"shared cause C{cause} waits" in c.object["text"], 25
        ).object
        return message, cases

    return waiting


def teller(desk: Desk) -> AnnouncementTeller:
    """What the worker has, with an address of Slack of its own."""
    store, sandbox, ours = desk.store, desk.installation.addresses["Sandbox"], str(desk.http.base_url).rstrip("/")
    slack = SlackDesk(desk.installation.secrets.slack_bot_token, f"{sandbox}/slack/api/", messages_per_second=10)
    waiting, admins = PostgresWaitingAnnouncements(store.engine), Admins(store.notices, Postbox())
    return AnnouncementTeller(waiting, store.book, slack, Messages(slack, store.ledger), Places(slack, store.places), admins, ours)


def now(desk: Desk, message: Json, words: str) -> Json:
    """The same message, once it says that."""
    return desk.hands.wait_for(
        lambda c: c.kind == "message" and c.object["ts"] == message["ts"] and words in " ".join(texts(c.object.get("blocks", []))), 25
    ).object


def test_whoever_approves_it_has_read_what_each_customer_reads(desk: Desk, waits: Waits) -> None:
    message, cases = waits()
    assert actions(message) == [announcements.READ, announcements.REJECT]
    assert "voucher and" not in said(message), "no word of it stands in the channel"
    assert "worn out" not in said(message)

    before = desk.hands.number()
    assert desk.press(NOBODY, message, announcements.REJECT).acked
    assert "You belong to no department" in desk.whisper(NOBODY, before)

    view = desk.open(MAX, message, announcements.READ)
    shown = quotes(view["blocks"])
    assert len(shown) == 2
    assert all("We replace it this afternoon, and you get a voucher." in one for one in shown)
    assert all(f"#{desk.number(case)} · Pat Passer" in said(view) for case in cases)
    assert texts(view["submit"]) == ["Post to 2 customers"]
    assert all(len(desk.replies(case, 1)) == 1 for case in cases)
    assert desk.send(MAX, view) == ""
    assert [desk.replies(case, 2)[-1]["text"] for case in cases] == shown
    told = now(desk, message, "Max Adler approved Hanna Weber's update to 2 customers of the shared cause")
    assert actions(told) == []
    assert [desk.events(case).count("announced") for case in cases] == [1, 1]


def test_a_rejected_one_goes_to_nobody_and_says_why(desk: Desk, waits: Waits) -> None:
    message, cases = waits()
    view = desk.open(MAX, message, announcements.REJECT)
    assert BODY in quotes(view["blocks"])
    late = desk.open(SOFIA, message, announcements.READ)
    assert desk.fill(MAX, view, reason=" ").errors == {announcements.REASON: "Write a reason first: its author reads it."}
    assert desk.send(MAX, view, reason="No vouchers before we know how many.") == ""
    told = now(desk, message, "Max Adler did not approve Hanna Weber's update")
    assert "No vouchers before we know how many." in quotes(told["blocks"])
    assert desk.send(SOFIA, late) == "This was sent or rejected already."
    assert all(len(desk.replies(case, 1)) == 1 for case in cases)


def test_of_one_that_was_decided_elsewhere_the_message_says_so_when_it_is_pressed(desk: Desk, waits: Waits) -> None:
    message, _ = waits()
    cause, number = _buttons_value(message).split("|")
    by_key(desk, "Rita Moss")(f"/causes/{cause}/announcements/{number}/decision", {"do": "reject", "text": "We tell nobody yet."})
    before = desk.hands.number()
    assert desk.press(MAX, message, announcements.READ).acked
    assert desk.whisper(MAX, before) == "This was sent or rejected already."
    told = now(desk, message, "Rita Moss did not approve Hanna Weber's update")
    assert "We tell nobody yet." in quotes(told["blocks"])
    assert actions(told) == []


def _buttons_value(message: Json) -> str:
    return next(str(e["value"]) for b in message["blocks"] if b["type"] == "actions" for e in b["elements"])
