"""What the API takes and tells. Made from its OpenAPI document by `python -m tests.client_models`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """What the API tells. What a later version of it tells besides is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Given(BaseModel):
    """What the API is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccessIn(Given):
    """Whose data is given out, and how."""

    customers: list[str]
    without: list[str] = []
    """Left out, though they are linked with the others as the same person."""
    form: Literal["json", "html"] = "json"
    """`html`: to be read."""


class ActivationIn(Given):
    """Files to put in force, or a version that was so before."""

    policy: str = ""
    """A policy file (YAML)."""
    wording: str = ""
    """A wording file (YAML)."""
    version: str | None = None
    """In place of files: a version that was in force before."""
    instead_of: str | None = None
    """The version that has to be in force until then; without it, any."""


class Activation(Told):
    """What is in force now. `changed`: whether it was not already."""

    version: str
    changed: bool


class AnnouncementIn(Given):
    """One text to the customers of all open cases of a cause. Each case says it as its own."""

    what: Literal["update", "resolve"]
    text: str
    root_cause: str | None = None
    """With `resolve`."""


class Behind(Told):
    """A case behind a figure."""

    case_id: str
    number: int
    since: datetime
    """When the customer wrote."""
    channel: str
    category: str
    department: str
    owner: str | None
    priority: str
    status: str
    acknowledged: int | None
    """Seconds until it was."""
    resolved: int | None
    """Seconds until it was."""
    late: list[str]
    """The clocks that ran out."""


class Calendar(Told):
    """When people work."""

    name: str
    zone: str
    week: dict[str, list[str]]
    """The spans of each weekday, by the clock on the wall there."""
    days: dict[date, list[str]]
    """Days with spans of their own."""
    holidays: list[date]
    """Public holidays, on which nobody works."""
    open_now: bool
    opens_at: datetime | None
    """While closed: when people work again."""


class CauseCases(Told):
    """A cause with its cases."""

    number: int
    name: str
    about: str
    department: str
    category: str | None
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    """When its resolution was sent last."""
    cases: int
    open: int
    """Not resolved yet."""
    closed: int
    case_ids: list[str]
    suggested: list[str]
    """Open cases of its category that share no cause."""


class CauseIn(Given):
    """A root cause that many cases share."""

    name: str
    """For colleagues. No customer's name."""
    about: str = ""
    department: str
    category: str | None = None
    """Open cases of it are suggested."""


class Cause(Told):
    """A cause, and how many cases share it."""

    number: int
    name: str
    about: str
    department: str
    category: str | None
    opened_at: datetime
    opened_by: str
    resolved_at: datetime | None
    """When its resolution was sent last."""
    cases: int
    open: int
    """Not resolved yet."""
    closed: int


class Change(Told):
    """What an event changed of the case."""

    what: str
    before: str
    after: str


class CommandIn(Given):
    """Something to be done to a case. Which of the other fields are needed depends on `do`."""

    do: Literal[
        "accept",
        "ask",
        "update",
        "take_private",
        "resolve",
        "reassign",
        "note",
        "set_priority",
        "set_category",
        "escalate_now",
        "snooze",
        "wait_on_third_party",
        "resume",
        "move_policy",
        "dismiss",
        "walk_away",
        "reopen",
        "waive_thank_you",
        "settle_reply",
        "read_private",
        "approve",
        "reject",
        "merge",
        "join_shared_cause",
        "leave_shared_cause",
    ]
    text: str | None = None
    root_cause: str | None = None
    cause_text: str | None = None
    """More on it, for us."""
    department: str | None = None
    tell_customer: bool = False
    """With reassign: tell the customer in public who has the case now."""
    removal: int | None = None
    """With update, in place of a text: ask the customer to remove the personal data that this event found in a post."""
    until: datetime | None = None
    """With snooze and wait_on_third_party."""
    seen: int | None = None
    """The `turn` that you have seen: refused if something has happened since."""
    promise: datetime | None = None
    """With words that promise the next ones: the `promise` of the text that you have seen. Without it, one is made anew."""
    replaces: int | None = None
    """With words to the customer: the step of your own waiting draft that they replace."""
    policy: str | None = None
    """The version to hold the case to."""
    into: str | None = None
    """With merge: the case that it goes on in."""
    cause: int | None = None
    """With join_shared_cause: its number."""
    priority: Literal["urgent", "high", "normal", "low"] | None = None
    category: str | None = None
    reason: Literal["spam", "nothing_to_answer", "duplicate"] | None = None
    step: int | None = None
    posted: bool | None = None
    permalink: str | None = None
    dry_run: bool = False
    """Do nothing; show the exact public text, or why it would be refused."""


