"""The app that people install may do what the code calls, and nothing more."""

from __future__ import annotations

import re
from typing import Any

import yaml
from slack_sdk import WebClient

from adapters.slack.checking import SCOPES
from api.slack import words
from sandbox.settings import Settings as StandIn
from settings import HERE

METHODS: dict[str, set[str]] = {
    "apps.connections.open": set(),
    "auth.test": set(),
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {"channels:history", "groups:history", "im:history"},
    "conversations.info": {"channels:read"},
    "conversations.list": {"channels:read"},
    "conversations.members": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {"channels:history", "groups:history"},
    "usergroups.list": {"usergroups:read"},
    "users.info": {"users:read"},
    "users.lookupByEmail": {"users:read", "users:read.email"},
    "views.open": set(),
    "views.publish": set(),
    "views.push": set(),
    "views.update": set(),
}
"""Methods of the Web API and the scopes that each needs (https://docs.slack.dev/reference/methods), for public and private channels.

`apps.connections.open` takes the app-level token; what `conversations.info` does not tell of a private channel is not asked for.
"""

SLACK = HERE / "api" / "slack"
SOURCES = [*(HERE / "adapters" / "slack").glob("*.py"), *SLACK.glob("*.py"), HERE / "api" / "slack_socket.py", HERE / "cli" / "doctor.py"]
CODE = "\n".join(source.read_text("utf-8") for source in SOURCES)
MANIFEST: dict[str, Any] = yaml.safe_load((HERE / "docs" / "slack-app-manifest.yaml").read_text("utf-8"))


def called() -> set[str]:
    """The methods that the code names: as an attribute of a client (`chat_update`) or as a text ("conversations.list")."""
    attributes = {name for name in re.findall(r"client\.([a-z]+_[A-Za-z]+)", CODE) if hasattr(WebClient, name) and name != "api_call"}
    texts = set(re.findall(r'"((?:apps|chat|conversations|files|reactions|usergroups|users|views)\.[A-Za-z.]+)"', CODE))
    return {name.replace("_", ".", 1) for name in attributes} | texts


def listened(kind: str) -> set[str]:
    """What the app listens to, of a kind of listener."""
    named = re.findall(rf'ears\.{kind}\((?:"([^"]+)"|([A-Z_]+)),', CODE)
    return {literal or str(getattr(words, constant)) for literal, constant in named}


def test_the_table_of_methods_is_what_the_code_calls() -> None:
    assert called() == set(METHODS)


def test_the_scopes_are_those_of_the_methods_and_no_others() -> None:
    scopes = MANIFEST["oauth_config"]["scopes"]
    assert set(scopes) == {"bot"}
    needed = set().union(*METHODS.values()) | ({"commands"} if listened("command") or listened("shortcut") else set())
    assert sorted(scopes["bot"]) == sorted(needed)


def test_the_check_knows_every_scope_and_the_stand_in_grants_them() -> None:
    wanted = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert set(SCOPES) == wanted
    assert StandIn.model_fields["slack_scopes"].default == ",".join(sorted(wanted))


def test_every_scope_is_explained_and_no_other() -> None:
    page = (HERE / "docs" / "slack.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `([a-z:.]+)` \|", page, re.MULTILINE)) == sorted(MANIFEST["oauth_config"]["scopes"]["bot"])


def test_slack_sends_only_what_the_app_listens_to() -> None:
    assert set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]) <= listened("event")
    commands = {command["command"] for command in MANIFEST["features"].get("slash_commands", [])}
    assert commands == listened("command")
    assert {shortcut["callback_id"] for shortcut in MANIFEST["features"]["shortcuts"]} == listened("shortcut")


def test_every_address_is_the_one_that_the_api_serves() -> None:
    addresses = re.findall(r"https://\S*loopkeeper\S*", yaml.safe_dump(MANIFEST))
    assert set(addresses) == {"https://loopkeeper.example.com/slack/events"}
    assert len(addresses) == 3
    assert '@app.post("/slack/events"' in (HERE / "api" / "app.py").read_text("utf-8")
