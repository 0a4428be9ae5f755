"""Deciding in Slack on a text to all customers of a shared cause: whoever approves has read what each of them would read.

What is too much for a modal is decided on its page. What was decided replaces the buttons.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError

from adapters.postgres.causes import Announcement, Line
from adapters.slack import announcements, views
from api.causes.sharing import SETTLED, Sharing, Shown
from api.slack.floor import Body, Ears, Floor, Refused, given, heard, meta, value
from domain import commands as c
from domain.policy import Policy
from domain.rights import Colleague, may_not_share_causes
from domain.sharing import WaitingAnnouncement

log = logging.getLogger(__name__)
TOO_MUCH = "This is too much to be read here. Read what each customer would read on its page in the console, and decide there."
NOTHING = "No case would say this now. Its page in the console shows why each of them holds it back."


@dataclass(frozen=True, slots=True)
class _Pressed:
    """The message on which a button was pressed, and the announcement that it is about."""

    cause: int
    number: int
    channel: str
    ts: str

    @staticmethod
    def of(body: Body) -> _Pressed:
        """By the button."""
        cause, number = value(body).split("|")
        return _Pressed(int(cause), int(number), body["channel"]["id"], body["message"]["ts"])


@dataclass(frozen=True)
class Announcing:
    """The listeners. `base_url`: how people reach the console."""

    floor: Floor
    sharing: Sharing
    base_url: str

    def listen(self, ears: Ears) -> None:
        """Take up what is pressed and sent."""
        ears.action(announcements.READ, self.read_pressed)
        ears.action(announcements.REJECT, self.reject_pressed)
        ears.view(announcements.CONFIRMED, self.confirmed)
        ears.view(announcements.REJECTED, self.rejected)
        for view in (announcements.CONFIRMED, announcements.REJECTED):
            ears.closed(view, heard)

    async def read_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Somebody wants to decide: show what each customer would read."""
        await ack()
        pressed = _Pressed.of(body)
        colleague, policy = await self._let(body["user"]["id"])
        announcement, lines = await self._waiting(pressed)
        self._refuse(await self.sharing.may_not_approve(announcement, colleague.actor))
        told = [_told(one, policy) for one in await self.sharing.shown(announcement, lines)]
        if all(one.held is not None for one in told):
            raise Refused(NOTHING)
        cause = announcement.root_cause
        root_cause = policy.root_causes.get(cause, cause) if cause is not None else None
        view = announcements.confirm_all(_waits(announcement, lines), told, root_cause, asdict(pressed))
        if view is None:
            raise Refused(TOO_MUCH)
        await self.floor.open(body, view)

    async def confirmed(self, ack: AsyncAck, body: Body) -> None:
        """They have read it, and have it sent."""
        pressed = _Pressed(**meta(body))
        try:
            colleague, _ = await self._let(body["user"]["id"])
            announcement, _ = await self._waiting(pressed)
            self._refuse(await self.sharing.approve(announcement, colleague.actor))
        except Refused as refusal:
            await ack(response_action="update", view=views.notice("Not done", str(refusal)))
            return
        await ack(response_action="clear")
        await self._show_outcome(pressed)

    async def reject_pressed(self, ack: AsyncAck, body: Body) -> None:
        """It shall not go out: ask why."""
        await ack()
        pressed = _Pressed.of(body)
        await self._let(body["user"]["id"])
        announcement, lines = await self._waiting(pressed)
        await self.floor.open(body, announcements.reject_all(_waits(announcement, lines), announcement.body, asdict(pressed)))

    async def rejected(self, ack: AsyncAck, body: Body) -> None:
        """The reason is written."""
        pressed, reason = _Pressed(**meta(body)), (given(body, announcements.REASON) or "").strip()
        if not reason:
            await ack(response_action="errors", errors={announcements.REASON: "Write a reason first: its author reads it."})
            return
        try:
            colleague, _ = await self._let(body["user"]["id"])
            announcement, _ = await self._waiting(pressed)
            self._refuse(await self.sharing.reject(announcement, colleague.actor, reason))
        except Refused as refusal:
            await ack(response_action="errors", errors={announcements.REASON: str(refusal)})
            return
        await ack(response_action="clear")
        await self._show_outcome(pressed)

    async def _let(self, user: str) -> tuple[Colleague, Policy]:
        """Who wants to decide, if they may at all. Raises Refused."""
        policy = await self.floor.looking.policy()
        colleague = await self.floor.colleague(user)
        self._refuse(may_not_share_causes(colleague, policy))
        return colleague, policy

    async def _waiting(self, pressed: _Pressed) -> tuple[Announcement, list[Line]]:
        """What is to be decided. Raises Refused when somebody has; the message then says who."""
        announcement, lines = await self._told(pressed)
        if announcement.state in ("sent", "rejected"):
            await self._show_outcome(pressed)
            raise Refused(SETTLED.reason)
        return announcement, lines

    async def _told(self, pressed: _Pressed) -> tuple[Announcement, list[Line]]:
        causes = self.sharing.store.causes
        found: tuple[Announcement, list[Line]] = await self.sharing.in_thread(lambda: causes.announcement(pressed.cause, pressed.number))
        return found

    async def _show_outcome(self, pressed: _Pressed) -> None:
        """In the message with the buttons: what was decided, by whom."""
        announcement, lines = await self._told(pressed)
        one = _waits(announcement, lines)
        by, link = announcement.settled_by or "Somebody", f"{self.base_url}{one.path}"
        blocks = announcements.settled(one, link, sent=announcement.state == "sent", by=by, reason=announcement.reason)
        try:
            await self.floor.client.chat_update(channel=pressed.channel, ts=pressed.ts, blocks=blocks, text=announcements.settled_text(one))
        except SlackApiError as error:  # its page tells it too; whoever presses an old button is told
            log.info("the message about the announcement could not be brought up to date (%s)", error.response.get("error"))

    @staticmethod
    def _refuse(refusal: c.Refusal | None) -> None:
        if refusal is not None:
            raise Refused(refusal.reason)


def _waits(announcement: Announcement, lines: Sequence[Line]) -> WaitingAnnouncement:
    author = announcement.author_name or announcement.author.person
    heard_by = sum(line.words is not None for line in lines)
    return WaitingAnnouncement(announcement.number, announcement.cause, announcement.what, author, announcement.why, heard_by)


def _told(one: Shown, policy: Policy) -> announcements.Told:
    row = one.row
    network = policy.channels[row.channel].network if row.channel in policy.channels else row.channel
    return announcements.Told(f"#{row.number}", row.customer, network, one.parts, one.told, one.held)
