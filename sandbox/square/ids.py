"""Ids of posts that look like each network's own. They are unique, and later ones sort after earlier ones."""

from __future__ import annotations

import itertools
import secrets

_TWITTER_EPOCH_MS = 1288834974657
_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"


class Ids:
    """Makes ids. Two instances on the same world do not collide: time and chance are in every id."""

    def __init__(self) -> None:
        self._sequence = itertools.count(secrets.randbelow(1 << 12))

    def new(self, network: str, now: float, author_id: str) -> str:
        """An id for a post by `author_id` on `network` at `now` (Unix seconds)."""
        milliseconds = int(now * 1000)
        step = next(self._sequence)
        match network.strip().lower():
            case "x" | "twitter":
                return str((milliseconds - _TWITTER_EPOCH_MS) << 22 | (step & 0x3FFFFF))
            case "mastodon":
                return str(milliseconds << 16 | (step & 0xFFFF))
            case "bluesky":
                return f"at://did:plc:{_base32(author_id)}/app.bsky.feed.post/{_tid(milliseconds * 1000 + step % 1000, step)}"
            case "facebook":
                return f"100063{milliseconds % 10**9:09d}_{milliseconds}{step % 1000:03d}"
            case "instagram":
                return f"17{milliseconds}{step % 1000:03d}"
            case _:
                return f"{milliseconds}{step % 10_000:04d}"


def _tid(microseconds: int, clock: int) -> str:
    value = microseconds << 10 | (clock & 0x3FF)
    return "".join(_SORTABLE[value >> shift & 31] for shift in range(60, -1, -5))


def _base32(text: str) -> str:
    number = int.from_bytes(text.encode().rjust(15, b"\0")[-15:], "big")
    return "".join(_SORTABLE[number >> shift & 31] for shift in range(115, -1, -5))
