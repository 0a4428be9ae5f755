"""What proves one case: over REST, and on a page where the reader's own browser computes all of it."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from adapters.postgres.proving import CaseProof, Prover
from adapters.postgres.store import Store
from api.in_thread import in_thread
from api.pages import page
from api.problems import Problem, described
from api.reading import reader_of
from api.seeking import Reader
from domain.journal import JOURNAL

_HASH = "9b2f6c…"
_EVENT = {
    "seq": 3,
    "id": "0195f3a0-7b1c-7e52-8f6e-2f1f0c7d9a11",
    "us": 1772617080000000,
    "words": None,
    "prev": _HASH,
    "hash": _HASH,
    "doc": '{"at":"2026-03-04T09:38:00Z",…}',
    "leaf": 41,
    "proof": [_HASH],
}


class ProvenEvent(BaseModel):
    """An event as it was hashed (docs/audit.md says how), and its place in the log."""

    seq: int = Field(examples=[5])
    id: str = Field(examples=["0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90"])
    us: int = Field(examples=[1_772_442_000_000_000], description="When it was recorded: microseconds since 1970, UTC.")
    words: str | None = Field(description="SHA-256 of the sealed words that belong to it.")
    prev: str = Field(description="The hash of the event before.")
    hash: str
    doc: str = Field(description="The exact text that was hashed.")
    leaf: int | None = Field(description="Its number in the log; null while it is not covered by the checkpoint.")
    proof: list[str] = Field(description="RFC 6962 inclusion proof: the hashes from the leaf up to the checkpoint's root.")


class ProofOut(BaseModel):
    """What proves a case, without any server: hashes, places in the log, the signed checkpoint."""

    case: str = Field(examples=["meridian-x-1846"])
    events: list[ProvenEvent] = Field(examples=[[_EVENT]])
    missing: list[int] = Field(examples=[[]], description="Numbers of events that are in the log and not in the history: it was changed.")
    checkpoint: str | None = Field(
        examples=["log.example.com/loopkeeper\n482113\n…"],
        description="The newest one, a C2SP signed note; null: nothing is sealed yet.",
    )
    size: int = Field(examples=[482113], description="So many events it covers.")
    keys: list[str] = Field(examples=[["log.example.com/loopkeeper+5f3a9c01+AZ…"]], description="The log's, as this server has them.")
    consistency: list[str] | None = Field(
        examples=[None],
        description="RFC 6962 consistency proof from the log at the size `since`; null without that.",
    )
    fault: str | None = Field(examples=[None], description="Why the log in the database cannot give what it should.")


@dataclass(frozen=True)
class Proving:
    """The routes."""

    store: Store
    threads: Executor
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter()
        a_reader = Depends(reader_of)

        @router.get(
            "/api/v1/cases/{case_id}/proof",
            response_model=ProofOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="What proves a case",
            description="That it is read is put on record first.",
            tags=["cases"],
        )
        async def proof(
            case_id: str,
            since: Annotated[int | None, Query(ge=1, le=2**62, description="The size of an older checkpoint of yours.")] = None,
            reader: Reader = a_reader,
        ) -> ProofOut:
            return await in_thread(self.threads, lambda: self._proof(reader, case_id, since))

        @router.get("/console/audit/cases/{case_id}/verify", include_in_schema=False)
        async def verify(request: Request, case_id: str, reader: Reader = a_reader) -> Response:
            address = f"/console/audit/cases/{quote(case_id)}"
            try:
                await in_thread(self.threads, lambda: self._may(reader, case_id))
            except Problem as problem:
                values = {"problem": problem.detail, "address": None, "here": "audit"}
                return page(request, "audit_problem.html", values, framed_by=self.framed_by, status=problem.status)
            values = {"case_id": case_id, "address": address, "proof": f"/api/v1/cases/{quote(case_id)}/proof", "here": "audit"}
            return page(request, "audit_verify.html", values, framed_by=self.framed_by)

        return router

    def _may(self, reader: Reader, case_id: str) -> None:
        """Raises Problem when there is no such case for them. A history that nobody can read any more can still be looked at by hash."""
        if case_id.startswith(JOURNAL) or "\0" in case_id or not self.store.records.chain(case_id):
            raise Problem(404, f"there is no case '{case_id}'")
        if reader.departments is not None:
            file = self.store.reader.file(case_id)
            if not reader.may_see(file.case.department, {str(getattr(entry.event, "department", "")) for _, entry in file.history}):
                raise Problem(404, f"there is no case '{case_id}'")

    def _proof(self, reader: Reader, case_id: str, since: int | None) -> ProofOut:
        self._may(reader, case_id)
        found = Prover(self.store.engine).proof(case_id, since)
        self.store.audit.note(case_id, None, reader.actor, words=False)
        return _out(case_id, found)


def _out(case_id: str, found: CaseProof) -> ProofOut:
    events = []
    for link in found.chain:
        leaf = found.leaves.get(link.seq)
        events.append(
            ProvenEvent(
                seq=link.seq,
                id=link.event_id,
                us=link.recorded_us,
                words=link.words_hash.hex() if link.words_hash is not None else None,
                prev=link.prev_hash.hex(),
                hash=link.hash.hex(),
                doc=link.doc,
                leaf=leaf.leaf if leaf is not None else None,
                proof=[sibling.hex() for sibling in leaf.proof] if leaf is not None else [],
            )
        )
    return ProofOut(
        case=case_id,
        events=events,
        missing=sorted(set(found.leaves) - {link.seq for link in found.chain}),
        checkpoint=found.checkpoint,
        size=found.size,
        keys=list(found.keys),
        consistency=None if found.consistency is None else [sibling.hex() for sibling in found.consistency],
        fault=found.fault,
    )
