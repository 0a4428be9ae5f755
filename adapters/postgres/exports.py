"""Exports that people asked for over the console or the API: what is sought, and how far each is. What is exported is nowhere kept."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from adapters.keyring import Keyring
from adapters.postgres.engine import transaction
from domain.errors import LoopkeeperError
from domain.exporting import Form, Scope

KEPT = timedelta(days=1)
"""How long somebody can download what they asked for."""
SILENT_AFTER = timedelta(seconds=30)
"""After so long without a word of whoever sends it, an export counts as broken off."""
FILTER = "export filter"
_COLUMNS = (
    "id, asked_by, asked_at, form, with_words, since, sought, filter, cases, events, unsealed, size, written, bytes, heard_at, problem, "
    "case when state = 'running' and heard_at < clock_timestamp() - cast(:silent as interval) then 'broken_off' else state end as state"
)
_OF = "id = cast(:id as uuid) and asked_by = :by and asked_at > clock_timestamp() - cast(:kept as interval)"
_ASK = text(
    "insert into export (asked_by, form, with_words, since, sought, filter, of_somebody) "
    "values (:by, :form, :with_words, :since, :sought, :filter, :of_somebody) returning id"
)
_THROW_AWAY = text("delete from export where asked_at <= clock_timestamp() - cast(:kept as interval)")
_BEGIN = text(
    "update export set state = 'running', claim = claim + 1, cases = null, events = null, unsealed = null, size = null, written = 0, "  # noqa: S608 - our own text
    f"bytes = 0, problem = null, heard_at = clock_timestamp() where {_OF} and state <> 'cancelled' returning claim"
)
_MINE = "id = cast(:id as uuid) and claim = :claim and state = 'running'"
_CHOSEN = text(
    "update export set cases = :cases, events = :events, unsealed = :unsealed, size = :size, heard_at = clock_timestamp() "  # noqa: S608 - as above
    f"where {_MINE}"
)
_HEARD = text(f"update export set written = :written, bytes = :bytes, heard_at = clock_timestamp() where {_MINE}")  # noqa: S608 - as above
_OVER = text(f"update export set state = :state, problem = :problem where {_MINE}")  # noqa: S608 - as above
_CANCEL = text(f"update export set state = 'cancelled' where {_OF} returning id")  # noqa: S608 - as above


class NoExport(LoopkeeperError):
    """There is no such export for that person."""


class Overtaken(LoopkeeperError):
    """Whoever sends an export must not go on: it was cancelled, is sent anew, or is gone because a customer was erased meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export that is asked for. `query`: the filter, as `api.seeking` writes it. `since`: the size of a checkpoint to continue.

    `told`: the filter in words that name nobody.
    """

    form: Form
    query: tuple[tuple[str, str], ...]
    told: str
    with_words: bool = False
    since: int | None = None

    @property
    def of_somebody(self) -> bool:
        """Whether the filter names a customer, or what somebody wrote."""
        return any(name in ("customer", "words") for name, _ in self.query)


@dataclass(frozen=True, slots=True)
class Asked:
    """An export, and how far it is. `state`: asked, running, broken_off, done, failed or cancelled.

    `cases`, `events`, `unsealed`, `size`: what it holds, as soon as that was chosen. `written`: so many of its events have left.
    """

    id: str
    asked_by: str
    asked_at: datetime
    wanted: Wanted
    state: str
    cases: int | None
    events: int | None
    unsealed: int | None
    size: int | None
    written: int
    bytes: int
    heard_at: datetime | None
    problem: str | None

    @property
    def until(self) -> datetime:
        """Until when it can be downloaded."""
        return self.asked_at + KEPT


class Exports:
    """Keeps them. Everybody has their own; those of others are not there for them."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def ask(self, wanted: Wanted, by: str) -> Asked:
        """Note that somebody wants an export."""
        values = {
            "by": by,
            "form": wanted.form.value,
            "with_words": wanted.with_words,
            "since": wanted.since,
            "sought": wanted.told,
            "filter": self._keyring.seal(FILTER, json.dumps(wanted.query).encode(), by.encode()),
            "of_somebody": wanted.of_somebody,
        }
        with transaction(self._engine) as connection:
            connection.execute(_THROW_AWAY, {"kept": KEPT})
            made = connection.execute(_ASK, values).scalar_one()
        return self.one(str(made), by)

    def one(self, export: str, by: str) -> Asked:
        """An export of that person's. Raises NoExport."""
        found = self._all(_OF, id=_id(export), by=by)
        if not found:
            raise NoExport("there is no such export of yours; they are kept for a day, and end when a customer is erased meanwhile")
        return found[0]

    def of(self, by: str) -> list[Asked]:
        """A person's, the newest first."""
        return self._all("asked_by = :by and asked_at > clock_timestamp() - cast(:kept as interval) order by asked_at desc limit 50", by=by)

    def begin(self, export: str, by: str) -> int:
        """It is going to be sent; a download of it that is under way is overtaken. Raises NoExport."""
        with transaction(self._engine) as connection:
            claim = connection.execute(_BEGIN, {"id": _id(export), "by": by, "kept": KEPT}).scalar_one_or_none()
        if claim is None:
            raise NoExport("there is no such export of yours that could be downloaded: it was cancelled, or is older than a day")
        return int(claim)

    def chosen(self, export: str, claim: int, scope: Scope) -> None:
        """What it will hold. Raises Overtaken."""
        values = {"cases": scope.cases, "events": scope.events, "unsealed": scope.unsealed, "size": scope.size or None}
        self._mine(_CHOSEN, export, claim, **values)

    def heard(self, export: str, claim: int, written: int, size: int) -> None:
        """How far it is: so many events, in so many bytes. Raises Overtaken."""
        self._mine(_HEARD, export, claim, written=written, bytes=size)

    def over(self, export: str, claim: int, state: str, problem: str | None = None) -> None:
        """All has left (`done`), or it will not go on (`failed`)."""
        with transaction(self._engine) as connection:
            connection.execute(_OVER, {"id": export, "claim": claim, "state": state, "problem": problem})

    def cancel(self, export: str, by: str) -> None:
        """Whoever sends it stops; it cannot be downloaded any more. Raises NoExport."""
        with transaction(self._engine) as connection:
            if connection.execute(_CANCEL, {"id": _id(export), "by": by, "kept": KEPT}).one_or_none() is None:
                raise NoExport("there is no such export of yours; they are kept for a day")

    def _mine(self, sql: Any, export: str, claim: int, **values: Any) -> None:
        with transaction(self._engine) as connection:
            if connection.execute(sql, {"id": export, "claim": claim, **values}).rowcount != 1:
                raise Overtaken("this download was ended: the export was cancelled, is downloaded anew, or a customer was erased meanwhile")

    def _all(self, where: str, **values: Any) -> list[Asked]:
        sql = text(f"select {_COLUMNS} from export where {where}")  # noqa: S608 - our own text, values bound
        with transaction(self._engine) as connection:
            rows = connection.execute(sql, {"kept": KEPT, "silent": SILENT_AFTER, **values}).all()
        return [self._read(row) for row in rows]

    def _read(self, row: Any) -> Asked:
        query = json.loads(self._keyring.open(FILTER, bytes(row.filter), row.asked_by.encode()))
        wanted = Wanted(Form(row.form), tuple((name, value) for name, value in query), row.sought, row.with_words, row.since)
        progress = (row.cases, row.events, row.unsealed, row.size, row.written, row.bytes)
        return Asked(str(row.id), row.asked_by, row.asked_at, wanted, row.state, *progress, row.heard_at, row.problem)


def _id(given: str) -> str:
    """As the database can be asked for it. Raises NoExport."""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise NoExport("there is no such export") from None
