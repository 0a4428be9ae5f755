"""What the lists of open work give over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.rest_models import HeldOut

Saying = Literal["ask", "update", "resolve", "take_private"]
_AT = "2026-03-02T09:40:00Z"
_A_ROW: dict[str, Any] = {
    "case_id": "meridian-x-1846",
    "number": 42,
    "status": "handed_off",
    "priority": "high",
    "category": "billing",
    "department": "billing",
    "brand": "meridian",
    "channel": "x",
    "customer": "Sam Okafor",
    "text": "You charged me twice and nobody answers.",
    "owner": None,
    "opened_at": "2026-03-02T09:10:00Z",
    "due_at": _AT,
    "due_clock": "accept",
    "promise": None,
    "breached": [],
    "needs_us": None,
    "stalled_at": None,
}


class RowOut(BaseModel):
    """An open case in a list. For a department, what not everybody should read of the customer's words is masked, as in Slack."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])
    status: str = Field(examples=["handed_off"])
    priority: str = Field(examples=["high"])
    category: str = Field(examples=["billing"])
    department: str = Field(examples=["billing"])
    brand: str = Field(examples=["meridian"])
    channel: str = Field(examples=["x"])
    customer: str = Field(examples=["Sam Okafor"])
    text: str = Field(
        examples=["You charged me twice and nobody answers."],
        description="What they wrote first; empty for a key whose every reading goes on record.",
    )
    owner: str | None = Field(examples=["Ana Sousa"])
    opened_at: datetime
    due_at: datetime | None = Field(description="When the most urgent clock runs out; null while none runs.")
    due_clock: str | None = Field(examples=["accept"])
    promise: datetime | None = Field(description="When the customer was promised the next word.")
    breached: list[str] = Field(examples=[["accept"]], description="The clocks that have run out.")
    needs_us: str | None = Field(examples=["a draft waits for a second person"], description="Why the social team is needed.")
    stalled_at: datetime | None


class BoardColumnOut(BaseModel):
    """A column of the board."""

    key: str = Field(examples=["handed_off"], description="The status, or the department.")
    total: int = Field(examples=[12], description="How many cases it has.")
    cases: list[RowOut] = Field(examples=[[_A_ROW]], description="The most urgent of them.")


class BoardOut(BaseModel):
    """The open cases that the reader may see."""

    now: datetime = Field(description="The moment as of which it is told, by the loop's time.", examples=[_AT])
    by: Literal["status", "department"]
    counts: dict[str, int] = Field(examples=[{"all": 40, "late": 2, "needs_us": 3}], description="Of all open cases, whatever is filtered.")
    columns: list[BoardColumnOut]


class GroupOut(BaseModel):
    """Cases that need the same."""

    group: str = Field(examples=["stalled"])
    title: str = Field(examples=["Stalled"])
    why: str = Field(examples=["Everybody up the chain was called, and nobody has acted."])
    total: int = Field(examples=[3], description="How many there are; the most urgent 40 are told, each in its first group alone.")
    cases: list[RowOut] = Field(examples=[[_A_ROW]])


class UnreadableOut(BaseModel):
    """A message of a bridge that could not be read or placed."""

    number: int = Field(examples=[7])
    channel: str = Field(examples=["x"])
    reason: str | None = Field(examples=["the brand 'nobodys' is not in the policy; add it under brands:"])
    received_at: datetime


class WaitingAnnouncementOut(BaseModel):
    """A text to the customers of a shared cause that waits for a second person. What each of them would read: `/causes`."""

    cause: int = Field(examples=[3])
    name: str = Field(examples=["Outage in Leeds"], description="The cause's.")
    number: int = Field(examples=[7])
    what: Literal["update", "resolve"]
    author: str = Field(examples=["Hanna Weber"])
    made_at: datetime
    why: list[str] = Field(examples=[["customers"]])
    told: str = Field(examples=["it goes to many customers at once"], description="The same, in words.")


class InboxOut(BaseModel):
    """What needs the social team."""

    groups: list[GroupOut] = Field(examples=[[]])
    announcements: list[WaitingAnnouncementOut] = Field(examples=[[]], description="For whoever may decide on them; the oldest first.")
    unreadable: list[UnreadableOut] = Field(description="For whoever may see them; have one read again when what was wrong is mended.")


class WaitingDraftOut(HeldOut):
    """A draft, and its case. Approve or reject it by a command to the case, with its `step`."""

    case_id: str = Field(examples=["meridian-x-1846"])
    number: int = Field(examples=[42])


class DraftsOut(BaseModel):
    """Drafts that wait for a second person, by case, the oldest case first."""

    drafts: list[WaitingDraftOut]
    after: str | None = Field(examples=["WyJkcmFmdHMiLDQyXQ"], description="Send it as `after` for the next page; null: that was all.")


class OfferOut(BaseModel):
    """Something that can be done."""

    do: str = Field(examples=["update"], description="The command.")
    label: str = Field(examples=["Post update"], description="What the console's button says.")
    speaks: bool = Field(examples=[True], description="Whether words reach the customer by it.")


class OffersOut(BaseModel):
    """What whoever asks can do to the case now. The rules are asked, so that nobody writes in vain."""

    commands: list[OfferOut] = Field(examples=[[{"do": "update", "label": "Post update", "speaks": True}]])


class WritingOut(BaseModel):
    """Somebody who is writing to the customer."""

    name: str = Field(examples=["Ben Adeyemi"])
    saying: Saying


class WritersOut(BaseModel):
    """Who else is writing to the customer now."""

    others: list[WritingOut] = Field(examples=[[{"name": "Ben Adeyemi", "saying": "update"}]])
