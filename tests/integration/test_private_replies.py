"""Private replies over the wire, to the stand-in network and its bridge: sent to the customer alone, once, or honestly not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from activities.publish import Patience, Publisher
from adapters.channels.signing import Signer
from adapters.channels.webhook import WebhookNetwork
from adapters.http import HttpClient
from adapters.postgres.store import Store
from domain import commands as c
from domain.values import Purpose
from sandbox.app import create_app
from sandbox.hands import Author, Hands
from sandbox.server import Server
from sandbox.settings import Channel, Settings
from tests.integration.conftest import SECRET
from tests.integration.onrecord import OnRecord
from tests.serving import served

SAM = Author("77", "sam", "Sam Okafor")
CLOSED = Author("78", "phil", "Phil Garrett", private_messages=False)
MESSAGE = "Hi Sam,\nwhich of your two contracts is it? Your customer number is on the first page.\n– Ana"
LINE = "Hi Sam, we've sent you a private message, so that your details stay between us. – Ana"
LONG = " ".join(f"Sentence number {n} says something that is between us." for n in range(1, 12))
HASTE = Patience(timedelta(seconds=30), timedelta(0), timedelta(0), timedelta(seconds=0.3))


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    """Everybody on the stand-in network."""
    settings = Settings.model_validate({"channels": {"x": Channel(network="X", secret=SECRET, limit=280)}})
    with served(lambda address: Server(create_app(settings, address, None, time.time))) as url, Hands(url) as all_hands:
        yield all_hands


class Office:
    """A case of a customer of the stand-in network, and the way to it."""

    def __init__(self, store: Store, hands: Hands, author: Author = SAM, *, honours_key: bool = True) -> None:
        hands.clear_faults()
        self.hands = hands
        post = hands.post("x", "You charged me twice and nobody answers.", author)
        self.first = post["id"]
        told = {"id": author.id, "handle": author.handle, "name": author.name}
        self.case = OnRecord.opened(store, self.first, author=told, url=post["url"])
        url = f"{hands._base_url}/bridge/x"
        network = WebhookNetwork(url, Signer.with_secret(SECRET), HttpClient(timeout=5), honours_key=honours_key)
        self.publisher = Publisher(store.ledger, store.composer, {"x": network}, HASTE)
        self.case.publish(self.publisher)

    def goes_private(self, message: str = MESSAGE) -> None:
        assert self.case.command(c.TakePrivate, self.case.keep(LINE), self.case.keep(message, private=True)) is None
        self.case.publish(self.publisher)

    def replies(self, visibility: str) -> list[dict[str, Any]]:
        """The brand's replies in the thread, in their order; the acknowledgement left out."""
        posts = [one.object for one in self.hands.state() if one.kind == "post"]
        ours = [one for one in posts if one["author"]["is_brand"] and one["thread"] == self.first and one["visibility"] == visibility]
        return ours[1:] if visibility == "public" else ours


@pytest.fixture
def office(store: Store, hands: Hands) -> Office:
    return Office(store, hands)


def test_the_message_reaches_the_customer_alone_and_the_line_everybody(office: Office) -> None:
    office.goes_private()
    (private,) = office.replies("private")
    (line,) = office.replies("public")
    assert (private["text"], private["in_reply_to"], private["to"]) == (MESSAGE, office.first, "77")
    assert (line["text"], line["in_reply_to"]) == (LINE, office.first)
    assert private["posted_at"] <= line["posted_at"], "nobody is told of a message that is not there yet"


def test_all_parts_of_a_long_message_go_to_the_customer(office: Office) -> None:
    office.goes_private(LONG)
    parts = office.replies("private")
    assert [part["text"][-5:] for part in parts] == ["(1/3)", "(2/3)", "(3/3)"]
    assert {(part["in_reply_to"], part["to"]) for part in parts} == {(office.first, "77")}
    assert len(office.replies("public")) == 1


@pytest.mark.parametrize("fault", ["lose_answer", "fail_after", "fail_before", "refuse", "rate_limit"])
@pytest.mark.parametrize("honours_key", [True, False])
def test_what_is_lost_on_the_way_is_looked_for_among_private_messages_and_sent_once(
    store: Store, hands: Hands, fault: str, honours_key: bool
) -> None:
    office = Office(store, hands, honours_key=honours_key)
    hands.fault("square", fault, count=1, match="/x/replies", seconds=0)
    office.goes_private(LONG)
    assert [one.object["struck"] for one in hands.state() if one.kind == "fault"][-1] == 1
    assert [part["text"][-5:] for part in office.replies("private")] == ["(1/3)", "(2/3)", "(3/3)"]
    assert [line["text"] for line in office.replies("public")] == [LINE]


def test_who_takes_no_private_messages_is_told_nothing_in_public_of_one(store: Store, hands: Hands) -> None:
    office = Office(store, hands, CLOSED)
    office.goes_private()
    assert (office.replies("private"), office.replies("public")) == ([], [])
    assert office.case.kinds()[-3:] == ["reply_failed", "reply_withdrawn", "human_needed"]
    (failed,) = [entry.event for _, entry in store.records.history(office.case.case_id) if entry.event.kind == "reply_failed"]
    assert "Phil Garrett takes no private messages on X." in failed.reason
    assert office.case.case.planned(Purpose.WENT_PRIVATE) is None
    assert not store.reader.file(office.case.case_id).writes_in_private, "next they are given the contact link"


def test_who_wrote_in_private_themselves_is_answered_there(store: Store, hands: Hands) -> None:
    office = Office(store, hands, CLOSED)
    wrote = hands.post("x", "Here is my number.", CLOSED, in_reply_to=office.first, visibility="private")
    body = {"id": wrote["id"], "url": wrote["url"], "text": wrote["text"], "posted_at": wrote["posted_at"], "visibility": "private"}
    author = {"id": CLOSED.id, "handle": CLOSED.handle, "name": CLOSED.name}
    office.case.comes({"type": "post.created", "brand": "meridian", "data": {**body, "author": author}})
    office.goes_private()
    (private,) = office.replies("private")
    assert (private["text"], private["in_reply_to"]) == (MESSAGE, wrote["id"])
    assert store.reader.file(office.case.case_id).writes_in_private


def test_what_nobody_can_tell_is_asked_of_people_not_sent_again_and_not_told_of(store: Store, hands: Hands) -> None:
    office = Office(store, hands, honours_key=False)
    hands.fault("square", "lose_answer", count=1, match="/x/replies")
    hands.fault("square", "blind")
    office.goes_private()
    assert office.case.kinds()[-3:] == ["reply_unconfirmed", "reply_withdrawn", "human_needed"]
    hands.clear_faults()
    office.case.publish(office.publisher)
    assert [one["text"] for one in office.replies("private")] == [MESSAGE]
    assert office.replies("public") == []
    assert MESSAGE not in str(store.reader.file(office.case.case_id))
