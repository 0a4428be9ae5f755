"""Speaking to a customer from Slack: write, see exactly what will be read, send. Nothing goes out that was not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck

from adapters.slack import cards, modals
from adapters.slack.views import View
from api.acting import as_it_goes_out
from api.looking import since
from api.saying import (
    KINDS,
    LOOK_AGAIN,
    NOT_SAYABLE,
    PROMISE_IS_OVER,
    asking_note,
    carried_of,
    command_of,
    kind_of,
    moment,
    once_more,
    resolved,
    speaks_for,
)
from api.slack.floor import Body, Ears, Floor, Refused, given, meta, ticked, value
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import LoopkeeperError
from domain.rights import Colleague

_BUTTONS: dict[str, modals.Saying] = {cards.ASK: "ask", cards.UPDATE: "update", cards.RESOLVE: "resolve"}


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
        return await self.floor.let(user, file, KINDS[saying], resolved(file) if saying == "resolve" else None)

    async def _writing(self, file: CaseFile, saying: modals.Saying, colleague: Colleague, words: str | None) -> View:
        others = await self._others(file, saying, colleague)
        note = asking_note(file) if saying == "ask" else None
        if saying == "private" and not file.writes_in_private:
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
        with_words = saying != "private" or file.writes_in_private
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
            draft = await acting.draft_of_private(file.case_id, words if words and file.case_policy.private_messages else None, actor)
        else:
            draft = await acting.draft(file.case_id, saying, words, actor)
        kept = await carried_of(self.floor.acting, file, draft)
        kept |= {"department": speaks_for(file, colleague), "cause": causes.get("cause")}
        if causes.get("cause_words"):
            kept["cause_words"] = await acting.keep(file.case_id, str(causes["cause_words"]))
        private = [] if draft.private is None else [draft.private]
        return modals.review(file, saying, draft.parts, draft.told, kept, private=private, note=draft.note, writing=writing, close=close)

    async def confirmed(self, ack: AsyncAck, body: Body) -> None:
        """It was seen, and shall be sent."""
        carried, floor = meta(body), self.floor
        file = await floor.acting.file(carried["case"])
        kind = kind_of(carried["saying"])
        try:
            colleague = await floor.let(body["user"]["id"], file, kind)
        except Refused as refusal:
            await ack(response_action="update", view=modals.notice("Not done", str(refusal)))
            return
        command = command_of(carried, f"slack:{body['view']['id']}", colleague)
        if not any(entry.cause == command.id for _, entry in file.history):  # else it was pressed before, and is done
            if file.case.turn > int(carried["turn"]):
                await ack(response_action="update", view=await self._look_again(file, carried))
                return
            promise = moment(carried.get("promise"))
            if promise is not None and promise <= floor.now():  # over what was written, so that nothing of it is lost
                action = "update" if body["view"].get("previous_view_id") else "push"
                await ack(response_action=action, view=modals.notice("Not sent", PROMISE_IS_OVER))
                return

        async def anew(refused: c.Refusal) -> View | None:
            if refused.code not in LOOK_AGAIN:
                return None
            return await self._look_again(await floor.acting.file(carried["case"]), carried)

        done = modals.IS_MOVED if kind is c.Reassign else modals.GOES_OUT
        if await floor.carry_out(ack, body, carried["case"], command, done, anew=anew):
            await floor.looking.stops_writing(carried["case"], colleague.actor.person)

    async def _look_again(self, file: CaseFile, carried: dict[str, Any]) -> View:
        """The review anew, with what has happened since: the words may not fit any more."""
        news = since(file, int(carried["turn"]))
        carried, note = once_more(file, carried)
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
                kept = {**await carried_of(self.floor.acting, file, draft), "department": department, "reason": words}
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
        kept = await carried_of(self.floor.acting, file, draft)
        await self.floor.open(body, modals.review(file, "update", draft.parts, draft.told, kept, close="Cancel"))
