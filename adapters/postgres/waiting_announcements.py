"""Announcements of shared causes that wait for a second person, of whom nobody has heard yet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, text

from domain.sharing import WaitingAnnouncement

_UNTOLD = text(
    "select a.number, a.cause, a.what, coalesce(p.name, a.author) as author, a.why, "
    "(select count(*) from announcement_case l where l.announcement = a.number and l.words is not null) as customers "
    "from announcement a left join person p on p.id = a.author where a.state = 'waiting' and not exists "
    "(select 1 from effect e where e.key = 'announcement\\:' || a.number || '\\:waiting' and e.state = 'done') order by a.number"
)


class PostgresWaitingAnnouncements:
    """See `domain.sharing.WaitingAnnouncements`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def untold(self) -> Sequence[WaitingAnnouncement]:
        """See `domain.sharing.WaitingAnnouncements.untold`."""
        with self._engine.connect() as connection:
            return [
                WaitingAnnouncement(row.number, row.cause, row.what, row.author, tuple(row.why), row.customers)
                for row in connection.execute(_UNTOLD)
            ]
