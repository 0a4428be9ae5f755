"""What people and networks may tell a case.

A **command** comes from a person, may be refused, and is answered at once. A **happening** has already happened (the
customer wrote, a reply was posted) and cannot be refused. Both carry an `id` by which a repeat is recognised: the caller's
command id, the network's event, or the effect's key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from domain.values import CUSTOMER, SYSTEM, Actor, Permalink, Priority, Purpose, Thread, Triage

# --- commands ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accept:
    """Take the case and become its owner."""

    id: str
    by: Actor
    kind: Literal["accept"] = field(default="accept", repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the customer a question, in exactly these words.

    `joins`: the step of an ask that is not sent yet; `words` then asks both questions, and `alone` this one, in case it comes too late.
    `department`: for whom. `seen`: the case's `turn` when the person read the words. `reasons`: why a second person must approve them,
    as found in the words. `replaces`: the step of their own waiting draft that these words replace.
    """

    id: str
    by: Actor
    words: str
    department: str | None = None
    joins: int | None = None
    alone: str | None = None
    seen: int | None = None
    reasons: tuple[str, ...] = ()
    replaces: int | None = None
    kind: Literal["ask"] = field(default="ask", repr=False)


@dataclass(frozen=True, slots=True)
class Update:
    """Tell the customer in public how it is going, in exactly these words. `reasons`: why a second person must approve them.

    `replaces`: the step of their own waiting draft that these words replace.
    """

    id: str
    by: Actor
    words: str
    promise: datetime | None = None
    seen: int | None = None
    reasons: tuple[str, ...] = ()
    replaces: int | None = None
    kind: Literal["update"] = field(default="update", repr=False)


@dataclass(frozen=True, slots=True)
class Resolve:
    """It is solved: the root cause, and exactly the words of the thank-you that will be posted.

    `reasons`: why a second person must approve them. `replaces`: the step of their own waiting draft that these words replace.
    """

    id: str
    by: Actor
    root_cause: str
    words: str
    cause_words: str | None = None
    seen: int | None = None
    reasons: tuple[str, ...] = ()
    replaces: int | None = None
    kind: Literal["resolve"] = field(default="resolve", repr=False)


