"""Histories on their way out: chosen, put on record, and streamed event after event in memory that does not grow with them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.export_words import opened_words
from adapters.postgres.journal import note, now
from adapters.postgres.log import LogHashes
from adapters.postgres.selecting import select_cases
from adapters.postgres.vault import Vault
from domain.errors import LoopkeeperError
from domain.exporting import Form, Scope
from domain.journal import JOURNAL, HistoryExported, WordsRead
from domain.merkle import consistency_proof, inclusion_proof
from domain.seeking import Sought
from domain.values import Actor

EVENTS_AT_ONCE = 10_000
CASES_AT_ONCE = 200
_MOST_PROOFS = 1_000
_COPY = " to stdout with (format csv, quote E'\\x01', delimiter E'\\x02')"  # neither is in a line, so that nothing in it is escaped
_HEAD = """'{"case":"' || %s.case_id || '","seq":' || %s.seq"""
_EVENT = (
    _HEAD.replace("%s", "e")
    + """ || ',"id":"' || e.event_id || '","us":' || e.recorded_us || ',"leaf":' || coalesce(l.leaf::text, 'null')"""
    """ || ',"words":' || coalesce('"' || encode(e.words_hash, 'hex') || '"', 'null') || ',"prev":"' || encode(e.prev_hash, 'hex')"""
    """ || '","hash":"' || encode(e.hash, 'hex') || '","doc":' || e.doc || '}'"""
)
_LINE = (
    "case when e.case_id is null then "
    + _HEAD.replace("%s", "l")
    + """ || ',"fault":"is in the log and not in the history: it was deleted"}' """
    "when e.hash <> l.hash then "
    + _HEAD.replace("%s", "e")
    + """ || ',"fault":"is another one than was sealed into the log: it was changed, and its hash with it"}' """
    f"else {_EVENT} end"
)
_IN_LOG_ORDER = (
    f"copy (select {_LINE} from log_leaf l left join case_event e using (case_id, seq) "  # noqa: S608 - values are bound
    "where l.leaf >= %(first)s and l.leaf < %(end)s order by l.leaf)" + _COPY
)
_BY_CASE = (
    f"copy (select {_LINE} from log_leaf l left join case_event e using (case_id, seq) "  # noqa: S608 - values are bound
    'where l.case_id = any(%(cases)s) and l.leaf < %(end)s order by l.case_id collate "C", l.seq)' + _COPY
)
_STRAYS = (
    "copy (select "  # noqa: S608 - values are bound
    + _HEAD.replace("%s", "e")
    + """ || ',"fault":"was put into the history beside the log, which never had it"}' """
    "from case_event e where @of_these not exists (select from log_leaf l where (l.case_id, l.seq) = (e.case_id, e.seq)) "
    "and not exists (select from unsealed u where (u.case_id, u.seq) = (e.case_id, e.seq)) "
    'order by e.case_id collate "C", e.seq)' + _COPY
)
_ALL_BY_CASE = (
    f"copy (select {_EVENT} from case_event e left join log_leaf l using (case_id, seq) "  # noqa: S608 - values are bound
    'where e.case_id = any(%(cases)s) order by e.case_id collate "C", e.seq)' + _COPY
)
_HEADS = text(
    'select distinct on (case_id collate "C") case_id, leaf from log_leaf where case_id = any(:cases) and leaf < :end '
    'order by case_id collate "C", seq desc'
)
_COUNT = text(
    "select count(distinct case_id) as cases, count(*) as events, "
    "(select count(*) from unsealed where case_id = any(:cases)) as unsealed from log_leaf where case_id = any(:cases) and leaf < :end"
)
_ALL = text(
    "select (select count(*) from case_head where case_id not like :journal) as cases, "
    "(select count(*) from unsealed) as unsealed, (select count(*) from log_leaf) as leaves"
)
_WORDS = (
    "select e.case_id, e.seq, e.words, w.subject_id, w.private, w.sealed, s.wrapped_key "
    "from log_leaf l join case_event e using (case_id, seq) "
    "left join words w on w.id = e.words left join subject s on s.id = w.subject_id where e.words_hash is not null and "
)
_WORDS_IN_LOG_ORDER = text(_WORDS + "l.leaf >= :first and l.leaf < :last order by l.leaf")
_WORDS_BY_CASE = text(_WORDS + 'l.case_id = any(:cases) and l.leaf < :end order by l.case_id collate "C", l.seq')
_ERASURES = (
    f"copy (select {_LINE} from log_leaf l join case_event e using (case_id, seq) where l.case_id like %(journal)s and l.leaf < %(end)s "  # noqa: S608
    "and e.doc like '%%\"kind\":\"subject.erased\"%%' and e.doc::jsonb -> 'data' ->> 'subject' = any(%(subjects)s) order by l.leaf)" + _COPY
)


class NothingSealed(LoopkeeperError):
    """There is no checkpoint that a bundle could be held to."""


class NobodyFits(LoopkeeperError):
    """No case fits the filter, or more than the form can hold."""


class PostgresExporter:
    """Takes histories out of the database."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    @contextmanager
    def export(
        self, sought: Sought, form: Form, by: Actor, *, with_words: bool = False, private: bool = False, older: Sequence[int] = ()
    ) -> Iterator[Export]:
        """Choose what is exported and put that on record; then it can be streamed. `older`: sizes of checkpoints to prove continuation of.

        What is exported is noted in the journal before anything of it can be had: that it was exported, and with words, one entry a case.
        Raises NothingSealed, NobodyFits, Unavailable.
        """
        with tempfile.TemporaryFile() as spool:
            ids = _Ids(spool)
            sealed = form is Form.BUNDLE
            with transaction(self._engine) as connection:
                connection.execute(text("set local statement_timeout = 0"))
                latest = connection.execute(text("select size, note from checkpoint order by size desc limit 1")).one_or_none()
                if sealed and latest is None:
                    raise NothingSealed(
                        "nothing was sealed into the log yet, so that there is no checkpoint to prove anything by; set LOOPKEEPER_LOG_KEY, "
                        "and see with `loopkeeper audit checkpoint` that it works. Other forms than a bundle need none"
                    )
                if not (sealed and sought.is_everything and not with_words):  # which goes by the log, and needs no list
                    for case_id in select_cases(connection, self._vault, sought):
                        ids.add(case_id)
                if not sealed and sought.is_everything and form is not Form.HTML:
                    journal = text("select case_id from case_head where case_id like :journal order by case_id")
                    for case_id in connection.execute(journal, {"journal": f"{JOURNAL}%"}).scalars():
                        ids.add(case_id)
                keys = connection.execute(text("select verifier from log_key order by since, verifier")).scalars().all()
            if not ids.count and not sought.is_everything:
                raise NobodyFits(f"no case fits: {sought.describe()}")
            if form is Form.HTML and ids.count != 1:
                raise NobodyFits(f"a page is of one case, and {ids.count} fit: {sought.describe()}; name it by its id or its number")
            export = Export(self._engine, self._vault, ids, sealed=sealed, whole=sought.is_everything, private=private, older=older)
            cases, events, unsealed = export.counted(latest.size if latest is not None else 0)
            export.scope = Scope(
                sought=sought.describe(),
                whole=sought.is_everything,
                by=f"{by.role.value}, through {by.via.value}",
                cases=cases,
                events=events,
                unsealed=unsealed,
                with_words=with_words,
                private=private,
                note=latest.note if latest is not None else None,
                size=latest.size if latest is not None else 0,
                keys=keys,
            )
            self._put_on_record(export.scope, form, by, ids)
            yield export

    def _put_on_record(self, scope: Scope, form: Form, by: Actor, ids: _Ids) -> None:
        at = now()
        exported = HistoryExported(
            at, form.value, scope.sought, scope.cases, scope.events, scope.with_words, scope.size or None, whole=scope.whole
        )
        with transaction(self._engine) as connection:
            note(connection, [exported], by, "asked")
            for batch in ids.batches() if scope.with_words else ():
                note(connection, [WordsRead(at, case_id, scope.private) for case_id in batch], by, "exported")


