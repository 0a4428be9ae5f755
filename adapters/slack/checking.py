"""Trying everything that the app needs in Slack, without leaving a trace there: token, scopes, channels, groups, people."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from adapters.http import HttpClient
from adapters.slack import named
from adapters.slack.named import Colleague, Named
from domain.policy import Policy
from domain.ports import NotSent, Unclear

SCOPES: Mapping[str, str] = {
    "channels:history": "when an answer of Slack is lost, nobody can tell whether a message is there already",
    "channels:read": "the channels that the policy names are not found",
    "chat:write": "nothing can be posted",
    "commands": "Slack takes neither /case nor Send to customer",
    "groups:history": "when an answer of Slack is lost, nobody can tell whether a message is there already in a private channel",
    "groups:read": "who is in a private channel is not known",
    "im:history": "when an answer of Slack is lost, nobody can tell whether a direct message is there already",
    "im:write": "nobody can be called by a direct message",
    "usergroups:read": "cards mention nobody, and nobody is known to belong to a department",
    "users:read": "people are called by their ids",
    "users:read.email": "people whom the policy names by e-mail are not found",
}
"""What the manifest asks for, and what is missing without it: "… is not granted, so …"."""

Verdict = Literal["ok", "warning", "problem"]
Attempt = Callable[[WebClient, str], object]
"""A call, given a channel that the app is in (or an id that is none)."""
_PAGE = 999


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was tried, and what to do if it is not well."""

    verdict: Verdict
    about: str
    """What was tried, for programs: `token`, `scope chat:write`, `channel #lk-billing` …"""
    told: str


