"""What a replay counts as said twice."""

from __future__ import annotations

from typing import Any

import pytest

from cli.replay import said_twice


def reply(post: str, key: str, text: str = "The next update by 14:00 today.") -> dict[str, Any]:
    return {"id": post, "in_reply_to": "theirs", "idempotency_key": key, "text": text}


@pytest.mark.parametrize(
    ("ours", "on_record", "twice"),
    [
        ([reply("1", "a"), reply("2", "b")], {"1", "2"}, []),
        ([reply("1", "a"), reply("2", "b")], {"1"}, ["theirs: The next update by 14:00 today."]),
        ([reply("1", "a"), reply("2", "a", "Other words.")], {"1", "2"}, ["key: a"]),
        ([reply("1", "a")], set(), []),
    ],
    ids=["meant to be said again", "one of them on no record", "under one key", "once"],
)
def test_the_same_words_are_said_twice_unless_each_is_on_record(ours: list[dict[str, Any]], on_record: set[str], twice: list[str]) -> None:
    assert said_twice(ours, on_record) == twice
