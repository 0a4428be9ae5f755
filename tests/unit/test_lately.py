"""What was just read is given again, until something changes or it is old; and the numbers of cases add up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from api.console import cards
from api.console.lately import KEPT_FOR_SECONDS, Lately, summed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Source:
    """Says how often it was asked; it can fail, and be slow."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        said = self.asked
        await asyncio.sleep(0)
        if self.fails:
            raise RuntimeError("nobody there")
        return said


def test_the_same_is_given_again_until_it_is_old_and_another_key_has_its_own() -> None:
    async def story() -> None:
        clock, source = Clock(), Source()
        lately: Lately[int] = Lately(clock)
        assert [await lately.of("a", source), await lately.of("a", source), await lately.of("b", source)] == [1, 1, 2]
        clock.now = KEPT_FOR_SECONDS + 0.01
        assert await lately.of("a", source) == 3

    asyncio.run(story())


def test_whoever_asks_after_a_change_is_not_given_what_was_being_read_before_it() -> None:
    async def story() -> None:
        source = Source()
        lately: Lately[int] = Lately(Clock())
        before = asyncio.ensure_future(lately.of("a", source))
        await asyncio.sleep(0)
        together = asyncio.ensure_future(lately.of("a", source))
        await asyncio.sleep(0)
        lately.forget()
        assert await lately.of("a", source) == 2
        assert (await before, await together) == (1, 1)
        assert await lately.of("a", source) == 2

    asyncio.run(story())


def test_what_could_not_be_read_is_read_again_and_whoever_leaves_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        source = Source()
        lately: Lately[int] = Lately(Clock())
        source.fails = True
        with pytest.raises(RuntimeError):
            await lately.of("a", source)
        source.fails = False
        first = asyncio.ensure_future(lately.of("a", source))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(lately.of("a", source))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 2

    asyncio.run(story())


def test_nothing_stays_in_memory_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.console.lately.KEPT_FOR_SECONDS", 0.0)

    async def story() -> None:
        lately: Lately[int] = Lately(Clock())
        await lately.of("a", Source())
        await asyncio.sleep(0.05)  # its end was set before this one
        assert lately._known == {}

    asyncio.run(story())


def test_counts_add_up_over_owners_and_say_how_many_are_ones_own() -> None:
    counted = {"": {"all": 0, "late": 0, "quarantined": 4}, None: {"all": 3, "late": 1}, "ana": {"all": 2, "late": 2}}
    assert summed(counted, "ana") == {"all": 5, "late": 3, "quarantined": 4, "mine": 2}
    assert summed(counted, "ben")["mine"] == 0


@pytest.mark.parametrize(("one", "other"), [(61, 59), (60, 59), (0, 1), (-1, 1), (-61, -59), (900, 899), (30, 31), (-5, -6)])
def test_a_card_is_made_anew_when_it_says_another_time(one: int, other: int) -> None:
    told = [cards._time_told(NOON + timedelta(seconds=seconds), NOON) for seconds in (one, other)]
    assert told[0] != told[1]


def test_a_card_that_would_say_the_same_time_is_the_same() -> None:
    assert cards._time_told(NOON + timedelta(seconds=3599), NOON) == cards._time_told(NOON + timedelta(seconds=3541), NOON)
    assert cards._time_told(None, NOON) is None
