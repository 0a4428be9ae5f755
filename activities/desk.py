"""Keeping the department's Slack true: one card a case, edited in place, one thread that tells its story, each sentence once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.messages import LOOK_EVERY, Messages
from activities.orders import DeskOrder, DeskOutcome
from activities.places import Admins, Places
from activities.retrying import again
from domain import events as e
from domain.casefile import CaseFile
from domain.ports import Card, Cards, CaseFiles, Desk, Effect, Mark, Message, NotSent, Refused, Unclear
from domain.story import Line, story

WHAT_TO_DO = "Look whether the channel is there, open, and has the app in it: /invite @Loopkeeper. Or name another one in the policy."
_AT_ONCE = 4
_LINES_AT_ONCE = 40
"""A longer story is told in several messages: Slack refuses one that is too long."""
_SLOW_SECONDS = 2.0
_WARY_SECONDS = 30.0


class _AtOnce:
    """Who may try at once: a few at a time, and nobody for a while after Slack was not well."""

    def __init__(self) -> None:
        self._free = threading.Semaphore(_AT_ONCE)
        self._wary_until = 0.0

    def begin(self) -> bool:
        return time.monotonic() >= self._wary_until and self._free.acquire(blocking=False)

    def end(self, took_seconds: float, *, well: bool) -> None:
        if not well or took_seconds > _SLOW_SECONDS:
            self._wary_until = time.monotonic() + _WARY_SECONDS
        self._free.release()


@dataclass(frozen=True)
class DeskKeeper:
    """Shows cases to departments, and calls the social team when a person is needed."""

    files: CaseFiles
    cards: Cards
    desk: Desk
    messages: Messages
    places: Places
    admins: Admins
    _at_once: _AtOnce = field(default_factory=_AtOnce)

    @activity.defn(name="show_desk_at_once")
    def show_at_once(self, order: DeskOrder) -> DeskOutcome:
        """As `show`, but one short attempt, within the workflow's own task; see docs/adr/0013-desk-at-once.md.

        A local activity costs the server next to nothing. It holds up its case and one of the worker's local slots, so it is only
        tried while Slack is well, and by a few at a time.
        """
        if not self._at_once.begin():
            return DeskOutcome(order.version, later=True)
        started, well = time.monotonic(), False
        try:
            outcome = self.show(order)
            well = True
        except ApplicationError as error:  # not now; that the rate of messages is kept is no sign of trouble
            outcome = DeskOutcome(order.version, later=True)
            well = error.next_retry_delay is not None
        finally:
            self._at_once.end(time.monotonic() - started, well=well)
        return outcome

    @activity.defn(name="show_desk")
    def show(self, order: DeskOrder) -> DeskOutcome:
        """Bring card and thread up to date with the case. Safe to repeat; goes on where an earlier attempt stopped."""
        file = self.files.file(order.case_id)
        try:
            self._call_social(file)
            if order.department:
                self._show_department(file, order.department)
        except Refused as error:
            self.not_taken(file, _channel_of(file, order.department), error)
            return DeskOutcome(order.version, refused=error.reason)
        except (NotSent, Unclear) as error:  # editing a card again does no harm; what may not be repeated is looked for first
            raise again(error.reason, error.retry_after if isinstance(error, NotSent) else LOOK_EVERY) from None
        return DeskOutcome(order.version)

    def not_taken(self, file: CaseFile, slack_channel: str, error: Refused) -> None:
        """Tell an admin, once, that Slack takes nothing in that channel."""
        about = f"Slack takes nothing in {slack_channel}: {error.reason}."
        self.admins.trouble(file.policy.admins, f"slack:{slack_channel}", about, WHAT_TO_DO)

    def taken(self, slack_channel: str) -> None:
        """Slack takes what is posted there."""
        self.admins.well(f"slack:{slack_channel}")

    def _show_department(self, file: CaseFile, department: str) -> None:
        cards = {card.department: card for card in self.cards.of_case(file.case_id)}
        if department not in cards:
            cards[department] = self._post_card(file, department)
        for posted in cards.values():
            try:
                self._bring_up_to_date(posted, file)
            except Refused as error:
                if posted.department == department:
                    raise
                self.not_taken(file, _channel_of(file, posted.department), error)  # whoever has the case now is shown it all the same

    def _bring_up_to_date(self, posted: Card, file: CaseFile) -> None:
        card = self._tell(posted, file)
        shown = self.desk.card_hash(file, card.department)
        if shown != card.shown_hash:
            self.desk.update_card(card, file)
            self.cards.save(replace(card, shown_hash=shown))

    def _post_card(self, file: CaseFile, department: str) -> Card:
        place = self.places.find(file.policy.departments[department].slack_channel)
        mark = Mark(f"{file.case_id}:card:{department}", _opening(file))
        message = self._once(file, "card", mark, place, None, lambda: self.desk.post_card(place, file, department, mark))
        card = Card(file.case_id, department, place, message.ts, message.told, None)
        self.cards.save(card)
        self.taken(file.policy.departments[department].slack_channel)
        return card

    def _tell(self, card: Card, file: CaseFile) -> Card:
        """Tell what is not told yet, in one message."""
        lines = [line for line in story(file, card.told) if _concerns(line, card, file)][:_LINES_AT_ONCE]
        if not lines:
            return card
        mark = Mark(f"{file.case_id}:story:{card.department}:{lines[0].seq}", lines[-1].seq)
        message = self._once(file, "story", mark, card.channel, card.ts, lambda: self.desk.tell(card.channel, card.ts, file, lines, mark))
        card = replace(card, told=message.told)
        self.cards.save(card)
        return self._tell(card, file)  # what an earlier attempt, or a long story, has left

    def _call_social(self, file: CaseFile) -> None:
        gone = {entry.event.post for _, entry in file.history if isinstance(entry.event, e.PostDeleted)}

        def is_needed(event: e.Event) -> bool:
            match event:
                case e.HumanNeeded():
                    return True
                case e.PersonalDataSeen():
                    return event.post not in gone
                case e.DraftHeld():
                    return file.case.draft(event.step) is not None
                case _:
                    return False

        needed = {seq for seq, entry in file.history if is_needed(entry.event)}
        for line in story(file):
            if line.seq in needed:
                self._call_for(file, line)

    def _call_for(self, file: CaseFile, line: Line) -> None:
        """Call the social team where it works, else among the escalations. Where Slack takes neither, the next look at the case tries
        again; that its department sees it does not depend on it.
        """
        mark = Mark(f"{file.case_id}:social:{line.seq}", line.seq)
        for channel in filter(None, (file.policy.social.slack_channel, file.policy.escalation.slack_channel)):
            try:
                place = self.places.find(channel)
                self._once(file, "call", mark, place, None, partial(self.desk.call_social, place, file, line, mark))
            except Refused as error:
                self.not_taken(file, channel, error)
            else:
                self.taken(channel)
                return

    def _once(self, file: CaseFile, purpose: str, mark: Mark, place: str, thread: str | None, send: Callable[[], str]) -> Message:
        return self.messages.once(Effect(mark.key, file.case_id, "desk-slack", purpose), mark, place, thread, send)


def _channel_of(file: CaseFile, department: str) -> str:
    found = file.policy.departments.get(department)
    return found.slack_channel if found is not None else department


def _opening(file: CaseFile) -> int:
    """The events that the card itself tells: the opening, with everything decided in the same moment."""
    opened = file.history[0][1]
    return max(seq for seq, entry in file.history if entry.cause == opened.cause and entry.event.at == opened.event.at)


def _concerns(line: Line, card: Card, file: CaseFile) -> bool:
    """Whether a department is told: the one that has the case of everything, a former one up to the move away from it."""
    if card.department == file.case.department:
        return True
    moves = [seq for seq, entry in file.history if isinstance(entry.event, e.Reassigned) and entry.event.before == card.department]
    return bool(moves) and line.seq <= max(moves)
