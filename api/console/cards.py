"""Cases as the board shows them, made once for all who are shown the same: the same words, in the same language and zone, as late as now.

All that is shown is in the key, so that nobody can be given what was made for somebody who may read more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from adapters.postgres.rows import Row
from api.languages.choosing import reader
from domain.policy import Policy

KEPT_FOR_SECONDS = 60.0
AT_MOST = 5000


class Cards:
    """The cards of the last minute."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Markup] = {}

    def card(self, make: Callable[..., Any], row: Row, by: str, call: bool, policy: Policy, zone: ZoneInfo, now: datetime) -> Markup:
        """The card; `make` makes it of the row and the two that follow it."""
        someone = reader()
        key = (row, by, call, _time_told(row.due_at, now), datetime.now(UTC).year, policy.id, zone.key, someone.language.tag, someone.zone)
        made = self._made.get(key)
        if made is None:
            made = Markup(make(row, by, call))  # noqa: S704 - made by the template, which escapes
            if len(self._made) >= AT_MOST:
                self._made.clear()
            if not self._made:  # nobody's words stay longer than they serve
                asyncio.get_running_loop().call_later(KEPT_FOR_SECONDS, self._made.clear)
            self._made[key] = made
        return made


def _time_told(due: datetime | None, now: datetime) -> tuple[bool, int, int] | None:
    """As much of the time left as is told of it (`api.languages.telling.left`): late or not, minutes, and seconds when it is none."""
    if due is None:
        return None
    seconds = (due - now).total_seconds()
    minutes = int(abs(seconds) // 60)
    return seconds > 0, minutes, 0 if minutes else int(abs(seconds))
