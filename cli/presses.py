"""What was pressed last on each card in the sandbox's Slack, and whether it has had its effect."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cli.scene import buttons

Json = dict[str, Any]
EFFECT_SECONDS = 20.0
"""So long people look at a card that they have pressed, until they press again."""
MODAL_SECONDS = 5.0
"""… when a modal should have opened."""
LATE_SECONDS = 1.5
"""After so long something that people wait for is late."""


@dataclass(frozen=True, slots=True)
class _Press:
    """A button was pressed, when the card looked like this; until when one waits for it to change."""

    card: str
    at: float
    until: float


class Presses:
    """People press a button once, and then look at the card until it changes; only after a while do they press again."""

    def __init__(self) -> None:
        self._last: dict[str, _Press] = {}

    def note(self, card: Json, patience: float) -> None:
        """A button of this card is pressed now."""
        now = time.monotonic()
        self._last[card["ts"]] = _Press(buttons(card), now, now + patience)

    def forget(self, card: Json) -> None:
        """Nothing came of it, or everything that it was for."""
        self._last.pop(card["ts"], None)

    def awaited(self, card: Json) -> bool:
        """Whether people still wait for the card to change."""
        press = self._last.get(card["ts"])
        return press is not None and press.card == buttons(card) and time.monotonic() < press.until

    def late(self, cards: Iterable[Json], now: float) -> int:
        """On how many of these cards nothing has changed for some time since somebody pressed a button."""
        shown = {card["ts"]: buttons(card) for card in cards}
        return sum(p.at + LATE_SECONDS < now < p.until and shown.get(ts) == p.card for ts, p in list(self._last.items()))