class CustomerCase(Told):
    """A case of a customer; nothing that anybody wrote is in it."""

    case_id: str
    number: int
    identity: str
    """Whose it is, of the identities."""
    channel: str
    brand: str
    status: str
    is_open: bool
    priority: str
    category: str
    department: str
    owner: str | None
    opened_at: datetime
    due_at: datetime | None
    """When the next clock runs out."""
    due_clock: str | None
    breached: list[str]
    """The clocks that have run out."""


class CustomerIn(Given):
    """Who complains."""

    id: str
    """What tells them apart on that channel."""
    name: str | None = None
    handle: str | None = None


class DecisionIn(Given):
    """`send`: its author sends it, or has it approved. `approve`: a second person sends it. `reject`: it is not sent."""

    do: Literal["send", "approve", "reject"]
    text: str | None = None
    """With `reject`: why."""


class Delivery(Told):
    """One event for one subscription, and what became of it."""

    id: str
    """What the header `webhook-id` says, at every try."""
    type: str
    case_id: str | None
    """null for a test."""
    state: str
    """`dead`: all tries failed; replay it. `dropped`: the subscription was revoked."""
    tries: int
    """Since it was made, or last replayed."""
    next_try_at: datetime | None
    status: int | None
    """What the receiver answered last."""
    problem: str | None
    """What was wrong the last time."""
    created_at: datetime
    settled_at: datetime | None


class Department(Told):
    """A department, or the social team."""

    id: str
    name: str
    calendar: str | None
    """When it works; null: around the clock."""
    open_now: bool
    opens_at: datetime | None
    """While closed: when people work again."""
    has_lead: bool
    """Whether the policy names somebody who is called when nobody acts."""
    has_head: bool
    by_mail: bool
    """Whether it gets handoffs by e-mail when Slack is away."""
    categories: list[str]
    """What triage hands to it."""


class DigestIn(Given):
    """What you choose."""

    way: Literal["mail", "slack"]
    address: str
    """An e-mail address; for Slack your member id, or the address that Slack knows you by. It has to be confirmed first."""
    weekday: int = 1
    """Monday is 1."""
    hour: int = 8
    zone: str
    """Whose weekday and hour these are."""
    department: str | None = None
    """Only this one's cases; without it, all you see."""


class Digest(Told):
    """What you chose."""

    way: str
    address: str
    """An e-mail address; for Slack your member id, or the address that Slack knows you by. It has to be confirmed first."""
    weekday: int = 1
    """Monday is 1."""
    hour: int = 8
    zone: str
    """Whose weekday and hour these are."""
    department: str | None = None
    """Only this one's cases; without it, all you see."""
    confirmed: bool
    """Whether somebody has confirmed, by the link that was sent there, that they want it."""
    last_week: str | None
    """The Monday of the week in which the last one was sent."""


class Draft(Told):
    """Exactly what is posted, in the parts in which it goes out."""

    text: str
    parts: list[str]
    length: int
    limit: int
    private: str | None = None
    """The private message that goes with it."""
    promise: datetime | None = None
    """By when it promises the next word. Send it as `promise` to say exactly this."""
    note: str | None = None


class ErasureIn(Given):
    """An erasure as it is proposed."""

    customers: list[str]
    without: list[str] = []
    """Left out, though they are linked with the others as the same person."""
    reason: str
    """It stays on record for ever: refer to a ticket or a letter, and name nobody."""


class Erasure(Told):
    """An erasure that waits for a second person."""

    number: int
    customers: list[str]
    cases: list[str]
    reason: str
    proposed_by: str
    proposed_at: datetime


