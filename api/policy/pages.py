"""The pages of the policy: what is in force and what was, two versions held against each other, and putting another one in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from adapters.postgres.book import ChangedMeanwhile, PostgresBook
from adapters.public_holidays import holidays_of
from api.access.door import InThread
from api.access.visitor import Visitor
from api.pages import page
from api.policy import seeing
from api.policy.rest import FreshlyChanging, ReadingPolicy, known
from api.policy.trying import LONGEST, Files, Tried, tried
from api.problems import Problem
from domain.checking import changed, lines_of
from domain.rights import Right
from domain.sentences import say
from domain.values import Via
from domain.wording import TEMPLATES

_Version = Annotated[str, Query(max_length=80)]
_Text = Annotated[str, Form()]
_Upload = Annotated[UploadFile | None, File()]
SHOWN_TIMES = 50


@dataclass(frozen=True)
class PolicyPages:
    """What the pages need. `is_fresh`: whether somebody proved lately who they are."""

    book: PostgresBook
    in_thread: InThread
    is_fresh: Callable[[Visitor, Right | None], bool]
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/policy", self.in_force, methods=["GET"])
        router.add_api_route("/console/policy/compare", self.compare, methods=["GET"])
        router.add_api_route("/console/policy/check", self.form, methods=["GET"])
        router.add_api_route("/console/policy/check", self.check, methods=["POST"])
        router.add_api_route("/console/policy/activate", self.activate, methods=["POST"])
        router.add_api_route("/console/policy/versions/{policy_id}", self.version, methods=["GET"])
        router.add_api_route("/console/policy/versions/{policy_id}/wording", self.wording, methods=["GET"])
        router.add_api_route("/console/policy/versions/{policy_id}/{name}.yaml", self.file, methods=["GET"])
        router.add_api_route("/console/policy/versions/{policy_id}/activate", self.again, methods=["POST"])
        return router

    async def in_force(self, request: Request, visitor: ReadingPolicy) -> Response:
        """What is in force."""
        return await self._shown(request, visitor, None)

    async def version(self, request: Request, policy_id: str, visitor: ReadingPolicy) -> Response:
        """Any version that was ever in force."""
        return await self._shown(request, visitor, policy_id)

    async def _shown(self, request: Request, visitor: Visitor, policy_id: str | None) -> Response:
        def look() -> dict[str, Any]:
            times = self.book.times()
            now = times[0].policy_id if times else self.book.active().id
            policy = self.book.policy(known(times, policy_id) if policy_id is not None else now)
            return {
                "policy": policy,
                "times": times[:SHOWN_TIMES],
                "more_times": len(times) > SHOWN_TIMES,
                "its_times": [one for one in times if one.policy_id == policy.id],
                "now": now,
                "clocks": seeing.clocks(policy),
                "chains": seeing.chains(policy),
                "calendars": seeing.calendars(policy, datetime.now(UTC).date()),
            }

        values = await self.in_thread(look)
        return self._page(request, "policy.html", {**values, "priorities": seeing.PRIORITIES, "may_change": _may_change(visitor)})

    async def wording(self, request: Request, policy_id: str, _visitor: ReadingPolicy) -> Response:
        """The templates of a version, with every form."""

        def look() -> dict[str, Any]:
            times = self.book.times()
            version_id = known(times, policy_id)
            return {"version_id": version_id, "now": times[0].policy_id, "wording": self.book.wording(version_id)}

        values = await self.in_thread(look)
        placeholders = {name: sorted(allowed) for name, allowed in TEMPLATES.items()}
        return self._page(request, "policy_wording.html", {**values, "placeholders": placeholders})

    async def file(self, policy_id: str, name: str, _visitor: ReadingPolicy) -> Response:
        """One of the files of a version, exactly as it was put in force."""
        if name not in ("policy", "wording"):
            raise Problem(404, f"a version has no file '{name[:40]}': there are policy.yaml and wording.yaml")

        def look() -> str:
            files = self.book.files(known(self.book.times(), policy_id))
            return files.policy if name == "policy" else files.wording

        headers = {"content-disposition": f'attachment; filename="{name}.yaml"', "cache-control": "no-store"}
        return PlainTextResponse(await self.in_thread(look), headers=headers)

    async def compare(self, request: Request, visitor: ReadingPolicy, before: _Version = "", after: _Version = "") -> Response:
        """Two versions: what means something else, and the lines of the files."""

        def look() -> dict[str, Any]:
            times = self.book.times()
            others = [one.policy_id for one in times if one.policy_id != times[0].policy_id]
            new = known(times, after) if after else times[0].policy_id
            old = known(times, before) if before else next(iter(others), new)
            old_files, new_files = self.book.files(old), self.book.files(new)
            return {
                "before": old,
                "after": new,
                "now": times[0].policy_id,
                "versions": list(dict.fromkeys(one.policy_id for one in times)),
                "changes": changed(self.book.policy(old), self.book.policy(new)),
                "policy_lines": lines_of(old_files.policy, new_files.policy),
                "wording_lines": lines_of(old_files.wording, new_files.wording),
            }

        values = await self.in_thread(look)
        return self._page(request, "policy_compare.html", {**values, "may_change": _may_change(visitor)})

    async def form(self, request: Request, visitor: ReadingPolicy) -> Response:
        """Where files are given to be checked."""
        return self._checked(request, visitor, None)

    async def check(
        self,
        request: Request,
        visitor: ReadingPolicy,
        policy: _Text = "",
        wording: _Text = "",
        policy_file: _Upload = None,
        wording_file: _Upload = None,
    ) -> Response:
        """Say what is wrong with the files, or what they would change. Nothing is changed."""
        given = Files.given(await _content(policy_file) or policy, await _content(wording_file) or wording)
        found = await self.in_thread(lambda: tried(self.book, given))
        return self._checked(request, visitor, found)

    async def activate(
        self,
        request: Request,
        visitor: FreshlyChanging,
        policy: _Text = "",
        wording: _Text = "",
        version: _Text = "",
        instead_of: _Text = "",
    ) -> Response:
        """Put in force what was checked, if it still means the same and would still take the place of the same version."""
        given = Files.given(policy, wording)

        def act() -> tuple[Tried, str | None]:
            found = tried(self.book, given)
            if found.policy is None:
                return found, None
            if (found.policy.id, found.in_force) != (version, instead_of):
                return found, say("Something has changed since you checked it. Look at what it would change now.")
            try:
                self._put(found, visitor)
            except ChangedMeanwhile as error:
                return found, say("Not done: {error}.", error=error)
            return found, ""

        found, wrong = await self.in_thread(act)
        if wrong == "":
            return RedirectResponse("/console/policy", 303)
        return self._checked(request, visitor, found, wrong=wrong, status=422 if wrong is None else 409)

    def _put(self, found: Tried, visitor: Visitor) -> None:
        self.book.activate(
            found.whole.policy,
            found.whole.wording,
            by=visitor.actor.person,
            via=Via.CONSOLE,
            holidays=holidays_of,
            instead_of=found.in_force,
        )

    async def again(self, policy_id: str, visitor: FreshlyChanging, instead_of: _Text = "") -> Response:
        """Put a version in force that was so before."""

        def act() -> None:
            wanted = known(self.book.times(), policy_id)
            if wanted != instead_of:
                self.book.again(wanted, by=visitor.actor.person, via=Via.CONSOLE, instead_of=instead_of)

        try:
            await self.in_thread(act)
        except ChangedMeanwhile:
            return RedirectResponse(f"/console/policy/compare?after={quote(policy_id, safe='')}", 303)
        return RedirectResponse("/console/policy", 303)

    def _checked(self, request: Request, visitor: Visitor, found: Tried | None, *, wrong: str | None = None, status: int = 200) -> Response:
        values = {
            "found": found,
            "given": found.files if found is not None else Files(),
            "wrong": wrong,
            "may_change": _may_change(visitor),
            "is_fresh": self.is_fresh(visitor, Right.CHANGE_POLICY),
        }
        wrongly = found is not None and found.problems and status == 200
        return self._page(request, "policy_check.html", values, status=422 if wrongly else status)

    def _page(self, request: Request, name: str, values: dict[str, Any], *, status: int = 200) -> Response:
        return page(request, name, {**values, "here": "policy"}, framed_by=self.framed_by, status=status)


def _may_change(visitor: Visitor) -> bool:
    return visitor.may(Right.CHANGE_POLICY)


async def _content(upload: UploadFile | None) -> str:
    """What an uploaded file says; a mark in place of what is no UTF-8, which the check then finds."""
    if upload is None:
        return ""
    return (await upload.read(4 * LONGEST + 1)).decode("utf-8-sig", "replace")
