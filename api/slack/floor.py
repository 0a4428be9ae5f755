"""What every listener needs: who somebody is, whether they may, having it done, and telling them what became of it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from temporalio.service import RPCError

from adapters.slack import modals, views
from adapters.slack.members import Members
from adapters.slack.rich import Block
from api.acting import Acting
from api.letting import refused, sees
from api.looking import Looking
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError
from domain.rights import NO_DEPARTMENT, Colleague
from domain.values import Actor, Role, Via
from domain.wording import first_name

log = logging.getLogger(__name__)
Body = dict[str, Any]

LATER = c.Refusal(
    "later",
    "Loopkeeper is slow to answer just now, so we cannot tell yet whether this was done. "
    "Look at the card in a minute before you try again.",
)
TOO_LATE = "This took longer than Slack waits. Nothing was done; please press it again."
IN_TIME = 2.0
"""Seconds after which a modal is told that it takes longer. Slack waits three for an answer, and part of that is gone on the way."""
PATIENCE = timedelta(seconds=30)
"""How long a case may take to answer until we say that we cannot tell."""
_LOOK_AHEAD_SECONDS = 20.0
_TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "trigger_expired"})


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
        """Who that is, in which capacity, and where they belong; by what Slack and the policy in force say now. Raises SlackIsSilent."""
        policy = await self.looking.policy()
        standing, person = await asyncio.gather(self._members.standing(user, policy), self._met_as(user))
        role = Role.LEAD if standing.leads else Role.SOCIAL if standing.social else Role.DEPARTMENT
        return Colleague(Actor(person, role, Via.SLACK), standing.departments)

    async def somebody_of_ours(self, user: str) -> Colleague:
        """A colleague who works on cases. Raises Refused for anybody else."""
        colleague = await self.colleague(user)
        if colleague.actor.role is Role.DEPARTMENT and not colleague.departments:
            raise Refused(NO_DEPARTMENT)
        return colleague

    async def know_everybody(self) -> None:
        """Know who belongs where before anybody presses: Slack opens a modal only within three seconds. Without end."""
        while True:
            try:
                await self._members.look_ahead(await self.looking.policy())
            except LoopkeeperError as error:
                log.warning("Who belongs where could not be looked up ahead (%s)", error)
            except Exception:  # whatever it was, whoever presses looks it up again
                log.exception("Who belongs where could not be looked up ahead")
            await asyncio.sleep(_LOOK_AHEAD_SECONDS)

    async def _met_as(self, user: str) -> str:
        """The id of a person; we learn how they are called when we meet them."""
        person = f"slack:{user}"
        if person in self._met:
            return person
        if not await self.acting.met(person):
            try:
                profile: dict[str, Any] = dict((await self.client.users_info(user=user))["user"]["profile"])
            except (SlackApiError, ClientError, TimeoutError) as error:  # asked again the next time that they do something
                log.warning("Slack does not say who %s is (%s)", user, error)
                return person
            name = profile.get("real_name") or profile.get("display_name") or user
            await self.acting.remember(person, name, profile.get("first_name") or first_name(name))
        self._met.add(person)
        return person

    async def let(self, user: str, file: CaseFile, kind: type[c.Command], tried: Callable[[Actor], c.Command] | None = None) -> Colleague:
        """The colleague who wants to do this to a case now. Raises Refused when they may not, or it cannot be done any more.

        `tried`: such a command, made to learn before somebody writes whether the case would take it at all.
        """
        colleague = await self.colleague(user)
        refusal = await refused(self.acting, self.looking, colleague, file, kind, tried)
        if refusal is not None:
            raise Refused(refusal.reason)
        return colleague

    async def let_see(self, user: str, file: CaseFile) -> Colleague:
        """The colleague who wants to read a case. Raises Refused when it is none of theirs."""
        colleague = await self.colleague(user)
        if not await sees(self.looking, colleague, file):
            raise Refused(f"Case {file.title} is with {file.department_name(file.case.department)}. Its team can show it to you.")
        return colleague

    def now(self) -> datetime:
        """The loop's time."""
        return self.looking.now()

    # --- having it done ---

    async def act(self, case_id: str, command: c.Command) -> c.Refusal | None:
        """Have it done; why not, if not."""
        try:
            answer = await self.acting.act(case_id, command, wait=PATIENCE)
        except RPCError:
            return LATER
        return answer.refusal

    async def carry_out(
        self,
        ack: AsyncAck,
        body: Body,
        case_id: str,
        command: c.Command,
        done: str,
        *,
        refused_at: str | None = None,
        anew: Callable[[c.Refusal], Awaitable[views.View | None]] | None = None,
    ) -> bool:
        """Have done what a modal asks for, and close it, or tell there what became of it, also when that takes longer than Slack waits.

        Whether it was done. A refusal stands at the input `refused_at`, or is a modal that `anew` makes of it.
        """
        acting = asyncio.create_task(self.act(case_id, command))
        in_time, _ = await asyncio.wait({acting}, timeout=IN_TIME)
        if not in_time:
            await ack(response_action="update", view=views.notice("One moment", modals.UNDER_WAY))
        refused = await acting
        instead = await anew(refused) if refused is not None and anew is not None else None
        if in_time and refused is None:
            await ack(response_action="clear")
        elif in_time and refused_at is not None and refused is not None:
            await ack(response_action="errors", errors={refused_at: refused.reason})
        elif in_time and refused is not None:
            await ack(response_action="update", view=instead or views.notice("Not done", refused.reason))
        else:
            title = "Done" if refused is None else "Not sure" if refused is LATER else "Not done"
            view = instead or views.notice(title, done if refused is None else refused.reason)
            try:
                await self.client.views_update(view_id=body["view"]["id"], view=view)
            except SlackApiError as error:  # it was closed meanwhile; the card shows what was done
                log.info("nobody waits for the outcome any more (%s)", error.response.get("error"))
        return refused is None

    # --- showing and telling ---

    async def open(self, body: Body, view: views.View) -> None:
        """Open a modal, or put it above the one from which this comes. Raises Refused when Slack does not wait for it any more."""
        show = self.client.views_push if body.get("view", {}).get("type") == "modal" else self.client.views_open
        try:
            await show(trigger_id=body["trigger_id"], view=view)
        except SlackApiError as error:
            if error.response.get("error") in _TOO_LATE:
                raise Refused(TOO_LATE) from error
            raise

    async def tell(self, body: Body, message: str | None, title: str = "Not done") -> None:
        """Tell the person who pressed, and nobody else: where they pressed, or (from a modal, from the Home tab) in a modal."""
        if message is None:
            return
        if "command" in body:
            await self.answer(body, escaped(message))
        elif "channel" in body:
            await self._whisper(body, message)
        else:
            try:
                await self.open(body, views.notice(title, message))
            except (Refused, SlackApiError) as error:
                log.info("no modal could be opened (%s); telling it in a direct message", error)
                await self.write_to(body["user"]["id"], message)

    async def _whisper(self, body: Body, message: str) -> None:
        pressed = body.get("message", {})
        thread = pressed.get("thread_ts")
        thread = None if thread == pressed.get("ts") else thread  # who presses on a card looks at the channel, not into its thread
        channel, user = body["channel"]["id"], body["user"]["id"]
        try:
            await self.client.chat_postEphemeral(channel=channel, user=user, text=escaped(message), thread_ts=thread)
        except SlackApiError as error:
            if "response_url" not in body:
                raise
            log.info("we may not write there (%s); answering by the address that Slack gave us", error.response.get("error"))
            await self.answer(body, escaped(message))

    async def answer(self, body: Body, text: str, blocks: list[Block] | None = None) -> None:
        """Answer a line or a press by the address that came with it, for that person's eyes only. It works in every channel.

        `text`: Slack's markup.
        """
        client = AsyncWebhookClient(body["response_url"], timeout=10, retry_handlers=[])
        answered = await client.send(text=text, blocks=blocks, response_type="ephemeral", replace_original=False)
        if answered.status_code != HTTPStatus.OK:
            log.warning("Slack did not take an answer: %s %s", answered.status_code, answered.body[:200])

    async def write_to(self, user: str, message: str) -> None:
        """A direct message."""
        there = await self.client.conversations_open(users=[user])
        await self.client.chat_postMessage(channel=there["channel"]["id"], text=escaped(message))


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
        if "command" in body:
            body = {**body, "user": {"id": body["user_id"]}}
        if not isinstance(body.get("user"), dict):  # an event: nobody waits for an answer
            return
        try:
            await self._floor.tell(body, message)
        except (SlackApiError, ClientError, TimeoutError) as error:
            log.warning("the person could not be told (%s): %s", error, message)


async def heard(ack: AsyncAck, body: Body) -> None:
    """Heard, and nothing to do: somebody closed a modal, or wrote in a thread, which is internal."""
    del body
    await ack()


def value(body: Body) -> str:
    """What the button says that was pressed."""
    return str(body["actions"][0]["value"])


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
