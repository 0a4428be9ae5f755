"""Linking identities as one customer, and taking one out again: each on record, and only one at a time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from adapters.postgres.engine import transaction
from adapters.postgres.identities import Identities
from adapters.postgres.journal import note, now
from adapters.postgres.vault import Vault
from domain.identities import CannotLink, How, Identity, not_linked, why_not_link, why_not_reason
from domain.journal import CustomersLinked, CustomersUnlinked
from domain.sentences import say
from domain.values import SYSTEM, Actor

_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(0x6C696E6B)")
"""Links: nobody decides on what another is just changing. Held for milliseconds, and rarely."""
_HOLD = text(
    "select id from subject where id in (select cast(:one as uuid) union select cast(:other as uuid)) and erased_at is null "
    "order by id for key share"
)
_HOLD_GROUP = text("select subject_id from identity_link where customer = any(:customers) order by subject_id for update")
_CUSTOMERS = text("select distinct customer from identity_link where subject_id in (cast(:one as uuid), cast(:other as uuid))")
_DONE = text(
    "select count(*) from identity_link where subject_id in (cast(:one as uuid), cast(:other as uuid)) and command = :command "
    "and customer in (select customer from identity_link where subject_id = cast(:one as uuid)) "
    "and customer in (select customer from identity_link where subject_id = cast(:other as uuid))"
)
_LINK = text(
    "insert into identity_link (subject_id, customer, how, reason, linked_by, role, command) "
    "select id, coalesce((select customer from identity_link where subject_id = any(cast(:ids as uuid[])) limit 1), "
    "cast(:new as uuid)), :how, :reason, :by, :role, :command from unnest(cast(:ids as uuid[])) as id "
    "where not exists (select 1 from identity_link l where l.subject_id = id) order by id"
)
_UNLINK = text("delete from identity_link where subject_id = any(cast(:ids as uuid[]))")
_PART = text("update identity_account set parted_at = clock_timestamp() where subject_id = cast(:id as uuid) and parted_at is null")
_KNOWN_ACCOUNT = text(
    "select 1 from identity_account a join subject s on s.id = a.subject_id "
    "where a.brand = :brand and s.channel = :channel and s.author_hash = :author"
)
_SIGN_IN = text(
    "insert into identity_account (brand, subject_id, account_hash) values (:brand, :subject, :account) on conflict do nothing returning 1"
)
_SAME_ACCOUNT = text(
    "select subject_id from identity_account where brand = :brand and account_hash = :account and subject_id <> :subject "
    "and parted_at is null order by seen_at limit 1"
)


@dataclass(frozen=True)
class Linking:
    """See the module's text."""

    engine: Engine
    vault: Vault
    identities: Identities

    def would(self, one: str, other: str) -> tuple[list[Identity], list[Identity], CannotLink | None]:
        """Both customers as they are, and why they could not be linked. Raises NoSuchCustomer."""
        with transaction(self.engine) as connection:
            mine, theirs = self.identities.group(connection, one), self.identities.group(connection, other)
        return mine, theirs, why_not_link(mine, theirs)

    def link(
        self, one: str, other: str, reason: str, by: Actor, *, seen: Sequence[str] | None = None, command: str | None = None
    ) -> list[Identity]:
        """They are one customer from here on; all of the identities. Raises CannotLink, NoSuchCustomer.

        `seen`: the identities that whoever decides was shown of both; it is refused when these are others by now. `command`: the same
        one again changes nothing.
        """
        with self._alone(one, other) as (connection, mine, theirs):
            ids = {"one": mine[0].id, "other": theirs[0].id}
            if command is not None and connection.execute(_DONE, {**ids, "command": command}).scalar_one():
                return mine
            _refuse(why_not_reason(reason, (*mine, *theirs)))
            _refuse(why_not_link(mine, theirs))
            if seen is not None and sorted(seen) != sorted(identity.id for identity in (*mine, *theirs)):
                raise _raced()
            _link(connection, mine, theirs, How.BY_HAND, reason.strip(), by, command)
            return self.identities.group(connection, one)

    def unlink(self, one: str, other: str, reason: str, by: Actor) -> list[Identity]:
        """Take `other` out: it is a customer of its own again. The customer with `one` as it is then.

        Raises CannotLink, NoSuchCustomer.
        """
        with self._alone(one, other) as (connection, mine, theirs):
            out = theirs[0].id
            if all(identity.id != out for identity in mine[1:]):
                raise not_linked()
            _refuse(why_not_reason(reason, mine))
            staying = [identity.id for identity in mine if identity.id != out]
            connection.execute(_UNLINK, {"ids": [out] if len(staying) > 1 else [out, *staying]})
            connection.execute(_PART, {"id": out})
            left = tuple(staying) if len(staying) > 1 else ()
            note(connection, [CustomersUnlinked(now(), out, left, reason.strip())], by, "asked")
            return self.identities.group(connection, one)

    def prepare(self, connection: Connection, brand: str, channel: str, author: str) -> bool:
        """Whether `signed_in` has to be told of a post's author: of each account once. Before anything of theirs is locked."""
        found = connection.execute(
            _KNOWN_ACCOUNT, {"brand": brand, "channel": channel, "author": self.vault.author_hash(channel, author)}
        ).scalar()
        if found is None:
            connection.execute(_ONE_AT_A_TIME)
        return found is None

    def signed_in(self, connection: Connection, brand: str, subject: str, account: str) -> None:
        """An identity was signed in to that account of the brand's: link it with whoever else was, unless people said otherwise.

        The first account of an identity counts. Who is linked with others already is left as they are: that is for people to decide.
        """
        told = {"brand": brand, "subject": subject, "account": self._account(brand, account)}
        if connection.execute(_SIGN_IN, told).scalar() is None:
            return
        same = connection.execute(_SAME_ACCOUNT, told).scalar()
        if same is None:
            return
        self._hold(connection, subject, str(same))
        theirs, (me, *others) = self.identities.group(connection, str(same)), self.identities.group(connection, subject)
        mine = [replace(me, brands=me.brands | {brand})]  # the case of the post that told of it is only being opened
        if not others and why_not_link(theirs, mine) is None:
            _link(connection, theirs, mine, How.SIGNED_IN, "", SYSTEM, None)

    def _account(self, brand: str, account: str) -> bytes:
        return hmac.digest(self.vault.index_key, f"loopkeeper-account-v1\n{brand}\n{account}".encode(), hashlib.sha256)

    @contextmanager
    def _alone(self, one: str, other: str) -> Iterator[tuple[Connection, list[Identity], list[Identity]]]:
        """A transaction in which nobody else links and neither of the two is erased, and both customers. Raises NoSuchCustomer."""
        try:
            with transaction(self.engine) as connection:
                connection.execute(_ONE_AT_A_TIME)
                mine, theirs = (self.identities.group(connection, each)[0].id for each in (one, other))
                self._hold(connection, mine, theirs)
                yield connection, self.identities.group(connection, mine), self.identities.group(connection, theirs)
        except IntegrityError:  # the database itself holds it: an identity is of one customer, and none that was erased
            raise _raced() from None

    def _hold(self, connection: Connection, one: str, other: str) -> None:
        """From here on nobody erases them, or anybody whom they are linked with."""
        both = {"one": one, "other": other}
        connection.execute(_HOLD, both)
        connection.execute(_HOLD_GROUP, {"customers": list(connection.execute(_CUSTOMERS, both).scalars())})


def _link(
    connection: Connection, mine: Sequence[Identity], theirs: Sequence[Identity], how: How, reason: str, by: Actor, command: str | None
) -> None:
    added = theirs[0] if len(theirs) == 1 else mine[0]
    all_of_them = tuple(identity.id for identity in (*mine, *theirs))
    told = {"ids": list(all_of_them), "how": how.value, "reason": reason, "by": by.person, "role": by.role.value, "command": command}
    new = connection.execute(text("select uuidv7()")).scalar_one()
    connection.execute(_LINK, {**told, "new": new})
    note(connection, [CustomersLinked(now(), all_of_them, added.id, how.value, reason)], by, "asked" if how is How.BY_HAND else "signed in")


def _raced() -> CannotLink:
    return CannotLink("changed_meanwhile", say("Somebody else has just linked or unlinked one of them. Look again before you decide."))


def _refuse(why: CannotLink | None) -> None:
    if why is not None:
        raise why
