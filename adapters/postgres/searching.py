"""Finding cases by the terms of their histories and words, the newest first, in bounded time whatever is asked."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.indexing import SLICE, BlindIndex
from domain.history import microseconds, read
from domain.index_terms import Wanted, anywhere, fits, recorded, wanted
from domain.ports import Unavailable
from domain.seeking import SearchTooLong, Sought

TIMEOUT_MS = 2_000
_CANCELLED = "57014"
"""PostgreSQL's word for a statement that it gave up because its time was over."""
FEW = 2_000
"""Of so many cases, as the database estimates, all are gathered at once."""
SLICES_AT_ONCE = 6
BUDGET_SECONDS = 0.06
"""So long slices are walked for one page. A page that is not full then ends, and the search goes on from there."""
AT_ONCE = 100
"""So many cases are looked into at once, when terms alone do not decide."""
PAGES_AT_MOST = 10
"""So many times a search goes on by itself for people who type words."""
LOOKED_AT_MOST = 600
"""After so many cases that did not decide themselves a page ends, full or not; the search goes on from there."""
CASES_AT_MOST = 1_000
"""So many ids of cases can be named."""

_NUMBER = re.compile(r"(?<!\S)#([0-9]{1,18})(?!\S)")
# What fits is gathered whole before it is sorted: the planner must not walk all cases by number instead, which for a rare term reads
# everything. Of few cases at once; of many slice by slice, the newest first, no further than it takes to fill the page.
_SETTINGS = text(
    f"set local statement_timeout = {TIMEOUT_MS}; set local max_parallel_workers_per_gather = 0; set local jit = off; "
    "set local enable_seqscan = off"
)
_PAGE = (
    "select number, case_id from hits where (cast(:before as bigint) is null or number < :before) "
    "and (cast(:opened_from as timestamptz) is null or opened_at >= :opened_from) "
    "and (cast(:opened_until as timestamptz) is null or opened_at < :opened_until) order by number desc limit :limit"
)
_HITS = "with hits as materialized (select number, case_id, opened_at from case_search where {terms}) "
_ALL = _HITS + _PAGE
_ESTIMATE = "explain (format json) select from case_search where {terms}"
_SLICES = text(
    "select slice from search_slice where (cast(:before as bigint) is null or slice <= (:before - 1) / :slice) "
    "and (cast(:opened_from as timestamptz) is null or last_opened >= :opened_from) "
    "and (cast(:opened_until as timestamptz) is null or first_opened < :opened_until) "
    "and (cast(:recorded_from as bigint) is null or last_recorded_us >= :recorded_from) "
    "and (cast(:recorded_until as bigint) is null or first_recorded_us < :recorded_until) order by slice desc"
)
_BY_SLICE = (
    f"select found.number, found.case_id from unnest(cast(:slices as bigint[])) with ordinality as stretch(slice, place) "  # noqa: S608 - our own words
    f"cross join lateral ({_HITS}{_PAGE}) as found limit :limit"
)
_BY_CASE = (
    "with named as materialized (select * from case_search where {named}), "  # noqa: S608 - as above
    f"hits as (select number, case_id, opened_at from named where {{terms}}) {_PAGE}"
)
_FACTS = "facets @> cast(:facts as bigint[])"
_IN_SLICE = "facets @> (cast(:facts as bigint[]) || (-1 - stretch.slice))"
_TOLD = text(
    "select k.case_id, k.number, k.opened_at, k.brand, k.channel, k.department, k.status, k.priority, k.category, "
    "k.closed_at, k.events, coalesce(p.name, k.owner) as owner from cases k left join person p on p.id = k.owner "
    "where k.case_id = any(:cases) order by k.number desc"
)
# What terms cannot tell: whether one event is of that kind and of that time. Only what passes is folded.
_EVENT = text(
    "select distinct case_id from case_event where case_id = any(:cases) "
    "and (cast(:since as bigint) is null or recorded_us >= :since) and (cast(:until as bigint) is null or recorded_us < :until) "
    "and (cast(:kind as text) is null or cast(doc as json) ->> 'kind' = :kind) "
    "and (cast(:clock as text) is null or cast(doc as json) #>> '{data,clock}' = :clock)"
)
_EVENTS = text("select case_id, key, doc, recorded_us from case_event where case_id = any(:cases) order by case_id, seq")


