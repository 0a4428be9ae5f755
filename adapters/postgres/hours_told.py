"""Which customers have been told when a department is back: once in each of its closures."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from domain.policy import CasePolicy
from domain.values import Intent, Triage

_TELL = text(
    "insert into hours_told (subject_id, department, opens_at) values (:subject, :department, :opens) "
    "on conflict do nothing returning opens_at"
)
_NOT_ACKNOWLEDGED = frozenset({Intent.SPAM, Intent.PRAISE, Intent.THANKS})


def tells_hours(connection: Connection, subject: str, triage: Triage, policy: CasePolicy, now: datetime) -> bool:
    """Whether the acknowledgement of a first post is to say when the department is back; from then on this customer has been told.

    `now`: the loop's time. Not while the department works, and not again in the same closure.
    """
    opens = policy.working_time(triage.department).opens(now)
    if opens <= now or triage.intent in _NOT_ACKNOWLEDGED:
        return False
    told = {"subject": subject, "department": triage.department, "opens": opens}
    return connection.execute(_TELL, told).scalar_one_or_none() is not None
