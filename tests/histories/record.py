"""Record the life of a case: `python -m tests.histories.record NAME …` (all that are missing, when none is named). See README.md."""

from __future__ import annotations

import asyncio
import gzip
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.keyring import Keyring
from adapters.postgres.engine import open_engine
from adapters.postgres.schema import migrate
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain.pace import REAL_TIME
from tests.conftest import INDEX_KEY, POLICY, WORDING
from tests.histories.stories import STORIES
from tests.temporal.conftest import LONGEST_RUN, Town, serving, virtual_server

SHAPE = "0.1"
"""The release whose workflow is recorded."""
FOLDER = Path(__file__).parent
RECORDER = "recorder"
"""As whom the recording's client and workers are known, instead of by process and host."""
KEYRING = Keyring.parse("recordings:cmVjb3JkaW5ncyBhcmUgc2VhbGVkIHdpdGggdGhpcyE=")
"""The key of all recordings. It is public and protects nothing; it is here so that recordings look like what a worker reads."""


def recordings() -> list[Path]:
    """All recorded runs."""
    return sorted(FOLDER.glob("*/*.json.gz"))


def of_story(name: str, shape: str = "*") -> list[Path]:
    """The recorded runs of one story."""
    return sorted(FOLDER.glob(f"{shape}/{name}.*.json.gz"))


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    server = Postgres(folder / "s", database="recording")
    service = server.service(folder / "log", fsync=False)
    service.start()
    try:
        service.wait_ready(30)
        server.ensure_database()
        engine = open_engine(server.url(), pool=1, role=None)
        migrate(engine)
        engine.dispose()
        store = Store.open(server.url(), pool=8, keyring=KEYRING, index_key=INDEX_KEY, pace=REAL_TIME, name=RECORDER)
        store.book.activate(POLICY, WORDING, by=RECORDER)
        yield store
        store.close()
    finally:
        service.stop()


async def record(name: str, store: Store) -> list[Path]:
    """Play the story and add a file for each run of its workflow. Raises FileExistsError rather than replace one."""
    if of_story(name, SHAPE):
        raise FileExistsError(f"{name} has been recorded for {SHAPE}; recordings are never replaced, so give the story another name")
    brief = [f"limit.historyCount.suggestContinueAsNew={LONGEST_RUN}"] if name.startswith("continued-as-new") else []
    virtual = await virtual_server(*brief, keyring=KEYRING, identity=RECORDER)
    try:
        town = Town(store, virtual)
        async with serving(town):
            runs = await town.runs(await STORIES[name](town))
        await town.end_all()
    finally:
        await virtual.shutdown()
    (FOLDER / SHAPE).mkdir(exist_ok=True)
    written = []
    for number, run in enumerate(runs, 1):
        path = FOLDER / SHAPE / f"{name}.{number}.json.gz"
        with path.open("xb") as file:
            file.write(gzip.compress(run.to_json().encode(), mtime=0))
        written.append(path)
    return written


def main(names: list[str]) -> None:
    """See the module's text."""
    missing = [name for name in STORIES if not of_story(name, SHAPE)]
    unknown = [name for name in names if name not in STORIES]
    if unknown:
        sys.exit(f"There is no story {', '.join(unknown)}; there are: {', '.join(STORIES)}")
    with tempfile.TemporaryDirectory(prefix="loopkeeper-", ignore_cleanup_errors=True) as folder, _store(Path(folder)) as store:
        for name in names or missing:
            try:
                for path in asyncio.run(record(name, store)):
                    sys.stdout.write(f"{path.relative_to(FOLDER)}  {path.stat().st_size:,} bytes\n")
            except FileExistsError as error:
                sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
