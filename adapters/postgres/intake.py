"""What networks tell us: stored before it is acknowledged, then placed with its case, and never lost between the two."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.finding import case_of, case_of_whisper, case_unsure_of_a_reply, goes_on_in
from adapters.postgres.hours_told import tells_hours
from adapters.postgres.linking import Linking
from adapters.postgres.opening import come_back, open_case, record_late
from adapters.postgres.records import history
from adapters.postgres.telling import MOVE_POST
from adapters.postgres.vault import INBOX, Vault
from domain import commands as c
from domain.case import Case
from domain.discretion import Onlookers
from domain.errors import UnknownBrand, UnknownChannel
from domain.evolve import fold
from domain.inbound import CHANNEL_EVENT, ChannelEvent, PostCreated, PostDeleted, PostEdited, why_unreadable
from domain.pace import Pace
from domain.policy import Policy
from domain.ports import Placed, PolicyBook
from domain.triage import Sorter
from domain.values import Triage, brand_of, case_id

REPLY_WAITS = timedelta(minutes=2)
"""A reply whose parent nobody has told us of becomes a case of its own after this, so that no customer waits for a lost message."""
CHANGE_WAITS = timedelta(days=1)
"""An edit or a deletion of an unknown post is kept so long."""
LOOK_AGAIN = timedelta(seconds=5)
STUMBLES_FOR = timedelta(hours=1)
"""What we stumble over (a mistake of ours, a key that is missing) is tried again for so long."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message of a network, to be stored. `body`: its raw bytes."""

    channel: str
    key: str
    delivery_id: str
    body: bytes
    quarantine: str | None = None


