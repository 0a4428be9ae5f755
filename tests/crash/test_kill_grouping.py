"""kill -9 while cases hear of each other: a merge and an announcement come about once, whoever dies at whichever step."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from domain.values import SYSTEM, Role
from loopkeeper_client import Loopkeeper, NotReached, Refused, Unavailable
from loopkeeper_client import models as m
from sandbox.hands import Author, Hands
from tests.crash.traps import Trap
from tests.crash.world import World, trapped_world

_T = TypeVar("_T")
SPEED = 60.0
PATIENCE = 60.0
RECORDING = (
    ("worker", "before the record", "worker"),
    ("worker", "inside the record", "worker"),
    ("worker", "inside the record", "postgres"),
    ("worker", "recorded, not acted on", "worker"),
    ("worker", "recorded, not acted on", "temporal"),
)
TELLING = (
    ("dispatcher", "before placing", "dispatcher"),
    ("dispatcher", "placed, not told", "dispatcher"),
    ("dispatcher", "placed, not told", "temporal"),
    ("dispatcher", "told, not noted", "dispatcher"),
)
MERGING = (
    ("api", "before the command", "api"),
    ("api", "command carried out, not answered", "api"),
    *RECORDING,
    *TELLING,
)
ANNOUNCING = (
    ("api", "before handing over", "api"),
    ("api", "inside the handing over", "api"),
    ("api", "inside the handing over", "postgres"),
    ("api", "handed over, not answered", "api"),
    *RECORDING,
    *TELLING,
)
TRAPS = [Trap(number, *what) for number, what in enumerate([*MERGING, *ANNOUNCING])]
MERGES, ANNOUNCEMENTS = TRAPS[: len(MERGING)], TRAPS[len(MERGING) :]


class Cases:
    """Customers who complain, a lead with a key, and what is on record."""

    def __init__(self, world: World, store: Store, hands: Hands, springing: Executor) -> None:
        self.world, self.store, self.hands, self.springing = world, store, hands, springing
        address = world.installation.addresses["Console"].removesuffix("/console")
        self.client = Loopkeeper(address, store.keys.make(NewKey("the lead", Role.LEAD), SYSTEM)[1])

    def two(self, number: int, *, of_one: bool) -> tuple[str, str]:
        """Two cases, of one customer or of two, that somebody has."""
        authors = [Author(f"88{number:03}{n}", f"c{number}{n}", f"Customer {number}-{n}") for n in ((0, 0) if of_one else (0, 1))]
        cases = [f"meridian-x-{self.hands.post('x', f'My bill of month {number} is wrong.', author)['id']}" for author in authors]
        for case in cases:
            until(lambda case=case: {"handed_off", "reply_posted"} <= set(self.events(case)))  # type: ignore[misc]
            self.client.do(case, "accept")
            until(lambda case=case: "accepted" in self.events(case))  # type: ignore[misc]
        return cases[0], cases[1]

    def events(self, case: str) -> list[str]:
        """What has happened to a case; nothing while PostgreSQL is being started again."""
        return [entry.event.kind for _, entry in self.store.records.history(case)]

    def while_killed(self, trap: Trap, what: Callable[[], _T]) -> _T:
        """Have it done while the trap is armed, again under the same key when nobody answers; once all is up again, what it gave."""
        ended = threading.Event()
        self.world.armed.arm(trap)  # before anything is asked: a request may be quicker than another thread
        sprung = self.springing.submit(self.world.spring, trap, ended)
        try:
            given = answered(what)
            until(sprung.done, f"the trap did not spring: {trap}")
        finally:
            ended.set()
        assert sprung.result()
        return given

    def said(self, words: str) -> list[str]:
        """In which threads the brand has said that, in order."""
        posts = [change.object for change in self.hands.state() if change.kind == "post" and change.object["author"]["is_brand"]]
        return sorted(f"meridian-x-{post['thread']}" for post in posts if words in post["text"])


@pytest.fixture(scope="module")
def cases(own_folder: Path) -> Iterator[Cases]:
    with trapped_world(own_folder / "grouping", own_folder / "grouping-traps", len(TRAPS), speed=SPEED) as world:
        store = world.installation.store()
        try:
            # One thread to the end: what it starts again is ended by Linux when it ends.
            with Hands(world.installation.addresses["Sandbox"]) as hands, ThreadPoolExecutor(1) as springing:
                there = Cases(world, store, hands, springing)
                yield there
                there.client.close()
        finally:
            store.close()


def until(is_so: Callable[[], bool], otherwise: str = "it did not come about") -> None:
    """Wait for it; what cannot be read meanwhile, because something was killed, is read again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if is_so():
                return
        except Exception:  # of whatever was killed
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)  # a poll, bounded above


def answered(ask: Callable[[], _T]) -> _T:
    """Ask until somebody answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (NotReached, Unavailable):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)  # a poll, bounded above


@pytest.mark.parametrize("trap", MERGES, ids=str)
def test_a_case_is_merged_once_and_the_other_goes_on(cases: Cases, trap: Trap) -> None:
    first, second = cases.two(trap.number, of_one=True)
    cases.while_killed(trap, lambda: cases.client.do(first, "merge", into=second, once=f"merge-{trap.number}"))
    until(lambda: "took_in" in cases.events(second))
    assert (cases.events(first).count("merged"), cases.events(second).count("took_in")) == (1, 1)
    assert cases.store.reader.file(first).case.merged_into == second
    customer, post = Author(f"88{trap.number:03}0", f"c{trap.number}0", f"Customer {trap.number}-0"), first.rsplit("-", 1)[1]
    cases.hands.post("x", f"And month {trap.number} again.", customer, in_reply_to=post)
    until(
        lambda: "customer_wrote" in cases.events(second),
        "what is written in the thread of the merged case belongs to the other",
    )
    assert [cases.store.records.verify(case) for case in (first, second)] == [None, None]


@pytest.mark.parametrize("trap", ANNOUNCEMENTS, ids=str)
def test_an_announcement_is_made_in_every_case_and_in_none_twice(cases: Cases, trap: Trap) -> None:
    both = cases.two(trap.number, of_one=False)
    lk, words = cases.client, f"We mend what is behind bill {trap.number} today."
    cause = lk.open_cause(m.CauseIn(name=f"Bills of month {trap.number}", department="billing"))
    for case in both:
        lk.do(case, "join_shared_cause", cause=cause.number)
    until(lambda: lk.cause(cause.number).cases == 2)
    made = lk.announce(cause.number, m.AnnouncementIn(what="update", text=words))
    assert [line.held for line in made.cases] == [None, None]
    keys = (f"send-{trap.number}-{n}" for n in itertools.count())

    def send() -> None:
        try:
            lk.decide_announcement(cause.number, made.number, m.DecisionIn(do="send"), once=next(keys))
        except Refused:  # begun and not ended: we look at what is there, as we are told to, and take a new key when it is nothing
            if answered(lambda: lk.announcement(cause.number, made.number)).state != "sent":
                send()

    cases.while_killed(trap, send)
    for case in both:
        until(lambda case=case: cases.events(case).count("reply_posted") == 2)  # type: ignore[misc]
        assert cases.events(case).count("announced") == 1
        assert cases.store.records.verify(case) is None
    assert cases.said(words) == sorted(both)
