"""Shared causes: what they are, which cases share them, and what was announced to all of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, text

from adapters.postgres.rows import MORE, SHOWN, Row, row_of
from adapters.postgres.telling import hand_over
from adapters.postgres.vault import Vault
from domain import events as e
from domain.commands import Announce
from domain.errors import LoopkeeperError
from domain.history import read
from domain.values import Actor, Role, Via

SEAL = "causes"
GAP = timedelta(milliseconds=500)
"""Between two cases that are told, so that no network takes many replies with one text for a flood."""
State = Literal["draft", "waiting", "sent", "rejected"]
What = Literal["update", "resolve"]


class NoSuchCause(LoopkeeperError):
    """There is no cause, or no announcement, of that number."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause that many cases share. `cases`: how many do; `open`: how many of them are not resolved."""

    number: int
    name: str
    about: str
    category: str | None
    department: str
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    cases: int
    open: int
    closed: int

    @property
    def title(self) -> str:
        """What it is called for short."""
        return f"C{self.number}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """One text to the customers of all cases of a cause. `why`: what a second person must look at; empty: nobody must."""

    number: int
    cause: int
    what: What
    root_cause: str | None
    body: str
    why: tuple[str, ...]
    state: State
    author: Actor
    author_name: str | None
    made_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """What one case would say of it: the words that were made for it, or why they are held back."""

    case_id: str
    words: str | None = None
    promise: datetime | None = None
    turn: int = 0
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """An announcement before anybody has sent it."""

    cause: int
    key: str
    what: What
    root_cause: str | None
    body: str
    why: tuple[str, ...]
    author: Actor
    lines: Sequence[Line]


class Causes:
    """Keeps them."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def begin(self, name: str, about: str, category: str | None, department: str, by: str) -> int:
        """Open a cause; its number."""
        values = {"name": name, "about": self._seal(about), "category": category, "department": department, "by": by}
        with self._engine.begin() as connection:
            return int(connection.execute(_BEGIN, values).scalar_one())

    def listed(self, *, only_open: bool = False, at_most: int = 200) -> list[Cause]:
        """Causes, the newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_CAUSES, {"number": None, "open": only_open, "limit": at_most}).all()
        return [self._cause(row) for row in rows]

    def cause(self, number: int) -> Cause:
        """One of them. Raises NoSuchCause."""
        with self._engine.connect() as connection:
            row = connection.execute(_CAUSES, {"number": number, "open": False, "limit": 1}).one_or_none()
        if row is None:
            raise NoSuchCause(f"there is no cause C{number}")
        return self._cause(row)

    def is_there(self, number: int) -> bool:
        """Whether there is a cause of that number."""
        with self._engine.connect() as connection:
            return connection.execute(text("select 1 from cause where number = :number"), {"number": number}).scalar() is not None

    def members(self, number: int, at_most: int) -> list[Row]:
        """The cases that share it, the oldest first."""
        return self._rows(f"where k.cause = :cause order by k.number limit {at_most:d}", cause=number)

    def suggested(self, cause: Cause, at_most: int) -> list[Row]:
        """Open cases of its category that share no cause and came since a day before it was opened, the newest first."""
        since = "k.opened_at > (select opened_at from cause where number = :cause) - interval '1 day'"
        open_ = "k.closed_at is null and k.resolved_at is null and k.ended is null"
        where = f"where k.cause is null and k.category = :category and {open_} and {since} order by k.number desc limit {at_most:d}"
        return self._rows(where, cause=cause.number, category=cause.category) if cause.category is not None else []

    def of_cases(self, cases: Sequence[str]) -> list[Row]:
        """These cases."""
        return self._rows("where k.case_id = any(:cases) order by k.number", cases=[case for case in cases if "\0" not in case])

    def customers(self, cases: Sequence[str]) -> dict[str, str]:
        """Whose cases these are, by case: identities that are linked are one customer."""
        sql = text(
            "select k.case_id, coalesce(l.customer, k.subject_id) as customer from cases k "
            "left join identity_link l on l.subject_id = k.subject_id where k.case_id = any(:cases)"
        )
        with self._engine.connect() as connection:
            return {row.case_id: str(row.customer) for row in connection.execute(sql, {"cases": list(cases)})}

    # --- announcements ------------------------------------------------------------------------------------------------

    def make(self, made: Made) -> int:
        """Keep a draft with what each case would say; its number. Made before under the same key, it is that one."""
        values = {
            "cause": made.cause,
            "key": made.key,
            "what": made.what,
            "root_cause": made.root_cause,
            "body": self._seal(made.body),
            "why": list(made.why),
            "author": made.author.person,
            "role": made.author.role.value,
            "via": made.author.via.value,
        }
        with self._engine.begin() as connection:
            number = connection.execute(_MAKE, values).scalar_one_or_none()
            if number is None:
                return int(connection.execute(text("select number from announcement where key = :key"), {"key": made.key}).scalar_one())
            for line in made.lines:
                each = {"number": number, "case": line.case_id, "words": line.words, "promise": line.promise}
                connection.execute(_LINE, {**each, "turn": line.turn, "held": line.held})
        return int(number)

    def announcements(self, cause: int) -> list[Announcement]:
        """Everything that was announced, or is to be, the newest first."""
        with self._engine.connect() as connection:
            return [self._announcement(row) for row in connection.execute(_ANNOUNCEMENTS, {"cause": cause, "number": None})]

    def waiting(self) -> list[tuple[Cause, Announcement]]:
        """Those that wait for a second person, the oldest first, each with its cause."""
        with self._engine.connect() as connection:
            rows = connection.execute(_WAITING).all()
        return [(self.cause(row.cause), self._announcement(row)) for row in rows]

    def announcement(self, cause: int, number: int) -> tuple[Announcement, list[Line]]:
        """One of a cause's, with what each case would say. Raises NoSuchCause."""
        with self._engine.connect() as connection:
            row = connection.execute(_ANNOUNCEMENTS, {"cause": cause, "number": number}).one_or_none()
            if row is None:
                raise NoSuchCause(f"there is no announcement {number} of C{cause}")
            return self._announcement(row), _lines(connection, number)

    def wait(self, number: int) -> None:
        """Its author wants it sent, and a second person must look at it first."""
        with self._engine.begin() as connection:
            connection.execute(
                text("update announcement set state = 'waiting' where number = :number and state = 'draft'"), {"number": number}
            )

    def reject(self, number: int, by: str, reason: str | None) -> bool:
        """It is not sent; whether that was still to be decided."""
        values = {"number": number, "state": "rejected", "by": by, "reason": self._seal(reason) if reason else None}
        with self._engine.begin() as connection:
            return connection.execute(_SETTLE, values).scalar_one_or_none() is not None

    def send(self, announcement: Announcement, by: str) -> bool:
        """Hand it to every case, in one transaction; whether that was still to be done. `by`: its author, or who approved it."""
        number, approved = announcement.number, None if by == announcement.author.person else by
        with self._engine.begin() as connection:
            settled = connection.execute(_SETTLE, {"number": number, "state": "sent", "by": by, "reason": None}).scalar_one_or_none()
            if settled is None:
                return False
            if announcement.what == "resolve":
                sql = text("update cause set resolved_at = clock_timestamp() where number = :cause")
                connection.execute(sql, {"cause": announcement.cause})
            for place, line in enumerate(line for line in _lines(connection, number) if line.words is not None):
                key = f"announcement:{number}:{line.case_id}"
                hand_over(connection, line.case_id, key, _message(announcement, line, key, approved), place * GAP)
        return True

    def outcomes(self, number: int, cases: Sequence[str]) -> dict[str, str | None]:
        """What became of it in each case that has heard of it: None when it was said, else why it was held back."""
        with self._engine.connect() as connection:
            rows = connection.execute(_HEARD, {"cases": list(cases), "kinds": ['%"kind":"announced"%', '%"kind":"held_back"%']})
            events = [(row.case_id, read(row.doc, row.key).event) for row in rows]
        return {
            case: event.why if isinstance(event, e.HeldBack) else None
            for case, event in events
            if isinstance(event, e.Announced | e.HeldBack) and event.announcement == number
        }

    # --- together -----------------------------------------------------------------------------------------------------

    def _rows(self, where: str, **values: object) -> list[Row]:
        with self._engine.connect() as connection:
            rows = connection.execute(text(f"{SHOWN} from cases k {MORE} {where}"), values).all()
        return [row_of(self._vault, row) for row in rows]

    def _seal(self, words: str) -> bytes:
        return self._vault.keyring.seal(SEAL, words.encode())

    def _open(self, sealed: bytes) -> str:
        return self._vault.keyring.open(SEAL, bytes(sealed)).decode()

    def _cause(self, row: Any) -> Cause:
        told: Mapping[str, Any] = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
        return Cause(**{**told, "about": self._open(row.about)})

    def _announcement(self, row: Any) -> Announcement:
        return Announcement(
            row.number,
            row.cause,
            row.what,
            row.root_cause,
            self._open(row.body),
            tuple(row.why),
            row.state,
            Actor(row.author, Role(row.author_role), Via(row.author_via)),
            row.author_name,
            row.made_at,
            row.settled_at,
            row.settled_name or row.settled_by,
            self._open(row.reason) if row.reason is not None else None,
        )


