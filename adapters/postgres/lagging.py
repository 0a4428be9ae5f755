"""How far those are behind the log who follow it: the search index, the numbers, webhooks; and how late webhooks are sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from domain.hooks import HOLDS_UP

# The oldest event that each has not taken yet. The numbers keep the next leaf, the others the last one taken. What never ran has taken
# nothing: that is the log's first event. A delivery that lets an earlier one of its case go first is not late.
_WAITED = text(
    "with next as (select 'search' as name, leaf + 1 as leaf from search_progress "
    "union all select 'numbers', coalesce((select leaf from report_progress where name = 'history'), 0) "
    "union all select 'webhooks', leaf + 1 from webhook_progress) "
    "select next.name, clock_timestamp() - to_timestamp(e.recorded_us / 1000000.0) as waited from next "
    "left join log_leaf l on l.leaf = next.leaf left join case_event e on e.case_id = l.case_id and e.seq = l.seq "
    "union all select 'deliveries', clock_timestamp() - min(oldest.due_at) from webhook w cross join lateral ("
    "select o.due_at from webhook_delivery o where o.webhook_id = w.id and o.state = 'pending' and o.due_at < clock_timestamp() "
    "and not exists (select 1 from webhook_delivery e where e.webhook_id = o.webhook_id and e.case_id = o.case_id "
    "and e.state = 'pending' and e.number < o.number and e.attempts < :holds_up) order by o.due_at, o.number limit 1) as oldest "
    "where w.active and w.revoked_at is null"
)


class Lags:
    """Reads it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def behind(self) -> Mapping[str, timedelta]:
        """For how long the oldest event has been waiting to be taken, and the oldest delivery to be tried; zero when none waits.

        Raises Unavailable.
        """
        with transaction(self._engine) as connection:
            rows = connection.execute(_WAITED, {"holds_up": HOLDS_UP}).all()
        return {row.name: max(row.waited or timedelta(0), timedelta(0)) for row in rows}
