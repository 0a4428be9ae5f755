"""All versions of the policy that were ever in force, and which one is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import connected, transaction
from adapters.postgres.journal import note, now
from domain.errors import LoopkeeperError
from domain.files import read_policy, read_wording
from domain.hours import Hours
from domain.journal import AdminActed
from domain.policy import Policy
from domain.values import Actor, Role, Via
from domain.wording import Wording

Holidays = Callable[[Hours], Iterable[date]]
"""Finds the public holidays of a calendar."""

_ADD = text(
    "insert into policy_version (id, policy, wording, holidays) values (:id, :policy, :wording, cast(:holidays as jsonb)) "
    "on conflict do nothing"
)
_IN_FORCE = text("select policy_id from policy_activation order by number desc limit 1")
_VERSION = text("select policy, wording, holidays from policy_version where id = :id")
_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('loopkeeper.policy_activation'))")
_TIMES = text(
    "select a.number, a.policy_id, a.activated_at, lead(a.activated_at) over (order by a.number) as until, "
    "a.activated_by, p.name from policy_activation a left join person p on p.id = a.activated_by order by a.number desc"
)

ACTIVE_FOR_SECONDS = 5.0
"""How long an instance goes on with the active version before it looks again."""


class NoPolicy(LoopkeeperError):
    """No policy was ever activated, or a case names one that is not there."""


class ChangedMeanwhile(LoopkeeperError):
    """Another version was put in force than the one that somebody held theirs against."""


@dataclass(frozen=True, slots=True)
class TimeInForce:
    """A version while it was in force; `until` is None while it is. `by`: the person's id; `name`: how they are called, if we have met."""

    policy_id: str
    since: datetime
    until: datetime | None
    by: str
    name: str | None


@dataclass(frozen=True, slots=True)
class VersionFiles:
    """The files of a version, exactly as they were put in force."""

    policy: str
    wording: str


class PostgresBook:
    """See `domain.ports.PolicyBook`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._active: tuple[float, Policy] | None = None
        self.policy = lru_cache(maxsize=64)(self._policy)
        self.wording = lru_cache(maxsize=64)(self._wording)

    def active(self, *, fresh: bool = False) -> Policy:
        """See `domain.ports.PolicyBook.active`. At most `ACTIVE_FOR_SECONDS` old; `fresh`: as of this moment. Raises Unavailable."""
        if fresh or self._active is None or time.monotonic() - self._active[0] > ACTIVE_FOR_SECONDS:
            with transaction(self._engine) as connection:
                latest = connection.execute(_IN_FORCE).scalar_one_or_none()
            if latest is None:
                raise NoPolicy("no policy is in force yet; run: loopkeeper policy activate FILE")
            self._active = (time.monotonic(), self.policy(latest))
        return self._active[1]

    def active_for(self, brand: str) -> Policy:
        """See `domain.ports.PolicyBook.active_for`. Raises Unavailable."""
        policy = self.active()
        return policy if brand in policy.brands else self.active(fresh=True)

    def lately(self) -> Policy | None:
        """The policy that was in force when somebody last asked; None when nobody has. It reads nothing."""
        return None if self._active is None else self._active[1]

    def at_hand(self) -> Policy | None:
        """The same when it needs no look at the database; else None."""
        known = self._active
        return known[1] if known is not None and time.monotonic() - known[0] <= ACTIVE_FOR_SECONDS else None

    def activate(
        self,
        policy_text: str,
        wording_text: str,
        *,
        by: str,
        via: Via = Via.CLI,
        holidays: Holidays | None = None,
        source: str = "policy",
        instead_of: str | None = None,
    ) -> tuple[Policy, bool]:
        """Put a policy (YAML) and its wording in force. The policy, and whether that changed anything. Raises PolicyError.

        `holidays` finds the public holidays that the policy's calendars name; they are kept with the version. `instead_of`: the version
        that has to be in force until then. Raises ChangedMeanwhile when another one is.
        """
        policy = read_policy(policy_text, source).worded(read_wording(wording_text, f"{source} (wording)"))
        found = {name: holidays(hours) for name, hours in policy.calendars.items() if holidays and hours.public_holidays}
        policy = policy.dated(found)
        dates = json.dumps({name: sorted(day.isoformat() for day in days) for name, days in found.items()})
        with self._engine.begin() as connection:
            before = self._alone(connection, instead_of)
            connection.execute(_ADD, {"id": policy.id, "policy": policy_text, "wording": wording_text, "holidays": dates})
            if before == policy.id:
                return policy, False
            self._put_in_force(connection, before, policy.id, by, via)
        self._active = None
        return policy, True

    def again(self, policy_id: str, *, by: str, via: Via = Via.CLI, instead_of: str | None = None) -> None:
        """Put a version in force that was so before. Raises NoPolicy when it is not in this database; ChangedMeanwhile."""
        self._version(policy_id)
        with self._engine.begin() as connection:
            before = self._alone(connection, instead_of)
            self._put_in_force(connection, before, policy_id, by, via)
        self._active = None

    def times(self) -> list[TimeInForce]:
        """When which version was in force, and who saw to it, the newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(_TIMES).all()
        return [TimeInForce(row.policy_id, row.activated_at, row.until, row.activated_by, row.name) for row in rows]

    def files(self, policy_id: str) -> VersionFiles:
        """The files of a version. Raises NoPolicy."""
        row = self._version(policy_id)
        return VersionFiles(row.policy, row.wording)

    @staticmethod
    def _alone(connection: Connection, instead_of: str | None) -> str | None:
        """Which version is in force, once nobody else is putting another one in force. Raises ChangedMeanwhile."""
        connection.execute(_ONE_AT_A_TIME)
        before: str | None = connection.execute(_IN_FORCE).scalar_one_or_none()
        if instead_of is not None and before != instead_of:
            raise ChangedMeanwhile(f"{before} was put in force meanwhile, in place of {instead_of}: check yours against that one first")
        return before

    @staticmethod
    def _put_in_force(connection: Connection, before: str | None, policy_id: str, by: str, via: Via) -> None:
        connection.execute(text("insert into policy_activation (policy_id, activated_by) values (:id, :by)"), {"id": policy_id, "by": by})
        act = AdminActed(now(), "policy_activated", f"policy {policy_id}", before, policy_id)
        note(connection, [act], Actor(by, Role.ADMIN, via), "asked")

    def _policy(self, policy_id: str) -> Policy:
        row = self._version(policy_id)
        holidays = {name: [date.fromisoformat(day) for day in days] for name, days in row.holidays.items()}
        return read_policy(row.policy, policy_id).worded(self.wording(policy_id)).dated(holidays).known_as(policy_id)

    def _wording(self, policy_id: str) -> Wording:
        return read_wording(self._version(policy_id).wording, f"{policy_id} (wording)")

    def _version(self, policy_id: str) -> Any:
        with connected(self._engine) as connection:
            row = connection.execute(_VERSION, {"id": policy_id}).one_or_none() if "\0" not in policy_id else None
        if row is None:
            raise NoPolicy(f"the policy version '{policy_id}' is not in this database")
        return row