class Export(Told):
    """An export, and how far it is."""

    id: str
    form: str
    sought: str
    """The filter in words that name nobody, as the journal has it."""
    with_words: bool
    state: str
    """`broken_off`: for half a minute nothing was heard of it; `problem` and the state say how to go on."""
    cases: int | None
    """So many will be in it; null until that is chosen."""
    events: int | None
    written: int
    """So many events have left."""
    bytes: int
    checkpoint: int | None
    """The size of the log at the checkpoint that a bundle is held to."""
    not_sealed_yet: int | None
    """Events that came since, and are not in a bundle."""
    problem: str | None
    """What went wrong, and how to go on."""
    asked_at: datetime
    until: datetime
    """Until when it can be downloaded."""


class Figure(Told):
    """One number; `before` is what it was in as many days before."""

    key: str
    title: str
    unit: str
    value: str | int | float | None
    before: str | int | float | None


class Figures(Told):
    """What the cases add up to."""

    cases: int
    open: int
    thanks: int
    """How often they have thanked us."""
    resolved_in_time: int
    resolved_late: int


class FilesIn(Given):
    """Files to check. What is left out stays as it is in force."""

    policy: str = ""
    """A policy file (YAML)."""
    wording: str = ""
    """A wording file (YAML)."""


class Found(Told):
    """A case that was found; nothing that anybody wrote is in it."""

    case_id: str
    number: int
    opened_at: datetime
    brand: str
    channel: str
    department: str
    status: str
    priority: str
    category: str
    owner: str | None
    closed_at: datetime | None
    events: int


class Held(Told):
    """A draft that waits for a second person."""

    step: int
    """Name it so to approve or reject it."""
    what: str
    """What it becomes: ask, update, take_private or resolve."""
    text: str
    """Exactly what would go out."""
    private: bool
    """A private message goes with it; `read_private` shows that."""
    why: list[str]
    """By which rules of the policy it waits."""
    told: str
    author: str
    at: datetime
    stale: bool
    """Something has happened since it was written: approve it with `seen`, when you have read it again."""
    promise: datetime | None
    """When it promises the next word."""
    call_at: datetime
    """When another one is called about it, unless it is decided by then."""


class HoldIn(Given):
    """A legal hold as it shall be."""

    cases: list[str]
    reason: str
    """It stays on record for ever: refer to a ticket or a letter, and name nobody."""


class Hold(Told):
    """A hold in force."""

    number: int
    cases: list[str]
    reason: str
    set_by: str
    set_at: datetime


class KeyIn(Given):
    """A key to be made."""

    name: str
    """What it is for, or whose; shown wherever it acts."""
    role: Literal["social", "lead", "department", "auditor", "privacy", "admin"]
    departments: list[str] = []
    """For the role `department`: whose cases."""
    scopes: (
        list[
            Literal[
                "read_cases",
                "open_cases",
                "act",
                "read_private",
                "read_unreadable",
                "retry_unreadable",
                "link_customers",
                "read_reports",
                "read_owners",
                "read_policy",
                "change_policy",
                "export",
                "erase",
                "share_causes",
                "manage_access",
                "manage_webhooks",
            ]
        ]
        | None
    ) = None
    """To which of its role's rights it is narrowed."""
    expires_at: datetime | None = None
    """When it ends; without it, never."""


class KeyMade(Told):
    """A key that was just made."""

    id: str
    name: str
    role: str
    departments: list[str]
    scopes: list[str] | None
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None
    key: str
    """The key itself. It is not shown again."""


class Key(Told):
    """A key, without the key itself."""

    id: str
    name: str
    role: str
    departments: list[str]
    scopes: list[str] | None
    made_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None


class Kind(Told):
    """A report that there is."""

    name: str
    title: str
    about: str


class Line(Told):
    """What one case says, or why it is held back; and once it was sent, whether it was said."""

    case_id: str
    number: int
    customer: str
    held: str | None = None
    text: str | None = None
    said: bool = False


