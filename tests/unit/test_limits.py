"""The token bucket, by a clock of its own."""

from __future__ import annotations

from api import limits
from api.limits import Limits


def test_a_bucket_is_full_at_first_and_fills_evenly() -> None:
    now = 0.0
    bucket = Limits(60, clock=lambda: now)
    assert [bucket.take("a").requests for _ in range(60)] == list(range(59, -1, -1))
    refused = bucket.take("a")
    assert (refused.wait, refused.requests, refused.full_in) == (1, 0, 60)
    assert bucket.take("b").requests == 59, "each has their own"
    now = 1.0
    assert bucket.take("a").wait == 0
    assert bucket.take("a").wait == 1
    now = 1000.0
    assert bucket.take("a").requests == 59, "it never holds more than at first"
    assert bucket.take("a").headers == {"ratelimit-policy": '"requests";q=60;w=60', "ratelimit": '"requests";r=58;t=2'}


def test_a_slow_bucket_tells_how_long_to_wait() -> None:
    bucket = Limits(1, clock=lambda: 0.0)
    assert (bucket.take("a").wait, bucket.take("a").wait) == (0, 60)


def test_memory_is_bounded() -> None:
    bucket = Limits(1, clock=lambda: 0.0)
    for number in range(limits.CALLERS + 1):
        bucket.take(str(number))
    assert bucket.take("0").wait == 0, "the one who asked the longest ago is forgotten"
    assert bucket.take(str(limits.CALLERS)).wait == 60
