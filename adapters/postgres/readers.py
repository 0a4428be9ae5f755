"""How colleagues read pages: the language and the zone that they keep."""

from __future__ import annotations

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction


class Readers:
    """What people keep. It is read with their session (`adapters.postgres.sessions`)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, person: str, *, language: str | None, zone: str | None) -> None:
        """Keep both for somebody; None is to keep nothing."""
        with transaction(self._engine) as connection:
            connection.execute(
                text(
                    "insert into reader (person, language, zone) values (:person, :language, :zone) on conflict (person) do update "
                    "set language = excluded.language, zone = excluded.zone, changed_at = clock_timestamp()"
                ),
                {"person": person, "language": language, "zone": zone},
            )
