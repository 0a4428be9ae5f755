"""The methods of the Web API, one module for each family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.clock import Rate
from sandbox.slack.messaging import Messaging
from sandbox.slack.views import Views
from sandbox.slack.workspace import Workspace


@dataclass(frozen=True)
class Desk:
    """What the methods work with."""

    workspace: Workspace
    messaging: Messaging
    views: Views
    rate: Rate
    scopes: frozenset[str]
    """What the app was granted."""


Method = Callable[[Desk, Call], Json]
"""Answers the fields beside `ok`; raises SlackError."""


def all_methods() -> Mapping[str, Method]:
    """Every method by its name."""
    from sandbox.slack.methods import chat, conversations, users, views

    return {**chat.METHODS, **conversations.METHODS, **users.METHODS, **views.METHODS}
