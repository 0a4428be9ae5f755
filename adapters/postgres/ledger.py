"""The ledger of effects: claim, settle, and never a second time. See docs/adr/0004-once.md."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.intake import WAKE
from adapters.postgres.records import append
from adapters.postgres.vault import Vault, text_hash
from domain.errors import WordsErased
from domain.history import Entry
from domain.ports import Claim, Composed, Content, Effect, PostedReply, Standing, Thread, Written
from domain.values import PRIVATE_PURPOSES, Permalink

_LOOK = text(
    "select e.*, e.lease_until > clock_timestamp() as held, e.lease_until - clock_timestamp() as held_for, "
    "clock_timestamp() - e.unclear_since as unclear_for from effect e where e.key = :key for update"
)
_OPEN = text(
    "insert into effect (key, case_id, party, purpose, state, lease_until, words, text_hash) "
    "values (:key, :case, :party, :purpose, 'claimed', clock_timestamp() + :lease, :words, :hash) "
    "on conflict (key) do nothing returning key"
)
_TAKE = text(
    "update effect set attempt = attempt + 1, state = 'claimed', lease_until = clock_timestamp() + :lease, "
    "unclear_since = case when :unclear then coalesce(unclear_since, clock_timestamp()) end where key = :key returning attempt"
)
_OTHERS = text("select remote_id from effect where case_id = :case and key <> :key and remote_id is not null")
_NOTE_REPLY = text(
    "insert into post (channel, native_id, case_id, kind, in_reply_to, posted_at) "
    "values (:channel, :id, :case, 'reply', :parent, :posted_at) on conflict do nothing"
)


class PostgresLedger:
    """See `domain.ports.Ledger`."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def claim(self, effect: Effect, lease: timedelta, content: Callable[[], Composed] | Content | None) -> Claim:
        """See `domain.ports.Ledger.claim`."""
        with self._engine.begin() as connection:
            row = connection.execute(_LOOK, {"key": effect.key}).mappings().one_or_none()
            if row is not None:
                return self._claim_again(connection, effect, lease, row)
            if self._withdrawn(connection, effect):
                return Claim(Standing.WITHDRAWN)
        composed = content() if callable(content) else None  # reads and renders, so outside the transaction that opens the row
        with self._engine.begin() as connection:
            frozen = content if isinstance(content, Content) else None
            if composed is not None:
                words = {"text": composed.text, "parts": list(composed.parts)}
                reference = self._vault.write(connection, composed.subject, effect.case_id, words, private=composed.private)
                frozen = Content(reference, composed.text, composed.parts)
            if self._open(connection, effect, lease, frozen):
                return Claim(Standing.NEW, 1, frozen)
            connection.rollback()  # another attempt came first; our wording goes with the transaction, theirs counts
        return self.claim(effect, lease, content)

    def _open(self, connection: Connection, effect: Effect, lease: timedelta, frozen: Content | None) -> bool:
        public = effect.purpose not in PRIVATE_PURPOSES  # the hash of a short text gives it away
        values = {
            "key": effect.key,
            "case": effect.case_id,
            "party": effect.party,
            "purpose": effect.purpose,
            "lease": lease,
            "words": frozen.words if frozen is not None else None,
            "hash": text_hash(frozen.text) if frozen is not None and public else None,
        }
        return connection.execute(_OPEN, values).scalar_one_or_none() is not None

    def _claim_again(self, connection: Connection, effect: Effect, lease: timedelta, row: Any) -> Claim:
        state = row["state"]
        if state in ("done", "failed", "unconfirmed"):
            return Claim(Standing(state), row["attempt"], self._content(connection, row), done=_done(row), reason=row["reason"])
        if state == "claimed" and row["held"]:
            return Claim(Standing.HELD, row["attempt"], held_for=row["held_for"])
        unsent = state == "unsent"
        if unsent and self._withdrawn(connection, effect):
            return Claim(Standing.WITHDRAWN, row["attempt"])
        attempt = connection.execute(_TAKE, {"key": effect.key, "lease": lease, "unclear": not unsent}).scalar_one()
        standing = Standing.UNSENT if unsent else Standing.UNCLEAR
        others = frozenset(connection.execute(_OTHERS, {"case": effect.case_id, "key": effect.key}).scalars())
        return Claim(standing, attempt, self._content(connection, row), unclear_for=row["unclear_for"] or timedelta(0), others=others)

    def release(self, key: str, attempt: int, *, maybe_sent: bool, reason: str) -> None:
        """See `domain.ports.Ledger.release`."""
        sql = (
            "update effect set state = 'unclear', reason = :reason, lease_until = null, "
            "unclear_since = coalesce(unclear_since, clock_timestamp()) where key = :key and attempt = :attempt and state = 'claimed'"
            if maybe_sent
            else "update effect set state = case when unclear_since is null then 'unsent' else 'unclear' end, "
            "reason = :reason, lease_until = null where key = :key and attempt = :attempt and state = 'claimed'"
        )
        with self._engine.begin() as connection:
            connection.execute(text(sql), {"key": key, "attempt": attempt, "reason": reason[:500]})

    def settle(self, effect: Effect, attempt: int, done: PostedReply, entry: Entry | None = None, thread: Thread | None = None) -> bool:
        """See `domain.ports.Ledger.settle`."""
        with self._engine.begin() as connection:
            settled = connection.execute(
                text(
                    "update effect set state = 'done', remote_id = :remote, url = :url, reason = null, lease_until = null, "
                    "settled_at = :posted_at where key = :key and attempt = :attempt and state = 'claimed' returning key"
                ),
                {
                    "key": effect.key,
                    "attempt": attempt,
                    "remote": done.where.remote_id,
                    "url": done.where.url,
                    "posted_at": done.posted_at,
                },
            ).scalar_one_or_none()
            if settled is None:
                return False
            if thread is not None:
                connection.execute(
                    _NOTE_REPLY,
                    {
                        "channel": thread.channel,
                        "id": done.where.remote_id,
                        "case": effect.case_id,
                        "parent": thread.in_reply_to,
                        "posted_at": done.posted_at,
                    },
                )
                connection.execute(WAKE, {"channel": thread.channel, "id": done.where.remote_id})
            if entry is not None:
                append(connection, effect.case_id, [Written.of(entry)])
        return True

    def give_up(self, key: str, attempt: int, *, unconfirmed: bool, reason: str) -> None:
        """See `domain.ports.Ledger.give_up`."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update effect set state = :state, reason = :reason, lease_until = null, settled_at = clock_timestamp() "
                    "where key = :key and attempt = :attempt and state = 'claimed'"
                ),
                {"key": key, "attempt": attempt, "state": "unconfirmed" if unconfirmed else "failed", "reason": reason[:500]},
            )

    def turned_out_done(self, key: str, remote_id: str) -> None:
        """The outside party tells us later that it did take an effect whose fate was unclear."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update effect set state = 'done', remote_id = :remote, url = '', reason = null, lease_until = null, "
                    "settled_at = clock_timestamp() where key = :key and state in ('unclear', 'unconfirmed', 'unsent')"
                ),
                {"key": key, "remote": remote_id},
            )

    def _withdrawn(self, connection: Connection, effect: Effect) -> bool:
        if effect.withdrawn_by is None:
            return False
        found = connection.execute(
            text("select 1 from case_event where case_id = :case and key = :key"), {"case": effect.case_id, "key": effect.withdrawn_by}
        ).scalar()
        return found is not None

    def _content(self, connection: Connection, row: Any) -> Content | None:
        if row["words"] is None:
            return None
        try:
            opened = self._vault.read(connection, str(row["words"]))
        except WordsErased:
            if row["state"] in ("unsent", "unclear", "claimed"):
                raise  # nobody knows any more what was to be said
            return _erased(connection, row)
        parts = opened["parts"]
        assert isinstance(parts, list)
        return Content(str(row["words"]), str(opened["text"]), tuple(str(p) for p in parts))


def _erased(connection: Connection, row: Any) -> Content:
    """What is left of the content of an effect that is settled: how many parts it had."""
    like = row["key"].rpartition(":")[0] + ":%"
    parts = connection.execute(text("select count(*) from effect where key like :like"), {"like": like}).scalar_one()
    return Content(str(row["words"]), "(erased)", ("(erased)",) * int(parts))


def _done(row: Any) -> PostedReply | None:
    if row["remote_id"] is None:
        return None
    return PostedReply(Permalink(row["remote_id"], row["url"] or ""), row["settled_at"])
