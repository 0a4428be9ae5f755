"""Keeping house: sealing what was recorded, publishing the log's checkpoints where nobody here can change them, and minding that both go
on; keeping what follows the log up to date; and keeping words no longer than the policy says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.places import Admins
from activities.retrying import again
from domain.checkpoints import Checkpoint, NoCheckpoint, Note
from domain.errors import LoopkeeperError
from domain.ports import Destination, LogReading, NotSent, PolicyBook, Refused, Sealing, Unavailable, Unclear

SEAL_EVERY = 1.0
"""Seconds."""
FOLLOW_EVERY = 1.0
"""Seconds between two looks of a follower that had nothing to do."""
SHIFT_SECONDS = 240.0
"""So long one attempt goes on sealing before it ends and is begun anew: short enough to be let go, long enough to cost Temporal nothing."""
LATE = timedelta(minutes=2)
"""What has been waiting to be sealed for so long is an admin's business; a publication may be late by this and its own interval."""
LOOK_AGAIN = timedelta(minutes=1)
_SEALING, _PUBLISHING = "log:sealing", "log:publishing:{}"
_LOOK = "Look at the log of the process `python -m housekeeper`. Nothing is lost: what is recorded is sealed when that goes on again."
_MEANWHILE = "Cases go on meanwhile; what happens in them is recorded, and not yet proven by a checkpoint."


_FOLLOW = (
    "Look at the log of the process `python -m housekeeper`. Nothing is lost: it goes on where it stopped. After an upgrade, or when the "
    "search index is made anew, everything is read again, and this is as it should be until that is done."
)
FOLLOWERS = {
    "search": ("Events have not been taken into the search index", "Searches do not find what happened since."),
    "numbers": ("Events have not been counted in the numbers", "The numbers say as of when they are; the digests are of then too."),
    "webhooks": ("Events have not been made into deliveries of webhooks", "Other systems are not told what happened since."),
    "deliveries": (
        "Deliveries of webhooks have not been tried, though they were due,",
        "Other systems hear late. If it is one receiver that answers slowly, its page in the console shows it; pause that one.",
    ),
}
"""Those who follow the log: what is said when one does not keep up, and what that means."""


def shift_ended(seconds: float) -> bool:
    """Wait so many seconds; whether the worker is being shut down, or the activity called off."""
    activity.wait_for_worker_shutdown_sync(timedelta(seconds=seconds))
    return activity.is_worker_shutdown() or activity.is_cancelled()


@dataclass(frozen=True)
class LogFollowers:
    """Those who keep something up to date by what is in the log: each takes a few further events when it is called, and says how many."""

    followers: Mapping[str, Callable[[], int]]
    ended: Callable[[float], bool] = shift_ended

    @activity.defn(name="follow_log")
    def follow(self, name: str) -> int:
        """Keep it up to date for a while; how many events were taken."""
        until, taken = time.monotonic() + SHIFT_SECONDS, 0
        while time.monotonic() < until:
            try:
                now = self.followers[name]()
            except Unavailable as error:
                raise again(str(error), timedelta(seconds=2)) from None
            taken += now
            if self.ended(0.0 if now else FOLLOW_EVERY):
                break
        return taken


@dataclass(frozen=True)
class WordsKeeper:
    """Sees to it that words are kept no longer than the policy says. `apply`: destroys those whose time is over, and says how many."""

    apply: Callable[[], int]

    @activity.defn(name="apply_retention")
    def retention(self, _about: str) -> int:
        """Destroy the words whose time is over; how many. Safe to repeat."""
        try:
            return self.apply()
        except Unavailable as error:
            raise again(str(error), timedelta(seconds=10)) from None