class LinkIn(Given):
    """Who is the same person, and how you know."""

    other: str
    """The other identity."""
    reason: str
    """Stays on record for ever; names nobody."""
    seen: list[str] | None = None
    """All identities of both, as you know them; refused when they are others by now."""


class Link(Told):
    """That an identity is linked with others as the same person."""

    how: str
    """`by_hand`, or `signed_in`: to the same account with the brand."""
    by: str
    role: str
    at: datetime
    reason: str
    """Empty when it was not by hand."""


class Mark(Told):
    """A warning, or a call up the chain, that a clock has led to."""

    percent: int
    """So much of the clock's time was used up."""
    to: str | None
    """Who was called; null: a warning, which calls nobody."""
    at: datetime
    """When; of a call that is repeated, the last time."""
    repeats: int


class Me(Told):
    """Whoever sent the request."""

    person: str
    """As histories name them."""
    name: str
    role: str
    departments: list[str]
    """Whose cases they see; of the role `department` alone."""
    way: str
    rights: list[str]
    """What they may do: access.md says what each is."""
    scopes: list[str] | None
    """To which rights the key is narrowed; null: to none."""
    session: str | None
    """The session's id, when a browser asks."""
    proof_until: datetime | None
    """Of a session: until when what needs a fresh proof can be done."""


class Offer(Told):
    """Something that can be done."""

    do: str
    """The command."""
    label: str
    """What the console's button says."""
    speaks: bool
    """Whether words reach the customer by it."""


class Opened(Told):
    """The case is being opened; it can be read in a moment."""

    case_id: str
    duplicate: bool
    """Whether a case for that post was there before."""


class Owned(Told):
    """A case of a customer."""

    case_id: str
    number: int
    status: str
    is_open: bool
    opened_at: datetime
    holds: list[int]
    """The holds on it."""


class Pause(Told):
    """A stretch in which a clock stood still."""

    since: datetime
    until: datetime | None
    """null: it still does."""


class Place(Told):
    """A copy out of reach."""

    case: str
    where: str


class PolicyChange(Told):
    """A key that means something else; null: it is not there. Of lists, what is gone and what is new."""

    key: str
    before: str | None
    after: str | None


class Private(Told):
    """What somebody wrote in private."""

    who: str
    at: datetime
    text: str


class ProvenEvent(Told):
    """An event as it was hashed (docs/audit.md says how), and its place in the log."""

    seq: int
    id: str
    us: int
    """When it was recorded: microseconds since 1970, UTC."""
    words: str | None
    """SHA-256 of the sealed words that belong to it."""
    prev: str
    """The hash of the event before."""
    hash: str
    doc: str
    """The exact text that was hashed."""
    leaf: int | None
    """Its number in the log; null while it is not covered by the checkpoint."""
    proof: list[str]
    """RFC 6962 inclusion proof: the hashes from the leaf up to the checkpoint's root."""


class ReportColumn(Told):
    """A column of a table. `unit`: text, day (ISO 8601), count, mean, share (0 to 1), seconds."""

    key: str
    title: str
    unit: str


class Row(Told):
    """An open case in a list. For a department, what not everybody should read of the customer's words is masked, as in Slack."""

    case_id: str
    number: int
    status: str
    priority: str
    category: str
    department: str
    brand: str
    channel: str
    customer: str
    text: str
    """What they wrote first; empty for a key whose every reading goes on record."""
    owner: str | None
    opened_at: datetime
    due_at: datetime | None
    """When the most urgent clock runs out; null while none runs."""
    due_clock: str | None
    promise: datetime | None
    """When the customer was promised the next word."""
    breached: list[str]
    """The clocks that have run out."""
    needs_us: str | None
    """Why the social team is needed."""
    stalled_at: datetime | None


class Rule(Told):
    """What retention would destroy by one rule of the policy."""

    rule: str
    older_than: datetime
    cases: int
    texts: int
    held: int
    """Cases that are due, and held."""


class Secret(Told):
    """A new secret."""

    secret: str
    """It is not shown again."""
    both_secrets_sign_until: datetime


class Session(Told):
    """Where somebody is signed in."""

    id: str
    person: str
    name: str
    role: str
    way: str
    """`oidc`, `key` or `local`."""
    signed_in_at: datetime
    seen_at: datetime
    """To the minute."""
    expires_at: datetime
    address: str
    browser: str


