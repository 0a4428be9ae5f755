"""What every listener needs: who somebody is, whether they may, having it done, and telling them what became of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from temporalio.service import RPCError

from adapters.slack import modals, views
from adapters.slack.members import Members
from api.acting import Acting
from api.looking import Looking
from domain import commands as c
from domain.casefile import CaseFile
from domain.decide_command import not_now
from domain.errors import LoopkeeperError
from domain.rights import EVERYWHERE, Colleague, may_not
from domain.values import Actor, Role, Via
from domain.wording import first_name

log = logging.getLogger(__name__)
Body = dict[str, Any]

LATER = (
    "Loopkeeper is slow to answer just now, so we cannot tell yet whether this was done. Look at the card in a minute before you try again."
)
IN_TIME = 2.0
"""Seconds after which a modal is told that it takes longer. Slack waits three for an answer, and part of that is gone on the way."""
PATIENCE = timedelta(seconds=30)
"""How long a case may take to answer until we say that we cannot tell."""


class Refused(Exception):
    """Somebody may not, or cannot now; the text is a sentence for them."""


class Floor:
    """See the module's text."""

    def __init__(self, acting: Acting, looking: Looking, client: AsyncWebClient) -> None:
        self.acting = acting
        self.looking = looking
        self.client = client
        self._members = Members(client)
        self._met: set[str] = set()

    # --- who ---

    async def colleague(self, user: str) -> Colleague:
        """Who that is, in which capacity, and where they belong; by what Slack and the policy in force say now."""
        standing = await self._members.standing(user, await self.looking.policy())
        role = Role.LEAD if standing.leads else Role.SOCIAL if standing.social else Role.DEPARTMENT
        return Colleague(Actor(await self._met_as(user), role, Via.SLACK), standing.departments)

    async def _met_as(self, user: str) -> str:
        """The id of a person; we learn how they are called when we meet them."""
        person = f"slack:{user}"
        if person not in self._met:
            if not await self.acting.met(person):
                profile: dict[str, Any] = {}
                try:
                    profile = dict((await self.client.users_info(user=user))["user"]["profile"])
                except SlackApiError as error:
                    log.warning("Slack does not say who %s is (%s)", user, error.response.get("error"))
                name = profile.get("real_name") or profile.get("display_name") or user
                await self.acting.remember(person, name, profile.get("first_name") or first_name(name))
            self._met.add(person)
        return person

    async def let(self, user: str, file: CaseFile, kind: type[c.Command]) -> Colleague:
        """The colleague who wants to do this to a case now. Raises Refused when they may not, or it cannot be done any more."""
        colleague = await self.colleague(user)
        refusal = not_now(file.case, kind) or may_not(colleague, kind, file.case, file.policy)
        if refusal is not None and refusal.code == "not_yours":
            refusal = may_not(colleague, kind, file.case, file.policy, await self.looking.had_by(file.case_id))
        if refusal is not None:
            raise Refused(refusal.reason)
        return colleague

    async def let_see(self, user: str, file: CaseFile) -> Colleague:
        """The colleague who wants to read a case. Raises Refused when it is none of theirs."""
        colleague = await self.colleague(user)
        if colleague.actor.role in EVERYWHERE or file.case.department in colleague.departments:
            return colleague
        if colleague.departments.isdisjoint(await self.looking.had_by(file.case_id)):
            raise Refused(f"Case {file.title} is with {file.department_name(file.case.department)}. Its team can show it to you.")
        return colleague

    def now(self) -> datetime:
        """The loop's time."""
        return self.looking.now()

    # --- having it done ---

    async def act(self, case_id: str, command: c.Command) -> str | None:
        """Have it done; why not, if not."""
        try:
            answer = await self.acting.act(case_id, command, wait=PATIENCE)
        except RPCError:
            return LATER
        return None if answer.refusal is None else answer.refusal.reason

    async def carry_out(
        self, ack: AsyncAck, body: Body, case_id: str, command: c.Command, done: str, *, refused_at: str | None = None
    ) -> bool:
        """Have done what a modal asks for, and close it, or tell there what became of it, also when that takes longer than Slack waits.

        Whether it was done.
        """
        acting = asyncio.create_task(self.act(case_id, command))
        in_time, _ = await asyncio.wait({acting}, timeout=IN_TIME)
        if not in_time:
            await ack(response_action="update", view=views.notice("One moment", modals.UNDER_WAY))
        refused = await acting
        if in_time and refused is None:
            await ack(response_action="clear")
        elif in_time and refused_at is not None:
            await ack(response_action="errors", errors={refused_at: str(refused)})
        elif in_time:
            await ack(response_action="update", view=views.notice("Not done", str(refused)))
        else:
            title = "Done" if refused is None else "Not sure" if refused == LATER else "Not done"
            try:
                await self.client.views_update(view_id=body["view"]["id"], view=views.notice(title, refused or done))
            except SlackApiError as error:  # it was closed meanwhile; the card shows what was done
                log.info("nobody waits for the outcome any more (%s)", error.response.get("error"))
        return refused is None

    # --- showing and telling ---

    async def open(self, body: Body, view: views.View) -> None:
        """Open a modal, or put it above the one from which this comes."""
        if body.get("view", {}).get("type") == "modal":
            await self.client.views_push(trigger_id=body["trigger_id"], view=view)
        else:
            await self.client.views_open(trigger_id=body["trigger_id"], view=view)

    async def tell(self, body: Body, message: str | None) -> None:
        """Tell the person who pressed, and nobody else."""
        if message is None:
            return
        if "channel" not in body:  # from the Home tab, or from a modal
            await self.open(body, views.notice("Loopkeeper", message))
            return
        thread = body.get("message", {}).get("thread_ts")
        channel, user = body["channel"]["id"], body["user"]["id"]
        await self.client.chat_postEphemeral(channel=channel, user=user, text=escaped(message), thread_ts=thread)


