"""What people at the desk look up, and who is writing: reads of the database, off the event loop."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from adapters.postgres.drafts import Writing
from adapters.postgres.intake import Arrival
from adapters.postgres.reading import Wanted
from adapters.postgres.rows import Row
from adapters.postgres.searching import told_apart
from adapters.postgres.store import Store
from adapters.slack.lists import Listed, Page
from api.intake import GroupCommit
from domain.case import Case
from domain.casefile import CaseFile
from domain.events import ReplyPlanned
from domain.evolve import evolve
from domain.inbound import PostCreated
from domain.index_terms import wanted_words, words_of
from domain.pace import Pace
from domain.policy import Policy
from domain.rights import EVERYWHERE, Colleague
from domain.story import Line, story
from domain.values import NOWHERE, PRIVATE_PURPOSES, Actor, Purpose, case_id

_T = TypeVar("_T")
_NEWEST = 200
"""So many of the newest cases are looked at one by one, where they are not indexed yet."""
_COUNTED = 1000
"""A list is counted so far: no person works through more."""
_BEGINS_WITH_A_NUMBER = re.compile(r"\d{1,9}\b")
_FOUND = 100
"""So many cases are found at most."""


@dataclass(frozen=True)
class Looking:
    """See the module's text."""

    store: Store
    commits: GroupCommit
    threads: Executor
    pace: Pace

    def now(self) -> datetime:
        """The loop's time."""
        return self.pace.loop_time(datetime.now(UTC))

    async def policy(self) -> Policy:
        """The policy in force."""
        at_hand = self.store.book.at_hand()
        return at_hand if at_hand is not None else await self._in_thread(self.store.book.active)

    async def had_by(self, case: str) -> frozenset[str]:
        """The departments that have, or have had, a case."""
        return await self._in_thread(lambda: frozenset(card.department for card in self.store.cards.of_case(case)))

    async def noted(self, case: str, by: Actor) -> None:
        """Put on record that somebody is about to read the case, with what people wrote in it."""
        await self._in_thread(lambda: self.store.audit.note(case, None, by, words=True))

    async def numbered(self, number: int) -> CaseFile | None:
        """The case with that number."""

        def look() -> CaseFile | None:
            found = self.store.reader.numbered(number)
            return self.store.reader.file(found) if found is not None else None

        return await self._in_thread(look)

    async def of_thread(self, channel: str, thread: str) -> str | None:
        """The case whose story is told in that thread."""
        return await self._in_thread(lambda: self.store.cards.case_of(channel, thread))

    async def listed(self, wanted: Wanted, at_most: int) -> Page:
        """Open cases, those that are due first first."""

        def look() -> Page:
            cases = [self._listed(row) for row in self.store.reader.listed(wanted, at_most)]
            if len(cases) < at_most:
                return Page(cases)
            numbers, shown = self.store.reader.numbers(wanted, _COUNTED), {case.number for case in cases}
            return Page(cases, [n for n in numbers if n not in shown], at_least=len(numbers) == _COUNTED)

        return await self._in_thread(look)

    async def found(self, words: str, colleague: Colleague, at_most: int = 10) -> Page:
        """The newest cases in which all of these words stand, among those that this colleague may see.

        `#42` is that case, and so may be 42. Of the last seconds' cases, which are not indexed yet, only the first post is looked at.
        """
        departments = None if colleague.actor.role in EVERYWHERE else colleague.departments
        readings = [words, *([f"#{words}"] if _BEGINS_WITH_A_NUMBER.match(words) else [])]

        def look() -> Page:
            fresh = {row.number: row for row in self.store.reader.not_indexed(_NEWEST) if any(_fits(row, r, departments) for r in readings)}
            known = [self.store.search.found_by_words(reading, _FOUND, departments) for reading in readings]
            newest = sorted({*fresh, *(number for numbers in known for number in numbers)}, reverse=True)
            rows = {row.number: row for row in self.store.reader.rows([n for n in newest[:at_most] if n not in fresh])} | fresh
            shown = [self._listed(self.store.reader.discreet(rows[n])) for n in newest[:at_most] if n in rows]
            return Page(shown, newest[at_most:], at_least=any(len(numbers) == _FOUND for numbers in known))

        return await self._in_thread(look)

    def _listed(self, row: Row) -> Listed:
        policy = self.store.book.active()
        desk = policy.departments.get(row.department)
        return Listed(
            case_id=row.case_id,
            number=row.number,
            priority=row.priority,
            department=desk.name if desk is not None else row.department,
            customer=row.customer,
            words=row.words,
            owner=row.owner,
            due_at=row.due_at,
            due_clock=row.due_clock,
            breached=bool(row.breached),
            stalled=row.stalled_at is not None,
        )

    async def begins_to_write(self, case: str, person: str, saying: str) -> list[Writing]:
        """Somebody begins to write, or goes on; who else is writing to the same customer."""
        return await self._in_thread(lambda: self.store.drafts.begin(case, person, saying))

    async def stops_writing(self, case: str, person: str) -> None:
        """They have sent it, or thought better of it."""
        await self._in_thread(lambda: self.store.drafts.end(case, person))

    async def text(self, case: str, reference: str) -> str:
        """Words that somebody has just written, to be shown to them again; also private ones."""
        return await self._in_thread(lambda: self.store.reader.text(case, reference))

    async def open_by_hand(self, *, brand: str, channel: str, customer: str, name: str, text: str, once: str) -> str:
        """Open a case for what reached us by another way. `once`: the same is the same case. Its id. Raises Unavailable."""
        native = f"hand.{uuid.uuid5(uuid.NAMESPACE_URL, once).hex[:20]}"
        author = {"id": customer, "name": name or None, "handle": None}
        data = {
            "id": native,
            "url": f"{NOWHERE}{channel}/{native}",
            "text": text,
            "posted_at": datetime.now(UTC),
            "author": author,
        }
        event = PostCreated.model_validate({"type": "post.created", "brand": brand, "data": data})
        await self.commits.store(Arrival(channel, event.key, f"slack:{native}", event.model_dump_json().encode()))
        return case_id(brand, channel, native)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)


