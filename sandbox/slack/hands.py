"""Slack's part of /hands/: what people do there, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import ProblemError, answer, dumps, parse
from sandbox.slack.errors import SlackError
from sandbox.slack.outbound import Outbound
from sandbox.slack.people import People, Pressed
from sandbox.slack.sockets import Reason, Sockets
from sandbox.things import Thing


class _Deed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str


class Press(_Deed):
    """Press a button, or pick something, in a message or a view."""

    channel: str | None = None
    message_ts: str | None = None
    view_id: str | None = None
    action_id: str
    block_id: str | None = None
    value: Any = None
    selected_option: Any = None
    values: dict[str, dict[str, Any]] | None = None
    """In a view: what is filled in so far."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.view_id is None) == (self.channel is None or self.message_ts is None):
            raise ValueError("say where: channel and message_ts, or view_id")
        return self

    @property
    def picked(self) -> Any:
        """What was picked, however it was said."""
        return self.selected_option if self.value is None else self.value


class Submit(_Deed):
    """Submit a modal."""

    view_id: str
    values: dict[str, dict[str, Any]] = {}


class Close(_Deed):
    """Close the visible modal; with `clear`, the whole stack."""

    view_id: str
    clear: bool = False


class Suggest(_Deed):
    """Type into an external select."""

    channel: str | None = None
    message_ts: str | None = None
    view_id: str | None = None
    action_id: str
    typed: str


class Say(_Deed):
    """Write a message."""

    channel: str
    thread_ts: str | None = None
    text: str


class React(_Deed):
    """React to a message."""

    channel: str
    ts: str
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+'-]{1,100}$")]


class CommandTyped(_Deed):
    """Type a slash command."""

    channel: str
    command: Annotated[str, StringConstraints(pattern=r"^/[a-z0-9_-]{1,31}$")]
    text: str = ""


class Shortcut(_Deed):
    """Use a shortcut; on a message when one is named."""

    callback_id: str
    channel: str | None = None
    message_ts: str | None = None


class Home(_Deed):
    """Open the App Home."""


class Disconnect(BaseModel):
    """Close the app's sockets: with a word, with a warning ten seconds before, or (null) without a word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason | None = "refresh_requested"


class SlackHands:
    """Each answers what the person would see."""

    def __init__(self, people: People, outbound: Outbound, sockets: Sockets) -> None:
        self._people = people
        self._outbound = outbound
        self._sockets = sockets

    def routes(self) -> list[Route]:
        """Its addresses."""
        deeds = {
            "press": self.press,
            "submit": self.submit,
            "close": self.close,
            "suggest": self.suggest,
            "say": self.say,
            "react": self.react,
            "command": self.command,
            "shortcut": self.shortcut,
            "home": self.home,
            "verify": self.verify,
            "disconnect": self.disconnect,
        }
        looks = [Route("/hands/slack/sockets", self.sockets, methods=["GET"])]
        return [*looks, *(Route(f"/hands/slack/{name}", deed, methods=["POST"]) for name, deed in deeds.items())]

    async def press(self, request: Request) -> Response:
        """`POST /hands/slack/press`."""
        deed = parse(await request.body(), Press)
        if deed.view_id is not None:
            return _shown(
                await self._people.press_in_view(deed.user, deed.view_id, deed.action_id, deed.block_id, deed.picked, deed.values)
            )
        channel, ts = deed.channel or "", deed.message_ts or ""
        return _shown(await self._people.press_in_message(deed.user, channel, ts, deed.action_id, deed.block_id, deed.picked))

    async def submit(self, request: Request) -> Response:
        """`POST /hands/slack/submit`."""
        deed = parse(await request.body(), Submit)
        seen = await self._people.submit(deed.user, deed.view_id, deed.values)
        fields = {"acked": seen.acked, "response_action": seen.response_action, "errors": seen.errors}
        return answer({**fields, "view": _plain(seen.view), "error": seen.error})

    async def close(self, request: Request) -> Response:
        """`POST /hands/slack/close`."""
        deed = parse(await request.body(), Close)
        return answer({"view": _plain(await self._people.close(deed.user, deed.view_id, clear=deed.clear))})

    async def suggest(self, request: Request) -> Response:
        """`POST /hands/slack/suggest`."""
        deed = parse(await request.body(), Suggest)
        return answer(
            {"options": await self._people.suggest(deed.user, deed.view_id, deed.channel, deed.message_ts, deed.action_id, deed.typed)}
        )

    async def say(self, request: Request) -> Response:
        """`POST /hands/slack/say`."""
        deed = parse(await request.body(), Say)
        return answer({"message": _plain(self._people.say(deed.user, deed.channel, deed.text, deed.thread_ts))}, 201)

    async def react(self, request: Request) -> Response:
        """`POST /hands/slack/react`."""
        deed = parse(await request.body(), React)
        return answer({"message": _plain(self._people.react(deed.user, deed.channel, deed.ts, deed.name))})

    async def command(self, request: Request) -> Response:
        """`POST /hands/slack/command`."""
        deed = parse(await request.body(), CommandTyped)
        return _shown(await self._people.command(deed.user, deed.channel, deed.command, deed.text))

    async def shortcut(self, request: Request) -> Response:
        """`POST /hands/slack/shortcut`."""
        deed = parse(await request.body(), Shortcut)
        return _shown(await self._people.shortcut(deed.user, deed.callback_id, deed.channel, deed.message_ts))

    async def home(self, request: Request) -> Response:
        """`POST /hands/slack/home`."""
        deed = parse(await request.body(), Home)
        return answer({"view": _plain(self._people.home(deed.user))})

    async def verify(self, _request: Request) -> Response:
        """`POST /hands/slack/verify`: challenge the request URL, as Slack does when it is set."""
        challenge, outcome = await self._outbound.verify_url()
        said = outcome.body.decode("utf-8", "replace")
        return answer({"verified": outcome.accepted and challenge in said, "status": outcome.status, "error": outcome.error})

    async def sockets(self, _request: Request) -> Response:
        """`GET /hands/slack/sockets`: how many the app holds."""
        return answer({"sockets": self._sockets.count})

    async def disconnect(self, request: Request) -> Response:
        """`POST /hands/slack/disconnect`."""
        deed = parse(await request.body() or b"{}", Disconnect)
        return answer({"closed": await self._sockets.disconnect(deed.reason)})


async def answer_slack_error(_request: Request, error: Exception) -> Response:
    """The exception handler for a SlackError that meets a person instead of an app."""
    assert isinstance(error, SlackError)
    missing = error.code.endswith("_not_found") or error.code == "not_found"
    status = 404 if missing else 409
    return ProblemError(status, error.code, f"Slack says {error}.").answer()


def _plain(thing: Thing | None) -> Any:
    return None if thing is None else thing.model_dump(mode="json", exclude_none=thing.lean)


def _shown(seen: Pressed) -> Response:
    fields = {"acked": seen.acked, "error": seen.error, "trigger_id": seen.trigger_id}
    return Response(dumps({**fields, "view": _plain(seen.view), "message": _plain(seen.message)}), media_type="application/json")
