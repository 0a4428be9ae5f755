"""Customers as those who work on their cases see them: the identities that are one person, and the cases of all of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.indexing import BlindIndex
from adapters.postgres.journal import note, now
from adapters.postgres.rows import MORE, SHOWN, Row, row_of
from adapters.postgres.vault import Vault
from domain.identities import How, Identity, Linked, NoSuchCustomer, handle_of
from domain.index_terms import handle_term
from domain.journal import CustomerRead
from domain.values import Actor

FOUND = 20
"""So many customers are found at most by one handle."""
SHOWN_CASES = 100
_NOT_INDEXED_YET = 200
"""Of so many of the newest cases, which the search may not know yet, the handles are looked at one by one."""

_VISIBLE = (
    "(cast(:scope as text[]) is null or k.department = any(:scope) or exists "
    "(select 1 from desk_card d where d.case_id = k.case_id and d.department = any(:scope)))"
)
_GROUP = text(
    "select s.id, s.channel, s.wrapped_key, s.profile, s.created_at, l.how, l.reason, l.linked_by, l.role, l.linked_at, "  # noqa: S608 - our own words
    "coalesce(p.name, split_part(l.linked_by, ':', 2)) as linked_name, "
    "array(select distinct k.brand from cases k where k.subject_id = s.id) as brands, "
    f"(select count(*) from cases k where k.subject_id = s.id and {_VISIBLE}) as cases "
    "from subject s left join identity_link l on l.subject_id = s.id left join person p on p.id = l.linked_by "
    "where s.erased_at is null and s.id in (select cast(:id as uuid) union "
    "select o.subject_id from identity_link m join identity_link o using (customer) where m.subject_id = cast(:id as uuid)) "
    "order by s.id <> :id, s.created_at, s.id"
)
# Through a link, cases are seen with the brands alone that the one who is looked at has cases with, too.
_THEIRS = (
    f"from cases k {MORE} where k.subject_id = any(cast(:all as uuid[])) and (k.subject_id = cast(:id as uuid) or k.brand in "  # noqa: S608 - as above
    f"(select brand from cases where subject_id = cast(:id as uuid))) and {_VISIBLE}"
)
_CASES = text(
    f"{SHOWN} {_THEIRS} order by k.closed_at is not null or k.ended is not null, "
    "case when k.closed_at is null and k.ended is null then k.due_at end nulls last, k.number desc limit :at_most"
)
_FIGURES = text(
    "select count(*) as cases, count(*) filter (where k.closed_at is null and k.ended is null) as open, "
    "coalesce(sum(m.thanks), 0) as thanks, coalesce(sum(m.resolve_kept), 0) as in_time, coalesce(sum(m.resolve_late), 0) as late "
    + _THEIRS.replace(MORE, "left join case_measure m on m.case_id = k.case_id")
)
_BY_HANDLE = text(
    "select distinct k.subject_id from case_search f join cases k using (case_id) where f.words @> array[:term]::bigint[] limit 200"
)
_NEWEST = text(
    "select distinct k.subject_id from (select number, case_id, subject_id, events from cases order by number desc limit :newest) k "
    "left join case_search f using (case_id) where coalesce(f.events, 0) < k.events"
)
_BY_ID = text("select id from subject where author_hash = any(:hashes) and erased_at is null")
_CHANNELS = text(  # from each to the next, by the index, however many customers there are
    "with recursive c as ((select channel from subject where erased_at is null order by channel limit 1) union all "
    "select (select channel from subject where channel > c.channel and erased_at is null order by channel limit 1) "
    "from c where c.channel is not null) select channel from c where channel is not null"
)
_SUBJECTS = text(
    "select s.id, s.channel, s.wrapped_key, s.profile from subject s where s.id = any(cast(:ids as uuid[])) "  # noqa: S608 - as above
    "and s.erased_at is null "
    f"and (cast(:scope as text[]) is null or exists (select 1 from cases k where k.subject_id = s.id and {_VISIBLE})) "
    "order by s.created_at desc"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a customer's cases add up to. `in_time`, `late`: how often a case was resolved before its clock ran out, and after."""

    cases: int
    open: int
    thanks: int
    in_time: int
    late: int


