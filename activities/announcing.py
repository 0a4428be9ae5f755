"""Telling the social team, once, that a text to the customers of a shared cause waits for a second person."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.desk import WHAT_TO_DO
from activities.messages import Messages
from activities.places import Admins, Places
from activities.retrying import again
from domain.policy import Policy
from domain.ports import Desk, Effect, Mark, NotSent, PolicyBook, Refused, Unavailable
from domain.sharing import WaitingAnnouncement, WaitingAnnouncements

log = logging.getLogger(__name__)
CHAIN = "@causes"
"""In the ledger, in the place of a case."""
MEANWHILE = "It waits on the page of its cause meanwhile, in the console. This is tried again until it is told or decided."


@dataclass(frozen=True)
class AnnouncementTeller:
    """The activity. `base_url`: how people reach the console."""

    waiting: WaitingAnnouncements
    book: PolicyBook
    desk: Desk
    messages: Messages
    places: Places
    admins: Admins
    base_url: str

    @activity.defn(name="tell_of_announcements")
    def tell(self, _about: str) -> int:
        """Tell of each that waits; of how many. Safe to repeat. What one fails by does not keep the others."""
        try:
            untold = self.waiting.untold()
            policy = self.book.active() if untold else None
        except Unavailable as error:
            raise again(str(error)) from None
        return sum(self._told(policy, one) for one in untold) if policy is not None else 0

    def _told(self, policy: Policy, one: WaitingAnnouncement) -> bool:
        """Where the social team works, else among the escalations."""
        mark, effect = Mark(one.key, one.number), Effect(one.key, CHAIN, "desk-slack", "call")
        for channel in filter(None, (policy.social.slack_channel, policy.escalation.slack_channel)):
            try:
                place = self.places.find(channel)
                send = partial(self.desk.announcement_waits, place, one, policy, f"{self.base_url}{one.path}", mark)
                self.messages.once(effect, mark, place, None, send)
            except Refused as error:
                about = f"Slack takes nothing in {channel}: {error.reason}."
                self.admins.trouble(policy.admins, f"slack:{channel}", about, WHAT_TO_DO, MEANWHILE)
            except (ApplicationError, NotSent) as error:  # tried again at the next round
                log.info("the social team is told later of a waiting announcement: %s", error)
                return False
            else:
                self.admins.well(f"slack:{channel}")
                return True
        return False
