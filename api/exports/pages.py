"""The auditor's pages for exports: ask for one from the search, follow it, download it, cancel it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.exports import Asked
from api.exports.asking import Desk, size_of
from api.exports.rest import Exporting, problem_of
from api.in_thread import in_thread
from api.pages import page
from api.problems import Problem
from api.seeking import NAMES, query_of, sought_of
from domain.exporting import Form as ExportForm
from domain.seeking import Sought
from domain.sentences import say

_FORMS = {
    ExportForm.BUNDLE: (say("Bundle"), say("With everything that proves it. A zip file for the verifier.")),
    ExportForm.JSONL: (say("JSON lines"), say("Every event, for programs.")),
    ExportForm.CSV: (say("Tables"), say("Two CSV files for spreadsheets, in a zip file.")),
    ExportForm.HTML: (say("Page of a case"), say("One case to read and print, with what people wrote in public.")),
}
_STATES = {
    "asked": say("ready to be downloaded"),
    "running": say("on its way"),
    "broken_off": say("broken off"),
    "done": say("downloaded"),
    "failed": say("broken off"),
    "cancelled": say("cancelled"),
}


@dataclass(frozen=True)
class ExportPages:
    """The pages."""

    desk: Desk
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, prefix="/console/audit/exports")
        router.add_api_route("", self.all, methods=["GET"])
        router.add_api_route("/new", self.new, methods=["GET"])
        router.add_api_route("", self.ask, methods=["POST"])
        router.add_api_route("/{export_id}", self.one, methods=["GET"])
        router.add_api_route("/{export_id}/content", self.content, methods=["GET"])
        router.add_api_route("/{export_id}/cancel", self.cancel, methods=["POST"])
        return router

    async def all(self, request: Request, visitor: Exporting) -> Response:
        """One's own exports of the last day."""
        values = {"exports": await self.desk.of_visitor(visitor), "states": _STATES, "forms": _FORMS, "here": "audit"}
        return page(request, "exports.html", values, framed_by=self.framed_by)

    async def new(self, request: Request, _visitor: Exporting) -> Response:
        """The form, for the filter in the address."""
        given = [(name, value) for name, value in request.query_params.multi_items() if name in NAMES]
        return await self._new(request, given)

    async def ask(
        self,
        request: Request,
        visitor: Exporting,
        form: Annotated[str, Form(max_length=20)],
        query: Annotated[str, Form(max_length=300_000)] = "",
        with_words: Annotated[str, Form(max_length=5)] = "",
        checkpoint: Annotated[str, Form(max_length=10_000)] = "",
    ) -> Response:
        """Ask for it."""
        given = parse_qsl(query)
        try:
            wanted = _form(form)
            words = with_words == "yes" and wanted is ExportForm.BUNDLE
            asked = await self.desk.ask(visitor, wanted, given, with_words=words, since=_since(wanted, checkpoint))
        except Problem as problem:
            filled = {"form": form, "with_words": with_words, "checkpoint": checkpoint}
            return await self._new(request, given, problem.detail, filled, status=problem.status)
        return RedirectResponse(f"/console/audit/exports/{asked.id}", 303)

    async def one(self, request: Request, export_id: str, visitor: Exporting) -> Response:
        """How far it is."""
        try:
            return self._one(request, await self.desk.one(visitor, export_id))
        except Problem as problem:
            return self._no(request, problem)

    async def content(self, request: Request, export_id: str, visitor: Exporting) -> Response:
        """The export itself; a page that says why there is none."""
        try:
            return await self.desk.content(visitor, export_id)
        except Problem as problem:
            return self._no(request, problem)

    async def cancel(self, request: Request, export_id: str, visitor: Exporting) -> Response:
        """Stop it."""
        try:
            await self.desk.cancel(visitor, export_id)
        except Problem as problem:
            return self._no(request, problem)
        return RedirectResponse(f"/console/audit/exports/{export_id}", 303)

    async def _new(
        self,
        request: Request,
        given: Sequence[tuple[str, str]],
        problem: str | None = None,
        filled: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        sought = Sought()
        try:
            sought = await in_thread(self.desk.threads, lambda: sought_of(given, (), self.desk.store.people.named))
        except Problem as wrong:
            problem, status = wrong.detail, wrong.status
        query = urlencode(query_of(sought))
        values = {
            "sought": sought,
            "query": query,
            "back": f"/console/audit?{query}" if query else "/console/audit",
            "forms": _FORMS,
            "filled": filled or {"form": "bundle"},
            "problem": problem,
            "here": "audit",
        }
        return page(request, "export_new.html", values, framed_by=self.framed_by, status=status)

    def _one(self, request: Request, asked: Asked) -> Response:
        query = urlencode(asked.wanted.query)
        values: dict[str, Any] = {
            "asked": asked,
            "wanted": asked.wanted,
            "name": _FORMS[asked.wanted.form][0],
            "state": _STATES[asked.state],
            "problem": problem_of(asked),
            "back": f"/console/audit?{query}" if query else "/console/audit",
            "again": f"/console/audit/exports/new?{query}",
            "here": "audit",
        }
        return page(request, "export.html", values, framed_by=self.framed_by)

    def _no(self, request: Request, problem: Problem) -> Response:
        values = {"problem": problem.detail, "address": "/console/audit/exports", "here": "audit"}
        return page(request, "export_problem.html", values, framed_by=self.framed_by, status=problem.status)


def _form(given: str) -> ExportForm:
    try:
        return ExportForm(given)
    except ValueError:
        raise Problem(422, "choose one of the forms") from None


def _since(form: ExportForm, checkpoint: str) -> int | None:
    """Only a bundle continues a checkpoint; for the others what stands in the field does not matter."""
    return size_of(checkpoint) if form is ExportForm.BUNDLE else None
