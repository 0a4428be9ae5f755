"""Choosing a language, and a zone: kept for whoever is signed in, and in a cookie for their browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from adapters.languages.language import languages
from adapters.postgres.readers import Readers
from api.access.door import Gate
from api.access.origins import local_path, own_page_only
from api.access.rules import Anyone
from api.languages.choosing import COOKIE, zone_called
from api.problems import Problem
from domain.policy import Policy

A_YEAR = 365 * 86_400


def home_zone(policy: Policy | None) -> ZoneInfo:
    """The zone of the first brand, in which moments are told to whoever keeps none."""
    return ZoneInfo("UTC" if policy is None else next(iter(policy.brands.values())).zone)


@dataclass(frozen=True)
class LanguagePages:
    """What choosing needs."""

    gate: Gate
    readers: Readers

    def routes(self) -> APIRouter:
        """The address."""
        router = APIRouter(include_in_schema=False)
        chosen = [Depends(Anyone("the sign-in is read in a language, too; it changes nothing but how pages read"))]
        router.add_api_route("/language", self.choose, methods=["POST"], dependencies=chosen)
        return router

    async def choose(
        self,
        request: Request,
        language: Annotated[str, Form(max_length=20)] = "",
        zone: Annotated[str | None, Form(max_length=60)] = None,
        to: Annotated[str, Form(alias="next", max_length=2000)] = "",
    ) -> Response:
        """Keep it. Nothing as `language` is to read what the browser asks for; nothing as `zone`, the brand's. Raises Problem."""
        own_page_only(request)
        if language and language not in languages():
            raise Problem(422, f"language: one of {', '.join(languages())}, or nothing for the browser's")
        if zone and zone_called(zone.strip()) is None:
            return RedirectResponse("/console/sessions?zone=unknown#reading", 303)
        visitor = await self.gate.person(request)
        if visitor is not None:
            kept = visitor.zone if zone is None else zone.strip() or None
            person = visitor.actor.person
            await self.gate.in_thread(lambda: self.readers.keep(person, language=language or None, zone=kept))
        response = RedirectResponse("/sign-in" if to.startswith("/sign-in") else local_path(to), 303)
        if language:
            secure = self.gate.cookie.secure
            response.set_cookie(COOKIE, language, max_age=A_YEAR, path="/", secure=secure, httponly=True, samesite="lax")
        else:
            response.delete_cookie(COOKIE, path="/")
        return response
