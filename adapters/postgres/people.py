"""Colleagues by id and name."""

from __future__ import annotations

from sqlalchemy import Engine, text


class People:
    """Who works on cases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remember(self, person: str, name: str, first_name: str | None) -> None:
        """Keep how a colleague is called."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into person (id, name, first_name) values (:id, :name, :first) on conflict (id) do update "
                    "set name = excluded.name, first_name = excluded.first_name, seen_at = clock_timestamp()"
                ),
                {"id": person, "name": name[:120], "first": first_name[:60] if first_name else None},
            )

    def name(self, person: str) -> str | None:
        """How a colleague is called; None when we have not met."""
        with self._engine.connect() as connection:
            return connection.execute(text("select name from person where id = :id"), {"id": person}).scalar_one_or_none()

    def named(self, name: str) -> list[str]:
        """The ids of the colleagues of that name, large or small letters, ten at most."""
        found = text("select id from person where lower(name) = lower(:name) order by id limit 10")
        with self._engine.connect() as connection:
            return list(connection.execute(found, {"name": name}).scalars())
