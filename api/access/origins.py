"""Where a request comes from, as the browser tells: from our own page, from another site, from this machine itself."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from api.problems import Problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HOME = "/console"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def own_page_only(request: Request) -> None:
    """Refuse what changes something and does not come from a page of ours. Raises Problem.

    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html: every browser of the last years
    says `Sec-Fetch-Site`, where the connection can be trusted, and every one says `Origin`. One that says neither is not let in.
    """
    if request.method in SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if site == "same-origin" or (site is None and ours):
        return
    raise Problem(403, "this was not sent from a page of Loopkeeper; open the page itself and send it from there")


def local_path(wanted: str | None) -> str:
    """Where to go on after signing in: a path of ours, and nothing else that an address could hold."""
    if wanted is None or not wanted.startswith("/") or len(wanted) > 2000 or not wanted.isprintable():
        return HOME
    parts = urlsplit(wanted)
    if wanted.startswith("//") or "\\" in wanted or parts.scheme or parts.netloc or parts.path.startswith("/sign-in"):
        return HOME
    return wanted


def from_this_machine(request: Request) -> bool:
    """Whether the browser runs on this machine and asked for it by its own name, with nobody in between."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    return is_loopback(host) and is_loopback(request.client.host if request.client is not None else None)


def is_loopback(host: str | None) -> bool:
    """Whether a host's name or address means this machine."""
    if not host:
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def opens_a_page(request: Request) -> bool:
    """Whether it is a browser that opens a page or sends a form, and not a program or a script in a page."""
    mode = request.headers.get("sec-fetch-mode")
    return "text/html" in request.headers.get("accept", "") and mode in (None, "navigate")
