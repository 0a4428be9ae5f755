"""The page on which a customer follows their case: whoever has the link sees where it is, and nobody's words or names."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from adapters.links import StatusLinks
from adapters.postgres.followed import PostgresFollowed
from api.access.door import InThread
from api.access.failures import Failures, address_of
from api.access.rules import Proven
from api.headers import of_pages
from api.pages import page
from domain.colours import legible_on
from domain.following import Followed
from domain.policy import Brand, StatusPage

VISITS, WITHIN_SECONDS = 60, 60.0
"""So often may one address look; a person who reloads the page does not come near it."""
DARK_PAPER = "#14171c"


@dataclass(frozen=True)
class StatusPages:
    """What the page needs. `now`: the loop's time."""

    links: StatusLinks
    followed: PostgresFollowed
    in_thread: InThread
    now: Callable[[], datetime]
    visits: Failures = field(default_factory=lambda: Failures(at_most=VISITS, within_seconds=WITHIN_SECONDS))

    def routes(self) -> APIRouter:
        """The address."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Proven("a link that cannot be guessed"))])
        router.add_api_route("/s/{token}", self.show, methods=["GET"])
        return router

    async def show(self, request: Request, token: str) -> Response:
        """The page; the same answer for a link that never was one and for what is not shown any more."""
        address = address_of(request)
        if wait := self.visits.wait(address):
            values = {"wait": wait, "theme": _theme(StatusPage())}
            return _closed_to_robots(
                page(request, "status_gone.html", values, status=429, language=request.app.state.language),
                StatusPage(),
                {"retry-after": str(wait)},
            )
        self.visits.note(address)
        found = await self.in_thread(lambda: self._find(token))
        if isinstance(found, Brand):
            values = {"wait": None, "withdrawn": found, "theme": _theme(found.status_page)}
            told = page(request, "status_gone.html", values, status=410, language=request.app.state.language)
            return _closed_to_robots(told, found.status_page)
        if found is None:
            values = {"wait": None, "theme": _theme(StatusPage())}
            return _closed_to_robots(
                page(request, "status_gone.html", values, status=404, language=request.app.state.language), StatusPage()
            )
        brand, seen, language = found
        return _closed_to_robots(page(request, "status.html", shown(brand, seen), language=language), brand.status_page)

    def _find(self, token: str) -> tuple[Brand, Followed, str] | Brand | None:
        """What is shown; the brand alone when the link was withdrawn: whoever has it had it from us, and is told so."""
        read = self.links.read(token, self.followed.known)
        if read is None:
            return None
        (case_id, holds), now = read, self.now()
        found = self.followed.read(case_id, now)
        if found is None or found[1].is_gone(now):
            return None
        return found if holds else found[0]


def shown(brand: Brand, seen: Followed) -> dict[str, Any]:
    """What the template is given: nothing else is at hand there."""
    return {"name": brand.name, "zone": brand.zone, "link": brand.status_page.link, "seen": seen, "theme": _theme(brand.status_page)}


def _theme(look: StatusPage) -> str:
    """The one rule that differs from brand to brand. It is made of checked colours alone."""
    return f":root{{--accent:{look.accent};--mark:light-dark({look.accent},{legible_on(DARK_PAPER, look.accent)})}}"


def _closed_to_robots(response: Response, look: StatusPage, further: dict[str, str] | None = None) -> Response:
    """No search engine keeps it, no link out of it tells its address, and of styles in it only ours counts."""
    hashed = base64.b64encode(hashlib.sha256(_theme(look).encode()).digest()).decode()
    response.headers["content-security-policy"] = of_pages(None).replace("style-src 'self'", f"style-src 'self' 'sha256-{hashed}'")
    response.headers["x-robots-tag"] = "noindex, nofollow, noarchive"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers.update(further or {})
    return response
