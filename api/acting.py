"""Acting on a case for a person: make the exact public words, show them, and then have it done.

Slack, the pages behind e-mail links and the REST API share it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

from adapters.postgres.composing import parts, room
from adapters.postgres.store import Store
from api.drafting import mind, removal
from domain.casefile import CaseFile
from domain.clocks import promise_from
from domain.commands import SAID_ALREADY, Command, Refusal
from domain.errors import SaidAlready
from domain.events import ReplyPlanned
from domain.limits import length
from domain.pace import Pace
from domain.ports import WhatToSay
from domain.values import Actor
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

Saying = Literal["ask", "update", "resolve"]
_TEMPLATES: dict[Saying, str] = {"ask": "ask.person", "update": "update.person", "resolve": "thank_you.resolved"}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Draft:
    """Exactly what would be posted: the whole text, the parts in which it goes out, and its length in the network's counting."""

    text: str
    parts: tuple[str, ...]
    length: int
    limit: int
    network: str
    promise: datetime | None

    @property
    def told(self) -> str:
        """Its length, in words."""
        if len(self.parts) == 1:
            return f"{self.length:,} of {self.limit:,} characters, as {self.network} counts them."
        return f"{self.length:,} characters; {self.network} takes {self.limit:,}, so it goes out in {len(self.parts)} posts."


class Acting:
    """What people can do to cases."""

    def __init__(self, store: Store, gateway: CaseGateway, threads: Executor, pace: Pace) -> None:
        self._store = store
        self._gateway = gateway
        self._threads = threads
        self._pace = pace

    async def file(self, case_id: str) -> CaseFile:
        """The whole of a case. Raises NoSuchCase."""
        return await self._in_thread(lambda: self._store.reader.file(case_id))

    async def draft(self, case_id: str, saying: Saying, body: str, actor: Actor) -> Draft:
        """The exact text that saying this would post now. Raises NoSuchCase, TooLong, SaidAlready, ShowsPersonalData."""
        return await self._in_thread(lambda: self._draft(case_id, saying, body, actor))

    async def draft_removal(self, case_id: str, seen: int, actor: Actor) -> Draft:
        """The exact text that asks the customer to remove what event number `seen` found in a post. Raises NoSuchCase, NothingShown."""
        return await self._in_thread(lambda: self._draft_removal(case_id, seen, actor))

    async def said(self, case_id: str, command_id: str) -> Draft | None:
        """The reply that a command has caused; None when it caused none."""
        file = await self.file(case_id)
        planned = (entry.event for _, entry in file.history if entry.cause == command_id and isinstance(entry.event, ReplyPlanned))
        reply = next(planned, None)
        return None if reply is None else _as_it_goes_out(file, file.text_of(reply.words), reply.promise)

    async def keep(self, case_id: str, text: str) -> str:
        """Keep words that belong to a case; the reference to them."""
        return await self._in_thread(lambda: self._store.reader.keep(case_id, text))

    async def act(self, case_id: str, command: Command, *, wait: timedelta = timedelta(seconds=10)) -> Answer:
        """Have it done. A refusal comes with names in place. Raises RPCError when the case does not answer within `wait`."""
        answer = await self._gateway.command(case_id, command, wait=wait)
        if answer.refusal is None:
            return answer
        return Answer(await self._in_thread(lambda: self._named(answer.refusal)), answer.status, answer.version)

    async def met(self, person: str) -> bool:
        """Whether we know how a colleague is called."""
        return await self._in_thread(lambda: self._store.people.name(person)) is not None

    async def remember(self, person: str, name: str, first_name: str | None) -> None:
        """Keep how a colleague is called."""
        await self._in_thread(lambda: self._store.people.remember(person, name, first_name))

    def _draft(self, case_id: str, saying: Saying, body: str, actor: Actor) -> Draft:
        file = self._store.reader.file(case_id)
        if file.is_said(body):
            raise SaidAlready(SAID_ALREADY)
        mind(self._store, file, body)
        case = file.case
        now = self._pace.loop_time(datetime.now(UTC))
        promise = promise_from(now, case, file.case_policy) if saying == "update" else None
        say = WhatToSay(
            case_id=case_id,
            policy=file.policy.id,
            words=None,
            template=_TEMPLATES[saying],
            variant=sum(case_id.encode()) + case.steps + 1,
            department=case.department,
            now=now,
            owner=case.owner,
            signer=actor.person,
            until=promise,
            body=body,
        )
        return _as_it_goes_out(file, self._store.composer.compose(say).text, promise)

    def _draft_removal(self, case_id: str, seen: int, actor: Actor) -> Draft:
        file = self._store.reader.file(case_id)
        return _as_it_goes_out(file, removal(self._store, file, seen, actor, self._pace.loop_time(datetime.now(UTC))), None)

    def _named(self, refusal: Refusal | None) -> Refusal | None:
        if refusal is None or refusal.person is None:
            return refusal
        name = self._store.people.name(refusal.person) or "Somebody else"
        return Refusal(refusal.code, refusal.reason.replace("{person}", name), refusal.person)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _as_it_goes_out(file: CaseFile, whole: str, promise: datetime | None) -> Draft:
    there = room(file.policy, file.case.channel)
    cut = tuple(parts(file.policy, file.case.channel, whole))
    return Draft(whole, cut, length(whole, there.counting), there.limit, file.network, promise)
