"""Everything by which somebody else can prove a case: events as they were hashed, their place in the log, the signed checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from adapters.postgres.engine import transaction
from adapters.postgres.log import LogFault, LogHashes
from adapters.postgres.records import PostgresRecords
from domain.history import Link
from domain.merkle import consistency_proof, inclusion_proof


@dataclass(frozen=True, slots=True)
class Leaf:
    """The place of an event in the log, and the hashes that lead from there to the checkpoint's root."""

    leaf: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CaseProof:
    """What proves a case. `leaves`: by the event's number; what came after the checkpoint has none.

    `checkpoint`: the newest signed note, None when nothing is sealed. `consistency`: the hashes that lead to it from the log at the size
    that was asked for; None when that is larger, or none was. `fault`: why the log in the database cannot give what it should.
    """

    chain: Sequence[Link]
    leaves: dict[int, Leaf]
    checkpoint: str | None
    size: int
    keys: Sequence[str]
    consistency: Sequence[bytes] | None = None
    fault: str | None = None


class Prover:
    """Gathers it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._records = PostgresRecords(engine)

    def proof(self, case_id: str, since: int | None = None) -> CaseProof:
        """The proof of a case; its chain is empty when there is no such case. `since`: the size of an older checkpoint."""
        chain = self._records.chain(case_id)
        with transaction(self._engine) as connection:
            keys = connection.execute(text("select verifier from log_key order by since, verifier")).scalars().all()
            latest = connection.execute(text("select size, note from checkpoint order by size desc limit 1")).one_or_none()
            if latest is None:
                return CaseProof(chain, {}, None, 0, keys)
            rows = connection.execute(
                text("select seq, leaf from log_leaf where case_id = :case and leaf < :size order by seq"),
                {"case": case_id, "size": latest.size},
            ).all()
            leaves: dict[int, Leaf] = {}
            consistency, hashes = None, LogHashes(connection)
            try:
                for row in rows:
                    leaves[row.seq] = Leaf(row.leaf, tuple(inclusion_proof(hashes, row.leaf, latest.size)))
                if since is not None and 0 < since <= latest.size:
                    consistency = consistency_proof(hashes, since, latest.size)
            except LogFault as error:
                return CaseProof(chain, leaves, latest.note, latest.size, keys, fault=str(error))
        return CaseProof(chain, leaves, latest.note, latest.size, keys, consistency)
