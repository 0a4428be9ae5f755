"""Acting on a case for a person: make the exact words, show them, and then have it done.

Slack, the pages behind e-mail links and the REST API share it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from adapters.postgres.composing import parts, room
from adapters.postgres.store import Store
from api.approving import has_body, may_not_decide, mind_edit, own_draft, waiting, waits, will_wait, with_reasons
from api.drafting import mind, removal
from domain import commands as c
from domain.approving import why_held
from domain.casefile import CaseFile
from domain.clocks import may_promise, promise_from
from domain.commands import SAID_ALREADY, Command, Refusal
from domain.decide import decide
from domain.decide_command import not_now
from domain.errors import LoopkeeperError, NotPromised, SaidAlready, TooLong, WaitsAlready
from domain.events import AskQueued, ReplyPlanned
from domain.limits import length
from domain.pace import Pace
from domain.policy import Policy
from domain.ports import WhatToSay
from domain.sentences import say
from domain.values import PRIVATE_PURPOSES, Actor, Purpose
from domain.wording import tidy
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

Saying = Literal["ask", "update", "resolve"]
_TEMPLATES: dict[Saying, str] = {"ask": "ask.person", "update": "update.person", "resolve": "thank_you.resolved"}
_T = TypeVar("_T")
_SOON = 0.2
NOT_YET = Refusal("later", say("This case is on record and has not been taken up yet. Nothing was done; try again in a minute."))


@dataclass(frozen=True, slots=True)
class Draft:
    """Exactly what would be posted: the whole text, the parts in which it goes out, and its length in the network's counting.

    `turn`: the case's, when this was made; whoever has read it sends it along as `seen`. `body`: of a question, the part that people
    wrote, so that another one can join it.
    """

    text: str
    parts: tuple[str, ...]
    length: int
    limit: int
    network: str
    promise: datetime | None
    turn: int = 0
    body: str = ""
    joins: int | None = None
    """The step of an ask that is not posted yet, and whose question this one asks too."""
    alone: str | None = None
    """Then: the text of this question alone, for the case that it comes too late to join."""
    alone_body: str | None = None
    private: str | None = None
    """The private message that goes with it, whole."""
    private_body: str | None = None
    """What the person wrote of that."""
    note: str | None = None
    """What else the person should know before they send it, in a sentence."""
    needs_second: bool = False
    """Whether it then waits for a second person."""

    @property
    def told(self) -> str:
        """Its length, in words."""
        if len(self.parts) == 1:
            return f"{self.length:,} of {self.limit:,} characters, as {self.network} counts them."
        return f"{self.length:,} characters; {self.network} takes {self.limit:,}, so it goes out in {len(self.parts)} posts."


@dataclass(frozen=True, slots=True)
class Kept:
    """The references to a draft's words, as commands take them."""

    words: str
    alone: str | None = None
    private: str | None = None


