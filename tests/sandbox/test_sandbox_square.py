"""The square: what Loopkeeper hears, and what it may post."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sandbox_support import SECRET, Clock, Loopkeeper, Outside, Received, StartSandbox
from standardwebhooks import Webhook
from starlette.responses import Response

from sandbox.hands import Author, HandsError
from sandbox.signing import channel_headers

SAM = Author("77", "sam", "Sam Okafor")
PHIL = Author("78", "phil", "Phil Garrett", private_messages=False)
BRAND = Author("m", "meridian", "Meridian Mobile", is_brand=True)


def call_bridge(outside: Outside, path: str, body: object, key: str = "k1", **headers: str) -> tuple[int, Any]:
    raw = json.dumps(body).encode()
    signed = {**channel_headers(SECRET, key, time.time(), raw), "idempotency-key": key, **headers}
    answer = urllib3.request("POST", f"{outside.url}/bridge/{path}", body=raw, headers=signed, retries=False)
    return answer.status, answer.json()


def reply(outside: Outside, to: str, text: str = "We're sorry, Sam.", part: int = 1, channel: str = "x", **more: object) -> tuple[int, Any]:
    """Post a reply under the key `{post}:{part}`."""
    return call_bridge(outside, f"{channel}/replies", {"brand": "meridian", "in_reply_to": to, "text": text, **more}, f"{to}:{part}")


def find(outside: Outside, to: str, channel: str = "x", **more: object) -> Any:
    return call_bridge(outside, f"{channel}/replies/find", {"brand": "meridian", "in_reply_to": to, **more})[1]


def told(loopkeeper: Loopkeeper, count: int = 1, kind: str = "post.", seconds: float = 30.0) -> list[Any]:
    def wanted(one: Received) -> bool:
        return one.path.startswith("/webhooks/channels/") and json.loads(one.body)["type"].startswith(kind)

    return [json.loads(one.body) for one in loopkeeper.wait_for(wanted, count, seconds)]


class TestWhatLoopkeeperHears:
    def test_a_post_is_told_signed_and_as_the_contract_says(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        post = outside.hands.post("x", "Third day without internet <b>&", SAM)
        (got,) = loopkeeper.wait_for(lambda one: one.path == "/webhooks/channels/x")
        body = Webhook(SECRET).verify(got.body, got.headers)
        assert body == {
            "type": "post.created",
            "brand": "meridian",
            "data": {
                "id": post["id"],
                "url": f"{outside.url}/square/x/{post['id']}",
                "text": "Third day without internet <b>&",
                "posted_at": body["data"]["posted_at"],
                "in_reply_to": None,
                "visibility": "public",
                "author": {"id": "77", "handle": "sam", "name": "Sam Okafor", "is_brand": False},
            },
        }
        assert body["data"]["posted_at"].endswith(("Z", "+00:00"))
        assert len(post["id"]) == 19, "ids on X have 19 digits"

    def test_who_is_signed_in_with_the_brand_is_told_by_the_brands_own_id_of_them(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        outside.hands.post("x", "Hello?", Author("79", "nadia", "Nadia Petrova", customer_id="M-1"))
        (told_of,) = told(loopkeeper)
        assert told_of["data"]["author"] == {
            "id": "79",
            "handle": "nadia",
            "name": "Nadia Petrova",
            "is_brand": False,
            "customer_id": "M-1",
        }

    def test_edits_deletions_and_answers_are_told_in_order(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        post = outside.hands.post("forum", "One", SAM, post_id="thread/1")
        outside.hands.post("forum", "More", SAM, in_reply_to="thread/1", visibility="private")
        outside.hands.edit("forum", post["id"], "Two")
        outside.hands.delete("forum", post["id"])
        bodies = told(loopkeeper, 4)
        assert [body["type"] for body in bodies] == ["post.created", "post.created", "post.edited", "post.deleted"]
        assert (bodies[1]["data"]["in_reply_to"], bodies[1]["data"]["visibility"]) == ("thread/1", "private")
        assert (bodies[2]["data"]["text"], set(bodies[2]["data"])) == ("Two", {"id", "text", "edited_at"})
        assert set(bodies[3]["data"]) == {"id", "deleted_at"}

    def test_what_is_not_taken_comes_again_under_the_same_id_without_blocking_others(
        self, outside: Outside, loopkeeper: Loopkeeper
    ) -> None:
        loopkeeper.answer = lambda got: Response(status_code=500) if b"trouble" in got.body else None
        outside.hands.post("x", "trouble", SAM)
        outside.hands.post("x", "fine", SAM)
        told(loopkeeper, 2)
        loopkeeper.answer = lambda _: None
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        outside.hands.retry_deliveries()
        first, again = loopkeeper.wait_for(lambda one: b"trouble" in one.body, 2)
        assert first.headers["webhook-id"] == again.headers["webhook-id"]
        done = outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["tries"] == 2)
        assert done.object["state"] == "delivered"

    def test_each_attempt_is_signed_when_it_is_sent(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, clock: Clock) -> None:
        outside = start_sandbox(now=clock)
        loopkeeper.answer = lambda _: Response(status_code=500)
        outside.hands.post("x", "hello", SAM)
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        clock.now += 3600
        outside.hands.retry_deliveries()
        first, again = loopkeeper.wait_for(lambda one: b"hello" in one.body, 2)
        assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 3600

    def test_the_second_attempt_comes_by_itself(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=503) if len(loopkeeper.received) == 1 else None
        outside.hands.post("x", "hello", SAM)
        first, again = told(loopkeeper, 2)
        assert first == again
        done = outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "delivered").object
        assert done["tries"] == 2

    def test_retry_after_is_heeded(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=429, headers={"Retry-After": "77"})
        outside.hands.post("x", "hello", SAM)
        log = outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying").object
        assert log["last"]["status"] == 429
        waits = _seconds_between(log["last"]["at"], log["next_try_at"])
        assert 76 < waits < 78

    def test_replies_by_hand_are_told_as_the_brands_own(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        post = outside.hands.post("x", "hello", SAM)
        outside.hands.post("x", "Hi Sam", BRAND, in_reply_to=post["id"])
        assert told(loopkeeper, 2)[1]["data"]["author"]["is_brand"] is True

    def test_undelivered_posts_are_told_after_a_restart(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, tmp_path: Path) -> None:
        loopkeeper.answer = lambda _: Response(status_code=503, headers={"Retry-After": "300"})
        outside = start_sandbox(tmp_path / "state.db")
        outside.hands.post("x", "hello", SAM)
        (first,) = loopkeeper.wait_for(lambda one: b"hello" in one.body)
        outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["state"] == "retrying")
        outside.stop()
        loopkeeper.answer = lambda _: None
        start_sandbox(tmp_path / "state.db")
        again = loopkeeper.wait_for(lambda one: b"hello" in one.body, 2)[1]
        assert again.headers["webhook-id"] == first.headers["webhook-id"]


def _seconds_between(one: str, other: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()


class TestWhatTheBridgeDoes:
    def test_a_reply_is_posted_as_the_brand_and_everybody_sees_it(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        status, posted = reply(shared, post["id"])
        assert status == 201
        assert set(posted) == {"id", "url", "posted_at"}
        seen = shared.hands.wait_for(lambda one: one.kind == "post" and one.object["in_reply_to"] == post["id"]).object
        assert (seen["id"], seen["thread"], seen["to"], seen["idempotency_key"]) == (posted["id"], post["id"], "77", f"{post['id']}:1")
        assert seen["author"] == {
            "id": "brand-meridian",
            "handle": "meridian",
            "name": "Meridian Mobile",
            "is_brand": True,
            "private_messages": True,
            "customer_id": None,
        }

    def test_the_same_key_is_never_posted_twice_also_after_a_restart(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        outside = start_sandbox(tmp_path / "state.db")
        post = outside.hands.post("x", "No internet", SAM)
        first = reply(outside, post["id"])
        assert reply(outside, post["id"], text="another text") == (200, first[1])
        outside.stop()
        again = start_sandbox(tmp_path / "state.db")
        assert reply(again, post["id"])[1]["id"] == first[1]["id"]
        assert len(find(again, post["id"])["replies"]) == 1

    def test_own_replies_are_found_newest_first_with_their_keys(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        one = reply(shared, post["id"], "first")[1]
        by_hand = shared.hands.post("x", "by hand", BRAND, in_reply_to=post["id"])
        shared.hands.post("x", "not ours", SAM, in_reply_to=post["id"])
        two = reply(shared, one["id"], "part two")[1]
        found = find(shared, post["id"])
        assert found["complete"] is True
        assert [(r["id"], r["idempotency_key"]) for r in found["replies"]] == [(by_hand["id"], None), (one["id"], f"{post['id']}:1")]
        assert [r["text"] for r in find(shared, one["id"])["replies"]] == ["part two"]
        shared.hands.delete("x", by_hand["id"])
        assert len(find(shared, post["id"])["replies"]) == 1
        assert two["id"] > one["id"]

    def test_a_post_that_never_was_has_no_replies(self, shared: Outside) -> None:
        assert find(shared, "42") == {"complete": True, "replies": []}

    def test_more_than_a_hundred_replies_are_not_all_shown(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        for number in range(101):
            reply(shared, post["id"], f"reply {number}", number)
        found = find(shared, post["id"])
        assert (found["complete"], len(found["replies"]), found["replies"][0]["text"]) == (False, 100, "reply 100")

    @pytest.mark.parametrize(
        ("text", "status"), [("x" * 280, 201), ("x" * 281, 422), ("日" * 141, 422), ("https://a.example/" + "x" * 300, 201), (" ", 422)]
    )
    def test_the_networks_own_limit_holds(self, shared: Outside, text: str, status: int) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        assert reply(shared, post["id"], text)[0] == status

    def test_what_is_too_long_is_said_with_numbers(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        assert reply(shared, post["id"], "x" * 300)[1]["detail"] == "X takes 280 characters at most, and counts 300 in this reply."

    def test_what_is_gone_or_never_was_cannot_be_answered(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        shared.hands.delete("x", post["id"])
        assert reply(shared, post["id"])[0] == 410
        assert reply(shared, "42")[0] == 404

    def test_only_the_brands_own_account_can_be_posted_as(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        assert reply(shared, post["id"], brand="stranger")[0] == 403

    def test_a_brand_that_is_addressed_exists_from_then_on(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        outside = start_sandbox(tmp_path / "state.db")
        post = outside.hands.post("x", "Hello", SAM, brand="@acme")
        assert post["brand"] == "acme"
        outside.stop()
        assert reply(start_sandbox(tmp_path / "state.db"), post["id"], brand="acme")[0] == 201

    def test_a_private_reply_is_for_its_author_alone(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        reply(shared, post["id"], visibility="private")
        seen = shared.hands.wait_for(lambda one: one.kind == "post" and one.object["in_reply_to"] == post["id"]).object
        assert (seen["visibility"], seen["to"]) == ("private", "77")

    def test_private_replies_are_found_by_those_who_ask_for_them_and_public_ones_by_others(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        reply(shared, post["id"], "for all", 1)
        reply(shared, post["id"], "for Sam", 2, visibility="private")
        assert [r["text"] for r in find(shared, post["id"])["replies"]] == ["for all"]
        assert [r["text"] for r in find(shared, post["id"], visibility="public")["replies"]] == ["for all"]
        assert [r["text"] for r in find(shared, post["id"], visibility="private")["replies"]] == ["for Sam"]

    def test_who_takes_no_private_messages_gets_them_only_in_answer_to_their_own(self, shared: Outside, loopkeeper: Loopkeeper) -> None:
        post = shared.hands.post("x", "No internet", PHIL)
        status, said = reply(shared, post["id"], visibility="private")
        assert (status, said["detail"]) == (422, "Phil Garrett takes no private messages on X.")
        assert reply(shared, post["id"])[0] == 201
        own = shared.hands.post("x", "My number is …", PHIL, in_reply_to=post["id"], visibility="private")
        assert reply(shared, own["id"], visibility="private")[0] == 201
        assert told(loopkeeper)[0]["data"]["author"] == {"id": "78", "handle": "phil", "name": "Phil Garrett", "is_brand": False}

    def test_nothing_is_done_unsigned(self, shared: Outside) -> None:
        post = shared.hands.post("x", "No internet", SAM)
        body = {"brand": "meridian", "in_reply_to": post["id"], "text": "hi"}
        status, said = call_bridge(shared, "x/replies", body, **{"webhook-signature": "v1,AAAA"})
        assert (status, said["title"]) == (401, "Not signed by you")
        assert find(shared, post["id"])["replies"] == []

    def test_an_old_signature_is_not_taken(self, start_sandbox: StartSandbox, clock: Clock) -> None:
        outside = start_sandbox(now=clock)
        post = outside.hands.post("x", "No internet", SAM)
        clock.now += 301
        assert reply(outside, post["id"])[0] == 401

    @pytest.mark.parametrize(("path", "status"), [("nowhere/replies", 404), ("x/other", 404)])
    def test_other_addresses_lead_nowhere(self, shared: Outside, path: str, status: int) -> None:
        assert call_bridge(shared, path, {})[0] == status

    def test_what_cannot_be_read_is_named(self, shared: Outside) -> None:
        status, said = call_bridge(shared, "x/replies", {"brand": "meridian", "text": 7})
        assert (status, "in_reply_to: Field required" in said["detail"]) == (422, True)

    def test_a_reply_needs_a_key(self, shared: Outside) -> None:
        assert call_bridge(shared, "x/replies", {}, **{"idempotency-key": ""})[0] == 400


class TestWhatPeopleCannotDo:
    def test_an_id_is_given_once(self, shared: Outside) -> None:
        shared.hands.post("x", "one", SAM, post_id="taken")
        with pytest.raises(HandsError, match="409 The id is taken"):
            shared.hands.post("x", "two", SAM, post_id="taken")

    def test_what_is_deleted_cannot_be_edited(self, shared: Outside) -> None:
        shared.hands.post("x", "one", SAM, post_id="gone")
        shared.hands.delete("x", "gone")
        with pytest.raises(HandsError, match="410 The post is gone"):
            shared.hands.edit("x", "gone", "two")

    def test_there_must_be_such_a_channel(self, shared: Outside) -> None:
        with pytest.raises(HandsError, match="there are: x, forum"):
            shared.hands.post("myspace", "one", SAM)
