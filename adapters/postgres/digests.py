"""Readers of the weekly digest, what they chose, and what they may see; and the stalled cases that it names."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem, Keyring
from adapters.postgres.engine import transaction
from domain.digest import ASKS_A_DAY, AWAY_DAYS, Choice, Stalled, StalledCase, UnfitChoice, Way
from domain.digest_sending import Reader, Rights
from domain.report import Wanted
from domain.values import Role

log = logging.getLogger(__name__)
SEALED = "digest addresses"
# A key has its rights until it ends. A person has those of their last sign-in, unless somebody else ended that session since, because
# they must be out; or they have been away for long.
_READERS = (
    "select d.*, coalesce(p.name, d.person) as name, r.language, s.role, s.departments, s.scopes from digest_choice d "
    "left join person p on p.id = d.person left join reader r on r.person = d.person left join lateral ("
    "select k.role, k.departments, k.scopes from api_key k where d.person = 'key:' || k.id and k.revoked_at is null "
    "and coalesce(k.expires_at > clock_timestamp(), true) union all "
    "select last.role, last.departments, last.scopes from (select * from session where person = d.person "
    "order by signed_in_at desc limit 1) as last where d.person not like 'key:%' and (last.ended_by is null or last.ended_by = d.person) "
    "and last.seen_at > clock_timestamp() - cast(:away as interval) limit 1) as s on true "
)
_ALL = text(_READERS + "where d.way is not null order by d.id")
_ONE = text(_READERS + "where d.way is not null and d.person = :person")
_LOCKED = text("select * from digest_choice where person = :person for update")
_KEEP = text(
    "update digest_choice set way = :way, address = :address, weekday = :weekday, hour = :hour, zone = :zone, department = :department, "
    "chosen_at = :now, confirmed_at = :confirmed, asked = asked + :asking, asked_on = :asked_on, asked_that_day = :asked_that_day "
    "where id = :id"
)
_FORGET = "way = null, address = null, department = null, confirmed_at = null"
_STALLED = text(
    "select case_id, number, department, stalled_at, count(*) over () as total from cases where closed_at is null and ended is null "
    "and stalled_at is not null and (cast(:only as text[]) is null or department = any(:only)) "
    "and (cast(:department as text) is null or department = :department) order by stalled_at, number limit :limit"
)


class Digests:
    """See `domain.digest_sending.Readers`; and what readers choose. Addresses are sealed, and gone with the choice."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self._engine = engine
        self._keyring = keyring

    def all(self) -> Sequence[Reader]:
        """See `domain.digest_sending.Readers.all`."""
        with transaction(self._engine) as connection:
            found = [self._reader(row) for row in connection.execute(_ALL, {"away": timedelta(days=AWAY_DAYS)})]
        return [reader for reader in found if reader is not None]

    def of(self, person: str) -> Reader | None:
        """What somebody chose; None when they are sent none."""
        with transaction(self._engine) as connection:
            row = connection.execute(_ONE, {"person": person, "away": timedelta(days=AWAY_DAYS)}).one_or_none()
        return None if row is None else self._reader(row)

    def choose(self, person: str, choice: Choice, now: datetime) -> None:
        """Keep what somebody chose. An address that they have not confirmed is asked first. `now`: the loop's time.

        Raises UnfitChoice when too many were asked that day.
        """
        with transaction(self._engine) as connection:
            row = self._locked(connection, person, now)
            known = row.confirmed_at is not None and self._written_to(row) == (choice.way, choice.address)
            today = row.asked_that_day if row.asked_on == now.date() else 0
            if not known and today >= ASKS_A_DAY:
                raise UnfitChoice(f"address: {ASKS_A_DAY} addresses were asked today already; try another one tomorrow")
            values = {
                "id": row.id,
                "way": choice.way.value,
                "address": self._keyring.seal(SEALED, choice.address.encode(), row.id.encode()),
                "weekday": choice.weekday,
                "hour": choice.hour,
                "zone": choice.zone,
                "department": choice.department,
                "now": now,
                "confirmed": row.confirmed_at if known else None,
                "asking": 0 if known else 1,
                "asked_on": row.asked_on if known else now.date(),
                "asked_that_day": row.asked_that_day if known else today + 1,
            }
            connection.execute(_KEEP, values)

    def end(self, person: str) -> None:
        """Send them none; their address is forgotten."""
        with transaction(self._engine) as connection:
            connection.execute(text(f"update digest_choice set {_FORGET} where person = :person"), {"person": person})  # noqa: S608 - our own words

    def stop(self, reader: str) -> None:
        """The same, by the link in a digest. Safe to repeat."""
        with transaction(self._engine) as connection:
            connection.execute(text(f"update digest_choice set {_FORGET} where id = :id"), {"id": reader})  # noqa: S608 - as above

    def language_of(self, reader: str) -> str | None:
        """The language that a reader keeps, also after they have ended it."""
        with transaction(self._engine) as connection:
            sql = text("select r.language from digest_choice d join reader r on r.person = d.person where d.id = :id")
            kept: str | None = connection.execute(sql, {"id": reader}).scalar()
        return kept

    def waits_for(self, reader: str, asked: int) -> bool:
        """Whether that question is the newest, and its address still chosen."""
        with transaction(self._engine) as connection:
            sql = text("select 1 from digest_choice where id = :id and asked = :asked and way is not null")
            return connection.execute(sql, {"id": reader, "asked": asked}).first() is not None

    def confirm(self, reader: str, asked: int, now: datetime) -> bool:
        """The address is theirs; whether that question is the newest. Safe to repeat."""
        sql = text(
            "update digest_choice set confirmed_at = coalesce(confirmed_at, :now) where id = :id and asked = :asked and way is not null"
        )
        with transaction(self._engine) as connection:
            return connection.execute(sql, {"id": reader, "asked": asked, "now": now}).rowcount == 1

    def sent(self, reader: str, monday: date) -> None:
        """See `domain.digest_sending.Readers.sent`."""
        with transaction(self._engine) as connection:
            connection.execute(text("update digest_choice set last_week = :monday where id = :id"), {"id": reader, "monday": monday})

    def stalled(self, wanted: Wanted, at_most: int) -> Stalled:
        """See `domain.digest.StalledCases`."""
        only = None if wanted.only is None else sorted(wanted.only)
        with transaction(self._engine) as connection:
            rows = connection.execute(_STALLED, {"only": only, "department": wanted.department, "limit": at_most}).all()
        cases = [StalledCase(row.case_id, row.number, row.department, row.stalled_at) for row in rows]
        return Stalled(rows[0].total if rows else 0, cases)

    def _locked(self, connection: Connection, person: str, now: datetime) -> Any:
        """Their row, made when they choose for the first time."""
        connection.execute(
            text("insert into digest_choice (id, person, chosen_at) values (:id, :person, :now) on conflict (person) do nothing"),
            {"id": secrets.token_hex(8), "person": person, "now": now},
        )
        return connection.execute(_LOCKED, {"person": person}).one()

    def _written_to(self, row: Any) -> tuple[Way, str] | None:
        """How and where they are written to; None when they are not, or the key is gone that their address was sealed with."""
        if row.way is None:
            return None
        try:
            return Way(row.way), self._address(row)
        except KeyProblem:
            return None

    def _address(self, row: Any) -> str:
        return self._keyring.open(SEALED, row.address, row.id.encode()).decode()

    def _reader(self, row: Any) -> Reader | None:
        """None when the address was sealed with a key that is not here any more: nobody can be written to, and they choose anew."""
        written_to = self._written_to(row)
        if written_to is None:
            log.warning("a digest cannot be sent (%s): its address was sealed with a key that is not here any more", row.id)
            return None
        scopes = None if row.scopes is None else frozenset(row.scopes)
        return Reader(
            id=row.id,
            person=row.person,
            name=row.name,
            choice=Choice(*written_to, row.weekday, row.hour, row.zone, row.department),
            since=max(row.chosen_at, row.confirmed_at or row.chosen_at),
            confirmed=row.confirmed_at is not None,
            asked=row.asked,
            last_week=row.last_week,
            rights=None if row.role is None else Rights(Role(row.role), frozenset(row.departments), scopes),
            language=row.language,
        )
