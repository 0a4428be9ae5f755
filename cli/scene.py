"""What can be seen in the sandbox: the square and Slack, as they are now; and how a card reads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.slack import cards
from domain.wording import excerpt
from sandbox.hands import Change

Json = dict[str, Any]


@dataclass
class Scene:
    """What the players see: the square and Slack, kept up to date from the stream of changes."""

    replies: dict[str, list[Json]] = field(default_factory=dict)
    """The brand's replies, by the post that they answer."""
    cards: dict[str, Json] = field(default_factory=dict)
    """The card of each post that is on a desk, by the post's id: the newest message that shows its link and has buttons or a status."""
    stirred: set[str] = field(default_factory=set)
    """Posts whose cards have changed since somebody last looked."""
    calls: dict[str, Json] = field(default_factory=dict)
    """Questions to the social team that wait for an answer: whether a reply is there. By the message's ts."""
    undelivered: set[str] = field(default_factory=set)
    """What the networks tell Loopkeeper and it has not taken yet: it was away, or has failed."""
    posts: dict[str, Json] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)
    tell: Callable[[str], None] = lambda _: None

    def take(self, change: Change) -> None:
        """Something has changed."""
        with self.changed:
            if change.kind == "post":
                self._post(change.object)
            elif change.kind == "message":
                self._message(change.object)
            elif change.kind == "delivery":
                late = change.object["state"] == "retrying"
                (self.undelivered.add if late else self.undelivered.discard)(change.object["id"])
            self.changed.notify_all()

    def _post(self, post: Json) -> None:
        new = post["id"] not in self.posts
        self.posts[post["id"]] = post
        if new and post["author"].get("is_brand"):
            parent = str(post["in_reply_to"])
            self.replies.setdefault(parent, []).append(post)
            to = self.posts.get(parent, post)["author"]["handle"]
            self.tell(f"  @{post['author']['handle']} → @{to}: {excerpt(post['text'], 110)}")
        elif new:
            self.tell(f"@{post['author']['handle']}: {excerpt(post['text'], 110)}")

    def _message(self, message: Json) -> None:
        if message.get("thread_ts") not in (None, message["ts"]):
            return
        key = ((message.get("metadata") or {}).get("event_payload") or {}).get("key", "")
        if ":social:" in key and cards.SETTLE_POSTED in actions(message):
            self.calls.setdefault(message["ts"], message)
        if ":card:" in key:
            post = key.split(":card:", 1)[0].split("-", 2)[2]
            shown = self.cards.get(post)
            if shown is None or message["channel"] != shown["channel"] or self._newer(message, shown):
                self.cards[post] = message
                self.stirred.add(post)
                now, before = standing(message), standing(shown) if shown else ""
                if now != before:
                    self.tell(f"  [{now}] {excerpt(message['text'], 70)}")

    @staticmethod
    def _newer(message: Json, shown: Json) -> bool:
        return bool(message["ts"] >= shown["ts"])


def members_by_channel(world: Json) -> dict[str, list[str]]:
    """Who is in which channel, people only."""
    people = {person["id"] for person in world["people"]}
    return {channel["id"]: [member for member in channel["members"] if member in people] for channel in world["channels"]}


def standing(card: Json) -> str:
    """What a card says of where the case is: the first bold words of its facts."""
    for block in card["blocks"][2:3]:
        for part in block.get("elements", []):
            for element in part.get("elements", []):
                return str(element.get("text", ""))
    return ""


def buttons(card: Json) -> str:
    """How far the case is, by what the card says and offers: it changes when a press has had its effect."""
    return f"{standing(card)} {sorted(actions(card))}"


def actions(card: Json) -> set[str]:
    """The buttons of a card by which something can be done, other than look at it."""
    buttons = {element["action_id"] for block in card["blocks"] if block["type"] == "actions" for element in block["elements"]}
    return buttons - {cards.OPEN}


def quoted(message: Json) -> str:
    """The words that a message quotes."""
    for block in message["blocks"]:
        for part in block.get("elements", []):
            if part["type"] == "rich_text_quote":
                return "".join(str(element.get("text", "")) for element in part["elements"])
    return ""
