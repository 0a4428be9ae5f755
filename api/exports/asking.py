"""From what somebody asks for to an export that can be sent; for REST and the pages alike."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from starlette.responses import StreamingResponse

from adapters.export.forms import MEDIA_TYPES, SUFFIXES
from adapters.postgres.exports import Asked, Exports, NoExport, Wanted
from adapters.postgres.store import Store
from api.access.visitor import Visitor
from api.exports.conveying import Conveyor
from api.in_thread import in_thread
from api.problems import Problem
from api.seeking import query_of, sought_of
from domain.checkpoints import Checkpoint, NoCheckpoint, Note
from domain.exporting import Form


@dataclass(frozen=True)
class Desk:
    """Where exports are asked for, and handed over."""

    store: Store
    exports: Exports
    conveyor: Conveyor
    threads: Executor

    @staticmethod
    def of(store: Store, threads: Executor) -> Desk:
        """The desk of one API process."""
        exports = Exports(store.engine, store.vault.keyring)
        return Desk(store, exports, Conveyor(store, exports, threads), threads)

    async def ask(
        self,
        visitor: Visitor,
        form: Form,
        given: Iterable[tuple[str, str]],
        *,
        with_words: bool = False,
        since: int | None = None,
    ) -> Asked:
        """Note that it is wanted. Raises Problem."""
        if with_words and form in (Form.JSONL, Form.CSV):
            raise Problem(422, f"with_words: the form {form} is without words; take bundle (with proofs) or html (one case, to read)")
        if since is not None and form is not Form.BUNDLE:
            raise Problem(422, f"since: only a bundle proves that it continues a checkpoint; the form {form} has no proofs")

        def look() -> Asked:
            sought = sought_of(given, (), self.store.people.named)
            wanted = Wanted(form, tuple(query_of(sought)), sought.describe(), with_words, since)
            return self.exports.ask(wanted, visitor.actor.person)

        return await in_thread(self.threads, look)

    async def one(self, visitor: Visitor, export: str) -> Asked:
        """One of the visitor's own. Raises Problem: those of others are not there."""
        found: Asked = await self._own(lambda: self.exports.one(export, visitor.actor.person))
        return found

    async def of_visitor(self, visitor: Visitor) -> list[Asked]:
        """The visitor's own, the newest first."""
        found: list[Asked] = await in_thread(self.threads, lambda: self.exports.of(visitor.actor.person))
        return found

    async def cancel(self, visitor: Visitor, export: str) -> None:
        """Have it stopped. Raises Problem."""
        await self._own(lambda: self.exports.cancel(export, visitor.actor.person))

    async def content(self, visitor: Visitor, export: str) -> StreamingResponse:
        """The export itself, as it is made. Raises Problem."""
        asked = await self.one(visitor, export)
        if asked.state == "cancelled":
            raise Problem(409, "this export was cancelled; ask for it anew", code="cancelled")
        try:
            blocks = await self.conveyor.send(asked, visitor.actor)
        except NoExport as error:
            raise Problem(404, str(error)) from None
        form = asked.wanted.form
        name = f"loopkeeper-{asked.asked_at:%Y-%m-%d}-{asked.id[:8]}.{SUFFIXES[form]}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "x-accel-buffering": "no"}
        return StreamingResponse(blocks, media_type=MEDIA_TYPES[form], headers=headers)

    async def _own(self, call: Any) -> Any:
        try:
            return await in_thread(self.threads, call)
        except NoExport as error:
            raise Problem(404, str(error)) from None


def size_of(checkpoint: str) -> int | None:
    """The size of a checkpoint that somebody pasted; None when there is nothing. Raises Problem."""
    given = checkpoint.replace("\r\n", "\n").strip()
    if not given:
        return None
    try:
        return Checkpoint.parse(Note.parse(f"{given}\n").text).size
    except NoCheckpoint as error:
        raise Problem(422, f"checkpoint: {error}") from None
