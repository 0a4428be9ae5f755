"""From the log to deliveries, and the deliveries whose time has come."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem, Keyring
from adapters.postgres.engine import transaction
from adapters.postgres.hooks import SEALED, wanted_of
from domain.case import Case
from domain.evolve import evolve
from domain.history import read
from domain.hooks import AT_ONCE, HOLDS_UP, KEPT, Due, Outcome, Wanted, body_of, next_try
from domain.journal import JOURNAL

LEASE = timedelta(minutes=2)
"""A try that nobody has heard of for so long is lost, with the process that made it."""
_ONE_AT_A_TIME = 0x74656C6C
_TAKE = text("select leaf, case_id, seq from log_leaf where leaf > :after order by leaf limit :limit")
_SUBSCRIBED = text("select * from webhook where revoked_at is null order by id for share")
_CASES = text("select case_id, number from cases where case_id = any(:cases)")
_EVENTS = text("select case_id, seq, event_id, key, doc, recorded_us from case_event where case_id = any(:cases) order by case_id, seq")
_ADD = text(
    "insert into webhook_delivery (webhook_id, event_id, case_id, kind, body, due_at) "
    "select one->>'webhook', one->>'event', one->>'case', one->>'kind', one->>'body', :now "
    "from jsonb_array_elements(cast(:rows as jsonb)) with ordinality as told(one, place) order by place "
    "on conflict (webhook_id, event_id) do nothing"
)
# An earlier event of the case comes first, unless it has failed so often that the later ones do not wait for it any longer.
_CLAIM = text(
    "with mine as (select w.id, w.url, w.secret, w.secret_before, w.before_until, d.number from webhook w "
    "left join unnest(cast(:ids as text[]), cast(:under_way as int[])) as busy(id, under_way) on busy.id = w.id "
    "cross join lateral (select number from webhook_delivery o where o.webhook_id = w.id and o.state = 'pending' and o.due_at <= :now "
    "and not exists (select 1 from webhook_delivery e where e.webhook_id = o.webhook_id and e.case_id = o.case_id "
    "and e.state = 'pending' and e.number < o.number and e.attempts < :holds_up) "
    "order by o.due_at, o.number limit greatest(0, :at_once - coalesce(busy.under_way, 0)) for update skip locked) d "
    "where w.active and w.revoked_at is null) "
    "update webhook_delivery d set claim = d.claim + 1, due_at = :lost from mine where d.number = mine.number "
    "returning d.number, d.webhook_id, d.event_id, d.body, d.attempts, d.claim, "
    "mine.url, mine.secret, mine.secret_before, mine.before_until"
)
_SETTLE = text(
    "update webhook_delivery set state = :state, attempts = attempts + 1, status = :status, problem = :problem, "
    "due_at = coalesce(:due, due_at), settled_at = :settled where number = :number and claim = :claim and state = 'pending'"
)
_FORGET = text(
    "delete from webhook_delivery where number in "
    "(select number from webhook_delivery where settled_at < :before order by settled_at limit 5000)"
)


class Subscriptions:
    """Follows the log: a delivery for each subscription that wants an event. One at a time, whoever else tries."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def follow(self, at_most: int = 1_000) -> int:
        """Take up to so many further events of the log; how many were taken. One transaction. Raises Unavailable."""
        with transaction(self._engine) as connection:
            if not connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar_one():
                return 0
            after = connection.execute(text("select leaf from webhook_progress")).scalar_one()
            taken = connection.execute(_TAKE, {"after": after, "limit": at_most}).all()
            if not taken:
                return 0
            # After the events, so that whoever subscribed before one of them happened is seen.
            subscribed = connection.execute(_SUBSCRIBED).all()
            if subscribed:
                self._deliver(connection, taken, [(row.id, wanted_of(row), _microseconds(row.created_at)) for row in subscribed])
            connection.execute(text("update webhook_progress set leaf = :leaf"), {"leaf": taken[-1].leaf})
        return len(taken)

    def _deliver(self, connection: Connection, taken: Any, subscribed: list[tuple[str, Wanted, int]]) -> None:
        """In the order of the log; of one case, in the order in which it happened."""
        new: dict[str, set[int]] = defaultdict(set)
        for leaf in taken:
            if not leaf.case_id.startswith(JOURNAL):
                new[leaf.case_id].add(leaf.seq)
        if not new:
            return
        found = {}
        numbers = {row.case_id: row.number for row in connection.execute(_CASES, {"cases": sorted(new)})}
        case = Case("")
        for row in connection.execute(_EVENTS, {"cases": sorted(new)}):
            event = read(row.doc, row.key).event
            case = evolve(case if case.id == row.case_id else Case(row.case_id), event)
            if row.seq not in new[row.case_id]:
                continue
            wanting = [id_ for id_, wanted, since in subscribed if row.recorded_us >= since and wanted.wants(event.kind, case.brand)]
            if wanting:
                body = body_of(case, numbers[row.case_id], row.seq, event)
                found[row.case_id, row.seq] = (wanting, {"event": f"evt_{row.event_id.hex}", "kind": event.kind, "body": body})
        rows = [
            {"webhook": webhook, "case": leaf.case_id, **told}
            for leaf in taken
            for wanting, told in [found.get((leaf.case_id, leaf.seq), ((), {}))]
            for webhook in wanting
        ]
        if rows:
            connection.execute(_ADD, {"rows": json.dumps(rows), "now": datetime.now(UTC)})


class PostgresOutbox:
    """See `domain.hooks.Outbox`."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def claim(self, busy: dict[str, int], now: datetime) -> list[Due]:
        """See `domain.hooks.Outbox.claim`. One whose secret cannot be opened has none, and is told so when it is tried."""
        values = {
            "ids": list(busy),
            "under_way": list(busy.values()),
            "now": now,
            "lost": now + LEASE,
            "holds_up": HOLDS_UP,
            "at_once": AT_ONCE,
        }
        with transaction(self._engine) as connection:
            rows = connection.execute(_CLAIM, values).all()
        return [
            Due(row.number, row.webhook_id, row.event_id, row.url, row.body, self._secrets(row, now), row.attempts, row.claim)
            for row in sorted(rows, key=lambda row: row.number)
        ]

    def settle(self, due: Due, outcome: Outcome, now: datetime) -> None:
        """See `domain.hooks.Outbox.settle`."""
        again = next_try(due.failed + 1, now) if outcome.problem is not None else None
        state = "delivered" if outcome.problem is None else "dead" if again is None else "pending"
        values = {
            "state": state,
            "status": outcome.status,
            "problem": outcome.problem,
            "due": again,
            "settled": None if state == "pending" else now,
            "number": due.number,
            "claim": due.claim,
        }
        with transaction(self._engine) as connection:
            connection.execute(_SETTLE, values)

    def forget(self, now: datetime) -> int:
        """See `domain.hooks.Outbox.forget`."""
        with transaction(self._engine) as connection:
            return connection.execute(_FORGET, {"before": now - KEPT}).rowcount

    def _secrets(self, row: Any, now: datetime) -> tuple[str, ...]:
        sealed = [row.secret]
        if row.secret_before is not None and row.before_until > now:
            sealed.append(row.secret_before)
        try:
            return tuple(self._keyring.open(SEALED, one, row.webhook_id.encode()).decode() for one in sealed)
        except KeyProblem:
            return ()


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
