"""Customers as those who answer for privacy see them: who they are, which cases and copies of their words there are. Acts as privacy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.keyring import KeyProblem
from adapters.postgres.engine import transaction
from adapters.postgres.leftovers import leftovers
from adapters.postgres.vault import Vault
from domain.erasure import CannotErase, Customer, Outside, Owned, Scope
from domain.errors import LoopkeeperError
from domain.journal import JOURNAL, JournalEntry, SubjectExported, WordsRead

_AT_ONCE = 2_000
_BY_AUTHOR = text("select id from subject where channel = :channel and author_hash = :author and erased_at is null")
_PROFILES = text(
    "select id, channel, wrapped_key, profile from subject where erased_at is null and wrapped_key is not null and profile is not null "
    "and id > cast(:after as uuid) order by id limit :limit"
)
_SUBJECTS = text("select * from subject where id = any(cast(:ids as uuid[])) order by created_at, id")
_CASES = text(
    "select k.case_id, k.number, k.status, k.opened_at, k.closed_at is null and k.ended is null as is_open, k.subject_id, "
    "array(select h.number from held_case c join hold h on h.id = c.hold_id where c.case_id = k.case_id and h.lifted_at is null "
    "order by h.number) as holds from cases k where k.subject_id = any(cast(:ids as uuid[])) order by k.number"
)
_LINKED = text(
    "select o.subject_id from identity_link m join identity_link o using (customer) join subject s on s.id = o.subject_id "
    "where m.subject_id = any(cast(:ids as uuid[])) and o.subject_id <> all(cast(:ids as uuid[])) and s.erased_at is null "
    "order by s.created_at, s.id"
)
_ELSEWHERE = text(
    "select w.case_id, h.number from words w join cases k using (case_id) left join held_case c on c.case_id = w.case_id "
    "left join hold h on h.id = c.hold_id and h.lifted_at is null "
    "where w.subject_id = any(cast(:ids as uuid[])) and k.subject_id <> all(cast(:ids as uuid[])) group by 1, 2 order by 1, 2"
)
_WORDS = text("select count(*) from words where subject_id = any(cast(:ids as uuid[])) and sealed is not null")
_CARDS = text("select case_id, department, slack_channel, ts from desk_card where case_id = any(:cases) order by case_id, department")
_MAILS = text(
    "select case_id, purpose, settled_at from effect where case_id = any(:cases) and party = 'mail-sendgrid' and state = 'done' "
    "order by case_id, settled_at"
)
_REPLIES = text(
    "select case_id, url from effect where case_id = any(:cases) and party like 'publish-%' and state = 'done' and url <> '' "
    "order by case_id, settled_at"
)
_POSTS = text(
    "select case_id, channel, native_id from post where subject_id = any(cast(:ids as uuid[])) and deleted_at is null "
    "order by case_id, posted_at"
)
_JOURNAL = text(
    "select key, doc from case_event where case_id >= :from and case_id < '@journal.' and recorded_us >= :us "
    'and (doc like \'%"kind":"words_read"%\' or doc like \'%"kind":"subject_exported"%\') order by case_id, seq'
)


class Customers:
    """Finds customers, and everything of theirs."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def find(self, channel: str, who: str, known: Collection[str] = ()) -> tuple[list[Customer], list[Customer]]:
        """Who is called that (a handle, or an id on the network) on a channel; and who is on the other channels, perhaps the same person.

        Handles are encrypted, so that all of them are opened and compared; some seconds for a hundred thousand customers. `known`: the
        policy's channels. One that is not among them, and that no customer came by, is refused (LoopkeeperError): "nobody" would be taken
        for an answer.
        """
        handle = who.removeprefix("@").casefold()
        with transaction(self._engine) as connection:
            by_id = {
                str(i)
                for i in connection.execute(_BY_AUTHOR, {"channel": channel, "author": self._vault.author_hash(channel, who)}).scalars()
            }
            there, others, channels = set(by_id), set[str](), set(known)
            for row, shown in self._shown(connection):
                channels.add(str(row.channel))
                if (shown.get("handle") or "").removeprefix("@").casefold() == handle:
                    (there if row.channel == channel else others).add(str(row.id))
            if known and channel not in channels:
                raise LoopkeeperError(f"there is no channel '{channel[:40]}' here; there are: {', '.join(sorted(channels))}")
            return self.customers(connection, there), self.customers(connection, others - there)

    def linked(self, subjects: Sequence[str], without: Sequence[str] = ()) -> list[str]:
        """These customers, and whoever is linked with them; but for those who are left out."""
        with transaction(self._engine) as connection:
            linked = [str(one) for one in connection.execute(_LINKED, {"ids": list(subjects)}).scalars()]
        return [one for one in dict.fromkeys((*subjects, *linked)) if one not in without]

    def seen(self, subjects: Sequence[str]) -> list[Customer]:
        """These customers, those that were erased left out, with their cases."""
        with transaction(self._engine) as connection:
            return self.customers(connection, subjects)

    def scope(self, subjects: Sequence[str]) -> Scope:
        """Everything that erasing these customers concerns. Raises CannotErase when one of them is not there."""
        with transaction(self._engine) as connection:
            return self.scope_in(connection, subjects)

    def scope_in(self, connection: Connection, subjects: Sequence[str]) -> Scope:
        """The same, within a transaction of the caller's."""
        customers = self.customers(connection, subjects)
        missing = set(subjects) - {one.id for one in customers}
        if missing:
            raise CannotErase(f"there is no customer {', '.join(sorted(missing))} who could be erased; see: loopkeeper privacy find")
        cases = [case.case_id for one in customers for case in one.cases]
        elsewhere = connection.execute(_ELSEWHERE, {"ids": list(subjects)}).all()
        others = tuple(dict.fromkeys(row.case_id for row in elsewhere))
        return Scope(
            customers=tuple(customers),
            elsewhere=others,
            words=connection.execute(_WORDS, {"ids": list(subjects)}).scalar_one(),
            waiting=len(leftovers(connection, self._vault, subjects)),
            outside=self._outside(connection, list(subjects), cases, others, min(one.since for one in customers)),
            held_elsewhere=tuple((row.case_id, row.number) for row in elsewhere if row.number is not None),
        )

    def customers(self, connection: Connection, subjects: Sequence[str] | set[str]) -> list[Customer]:
        """These customers, those that were erased left out, with their cases."""
        rows = [row for row in connection.execute(_SUBJECTS, {"ids": list(subjects)}) if row.erased_at is None]
        cases: dict[str, list[Owned]] = {}
        for case in connection.execute(_CASES, {"ids": list(subjects)}):
            owned = Owned(case.case_id, case.number, case.status, case.is_open, case.opened_at, tuple(case.holds))
            cases.setdefault(str(case.subject_id), []).append(owned)
        return [self._customer(row, tuple(cases.get(str(row.id), ()))) for row in rows]

    def _customer(self, row: Any, cases: tuple[Owned, ...]) -> Customer:
        shown = self._vault.shown_as(str(row.id), row.wrapped_key, row.profile)
        return Customer(str(row.id), row.channel, shown.get("handle"), shown.get("name"), row.created_at, cases)

    def _shown(self, connection: Connection) -> Iterator[tuple[Any, dict[str, str | None]]]:
        after = "00000000-0000-0000-0000-000000000000"
        while rows := connection.execute(_PROFILES, {"after": after, "limit": _AT_ONCE}).all():
            for row in rows:
                try:
                    yield row, self._vault.shown_as(str(row.id), row.wrapped_key, row.profile)
                except KeyProblem as error:
                    raise KeyProblem(f"not every customer could be looked at, so nobody can say that this is all: {error}") from None
            after = str(rows[-1].id)

    def _outside(
        self, connection: Connection, subjects: list[str], cases: list[str], elsewhere: Collection[str], since: datetime
    ) -> Outside:
        of = {"cases": cases}
        return Outside(
            cards=tuple((r.case_id, f"Slack channel {r.slack_channel}, ts {r.ts}") for r in connection.execute(_CARDS, of)),
            mails=tuple((r.case_id, f"{r.purpose} e-mail, sent {r.settled_at:%Y-%m-%d %H:%M} UTC") for r in connection.execute(_MAILS, of)),
            replies=tuple((r.case_id, r.url) for r in connection.execute(_REPLIES, of)),
            posts=tuple((r.case_id, f"{r.channel} post {r.native_id}") for r in connection.execute(_POSTS, {"ids": subjects})),
            exports=tuple(_exports(connection, {*cases, *elsewhere}, set(subjects), since)),
        )


def _exports(connection: Connection, cases: set[str], subjects: set[str], since: datetime) -> Iterator[str]:
    """Whatever left the installation that can have had words of these cases, or all of these people, in it, by the journal."""
    values = {"from": f"{JOURNAL}{since:%Y-%m}", "us": int(since.timestamp() * 1_000_000)}
    for row in connection.execute(_JOURNAL, values):
        entry = JournalEntry.read(row.doc, row.key)
        match entry.event:
            case WordsRead(case=case) as seen if case in cases:  # an export with words, too, has one for each of its cases
                how = "left in an export by" if entry.cause == "exported" else "shown to"
                yield f"{seen.at:%Y-%m-%d %H:%M} UTC, words of {case} {how} {entry.by.person}"
            case SubjectExported(subjects=given) as handed if not subjects.isdisjoint(given):
                yield f"{handed.at:%Y-%m-%d %H:%M} UTC, everything that was held about them, written to a file by {entry.by.person}"
            case _:
                pass
