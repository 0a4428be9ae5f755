"""A genuine bolt app that is Loopkeeper for the sandbox's Slack, and what it shows."""

from __future__ import annotations

from typing import Any

from sandbox_support import BOT_TOKEN, SIGNING_SECRET, Outside
from slack_bolt import App
from slack_sdk import WebClient

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
