"""Sending webhooks: what is due, a few at a time for each subscription, so that a slow or dead receiver delays nobody else."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.housekeeping import SHIFT_SECONDS, shift_ended
from activities.retrying import again
from domain.hooks import AT_ONCE, MOST, Due, Outbox, Outcome
from domain.ports import Unavailable

LOOK_EVERY = 0.5
"""Seconds between two looks for what is due."""


class Sending:
    """Tries under way. `post` tries one, `now` is the moment."""

    def __init__(self, outbox: Outbox, post: Callable[[Due, datetime], Outcome], threads: Executor, now: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._post = post
        self._threads = threads
        self._now = now
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._tries: set[Future[None]] = set()

    def begin(self) -> int:
        """Begin with what is due and has a place; how many. Raises Unavailable, also when an outcome could not be kept."""
        for done in [each for each in self._tries if each.done()]:
            self._tries.discard(done)
            done.result()
        with self._lock:
            busy = {webhook: number for webhook, number in self._busy.items() if number}
        claimed = self._outbox.claim(busy, self._now())
        for due in claimed:
            with self._lock:
                self._busy[due.webhook] += 1
            self._tries.add(self._threads.submit(self._try, due))
        return len(claimed)

    def finish(self) -> None:
        """Wait for those that are under way. Raises Unavailable when an outcome could not be kept: it is tried again then."""
        wait(self._tries)
        tries, self._tries = self._tries, set()
        for each in tries:
            each.result()

    def _try(self, due: Due) -> None:
        try:
            outcome = self._post(due, self._now())
            self._outbox.settle(due, outcome, self._now())
        finally:
            with self._lock:
                self._busy[due.webhook] -= 1


@dataclass(frozen=True)
class WebhookSender:
    """The activity. There is a thread for every try that the outbox can give out, so that none waits for another subscription's."""

    outbox: Outbox
    post: Callable[[Due, datetime], Outcome]
    ended: Callable[[float], bool] = shift_ended

    @activity.defn(name="send_webhooks")
    def send(self, _about: str) -> int:
        """Send for a while; how many tries were made. Safe to repeat: receivers know an event by its id."""
        until, made = time.monotonic() + SHIFT_SECONDS, 0
        try:
            self.outbox.forget(_now())
            with ThreadPoolExecutor(MOST * AT_ONCE, "webhooks") as threads:
                sending = Sending(self.outbox, self.post, threads, _now)
                while time.monotonic() < until:
                    made += sending.begin()
                    if self.ended(LOOK_EVERY):
                        break
                sending.finish()
        except Unavailable as error:
            raise again(str(error), timedelta(seconds=2)) from None
        return made


def _now() -> datetime:
    return datetime.now(UTC)
