"""Everything else that is done from a card, from its menu and from the small forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_bolt.async_app import AsyncAck

from adapters.slack import cards, forms, modals
from adapters.slack.forms import Doing
from adapters.slack.views import View
from api.slack.floor import Body, Ears, Floor, Refused, given, meta, moment, value
from api.slack.speaking import Speaking
from domain import commands as c
from domain.casefile import CaseFile
from domain.rights import EVERYWHERE, Colleague, may_not
from domain.story import story
from domain.values import Actor, Priority, Role

DOINGS: dict[Doing, type[c.Command]] = {
    "note": c.Note,
    "escalate": c.EscalateNow,
    "snooze": c.Snooze,
    "wait": c.WaitOnThirdParty,
    "resume": c.Resume,
    "priority": c.SetPriority,
    "category": c.SetCategory,
    "dismiss": c.Dismiss,
    "walk_away": c.WalkAway,
    "waive": c.WaiveThankYou,
    "reopen": c.Reopen,
}
LEADING = frozenset({Role.LEAD, Role.ADMIN})
"""Whose word ends a case that is walked away from."""
_DONE: dict[Doing, str] = {
    "note": "Your note is in the thread.",
    "escalate": "They are being called.",
    "snooze": "No reminders until then.",
    "wait": "The case waits; the resolve clock stands still.",
    "resume": "The case is back in work.",
    "priority": "The priority is changed, and every clock with it.",
    "category": "The category is changed.",
    "dismiss": "The case is dismissed.",
    "walk_away": "A lead is asked to confirm it.",
    "waive": "The loop is closed without a thank-you.",
    "reopen": "The case is open again.",
}
_CHOSEN: frozenset[Doing] = frozenset({"priority", "category", "dismiss"})
"""What depends on a choice that is still to be made."""


def done(do: Doing, by: Actor) -> str:
    """What is told to whoever did it."""
    return "We walk away: nothing more is answered there." if do == "walk_away" and by.role in LEADING else _DONE[do]


@dataclass(frozen=True)
class Deskwork:
    """The listeners."""

    floor: Floor
    speaking: Speaking

    def listen(self, ears: Ears) -> None:
        """Take up what is pressed and sent."""
        ears.action(cards.ACCEPT, self.accept)
        ears.action(cards.MORE, self.chosen)
        ears.action(cards.OPEN, self.opened)
        ears.action(cards.SETTLE_POSTED, self.settle_posted)
        ears.action(cards.SETTLE_MISSING, self.settle_missing)
        ears.action(cards.SETTLE_SAID, self.settle_said)
        for do in DOINGS:
            ears.action(forms.DO + do, self.pressed)
        ears.action(forms.DO + "history", self.history_pressed)
        ears.action(forms.DO + "private_words", self.private_pressed)
        ears.view(forms.FORM, self.filled_in)
        ears.view(modals.FOUND, self.found)
        for view in ("more", "history", "private_words", forms.FORM, modals.MOVE, modals.FOUND, forms.NEW):
            ears.closed(view, _closed)

    # --- cards ---

    async def accept(self, ack: AsyncAck, body: Body) -> None:
        """Take the case. On the card itself one sees that it worked; elsewhere one is told."""
        await ack()
        case_id = value(body)
        file = await self.floor.acting.file(case_id)
        colleague = await self.floor.let(body["user"]["id"], file, c.Accept)
        refused = await self.floor.act(case_id, c.Accept(f"slack:{body['trigger_id']}", colleague.actor))
        if refused is not None:
            await self.floor.tell(body, refused.reason)
        elif body.get("view", {}).get("type") == "modal":
            shown = self.shown(await self.floor.acting.file(case_id), colleague)
            await self.floor.client.views_update(view_id=body["view"]["id"], view=shown)
        elif not on_its_card(body):
            await self.floor.tell(body, f"You have case {file.title} now.")

    async def chosen(self, ack: AsyncAck, body: Body) -> None:
        """Something was chosen from a card's menu."""
        await ack()
        do, _, number = body["actions"][0]["selected_option"]["value"].partition(" ")
        file = await self.floor.looking.numbered(int(number))
        assert file is not None, "a card's menu has the number of its case"
        await self.begin(body, file, do)

    async def begin(self, body: Body, file: CaseFile, do: str) -> None:
        """Open what this needs: the private message, a form, or everything else there is."""
        if do == "private":
            await self.speaking.begin(body, file, "private")
        elif do == "more":
            colleague = await self.floor.let_see(body["user"]["id"], file)
            await self.floor.open(body, forms.more(file, offered(file, colleague)))
        else:
            await self.begin_form(body, file, do)  # type: ignore[arg-type]  # a menu of ours offers nothing else

    async def begin_form(self, body: Body, file: CaseFile, do: Doing) -> None:
        """Open a form, if this person may do that now, and the case would take it."""
        now = self.floor.now()
        sample = Filled("…", None, now + timedelta(minutes=1))
        tried = None if do in _CHOSEN else lambda by: _MADE[do]("", by, "…", sample)
        colleague = await self.floor.let(body["user"]["id"], file, DOINGS[do], tried)
        await self.floor.open(body, forms.form(file, do, now=now, decides=colleague.actor.role in LEADING))

    async def opened(self, ack: AsyncAck, body: Body) -> None:
        """A case shall be shown, with all that can be done."""
        await ack()
        file = await self.floor.acting.file(value(body))
        colleague = await self.floor.let_see(body["user"]["id"], file)
        await self.floor.open(body, self.shown(file, colleague))

    def shown(self, file: CaseFile, colleague: Colleague) -> View:
        """A case in a modal, with what this colleague may do; whoever had the case before may ask and note."""
        card = cards.card(file, file.case.department, None)
        if not file.case.is_open:
            card = card[:-1]
        elif may_not(colleague, c.Update, file.case, file.policy) is not None:
            card = [*card[:-1], cards.asking(file)]
        return forms.case_view(file, card, offered(file, colleague))

    async def pressed(self, ack: AsyncAck, body: Body) -> None:
        """A button of "More…"."""
        await ack()
        do = body["actions"][0]["action_id"].removeprefix(forms.DO)
        await self.begin_form(body, await self.floor.acting.file(value(body)), do)

    async def history_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Show the whole story."""
        await ack()
        await self.show_history(body, await self.floor.acting.file(value(body)))

    async def show_history(self, body: Body, file: CaseFile) -> None:
        """The whole story, in a modal."""
        await self.floor.let_see(body["user"]["id"], file)
        await self.floor.open(body, forms.history(file, story(file), cards.SIGN))

    async def private_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Read what was written in private: its owner, the social team and leads; that they did is on record."""
        await ack()
        case_id = value(body)
        file = await self.floor.acting.file(case_id)
        colleague = await self.floor.let_see(body["user"]["id"], file)
        if colleague.actor.role not in EVERYWHERE and colleague.actor.person != file.case.owner:
            raise Refused("Private words are for the owner of the case, the social team and leads. Accept the case first.")
        read = c.ReadPrivate(f"slack:{body['trigger_id']}", colleague.actor)
        refused = await self.floor.act(case_id, read)
        if refused is not None:
            raise Refused(refused.reason)
        await self.floor.open(body, forms.private_words(file, await self.floor.acting.private_words(case_id)))

    # --- forms ---

    async def filled_in(self, ack: AsyncAck, body: Body) -> None:
        """A form was sent."""
        carried = meta(body)
        do: Doing = carried["do"]
        file = await self.floor.acting.file(carried["case"])
        at = next((block for block in (forms.UNTIL, forms.CHOICE, forms.WORDS) if block in body["view"]["state"]["values"]), None)
        at = forms.WORDS if do == "wait" else at
        try:
            colleague = await self.floor.let(body["user"]["id"], file, DOINGS[do])
            command = await self.command(carried["case"], do, colleague.actor, f"slack:{body['view']['id']}", Filled.of(body))
        except Refused as refusal:
            if at is None:
                await ack(response_action="update", view=modals.notice("Not done", str(refusal)))
            else:
                await ack(response_action="errors", errors={at: str(refusal)})
            return
        await self.floor.carry_out(ack, body, carried["case"], command, done(do, colleague.actor), refused_at=at)

    async def command(self, case_id: str, do: Doing, actor: Actor, command_id: str, filled: Filled) -> c.Command:
        """The command that a form, or a line of `/case`, asks for. Raises Refused when something is missing in it."""
        words = await self.floor.acting.keep(case_id, filled.words) if filled.words else None
        if do in _NEEDS_WORDS and words is None:
            raise Refused("Write a reason first: it stands in the case's history.")
        return _MADE[do](command_id, actor, words, filled)

    # --- replies of which nobody is sure ---

    async def settle_posted(self, ack: AsyncAck, body: Body) -> None:
        """It is there: ask for the link."""
        await ack()
        case_id, _, step = value(body).rpartition("|")
        file = await self.floor.acting.file(case_id)
        await self.floor.let(body["user"]["id"], file, c.SettleReply)
        await self.floor.open(body, modals.found(file, int(step)))

    async def settle_missing(self, ack: AsyncAck, body: Body) -> None:
        """It is not there: post it."""
        await ack()
        case_id, _, step = value(body).rpartition("|")
        colleague = await self.floor.let(body["user"]["id"], await self.floor.acting.file(case_id), c.SettleReply)
        command = c.SettleReply(f"slack:{body['trigger_id']}", colleague.actor, int(step), posted=False)
        await self._settled(body, case_id, command, "Thank you. It is being posted now.")

    async def settle_said(self, ack: AsyncAck, body: Body) -> None:
        """A person has said what the loop could not post: this very message is the record of it."""
        await ack()
        case_id, _, step = value(body).rpartition("|")
        colleague = await self.floor.let(body["user"]["id"], await self.floor.acting.file(case_id), c.SettleReply)
        channel, ts = body["channel"]["id"], body["message"]["ts"]
        link = (await self.floor.client.chat_getPermalink(channel=channel, message_ts=ts))["permalink"]
        command = c.SettleReply(f"slack:{body['trigger_id']}", colleague.actor, int(step), posted=True, permalink=link)
        await self._settled(body, case_id, command, modals.IS_RECORDED)

    async def _settled(self, body: Body, case_id: str, command: c.SettleReply, told: str) -> None:
        refused = await self.floor.act(case_id, command)
        await self.floor.tell(body, told if refused is None else refused.reason)

    async def found(self, ack: AsyncAck, body: Body) -> None:
        """The link of a reply that is there after all."""
        carried = meta(body)
        link = (given(body, modals.LINK) or "").strip()
        if not link.startswith(("http://", "https://")):
            await ack(response_action="errors", errors={modals.LINK: "This must be a link, beginning with https://"})
            return
        try:
            colleague = await self.floor.let(body["user"]["id"], await self.floor.acting.file(carried["case"]), c.SettleReply)
        except Refused as refusal:
            await ack(response_action="errors", errors={modals.LINK: str(refusal)})
            return
        command = c.SettleReply(f"slack:{body['view']['id']}", colleague.actor, int(carried["step"]), posted=True, permalink=link)
        await self.floor.carry_out(ack, body, carried["case"], command, modals.IS_RECORDED, refused_at=modals.LINK)


