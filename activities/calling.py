"""Calling somebody up the chain, in Slack: a direct message to a person, a post in a channel, a mention in the case's own thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio import activity

from activities.desk import DeskKeeper
from activities.messages import LOOK_EVERY, CalledOff, Messages
from activities.orders import CallOrder, CallOutcome, DeskOrder
from activities.places import Places
from activities.retrying import again
from domain.casefile import CaseFile
from domain.clocks import Duty, owed
from domain.errors import LoopkeeperError
from domain.events import Escalated
from domain.ports import CaseFiles, Composing, Desk, Effect, Mark, NotSent, Refused, Unclear, WhatToSay
from domain.reaching import Target, escalation, target
from domain.replying import holding_message
from domain.values import Audience, ClockName, effect_key

IN_THE_THREAD = (Audience.DEPARTMENT, Audience.OWNER)
"""Who is called where the whole story of the case is told, by a mention."""

WHO_ELSE = (
    "Correct their address or Slack id among the people of the policy, or name somebody else there. "
    "Whoever is meant to have no Slack account can stay as they are."
)
BY_MAIL = "They are called by e-mail meanwhile."
NOBODY = "They have no address in the policy either, so nobody calls them meanwhile, and the social team is asked."


@dataclass(frozen=True)
class Caller:
    """Calls people."""

    files: CaseFiles
    desk: Desk
    messages: Messages
    keeper: DeskKeeper
    places: Places
    composing: Composing

    @activity.defn(name="call")
    def call(self, order: CallOrder) -> CallOutcome:
        """Call whom the order means, once. What Slack will never take is told as refused; then it goes by e-mail."""
        file = self.files.file(order.case_id)
        key = effect_key(order.case_id, order.step, 1)
        event = escalation(file, order.step)
        if event is None:
            return CallOutcome(called_off=True)
        try:
            if order.to in IN_THE_THREAD:  # the story in the case's thread mentions them; it is the same message
                shown = self.keeper.show(DeskOrder(order.case_id, order.policy, order.department, order.version, order.pace))
                return CallOutcome(refused=shown.refused)
            meant = target(file.policy, order.to, order.department)
            place = self.desk.open_direct(meant.person) if meant.person is not None else self.places.find(meant.slack_channel or "")
            effect = Effect(key, order.case_id, "desk-slack", "call", f"call:{order.step}")
            mark, draft = Mark(key, order.version), self._draft(file, event, order)
            self.messages.once(effect, mark, place, None, lambda: self.desk.call(place, file, event, draft, mark))
        except CalledOff:
            return CallOutcome(called_off=True)
        except Refused as error:
            self._not_reached(file, order, error)
            return CallOutcome(refused=error.reason)
        except (NotSent, Unclear) as error:
            raise again(error.reason, error.retry_after if isinstance(error, NotSent) else LOOK_EVERY) from None
        self._reached(meant)
        return CallOutcome(person=meant.handle)

    def _not_reached(self, file: CaseFile, order: CallOrder, error: Refused) -> None:
        """Tell an admin, once: somebody has left Slack, or a channel is gone."""
        meant = target(file.policy, order.to, order.department)
        if meant.person is None:
            self.keeper.not_taken(file, meant.slack_channel or "", error)
            return
        about = f"Slack does not reach {meant.name}: {error.reason}."
        self.keeper.admins.trouble(file.policy.admins, _key(meant), about, WHO_ELSE, BY_MAIL if meant.email else NOBODY)

    def _reached(self, meant: Target) -> None:
        if meant.person is None:
            self.keeper.taken(meant.slack_channel or "")
        else:
            self.keeper.admins.well(_key(meant))

    def _draft(self, file: CaseFile, event: Escalated, order: CallOrder) -> str | None:
        """What goes out by itself when the customer is about to wait too long: in the words and with the promise that it will have then,
        unless something happens to the case meanwhile.
        """
        if event.to is not Audience.SOCIAL or event.clock is not ClockName.HOLDING_UPDATE:
            return None
        case, policy, now = file.case, file.case_policy, order.pace.loop_time(datetime.now(UTC))
        speaks = max(now, next((one.at for one in owed(case, policy) if one.duty is Duty.SPEAK), now))
        planned = holding_message(case, speaks, policy)
        say = WhatToSay(
            case_id=order.case_id,
            policy=file.policy.id,
            words=None,
            template=planned.template,
            variant=planned.variant,
            department=case.department,
            now=speaks,
            owner=case.owner,
            since=case.handoff.at if case.handoff is not None else case.opened_at,
            until=planned.promise,
            thread=planned.thread,
        )
        try:
            return self.composing.compose(say).text
        except LoopkeeperError:  # a draft is a help; without one they are called all the same
            return None


def _key(meant: Target) -> str:
    """What a notice about somebody is known by."""
    return f"slack:person:{meant.handle}"
