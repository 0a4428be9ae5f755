"""views.*: what the app shows."""

from __future__ import annotations

from sandbox.answers import dumps
from sandbox.slack.blockkit import Json
from sandbox.slack.call import Call
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk

MOST_BYTES = 250_000


def _definition(call: Call) -> Json:
    definition = call.object("view")
    if len(dumps(definition)) > MOST_BYTES:
        raise SlackError("view_too_large")
    return definition


def open_view(desk: Desk, call: Call) -> Json:
    """`views.open`."""
    return {"view": desk.views.open(call.needed("trigger_id", "invalid_trigger_id"), _definition(call)).wire()}


def push(desk: Desk, call: Call) -> Json:
    """`views.push`."""
    return {"view": desk.views.push(call.needed("trigger_id", "invalid_trigger_id"), _definition(call)).wire()}


def update(desk: Desk, call: Call) -> Json:
    """`views.update`."""
    view = desk.views.update(call.text("view_id"), call.text("external_id"), _definition(call), call.text("hash"))
    return {"view": view.wire()}


def publish(desk: Desk, call: Call) -> Json:
    """`views.publish`."""
    return {"view": desk.views.publish(call.needed("user_id"), _definition(call), call.text("hash")).wire()}


METHODS = {"views.open": open_view, "views.push": push, "views.update": update, "views.publish": publish}
