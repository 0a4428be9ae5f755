"""What a whole desk in Slack is made of: menus, the Home tab, shortcuts and commands, for a genuine bolt app."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3
from sandbox_support import Outside
from slack_app import ANA, BEN, BILLING, CARD, Bolt, Json, ask_modal, plain

MENU: Json = {
    "type": "overflow",
    "action_id": "more",
    "options": [{"text": plain("Dismiss"), "value": "dismiss"}, {"text": plain("Snooze"), "value": "snooze"}],
}
ROW: Json = {"type": "section", "block_id": "row", "text": plain("Case 12"), "accessory": MENU}


def home(*blocks: Json) -> Json:
    return {"type": "home", "private_metadata": "home", "blocks": list(blocks)}


@pytest.fixture
def outside(shared: Outside) -> Outside:
    return shared


@pytest.fixture
def menus(bolt: Bolt) -> None:
    @bolt.app.action("more")
    def more(ack: Any, body: Json) -> None:
        bolt.got.append(body)
        ack()


def picked(bolt: Bolt) -> list[str]:
    return [body["actions"][0]["selected_option"]["value"] for body in bolt.got]


class TestOverflowMenus:
    def test_in_a_message_in_a_row_of_buttons_and_beside_a_section(self, outside: Outside, bolt: Bolt, menus: None) -> None:
        outside.hands.press(ANA, "more", channel=BILLING, message_ts=bolt.card(), value="dismiss")
        ts = str(bolt.client.chat_postMessage(channel=BILLING, text="row", blocks=[ROW])["ts"])
        outside.hands.press(ANA, "more", channel=BILLING, message_ts=ts, block_id="row", value="snooze")
        assert picked(bolt) == ["dismiss", "snooze"]
        assert bolt.got[1]["actions"][0]["selected_option"]["text"] == {"type": "plain_text", "text": "Snooze"}

    def test_an_option_can_be_named_whole(self, outside: Outside, bolt: Bolt, menus: None) -> None:
        deed = {"user": ANA, "channel": BILLING, "message_ts": bolt.card(), "action_id": "more", "selected_option": {"value": "dismiss"}}
        assert urllib3.request("POST", f"{outside.url}/hands/slack/press", json=deed).json()["acked"] is True
        assert picked(bolt) == ["dismiss"]

    def test_in_a_modal_and_in_the_home(self, outside: Outside, bolt: Bolt, menus: None) -> None:
        @bolt.app.action("accept")
        def accept(ack: Any, body: Json) -> None:
            bolt.client.views_open(trigger_id=body["trigger_id"], view={**ask_modal(), "blocks": [*ask_modal()["blocks"], ROW]})
            ack()

        modal = outside.hands.press(ANA, "accept", channel=BILLING, message_ts=bolt.card()).view
        bolt.client.views_publish(user_id=ANA, view=home(ROW))
        tab = outside.hands.home(ANA)
        assert modal is not None
        assert tab is not None
        for view in (modal, tab):
            assert outside.hands.press(ANA, "more", view_id=view["id"], value="snooze").acked
        assert picked(bolt) == ["snooze", "snooze"]
        assert [body["container"]["view_id"] for body in bolt.got] == [modal["id"], tab["id"]]
        assert [body["view"]["type"] for body in bolt.got] == ["modal", "home"]


class TestTheHome:
    def test_it_is_published_when_it_is_opened_and_its_buttons_open_modals(self, outside: Outside, bolt: Bolt) -> None:
        button = {"type": "button", "action_id": "show", "text": plain("Show"), "value": "case-12"}

        @bolt.app.event("app_home_opened")
        def opened(event: Json) -> None:
            bolt.client.views_publish(user_id=event["user"], view=home({"type": "actions", "block_id": "due", "elements": [button]}))

        @bolt.app.action("show")
        def show(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            bolt.client.views_open(trigger_id=body["trigger_id"], view=ask_modal("Case 12"))
            ack()

        @bolt.app.view("ask")
        def said(ack: Any) -> None:
            ack()
            bolt.client.views_publish(user_id=BEN, view=home({"type": "header", "text": plain("Nothing is due")}))

        after = outside.hands.number()
        outside.hands.home(BEN)
        tab = outside.hands.wait_for(
            lambda c: c.kind == "view" and c.object["type"] == "home" and c.object["user"] == BEN, after=after
        ).object
        shown = outside.hands.press(BEN, "show", view_id=tab["id"])
        assert (shown.acked, shown.error) == (True, None)
        assert shown.view is not None
        assert shown.view["title"]["text"] == "Case 12"
        assert (bolt.got[0]["view"]["private_metadata"], bolt.got[0]["actions"][0]["value"]) == ("home", "case-12")
        assert "channel" not in bolt.got[0], "there is none"
        assert outside.hands.submit(BEN, shown.view["id"], {"words": {"text": "Soon."}}).acked
        outside.hands.wait_for(lambda c: c.key == tab["id"] and "Nothing is due" in str(c.object["blocks"]))

    def test_the_event_brings_what_was_there(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.event("app_home_opened")
        def opened(event: Json) -> None:
            bolt.got.append(event)

        tom = "U0TOM00001"
        bolt.client.views_publish(user_id=tom, view=home(ROW))
        there = outside.hands.home(tom)
        outside.hands.wait_for(lambda c: c.kind == "delivery" and c.object["about"] == tom and c.object["state"] == "delivered")
        assert there is not None
        assert (bolt.got[-1]["tab"], bolt.got[-1]["view"]["id"]) == ("home", there["id"])


class TestShortcutsAndCommands:
    def test_a_shortcut_on_a_message_brings_the_whole_message_and_where_it_stands(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.shortcut("send_to_customer")
        def send(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            bolt.client.views_open(trigger_id=body["trigger_id"], view=ask_modal())
            ack()

        offered = outside.hands.world()["app"]["shortcuts"]
        assert offered == [{"callback_id": "send_to_customer", "name": "Send to customer", "on_message": True}]
        card = bolt.card()
        words = "It is paid back.\nTell them *today* & not tomorrow <soon>."
        said = outside.hands.say(ANA, BILLING, words, thread_ts=card)
        used = outside.hands.shortcut(BEN, "send_to_customer", channel=BILLING, message_ts=said["ts"])
        assert used.view is not None
        body = bolt.got[0]
        assert (body["type"], body["callback_id"], body["user"]["id"]) == ("message_action", "send_to_customer", BEN)
        assert (body["channel"]["id"], body["message_ts"]) == (BILLING, said["ts"])
        message = body["message"]
        assert (message["user"], message["ts"], message["thread_ts"]) == (ANA, said["ts"], card)
        assert message["text"] == words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        answered = urllib3.request("POST", body["response_url"], json={"text": "It is on its way."})
        assert answered.status == 200
        outside.hands.wait_for(
            lambda c: c.kind == "message" and c.object["text"] == "It is on its way." and c.object["ephemeral_to"] == BEN
        )

    def test_a_shortcut_on_the_apps_own_card_brings_its_blocks(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.shortcut("send_to_customer")
        def send(ack: Any, body: Json) -> None:
            bolt.got.append(body)
            ack()

        assert outside.hands.shortcut(ANA, "send_to_customer", channel=BILLING, message_ts=bolt.card()).acked
        message = bolt.got[0]["message"]
        assert (message["bot_id"], message["blocks"][1]["block_id"], len(message["blocks"])) == ("B0LOOPKEEP", "case", len(CARD))

    def test_a_command_can_open_a_modal_and_answer_later_to_the_one_who_typed_it(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.command("/case")
        def case(ack: Any, command: Json) -> None:
            bolt.got.append(command)
            bolt.client.views_open(trigger_id=command["trigger_id"], view=ask_modal())
            ack()

        assert outside.hands.world()["app"]["commands"] == [{"command": "/case", "hint": "[show|accept|update …] [number] [words]"}]
        typed = outside.hands.command(ANA, BILLING, "/case", "update 12 It is paid back.")
        assert typed.view is not None
        command = bolt.got[0]
        assert (command["text"], command["channel_id"], command["user_id"]) == ("update 12 It is paid back.", BILLING, ANA)
        assert urllib3.request("POST", command["response_url"], json={"text": "Case 12 is updated."}).status == 200
        later = outside.hands.wait_for(lambda c: c.kind == "message" and c.object["text"] == "Case 12 is updated.").object
        assert (later["ephemeral_to"], later["channel"]) == (ANA, BILLING)

    def test_a_command_in_a_direct_message_is_answered_there(self, outside: Outside, bolt: Bolt) -> None:
        @bolt.app.command("/case")
        def case(ack: Any) -> None:
            ack("Three cases are yours.")

        im = bolt.client.chat_postMessage(channel=ANA, text="Good morning.")["channel"]
        answered = outside.hands.command(ANA, im, "/case", "mine").message
        assert answered is not None
        assert (answered["channel"], answered["ephemeral_to"]) == (im, ANA)


def test_a_message_to_a_person_opens_the_direct_message_and_can_be_taken_back(outside: Outside, bolt: Bolt) -> None:
    sent = bolt.client.chat_postMessage(channel=BEN, text="Case 12 waits for you.", blocks=[ROW])
    assert sent["channel"] == bolt.client.conversations_open(users=BEN)["channel"]["id"]
    bolt.client.chat_update(channel=sent["channel"], ts=sent["ts"], text="Case 12 has somebody.", blocks=[])
    bolt.client.chat_delete(channel=sent["channel"], ts=sent["ts"])
    assert sent["ts"] not in [one["ts"] for one in bolt.client.conversations_history(channel=sent["channel"])["messages"]]
