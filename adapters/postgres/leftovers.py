"""What lies in the inbox without a case (it waits for its parent, or nobody could place it) and is a customer's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text

from adapters.keyring import KeyProblem
from adapters.postgres.vault import INBOX, Vault

_LYING = text(
    "select id, channel, sealed from inbound where state in ('parked', 'quarantined') and sealed is not null and id > :after "
    "order by id limit 500"
)
_AUTHORS = text("select id, channel, author_hash, wrapped_key, profile from subject where id = any(cast(:ids as uuid[]))")
_POSTS = text("select channel, native_id from post where subject_id = any(cast(:ids as uuid[]))")
_SHORTEST_HANDLE = 4


def leftovers(connection: Connection, vault: Vault, subjects: Sequence[str]) -> list[int]:
    """The numbers of these messages. One that cannot be read is taken for theirs when their handle or name stands in it."""
    found: list[int] = []
    authors = connection.execute(_AUTHORS, {"ids": list(subjects)}).all()
    hashes = {(row.channel, bytes(row.author_hash)) for row in authors}
    posts = {(row.channel, row.native_id) for row in connection.execute(_POSTS, {"ids": list(subjects)})}
    names: set[tuple[str, bytes]] = set()
    for row in authors:
        shown = vault.shown_as(str(row.id), row.wrapped_key, row.profile)
        names |= {(row.channel, name.encode()) for name in shown.values() if name and len(name) >= _SHORTEST_HANDLE}
    after = 0
    while rows := connection.execute(_LYING, {"after": after}).all():
        for row in rows:
            try:
                body = vault.keyring.open(INBOX, bytes(row.sealed), row.channel.encode())
            except KeyProblem:
                continue  # nobody can read it any more, we included
            author, post = _author_and_post(body)
            theirs = author is not None and (row.channel, vault.author_hash(row.channel, author)) in hashes
            if theirs or (row.channel, post) in posts or (author is None and any(c == row.channel and n in body for c, n in names)):
                found.append(int(row.id))
        after = rows[-1].id
    return found


def _author_and_post(body: bytes) -> tuple[str | None, str | None]:
    try:
        data = json.loads(body)["data"]
        author, post = data.get("author"), data.get("id")
        return str(author["id"]) if isinstance(author, dict) and "id" in author else None, str(post) if post is not None else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
