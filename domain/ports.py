"""What the activities and the API need of the outside, as protocols. Adapters fulfil them; tests use real adapters on a real database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from domain.case import Case
from domain.casefile import CaseFile
from domain.checkpoints import Checkpoint, Note
from domain.commands import FromNetwork
from domain.errors import LoopkeeperError
from domain.events import Escalated
from domain.history import Entry, document
from domain.journal import JournalEvent
from domain.policy import Person, Policy
from domain.sharing import WaitingAnnouncement
from domain.story import Line
from domain.values import Actor, Permalink
from domain.view import CaseView
from domain.wording import Wording

# --- history ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A history entry as it is stored: its key, its exact document, and the reference of the words that belong to it."""

    key: str
    doc: str
    words: str | None = None

    @staticmethod
    def of(entry: Entry) -> Written:
        """An entry, written."""
        return Written(entry.key, document(entry), entry.words)


class Overtaken(LoopkeeperError):
    """The record has `entries` that the writer did not know of when it decided on its own; nothing was changed."""

    def __init__(self, case_id: str, entries: Sequence[Written]) -> None:
        super().__init__(f"case {case_id} has {len(entries)} entries on record that were not known when further ones were decided on")
        self.entries = tuple(entries)


class Records(Protocol):
    """Where histories are kept."""

    def append(self, case_id: str, entries: Sequence[Written], view: CaseView, known: int) -> int:
        """Add the entries (each key once) and bring the view up to date, in one transaction. The number of events then.

        `known`: the number of the last entry that was known when these were decided on. Raises Overtaken.
        """
        ...


class Sealing(Protocol):
    """Who adds to the log what is recorded, and signs its state."""

    def seal(self) -> Checkpoint | None:
        """Seal once: the new state, or None when there was nothing to seal.

        Raises Unavailable, and LoopkeeperError when the log was changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed state of the log, as kept: `note` is the signed text."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


class LogReading(Protocol):
    """The log, to be read, and where its checkpoints were published."""

    def latest(self) -> Sealed | None:
        """The newest signed state; None when nothing was ever sealed."""
        ...

    def root_at(self, size: int) -> bytes:
        """The root that the log had at a size."""
        ...

    def unsealed_for(self) -> timedelta:
        """How long the oldest event that is recorded and not sealed has been waiting; zero when there is none."""
        ...

    def unpublished_for(self, destination: str) -> timedelta:
        """How long there has been a checkpoint that is newer than the last one published there; zero when there is none."""
        ...

    def is_published(self, destination: str, size: int) -> bool:
        """Whether that checkpoint was published there."""
        ...

    def published(self, destination: str, size: int, place: str) -> None:
        """Note that it was."""
        ...


class Destination(Protocol):
    """A place for checkpoints that whoever runs the database cannot reach. Every method raises NotSent, Refused or Unclear."""

    def last(self) -> Checkpoint | None:
        """The newest checkpoint there, where it can be read back; None when there is none, or it cannot. Raises NoCheckpoint too."""
        ...

    def publish(self, note: Note, size: int) -> str:
        """Publish it; where it is."""
        ...


class Journal(Protocol):
    """Where it is put on record what happens to the installation and not to one case."""

    def note(self, event: JournalEvent, by: Actor, cause: str = "asked") -> None:
        """Put it on record, before anybody hears that it was done."""
        ...


# --- what comes in ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placed:
    """A message with its case, and what the case's workflow is to be told.

    `opened`: the case as the message opened it, on record already; None for a message to a case that was there. `policy_json`: the
    slice of the policy that the case is held to. `again`: the case had ended, and goes on.
    """

    inbound_id: int
    case_id: str
    channel: str
    message: FromNetwork
    policy_json: str
    opened: Case | None
    again: bool = False


class Unavailable(LoopkeeperError):
    """Where something is kept cannot be reached now; nothing was changed, and trying again later is safe."""


class Inbox(Protocol):
    """Where what networks tell us is kept until its case knows of it. Every method raises Unavailable when that cannot be reached."""

    def place(self, inbound_id: int) -> Placed | None:
        """Find the message's case, or open one. None when there is nothing to tell a case (yet)."""
        ...

    def stumbled(self, inbound_id: int, over: str) -> None:
        """The message could not be placed, and not by its own fault: try it again later, and show it to people meanwhile."""
        ...

    def on_record(self, case_id: str) -> tuple[Case, str] | None:
        """A case that is not over, as its history has it, and the slice of its policy; None when it is over."""
        ...

    def elsewhere(self, placed: Placed) -> Placed | None:
        """The case was over before it could be told: the message anew, with a case of its own; None when it comes to nothing."""
        ...

    def told(self, inbound_ids: Sequence[int]) -> None:
        """Their cases know of them now."""
        ...

    def to_do(self, older_than: timedelta, at_most: int = 500) -> list[int]:
        """Messages that nobody has placed or told."""
        ...


