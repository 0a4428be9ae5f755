"""The weekly digest: a page on which whoever is signed in chooses it, the same for programs, and the two links that stand in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.digest_links import DigestLinks
from adapters.postgres.digests import Digests
from adapters.postgres.reporting import Reports
from api.access.door import InThread
from api.access.rules import Proven
from api.access.visitor import Visitor
from api.numbers import ReadingReports
from api.pages import page
from domain.digest import AWAY_DAYS, Choice, UnfitChoice, Way, digest, last_due, week_before
from domain.digest_letter import plain
from domain.policy import Policy
from domain.ports import PolicyBook
from domain.report import Wanted
from domain.report_parts import WEEKDAYS
from domain.sentences import Teller, Tellers

_PROVEN = [Depends(Proven("a link that cannot be guessed"))]


@dataclass(frozen=True)
class DigestPages:
    """What the pages need. `now`: the loop's time."""

    digests: Digests
    reports: Reports
    links: DigestLinks
    book: PolicyBook
    tellers: Tellers
    in_thread: InThread
    now: Callable[[], datetime]
    framed_by: str | None

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/console/digest", self.show, methods=["GET"])
        router.add_api_route("/console/digest", self.choose, methods=["POST"])
        router.add_api_route("/console/digest/end", self.end, methods=["POST"])
        linked = APIRouter(include_in_schema=False, dependencies=_PROVEN)
        linked.add_api_route("/digest/confirm/{token}", self.ask, methods=["GET"])
        linked.add_api_route("/digest/confirm/{token}", self.confirm, methods=["POST"])
        linked.add_api_route("/digest/stop/{token}", self.about_to_stop, methods=["GET"])
        linked.add_api_route("/digest/stop/{token}", self.stop, methods=["POST"])
        router.include_router(linked)
        return router

    # --- whoever is signed in -----------------------------------------------------------------------------------------------

    async def show(self, request: Request, visitor: ReadingReports) -> Response:
        """What they chose, and what last week's would say."""
        return await self._page(request, visitor)

    async def choose(
        self,
        request: Request,
        visitor: ReadingReports,
        way: Annotated[str, Form(max_length=10)],
        address: Annotated[str, Form(max_length=300)] = "",
        weekday: Annotated[str, Form(max_length=2)] = "",
        hour: Annotated[str, Form(max_length=2)] = "",
        zone: Annotated[str, Form(max_length=60)] = "",
        department: Annotated[str, Form(max_length=60)] = "",
    ) -> Response:
        """Keep it."""
        given = {"way": way, "address": address, "weekday": weekday, "hour": hour, "zone": zone, "department": department}
        try:
            await self.in_thread(lambda: chosen(self.digests, self.book.active(), visitor, given, self.now()))
        except UnfitChoice as error:
            return await self._page(request, visitor, problem=str(error), given=given, status=422)
        return RedirectResponse("/console/digest", 303)

    async def end(self, _request: Request, visitor: ReadingReports) -> Response:
        """Send them none."""
        await self.in_thread(lambda: self.digests.end(visitor.actor.person))
        return RedirectResponse("/console/digest", 303)

    # --- whoever has a link of a digest -------------------------------------------------------------------------------------

    async def ask(self, request: Request, token: str) -> Response:
        """The page behind the link in the first message. Opening it confirms nothing: programs that look through mails open links too."""
        read = self.links.confirmed(token)
        waits = read is not None and await self.in_thread(lambda: self.digests.waits_for(*read))
        return await self._linked(request, "confirm" if waits else "gone", read and read[0], known=waits)

    async def confirm(self, request: Request, token: str) -> Response:
        """The address is theirs."""
        read = self.links.confirmed(token)
        done = read is not None and await self.in_thread(lambda: self.digests.confirm(*read, self.now()))
        return await self._linked(request, "confirmed" if done else "gone", read and read[0], known=done)

    async def about_to_stop(self, request: Request, token: str) -> Response:
        """The page behind the link to end it."""
        reader = self.links.stopped(token)
        return await self._linked(request, "stop" if reader is not None else "gone", reader, known=reader is not None)

    async def stop(self, request: Request, token: str) -> Response:
        """End it: from that page, or by the one click of a mail program, which sends this by itself (RFC 8058)."""
        reader = self.links.stopped(token)
        if reader is None:
            return await self._linked(request, "gone", None, known=False)
        await self.in_thread(lambda: self.digests.stop(reader))
        return await self._linked(request, "stopped", reader, known=True)

    # --- how ----------------------------------------------------------------------------------------------------------------

    async def _linked(self, request: Request, what: str, reader: str | None, *, known: bool) -> Response:
        """A page for whoever has the link, who need not be signed in: in the language that its reader keeps."""
        theirs = None if reader is None else await self.in_thread(lambda: self.digests.language_of(reader))
        response = page(request, "digest_link.html", {"what": what}, status=200 if known else 404, theirs=theirs)
        response.headers["referrer-policy"] = "no-referrer"
        response.headers["x-robots-tag"] = "noindex"
        return response

    async def _page(
        self, request: Request, visitor: Visitor, *, problem: str | None = None, given: dict[str, str] | None = None, status: int = 200
    ) -> Response:
        values = await self.in_thread(lambda: self._values(visitor, given))
        return page(request, "digest.html", {**values, "problem": problem}, framed_by=self.framed_by, status=status)

    def _values(self, visitor: Visitor, given: dict[str, str] | None) -> dict[str, Any]:
        policy, reader = self.book.active(), self.digests.of(visitor.actor.person)
        teller = self.tellers.of(visitor.language)
        return {
            "here": "digest",
            "chosen": reader,
            "given": given or (told(reader.choice) if reader is not None else {"weekday": "1", "hour": "8", "zone": _zone(policy)}),
            "departments": offered(policy, visitor),
            "only_own": visitor.sees_departments is not None,
            "weekdays": WEEKDAYS,
            "away_days": AWAY_DAYS,
            "sample": self._sample(visitor, policy, reader.choice.department if reader is not None else None, teller),
            "sample_in": teller,
        }

    def _sample(self, visitor: Visitor, policy: Policy, department: str | None, teller: Teller) -> str:
        zone = _zone(policy)
        first, last = week_before(last_due(1, 0, zone, self.now()).astimezone(ZoneInfo(zone)).date())
        wanted = Wanted(first, last, department=department, only=visitor.sees_departments)
        return plain(digest(self.reports, self.digests, wanted, policy, self.links.base_url), None, teller)