@dataclass(frozen=True, slots=True)
class Reassign:
    """Give the case to another department, with a reason for it (`words`). `public`: exact words that tell the customer, if wanted."""

    id: str
    by: Actor
    department: str
    words: str | None = None
    public: str | None = None
    promise: datetime | None = None
    kind: Literal["reassign"] = field(default="reassign", repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """Write something down that only we read."""

    id: str
    by: Actor
    words: str
    kind: Literal["note"] = field(default="note", repr=False)


@dataclass(frozen=True, slots=True)
class SetPriority:
    """Change the priority."""

    id: str
    by: Actor
    priority: Priority
    kind: Literal["set_priority"] = field(default="set_priority", repr=False)


@dataclass(frozen=True, slots=True)
class SetCategory:
    """Change the category."""

    id: str
    by: Actor
    category: str
    kind: Literal["set_category"] = field(default="set_category", repr=False)


@dataclass(frozen=True, slots=True)
class Dismiss:
    """End the case: spam, or nothing to answer."""

    id: str
    by: Actor
    reason: Literal["spam", "nothing_to_answer", "duplicate"]
    words: str | None = None
    kind: Literal["dismiss"] = field(default="dismiss", repr=False)


@dataclass(frozen=True, slots=True)
class Reopen:
    """Open a resolved or closed case again."""

    id: str
    by: Actor
    kind: Literal["reopen"] = field(default="reopen", repr=False)


@dataclass(frozen=True, slots=True)
class WaiveThankYou:
    """Close the loop without a public thank-you, for a reason."""

    id: str
    by: Actor
    words: str
    kind: Literal["waive_thank_you"] = field(default="waive_thank_you", repr=False)


@dataclass(frozen=True, slots=True)
class SettleReply:
    """Say what became of an unconfirmed reply: it is there (with its permalink), or it is to be sent again, as a refused one can be."""

    id: str
    by: Actor
    step: int
    posted: bool
    permalink: str | None = None
    kind: Literal["settle_reply"] = field(default="settle_reply", repr=False)


@dataclass(frozen=True, slots=True)
class EscalateNow:
    """Call the next one up the chain, now, for a reason."""

    id: str
    by: Actor
    words: str | None = None
    kind: Literal["escalate_now"] = field(default="escalate_now", repr=False)


@dataclass(frozen=True, slots=True)
class Snooze:
    """Let reminders to the owner and the department wait until then."""

    id: str
    by: Actor
    until: datetime
    words: str | None = None
    kind: Literal["snooze"] = field(default="snooze", repr=False)


@dataclass(frozen=True, slots=True)
class WaitOnThirdParty:
    """Work waits on somebody outside; on whom and for what say the words. `until`: when to look again."""

    id: str
    by: Actor
    words: str
    until: datetime | None = None
    kind: Literal["wait_on_third_party"] = field(default="wait_on_third_party", repr=False)


@dataclass(frozen=True, slots=True)
class Resume:
    """The wait for a third party, or the snooze, is over."""

    id: str
    by: Actor
    kind: Literal["resume"] = field(default="resume", repr=False)


@dataclass(frozen=True, slots=True)
class TakePrivate:
    """Go on in private: `public` is exactly the one line that says so; `words` the private message, where the network has such.

    `reasons`: why a second person must approve that message. `replaces`: the step of their own waiting draft that these words replace.
    """

    id: str
    by: Actor
    public: str
    words: str | None = None
    seen: int | None = None
    reasons: tuple[str, ...] = ()
    replaces: int | None = None
    kind: Literal["take_private"] = field(default="take_private", repr=False)


@dataclass(frozen=True, slots=True)
class ReadPrivate:
    """Somebody wants to read what was written in private; it is put on record before they do."""

    id: str
    by: Actor
    kind: Literal["read_private"] = field(default="read_private", repr=False)


@dataclass(frozen=True, slots=True)
class WalkAway:
    """Answer abuse no more. From a lead it ends the case; from others it asks the lead."""

    id: str
    by: Actor
    words: str
    kind: Literal["walk_away"] = field(default="walk_away", repr=False)


@dataclass(frozen=True, slots=True)
class Approve:
    """Have a draft go out that waits for a second person: as it is, or in other words (`words`, with the `promise` that they make).

    `seen`: the case's `turn` when the person read the draft.
    """

    id: str
    by: Actor
    step: int
    words: str | None = None
    promise: datetime | None = None
    seen: int | None = None
    kind: Literal["approve"] = field(default="approve", repr=False)


@dataclass(frozen=True, slots=True)
class Reject:
    """Do not have a draft go out that waits for a second person, for a reason (`words`)."""

    id: str
    by: Actor
    step: int
    words: str
    kind: Literal["reject"] = field(default="reject", repr=False)


@dataclass(frozen=True, slots=True)
class MovePolicy:
    """Hold the case to another version of the policy from now on."""

    id: str
    by: Actor
    policy: str
    kind: Literal["move_policy"] = field(default="move_policy", repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """How the case stands that another is to be merged into. `ended`: how it came to its end, if it did."""

    number: int
    is_open: bool
    ended: str | None
    same_customer: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """The customer wrote twice about one thing: go on with it in another case.

    `target`: how that one stands, as found when this was given. `words`: why, needed when another account wrote that one.
    """

    id: str
    by: Actor
    into: str
    words: str | None = None
    target: Target | None = None
    kind: Literal["merge"] = field(default="merge", repr=False)


@dataclass(frozen=True, slots=True)
class JoinSharedCause:
    """The case has the same root cause as others: it shares that cause from now on."""

    id: str
    by: Actor
    cause: int
    kind: Literal["join_shared_cause"] = field(default="join_shared_cause", repr=False)


@dataclass(frozen=True, slots=True)
class LeaveSharedCause:
    """The case does not share its cause after all."""

    id: str
    by: Actor
    kind: Literal["leave_shared_cause"] = field(default="leave_shared_cause", repr=False)


Command = (
    Accept
    | Ask
    | Update
    | Resolve
    | Reassign
    | Note
    | SetPriority
    | SetCategory
    | Dismiss
    | Reopen
    | WaiveThankYou
    | SettleReply
    | EscalateNow
    | Snooze
    | WaitOnThirdParty
    | Resume
    | TakePrivate
    | ReadPrivate
    | WalkAway
    | MovePolicy
    | Merge
    | JoinSharedCause
    | LeaveSharedCause
    | Approve
    | Reject
)
COMMAND: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])

# --- happenings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostArrived:
    """A customer's post: the first of a case, or a further one in its thread. `words` refers to what it says.

    `personal`: the kinds of personal data that a public post seems to show. `tell_hours`: this customer has not been told yet when
    people are back. `thread`: the merged case in whose thread it was written.
    """

    id: str
    post: str
    triage: Triage
    posted_at: datetime
    words: str | None = None
    by_customer: bool = True
    earlier_case: str | None = None
    private: bool = False
    personal: tuple[str, ...] = ()
    tell_hours: bool = False
    thread: str | None = None
    by: Actor = CUSTOMER
    kind: Literal["post_arrived"] = field(default="post_arrived", repr=False)


@dataclass(frozen=True, slots=True)
class PostChanged:
    """A post was edited."""

    id: str
    post: str
    words: str | None = None
    by: Actor = CUSTOMER
    kind: Literal["post_changed"] = field(default="post_changed", repr=False)


@dataclass(frozen=True, slots=True)
class PostRemoved:
    """A post was deleted by its author."""

    id: str
    post: str
    by: Actor = CUSTOMER
    kind: Literal["post_removed"] = field(default="post_removed", repr=False)


@dataclass(frozen=True, slots=True)
class Posted:
    """A planned reply is on the network."""

    id: str
    step: int
    purpose: Purpose
    posted_at: datetime
    parts: tuple[Permalink, ...]
    words: str | None = None
    promise: datetime | None = None
    by: Actor = SYSTEM
    kind: Literal["posted"] = field(default="posted", repr=False)