# --- the outside world ------------------------------------------------------------------------------------------------


class NotSent(LoopkeeperError):
    """The request surely did not take effect (connection refused, 429). `retry_after`: when to try again, if we were told."""

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Refused(LoopkeeperError):
    """The outside party will not do it, now or later (4xx): a person must act."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unclear(LoopkeeperError):
    """Nobody can tell whether the request took effect (time-out, reset, 5xx): look before anything else."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NeedsPerson(LoopkeeperError):
    """There is no machine at the other end: a person has to say it. `how`: by what ("Phone")."""

    def __init__(self, reason: str, how: str) -> None:
        super().__init__(reason)
        self.how = how


@dataclass(frozen=True, slots=True)
class OutgoingReply:
    """One part of a reply, ready to be posted."""

    key: str
    brand: str
    in_reply_to: str
    text: str
    private: bool = False
    others: frozenset[str] = frozenset()
    """Remote ids of the case's other replies: what is found by its exact text must not be one of them."""


@dataclass(frozen=True, slots=True)
class PostedReply:
    """What the network says of a reply of ours."""

    where: Permalink
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Absent:
    """The network was asked and does not have it. `surely`: it showed everything, so that the absence proves something."""

    surely: bool


class Network(Protocol):
    """One network to post on."""

    honours_key: bool
    """Whether sending the same key again posts nothing new."""

    def post(self, reply: OutgoingReply) -> PostedReply:
        """Post it, once, without retries. Raises NotSent, Refused, Unclear or NeedsPerson."""
        ...

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        """Look for it among our own replies to that post: by its key, else by its exact text. Raises NotSent when looking fails."""
        ...


# --- the ledger of effects --------------------------------------------------------------------------------------------


class Standing(StrEnum):
    """How an effect stands when it is claimed."""

    NEW = "new"
    UNSENT = "unsent"
    UNCLEAR = "unclear"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect on an outside party. The key never contains an attempt."""

    key: str
    case_id: str
    party: str
    purpose: str
    withdrawn_by: str | None = None
    """The key of the history entry that calls the effect off, if it can be called off."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an effect says: the frozen text, in the parts in which it is sent, and the reference to it."""

    words: str
    text: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """What an effect will say, as it was composed for its first claim. `subject`: the person whom the words concern.

    `private`: nobody else reads it.
    """

    subject: str
    text: str
    parts: tuple[str, ...]
    private: bool = False


@dataclass(frozen=True, slots=True)
class WhatToSay:
    """A reply as it was decided, with the facts that its words may use. Moments are the loop's time, people are ids.

    `shown`: what everybody can read and had better not, in words. `private`: the customer alone will read it.
    `thread`: the merged case in whose thread it is said, and whose customer it greets. `link`: where more was said.
    """

    case_id: str
    policy: str
    words: str | None
    template: str | None
    variant: int
    department: str
    now: datetime
    owner: str | None = None
    signer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    opens: datetime | None = None
    shown: str = ""
    body: str = ""
    private: bool = False
    thread: str | None = None
    link: str | None = None


class StatusAddress(Protocol):
    """Where the status page of a case is."""

    def __call__(self, number: int, case_id: str, withdrawn: int, /) -> str:
        """Its address; always the same one for the same case, after so many links to it were withdrawn."""
        ...


class Composing(Protocol):
    """Where a reply's exact words are made."""

    def compose(self, say: WhatToSay) -> Composed:
        """The exact text, in the parts in which the network takes it. A person's own words are taken as they are. Raises TooLong."""
        ...


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a reply of ours stands on its network, so that answers to it find the case."""

    channel: str
    in_reply_to: str


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to carry out an effect for a while (`attempt` fences it), or how it stands if there is nothing to carry out."""

    standing: Standing
    attempt: int = 0
    content: Content | None = None
    unclear_for: timedelta | None = None
    done: PostedReply | None = None
    reason: str | None = None
    held_for: timedelta | None = None
    others: frozenset[str] = frozenset()
    """When it is unclear: the remote ids of the case's other effects."""


class Ledger(Protocol):
    """Once, and only once: a row for each effect, claimed before it is carried out and settled after."""

    def claim(self, effect: Effect, lease: timedelta, content: Callable[[], Composed] | Content | None) -> Claim:
        """Claim it. Called for the first time in the effect's life, it composes and freezes the content; later it finds it again."""
        ...

    def release(self, key: str, attempt: int, *, maybe_sent: bool, reason: str) -> None:
        """Give it back after a failure: surely not sent, or unclear."""
        ...

    def settle(self, effect: Effect, attempt: int, done: PostedReply, entry: Entry | None = None, thread: Thread | None = None) -> bool:
        """It is done: note the remote id, and the history entry, in one transaction. False when another attempt has taken over."""
        ...

    def give_up(self, key: str, attempt: int, *, unconfirmed: bool, reason: str) -> None:
        """It will not be done (refused), or nobody can tell (unconfirmed)."""
        ...


