"""What the sandbox is told: addresses and secrets. Every field is an environment variable with the prefix `SANDBOX_`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sandbox.signing import key_of

Counting = Literal["characters", "graphemes", "utf16", "x", "mastodon"]


class Channel(BaseModel):
    """One network on the public square, and the bridge to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    secret: str
    """Signs both ways: `whsec_` and base64 of 24 to 64 bytes (docs/channel-contract.md)."""
    limit: Annotated[int, Field(ge=1)]
    """The longest reply that the network takes, counted its own way."""
    counting: Counting | None = None
    """How the network counts; None: as the network of that name is known to."""

    @field_validator("secret")
    @classmethod
    def _readable(cls, secret: str) -> str:
        key_of(secret)
        return secret


class Brand(BaseModel):
    """An account that customers address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: Annotated[str, StringConstraints(pattern=r"^[^\s@/]{1,100}$")]
    name: str


_OPEN_SECRET = "whsec_c2FuZGJveC1vbmx5LW5vdC1hLXNlY3JldC1hdC1hbGw="  # noqa: S105 - known to all, for a world on loopback


class Settings(BaseSettings):
    """The sandbox's settings. The defaults make a world that can be looked at, with nobody listening."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX_", frozen=True, extra="ignore")

    loopkeeper_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")
    """Where webhooks, Slack events and interactions go."""
    console_url: HttpUrl | None = None
    """The social team's console, shown in a frame; None: the same as `loopkeeper_url`."""
    public_url: HttpUrl | None = None
    """How people reach this sandbox, for permalinks; None: the host and port that it listens on."""
    channels: dict[str, Channel] = {
        "x": Channel(network="X", secret=_OPEN_SECRET, limit=280),
        "facebook": Channel(network="Facebook", secret=_OPEN_SECRET, limit=8000),
        "mastodon": Channel(network="Mastodon", secret=_OPEN_SECRET, limit=500),
    }
    brands: list[Brand] | None = None
    """Brands on the square; None: those of the world. Others are made when a customer addresses them."""
    slack_signing_secret: str = "sandbox-signing-secret"  # noqa: S105 - as above
    slack_bot_token: str = "xoxb-sandbox"  # noqa: S105 - as above
    slack_app_token: str = "xapp-sandbox"  # noqa: S105 - as above
    slack_scopes: str = (
        "channels:history,channels:read,chat:write,commands,groups:history,groups:read,im:history,im:write,usergroups:read,users:read,"
        "users:read.email"
    )
    """What the app was granted, as Slack writes it in the header x-oauth-scopes."""
    slack_rate: Annotated[float, Field(ge=0)] = 1.0
    """Messages that an app may post in a channel, a second, with a burst of 5; 0: as many as it likes."""
    slack_echo: bool = True
    """Whether an app hears of its own messages in the Events API, as it does from Slack when it subscribes to `message.channels`."""
    sendgrid_api_key: str = "SG.sandbox"
    sendgrid_webhook_key: str | None = None
    """PEM of an EC private key: signs the Event Webhook. None: no event webhook is sent."""
    world: Path | None = None
    """A JSON file with another company than Meridian (the shape of sandbox/meridian.json)."""
    hands_from: Literal["loopback", "anywhere"] = "loopback"
    """Who may play: only this machine, or (in a container with a published port) anyone who reaches it."""

    @property
    def scopes(self) -> frozenset[str]:
        """What the app was granted."""
        return frozenset(scope.strip() for scope in self.slack_scopes.split(",") if scope.strip())

    @property
    def loopkeeper(self) -> str:
        """Loopkeeper's base URL without a slash at its end."""
        return str(self.loopkeeper_url).rstrip("/")

    @property
    def console(self) -> str:
        """The console's address."""
        return str(self.console_url or self.loopkeeper_url)