class Acting:
    """What people can do to cases."""

    def __init__(self, store: Store, gateway: CaseGateway, threads: Executor, pace: Pace) -> None:
        self._store = store
        self._gateway = gateway
        self._threads = threads
        self._pace = pace

    async def file(self, case_id: str) -> CaseFile:
        """The whole of a case. Raises NoSuchCase."""
        return await self._in_thread(lambda: self._store.reader.file(case_id))

    async def stands(self, case_id: str) -> tuple[int, str] | None:
        """See `PostgresReader.stands`."""
        return await self._in_thread(lambda: self._store.reader.stands(case_id))

    async def policy(self, version: str) -> Policy:
        """A version of the policy. Raises NoPolicy."""
        return await self._in_thread(lambda: self._store.book.policy(version))

    async def draft(
        self, case_id: str, saying: Saying, body: str, actor: Actor, replaces: int | None = None, promise: datetime | None = None
    ) -> Draft:
        """The exact text that saying this would post now.

        Raises NoSuchCase, NotWaiting, TooLong, SaidAlready, ShowsPersonalData, NotPromised.

        A question goes out together with one that is not posted yet; while one is open, it waits. `replaces`: the step of the actor's own
        draft that waits, in the place of which this goes. `promise`: the one that they were shown; None: one is made.
        """
        return await self._in_thread(lambda: self._draft(case_id, saying, body, actor, replaces, promise))

    async def draft_of_move(self, case_id: str, department: str, actor: Actor, promise: datetime | None = None) -> Draft:
        """The exact text that would tell the customer that this department has the case. Raises NoSuchCase, NoWording, NotPromised.

        `promise`: as with `draft`.
        """
        return await self._in_thread(lambda: self._draft_of_move(case_id, department, actor, promise))

    async def draft_of_private(self, case_id: str, body: str | None, actor: Actor, replaces: int | None = None) -> Draft:
        """The exact public line that would say that it goes on in private, and the private message around `body`.

        Without a body the line asks the customer to write to us. Raises NoSuchCase, NoWording, SaidAlready, and LoopkeeperError when
        there is nowhere to write to.
        """
        return await self._in_thread(lambda: self._draft_of_private(case_id, body, actor, replaces))

    async def draft_of_edit(self, case_id: str, step: int, body: str, promise: datetime | None = None) -> Draft:
        """The exact text that a draft which waits would be in other words, signed by its author. Raises NotWaiting and as `draft`."""
        return await self._in_thread(lambda: self._draft_of_edit(case_id, step, body, promise))

    async def draft_removal(self, case_id: str, seen: int, actor: Actor) -> Draft:
        """The exact text that asks the customer to remove what event number `seen` found in a post. Raises NoSuchCase, NothingShown."""
        return await self._in_thread(lambda: self._draft_removal(case_id, seen, actor))

    async def said(self, case_id: str, command_id: str) -> Draft | None:
        """What a command has caused to be said to the customer, to be asked later, or to wait for a second person; None: nothing."""
        return _said(await self.file(case_id), command_id)

    async def private_words(self, case_id: str) -> list[tuple[str, datetime, str]]:
        """What was written in private in a case: who, when, the words. Whoever calls this has checked the right, and has it on record."""
        return await self._in_thread(lambda: self._store.reader.private_words(case_id))

    async def keep(self, case_id: str, text: str) -> str:
        """Keep words that belong to a case; the reference to them."""
        return await self._in_thread(lambda: self._store.reader.keep(case_id, text))

    async def keep_draft(self, case_id: str, draft: Draft) -> Kept:
        """Keep the words of a draft, so that they can be sent; a question keeps its body, so that another one can join it."""
        return await self._in_thread(lambda: self._keep_draft(case_id, draft))

    async def refusal(self, file: CaseFile, command: Command) -> Refusal | None:
        """Why the case, as it stands in its file, would refuse the command; None when it would be carried out."""
        refused = await self._in_thread(lambda: may_not_decide(self._store, file, command))
        command = await self._with_target(file.case_id, command)
        refused = refused or await self._no_such_cause(command)
        decided = refused or decide(file.case, command, file.case_policy, self._now())
        return await self._in_thread(lambda: self._named(decided)) if isinstance(decided, Refusal) else None

    async def act(self, case_id: str, command: Command, *, wait: timedelta = timedelta(seconds=10)) -> Answer:
        """Have it done. A refusal comes with names in place. Raises RPCError when the case does not answer within `wait`.

        Here words are read for what needs a second person: the rules, which decide, know none. A case is on record, and in lists, a moment
        before it runs; whoever acts on it in that moment is not told that it is over.
        """
        if isinstance(command, c.Ask | c.Update | c.TakePrivate | c.Resolve | c.Approve | c.Reject):
            file = await self.file(case_id)
            refused = await self._in_thread(lambda: may_not_decide(self._store, file, command))
            if refused is not None:
                return Answer(refused, file.case.status.value, file.case.events)
            command = await self._in_thread(partial(with_reasons, self._store, file, command))
        command = await self._with_target(case_id, command)
        unknown = await self._no_such_cause(command)
        if unknown is not None:
            return Answer(unknown, "", 0)
        clock = asyncio.get_running_loop().time
        until = clock() + wait.total_seconds()
        while True:
            answer = await self._gateway.command(case_id, command, wait=wait)
            if answer.refusal is None:
                return answer
            if answer.refusal.code != "over":
                return Answer(await self._in_thread(partial(self._named, answer.refusal)), answer.status, answer.version)
            file = await self.file(case_id)
            if file.case.is_over:
                return Answer(_over(file, command), answer.status, answer.version)
            if clock() + _SOON > until:
                return Answer(NOT_YET, answer.status, answer.version)
            await asyncio.sleep(_SOON)

    async def numbered(self, number: int) -> str | None:
        """The id of the case with that number."""
        return await self._in_thread(lambda: self._store.reader.numbered(number))

    async def _with_target(self, case_id: str, command: Command) -> Command:
        """A merge, with how the other case stands; the rules look at that, and know of no case but their own."""
        if not isinstance(command, c.Merge):
            return command
        into = command.into
        return replace(command, target=await self._in_thread(lambda: self._store.reader.target(case_id, into)))

    async def _no_such_cause(self, command: Command) -> Refusal | None:
        """The rules take a cause's number as it is given."""
        if not isinstance(command, c.JoinSharedCause) or not command.cause:
            return None
        number = command.cause
        there = await self._in_thread(lambda: self._store.causes.is_there(number))
        return None if there else Refusal("no_such_cause", say("There is no cause C{number}.", number=number))

    async def met(self, person: str) -> bool:
        """Whether we know how a colleague is called."""
        return await self._in_thread(lambda: self._store.people.name(person)) is not None

    async def remember(self, person: str, name: str, first_name: str | None) -> None:
        """Keep how a colleague is called."""
        await self._in_thread(lambda: self._store.people.remember(person, name, first_name))

    # --- in a thread --------------------------------------------------------------------------------------------------

    def _draft(
        self, case_id: str, saying: Saying, body: str, actor: Actor, replaces: int | None, promised: datetime | None = None
    ) -> Draft:
        file = self._store.reader.file(case_id)
        if replaces is not None:
            own_draft(file, replaces, actor.person)
        if file.is_held(body, replaces):
            raise WaitsAlready(c.WAITS_ALREADY)
        if file.is_said(body, replaces):
            raise SaidAlready(SAID_ALREADY)
        mind(self._store, file, body)
        now = self._now()
        promise = _promise(file, now, promised) if saying == "update" else None
        draft = self._composed(file, _TEMPLATES[saying], actor.person, now, body=body, promise=promise, step=replaces)
        draft = replace(draft, body=tidy(body))
        if saying == "ask":
            draft = self._asked_by_one_voice(file, draft, actor, now)
        why = will_wait(self._store, file, body, actor.person)
        return replace(draft, note=" ".join(filter(None, (draft.note, why))) or None, needs_second=why is not None)

    def _asked_by_one_voice(self, file: CaseFile, own: Draft, actor: Actor, now: datetime) -> Draft:
        """A question, in view of those that the customer is asked already."""
        planned, ask = file.case.planned(Purpose.ASK), file.case.ask
        if planned is None and ask is None:
            return own
        askers = planned.askers if planned is not None else ask.askers if ask is not None else ()
        whose = _whose(file, askers[0].person if askers else None, actor)
        other = _body(file, planned.words) if planned is not None else ""
        if planned is not None and other:
            both = f"{other}\n{own.body}"
            note = say("{whose} question has not gone out yet; the customer is asked both in one reply.", whose=whose)
            with contextlib.suppress(TooLong):  # then it waits
                joint = self._composed(file, _TEMPLATES["ask"], actor.person, now, body=both)
                return replace(joint, body=both, joins=planned.step, alone=own.text, alone_body=own.body, note=note)
        return replace(own, note=_waits(whose))

    def _draft_of_edit(self, case_id: str, step: int, body: str, promised: datetime | None) -> Draft:
        file, now = self._store.reader.file(case_id), self._now()
        draft = waiting(file, step)
        mind_edit(self._store, file, draft, body)
        if not has_body(file, draft):
            return as_it_goes_out(file, tidy(body), draft.promise)
        assert draft.what != "take_private", "nobody edits a private message"
        promise = _promise(file, now, promised) if draft.what == "update" else None
        edited = self._composed(file, _TEMPLATES[draft.what], draft.author, now, body=body, promise=promise, step=draft.step)
        return replace(edited, body=tidy(body))

    def _draft_of_move(self, case_id: str, department: str, actor: Actor, promised: datetime | None) -> Draft:
        file, now = self._store.reader.file(case_id), self._now()
        promise = _promise(file, now, promised)
        return self._composed(file, "moved.told", actor.person, now, promise=promise, department=department)

    def _draft_of_private(self, case_id: str, body: str | None, actor: Actor, replaces: int | None) -> Draft:
        file, now = self._store.reader.file(case_id), self._now()
        if body is None:
            brand = file.policy.brand(file.case.brand)
            if brand.contact is None:
                raise LoopkeeperError(
                    say("the policy names no address to write to: write the message, or add brands.{brand}.contact", brand=file.case.brand)
                )
            return self._composed(file, "private.link", actor.person, now)
        before = [words for _, _, words in self._store.reader.private_words(case_id)] if file.whispers else []
        if replaces is not None and (private := own_draft(file, replaces, actor.person).private) is not None:
            before = [words for words in before if words != self._store.reader.text(case_id, private)]
        if file.is_said(body, replaces) or any(tidy(body) in words for words in before):
            raise SaidAlready(SAID_ALREADY)
        message = self._composed(file, "private.person", actor.person, now, body=body)
        why = will_wait(self._store, file, body, actor.person)
        line = self._composed(file, "private.line", actor.person, now)
        return replace(line, private=message.text, private_body=tidy(body), note=why, needs_second=why is not None)

    def _composed(
        self,
        file: CaseFile,
        template: str,
        signer: str,
        now: datetime,
        *,
        body: str = "",
        promise: datetime | None = None,
        department: str | None = None,
        step: int | None = None,
    ) -> Draft:
        """The exact text. `step`: that of a draft whose place it takes, so that the same form stands around other words."""
        case = file.case
        say = WhatToSay(
            case_id=file.case_id,
            policy=file.policy.id,
            words=None,
            template=template,
            variant=sum(file.case_id.encode()) + (case.steps + 1 if step is None else step),
            department=department or case.department,
            now=now,
            owner=case.owner,
            signer=signer,
            until=promise,
            body=body,
            thread=case.thread,
        )
        return as_it_goes_out(file, self._store.composer.compose(say).text, promise)

    def _keep_draft(self, case_id: str, draft: Draft) -> Kept:
        keep = self._store.reader.keep
        return Kept(
            words=keep(case_id, draft.text, body=draft.body or None),
            alone=None if draft.alone is None else keep(case_id, draft.alone, body=draft.alone_body),
            private=None if draft.private is None else keep(case_id, draft.private, body=draft.private_body, private=True),
        )

    def _draft_removal(self, case_id: str, seen: int, actor: Actor) -> Draft:
        file = self._store.reader.file(case_id)
        return as_it_goes_out(file, removal(self._store, file, seen, actor, self._pace.loop_time(datetime.now(UTC))), None)

    def _named(self, refusal: Refusal | None) -> Refusal | None:
        if refusal is None or refusal.person is None:
            return refusal
        name = self._store.people.name(refusal.person) or say("Somebody else")
        return Refusal(refusal.code, refusal.reason.replace("{person}", name), refusal.person)

    def _now(self) -> datetime:
        return self._pace.loop_time(datetime.now(UTC))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def as_it_goes_out(file: CaseFile, whole: str, promise: datetime | None = None) -> Draft:
    """These words, in the parts in which the network of the case takes them. Raises TooLong."""
    there = room(file.policy, file.case.channel)
    cut = tuple(parts(file.policy, file.case.channel, whole))
    return Draft(whole, cut, length(whole, there.counting), there.limit, file.network, promise, file.case.turn)


