"""Keeping up what cases are found by: an indexer that follows the log, so that recording an event costs nothing more."""

from __future__ import annotations

import hmac
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.engine import transaction
from adapters.postgres.vault import Vault
from domain.history import Entry, read
from domain.index_terms import Terms, facts_of, personal_terms
from domain.journal import JOURNAL

SLICE = 16_384
"""So many case numbers make a slice: few enough that the commonest term is read in one of them in a few milliseconds."""
_ONE_AT_A_TIME = 0x66696E64
_TAKE = text("select leaf, case_id from log_leaf where leaf > :after order by leaf limit :limit")
# The lock on whom the words are about holds off an erasure until they are indexed; it then finds and empties them.
_CASES = text(
    "select k.case_id, k.number, k.opened_at, k.subject_id, s.wrapped_key, s.profile from cases k join subject s on s.id = k.subject_id "
    "where k.case_id = any(:cases) order by k.case_id for share of s"
)
_EVENTS = text("select case_id, key, doc, recorded_us from case_event where case_id = any(:cases) order by case_id, seq")
_WORDS = text(
    "select e.case_id, w.subject_id, w.sealed, s.wrapped_key from case_event e join words w on w.id = e.words "
    "join subject s on s.id = w.subject_id where e.case_id = any(:cases) and not w.private and s.wrapped_key is not null "
    "order by e.case_id, e.seq for share of s"
)
_KEEP = text(
    "insert into case_search (case_id, number, opened_at, events, facets, words) select case_id, number, opened_at, events, "
    "cast(facets as bigint[]), cast(words as bigint[]) from unnest(cast(:case_ids as text[]), cast(:numbers as bigint[]), "
    "cast(:opened as timestamptz[]), cast(:events as int[]), cast(:facets as text[]), cast(:words as text[])) "
    "as found(case_id, number, opened_at, events, facets, words) "
    "on conflict (case_id) do update set events = excluded.events, facets = excluded.facets, words = excluded.words "
    "where (case_search.events, case_search.facets, case_search.words) is distinct from (excluded.events, excluded.facets, excluded.words)"
)
_SLICES = text(
    "insert into search_slice as known (slice, first_opened, last_opened, first_recorded_us, last_recorded_us) "
    "select number / :slice, min(opened_at), max(opened_at), min(first_us), max(last_us) from unnest(cast(:numbers as bigint[]), "
    "cast(:opened as timestamptz[]), cast(:first_us as bigint[]), cast(:last_us as bigint[])) "
    "as found(number, opened_at, first_us, last_us) group by 1 order by 1 on conflict (slice) do update set "
    "first_opened = least(known.first_opened, excluded.first_opened), last_opened = greatest(known.last_opened, excluded.last_opened), "
    "first_recorded_us = least(known.first_recorded_us, excluded.first_recorded_us), "
    "last_recorded_us = greatest(known.last_recorded_us, excluded.last_recorded_us)"
)
_FORGET = text("update case_search set words = '{}' where case_id = any(:cases) and words <> '{}'")


