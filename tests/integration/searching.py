"""Cases on record, sealed and indexed, for tests that look for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.indexing import Indexer
from adapters.postgres.log import Sealer
from adapters.postgres.store import Store

NOTARY = Notary.parse(Notary.new_key("loopkeeper.example.com/log"))


@contextmanager
def sealer_of(database: str) -> Iterator[Sealer]:
    """A sealer of a database, in its own role."""
    engine = open_engine(database, pool=1, role="loopkeeper_sealer")
    yield Sealer(engine, NOTARY)
    engine.dispose()


def catch_up(store: Store, sealer: Sealer) -> int:
    """Seal and index everything that is recorded; how many events were indexed."""
    while sealer.seal():
        pass
    indexer, taken = Indexer(store.engine, store.vault), 0
    while now := indexer.index(7):
        taken += now
    return taken
