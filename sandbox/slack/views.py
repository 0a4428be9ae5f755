"""Modals and the App Home: who sees which, and with which trigger an app may show one."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sandbox.slack.blockkit import Json, LayoutError, Surface, checked_view
from sandbox.slack.choices import initial_values
from sandbox.slack.clock import new_trigger_id
from sandbox.slack.errors import SlackError
from sandbox.slack.models import View
from sandbox.slack.workspace import Workspace
from sandbox.things import Store

TRIGGER_SECONDS = 3.0
"""How long a trigger can be exchanged for a view."""
_FORGOTTEN_SECONDS = 300.0
KEPT_VIEWS = 500
"""How many modals that nobody sees any more are remembered."""
_MOST_STACKED = 3


@dataclass
class Trigger:
    """Somebody did something; with this the app may show them a view, once and soon."""

    id: str
    user: str
    born: float
    view_id: str | None
    """The view in which it was done."""
    opened: View | None = None
    """What the app showed with it."""


class Views:
    """All views. Raises SlackError in the words of views.open and its siblings."""

    def __init__(self, workspace: Workspace, store: Store, now: Callable[[], float] = time.time) -> None:
        self._workspace = workspace
        self._store = store
        self._now = now
        self._triggers: dict[str, Trigger] = {}
        self._views: dict[str, View] = {view.id: view for view in store.stored(View)}
        self._homes: dict[str, str] = {view.user: view.id for view in self._views.values() if view.type == "home"}
        self._stacks: dict[str, list[str]] = {}
        self._gone: deque[str] = deque()
        for view in self._views.values():
            self._place(view)

    # Triggers

    def trigger(self, user_id: str, view_id: str | None = None) -> Trigger:
        """A new trigger for what this person just did."""
        now = self._now()
        for old in list(self._triggers.values()):
            if now - old.born < _FORGOTTEN_SECONDS:
                break
            del self._triggers[old.id]
        trigger = Trigger(new_trigger_id(now), user_id, now, view_id)
        self._triggers[trigger.id] = trigger
        return trigger

    def _exchange(self, trigger_id: str) -> Trigger:
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.opened is not None:
            raise SlackError("exchanged_trigger_id")
        if self._now() - trigger.born > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        return trigger

    # What the app does

    def open(self, trigger_id: str, definition: object) -> View:
        """A modal for whoever pulled the trigger. One that is open already makes room."""
        trigger = self._exchange(trigger_id)
        checked = self._checked(definition, Surface.MODAL)
        for view in self.stack(trigger.user):
            self._put(view.changed(status="closed"))
        trigger.opened = self._new(checked, trigger.user, None, trigger_id)
        return trigger.opened

    def push(self, trigger_id: str, definition: object) -> View:
        """A modal on top of the one in which the trigger was pulled; three at most."""
        trigger = self._exchange(trigger_id)
        checked = self._checked(definition, Surface.MODAL)
        trigger.opened = self.push_on(trigger.user, checked, trigger_id)
        return trigger.opened

    def push_on(self, user_id: str, checked: Json, trigger_id: str | None = None) -> View:
        """A checked modal on top of what this person sees."""
        stack = self.stack(user_id)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= _MOST_STACKED:
            raise SlackError("push_limit_reached")
        return self._new(checked, user_id, stack[-1], trigger_id)

    def update(self, view_id: str | None, external_id: str | None, definition: object, expected_hash: str | None) -> View:
        """Another definition for a view that is open."""
        view = self.find(view_id, external_id)
        if expected_hash is not None and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        return self.redefine(view, self._checked(definition, Surface(view.type)))

    def redefine(self, view: View, checked: Json) -> View:
        """A checked definition takes the place of the old one; what was filled in stays where block and action are the same."""
        fields = self._fields(checked)
        kept = view.state["values"]
        values = {
            block_id: {action_id: kept.get(block_id, {}).get(action_id, state) for action_id, state in actions.items()}
            for block_id, actions in fields["state"]["values"].items()
        }
        return self._put(view.changed(**{**fields, "state": {"values": values}, "hash": self._new_hash()}))

    def publish(self, user_id: str, definition: object, expected_hash: str | None) -> View:
        """The App Home of this person."""
        if user_id == self._workspace.bot:
            raise SlackError("not_enabled")
        self._workspace.person(user_id)
        checked = self._checked(definition, Surface.HOME)
        home = self.home(user_id)
        if home is None:
            return self._new(checked, user_id, None, None)
        if expected_hash is not None and expected_hash != home.hash:
            raise SlackError("hash_conflict")
        return self._put(home.changed(**self._fields(checked), hash=self._new_hash()))

    # What people see

    def home(self, user_id: str) -> View | None:
        """The App Home that was published for this person."""
        view_id = self._homes.get(user_id)
        return None if view_id is None else self._views[view_id]

    def stack(self, user_id: str) -> list[View]:
        """The open modals of this person, the visible one last."""
        return [self._views[view_id] for view_id in self._stacks.get(user_id, [])]

    def find(self, view_id: str | None = None, external_id: str | None = None) -> View:
        """An open view (or App Home). Raises not_found."""
        found = self._views.get(view_id or "")
        if found is None and external_id:
            found = self._with_external_id(external_id)
        if found is None or found.status != "open":
            raise SlackError("not_found")
        return found

    def fill_in(self, view: View, values: Json) -> View:
        """Slack is told what the person has filled in so far."""
        return self._put(view.changed(state={"values": values})) if values != view.state["values"] else view

    def close(self, view: View, status: Literal["closed", "submitted"]) -> View:
        """The visible modal goes; the one below shows again."""
        return self._put(view.changed(status=status))

    def close_all(self, user_id: str, status: Literal["closed", "submitted"]) -> None:
        """The whole stack goes."""
        for view in self.stack(user_id):
            self.close(view, status)

    # Inside

    def _checked(self, definition: object, surface: Surface) -> Json:
        try:
            return checked_view(definition, surface)
        except LayoutError as error:
            raise SlackError("invalid_arguments", error.problems) from error

    def _with_external_id(self, external_id: str) -> View | None:
        return next((view for view in self._views.values() if view.external_id == external_id and view.status == "open"), None)

    def _fields(self, checked: Json) -> Json:
        return {
            "title": checked.get("title"),
            "submit": checked.get("submit"),
            "close": checked.get("close"),
            "blocks": checked["blocks"],
            "private_metadata": checked.get("private_metadata", ""),
            "callback_id": checked.get("callback_id", ""),
            "external_id": checked.get("external_id", ""),
            "clear_on_close": checked.get("clear_on_close", False),
            "notify_on_close": checked.get("notify_on_close", False),
            "state": {"values": initial_values(checked["blocks"])},
        }

    def _new(self, checked: Json, user_id: str, below: View | None, trigger_id: str | None) -> View:
        external_id = checked.get("external_id")
        if external_id and self._with_external_id(external_id) is not None:
            raise SlackError("duplicate_external_id")
        world = self._workspace.world
        view_id = f"V0{secrets.token_hex(5).upper()}"
        view = View(
            id=view_id,
            team_id=world.team.id,
            type=checked["type"],
            hash=self._new_hash(),
            root_view_id=below.root_view_id if below else view_id,
            previous_view_id=below.id if below else None,
            app_id=world.app.id,
            bot_id=world.app.bot_id,
            user=user_id,
            trigger_id=trigger_id,
            **self._fields(checked),
        )
        if view.type == "home":
            self._homes[user_id] = view.id
        return self._put(view)

    def _put(self, view: View) -> View:
        self._views[view.id] = view
        self._place(view)
        self._store.put(view)
        while len(self._gone) > KEPT_VIEWS:
            forgotten = self._views.pop(self._gone.popleft(), None)  # a view can go twice: by the app's answer, and by its person
            if forgotten is not None:
                self._store.drop(forgotten)
        return view

    def _place(self, view: View) -> None:
        """On the person's stack while it is open; among those to be forgotten when it is not."""
        if view.type == "home":
            return
        stack = self._stacks.setdefault(view.user, [])
        if view.status == "open" and view.id not in stack:
            stack.append(view.id)
        elif view.status != "open" and view.id in stack:
            stack.remove(view.id)
        if view.status != "open":
            self._gone.append(view.id)

    def _new_hash(self) -> str:
        return f"{int(self._now())}.{secrets.token_hex(4)}"
