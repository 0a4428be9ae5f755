"""Times in buckets that can be added up: a median over any days and departments comes from the sums of what each day has counted.

Buckets grow by a tenth, as in DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019), so that what is read off them is never further than
`ERROR` from one of the times that were counted: 3 h 50 min for 4 h, and never 2 h.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, log

GROWTH = 1.1
ERROR = (GROWTH - 1) / (GROWTH + 1)
"""The most by which a percentile differs from the time that stands at its place among all times, as a share of it: 4.8 %."""
_LOG = log(GROWTH)


def bucket(seconds: int) -> int:
    """The bucket of a time in seconds. What is shorter than a second counts as one. The database computes the same (`report_bucket`)."""
    return ceil(round(log(max(seconds, 1)) / _LOG, 9))


def typical(number: int) -> float:
    """The time in seconds that stands for a bucket: off by `ERROR` at most from whatever is in it."""
    return 1.0 if number <= 0 else 2 * GROWTH**number / (GROWTH + 1)


def percentile(counted: Mapping[int, int], share: float) -> float | None:
    """The time in seconds that a share of the counted ones does not exceed (nearest rank); None when nothing was counted."""
    total = sum(counted.values())
    if total <= 0:
        return None
    wanted, seen = max(1, ceil(share * total)), 0
    for number in sorted(counted):
        seen += counted[number]
        if seen >= wanted:
            return typical(number)
    raise AssertionError("the shares add up to one")