@dataclass(frozen=True)
class LogKeeper:
    """The activities of housekeeping that are about the log.

    `ended`: waits so many seconds, and whether the worker is being shut down. `every`: how often each destination is published to.
    `behind`: for how long each of those who follow the log has left its oldest event untaken.
    """

    sealer: Sealing | None
    log: LogReading
    destinations: Mapping[str, Destination]
    every: Mapping[str, timedelta]
    book: PolicyBook
    admins: Admins
    ended: Callable[[float], bool] = shift_ended
    behind: Callable[[], Mapping[str, timedelta]] = dict

    @activity.defn(name="seal_log")
    def seal(self, _about: str) -> int:
        """Seal about once a second for a while; how many events the log has then."""
        assert self.sealer is not None, "only the process that has the log's key serves this"
        until, size = time.monotonic() + SHIFT_SECONDS, 0
        while time.monotonic() < until:
            try:
                sealed = self.sealer.seal()
            except Unavailable as error:
                raise again(str(error), timedelta(seconds=2)) from None
            except (LoopkeeperError, ValueError) as error:  # the log is not what its checkpoint says
                self._trouble(
                    _SEALING, f"The history's log cannot be sealed: {error}.", "Do not repair it by hand: docs/audit.md says what to do."
                )
                raise ApplicationError(str(error), type="LogFault", next_retry_delay=LOOK_AGAIN) from error
            size = sealed.size if sealed is not None else size
            if self.ended(SEAL_EVERY):
                break
        return size

    @activity.defn(name="publish_checkpoint")
    def publish(self, name: str) -> int:
        """Publish the newest checkpoint at a destination, if it is not there; its size. Safe to repeat."""
        latest = self.log.latest()
        if latest is None or self.log.is_published(name, latest.size):
            return latest.size if latest is not None else 0
        destination = self.destinations[name]
        try:
            self._held_against(destination.last())
            place = destination.publish(Note.parse(latest.note), latest.size)
        except NotSent as error:
            raise again(error.reason, error.retry_after) from None
        except Unclear as error:
            raise again(error.reason, timedelta(seconds=30)) from None
        except (Refused, NoCheckpoint) as error:
            key = _PUBLISHING.format(name)
            self._trouble(
                key,
                f"Checkpoints of the history cannot be published ({name}): {error}.",
                "Mend it, or change where they go: docs/settings.md.",
            )
            raise ApplicationError(str(error), type="NotPublished", next_retry_delay=LOOK_AGAIN) from error
        self.log.published(name, latest.size, place)
        self.admins.well(_PUBLISHING.format(name))
        return latest.size

    @activity.defn(name="mind_log")
    def mind(self, _about: str) -> list[str]:
        """Look whether sealing, publishing and those who follow the log keep up, and tell admins once when they do not; what is wrong."""
        wrong = []
        waited = self.log.unsealed_for()
        if waited > LATE:
            wrong.append(f"Events of the history have been waiting to be sealed for {_told(waited)}.")
            self._trouble(_SEALING, wrong[-1], _LOOK)
        else:
            self.admins.well(_SEALING)
        for name, every in self.every.items():
            behind = self.log.unpublished_for(name)
            if behind > every + LATE:
                wrong.append(f"No checkpoint of the history has been published ({name}) for {_told(behind)}.")
                self._trouble(_PUBLISHING.format(name), wrong[-1], _LOOK)
        return wrong + self._mind_followers()

    def _mind_followers(self) -> list[str]:
        """Tell admins once of each that follows the log and does not keep up; what is wrong."""
        wrong = []
        for name, waited in self.behind().items():
            key, (what, meanwhile) = f"log:following:{name}", FOLLOWERS[name]
            if waited <= LATE:
                self.admins.well(key)
                continue
            wrong.append(f"{what} for {_told(waited)}.")
            trouble(self.admins, self.book, key, wrong[-1], _FOLLOW, meanwhile)
        return wrong

    def _held_against(self, outside: Checkpoint | None) -> None:
        """What was published last must be a past of what is published next. Raises NoCheckpoint."""
        if outside is None:
            return
        latest = self.log.latest()
        assert latest is not None
        if outside.size > latest.size:
            raise NoCheckpoint(
                f"the newest checkpoint there has {outside.size} events, and the database's log only {latest.size}: it is an older one, "
                "restored from a backup, or another installation's; docs/backup.md says what to do"
            )
        if self.log.root_at(outside.size) != outside.root:
            raise NoCheckpoint(f"the database's log does not continue the checkpoint of {outside.size} events there: its past was changed")

    def _trouble(self, key: str, about: str, what_to_do: str) -> None:
        trouble(self.admins, self.book, key, about, what_to_do, _MEANWHILE)


def trouble(admins: Admins, book: PolicyBook, key: str, about: str, what_to_do: str, meanwhile: str) -> None:
    """Tell those whom the policy in force names as admins, once."""
    try:
        addresses: Sequence[str] = book.active().admins
    except LoopkeeperError:
        addresses = ()
    admins.trouble(addresses, key, about, what_to_do, meanwhile=meanwhile)


def _told(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
