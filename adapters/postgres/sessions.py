"""Who is signed in at the console. The cookie holds 256 random bits, this table a hash of them."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.journal import note, now
from adapters.postgres.keys import SEEN_EVERY
from domain.journal import AdminActed
from domain.rights import Right
from domain.values import Actor, Role

KEPT_DAYS = 30
"""How long a session that is over stays in the list."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody who has just proved who they are. `proved_at`: when, if that is known; `key`: the id of the API key that they gave.

    `address` and `browser` are for the list, in which people look for a session that is not theirs.
    """

    person: str
    name: str
    role: Role
    departments: frozenset[str]
    way: str
    proved_at: datetime | None
    address: str
    browser: str
    key: str | None = None
    scopes: frozenset[Right] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the list shows it. `ended_at`: when it was signed out of or revoked; one can be over without that.

    `language`, `zone`: in which its person reads pages, when they keep one.
    """

    id: str
    person: str
    name: str
    role: Role
    departments: frozenset[str]
    scopes: frozenset[Right] | None
    way: str
    signed_in_at: datetime
    proved_at: datetime | None
    seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    address: str
    browser: str
    language: str | None = None
    zone: str | None = None


_HOLDING = (
    "select s.*, clock_timestamp() - s.seen_at as unseen_for, r.language, r.zone from session s left join reader r on r.person = s.person "
    "where (cast(:hash as bytea) is null or s.token_hash = :hash) "
    "and (cast(:person as text) is null or s.person = :person) "
    "and s.ended_at is null and s.expires_at > clock_timestamp() and s.seen_at > clock_timestamp() - :idle "
    "and (s.key_id is null or exists (select 1 from api_key k where k.id = s.key_id and k.revoked_at is null "
    "and coalesce(k.expires_at > clock_timestamp(), true)))"
)
_GOOD = text(f"{_HOLDING} order by s.seen_at desc, s.id limit 1000")
_PAGE = text(f"{_HOLDING} and (cast(:below as uuid) is null or s.id < :below) order by s.id desc limit :at_most")
"""Their ids are in the order in which they began."""


class Sessions:
    """Sessions: they begin, are recognised by their secret, and end by themselves, by their owner or by an admin."""

    def __init__(self, engine: Engine, *, idle: timedelta, longest: timedelta) -> None:
        self._engine = engine
        self._idle = idle
        self._longest = longest

    def begin(self, who: SignIn, *, instead_of: str | None = None) -> str:
        """A new session; its secret. The session whose secret is `instead_of` ends: nobody goes on with one from before a sign-in."""
        secret = secrets.token_urlsafe(32)
        values = {
            "hash": _hash(secret),
            "person": who.person,
            "name": who.name,
            "role": who.role.value,
            "departments": sorted(who.departments),
            "scopes": None if who.scopes is None else sorted(right.value for right in who.scopes),
            "way": who.way,
            "key": who.key,
            "proved": who.proved_at,
            "longest": self._longest,
            "until": who.until,
            "address": who.address[:60],
            "browser": who.browser[:200],
        }
        with transaction(self._engine) as connection:
            if instead_of is not None:
                _end(connection, instead_of, who.person)
            connection.execute(
                text("delete from session where expires_at < clock_timestamp() - :kept"), {"kept": timedelta(days=KEPT_DAYS)}
            )
            connection.execute(
                text(
                    "insert into session (token_hash, person, name, role, departments, scopes, way, key_id, proved_at, expires_at, "
                    "address, browser) values (:hash, :person, :name, :role, :departments, :scopes, :way, :key, "
                    "least(cast(:proved as timestamptz), clock_timestamp()), "
                    "least(clock_timestamp() + :longest, cast(:until as timestamptz)), :address, :browser)"
                ),
                values,
            )
        return secret

    def of(self, secret: str) -> Session | None:
        """The session; None when there is none, or it is over: by its age, by nobody using it, by its key, or because it was ended."""
        hashed = _hash(secret)
        with transaction(self._engine) as connection:
            row = connection.execute(_GOOD, {"hash": hashed, "person": None, "idle": self._idle}).one_or_none()
            if row is not None and row.unseen_for > SEEN_EVERY:
                connection.execute(
                    text(
                        "update session set seen_at = clock_timestamp() where token_hash = :hash and seen_at < clock_timestamp() - :every"
                    ),
                    {"hash": hashed, "every": SEEN_EVERY},
                )
        return None if row is None else _entry(row)

    def holds(self, secret: str) -> bool:
        """Whether there is such a session and it is not over. Asking is not using it."""
        with transaction(self._engine) as connection:
            return connection.execute(_GOOD, {"hash": _hash(secret), "person": None, "idle": self._idle}).first() is not None

    def open(self, person: str | None = None) -> list[Session]:
        """The sessions with which somebody can go on now, of one person or of all, the last used first; 1,000 at most."""
        with transaction(self._engine) as connection:
            return [_entry(row) for row in connection.execute(_GOOD, {"hash": None, "person": person, "idle": self._idle})]

    def page(self, after: str | None, at_most: int) -> list[Session]:
        """So many of these sessions, those that began last first, after the one with that id."""
        values = {"hash": None, "person": None, "idle": self._idle, "below": after, "at_most": at_most}
        with transaction(self._engine) as connection:
            return [_entry(row) for row in connection.execute(_PAGE, values)]

    def end(self, secret: str, person: str) -> None:
        """Sign out."""
        with transaction(self._engine) as connection:
            _end(connection, secret, person)

    def revoke(self, identity: str, by: Actor, *, of_person: str | None = None) -> bool:
        """End a session by its id, at once; whether there was one. `of_person`: only if it is theirs."""
        try:
            which = uuid.UUID(identity)
        except ValueError:
            return False
        with transaction(self._engine) as connection:
            gone = connection.execute(
                text(
                    "update session set ended_at = clock_timestamp(), ended_by = :by where id = :id and ended_at is null "
                    "and (cast(:person as text) is null or person = :person)"
                ),
                {"id": which, "by": by.person, "person": of_person},
            ).rowcount
            if gone:
                note(connection, [AdminActed(now(), "session_revoked", f"session {which}")], by, "asked")
        return bool(gone)


def _end(connection: Connection, secret: str, person: str) -> None:
    connection.execute(
        text("update session set ended_at = clock_timestamp(), ended_by = :by where token_hash = :hash and ended_at is null"),
        {"hash": _hash(secret), "by": person},
    )


def _entry(row: Any) -> Session:
    return Session(
        id=str(row.id),
        person=row.person,
        name=row.name,
        role=Role(row.role),
        departments=frozenset(row.departments),
        scopes=None if row.scopes is None else frozenset(Right(scope) for scope in row.scopes),
        way=row.way,
        signed_in_at=row.signed_in_at,
        proved_at=row.proved_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        address=row.address,
        browser=row.browser,
        language=row.language,
        zone=row.zone,
    )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
