"""A case: what everybody reads, what only we know, its clocks, and what can be done about it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from adapters.postgres.causes import Cause
from adapters.postgres.drafts import Writing
from adapters.postgres.rows import Row
from adapters.slack.forms import DISMISSALS, PRIORITIES
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.acting import Draft
from api.console.ground import Ground, discreet, sees_whole, zone_of
from api.console.offers import BY_NAME, SAYINGS, Offer, offered, other_departments
from api.console.visiting import visitor_of
from api.doing import LEADING
from api.doing import done as told_of
from api.letting import refused
from api.looking import since
from api.reading import ON_RECORD
from api.saying import asking_note
from domain.approving import DRAFTS, why_held
from domain.case import HeldDraft
from domain.casefile import CaseFile
from domain.commands import Approve, SettleReply
from domain.conversation import conversation, unsettled
from domain.difference import Run, difference
from domain.events import DraftApproved, DraftHeld, PersonalDataSeen, WalkAwayProposed
from domain.kept_clocks import KeptClock, kept_clocks
from domain.policy import CasePolicy
from domain.rights import Right, may_not
from domain.sentences import say
from domain.story import Line, called, story
from domain.view import needs_human

IS_DONE: Mapping[str, str] = {
    "accept": say("The case has its owner now: it is yours."),
    "update": say("Your update is on its way to the customer."),
    "ask": say("Your question is on its way to the customer."),
    "resolve": say("Resolved. The thank-you is on its way to the customer."),
    "private": say("Your message is on its way, and the public line that says so."),
    "move": say("The case is with its new department."),
    "again": say("It is being posted now."),
    "held": say("It waits for a second person. Until they decide, the system keeps what the customer was promised."),
    "approved": say("Approved: it is on its way to the customer."),
    "rejected": say("It will not go out. Its author reads your reason in the story."),
    "settled": say("It is on record."),
    "policy": say("The case is held to that version of the policy now."),
}

TITLES: Mapping[str, str] = {
    **{name: offer.label for name, offer in BY_NAME.items()},
    "settle": say("A reply to decide on"),
    "draft": say("A draft to decide on"),
    "private_words": say("What was written in private"),
}


@dataclass(frozen=True)
class Panel:
    """What stands in the place for doing something: a form, or the exact text to be confirmed.

    `given`: what was filled in, to be shown again; `news`: what has happened since the words were written.
    """

    do: str
    given: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    draft: Draft | None = None
    ticket: str | None = None
    note: str | None = None
    news: Sequence[Line] = ()
    private_words: Sequence[tuple[str, datetime, str]] | None = None
    is_shut: bool = False
    """It cannot be done now, so that there is nothing to be filled in."""
    edits: HeldDraft | None = None
    """The draft of a colleague that is decided on. `around`: its greeting and signature are made anew; `before`: as its author has it."""
    around: bool = False
    before: str | None = None


@dataclass(frozen=True)
class CasePage:
    """The page."""

    ground: Ground

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.READ_CASES))])
        router.add_api_route("/console/cases/{case_id}", self.show, methods=["GET"])
        return router

    async def show(self, request: Request, case_id: str, do: str = "", did: str = "") -> Response:
        """The case; with a form, when somebody wants to do something."""
        visitor = visitor_of(request)
        file = await self.ground.file(visitor, case_id)
        if visitor.actor.role in ON_RECORD:
            await self.ground.looking.noted(case_id, visitor.actor)
        panel = Panel(do) if do in BY_NAME else None
        if do in SAYINGS and any(offer.do == do for offer in self._offered(visitor, file, await self.ground.looking.had_by(case_id))):
            await self.ground.looking.begins_to_write(case_id, visitor.actor.person, do)
        return await self.render(request, visitor, file, panel, done=self._told(did, visitor))

    async def render(
        self, request: Request, visitor: Visitor, file: CaseFile, panel: Panel | None, *, done: str | None = None, status: int = 200
    ) -> Response:
        """The page as it stands, with this in the place for doing something."""
        ground, whole = self.ground, sees_whole(visitor)
        scope, person = visitor.sees_departments, visitor.actor.person
        policy = await ground.looking.policy()

        def look() -> tuple[frozenset[str], list[Writing], str | None, list[Row], list[KeptClock]]:
            return (
                ground.had_by(file.case_id),
                ground.store.drafts.others(file.case_id, person),
                ground.store.records.verify(file.case_id),
                ground.store.board.of_the_same_customer(file.case_id, scope),
                self._clocks(file),
            )

        had_by, writing, fault, others, clocks = await ground.read_together(look)
        offers = self._offered(visitor, file, had_by)
        if panel is not None and panel.do in BY_NAME and panel == Panel(panel.do) and all(offer.do != panel.do for offer in offers):
            panel = Panel(panel.do, problem=await self._why_not(visitor, file, panel.do), is_shut=True)
        zone = zone_of(file.policy, file.case.brand)
        values: dict[str, Any] = {
            "here": "case",
            "refresh": None if visitor.actor.role in ON_RECORD else f"/console/cases/{file.case_id}",  # each look of theirs is on record
            "titles": TITLES,
            "file": file,
            "case": file.case,
            "zone": zone,
            "done": done,
            "taken_in": [thread.case for thread in file.case.threads if thread.case != file.case_id],
            "panel": panel,
            "offers": offers,
            "writing": writing,
            "said": conversation(file, whole=whole),
            "lines": story(file, whole=whole),
            "running": sorted((one for one in clocks if one.ended_at is None), key=lambda one: (one.due_at is None, one.due_at)),
            "ran": [one for one in reversed(clocks) if one.ended_at is not None],
            "needs": needs_human(file.case),
            "unsettled": unsettled(file) if not file.case.is_over else [],
            "held": [(draft, since(file, draft.turn) if file.case.turn > draft.turn else ()) for draft in file.case.held],
            "called": called,
            "changes": _changes(file),
            "difference": difference,
            "draft_called": DRAFTS,
            "why_held": why_held,
            "decides_drafts": visitor.may(Right.ACT) and may_not(visitor.colleague, Approve, file.case, file.policy) is None,
            "settles": visitor.may(Right.ACT) and may_not(visitor.colleague, SettleReply, file.case, file.policy) is None,
            "removable": _removable(file),
            "reads_private": file.case.has_private_words and (visitor.may(Right.READ_PRIVATE) or person == file.case.owner),
            "fault": fault,
            "others": discreet(visitor, policy, others),
            "once": str(uuid.uuid4()),
            "form": {
                **_form(file, visitor, panel, zone),
                "versions": await self._versions(file, panel),
                "causes": await self._causes(panel),
            },
        }
        return await ground.page(request, "case.html", visitor, values, status=status)

    def _clocks(self, file: CaseFile) -> list[KeptClock]:
        def policy_of(version: str) -> CasePolicy:
            return self.ground.store.book.policy(version).for_case(file.case.brand, file.case.channel)

        return kept_clocks(file.case_id, file.history, policy_of)

    async def _versions(self, file: CaseFile, panel: Panel | None) -> list[tuple[str, bool]]:
        """The versions of the policy that the case is not held to, the newest first, and which is in force; for their form alone."""
        if panel is None or panel.do != "policy":
            return []
        times = await self.ground.read(self.ground.store.book.times)
        versions = dict.fromkeys(one.policy_id for one in times)
        return [(one, one == times[0].policy_id) for one in versions if one != file.case.policy]

    async def _causes(self, panel: Panel | None) -> list[Cause]:
        """The causes that are not resolved, for the form that joins one of them."""
        if panel is None or panel.do != "cause":
            return []
        return await self.ground.read(lambda: self.ground.store.causes.listed(only_open=True))

    def _offered(self, visitor: Visitor, file: CaseFile, had_by: frozenset[str]) -> list[Offer]:
        if not visitor.may(Right.ACT):  # by role, or because the key that they came with was made without
            return []
        return offered(file, visitor.colleague, self.ground.looking.now(), had_by)

    async def _why_not(self, visitor: Visitor, file: CaseFile, do: str) -> str:
        """Why something is not offered."""
        offer = BY_NAME[do]
        sample = offer.sample(file, visitor.actor, self.ground.looking.now())
        if sample is None:
            return say("There is nothing else that could be chosen.")
        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, offer.kind, lambda _by: sample)
        return refusal.reason if refusal is not None else say("This cannot be done now.")

    def _told(self, did: str, visitor: Visitor) -> str | None:
        if did in IS_DONE:
            return IS_DONE[did]
        return told_of(did, visitor.actor) if did in BY_NAME else None  # type: ignore[arg-type]  # what speaks is told above


def _changes(file: CaseFile) -> dict[int, list[Run]]:
    """What was changed in drafts while they waited, by the numbers of the events that say so."""
    return {
        seq: difference(file.text_of(entry.event.before), file.text_of(entry.event.words))
        for seq, entry in file.history
        if isinstance(entry.event, DraftApproved | DraftHeld) and entry.event.before is not None and not file.is_private(entry.event.words)
    }


def _form(file: CaseFile, visitor: Visitor, panel: Panel | None, zone: ZoneInfo) -> dict[str, Any]:
    """What the forms offer to choose from."""
    proposed = [(entry.by.person, entry.event.words) for _, entry in file.history if isinstance(entry.event, WalkAwayProposed)]
    return {
        "departments": [(one, file.department_name(one)) for one in other_departments(file)],
        "priorities": [(priority.value, label) for priority, label in PRIORITIES.items()],
        "categories": list(file.case_policy.categories),
        "dismissals": list(DISMISSALS.items()),
        "decides": visitor.actor.role in LEADING,
        "proposed": [(file.name_of(person), file.text_of(words)) for person, words in proposed[-1:]],
        "asking": asking_note(file) if panel is not None and panel.do == "ask" else None,
        "zone": zone.key,
    }


def _removable(file: CaseFile) -> int | None:
    """The number of the event that found personal data in a post last; None when nothing is to be removed."""
    seen = [seq for seq, entry in file.history if isinstance(entry.event, PersonalDataSeen)]
    return seen[-1] if seen and file.case.is_open and not file.case.first_deleted else None