@dataclass(frozen=True, slots=True)
class Found:
    """A case that was found, without anything that somebody wrote."""

    case_id: str
    number: int
    opened_at: datetime
    brand: str
    channel: str
    department: str
    status: str
    priority: str
    category: str
    owner: str | None
    closed_at: datetime | None
    events: int


@dataclass(frozen=True, slots=True)
class Page:
    """Cases that were found, the newest first. `after`: where to go on; None when that was all.

    A page with fewer cases than were asked for, even with none, can have an `after`: so much was gone through that it ended there.
    """

    cases: tuple[Found, ...]
    after: int | None


class PostgresSearch:
    """Reads what the indexer has written: events of the last few seconds are not among it."""

    def __init__(self, engine: Engine, index_key: bytes) -> None:
        self._engine = engine
        self._index = BlindIndex(index_key)

    def find(self, sought: Sought, after: int | None = None, at_most: int = 50, seen_by: frozenset[str] | None = None) -> Page:
        """The cases that fit, from below the number `after` on. `seen_by`: only those that these departments have now; None: all.

        Raises SearchTooLong when a step of it takes longer than two seconds; Unavailable.
        """
        asked = wanted(sought)
        if asked.nothing or len(sought.cases) > CASES_AT_MOST:
            return Page((), None)
        with self._within_time() as connection:
            return self._page(connection, sought, _seen_by(asked, seen_by), after, at_most)

    def found_by_words(self, typed: str, at_most: int, seen_by: frozenset[str] | None = None) -> list[int]:
        """The numbers of the newest cases that have each of the words somewhere: in what was written, or in the customer's name.

        `#42` among the words means the case of that number. Raises as `find` does.
        """
        number, words = told_apart(typed)
        either = anywhere(words)
        if not either and number is None:
            return []
        with self._within_time() as connection:
            walk = _Walk(self._index, Sought(number=number), _seen_by(Wanted(), seen_by), either)
            hits, before = list[tuple[int, str]](), None
            for _ in range(PAGES_AT_MOST):
                more, before = walk.hits(connection, before, at_most - len(hits))
                hits += more
                if before is None or len(hits) == at_most:
                    break
            return [number for number, _ in hits]

    def behind(self) -> int:
        """How many events of the log are not indexed yet."""
        lag = text("select coalesce((select max(leaf) from log_leaf), -1) - leaf from search_progress")
        with self._engine.connect() as connection:
            return int(connection.execute(lag).scalar_one())

    @contextmanager
    def _within_time(self) -> Iterator[Connection]:
        try:
            with transaction(self._engine) as connection:
                connection.execute(_SETTINGS)
                yield connection
        except Unavailable as error:
            if getattr(getattr(error.__cause__, "orig", None), "pgcode", None) == _CANCELLED:
                raise SearchTooLong from error
            raise

    def _page(self, connection: Connection, sought: Sought, asked: Wanted, after: int | None, at_most: int) -> Page:
        walk, fitting, looked = _Walk(self._index, sought, asked), list[tuple[int, str]](), 0
        while True:
            limit = max(AT_ONCE, at_most + 1) if asked.look else at_most + 1 - len(fitting)
            hits, after = walk.hits(connection, after, limit)
            fitting += self._looked_into(connection, sought, hits) if asked.look else hits
            looked += len(hits)
            if len(fitting) > at_most:
                fitting = fitting[:at_most]
                return Page(self._told(connection, fitting), fitting[-1][0])
            if after is None or walk.is_spent or looked >= LOOKED_AT_MOST:
                return Page(self._told(connection, fitting), after)

    def _looked_into(self, connection: Connection, sought: Sought, hits: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """Those of the cases in which one event is all that the filter says of it."""
        values = {
            "cases": [case for _, case in hits],
            "since": _us(sought.recorded_from),
            "until": _us(sought.recorded_until),
            "kind": sought.kind,
            "clock": sought.breached.value if sought.breached is not None else None,
        }
        kept = set(connection.execute(_EVENT, values).scalars())
        if sought.is_of_an_event and (sought.department is not None or sought.person is not None):
            histories = defaultdict(list)
            for row in connection.execute(_EVENTS, {"cases": sorted(kept)}):
                histories[row.case_id].append((read(row.doc, row.key), row.recorded_us))
            kept = {case for case, history in histories.items() if fits(sought, recorded(history))}
        return [hit for hit in hits if hit[1] in kept]

    def _told(self, connection: Connection, hits: Sequence[tuple[int, str]]) -> tuple[Found, ...]:
        rows = connection.execute(_TOLD, {"cases": [case for _, case in hits]}).mappings()
        return tuple(Found(**{name: row[name] for name in Found.__dataclass_fields__}) for row in rows)


class _Walk:
    """One search on its way back in time."""

    def __init__(self, index: BlindIndex, sought: Sought, asked: Wanted, or_words: Sequence[frozenset[str]] = ()) -> None:
        self._until = time.monotonic() + BUDGET_SECONDS
        self._sought = sought
        self._facts = index.hashes(asked.facts)
        self._values: dict[str, Any] = {
            "slice": SLICE,
            "opened_from": sought.opened_from,
            "opened_until": sought.opened_until,
            "recorded_from": _us(sought.recorded_from),
            "recorded_until": _us(sought.recorded_until),
            "facts": self._facts,
        }
        self._terms = list[str]()
        if asked.words:
            self._values["words"] = index.hashes(asked.words)
            self._terms.append("words @> cast(:words as bigint[])")
        for column, groups in (("facets", asked.either), ("words", or_words)):
            for n, group in enumerate(groups):
                self._values[f"{column}_{n}"] = index.hashes(group)
                self._terms.append(f"{column} && cast(:{column}_{n} as bigint[])")
        self._are_few: bool | None = None

    @property
    def is_spent(self) -> bool:
        """Whether it has taken as long as it may."""
        return time.monotonic() >= self._until

    def hits(self, connection: Connection, before: int | None, limit: int) -> tuple[list[tuple[int, str]], int | None]:
        """Up to `limit` cases whose terms fit, below the number `before`, the newest first; and where to go on, None when that was all."""
        values = {**self._values, "before": before, "limit": limit}
        if self._sought.cases or self._sought.number is not None:
            found = self._named(connection, values)
        elif self._is_selective(connection):
            found = self._run(connection, _ALL.format(terms=self._everywhere), values)
        else:
            return self._sliced(connection, values, limit)
        return found, found[-1][0] if len(found) == limit else None

    def _sliced(self, connection: Connection, values: dict[str, Any], limit: int) -> tuple[list[tuple[int, str]], int | None]:
        slices = list(connection.execute(_SLICES, values).scalars())
        sql = _BY_SLICE.format(terms=" and ".join([_IN_SLICE, *self._terms]))
        found = list[tuple[int, str]]()
        for first in range(0, len(slices), SLICES_AT_ONCE):
            some = slices[first : first + SLICES_AT_ONCE]
            found += self._run(connection, sql, {**values, "slices": some, "limit": limit - len(found)})
            if len(found) == limit:
                return found, found[-1][0]
            if self.is_spent and some[-1] != slices[-1]:
                return found, some[-1] * SLICE
        return found, None

    def _named(self, connection: Connection, values: dict[str, Any]) -> list[tuple[int, str]]:
        cases, number = self._sought.cases, self._sought.number
        names = ["case_id = any(:cases)"] * bool(cases) + ["number = :number"] * (number is not None)
        sql = _BY_CASE.format(named=" and ".join(names), terms=self._everywhere)
        return self._run(connection, sql, values | {"cases": list(cases), "number": number})

    def _is_selective(self, connection: Connection) -> bool:
        """Whether so few cases have these terms, by the database's statistics, that they are gathered at once."""
        if self._are_few is None:
            sql = _ESTIMATE.format(terms=self._everywhere)
            (plan,) = connection.execute(text(sql), self._values).scalar_one()
            self._are_few = plan["Plan"]["Plan Rows"] <= FEW
        return self._are_few

    @property
    def _everywhere(self) -> str:
        """All that is asked of the terms. To ask that a case has all of no facets would read everything."""
        return " and ".join([_FACTS] * bool(self._facts) + self._terms) or "true"

    def _run(self, connection: Connection, sql: str, values: dict[str, Any]) -> list[tuple[int, str]]:
        return [(row.number, row.case_id) for row in connection.execute(text(sql), values)]


def told_apart(typed: str) -> tuple[int | None, str]:
    """The number of a case among typed words (`#42`), and the others."""
    number = _NUMBER.search(typed)
    return (int(number[1]) if number else None), _NUMBER.sub(" ", typed)


def _seen_by(asked: Wanted, departments: frozenset[str] | None) -> Wanted:
    if departments is None:
        return asked
    return replace(asked, either=(*asked.either, frozenset(f"now:{department}" for department in departments)))


def _us(at: datetime | None) -> int | None:
    return microseconds(at) if at is not None else None
