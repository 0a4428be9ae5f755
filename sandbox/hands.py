"""A client of the sandbox's hands, for players, tests and replays: what people do, and what they see.

Synchronous; one instance for each thread. It trusts the sandbox and needs nothing else of it.

    with Hands("http://127.0.0.1:8088") as hands:
        post = hands.post("x", "Third day without internet.", Author("77", "sam", "Sam Okafor"))
        reply = hands.wait_for(lambda one: one.kind == "post" and one.object["in_reply_to"] == post["id"])
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlencode

import urllib3

Json = dict[str, Any]

_SHORT_SECONDS = 30.0
"""Longer than anything that a person does can take: Slack waits 3 s, a submission may close three modals."""


class HandsError(Exception):
    """Something that a person could not do. `status` and the sandbox's own words say why."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail


@dataclass(frozen=True)
class Author:
    """Who writes on the square. `private_messages`: whether they take such from a brand to whom they have not written in private.

    `customer_id`: the brand's own id of them, when they are signed in to their account with it.
    """

    id: str
    handle: str
    name: str
    is_brand: bool = False
    private_messages: bool = True
    customer_id: str | None = None


@dataclass(frozen=True)
class Change:
    """Something is new or different: its number, what it is, and the whole of it."""

    number: int
    kind: str
    """post · message · view · mail · conversation · delivery · fault"""
    key: str
    object: Json


@dataclass(frozen=True)
class Pressed:
    """What a person sees after pressing something, or using a command or a shortcut."""

    acked: bool
    """Whether the app answered in time."""
    error: str | None
    trigger_id: str | None
    """A modal that the app opens later has the same one."""
    view: Json | None
    """The modal that the app opened before it answered."""
    message: Json | None
    """What a command said at once."""


@dataclass(frozen=True)
class Submitted:
    """What a person sees after submitting a modal."""

    acked: bool
    response_action: Literal["errors", "update", "push", "clear"] | None
    errors: dict[str, str]
    """By block_id; Slack's own complaints (then it was not submitted), or the app's."""
    view: Json | None
    """The modal that shows now."""
    error: str | None


