"""Thousands of customers whose cases stay open: each complains once on the square, and no department takes the case up.

Most of them are owed nothing for days. The impatient have an urgent case, in which the policy of this measurement (`patient`) owes them a
holding message four and a half minutes after the last word to the customer: whoever lets them come at an even rate has them fall due at
that rate, and again and again until they are calmed down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from sqlalchemy import text

from bench.cases import BRAND, CHANNEL, People
from bench.figures import Say
from bench.stack import Stack
from domain.clocks import Duty, owed
from domain.errors import LoopkeeperError
from domain.policy import CasePolicy
from domain.values import case_id
from sandbox.hands import Hands

AT_ONCE = 24
"""Posts that are not on the desk yet, at most, while cases are opened."""
PATIENCE_SECONDS = 600.0
_LOOK_EVERY_SECONDS = 0.2
_TOLD_EVERY = 1000
CALM = (
    "My bill is wrong, you charged me twice",
    "Your app keeps crashing when I try to log in",
    "My order never arrived and tracking is stuck",
)
URGENT = "Your router caught fire and there is smoke everywhere"
_ON_THE_DESK = text(
    "select count(*) from cases c where c.number > :after and c.status = 'handed_off' "
    "and exists (select 1 from desk_card d where d.case_id = c.case_id and d.told > 0)"
)
_ENDED_OR_ELSEWHERE = text("select count(*) from cases where status <> 'handed_off' or needs_human is not null")


def patient(policy: str) -> str:
    """A policy (YAML) in which nothing falls due while cases are opened and watched, but the holding message of an urgent case.

    Calendars, chains and clocks stay; only the accept clocks and the urgent holding message have other times, and what would be recorded
    or said beside that holding message (warnings, its own chain) is left out, so that what falls due is one thing.
    """
    rules: dict[str, Any] = yaml.load(policy, Loader=yaml.BaseLoader)
    rules["name"] = "patient"
    clocks = rules["clocks"]
    clocks["accept"] = dict.fromkeys(clocks["accept"], "20 d")
    clocks["holding_update"]["urgent"] = "5 min"  # a tenth earlier the system speaks, if nobody else has
    rules.pop("warn_at")
    rules["escalation"].pop("holding_update")
    return str(yaml.safe_dump(rules, sort_keys=False, allow_unicode=True))


@dataclass(frozen=True)
class Due:
    """A case that is going to fall due: its first post on the square, and the moment, by the rules."""

    case: str
    post: str
    at: datetime


class Crowd:
    """The customers of one installation."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._people = People(stack, AT_ONCE)
        self._desk_at = 0
        self.opened = 0

    def open(self, how_many: int, say: Say) -> None:
        """Have so many cases opened, and see all of them on the desk. Raises TimeoutError, LoopkeeperError."""
        self._expect_from_here()
        began, reported = time.monotonic(), 0
        for number in range(how_many):
            self._until(self._on_the_desk, at_least=number - AT_ONCE)
            self._people.complain(CALM[number % len(CALM)])
            if self._desk_at - reported >= _TOLD_EVERY:
                reported = self._desk_at
                say(f"{self.opened + reported:,} cases are open ({reported / (time.monotonic() - began):.1f} a second)")
        self._until(self._on_the_desk, at_least=how_many)
        self.opened += how_many
        self._check()

    def come_impatiently(self, how_many: int, a_second: float) -> list[str]:
        """Have urgent cases opened at an even rate; their posts, once all of them are on the desk."""
        self._expect_from_here()
        posts: list[str] = []
        started = time.monotonic()
        for number in range(how_many):
            time.sleep(max(0.0, started + number / a_second - time.monotonic()))  # keeps the rate
            posts.append(self._people.complain(URGENT))
        self._until(self._on_the_desk, at_least=how_many)
        self.opened += how_many
        self._check()
        return posts

    def calm_down(self, posts: Sequence[str]) -> None:
        """Make the cases of the impatient like all others, so that nothing further falls due in them soon."""
        with ThreadPoolExecutor(AT_ONCE // 2, "lead") as pool:
            list(pool.map(lambda post: self._people.command(case_id(BRAND, CHANNEL, post), "set_priority", priority="normal"), posts))

    def due(self, post: str) -> Due:
        """What falls due next in an impatient customer's case. Raises LoopkeeperError when it is not the holding message."""
        case = case_id(BRAND, CHANNEL, post)
        found = self._stack.store.inbox.on_record(case)
        if found is None:
            raise LoopkeeperError(f"the case {case} is over; this measurement is worth nothing")
        first = owed(found[0], CasePolicy.from_json(found[1]))[0]
        if first.duty is not Duty.SPEAK:
            raise LoopkeeperError(f"in the case {case} {first.duty} is due first, not the holding message")
        return Due(case, post, first.at)

    def _expect_from_here(self) -> None:
        with self._stack.store.engine.connect() as connection:
            self._after = connection.execute(text("select coalesce(max(number), 0) from cases")).scalar_one()
        self._desk_at = 0

    def _on_the_desk(self) -> int:
        with self._stack.store.engine.connect() as connection:
            self._desk_at = int(connection.execute(_ON_THE_DESK, {"after": self._after}).scalar_one())
        return self._desk_at

    def _until(self, look: Callable[[], int], *, at_least: int) -> None:
        """Look until there are so many; not at all when there were at the last look."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._desk_at < at_least and look() < at_least:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._desk_at} cases are on the desk, not {at_least}, after {PATIENCE_SECONDS:.0f} s")
            time.sleep(_LOOK_EVERY_SECONDS)  # a poll of the database, bounded above

    def _check(self) -> None:
        with self._stack.store.engine.connect() as connection:
            if otherwise := connection.execute(_ENDED_OR_ELSEWHERE).scalar_one():
                raise LoopkeeperError(f"{otherwise} cases do not wait on their desks; this measurement is worth nothing")


class Replies:
    """When the square took our replies to these cases, from the moment on when this was made."""

    def __init__(self, hands: Hands, due: Sequence[Due]) -> None:
        self._hands = hands
        self._cases = {one.post: one.case for one in due}
        self._after = hands.number()
        self.taken: dict[str, datetime] = {}
        """By case, by the square's clock."""

    def look(self) -> int:
        """How many there are by now. Raises LoopkeeperError when a customer was spoken to twice."""
        while True:
            changes, self._after = self._hands.changes(self._after)
            for change in changes:
                post = change.object
                if change.kind != "post" or not post["author"]["is_brand"] or post["thread"] not in self._cases:
                    continue
                case = self._cases[post["thread"]]
                if case in self.taken:
                    raise LoopkeeperError(f"in the case {case} two replies were posted where one was owed")
                self.taken[case] = datetime.fromisoformat(post["posted_at"])
            if not changes:
                return len(self.taken)
