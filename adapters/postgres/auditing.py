"""Reading a case as an auditor does: as it was at any moment, its chain checked, and every event proven to be in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from adapters.notary import signed_by
from adapters.postgres.journal import note, now
from adapters.postgres.log import LogFault, LogHashes
from adapters.postgres.reading import PostgresReader
from adapters.postgres.records import PostgresRecords
from domain.casefile import CaseFile
from domain.checkpoints import Checkpoint, NoCheckpoint, Note, Verifier
from domain.history import Link, first_fault, moment
from domain.journal import CaseRead, JournalEvent, WordsRead
from domain.kept_clocks import KeptClock, kept_clocks
from domain.merkle import holds_leaf, inclusion_proof, leaf_hash
from domain.policy import CasePolicy
from domain.ports import PolicyBook
from domain.values import Actor


@dataclass(frozen=True, slots=True)
class Proven:
    """What the newest checkpoint says of a case. `sealed`: so many of its events are in the log, the others came in the last moments.

    `size`, `at`, `signer`: of the checkpoint. `fault`: what is wrong, in a sentence; None when every sealed event is proven to be in it.
    """

    sealed: int
    size: int = 0
    at: datetime | None = None
    signer: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A case as an auditor reads it. `recorded`: when each event was written down, by its number; `events`: of the whole case, now.

    `fault`: what is wrong with its chain (all of it, also when it is read as of earlier). `as_of`: the moment that it is read as of.
    """

    file: CaseFile
    recorded: Mapping[int, datetime]
    clocks: Sequence[KeptClock]
    events: int
    fault: str | None
    proven: Proven
    as_of: datetime | None


class PostgresAudit:
    """See the module's text. That somebody reads is put on record before they are given anything."""

    def __init__(self, engine: Engine, reader: PostgresReader, records: PostgresRecords, book: PolicyBook) -> None:
        self._engine = engine
        self._reader = reader
        self._records = records
        self._book = book

    def note(self, case_id: str, as_of: datetime | None, by: Actor, *, words: bool) -> None:
        """Put on record that somebody reads the case, and that they are shown what people wrote in it."""
        events: list[JournalEvent] = [CaseRead(now(), case_id, as_of)]
        if words:
            events.append(WordsRead(now(), case_id))
        with self._engine.begin() as connection:
            note(connection, events, by, "asked")

    def checkpoint_size(self) -> int:
        """How many events the newest checkpoint is of; 0 when there is none."""
        with self._engine.connect() as connection:
            return connection.execute(text("select size from checkpoint order by size desc limit 1")).scalar_one_or_none() or 0

    def read(self, case_id: str, as_of: datetime | None = None) -> Read:
        """The case as it was on record at that moment; None: now. Raises NoSuchCase, also when it was not there yet."""
        file = self._reader.file(case_id, as_of=as_of)
        chain = self._records.chain(case_id)

        def policy_of(version: str) -> CasePolicy:
            return self._book.policy(version).for_case(file.case.brand, file.case.channel)

        return Read(
            file=file,
            recorded={link.seq: moment(link.recorded_us) for link in chain},
            clocks=kept_clocks(case_id, file.history, policy_of),
            events=len(chain),
            fault=first_fault(chain),
            proven=self.proven(case_id, chain),
            as_of=as_of,
        )

    def proven(self, case_id: str, chain: Sequence[Link]) -> Proven:
        """Hold the case's events against the newest checkpoint."""
        with self._engine.connect() as connection:
            latest = connection.execute(text("select size, root, note from checkpoint order by size desc limit 1")).one_or_none()
            if latest is None:
                return Proven(0)
            keys = connection.execute(text("select verifier from log_key order by since desc, verifier")).scalars()
            try:
                signed = Note.parse(latest.note)
                checkpoint = Checkpoint.parse(signed.text)
                signer = signed_by(signed, [Verifier.parse(key) for key in keys])
            except NoCheckpoint as error:
                return Proven(0, latest.size, fault=f"the newest checkpoint, of {latest.size} events, cannot be trusted: {error}")
            if signer is None:
                return Proven(
                    0, latest.size, fault=f"the newest checkpoint, of {latest.size} events, is signed by nobody whom the log knows"
                )
            try:
                sealed, fault = _inclusion(connection, case_id, chain, checkpoint)
            except LogFault as error:
                sealed, fault = 0, str(error)
            return Proven(sealed, checkpoint.size, checkpoint.at, signer.name, fault)


def _inclusion(connection: Connection, case_id: str, chain: Sequence[Link], checkpoint: Checkpoint) -> tuple[int, str | None]:
    """How many of the events are proven to be in the log, and what is wrong with the first that is not."""
    rows = connection.execute(
        text("select seq, leaf from log_leaf where case_id = :case and leaf < :size"), {"case": case_id, "size": checkpoint.size}
    )
    leaves = {row.seq: row.leaf for row in rows}
    kept, sealed = LogHashes(connection), 0
    for link in chain:
        leaf = leaves.get(link.seq)
        if leaf is None:
            continue
        proof = inclusion_proof(kept, leaf, checkpoint.size)
        if not holds_leaf(leaf, checkpoint.size, leaf_hash(link.hash), proof, checkpoint.root):
            return sealed, f"case {case_id}: event {link.seq} is not the one that was sealed in the log as number {leaf}"
        sealed += 1
    last = max(leaves, default=0)
    if sealed < last:
        return sealed, f"case {case_id}: {last} of its events are in the log, and only {sealed} of these are still in its history"
    return sealed, None
