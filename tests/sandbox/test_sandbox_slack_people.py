"""What people do in Slack, received by a genuine bolt app."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sandbox_support import Clock, Loopkeeper, Outside, StartSandbox
from slack_app import ANA, BEN, BILLING, CARD, Bolt, Json, ask_modal, plain
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk.errors import SlackApiError
from starlette.responses import Response

from sandbox.hands import HandsError


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
            told.wait(60)
            ack()

        told = threading.Event()
        pressed = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card())
        told.set()
        assert (pressed.acked, pressed.error) == (False, "Operation timed out. Apps need to respond within 3 seconds.")

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
        @bolt.app.command("/case")
        def loop(ack: Any, command: Json) -> None:
            bolt.got.append(command)
            ack("Nothing is late.")

        pressed = outside.hands.command(ANA, BILLING, "/case", "mine & yours")
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
        @bolt.app.command("/case")
        def loop(ack: Any, command: Json) -> None:
            if command["text"] == "all":
                ack(text="Hear, hear", response_type="in_channel")
            else:
                bolt.client.views_open(trigger_id=command["trigger_id"], view=ask_modal())
                ack()

        to_all = outside.hands.command(ANA, BILLING, "/case", "all").message
        assert to_all is not None
        assert "ephemeral_to" not in to_all
        shown = outside.hands.command(ANA, BILLING, "/case")
        assert (shown.view is not None, shown.message) == (True, None)

    def test_a_command_that_fails_says_so(self, outside: Outside, loopkeeper: Loopkeeper) -> None:
        loopkeeper.answer = lambda _: Response(status_code=502)
        assert outside.hands.command(ANA, BILLING, "/case").error == "/case failed with the error “dispatch_failed”"
        loopkeeper.answer = lambda _: Response('{"blocks": [{"type": "marquee"}]}')
        assert outside.hands.command(ANA, BILLING, "/case").error == "/case failed with the error “invalid_blocks”"

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
