"""Speaking to a customer from Slack: write, see exactly what will be read, send. Nothing goes out that was not seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncAck

from adapters.slack import cards, modals
from adapters.slack.views import View
from api.acting import Draft, as_it_goes_out
from api.looking import since
from api.slack.floor import Body, Ears, Floor, Refused, given, meta, ticked, value
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError, NoWording, SaidAlready, ShowsPersonalData, TooLong
from domain.rights import Colleague
from domain.values import Actor, Purpose

KINDS: dict[modals.Saying, type[c.Command]] = {"ask": c.Ask, "update": c.Update, "resolve": c.Resolve, "private": c.TakePrivate}
_BUTTONS: dict[str, modals.Saying] = {cards.ASK: "ask", cards.UPDATE: "update", cards.RESOLVE: "resolve"}
NOT_SAYABLE = (TooLong, SaidAlready, ShowsPersonalData, NoWording)
"""Why words cannot be sent as they are; each is a sentence for who wrote them."""
_LOOK_AGAIN = frozenset({"changed_meanwhile", "ask_is_sent"})
"""Refusals after which the same words may still be right, when they were read again."""
PROMISE_IS_OVER = "Nothing was sent: your text promises the next word by a moment that is over. Preview it again, and it names a later one."
ASKED_LATER = "Another question is open by now. Yours is asked when it is answered."


@dataclass(frozen=True)
class Speaking:
    """The listeners."""

    floor: Floor

    def listen(self, ears: Ears) -> None:
        """Take up what is pressed and sent."""
        for action in _BUTTONS:
            ears.action(action, self.pressed)
        ears.action(cards.REASSIGN, self.move_pressed)
        ears.action(cards.ASK_REMOVAL, self.removal_pressed)
        ears.view(modals.SAY, self.written)
        ears.view(modals.CONFIRM, self.confirmed)
        ears.view(modals.MOVE, self.moved)
        ears.closed(modals.SAY, self.given_up)
        ears.closed(modals.CONFIRM, self.given_up)

    async def pressed(self, ack: AsyncAck, body: Body) -> None:
        """Ask customer, Post update, Resolve."""
        await ack()
        await self.begin(body, await self.floor.acting.file(value(body)), _BUTTONS[body["actions"][0]["action_id"]])

    async def begin(self, body: Body, file: CaseFile, saying: modals.Saying, words: str | None = None) -> None:
        """Let somebody write, if they may and it can be done; with who else is writing."""
        colleague = await self._let_speak(body["user"]["id"], file, saying)
        await self.floor.open(body, await self._writing(file, saying, colleague, words))

    async def _let_speak(self, user: str, file: CaseFile, saying: modals.Saying) -> Colleague:
        """Whoever may say this to the customer now. Raises Refused, before anything is written in vain."""
        return await self.floor.let(user, file, KINDS[saying], _resolved(file) if saying == "resolve" else None)

    async def _writing(self, file: CaseFile, saying: modals.Saying, colleague: Colleague, words: str | None) -> View:
        others = await self._others(file, saying, colleague)
        note = None
        if saying == "ask" and file.case.ask is not None:
            asked = ", ".join(file.name_of(asker.person) for asker in file.case.ask.askers) or "A colleague"
            note = (
                f"{asked} asked a question that is still open. Yours is asked when it is answered, so that the customer has one at a time."
            )
        if saying == "private" and not file.case_policy.private_messages:
            return modals.contact_line(file)
        return modals.say(file, saying, writing=others, note=note, words=words)

    async def _others(self, file: CaseFile, saying: modals.Saying, colleague: Colleague) -> list[str]:
        """Who else is writing to this customer, now that this colleague does."""
        others = await self.floor.looking.begins_to_write(file.case_id, colleague.actor.person, saying)
        return [f"{one.name} is writing to this customer, too." for one in others]

    async def written(self, ack: AsyncAck, body: Body) -> None:
        """What one wants to say is written: show exactly what will be read."""
        carried = meta(body)
        saying: modals.Saying = carried["saying"]
        file = await self.floor.acting.file(carried["case"])
        with_words = saying != "private" or file.case_policy.private_messages
        words = given(body, modals.BODY) or ""
        if with_words and not words.strip():
            await ack(response_action="errors", errors={modals.BODY: "Write something first."})
            return
        try:
            colleague = await self._let_speak(body["user"]["id"], file, saying)
            causes = {"cause": given(body, modals.CAUSE), "cause_words": given(body, modals.CAUSE_WORDS)}
            view = await self.reviewed(file, saying, words, colleague, causes if saying == "resolve" else {})
        except (Refused, *NOT_SAYABLE) as error:
            if with_words:
                await ack(response_action="errors", errors={modals.BODY: str(error)})
            else:
                await ack(response_action="update", view=modals.notice("Not possible", str(error)))
            return
        await ack(response_action="push", view=view)

    async def reviewed(
        self, file: CaseFile, saying: modals.Saying, words: str, colleague: Colleague, causes: dict[str, Any], *, close: str = "Back"
    ) -> View:
        """The review of these words; they are kept, and who writes them has their lease anew. Raises what makes them unsayable."""
        acting, actor = self.floor.acting, colleague.actor
        writing = await self._others(file, saying, colleague)
        if saying == "private":
            draft = await acting.draft_of_private(file.case_id, words if file.case_policy.private_messages else None, actor)
        else:
            draft = await acting.draft(file.case_id, saying, words, actor)
        kept = await self._kept(file, draft)
        kept |= {"department": _speaks_for(file, colleague), "cause": causes.get("cause")}
        if causes.get("cause_words"):
            kept["cause_words"] = await acting.keep(file.case_id, str(causes["cause_words"]))
        private = [] if draft.private is None else [draft.private]
        return modals.review(file, saying, draft.parts, draft.told, kept, private=private, note=draft.note, writing=writing, close=close)

    async def _kept(self, file: CaseFile, draft: Draft) -> dict[str, Any]:
        """What the review carries of a draft: references and facts, never the words themselves."""
        words = await self.floor.acting.keep_draft(file.case_id, draft)
        promise = draft.promise.isoformat() if draft.promise else None
        return {
            "case": file.case_id,
            "words": words.words,
            "alone": words.alone,
            "private": words.private,
            "joins": draft.joins,
            "promise": promise,
            "turn": draft.turn,
        }

    async def confirmed(self, ack: AsyncAck, body: Body) -> None:
        """It was seen, and shall be sent."""
        carried, floor = meta(body), self.floor
        file = await floor.acting.file(carried["case"])
        kind = c.Reassign if carried["saying"] == "move" else KINDS[carried["saying"]]
        try:
            colleague = await floor.let(body["user"]["id"], file, kind)
        except Refused as refusal:
            await ack(response_action="update", view=modals.notice("Not done", str(refusal)))
            return
        command = _command(carried, body["view"]["id"], colleague)
        if not any(entry.cause == command.id for _, entry in file.history):  # else it was pressed before, and is done
            if file.case.turn > int(carried["turn"]):
                await ack(response_action="update", view=await self._look_again(file, carried))
                return
            promise = _moment(carried.get("promise"))
            if promise is not None and promise <= floor.now():  # over what was written, so that nothing of it is lost
                action = "update" if body["view"].get("previous_view_id") else "push"
                await ack(response_action=action, view=modals.notice("Not sent", PROMISE_IS_OVER))
                return

        async def anew(refused: c.Refusal) -> View | None:
            if refused.code not in _LOOK_AGAIN:
                return None
            return await self._look_again(await floor.acting.file(carried["case"]), carried)

        done = modals.IS_MOVED if kind is c.Reassign else modals.GOES_OUT
        if await floor.carry_out(ack, body, carried["case"], command, done, anew=anew):
            await floor.looking.stops_writing(carried["case"], colleague.actor.person)

    async def _look_again(self, file: CaseFile, carried: dict[str, Any]) -> View:
        """The review anew, with what has happened since: the words may not fit any more."""
        news, note = since(file, int(carried["turn"])), None
        carried = {**carried, "turn": file.case.turn}
        planned = file.case.planned(Purpose.ASK)
        if carried["saying"] == "ask" and (planned is None or planned.step != carried.get("joins")):
            note = ASKED_LATER if planned is not None or file.case.ask is not None else None
            carried |= {"words": carried.get("alone") or carried["words"], "joins": None, "alone": None}
        public = as_it_goes_out(file, file.text_of(carried["words"]))
        if carried["saying"] == "move":
            name = file.department_name(carried["department"])
            return modals.confirm_move(file, name, public.parts, public.told, carried, since=news)
        private = [await self.floor.looking.text(file.case_id, carried["private"])] if carried.get("private") else []
        return modals.review(file, carried["saying"], public.parts, public.told, carried, private=private, note=note, since=news)

    async def given_up(self, ack: AsyncAck, body: Body) -> None:
        """Somebody thought better of it: nobody is writing any more, unless they only went back to change their words."""
        await ack()
        view = body["view"]
        went_back = view["callback_id"] == modals.CONFIRM and view.get("previous_view_id") and not body.get("is_cleared")
        if not went_back:
            await self.floor.looking.stops_writing(meta(body)["case"], f"slack:{body['user']['id']}")

    # --- passing a case on ---

    async def move_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Reassign."""
        await ack()
        await self.begin_move(body, await self.floor.acting.file(value(body)))

    async def begin_move(self, body: Body, file: CaseFile) -> None:
        """Let somebody choose the department."""
        await self.floor.let(body["user"]["id"], file, c.Reassign)
        await self.floor.open(body, modals.move(file))

    async def moved(self, ack: AsyncAck, body: Body) -> None:
        """The department is chosen: move the case, or first show what the customer will be told."""
        carried, floor = meta(body), self.floor
        file = await floor.acting.file(carried["case"])
        department, reason = given(body, modals.DEPARTMENT) or "", given(body, modals.REASON)
        try:
            colleague = await floor.let(body["user"]["id"], file, c.Reassign)
            words = await floor.acting.keep(carried["case"], reason) if reason else None
            if ticked(body, modals.TELL):
                draft = await floor.acting.draft_of_move(carried["case"], department, colleague.actor)
                kept = {**await self._kept(file, draft), "department": department, "reason": words}
                name = file.department_name(department)
                await ack(response_action="push", view=modals.confirm_move(file, name, draft.parts, draft.told, kept))
                return
        except (Refused, *NOT_SAYABLE) as error:
            await ack(response_action="errors", errors={modals.DEPARTMENT: str(error)})
            return
        command = c.Reassign(f"slack:{body['view']['id']}", colleague.actor, department, words)
        await floor.carry_out(ack, body, carried["case"], command, modals.IS_MOVED, refused_at=modals.DEPARTMENT)

    async def removal_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Ask the customer to take personal data out of a public post."""
        await ack()
        case_id, _, seen = value(body).rpartition("|")
        file = await self.floor.acting.file(case_id)
        colleague = await self.floor.let(body["user"]["id"], file, c.Update)
        try:
            draft = await self.floor.acting.draft_removal(case_id, int(seen), colleague.actor)
        except LoopkeeperError as error:
            raise Refused(str(error)) from None
        kept = await self._kept(file, draft)
        await self.floor.open(body, modals.review(file, "update", draft.parts, draft.told, kept, close="Cancel"))


def _speaks_for(file: CaseFile, colleague: Colleague) -> str:
    """The department for which somebody asks: the one that has the case, if they are in it, else one of theirs."""
    mine = sorted(colleague.departments)
    return file.case.department if file.case.department in mine or not mine else mine[0]


def _resolved(file: CaseFile) -> Callable[[Actor], c.Command]:
    """A resolution such as somebody is about to write."""
    return lambda by: c.Resolve("", by, next(iter(file.case_policy.root_causes)), "")


def _command(carried: dict[str, Any], view: str, colleague: Colleague) -> c.Command:
    """What was confirmed. A confirmation that is pressed again, with nothing new seen, is the same command."""
    actor, turn = colleague.actor, int(carried["turn"])
    command_id = f"slack:{view}:{turn}"
    words = str(carried["words"])
    match carried["saying"]:
        case "ask":
            more = {"department": carried["department"], "joins": carried.get("joins"), "alone": carried.get("alone")}
            return c.Ask(command_id, actor, words, **more, seen=turn)
        case "update":
            promise = _moment(carried.get("promise"))
            return c.Update(command_id, actor, words, promise, seen=turn)
        case "private":
            return c.TakePrivate(command_id, actor, words, carried.get("private"), seen=turn)
        case "move":
            promise = _moment(carried.get("promise"))
            return c.Reassign(command_id, actor, carried["department"], carried.get("reason"), words, promise)
        case _:
            return c.Resolve(command_id, actor, carried["cause"], words, carried.get("cause_words"), seen=turn)


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
