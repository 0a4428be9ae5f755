"""Erasing customers: proposed by one person, confirmed by another, destroyed in one transaction. Acts as privacy. See docs/privacy.md."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.customers import Customers
from adapters.postgres.engine import transaction
from adapters.postgres.indexing import forget as forget_terms
from adapters.postgres.journal import note
from adapters.postgres.leftovers import leftovers
from adapters.postgres.vault import Vault
from domain.erasure import CannotErase, Erased, ErasureList, Listed, Proposal, Scope, names_somebody
from domain.journal import ErasureProposed, ErasureRejected, SubjectErased
from domain.sentences import say
from domain.values import SYSTEM, Actor

Forget = Callable[[Connection, Sequence[str]], object]
"""Clears what else is kept of cases (by their ids), such as what is searched, within the same transaction."""
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(0x6C6F6570)")
"""Erasures, holds and retention: none may look while another changes what it looks at."""

_PROPOSE = text(
    "insert into erasure (subjects, cases, reason, proposed_by) values (cast(:subjects as uuid[]), :cases, :reason, :by) returning *"
)
_GET = text("select * from erasure where number = :number for update")
_DECIDE = text("update erasure set state = :state, decided_by = :by, decided_at = clock_timestamp() where number = :number")
_LOCK = text("select id, author_hash, erased_at from subject where id = any(cast(:ids as uuid[])) order by id for update")
_DESTROY_WORDS = text(
    "update words set sealed = null, erased_hash = sealed_hash where subject_id = cast(:subject as uuid) and sealed is not null"
)
_ERASE = text(
    "update subject set wrapped_key = null, profile = null, author_hash = :random, erased_at = clock_timestamp() "
    "where id = cast(:id as uuid)"
)
_OWN_CASES = text("select case_id from cases where subject_id = any(cast(:ids as uuid[])) order by number")
_STILL_OPEN = text("select case_id from cases where case_id = any(:cases) and ended is null and closed_at is null order by number")
COPIES = (
    text("update effect set text_hash = null where case_id = any(:cases) and text_hash is not null"),
    text("update desk_card set shown_hash = null where case_id = any(:cases)"),
    text("delete from draft where case_id = any(:cases)"),
    text("update cases set forgotten_at = clock_timestamp() where case_id = any(:cases)"),
)
"""What else is kept of cases whose words are destroyed."""
_HOURS = text("delete from hours_told where subject_id = any(cast(:ids as uuid[]))")
_EXPORTS = text("delete from export where of_somebody or with_words")
"""Exports that were asked for and can name them, or hold their words: whoever sends one stops."""
_INBOUND = text("update inbound set sealed = null, message = null, state = 'done', reason = 'its author was erased' where id = any(:ids)")


class Erasing:
    """Erasures. `outside`: the list that a restore does not touch; None when none is set up, and then nothing can be confirmed."""

    def __init__(self, engine: Engine, vault: Vault, outside: ErasureList | None, forget: Sequence[Forget] = (forget_terms,)) -> None:
        self._engine = engine
        self._vault = vault
        self._outside = outside
        self._forget = tuple(forget)
        self._customers = Customers(engine, vault)

    def propose(self, subjects: Sequence[str], reason: str, by: Actor) -> tuple[Proposal, Scope]:
        """Propose to erase these customers; nothing is destroyed yet. Raises CannotErase."""
        with transaction(self._engine) as connection:
            connection.execute(ONE_AT_A_TIME)
            scope = self._customers.scope_in(connection, subjects)
            _refuse(scope.objection())
            named = names_somebody(reason, scope.customers)
            if named is not None:
                raise CannotErase(
                    say(
                        "the reason stays on record for ever, so it must not name them ('{named}'): refer to a ticket or a letter",
                        named=named,
                    )
                )
            cases = [case.case_id for case in scope.cases]
            row = connection.execute(_PROPOSE, {"subjects": list(subjects), "cases": cases, "reason": reason, "by": by.person}).one()
            noted = ErasureProposed(datetime.now(UTC), str(row.id), tuple(subjects), tuple(cases), reason)
            note(connection, [noted], by, f"erasure:{row.number}")
        return _proposal(row), scope

    def proposals(self) -> list[Proposal]:
        """Those that nobody has decided on yet."""
        with transaction(self._engine) as connection:
            return [_proposal(r) for r in connection.execute(text("select * from erasure where state = 'proposed' order by number"))]

    def reject(self, number: int, reason: str, by: Actor) -> None:
        """Decide against it; also whoever proposed it may. Raises CannotErase."""
        with transaction(self._engine) as connection:
            row = self._undecided(connection, number)
            connection.execute(_DECIDE, {"number": number, "state": "rejected", "by": by.person})
            note(connection, [ErasureRejected(datetime.now(UTC), str(row.id), reason)], by, f"erasure:{number}")

    def confirm(self, number: int, by: Actor) -> tuple[Erased, Scope]:
        """Destroy what was proposed. Afterwards nobody can bring it back. Raises CannotErase, BadErasureList; then nothing was changed."""
        if self._outside is None:
            raise CannotErase(
                "set LOOPKEEPER_ERASURE_LIST to a file outside the database: without that list, a restored backup would bring them back"
            )
        with transaction(self._engine) as connection:
            connection.execute(ONE_AT_A_TIME)
            row = self._undecided(connection, number)
            if row.proposed_by == by.person:
                raise CannotErase(say("erasure {number} was proposed by you; a second person has to confirm it", number=number))
            subjects = [str(one) for one in row.subjects]
            locked = connection.execute(_LOCK, {"ids": subjects}).all()  # from here on nobody writes words of theirs
            scope = self._customers.scope_in(connection, subjects)
            _refuse(scope.objection_to(number, row.cases))
            now = datetime.now(UTC)
            lines = [Listed(now, str(row.id), str(one.id), self._keyed(bytes(one.author_hash))) for one in locked]
            erased = self._destroy(connection, lines, by, again=False)
            connection.execute(_DECIDE, {"number": number, "state": "confirmed", "by": by.person})
            self._outside.add(lines)  # before the commit: better one too many in the list than one too few
        return erased, scope

    def again(self) -> tuple[Erased, list[str]]:
        """After a restore: erase whoever is in the list and in the database. What was erased, and which of their cases are open here.

        It was confirmed once, so nothing stands in its way: neither an open case, nor a hold that was lifted by then. Raises CannotErase
        when the list is of another installation.
        """
        if self._outside is None:
            raise CannotErase("set LOOPKEEPER_ERASURE_LIST to the erasure list; it says who has to be erased again")
        listed = {line.subject: line for line in self._outside.lines()}
        with transaction(self._engine) as connection:
            connection.execute(ONE_AT_A_TIME)
            there = [row for row in connection.execute(_LOCK, {"ids": list(listed)}) if row.erased_at is None]
            for row in there:
                if self._keyed(bytes(row.author_hash)) != listed[str(row.id)].author:
                    raise CannotErase(
                        f"the erasure list means somebody else by {row.id}: it is another installation's, or LOOPKEEPER_INDEX_KEY changed"
                    )
            lines = [listed[str(row.id)] for row in there]
            erased = self._destroy(connection, lines, SYSTEM, again=True)
            still_open = connection.execute(_STILL_OPEN, {"cases": list(erased.cases)}).scalars().all()
        return erased, list(still_open)

    def _destroy(self, connection: Connection, lines: Sequence[Listed], by: Actor, *, again: bool) -> Erased:
        """All of it; the subjects are locked."""
        subjects = [line.subject for line in lines]
        lying = leftovers(connection, self._vault, subjects)  # found by what is destroyed below
        connection.execute(_INBOUND, {"ids": lying})
        every: list[str] = []
        words = 0
        for line in lines:
            cases = connection.execute(_OWN_CASES, {"ids": [line.subject]}).scalars().all()
            destroyed = connection.execute(_DESTROY_WORDS, {"subject": line.subject}).rowcount
            connection.execute(_ERASE, {"id": line.subject, "random": os.urandom(32)})
            noted = SubjectErased(datetime.now(UTC), line.erasure, line.subject, tuple(cases), destroyed, again)
            note(connection, [noted], by, f"erasure:{line.erasure}")
            every += cases
            words += destroyed
        connection.execute(_HOURS, {"ids": subjects})
        connection.execute(_EXPORTS)
        for copies in COPIES:
            connection.execute(copies, {"cases": every})
        for forget in self._forget:
            forget(connection, every)
        return Erased(len(lines), tuple(every), words, len(lying))

    def _undecided(self, connection: Connection, number: int) -> Any:
        row = connection.execute(_GET, {"number": number}).one_or_none()
        if row is None:
            raise CannotErase(f"there is no erasure {number}; see: loopkeeper privacy list")
        if row.state != "proposed":
            raise CannotErase(f"erasure {number} was {row.state} already, on {row.decided_at:%Y-%m-%d} by {row.decided_by}")
        return row

    def _keyed(self, author_hash: bytes) -> str:
        """What the list says of an author: no use to whoever has the list, or the list and the database, but not the index key."""
        return hmac.new(self._vault.index_key, b"erasure list\n" + author_hash, hashlib.sha256).hexdigest()


def _proposal(row: Any) -> Proposal:
    subjects = tuple(str(one) for one in row.subjects)
    return Proposal(str(row.id), row.number, subjects, tuple(row.cases), row.reason, row.proposed_by, row.proposed_at, row.state)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise CannotErase(reason)
