"""Everything that can happen to a case. Past tense, facts only, no personal data: words and names live elsewhere, by reference.

Each event is one frozen dataclass with a `kind`. An event says what happened and when (`at`, the loop's time, UTC);
who did it, through what and why stands in the `Entry` around it (`domain.history`). The one line under each class says
when it happens; the README of the history and the auditor's pages are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from domain.values import Audience, ClockName, Drafted, Intent, Permalink, Priority, Purpose, Thread

SAID_SO = "somebody said so"
"""The reason on record when a person ended it: who, stands in the entry."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A customer's post was taken in as a new case."""

    at: datetime
    post: str
    brand: str
    channel: str
    intent: Intent
    category: str
    priority: Priority
    department: str
    policy: str
    rules: tuple[str, ...] = ()
    words: str | None = None
    posted_at: datetime | None = None
    earlier_case: str | None = None
    kind: Literal["opened"] = field(default="opened", repr=False)


@dataclass(frozen=True, slots=True)
class CustomerWrote:
    """A further post arrived in the thread of the case, or (`thread`) in that of a case that was merged into it."""

    at: datetime
    post: str
    intent: Intent
    by_customer: bool = True
    words: str | None = None
    posted_at: datetime | None = None
    private: bool = False
    thread: str | None = None
    kind: Literal["customer_wrote"] = field(default="customer_wrote", repr=False)


@dataclass(frozen=True, slots=True)
class PostEdited:
    """The customer changed a post; both versions are kept."""

    at: datetime
    post: str
    words: str | None = None
    kind: Literal["post_edited"] = field(default="post_edited", repr=False)


@dataclass(frozen=True, slots=True)
class PostDeleted:
    """The customer deleted a post. When it is the first one, automatic public replies stop."""

    at: datetime
    post: str
    first: bool
    kind: Literal["post_deleted"] = field(default="post_deleted", repr=False)


@dataclass(frozen=True, slots=True)
class ReplyPlanned:
    """A reply is to go out: exact words (`words`; `author`: whose, if approved) or a `template`; `thread`: in that merged case's thread."""

    at: datetime
    step: int
    purpose: Purpose
    to_post: str
    words: str | None = None
    template: str | None = None
    variant: int = 0
    promise: datetime | None = None
    instead_of: int | None = None
    opens: datetime | None = None
    author: str | None = None
    thread: str | None = None
    kind: Literal["reply_planned"] = field(default="reply_planned", repr=False)


@dataclass(frozen=True, slots=True)
class ReplyPosted:
    """The network has the reply; every part of it has a permalink."""

    at: datetime
    step: int
    purpose: Purpose
    parts: tuple[Permalink, ...]
    words: str | None = None
    promise: datetime | None = None
    kind: Literal["reply_posted"] = field(default="reply_posted", repr=False)


@dataclass(frozen=True, slots=True)
class ReplyFailed:
    """The network refused the reply for good; a person is asked."""

    at: datetime
    step: int
    purpose: Purpose
    reason: str
    words: str | None = None
    kind: Literal["reply_failed"] = field(default="reply_failed", repr=False)


@dataclass(frozen=True, slots=True)
class ReplyUnconfirmed:
    """Nobody can tell whether the network has the reply, or a person has to say it (`by_hand`); a person is asked, nothing is resent."""

    at: datetime
    step: int
    purpose: Purpose
    reason: str
    words: str | None = None
    by_hand: bool = False
    kind: Literal["reply_unconfirmed"] = field(default="reply_unconfirmed", repr=False)


@dataclass(frozen=True, slots=True)
class ReplyWithdrawn:
    """A planned reply was called off before it was sent."""

    at: datetime
    step: int
    purpose: Purpose
    reason: str
    kind: Literal["reply_withdrawn"] = field(default="reply_withdrawn", repr=False)


@dataclass(frozen=True, slots=True)
class HandedOff:
    """The case was given to a department; its accept clock runs from here."""

    at: datetime
    department: str
    kind: Literal["handed_off"] = field(default="handed_off", repr=False)


