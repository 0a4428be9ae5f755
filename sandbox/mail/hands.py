"""The mailbox's part of /hands/, and the page on which a mail's HTML is shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.answers import answer, parse
from sandbox.mail.mailbox import Mailbox

MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
"""A mail may style itself and show pictures that it carries; it may not run anything, nor tell anyone that it was read."""


class WhichMail(BaseModel):
    """One mail."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(min_length=1)]


class MailHands:
    """What people do with their mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/hands/mail/open", self.open, methods=["POST"]),
            Route("/hands/mail/bounce", self.bounce, methods=["POST"]),
            Route("/mail/{id}", self.show, methods=["GET"]),
        ]

    async def open(self, request: Request) -> Response:
        """`POST /hands/mail/open`."""
        return answer(self._mailbox.open(parse(await request.body(), WhichMail).id))

    async def bounce(self, request: Request) -> Response:
        """`POST /hands/mail/bounce`."""
        return answer(self._mailbox.bounce(parse(await request.body(), WhichMail).id))

    async def show(self, request: Request) -> Response:
        """The HTML part of a mail, for a sandboxed frame: its links open in a new tab."""
        mail = self._mailbox.mail(request.path_params["id"])
        # A frame's `srcdoc` would inherit the page's policy, which forbids a mail's own styles; an address of its own does not.
        headers = {"Content-Security-Policy": MAIL_POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return HTMLResponse(f'<!doctype html><base target="_blank">{mail.html or ""}', headers=headers)
