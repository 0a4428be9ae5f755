"""Everything that is held about a person, to be given to them. Acts as privacy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.customers import Customers
from adapters.postgres.engine import transaction
from adapters.postgres.journal import note, now
from adapters.postgres.leftovers import leftovers
from adapters.postgres.vault import INBOX, Vault
from domain.erasure import CannotErase, Customer
from domain.history import read
from domain.journal import SubjectExported
from domain.values import Actor, Role

_HISTORY = text("select seq, key, doc, words from case_event where case_id = :case order by seq")
_WORDS = text("select id, case_id, sealed, private, written_at from words where subject_id = cast(:id as uuid) order by written_at, id")
_POSTS = text(
    "select channel, native_id, case_id, posted_at, deleted_at from post where subject_id = cast(:id as uuid) order by posted_at, native_id"
)
_HOURS = text("select department, opens_at from hours_told where subject_id = cast(:id as uuid) order by opens_at")
_LINK = text("select how, role, reason, linked_at from identity_link where subject_id = cast(:id as uuid)")
_ACCOUNTS = text("select brand, seen_at from identity_account where subject_id = cast(:id as uuid) order by brand")
_LYING = text("select channel, sealed, received_at from inbound where id = any(:ids) order by id")
_COLLEAGUES = "a colleague ({})"
_COLLEAGUE = {"owner", "asker", "person", "reader", "by", "waived_by", "before"}


@dataclass(frozen=True, slots=True)
class Held:
    """What is held: for programs as it is, and the counts for the journal."""

    data: dict[str, Any]
    cases: int
    words: int


class SubjectAccess:
    """Gathers it."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._customers = Customers(engine, vault)

    def export(self, subjects: Sequence[str], by: Actor) -> Held:
        """Everything about these customers; that it was given out is on record when this returns. Raises CannotErase: none is there."""
        with transaction(self._engine) as connection:
            connection.execute(text("set transaction isolation level repeatable read"))
            customers = self._customers.customers(connection, subjects)
            if not customers:
                raise CannotErase("there is nobody like that here; see: loopkeeper privacy find")
            people = [self._person(connection, one) for one in customers]
            held = Held(
                {"exported_at": now().isoformat(), "people": people, "not_placed_in_a_case": self._lying(connection, subjects)},
                sum(len(one["cases"]) for one in people),
                sum(len(one["words"]) for one in people),
            )
            note(connection, [SubjectExported(now(), tuple(subjects), held.cases, held.words)], by, "subject access")
        return held

    def _person(self, connection: Connection, customer: Customer) -> dict[str, Any]:
        of = {"id": customer.id}
        words = {}
        for row in connection.execute(_WORDS, of):
            words[str(row.id)] = {
                "case": row.case_id,
                "private": row.private,
                "written_at": _moment(row.written_at),
                "content": self._vault.read(connection, str(row.id)) if row.sealed is not None else None,
            }
        return {
            "channel": customer.channel,
            "handle": customer.handle,
            "name": customer.name,
            "known_since": _moment(customer.since),
            "cases": [
                {
                    "number": case.number,
                    "case": case.case_id,
                    "status": case.status,
                    "opened_at": _moment(case.opened_at),
                    "history": [self._event(row, words) for row in connection.execute(_HISTORY, {"case": case.case_id})],
                }
                for case in customer.cases
            ],
            "posts": [
                {
                    "channel": row.channel,
                    "id": row.native_id,
                    "case": row.case_id,
                    "posted_at": _moment(row.posted_at),
                    "deleted_at": _moment(row.deleted_at),
                }
                for row in connection.execute(_POSTS, of)
            ],
            "words": words,
            "linked": [
                {"how": row.how, "by": _COLLEAGUES.format(row.role) if row.how == "by_hand" else "the system", "why": row.reason}
                | {"at": _moment(row.linked_at)}
                for row in connection.execute(_LINK, of)
            ],
            "signed_in": [{"brand": row.brand, "first_seen_at": _moment(row.seen_at)} for row in connection.execute(_ACCOUNTS, of)],
            "told_when_we_are_back": [
                {"department": row.department, "opens_at": _moment(row.opens_at)} for row in connection.execute(_HOURS, of)
            ],
        }

    def _event(self, row: Any, words: dict[str, Any]) -> dict[str, Any]:
        entry = read(row.doc, row.key)
        document = json.loads(row.doc)
        said = words.get(str(row.words)) if row.words is not None else None
        return {
            "number": row.seq,
            "at": document["at"],
            "what": entry.event.kind,
            "by": _who(entry.by),
            "details": {name: _without_names(name, value) for name, value in document["data"].items() if name != "words"},
            "words": None if said is None else said["content"],
        }

    def _lying(self, connection: Connection, subjects: Sequence[str]) -> list[dict[str, Any]]:
        found = []
        for row in connection.execute(_LYING, {"ids": leftovers(connection, self._vault, subjects)}):
            try:
                body = self._vault.keyring.open(INBOX, bytes(row.sealed), row.channel.encode()).decode("utf-8", "replace")
            except KeyProblem:
                continue
            found.append({"channel": row.channel, "received_at": _moment(row.received_at), "message": body})
        return found


def _who(by: Actor) -> str:
    """By role, never by name: colleagues have a right to it as well."""
    if by.role in (Role.CUSTOMER, Role.SYSTEM):
        return {Role.CUSTOMER: "you, or somebody else on the network", Role.SYSTEM: "the system"}[by.role]
    return _COLLEAGUES.format(by.role.value)


def _without_names(name: str, value: object) -> object:
    return "a colleague" if name in _COLLEAGUE and isinstance(value, str) and ":" in value else value


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
