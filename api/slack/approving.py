"""Deciding on drafts of others in Slack: approve, edit and approve, reject with a reason. What was decided replaces the buttons."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError

from adapters.slack import approvals, modals
from adapters.slack.views import LONGEST_BODY, View
from api.acting import Draft, as_it_goes_out
from api.approving import NOT_EDITABLE, ONLY_ITS_AUTHORS, has_body, waiting, written
from api.looking import since
from api.slack.floor import Body, Ears, Floor, Refused, given, heard, meta, value
from domain import commands as c
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.values import SYSTEM, Actor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Approving:
    """The listeners."""

    floor: Floor

    def listen(self, ears: Ears) -> None:
        """Take up what is pressed and sent."""
        ears.action(approvals.APPROVE, self.approve_pressed)
        ears.action(approvals.EDIT, self.edit_pressed)
        ears.action(approvals.REJECT, self.reject_pressed)
        ears.view(approvals.EDITED, self.edited)
        ears.view(approvals.CONFIRMED, self.confirmed)
        ears.view(approvals.REJECTED, self.rejected)
        for view in (approvals.EDITED, approvals.CONFIRMED, approvals.REJECTED):
            ears.closed(view, heard)

    async def approve_pressed(self, ack: AsyncAck, body: Body) -> None:
        """It shall go out as it stands in the message; when something has happened since it was written, it is read again first."""
        await ack()
        pressed = _Pressed.of(body)
        file = await self.floor.acting.file(pressed.case_id)
        colleague = await self._let_approve(body, file, c.Approve("", SYSTEM, pressed.step, seen=file.case.turn))
        draft = waiting(file, pressed.step)
        private = await self._private(file, draft, colleague, f"slack:{body['trigger_id']}:read")
        if file.case.turn > pressed.turn or private is not None:
            shown = as_it_goes_out(file, file.text_of(draft.words))
            await self.floor.open(body, _confirm(file, shown, pressed.carried(turn=file.case.turn), pressed.turn, private))
            return
        command = c.Approve(f"slack:{body['trigger_id']}", colleague, pressed.step, seen=pressed.turn)
        refused = await self.floor.act(pressed.case_id, command)
        if refused is not None:
            raise Refused(refused.reason)
        await self._show_outcome(pressed)

    async def _private(self, file: CaseFile, draft: HeldDraft, reader: Actor, once: str) -> str | None:
        """The private message that waits, for whoever decides on it; that they read it is put on record before."""
        if draft.private is None:
            return None
        refused = await self.floor.act(file.case_id, c.ReadPrivate(once, reader))
        if refused is not None:
            raise Refused(refused.reason)
        return await self.floor.looking.text(file.case_id, draft.private)

    async def edit_pressed(self, ack: AsyncAck, body: Body) -> None:
        """It shall go out in other words."""
        await ack()
        pressed = _Pressed.of(body)
        file = await self.floor.acting.file(pressed.case_id)
        await self._let_approve(body, file, c.Approve("", SYSTEM, pressed.step, "…", seen=file.case.turn))
        draft = waiting(file, pressed.step)
        if draft.private is not None:
            raise Refused(ONLY_ITS_AUTHORS)
        text = written(file, draft.words)
        if len(text) > LONGEST_BODY:
            raise Refused(approvals.TOO_LONG_HERE)
        news = since(file, pressed.turn) if file.case.turn > pressed.turn else ()
        carried = pressed.carried(turn=file.case.turn)
        await self.floor.open(body, approvals.edit(file, draft, text, carried, around=has_body(file, draft), since=news))

    async def edited(self, ack: AsyncAck, body: Body) -> None:
        """The other words are written: show exactly what will be read."""
        carried, acting = meta(body), self.floor.acting
        file, words = await acting.file(carried["case"]), given(body, approvals.BODY) or ""
        if not words.strip():
            await ack(response_action="errors", errors={approvals.BODY: "Write something first."})
            return
        try:
            await self._let_approve(body, file, c.Approve("", SYSTEM, carried["step"], "…", seen=file.case.turn))
            draft = await acting.draft_of_edit(file.case_id, carried["step"], words)
        except (Refused, *NOT_EDITABLE) as error:
            await ack(response_action="errors", errors={approvals.BODY: str(error)})
            return
        kept = await acting.keep_draft(file.case_id, draft)
        promise = draft.promise.isoformat() if draft.promise is not None else None
        shown = {**carried, "words": kept.words, "promise": promise, "turn": file.case.turn}
        await ack(response_action="push", view=_confirm(file, draft, shown, int(carried["turn"])))

    async def confirmed(self, ack: AsyncAck, body: Body) -> None:
        """It was read, and shall go out."""
        carried, floor = meta(body), self.floor
        file = await floor.acting.file(carried["case"])
        try:
            colleague = await floor.let(body["user"]["id"], file, c.Approve)
        except Refused as refusal:
            await ack(response_action="update", view=modals.notice("Not done", str(refusal)))
            return
        turn, words, promise = int(carried["turn"]), carried.get("words"), carried.get("promise")
        moment = datetime.fromisoformat(promise) if promise else None
        command = c.Approve(f"slack:{body['view']['id']}:{turn}", colleague.actor, carried["step"], words, moment, turn)

        async def anew(refused: c.Refusal) -> View | None:
            return await self._read_again(await floor.acting.file(carried["case"]), carried) if refused.code == "stale" else None

        if await floor.carry_out(ack, body, carried["case"], command, modals.GOES_OUT, anew=anew):
            await self._show_outcome(_Pressed.again(carried))

    async def _read_again(self, file: CaseFile, carried: dict[str, Any]) -> View | None:
        """The draft anew, with what has happened since it was read; None when it waits no more."""
        draft = file.case.draft(carried["step"])
        if draft is None:
            return None
        shown = as_it_goes_out(file, file.text_of(carried.get("words") or draft.words))
        private = None if draft.private is None else await self.floor.looking.text(file.case_id, draft.private)
        return _confirm(file, shown, {**carried, "turn": file.case.turn}, int(carried["turn"]), private)

    async def reject_pressed(self, ack: AsyncAck, body: Body) -> None:
        """It shall not go out: ask why."""
        await ack()
        pressed = _Pressed.of(body)
        file = await self.floor.acting.file(pressed.case_id)
        await self.floor.let(body["user"]["id"], file, c.Reject, lambda by: c.Reject("", by, pressed.step, "…"))
        await self.floor.open(body, approvals.reject(file, waiting(file, pressed.step), pressed.carried()))

    async def rejected(self, ack: AsyncAck, body: Body) -> None:
        """The reason is written."""
        carried, reason = meta(body), (given(body, approvals.REASON) or "").strip()
        file = await self.floor.acting.file(carried["case"])
        if not reason:
            await ack(response_action="errors", errors={approvals.REASON: "Write a reason first: its author reads it."})
            return
        try:
            colleague = await self.floor.let(body["user"]["id"], file, c.Reject)
        except Refused as refusal:
            await ack(response_action="errors", errors={approvals.REASON: str(refusal)})
            return
        words = await self.floor.acting.keep(file.case_id, reason)
        command = c.Reject(f"slack:{body['view']['id']}", colleague.actor, carried["step"], words)
        if await self.floor.carry_out(ack, body, file.case_id, command, approvals.IS_REJECTED, refused_at=approvals.REASON):
            await self._show_outcome(_Pressed.again(carried))

    async def _let_approve(self, body: Body, file: CaseFile, wanted: c.Approve) -> Actor:
        """Whoever may approve this now. Raises Refused."""
        colleague = await self.floor.let(body["user"]["id"], file, c.Approve, lambda by: replace(wanted, by=by))
        return colleague.actor

    async def _show_outcome(self, pressed: _Pressed) -> None:
        """In the message with the buttons: what was decided, by whom."""
        file = await self.floor.acting.file(pressed.case_id)
        blocks = approvals.decided(file, pressed.step)
        try:
            text = f"{file.title}: decided"
            await self.floor.client.chat_update(channel=pressed.channel, ts=pressed.ts, blocks=blocks, text=text)
        except SlackApiError as error:  # the case's thread tells it too; whoever presses an old button is told
            log.info("the message about the draft could not be brought up to date (%s)", error.response.get("error"))


@dataclass(frozen=True, slots=True)
class _Pressed:
    """The message with a draft on which a button was pressed."""

    case_id: str
    step: int
    turn: int
    channel: str
    ts: str

    @staticmethod
    def of(body: Body) -> _Pressed:
        """By the button."""
        case_id, step, turn = value(body).rsplit("|", 2)
        return _Pressed(case_id, int(step), int(turn), body["channel"]["id"], body["message"]["ts"])

    @staticmethod
    def again(carried: dict[str, Any]) -> _Pressed:
        """By what a modal carries."""
        return _Pressed(carried["case"], int(carried["step"]), int(carried["turn"]), carried["channel"], carried["ts"])

    def carried(self, *, turn: int | None = None) -> dict[str, Any]:
        """What a modal carries; `turn`: the one that its reader sees."""
        seen = self.turn if turn is None else turn
        return {"case": self.case_id, "step": self.step, "turn": seen, "channel": self.channel, "ts": self.ts}


def _confirm(file: CaseFile, draft: Draft, carried: dict[str, Any], written_at: int, private: str | None = None) -> View:
    """The draft as it goes out, with what has happened since that turn."""
    news = since(file, written_at) if file.case.turn > written_at else ()
    return approvals.confirm(file, draft.parts, draft.told, carried, private=private, since=news)
