"""A database with very many cases in it, as years of work would leave it.

Some of them are made one by one, with whole chains, sealed words and a whole log, and are indexed by the indexer; the rest are copies
of these and of what the indexer made of them, put between them in time. What is measured on the rest alone is how much there is.

Each case is one of a few courses that cases take, at its own time, with its own customer, words, department and people. What they
say is drawn from a vocabulary in which few words are common and most are rare, as in real texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from adapters.keyring import Keyring
from adapters.notary import Notary
from adapters.postgres.indexing import SLICE
from adapters.postgres.log import FAN
from adapters.postgres.vault import WRAP
from bench.figures import Say
from domain import events as e
from domain.checkpoints import Checkpoint
from domain.history import GENESIS, Entry, chain_hash, document
from domain.merkle import Frontier, leaf_hash, node_hash
from domain.values import CUSTOMER, SYSTEM, Actor, ClockName, Intent, Permalink, Priority, Purpose, Role, Via

FIRST_DAY = datetime(2023, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=3 * 365)
DEPARTMENTS = ("billing", "technical", "website", "product", "care")
PEOPLE = 400
VOCABULARY = 60_000
WORDS = 16
AT_ONCE = 5_000
OLD_SHARE = 0.02
"""So many of the cases, the oldest, have a word that no later one has."""
_NULL = "\\N"
_AT = "2026-01-01T00:00:{:02}Z"
_Course = Callable[[str, str, str, Sequence[datetime]], list[tuple[e.Event, Actor]]]


def _opened(department: str, channel: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    link = (Permalink("@reply@", "https://network.example/@reply@"),)
    return [
        (
            e.Opened(
                at[0], "@post@", "meridian", channel, Intent.COMPLAINT, department, Priority.NORMAL, department, "@policy@", words="@words@"
            ),
            CUSTOMER,
        ),
        (e.ReplyPlanned(at[0], 1, Purpose.ACKNOWLEDGEMENT, "@post@", template="acknowledged.first"), SYSTEM),
        (e.HandedOff(at[0], department), SYSTEM),
        (e.ReplyPosted(at[1], 1, Purpose.ACKNOWLEDGEMENT, link), SYSTEM),
        (e.HandoffDelivered(at[1], department, "slack"), SYSTEM),
    ]


def _solved(person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    who = Actor(person, Role.DEPARTMENT, Via.SLACK)
    link = (Permalink("@thanks@", "https://network.example/@thanks@"),)
    return [
        (e.Accepted(at[2], person), who),
        (e.Resolved(at[3], "billing_error", "@answer@"), who),
        (e.ReplyPlanned(at[3], 2, Purpose.THANK_YOU, "@post@", words="@answer@"), who),
        (e.ReplyPosted(at[4], 2, Purpose.THANK_YOU, link, words="@answer@"), SYSTEM),
        (e.Closed(at[4], "https://network.example/@thanks@"), SYSTEM),
    ]


def _usual(department: str, channel: str, person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    return _opened(department, channel, at) + _solved(person, at)


def _late(department: str, channel: str, person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    return [*_opened(department, channel, at), (e.ClockBreached(at[1], ClockName.ACCEPT, at[0], at[1]), SYSTEM), *_solved(person, at)]


def _broken(department: str, channel: str, person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    return [*_opened(department, channel, at), (e.PromiseBroken(at[2], at[1]), SYSTEM), *_solved(person, at)]


def _spam(department: str, channel: str, person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    return [*_opened(department, channel, at)[:3], (e.Dismissed(at[2], "spam"), Actor(person, Role.SOCIAL, Via.SLACK))]


def _still_open(department: str, channel: str, person: str, at: Sequence[datetime]) -> list[tuple[e.Event, Actor]]:
    return _opened(department, channel, at) + _solved(person, at)[:1]


_COURSES: Sequence[tuple[_Course, float]] = ((_usual, 0.7), (_late, 0.15), (_broken, 0.05), (_spam, 0.08), (_still_open, 0.02))


_CASE = "brand, channel, first_post, subject_id, words, policy_id, status, intent, category, priority, department, owner, events, ended"
_EVENT = "seq, event_id, recorded_us, key, doc, words, words_hash, prev_hash, hash"
_MADE = """
create temp table made_cases as select * from cases;
create temp table made_events as select * from case_event;
create temp table made_search as select * from case_search;
"""
_COPY = f"""
insert into cases (case_id, number, opened_at, {_CASE}) overriding system value
  select case_id || '-' || :copy, number + :copy, opened_at + :apart, {_CASE} from made_cases;
