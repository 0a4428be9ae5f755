"""Speaking to the customers of all cases of a cause: a text is made for each, shown, looked at by a second person, and handed over.

The console, Slack and the REST API share it. What a case does with it, its own rules say (`domain.sharing`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.service import RPCError

from adapters.postgres.causes import Announcement, Cause, Line, Made, What
from adapters.postgres.rows import Row
from adapters.postgres.store import Store
from api.acting import Acting, Draft, as_it_goes_out
from api.approving import reasons_for
from domain import commands as c
from domain.approving import CUSTOMERS, are_one, is_trainee
from domain.casefile import CaseFile
from domain.decide import decide
from domain.errors import LoopkeeperError
from domain.events import HeldBack
from domain.rights import EVERYWHERE
from domain.sentences import say
from domain.values import Actor

MOST = 300
"""Cases that one text is made for. A cause that has more is told of to all of them by a post of the brand, and not by so many replies."""
_OVER = ("closed", "dismissed", "walked_away", "merged")

SETTLED = c.Refusal("settled", say("This was sent or rejected already."))
_ONES_OWN = c.Refusal("ones_own", say("You wrote this yourself. Somebody else must approve it."))
_NAMESAKE = c.Refusal(
    "ones_own", say("This was written by somebody of your own name, which looks like yourself. Somebody else must approve it.")
)
_TRAINEE = c.Refusal("not_allowed", say("You are in training. Somebody else must approve this."))
_NOT_YOURS = c.Refusal("not_yours", say("Only whoever wrote this sends it."))
_NOTHING = c.Refusal("nothing_to_send", say("No case would say this now: look at why each of them holds it back."))


@dataclass(frozen=True, slots=True)
class NotJoined:
    """A case that does not share the cause, and why."""

    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What one case would say, in its `parts`, or why it holds it back. `was_said`: its history says that it was."""

    row: Row
    parts: tuple[str, ...]
    told: str
    held: str | None
    was_said: bool


