"""The Web API over HTTP, and response_url."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.answers import dumps, loads
from sandbox.slack.call import Call, read_call
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Desk, Method, all_methods
from sandbox.slack.responses import Responses
from sandbox.slack.scopes import MissingScope, needed
from sandbox.slack.sockets import Sockets

API = "/slack/api/"
_OPEN = frozenset({"api.test"})
"""Methods that need no token."""
_CONNECT = "apps.connections.open"
"""The one method for which the token is the app's, not the bot's."""


class WebApi:
    """Serves the app."""

    def __init__(self, desk: Desk, responses: Responses, sockets: Sockets, bot_token: str, app_token: str) -> None:
        self._desk = desk
        self._responses = responses
        self._sockets = sockets
        self._bot_token = bot_token.encode()
        self._app_token = app_token.encode()
        self._granted = ",".join(sorted(desk.scopes))
        self._methods = all_methods()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Most of the sandbox's work comes through here, so it does without a router."""
        request = Request(scope, receive)
        path: str = scope["path"]
        answered = await (
            self.call(request, path.removeprefix(API)) if path.startswith(API) else self.respond(request, path.rpartition("/")[2])
        )
        await answered(scope, receive, send)

    async def call(self, request: Request, name: str) -> Response:
        """`/slack/api/{method}`, GET or POST, form or JSON."""
        body = await request.body()
        try:
            call = read_call(request.headers.get("content-type", ""), body, request.scope["query_string"])
            if name == _CONNECT:
                return Response(dumps({"ok": True, "url": self._open_connection(request, call)}), media_type="application/json")
            method = self._method(name, request.headers.get("authorization", ""), call.text("token"))
        except SlackError as error:
            return Response(dumps(error.body()), error.status, error.headers, media_type="application/json")
        accepted = needed(name, call, self._desk)
        headers = {"X-OAuth-Scopes": self._granted, "X-Accepted-OAuth-Scopes": ",".join(sorted(accepted))}
        try:
            if not accepted <= self._desk.scopes:
                raise MissingScope(accepted - self._desk.scopes, self._desk.scopes)
            return Response(dumps({"ok": True, **method(self._desk, call)}), 200, headers, media_type="application/json")
        except SlackError as error:
            return Response(dumps(error.body()), error.status, {**headers, **(error.headers or {})}, media_type="application/json")

    def _method(self, name: str, authorization: str, token: str | None) -> Method:
        """The method that was called, by somebody who may."""
        method = self._methods.get(name)
        if method is None:
            raise SlackError("unknown_method")
        if name not in _OPEN:
            self._authorize(authorization, token)
        return method

    def _authorize(self, header: str, argument: str | None) -> None:
        given = _bearer(header) or argument
        if not given:
            raise SlackError("not_authed")
        if hmac.compare_digest(given.encode(), self._app_token):
            raise SlackError("not_allowed_token_type")
        if not hmac.compare_digest(given.encode(), self._bot_token):
            raise SlackError("invalid_auth")
        if not self._desk.workspace.is_active(self._desk.workspace.bot):
            raise SlackError("account_inactive")

    def _open_connection(self, request: Request, call: Call) -> str:
        """`apps.connections.open`: the address of a socket, for whoever has the app-level token. Slack takes it in the header alone."""
        given = _bearer(request.headers.get("authorization", ""))
        if request.method != "POST":
            raise SlackError("insecure_request")
        if not given:
            raise SlackError("invalid_auth" if call.text("token") else "not_authed")
        if hmac.compare_digest(given.encode(), self._bot_token):
            raise SlackError("not_allowed_token_type")
        if not hmac.compare_digest(given.encode(), self._app_token):
            raise SlackError("invalid_auth")
        return self._sockets.address(f"{'wss' if request.url.scheme == 'https' else 'ws'}://{request.url.netloc}")

    async def respond(self, request: Request, token: str) -> Response:
        """A response_url."""
        try:
            self._responses.respond(token, loads(await request.body()))
        except SlackError as error:
            return Response(dumps(error.body()), error.status if error.status != 200 else 400, media_type="application/json")
        except ValueError:
            return Response(dumps({"ok": False, "error": "invalid_payload"}), 400, media_type="application/json")
        return Response(dumps({"ok": True}), media_type="application/json")


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