def told(choice: Choice) -> dict[str, str]:
    """A choice as the form has it."""
    return {
        "way": choice.way.value,
        "address": choice.address,
        "weekday": str(choice.weekday),
        "hour": str(choice.hour),
        "zone": choice.zone,
        "department": choice.department or "",
    }


def offered(policy: Policy, visitor: Visitor) -> dict[str, str]:
    """The departments that one can narrow it to, with their names."""
    own = visitor.sees_departments
    return {handle: desk.name for handle, desk in policy.departments.items() if own is None or handle in own}


def chosen(digests: Digests, policy: Policy, visitor: Visitor, given: dict[str, str], now: datetime) -> None:
    """Keep what somebody chose. Raises UnfitChoice."""
    if given["way"] not in set(Way):
        raise UnfitChoice("way: mail or slack")
    if not (_is_number(given["weekday"]) and _is_number(given["hour"])):
        raise UnfitChoice("weekday, hour: a weekday from 1 (Monday) to 7, an hour from 0 to 23")
    department = given["department"] or None
    if department is not None and department not in offered(policy, visitor):
        raise UnfitChoice("department: none of those that you may see is called so")
    choice = Choice(
        Way(given["way"]), given["address"].strip(), int(given["weekday"]), int(given["hour"]), given["zone"].strip(), department
    )
    digests.choose(visitor.actor.person, choice, now)


def _is_number(written: str) -> bool:
    return written.isascii() and written.isdigit()


def _zone(policy: Policy) -> str:
    return next(iter(policy.brands.values())).zone
