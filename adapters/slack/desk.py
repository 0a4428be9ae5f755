"""The desk made real: slack_sdk's WebClient, one attempt a call, with honest words for what became of it."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
import urllib.error
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from adapters.slack import announcements, approvals, cards
from adapters.slack.rich import Block
from domain import events as e
from domain.casefile import CaseFile
from domain.policy import Person, Policy
from domain.ports import Card, Mark, Message, NotSent, Refused, Unclear
from domain.sharing import WaitingAnnouncement
from domain.story import Line
from domain.values import Audience

EVENT_TYPE = "loopkeeper_effect"
"""The type of the metadata that our messages carry."""

PERSON = "slack:"
"""What the ids of people begin with whom we know from Slack."""

_KNOWN_FOR_SECONDS = 300.0
_LOOK_BACK = 200
_UNCLEAR_ERRORS = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})


class SlackDesk:
    """See `domain.ports.Desk`. Thread-safe."""

    def __init__(self, token: str, base_url: str, *, messages_per_second: float = 1.0, timeout: int = 10) -> None:
        self._client = WebClient(token=token, base_url=base_url, timeout=timeout, retry_handlers=[])  # it would repeat a POST after a reset
        self._names = _Directory(self._client)
        self._pacing = _Pacing(messages_per_second)

    def place(self, slack_channel: str) -> str:
        """See `domain.ports.Desk.place`."""
        return self._names.channel(slack_channel)

    def card_hash(self, file: CaseFile, department: str) -> bytes:
        """See `domain.ports.Desk.card_hash`."""
        shown = cards.card(file, department, self._group(file, department))
        for block in shown:
            block.pop("block_id", None)  # it counts events, which is no reason to edit a card
        return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).digest()

    def post_card(self, place: str, file: CaseFile, department: str, mark: Mark) -> str:
        """See `domain.ports.Desk.post_card`."""
        return self.post(place, None, cards.card(file, department, self._group(file, department)), cards.card_text(file), mark)

    def update_card(self, card: Card, file: CaseFile) -> None:
        """See `domain.ports.Desk.update_card`."""
        blocks = cards.card(file, card.department, self._group(file, card.department))
        self._pacing.take(card.channel, edit=True)
        call_slack(self._client.chat_update, channel=card.channel, ts=card.ts, blocks=blocks, text=cards.card_text(file))

    def tell(self, place: str, thread: str, file: CaseFile, lines: Sequence[Line], mark: Mark) -> str:
        """See `domain.ports.Desk.tell`."""
        group = self._group(file, file.case.department)
        called = {who: self._user_of(file, who) for line in lines for who in line.calls_people}
        return self.post(place, thread, cards.told(lines, group, called), cards.told_text(file, lines), mark)

    def call_social(self, place: str, file: CaseFile, line: Line, mark: Mark) -> str:
        """See `domain.ports.Desk.call_social`."""
        event = next(entry.event for seq, entry in file.history if seq == line.seq)
        group = self._names.group(file.policy.social.slack_group)
        if isinstance(event, e.PersonalDataSeen):
            return self.post(place, None, cards.shown_to_all(file, line.seq, event, group), cards.told_text(file, [line]), mark)
        draft = file.case.draft(event.step) if isinstance(event, e.DraftHeld) else None
        if draft is not None:
            return self.post(place, None, approvals.approval(file, draft, group), approvals.approval_text(file, draft), mark)
        step = event.step if isinstance(event, e.HumanNeeded) else None
        reply = file.case.reply(step) if step is not None else None
        settle = reply is not None and reply.state == "unconfirmed"
        blocks = cards.call(file, line, group, _unsettled(file, step), settle=settle)
        return self.post(place, None, blocks, cards.told_text(file, [line]), mark)

    def announcement_waits(self, place: str, told: WaitingAnnouncement, policy: Policy, link: str, mark: Mark) -> str:
        """See `domain.ports.Desk.announcement_waits`."""
        group = self._names.group(policy.social.slack_group)
        return self.post(place, None, announcements.waiting(told, group, link), announcements.waiting_text(told), mark)

    def open_direct(self, person: Person) -> str:
        """See `domain.ports.Desk.open_direct`."""
        return str(call_slack(self._client.conversations_open, users=[self._names.user(person)])["channel"]["id"])

    def call(self, place: str, file: CaseFile, event: e.Escalated, draft: str | None, mark: Mark) -> str:
        """See `domain.ports.Desk.call`."""
        mentioned = self._names.group(file.policy.social.slack_group) if event.to is Audience.SOCIAL else None
        held = file.case.draft(event.draft) if event.draft is not None else None
        if held is not None:
            return self.post(place, None, approvals.approval(file, held, None, again=True), approvals.approval_text(file, held), mark)
        return self.post(place, None, cards.escalation(file, event, draft, mentioned), cards.escalation_text(file, event), mark)

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """See `domain.ports.Desk.find`. Looks at the newest 200 messages of the channel, or at the whole thread."""
        cursor = None
        seen = 0
        while True:
            asked: dict[str, Any] = {"channel": place, "limit": 100, "cursor": cursor, "include_all_metadata": True}
            if thread:
                asked["ts"] = thread
            look = self._client.conversations_replies if thread else self._client.conversations_history
            found = _ask(look, **asked)
            for message in found.get("messages", []):
                payload = (message.get("metadata") or {}).get("event_payload") or {}
                if payload.get("key") == key:
                    return Message(message["ts"], int(payload.get("told", 0)))
            seen += len(found.get("messages", []))
            cursor = (found.get("response_metadata") or {}).get("next_cursor")
            if not cursor or (thread is None and seen >= _LOOK_BACK):
                return None

    def _group(self, file: CaseFile, department: str) -> str | None:
        known = file.policy.departments.get(department)
        return self._names.group(known.slack_group) if known is not None else None

    def _user_of(self, file: CaseFile, who: str) -> str | None:
        """The Slack id of somebody to mention; None when Slack does not know them."""
        if who.startswith(PERSON):
            return who.removeprefix(PERSON)
        person = file.policy.people.get(who)
        try:
            return self._names.user(person) if person is not None else None
        except Refused:
            return None

    def post(self, place: str, thread: str | None, blocks: list[Block], text: str, mark: Mark) -> str:
        """Post a message; its ts. Raises NotSent, Refused or Unclear."""
        self._pacing.take(place)
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": mark.key, "told": mark.told}}
        try:
            sent = call_slack(
                self._client.chat_postMessage,
                channel=place,
                thread_ts=thread,
                blocks=blocks,
                text=text,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
        except NotSent as error:
            if error.retry_after is not None:
                self._pacing.hold(place, error.retry_after)
            raise
        return str(sent["ts"])


def _unsettled(file: CaseFile, step: int | None) -> e.ReplyUnconfirmed | e.ReplyFailed | None:
    """What is on record of a reply that failed, is unconfirmed, or is to be said by a person."""
    for _, entry in file.history:
        if isinstance(entry.event, e.ReplyUnconfirmed | e.ReplyFailed) and entry.event.step == step:
            return entry.event
    return None


class _Pacing:
    """At most so many messages a second into one channel; edits only when no message waits. Says "not now" instead of sleeping, so that
    no thread is held.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._burst = 3 * self._interval
        self._free_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, place: str, *, edit: bool = False) -> None:
        with self._lock:
            now = time.monotonic()
            free_at = max(self._free_at.get(place, 0.0), now - self._burst)
            if free_at > (now - self._interval if edit else now):
                raise NotSent("the channel's rate of messages is kept", timedelta(seconds=free_at - now + self._interval))
            self._free_at[place] = free_at + self._interval

    def hold(self, place: str, span: timedelta) -> None:
        """Slack has said how long it wants no more messages there."""
        with self._lock:
            self._free_at[place] = max(self._free_at.get(place, 0.0), time.monotonic() + span.total_seconds())


