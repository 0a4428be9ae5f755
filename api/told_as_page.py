"""The pages of what is not there and of what failed, for somebody whose browser opens one. Programs get the problem itself."""

from __future__ import annotations

import logging

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.origins import SAFE, opens_a_page
from api.pages import page
from api.problems import Problem

log = logging.getLogger(__name__)


def as_page(request: Request, problem: Problem) -> Response | None:
    """The page; None when it is another problem, or nobody who opens a page has it. Says nothing of what was asked for."""
    if request.url.path.startswith("/api/") or not opens_a_page(request):
        return None
    if problem.status == 404 and request.method in SAFE:
        return page(request, "not_found.html", {}, status=404)
    if problem.status not in (500, 503):
        return None
    ours = request.url.path.startswith("/console")  # else a customer may read it, for whom we are the brand
    answer = page(request, "failed.html", {"ours": ours, "away": problem.status == 503}, status=problem.status)
    answer.headers.update(problem.headers or {})
    return answer


class Unforeseen:
    """Answers what no rule foresees as a problem like any other, with the headers of every answer. What it was stands in the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what has begun to be sent can only be broken off."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if scope["type"] != "http" or begun:
                raise
            request = Request(scope, receive)
            log.exception("%s %s failed", request.method, getattr(scope.get("route"), "path", "(an address)"))
            problem = Problem(500, "something went wrong on our side; look whether it was done before you send it again")
            await (as_page(request, problem) or problem.response())(scope, receive, send)