class Inbox:
    """Stores arrivals and places them."""

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook, pace: Pace, linking: Linking) -> None:
        self._engine = engine
        self._vault = vault
        self._book = book
        self._pace = pace
        self._linking = linking
        self._sorters: dict[str, Sorter] = {}

    # --- storing ------------------------------------------------------------------------------------------------------

    def store(self, arrivals: Sequence[Arrival]) -> list[int | None]:
        """Store each once, all in one transaction; the new row's number, or None for what was stored before."""
        with transaction(self._engine) as connection:
            told = {
                "channels": [a.channel for a in arrivals],
                "keys": [a.key if a.quarantine is None else _quarantine_key(a) for a in arrivals],
                "deliveries": [a.delivery_id for a in arrivals],
                "states": ["waiting" if a.quarantine is None else "quarantined" for a in arrivals],
                "reasons": [a.quarantine for a in arrivals],
                "bodies": [self._vault.keyring.seal(INBOX, a.body, a.channel.encode()) for a in arrivals],
            }
            rows = list(connection.execute(_STORE, told))
            if len(rows) < len(arrivals):
                rows += connection.execute(_REVIVE, {name: told[name] for name in ("channels", "keys", "states", "bodies")})
            new = {(r.channel, r.event_key): int(r.id) for r in rows}
            if new:
                connection.execute(NOTIFY, {"ids": ",".join(map(str, new.values()))})
        return [new.pop((a.channel, a.key if a.quarantine is None else _quarantine_key(a)), None) for a in arrivals]

    # --- placing ------------------------------------------------------------------------------------------------------

    def place(self, inbound_id: int) -> Placed | None:
        """Find the message's case, or open one, and keep its words there. None when there is nothing to tell a case (yet)."""
        with transaction(self._engine) as connection:
            row = connection.execute(_TAKE, {"id": inbound_id}).mappings().one_or_none()
            if row is None:
                return None  # another instance has it, or it is done
            if row["state"] == "routed":
                return self._placed_before(connection, row)
            body = self._vault.keyring.open(INBOX, bytes(row["sealed"]), row["channel"].encode())
            try:
                event = CHANNEL_EVENT.validate_json(body)
                placed = self._place(connection, row, event)
            except ValidationError as error:
                self._set(connection, inbound_id, "quarantined", reason=why_unreadable(error))
                return None
            except (UnknownBrand, UnknownChannel) as error:
                self._set(connection, inbound_id, "quarantined", reason=str(error))
                return None
        return placed

    def _place(self, connection: Connection, row: Any, event: ChannelEvent) -> Placed | None:
        match event:
            case PostCreated():
                return self._place_post(connection, row, event)
            case PostEdited() | PostDeleted():
                return self._place_change(connection, row, event)

    def _place_post(self, connection: Connection, row: Any, event: PostCreated) -> Placed | None:
        post, channel = event.data, row["channel"]
        posted_at = _believable(post.posted_at)
        if post.author.is_brand:
            self._set(connection, row["id"], "done", reason="the brand's own post")
            return None
        private = post.visibility == "private"
        thread = self._case_before(connection, channel, event, private=private)
        if thread is None and post.in_reply_to and row["age"] < REPLY_WAITS:
            self._park(connection, row, post.in_reply_to)
            return None
        if thread is None and private:
            self._set(connection, row["id"], "quarantined", reason=_NO_CASE)
            return None
        shown = {"handle": post.author.handle, "name": post.author.name}
        if post.author.followers is not None:
            shown["followers"] = str(post.author.followers)
        account = post.author.customer_id
        is_new = account is not None and self._linking.prepare(connection, event.brand, channel, post.author.id)
        subject = self._vault.subject_of(connection, channel, post.author.id, shown)
        if account is not None and is_new:
            self._linking.signed_in(connection, event.brand, subject, account)
        if thread is not None and thread.get("erased"):  # nothing leads back to a customer who was erased
            thread = None
        going_on = thread if thread is not None and thread["ended"] is None else None
        fresh = going_on is None
        case = case_id(event.brand, channel, post.id) if going_on is None else str(going_on["case_id"])
        words = self._vault.write(connection, subject, case, {"text": post.text, "url": post.url}, private=private)
        triage, policy = self._triage(event.brand, thread, post.text, first=fresh)
        message = c.PostArrived(
            id=event.key,
            post=post.id,
            triage=replace(triage, rules=()) if private else triage,  # the phrases would tell what was written
            posted_at=self._pace.loop_time(posted_at),
            words=words,
            by_customer=going_on is None or subject in (str(going_on["subject"]), str(going_on.get("thread_subject"))),
            earlier_case=_linked(thread, policy, self._now()) if fresh else None,
            private=private,
            personal=() if private else tuple(kind.value for kind in Onlookers(policy, brand_of(case), channel).kinds_in(post.text)),
            tell_hours=fresh and tells_hours(connection, subject, triage, policy.for_case(event.brand, channel), self._now()),
            thread=going_on.get("thread") if going_on is not None else None,
        )
        connection.execute(
            _NOTE_POST,
            {
                "channel": channel,
                "id": post.id,
                "case": case,
                "subject": subject,
                "words": words,
                "parent": post.in_reply_to,
                "posted_at": posted_at,
            },
        )
        connection.execute(WAKE, {"channel": channel, "id": post.id})
        opened = open_case(connection, case, channel, subject, message, policy, self._now()) if fresh else None
        return self._route(connection, row, case, message, policy, opened)

    def _case_before(self, connection: Connection, channel: str, event: PostCreated, *, private: bool) -> Any:
        """The case that a new post belongs to, if there is one."""
        post, author = event.data, self._vault.author_hash(channel, event.data.author.id)
        if private:
            return case_of_whisper(connection, channel, event.brand, author, post.in_reply_to)
        if not post.in_reply_to:
            return None
        there = case_of(connection, channel, post.in_reply_to)
        return there if there is not None else case_unsure_of_a_reply(connection, channel, event.brand, author)

    def _place_change(self, connection: Connection, row: Any, event: PostEdited | PostDeleted) -> Placed | None:
        channel, post_id = row["channel"], event.data.id
        there = case_of(connection, channel, post_id)
        if there is None or there["kind"] != "post":
            if row["age"] < CHANGE_WAITS:
                self._park(connection, row, post_id)
            else:
                self._set(connection, row["id"], "quarantined", reason=f"{event.type}: the post {post_id} never came")
            return None
        if isinstance(event, PostEdited) and there["author_erased"]:
            self._set(connection, row["id"], "done", reason="its author was erased")
            return None
        message: c.FromNetwork
        if isinstance(event, PostEdited):
            subject, content = str(there["post_subject"]), {"text": event.data.text}
            words = self._vault.write(connection, subject, there["case_id"], content, private=there["private"])
            message = c.PostChanged(event.key, post_id, words)
        else:
            connection.execute(_NOTE_DELETION, {"channel": channel, "id": post_id, "at": event.data.deleted_at})
            message = c.PostRemoved(event.key, post_id)
        return self._route(connection, row, there["case_id"], message, self._book.policy(there["policy_id"]))

    def _triage(self, brand: str, thread: Any, words: str, *, first: bool) -> tuple[Triage, Policy]:
        """Sort by the rules of the policy that the case is held to."""
        policy = self._book.active_for(brand) if first or thread is None else self._book.policy(thread["policy_id"])
        if policy.id not in self._sorters:
            self._sorters[policy.id] = Sorter(policy.triage)
        return self._sorters[policy.id].sort(words, first=first), policy

    def _route(
        self, connection: Connection, row: Any, case: str, message: c.FromNetwork, policy: Policy, opened: Case | None = None
    ) -> Placed:
        """From here on the content is with the case; what is left to do is to tell the workflow."""
        written = c.FROM_NETWORK.dump_json(message).decode()
        connection.execute(_ROUTED, {"id": row["id"], "case": case, "message": written})
        return _placed(row["id"], case, row["channel"], message, policy, opened)

    def _placed_before(self, connection: Connection, row: Any) -> Placed:
        policy_id = connection.execute(text("select policy_id from cases where case_id = :case"), {"case": row["case_id"]}).scalar_one()
        message = c.FROM_NETWORK.validate_json(row["message"])
        past = [entry for _, entry in history(connection, row["case_id"])]
        opens = bool(past) and past[0].cause == message.id
        opened = fold(row["case_id"], [entry.event for entry in past]) if opens else None
        return _placed(row["id"], row["case_id"], row["channel"], message, self._book.policy(policy_id), opened)

    def _now(self) -> datetime:
        return self._pace.loop_time(datetime.now(UTC))

    def _park(self, connection: Connection, row: Any, parent: str) -> None:
        connection.execute(_PARK, {"id": row["id"], "parent": parent, "after": max(LOOK_AGAIN, min(row["age"], timedelta(hours=1)))})

    def _set(self, connection: Connection, inbound_id: int, state: str, *, reason: str | None) -> None:
        keep = state == "quarantined"
        connection.execute(
            text("update inbound set state = :state, reason = :reason, sealed = case when :keep then sealed end where id = :id"),
            {"id": inbound_id, "state": state, "reason": reason, "keep": keep},
        )

    def stumbled(self, inbound_id: int, over: str) -> None:
        """It could not be placed, and not by its own fault: it is tried again later and later, and meanwhile shown to people."""
        with transaction(self._engine) as connection:
            connection.execute(_STUMBLED, {"id": inbound_id, "reason": f"could not be placed: {over}"[:300], "at_most": STUMBLES_FOR})

    # --- after the workflow was told ----------------------------------------------------------------------------------

    def told(self, inbound_ids: Sequence[int]) -> None:
        """Their cases know of them now."""
        with transaction(self._engine) as connection:
            connection.execute(
                text("update inbound set state = 'done', message = null where id = any(:ids) and state = 'routed'"),
                {"ids": list(inbound_ids)},
            )

    def elsewhere(self, placed: Placed) -> Placed | None:
        """The case was over before it could be told: a post opens a case of its own, linked to it; a change comes to nothing."""
        with transaction(self._engine) as connection:
            message = placed.message
            if isinstance(message, c.Announce):
                self._set(connection, placed.inbound_id, "done", reason="its case was over")
                return None
            if isinstance(message, c.FromCase):
                return self._between_cases(connection, placed, message)
            over = connection.execute(_END, {"case": placed.case_id}).mappings().one()
            if over["ended"] == "merged" and (there := self._alive(connection, placed.case_id)) is not None:
                return self._to_the_other(connection, placed, there)
            if not isinstance(message, c.PostArrived):
                self._set(connection, placed.inbound_id, "done", reason="its case was over")
                return None
            if message.private:
                record_late(connection, placed.case_id, message, over["policy_id"], self._now())
                reason = f"{_NO_CASE} It is kept with the case #{over['number']}, which is over."
                self._set(connection, placed.inbound_id, "quarantined", reason=reason)
                return None
            policy = self._book.active()
            case = case_id(over["brand"], placed.channel, message.post)
            words, triage = message.words, message.triage
            assert words is not None, "a post that arrived has its words"
            subject = str(connection.execute(text("select subject_id from words where id = :id"), {"id": words}).scalar_one())
            away = tells_hours(connection, subject, triage, policy.for_case(over["brand"], placed.channel), self._now())
            moved = replace(message, by_customer=True, earlier_case=_linked(over, policy, self._now()), tell_hours=away)
            connection.execute(MOVE_POST, {"channel": placed.channel, "id": message.post, "case": case})
            written = c.FROM_NETWORK.dump_json(moved).decode()
            connection.execute(_ROUTED, {"id": placed.inbound_id, "case": case, "message": written})
            opened = open_case(connection, case, placed.channel, subject, moved, policy, self._now())
        return _placed(placed.inbound_id, case, placed.channel, moved, policy, opened)

    def _alive(self, connection: Connection, case_id: str) -> Any:
        """The case that a merged one goes on in, if that is not over."""
        there = goes_on_in(connection, case_id)
        return there if there is not None and there["ended"] is None else None

    def _to_the_other(self, connection: Connection, placed: Placed, there: Any) -> Placed:
        """What is told a merged case is told the one that it goes on in."""
        message, case = placed.message, str(there["case_id"])
        if isinstance(message, c.PostArrived):
            message = replace(message, thread=message.thread or placed.case_id)
            connection.execute(MOVE_POST, {"channel": placed.channel, "id": message.post, "case": case})
        return self._told_instead(connection, placed, case, message, there["policy_id"])

    def _told_instead(self, connection: Connection, placed: Placed, case: str, message: c.FromNetwork, policy_id: str) -> Placed:
        connection.execute(_ROUTED, {"id": placed.inbound_id, "case": case, "message": c.FROM_NETWORK.dump_json(message).decode()})
        return _placed(placed.inbound_id, case, placed.channel, message, self._book.policy(policy_id))

    def _between_cases(self, connection: Connection, placed: Placed, message: c.FromCase) -> Placed | None:
        """A case that another one wants to tell something is over: whichever of the two the customer hears next must not be neither."""
        if isinstance(message, c.CaseMerged):
            there = self._alive(connection, placed.case_id)
            if there is not None:
                return self._to_the_other(connection, placed, there)
            policy_id = connection.execute(_POLICY_OF, {"case": message.case}).scalar_one()
            into = connection.execute(_MERGED_INTO, {"case": message.case}).scalar_one_or_none() or placed.case_id
            return self._told_instead(connection, placed, message.case, c.MergeFailed(f"{message.id}:failed", into), policy_id)
        case, past_policy = come_back(connection, placed.case_id, message, self._book, self._now())
        if case.is_over:
            self._set(connection, placed.inbound_id, "done", reason="its case was over")
            return None
        return replace(_placed(placed.inbound_id, case.id, placed.channel, message, past_policy, case), again=True)

    def on_record(self, case_id: str) -> tuple[Case, str] | None:
        """See `domain.ports.Inbox.on_record`."""
        with transaction(self._engine) as connection:
            row = connection.execute(
                text("select channel, policy_id, ended from cases where case_id = :case"), {"case": case_id}
            ).one_or_none()
            if row is None or row.ended is not None:
                return None
            past = [entry.event for _, entry in history(connection, case_id)]
        return fold(case_id, past), self._book.policy(row.policy_id).for_case(brand_of(case_id), row.channel).to_json()

    def to_do(self, older_than: timedelta, at_most: int = 500) -> list[int]:
        """Messages that nobody has placed or told (an instance died, or they were parked and it is time to look again)."""
        with transaction(self._engine) as connection:
            connection.execute(
                text(
                    "update inbound set state = case when message is null then 'waiting' else 'routed' end "
                    "where state = 'parked' and look_again_at < clock_timestamp()"
                )
            )
            rows = connection.execute(_TO_DO, {"age": older_than, "limit": at_most})
            return [int(r.id) for r in rows]

    def quarantined(self, at_most: int = 100) -> list[dict[str, Any]]:
        """What could not be read or placed, the newest first: number, channel, reason, when."""
        with transaction(self._engine) as connection:
            rows = connection.execute(
                text(
                    "select id, channel, reason, received_at from inbound "
                    "where state = 'quarantined' or (state = 'parked' and reason is not null) order by id desc limit :limit"
                ),
                {"limit": at_most},
            )
            return [dict(r) for r in rows.mappings()]

    def read_again(self, inbound_id: int) -> bool:
        """Have a message looked at anew that could not be read or placed, because what stood in the way is mended; whether there is one.

        Nothing is done twice by it: whatever it tells is known by its own id.
        """
        with transaction(self._engine) as connection:
            found = connection.execute(
                text(
                    "update inbound set state = 'waiting', reason = null "
                    "where id = :id and state in ('quarantined', 'parked') and sealed is not null returning id"
                ),
                {"id": inbound_id},
            ).scalar_one_or_none()
            if found is not None:
                connection.execute(NOTIFY, {"ids": str(found)})
        return found is not None


