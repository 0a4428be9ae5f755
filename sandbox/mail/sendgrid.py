"""SendGrid's addresses."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.answers import answer, loads
from sandbox.mail.mailbox import Mailbox
from sandbox.mail.schema import MailError, MailRefusedError, read_letter

MOST_BYTES = 30 * 1024 * 1024
_SCOPES = ["mail.send", "sender_verification_eligible", "2fa_required"]


class SendGrid:
    """Serves SendGrid's client."""

    def __init__(self, mailbox: Mailbox, api_key: str) -> None:
        self._mailbox = mailbox
        self._api_key = api_key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            answered = await self._serve(request)
        except MailRefusedError as error:
            answered = answer(error.body(), error.status)
        await answered(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._api_key):
            raise MailRefusedError(MailError("The provided authorization grant is invalid, expired, or revoked"), status=401)
        match request.method, request.scope["path"]:
            case "POST", "/sendgrid/v3/mail/send":
                return await self.send(request)
            case "GET", "/sendgrid/v3/scopes":
                return answer({"scopes": _SCOPES})
            case _, "/sendgrid/v3/mail/send" | "/sendgrid/v3/scopes":
                raise MailRefusedError(MailError("method not allowed"), status=405)
            case _:
                raise MailRefusedError(MailError("Not Found"), status=404)

    async def send(self, request: Request) -> Response:
        """`POST /v3/mail/send`."""
        letter = read_letter(_json_in(request, await request.body()))
        if letter.is_rehearsal:
            return Response(status_code=200)
        return Response(status_code=202, headers={"X-Message-Id": self._mailbox.deliver(letter)})


def _json_in(request: Request, body: bytes) -> object:
    if len(body) > MOST_BYTES:
        raise MailRefusedError(MailError("The request body is too large."), status=413)
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise MailRefusedError(MailError("Content-Type should be application/json."), status=415)
    try:
        return loads(body)
    except ValueError as error:
        raise MailRefusedError(MailError("Bad Request")) from error
