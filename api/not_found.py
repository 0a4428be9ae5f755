"""The page of what is not there, for somebody whose browser opens it. Programs get the problem itself."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from api.access.origins import SAFE, opens_a_page
from api.pages import page
from api.problems import Problem


def not_found(request: Request, problem: Problem) -> Response | None:
    """The page; None when it is another problem, or nobody who opens a page has it. Says nothing of what was asked for."""
    if problem.status != 404 or request.method not in SAFE or request.url.path.startswith("/api/") or not opens_a_page(request):
        return None
    return page(request, "not_found.html", {}, status=404)