def on_its_card(body: Body) -> bool:
    """Whether the button was pressed on the case's card in a channel, which shows what has changed."""
    return body["actions"][0].get("block_id", "").startswith("do:") and not body.get("container", {}).get("is_ephemeral")


def offered(file: CaseFile, colleague: Colleague) -> list[Doing]:
    """What "More…" offers to this colleague, who may see the case, as it stands."""
    case = file.case
    doings: list[Doing] = ["note", "priority", "category", "dismiss", "walk_away"]
    if not case.is_open:
        doings = ["note", "reopen", *(["waive"] if case.closed_at is None else [])]  # type: ignore[list-item]
    had = colleague.departments  # they see it, so they have it or had it
    return [do for do in doings if not case.is_over and may_not(colleague, DOINGS[do], case, file.policy, had) is None]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was given: words, a choice, a moment."""

    words: str | None = None
    choice: str | None = None
    until: datetime | None = None

    @staticmethod
    def of(body: Body) -> Filled:
        """What stands in a form."""
        words = (given(body, forms.WORDS) or "").strip()
        return Filled(words or None, given(body, forms.CHOICE), moment(body, forms.UNTIL))


_NEEDS_WORDS = frozenset({"note", "wait", "walk_away", "waive"})
_Make = Callable[[str, Actor, str | None, Filled], c.Command]


def _snooze(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    if filled.until is None:
        raise Refused("Until when? Choose a moment.")
    return c.Snooze(command_id, by, filled.until, words)


def _dismiss(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    if filled.choice not in forms.DISMISSALS:
        raise Refused("Why? Choose one: " + ", ".join(forms.DISMISSALS))
    return c.Dismiss(command_id, by, filled.choice, words)  # type: ignore[arg-type]  # checked above


def _priority(command_id: str, by: Actor, words: str | None, filled: Filled) -> c.Command:
    del words
    if filled.choice not in {p.value for p in Priority}:
        raise Refused("Which priority? urgent, high, normal or low.")
    return c.SetPriority(command_id, by, Priority(filled.choice))


_MADE: dict[Doing, _Make] = {
    "note": lambda i, by, words, _: c.Note(i, by, words or ""),
    "escalate": lambda i, by, words, _: c.EscalateNow(i, by, words),
    "snooze": _snooze,
    "wait": lambda i, by, words, filled: c.WaitOnThirdParty(i, by, words or "", filled.until),
    "resume": lambda i, by, _words, _filled: c.Resume(i, by),
    "priority": _priority,
    "category": lambda i, by, _, filled: c.SetCategory(i, by, filled.choice or ""),
    "dismiss": _dismiss,
    "walk_away": lambda i, by, words, _: c.WalkAway(i, by, words or ""),
    "waive": lambda i, by, words, _: c.WaiveThankYou(i, by, words or ""),
    "reopen": lambda i, by, _words, _filled: c.Reopen(i, by),
}


async def _closed(ack: AsyncAck, body: Body) -> None:
    """Closed, and nothing to do."""
    del body
    await ack()
