"""Everything that an installation sets, from the environment. docs/settings.md describes each; a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.pace import Pace
from domain.rights import PEOPLE
from domain.values import Role

HERE = Path(__file__).parent
PROVIDER = r"^(https://\S+|http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?)$"


class GroupAccess(BaseModel):
    """What a group of the identity provider gives: a role, and to a department's colleagues the departments."""

    role: Role
    departments: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.role not in PEOPLE or (self.role is Role.DEPARTMENT) != bool(self.departments):
            raise ValueError("give one of the roles of people; and departments with the role department, and with no other")
        return self


class ChannelAccess(BaseModel):
    """Where one channel's bridge is and what signs the traffic with it."""

    bridge_url: str = Field(pattern=r"^https?://\S+$")
    secret: SecretStr


def _with_driver(url: object) -> object:
    """SQLAlchemy takes a bare postgresql:// for another driver than ours."""
    return (
        url.replace("postgresql://", "postgresql+psycopg2://", 1).replace("postgres://", "postgresql+psycopg2://", 1)
        if isinstance(url, str)
        else url
    )


DatabaseUrl = Annotated[str, BeforeValidator(_with_driver), Field(pattern=r"^postgresql\+psycopg2://")]


class Settings(BaseSettings):
    """See docs/settings.md. Names below, in capitals and with LOOPKEEPER_ before them, are the variables."""

    model_config = SettingsConfigDict(env_prefix="LOOPKEEPER_", env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: DatabaseUrl = Field(validation_alias=AliasChoices("DATABASE_URL", "LOOPKEEPER_DATABASE_URL"))
    migration_database_url: DatabaseUrl | None = None
    database_pool: int = Field(default=24, ge=2, le=500)

    keys: SecretStr
    index_key: SecretStr

    public_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/]+$")
    host: str = "127.0.0.1"
    port: int = 8000
    console_open: bool = False
    sandbox_url: str | None = None
    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    trusted_proxies: str = "127.0.0.1"

    oidc_issuer: str | None = Field(default=None, pattern=PROVIDER)
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scopes: str = "openid profile"
    oidc_groups_claim: str = "groups"
    oidc_groups: dict[str, GroupAccess] = {}
    oidc_person_claim: str | None = None
    session_idle_minutes: int = Field(default=120, ge=5, le=1440)
    session_hours: int = Field(default=12, ge=1, le=168)
    step_up_minutes: int = Field(default=10, ge=1, le=60)
    requests_per_minute: int = Field(default=3000, ge=1, le=1_000_000)
    failed_sign_ins: int = Field(default=20, ge=3, le=1000)

    policy_file: Path = HERE / "policies" / "default.yaml"
    wording_file: Path = HERE / "policies" / "wording.en.yaml"

    channels: dict[str, ChannelAccess] = {}
    channel_timeout: float = Field(default=10.0, gt=0, le=25)
    channel_look_for: float = Field(default=120.0, ge=1, le=3600)

    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    slack_messages_per_second: float = Field(default=1.0, gt=0, le=10_000)

    sendgrid_api_key: SecretStr | None = None
    sendgrid_url: str = "https://api.sendgrid.com"
    sendgrid_webhook_key: str | None = None
    mail_from: str = "loopkeeper@example.com"

    case_slots: int = Field(default=100, ge=1, le=1000)
    effect_slots: int = Field(default=16, ge=1, le=200)
    dispatch_slots: int = Field(default=4, ge=1, le=100)
    desk_rate: float = Field(default=200.0, gt=0, le=10_000)
    cached_cases: int = Field(default=2000, ge=10, le=100_000)
    worker_version: str | None = None
    workflow_sandbox: bool = False

    pace_speed: float = Field(default=1.0, gt=0, le=100_000)
    pace_origin: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    log_key: SecretStr | None = None
    housekeeping_database_url: DatabaseUrl | None = None
    checkpoint_file: Path | None = None
    checkpoint_file_every: int = Field(default=60, ge=1, le=86_400)
    checkpoint_mail: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    checkpoint_mail_every: int = Field(default=86_400, ge=60, le=604_800)
    checkpoint_slack: str | None = None
    checkpoint_slack_every: int = Field(default=3_600, ge=60, le=604_800)

    privacy_database_url: DatabaseUrl | None = None
    erasure_list: Path | None = None
    backup_database_url: DatabaseUrl | None = None

    log_level: str = Field(default="INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if self.console_open and not {urlsplit(self.public_url).hostname, self.host} <= {"127.0.0.1", "localhost", "::1"}:
            raise ValueError("LOOPKEEPER_CONSOLE_OPEN lets anybody pick a role: only with HOST and PUBLIC_URL on 127.0.0.1 or localhost")
        if self.oidc_issuer is not None and not (self.oidc_client_id and self.oidc_groups):
            raise ValueError("LOOPKEEPER_OIDC_ISSUER needs LOOPKEEPER_OIDC_CLIENT_ID and LOOPKEEPER_OIDC_GROUPS besides")
        return self

    @property
    def checkpoints_every(self) -> dict[str, timedelta]:
        """How often checkpoints are published, by destination; only those that there are."""
        wanted = {
            "file": (self.checkpoint_file, self.checkpoint_file_every),
            "mail": (self.checkpoint_mail, self.checkpoint_mail_every),
            "slack": (self.checkpoint_slack, self.checkpoint_slack_every),
        }
        return {name: timedelta(seconds=every) for name, (where, every) in wanted.items() if where is not None}

    @property
    def pace(self) -> Pace:
        """The loop's time against the wall clock."""
        return Pace(self.pace_speed, self.pace_origin)
