"""Real complaint threads from a file, as a script to be played: who writes what, in answer to what, and when.

The form is that of the public data set "Customer Support on Twitter": tweet_id, author_id, inbound, created_at, text,
response_tweet_id, in_response_to_tweet_id.
"""

from __future__ import annotations

import csv
import html
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import LoopkeeperError

QUIET = timedelta(minutes=30)
"""Stretches in which nobody in any thread says anything are shortened to this."""
_CREATED = "%a %b %d %H:%M:%S %z %Y"
_COLUMNS = ("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id")


class UnusableThreads(LoopkeeperError):
    """A file of threads cannot be read."""


@dataclass(frozen=True, slots=True)
class Said:
    """One post of a thread. `at`: its moment in the script."""

    id: str
    author: str
    by_brand: bool
    at: timedelta
    text: str
    parent: str | None


@dataclass(slots=True)
class Thread:
    """A customer's post and all that followed it."""

    root: Said
    brand: str
    rest: list[Said] = field(default_factory=list)


def read_threads(file: Path, *, at_most: int | None = None, quiet: timedelta = QUIET) -> list[Thread]:
    """The threads that a customer began, by their beginning. Raises UnusableThreads."""
    posts = _read(file)
    roots = {i: _root(i, posts) for i in posts}
    members: dict[str, list[str]] = defaultdict(list)
    for i, root in roots.items():
        members[root].append(i)
    begun = [i for i in members if posts[i]["inbound"] == "True" and not posts[i]["in_response_to_tweet_id"]]
    begun = sorted(begun, key=lambda i: _moment(posts[i]))[:at_most]
    script = _script({i: _moment(posts[i]) for root in begun for i in members[root]}, quiet)
    threads = []
    for root in begun:
        said = sorted((_said(posts[i], script[i]) for i in members[root]), key=lambda s: s.at)
        brand = next((s.author for s in said if s.by_brand), "meridian")
        threads.append(Thread(_said(posts[root], script[root]), brand, [s for s in said if s.id != root]))
    return threads


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            missing = [c for c in _COLUMNS if c not in (reader.fieldnames or [])]
            if missing:
                raise UnusableThreads(f"{file}: the column {missing[0]} is missing; the columns must be {', '.join(_COLUMNS)}")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableThreads(f"{file} cannot be read: {error}") from None
    for number, row in enumerate(rows, start=2):
        if None in row.values() or not row["tweet_id"]:
            raise UnusableThreads(f"{file}: record {number} is not whole")
        parent = row["in_response_to_tweet_id"]
        row["in_response_to_tweet_id"] = str(int(float(parent))) if parent else ""
    return {row["tweet_id"]: row for row in rows}


def _moment(row: dict[str, str]) -> datetime:
    try:
        return datetime.strptime(row["created_at"], _CREATED)  # noqa: DTZ007 - it has %z
    except ValueError:
        raise UnusableThreads(
            f"post {row['tweet_id']}: '{row['created_at']}' is no moment such as 'Tue Oct 31 22:10:47 +0000 2017'"
        ) from None


def _root(post: str, posts: dict[str, dict[str, str]]) -> str:
    seen = set()
    while (parent := posts[post]["in_response_to_tweet_id"]) in posts and post not in seen:
        seen.add(post)
        post = parent
    return post


def _script(moments: dict[str, datetime], quiet: timedelta) -> dict[str, timedelta]:
    """Each post's moment in the script: the order of all posts stays, long silences do not."""
    script: dict[str, timedelta] = {}
    at, before = timedelta(0), None
    for post, moment in sorted(moments.items(), key=lambda item: (item[1], int(item[0]) if item[0].isdigit() else 0)):
        if before is not None:
            at += min(moment - before, quiet)
        script[post], before = at, moment
    return script


def _said(row: dict[str, str], at: timedelta) -> Said:
    return Said(
        id=row["tweet_id"],
        author=_handle(row["author_id"]),
        by_brand=row["inbound"] != "True",
        at=at,
        text=html.unescape(row["text"]),
        parent=row["in_response_to_tweet_id"] or None,
    )


def _handle(author: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", author)[:40] or "someone"
