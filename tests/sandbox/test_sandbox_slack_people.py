"""What people do in Slack, received by a genuine bolt app."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import urllib3
from sandbox_support import BOT_TOKEN, SIGNING_SECRET, Clock, Loopkeeper, Outside, Received, StartSandbox
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from starlette.responses import Response

from sandbox.hands import HandsError

BILLING = "C0BILLING1"
ANA = "U0ANA00001"
BEN = "U0BEN00001"

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Charged twice*"}},
    {
        "type": "actions",
        "block_id": "case",
        "elements": [
            {"type": "button", "action_id": "accept", "text": plain("Accept"), "value": "case-1", "style": "primary"},
            {
                "type": "static_select",
                "action_id": "priority",
                "options": [{"text": plain("High"), "value": "high"}, {"text": plain("Low"), "value": "low"}],
            },
            {"type": "overflow", "action_id": "more", "options": [{"text": plain("Dismiss"), "value": "dismiss"}]},
        ],
    },
]


def ask_modal(title: str = "Ask") -> Json:
    return {
        "type": "modal",
        "callback_id": "ask",
        "private_metadata": "case-1",
        "notify_on_close": True,
        "title": plain(title),
        "submit": plain("Send"),
        "blocks": [
            {
                "type": "input",
                "block_id": "words",
                "dispatch_action": True,
                "label": plain("What will be public"),
                "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20, "multiline": True},
            },
            {
                "type": "input",
                "block_id": "tone",
                "optional": True,
                "label": plain("Tone"),
                "element": {"type": "radio_buttons", "action_id": "pick", "options": [{"text": plain("Warm"), "value": "warm"}]},
            },
            {
                "type": "input",
                "block_id": "tell",
                "optional": True,
                "label": plain("Tell"),
                "element": {"type": "multi_users_select", "action_id": "who"},
            },
        ],
    }


class Bolt:
    """A bolt app, its client, and what its listeners got."""

    def __init__(self, outside: Outside) -> None:
        self.client = WebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[], timeout=5)
        self.app = App(token=BOT_TOKEN, signing_secret=SIGNING_SECRET, client=self.client)
        self.got: list[Json] = []

    def card(self, **more: Any) -> str:
        return str(self.client.chat_postMessage(channel=BILLING, text="card", blocks=CARD, **more)["ts"])


@pytest.fixture
def bolt(outside: Outside, loopkeeper: Loopkeeper) -> Bolt:
    bolt = Bolt(outside)
    loopkeeper.slack = SlackRequestHandler(bolt.app).handle
    return bolt


class OnTheSharedSandbox:
    """Tests that only look at what they made themselves."""

    @pytest.fixture
    def outside(self, shared: Outside) -> Outside:
        return shared


class TestPressing(OnTheSharedSandbox):
    def test_a_press_brings_the_app_everything_that_slack_tells(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.action("accept")
        def accept(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        ts = bolt.card(metadata={"event_type": "card", "event_payload": {}})
        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts)
        assert (pressed.acked, pressed.error, pressed.view) == (True, None, None)
        (body,) = bolt.got
        assert body["user"] == {"id": ANA, "username": "ana", "name": "ana", "team_id": "T0MERIDIAN"}
        assert body["container"] == {"type": "message", "message_ts": ts, "channel_id": BILLING, "is_ephemeral": False}
        assert body["channel"] == {"id": BILLING, "name": "lk-billing"}
        assert body["message"]["blocks"][1]["block_id"] == "case"
        (action,) = body["actions"]
        assert {**action, "action_ts": ""} == {
            "type": "button",
            "action_id": "accept",
            "block_id": "case",
            "text": plain("Accept"),
            "value": "case-1",
            "style": "primary",
            "action_ts": "",
        }
        assert body["state"]["values"]["case"]["priority"] == {"type": "static_select", "selected_option": None}

    def test_a_pick_says_which_option(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.action("priority")
        @bolt.app.action("more")
        def picked(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        ts = bolt.card()
        outside.hands.press(ANA, "priority", channel=BILLING, message_ts=ts, value="low")
        outside.hands.press(ANA, "more", channel=BILLING, message_ts=ts, value="dismiss")
        assert [body["actions"][0]["selected_option"]["value"] for body in bolt.got] == ["low", "dismiss"]
        assert bolt.got[0]["state"]["values"]["case"]["priority"]["selected_option"]["value"] == "low"
        with pytest.raises(HandsError, match="it offers: 'high', 'low'"):
            outside.hands.press(ANA, "priority", channel=BILLING, message_ts=ts, value="highest")

    def test_what_is_not_there_cannot_be_pressed(self, outside: Outside, bolt: Bolt) -> None:
        ts = bolt.card()
        with pytest.raises(HandsError, match="there is: accept, more, priority"):
            outside.hands.press(ANA, "resolve", channel=BILLING, message_ts=ts)
        with pytest.raises(HandsError, match="404 message_not_found"):
            outside.hands.press(ANA, "accept", channel=BILLING, message_ts="1.000000")

    def test_an_app_that_fails_is_told_to_the_person(self, outside: Outside, loopkeeper: Loopkeeper, bolt: Bolt) -> None:
        ts = bolt.card()
        loopkeeper.answer = lambda _: Response(status_code=500)
        assert outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts).error == "This app responded with Status Code 500."

    def test_an_app_that_takes_longer_than_three_seconds_has_not_answered(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.action("accept")
        def accept(ack: Any) -> None:
            time.sleep(3.3)
            ack()

        begun = time.monotonic()
        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card())
        assert (pressed.acked, pressed.error) == (False, "Operation timed out. Apps need to respond within 3 seconds.")
        assert 2.9 < time.monotonic() - begun < 3.3

    def test_an_ephemeral_message_can_be_pressed_by_the_one_who_sees_it(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.action("accept")
        def accept(ack: Any, body: Json, respond: Any) -> None:
            bolt.got.append(body)
            respond(text="done", replace_original=True)
            ack()

        ts = bolt.client.chat_postEphemeral(channel=BILLING, user=ANA, text="card", blocks=CARD)["message_ts"]
        outside.hands.press(ANA, "accept", channel=BILLING, message_ts=str(ts))
        assert (bolt.got[0]["container"]["is_ephemeral"], "message" in bolt.got[0]) == (True, False)
        assert outside.hands.wait_for(lambda one: one.key == f"{BILLING}/{ts}").object["text"] == "done"
        with pytest.raises(HandsError, match="message_not_found"):
            outside.hands.press(BEN, "accept", channel=BILLING, message_ts=str(ts))


class TestResponseUrl:
    def test_answers_five_times_and_no_more(self, outside: Outside, bolt: Bolt) -> None:
        url = self.url_of_a_press(outside, bolt, bolt.card())
        answers = [urllib3.request("POST", url, json={"text": f"{n}"}) for n in range(6)]
        assert [one.status for one in answers] == [200] * 5 + [404]
        assert answers[-1].json()["error"] == "used_url"
        texts = [one.object["text"] for one in outside.hands.state() if one.kind == "message" and one.object.get("ephemeral_to") == ANA]
        assert texts == ["0", "1", "2", "3", "4"]

    def test_replaces_deletes_and_speaks_to_all(self, outside: Outside, bolt: Bolt) -> None:
        ts = bolt.card()
        url = self.url_of_a_press(outside, bolt, ts)
        urllib3.request("POST", url, json={"text": "new", "replace_original": True})
        urllib3.request("POST", url, json={"text": "to all", "response_type": "in_channel"})
        newest = bolt.client.conversations_history(channel=BILLING, limit=2)["messages"]
        assert [one["text"] for one in newest] == ["to all", "new"]
        urllib3.request("POST", url, json={"delete_original": True})
        assert bolt.client.conversations_history(channel=BILLING, oldest=ts, latest=ts, inclusive=True)["messages"] == []

    def test_ends_after_thirty_minutes(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, clock: Clock) -> None:
        outside = start_sandbox(now=clock)
        bolt = Bolt(outside)
        loopkeeper.slack = SlackRequestHandler(bolt.app).handle
        url = self.url_of_a_press(outside, bolt, bolt.card())
        clock.now += 30 * 60 + 1
        assert urllib3.request("POST", url, json={"text": "late"}).json()["error"] == "expired_url"

    def test_outlives_a_restart(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, tmp_path: Path) -> None:
        outside = start_sandbox(tmp_path / "state.db")
        bolt = Bolt(outside)
        loopkeeper.slack = SlackRequestHandler(bolt.app).handle
        path = self.url_of_a_press(outside, bolt, bolt.card()).removeprefix(outside.url)
        outside.stop()
        again = start_sandbox(tmp_path / "state.db")
        assert urllib3.request("POST", again.url + path, json={"text": "still"}).status == 200

    def test_bad_blocks_are_refused(self, outside: Outside, bolt: Bolt) -> None:
        url = self.url_of_a_press(outside, bolt, bolt.card())
        said = urllib3.request("POST", url, json={"blocks": [{"type": "marquee"}]})
        assert (said.status, said.json()["error"]) == (400, "invalid_blocks")

    @staticmethod
    def url_of_a_press(outside: Outside, bolt: Bolt, ts: str) -> str:
        @bolt.app.action("accept")
        def accept(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        outside.hands.press(ANA, "accept", channel=BILLING, message_ts=ts)
        return str(bolt.got[-1]["response_url"])


class TestModals(OnTheSharedSandbox):
    @pytest.fixture
    def opened(self, outside: Outside, bolt: Bolt) -> Json:
        """A modal that Ana sees."""

        @bolt.app.action("accept")
        def accept(ack: Any, body: Json) -> None:
            bolt.client.views_open(trigger_id=body["trigger_id"], view=ask_modal())
            ack()

        view = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card()).view
        assert view is not None
        return view

    def test_a_modal_that_is_opened_before_the_answer_comes_with_it(self, opened: Json) -> None:
        assert (opened["user"], opened["status"], opened["title"]["text"], opened["root_view_id"]) == (ANA, "open", "Ask", opened["id"])
        assert opened["state"]["values"]["words"]["text"] == {"type": "plain_text_input", "value": None}

    def test_a_modal_that_is_opened_after_the_answer_comes_as_a_change_with_the_same_trigger(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.action("accept")
        def accept(ack: Any, body: Json) -> None:
            ack()
            bolt.client.views_open(trigger_id=body["trigger_id"], view=ask_modal())

        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card())
        outside.hands.wait_for(lambda one: one.kind == "view" and one.object["trigger_id"] == pressed.trigger_id)

    def test_what_was_filled_in_reaches_the_app_and_the_modal_closes(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        @bolt.app.view("ask")
        def ask(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        values: dict[str, dict[str, object]] = {"words": {"text": "When exactly?"}, "tone": {"pick": "warm"}, "tell": {"who": [BEN]}}
        seen = outside.hands.submit(ANA, opened["id"], values)
        assert (seen.acked, seen.response_action, seen.errors, seen.view, seen.error) == (True, None, {}, None, None)
        view = bolt.got[0]["view"]
        assert (view["callback_id"], view["private_metadata"], view["hash"]) == ("ask", "case-1", opened["hash"])
        assert view["state"]["values"] == {
            "words": {"text": {"type": "plain_text_input", "value": "When exactly?"}},
            "tone": {"pick": {"type": "radio_buttons", "selected_option": {"text": plain("Warm"), "value": "warm"}}},
            "tell": {"who": {"type": "multi_users_select", "selected_users": [BEN]}},
        }
        assert outside.hands.wait_for(lambda one: one.key == opened["id"]).object["status"] == "submitted"

    def test_slack_itself_says_what_is_missing_or_too_long(self, outside: Outside, loopkeeper: Loopkeeper, opened: Json) -> None:
        before = len(loopkeeper.received)
        assert outside.hands.submit(ANA, opened["id"], {}).errors == {"words": "Please complete this required field."}
        assert outside.hands.submit(ANA, opened["id"], {"words": {"text": "x" * 21}}).errors == {
            "words": "Please use 20 characters or fewer. You're using 21."
        }
        assert len(loopkeeper.received) == before, "the app is not asked"

    def test_the_app_may_answer_with_errors_an_update_a_push_or_the_end(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        answers: list[Json] = [
            {"response_action": "errors", "errors": {"words": "Say please"}},
            {"response_action": "update", "view": ask_modal("Again")},
            {"response_action": "push", "view": ask_modal("Sure?")},
            {"response_action": "clear"},
        ]

        @bolt.app.view("ask")
        def ask(ack: Any) -> None:
            ack(**answers.pop(0))

        words: dict[str, dict[str, object]] = {"words": {"text": "When?"}}
        wrong = outside.hands.submit(ANA, opened["id"], words)
        assert (wrong.response_action, wrong.errors) == ("errors", {"words": "Say please"})
        updated = outside.hands.submit(ANA, opened["id"], words).view
        assert updated is not None
        assert (updated["id"], updated["title"]["text"], updated["state"]["values"]["words"]["text"]["value"]) == (
            opened["id"],
            "Again",
            "When?",
        )
        pushed = outside.hands.submit(ANA, opened["id"], words).view
        assert pushed is not None
        assert (pushed["previous_view_id"], pushed["root_view_id"], pushed["title"]["text"]) == (opened["id"], opened["id"], "Sure?")
        with pytest.raises(HandsError, match="beneath another modal"):
            outside.hands.submit(ANA, opened["id"], words)
        ended = outside.hands.submit(ANA, pushed["id"], words)
        assert (ended.response_action, ended.view) == ("clear", None)

    def test_an_answer_that_slack_cannot_use_leaves_the_modal_open(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        @bolt.app.view("ask")
        def ask(ack: Any) -> None:
            ack(response_action="errors", errors={"no such block": "?"})

        seen = outside.hands.submit(ANA, opened["id"], {"words": {"text": "When?"}})
        assert seen.error == "We had some trouble connecting. Try again?"
        assert seen.view is not None

    def test_closing_tells_the_app_that_asked_to_be_told(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        @bolt.app.view_closed("ask")
        def closed(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        assert outside.hands.close_view(ANA, opened["id"]) is None
        assert (bolt.got[0]["type"], bolt.got[0]["is_cleared"], bolt.got[0]["view"]["id"]) == ("view_closed", False, opened["id"])

    def test_an_input_that_dispatches_tells_the_app_while_it_is_filled_in(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        @bolt.app.action("text")
        def typed(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            view = ask_modal("Preview")
            bolt.client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)
            ack()

        outside.hands.press(ANA, "text", view_id=opened["id"], value="We are")
        body = bolt.got[0]
        assert (body["container"], body["actions"][0]["value"]) == ({"type": "view", "view_id": opened["id"]}, "We are")
        assert body["view"]["state"]["values"]["words"]["text"]["value"] == "We are"
        with pytest.raises(SlackApiError, match="hash_conflict"):
            bolt.client.views_update(view_id=opened["id"], hash=opened["hash"], view=ask_modal())

    def test_an_input_that_does_not_dispatch_is_only_remembered(self, outside: Outside, loopkeeper: Loopkeeper, opened: Json) -> None:
        before = len(loopkeeper.received)
        assert outside.hands.press(ANA, "pick", view_id=opened["id"], value="warm").acked
        assert len(loopkeeper.received) == before

    def test_three_modals_are_the_most(self, outside: Outside, bolt: Bolt, opened: Json) -> None:
        @bolt.app.action("text")
        def typed(ack: Any, body: Json) -> None:
            try:
                bolt.client.views_push(trigger_id=body["trigger_id"], view=ask_modal())
            except SlackApiError as error:
                bolt.got.append({"error": error.response["error"]})
            ack()

        top = opened
        for _ in range(2):
            pushed = outside.hands.press(ANA, "text", view_id=top["id"], value="x").view
            assert pushed is not None
            top = pushed
        outside.hands.press(ANA, "text", view_id=top["id"], value="x")
        assert bolt.got == [{"error": "push_limit_reached"}]

    def test_a_modal_belongs_to_one_person(self, outside: Outside, opened: Json) -> None:
        with pytest.raises(HandsError, match="Not on your screen"):
            outside.hands.submit(BEN, opened["id"], {})


class TestTriggers(OnTheSharedSandbox):
    def test_a_trigger_works_once(self, outside: Outside, bolt: Bolt) -> None:
        trigger = self.pull(outside, bolt)
        bolt.client.views_open(trigger_id=trigger, view=ask_modal())
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            bolt.client.views_open(trigger_id=trigger, view=ask_modal())

    def test_a_trigger_lives_three_seconds(self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, clock: Clock) -> None:
        outside = start_sandbox(now=clock)
        bolt = Bolt(outside)
        loopkeeper.slack = SlackRequestHandler(bolt.app).handle
        trigger = self.pull(outside, bolt)
        clock.now += 3.01
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            bolt.client.views_open(trigger_id=trigger, view=ask_modal())

    def test_a_modal_that_is_wrong_is_refused_and_the_trigger_still_good(self, outside: Outside, bolt: Bolt) -> None:
        trigger = self.pull(outside, bolt)
        with pytest.raises(SlackApiError, match="must be less than 25 characters"):
            bolt.client.views_open(trigger_id=trigger, view=ask_modal("A title that is far too long"))
        bolt.client.views_open(trigger_id=trigger, view=ask_modal())

    @staticmethod
    def pull(outside: Outside, bolt: Bolt) -> str:
        @bolt.app.action("accept")
        def accept(ack: Any) -> None:
            ack()

        trigger = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card()).trigger_id
        assert trigger is not None
        return trigger


class TestCommandsAndShortcuts(OnTheSharedSandbox):
    def test_a_command_is_answered_at_once_to_the_one_who_typed_it(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.command("/loop")
        def loop(ack: Any, command: Json) -> None:
            bolt.got.append(command)
            ack("Nothing is late.")

        pressed = outside.hands.command(ANA, BILLING, "/loop", "mine & yours")
        assert pressed.message is not None
        assert (pressed.message["text"], pressed.message["ephemeral_to"]) == ("Nothing is late.", ANA)
        told = bolt.got[0]
        assert (told["text"], told["user_name"], told["channel_name"], told["team_domain"]) == (
            "mine & yours",
            "ana",
            "lk-billing",
            "meridian",
        )

    def test_a_command_may_be_answered_to_all_or_with_a_modal(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.command("/loop")
        def loop(ack: Any, command: Json) -> None:
            if command["text"] == "all":
                ack(text="Hear, hear", response_type="in_channel")
            else:
                bolt.client.views_open(trigger_id=command["trigger_id"], view=ask_modal())
                ack()

        to_all = outside.hands.command(ANA, BILLING, "/loop", "all").message
        assert to_all is not None
        assert "ephemeral_to" not in to_all
        shown = outside.hands.command(ANA, BILLING, "/loop")
        assert (shown.view is not None, shown.message) == (True, None)

    def test_a_command_that_fails_says_so(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=502)
        assert outside.hands.command(ANA, BILLING, "/loop").error == "/loop failed with the error “dispatch_failed”"
        loopkeeper.answer = lambda _: Response('{"blocks": [{"type": "marquee"}]}')
        assert outside.hands.command(ANA, BILLING, "/loop").error == "/loop failed with the error “invalid_blocks”"

    def test_shortcuts_come_from_anywhere_or_from_a_message(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.shortcut("find")
        @bolt.app.shortcut("note")
        def used(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        ts = bolt.card()
        assert outside.hands.shortcut(ANA, "find").acked
        assert outside.hands.shortcut(ANA, "note", channel=BILLING, message_ts=ts).acked
        assert [body["type"] for body in bolt.got] == ["shortcut", "message_action"]
        assert (bolt.got[1]["message"]["ts"], bolt.got[1]["channel"]["id"]) == (ts, BILLING)

    def test_an_external_select_asks_the_app_for_options(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.options("merge")
        def options(ack: Any, payload: Json) -> None:
            ack(options=[{"text": plain(f"Case {payload['value']}"), "value": "7"}])

        select = {"type": "external_select", "action_id": "merge", "min_query_length": 0}
        blocks = [{"type": "actions", "block_id": "b", "elements": [select]}]
        ts = bolt.client.chat_postMessage(channel=BILLING, text="merge", blocks=blocks)["ts"]
        body = {"user": ANA, "channel": BILLING, "message_ts": ts, "action_id": "merge", "typed": "12"}
        offered = urllib3.request("POST", f"{outside.url}/hands/slack/suggest", json=body).json()["options"]
        assert [one["text"]["text"] for one in offered] == ["Case 12"]


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
    outside.hands.command(ANA, BILLING, "/loop", "a=b&c")
    (got,) = loopkeeper.wait_for(lambda one: one.path == "/slack/events")
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(got.body.decode())["text"] == ["a=b&c"]
    assert got.headers["x-slack-signature"].startswith("v0=")