def _lines(connection: Connection, number: int) -> list[Line]:
    return [
        Line(row.case_id, str(row.words) if row.words else None, row.promise, row.turn, row.held)
        for row in connection.execute(_LINES, {"number": number})
    ]


def _message(announcement: Announcement, line: Line, key: str, approved_by: str | None) -> Announce:
    assert line.words is not None, "what is held back is handed to nobody"
    return Announce(
        key,
        announcement.author,
        announcement.cause,
        announcement.number,
        announcement.what,
        line.words,
        line.promise,
        announcement.root_cause,
        line.turn,
        approved_by,
    )


_BEGIN = text(
    "insert into cause (name, about, category, department, opened_by) values (:name, :about, :category, :department, :by) returning number"
)
_CAUSES = text(
    "select c.number, c.name, c.about, c.category, c.department, c.opened_at, coalesce(p.name, c.opened_by) as opened_by, c.resolved_at, "
    "count(k.case_id) as cases, count(k.case_id) filter (where k.resolved_at is null and k.closed_at is null and k.ended is null) as open, "
    "count(k.case_id) filter (where k.closed_at is not null) as closed "
    "from cause c left join person p on p.id = c.opened_by left join cases k on k.cause = c.number "
    "where (cast(:number as bigint) is null or c.number = :number) and (not :open or c.resolved_at is null) "
    "group by c.number, p.name order by c.number desc limit :limit"
)
_MAKE = text(
    "insert into announcement (cause, key, what, root_cause, body, why, author, author_role, author_via) values "
    "(:cause, :key, :what, :root_cause, :body, :why, :author, :role, :via) on conflict (key) do nothing returning number"
)
_LINE = text(
    "insert into announcement_case (announcement, case_id, words, promise, turn, held) "
    "values (:number, :case, :words, :promise, :turn, :held)"
)
_LINES = text(
    "select l.case_id, l.words, l.promise, l.turn, l.held from announcement_case l join cases k using (case_id) "
    "where l.announcement = :number order by k.number"
)
_TOLD = (
    "select a.*, p.name as author_name, s.name as settled_name from announcement a left join person p on p.id = a.author "
    "left join person s on s.id = a.settled_by "
)
_WAITING = text(f"{_TOLD} where a.state = 'waiting' order by a.number limit 40")
_ANNOUNCEMENTS = text(f"{_TOLD} where a.cause = :cause and (cast(:number as bigint) is null or a.number = :number) order by a.number desc")
_SETTLE = text(
    "update announcement set state = :state, settled_at = clock_timestamp(), settled_by = :by, reason = :reason "
    "where number = :number and state in ('draft', 'waiting') returning number"
)
_HEARD = text("select case_id, key, doc from case_event where case_id = any(:cases) and doc like any(:kinds) order by case_id, seq")
