"""Who and what there is when a new world begins: a company, its Slack workspace, its customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from sandbox.settings import Brand

MERIDIAN = Path(__file__).with_name("meridian.json")

SlackId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{8,20}$")]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Team(_Fact):
    """A Slack workspace."""

    id: SlackId
    name: str
    domain: str


class App(_Fact):
    """The app that is installed in the workspace, and its bot user."""

    id: SlackId
    bot_id: SlackId
    user_id: SlackId
    name: str
    commands: list[Command] = []
    shortcuts: list[Shortcut] = []


class Command(_Fact):
    """A slash command of the app, offered to whoever types."""

    command: Annotated[str, StringConstraints(pattern=r"^/[a-z0-9_-]{1,31}$")]
    hint: str = ""


class Shortcut(_Fact):
    """A shortcut of the app: `global`, or on a `message`."""

    callback_id: str
    name: str
    on_message: bool


class Person(_Fact):
    """Somebody who works here, with a Slack account and a mailbox."""

    id: SlackId
    handle: str
    name: str
    title: str
    email: str
    department: str
    """Shown beside the name; `social` for the social team."""
    lead: bool = False


class SlackChannel(_Fact):
    """A channel of the workspace. Everybody named is in it, and so is the bot unless `without_bot`."""

    id: SlackId
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,80}$")]
    topic: str = ""
    members: list[SlackId]
    private: bool = False
    archived: bool = False
    without_bot: bool = False


class UserGroup(_Fact):
    """People who are mentioned together."""

    id: SlackId
    handle: str
    name: str
    users: list[SlackId]


class Customer(_Fact):
    """Somebody who may write on the square. `customer_id`: see `sandbox.square.posts.Author`."""

    id: str
    handle: str
    name: str
    private_messages: bool = True
    customer_id: str | None = None


class Sample(_Fact):
    """A complaint to pick, for those who do not want to invent one."""

    about: str
    author: str
    """The handle of one of the customers."""
    text: str


class World(_Fact):
    """The company, its workspace and its customers."""

    team: Team
    app: App
    people: list[Person]
    channels: list[SlackChannel]
    usergroups: list[UserGroup]
    brands: list[Brand]
    customers: list[Customer]
    samples: list[Sample]

    def person(self, user_id: str) -> Person | None:
        """The person with this Slack id."""
        return next((one for one in self.people if one.id == user_id), None)


def read_world(path: Path | None) -> World:
    """The world in `path`, or Meridian. Raises ValueError that names the file and what is wrong in it."""
    source = path or MERIDIAN
    try:
        return World.model_validate(json.loads(source.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise ValueError(f"The world {source} cannot be read: {error}") from error