@dataclass(frozen=True, slots=True)
class HandoffDelivered:
    """The department has the handoff in hand: the card is in Slack, or the e-mail was taken by the mail service."""

    at: datetime
    department: str
    by: Literal["slack", "email"]
    kind: Literal["handoff_delivered"] = field(default="handoff_delivered", repr=False)


@dataclass(frozen=True, slots=True)
class HandoffMailed:
    """Slack did not take the handoff in time, so an e-mail was sent for."""

    at: datetime
    department: str
    step: int
    kind: Literal["handoff_mailed"] = field(default="handoff_mailed", repr=False)


@dataclass(frozen=True, slots=True)
class HandoffFailed:
    """A way of handing off failed for good; a person is asked."""

    at: datetime
    department: str
    by: Literal["slack", "email"]
    reason: str
    kind: Literal["handoff_failed"] = field(default="handoff_failed", repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A person of the department took the case and is its owner from here."""

    at: datetime
    owner: str
    kind: Literal["accepted"] = field(default="accepted", repr=False)


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The case moved to another department; it waits there to be accepted."""

    at: datetime
    department: str
    before: str
    words: str | None = None
    kind: Literal["reassigned"] = field(default="reassigned", repr=False)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A person wants to know what the ask of that step asks (`alone`: their own question, when it asks others too); they get the answer."""

    at: datetime
    step: int
    asker: str
    department: str
    alone: str | None = None
    kind: Literal["asked_for"] = field(default="asked_for", repr=False)


@dataclass(frozen=True, slots=True)
class AskQueued:
    """A question waits until the one that is open is answered, so that the customer is asked by one voice."""

    at: datetime
    asker: str
    department: str
    words: str
    kind: Literal["ask_queued"] = field(default="ask_queued", repr=False)


@dataclass(frozen=True, slots=True)
class AskDropped:
    """A question that waited will not be asked any more."""

    at: datetime
    asker: str
    words: str
    reason: str
    kind: Literal["ask_dropped"] = field(default="ask_dropped", repr=False)


@dataclass(frozen=True, slots=True)
class AskAnswered:
    """The customer wrote while a question to them was open; the case is back in work."""

    at: datetime
    step: int
    post: str
    kind: Literal["ask_answered"] = field(default="ask_answered", repr=False)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The owner says what the cause was and that it is solved. `author`: who said so, when somebody else approved it."""

    at: datetime
    root_cause: str
    words: str
    author: str | None = None
    kind: Literal["resolved"] = field(default="resolved", repr=False)


@dataclass(frozen=True, slots=True)
class Closed:
    """The loop is closed: by the permalink of its last public word, or by a waiver."""

    at: datetime
    permalink: str | None = None
    waived_by: str | None = None
    kind: Literal["closed"] = field(default="closed", repr=False)


@dataclass(frozen=True, slots=True)
class ThankYouWaived:
    """A person decided, with a reason, that this loop closes without a public thank-you."""

    at: datetime
    by: str
    words: str
    kind: Literal["thank_you_waived"] = field(default="thank_you_waived", repr=False)


@dataclass(frozen=True, slots=True)
class Reopened:
    """A closed or resolved case is open again, one priority up when the customer asked for it."""

    at: datetime
    priority: Priority
    before: Priority
    kind: Literal["reopened"] = field(default="reopened", repr=False)


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Nothing to answer (or spam): the case ends without a loop."""

    at: datetime
    reason: str
    words: str | None = None
    kind: Literal["dismissed"] = field(default="dismissed", repr=False)


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """Somebody wrote an internal note. It never reaches the customer."""

    at: datetime
    words: str
    kind: Literal["note_added"] = field(default="note_added", repr=False)


@dataclass(frozen=True, slots=True)
class PrioritySet:
    """The priority changed; every clock is counted again from its start, less the pauses."""

    at: datetime
    priority: Priority
    before: Priority
    kind: Literal["priority_set"] = field(default="priority_set", repr=False)


@dataclass(frozen=True, slots=True)
class CategorySet:
    """The category changed."""

    at: datetime
    category: str
    before: str
    kind: Literal["category_set"] = field(default="category_set", repr=False)


@dataclass(frozen=True, slots=True)
class ClockBreached:
    """A clock ran out before what it waits for happened. Once per clock and cycle."""

    at: datetime
    clock: ClockName
    started_at: datetime
    due_at: datetime
    kind: Literal["clock_breached"] = field(default="clock_breached", repr=False)


@dataclass(frozen=True, slots=True)
class ClockWarned:
    """A clock has used up so much of its time (`percent`). Once per percent, clock and cycle."""

    at: datetime
    clock: ClockName
    percent: int
    started_at: datetime
    due_at: datetime | None = None
    kind: Literal["clock_warned"] = field(default="clock_warned", repr=False)


@dataclass(frozen=True, slots=True)
class Escalated:
    """A step up the chain: somebody is called. `why`: a clock's percent, somebody asked for it, or is to decide (`draft`: on what)."""

    at: datetime
    step: int
    to: Audience
    clock: ClockName | None = None
    percent: int = 0
    repeat: int = 0
    why: Literal["clock", "asked", "bounced", "walk_away", "approval"] = "clock"
    words: str | None = None
    draft: int | None = None
    kind: Literal["escalated"] = field(default="escalated", repr=False)


@dataclass(frozen=True, slots=True)
class EscalationMailed:
    """Slack did not take an escalation in time, or knows nobody to call, so an e-mail was sent for."""

    at: datetime
    step: int
    to: Audience
    mail_step: int
    kind: Literal["escalation_mailed"] = field(default="escalation_mailed", repr=False)


@dataclass(frozen=True, slots=True)
class EscalationDelivered:
    """Whom an escalation called has it: in Slack, or the mail service took it. `person`: who, when it is one person."""

    at: datetime
    step: int
    to: Audience
    by: Literal["slack", "email"]
    person: str | None = None
    kind: Literal["escalation_delivered"] = field(default="escalation_delivered", repr=False)


@dataclass(frozen=True, slots=True)
class EscalationFailed:
    """A way of calling somebody failed for good. When both have, the social team is asked."""

    at: datetime
    step: int
    to: Audience
    by: Literal["slack", "email"]
    reason: str
    kind: Literal["escalation_failed"] = field(default="escalation_failed", repr=False)


@dataclass(frozen=True, slots=True)
class EscalationCalledOff:
    """What an escalation was about has happened before it was delivered."""

    at: datetime
    step: int
    to: Audience
    reason: str
    kind: Literal["escalation_called_off"] = field(default="escalation_called_off", repr=False)


@dataclass(frozen=True, slots=True)
class Stalled:
    """The whole chain was climbed and repeated, and nobody has acted. It stays marked until somebody does."""

    at: datetime
    clock: ClockName
    kind: Literal["stalled"] = field(default="stalled", repr=False)


@dataclass(frozen=True, slots=True)
class Snoozed:
    """Reminders to the owner and the department wait until then. Clocks, promises and calls to their leads go on."""

    at: datetime
    until: datetime
    words: str | None = None
    kind: Literal["snoozed"] = field(default="snoozed", repr=False)


@dataclass(frozen=True, slots=True)
class SnoozeEnded:
    """The time is over, or something has happened that ends it."""

    at: datetime
    reason: str
    kind: Literal["snooze_ended"] = field(default="snooze_ended", repr=False)


@dataclass(frozen=True, slots=True)
class WaitBegan:
    """Work waits on a third party; the resolve clock stands still, everything that the customer is owed goes on."""

    at: datetime
    words: str | None = None
    until: datetime | None = None
    kind: Literal["wait_began"] = field(default="wait_began", repr=False)


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """The third party has done its part, or its time is over; the case is back in work."""

    at: datetime
    reason: str
    kind: Literal["wait_ended"] = field(default="wait_ended", repr=False)


@dataclass(frozen=True, slots=True)
class PolicyMoved:
    """The case is held to another version of the policy from here; every clock is counted again from its start, less the pauses."""

    at: datetime
    policy: str
    before: str
    kind: Literal["policy_moved"] = field(default="policy_moved", repr=False)


@dataclass(frozen=True, slots=True)
class PersonalDataSeen:
    """A public post of the customer shows what looks like personal data; `what` kinds of it, never the data."""

    at: datetime
    post: str
    what: tuple[str, ...]
    kind: Literal["personal_data_seen"] = field(default="personal_data_seen", repr=False)


@dataclass(frozen=True, slots=True)
class PrivateRead:
    """Somebody read what was written in private."""

    at: datetime
    reader: str
    kind: Literal["private_read"] = field(default="private_read", repr=False)


@dataclass(frozen=True, slots=True)
class WalkAwayProposed:
    """Somebody thinks that this is abuse, which is not answered any more; a lead decides."""

    at: datetime
    words: str
    kind: Literal["walk_away_proposed"] = field(default="walk_away_proposed", repr=False)


@dataclass(frozen=True, slots=True)
class WalkedAway:
    """A lead confirmed: abuse is not answered any more. The case ends without a loop."""

    at: datetime
    words: str | None = None
    kind: Literal["walked_away"] = field(default="walked_away", repr=False)


@dataclass(frozen=True, slots=True)
class Merged:
    """The case was merged into another one, which goes on in its threads and owes what was owed. `words`: why, if anybody said so."""

    at: datetime
    into: str
    threads: tuple[Thread, ...]
    priority: Priority
    promise: datetime | None = None
    waiting_since: datetime | None = None
    other_customer: bool = False
    words: str | None = None
    cause: int | None = None
    kind: Literal["merged"] = field(default="merged", repr=False)


@dataclass(frozen=True, slots=True)
class TookIn:
    """Another case was merged into this one: with its threads, and with what was owed there."""

    at: datetime
    case: str
    threads: tuple[Thread, ...]
    promise: datetime | None = None
    waiting_since: datetime | None = None
    other_customer: bool = False
    cause: int | None = None
    kind: Literal["took_in"] = field(default="took_in", repr=False)


@dataclass(frozen=True, slots=True)
class PassedOn:
    """The customer wrote just when the case had been merged: the case that it was merged into has been told."""

    at: datetime
    into: str
    post: str
    intent: Intent
    by_customer: bool = True
    words: str | None = None
    posted_at: datetime | None = None
    private: bool = False
    kind: Literal["passed_on"] = field(default="passed_on", repr=False)


@dataclass(frozen=True, slots=True)
class NotTakenIn:
    """Another case was to be merged into this one, which had just come to its end: that one goes on by itself."""

    at: datetime
    case: str
    kind: Literal["not_taken_in"] = field(default="not_taken_in", repr=False)


@dataclass(frozen=True, slots=True)
class Unmerged:
    """The case that this one was merged into had just come to its end, so that this one goes on, with what it had promised."""

    at: datetime
    into: str
    kind: Literal["unmerged"] = field(default="unmerged", repr=False)


@dataclass(frozen=True, slots=True)
class JoinedCause:
    """The case shares a cause with others: what is announced to all of them is said here too."""

    at: datetime
    cause: int
    kind: Literal["joined_cause"] = field(default="joined_cause", repr=False)


@dataclass(frozen=True, slots=True)
class LeftCause:
    """The case does not share that cause after all."""

    at: datetime
    cause: int
    kind: Literal["left_cause"] = field(default="left_cause", repr=False)


@dataclass(frozen=True, slots=True)
class Announced:
    """What was announced to all cases of a cause is said here too; what follows in the history is that. `approved_by`: a second person."""

    at: datetime
    cause: int
    announcement: int
    approved_by: str | None = None
    kind: Literal["announced"] = field(default="announced", repr=False)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What was announced to all cases of a cause is not said here, and why; people are told."""

    at: datetime
    cause: int
    announcement: int
    why: str
    kind: Literal["held_back"] = field(default="held_back", repr=False)


@dataclass(frozen=True, slots=True)
class DraftHeld:
    """Words to the customer (`private`: to them alone) wait for a second person. `call_at`: for `calls`. `before`: what they replace."""

    at: datetime
    step: int
    what: Drafted
    words: str
    why: tuple[str, ...]
    author: str
    call_at: datetime
    calls: Audience
    promise: datetime | None = None
    root_cause: str | None = None
    cause_words: str | None = None
    department: str | None = None
    private: str | None = None
    before: str | None = None
    kind: Literal["draft_held"] = field(default="draft_held", repr=False)


@dataclass(frozen=True, slots=True)
class DraftApproved:
    """A second person approved a draft: in the words that it had, or (then they stand in `before`) in others."""

    at: datetime
    step: int
    what: Drafted
    words: str
    author: str
    before: str | None = None
    kind: Literal["draft_approved"] = field(default="draft_approved", repr=False)


@dataclass(frozen=True, slots=True)
class DraftRejected:
    """A second person decided, with a reason, that a draft does not go out."""

    at: datetime
    step: int
    what: Drafted
    words: str
    author: str
    kind: Literal["draft_rejected"] = field(default="draft_rejected", repr=False)


@dataclass(frozen=True, slots=True)
class DraftDropped:
    """A draft that waited for a second person is not needed any more: the case has come to its end, or its author wrote it anew."""

    at: datetime
    step: int
    what: Drafted
    author: str
    reason: str
    kind: Literal["draft_dropped"] = field(default="draft_dropped", repr=False)


@dataclass(frozen=True, slots=True)
class PromiseKept:
    """The customer heard from us by the moment that we had named in public."""

    at: datetime
    promised: datetime
    kind: Literal["promise_kept"] = field(default="promise_kept", repr=False)


@dataclass(frozen=True, slots=True)
class PromiseBroken:
    """The moment that we had named in public passed without a word."""

    at: datetime
    promised: datetime
    kind: Literal["promise_broken"] = field(default="promise_broken", repr=False)


@dataclass(frozen=True, slots=True)
class HumanNeeded:
    """The loop cannot go on well by itself; the social team is asked, with the reason."""

    at: datetime
    why: str
    step: int | None = None
    kind: Literal["human_needed"] = field(default="human_needed", repr=False)


@dataclass(frozen=True, slots=True)
class WatchEnded:
    """The watch over a closed case is over; a later post is a new, linked case."""

    at: datetime
    kind: Literal["watch_ended"] = field(default="watch_ended", repr=False)


Event = (
    Opened
    | CustomerWrote
    | PostEdited
    | PostDeleted
    | ReplyPlanned
    | ReplyPosted
    | ReplyFailed
    | ReplyUnconfirmed
    | ReplyWithdrawn
    | HandedOff
    | HandoffDelivered
    | HandoffMailed
    | HandoffFailed
    | Accepted
    | Reassigned
    | AskedFor
    | AskQueued
    | AskDropped
    | AskAnswered
    | Resolved
    | Closed
    | ThankYouWaived
    | Reopened
    | Dismissed
    | NoteAdded
    | PrioritySet
    | CategorySet
    | ClockBreached
    | ClockWarned
    | Escalated
    | EscalationMailed
    | EscalationDelivered
    | EscalationFailed
    | EscalationCalledOff
    | Stalled
    | Snoozed
    | SnoozeEnded
    | WaitBegan
    | WaitEnded
    | PolicyMoved
    | PersonalDataSeen
    | PrivateRead
    | WalkAwayProposed
    | WalkedAway
    | Merged
    | TookIn
    | PassedOn
    | NotTakenIn
    | Unmerged
    | JoinedCause
    | LeftCause
    | Announced
    | HeldBack
    | DraftHeld
    | DraftApproved
    | DraftRejected
    | DraftDropped
    | PromiseKept
    | PromiseBroken
    | HumanNeeded
    | WatchEnded
)

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
"""Reads and writes any event as JSON."""
