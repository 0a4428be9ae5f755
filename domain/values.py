"""The words of the trade as closed sets and small values. The glossary in CONTRIBUTING.md explains each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class Status(StrEnum):
    """Where a case is in the loop. Read off its facts (`Case.status`), never stored on its own."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    HANDED_OFF = "handed_off"
    IN_PROGRESS = "in_progress"
    WAITING_ON_CUSTOMER = "waiting_on_customer"
    WAITING_ON_THIRD_PARTY = "waiting_on_third_party"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    WALKED_AWAY = "walked_away"
    MERGED = "merged"


class Intent(StrEnum):
    """What a post is for, as first triage sees it."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    PRAISE = "praise"
    THANKS = "thanks"
    REMARK = "remark"
    SPAM = "spam"


class Priority(StrEnum):
    """How soon a case is owed its next step; the clocks are policy, by priority."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    def up_one(self) -> Priority:
        """The next more pressing priority; urgent stays urgent."""
        order = list(Priority)
        return order[max(0, order.index(self) - 1)]


class Purpose(StrEnum):
    """Why a reply is posted."""

    ACKNOWLEDGEMENT = "acknowledgement"
    HOLDING_UPDATE = "holding_update"
    UPDATE = "update"
    ASK = "ask"
    NUDGE = "nudge"
    THANK_YOU = "thank_you"
    CLOSING_NOTE = "closing_note"
    WELCOME = "welcome"
    PRIVATE = "private"
    WENT_PRIVATE = "went_private"
    ELSEWHERE = "elsewhere"


PRIVATE_PURPOSES = frozenset({Purpose.PRIVATE})
"""Replies that only the customer reads."""
ASIDE = frozenset({Purpose.WELCOME, Purpose.PRIVATE, Purpose.ELSEWHERE})
"""Replies that say nothing of the issue in public, so that no clock of the issue stops."""
CLOSING_PURPOSES = frozenset({Purpose.THANK_YOU, Purpose.CLOSING_NOTE})


class ClockName(StrEnum):
    """The deadlines that a case can owe."""

    ACKNOWLEDGE = "acknowledge"
    ACCEPT = "accept"
    HOLDING_UPDATE = "holding_update"
    NEXT_REPLY = "next_reply"
    RESOLVE = "resolve"
    THANK_YOU = "thank_you"


class Audience(StrEnum):
    """Whom an escalation calls."""

    DEPARTMENT = "department"
    OWNER = "owner"
    LEAD = "lead"
    HEAD = "head"
    ESCALATIONS = "escalations"
    DUTY_MANAGER = "duty_manager"
    SOCIAL = "social"
    SOCIAL_LEAD = "social_lead"


class Role(StrEnum):
    """In which capacity somebody acts."""

    SYSTEM = "system"
    CUSTOMER = "customer"
    DEPARTMENT = "department"
    SOCIAL = "social"
    LEAD = "lead"
    AUDITOR = "auditor"
    PRIVACY = "privacy"
    ADMIN = "admin"


class Via(StrEnum):
    """Through what somebody acts."""

    SYSTEM = "system"
    NETWORK = "network"
    SLACK = "slack"
    EMAIL = "email"
    CONSOLE = "console"
    API = "api"
    CLI = "cli"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a reference to a person (never a name), the capacity, and the way in."""

    person: str
    role: Role
    via: Via


SYSTEM = Actor("system", Role.SYSTEM, Via.SYSTEM)
CUSTOMER = Actor("customer", Role.CUSTOMER, Via.NETWORK)


@dataclass(frozen=True, slots=True)
class Triage:
    """What first triage made of a post, and by which rules of the policy."""

    intent: Intent
    category: str
    priority: Priority
    department: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Permalink:
    """One posted part of a reply: the network's id of it and where people can open it."""

    remote_id: str
    url: str


Drafted = Literal["ask", "update", "resolve", "take_private"]
"""What a draft that waits for a second person becomes when it is approved: the command that its author gave."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One of the threads of a case that others were merged into: whose it is, its first post and the last that the customer wrote in it.

    `case`: the case that it began with. `gone`: its first post was deleted. `told`: it has its last word for now.
    """

    case: str
    first_post: str
    post: str
    gone: bool = False
    told: bool = False


def is_web_address(url: str) -> bool:
    """Whether it can be a link: what leads elsewhere than to the web (`javascript:`, `data:`) would act in the name of whoever follows it.

    Networks tell us no other addresses; whatever shows one asks all the same.
    """
    return url.startswith(("http://", "https://"))


NOWHERE = "https://loopkeeper.invalid/"
"""What the address of a post begins with that nobody can open: it did not reach us over a network."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which a clock stands still. `until` is None while it lasts."""

    since: datetime
    until: datetime | None = None


_PLAIN_ID = re.compile(r"[A-Za-z0-9._]{1,64}\Z")


def case_id(brand: str, channel: str, native_post_id: str) -> str:
    """The case's id: `{brand}-{channel}-{native post id}`, bounded, fit for an address, without personal data.

    Brand and channel are handles without a hyphen (policy checks it), so that two different posts never share an id.
    An id that a network makes long or unusual is replaced by the first 32 hex digits of its SHA-256.
    """
    plain = native_post_id if _PLAIN_ID.match(native_post_id) else "h." + hashlib.sha256(native_post_id.encode()).hexdigest()[:32]
    return f"{brand}-{channel}-{plain}"


def brand_of(case: str) -> str:
    """The brand in a case's id."""
    return case.split("-", 1)[0]


def channel_of(case: str) -> str:
    """The channel in a case's id."""
    return case.split("-", 2)[1]


def effect_key(case: str, step: int, part: int) -> str:
    """The key of one effect on the outside world. Never contains an attempt: the same effect is the same key for ever."""
    return f"{case}:{step}:{part}"
