"""`/case …`: everything that the buttons do, in a line; and "Send to customer" on one's own message in a case's thread."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from slack_bolt.async_app import AsyncAck

from adapters.postgres.reading import Wanted
from adapters.slack import cards, lists
from adapters.slack.forms import Doing
from adapters.slack.modals import Saying
from adapters.slack.rich import Block
from api.doing import DOINGS, Filled, command, done
from api.saying import KINDS, NOT_SAYABLE
from api.slack.deskwork import Deskwork
from api.slack.floor import Body, Ears, Floor, Refused, escaped
from api.slack.home import Home
from api.slack.plain import plain_of, words_of
from api.slack.speaking import Speaking
from domain import commands as c
from domain.casefile import CaseFile
from domain.durations import parse_duration
from domain.values import Actor

_LISTED = 10
_NUMBER = re.compile(r"#?[0-9]{1,12}\Z")

COMMAND, SEND_TO_CUSTOMER = "/case", "send_to_customer"
HELP = (
    ("new", "open a case by hand: a call, a letter"),
    ("show 42", "the card of a case, with its buttons"),
    ("mine", "the cases that you have, what is due first on top"),
    ("find refund okafor", "cases in which these words stand, or that customer's"),
    ("accept 42", "take a case"),
    ("ask 42 Which line is it?", "ask the customer; you see the exact text first"),
    ("update 42 We have found it.", "tell the customer how it is going; you see the exact text first"),
    ("resolve 42", "say that it is solved, and thank the customer"),
    ("assign 42 technical It is the router.", "pass the case on"),
    ("escalate 42 The customer has waited since Monday.", "call the next one up the chain"),
    ("snooze 42 3 h", "no reminders to you and your department for a while"),
    ("wait 42 The supplier looks into it.", "it waits on a third party"),
    ("resume 42", "the wait, or the snooze, is over"),
    ("private 42 Which address is it?", "go on in private; you see the exact text first"),
    ("note 42 Called the warehouse.", "write something down that only we read"),
    ("priority 42 high", "urgent, high, normal or low"),
    ("category 42 billing", "sort it anew"),
    ("dismiss 42 spam", "spam, nothing_to_answer or duplicate; for the social team"),
    ("walkaway 42 Threats against staff.", "answer abuse no more; a lead confirms"),
    ("merge 42 into 17", "the customer wrote twice about one thing: it goes on in 17; for the social team"),
    ("cause 42 C3", "it shares a root cause with others; for the social team"),
    ("waive 42 They asked us not to write.", "close without a thank-you; for the social team"),
    ("reopen 42", "open it again"),
    ("history 42", "everything that happened"),
)
_SAYINGS: dict[str, Saying] = {"ask": "ask", "update": "update", "resolve": "resolve", "private": "private"}
_FORMS: dict[str, Doing] = {
    "escalate": "escalate", "snooze": "snooze", "wait": "wait", "resume": "resume", "note": "note", "priority": "priority",
    "category": "category", "dismiss": "dismiss", "walkaway": "walk_away", "waive": "waive", "reopen": "reopen", "merge": "merge",
    "cause": "cause",
}  # fmt: skip
_AT_ONCE: frozenset[Doing] = frozenset({"resume", "reopen"})
"""What needs no form when nothing else is written."""
_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,3})?\s*(?:s|min|h|d|wd))\b\s*", re.IGNORECASE)
"""As policies write durations, and never so long that no calendar has it."""


@dataclass(frozen=True)
class Words:
    """The listeners."""

    floor: Floor
    speaking: Speaking
    deskwork: Deskwork
    home: Home

    def listen(self, ears: Ears) -> None:
        """Take up what is written."""
        ears.command(COMMAND, self.commanded)
        ears.shortcut(SEND_TO_CUSTOMER, self.send_to_customer)

    async def commanded(self, ack: AsyncAck, body: Body) -> None:
        """`/case verb number words`. Whatever it is, the person hears what became of it."""
        await ack()
        said = _Said(self.floor, {**body, "user": {"id": body["user_id"]}})
        verb, _, rest = body.get("text", "").strip().partition(" ")
        if _NUMBER.match(verb):  # a number alone
            verb, rest = "show", f"{verb} {rest}"
        await self._do(said, verb.casefold() or "help", rest.strip())

    async def _do(self, said: _Said, verb: str, rest: str) -> None:
        alone: dict[str, Callable[[_Said, str], Awaitable[None]]] = {
            "help": self._help, "new": self._new, "mine": self._mine, "find": self._find,
        }  # fmt: skip
        if verb in alone:
            await alone[verb](said, rest)
            return
        if verb not in (*_SAYINGS, *_FORMS, "show", "accept", "assign", "history"):
            raise Refused(f"There is no “{verb[:40]}” here. /case help tells what there is.")
        file, words = await self._file(verb, rest)
        if verb == "show":
            await self.floor.let_see(said.user, file)
            await said.answer(cards.card_text(file), cards.card(file, file.case.department, None), markup=True)
        elif verb == "history":
            await self.deskwork.show_history(said.body, file)
        elif verb == "accept":
            await self._act(said, file, c.Accept, lambda by: c.Accept(said.id, by), f"You have case {file.title} now.")
        elif verb == "assign":
            await self._assign(said, file, words)
        elif verb in _SAYINGS:
            await self._say(said, file, _SAYINGS[verb], words)
        else:
            await self._form(said, file, _FORMS[verb], words)

    async def _file(self, verb: str, rest: str) -> tuple[CaseFile, str]:
        """The case that is meant, and what else was written."""
        number, _, words = rest.partition(" ")
        if not _NUMBER.match(number):
            raise Refused(f"Which case? Write its number: /case {verb} 42")
        file = await self.floor.looking.numbered(int(number.removeprefix("#")))
        if file is None:
            raise Refused(f"There is no case {number}. /case mine and /case find show which there are.")
        return file, plain_of(words.strip())

    async def _say(self, said: _Said, file: CaseFile, saying: Saying, words: str) -> None:
        """With words, straight to the exact text; a resolution needs its root cause first, and not every network takes private messages."""
        if not words or saying == "resolve" or (saying == "private" and not file.case_policy.private_messages):
            await self.speaking.begin(said.body, file, saying, words or None)
            return
        colleague = await self.floor.let(said.user, file, KINDS[saying])
        try:
            view = await self.speaking.reviewed(file, saying, words, colleague, {}, close="Cancel")
        except NOT_SAYABLE as error:
            raise Refused(str(error)) from None
        await self.floor.open(said.body, view)

    async def _form(self, said: _Said, file: CaseFile, do: Doing, words: str) -> None:
        if not words and do not in _AT_ONCE:
            await self.deskwork.begin_form(said.body, file, do)
            return
        colleague = await self.floor.let(said.user, file, DOINGS[do])
        wanted = await command(self.floor.acting, file.case_id, do, colleague.actor, said.id, self._filled(do, words))
        refused = await self.floor.act(file.case_id, wanted)
        await said.answer(f"{file.title}: {_told(do, words, colleague.actor)}" if refused is None else refused.reason)

    def _filled(self, do: Doing, words: str) -> Filled:
        """What a line says, as the form would have it."""
        if do == "merge":
            into, _, rest = words.removeprefix("into ").strip().partition(" ")
            return Filled(rest.strip() or None, into)
        if do in ("priority", "category", "dismiss", "cause"):
            choice, _, rest = words.partition(" ")
            return Filled(rest.strip() or None, choice.casefold())
        span = _SPAN.match(words) if do in ("snooze", "wait") else None
        if span is None:
            if do == "snooze":
                raise Refused("For how long? For example: /case snooze 42 3 h")
            return Filled(words or None)
        length = parse_duration(span[1].casefold())
        assert isinstance(length, timedelta)
        return Filled(words[span.end() :].strip() or None, None, self.floor.now() + length)

    async def _assign(self, said: _Said, file: CaseFile, words: str) -> None:
        if not words:
            await self.speaking.begin_move(said.body, file)
            return
        found = _department(file, words)
        if found is None:
            raise Refused(f"There is no such department. There are: {', '.join(file.policy.departments)}.")
        to, reason = found
        kept = await self.floor.acting.keep(file.case_id, reason) if reason else None
        told = f"Case {file.title} is with {file.department_name(to)} now."
        await self._act(said, file, c.Reassign, lambda by: c.Reassign(said.id, by, to, kept), told)

    async def _act(self, said: _Said, file: CaseFile, kind: type[c.Command], make: Callable[[Actor], c.Command], told: str) -> None:
        colleague = await self.floor.let(said.user, file, kind)
        refused = await self.floor.act(file.case_id, make(colleague.actor))
        await said.answer(told if refused is None else refused.reason)

    async def _help(self, said: _Said, _rest: str) -> None:
        width = max(len(what) for what, _ in HELP)
        told = "\n".join(f"{COMMAND} {what.ljust(width)}  {why}" for what, why in HELP)
        await said.answer(f"What you can write here:\n```{told}```\nOnly ask, update, resolve and private reach the customer.", markup=True)

    async def _new(self, said: _Said, _rest: str) -> None:
        await self.home.begin_new(said.body)

    async def _mine(self, said: _Said, _rest: str) -> None:
        colleague = await self.floor.colleague(said.user)
        page = await self.floor.looking.listed(Wanted(owner=colleague.actor.person), _LISTED)
        await said.answer("Your cases", lists.mine(page))

    async def _find(self, said: _Said, rest: str) -> None:
        wanted = plain_of(rest)
        if len(wanted) < 2:
            raise Refused("What are you looking for? For example: /case find refund okafor")
        colleague = await self.floor.somebody_of_ours(said.user)
        page = await self.floor.looking.found(wanted, colleague, _LISTED)
        await said.answer("Found", lists.found(page, wanted[:80]))

    # --- one's own message in a thread ---

    async def send_to_customer(self, ack: AsyncAck, body: Body) -> None:
        """What somebody wrote in the thread becomes an update; they see the exact text first."""
        await ack()
        message, user = body["message"], body["user"]["id"]
        case_id = await self.floor.looking.of_thread(body["channel"]["id"], message.get("thread_ts") or message["ts"])
        if case_id is None:
            raise Refused("This message is not in the thread of a case. Use it on a message in the thread under a card.")
        if message.get("user") != user:
            raise Refused("You can send your own messages only: whoever wrote it knows whether it is meant for the customer.")
        await self.speaking.begin(body, await self.floor.acting.file(case_id), "update", words_of(message))


def _told(do: Doing, words: str, by: Actor) -> str:
    """What is told to whoever did it by a line."""
    span = _SPAN.match(words) if do == "snooze" else None
    return done(do, by) if span is None else f"No reminders to you and your department for {span[1].strip()}."


def _department(file: CaseFile, words: str) -> tuple[str, str] | None:
    """The department that the words begin with, by its handle or its name, and the rest of them."""
    named = {name: handle for handle, desk in file.policy.departments.items() for name in (handle, desk.name)}
    for name in sorted(named, key=len, reverse=True):
        if f"{words} ".casefold().startswith(f"{name} ".casefold()):
            return named[name], words[len(name) :].strip()
    return None


class _Said:
    """A line that somebody wrote, and how they are answered: for their eyes only, wherever they wrote it."""

    def __init__(self, floor: Floor, body: Body) -> None:
        self.body = body
        self.user: str = body["user"]["id"]
        self.id = f"slack:{body['trigger_id']}"
        self._floor = floor

    async def answer(self, text: str, blocks: list[Block] | None = None, *, markup: bool = False) -> None:
        """`markup`: the text is Slack's already."""
        await self._floor.answer(self.body, text if markup else escaped(text), blocks)
