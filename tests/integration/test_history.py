"""The histories: append-only, chained, deduplicated, and nobody can do more than their role needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from adapters.postgres.engine import open_engine
from adapters.postgres.records import append
from adapters.postgres.store import Store
from domain import events as e
from domain.history import Entry, chain_hash
from domain.ports import Written
from domain.values import SYSTEM

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def entry(key: str, department: str = "billing", words: str | None = None) -> Written:
    event = e.NoteAdded(NOW, words) if words else e.HandedOff(NOW, department)
    return Written.of(Entry(key, event, SYSTEM, "test", "default@1"))


def add(store: Store, case: str, *entries: Written) -> int:
    with store.engine.begin() as connection:
        return append(connection, case, entries)


def test_what_is_appended_is_chained_and_read_back(store: Store) -> None:
    assert add(store, "c", entry("w1"), entry("w2", "technical")) == 2
    assert add(store, "c", entry("w3")) == 3
    assert [(seq, e.key) for seq, e in store.records.history("c")] == [(1, "w1"), (2, "w2"), (3, "w3")]
    assert store.records.verify("c") is None
    link = store.records.chain("c")[1]
    assert link.hash == chain_hash("c", 2, link.event_id, link.recorded_us, None, link.prev_hash, link.doc)


def test_the_same_key_counts_once_whatever_else_comes_with_it(store: Store) -> None:
    add(store, "c", entry("w1"))
    assert add(store, "c", entry("w1", "technical"), entry("w2")) == 2
    assert [e.event for _, e in store.records.history("c")] == [e.HandedOff(NOW, "billing"), e.HandedOff(NOW, "billing")]


def test_cases_have_chains_of_their_own(store: Store) -> None:
    add(store, "a", entry("w1"))
    add(store, "b", entry("w1"))
    assert store.records.verify("a") is None
    assert len(store.records.chain("b")) == 1


def test_eight_writers_at_one_case_leave_one_whole_chain(open_store: Callable[[], Store]) -> None:
    store = open_store()
    failures: list[Exception] = []

    def write(writer: int) -> None:
        try:
            for n in range(20):
                add(store, "c", entry(f"{writer}-{n}"), entry("everyone's"))
        except DBAPIError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(w,)) for w in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert not failures
    assert len(store.records.chain("c")) == 8 * 20 + 1
    assert store.records.verify("c") is None


def test_words_that_are_not_there_cannot_be_referred_to(store: Store) -> None:
    with pytest.raises(DBAPIError, match="refers to words"):
        add(store, "c", entry("w1", words="01980000-0000-7000-8000-000000000000"))
    assert store.records.chain("c") == []


def test_the_chain_holds_the_hash_of_the_ciphertext(store: Store) -> None:
    with store.engine.begin() as connection:
        subject = store.vault.subject_of(connection, "x", "77", {"handle": "sam", "name": "Sam"})
        words = store.vault.write(connection, subject, "c", {"text": "no internet"})
        append(connection, "c", [entry("w1", words=words)])
        sealed = bytes(connection.execute(text("select sealed from words")).scalar_one())
    (link,) = store.records.chain("c")
    import hashlib

    assert link.words_hash == hashlib.sha256(sealed).digest()
    assert b"internet" not in sealed
    assert "internet" not in link.doc


@pytest.mark.parametrize(
    "statement", ["update case_event set doc = '{}'", "delete from case_event", "truncate case_event", "delete from case_head"]
)
def test_even_the_owner_is_told_that_history_is_append_only(store: Store, database: str, statement: str) -> None:
    add(store, "c", entry("w1"))
    owner = open_engine(database, pool=1, role="loopkeeper_owner")
    with pytest.raises(DBAPIError, match="history is append-only"), owner.begin() as connection:
        connection.execute(text(statement))
    owner.dispose()


def tamper(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("update case_event set doc = replace(doc, 'billing', 'kitchen') where seq = 2", "event 2 was changed after it was recorded"),
        ("update case_event set recorded_us = recorded_us - 1 where seq = 2", "event 2 was changed after it was recorded"),
        ("delete from case_event where seq = 2", "event 2 is missing"),
        ("update case_event set seq = seq + 10 where seq = 3", "event 3 is missing"),
        ("update case_event set words_hash = sha256('x') where seq = 1", "event 1 was changed after it was recorded"),
    ],
)
def test_what_the_databases_administrator_changes_is_found(store: Store, database: str, statement: str, told: str) -> None:
    add(store, "c", entry("w1"), entry("w2"), entry("w3"))
    admin = open_engine(database, pool=1, role=None)
    tamper(admin, statement)
    admin.dispose()
    fault = store.records.verify("c")
    assert fault is not None
    assert told in fault
