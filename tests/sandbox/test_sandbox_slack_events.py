"""What Slack tells an app of by itself: words, mentions, homes, reactions; and what it does when the app does not take it."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import urllib3
from sandbox_support import Loopkeeper, Outside, Received, StartSandbox
from slack_app import ANA, BEN, BILLING, Bolt, Json
from starlette.responses import Response


def events(loopkeeper: Loopkeeper, kind: str, count: int = 1) -> list[Json]:
    def wanted(one: Received) -> bool:
        return one.path == "/slack/events" and one.body.startswith(b"{") and json.loads(one.body).get("event", {}).get("type") == kind

    return [json.loads(one.body) for one in loopkeeper.wait_for(wanted, count)]


class TestEvents:
    def test_bolt_hears_what_is_said_in_a_thread(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.event("message")
        def heard(event: Json, body: Json) -> None:
            bolt.got.append({**body, "event": event})

        ts = bolt.card()
        said = outside.hands.say(ANA, BILLING, "I have it", thread_ts=ts)
        outside.hands.wait_for(
            lambda one: one.kind == "delivery" and one.object["about"] == f"{BILLING}/{said['ts']}" and one.object["state"] == "delivered"
        )
        (body,) = bolt.got
        assert (body["type"], body["team_id"], body["authorizations"][0]["user_id"]) == ("event_callback", "T0MERIDIAN", "U0LOOPKEEP")
        event = body["event"]
        assert (event["user"], event["text"], event["thread_ts"], event["channel"], event["channel_type"]) == (
            ANA,
            "I have it",
            ts,
            BILLING,
            "channel",
        )

    def test_a_mention_a_home_and_a_reaction_are_events_of_their_own(self, outside: Outside, loopkeeper: Loopkeeper, bolt: Bolt) -> None:
        said = outside.hands.say(ANA, BILLING, "@Loopkeeper who has this?")
        outside.hands.react(BEN, BILLING, said["ts"], "eyes")
        assert outside.hands.home(ANA) is None
        assert events(loopkeeper, "app_mention")[0]["event"]["text"].startswith("<@U0LOOPKEEP>")
        assert events(loopkeeper, "reaction_added")[0]["event"]["item"] == {"type": "message", "channel": BILLING, "ts": said["ts"]}
        assert events(loopkeeper, "app_home_opened")[0]["event"]["tab"] == "home"

    def test_what_is_said_in_a_direct_message_is_heard(self, outside: Outside, loopkeeper: Loopkeeper, bolt: Bolt) -> None:
        im = bolt.client.conversations_open(users=ANA)["channel"]["id"]
        outside.hands.say(ANA, im, "hello")
        assert events(loopkeeper, "message")[0]["event"]["channel_type"] == "im"

    def test_an_app_hears_itself_when_slack_says_so(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper) -> None:
        bolt = Bolt(start_sandbox(slack_echo=True))
        ts = bolt.card()
        bolt.client.chat_update(channel=BILLING, ts=ts, text="changed")
        bolt.client.chat_delete(channel=BILLING, ts=ts)
        heard = events(loopkeeper, "message", 3)
        assert [body["event"].get("subtype") for body in heard] == [None, "message_changed", "message_deleted"]
        assert heard[0]["event"]["bot_id"] == "B0LOOPKEEP"
        assert (heard[1]["event"]["message"]["text"], heard[1]["event"]["previous_message"]["text"]) == ("changed", "card")

    def test_an_event_that_is_not_taken_is_repeated_at_once_under_the_same_id(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=500)
        outside.hands.say(ANA, BILLING, "hello")
        first, again = loopkeeper.wait_for(lambda one: b"hello" in one.body, 2)
        assert json.loads(first.body)["event_id"] == json.loads(again.body)["event_id"]
        assert "x-slack-retry-num" not in first.headers
        assert (again.headers["x-slack-retry-num"], again.headers["x-slack-retry-reason"]) == ("1", "http_error")
        log = outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["tries"] == 2).object
        assert log["state"] == "retrying"

    def test_an_event_is_given_up_after_the_third_repeat_or_when_told_so(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=500)
        outside.hands.say(ANA, BILLING, "hello")
        for tries in (2, 3):
            outside.hands.wait_for(lambda one, tries=tries: one.kind == "delivery" and one.object["tries"] == tries)  # type: ignore[misc]
            outside.hands.retry_deliveries()
        assert outside.hands.wait_for(lambda one: one.kind == "delivery" and one.object["tries"] == 4).object["state"] == "failed"
        loopkeeper.answer = lambda _: Response(status_code=500, headers={"X-Slack-No-Retry": "1"})
        said = outside.hands.say(ANA, BILLING, "again")
        log = outside.hands.wait_for(
            lambda one: one.kind == "delivery" and one.object["about"] == f"{BILLING}/{said['ts']}" and one.object["tries"] == 1
        ).object
        assert log["state"] == "failed"

    def test_the_request_url_is_challenged(self, outside: Outside, bolt: Bolt) -> None:
        assert urllib3.request("POST", f"{outside.url}/hands/slack/verify", json={}).json()["verified"] is True


def test_commands_come_as_a_form_signed_by_slack(outside: Outside, loopkeeper: Loopkeeper) -> None:
    outside.hands.command(ANA, BILLING, "/case", "a=b&c")
    (got,) = loopkeeper.wait_for(lambda one: one.path == "/slack/events")
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(got.body.decode())["text"] == ["a=b&c"]
    assert got.headers["x-slack-signature"].startswith("v0=")