class SoughtIn(Given):
    """Which cases: what is named must all be true; nothing: everything. The same as the parameters of `GET /api/v1/cases`."""

    case: list[str] | None = None
    number: int | None = None
    customer: str | None = None
    person: str | None = None
    department: str | None = None
    channel: str | None = None
    brand: str | None = None
    kind: str | None = None
    words: str | None = None
    opened_from: str | None = None
    opened_until: str | None = None
    recorded_from: str | None = None
    recorded_until: str | None = None
    breached: Literal["acknowledge", "accept", "holding_update", "next_reply", "resolve", "thank_you"] | None = None
    outcome: Literal["open", "closed", "waived", "dismissed", "walked_away", "merged"] | None = None


class StatusLink(Told):
    """The link that holds. `withdrawn`: how many before it do not any more."""

    url: str
    withdrawn: int


class Time(Told):
    """A time in which a version was in force."""

    since: datetime
    until: datetime | None
    """Null while it is in force."""
    by: str
    name: str | None


class UnlinkIn(Given):
    """Why they are not the same person."""

    reason: str
    """Stays on record for ever; names nobody."""


class Unreadable(Told):
    """A message of a bridge that could not be read or placed."""

    number: int
    channel: str
    reason: str | None
    received_at: datetime


class Version(Told):
    """What a post said from a moment on."""

    at: datetime
    text: str


class Wait(Told):
    """Work waits on somebody outside."""

    since: datetime
    until: datetime | None
    """Then it is looked at again, whatever has come."""


class WaitingAnnouncement(Told):
    """A text to the customers of a shared cause that waits for a second person. What each of them would read: `/causes`."""

    cause: int
    name: str
    """The cause's."""
    number: int
    what: str
    author: str
    made_at: datetime
    why: list[str]
    told: str
    """The same, in words."""


class WaitingDraft(Told):
    """A draft, and its case. Approve or reject it by a command to the case, with its `step`."""

    step: int
    """Name it so to approve or reject it."""
    what: str
    """What it becomes: ask, update, take_private or resolve."""
    text: str
    """Exactly what would go out."""
    private: bool
    """A private message goes with it; `read_private` shows that."""
    why: list[str]
    """By which rules of the policy it waits."""
    told: str
    author: str
    at: datetime
    stale: bool
    """Something has happened since it was written: approve it with `seen`, when you have read it again."""
    promise: datetime | None
    """When it promises the next word."""
    call_at: datetime
    """When another one is called about it, unless it is decided by then."""
    case_id: str
    number: int


class WebhookIn(Given):
    """A subscription as it shall be."""

    url: str
    """Where events are posted to."""
    events: list[str] | None = None
    """Kinds of events; without it, all."""
    brands: list[str] | None = None
    """Of which brands; without it, of all."""
    description: str = ""
    active: bool = True
    """While it is not, deliveries wait."""


class WebhookMade(Told):
    """A subscription that was just made."""

    id: str
    url: str
    events: list[str] | None
    brands: list[str] | None
    description: str
    active: bool
    created_at: datetime
    both_secrets_sign_until: datetime | None
    """After the secret was changed: until when the one before signs as well."""
    secret: str
    """What its messages are signed with. It is not shown again."""


class Webhook(Told):
    """A subscription, without its secret."""

    id: str
    url: str
    events: list[str] | None
    brands: list[str] | None
    description: str
    active: bool
    created_at: datetime
    both_secrets_sign_until: datetime | None
    """After the secret was changed: until when the one before signs as well."""


class WhoIn(Given):
    """Whom to look for."""

    channel: str
    """A channel of the policy."""
    who: str
    """The handle, or the network's id."""


class WhomIn(Given):
    """Customers, by their ids."""

    customers: list[str]
    without: list[str] = []
    """Left out, though they are linked with the others as the same person."""


class WhyIn(Given):
    """Why."""

    reason: str
    """It stays on record for ever: refer to a ticket or a letter, and name nobody."""


