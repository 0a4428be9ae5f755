"""Histories that are sealed, exported and verified, for tests: by the real exporter and the real verifier, on a real database."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, create_engine, text

from adapters.export.bundle import write_bundle
from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.exporting import PostgresExporter
from adapters.postgres.log import Sealer
from adapters.postgres.store import Store
from domain.exporting import Form
from domain.history import GENESIS, chain_hash
from domain.seeking import Sought
from domain.values import Actor, Role, Via
from verifier import loopkeeper_verify

NOTARY = Notary.parse(Notary.new_key("loopkeeper.example.com/log"))
AUDITOR = Actor("key:1", Role.AUDITOR, Via.API)


@dataclass
class Archive:
    """A database whose histories are sealed, exported, verified, and forged by its superuser."""

    store: Store
    sealing: Engine
    superuser: Engine
    folder: Path
    notary: Notary = NOTARY

    def seal(self, notary: Notary | None = None) -> str:
        """Seal everything; the newest checkpoint."""
        sealer = Sealer(self.sealing, notary or self.notary)
        while sealer.seal():
            pass
        latest = self.store.log.latest()
        assert latest is not None
        return latest.note

    def bundle(
        self, sought: Sought | None = None, *, with_words: bool = False, private: bool = False, older: tuple[int, ...] = ()
    ) -> bytes:
        file = io.BytesIO()
        exporter = PostgresExporter(self.store.engine, self.store.vault)
        with exporter.export(sought or Sought(), Form.BUNDLE, AUDITOR, with_words=with_words, private=private, older=older) as export:
            write_bundle(export, file, datetime.now(UTC))
        return file.getvalue()

    def verify(self, bundle: bytes, *, since: str | None = None, keys: str | None = "own") -> tuple[int, str]:
        """The exit code and what was told. `keys`: the auditor's own, or None for those in the bundle."""
        path = self.folder / "bundle.zip"
        path.write_bytes(bundle)
        arguments = [str(path)]
        if keys is not None:
            (self.folder / "keys").write_text(f"{NOTARY.verifiers[0]}\n" if keys == "own" else keys)
            arguments += ["--public-key", str(self.folder / "keys")]
        if since is not None:
            (self.folder / "since").write_text(since)
            arguments += ["--since", str(self.folder / "since")]
        return verified(arguments)

    def tamper(self, *statements: str) -> None:
        """As the database's superuser, whom no trigger stops."""
        with self.superuser.begin() as connection:
            connection.execute(text("set session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement))

    def chain_anew(self, case_id: str) -> None:
        """Compute the hashes of a case again, so that its chain holds whatever was changed in it."""
        before = GENESIS
        for link in self.store.records.chain(case_id):
            now = chain_hash(case_id, link.seq, link.event_id, link.recorded_us, link.words_hash, before, link.doc)
            with self.superuser.begin() as connection:
                connection.execute(text("set session_replication_role = replica"))
                connection.execute(
                    text("update case_event set prev_hash = :prev, hash = :hash where case_id = :case and seq = :seq"),
                    {"prev": before, "hash": now, "case": case_id, "seq": link.seq},
                )
            before = now

    def log_anew(self) -> None:
        """Throw the log away and put everything up for sealing again."""
        self.tamper(
            "truncate log_leaf, log_node, checkpoint, publication, unsealed, log_key",
            "insert into unsealed select case_id, seq, recorded_us, hash from case_event order by recorded_us, case_id, seq",
        )


def verified(arguments: list[str]) -> tuple[int, str]:
    """What the verifier says."""
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = loopkeeper_verify.main(arguments)
    return code, told.getvalue()


@contextmanager
def archive_on(database: str, store: Store) -> Iterator[Archive]:
    """The archive of a database."""
    sealing, superuser = open_engine(database, pool=2, role="loopkeeper_sealer"), create_engine(database)
    with tempfile.TemporaryDirectory() as folder:
        yield Archive(store, sealing, superuser, Path(folder))
    sealing.dispose()
    superuser.dispose()
