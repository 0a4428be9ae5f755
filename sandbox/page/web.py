"""Serves the page: a shell, its own styles and modules, nothing of anyone else's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.answers import answer
from sandbox.page.static import Files

_HERE = Path(__file__).parent
_LOOK_SECONDS = 2.0


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Page:
    """The page and what it needs. Its addresses are also the permalinks of posts and messages."""

    def __init__(self, console_url: str, company: str) -> None:
        self._console_url = console_url
        templates = Environment(loader=FileSystemLoader(_HERE), autoescape=True)
        self._files = Files(_HERE / "static")
        # Named in the shell, the modules are all fetched at once instead of one import after the other.
        modules = [name for name in self._files.modules if name not in ("theme.js", "main.js")]
        self._shell = templates.get_template("shell.html").render(company=company, modules=modules)
        console = _origin(console_url)
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'self'; img-src 'self' data: {console}; frame-src 'self' {console}; "
                "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-cache",
        }

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/square/{channel}/{post:path}", self.show, methods=["GET"]),
            Route("/slack/archives/{channel}/{message}", self.show, methods=["GET"]),
            Route("/hands/console", self.look_at_console, methods=["GET"]),
            Route("/static/{name:path}", self._files.serve, methods=["GET"]),
        ]

    async def show(self, _request: Request) -> Response:
        """The page; it reads from its address what to show first."""
        return HTMLResponse(self._shell, headers=self._headers)

    async def look_at_console(self, _request: Request) -> Response:
        """`GET /hands/console`: whether the console answers, and whether it lets itself be framed (a page cannot ask that itself)."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LOOK_SECONDS)) as session,
                session.get(self._console_url, headers={"Accept": "text/html"}) as seen,
            ):
                return answer({"url": self._console_url, "up": True, "status": seen.status, "frames": _lets_itself_be_framed(seen.headers)})
        except (aiohttp.ClientError, TimeoutError):
            return answer({"url": self._console_url, "up": False, "status": None, "frames": False})


def _lets_itself_be_framed(headers: Mapping[str, str]) -> bool:
    """Judged as a browser would; a policy that names other sites is taken to name this one."""
    policy = headers.get("Content-Security-Policy", "")
    for directive in policy.split(";"):
        name, *allowed = directive.split() or [""]
        if name.lower() == "frame-ancestors":
            return allowed not in (["'none'"], ["'self'"])
    return "X-Frame-Options" not in headers