class Checkup:
    """One look at the app. `client` makes one attempt a call."""

    def __init__(self, client: WebClient, policy: Policy) -> None:
        self._client = client
        self._policy = policy
        self._app = "@Loopkeeper"
        self._listed: dict[str, dict[str, Any]] = {}
        """Public channels by their names."""
        self._lacking: set[str] = set()
        """Scopes that were not granted, as far as is known."""

    def run(self) -> Iterator[Found]:
        """Try one thing after the other; what depends on something broken is left out."""
        try:
            known = self._token()
            yield known
            if known.verdict == "ok":
                yield from self._everything()
        except SlackApiError as error:
            again = "Slack asks us to wait. Try again in a minute." if _code(error) == "ratelimited" else f"Slack says {_code(error)}."
            yield Found("problem", "slack", again)
        except (OSError, http.client.HTTPException) as error:
            yield Found("problem", "slack", f"Slack cannot be reached: {getattr(error, 'reason', error)}")

    def _everything(self) -> Iterator[Found]:
        try:
            self._listed = {f"#{one['name']}": one for one in self._pages("conversations.list", "channels")}
        except SlackApiError as error:
            if _code(error) != "missing_scope":
                raise
            self._lacking.add("channels:read")
        yield from self._scopes()
        if "channels:read" in self._lacking:
            yield Found("warning", "channels", "The channels cannot be looked at without the scope channels:read.")
        else:
            yield from map(self._channel, named.channels(self._policy))
        yield from self._groups()
        yield from map(self._colleague, named.colleagues(self._policy))

    def _token(self) -> Found:
        try:
            who = self._client.auth_test()
        except SlackApiError as error:
            return Found("problem", "token", _TOKEN.get(_code(error), f"Slack refuses the bot token: {_code(error)}."))
        granted = {name.lower(): value for name, value in who.headers.items()}.get("x-oauth-scopes")
        if granted is not None:
            self._lacking = set(SCOPES) - {scope.strip() for scope in granted.split(",")}
        self._app = f"@{self._called(who['user_id']) or who['user']}"
        return Found("ok", "token", f"Slack knows the bot token: {self._app} in the workspace {who['team']}")

    def _called(self, user: str) -> str | None:
        """How people address the app."""
        try:
            return str(self._client.users_info(user=user)["user"]["profile"]["real_name"])
        except (SlackApiError, KeyError):
            return None

    # --- scopes

    def _scopes(self) -> Iterator[Found]:
        somewhere = next((one["id"] for one in self._listed.values() if one.get("is_member")), "C00000000")
        for scope, without in SCOPES.items():
            if scope in _TRIES and self._is_refused(_TRIES[scope], somewhere):
                self._lacking.add(scope)
            if scope not in self._lacking:
                yield Found("ok", f"scope {scope}", f"The scope {scope} is granted")
            else:
                mend = "Add it under OAuth & Permissions, Bot Token Scopes, and install the app again."
                yield Found("problem", f"scope {scope}", f"The scope {scope} is not granted, so {without}. {mend}")

    def _is_refused(self, attempt: Attempt, channel: str) -> bool:
        """Whether Slack refuses a call for want of a scope; any other answer is good enough."""
        try:
            attempt(self._client, channel)
        except SlackApiError as error:
            return _code(error) == "missing_scope"
        return False

    # --- channels

    def _channel(self, channel: Named) -> Found:
        about, name = f"channel {channel.name}", f"{channel.name} ({channel.whose})"
        listed = self._listed.get(channel.name)
        if listed is None and channel.name.startswith("#"):
            mend = "Create it, or correct the policy; a private one must stand there by its id"
            return Found("problem", about, f"{name}: there is no public channel of this name. {mend}.")
        try:
            seen = self._client.conversations_info(channel=listed["id"] if listed is not None else channel.name)["channel"]
        except SlackApiError as error:
            if _code(error) != "missing_scope":
                return self._hidden(about, name, _code(error))
            return self._private(about, name, channel.name)
        return _judge(seen, about, name, self._app)

    def _private(self, about: str, name: str, channel: str) -> Found:
        """A private channel, which the app may read and not look up: whoever may read it is in it."""
        try:
            self._client.conversations_history(channel=channel, limit=1)
        except SlackApiError as error:
            if _code(error) == "missing_scope":
                return Found("warning", about, f"{name}: it is private and cannot be looked at without the scope groups:history.")
            return self._hidden(about, name, _code(error))
        return Found("ok", about, f"{name}: the app is in it")

    def _hidden(self, about: str, name: str, code: str) -> Found:
        if code not in ("channel_not_found", "not_in_channel"):
            return Found("problem", about, f"{name}: Slack says {code}.")
        mend = f"If it is private, /invite {self._app} there; else correct the policy"
        return Found("problem", about, f"{name}: the app sees no channel with this id. {mend}.")

    # --- groups and people

    def _groups(self) -> Iterator[Found]:
        wanted = named.groups(self._policy)
        if "usergroups:read" in self._lacking:
            yield Found("warning", "groups", "The user groups cannot be looked at without the scope usergroups:read.")
            return
        try:
            listed = self._client.usergroups_list(include_users=True)["usergroups"] if wanted else []
        except SlackApiError as error:
            yield Found("problem", "groups", f"The user groups cannot be looked at: Slack says {_code(error)}.")
            return
        known = {key: one for one in listed for key in (f"@{one['handle']}", one["id"])}
        for group in wanted:
            about, name = f"group {group.name}", f"{group.name} ({group.whose})"
            if group.name not in known:
                told = f"{name}: there is no such user group, so cards mention nobody. Create it, or correct the policy."
                yield Found("problem", about, told)
            elif not (members := known[group.name].get("users", [])):
                yield Found("problem", about, f"{name}: nobody is in this user group. Add the colleagues whom a new case shall call.")
            else:
                yield Found("ok", about, f"{name}: {len(members)} member{'s' if len(members) != 1 else ''}")

    def _colleague(self, person: Colleague) -> Found:
        about, name = f"person {person.email or person.slack}", f"{person.name} ({person.role})"
        try:
            if person.slack is not None:
                user = self._client.users_info(user=person.slack)["user"]
            else:
                user = self._client.users_lookupByEmail(email=person.email or "")["user"]
        except SlackApiError as error:
            if _code(error) == "missing_scope":
                return Found("warning", about, f"{name}: cannot be looked up without the scopes users:read and users:read.email.")
            if _code(error) == "users_not_found":
                told = f"{name}: Slack has no active account with {person.email}. Correct it, give their Slack id, or name somebody else."
            elif _code(error) == "user_not_found":
                told = f"{name}: Slack has no account with the id {person.slack}. Correct it in the policy."
            else:
                told = f"{name}: Slack says {_code(error)}."
            return Found("problem", about, told)
        if user.get("deleted"):
            return Found("problem", about, f"{name}: the account is deactivated. Name somebody else in the policy.")
        return Found("ok", about, f"{name}: Slack knows them")

    def _pages(self, method: str, field: str) -> Iterator[dict[str, Any]]:
        cursor = ""
        while True:
            page = self._client.api_call(method, params={"limit": _PAGE, "cursor": cursor})
            yield from page[field]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return


