"""What administrators and other people do to a workspace, by which an app finds things other than it left them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import ProblemError, answer, parse
from sandbox.slack.errors import SlackError
from sandbox.slack.models import Conversation
from sandbox.slack.views import Views
from sandbox.slack.workspace import Workspace


class _Deed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OnChannel(_Deed):
    """Something done to a channel."""

    channel: str


class Rename(OnChannel):
    """Call a channel otherwise."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]


class OnMember(OnChannel):
    """Something done to a member of a channel; to the app's bot when nobody is named."""

    user: str | None = None


class OnAccount(_Deed):
    """Something done to somebody's account. The bot's account goes with the app."""

    user: str


class Trouble:
    """Each answers what has become of it: the channel, or the user. Raises SlackError in the words of Slack's own methods."""

    def __init__(self, workspace: Workspace, views: Views) -> None:
        self._workspace = workspace
        self._views = views

    def routes(self) -> list[Route]:
        """Its addresses."""
        deeds = {
            "archive": self.archive,
            "unarchive": self.unarchive,
            "rename": self.rename,
            "remove": self.remove,
            "invite": self.invite,
            "deactivate": self.deactivate,
            "reactivate": self.reactivate,
        }
        return [Route(f"/hands/slack/{name}", deed, methods=["POST"]) for name, deed in deeds.items()]

    # Channels

    async def archive(self, request: Request) -> Response:
        """`POST /hands/slack/archive`. An app falls out of a public channel by that, and does not come back by itself."""
        channel = self._channel(parse(await request.body(), OnChannel).channel)
        if channel.is_archived:
            raise SlackError("already_archived")
        gone = set() if channel.is_private else {self._workspace.bot}
        return self._altered(channel, is_archived=True, members=[one for one in channel.members if one not in gone])

    async def unarchive(self, request: Request) -> Response:
        """`POST /hands/slack/unarchive`."""
        channel = self._channel(parse(await request.body(), OnChannel).channel)
        if not channel.is_archived:
            raise SlackError("not_archived")
        return self._altered(channel, is_archived=False)

    async def rename(self, request: Request) -> Response:
        """`POST /hands/slack/rename`."""
        deed = parse(await request.body(), Rename)
        channel = self._usable(deed.channel)
        if any(one.name == deed.name and one.id != channel.id for one in self._workspace.conversations):
            raise SlackError("name_taken")
        return self._altered(channel, name=deed.name)

    async def remove(self, request: Request) -> Response:
        """`POST /hands/slack/remove`."""
        deed = parse(await request.body(), OnMember)
        channel, user = self._usable(deed.channel), self._user(deed.user)
        if user not in channel.members:
            raise SlackError("not_in_channel")
        return self._altered(channel, members=[one for one in channel.members if one != user])

    async def invite(self, request: Request) -> Response:
        """`POST /hands/slack/invite`."""
        deed = parse(await request.body(), OnMember)
        channel, user = self._usable(deed.channel), self._user(deed.user)
        if user in channel.members:
            raise SlackError("already_in_channel")
        if not self._workspace.is_active(user):
            raise SlackError("user_disabled")
        return self._altered(channel, members=[*channel.members, user])

    def _channel(self, name_or_id: str) -> Conversation:
        conversation = self._workspace.conversation(name_or_id)
        if conversation.is_im or conversation.is_mpim:
            raise SlackError("method_not_supported_for_channel_type")
        return conversation

    def _usable(self, name_or_id: str) -> Conversation:
        channel = self._channel(name_or_id)
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def _altered(self, channel: Conversation, **fields: object) -> Response:
        return answer({"conversation": self._workspace.alter(channel, **fields).model_dump(mode="json")})

    # Accounts

    async def deactivate(self, request: Request) -> Response:
        """`POST /hands/slack/deactivate`: somebody has left the company, or the app was removed."""
        return self._switched(parse(await request.body(), OnAccount).user, active=False)

    async def reactivate(self, request: Request) -> Response:
        """`POST /hands/slack/reactivate`: they are back, where they were."""
        return self._switched(parse(await request.body(), OnAccount).user, active=True)

    def _switched(self, named: str, *, active: bool) -> Response:
        user = self._user(named)
        if self._workspace.is_active(user) is active:
            raise ProblemError(409, "Nothing to do", f"The account of {user} is {'active' if active else 'deactivated'} already.")
        self._workspace.switch(user, active=active)
        self._views.close_all(user, "closed")
        return answer({"user": self._workspace.describe_user(user)})

    def _user(self, named: str | None) -> str:
        user = self._workspace.bot if named is None else named
        if not self._workspace.has_user(user):
            raise SlackError("user_not_found")
        return user
