"""Subscriptions of other systems, and what is to be delivered to them. domain/hooks.py has the rules."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, text

from adapters.keyring import Keyring
from adapters.postgres.engine import transaction
from adapters.postgres.journal import note, now
from domain.errors import LoopkeeperError
from domain.hooks import MOST, OVERLAP, TEST, UnfitWebhook, Wanted, trial_body
from domain.journal import AdminActed
from domain.values import Actor

SEALED = "webhook secrets"
_ONE_AT_A_TIME = 0x686F6F6B
_MAKE = text(
    "insert into webhook (id, url, events, brands, description, active, secret, created_by) "
    "values (:id, :url, :events, :brands, :description, :active, :secret, :by) returning *"
)
_ONE = text("select * from webhook where id = :id and revoked_at is null for update")
_CHANGE = text(
    "update webhook set url = :url, events = :events, brands = :brands, description = :description, active = :active "
    "where id = :id and revoked_at is null returning *"
)
_CHANGE_SECRET = text(
    "update webhook set secret_before = secret, before_until = :until, secret = :secret where id = :id and revoked_at is null"
)
_REVOKE = text(
    "update webhook set revoked_at = clock_timestamp(), active = false, secret = null, secret_before = null, before_until = null "
    "where id = :id and revoked_at is null"
)
_DROP = text(
    "update webhook_delivery set state = 'dropped', settled_at = clock_timestamp(), problem = 'the subscription was revoked', "
    "claim = claim + 1 where webhook_id = :id and state = 'pending'"
)
_DELIVERIES = text(
    "select * from webhook_delivery where webhook_id = :id and (cast(:before as bigint) is null or number < :before) "
    "and (cast(:state as text) is null or state = :state) order by number desc limit :limit"
)
_REPLAY = text(
    "update webhook_delivery set state = 'pending', attempts = 0, claim = claim + 1, due_at = :now, status = null, problem = null, "
    "settled_at = null where webhook_id = :id and event_id = :event and state <> 'dropped' returning *"
)
_TRY = text("insert into webhook_delivery (webhook_id, event_id, kind, body, due_at) values (:id, :event, :kind, :body, :now) returning *")


class NoSuchWebhook(LoopkeeperError):
    """There is no such subscription, or no such delivery to it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription as the list shows it, without its secret."""

    id: str
    wanted: Wanted
    created_at: datetime
    revoked_at: datetime | None
    before_until: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one subscription, and what became of it. `state`: pending, delivered, dead, or dropped (revoked meanwhile)."""

    number: int
    event_id: str
    kind: str
    case_id: str | None
    state: str
    attempts: int
    due_at: datetime
    status: int | None
    problem: str | None
    created_at: datetime
    settled_at: datetime | None