_TRIES: Mapping[str, Attempt] = {
    "channels:history": lambda client, channel: client.conversations_history(channel=channel, limit=1),
    "channels:read": lambda client, _: client.conversations_list(limit=1),
    "groups:read": lambda client, _: client.conversations_list(limit=1, types="private_channel"),
    "im:write": lambda client, _: client.conversations_open(users=["USLACKBOT"], prevent_creation=True),
    "chat:write": lambda client, channel: client.chat_update(channel=channel, ts="1.000000", text="There is no such message."),
    "usergroups:read": lambda client, _: client.usergroups_list(),
    "users:read": lambda client, _: client.users_info(user="USLACKBOT"),
    "users:read.email": lambda client, _: client.users_lookupByEmail(email="nobody@example.com"),
}
"""A real call for each scope, which changes nothing whatever comes of it. The others are known from Slack's list of what was granted."""

_TOKEN = {
    "invalid_auth": "Slack does not know the bot token. Copy it from Install App into LOOPKEEPER_SLACK_BOT_TOKEN.",
    "not_allowed_token_type": "LOOPKEEPER_SLACK_BOT_TOKEN is not a bot token (xoxb-…). Copy it from Install App.",
    **dict.fromkeys(
        ("account_inactive", "token_revoked", "token_expired"),
        "The bot token is no longer good. Install the app again and copy its new token into LOOPKEEPER_SLACK_BOT_TOKEN.",
    ),
}
_APP_TOKEN = {
    "invalid_auth": "Slack does not know LOOPKEEPER_SLACK_APP_TOKEN. Copy it from Basic Information, App-Level Tokens.",
    "not_allowed_token_type": "LOOPKEEPER_SLACK_APP_TOKEN is no app-level token (xapp-…). See Basic Information, App-Level Tokens.",
    "missing_scope": "The app-level token lacks connections:write. Make another under Basic Information, App-Level Tokens.",
}


def _judge(channel: Mapping[str, Any], about: str, name: str, app: str) -> Found:
    """Whether the app can post in a channel that it sees, by what Slack says of it; so nothing need be posted to find out."""
    if channel.get("is_archived"):
        mend = f"Unarchive it and /invite {app} there, or put another channel into the policy"
        return Found("problem", about, f"{name} is archived. {mend}.")
    if not channel.get("is_member"):
        return Found("problem", about, f"The app is not in {name}: /invite {app} there.")
    if channel.get("is_read_only") or channel.get("is_thread_only"):
        return Found("problem", about, f"{name}: the app may not post there. Change who may, in the channel's settings.")
    return Found("ok", about, f"{name}: the app is in it")


def app_token(client: WebClient, token: str) -> Found:
    """Whether the app-level token opens connections. None is opened."""
    try:
        client.api_call("apps.connections.open", http_verb="POST", params={"token": token})
    except SlackApiError as error:
        return Found("problem", "app token", _APP_TOKEN.get(_code(error), f"Socket Mode: Slack says {_code(error)}."))
    except urllib.error.URLError as error:
        return Found("problem", "app token", f"Slack cannot be reached: {error.reason}")
    return Found("ok", "app token", "Socket Mode: Slack takes the app-level token")


def request_url(public_url: str, signing_secret: str) -> Found:
    """Whether the address that Slack calls answers to the signing secret: it is challenged just as Slack does."""
    url, about = f"{public_url}/slack/events", "request url"
    body = json.dumps({"type": "url_verification", "challenge": "loopkeeper slack check"})
    timestamp = str(int(time.time()))
    signature = SignatureVerifier(signing_secret).generate_signature(timestamp=timestamp, body=body)
    headers = {"content-type": "application/json", "x-slack-request-timestamp": timestamp, "x-slack-signature": str(signature)}
    try:
        answer = HttpClient(timeout=5).post(url, headers, body.encode())
    except (NotSent, Unclear) as error:
        told = f"{url} cannot be tried from here: {error}. Slack tries it at Event Subscriptions, Retry beside the request URL."
        return Found("warning", about, told)
    match answer.status:
        case 200 if b"loopkeeper slack check" in answer.body:
            return Found("ok", about, f"{url} answers and knows the signing secret")
        case 401:
            told = f"{url}: the API there has another signing secret. Restart it with this one."
        case 404:
            told = f"{url} is not there: the API runs without Slack's bot token or signing secret. Restart it with both."
        case status:
            told = f"{url} answers {status}, and not as Loopkeeper does. Look at what runs there."
    return Found("problem", about, told)


def _code(error: SlackApiError) -> str:
    return str(error.response.get("error")) if hasattr(error.response, "get") else str(error)
