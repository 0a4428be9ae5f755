"""The loop's time against the wall clock.

In production both are the same. A demonstration or a replay lets the loop's time run faster (an hour a second, say), so that
days of chasing can be watched; every moment in a case's history is the loop's time. Only the edges (timers, arrivals) convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """From `origin` (a moment on both clocks) on, the loop's time runs `speed` times as fast as the wall clock."""

    speed: float = 1.0
    origin: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def __post_init__(self) -> None:
        if not 0 < self.speed <= 100_000:
            raise ValueError(f"a pace of {self.speed} is not usable; it must be above 0 and at most 100,000 (1 is real time)")

    @property
    def is_real_time(self) -> bool:
        """Whether the loop runs by the wall clock."""
        return self.speed == 1.0

    def loop_time(self, wall: datetime) -> datetime:
        """The loop's time at a moment of the wall clock. A moment before the origin is the same on both clocks."""
        if self.is_real_time or wall <= self.origin:
            return wall
        return self.origin + (wall - self.origin) * self.speed

    def wall_time(self, loop: datetime) -> datetime:
        """The moment of the wall clock at which the loop's time is `loop`; the inverse of `loop_time`."""
        if self.is_real_time or loop <= self.origin:
            return loop
        return self.origin + (loop - self.origin) / self.speed


REAL_TIME = Pace()
