"""What every page shares: templates, moments, and who may send its forms."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

from api.headers import of_pages
from api.problems import Problem
from domain.durations import write_duration
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


def _when(at: datetime, zone: ZoneInfo) -> Markup:
    """A moment in the brand's zone, which is named; the console's module puts it into the reader's own."""
    there = at.astimezone(zone)
    told = f"{there:%a} {there.day} {there:%b}, {there:%H:%M} {there:%Z}"
    return Markup(f'<time datetime="{_precise(at)}">{told}</time>')  # noqa: S704 - made of a moment alone


def _said_at(at: datetime, zone: str) -> str:
    """A moment as customers read it: in full, in their brand's zone, which is named."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%A}, {there.day} {there:%B} {there.year}, {there:%H:%M}\N{NO-BREAK SPACE}{there:%Z}"


def _left(due: datetime, now: datetime) -> Markup:
    """How much time is left until a moment, as of `now`; the console's module keeps it true."""
    seconds = (due - now).total_seconds()
    told = f"{_span(seconds)} left" if seconds > 0 else f"{_span(-seconds)} late"
    state = "late" if seconds <= 0 else "soon" if seconds < _SOON_SECONDS else "fine"
    return Markup(f'<time class="left" data-left data-state="{state}" datetime="{_precise(due)}">{told}</time>')  # noqa: S704 - as above


_SOON_SECONDS = 15 * 60


def _span(seconds: float) -> str:
    """As the console's module writes it."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{int(seconds)} s"
    hours, days = minutes // 60, minutes // 1440
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 2 else f"{days} d {hours % 24} h"


def _precise(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _exact(at: datetime | None) -> str:
    """A moment to the second, as it is compared."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _coded(words: str) -> Markup:
    """Words in which what stands between backticks is code."""
    parts = str(words).split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if n % 2 and n + 1 < len(parts) else part for n, part in enumerate(parts))


_templates.env.filters["coded"] = _coded
_templates.env.filters["moment"] = _moment
_templates.env.filters["when"] = _when
_templates.env.filters["left"] = _left
_templates.env.filters["said_at"] = _said_at
_templates.env.filters["exact"] = _exact
_templates.env.filters["owed"] = _owed
_templates.env.filters["duration"] = write_duration
_templates.env.filters["spoken"] = lambda word: str(word).replace("_", " ")


def page(request: Request, name: str, values: dict[str, Any], *, framed_by: str | None = None, status: int = 200) -> Response:
    """A page, with the policy of pages (`api/headers.py`). `framed_by`: the origin that may show it in a frame."""
    response: HTMLResponse = _templates.TemplateResponse(request, name, values, status_code=status)
    response.headers["content-security-policy"] = of_pages(framed_by)
    response.headers["cache-control"] = "no-store"
    response.headers["vary"] = "accept-encoding, x-parts"
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
