"""Idempotency keys: which request of whose came first under a key, and what became of it. Kept for a day.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction

KEPT = timedelta(days=1)
_FORGOTTEN_AT_ONCE = 100

_FORGET = text(
    "delete from request_once where (person, key_hash) in "
    "(select person, key_hash from request_once where asked_at < clock_timestamp() - :kept limit :few for update skip locked)"
)
_CLAIM = text(
    "insert into request_once (person, key_hash, body_hash) values (:person, :key, :body) on conflict (person, key_hash) do nothing "
    "returning person"
)
_THERE = text("select body_hash, state, answer from request_once where person = :person and key_hash = :key")
_DONE = text("update request_once set state = 'done', answer = cast(:answer as jsonb) where person = :person and key_hash = :key")
_RELEASE = text("delete from request_once where person = :person and key_hash = :key and state = 'begun'")


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a request under that key. `new`: there was none, and this is the first. `same`: it asked for just this."""

    state: Literal["new", "begun", "done"]
    same: bool = True
    answer: dict[str, Any] | None = None


class RequestsOnce:
    """See the module's text. `secret`: with which what was asked is hashed."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        self._engine = engine
        self._secret = hmac.digest(secret, b"requests once", "sha256")

    def claim(self, person: str, key: str, asked: bytes) -> Before:
        """Note that somebody asks this under that key; what is known of it, if they did before."""
        body = hmac.digest(self._secret, asked, "sha256")
        values = {"person": person, "key": _hash(key), "body": body}
        with transaction(self._engine) as connection:
            connection.execute(_FORGET, {"kept": KEPT, "few": _FORGOTTEN_AT_ONCE})
            if connection.execute(_CLAIM, values).first() is not None:
                return Before("new")
            row = connection.execute(_THERE, values).one_or_none()
        if row is None:  # it was released in this very moment
            return self.claim(person, key, asked)
        return Before(row.state, hmac.compare_digest(bytes(row.body_hash), body), row.answer)

    def done(self, person: str, key: str, answer: dict[str, Any] | None) -> None:
        """It was carried out. `answer`: what may be kept of the answer: ids and facts."""
        values = {"person": person, "key": _hash(key), "answer": None if answer is None else json.dumps(answer)}
        with transaction(self._engine) as connection:
            connection.execute(_DONE, values)

    def release(self, person: str, key: str) -> None:
        """It was refused, so that nothing came of it: the key may be used again."""
        with transaction(self._engine) as connection:
            connection.execute(_RELEASE, {"person": person, "key": _hash(key)})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
