"""Which language and zone a page is told in: what its reader keeps, else the cookie, what the browser asks for, or the installation's.

A page says what it depends on (`Vary`) and what it is in (`Content-Language`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from starlette.requests import Request

from adapters.languages.language import SOURCE, Language, languages

UTC = ZoneInfo("UTC")
COOKIE = "loopkeeper-language"
VARY = "accept-language, cookie"
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*\Z")
_LONGEST_HEADER = 500


@dataclass(frozen=True)
class Reader:
    """Who reads a page: in which language, and in which zone, when they keep one. `home`: the brand's, for moments of no case."""

    language: Language
    zone: ZoneInfo | None = None
    home: ZoneInfo = UTC


_reader: ContextVar[Reader | None] = ContextVar("reader", default=None)


def reader() -> Reader:
    """Who reads the page that is being made; somebody who reads English, when nobody said anything."""
    return _reader.get() or Reader(languages()[SOURCE])


@contextmanager
def read_by(someone: Reader) -> Iterator[None]:
    """While a page is made for somebody."""
    before = _reader.set(someone)
    try:
        yield
    finally:
        _reader.reset(before)


def reader_of(request: Request, *, fallback: str | None = None, theirs: str | None = None) -> Reader:
    """Who reads the answer to that request.

    `theirs`: the language that whoever was sent this address keeps; they need not be signed in.
    `fallback`: the language of a page that has one of its own, such as a brand's; only what the browser asks for goes before that.
    """
    known = languages()
    accepted = request.headers.get("accept-language", "")
    if fallback is not None:
        return Reader(known[wanted(accepted) or (fallback if fallback in known else SOURCE)])
    visitor = getattr(request.state, "visitor", None)
    kept: list[str | None] = [getattr(visitor, "language", None), theirs, request.cookies.get(COOKIE), wanted(accepted)]
    tag = next((one for one in kept if one is not None and one in known), request.app.state.language)
    return Reader(known[tag], zone_called(getattr(visitor, "zone", None)), request.app.state.home_zone())


def wanted(header: str) -> str | None:
    """The best of our languages by an Accept-Language header (RFC 9110, 12.5.4); None when it asks for none of them."""
    found: list[tuple[float, int, str]] = []
    for place, one in enumerate(header[:_LONGEST_HEADER].split(",")):
        match = _RANGE.match(one)
        if match is not None and match[1].lower() in languages():
            found.append((-float(match[2] or 1), place, match[1].lower()))
    return next((tag for weight, _, tag in sorted(found) if weight < 0), None)


def zone_called(name: str | None) -> ZoneInfo | None:
    """The zone of that IANA name, if there is one."""
    return ZoneInfo(name) if name is not None and name in zones() else None


@cache
def zones() -> frozenset[str]:
    """The names of all zones. Looking them up reads a folder."""
    return frozenset(available_timezones())