class Hands:
    """Everybody's hands and eyes. Every method raises HandsError for what the sandbox would not do."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = urllib3.PoolManager(retries=False, maxsize=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.clear()

    # Seeing

    def world(self) -> Json:
        """Who and what there is."""
        return self._ask("GET", "/hands/world")

    def state(self) -> list[Change]:
        """Everything as it is now."""
        return self._listed(self._ask("GET", "/hands/state"))[0]

    def number(self) -> int:
        """The number of the last change: `after` for whoever cares for the future alone."""
        number: int = self._ask("GET", "/hands/number")["number"]
        return number

    def changes(self, after: int, wait: float = 0) -> tuple[list[Change], int]:
        """What has changed since number `after`, and the number to go on from; waits up to `wait` seconds for something."""
        query = urlencode({"after": after, "wait": int(wait)})
        return self._listed(self._ask("GET", f"/hands/changes?{query}", seconds=wait + _SHORT_SECONDS))

    def follow(self, after: int = 0, seconds: float | None = None) -> Iterator[Change]:
        """Every change since number `after`, as it happens; for `seconds`, or without end."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            left = 25.0 if end is None else max(0.0, min(25.0, end - time.monotonic() + 1))
            found, after = self.changes(after, left)
            yield from found

    def wait_for(self, wanted: Callable[[Change], bool], seconds: float = 30.0, after: int = 0) -> Change:
        """The first thing, as it is now or comes to be, that is `wanted`. Raises TimeoutError after `seconds`."""
        for change in self.follow(after, seconds):
            if wanted(change):
                return change
        raise TimeoutError(f"Nothing wanted happened in the sandbox within {seconds:g} s.")

    # On the square

    def post(
        self,
        channel: str,
        text: str,
        author: Author,
        *,
        brand: str = "meridian",
        in_reply_to: str | None = None,
        post_id: str | None = None,
        visibility: Literal["public", "private"] = "public",
    ) -> Json:
        """Write a post. Answers it whole."""
        deed: Json = {"channel": channel, "brand": brand, "author": asdict(author), "text": text, "visibility": visibility}
        return self._do("/hands/post", {**deed, "in_reply_to": in_reply_to, "id": post_id})

    def edit(self, channel: str, post_id: str, text: str) -> Json:
        """Change a post."""
        return self._do("/hands/edit", {"channel": channel, "id": post_id, "text": text})

    def delete(self, channel: str, post_id: str) -> Json:
        """Delete a post."""
        return self._do("/hands/delete", {"channel": channel, "id": post_id})

    # In Slack

    def press(
        self,
        user: str,
        action_id: str,
        *,
        channel: str | None = None,
        message_ts: str | None = None,
        view_id: str | None = None,
        block_id: str | None = None,
        value: object = None,
        values: dict[str, dict[str, object]] | None = None,
    ) -> Pressed:
        """Press a button or pick something, in a message or a view."""
        where = {"channel": channel, "message_ts": message_ts, "view_id": view_id, "block_id": block_id}
        return Pressed(**self._do("/hands/slack/press", {"user": user, "action_id": action_id, **where, "value": value, "values": values}))

    def submit(self, user: str, view_id: str, values: dict[str, dict[str, object]]) -> Submitted:
        """Fill in the visible modal and submit it."""
        return Submitted(**self._do("/hands/slack/submit", {"user": user, "view_id": view_id, "values": values}))

    def close_view(self, user: str, view_id: str, *, clear: bool = False) -> Json | None:
        """Close the visible modal, or all of them. Answers the one that shows now."""
        shown: Json | None = self._do("/hands/slack/close", {"user": user, "view_id": view_id, "clear": clear})["view"]
        return shown

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Write a message. Answers it whole."""
        said: Json = self._do("/hands/slack/say", {"user": user, "channel": channel, "text": text, "thread_ts": thread_ts})["message"]
        return said

    def react(self, user: str, channel: str, ts: str, name: str) -> Json:
        """React to a message. Answers it whole."""
        message: Json = self._do("/hands/slack/react", {"user": user, "channel": channel, "ts": ts, "name": name})["message"]
        return message

    def command(self, user: str, channel: str, command: str, text: str = "") -> Pressed:
        """Type a slash command."""
        return Pressed(**self._do("/hands/slack/command", {"user": user, "channel": channel, "command": command, "text": text}))

    def shortcut(self, user: str, callback_id: str, *, channel: str | None = None, message_ts: str | None = None) -> Pressed:
        """Use a shortcut, a global one or one on a message."""
        where = {"channel": channel, "message_ts": message_ts}
        return Pressed(**self._do("/hands/slack/shortcut", {"user": user, "callback_id": callback_id, **where}))

    def home(self, user: str) -> Json | None:
        """Open the App Home. Answers what is there now; what the app publishes comes as a change."""
        shown: Json | None = self._do("/hands/slack/home", {"user": user})["view"]
        return shown

    def sockets(self) -> int:
        """How many sockets the app holds."""
        count: int = self._ask("GET", "/hands/slack/sockets")["sockets"]
        return count

    def disconnect(self, reason: Literal["refresh_requested", "warning"] | None = "refresh_requested") -> int:
        """Let Slack close the app's sockets, with a word, with a warning, or (None) without. Answers how many."""
        closed: int = self._do("/hands/slack/disconnect", {"reason": reason})["closed"]
        return closed

    # What happens to a workspace

    def archive(self, channel: str) -> Json:
        """Archive a channel; the app falls out of a public one. Answers it whole, as do the others."""
        return self._altered("archive", channel)

    def unarchive(self, channel: str) -> Json:
        """Bring a channel back."""
        return self._altered("unarchive", channel)

    def rename(self, channel: str, name: str) -> Json:
        """Call a channel otherwise."""
        return self._altered("rename", channel, name=name)

    def remove(self, channel: str, user: str | None = None) -> Json:
        """Remove the app, or somebody, from a channel."""
        return self._altered("remove", channel, user=user)

    def invite(self, channel: str, user: str | None = None) -> Json:
        """Invite the app, or somebody, into a channel."""
        return self._altered("invite", channel, user=user)

    def _altered(self, deed: str, channel: str, **more: object) -> Json:
        conversation: Json = self._do(f"/hands/slack/{deed}", {"channel": channel, **more})["conversation"]
        return conversation

    def deactivate(self, user: str) -> Json:
        """Deactivate somebody's account. Answers it as Slack tells of it."""
        told: Json = self._do("/hands/slack/deactivate", {"user": user})["user"]
        return told

    def reactivate(self, user: str) -> Json:
        """Activate an account again."""
        told: Json = self._do("/hands/slack/reactivate", {"user": user})["user"]
        return told

    # With mail

    def open_mail(self, mail_id: str) -> Json:
        """Open a mail."""
        return self._do("/hands/mail/open", {"id": mail_id})

    def bounce_mail(self, mail_id: str) -> Json:
        """Let a mail come back."""
        return self._do("/hands/mail/bounce", {"id": mail_id})

    # Faults

    def fault(self, party: str, kind: str, **how: object) -> Json:
        """Set a fault: `probability`, `count`, `seed`, `match`, `acts`, `seconds`."""
        return self._do("/hands/fault", {"party": party, "kind": kind, **how})

    def faults(self) -> Json:
        """The faults that are set, how often each struck, and who is held."""
        return self._ask("GET", "/hands/fault")

    def clear_faults(self) -> None:
        """Clear all faults and let go of all who are held."""
        self._ask("DELETE", "/hands/fault")

    def release(self, held_id: str | None = None) -> Json:
        """Let the answer that is held go out, or all."""
        return self._do("/hands/fault/release", {"id": held_id})

    def retry_deliveries(self, delivery_id: str | None = None) -> int:
        """Try what waits for its next attempt at once. Answers how many."""
        hurried: int = self._do("/hands/deliveries/retry", {"id": delivery_id})["hurried"]
        return hurried

    # Inside

    def _do(self, path: str, deed: Json) -> Json:
        return self._ask("POST", path, deed)

    def _ask(self, method: str, path: str, deed: Json | None = None, seconds: float = _SHORT_SECONDS) -> Json:
        body = None if deed is None else json.dumps(deed).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        answer = self._http.request(method, self._base_url + path, body=body, headers=headers, timeout=seconds)
        said: Json = json.loads(answer.data)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise HandsError(answer.status, said["title"], said["detail"])
        return said

    @staticmethod
    def _listed(listing: Json) -> tuple[list[Change], int]:
        return [Change(one["n"], one["kind"], one["key"], one["object"]) for one in listing["changes"]], listing["number"]
