"""Pages of a list: where the next one begins, as a word that only we read, and a link to it (RFC 8288)."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from api.problems import Problem

NO_PLACE = "after: is no place to go on from; take it from the page before, or leave it out for the first page"
After = Annotated[str | None, Query(max_length=400, description="From the page before: where to go on.")]
AtMost = Annotated[int, Query(ge=1, le=200, description="So many on a page.")]


def cursor(what: str, *place: str | int) -> str:
    """Where a list goes on. `what`: which list, so that a cursor of another one is noticed."""
    return base64.urlsafe_b64encode(json.dumps([what, *place], separators=(",", ":")).encode()).decode().rstrip("=")


def place_of(what: str, after: str | None, *kinds: type[str | int]) -> tuple[str | int, ...] | None:
    """The inverse; None: from the beginning. Raises Problem (422) when it is no cursor of that list."""
    if not after:
        return None
    try:
        name, *place = json.loads(base64.b64decode(after + "=" * (-len(after) % 4), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise Problem(422, NO_PLACE) from None
    fits = name == what and len(place) == len(kinds) and all(type(one) is kind for one, kind in zip(place, kinds, strict=True))
    if not fits or not all(0 < one < 2**62 if isinstance(one, int) else "\0" not in one for one in place):
        raise Problem(422, NO_PLACE)
    return tuple(place)


def number_of(what: str, after: str | None) -> int | None:
    """Where a list goes on that is in the order of a number. Raises Problem (422)."""
    place = place_of(what, after, int)
    return None if place is None else int(place[0])


def moment_of(what: str, after: str | None) -> tuple[datetime, str] | None:
    """Where a list goes on that is in the order of a moment, and of an id. Raises Problem (422)."""
    place = place_of(what, after, str, str)
    try:
        return None if place is None else (datetime.fromisoformat(str(place[0])).astimezone(UTC), str(place[1]))
    except (ValueError, OverflowError):
        raise Problem(422, NO_PLACE) from None


def tell_next(request: Request, response: Response, after: str | None) -> None:
    """Link to the next page, if there is one."""
    if after is not None:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
        response.headers["link"] = f'<{request.url.path}?{urlencode([*query, ("after", after)])}>; rel="next"'
