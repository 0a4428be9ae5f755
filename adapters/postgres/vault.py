"""People's words at rest: each customer's under a key of their own, which is itself encrypted, so that destroying it erases them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, text

from adapters.keyring import NONCE, KeyProblem, Keyring
from domain.errors import WordsErased

_OF_CASE = text(  # a post that came too late for its case has opened another one: its words were written for the first
    "select w.id, w.subject_id, w.sealed, s.wrapped_key from words w join subject s on s.id = w.subject_id "
    "where w.private = :private and w.id in "
    "(select id from words where case_id = :case union all select words from post where case_id = :case)"
)
_FORM = b"\x01"
WRAP = "subject keys"
INBOX = "inbox"


class Erased(KeyProblem, WordsErased):
    """The person was erased; their words cannot be read by anyone any more, and none can be kept for them."""


@dataclass(frozen=True)
class Vault:
    """Seals and opens words. `index_key` makes the keyed hash by which a network's author is found again; it never changes."""

    keyring: Keyring
    index_key: bytes

    def author_hash(self, channel: str, author: str) -> bytes:
        """The keyed hash of a network's author id, so that the id itself is not stored."""
        return hmac.new(self.index_key, f"{channel}\n{author}".encode(), hashlib.sha256).digest()

    def subject_of(self, connection: Connection, channel: str, author: str, profile: dict[str, str | None]) -> str:
        """The id of the person who posts as that author, made on first sight; keeps how the network shows them up to date."""
        found = self._find(connection, channel, author)
        if found is None:
            key = os.urandom(32)
            subject = connection.execute(text("select uuidv7()")).scalar_one()
            made = connection.execute(
                text(
                    "insert into subject (id, channel, author_hash, wrapped_key) values (:id, :channel, :hash, :key) "
                    "on conflict (channel, author_hash) do nothing returning id"
                ),
                {
                    "id": subject,
                    "channel": channel,
                    "hash": self.author_hash(channel, author),
                    "key": self.keyring.seal(WRAP, key, str(subject).encode()),
                },
            ).scalar_one_or_none()
            found = (str(made), None) if made is not None else self._find(connection, channel, author)
            assert found is not None, "the insert gave way to one that is there"
        subject, known = found
        wanted = json.dumps(profile, sort_keys=True, ensure_ascii=False)
        if known is None or self._open_with(connection, subject, known) != wanted:
            connection.execute(
                text("update subject set profile = :profile where id = :id"),
                {"profile": self._seal(connection, subject, wanted), "id": subject},
            )
        return subject

    def write(
        self, connection: Connection, subject: str, case_id: str | None, content: Mapping[str, object], *, private: bool = False
    ) -> str:
        """Seal words that concern `subject`; the reference to them."""
        sealed = self._seal(connection, subject, json.dumps(content, sort_keys=True, ensure_ascii=False))
        reference = connection.execute(
            text("insert into words (subject_id, case_id, sealed, private) values (:subject, :case, :sealed, :private) returning id"),
            {"subject": subject, "case": case_id, "sealed": sealed, "private": private},
        ).scalar_one()
        return str(reference)

    def read(self, connection: Connection, reference: str) -> dict[str, object]:
        """Open words. Raises Erased when the person was erased, KeyProblem when they were tampered with."""
        row = connection.execute(text("select subject_id, sealed from words where id = :id"), {"id": reference}).one()
        if row.sealed is None:
            raise Erased("these words were destroyed; nobody can read them any more")
        content: dict[str, object] = json.loads(self._open_with(connection, str(row.subject_id), bytes(row.sealed)))
        return content

    def read_all(self, connection: Connection, case_id: str, *, private: bool = False) -> dict[str, dict[str, object]]:
        """What was said in a case, by reference: all that is public or internal, or all that is `private`, and never both.

        Those that were destroyed are left out.
        """
        rows = connection.execute(_OF_CASE, {"case": case_id, "private": private})
        opened: dict[str, dict[str, object]] = {}
        for row in rows:
            if row.wrapped_key is not None and row.sealed is not None:
                key = _unwrapped(self.keyring, bytes(row.wrapped_key), str(row.subject_id))
                opened[str(row.id)] = json.loads(_opened(key, str(row.subject_id), bytes(row.sealed)))
        return opened

    def shown_as(self, subject: str, wrapped_key: bytes | None, profile: bytes | None) -> dict[str, str | None]:
        """How the network shows a person, from their row: `handle`, `name` and, if it told, `followers`. Empty when erased."""
        if wrapped_key is None or profile is None:
            return {}
        shown: dict[str, str | None] = json.loads(_opened(_unwrapped(self.keyring, bytes(wrapped_key), subject), subject, bytes(profile)))
        return shown

    def opened(self, subject: str, wrapped_key: bytes, sealed: bytes) -> str:
        """Words, from their row and that of the person whom they concern. Raises KeyProblem when they were tampered with."""
        return _opened(_unwrapped(self.keyring, bytes(wrapped_key), subject), subject, bytes(sealed))

    def _find(self, connection: Connection, channel: str, author: str) -> tuple[str, bytes | None] | None:
        row = connection.execute(
            text("select id, profile from subject where channel = :channel and author_hash = :hash"),
            {"channel": channel, "hash": self.author_hash(channel, author)},
        ).one_or_none()
        return None if row is None else (str(row.id), bytes(row.profile) if row.profile is not None else None)

    def _cipher(self, connection: Connection, subject: str) -> AESGCM:
        wrapped = connection.execute(text("select wrapped_key from subject where id = :id"), {"id": subject}).scalar_one()
        if wrapped is None:
            raise Erased("this customer was erased: their words cannot be read any more, and nothing can be written to them or about them")
        return _unwrapped(self.keyring, bytes(wrapped), subject)

    def _seal(self, connection: Connection, subject: str, plain: str) -> bytes:
        nonce = os.urandom(NONCE)
        return _FORM + nonce + self._cipher(connection, subject).encrypt(nonce, plain.encode(), subject.encode())

    def _open_with(self, connection: Connection, subject: str, sealed: bytes) -> str:
        return _opened(self._cipher(connection, subject), subject, sealed)


def _opened(key: AESGCM, subject: str, sealed: bytes) -> str:
    if sealed[:1] != _FORM:
        raise KeyProblem(f"words of the form {sealed[:1]!r} cannot be read by this version")
    nonce, rest = sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
    try:
        return key.decrypt(nonce, rest, subject.encode()).decode()
    except InvalidTag:
        raise KeyProblem("these words have been changed since they were sealed") from None


def text_hash(words: str) -> bytes:
    """What tells whether exactly these words were posted before, without keeping them."""
    return hashlib.sha256(words.encode()).digest()


@lru_cache(maxsize=4096)
def _unwrapped(keyring: Keyring, wrapped: bytes, subject: str) -> AESGCM:
    return AESGCM(keyring.open(WRAP, wrapped, subject.encode()))