class Writing(Told):
    """Somebody who is writing to the customer."""

    name: str
    saying: str


class Wrong(Told):
    """Something that is wrong with a file. `line` counts from 1; 0 is the file as a whole."""

    file: str
    line: int
    key: str
    reason: str


class Announcement(Told):
    """An announcement, with exactly what each case says of it."""

    cause: int
    number: int
    what: str
    author: str
    body: str
    """What its author wrote."""
    state: str
    why: list[str]
    """Why a second person must look at it first; empty: nobody must."""
    told: str
    """The same, in words."""
    decided_by: str | None = None
    reason: str | None = None
    """Why it was rejected."""
    cases: list[Line]


class Behinds(Told):
    """The cases behind a figure, the newest first."""

    cases: list[Behind]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""


class BoardColumn(Told):
    """A column of the board."""

    key: str
    """The status, or the department."""
    total: int
    """How many cases it has."""
    cases: list[Row]
    """The most urgent of them."""


class Calendars(Told):
    """The calendars of the policy in force."""

    calendars: list[Calendar]


class CaseIn(Given):
    """A case opened by hand: a phone call, a letter, a post that no bridge told us of."""

    brand: str
    channel: str
    text: str
    customer: CustomerIn
    post_id: str | None = None
    """The network's id of the post, when there is one."""
    url: str | None = None


class Causes(Told):
    """All of them, the newest first."""

    causes: list[Cause]


class Check(Told):
    """What came of a check."""

    fine: bool
    version: str | None
    """The version that it would be."""
    in_force: str
    """The version whose place it would take."""
    problems: list[Wrong]
    hints: list[str]
    changes: list[PolicyChange]


class Clock(Told):
    """A running deadline; `due_at` is null while it stands still."""

    name: str
    started_at: datetime
    due_at: datetime | None
    paused: bool
    """Whether it stands still, because somebody is waited for."""
    breached: bool
    marks: list[Mark]


class Command(Told):
    """It is done, or (dry run) would be done so."""

    done: bool
    status: str | None = None
    events: int | None = None
    public: Draft | None = None
    """The public reply, if there is one."""
    private: list[Private] | None = None
    """With read_private: what was written in private."""
    turn: int | None = None
    """Of a dry run: send it as `seen` with what you have read."""
    held: Held | None = None
    """Nothing went out yet: this waits for a second person."""


class Compared(Told):
    """What means something else in one version than in the other."""

    before: str
    after: str
    changes: list[PolicyChange]


class Deliveries(Told):
    """Deliveries, the newest first. `after`: send it for the next page; null means that this was the last."""

    deliveries: list[Delivery]
    after: str | None


class Departments(Told):
    """The departments of the policy in force, and the social team."""

    policy: str
    departments: list[Department]
    social_team: Department


class Drafts(Told):
    """Drafts that wait for a second person, by case, the oldest case first."""

    drafts: list[WaitingDraft]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""


class Erasures(Told):
    """Those that wait, the oldest first."""

    erasures: list[Erasure]


class Event(Told):
    """One event of a case's history, as it was recorded and hashed, and as people read it."""

    seq: int
    at: datetime
    recorded_at: datetime
    """When it was written down, by the database's clock."""
    kind: str
    by: str
    person: str
    role: str
    via: str
    rule: str | None
    """Of what the system did: the rule that called for it."""
    policy: str
    cause: str
    because_of: int | None
    """The number of the event that it follows from."""
    changes: list[Change]
    data: dict[str, Any]
    told: str | None
    words: str | None
    """What somebody wrote, when the event has words; null when erased."""


class ExportIn(Given):
    """An export as it shall be."""

    form: Literal["bundle", "jsonl", "csv", "html"] = "bundle"
    """`bundle`: with proofs. `jsonl`, `csv`: for programs and spreadsheets. `html`: one case."""
    sought: SoughtIn = Field(default_factory=lambda: SoughtIn())  # noqa: PLW0108 - it may be defined below
    with_words: bool = False
    """Also what people wrote in public (bundle, html). Put on record for each case."""
    since: int | None = None
    """The size of a checkpoint of yours that a filtered bundle is to prove that it continues."""


