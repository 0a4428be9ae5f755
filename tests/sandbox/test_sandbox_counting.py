"""How long networks find a text."""

from __future__ import annotations

import pytest
from sandbox_support import SECRET

from sandbox.settings import Channel, Counting
from sandbox.square.counting import counting_of, length


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("plain text", 10),
        ("Größe – “so”…", 14),
        ("日本語", 6),
        ("e\u0301", 1),
        ("👍", 2),
        ("👨\u200d👩\u200d👧\u200d👦", 2),
        ("🇩🇪", 2),
        ("👍🏽", 2),
        ("1️⃣", 2),
        ("https://meridian.example/status/1234567890/very/long/path?with=query", 23),
        ("see https://a.example/x.", 28),
        ("see example.com now", 31),
        ("write to a@example.com", 22),
        ("3.5 hours", 9),
    ],
)
def test_x_weighs_characters_and_counts_every_link_23(text: str, counts: int) -> None:
    assert length(text, "x") == counts


@pytest.mark.parametrize(
    ("counting", "text", "counts"),
    [
        ("characters", "👨\u200d👩\u200d👧", 5),
        ("graphemes", "👨\u200d👩\u200d👧", 1),
        ("utf16", "👍a", 3),
        ("mastodon", "@sam@social.example https://meridian.example/some/long/path", 4 + 1 + 23),
    ],
)
def test_other_networks_count_their_own_way(counting: Counting, text: str, counts: int) -> None:
    assert length(text, counting) == counts


@pytest.mark.parametrize(
    ("network", "counting"),
    [("X", "x"), ("Mastodon", "mastodon"), ("Bluesky", "graphemes"), ("Facebook", "utf16"), ("Our forum", "characters")],
)
def test_a_known_network_counts_as_it_is_known_to(network: str, counting: Counting) -> None:
    assert counting_of(Channel(network=network, secret=SECRET, limit=1)) == counting


def test_the_settings_may_say_otherwise() -> None:
    assert counting_of(Channel(network="X", secret=SECRET, limit=1, counting="graphemes")) == "graphemes"
