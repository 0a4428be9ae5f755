"""Each way to fail, as a genuine client meets it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sandbox_support import API_KEY, BOT_TOKEN, SECRET, Loopkeeper, Outside, StartSandbox
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from sandbox.hands import Author, HandsError
from sandbox.signing import channel_headers

BILLING = "C0BILLING1"
SAM = Author("77", "sam", "Sam Okafor")


@pytest.fixture
def client(outside: Outside) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[], timeout=2)


def reply(outside: Outside, to: str, key: str = "k1", timeout: float = 5, path: str = "replies") -> urllib3.BaseHTTPResponse:
    raw = json.dumps({"brand": "meridian", "in_reply_to": to, "text": "We're sorry."}).encode()
    headers = {**channel_headers(SECRET, key, time.time(), raw), "idempotency-key": key}
    return urllib3.request("POST", f"{outside.url}/bridge/x/{path}", body=raw, headers=headers, retries=False, timeout=timeout)


def replies_to(outside: Outside, post_id: str) -> int:
    return sum(one.kind == "post" and one.object["in_reply_to"] == post_id for one in outside.hands.state())


def messages(outside: Outside) -> list[str]:
    return [one.object["text"] for one in outside.hands.state() if one.kind == "message"]


class TestWhenAnswersFail:
    @pytest.mark.parametrize(
        ("kind", "acts"),
        [("lose_answer", 1), ("refuse", 0), ("down", 0)],
    )
    def test_the_connection_is_reset(self, outside: Outside, kind: str, acts: int) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.fault("square", kind, count=1)
        with pytest.raises(ProtocolError):
            reply(outside, post["id"])
        assert replies_to(outside, post["id"]) == acts
        assert reply(outside, post["id"]).status == (200 if acts else 201)

    @pytest.mark.parametrize(("kind", "acts"), [("fail_after", 1), ("fail_before", 0)])
    def test_a_500_says_nothing_of_whether_it_was_done(self, outside: Outside, kind: str, acts: int) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.fault("square", kind, count=1)
        assert reply(outside, post["id"]).status == 500
        assert replies_to(outside, post["id"]) == acts

    @pytest.mark.parametrize("acts", [True, False])
    def test_no_answer_ever_comes(self, outside: Outside, acts: bool) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.fault("square", "hang", count=1, acts=acts)
        with pytest.raises(ReadTimeoutError):
            reply(outside, post["id"], timeout=0.2)
        assert replies_to(outside, post["id"]) == acts

    def test_slacks_client_meets_lost_answers_too(self, outside: Outside, client: WebClient) -> None:
        outside.hands.fault("slack", "lose_answer", count=1, match="chat.postMessage")
        client.auth_test()
        with pytest.raises((ConnectionResetError, OSError)):
            client.chat_postMessage(channel=BILLING, text="once")
        assert messages(outside) == ["once"]

    def test_the_rate_is_limited_as_told(self, outside: Outside, client: WebClient) -> None:
        outside.hands.fault("slack", "rate_limit", count=1, seconds=7)
        with pytest.raises(SlackApiError) as limited:
            client.chat_postMessage(channel=BILLING, text="once")
        assert (limited.value.response.status_code, limited.value.response.headers["retry-after"]) == (429, "7")
        assert messages(outside) == []
        outside.hands.fault("square", "rate_limit", count=1, seconds=3)
        assert reply(outside, "1").headers["retry-after"] == "3"

    def test_mail_fails_as_well(self, outside: Outside) -> None:
        outside.hands.fault("mail", "rate_limit", count=1)
        headers = {"Authorization": f"Bearer {API_KEY}"}
        assert urllib3.request("POST", f"{outside.url}/sendgrid/v3/mail/send", headers=headers).status == 429


class TestBlindness:
    def test_own_replies_cannot_be_looked_up_for_certain(self, outside: Outside) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.fault("square", "blind")
        assert reply(outside, post["id"]).status == 201, "posting is not concerned"
        assert reply(outside, post["id"], path="replies/find").json() == {"complete": False, "replies": []}

    def test_messages_cannot_be_looked_up(self, outside: Outside, client: WebClient) -> None:
        outside.hands.fault("slack", "blind")
        ts = client.chat_postMessage(channel=BILLING, text="x")["ts"]
        for method in ("conversations.history", "conversations.replies"):
            with pytest.raises(SlackApiError) as failed:
                client.api_call(method, json={"channel": BILLING, "ts": ts})
            assert failed.value.response.status_code == 500


class TestHolding:
    def test_it_is_done_and_the_answer_waits_until_it_is_released(self, outside: Outside) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.fault("square", "hold", count=1)
        answered: list[int] = []
        caller = threading.Thread(target=lambda: answered.append(reply(outside, post["id"]).status))
        caller.start()
        (held,) = wait_until(lambda: outside.hands.faults()["held"])
        assert (held["address"], replies_to(outside, post["id"]), answered) == ("/bridge/x/replies", 1, [])
        assert outside.hands.release(held["id"])["released"][0]["id"] == held["id"]
        caller.join(5)
        assert (answered, outside.hands.faults()["held"]) == ([201], [])

    def test_clearing_lets_everyone_go(self, outside: Outside) -> None:
        outside.hands.fault("square", "hold")
        answered: list[int] = []
        caller = threading.Thread(target=lambda: answered.append(reply(outside, "1").status))
        caller.start()
        wait_until(lambda: outside.hands.faults()["held"])
        outside.hands.clear_faults()
        caller.join(5)
        assert answered == [404]

    def test_a_caller_that_died_is_not_held_any_more(self, outside: Outside) -> None:
        outside.hands.fault("square", "hold", count=1)
        with pytest.raises(ReadTimeoutError):
            reply(outside, "1", timeout=0.2)
        wait_until(lambda: outside.hands.faults()["held"] == [])


def wait_until(look: Callable[[], Any], seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)  # a poll, bounded above
    return seen


class TestDeliveries:
    def created(self, loopkeeper: Loopkeeper, count: int) -> list[tuple[str, str]]:
        got = loopkeeper.wait_for(lambda one: one.path == "/webhooks/channels/x", count)
        return [(json.loads(one.body)["data"]["text"], one.headers["webhook-id"]) for one in got]

    def test_something_comes_twice_under_one_id(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.fault("webhooks", "deliver_twice", count=1)
        outside.hands.post("x", "hello", SAM)
        one, other = self.created(loopkeeper, 2)
        assert one == other

    def test_something_comes_after_the_next(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.fault("webhooks", "reorder", count=1, match="post.created")
        post = outside.hands.post("x", "first", SAM)
        outside.hands.post("x", "second", SAM, in_reply_to=post["id"])
        assert [text for text, _ in self.created(loopkeeper, 2)] == ["second", "first"]

    def test_something_is_lost_on_the_way_and_comes_by_retry(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.fault("webhooks", "drop_once", count=1)
        outside.hands.post("x", "hello", SAM)
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        assert loopkeeper.received == []
        outside.hands.retry_deliveries()
        assert len(self.created(loopkeeper, 1)) == 1

    def test_the_answer_is_lost_and_it_comes_again(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.fault("webhooks", "lose_answer", count=1)
        outside.hands.post("x", "hello", SAM)
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        outside.hands.retry_deliveries()
        one, other = self.created(loopkeeper, 2)
        assert one == other

    def test_nothing_gets_through_until_it_is_cleared(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.fault("webhooks", "down")
        outside.hands.post("x", "hello", SAM)
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        outside.hands.clear_faults()
        outside.hands.retry_deliveries()
        assert len(self.created(loopkeeper, 1)) == 1

    def test_a_press_is_lost_on_the_way(self, outside: Outside, loopkeeper: Loopkeeper, client: WebClient) -> None:
        button = {"type": "button", "action_id": "accept", "text": {"type": "plain_text", "text": "Accept"}}
        blocks = [{"type": "actions", "elements": [button]}]
        ts = str(client.chat_postMessage(channel=BILLING, text="card", blocks=blocks)["ts"])
        outside.hands.fault("interactions", "drop_once", count=1)
        pressed = outside.hands.press("U0ANA00001", "accept", channel=BILLING, message_ts=ts)
        assert (pressed.acked, pressed.error, loopkeeper.received) == (False, "We had some trouble connecting. Try again?", [])
        outside.hands.fault("interactions", "deliver_twice", count=1)
        assert outside.hands.press("U0ANA00001", "accept", channel=BILLING, message_ts=ts).acked
        assert len(loopkeeper.wait_for(lambda one: one.path == "/slack/events", 2)) == 2


class TestDice:
    def strikes(self, outside: Outside, seed: int) -> list[int]:
        outside.hands.clear_faults()
        outside.hands.fault("square", "fail_before", probability=0.5, seed=seed)
        return [reply(outside, "1").status for _ in range(20)]

    def test_the_same_seed_strikes_the_same_requests(self, outside: Outside) -> None:
        one, again, other = self.strikes(outside, 7), self.strikes(outside, 7), self.strikes(outside, 8)
        assert one == again != other
        assert set(one) == {404, 500}
        (fault,) = outside.hands.faults()["faults"]
        assert fault["struck"] == other.count(500)

    def test_a_count_runs_out(self, outside: Outside) -> None:
        outside.hands.fault("square", "fail_before", count=2)
        assert [reply(outside, "1").status for _ in range(3)] == [500, 500, 404]
        assert outside.hands.faults()["faults"] == []

    def test_only_what_matches_is_struck(self, outside: Outside, client: WebClient) -> None:
        outside.hands.fault("slack", "fail_before", match="chat.update")
        ts = client.chat_postMessage(channel=BILLING, text="x")["ts"]
        with pytest.raises(SlackApiError):
            client.chat_update(channel=BILLING, ts=ts, text="y")

    @pytest.mark.parametrize(
        ("order", "words"),
        [
            ({"party": "mail", "kind": "blind"}, "blind cannot happen to mail; it can have: down"),
            ({"party": "webhooks", "kind": "hold"}, "hold cannot happen to webhooks"),
            ({"party": "moon", "kind": "down"}, "party"),
            ({"party": "mail", "kind": "down", "probability": 0}, "probability"),
        ],
    )
    def test_what_cannot_be_is_refused_with_what_can(self, outside: Outside, order: dict[str, Any], words: str) -> None:
        with pytest.raises(HandsError, match=words):
            outside.hands.fault(**order)

    def test_an_outage_outlasts_a_restart(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        outside = start_sandbox(tmp_path / "state.db")
        outside.hands.fault("square", "down")
        outside.stop()
        with pytest.raises(ProtocolError):
            reply(start_sandbox(tmp_path / "state.db"), "1")

    def test_the_hands_and_the_page_never_fail(self, outside: Outside) -> None:
        for party in ("square", "slack", "mail", "webhooks", "interactions"):
            outside.hands.fault(party, "down")
        assert outside.hands.post("x", "hello", SAM)["text"] == "hello"