Listener = Callable[[AsyncAck, Body], Awaitable[None]]


class Ears:
    """The app, to whose listeners nothing bad happens: whoever pressed hears why nothing was done.

    A listener that fails right after its acknowledgement would take that back, so nothing is raised out of one.
    """

    def __init__(self, app: AsyncApp, floor: Floor) -> None:
        self._app = app
        self._floor = floor

    def action(self, name: str, listener: Listener) -> None:
        """A button, or a menu."""
        self._app.action(name)(self._guarded(listener))

    def view(self, name: str, listener: Listener) -> None:
        """A modal that is sent."""
        self._app.view(name)(self._guarded(listener))

    def closed(self, name: str, listener: Listener) -> None:
        """A modal that is closed."""
        self._app.view_closed(name)(self._guarded(listener))

    def command(self, name: str, listener: Listener) -> None:
        """A slash command."""
        self._app.command(name)(self._guarded(listener))

    def shortcut(self, name: str, listener: Listener) -> None:
        """A shortcut on a message."""
        self._app.shortcut(name)(self._guarded(listener))

    def event(self, name: str, listener: Listener) -> None:
        """Something that Slack tells of."""
        self._app.event(name)(self._guarded(listener))

    def _guarded(self, listener: Listener) -> Callable[[AsyncAck, Body], Awaitable[None]]:
        async def guarded(ack: AsyncAck, body: Body) -> None:
            try:
                await listener(ack, body)
            except (Refused, LoopkeeperError) as error:
                await self._tell(body, str(error))
            except Exception:  # a person waits for an answer, whatever it was
                log.exception("Slack %s was not carried out", body.get("type") or body.get("command"))
                await self._tell(body, "Something went wrong on our side. Look whether it was done before you try again.")

        return guarded

    async def _tell(self, body: Body, message: str) -> None:
        """Tell the person, by the way that is open."""
        try:
            if "command" in body and "response_url" in body:
                await AsyncWebhookClient(body["response_url"]).send(text=escaped(message), response_type="ephemeral")
            elif isinstance(body.get("user"), dict):
                await self._floor.tell(body, message)
        except SlackApiError as error:
            log.info("the person could not be told (%s)", error.response.get("error"))


def value(body: Body) -> str:
    """What the button says that was pressed."""
    return str(body["actions"][0]["value"])


def case_of(body: Body) -> str:
    """The case of the card on which something was chosen from the menu: a menu's choices have no room for it, its buttons have."""
    shown = body.get("message") or body.get("view") or {}
    for block in shown.get("blocks", []):
        for element in block.get("elements", []):
            if block["type"] == "actions" and element["type"] == "button" and element.get("value"):
                return str(element["value"])
    raise Refused("This card is too old to be used. Write /case show and the case's number.")


def meta(body: Body) -> dict[str, Any]:
    """What a modal carries unseen."""
    carried: dict[str, Any] = json.loads(body["view"]["private_metadata"] or "{}")
    return carried


def given(body: Body, block: str) -> str | None:
    """What stands in an input, by its block: a text, the value of a choice, or seconds since 1970 of a moment."""
    state = body["view"]["state"]["values"].get(block, {}).get(block, {})
    chosen = state.get("selected_option")
    found = chosen["value"] if chosen else state.get("value", state.get("selected_date_time"))
    return str(found) if found is not None else None


def ticked(body: Body, block: str) -> bool:
    """Whether any box was ticked there."""
    return bool(body["view"]["state"]["values"].get(block, {}).get(block, {}).get("selected_options"))


def moment(body: Body, block: str) -> datetime | None:
    """The moment that was chosen."""
    seconds = given(body, block)
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def escaped(text: str) -> str:
    """Text for a plain message: Slack's three signs escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