class Exports(Told):
    """One's own exports of the last day, the newest first."""

    exports: list[Export]


class FoundCases(Told):
    """A page of cases, the newest first."""

    cases: list[Found]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""
    not_searched_yet: int
    """So many events, of the last seconds, cannot be found yet."""


class Group(Told):
    """Cases that need the same."""

    group: str
    title: str
    why: str
    total: int
    """How many there are; the most urgent 40 are told, each in its first group alone."""
    cases: list[Row]


class Holds(Told):
    """The holds in force, the oldest first."""

    holds: list[Hold]


class Identity(Told):
    """A customer on one channel."""

    id: str
    channel: str
    handle: str | None
    name: str | None
    since: datetime
    """When they were first seen."""
    cases: int
    """So many of their cases you may see."""
    linked: Link | None


class KeptClock(Told):
    """One run of a clock, and what became of it."""

    clock: str
    cycle: int
    started_at: datetime
    due_at: datetime | None
    became: str
    """running, paused, met, met_late, or over: it was not owed any more."""
    met_at: datetime | None
    breached_at: datetime | None
    ended_at: datetime | None
    ended_by: int | None
    """The number of the event that ended it."""
    pauses: list[Pause]


class Keys(Told):
    """All keys there ever were, the oldest first."""

    keys: list[Key]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""


class Offers(Told):
    """What whoever asks can do to the case now. The rules are asked, so that nobody writes in vain."""

    commands: list[Offer]


class Outside(Told):
    """Copies of their words that have to be cleaned up by hand."""

    cards: list[Place]
    """Slack cards and their threads."""
    mails: list[Place]
    replies: list[Place]
    """Our replies on the network."""
    posts: list[Place]
    """Their posts on the network."""
    exports: list[str]
    """What may have left as a file, or was read."""


class PolicyVersion(Told):
    """A version of the policy."""

    id: str
    in_force: bool
    times: list[Time]
    """When it was in force, the newest first."""


class Proof(Told):
    """What proves a case, without any server: hashes, places in the log, the signed checkpoint."""

    case: str
    events: list[ProvenEvent]
    missing: list[int]
    """Numbers of events that are in the log and not in the history: it was changed."""
    checkpoint: str | None
    """The newest one, a C2SP signed note; null: nothing is sealed yet."""
    size: int
    """So many events it covers."""
    keys: list[str]
    """The log's, as this server has them."""
    consistency: list[str] | None
    """RFC 6962 consistency proof from the log at the size `since`; null without that."""
    fault: str | None
    """Why the log in the database cannot give what it should."""


class Retention(Told):
    """What retention would destroy now; housekeeping does it once a day. No rules: everything is kept."""

    rules: list[Rule]


class Said(Told):
    """A post, or a reply of ours, with every version of it that we saw."""

    seq: int
    at: datetime
    voice: str
    """customer, somebody (else in the thread) or us."""
    who: str
    purpose: str | None
    private: bool
    versions: list[Version]
    links: list[str]
    deleted_at: datetime | None


class Sessions(Told):
    """The sessions with which somebody can go on now, those that began last first."""

    sessions: list[Session]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""


class Subject(Told):
    """A customer on one channel."""

    id: str
    channel: str
    handle: str | None
    name: str | None
    since: datetime
    cases: list[Owned]


class Table(Told):
    """A table: its columns, and each row's values in their order."""

    name: str
    title: str
    columns: list[ReportColumn]
    rows: list[list[str | int | float | None]]


class VersionWhole(Told):
    """A version with its files."""

    id: str
    in_force: bool
    times: list[Time]
    """When it was in force, the newest first."""
    policy: str
    """The policy file (YAML), exactly as it was put in force."""
    wording: str
    """The wording file (YAML), likewise."""
    holidays: dict[str, list[str]]
    """The dates on which each calendar is closed."""


class Webhooks(Told):
    """All subscriptions that are not revoked, the oldest first."""

    webhooks: list[Webhook]


class Writers(Told):
    """Who else is writing to the customer now."""

    others: list[Writing]


