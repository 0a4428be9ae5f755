"""Whatever comes in whatever order, the record adds up to what the workflow holds, across runs and workers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from domain import commands as c
from domain.ports import Placed
from domain.values import Priority
from tests.conftest import KEYS
from tests.integration.opened import place
from tests.temporal.conftest import ANA, Town, run, serving
from tests.temporal.replaying import replay

Loop = asyncio.AbstractEventLoop
SEEDS = range(1, 6)
PATIENCE = timedelta(seconds=30)
"""When a worker ends with a task in hand, Temporal waits ten seconds before it gives the task to another."""


class Chance:
    """Does things to one case, as a seeded die has it. What happens in the outside world is part of it."""

    def __init__(self, town: Town, case: str, seed: int) -> None:
        self._town = town
        self._case = case
        self._die = random.Random(seed)
        self._name = f"chance{seed}"
        self._number = 0
        self._posts = [town.now(case).first_post]
        self._told: list[Placed] = []
        self._commanded: list[c.Command] = []

    async def step(self) -> None:
        """One thing."""
        things: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (8, self._command),
            (5, self._customer_writes),
            (1, self._customer_changes),
            (2, self._tell_again),
            (2, self._command_again),
            (3, self._time_passes),
            (2, self._weather),
        ]
        thing = self._die.choices([thing for _, thing in things], [weight for weight, _ in things])[0]
        await thing()

    def clear_up(self) -> None:
        """Everything outside works again."""
        self._town.square.refuses = self._town.wall.refuses = self._town.postbox.refuses = ""

    def _next(self) -> str:
        self._number += 1
        return f"{self._name}-{self._number}"

    async def _command(self) -> None:
        id_, die = self._next(), self._die
        words = self._town.words(self._case, f"words {id_}")
        steps = [r.step for r in self._town.now(self._case).replies if r.state == "unconfirmed"] or [1]
        possible: list[c.Command] = [
            c.Accept(id_, ANA),
            c.Ask(id_, ANA, words),
            c.Update(id_, ANA, words),
            c.Update(id_, ANA, words, datetime.now(UTC) + timedelta(hours=die.randint(1, 90))),
            c.Resolve(id_, ANA, "outage", words),
            c.Reassign(id_, ANA, die.choice(["billing", "technical", "care"]), words),
            c.Note(id_, ANA, words),
            c.SetPriority(id_, ANA, die.choice(list(Priority))),
            c.SetCategory(id_, ANA, die.choice(["billing", "technical", "product"])),
            c.Reopen(id_, ANA),
            c.WaiveThankYou(id_, ANA, words),
            c.SettleReply(id_, ANA, steps[0], die.random() < 0.5, "https://x.example/r/found"),
        ]
        command = die.choice(possible)
        self._commanded.append(command)
        await self._town.gateway.command(self._case, command, wait=PATIENCE)

    async def _command_again(self) -> None:
        if self._commanded:
            await self._town.gateway.command(self._case, self._die.choice(self._commanded), wait=PATIENCE)

    async def _customer_writes(self) -> None:
        post = self._next()
        text = self._die.choice(["Still broken and nobody answers!", "Thanks, all good now", "When will it work?", "ok"])
        self._posts.append(post)
        await self._tell(self._town.writes(self._case, post, text, to=self._die.choice(self._posts[:-1])))

    async def _customer_changes(self) -> None:
        now = datetime.now(UTC).isoformat()
        post = self._die.choice(self._posts[1:] or self._posts)
        if self._die.random() < 0.5:
            await self._tell({"type": "post.edited", "brand": "meridian", "data": {"id": post, "text": "corrected", "edited_at": now}})
        elif f"deleted:{post}" not in [t.message.id for t in self._told]:
            await self._tell({"type": "post.deleted", "brand": "meridian", "data": {"id": post, "deleted_at": now}})

    async def _tell(self, body: dict[str, object]) -> None:
        placed = place(self._town.store, body)
        if placed is not None and placed.case_id == self._case:
            self._told.append(placed)
            await self._town.tell_placed(placed)

    async def _tell_again(self) -> None:
        if self._told:
            await self._town.tell_placed(self._die.choice(self._told))

    async def _time_passes(self) -> None:
        await self._town.wait(self._case, timedelta(minutes=self._die.choice([1, 7, 61, 300, 1500])))

    async def _weather(self) -> None:
        """Who refuses and who does not. None is away: while an attempt is being repeated, this server's virtual time stands still."""
        die, town = self._die, self._town
        self.clear_up()
        town.square.refuses = "account suspended" if die.random() < 0.2 else ""
        town.wall.refuses = "channel_not_found" if die.random() < 0.2 else ""


def test_what_is_recorded_adds_up_to_what_the_workflow_holds(loop: Loop, brief_town: Town) -> None:
    town = brief_town

    async def steps(chance: Chance) -> None:
        for _ in range(12):
            await chance.step()

    async def story() -> None:
        async with serving(town):
            cases = [await town.post() for _ in SEEDS]
            await town.until(lambda: all("reply_posted" in town.kinds(case) for case in cases))
            chances = [Chance(town, case, seed) for case, seed in zip(cases, SEEDS, strict=True)]
            await asyncio.gather(*map(steps, chances))
            for case in cases:
                await town.nothing_under_way(case)
        async with serving(town):  # another worker, which goes on from the histories
            await asyncio.gather(*map(steps, chances))
            chances[0].clear_up()
            await asyncio.gather(*(town.wait(case, timedelta(minutes=5)) for case in cases))  # what is on its way arrives
            for case in cases:
                await town.at_rest(case)
                assert town.store.records.verify(case) is None
                assert len(town.square.texts(case)) == town.kinds(case).count("reply_posted") - _by_hand(town, case)
                causes = [e.cause for _, e in town.store.records.history(case) if e.event.kind in ("note_added", "accepted", "resolved")]
                assert len(causes) == len(set(causes)), "no command was carried out twice"
            for case in cases:
                await replay(await town.runs(case), KEYS)

    run(loop, story())


def _by_hand(town: Town, case: str) -> int:
    """Replies that a person has told us to be there."""
    return sum(e.event.kind == "reply_posted" and e.by == ANA for _, e in town.store.records.history(case))
