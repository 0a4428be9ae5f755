"""Exports over REST: asked for, followed, downloaded, cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.postgres.exports import Asked
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.exports.asking import Desk
from api.once import IdempotencyKey, Once
from api.problems import described
from domain.exporting import Form
from domain.rights import Right
from domain.seeking import Outcome
from domain.sentences import say
from domain.values import ClockName

Exporting = Annotated[Visitor, Depends(Needs(Right.EXPORT, fresh=True))]
State = Literal["asked", "running", "broken_off", "done", "failed", "cancelled"]
_ID = "3f9c5d0e-2b7a-4d16-9f0e-6a1c8e5b7d42"
_FRESH = "Needs a fresh proof of who you are; a program needs a key with `export` among its scopes."
_AN_EXPORT = {
    "id": _ID,
    "form": "bundle",
    "sought": "department billing; event promise_broken; recorded from 2026-09-01T00:00:00Z; recorded before 2026-10-01T00:00:00Z",
    "with_words": False,
    "state": "running",
    "cases": 112,
    "events": 1568,
    "written": 640,
    "bytes": 81920,
    "checkpoint": 482113,
    "not_sealed_yet": 0,
    "problem": None,
    "asked_at": "2026-10-02T09:00:00Z",
    "until": "2026-10-03T09:00:00Z",
}
_Text = Annotated[str | None, Field(max_length=200)]


class SoughtIn(BaseModel):
    """Which cases: what is named must all be true; nothing: everything. The same as the parameters of `GET /api/v1/cases`."""

    model_config = ConfigDict(extra="forbid")

    case: list[Annotated[str, Field(max_length=200)]] | None = Field(None, max_length=1000, examples=[["meridian-x-1846"]])
    number: int | None = Field(None, ge=1, le=2**62, examples=[None])
    customer: _Text = None
    person: _Text = None
    department: _Text = Field(None, examples=["billing"])
    channel: _Text = None
    brand: _Text = None
    kind: _Text = Field(None, examples=["promise_broken"])
    words: _Text = None
    opened_from: _Text = None
    opened_until: _Text = None
    recorded_from: _Text = Field(None, examples=["2026-09-01"])
    recorded_until: _Text = Field(None, examples=["2026-10-01"])
    breached: ClockName | None = None
    outcome: Outcome | None = None

    def given(self) -> Iterator[tuple[str, str]]:
        """As a query string has it."""
        for name, value in self:
            for one in value if isinstance(value, list) else [value] if value is not None else []:
                yield name, str(getattr(one, "value", one))


class ExportIn(BaseModel):
    """An export as it shall be."""

    model_config = ConfigDict(extra="forbid")

    form: Form = Field(
        Form.BUNDLE,
        examples=["bundle"],
        description="`bundle`: with proofs. `jsonl`, `csv`: for programs and spreadsheets. `html`: one case.",
    )
    sought: SoughtIn = SoughtIn()
    with_words: bool = Field(
        False, examples=[False], description="Also what people wrote in public (bundle, html). Put on record for each case."
    )
    since: int | None = Field(
        None,
        ge=1,
        le=2**62,
        examples=[None],
        description="The size of a checkpoint of yours that a filtered bundle is to prove that it continues.",
    )


class ExportOut(BaseModel):
    """An export, and how far it is."""

    id: str = Field(examples=[_ID])
    form: Form
    sought: str = Field(examples=["event promise_broken"], description="The filter in words that name nobody, as the journal has it.")
    with_words: bool
    state: State = Field(description="`broken_off`: for half a minute nothing was heard of it; `problem` and the state say how to go on.")
    cases: int | None = Field(examples=[112], description="So many will be in it; null until that is chosen.")
    events: int | None = Field(examples=[1568])
    written: int = Field(examples=[640], description="So many events have left.")
    bytes: int = Field(examples=[81920])
    checkpoint: int | None = Field(examples=[482113], description="The size of the log at the checkpoint that a bundle is held to.")
    not_sealed_yet: int | None = Field(examples=[0], description="Events that came since, and are not in a bundle.")
    problem: str | None = Field(examples=[None], description="What went wrong, and how to go on.")
    asked_at: datetime
    until: datetime = Field(description="Until when it can be downloaded.")

    @staticmethod
    def of(asked: Asked) -> ExportOut:
        """An export, as it is answered."""
        wanted = asked.wanted
        return ExportOut.model_validate(
            {
                "id": asked.id,
                "form": wanted.form,
                "sought": wanted.told,
                "with_words": wanted.with_words,
                "state": asked.state,
                "cases": asked.cases,
                "events": asked.events,
                "written": asked.written,
                "bytes": asked.bytes,
                "checkpoint": asked.size,
                "not_sealed_yet": asked.unsealed,
                "problem": problem_of(asked),
                "asked_at": asked.asked_at,
                "until": asked.until,
            }
        )


class ExportsOut(BaseModel):
    """One's own exports of the last day, the newest first."""

    exports: list[ExportOut] = Field(examples=[[_AN_EXPORT]])


@dataclass(frozen=True)
class RestExports:
    """The routes."""

    desk: Desk
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/exports."""
        router = APIRouter(prefix="/api/v1/exports", tags=["exports"])

        @router.post(
            "",
            status_code=201,
            response_model=ExportOut,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Ask for an export",
            description=f"It can be downloaded for a day. Nothing leaves yet, and nothing is kept of what does. {_FRESH}",
        )
        async def asked_for(
            wanted: ExportIn,
            visitor: Exporting,
            idempotency_key: IdempotencyKey = None,
        ) -> ExportOut:
            async def ask() -> ExportOut:
                given = wanted.sought.given()
                return ExportOut.of(await self.desk.ask(visitor, wanted.form, given, with_words=wanted.with_words, since=wanted.since))

            return await self.once.run(visitor, idempotency_key, "POST /exports", wanted, ask, kept=ExportOut)

        @router.get("", response_model=ExportsOut, responses=described(401, 403, 429, 503), summary="One's own exports", description=_FRESH)
        async def exports(visitor: Exporting) -> ExportsOut:
            return ExportsOut(exports=[ExportOut.of(one) for one in await self.desk.of_visitor(visitor)])

        @router.get(
            "/{export_id}",
            response_model=ExportOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="How far an export is",
            description=_FRESH,
        )
        async def one(export_id: str, visitor: Exporting) -> ExportOut:
            return ExportOut.of(await self.desk.one(visitor, export_id))

        @router.get(
            "/{export_id}/content",
            response_class=Response,
            responses={
                200: {"description": "The export, made as it is sent. An answer that is broken off is not whole.", "content": {"*/*": {}}},
                **described(401, 403, 404, 409, 422, 429, 503),
            },
            summary="Download an export",
            description=f"Each time is put on record before the first byte leaves. {_FRESH}",
        )
        async def content(export_id: str, visitor: Exporting) -> Response:
            return await self.desk.content(visitor, export_id)

        @router.delete(
            "/{export_id}",
            status_code=204,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Cancel an export",
            description=f"A download that is under way is broken off within a second or two. {_FRESH}",
        )
        async def cancel(export_id: str, visitor: Exporting) -> Response:
            await self.desk.cancel(visitor, export_id)
            return Response(status_code=204)

        return router


def problem_of(asked: Asked) -> str | None:
    """What went wrong, and how to go on."""
    if asked.state == "broken_off":
        return say(
            "nothing has been heard of it for half a minute: the connection, or the process that sent it, has ended. What you have of the "
            "file is not whole. Download it again"
        )
    return asked.problem