class Board(Told):
    """The open cases that the reader may see."""

    now: datetime
    """The moment as of which it is told, by the loop's time."""
    by: str
    counts: dict[str, int]
    """Of all open cases, whatever is filtered."""
    columns: list[BoardColumn]


class Case(Told):
    """A case as it stands."""

    case_id: str
    number: int
    status: str
    brand: str
    channel: str
    customer: str
    text: str
    url: str | None
    intent: str
    category: str
    priority: str
    department: str
    owner: str | None
    policy: str
    opened_at: datetime | None
    promise: datetime | None
    """The next word to the customer was promised for this moment."""
    closing_permalink: str | None
    waived_by: str | None
    cause: int | None
    """The number of the cause that it shares with others."""
    merged_into: str | None
    """The case that this one goes on in."""
    took_in: list[str]
    """Cases that were merged into this one."""
    stalled_at: datetime | None
    """Since when everybody up the chain has been called, and nobody has acted."""
    snoozed_until: datetime | None
    """Until then, reminders to the owner and the department wait."""
    waiting_on_third_party: Wait | None
    questions: int
    """Questions to the customer that wait until the open one is answered."""
    drafts: list[Held]
    """What waits for a second person."""
    clocks: list[Clock]
    events: int
    turn: int
    """What whoever speaks to the customer must have seen; send it as `seen`."""


class Customer(Told):
    """A customer, from the side of one identity: the others are those that are linked with it."""

    id: str
    identities: list[Identity]
    """The one that was asked for first."""
    cases: list[CustomerCase]
    """Open ones first, the most urgent before; at most 100."""
    figures: Figures


class Customers(Told):
    """Who was found."""

    customers: list[Identity]


class Erased(Told):
    """What was destroyed, and what is left to do by hand."""

    customers: int
    cases: list[str]
    texts: int
    without_a_case: int
    outside: Outside


class History(Told):
    """A case's history."""

    case_id: str
    as_of: datetime | None
    """The moment as of which it is told; null: now."""
    status: str
    """The case's status then."""
    verified: bool
    """Whether the hash chain holds."""
    fault: str | None
    """If not, what is wrong."""
    sealed: int
    """So many of its events are in the log; others came in the last moments."""
    checkpoint: int | None
    """The size of the newest signed checkpoint."""
    proven: bool
    """Whether those are proven to be in that checkpoint."""
    proof_fault: str | None
    """If not, what is wrong."""
    conversation: list[Said]
    clocks: list[KeptClock]
    events: list[Event]
    after: str | None = None
    """Send it as `after` for the next page of events; null: that was all."""


class Inbox(Told):
    """What needs the social team."""

    groups: list[Group]
    announcements: list[WaitingAnnouncement]
    """For whoever may decide on them; the oldest first."""
    unreadable: list[Unreadable]
    """For whoever may see them; have one read again when what was wrong is mended."""


class Report(Told):
    """A report. `wanted`: the days and the filters; `as_of`: up to when everything had been taken up; `says`: what follows from it."""

    report: str
    title: str
    about: str
    says: str | None
    wanted: dict[str, str]
    as_of: datetime | None
    figures: list[Figure]
    tables: list[Table]


class Scope(Told):
    """Everything that an erasure concerns."""

    customers: list[Subject]
    elsewhere: list[str]
    """Cases of others in which they wrote."""
    texts: int
    """So many texts are destroyed: theirs, our answers, notes about them."""
    without_a_case: int
    """Messages of theirs that found no case."""
    objection: str | None
    """Why it cannot be done now, and what to do first."""
    outside: Outside


class SubjectsFound(Told):
    """Who was found. Whether those of `others` are the same person, people decide."""

    there: list[Subject]
    linked: list[Subject]
    """Linked with them as the same person: erased and given out with them."""
    others: list[Subject]
    """Called the same on other channels."""


class Versions(Told):
    """All versions that were ever in force, the newest first."""

    in_force: str
    policies: list[PolicyVersion]
    after: str | None
    """Send it as `after` for the next page; null: that was all."""


class ErasureWithScope(Told):
    """An erasure that waits, and what it concerns as of now."""

    erasure: Erasure
    scope: Scope
