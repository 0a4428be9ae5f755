"""Slack answers 429 or 500, hangs, loses its answer, or refuses the connection: the card and the story are there once, and in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.desk import DeskKeeper
from activities.messages import Messages
from activities.orders import DeskOrder
from activities.places import Admins, Places
from adapters.postgres.store import Store
from adapters.slack.desk import SlackDesk
from domain import commands as c
from domain.story import story
from domain.values import Priority
from sandbox.app import create_app
from sandbox.hands import Hands
from sandbox.server import Server
from sandbox.settings import Settings
from tests.integration.onrecord import OnRecord
from tests.serving import served
from tests.standins import Postbox

Json = dict[str, Any]
BILLING = "C0BILLING1"
ATTEMPTS = 12
HOW: dict[str, Json] = {
    "429": {"kind": "rate_limit", "seconds": 0},
    "500, not done": {"kind": "fail_before"},
    "500, and done": {"kind": "fail_after"},
    "hangs, not done": {"kind": "hang", "acts": False},
    "hangs, and done": {"kind": "hang", "acts": True},
    "the answer is lost": {"kind": "lose_answer"},
    "no connection": {"kind": "refuse"},
}


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    with served(lambda url: Server(create_app(Settings(slack_rate=0), url))) as url, Hands(url) as everybody:
        yield everybody


@pytest.fixture
def keeper(store: Store, hands: Hands) -> Iterator[DeskKeeper]:
    hands.clear_faults()
    desk = SlackDesk("xoxb-sandbox", f"{hands._base_url}/slack/api/", messages_per_second=1000, timeout=1)
    places, admins = Places(desk, store.places), Admins(store.notices, Postbox())
    yield DeskKeeper(store.reader, store.cards, desk, Messages(desk, store.ledger), places, admins)
    hands.clear_faults()


def show(keeper: DeskKeeper, case: OnRecord) -> None:
    """As Temporal does: again and again until it is done."""
    for _ in range(ATTEMPTS):
        try:
            outcome = keeper.show(DeskOrder(case.case_id, case.policy.id, "billing", case.case.events))
        except ApplicationError as error:
            if error.non_retryable:
                raise
        else:
            assert outcome.refused is None
            return
    raise AssertionError(f"it was not shown in {ATTEMPTS} attempts")


def messages(hands: Hands, case: OnRecord) -> list[Json]:
    """What Slack has of a case, the oldest first."""
    found = [one.object for one in hands.state() if one.kind == "message" and one.object["channel"] == BILLING]
    ours = [one for one in found if ((one.get("metadata") or {}).get("event_payload") or {}).get("key", "").startswith(case.case_id + ":")]
    return sorted(ours, key=lambda one: str(one["ts"]))


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_no_step_is_lost_none_comes_twice_and_the_order_is_kept(
    keeper: DeskKeeper, store: Store, hands: Hands, how: Json, method: str
) -> None:
    case = OnRecord.opened(store, f"p{hands.number()}", text="You charged me twice and nobody answers.")
    hands.fault("slack", how["kind"], match=method, count=2, **{k: v for k, v in how.items() if k != "kind"})
    show(keeper, case)
    assert case.command(c.Accept) is None
    show(keeper, case)
    assert case.command(c.Note, case.keep("Called the bank.")) is None
    show(keeper, case)
    assert case.command(c.SetPriority, Priority.URGENT) is None
    show(keeper, case)

    assert hands.faults()["faults"] == [], "it has struck twice, and is over"
    card, *told = messages(hands, case)
    file = store.reader.file(case.case_id)
    assert [one["thread_ts"] for one in told] == [card["ts"]] * len(told)
    assert [line.text for line in story(file)][-3:] == [
        text
        for one in told
        for block in one["blocks"]
        for part in block["elements"]
        for element in part["elements"]
        if (text := element["text"]) in [line.text for line in story(file)]
    ]
    assert "Urgent" in str(card["blocks"])
    assert file.name_of(str(file.case.owner)) in str(card["blocks"])
