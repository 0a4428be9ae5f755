"""What people do in Slack, and what they then see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.answers import ProblemError, loads
from sandbox.courier import Outcome
from sandbox.slack.blockkit import Json, LayoutError, Surface, checked_view
from sandbox.slack.choices import chosen, filled_in, find_element, initial_values, mistakes
from sandbox.slack.content import content_of
from sandbox.slack.errors import SlackError
from sandbox.slack.messaging import Messaging
from sandbox.slack.models import Conversation, Message, View
from sandbox.slack.outbound import ACK_SECONDS, VERIFICATION_TOKEN, Outbound
from sandbox.slack.responses import Responses
from sandbox.slack.typed import as_typed
from sandbox.slack.views import Trigger, Views
from sandbox.slack.workspace import Workspace
from sandbox.world import Person

TIMED_OUT = f"Operation timed out. Apps need to respond within {ACK_SECONDS:g} seconds."
_NO_CONNECTION = "We had some trouble connecting. Try again?"


@dataclass(frozen=True)
class Pressed:
    """What a person sees after pressing something, or using a shortcut or a command."""

    acked: bool
    view: View | None = None
    """The modal that the app opened, if it did so before it answered."""
    error: str | None = None
    message: Message | None = None
    """What a command said at once."""
    trigger_id: str | None = None
    """A modal that the app opens later carries the same one."""


@dataclass(frozen=True)
class Submitted:
    """What a person sees after submitting a modal."""

    acked: bool
    response_action: str | None
    """None: it closed. Else errors, update, push or clear, as the app said."""
    errors: dict[str, str]
    """By block_id: what is wrong, said by Slack or by the app."""
    view: View | None = None
    """The modal that shows now, if any."""
    error: str | None = None


class People:
    """Everybody's hands. Raises ProblemError for what a person could not do, SlackError for what is not there."""

    def __init__(self, workspace: Workspace, views: Views, messaging: Messaging, responses: Responses, outbound: Outbound) -> None:
        self._workspace = workspace
        self._views = views
        self._messaging = messaging
        self._responses = responses
        self._outbound = outbound

    # Pressing

    async def press_in_message(self, user_id: str, channel: str, ts: str, action_id: str, block_id: str | None, value: Any) -> Pressed:
        """A person presses or picks something in a message."""
        conversation = self._inside(user_id, channel)
        message = self._workspace.message_for(user_id, conversation.id, ts)
        blocks = message.blocks or []
        block, element = find_element(blocks, action_id, block_id)
        picked = chosen(element, value)
        trigger = self._views.trigger(user_id)
        values = initial_values(blocks)
        if element["action_id"] in values.get(block["block_id"], {}):
            values[block["block_id"]][element["action_id"]] = {"type": element["type"], **picked}
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": conversation.id,
            "is_ephemeral": message.ephemeral_to is not None,
        }
        if message.thread_ts is not None:
            container["thread_ts"] = message.thread_ts
        payload = {
            **self._envelope("block_actions", user_id),
            "container": container,
            "trigger_id": trigger.id,
            "channel": self._named(conversation),
            "state": {"values": values},
            "response_url": self._responses.new_url(user_id, conversation.id, message),
            "actions": [self._action(block, element, picked)],
        }
        if message.ephemeral_to is None:
            payload["message"] = message.wire()
        return self._pressed(await self._outbound.interact(payload, f"{conversation.id}/{ts}"), trigger)

    async def press_in_view(
        self, user_id: str, view_id: str, action_id: str, block_id: str | None, value: Any, values: Json | None
    ) -> Pressed:
        """A person presses or picks something in a modal or the App Home. An input only acts when it says `dispatch_action`."""
        view = self._seen_by(user_id, view_id)
        block, element = find_element(view.blocks, action_id, block_id)
        picked = chosen(element, value)
        state = filled_in(view.blocks, view.state["values"], values or {})
        if element["action_id"] in state.get(block["block_id"], {}):
            state[block["block_id"]][element["action_id"]] = {"type": element["type"], **picked}
        view = self._views.fill_in(view, state)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Pressed(acked=True)
        trigger = self._views.trigger(user_id, view.id)
        payload = {
            **self._envelope("block_actions", user_id),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": trigger.id,
            "view": view.wire(),
            "actions": [self._action(block, element, picked)],
        }
        return self._pressed(await self._outbound.interact(payload, view.id), trigger)

    async def suggest(
        self, user_id: str, view_id: str | None, channel: str | None, ts: str | None, action_id: str, typed: str
    ) -> list[Json]:
        """A person types into an external select: the options (or option groups) that the app offers."""
        payload: Json = self._envelope("block_suggestion", user_id)
        if view_id is not None:
            view = self._seen_by(user_id, view_id)
            block, _ = find_element(view.blocks, action_id, None)
            payload.update(container={"type": "view", "view_id": view.id}, view=view.wire())
        else:
            message = self._workspace.message_for(user_id, channel or "", ts or "")
            block, _ = find_element(message.blocks or [], action_id, None)
            payload.update(container={"type": "message", "message_ts": message.ts, "channel_id": message.channel}, message=message.wire())
        payload.update(action_id=action_id, block_id=block["block_id"], value=typed)
        outcome = await self._outbound.interact(payload, action_id)
        offered = _said(outcome) if outcome.accepted else {}
        return list(offered.get("options") or offered.get("option_groups") or [])

    # Modals

    async def submit(self, user_id: str, view_id: str, values: Json) -> Submitted:
        """A person fills in the visible modal and submits it."""
        view = self._seen_by(user_id, view_id)
        if view.type == "home":
            raise ProblemError(422, "Nothing to submit", "The App Home has no submit button; press something in it instead.")
        view = self._views.fill_in(view, filled_in(view.blocks, view.state["values"], values))
        wrong = mistakes(view.blocks, view.state["values"])
        if wrong:
            return Submitted(acked=False, response_action=None, errors=wrong, view=view)
        trigger = self._views.trigger(user_id, view.id)
        payload = {
            **self._envelope("view_submission", user_id),
            "trigger_id": trigger.id,
            "view": view.wire(),
            "response_urls": self._response_urls(user_id, view),
        }
        outcome = await self._outbound.interact(payload, view.id)
        if not outcome.accepted:
            return Submitted(acked=False, response_action=None, errors={}, view=view, error=_NO_CONNECTION)
        return self._answered(view, trigger, _said(outcome))

    def _answered(self, view: View, trigger: Trigger, said: Json) -> Submitted:
        """The modal does as the app said."""
        action = said.get("response_action")
        if action == "errors":
            errors = {str(block): str(text) for block, text in (said.get("errors") or {}).items()}
            known = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            if not errors or not known.issuperset(errors):
                return Submitted(acked=True, response_action=None, errors={}, view=view, error=_NO_CONNECTION)
            return Submitted(acked=True, response_action="errors", errors=errors, view=view)
        if action in ("update", "push"):
            try:
                checked = checked_view(said.get("view"), Surface.MODAL)
                shown = self._views.redefine(view, checked) if action == "update" else self._views.push_on(view.user, checked, trigger.id)
            except (LayoutError, SlackError) as error:
                return Submitted(acked=True, response_action=None, errors={}, view=view, error=f"{_NO_CONNECTION} ({error})")
            return Submitted(acked=True, response_action=action, errors={}, view=shown)
        if action == "clear":
            self._views.close_all(view.user, "submitted")
            return Submitted(acked=True, response_action="clear", errors={})
        if view.id in {one.id for one in self._views.stack(view.user)}:
            self._views.close(self._views.find(view.id), "submitted")
        stack = self._views.stack(view.user)
        return Submitted(acked=True, response_action=None, errors={}, view=stack[-1] if stack else None)

    def _response_urls(self, user_id: str, view: View) -> list[Json]:
        found = []
        for block in view.blocks:
            element = block.get("element") or {}
            if element.get("response_url_enabled"):
                state = view.state["values"].get(block["block_id"], {}).get(element["action_id"], {})
                channel = state.get("selected_conversation") or state.get("selected_channel")
                if channel:
                    url = self._responses.new_url(user_id, channel)
                    found.append(
                        {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel, "response_url": url}
                    )
        return found

    async def close(self, user_id: str, view_id: str, *, clear: bool) -> View | None:
        """A person closes the visible modal, or the whole stack at once. Answers what shows now."""
        view = self._seen_by(user_id, view_id)
        closing = self._views.stack(user_id) if clear or view.clear_on_close else [view]
        for one in reversed(closing):
            self._views.close(one, "closed")
        for one in reversed(closing):
            if one.notify_on_close:
                payload = {**self._envelope("view_closed", user_id), "view": one.wire(), "is_cleared": len(closing) > 1}
                await self._outbound.interact(payload, one.id)
        stack = self._views.stack(user_id)
        return stack[-1] if stack else None

    # Saying

    def say(self, user_id: str, channel: str, text: str, thread_ts: str | None) -> Message:
        """A person writes a message."""
        conversation = self._inside(user_id, channel)
        if not text.strip():
            raise SlackError("no_text")
        author = {"user": user_id, "team": self._workspace.world.team.id}
        return self._messaging.post(conversation, author, content_of({"text": as_typed(text, self._workspace)}), thread_ts=thread_ts)

    def react(self, user_id: str, channel: str, ts: str, name: str) -> Message:
        """A person reacts to a message."""
        conversation = self._inside(user_id, channel)
        return self._messaging.react(self._workspace.message(conversation.id, ts), user_id, name)

    async def command(self, user_id: str, channel: str, command: str, text: str) -> Pressed:
        """A person types a slash command."""
        conversation = self._inside(user_id, channel)
        trigger = self._views.trigger(user_id)
        world = self._workspace.world
        fields = {
            "token": VERIFICATION_TOKEN,
            "team_id": world.team.id,
            "team_domain": world.team.domain,
            "channel_id": conversation.id,
            "channel_name": "directmessage" if conversation.is_im else conversation.name,
            "user_id": user_id,
            "user_name": self._workspace.person(user_id).handle,
            "command": command,
            "text": text,
            "api_app_id": world.app.id,
            "is_enterprise_install": "false",
            "response_url": self._responses.new_url(user_id, conversation.id),
            "trigger_id": trigger.id,
        }
        outcome = await self._outbound.command(fields)
        if not outcome.accepted:
            code = "operation_timeout" if outcome.timed_out else "dispatch_failed"
            return Pressed(acked=False, error=f"{command} failed with the error “{code}”", trigger_id=trigger.id)
        try:
            message = self._said_at_once(user_id, conversation, outcome)
        except SlackError as error:
            told = f"{command} failed with the error “{error.code}”"
            return Pressed(acked=True, view=trigger.opened, error=told, trigger_id=trigger.id)
        return Pressed(acked=True, view=trigger.opened, message=message, trigger_id=trigger.id)

    def _said_at_once(self, user_id: str, conversation: Conversation, outcome: Outcome) -> Message | None:
        """The answer to a command may itself be a message, plain or JSON."""
        said = _said(outcome)
        if not said and outcome.body.strip():
            said = {"text": outcome.body.decode("utf-8", "replace")}
        if not (said.get("text") or said.get("blocks") or said.get("attachments")):
            return None
        private = None if said.get("response_type") == "in_channel" else user_id
        return self._messaging.post(conversation, self._messaging.as_bot(), content_of(said), ephemeral_to=private)

    async def shortcut(self, user_id: str, callback_id: str, channel: str | None, ts: str | None) -> Pressed:
        """A person uses a shortcut: a global one, or one on a message."""
        trigger = self._views.trigger(user_id)
        if channel is None or ts is None:
            payload = {**self._envelope("shortcut", user_id), "callback_id": callback_id, "trigger_id": trigger.id}
            return self._pressed(await self._outbound.interact({**payload, "action_ts": self._action_ts()}, callback_id), trigger)
        conversation = self._inside(user_id, channel)
        message = self._workspace.message_for(user_id, conversation.id, ts)
        payload = {
            **self._envelope("message_action", user_id),
            "callback_id": callback_id,
            "trigger_id": trigger.id,
            "action_ts": self._action_ts(),
            "channel": self._named(conversation),
            "message_ts": message.ts,
            "message": message.wire(),
            "response_url": self._responses.new_url(user_id, conversation.id, message),
        }
        return self._pressed(await self._outbound.interact(payload, callback_id), trigger)

    def home(self, user_id: str) -> View | None:
        """A person opens the App Home; the app hears of it and may publish. Answers what is there now."""
        im = self._workspace.direct_message(self._active(user_id).id)
        view = self._views.home(user_id)
        ts = self._workspace.timestamps.next()
        event: Json = {"type": "app_home_opened", "user": user_id, "channel": im.id, "tab": "home", "event_ts": ts}
        if view is not None:
            event["view"] = view.wire()
        self._outbound.event(event, f"home/{user_id}", user_id)
        return view

    # Inside

    def _active(self, user_id: str) -> Person:
        """Somebody who can come in. Raises ProblemError 403."""
        person = self._workspace.person(user_id)
        if not self._workspace.is_active(user_id):
            raise ProblemError(403, "Deactivated", f"The account of {person.name} is deactivated; reactivate it, or let somebody else act.")
        return person

    def _inside(self, user_id: str, channel: str) -> Conversation:
        """A conversation that this person is in, and in which something can be done. Raises ProblemError 403, SlackError is_archived."""
        person = self._active(user_id)
        conversation = self._workspace.conversation(channel)
        if user_id not in conversation.members:
            raise ProblemError(
                403,
                "Not in the channel",
                f"{person.name} is not in #{conversation.name}; let a member act, or have the channel joined first.",
            )
        if conversation.is_archived:
            raise SlackError("is_archived")
        return conversation

    def _seen_by(self, user_id: str, view_id: str) -> View:
        view = self._views.find(view_id)
        if view.user != user_id:
            raise ProblemError(403, "Not on your screen", f"View {view_id} is shown to {view.user}, not to {user_id}.")
        if view.type == "modal" and self._views.stack(user_id)[-1].id != view_id:
            raise ProblemError(409, "Covered", f"View {view_id} lies beneath another modal; close that one first.")
        return view

    def _pressed(self, outcome: Outcome, trigger: Trigger) -> Pressed:
        if outcome.accepted:
            return Pressed(acked=True, view=trigger.opened, trigger_id=trigger.id)
        if outcome.timed_out:
            told = TIMED_OUT
        else:
            told = _NO_CONNECTION if outcome.status is None else f"This app responded with Status Code {outcome.status}."
        return Pressed(acked=False, view=trigger.opened, error=told, trigger_id=trigger.id)

    def _envelope(self, kind: str, user_id: str) -> Json:
        world = self._workspace.world
        person = self._active(user_id)
        return {
            "type": kind,
            "user": {"id": person.id, "username": person.handle, "name": person.handle, "team_id": world.team.id},
            "api_app_id": world.app.id,
            "token": VERIFICATION_TOKEN,
            "team": {"id": world.team.id, "domain": world.team.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _named(self, conversation: Conversation) -> Json:
        return {"id": conversation.id, "name": "directmessage" if conversation.is_im else conversation.name}

    def _action(self, block: Json, element: Json, picked: Json) -> Json:
        told: Json = {
            name: element[name] for name in ("type", "action_id", "text", "value", "style", "url", "placeholder") if name in element
        }
        return {**told, "block_id": block["block_id"], **picked, "action_ts": self._action_ts()}

    def _action_ts(self) -> str:
        return self._workspace.timestamps.next()


def _said(outcome: Outcome) -> Json:
    """The JSON object that the app answered with; empty when it did not."""
    try:
        said = loads(outcome.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
