"""What departments do in Slack: buttons and modals. Verified, answered within three seconds, and each press acts once."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from temporalio.service import RPCError

from adapters.slack import cards, modals
from api.acting import Acting, Saying
from domain import commands as c
from domain.casefile import CaseFile
from domain.decide_command import not_now
from domain.errors import LoopkeeperError, SaidAlready, TooLong
from domain.values import Actor, Role, Via
from domain.wording import first_name

log = logging.getLogger(__name__)
Body = dict[str, Any]

_SAYINGS: dict[str, tuple[type[c.Command], Saying]] = {
    cards.ASK: (c.Ask, "ask"),
    cards.UPDATE: (c.Update, "update"),
    cards.RESOLVE: (c.Resolve, "resolve"),
}
_LATER = (
    "Loopkeeper is slow to answer just now, so we cannot tell yet whether this was done. Look at the card in a minute before you try again."
)
_IN_TIME = 2.0
"""Seconds after which a modal is told that it takes longer. Slack waits three for an answer, and part of that is gone on the way."""
_PATIENCE = timedelta(seconds=30)
"""How long a case may take to answer until we say that we cannot tell."""


def slack_app(token: str, signing_secret: str | None, api_url: str, acting: Acting) -> AsyncApp:
    """What listens to everything that Slack sends. Without a signing secret it can be served by socket alone."""
    client = AsyncWebClient(token=token, base_url=api_url, timeout=10, retry_handlers=[])
    app = AsyncApp(client=client, signing_secret=signing_secret or "", logger=log, raise_error_for_unhandled_request=False)
    desk = _Desk(acting, client)
    app.action(cards.ACCEPT)(desk.accept)
    for action in (cards.ASK, cards.UPDATE, cards.RESOLVE):
        app.action(action)(desk.open_say)
    app.action(cards.REASSIGN)(desk.open_move)
    app.action(cards.SETTLE_POSTED)(desk.open_found)
    app.action(cards.SETTLE_MISSING)(desk.missing)
    app.action(cards.SETTLE_SAID)(desk.told)
    app.view(modals.SAY)(desk.said)
    app.view(modals.CONFIRM)(desk.confirmed)
    app.view(modals.MOVE)(desk.moved)
    app.view(modals.FOUND)(desk.found)
    app.event("message")(_noted)
    app.event("app_home_opened")(_noted)
    app.error(_failed)
    return app


class _Desk:
    """The listeners."""

    def __init__(self, acting: Acting, client: AsyncWebClient) -> None:
        self._acting = acting
        self._client = client
        self._met: set[str] = set()

    # --- buttons on the card ---

    async def accept(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        actor, case_id = await self._who(body), _value(body)
        await self._tell(body, await self._act(case_id, c.Accept(f"slack:{body['trigger_id']}", actor)))

    async def open_say(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        kind, saying = _SAYINGS[body["actions"][0]["action_id"]]
        file = await self._acting.file(_value(body))
        if not await self._too_late(body, file, kind):
            await self._open(body, modals.say(file, saying))

    async def open_move(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        file = await self._acting.file(_value(body))
        if not await self._too_late(body, file, c.Reassign):
            await self._open(body, modals.move(file))

    async def open_found(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        case_id, _, step = _value(body).rpartition("|")
        await self._open(body, modals.found(await self._acting.file(case_id), int(step)))

    async def missing(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        case_id, _, step = _value(body).rpartition("|")
        command = c.SettleReply(f"slack:{body['trigger_id']}", await self._who(body), int(step), posted=False)
        await self._tell(body, await self._act(case_id, command) or "Thank you. It is being posted now.")

    async def told(self, ack: AsyncAck, body: Body) -> None:
        """A person has said what the loop could not post: this very message is the record of it."""
        await ack()
        case_id, _, step = _value(body).rpartition("|")
        channel, ts = body["channel"]["id"], body["message"]["ts"]
        link = (await self._client.chat_getPermalink(channel=channel, message_ts=ts))["permalink"]
        command = c.SettleReply(f"slack:{body['trigger_id']}", await self._who(body), int(step), posted=True, permalink=link)
        await self._tell(body, await self._act(case_id, command) or "Thank you. It is on record.")

    # --- modals ---

    async def said(self, ack: AsyncAck, body: Body) -> None:
        """What one wants to say is written: show exactly what the customer will read."""
        actor, meta = await self._who(body), _meta(body)
        words = _input(body, modals.BODY) or ""
        if not words.strip():
            await ack(response_action="errors", errors={modals.BODY: "Write something first."})
            return
        try:
            draft = await self._acting.draft(meta["case"], meta["saying"], words, actor)
        except (TooLong, SaidAlready) as error:
            await ack(response_action="errors", errors={modals.BODY: str(error)})
            return
        reference = await self._acting.keep(meta["case"], draft.text)
        file = await self._acting.file(meta["case"])
        promise = draft.promise.isoformat() if draft.promise else None
        kept = {"case": meta["case"], "words": reference, "promise": promise, "cause": _input(body, modals.CAUSE)}
        await ack(response_action="push", view=modals.review(file, meta["saying"], list(draft.parts), draft.told, kept))

    async def confirmed(self, ack: AsyncAck, body: Body) -> None:
        """It was seen, and shall be posted."""
        actor, meta = await self._who(body), _meta(body)
        command_id = f"slack:{body['view']['id']}"
        command: c.Command
        match meta["saying"]:
            case "ask":
                command = c.Ask(command_id, actor, meta["words"])
            case "update":
                command = c.COMMAND.validate_python(
                    {"kind": "update", "id": command_id, "by": actor, "words": meta["words"], "promise": meta["promise"]}
                )
            case _:
                command = c.Resolve(command_id, actor, meta["cause"], meta["words"])
        await self._carry_out(ack, body, meta["case"], command, modals.GOES_OUT)

    async def moved(self, ack: AsyncAck, body: Body) -> None:
        actor, meta = await self._who(body), _meta(body)
        reason = _input(body, modals.REASON)
        words = await self._acting.keep(meta["case"], reason) if reason else None
        command = c.Reassign(f"slack:{body['view']['id']}", actor, _input(body, modals.DEPARTMENT) or "", words)
        await self._carry_out(ack, body, meta["case"], command, modals.IS_MOVED, refused_at=modals.DEPARTMENT)

    async def found(self, ack: AsyncAck, body: Body) -> None:
        actor, meta = await self._who(body), _meta(body)
        link = (_input(body, modals.LINK) or "").strip()
        if not link.startswith(("http://", "https://")):
            await ack(response_action="errors", errors={modals.LINK: "This must be a link, beginning with https://"})
            return
        command = c.SettleReply(f"slack:{body['view']['id']}", actor, int(meta["step"]), posted=True, permalink=link)
        await self._carry_out(ack, body, meta["case"], command, modals.IS_RECORDED, refused_at=modals.LINK)

    # --- small parts ---

    async def _carry_out(
        self, ack: AsyncAck, body: Body, case_id: str, command: c.Command, done: str, *, refused_at: str | None = None
    ) -> None:
        """Have done what a modal asks for, and close it, or tell there what became of it, also when that takes longer than Slack waits."""
        acting = asyncio.create_task(self._act(case_id, command))
        in_time, _ = await asyncio.wait({acting}, timeout=_IN_TIME)
        if not in_time:
            await ack(response_action="update", view=modals.notice("One moment", modals.UNDER_WAY))
        refused = await acting
        if in_time and refused is None:
            await ack(response_action="clear")
        elif in_time and refused_at is not None:
            await ack(response_action="errors", errors={refused_at: str(refused)})
        elif in_time:
            await ack(response_action="update", view=modals.notice("Not done", str(refused)))
        else:
            title = "Done" if refused is None else "Not sure" if refused == _LATER else "Not done"
            try:
                await self._client.views_update(view_id=body["view"]["id"], view=modals.notice(title, refused or done))
            except SlackApiError as error:  # it was closed meanwhile; the card shows what was done
                log.info("nobody waits for the outcome any more (%s)", error.response.get("error"))

    async def _act(self, case_id: str, command: c.Command) -> str | None:
        """Have it done; why not, if not."""
        try:
            answer = await self._acting.act(case_id, command, wait=_PATIENCE)
        except RPCError:
            return _LATER
        return None if answer.refusal is None else answer.refusal.reason

    async def _too_late(self, body: Body, file: CaseFile, kind: type[c.Command]) -> bool:
        """Whether the card that was pressed is behind the case; then the person is told before they write anything."""
        refusal = not_now(file.case, kind)
        await self._tell(body, refusal.reason if refusal else None)
        return refusal is not None

    async def _who(self, body: Body) -> Actor:
        """Who pressed; we learn how they are called when we meet them."""
        user = body["user"]["id"]
        person = f"slack:{user}"
        if person not in self._met:
            if not await self._acting.met(person):
                profile: dict[str, Any] = {}
                try:
                    profile = dict((await self._client.users_info(user=user))["user"]["profile"])
                except SlackApiError as error:
                    log.warning("Slack does not say who %s is (%s)", user, error.response.get("error"))
                name = profile.get("real_name") or profile.get("display_name") or user
                await self._acting.remember(person, name, profile.get("first_name") or first_name(name))
            self._met.add(person)
        return Actor(person, Role.DEPARTMENT, Via.SLACK)

    async def _open(self, body: Body, view: modals.View) -> None:
        await self._client.views_open(trigger_id=body["trigger_id"], view=view)

    async def _tell(self, body: Body, message: str | None) -> None:
        """Tell the person who pressed, and nobody else."""
        if message is not None:
            thread = body.get("message", {}).get("thread_ts")
            channel, user = body["channel"]["id"], body["user"]["id"]
            await self._client.chat_postEphemeral(channel=channel, user=user, text=_escaped(message), thread_ts=thread)


async def _noted(ack: AsyncAck) -> None:
    """Heard, and nothing to do: what people write in a thread is internal."""
    await ack()


async def _failed(error: Exception, body: Body) -> None:
    """A listener failed after Slack had its answer: the log has it, and the person is told by what did not happen."""
    kind = "a refusal of ours" if isinstance(error, LoopkeeperError) else type(error).__name__
    log.error("Slack %s was not carried out: %s: %s", body.get("type", "request"), kind, error)


def _value(body: Body) -> str:
    return str(body["actions"][0]["value"])


def _meta(body: Body) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(body["view"]["private_metadata"])
    return meta


def _input(body: Body, block: str) -> str | None:
    """What stands in an input, by its block."""
    given = body["view"]["state"]["values"].get(block, {}).get(block, {})
    chosen = given.get("selected_option")
    value = chosen["value"] if chosen else given.get("value")
    return str(value) if value is not None else None


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
