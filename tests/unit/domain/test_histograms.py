"""Percentiles that are read off added-up buckets stand where those of all the times would, within the stated error."""

from __future__ import annotations

from collections import Counter
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from domain.histograms import ERROR, bucket, percentile, typical

TIMES = st.lists(st.integers(1, 400 * 24 * 3600), min_size=1, max_size=200)


@given(st.integers(1, 10 * 365 * 24 * 3600))
def test_a_time_is_never_further_from_its_bucket_than_the_stated_error(seconds: int) -> None:
    assert abs(typical(bucket(seconds)) - seconds) <= ERROR * seconds + 1e-6 * seconds


@given(TIMES, TIMES, st.sampled_from([0.5, 0.9, 0.99]))
def test_days_added_up_have_the_percentiles_of_all_their_times(one: list[int], other: list[int], share: float) -> None:
    added = Counter(map(bucket, one)) + Counter(map(bucket, other))
    everything = sorted(one + other)
    exact = everything[ceil(share * len(everything)) - 1]
    found = percentile(added, share)
    assert found is not None
    assert abs(found - exact) <= ERROR * exact * 1.000_001


def test_nothing_counted_has_no_median() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({7: 1, 8: -1}, 0.5) is None


def test_what_takes_less_than_a_second_counts_as_one() -> None:
    assert bucket(0) == bucket(1) == 0
    assert typical(0) == 1.0