def numbers_of(told: str) -> list[int]:
    """The numbers that are told on `TOPIC`."""
    return [int(number) for number in told.split(",")]


_FIRST_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
TOPIC = "loopkeeper_inbound"
NOTIFY = text(f"select pg_notify('{TOPIC}', :ids)")
WAKE = text(
    "with woken as (update inbound set state = 'waiting' where channel = :channel and parent = :id and state = 'parked' returning id) "  # noqa: S608
    f"select pg_notify('{TOPIC}', ids) from (select string_agg(id::text, ',') as ids from woken) all_of_them where ids is not null"
)
"""Those that waited for this post or reply can be placed now."""

_STORE = text(
    "insert into inbound (channel, event_key, delivery_id, state, reason, sealed) "
    "select * from unnest(cast(:channels as text[]), cast(:keys as text[]), cast(:deliveries as text[]), cast(:states as text[]), "
    "cast(:reasons as text[]), cast(:bodies as bytea[])) on conflict (channel, event_key) do nothing returning id, channel, event_key"
)
_REVIVE = text(
    "update inbound i set state = 'waiting', reason = null, sealed = sent.sealed, received_at = clock_timestamp() "
    "from unnest(cast(:channels as text[]), cast(:keys as text[]), cast(:states as text[]), cast(:bodies as bytea[])) "
    "as sent (channel, event_key, state, sealed) where i.channel = sent.channel and i.event_key = sent.event_key "
    "and i.state = 'quarantined' and sent.state = 'waiting' returning i.id, i.channel, i.event_key"
)
"""What was quarantined when it was placed is taken up again when its bridge sends it again."""
_TAKE = text(
    "select id, channel, state, sealed, message, case_id, clock_timestamp() - received_at as age from inbound "
    "where id = :id and state in ('waiting', 'routed') for update skip locked"
)
_NO_CASE = "a private message of somebody who has no case here: nobody was told of it. Answer it on the network."
_NOTE_POST = text(
    "insert into post (channel, native_id, case_id, kind, subject_id, words, in_reply_to, posted_at) "
    "values (:channel, :id, :case, 'post', :subject, :words, :parent, :posted_at) "
    "on conflict (channel, native_id) do update set case_id = excluded.case_id, words = excluded.words"
)
_NOTE_DELETION = text("update post set deleted_at = coalesce(deleted_at, :at) where channel = :channel and native_id = :id")
_PARK = text(
    "update inbound set state = 'parked', reason = null, parent = :parent, look_again_at = clock_timestamp() + :after where id = :id"
)
_STUMBLED = text(
    "update inbound set reason = :reason, "
    "state = case when clock_timestamp() - received_at < cast(:at_most as interval) then 'parked' else 'quarantined' end, "
    "look_again_at = clock_timestamp() + greatest(interval '5 seconds', clock_timestamp() - received_at) "
    "where id = :id and state = 'waiting'"
)
_ROUTED = text("update inbound set state = 'routed', reason = null, sealed = null, message = :message, case_id = :case where id = :id")
_END = text(
    "update cases set ended = coalesce(ended, 'watch_ended') where case_id = :case "
    "returning case_id, number, brand, policy_id, ended, closed_at"
)
_POLICY_OF = text("select policy_id from cases where case_id = :case")
_MERGED_INTO = text("select merged_into from cases where case_id = :case")
_TO_DO = text(
    "select id from inbound where state in ('waiting', 'routed') and received_at < clock_timestamp() - cast(:age as interval) "
    "order by id limit :limit"
)


def _quarantine_key(arrival: Arrival) -> str:
    return f"unreadable:{hashlib.sha256(arrival.body).hexdigest()}"


def _placed(inbound_id: int, case: str, channel: str, message: c.FromNetwork, policy: Policy, opened: Case | None = None) -> Placed:
    return Placed(inbound_id, case, channel, message, policy.for_case(brand_of(case), channel).to_json(), opened)


def _believable(told: datetime) -> datetime:
    """A moment as we take it from a network: in UTC, not before the first year that has a whole UTC day, and not in the future."""
    now = datetime.now(UTC)
    return min(max(told, _FIRST_MOMENT), now).astimezone(UTC)


def _linked(thread: Any, policy: Policy, now: datetime) -> str | None:
    """The earlier case that a new one is linked to: for a while after its end."""
    if thread is None:
        return None
    recent = thread["closed_at"] is None or thread["closed_at"] + policy.link_within > now
    return str(thread["case_id"]) if recent else None
