"""Colleagues by id and name, and the keys with which programs come in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine, text

from domain.values import Role

KEY_PREFIX = "lk_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the list shows it; the key itself is shown once, when it is made."""

    id: str
    name: str
    role: Role


class People:
    """Who works on cases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(self, person: str, name: str, first_name: str | None) -> None:
        """Keep how a colleague is called."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into person (id, name, first_name) values (:id, :name, :first) on conflict (id) do update "
                    "set name = excluded.name, first_name = excluded.first_name, seen_at = clock_timestamp()"
                ),
                {"id": person, "name": name[:120], "first": first_name[:60] if first_name else None},
            )

    def name(self, person: str) -> str | None:
        """How a colleague is called; None when we have not met."""
        with self._engine.connect() as connection:
            return connection.execute(text("select name from person where id = :id"), {"id": person}).scalar_one_or_none()

    def named(self, name: str) -> list[str]:
        """The ids of the colleagues of that name, large or small letters, ten at most."""
        found = text("select id from person where lower(name) = lower(:name) order by id limit 10")
        with self._engine.connect() as connection:
            return list(connection.execute(found, {"name": name}).scalars())

    def make_key(self, name: str, role: Role) -> tuple[ApiKey, str]:
        """A new API key: its entry, and the key itself. Only a hash of it is kept."""
        identity = secrets.token_hex(4)
        secret = f"{KEY_PREFIX}{identity}_{secrets.token_urlsafe(32)}"
        with self._engine.begin() as connection:
            connection.execute(
                text("insert into api_key (id, name, key_hash, role) values (:id, :name, :hash, :role)"),
                {"id": identity, "name": name, "hash": _hash(secret), "role": role.value},
            )
        self.remember(f"key:{identity}", name, None)
        return ApiKey(identity, name, role), secret

    def key_of(self, secret: str) -> ApiKey | None:
        """The key's entry; None when it is unknown or revoked."""
        with self._engine.begin() as connection:
            row = connection.execute(
                text(
                    "update api_key set last_used_at = clock_timestamp() where key_hash = :hash and revoked_at is null "
                    "returning id, name, role"
                ),
                {"hash": _hash(secret)},
            ).one_or_none()
        return None if row is None else ApiKey(row.id, row.name, Role(row.role))

    def keys(self) -> list[tuple[str, str, str, str, str, str]]:
        """All keys: id, name, role, and the days on which each was made, last used and revoked ("" for never)."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                text("select id, name, role, created_at::date, last_used_at::date, revoked_at::date from api_key order by created_at")
            )
            return [(r[0], r[1], r[2], str(r[3]), str(r[4] or ""), str(r[5] or "")) for r in rows]

    def revoke_key(self, identity: str) -> bool:
        """Take a key's right away; whether there was one."""
        with self._engine.begin() as connection:
            return bool(
                connection.execute(
                    text("update api_key set revoked_at = clock_timestamp() where id = :id and revoked_at is null"), {"id": identity}
                ).rowcount
            )


def _hash(secret: str) -> bytes:
    """The keys are 256 random bits, so a plain hash keeps them."""
    return hashlib.sha256(secret.encode()).digest()
