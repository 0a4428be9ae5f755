"""What the pages and routes of privacy work with: everything as the database's role for it, which the API's own login has not."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from adapters.erasure_list import BadErasureList, ErasureFile
from adapters.postgres.book import PostgresBook
from adapters.postgres.customers import Customers
from adapters.postgres.engine import open_engine
from adapters.postgres.erasing import Erasing
from adapters.postgres.holds import Hold, Holds, NoHold
from adapters.postgres.journal import note
from adapters.postgres.retention import Applied, Retention
from adapters.postgres.store import Store
from adapters.postgres.subject_access import Held, SubjectAccess
from api.in_thread import in_thread
from api.problems import Problem
from domain.erasure import CannotErase, Customer, Erased, Proposal, Scope
from domain.journal import AdminActed
from domain.sentences import say
from domain.values import Actor

ROLE = "loopkeeper_privacy"
AT_MOST = 50
"""Identities of one person that are erased, or given out, together."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found:
    """Who was found: called that on the channel; linked with these as the same person; called the same on others."""

    there: Sequence[Customer]
    linked: Sequence[Customer]
    others: Sequence[Customer]


class Room:
    """All of it raises Problem: 409 with why it is refused, 503 when the API's login may not act as privacy."""

    def __init__(self, store: Store, threads: Executor, url: str, listed: Path | None) -> None:
        self._store = store
        self.threads = threads
        self._engine: Engine = open_engine(url, pool=2, role=ROLE, name="loopkeeper api privacy")
        self._customers = Customers(self._engine, store.vault)
        self._erasing = Erasing(self._engine, store.vault, ErasureFile(listed) if listed is not None else None)
        self._holds = Holds(self._engine)

    async def keep(self) -> None:
        """Give the connections back when the process ends."""
        try:
            await asyncio.Event().wait()
        finally:
            self._engine.dispose()

    async def find(self, channel: str, who: str, by: Actor) -> Found:
        """See `Customers.find`. That somebody looked is on record, not whom for."""

        def look() -> Found:
            there, others = self._customers.find(channel, who, self._store.book.active().channels)
            mine = [one.id for one in there]
            linked = [one for one in self._customers.seen(self._customers.linked(mine)) if one.id not in mine]
            with self._engine.begin() as connection:
                told = f"{len(there)} found"
                note(connection, [AdminActed(datetime.now(UTC), "customers_looked_for", f"channel {channel}", None, told)], by, "asked")
            return Found(there, linked, [one for one in others if one.id not in {other.id for other in linked}])

        return await self._do(look)

    async def scope(self, subjects: Sequence[str]) -> Scope:
        """Everything that erasing these concerns."""
        return await self._do(lambda: self._customers.scope(_some(subjects)))

    async def with_linked(self, subjects: Sequence[str], without: Sequence[str] = ()) -> list[str]:
        """These, and whoever is linked with them, but for those that are left out."""
        return await self._do(lambda: _some(self._customers.linked(_some(subjects), _ids(without))))

    async def propose(self, subjects: Sequence[str], reason: str, by: Actor) -> tuple[Proposal, Scope]:
        """See `Erasing.propose`."""
        return await self._do(lambda: self._erasing.propose(_some(subjects), _reason(reason), by))

    async def proposals(self) -> list[Proposal]:
        """Those that wait for a second person."""
        return await self._do(self._erasing.proposals)

    async def proposal(self, number: int) -> Proposal:
        """One that waits."""
        found = next((one for one in await self.proposals() if one.number == number), None)
        if found is None:
            raise Problem(404, say("no erasure {number} waits for a decision; it was decided on already, or never proposed", number=number))
        return found

    async def confirm(self, number: int, by: Actor) -> tuple[Erased, Scope]:
        """See `Erasing.confirm`."""
        await self.proposal(number)
        return await self._do(lambda: self._erasing.confirm(number, by))

    async def reject(self, number: int, reason: str, by: Actor) -> None:
        """See `Erasing.reject`."""
        await self.proposal(number)
        await self._do(lambda: self._erasing.reject(number, _reason(reason), by))

    async def give(self, subjects: Sequence[str], by: Actor) -> Held:
        """Everything that is held about these; that it was given out is on record."""
        return await self._do(lambda: SubjectAccess(self._engine, self._store.vault).export(_some(subjects), by))

    async def holds(self) -> list[Hold]:
        """Those in force."""
        return await self._do(self._holds.in_force)

    async def hold(self, cases: Sequence[str], reason: str, by: Actor) -> int:
        """Put a hold on cases; its number."""
        wanted = [case for case in dict.fromkeys(case.strip() for case in cases) if case]
        if not wanted or any("\0" in case for case in wanted):
            raise Problem(422, say("cases: name at least one case by its id or number"))
        return await self._do(lambda: self._holds.set(wanted, _reason(reason), by))

    async def lift(self, number: int, reason: str, by: Actor) -> None:
        """End a hold."""
        if number not in {one.number for one in await self.holds()}:
            raise Problem(404, say("there is no hold {number} in force", number=number))
        await self._do(lambda: self._holds.lift(number, _reason(reason), by))

    async def retention(self) -> list[Applied]:
        """What retention would destroy now."""
        return await self._do(lambda: Retention(self._engine, PostgresBook(self._engine)).apply(datetime.now(UTC), dry_run=True))

    async def _do(self, call: Callable[[], _T]) -> _T:
        try:
            return await in_thread(self.threads, call)
        except CannotErase as error:
            raise Problem(409, error.args[0], code="cannot_erase") from None  # a page tells it in its reader's language
        except NoHold as error:
            raise Problem(409, error.args[0], code="no_hold") from None
        except BadErasureList as error:
            raise Problem(503, str(error), code="no_erasure_list") from None
        except ProgrammingError as error:
            if "permission denied to set role" not in str(error):
                raise
            told = (
                f"the API's database login may not act as {ROLE}, and only that role may look for customers or destroy words: set "
                "LOOPKEEPER_PRIVACY_DATABASE_URL for the API (docs/privacy.md), or use the command `loopkeeper privacy`"
            )
            raise Problem(503, told, code="not_set_up") from None


def _ids(given: Sequence[str]) -> list[str]:
    try:
        return [str(uuid.UUID(one)) for one in dict.fromkeys(given)]
    except ValueError:
        raise Problem(422, "customers: each is named by the id that finding them shows, like 019a…-…") from None


def _some(given: Sequence[str]) -> list[str]:
    ids = _ids(given)
    if not 0 < len(ids) <= AT_MOST:
        raise Problem(422, say("customers: choose at least one, and {most} at most", most=AT_MOST))
    return ids


def _reason(given: str) -> str:
    reason = given.strip()
    if not 0 < len(reason) <= 500 or "\0" in reason:
        told = say("reason: is needed, in 500 signs at most; it stays on record, so refer to a ticket or a letter and name nobody")
        raise Problem(422, told)
    return reason