class Hooks:
    """The subscriptions, and the deliveries as admins see them. Whatever changes something is put on record with it."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def make(self, wanted: Wanted, by: Actor) -> tuple[Webhook, str]:
        """A new subscription, to what happens from here on; and its secret, which is kept sealed.

        Raises UnfitWebhook when there are too many.
        """
        identity, secret = secrets.token_hex(6), new_secret()
        with transaction(self._engine) as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
            if connection.execute(text("select count(*) from webhook where revoked_at is null")).scalar_one() >= MOST:
                raise UnfitWebhook(f"there are {MOST} subscriptions already, which is the most; revoke one that is not needed")
            values = _values(identity, wanted) | {"secret": self._sealed(identity, secret), "by": by.person}
            made = _webhook(connection.execute(_MAKE, values).one())
            _on_record(connection, "webhook_made", identity, by, after=_spoken(wanted))
        return made, secret

    def all(self) -> list[Webhook]:
        """Those that are not revoked, the oldest first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(text("select * from webhook where revoked_at is null order by created_at, id"))
            return [_webhook(row) for row in rows]

    def one(self, identity: str) -> Webhook:
        """A subscription. Raises NoSuchWebhook."""
        with transaction(self._engine) as connection:
            return _one(connection, identity)

    def change(self, identity: str, wanted: Wanted, by: Actor) -> Webhook:
        """Make it what is wanted. Raises NoSuchWebhook."""
        with transaction(self._engine) as connection:
            before = _one(connection, identity)
            row = connection.execute(_CHANGE, _values(identity, wanted)).one_or_none()
            if row is None:
                raise NoSuchWebhook(_gone(identity))
            _on_record(connection, "webhook_changed", identity, by, before=_spoken(before.wanted), after=_spoken(wanted))
        return _webhook(row)

    def change_secret(self, identity: str, by: Actor, at: datetime) -> tuple[str, datetime]:
        """A new secret, and until when the one before signs as well. Raises NoSuchWebhook."""
        secret, until = new_secret(), at + OVERLAP
        with transaction(self._engine) as connection:
            _one(connection, identity)
            connection.execute(_CHANGE_SECRET, {"id": identity, "secret": self._sealed(identity, secret), "until": until})
            _on_record(connection, "webhook_secret_changed", identity, by)
        return secret, until

    def revoke(self, identity: str, by: Actor) -> None:
        """End it: its secret is gone, and what waits for it is not delivered any more. Raises NoSuchWebhook."""
        with transaction(self._engine) as connection:
            _one(connection, identity)
            connection.execute(_REVOKE, {"id": identity})
            connection.execute(_DROP, {"id": identity})
            _on_record(connection, "webhook_revoked", identity, by)

    def deliveries(self, identity: str, *, before: int | None, state: str | None, at_most: int) -> Sequence[Delivery]:
        """The newest first, from before that number on. Raises NoSuchWebhook."""
        values = {"id": identity, "before": before, "state": state, "limit": at_most}
        with transaction(self._engine) as connection:
            _one(connection, identity)
            return [_delivery(row) for row in connection.execute(_DELIVERIES, values)]

    def replay(self, identity: str, event_id: str, by: Actor, at: datetime) -> Delivery:
        """Deliver an event again, from now on and with all its tries: the same id and body. Raises NoSuchWebhook."""
        with transaction(self._engine) as connection:
            _one(connection, identity)
            row = connection.execute(_REPLAY, {"id": identity, "event": event_id, "now": at}).one_or_none()
            if row is None:
                raise NoSuchWebhook(f"there is no delivery '{event_id[:60]}' to this webhook; they are kept for 30 days")
            _on_record(connection, "webhook_replayed", identity, by, after=event_id)
        return _delivery(row)

    def send_test(self, identity: str, by: Actor, at: datetime) -> Delivery:
        """Deliver an event of the kind `test`. Raises NoSuchWebhook."""
        event = f"evt_{secrets.token_hex(16)}"
        with transaction(self._engine) as connection:
            _one(connection, identity)
            values = {"id": identity, "event": event, "kind": TEST, "body": trial_body(identity, at), "now": at}
            row = connection.execute(_TRY, values).one()
            _on_record(connection, "webhook_tried", identity, by, after=event)
        return _delivery(row)

    def _sealed(self, identity: str, secret: str) -> bytes:
        return self._keyring.seal(SEALED, secret.encode(), identity.encode())


def new_secret() -> str:
    """A secret of Standard Webhooks' form, of 32 random bytes."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def wanted_of(row: Any) -> Wanted:
    """What a stored subscription is."""
    events = None if row.events is None else frozenset(row.events)
    return Wanted(row.url, events, None if row.brands is None else frozenset(row.brands), row.description, row.active)


def _one(connection: Connection, identity: str) -> Webhook:
    """Locked, so that two who change it do so one after the other."""
    row = connection.execute(_ONE, {"id": identity}).one_or_none()
    if row is None:
        raise NoSuchWebhook(_gone(identity))
    return _webhook(row)


def _gone(identity: str) -> str:
    return f"there is no webhook '{identity[:40]}', or it was revoked"


def _values(identity: str, wanted: Wanted) -> dict[str, Any]:
    return {
        "id": identity,
        "url": wanted.url,
        "events": None if wanted.events is None else sorted(wanted.events),
        "brands": None if wanted.brands is None else sorted(wanted.brands),
        "description": wanted.description,
        "active": wanted.active,
    }


def _webhook(row: Any) -> Webhook:
    return Webhook(row.id, wanted_of(row), row.created_at, row.revoked_at, row.before_until)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        number=row.number,
        event_id=row.event_id,
        kind=row.kind,
        case_id=row.case_id,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        status=row.status,
        problem=row.problem,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )


def _on_record(connection: Connection, what: str, identity: str, by: Actor, *, before: str | None = None, after: str | None = None) -> None:
    note(connection, [AdminActed(now(), what, f"webhook {identity}", before, after)], by, "asked")


def _spoken(wanted: Wanted) -> str:
    """For the journal: to whom, what. Only the host, since a path may hold what is secret."""
    events = "all events" if wanted.events is None else ", ".join(sorted(wanted.events))
    brands = "all brands" if wanted.brands is None else ", ".join(sorted(wanted.brands))
    return f"{urlsplit(wanted.url).netloc}; {events}; {brands}; {'active' if wanted.active else 'paused'}"
