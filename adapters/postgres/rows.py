"""A case as it stands in a list, and how it is read: with the words of all of them in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.postgres.vault import Vault

SHOWN = (
    "select k.*, p.name as owner_name, s.wrapped_key, s.profile, w.sealed as first_sealed, w.subject_id as first_by, "
    "b.wrapped_key as first_key"
)
"""What `row_of` needs. `k` is the case, `MORE` brings the others."""
MORE = (
    "left join person p on p.id = k.owner join subject s on s.id = k.subject_id "
    "join words w on w.id = k.words join subject b on b.id = w.subject_id"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A case in a list. `customer`: as the network shows them; `words`: what they wrote first; `identity`: whose it is."""

    case_id: str
    number: int
    policy: str
    status: str
    intent: str
    category: str
    priority: str
    department: str
    brand: str
    channel: str
    customer: str
    words: str
    owner: str | None
    opened_at: datetime
    due_at: datetime | None
    due_clock: str | None
    promise_at: datetime | None
    breached: tuple[str, ...]
    needs_human: str | None
    stalled_at: datetime | None
    waiting_since: datetime | None
    closed_at: datetime | None
    is_open: bool
    identity: str


def row_of(vault: Vault, row: Any) -> Row:
    """What was read as `SHOWN`."""
    return Row(
        case_id=row.case_id,
        number=row.number,
        policy=row.policy_id,
        status=row.status,
        intent=row.intent,
        category=row.category,
        priority=row.priority,
        department=row.department,
        brand=row.brand,
        channel=row.channel,
        customer=_shown(vault.shown_as(str(row.subject_id), row.wrapped_key, row.profile)),
        words=vault.text_of(str(row.first_by), row.first_key, row.first_sealed),
        owner=row.owner_name or (row.owner.split(":", 1)[-1] if row.owner else None),
        opened_at=row.opened_at,
        due_at=row.due_at,
        due_clock=row.due_clock,
        promise_at=row.promise_at,
        breached=tuple(row.breached),
        needs_human=row.needs_human,
        stalled_at=row.stalled_at,
        waiting_since=row.waiting_since,
        closed_at=row.closed_at,
        is_open=row.closed_at is None and row.ended is None,
        identity=str(row.subject_id),
    )


def _shown(profile: dict[str, str | None]) -> str:
    name, handle = profile.get("name"), profile.get("handle")
    return name or (f"@{handle}" if handle else "a customer")