@dataclass(frozen=True, slots=True)
class CustomerShown:
    """A customer: their identities, the one that is looked at first; their cases, open ones first; what these add up to."""

    identities: Sequence[Identity]
    cases: Sequence[Row]
    figures: Figures


class Identities:
    """Reads them. `scope`: the departments whose cases the reader may see, None for all; who has none of theirs is not there."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._index = BlindIndex(vault.index_key)

    def find(self, who: str, channel: str | None, scope: frozenset[str] | None) -> list[Identity]:
        """Who is called exactly that: by handle, or by the network's id of them; the newest first, on one channel or on all."""
        wanted, departments = handle_of(who), _departments(scope)
        if not wanted or "\0" in who or "\0" in (channel or ""):
            return []
        with transaction(self._engine) as connection:
            channels = connection.execute(_CHANNELS).scalars().all() if channel is None else [channel]
            hashes = [self._vault.author_hash(one, who.strip()) for one in channels]
            by_id = set(connection.execute(_BY_ID, {"hashes": hashes}).scalars())
            called = set(connection.execute(_BY_HANDLE, {"term": self._index.hash(handle_term(who))}).scalars())
            called |= set(connection.execute(_NEWEST, {"newest": _NOT_INDEXED_YET}).scalars())
            found = []
            for row in connection.execute(_SUBJECTS, {"ids": list(by_id | called), "scope": departments}).all():
                shown = self._vault.shown_as(str(row.id), row.wrapped_key, row.profile)
                if (channel is None or row.channel == channel) and (row.id in by_id or handle_of(shown.get("handle") or "") == wanted):
                    found.append(str(row.id))
            return [self.group(connection, one, scope)[0] for one in found[:FOUND]]

    def shown(self, subject: str, scope: frozenset[str] | None, *, at_most: int = SHOWN_CASES) -> CustomerShown:
        """The customer with that identity. Raises NoSuchCustomer: nobody, an erased one, and one without a case that may be seen."""
        with transaction(self._engine) as connection:
            known = self.group(connection, subject, scope)
            identities = [one for one in known if one.cases] if scope is not None else known
            if not identities or identities[0].id != known[0].id:
                raise NoSuchCustomer(subject)
            values = {
                "id": identities[0].id,
                "all": [one.id for one in identities],
                "scope": _departments(scope),
                "at_most": at_most,
            }
            rows = connection.execute(_CASES, values).all()
            figures = connection.execute(_FIGURES, values).one()
        return CustomerShown(identities, [row_of(self._vault, row) for row in rows], Figures(*figures))

    def note_read(self, identities: Sequence[Identity], by: Actor) -> None:
        """Put on record that somebody is shown who these are."""
        with transaction(self._engine) as connection:
            note(connection, [CustomerRead(now(), tuple(one.id for one in identities))], by, "asked")

    def group(self, connection: Connection, subject: str, scope: frozenset[str] | None = None) -> list[Identity]:
        """All identities of the customer with that one, that one first; `cases` counts those in scope. Raises NoSuchCustomer."""
        known = _canonical(subject)
        rows = connection.execute(_GROUP, {"id": known, "scope": _departments(scope)}).all() if known is not None else []
        if not rows or str(rows[0].id) != known:
            raise NoSuchCustomer(subject)
        return [self._identity(row, alone=len(rows) == 1) for row in rows]

    def _identity(self, row: Any, *, alone: bool) -> Identity:
        shown = self._vault.shown_as(str(row.id), row.wrapped_key, row.profile)
        linked = None
        if row.how is not None and not alone:
            linked = Linked(How(row.how), row.linked_by, row.linked_name or row.linked_by, row.role, row.linked_at, row.reason)
        handle, name = shown.get("handle"), shown.get("name")
        return Identity(str(row.id), row.channel, handle, name, row.created_at, frozenset(row.brands), row.cases, linked)


def _departments(scope: frozenset[str] | None) -> list[str] | None:
    return None if scope is None else sorted(scope)


def _canonical(given: str) -> str | None:
    """An id as the database writes it; None when it is none."""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return None