@dataclass(frozen=True)
class Sharing:
    """What the social team does with causes."""

    store: Store
    acting: Acting
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]]

    async def join(self, cause: Cause, cases: Sequence[str], actor: Actor, once: str) -> list[NotJoined]:
        """Have these cases share the cause; those that do not, with the reason."""
        return await self._each(cases, lambda case: c.JoinSharedCause(f"{once}:{case}", actor, cause.number))

    async def leave(self, case: str, actor: Actor, once: str) -> list[NotJoined]:
        """Have a case share its cause no longer."""
        return await self._each([case], lambda _: c.LeaveSharedCause(once, actor))

    async def _each(self, cases: Sequence[str], command: Callable[[str], c.Command]) -> list[NotJoined]:
        refused = []
        for case in dict.fromkeys(cases):
            try:
                answer = await self.acting.act(case, command(case))
            except RPCError:
                refused.append(NotJoined(case, say("No answer in time; it may still be done. Look again in a moment.")))
            except LoopkeeperError as error:
                refused.append(NotJoined(case, str(error)))
            else:
                if answer.refusal is not None:
                    refused.append(NotJoined(case, answer.refusal.reason))
        return refused

    async def make(self, cause: Cause, what: What, root_cause: str | None, body: str, actor: Actor, key: str) -> int:
        """Make the text for each case, and keep it as a draft; its number. Nothing is sent. Raises LoopkeeperError."""
        members = [
            row for row in await self.in_thread(lambda: self.store.causes.members(cause.number, MOST + 1)) if row.status not in _OVER
        ]
        if len(members) > MOST:
            raise LoopkeeperError(
                say(
                    "More than {most} open cases share {cause}: so many are better told by one post of the brand.",
                    most=MOST,
                    cause=cause.title,
                )
            )
        if not members:
            raise LoopkeeperError(say("No open case shares {cause} yet. Add cases first.", cause=cause.title))
        customers = await self.in_thread(lambda: self.store.causes.customers([row.case_id for row in members]))
        heard: dict[str, Row] = {}
        lines: list[Line] = []
        why: dict[str, None] = {}
        for row in members:
            before = heard.get(customers[row.case_id])
            if before is not None:
                lines.append(
                    Line(row.case_id, held=say("its customer hears it in #{number}: merge this one into it", number=before.number))
                )
                continue
            line, reasons = await self._line(row.case_id, cause, what, root_cause, body, actor)
            lines.append(line)
            if line.words is not None:
                heard[customers[row.case_id]] = row
                why |= dict.fromkeys(reasons)
        policy = await self.in_thread(self.store.book.active)
        most = policy.approvals.customers_above if policy.approvals is not None else None
        if most is not None and len(heard) > most:
            why[CUSTOMERS] = None
        made = Made(cause.number, key, what, root_cause, body, tuple(why), actor, lines)
        number: int = await self.in_thread(lambda: self.store.causes.make(made))
        return number

    async def _line(
        self, case_id: str, cause: Cause, what: What, root_cause: str | None, body: str, actor: Actor
    ) -> tuple[Line, Sequence[str]]:
        """What one case would say, and why a second person must look at it."""
        file = await self.acting.file(case_id)
        try:
            draft = await self.acting.draft(case_id, what, body, actor)
        except LoopkeeperError as error:
            return Line(case_id, held=str(error)), ()
        held = _held_back(file, cause, what, root_cause, draft, actor)
        if held is not None:
            return Line(case_id, held=held), ()
        kept = await self.acting.keep_draft(case_id, draft)
        reasons = await self.in_thread(lambda: reasons_for(self.store, file, body, actor.person))
        pressing = (f"priority:{file.case.priority.value}",) if file.case.priority in file.case_policy.approve_priorities else ()
        return Line(case_id, kept.words, draft.promise, draft.turn), (*pressing, *reasons)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def shown(self, announcement: Announcement, lines: Sequence[Line]) -> list[Shown]:
        """Exactly what each customer will read, or has read, by case."""
        shown: list[Shown] = await self.in_thread(lambda: self._shown(announcement, lines))
        return shown

    def _shown(self, announcement: Announcement, lines: Sequence[Line]) -> list[Shown]:
        causes, cases = self.store.causes, [line.case_id for line in lines]
        outcomes = causes.outcomes(announcement.number, cases) if announcement.state == "sent" else {}
        rows = {row.case_id: row for row in causes.of_cases(cases)}
        return [self._each_shown(rows[line.case_id], line, outcomes) for line in lines]

    def _each_shown(self, row: Row, line: Line, outcomes: Mapping[str, str | None]) -> Shown:
        if line.words is None:
            return Shown(row, (), "", line.held, was_said=False)
        try:
            file = self.store.reader.file(line.case_id)
            draft = as_it_goes_out(file, file.text_of(line.words), line.promise)
        except LoopkeeperError as error:
            return Shown(row, (), "", str(error), was_said=False)
        held = outcomes.get(line.case_id)
        return Shown(row, draft.parts, draft.told, held, was_said=line.case_id in outcomes and held is None)

    # --- deciding -----------------------------------------------------------------------------------------------------

    async def send(self, announcement: Announcement, lines: Sequence[Line], actor: Actor) -> c.Refusal | None:
        """Its author wants it sent: it goes to every case, or waits for a second person."""
        if announcement.state != "draft":
            return SETTLED
        if announcement.author.person != actor.person:
            return _NOT_YOURS
        if all(line.words is None for line in lines):
            return _NOTHING
        if announcement.why:
            await self.in_thread(lambda: self.store.causes.wait(announcement.number))
            return None
        return await self._hand_over(announcement, actor)

    async def may_not_approve(self, announcement: Announcement, actor: Actor) -> c.Refusal | None:
        """Why this second person cannot have it sent; None when they can. They speak for many cases: `domain.rights` says who may."""
        if announcement.state != "waiting":
            return SETTLED
        refusal: c.Refusal | None = await self.in_thread(lambda: self._is_no_second(announcement, actor))
        return refusal

    async def approve(self, announcement: Announcement, actor: Actor) -> c.Refusal | None:
        """A second person has read what each of them will read, and has it sent."""
        return await self.may_not_approve(announcement, actor) or await self._hand_over(announcement, actor)

    async def reject(self, announcement: Announcement, actor: Actor, reason: str | None) -> c.Refusal | None:
        """It is not sent. Whoever wrote it may take it back so."""
        if announcement.state == "draft" and announcement.author.person != actor.person:
            return _NOT_YOURS
        done = await self.in_thread(lambda: self.store.causes.reject(announcement.number, actor.person, reason))
        return None if done else SETTLED

    async def _hand_over(self, announcement: Announcement, actor: Actor) -> c.Refusal | None:
        return None if await self.in_thread(lambda: self.store.causes.send(announcement, actor.person)) else SETTLED

    def _is_no_second(self, announcement: Announcement, actor: Actor) -> c.Refusal | None:
        author = announcement.author.person
        if actor.person == author:
            return _ONES_OWN
        assert actor.role in EVERYWHERE, "only these come to causes"
        name = self.store.people.name(actor.person)
        if is_trainee(self.store.book.active(), actor.person, name):
            return _TRAINEE
        return _NAMESAKE if are_one(name, self.store.people.name(author)) else None


def _held_back(file: CaseFile, cause: Cause, what: What, root_cause: str | None, draft: Draft, actor: Actor) -> str | None:
    """Why the case would hold it back as it stands; None when it would say it."""
    told = c.Announce("", actor, cause.number, 0, what, draft.text, None, root_cause, draft.turn, "somebody else")
    decided = decide(file.case, told, file.case_policy, file.history[-1][1].event.at)
    assert not isinstance(decided, c.Refusal), "what reaches a case through the inbox is not refused"
    return next((event.why for event in decided if isinstance(event, HeldBack)), None)