insert into case_event (case_id, {_EVENT}) select case_id || '-' || :copy, {_EVENT} from made_events;
insert into case_search (case_id, number, opened_at, events, facets, words)
  select case_id || '-' || :copy, number + :copy, opened_at + :apart, events,
    array_append(array_remove(facets, -1 - number / :slice), -1 - (number + :copy) / :slice), words from made_search;
"""
_SLICES = """
insert into search_slice select number / :slice, min(opened_at), max(opened_at), min((extract(epoch from opened_at) * 1000000)::bigint),
    max((extract(epoch from opened_at + interval '4 days') * 1000000)::bigint) from case_search group by 1
  on conflict (slice) do update set first_opened = excluded.first_opened, last_opened = excluded.last_opened,
    first_recorded_us = excluded.first_recorded_us, last_recorded_us = excluded.last_recorded_us
"""


@dataclass
class _Tree:
    """The log's nodes as the sealer would have kept them."""

    frontier: Frontier = field(default_factory=Frontier)
    pending: dict[int, list[bytes]] = field(default_factory=lambda: {0: []})
    made: dict[int, int] = field(default_factory=dict)

    def add(self, hashed: bytes) -> Iterator[tuple[int, int, bytes]]:
        leaf = leaf_hash(hashed)
        self.frontier.add(leaf)
        level, node = 0, leaf
        while True:
            waiting = self.pending.setdefault(level, [])
            waiting.append(node)
            if len(waiting) < FAN:
                return
            node = _joined(waiting)
            self.pending[level] = []
            level += 1
            number = self.made.get(level, 0)
            self.made[level] = number + 1
            yield level, number, node


def _joined(nodes: list[bytes]) -> bytes:
    while len(nodes) > 1:
        nodes = [node_hash(nodes[n], nodes[n + 1]) for n in range(0, len(nodes), 2)]
    return nodes[0]