class _Directory:
    """Ids of channels and user groups by the names that the policy uses."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._channels: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._users: dict[str, tuple[float, str]] = {}
        self._channels_at = self._groups_at = float("-inf")

    def channel(self, name: str) -> str:
        if not name.startswith("#"):
            return name
        with self._lock:
            if name not in self._channels and time.monotonic() - self._channels_at > 5:
                self._channels = {
                    f"#{c['name']}": c["id"] for c in self._pages("conversations.list", "channels", {"exclude_archived": True})
                }
                self._channels_at = time.monotonic()
            if name not in self._channels:
                raise Refused(f"Slack has no channel {name} that is open to us; create it, or invite the app to it")
            return self._channels[name]

    def group(self, name: str | None) -> str | None:
        """A user group's id; None when there is none of that name (then nobody is mentioned)."""
        if name is None or not name.startswith("@"):
            return name
        with self._lock:
            if time.monotonic() - self._groups_at > _KNOWN_FOR_SECONDS:
                try:
                    listed = _ask(self._client.usergroups_list)
                    self._groups = {f"@{g['handle']}": g["id"] for g in listed.get("usergroups", [])}
                except Refused:
                    self._groups = {}  # the scope usergroups:read is missing: cards go out without a mention, as docs/slack.md says
                self._groups_at = time.monotonic()
            return self._groups.get(name)

    def user(self, person: Person) -> str:
        """A colleague's id. Raises Refused when Slack does not know them."""
        if person.slack is not None:
            return person.slack
        assert person.email is not None, "the policy names one of the two"
        with self._lock:
            known = self._users.get(person.email)
            if known is None or time.monotonic() - known[0] > _KNOWN_FOR_SECONDS:
                known = time.monotonic(), str(_ask(self._client.users_lookupByEmail, email=person.email)["user"]["id"])
                self._users[person.email] = known
            return known[1]

    def _pages(self, method: str, field: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = _ask(self._client.api_call, api_method=method, params={**params, "limit": 200, "cursor": cursor})
            found += page.get(field, [])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found


def _ask(request: Callable[..., Any], **arguments: Any) -> Any:
    """A request that changes nothing: when it is unclear it is simply not answered."""
    try:
        return call_slack(request, **arguments)
    except Unclear as error:
        raise NotSent(error.reason) from error


def call_slack(request: Callable[..., Any], **arguments: Any) -> Any:
    """One call of the Web API. Raises NotSent, Refused or Unclear."""
    try:
        return request(**arguments)
    except SlackApiError as error:
        raise _meaning(error) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionRefusedError):
            raise NotSent("Slack cannot be reached (connection refused)") from error
        raise Unclear(f"Slack gave no answer ({error.reason})") from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise Unclear(f"Slack gave no whole answer ({type(error).__name__})") from error


def _meaning(error: SlackApiError) -> NotSent | Refused | Unclear:
    response = error.response
    status = getattr(response, "status_code", 200)
    code = ""
    if hasattr(response, "get"):
        code = str(response.get("error") or "")
    if status == 429 or code in ("ratelimited", "rate_limited"):
        after = {k.lower(): v for k, v in getattr(response, "headers", {}).items()}.get("retry-after", "1")
        return NotSent("Slack asks us to wait", timedelta(seconds=float(after) if str(after).isdigit() else 1.0))
    if status >= 500 or code in _UNCLEAR_ERRORS or not code:
        return Unclear(f"Slack failed ({status} {code})")
    told = "; ".join((response.get("response_metadata") or {}).get("messages", [])) if hasattr(response, "get") else ""
    return Refused(f"Slack says {code}{': ' + told[:200] if told else ''}")
