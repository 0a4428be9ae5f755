"""The log: one Merkle tree over all events of all histories, grown about once a second, its state signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from adapters.notary import Notary
from adapters.postgres.engine import transaction
from adapters.postgres.journal import note
from domain.checkpoints import Checkpoint
from domain.errors import LoopkeeperError
from domain.journal import LogKeyChanged
from domain.merkle import Frontier, leaf_hash, node_hash
from domain.ports import Sealed
from domain.values import SYSTEM

FAN = 256
"""So many nodes of one level make one of the next that is kept."""
_ONE_AT_A_TIME = 0x6C6F6773
# The oldest first: an event must come after those before it in its case, also when there are more than are taken at once. Where the rows
# lie says nothing of their age: room that was freed is used again.
_TAKE = text(
    "with oldest as (select array(select ctid from unsealed order by recorded_us, case_id, seq limit :limit) as rows), "
    "taken as (delete from unsealed where ctid = any((select rows from oldest)::tid[]) returning *) "
    "select case_id, seq, hash, recorded_us from taken order by recorded_us, case_id, seq"
)
_LEAVES = text(
    "insert into log_leaf select :first + n - 1, case_id, seq, hash "
    "from unnest(cast(:cases as text[]), cast(:seqs as int[]), cast(:hashes as bytea[])) with ordinality as sealed(case_id, seq, hash, n)"
)
_NODES = text(
    "insert into log_node select level, number, hash "
    "from unnest(cast(:levels as int[]), cast(:numbers as bigint[]), cast(:hashes as bytea[])) as made(level, number, hash)"
)
_LATEST = text("select size, root, note, signed_at from checkpoint order by size desc limit 1")


class LogFault(LoopkeeperError):
    """The log in the database is not what its last checkpoint says; nothing is sealed until a person has looked."""


class LogHashes:
    """The hashes of the log as it is in the database (`domain.merkle.Subtrees`), read within one connection and remembered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._blocks: dict[tuple[int, int], list[bytes]] = {}

    def full(self, first: int, size: int) -> bytes:
        """See `domain.merkle.Subtrees.full`. Raises LogFault when the database lacks it."""
        level, span = 0, 1
        while span * FAN <= size:
            level, span = level + 1, span * FAN
        nodes = self.block(level, first // span // FAN)
        begin = first // span % FAN
        wanted = nodes[begin : begin + size // span]
        if len(wanted) != size // span:
            raise LogFault(f"the log in the database lacks leaves {first} to {first + size - 1}")
        return _joined(wanted)

    def block(self, level: int, number: int) -> list[bytes]:
        """The nodes of a level that lie below one of the next, as many as there are."""
        known = self._blocks.get((level, number))
        if known is not None:
            return known
        if level == 0:
            sql = "select leaf as place, hash from log_leaf where leaf >= :first and leaf < :end order by leaf"
        else:
            sql = "select number as place, hash from log_node where level = :level and number >= :first and number < :end order by number"
        values = {"level": level, "first": number * FAN, "end": (number + 1) * FAN}
        rows = self._connection.execute(text(sql), values).all()
        if [row.place for row in rows] != list(range(number * FAN, number * FAN + len(rows))):
            raise LogFault(
                f"the log in the database has a gap between leaves {number * FAN ** (level + 1)} and {(number + 1) * FAN ** (level + 1)}"
            )
        found = [leaf_hash(bytes(row.hash)) if level == 0 else bytes(row.hash) for row in rows]
        self._blocks[level, number] = found
        return found

    def frontier(self, size: int) -> Frontier:
        """The tree at a size."""
        roots, first = [], 0
        for bit in range(size.bit_length() - 1, -1, -1):
            if size >> bit & 1:
                roots.append(self.full(first, 1 << bit))
                first += 1 << bit
        return Frontier(size, roots)


class Sealer:
    """Adds to the log what is recorded and not in it yet, and signs its state. One at a time, whoever else tries."""

    def __init__(self, engine: Engine, notary: Notary, at_once: int = 5_000) -> None:
        self._engine = engine
        self._notary = notary
        self._at_once = at_once
        self._frontier: Frontier | None = None

    def seal(self) -> Checkpoint | None:
        """Seal once: the new state, or None when there was nothing to seal or another sealer is at it.

        Everything in one transaction, so that whoever is killed in it leaves nothing half done. Raises Unavailable, LogFault.
        """
        try:
            with transaction(self._engine) as connection:
                if not connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar_one():
                    self._frontier = None
                    return None
                return self._seal(connection)
        except BaseException:
            self._frontier = None  # it may be ahead of what was committed
            raise

    def _seal(self, connection: Connection) -> Checkpoint | None:
        latest = connection.execute(_LATEST).one_or_none()
        size = latest.size if latest is not None else 0
        frontier = self._frontier
        if frontier is None or frontier.size != size:
            frontier = self._opened(connection, size, bytes(latest.root) if latest is not None else None)
        self._know_keys(connection)
        taken = connection.execute(_TAKE, {"limit": self._at_once}).all()
        if not taken:
            self._frontier = frontier
            return None
        self._grow(connection, frontier, [bytes(row.hash) for row in taken], [row.case_id for row in taken], [row.seq for row in taken])
        clock = connection.execute(text("select clock_timestamp()")).scalar_one()
        before = Checkpoint.parse(latest.note.rpartition("\n\n")[0] + "\n").at if latest is not None else clock
        checkpoint = Checkpoint(
            self._notary.origin, frontier.size, frontier.root(), max(clock, before).astimezone(UTC).replace(microsecond=0)
        )
        connection.execute(
            text("insert into checkpoint (size, root, note) values (:size, :root, :note)"),
            {"size": checkpoint.size, "root": checkpoint.root, "note": str(self._notary.sign(checkpoint))},
        )
        self._frontier = frontier
        return checkpoint

    def _opened(self, connection: Connection, size: int, root: bytes | None) -> Frontier:
        """The tree as the database has it, held against the last checkpoint."""
        frontier = LogHashes(connection).frontier(size)
        beyond = connection.execute(text("select max(leaf) from log_leaf")).scalar_one()
        if beyond is not None and beyond >= size:
            raise LogFault(f"the log in the database has {beyond + 1} leaves, and its last checkpoint says {size}")
        if root is not None and frontier.root() != root:
            raise LogFault(f"the log in the database is not what its checkpoint of size {size} says: something in it was changed")
        return frontier

    def _grow(self, connection: Connection, frontier: Frontier, hashes: list[bytes], cases: Sequence[str], seqs: Sequence[int]) -> None:
        first = frontier.size
        connection.execute(_LEAVES, {"first": first, "cases": cases, "seqs": seqs, "hashes": hashes})
        for hashed in hashes:
            frontier.add(leaf_hash(hashed))
        below = LogHashes(connection)
        made: list[tuple[int, int, bytes]] = []
        level, span = 1, FAN
        while first // span != frontier.size // span:
            fresh = {number: hashed for at, number, hashed in made if at == level - 1}
            for number in range(first // span, frontier.size // span):
                kept = below.block(level - 1, number)
                nodes = kept + [fresh[n] for n in range(number * FAN + len(kept), (number + 1) * FAN)]
                made.append((level, number, _joined(nodes)))
            level, span = level + 1, span * FAN
        if made:
            levels, numbers, nodes_made = zip(*made, strict=True)
            connection.execute(_NODES, {"levels": list(levels), "numbers": list(numbers), "hashes": list(nodes_made)})

    def _know_keys(self, connection: Connection) -> None:
        """Put a new key on record, before it signs for the first time."""
        known = connection.execute(text("select verifier from log_key order by since, verifier")).scalars().all()
        for verifier in map(str, self._notary.verifiers):
            if verifier not in known:
                connection.execute(text("insert into log_key (verifier) values (:verifier)"), {"verifier": verifier})
                changed = LogKeyChanged(datetime.now(UTC), verifier, known[-1] if known else None)
                note(connection, [changed], SYSTEM, "log_key")


def _joined(nodes: Sequence[bytes]) -> bytes:
    """The root above nodes, whose number is a power of two."""
    while len(nodes) > 1:
        nodes = [node_hash(nodes[n], nodes[n + 1]) for n in range(0, len(nodes), 2)]
    return nodes[0]


class PostgresLog:
    """See `domain.ports.LogReading`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def latest(self) -> Sealed | None:
        """See `domain.ports.LogReading.latest`."""
        with self._engine.connect() as connection:
            row = connection.execute(_LATEST).one_or_none()
        return None if row is None else Sealed(row.size, bytes(row.root), row.note, row.signed_at)

    def root_at(self, size: int) -> bytes:
        """See `domain.ports.LogReading.root_at`. Raises LogFault."""
        with self._engine.connect() as connection:
            return LogHashes(connection).frontier(size).root()

    def unsealed_for(self) -> timedelta:
        """See `domain.ports.LogReading.unsealed_for`."""
        return self._waited("select clock_timestamp() - to_timestamp(min(recorded_us) / 1000000.0) from unsealed")

    def unpublished_for(self, destination: str) -> timedelta:
        """See `domain.ports.LogReading.unpublished_for`."""
        return self._waited(
            "select clock_timestamp() - min(signed_at) from checkpoint "
            "where size > coalesce((select max(size) from publication where destination = :destination), 0)",
            destination=destination,
        )

    def is_published(self, destination: str, size: int) -> bool:
        """See `domain.ports.LogReading.is_published`."""
        sql = text("select exists (select 1 from publication where destination = :destination and size = :size)")
        with self._engine.connect() as connection:
            return bool(connection.execute(sql, {"destination": destination, "size": size}).scalar_one())

    def published(self, destination: str, size: int, place: str) -> None:
        """See `domain.ports.LogReading.published`."""
        sql = text("insert into publication (destination, size, place) values (:destination, :size, :place) on conflict do nothing")
        with self._engine.begin() as connection:
            connection.execute(sql, {"destination": destination, "size": size, "place": place})

    def verifiers(self) -> list[str]:
        """The public keys that have ever signed, the oldest first."""
        with self._engine.connect() as connection:
            return list(connection.execute(text("select verifier from log_key order by since, verifier")).scalars())

    def _waited(self, sql: str, **values: str) -> timedelta:
        with self._engine.connect() as connection:
            waited: timedelta | None = connection.execute(text(sql), values).scalar_one()
        return max(timedelta(0), waited) if waited is not None else timedelta(0)