@dataclass(frozen=True, slots=True)
class PostFailed:
    """A planned reply was refused for good."""

    id: str
    step: int
    reason: str
    words: str | None = None
    by: Actor = SYSTEM
    kind: Literal["post_failed"] = field(default="post_failed", repr=False)


@dataclass(frozen=True, slots=True)
class PostUnconfirmed:
    """Whether a planned reply is on the network cannot be found out; or (`by_hand`) a person has to say it, by what `reason` names."""

    id: str
    step: int
    reason: str
    words: str | None = None
    by_hand: bool = False
    by: Actor = SYSTEM
    kind: Literal["post_unconfirmed"] = field(default="post_unconfirmed", repr=False)


@dataclass(frozen=True, slots=True)
class PostExpired:
    """A planned reply was never sent (the network was away), and what it promises is not true any more."""

    id: str
    step: int
    by: Actor = SYSTEM
    kind: Literal["post_expired"] = field(default="post_expired", repr=False)


@dataclass(frozen=True, slots=True)
class DeskTold:
    """The department's Slack shows the case as it was at `version` (the number of its events then)."""

    id: str
    version: int
    department: str
    by: Actor = SYSTEM
    kind: Literal["desk_told"] = field(default="desk_told", repr=False)


@dataclass(frozen=True, slots=True)
class DeskUnreachable:
    """The department's Slack will not take the card at all (channel gone, bot thrown out)."""

    id: str
    version: int
    reason: str
    by: Actor = SYSTEM
    kind: Literal["desk_unreachable"] = field(default="desk_unreachable", repr=False)


@dataclass(frozen=True, slots=True)
class Mailed:
    """The mail service took the handoff."""

    id: str
    step: int
    by: Actor = SYSTEM
    kind: Literal["mailed"] = field(default="mailed", repr=False)


@dataclass(frozen=True, slots=True)
class MailFailed:
    """The mail service will not take the handoff."""

    id: str
    step: int
    reason: str
    by: Actor = SYSTEM
    kind: Literal["mail_failed"] = field(default="mail_failed", repr=False)


@dataclass(frozen=True, slots=True)
class Called:
    """Whom an escalation calls has it. `person`: who, when it is one person."""

    id: str
    step: int
    via: Literal["slack", "email"]
    person: str | None = None
    by: Actor = SYSTEM
    kind: Literal["called"] = field(default="called", repr=False)


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A way of calling somebody has failed for good."""

    id: str
    step: int
    via: Literal["slack", "email"]
    reason: str
    by: Actor = SYSTEM
    kind: Literal["call_failed"] = field(default="call_failed", repr=False)


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing came; something may be due."""

    id: str = "clock"
    by: Actor = SYSTEM
    kind: Literal["time_passed"] = field(default="time_passed", repr=False)


@dataclass(frozen=True, slots=True)
class CaseMerged:
    """Another case has been merged into this one. See `domain.events.Merged`."""

    id: str
    case: str
    threads: tuple[Thread, ...]
    priority: Priority
    promise: datetime | None = None
    waiting_since: datetime | None = None
    other_customer: bool = False
    cause: int | None = None
    by: Actor = SYSTEM
    kind: Literal["case_merged"] = field(default="case_merged", repr=False)


@dataclass(frozen=True, slots=True)
class MergeFailed:
    """The case that this one was merged into had come to its end before it heard of that."""

    id: str
    into: str
    by: Actor = SYSTEM
    kind: Literal["merge_failed"] = field(default="merge_failed", repr=False)


FromCase = CaseMerged | MergeFailed
"""What one case tells another. It is stored with what made it happen and delivered as what networks tell us."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Say here what all cases of a cause are told: exactly these words, which were made for this one. `approved_by`: a second person.

    `seen`: the case's `turn` when they were made. `root_cause`: with `resolve`.
    """

    id: str
    by: Actor
    cause: int
    announcement: int
    what: Literal["update", "resolve"]
    words: str
    promise: datetime | None = None
    root_cause: str | None = None
    seen: int | None = None
    approved_by: str | None = None
    kind: Literal["announce"] = field(default="announce", repr=False)


FromNetwork = PostArrived | PostChanged | PostRemoved | FromCase | Announce
"""What reaches a case through the inbox."""
FROM_NETWORK: TypeAdapter[FromNetwork] = TypeAdapter(Annotated[FromNetwork, Field(discriminator="kind")])

Outcome = Posted | PostFailed | PostUnconfirmed | PostExpired | DeskTold | DeskUnreachable | Mailed | MailFailed | Called | CallFailed
Happening = FromNetwork | Outcome | TimePassed
Message = Command | Happening


SAID_ALREADY = "The customer has been told this already. If they should read it again, put it differently."
"""What a person hears whose words have gone out in the case before: a repeated press must not be a repeated reply."""

WAITS_ALREADY = "These words wait for a second person already."
"""… and whose words wait for approval."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not carried out. `reason` is a sentence for the person; `{person}` in it stands for `person`'s name."""

    code: str
    reason: str
    person: str | None = None
