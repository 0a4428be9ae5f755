"""What every page shares: templates, its language, and who may send its forms."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

from api.headers import of_pages
from api.languages.choosing import VARY, read_by, reader_of
from api.languages.telling import set_up
from api.problems import Problem
from domain.values import is_web_address

HERE = Path(__file__).parent
_templates = Jinja2Templates(
    env=Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
)


def _coded(words: str) -> Markup:
    """Words in which what stands between backticks is code."""
    parts = str(words).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 and n + 1 < len(parts) else part for n, part in enumerate(parts))


set_up(_templates.env)
_templates.env.filters["coded"] = _coded
_templates.env.tests["web_address"] = is_web_address


def templates() -> Environment:
    """The environment that pages are made in."""
    return _templates.env


def page(
    request: Request,
    name: str,
    values: dict[str, Any],
    *,
    framed_by: str | None = None,
    status: int = 200,
    language: str | None = None,
    theirs: str | None = None,
) -> Response:
    """A page, with the policy of pages (`api/headers.py`), in the language of whoever reads it.

    `framed_by`: the origin that may show it in a frame. `language`: the page's own, when it has one; `theirs`: the one that whoever was
    sent its address keeps (`api.languages.choosing.reader_of`).
    """
    someone = reader_of(request, fallback=language, theirs=theirs)
    with read_by(someone):
        response: HTMLResponse = _templates.TemplateResponse(request, name, values, status_code=status)
    response.headers["content-security-policy"] = of_pages(framed_by)
    response.headers["cache-control"] = "no-store"
    response.headers["content-language"] = someone.language.tag
    response.headers["vary"] = f"accept-encoding, x-parts, {VARY}"
    if "gzip" in request.headers.get("accept-encoding", ""):  # pages alone: what asks for less may not expect it
        response.body = gzip.compress(bytes(response.body), 6, mtime=0)
        response.headers["content-encoding"] = "gzip"
        response.headers["content-length"] = str(len(response.body))
    return response


def same_site(request: Request) -> None:
    """Refuse a form that another site sent. Raises Problem."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
