"""Everything that is kept in PostgreSQL, opened together."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from adapters.keyring import Keyring
from adapters.postgres.auditing import PostgresAudit
from adapters.postgres.board import PostgresBoard
from adapters.postgres.book import PostgresBook
from adapters.postgres.causes import Causes
from adapters.postgres.composing import Composer
from adapters.postgres.desk_cards import PostgresCards
from adapters.postgres.drafts import Drafts
from adapters.postgres.engine import open_engine
from adapters.postgres.identities import Identities
from adapters.postgres.intake import Inbox
from adapters.postgres.journal import PostgresJournal
from adapters.postgres.keys import Keys
from adapters.postgres.ledger import PostgresLedger
from adapters.postgres.linking import Linking
from adapters.postgres.log import PostgresLog
from adapters.postgres.notices import NoticeBoard, PlaceMemory
from adapters.postgres.people import People
from adapters.postgres.reading import PostgresReader
from adapters.postgres.records import PostgresRecords
from adapters.postgres.reporting import Reports
from adapters.postgres.searching import PostgresSearch
from adapters.postgres.vault import Vault
from domain.pace import Pace
from domain.ports import StatusAddress


@dataclass(frozen=True)
class Store:
    """One process's access to the database."""

    engine: Engine
    vault: Vault
    book: PostgresBook
    records: PostgresRecords
    ledger: PostgresLedger
    inbox: Inbox
    reader: PostgresReader
    board: PostgresBoard
    cards: PostgresCards
    people: People
    keys: Keys
    drafts: Drafts
    causes: Causes
    notices: NoticeBoard
    places: PlaceMemory
    composer: Composer
    journal: PostgresJournal
    log: PostgresLog
    reports: Reports
    search: PostgresSearch
    audit: PostgresAudit
    identities: Identities
    linking: Linking

    @staticmethod
    def open(
        url: str, *, pool: int, keyring: Keyring, index_key: bytes, pace: Pace, name: str, status_address: StatusAddress | None = None
    ) -> Store:
        """Open the database at `url` as the application's role. `status_address`: see `Composer`."""
        engine = open_engine(url, pool=pool, name=name)
        vault = Vault(keyring, index_key)
        book = PostgresBook(engine)
        people = People(engine)
        records = PostgresRecords(engine)
        reader = PostgresReader(engine, vault, book)
        identities = Identities(engine, vault)
        linking = Linking(engine, vault, identities)
        return Store(
            engine=engine,
            vault=vault,
            book=book,
            records=records,
            ledger=PostgresLedger(engine, vault),
            inbox=Inbox(engine, vault, book, pace, linking),
            reader=reader,
            board=PostgresBoard(engine, vault),
            cards=PostgresCards(engine),
            people=people,
            keys=Keys(engine, people),
            drafts=Drafts(engine),
            causes=Causes(engine, vault),
            notices=NoticeBoard(engine),
            places=PlaceMemory(engine),
            composer=Composer(engine, vault, book, status_address),
            journal=PostgresJournal(engine),
            log=PostgresLog(engine),
            reports=Reports(engine),
            search=PostgresSearch(engine, index_key),
            audit=PostgresAudit(engine, reader, records, book),
            identities=identities,
            linking=linking,
        )

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
