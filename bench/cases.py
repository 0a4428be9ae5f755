"""People who bring cases to their end as fast as the loop lets them: customers on the square, departments through the API."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Self, TypeVar

import urllib3
from sqlalchemy import text

from bench.stack import Stack
from domain.errors import LoopkeeperError
from domain.values import case_id
from sandbox.hands import Author, Hands

Look = TypeVar("Look")

BRAND, CHANNEL = "meridian", "x"
PATIENCE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
_COMPLAINTS = (
    "My bill is wrong, you charged me twice",
    "Third day without internet and nobody answers",
    "Your app keeps crashing when I try to log in",
    "My order never arrived and tracking is stuck",
)
_STANDING = text(
    "select c.case_id, c.status, c.events, coalesce(max(d.told), 0) as told from cases c left join desk_card d using (case_id) "
    "where c.case_id = any(:ids) group by c.case_id"
)


class Refused(LoopkeeperError):
    """The API did not do what a case needs, so nothing can be measured."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands: its status, its events, and up to which of them its department was told."""

    status: str = ""
    events: int = 0
    told: int = 0

    @property
    def on_the_desk(self) -> bool:
        """Its department has it before its eyes, and the customer was acknowledged."""
        return self.status == "handed_off" and self.told > 0

    @property
    def all_done(self) -> bool:
        """Closed, and its department knows: nothing is left to do."""
        return self.status == "closed" and self.told >= self.events


class Board:
    """Looks at the cases that somebody waits for, all in one query, a few times a second."""

    def __init__(self, stack: Stack) -> None:
        self._engine = stack.store.engine
        self._standing: dict[str, Standing] = {}
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._eyes = threading.Thread(target=self._look, name="board", daemon=True)

    def __enter__(self) -> Self:
        self._eyes.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._eyes.join()

    def wait(self, case: str, until: Callable[[Standing], bool]) -> None:
        """Until the case stands so. Raises TimeoutError."""
        with self._changed:
            self._standing[case] = Standing()
            if not self._changed.wait_for(lambda: until(self._standing[case]), PATIENCE_SECONDS):
                raise TimeoutError(f"case {case} stays as it is for {PATIENCE_SECONDS:.0f} s: {self._standing[case]}")
            del self._standing[case]

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY_SECONDS):
            with self._changed:
                ids = list(self._standing)
            with self._engine.connect() as connection:
                rows = connection.execute(_STANDING, {"ids": ids}).all() if ids else []
            with self._changed:
                self._standing |= {r.case_id: Standing(r.status, r.events, r.told) for r in rows if r.case_id in self._standing}
                self._changed.notify_all()


class People:
    """Customers and departments, `at_once` of them."""

    def __init__(self, stack: Stack, at_once: int) -> None:
        self._stack = stack
        self._at_once = at_once
        self._http = urllib3.PoolManager(retries=False, maxsize=at_once, block=True)
        self._local = threading.local()
        self._numbers = itertools.count()

    def complain(self, of: str | None = None) -> str:
        """Somebody new complains on the square; the id of the post."""
        number = next(self._numbers)
        words = f"{of or _COMPLAINTS[number % len(_COMPLAINTS)]}, number {number}"
        post = self._hands.post(CHANNEL, words, Author(f"u{number}", f"user{number}", "Sam Okafor"), brand=BRAND)
        return str(post["id"])

    def command(self, case: str, do: str, **more: str) -> None:
        """Have something done to a case. Raises Refused."""
        body = json.dumps({"do": do, **more}).encode()
        headers = {"authorization": f"Bearer {self._stack.key}", "content-type": "application/json"}
        answer = self._http.request(
            "POST", f"{self._stack.api}/api/v1/cases/{case}/commands", body=body, headers=headers, timeout=PATIENCE_SECONDS
        )
        if answer.status != HTTPStatus.OK:
            raise Refused(f"'{do}' for case {case} was answered {answer.status}: {answer.data.decode(errors='replace')[:300]}")

    def keep_closing(self, warm_up: float, seconds: float, look: Callable[[], Look]) -> tuple[int, Look, Look]:
        """Bring cases from the post to the end, always `at_once` of them on their way.

        Counts those of which nothing was left to do within `seconds` after the warm-up; with what was to be seen at the beginning and at
        the end of that time.
        """
        counts_from = time.monotonic() + warm_up
        ends = counts_from + seconds
        closed: list[float] = []

        def go_on(board: Board) -> None:
            while time.monotonic() < ends:
                self._close_one(board)
                closed.append(time.monotonic())

        with Board(self._stack) as board, ThreadPoolExecutor(self._at_once, "person") as pool:
            busy = [pool.submit(go_on, board) for _ in range(self._at_once)]
            time.sleep(warm_up)  # what happens before the window opens is not counted
            first = look()
            time.sleep(max(0.0, ends - time.monotonic()))  # the window that is counted
            last = look()
            for person in busy:
                person.result()
        return sum(counts_from <= at < ends for at in closed), first, last

    def open_case(self, board: Board) -> str:
        """Bring a case to where its department has accepted it; its id."""
        case = case_id(BRAND, CHANNEL, self.complain())
        board.wait(case, lambda standing: standing.on_the_desk)
        self.command(case, "accept")
        return case

    def _close_one(self, board: Board) -> None:
        case = self.open_case(board)
        self.command(case, "resolve", text="We have looked into it, and it is put right now.", root_cause="other")
        board.wait(case, lambda standing: standing.all_done)

    @property
    def _hands(self) -> Hands:
        if not hasattr(self._local, "hands"):
            self._local.hands = Hands(self._stack.sandbox)
        hands: Hands = self._local.hands
        return hands


def acknowledgements(people: People, stack: Stack, *, a_second: float, seconds: float) -> list[float]:
    """Post at a steady rate; how long each customer waited for our first reply (seconds), by the clock of the square alone."""
    posts: list[str] = []
    started = time.monotonic()
    for number in range(round(a_second * seconds)):
        time.sleep(max(0.0, started + number / a_second - time.monotonic()))  # keeps the rate
        posts.append(people.complain())
    with Board(stack) as board:
        for post in posts:
            board.wait(case_id(BRAND, CHANNEL, post), lambda standing: standing.on_the_desk)
    with Hands(stack.sandbox) as hands:
        on_the_square = [change.object for change in hands.state() if change.kind == "post"]
    posted = {str(post["id"]): _seconds(post) for post in on_the_square}
    first: dict[str, float] = {}
    for reply in on_the_square:
        if reply["in_reply_to"] is not None:
            parent = str(reply["in_reply_to"])
            first[parent] = min(first.get(parent, float("inf")), _seconds(reply))
    return [first[post] - posted[post] for post in posts]


def _seconds(post: Mapping[str, object]) -> float:
    return datetime.fromisoformat(str(post["posted_at"])).timestamp()
