"""What browsers are told about our answers, all in one place: what a page may load, who may frame it, what nobody may guess or keep.

https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For everything that is no page: data, streams, style sheets."""
_TWO_YEARS = "max-age=63072000"


def of_pages(framed_by: str | None) -> str:
    """The Content-Security-Policy of our pages: our own style sheet, script and pictures, forms and requests to ourselves, nothing else."""
    ancestors = f"'self' {framed_by}" if framed_by else "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        f"form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )


class SecurityHeaders:
    """Gives every answer its headers. A page has said already what it may load; whatever has not may load nothing."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._always = {
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            **({"strict-transport-security": _TWO_YEARS} if https else {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._always.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", _NOTHING)
                headers.setdefault("cache-control", "no-cache" if scope["path"].startswith("/static/") else "no-store")
                if "frame-ancestors 'none'" in headers["content-security-policy"]:
                    headers.setdefault("x-frame-options", "DENY")
            await send(message)

        await self._app(scope, receive, with_headers)
