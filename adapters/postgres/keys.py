"""The keys with which programs come in, and people where there is no single sign-on."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.journal import note, now
from adapters.postgres.people import People
from domain.errors import LoopkeeperError
from domain.journal import AdminActed
from domain.rights import PEOPLE, RIGHTS, Right
from domain.values import Actor, Role

KEY_PREFIX = "lk_"
LONGEST_NAME = 120
LONGEST_DAYS = 3650
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when a key or a session was last used: a write for each request would cost more than it tells."""


class UnfitKey(LoopkeeperError):
    """What a key was to have, it cannot have."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the list shows it; the key itself is shown once, when it is made. `scopes`: None when it has all rights of its role."""

    id: str
    name: str
    role: Role
    scopes: frozenset[Right] | None
    departments: frozenset[str]
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    expired: bool

    @property
    def person(self) -> str:
        """How histories refer to it."""
        return f"key:{self.id}"

    @property
    def is_good(self) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and not self.expired


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key shall be. Raises UnfitKey when it could do nothing, or what no key may."""

    name: str
    role: Role
    scopes: frozenset[Right] | None = None
    departments: frozenset[str] = frozenset()
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > LONGEST_NAME or not self.name.isprintable():
            raise UnfitKey(f"name: say in at most {LONGEST_NAME} characters what the key is for; it is shown wherever the key acts")
        if self.role not in PEOPLE:
            raise UnfitKey(f"role: a key cannot act as {self.role.value}; choose {', '.join(sorted(PEOPLE))}")
        if (self.role is Role.DEPARTMENT) != bool(self.departments):
            raise UnfitKey("departments: a key of the role department needs at least one, and no other key has any")
        beyond = sorted(right.value for right in self.scopes or () if self.role not in RIGHTS[right])
        if beyond:
            raise UnfitKey(f"scopes: the role {self.role.value} has no right to {', '.join(beyond)}")
        if self.scopes is not None and not self.scopes:
            raise UnfitKey("scopes: a key without any could do nothing; leave them out for all rights of the role")


_MAKE = text(
    "insert into api_key (id, name, key_hash, role, scopes, departments, expires_at, made_by) "
    "values (:id, :name, :hash, :role, :scopes, :departments, :expires, :by) returning *, false as expired"
)
_FIND = text(
    "select *, coalesce(expires_at <= clock_timestamp(), false) as expired, "
    "coalesce(last_used_at < clock_timestamp() - cast(:every as interval), true) as unseen from api_key "
    "where cast(:hash as bytea) is null or key_hash = :hash order by created_at, id"
)
_PAGE = text(
    "select *, coalesce(expires_at <= clock_timestamp(), false) as expired from api_key "
    "where cast(:made_at as timestamptz) is null or (created_at, id) > (cast(:made_at as timestamptz), :id) "
    "order by created_at, id limit :at_most"
)
_USED = text(
    "update api_key set last_used_at = clock_timestamp() "
    "where key_hash = :hash and coalesce(last_used_at < clock_timestamp() - :every, true)"
)


class Keys:
    """Who has a key, and what it opens."""

    def __init__(self, engine: Engine, people: People) -> None:
        self._engine = engine
        self._people = people

    def make(self, wanted: NewKey, by: Actor) -> tuple[ApiKey, str]:
        """A new key: its entry, and the key itself. Only a hash of it is kept."""
        identity = secrets.token_hex(4)
        secret = f"{KEY_PREFIX}{identity}_{secrets.token_urlsafe(32)}"
        scopes = None if wanted.scopes is None else sorted(right.value for right in wanted.scopes)
        values = {
            "id": identity,
            "name": wanted.name.strip(),
            "hash": _hash(secret),
            "role": wanted.role.value,
            "scopes": scopes,
            "departments": sorted(wanted.departments),
            "expires": wanted.expires_at,
            "by": by.person,
        }
        self._people.remember(f"key:{identity}", wanted.name.strip(), None)
        with transaction(self._engine) as connection:
            made = _entry(connection.execute(_MAKE, values).one())
            act = AdminActed(now(), "key_made", f"key {identity}", after=_spoken(made))
            note(connection, [act], by, "asked")
        return made, secret

    def of(self, secret: str) -> ApiKey | None:
        """The key's entry; None when it is unknown, revoked or past its end."""
        hashed = _hash(secret)
        with transaction(self._engine) as connection:
            row = connection.execute(_FIND, {"hash": hashed, "every": SEEN_EVERY}).one_or_none()
            found = None if row is None else _entry(row)
            if found is None or not found.is_good:
                return None
            if row is not None and row.unseen:
                connection.execute(_USED, {"hash": hashed, "every": SEEN_EVERY})
        return found

    def page(self, after: tuple[datetime, str] | None, at_most: int) -> list[ApiKey]:
        """So many of the keys there ever were, the oldest first, after the one made then with that id."""
        made_at, identity = after or (None, None)
        with transaction(self._engine) as connection:
            rows = connection.execute(_PAGE, {"made_at": made_at, "id": identity, "at_most": at_most})
            return [_entry(row) for row in rows]

    def all(self) -> list[ApiKey]:
        """All keys there ever were, the oldest first."""
        with transaction(self._engine) as connection:
            return [_entry(row) for row in connection.execute(_FIND, {"hash": None, "every": SEEN_EVERY})]

    def revoke(self, identity: str, by: Actor) -> bool:
        """Take a key's right away, and end the sessions that began with it; whether there was one."""
        if "\0" in identity:
            return False
        with transaction(self._engine) as connection:
            gone = connection.execute(
                text("update api_key set revoked_at = clock_timestamp() where id = :id and revoked_at is null"), {"id": identity}
            ).rowcount
            if gone:
                connection.execute(
                    text("update session set ended_at = clock_timestamp(), ended_by = :by where key_id = :id and ended_at is null"),
                    {"id": identity, "by": by.person},
                )
                note(connection, [AdminActed(now(), "key_revoked", f"key {identity}")], by, "asked")
        return bool(gone)


def _entry(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        scopes=None if row.scopes is None else frozenset(Right(scope) for scope in row.scopes),
        departments=frozenset(row.departments),
        made_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        expired=row.expired,
    )


def _hash(secret: str) -> bytes:
    """The keys are 256 random bits, so a plain hash keeps them."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _spoken(key: ApiKey) -> str:
    """What a key may, for the journal."""
    whose = f" of {', '.join(sorted(key.departments))}" if key.departments else ""
    scopes = "all rights of the role" if key.scopes is None else ", ".join(sorted(key.scopes))
    until = "no end" if key.expires_at is None else f"until {key.expires_at.isoformat(timespec='seconds')}"
    return f"{key.role.value}{whose}; {scopes}; {until}"
