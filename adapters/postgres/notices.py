"""What admins are told once, and where the channels of Slack were that the policy names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is wrong, since when."""

    key: str
    about: str
    since: datetime


class NoticeBoard:
    """See `domain.ports.NoticeBoard`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put_up(self, key: str, about: str) -> bool:
        """See `domain.ports.NoticeBoard.put_up`."""
        sql = text(
            "insert into notice (key, about, told_at) values (:key, :about, clock_timestamp()) "
            "on conflict (key) do update set about = excluded.about, told_at = clock_timestamp() where notice.told_at is null returning key"
        )
        with self._engine.begin() as connection:
            return connection.execute(sql, {"key": key, "about": about[:500]}).scalar_one_or_none() is not None

    def not_told(self, key: str) -> None:
        """See `domain.ports.NoticeBoard.not_told`."""
        with self._engine.begin() as connection:
            connection.execute(text("update notice set told_at = null where key = :key"), {"key": key})

    def take_down(self, key: str) -> None:
        """See `domain.ports.NoticeBoard.take_down`."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from notice where key = :key"), {"key": key})

    def all(self) -> list[Notice]:
        """Everything that is wrong now, the oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(text("select key, about, first_at from notice order by first_at"))
            return [Notice(r.key, r.about, r.first_at) for r in rows]


class PlaceMemory:
    """See `domain.ports.PlaceMemory`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(self, name: str, channel: str) -> None:
        """See `domain.ports.PlaceMemory.remember`."""
        sql = text("insert into slack_place values (:name, :channel) on conflict (name) do update set channel = excluded.channel")
        with self._engine.begin() as connection:
            connection.execute(sql, {"name": name, "channel": channel})

    def known(self, name: str) -> str | None:
        """See `domain.ports.PlaceMemory.known`."""
        with self._engine.connect() as connection:
            return connection.execute(text("select channel from slack_place where name = :name"), {"name": name}).scalar_one_or_none()