def _fits(row: Row, typed: str, departments: frozenset[str] | None) -> bool:
    """Whether a case that is not indexed yet is one that was looked for, by its first post."""
    number, rest = told_apart(typed)
    terms = wanted_words(rest)
    if (not terms and number is None) or (departments is not None and row.department not in departments):
        return False
    return number in (None, row.number) and set(terms) <= set(words_of(f"{row.customer} {row.words}"))


def since(file: CaseFile, turn: int) -> list[Line]:
    """What has happened in a case since somebody read it at that turn, and they must know before they speak to the customer."""
    told = {line.seq: line for line in story(file)}
    case = Case(file.case_id)
    found: list[Line] = []
    for seq, entry in file.history:
        before, case = case, evolve(case, entry.event)
        if case.turn > max(turn, before.turn):
            event = entry.event
            line = told.get(seq) if not isinstance(event, ReplyPlanned) else _on_its_way(file, seq, event, event.author or entry.by.person)
            found += [line] if line is not None else []
    return found


def since_event(file: CaseFile, number: int) -> list[Line]:
    """What has happened in a case after that event, as people are told."""
    return [line for line in story(file) if line.seq > number]


_SAYS = {
    Purpose.UPDATE: "has told the customer",
    Purpose.ASK: "has asked the customer",
    Purpose.THANK_YOU: "thanks the customer",
    Purpose.PRIVATE: "has written to the customer in private",
    Purpose.WENT_PRIVATE: "says in public that it goes on in private",
}


def _on_its_way(file: CaseFile, seq: int, event: ReplyPlanned, person: str) -> Line:
    """What a colleague says: it need not be posted yet."""
    words = None if event.purpose in PRIVATE_PURPOSES else file.text_of(event.words)
    return Line(seq, event.at, "public", f"{file.name_of(person)} {_SAYS.get(event.purpose, 'answers the customer')}", words)
