"""What every page shares: templates, security headers, moments, the sign-in of the plain console."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

from adapters.postgres.people import ApiKey
from api.problems import Problem
from domain.story import OWED
from domain.values import ClockName

HERE = Path(__file__).parent
_templates = Jinja2Templates(
    env=Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
)


def _moment(at: datetime | None) -> str:
    """A moment in full, without the year when it is this year."""
    if at is None:
        return ""
    year = "" if at.year == datetime.now(UTC).year else f" {at.year}"
    return f"{at:%a} {at.day} {at:%b}{year}, {at:%H:%M} UTC"


def _owed(clock: str) -> str:
    """What a clock measures, as people are told."""
    return OWED[ClockName(clock)]


def _exact(at: datetime | None) -> str:
    """A moment to the second, as it is compared."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


_templates.env.filters["moment"] = _moment
_templates.env.filters["exact"] = _exact
_templates.env.filters["owed"] = _owed
_templates.env.filters["spoken"] = lambda word: str(word).replace("_", " ")


def page(request: Request, name: str, values: dict[str, Any], *, framed_by: str | None = None, status: int = 200) -> Response:
    """A page, with a policy that lets nothing in but our own style sheet."""
    response: HTMLResponse = _templates.TemplateResponse(request, name, values, status_code=status)
    ancestors = f"'self' {framed_by}" if framed_by else "'none'"
    response.headers["content-security-policy"] = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["cache-control"] = "no-store"
    return response


def is_loopback(request: Request) -> bool:
    """Whether the request names this machine itself as its host (so that no foreign page can have been tricked into asking)."""
    host = (request.headers.get("host") or "").rsplit(":", 1)[0].strip("[]")
    return host in ("127.0.0.1", "localhost", "::1", "")


async def signed_in(request: Request, *, is_open: bool, key_of: Callable[[str], Awaitable[ApiKey | None]]) -> ApiKey | None:
    """Let people at the console in: anyone on an embedded installation's own machine (then None), else whoever has an API key.

    The key is the password, and is given back. Raises Problem.
    """
    if is_open and is_loopback(request):
        return None
    scheme, _, given = (request.headers.get("authorization") or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        key = await key_of(password) if password else None
        if key is not None:
            return key
    detail = "sign in with an API key as the password (loopkeeper key new NAME); the name does not matter"
    raise Problem(401, detail, headers={"www-authenticate": 'Basic realm="Loopkeeper", charset="UTF-8"'})


def same_site(request: Request) -> None:
    """Refuse a form that another site sent. Raises Problem."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
