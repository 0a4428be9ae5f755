"""Which cases an auditor's filter means, one after the other. Plain and thorough: it reads histories, and is meant for exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from adapters.postgres.vault import Vault
from domain.seeking import Outcome, Sought

_KIND = "e.doc like :{0}_like and e.doc::jsonb ->> 'kind' = :{0}"
_DEPARTMENT_THEN = (
    "(select d.doc::jsonb -> 'data' ->> 'department' from case_event d where d.case_id = e.case_id and d.seq <= e.seq "
    "and d.doc::jsonb ->> 'kind' in ('opened', 'handed_off', 'reassigned') order by d.seq desc limit 1) = :department"
)
_OWNER_THEN = (
    "(select d.doc::jsonb -> 'data' ->> 'owner' from case_event d where d.case_id = e.case_id and d.seq <= e.seq "
    "and d.doc::jsonb ->> 'kind' in ('accepted', 'handed_off', 'reassigned') order by d.seq desc limit 1)"
)
_OUTCOMES = {
    Outcome.OPEN: "k.closed_at is null and k.ended is null",
    Outcome.CLOSED: "k.closed_at is not null and k.waived_by is null",
    Outcome.WAIVED: "k.closed_at is not null and k.waived_by is not null",
    Outcome.DISMISSED: "k.ended = 'dismissed'",
    Outcome.WALKED_AWAY: "k.ended = 'walked_away'",
    Outcome.MERGED: "k.ended = 'merged'",
}


def select_cases(connection: Connection, vault: Vault, sought: Sought) -> Iterator[str]:
    """The ids of the cases that fit, in their order."""
    conditions, values = _conditions(sought)
    if sought.customer is not None:
        conditions.append("k.subject_id = any(cast(:subjects as uuid[]))")
        values["subjects"] = _shown_as(connection, vault, sought.customer)
    where = " and ".join(conditions) or "true"
    sql = f'select k.case_id from cases k where {where} order by k.case_id collate "C"'  # noqa: S608 - parts from above, values bound
    wanted = sought.words.casefold() if sought.words is not None else None
    for (case_id,) in connection.execution_options(stream_results=True, yield_per=500).execute(text(sql), values):
        if wanted is None or _said(connection, vault, case_id, wanted):
            yield case_id


def _conditions(sought: Sought) -> tuple[list[str], dict[str, Any]]:
    values = {
        "number": sought.number,
        "channel": sought.channel,
        "brand": sought.brand,
        "opened_from": sought.opened_from,
        "opened_until": sought.opened_until,
        "person": sought.person,
        "department": sought.department,
        "cases": list(sought.cases) or None,
    }
    plain = {
        "number": "k.number = :number",
        "channel": "k.channel = :channel",
        "brand": "k.brand = :brand",
        "opened_from": "k.opened_at >= :opened_from",
        "opened_until": "k.opened_at < :opened_until",
        "cases": "k.case_id = any(:cases)",
    }
    conditions = [condition for name, condition in plain.items() if values[name] is not None]
    if sought.outcome is not None:
        conditions.append(_OUTCOMES[sought.outcome])
    for name, kind in (("kind", sought.kind), ("breach", "clock_breached" if sought.breached is not None else None)):
        if kind is not None:
            values |= {name: kind, f"{name}_like": f'%"kind":"{kind}"%'}
            conditions.append(_an_event([_KIND.format(name), *_then(sought, name)]))
    if sought.breached is not None:
        values["clock"] = sought.breached.value
    if not sought.is_of_an_event:
        if sought.department is not None:
            ever = "e.doc::jsonb ->> 'kind' in ('opened', 'handed_off', 'reassigned')"
            conditions.append(_an_event([ever, "e.doc::jsonb -> 'data' ->> 'department' = :department"]))
        if (recorded := _recorded(sought)) != []:
            conditions.append(_an_event(recorded))
    if sought.person is not None and sought.kind is None:
        conditions.append(_an_event([":person in (e.doc::jsonb -> 'by' ->> 'person', e.doc::jsonb -> 'data' ->> 'owner')"]))
    values |= {"recorded_from": _us(sought.recorded_from), "recorded_until": _us(sought.recorded_until)}
    return conditions, values


def _then(sought: Sought, name: str) -> list[str]:
    """What must be true of the event besides its kind."""
    conditions = _recorded(sought)
    if sought.department is not None:
        conditions.append(_DEPARTMENT_THEN)
    if sought.person is not None and name == "kind":
        conditions.append(f"(e.doc::jsonb -> 'by' ->> 'person' = :person or {_OWNER_THEN} = :person)")
    if name == "breach":
        conditions.append("e.doc::jsonb -> 'data' ->> 'clock' = :clock")
    return conditions


def _recorded(sought: Sought) -> list[str]:
    bounds = (("recorded_from", sought.recorded_from, ">="), ("recorded_until", sought.recorded_until, "<"))
    return [f"e.recorded_us {sign} :{name}" for name, moment, sign in bounds if moment is not None]


def _us(moment: Any) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000_000)


def _an_event(conditions: list[str]) -> str:
    return f"exists (select from case_event e where e.case_id = k.case_id and {' and '.join(conditions)})"


def _shown_as(connection: Connection, vault: Vault, customer: str) -> list[str]:
    """The people whom a network shows by that handle or name. Profiles are encrypted, so that each is opened and looked at."""
    wanted = customer.removeprefix("@").casefold()
    found = []
    people = text("select id, wrapped_key, profile from subject where profile is not null and wrapped_key is not null")
    for row in connection.execution_options(stream_results=True, yield_per=1000).execute(people):
        shown = vault.shown_as(str(row.id), row.wrapped_key, row.profile)
        if wanted in {(value or "").removeprefix("@").casefold() for value in shown.values()}:
            found.append(str(row.id))
    return found


def _said(connection: Connection, vault: Vault, case_id: str, wanted: str) -> bool:
    """Whether somebody wrote that in a case, and not in private."""
    return any(wanted in str(said.get("text", "")).casefold() for said in vault.read_all(connection, case_id).values())
