"""What workflows ask of activities and what they answer. None carries a customer's words or name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.pace import REAL_TIME, Pace
from domain.values import Audience, Purpose
from domain.view import CaseView


@dataclass(frozen=True, slots=True)
class Recording:
    """Entries as (key, document, reference of words), decided on when the last known entry was number `known`, and the view.

    For a local activity: it never enters a history.
    """

    case_id: str
    entries: tuple[tuple[str, str, str | None], ...]
    view: CaseView
    known: int


@dataclass(frozen=True, slots=True)
class PolicyWanted:
    """A version of the policy, for a case of that brand on that channel."""

    policy: str
    brand: str
    channel: str


@dataclass(frozen=True, slots=True)
class ReplyOrder:
    """A planned reply, to be put on its network. Moments are the loop's time.

    `thread`: the merged case in whose thread it goes out. `link`: where the loop was closed, for a reply that tells that.
    """

    case_id: str
    channel: str
    brand: str
    policy: str
    step: int
    purpose: Purpose
    to_post: str
    department: str
    planned_at: datetime
    words: str | None = None
    template: str | None = None
    variant: int = 0
    promise: datetime | None = None
    owner: str | None = None
    since: datetime | None = None
    pace: Pace = REAL_TIME
    opens: datetime | None = None
    thread: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class DeskOrder:
    """Bring what a department's Slack shows of a case up to date."""

    case_id: str
    policy: str
    department: str
    version: int
    pace: Pace = REAL_TIME


@dataclass(frozen=True, slots=True)
class MailOrder:
    """Hand a case to a department by e-mail."""

    case_id: str
    policy: str
    department: str
    step: int
    pace: Pace = REAL_TIME


@dataclass(frozen=True, slots=True)
class CallOrder:
    """Call somebody up the chain. `department`: the one that has the case; `version`: the number of the case's events.

    `mail_step`: the step of the e-mail, when it goes by e-mail.
    """

    case_id: str
    policy: str
    step: int
    to: Audience
    department: str
    version: int
    mail_step: int | None = None
    pace: Pace = REAL_TIME


@dataclass(frozen=True, slots=True)
class PublishOutcome:
    """What became of a reply. `parts` are (remote id, address) pairs."""

    kind: Literal["posted", "failed", "unconfirmed", "expired", "withdrawn", "by_hand"]
    parts: tuple[tuple[str, str], ...] = ()
    words: str | None = None
    posted_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeskOutcome:
    """What became of a desk order: shown up to `version`, or refused for good, or to be done `later`, with all patience."""

    version: int
    refused: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What became of a call: it has reached them (`person`: who, by their handle in the policy), was refused, or was called off."""

    person: str | None = None
    refused: str | None = None
    called_off: bool = False


@dataclass(frozen=True, slots=True)
class MailOutcome:
    """What became of a mail: taken by the mail service, or not."""

    sent: bool
    reason: str = ""
