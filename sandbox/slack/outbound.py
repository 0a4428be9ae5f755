"""What Slack sends to the app: events, which are repeated, and interactions, which somebody waits for. On a socket while there is one."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from sandbox.answers import dumps
from sandbox.courier import Attempt, Courier, Outcome, Parcel, Sender
from sandbox.faults import Party
from sandbox.signing import slack_headers
from sandbox.slack.blockkit import Json
from sandbox.slack.sockets import Sockets
from sandbox.slack.workspace import Workspace

ACK_SECONDS = 3.0
"""How long an app may take to answer anything."""
_EVENT_WAITS = (0.0, 60.0, 300.0)
"""Before the second, third and fourth attempt at an event (docs.slack.dev, "The Events API", error handling)."""
_PATH = "/slack/events"
VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 - deprecated by Slack and still sent by it
_EVENTS = "slack/events"
_INTERACTIONS = "slack/interactions"
_CHALLENGES = "slack/challenges"


def _wait_after(attempt: int, outcome: Outcome) -> float | None:
    if outcome.headers.get("X-Slack-No-Retry") or attempt > len(_EVENT_WAITS):
        return None
    return _EVENT_WAITS[attempt - 1]


def _never_again(_attempt: int, _outcome: Outcome) -> None:
    return None


class Outbound:
    """Sends to one of the app's sockets, or to its request URL, signed."""

    def __init__(
        self, workspace: Workspace, courier: Courier, sockets: Sockets, signing_secret: str, now: Callable[[], float] = time.time
    ) -> None:
        self._workspace = workspace
        self._courier = courier
        self._signing_secret = signing_secret
        self._now = now
        courier.employ(Sender(_EVENTS, Party.WEBHOOKS, self._sign, _wait_after, ACK_SECONDS, wire=sockets.wire))
        courier.employ(Sender(_INTERACTIONS, Party.INTERACTIONS, self._sign, _never_again, ACK_SECONDS, wire=sockets.wire))
        courier.employ(Sender(_CHALLENGES, Party.INTERACTIONS, self._sign, _never_again, ACK_SECONDS))

    def _sign(self, parcel: Parcel, attempt: Attempt, now: float) -> Mapping[str, str]:
        headers = slack_headers(self._signing_secret, now, parcel.body)
        if attempt.previous_failure is not None:
            headers["X-Slack-Retry-Num"] = str(attempt.number - 1)
            headers["X-Slack-Retry-Reason"] = attempt.previous_failure
        return headers

    def event(self, event: Json, lane: str, about: str) -> None:
        """Tell the app of an event; its attempts all carry one event_id. `about` is the key of what it is about, for the log."""
        world = self._workspace.world
        event_id = f"Ev0{secrets.token_hex(5).upper()}"
        body = {
            "token": VERIFICATION_TOKEN,
            "team_id": world.team.id,
            "api_app_id": world.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": world.team.id,
                    "user_id": world.app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }
        what = f"event {event['type']}" + (f".{event['subtype']}" if event.get("subtype") else "")
        self._courier.post(self._parcel(event_id, _EVENTS, lane, what, about, "application/json", dumps(body)))

    async def interact(self, payload: Json, about: str) -> Outcome:
        """Send an interaction and wait for the app's answer."""
        body = urlencode({"payload": dumps(payload)}).encode()
        return await self._ask(str(payload["type"]), about, "application/x-www-form-urlencoded", body)

    async def command(self, fields: Mapping[str, str]) -> Outcome:
        """Send a slash command and wait for the app's answer."""
        body = urlencode(fields).encode()
        return await self._ask(f"command {fields['command']}", fields["user_id"], "application/x-www-form-urlencoded", body)

    async def verify_url(self) -> tuple[str, Outcome]:
        """Challenge the request URL, as Slack does when it is set. Answers the challenge and what came of it."""
        challenge = secrets.token_urlsafe(24)
        body = dumps({"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"})
        return challenge, await self._ask("url_verification", "", "application/json", body, _CHALLENGES)

    async def _ask(self, what: str, about: str, content_type: str, body: bytes, sender: str = _INTERACTIONS) -> Outcome:
        return await self._courier.ask(self._parcel(f"act_{secrets.token_hex(8)}", sender, "", what, about, content_type, body))

    @staticmethod
    def _parcel(parcel_id: str, sender: str, lane: str, what: str, about: str, content_type: str, body: bytes) -> Parcel:
        return Parcel(id=parcel_id, sender=sender, lane=lane, what=what, about=about, path=_PATH, content_type=content_type, body=body)
