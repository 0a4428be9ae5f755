"""What every page shares: templates, moments, and who may send its forms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

from api.headers import of_pages
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
    """A page, with the policy of pages (`api/headers.py`). `framed_by`: the origin that may show it in a frame."""
    response: HTMLResponse = _templates.TemplateResponse(request, name, values, status_code=status)
    response.headers["content-security-policy"] = of_pages(framed_by)
    response.headers["cache-control"] = "no-store"
    return response


def same_site(request: Request) -> None:
    """Refuse a form that another site sent. Raises Problem."""
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and origin.split("://", 1)[-1] != request.headers.get("host"):
        raise Problem(403, "this form was sent from another site; open the page itself and send it from there")