class ManyCases:
    """Fills a database. Everything follows from the number of cases, so that two runs measure the same."""

    def __init__(self, engine: Engine, keyring: Keyring, notary: Notary, policy: str, cases: int, copies: int = 1) -> None:
        self.made = cases
        self.copies = copies
        self.cases = cases * copies
        self._policy = policy
        self.events = 0
        self._engine = engine
        self._keyring = keyring
        self._notary = notary
        self._random = random.Random(cases)
        self._weights = list(itertools.accumulate(1 / (n + 1) for n in range(VOCABULARY)))
        self._vocabulary = [word(n) for n in range(VOCABULARY)]
        self._templates: dict[tuple[int, str, str], list[tuple[str, int, str, str | None]]] = {}
        self._tree = _Tree()
        self._key = os.urandom(32)

    def fill(self, say: Say) -> None:
        """Make everything. The application's tables are filled as their owner would, without triggers and references being checked."""
        raw = self._engine.raw_connection()
        try:
            assert raw.driver_connection is not None
            with contextlib.closing(raw.driver_connection.cursor()) as cursor:
                cursor.execute("set session_replication_role = replica")
                for first in range(0, self.made, AT_ONCE):
                    for table, columns, rows in self._batch(first, min(first + AT_ONCE, self.made)):
                        cursor.copy_expert(f"copy {table} ({columns}) from stdin", io.StringIO(rows))
                    raw.commit()
                    say(f"{min(first + AT_ONCE, self.made):,} cases, {self.events:,} events …")
                root = self._tree.frontier.root()
                checkpoint = Checkpoint(self._notary.origin, self.events, root, datetime.now(UTC).replace(microsecond=0))
                cursor.execute(
                    "insert into checkpoint (size, root, note) values (%s, %s, %s)", (self.events, root, str(self._notary.sign(checkpoint)))
                )
                cursor.execute("insert into log_key (verifier) values (%s)", (str(self._notary.verifiers[0]),))
                cursor.execute("select setval(pg_get_serial_sequence('cases', 'number'), %s)", (self.cases,))
                for n in range(PEOPLE):
                    cursor.execute("insert into person (id, name) values (%s, %s)", (person_(n), f"Person {n}"))
                raw.commit()
        finally:
            raw.close()

    def multiply(self, say: Say) -> None:
        """Make the copies, with what they are found by. Their words are those of the case that they are copies of."""
        with self._engine.connect() as connection:
            connection.execute(text(f"set session_replication_role = replica; {_MADE}"))
            for copy in range(1, self.copies):
                connection.execute(text(_COPY), {"copy": copy, "slice": SLICE, "apart": SPAN * copy / self.cases})
                connection.commit()
                if copy % 5 == 0:
                    say(f"{self.made * (copy + 1):,} cases …")
            connection.execute(text(_SLICES), {"slice": SLICE})
            connection.commit()
        self.events *= self.copies

    def opened_at(self, number: int) -> datetime:
        """When the case with that number was opened."""
        return FIRST_DAY + SPAN * ((number - 1) / self.cases)

    def _batch(self, first: int, end: int) -> list[tuple[str, str, str]]:
        tables: dict[str, list[str]] = {
            name: [] for name in ("subject", "words", "cases", "case_event", "case_head", "log_leaf", "log_node")
        }
        for n in range(first, end):
            self._case(n, tables)
        columns = {
            "subject": "id, channel, author_hash, wrapped_key, profile",
            "words": "id, subject_id, case_id, sealed",
            "cases": "case_id, number, brand, channel, first_post, subject_id, words, policy_id, opened_at, status, intent, category, "
            "priority, department, owner, events, ended",
            "case_event": "case_id, seq, event_id, recorded_us, key, doc, words, words_hash, prev_hash, hash",
            "case_head": "case_id, seq, hash, recorded_us",
            "log_leaf": "leaf, case_id, seq, hash",
            "log_node": "level, number, hash",
        }
        return [(table, columns[table], "".join(rows)) for table, rows in tables.items()]

    def _case(self, n: int, tables: dict[str, list[str]]) -> None:
        draw, number, case_id = self._random, n * self.copies + 1, f"meridian-x-{n:09}"
        opened = self.opened_at(number)
        department, person = DEPARTMENTS[int(draw.random() ** 2 * len(DEPARTMENTS))], person_(int(draw.random() ** 2 * PEOPLE))
        course = draw.choices(range(len(_COURSES)), [share for _, share in _COURSES])[0]
        subject, said, answer = (f"{kind:08x}-0000-7000-8000-{n:012x}" for kind in (1, 2, 3))
        hours = draw.random() * 40
        seconds = (0, 20, 3600 * hours, 7200 * hours, 7200 * hours + 10)
        times = [opened + timedelta(seconds=s) for s in seconds]
        author = _bytea(hashlib.sha256(subject.encode()).digest())
        tables["subject"].append(f"{subject}\tx\t{author}\t{self._wrapped(subject)}\t{self._profile(subject, n)}\n")
        hashes = {}
        for reference, spoken in ((said, self._text(n)), (answer, self._text(n))):
            sealed = self._sealed(subject, json.dumps({"text": spoken}))
            hashes[reference] = hashlib.sha256(sealed).digest()
            tables["words"].append(f"{reference}\t{subject}\t{case_id}\t{_bytea(sealed)}\n")
        previous, seq = GENESIS, 0
        at = [f"{time:%Y-%m-%dT%H:%M:%S.%fZ}" for time in times]
        filled = {**{_AT.format(place): moment for place, moment in enumerate(at)}, "@post@": f"{n}", "@words@": said, "@answer@": answer}
        filled |= {"@reply@": f"r{n}", "@thanks@": f"t{n}"}
        for key, when, template, words in self._template(course, department, person):
            seq += 1
            doc = template
            for blank, value in filled.items():
                doc = doc.replace(blank, value)
            spoken_as = filled[words] if words is not None else None
            us = round(times[when].timestamp() * 1_000_000) + seq
            event_id = f"{seq:08x}-0000-7000-9000-{n:012x}"
            sealed_hash = hashes[spoken_as] if spoken_as else None
            hashed = chain_hash(case_id, seq, event_id, us, sealed_hash, previous, doc)
            sealed_as = _bytea(sealed_hash) if sealed_hash is not None else _NULL
            chained = f"{spoken_as or _NULL}\t{sealed_as}\t{_bytea(previous)}\t{_bytea(hashed)}"
            tables["case_event"].append(f"{case_id}\t{seq}\t{event_id}\t{us}\t{key}\t{doc}\t{chained}\n")
            tables["log_leaf"].append(f"{self.events}\t{case_id}\t{seq}\t{_bytea(hashed)}\n")
            for level, place, node in self._tree.add(hashed):
                tables["log_node"].append(f"{level}\t{place}\t{_bytea(node)}\n")
            self.events += 1
            previous = hashed
        tables["case_head"].append(f"{case_id}\t{seq}\t{_bytea(previous)}\t{us}\n")
        status = ("closed", "closed", "closed", "dismissed", "in_progress")[course]
        ended = "dismissed" if status == "dismissed" else _NULL
        tables["cases"].append(
            f"{case_id}\t{number}\tmeridian\tx\t{n}\t{subject}\t{said}\t{self._policy}\t{opened.isoformat()}\t{status}\tcomplaint\t"
            f"{department}\tnormal\t{department}\t{person}\t{seq}\t{ended}\n"
        )

    def _template(self, course: int, department: str, person: str) -> list[tuple[str, int, str, str | None]]:
        """The entries of a course: key, number of its moment, document with places to fill in, and its words."""
        known = self._templates.get((course, department, person))
        if known is None:
            at = [datetime.fromisoformat(_AT.format(n)) for n in range(5)]
            known = []
            for number, (event, by) in enumerate(_COURSES[course][0](department, "x", person, at), start=1):
                entry = Entry(f"w{number}", event, by, "bench", self._policy)
                doc = document(entry).replace("@policy@", self._policy)
                known.append((entry.key, at.index(event.at), doc, entry.words))
            self._templates[course, department, person] = known
        return known

    def _text(self, n: int) -> str:
        words = self._random.choices(self._vocabulary, cum_weights=self._weights, k=WORDS)
        if n < self.made * OLD_SHARE:
            words.append("bygone")
        words.append("odd" if n % 2 else "even")  # each in half of the cases, and never both
        return " ".join(words)

    def _wrapped(self, subject: str) -> str:
        return _bytea(self._keyring.seal(WRAP, self._key, subject.encode()))

    def _profile(self, subject: str, n: int) -> str:
        return _bytea(self._sealed(subject, json.dumps({"handle": f"handle{n}", "name": f"Customer {n}"})))

    def _sealed(self, subject: str, plain: str) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        return b"\x01" + nonce + AESGCM(self._key).encrypt(nonce, plain.encode(), subject.encode())


def word(n: int) -> str:
    """The n-th commonest word, in letters."""
    letters, rest = "", n
    while True:
        letters += "aeioubcdfghklmnprstvz"[rest % 21]
        rest //= 21
        if rest == 0:
            return f"w{letters}"


def person_(n: int) -> str:
    """A colleague, the one with most cases being number 0."""
    return f"slack:U{n:05}"


def _bytea(value: bytes) -> str:
    return f"\\\\x{value.hex()}"
