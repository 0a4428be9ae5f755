"""The policy: what is owed to customers and by when, who owns what, and how posts are sorted. Data, validated; files in `policies/`.

A policy file as a whole is a `Policy`. A case carries only its own slice of it, the `CasePolicy`, and keeps that until an explicit
command moves it to another version.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    StringConstraints,
    field_validator,
    model_validator,
)

from domain.errors import UnknownBrand, UnknownChannel
from domain.values import Priority
from domain.wording import Wording

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)\Z")


def parse_duration(value: object) -> object:
    """A duration as people write it ("15 min", "2 h", "3 d") as a timedelta; other kinds of value are left to pydantic."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    raise ValueError("must be a duration such as '15 min', '2 h' or '3 d' (units: s, min, h, d)")


def write_duration(value: timedelta) -> str:
    """The inverse of `parse_duration`, in the largest unit that is whole."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "min"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{round(seconds / _UNITS[unit])} {unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + " s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(write_duration, return_type=str), Field(gt=timedelta(0))]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ByPriority(_Model):
    """One duration for each priority."""

    urgent: Duration
    high: Duration
    normal: Duration
    low: Duration

    def of(self, priority: Priority) -> timedelta:
        """The duration for `priority`."""
        value: timedelta = getattr(self, priority.value)
        return value


class Clocks(_Model):
    """The deadlines of product.md. `acknowledge` stands with each channel."""

    accept: ByPriority
    holding_update: ByPriority
    next_reply: ByPriority
    resolve: ByPriority
    thank_you: Duration


class Channel(_Model):
    """One connected network."""

    network: str = Field(min_length=1, max_length=40)
    kind: Literal["webhook", "hand"] = "webhook"
    limit: int = Field(ge=50, le=100_000)
    counting: Literal["characters", "graphemes", "utf16", "x"] = "characters"
    acknowledge: Duration
    wording: Slug | None = None
    threads: bool = True
    honours_idempotency_key: bool = True


class Desk(_Model):
    """How a department is reached."""

    name: str = Field(min_length=1, max_length=60)
    slack_channel: Annotated[str, StringConstraints(pattern=r"^(#[a-z0-9_-]{1,79}|[CG][A-Z0-9]{6,20})$")]
    slack_group: Annotated[str, StringConstraints(pattern=r"^(@[a-z0-9._-]{1,21}|S[A-Z0-9]{6,20})$")] | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s<>\"]{1,64}@[^@\s<>\"]{1,190}$")] | None = None


class Brand(_Model):
    """An account that customers post to, and how it speaks."""

    name: str = Field(min_length=1, max_length=60)
    team: str = Field(min_length=1, max_length=60)
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"'{value}' is not an IANA time zone (such as Europe/London)") from error
        return value


class Signals(_Model):
    """Phrases that speak for an intent; `*` at the end of a word stands for any ending. A strong one counts three times a weak one."""

    strong: tuple[Phrase, ...] = ()
    weak: tuple[Phrase, ...] = ()


class TriageRules(_Model):
    """How a post is sorted before anyone has read it. Every decision names the phrases that made it."""

    ignore: tuple[Phrase, ...] = ()
    spam: tuple[Phrase, ...] = ()
    complaint: Signals
    question: Signals
    praise: Signals
    thanks: Signals
    categories: dict[Slug, tuple[Phrase, ...]]
    otherwise: Slug
    priorities: dict[Literal["urgent", "high", "low"], tuple[Phrase, ...]]
    departments: dict[Slug, Slug]


class Policy(_Model):
    """A whole policy file."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9 ._+-]+$")
    clocks: Clocks
    speak_before: Duration
    watch: Duration
    link_within: Duration
    nudge_after: Annotated[tuple[Duration, ...], Field(max_length=5)]
    give_up_after: Duration
    handoff_by_mail_after: Duration
    thanks_answered_at_most: int = Field(ge=1, le=20)
    longest_thread: int = Field(ge=1, le=9)
    social: Desk
    departments: Annotated[dict[Slug, Desk], Field(min_length=1)]
    brands: Annotated[dict[Handle, Brand], Field(min_length=1)]
    channels: Annotated[dict[Slug, Channel], Field(min_length=1)]
    root_causes: Annotated[dict[Slug, str], Field(min_length=1, max_length=90)]
    triage: TriageRules
    _wording: str = PrivateAttr("")

    @model_validator(mode="after")
    def _whole(self) -> Policy:
        for category, department in self.triage.departments.items():
            if department not in self.departments:
                raise ValueError(f"triage.departments.{category} names '{department}', which is not among departments")
        for category in (*self.triage.categories, self.triage.otherwise):
            if category not in self.triage.departments:
                raise ValueError(f"triage.departments names no department for the category '{category}'")
        if sorted(self.nudge_after) != list(self.nudge_after) or (self.nudge_after and self.nudge_after[-1] >= self.give_up_after):
            raise ValueError("nudge_after must rise, and stay below give_up_after")
        return self

    @cached_property
    def id(self) -> str:
        """The version's name: the policy's name and a hash of its content and wording, so that the same id is always the same words."""
        return f"{self.name.lower().replace(' ', '-')}@{_short_hash(self.model_dump_json(), self._wording)}"

    def worded(self, wording: Wording) -> Policy:
        """This policy together with its wording, which is part of what its version stands for."""
        whole = self.model_copy()
        whole._wording = wording.model_dump_json()  # noqa: SLF001 - a copy of ourselves
        whole.__dict__.pop("id", None)
        return whole

    def brand(self, handle: str) -> Brand:
        """The brand with that handle. Raises UnknownBrand."""
        try:
            return self.brands[handle]
        except KeyError:
            raise UnknownBrand(f"the brand '{handle}' is not in the policy '{self.id}'; add it under brands:") from None

    def channel(self, name: str) -> Channel:
        """The channel with that name. Raises UnknownChannel."""
        try:
            return self.channels[name]
        except KeyError:
            raise UnknownChannel(f"the channel '{name}' is not in the policy '{self.id}'; add it under channels:") from None

    def for_case(self, channel: str) -> CasePolicy:
        """The slice of the policy that one case on that channel is held to."""
        return CasePolicy(
            id=self.id,
            acknowledge=self.channel(channel).acknowledge,
            clocks=self.clocks,
            speak_before=self.speak_before,
            watch=self.watch,
            nudge_after=self.nudge_after,
            give_up_after=self.give_up_after,
            handoff_by_mail_after=self.handoff_by_mail_after,
            thanks_answered_at_most=self.thanks_answered_at_most,
            departments=tuple(self.departments),
            categories=tuple(dict.fromkeys((*self.triage.categories, self.triage.otherwise))),
            root_causes=tuple(self.root_causes),
            forms=FORMS_PER_TEMPLATE,
        )


FORMS_PER_TEMPLATE = 60
"""`variant` is a number below this; the wording takes it modulo the number of forms that it has. 60 is divisible by 3, 4, 5 and 6."""


class CasePolicy(_Model):
    """What one case is held to, pinned when the case began. Carried by the workflow, so it holds no phrase lists and no words."""

    id: str
    acknowledge: Duration
    clocks: Clocks
    speak_before: Duration
    watch: Duration
    nudge_after: tuple[Duration, ...]
    give_up_after: Duration
    handoff_by_mail_after: Duration
    thanks_answered_at_most: int
    departments: tuple[str, ...]
    categories: tuple[str, ...]
    root_causes: tuple[str, ...]
    forms: int

    @staticmethod
    @lru_cache(maxsize=512)
    def from_json(text: str) -> CasePolicy:
        """The slice as the workflow carries it. Equal texts give the same object, so a thousand cases share one."""
        return CasePolicy.model_validate_json(text)


def _short_hash(text: str, wording: str) -> str:
    canonical = json.dumps([json.loads(text), json.loads(wording)] if wording else json.loads(text), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:10]
