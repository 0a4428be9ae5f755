"""Real complaint threads from a file, as a script to be played: who writes what, in answer to what, and when.

The form is that of the public data set "Customer Support on Twitter": tweet_id, author_id, inbound, created_at, text,
response_tweet_id, in_response_to_tweet_id.
"""

from __future__ import annotations

import csv
import html
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import LoopkeeperError

LONGEST_GAP = timedelta(hours=12)
"""A longer silence in a thread is shortened to this, so that the longest of them (130 posts in 17 days) can be watched to its end."""
_CREATED = "%a %b %d %H:%M:%S %z %Y"
_COLUMNS = ("tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id")
_POST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class UnusableThreads(LoopkeeperError):
    """A file of threads cannot be read."""


@dataclass(frozen=True, slots=True)
class Said:
    """One post of a thread. `at`: how long after the thread's first post it is to be said."""

    id: str
    author: str
    by_brand: bool
    at: timedelta
    text: str
    parent: str | None
    moment: datetime
    """When it was really said."""


@dataclass(slots=True)
class Thread:
    """A customer's post and all that followed it, in order."""

    root: Said
    brand: str
    rest: list[Said] = field(default_factory=list)


@dataclass(slots=True)
class Script:
    """What a file has: the threads that a customer began, the longest first, and the rows that could not be used, each with the reason."""

    threads: list[Thread]
    malformed: list[str]


@dataclass(frozen=True, slots=True)
class BrandsOwn:
    """How the brands themselves did with these threads, at the time."""

    median_first_response_minutes: float
    within_15_minutes: float
    """Share of the threads, 0 to 1, as the next one."""
    within_60_minutes: float
    thanks: int
    thanks_answered: int


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    author: str
    by_brand: bool
    moment: datetime
    text: str
    parent: str | None


def read_threads(file: Path, *, at_most: int | None = None, longest_gap: timedelta = LONGEST_GAP) -> Script:
    """The threads of a file, the longest first, so that all can end together. Raises UnusableThreads when it is no such file."""
    posts, malformed = _read(file)
    members: dict[str, list[_Row]] = defaultdict(list)
    for post in posts.values():
        members[_root(post, posts)].append(post)
    begun = sorted((posts[i] for i in members if not posts[i].by_brand and posts[i].parent is None), key=lambda p: (p.moment, p.id))
    threads = [_thread(root, members[root.id], longest_gap) for root in begun[:at_most]]
    return Script(sorted(threads, key=lambda t: t.rest[-1].at if t.rest else timedelta(0), reverse=True), malformed)


def brands_own(threads: Iterable[Thread], is_thanks: Callable[[str], bool]) -> BrandsOwn:
    """The brands' own record: minutes to their first answer, and how many thanks they answered."""
    waits: list[float] = []
    thanks = answered = count = 0
    for thread in threads:
        count += 1
        first = next((line for line in thread.rest if line.by_brand), None)
        if first is not None:
            waits.append((first.moment - thread.root.moment).total_seconds() / 60)
        replied_to = {line.parent for line in thread.rest if line.by_brand}
        for line in thread.rest:
            if not line.by_brand and line.author == thread.root.author and is_thanks(line.text):
                thanks += 1
                answered += line.id in replied_to
    return BrandsOwn(
        statistics.median(waits) if waits else float("nan"),
        sum(wait <= 15 for wait in waits) / max(count, 1),
        sum(wait <= 60 for wait in waits) / max(count, 1),
        thanks,
        answered,
    )


def _thread(root: _Row, members: list[_Row], longest_gap: timedelta) -> Thread:
    lines: list[Said] = []
    at, before = timedelta(0), root.moment
    for row in sorted(members, key=lambda m: (m.id != root.id, m.moment, len(m.id), m.id)):
        at += max(timedelta(0), min(row.moment - before, longest_gap))
        before = max(before, row.moment)
        lines.append(Said(row.id, row.author, row.by_brand, at, row.text, row.parent, row.moment))
    brand = next((line.author for line in lines if line.by_brand), "meridian")
    return Thread(lines[0], brand, lines[1:])


def _read(file: Path) -> tuple[dict[str, _Row], list[str]]:
    posts: dict[str, _Row] = {}
    malformed = []
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            missing = [c for c in _COLUMNS if c not in (reader.fieldnames or [])]
            if missing:
                raise UnusableThreads(f"{file}: the column {missing[0]} is missing; the columns must be {', '.join(_COLUMNS)}")
            for row in reader:
                try:
                    post = _row(row)
                except ValueError as error:
                    malformed.append(f"line {reader.line_num}: {error}")
                    continue
                if posts.setdefault(post.id, post) is not post:
                    malformed.append(f"line {reader.line_num}: the post {post.id} is there already")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableThreads(f"{file} cannot be read: {error}") from None
    return posts, malformed


def _row(row: dict[str, str]) -> _Row:
    """One row. Raises ValueError with what is wrong with it."""
    missing = next((c for c in _COLUMNS if row.get(c) is None), None)
    if missing is not None:
        raise ValueError(f"it ends before the column {missing}")
    if None in row:
        raise ValueError("it has more columns than the first line names")
    if not _POST_ID.match(row["tweet_id"]):
        raise ValueError(f"tweet_id {row['tweet_id'][:40]!r} is no id")
    if row["inbound"] not in ("True", "False"):
        raise ValueError(f"inbound is {row['inbound'][:20]!r}, not True or False")
    try:
        moment = datetime.strptime(row["created_at"], _CREATED)  # noqa: DTZ007 - it has %z
    except ValueError:
        raise ValueError(f"created_at {row['created_at'][:40]!r} is no moment such as 'Tue Oct 31 22:10:47 +0000 2017'") from None
    parent = row["in_response_to_tweet_id"].removesuffix(".0")
    if parent and not _POST_ID.match(parent):
        raise ValueError(f"in_response_to_tweet_id {parent[:40]!r} is no id")
    words = html.unescape(row["text"])
    if not words.strip():
        raise ValueError("text is empty")
    return _Row(row["tweet_id"], _handle(row["author_id"]), row["inbound"] == "False", moment, words, parent or None)


def _root(post: _Row, posts: dict[str, _Row]) -> str:
    seen = set()
    while post.parent in posts and post.id not in seen:
        seen.add(post.id)
        post = posts[post.parent]
    return post.id


def _handle(author: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", author)[:40] or "someone"
