"""A case in the database, as intake makes it, without a workflow."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from adapters.postgres.intake import Arrival
from adapters.postgres.store import Store
from domain.ports import Placed


def created(post: str = "p1", **data: object) -> dict[str, object]:
    """A `post.created` webhook."""
    told: dict[str, object] = {
        "id": post,
        "url": f"https://x.example/sam/{post}",
        "text": "You charged me twice and nobody answers.",
        "posted_at": datetime.now(UTC).isoformat(),
        "author": {"id": "77", "handle": "sam", "name": "Sam Okafor"},
    }
    return {"type": "post.created", "brand": "meridian", "data": {**told, **data}}


def arrive(store: Store, body: dict[str, object], *, channel: str = "x") -> int | None:
    """Store a webhook as intake does; the new row's number."""
    from domain.inbound import CHANNEL_EVENT

    raw = json.dumps(body).encode()
    key = CHANNEL_EVENT.validate_json(raw).key
    return store.inbox.store([Arrival(channel, key, "d", raw)])[0]


def place(store: Store, body: dict[str, object], *, channel: str = "x") -> Placed | None:
    """Store and place a webhook."""
    number = arrive(store, body, channel=channel)
    assert number is not None, "it was stored before"
    return store.inbox.place(number)


def open_case(store: Store, post: str = "p1") -> str:
    """Open a case; its id."""
    placed = place(store, created(post))
    assert placed is not None
    return placed.case_id