class BlindIndex:
    """Terms as keyed hashes: whoever has the database and not the key cannot tell which terms a case has, nor try out words."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, term: str) -> int:
        """63 bits of HMAC-SHA256, so that the sign is left to slices."""
        return int.from_bytes(hmac.digest(self._key, f"loopkeeper-search-v1\n{term}".encode(), "sha256")[:8]) >> 1

    def hashes(self, terms: Iterable[str]) -> list[int]:
        """Of several terms, in a fixed order."""
        return sorted(map(self.hash, terms))


def slice_facet(number: int) -> int:
    """The facet of the slice that a case is in, by its number."""
    return -1 - number // SLICE


@dataclass(frozen=True, slots=True)
class _Row:
    """A case as it is indexed."""

    case_id: str
    number: int
    opened_at: datetime
    events: Sequence[tuple[Entry, int]]
    terms: Terms


class Indexer:
    """Follows the log, a few seconds behind. One at a time, whoever else tries."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._hash = lru_cache(maxsize=50_000)(BlindIndex(vault.index_key).hash)

    def index(self, at_most: int = 2_000) -> int:
        """Take up to so many further events of the log, and bring their cases up to date; how many were taken. One transaction.

        0 when there are none, or another indexer is at it. Raises Unavailable.
        """
        with transaction(self._engine) as connection:
            if not connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar_one():
                return 0
            after = connection.execute(text("select leaf from search_progress")).scalar_one()
            taken = connection.execute(_TAKE, {"after": after, "limit": at_most}).all()
            if not taken:
                return 0
            self._bring_up_to_date(connection, sorted({row.case_id for row in taken if not row.case_id.startswith(JOURNAL)}))
            connection.execute(text("update search_progress set leaf = :leaf"), {"leaf": taken[-1].leaf})
        return len(taken)

    def begin_anew(self) -> None:
        """Index everything from the beginning of the log on, when terms are made otherwise. What is there stays until it is replaced."""
        with transaction(self._engine) as connection:
            connection.execute(text("update search_progress set leaf = -1"))

    def _bring_up_to_date(self, connection: Connection, cases: Sequence[str]) -> None:
        rows = self._rows(connection, cases)
        if not rows:
            return
        numbers, opened = [row.number for row in rows], [row.opened_at for row in rows]
        connection.execute(
            _KEEP,
            {
                "case_ids": [row.case_id for row in rows],
                "numbers": numbers,
                "opened": opened,
                "events": [len(row.events) for row in rows],
                "facets": [_array([slice_facet(row.number), *self._hashes(row.terms.facts)]) for row in rows],
                "words": [_array(self._hashes(row.terms.words)) for row in rows],
            },
        )
        first, last = [min(us for _, us in row.events) for row in rows], [max(us for _, us in row.events) for row in rows]
        connection.execute(_SLICES, {"slice": SLICE, "numbers": numbers, "opened": opened, "first_us": first, "last_us": last})

    def _rows(self, connection: Connection, cases: Sequence[str]) -> list[_Row]:
        """In the order of the cases' ids, so that two who write them never wait for each other."""
        known = connection.execute(_CASES, {"cases": cases}).all()
        histories: dict[str, list[tuple[Entry, int]]] = defaultdict(list)
        for row in connection.execute(_EVENTS, {"cases": cases}):
            histories[row.case_id].append((read(row.doc, row.key), row.recorded_us))
        said: dict[str, list[str]] = defaultdict(list)
        for row in connection.execute(_WORDS, {"cases": cases}):
            said[row.case_id] += self._words(row)
        return [
            _Row(
                row.case_id,
                row.number,
                row.opened_at,
                histories[row.case_id],
                Terms(facts_of(histories[row.case_id]), personal_terms(said[row.case_id], self._shown_as(row))),
            )
            for row in known
            if histories[row.case_id]
        ]

    def _words(self, row: Any) -> list[str]:
        """What was written; nothing when it was changed behind our back, which verifying the history names."""
        try:
            content = json.loads(self._vault.opened(str(row.subject_id), row.wrapped_key, row.sealed))
        except KeyProblem:
            return []
        return [str(content.get("text", ""))]

    def _shown_as(self, row: Any) -> dict[str, str | None]:
        try:
            return self._vault.shown_as(str(row.subject_id), row.wrapped_key, row.profile)
        except KeyProblem:
            return {}

    def _hashes(self, terms: Iterable[str]) -> list[int]:
        return sorted(map(self._hash, terms))


def forget(connection: Connection, cases: Sequence[str]) -> None:
    """Empty what these cases can be found by of their words and their customer, inside the caller's transaction.

    For an erasure, after it has destroyed the key: what is indexed later finds no words any more.
    """
    connection.execute(_FORGET, {"cases": list(cases)})


def _array(numbers: Iterable[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"
