"""Finding the case that a message of a network belongs to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

_COLUMNS = "k.case_id, k.subject_id as subject, k.policy_id, k.ended, k.closed_at"
_CASE_OF = text(
    f"select {_COLUMNS}, p.kind, p.subject_id as post_subject, coalesce(w.private, false) as private, s.author_hash as author, "  # noqa: S608 - our own column names
    "s.erased_at is not null as erased, a.erased_at is not null as author_erased "
    "from post p join cases k using (case_id) join subject s on s.id = k.subject_id left join words w on w.id = p.words "
    "left join subject a on a.id = p.subject_id "
    "where p.channel = :channel and p.native_id = :id"
)
_OF_AUTHOR = (
    f"select {_COLUMNS} from subject s join cases k on k.subject_id = s.id "  # noqa: S608 - as above
    "where s.channel = :channel and s.author_hash = :author and k.brand = :brand and k.ended is null "
)
_UNSURE = text(
    f"{_OF_AUTHOR}"  # noqa: S608 - as above
    "and exists (select 1 from effect e where e.case_id = k.case_id and e.party = 'publish-' || k.channel "
    "and e.state in ('claimed', 'unclear', 'unconfirmed')) limit 2"
)
_GOES_ON = text(
    "with recursive way as (select case_id, merged_into, 0 as far from cases where case_id = :case union all "  # noqa: S608 - as above
    "select k.case_id, k.merged_into, far + 1 from way join cases k on k.case_id = way.merged_into where far < 100) "
    f"select {_COLUMNS}, k.number, s.erased_at is not null as erased "
    "from way join cases k using (case_id) join subject s on s.id = k.subject_id where way.merged_into is null"
)
_MERGED = text(
    f"select {_COLUMNS} from subject s join cases k on k.subject_id = s.id "  # noqa: S608 - as above
    "where s.channel = :channel and s.author_hash = :author and k.brand = :brand and k.ended = 'merged' order by k.number desc limit 1"
)
_ROOT = text(
    "with recursive up as (select case_id, in_reply_to, 0 as far from post where channel = :channel and native_id = :id union all "
    "select p.case_id, p.in_reply_to, far + 1 from up join post p "
    "on p.channel = :channel and p.native_id = up.in_reply_to where far < 500) "
    "select case_id from up where exists (select 1 from cases where merged_into = :case) order by far desc limit 1"
)
_NEWEST = text(f"{_OF_AUTHOR}order by (k.closed_at is null) desc, k.number desc limit 1")


def case_of(connection: Connection, channel: str, native_id: str) -> Any:
    """The case of a post or reply, by the network's id of it; that of a merged case is the one that it goes on in.

    `thread` is then the case in whose thread it stands, and `thread_subject` whose that is.
    """
    found: Any = connection.execute(_CASE_OF, {"channel": channel, "id": native_id}).mappings().one_or_none()
    if found is None:
        return None
    there = _going_on(connection, found)
    thread = connection.execute(_ROOT, {"channel": channel, "id": native_id, "case": there["case_id"]}).scalar_one_or_none()
    if thread is None or thread == there["case_id"]:
        return there
    subject = connection.execute(text("select subject_id from cases where case_id = :case"), {"case": thread}).scalar_one()
    return {**there, "thread": thread, "thread_subject": subject}


def goes_on_in(connection: Connection, case_id: str) -> Any:
    """The case that a merged one goes on in, over or not; the case itself when it is not merged; None when that leads nowhere."""
    return connection.execute(_GOES_ON, {"case": case_id}).mappings().one_or_none()


def _going_on(connection: Connection, found: Any) -> Any:
    if found["ended"] != "merged":
        return found
    there = goes_on_in(connection, found["case_id"])
    if there is None:
        return found
    return {**found, **there, "erased": found["erased"] or there["erased"]}


def case_unsure_of_a_reply(connection: Connection, channel: str, brand: str, author: bytes) -> Any:
    """The author's case of which we do not know whether, or where, a reply of ours was posted: they may just have answered that one."""
    found = connection.execute(_UNSURE, {"channel": channel, "brand": brand, "author": author}).mappings().all()
    return found[0] if len(found) == 1 else None


def case_of_whisper(connection: Connection, channel: str, brand: str, author: bytes, answered: str | None) -> Any:
    """The author's case that a private message belongs to: that of what it answers, else the newest that is open (or still watched).

    Of an author whose cases were all merged, that in which the newest goes on, while it is not over; `thread` as in `case_of`.
    Never the case of somebody else: whoever answers another customer's post in private tells us something of their own.
    """
    if answered is not None:
        there = case_of(connection, channel, answered)
        if there is not None and there["ended"] is None and bytes(there["author"]) == author:
            return there
        unsure = case_unsure_of_a_reply(connection, channel, brand, author)
        if there is None and unsure is not None:
            return unsure
    theirs = {"channel": channel, "brand": brand, "author": author}
    newest = connection.execute(_NEWEST, theirs).mappings().one_or_none()
    if newest is not None:
        return newest
    merged = connection.execute(_MERGED, theirs).mappings().one_or_none()
    if merged is None:
        return None
    there = goes_on_in(connection, merged["case_id"])
    if there is None or there["ended"] is not None:
        return None
    return {**there, "thread": merged["case_id"], "thread_subject": merged["subject"]}