def _over(file: CaseFile, command: Command) -> Refusal:
    """Why nothing can be done to a case that is over. Temporal, which does not know it any more, cannot say."""
    if file.case.merged_into is not None:
        other = file.title_of(file.case.merged_into)
        return Refusal("over", say("This case was merged into {other} and goes on there.", other=other))
    refusal = not_now(file.case, type(command))
    assert refusal is not None, "nothing is possible in a case that is over"
    return refusal


def _promise(file: CaseFile, now: datetime, shown: datetime | None) -> datetime:
    """The next word that a text promises: the one that somebody has been shown, or one made now. Raises NotPromised."""
    if shown is None:
        return promise_from(now, file.case, file.case_policy)
    if not may_promise(shown, now, file.case, file.case_policy):
        raise NotPromised(
            "the text that you have seen promises the next word by a moment that is over, or too far away by now: look at it again"
        )
    return shown


def _said(file: CaseFile, command_id: str) -> Draft | None:
    caused = [entry.event for _, entry in file.history if entry.cause == command_id]
    planned = [event for event in caused if isinstance(event, ReplyPlanned) and event.words is not None]
    public = next((event for event in planned if event.purpose not in PRIVATE_PURPOSES), None)
    queued = next((event for event in caused if isinstance(event, AskQueued)), None)
    held = waits(file, command_id)
    if public is not None:
        private = next((file.text_of(event.words) for event in planned if event.purpose in PRIVATE_PURPOSES), None)
        return replace(as_it_goes_out(file, file.text_of(public.words), public.promise), body=_body(file, public.words), private=private)
    if queued is not None:
        draft = as_it_goes_out(file, file.text_of(queued.words), None)
        return replace(draft, body=_body(file, queued.words), note=_waits(say("Another")))
    if held is not None:
        draft = as_it_goes_out(file, file.text_of(held.words), held.promise)
        return replace(draft, body=_body(file, held.words), note=say("It waits for a second person: {why}.", why=why_held(held.why)))
    return None


def _body(file: CaseFile, words: str | None) -> str:
    """What people wrote of a question; empty when it was not kept with it."""
    return str(file.words.get(words or "", {}).get("body", ""))


def _waits(whose: str) -> str:
    return say("{whose} question is open; yours is asked when it is answered.", whose=whose)


def _whose(file: CaseFile, asker: str | None, actor: Actor) -> str:
    """Whose question it is, at the beginning of a sentence."""
    if asker == actor.person:
        return say("Your")
    return say("Another") if asker is None else f"{file.name_of(asker)}'s"