# --- policy -----------------------------------------------------------------------------------------------------------


class PolicyBook(Protocol):
    """All versions of the policy and its wording that were ever in force."""

    def active(self) -> Policy:
        """The policy that new cases begin with."""
        ...

    def active_for(self, brand: str) -> Policy:
        """The same, read anew before a brand counts as unknown: it may have come into force a moment ago."""
        ...

    def policy(self, policy_id: str) -> Policy:
        """A version by its id."""
        ...

    def wording(self, policy_id: str) -> Wording:
        """The wording that belongs to a version."""
        ...


# --- the desk ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Card:
    """Where the card of a case stands in a department's channel, up to which event its thread tells the story, and what it shows."""

    case_id: str
    department: str
    channel: str
    ts: str
    told: int
    shown_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of ours in Slack, and up to which event of the case it tells."""

    ts: str
    told: int


class Cards(Protocol):
    """Where the places of cards are kept."""

    def of_case(self, case_id: str) -> list[Card]:
        """All cards of a case, in every department that has had it."""
        ...

    def save(self, card: Card) -> None:
        """Keep a card's place, or how far it is told."""
        ...


class CaseFiles(Protocol):
    """Where case files are read."""

    def file(self, case_id: str) -> CaseFile:
        """The whole of a case."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """What a message carries unseen, so that it is found again when its answer was lost: the effect's key, and how far it tells."""

    key: str
    told: int


class Finding(Protocol):
    """Looks for our own messages in Slack."""

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """See `Desk.find`."""
        ...


class Desk(Protocol):
    """Where departments and the social team work."""

    def place(self, slack_channel: str) -> str:
        """The id of a channel that the policy names. Raises Refused when it is not there or not open to us."""
        ...

    def card_hash(self, file: CaseFile, department: str) -> bytes:
        """A hash of what the card of that department would show."""
        ...

    def post_card(self, place: str, file: CaseFile, department: str, mark: Mark) -> str:
        """Post the card; its ts. Raises NotSent, Refused or Unclear, like all below."""
        ...

    def update_card(self, card: Card, file: CaseFile) -> None:
        """Bring the card up to date in its place. Safe to repeat."""
        ...

    def tell(self, place: str, thread: str, file: CaseFile, lines: Sequence[Line], mark: Mark) -> str:
        """Tell a piece of the story in the card's thread; the message's ts."""
        ...

    def call_social(self, place: str, file: CaseFile, line: Line, mark: Mark) -> str:
        """Ask the social team, in its channel; the message's ts."""
        ...

    def announcement_waits(self, place: str, told: WaitingAnnouncement, policy: Policy, link: str, mark: Mark) -> str:
        """Tell the social team of a text to many customers that waits for a second person, with where to decide; the message's ts."""
        ...

    def open_direct(self, person: Person) -> str:
        """The id of the direct conversation with a colleague. Raises Refused when Slack does not know them (any more)."""
        ...

    def call(self, place: str, file: CaseFile, event: Escalated, draft: str | None, mark: Mark) -> str:
        """Call somebody: why, about what, and what they can do. `draft`: what could be posted at once. The message's ts."""
        ...

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        """Our message with that key; None when it surely is not there. Raises NotSent when looking fails."""
        ...


@dataclass(frozen=True, slots=True)
class CaseMail:
    """An e-mail that hands a case to a department, or calls somebody up the chain."""

    key: str
    to: str
    file: CaseFile
    department: str
    event: Escalated | None = None
    """The escalation that it is about; None for a handoff."""


class NoticeBoard(Protocol):
    """What is wrong and only an admin can mend."""

    def put_up(self, key: str, about: str) -> bool:
        """Note it. Whether it is new, so that admins are to be told."""
        ...

    def not_told(self, key: str) -> None:
        """Telling them has failed, and is to be tried again."""
        ...

    def take_down(self, key: str) -> None:
        """It is well again."""
        ...


class PlaceMemory(Protocol):
    """Where channels were when they were last found by their names."""

    def remember(self, name: str, channel: str) -> None:
        """Keep the id of the channel of that name."""
        ...

    def known(self, name: str) -> str | None:
        """The id that it had, if it was ever found."""
        ...


class Post(Protocol):
    """The mail service."""

    def notify(self, to: str, subject: str, text: str) -> None:
        """Tell an admin something. Raises NotSent, Refused or Unclear."""
        ...

    def send(self, mail: CaseMail) -> str:
        """Send it, once; the service's id of it. Raises NotSent, Refused or Unclear."""
        ...
