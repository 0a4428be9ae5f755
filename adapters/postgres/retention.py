"""Destroying the words of cases whose time is over, a few hundred cases at a time. Acts as privacy. See docs/privacy.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.erasing import COPIES, ONE_AT_A_TIME, Forget
from adapters.postgres.indexing import forget as forget_terms
from adapters.postgres.journal import note
from domain.journal import RetentionApplied
from domain.ports import PolicyBook
from domain.retention import DEFAULT, Ended, due, ending_of
from domain.values import SYSTEM, Actor

_AT_ONCE = 500
_OVER = text(
    "select k.case_id, k.ended, k.category, to_timestamp(h.recorded_us / 1000000.0) as last, k.intent = 'spam' or (k.ended = 'dismissed' "
    'and exists (select 1 from case_event e where e.case_id = k.case_id and e.doc like \'%"reason":"spam"%\' '
    'and e.doc like \'%"kind":"dismissed"%\')) as spam, '
    "exists (select 1 from held_case c join hold on hold.id = c.hold_id where c.case_id = k.case_id and lifted_at is null) as held "
    "from cases k join case_head h on h.case_id = k.case_id where k.ended is not null and k.case_id > :after "
    "and (k.forgotten_at is null or h.recorded_us > extract(epoch from k.forgotten_at) * 1000000) "
    "and h.recorded_us <= :latest order by k.case_id limit :limit"
)
# The first words of a later case can have been written to an earlier one, for which they came too late: they stay with the later one.
_OF_CASES = (
    "w.sealed is not null and w.id in (select id from words where case_id = any(:cases) union all "
    "select words from post where case_id = any(:cases)) and not exists (select 1 from cases later where later.subject_id = w.subject_id "
    "and later.words = w.id and later.case_id <> all(:cases))"
)
_COUNT = text(f"select count(*) from words w where {_OF_CASES}")  # noqa: S608 - our own text
_LOCK = text(
    "select s.id from subject s where s.id in (select subject_id from cases where case_id = any(:cases) union "  # noqa: S608 - as above
    f"select w.subject_id from words w where {_OF_CASES}) order by s.id for update"
)
_DESTROY = text(f"update words w set sealed = null, erased_hash = sealed_hash where {_OF_CASES}")  # noqa: S608 - as above
_STRANGERS = text(
    "update subject s set wrapped_key = null, profile = null, erased_at = clock_timestamp(), "
    "author_hash = sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) "
    "where s.id = any(:subjects) and s.erased_at is null "
    "and not exists (select 1 from words w where w.subject_id = s.id and w.sealed is not null) "
    "and not exists (select 1 from cases k where k.subject_id = s.id and k.forgotten_at is null) returning s.id"
)
_HOURS = text("delete from hours_told where subject_id = any(:subjects)")
_LYING = "inbound where state = 'quarantined' and sealed is not null and received_at <= :before"
_COUNT_LYING = text(f"select count(*) from {_LYING}")  # noqa: S608 - as above
_DESTROY_LYING = text(
    "update inbound set sealed = null, state = 'done', reason = 'its time was over' where id in "  # noqa: S608 - as above
    f"(select id from {_LYING} limit 5000)"
)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the cases under one rule: how many were due, how many words went with them, and how many a hold kept."""

    rule: str
    older_than: datetime
    cases: int = 0
    words: int = 0
    held: int = 0
    customers: int = 0


class Retention:
    """Applies the retention of the policy in force. For the housekeeping workflow, once a day, and for `loopkeeper privacy retention`."""

    def __init__(self, engine: Engine, book: PolicyBook, forget: Sequence[Forget] = (forget_terms,)) -> None:
        self._engine = engine
        self._book = book
        self._forget = tuple(forget)

    def apply(self, now: datetime, dry_run: bool = True, by: Actor = SYSTEM) -> list[Applied]:
        """Destroy the words whose time is over at `now`, or only count them; what became of each rule, by name.

        Safe to repeat, and to run twice at once. What is destroyed is on record in the same transaction. Raises Unavailable.
        """
        kept = self._book.active().retention
        if not kept:
            return []
        found: dict[str, Applied] = {rule: Applied(rule, now - span) for rule, span in sorted(kept.items())}
        after: str | None = ""
        while after is not None:
            with transaction(self._engine) as connection:
                connection.execute(ONE_AT_A_TIME)
                after = self._batch(connection, kept, now, after, found, by, dry_run=dry_run)
        if DEFAULT in kept:
            found[DEFAULT] = self._lying(found[DEFAULT], by, dry_run=dry_run)
        return list(found.values())

    def _batch(
        self,
        connection: Connection,
        kept: dict[str, timedelta],
        now: datetime,
        after: str,
        found: dict[str, Applied],
        by: Actor,
        *,
        dry_run: bool,
    ) -> str | None:
        """The next few hundred cases; where to go on, None at the end."""
        latest = int((now - min(kept.values())).timestamp() * 1_000_000)
        rows = connection.execute(_OVER, {"after": after, "latest": latest, "limit": _AT_ONCE}).all()
        cases = {r.case_id: Ended(r.case_id, ending_of(r.ended, spam=r.spam), r.category, r.last) for r in rows}
        held = {row.case_id for row in rows if row.held}
        for rule, those in due(kept, cases.values(), now).items():
            going = [case for case in those if case not in held]
            one = found[rule]
            one = replace(one, held=one.held + len(those) - len(going))
            if going:
                words, customers = self._destroyed(connection, going, dry_run=dry_run)
                one = replace(one, cases=one.cases + len(going), words=one.words + words, customers=one.customers + customers)
                if not dry_run:
                    note(connection, [RetentionApplied(datetime.now(UTC), rule, one.older_than, len(going), words)], by, "retention")
            found[rule] = one
        return rows[-1].case_id if len(rows) == _AT_ONCE else None

    def _destroyed(self, connection: Connection, cases: list[str], *, dry_run: bool) -> tuple[int, int]:
        """How many words, and how many customers of whom nothing is left then."""
        if dry_run:
            return connection.execute(_COUNT, {"cases": cases}).scalar_one(), 0
        subjects = connection.execute(_LOCK, {"cases": cases}).scalars().all()  # from here on nobody writes words of theirs
        words = connection.execute(_DESTROY, {"cases": cases}).rowcount
        for copies in COPIES:
            connection.execute(copies, {"cases": cases})
        for forget in self._forget:
            forget(connection, cases)
        gone = connection.execute(_STRANGERS, {"subjects": subjects}).scalars().all()
        connection.execute(_HOURS, {"subjects": gone})
        return words, len(gone)

    def _lying(self, default: Applied, by: Actor, *, dry_run: bool) -> Applied:
        """What could never be placed with a case falls under the default."""
        with transaction(self._engine) as connection:
            before = {"before": default.older_than}
            words = (
                connection.execute(_COUNT_LYING, before).scalar_one() if dry_run else connection.execute(_DESTROY_LYING, before).rowcount
            )
            if words and not dry_run:
                note(connection, [RetentionApplied(datetime.now(UTC), DEFAULT, default.older_than, 0, words)], by, "retention")
        return replace(default, words=default.words + words)