class _Ids:
    """Ids of cases, kept in a file, because there can be millions."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0

    def add(self, case_id: str) -> None:
        self._file.write(case_id.encode() + b"\n")
        self.count += 1

    def batches(self) -> Iterator[list[str]]:
        place = 0
        while True:
            self._file.seek(place)
            batch = [line for _, line in zip(range(CASES_AT_ONCE), self._file, strict=False)]
            if not batch:
                return
            place += sum(map(len, batch))
            yield [line[:-1].decode() for line in batch]


class Export:
    """See `domain.exporting.Parcel`."""

    scope: Scope

    def __init__(self, engine: Engine, vault: Vault, ids: _Ids, *, sealed: bool, whole: bool, private: bool, older: Sequence[int]) -> None:
        self._engine = engine
        self._vault = vault
        self._ids = ids
        self._sealed = sealed
        self._whole = whole
        self._private = private
        self._older = older
        self._gone: set[str] = set()

    def counted(self, size: int) -> tuple[int, int, int]:
        """How many cases and events it will hold, and how many events are left out because they are not sealed."""
        with transaction(self._engine) as connection:
            connection.execute(text("set local statement_timeout = 0"))
            if self._whole:
                row = connection.execute(_ALL, {"journal": f"{JOURNAL}%"}).one()
                return row.cases, size if self._sealed else row.leaves + row.unsealed, row.unsealed
            cases = events = unsealed = 0
            for batch in self._ids.batches():
                row = connection.execute(_COUNT, {"cases": batch, "end": size}).one()
                cases, events, unsealed = cases + row.cases, events + row.events, unsealed + row.unsealed
        return (cases, events, unsealed) if self._sealed else (self._ids.count, events + unsealed, unsealed)

    def events(self) -> Iterator[tuple[bytes, int]]:
        """See `domain.exporting.Parcel.events`. What is wrong with the database's history stands in its place as a fault."""
        if self._sealed and self._whole:
            for first in range(0, self.scope.size, EVENTS_AT_ONCE):
                yield self._copied(_IN_LOG_ORDER, first=first, end=min(first + EVENTS_AT_ONCE, self.scope.size))
            yield self._copied(_STRAYS.replace("@of_these", ""))
            return
        for batch in self._ids.batches():
            if self._sealed:
                yield self._copied(_BY_CASE, cases=batch, end=self.scope.size)
                yield self._copied(_STRAYS.replace("@of_these", "e.case_id = any(%(cases)s) and"), cases=batch)
            else:
                yield self._copied(_ALL_BY_CASE, cases=batch)

    def case_ids(self) -> Iterator[str]:
        """The ids of the cases."""
        for batch in self._ids.batches():
            yield from batch

    def cases(self) -> Iterator[dict[str, Any]]:
        """A row a case, as `cases` has it."""
        sql = text('select * from cases where case_id = any(:cases) order by case_id collate "C"')
        for batch in self._ids.batches():
            with transaction(self._engine) as connection:
                rows = connection.execute(sql, {"cases": batch}).mappings().all()
            yield from map(dict, rows)

    def heads(self) -> Iterator[tuple[bytes, int]]:
        """See `domain.exporting.Parcel.heads`. Raises LogFault when the database's log is not whole."""
        for batch in self._ids.batches():
            with transaction(self._engine) as connection:
                hashes = LogHashes(connection)
                rows = connection.execute(_HEADS, {"cases": batch, "end": self.scope.size}).all()
                lines = [line({"case": row.case_id, "leaf": row.leaf, "proof": self._proof(hashes, row.leaf)}) for row in rows]
            yield b"".join(lines), len(lines)

    def consistency(self) -> Iterator[tuple[bytes, int]]:
        """See `domain.exporting.Parcel.consistency`: from the published checkpoints, and those that were asked for."""
        with transaction(self._engine) as connection:
            published = connection.execute(text("select distinct size from publication order by size desc")).scalars().all()
            sizes = {*_thinned(published), *self._older}
            hashes = LogHashes(connection)
            for older in sorted(size for size in sizes if 0 < size < self.scope.size):
                proof = [sibling.hex() for sibling in consistency_proof(hashes, older, self.scope.size)]
                yield line({"size": older, "proof": proof}), 1

    def words(self) -> Iterator[tuple[bytes, int]]:
        """See `domain.exporting.Parcel.words`."""
        if self._whole:
            for first in range(0, self.scope.size, EVENTS_AT_ONCE):
                last = min(first + EVENTS_AT_ONCE, self.scope.size)
                yield self._opened(_WORDS_IN_LOG_ORDER, {"first": first, "last": last})
        else:
            for batch in self._ids.batches():
                yield self._opened(_WORDS_BY_CASE, {"cases": batch, "end": self.scope.size})

    def erasures(self) -> Iterator[tuple[bytes, int]]:
        """See `domain.exporting.Parcel.erasures`."""
        found, _ = self._copied(_ERASURES, journal=f"{JOURNAL}%", end=self.scope.size, subjects=sorted(self._gone))
        with transaction(self._engine) as connection:
            hashes = LogHashes(connection)
            for event in found.decode().splitlines():
                said = json.loads(event)
                proof = self._proof(hashes, said["leaf"])
                yield line({"case": said["case"], "leaf": said["leaf"], "proof": proof, "event": event}), 1

    def _opened(self, sql: Any, values: dict[str, Any]) -> tuple[bytes, int]:
        with transaction(self._engine) as connection:
            connection.execute(text("set local statement_timeout = 0"))
            rows = connection.execute(sql, values).all()
        told = [opened_words(self._vault, row, private=self._private) for row in rows]
        self._gone |= {str(said["gone"]) for said in told if "gone" in said}
        return b"".join(map(line, told)), len(told)

    def _proof(self, hashes: LogHashes, leaf: int) -> list[str]:
        return [sibling.hex() for sibling in inclusion_proof(hashes, leaf, self.scope.size)]

    def _copied(self, sql: str, **values: Any) -> tuple[bytes, int]:
        """The rows that a query gives, as the database writes them: nothing is decoded and encoded again on the way."""
        rows = _Rows()
        with transaction(self._engine) as connection:
            connection.execute(text("set local statement_timeout = 0"))
            cursor: Any = connection.connection.cursor()
            cursor.copy_expert(cursor.mogrify(sql, values).decode(), rows)
        return b"".join(rows.told), len(rows.told)


class _Rows:
    """Takes the rows of a COPY."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def write(self, row: bytes) -> None:
        self.told.append(row)


def line(said: dict[str, Any]) -> bytes:
    """A line of JSON."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _thinned(sizes: Sequence[int]) -> list[int]:
    """The newest half of as many as are kept, and an even choice of the others. `sizes`: the newest first."""
    newest, others = list(sizes[: _MOST_PROOFS // 2]), sizes[_MOST_PROOFS // 2 :]
    step = max(1, -(-len(others) // (_MOST_PROOFS // 2)))
    return newest + list(others[::step])
