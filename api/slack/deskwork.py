"""Everything else that is done from a card, from its menu and from the small forms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from slack_bolt.async_app import AsyncAck

from adapters.slack import cards, forms, modals
from adapters.slack.forms import Doing
from adapters.slack.views import View
from api.doing import CHOSEN, DOINGS, LEADING, MADE, Filled, Incomplete, command, done, offered
from api.slack.floor import Body, Ears, Floor, Refused, given, heard, meta, moment, value
from api.slack.speaking import Speaking
from domain import commands as c
from domain.casefile import CaseFile
from domain.rights import EVERYWHERE, Colleague, may_not
from domain.story import story
from domain.values import is_web_address


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
            ears.closed(view, heard)

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
        tried = None if do in CHOSEN else lambda by: MADE[do]("", by, "…", sample)
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
            whose = "Accept the case first." if file.case.owner is None else f"{file.name_of(file.case.owner)} has this case."
            raise Refused(f"Private words are for the owner of the case, the social team and leads. {whose}")
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
            wanted = await command(self.floor.acting, carried["case"], do, colleague.actor, f"slack:{body['view']['id']}", _filled(body))
        except (Refused, Incomplete) as refusal:
            if at is None:
                await ack(response_action="update", view=modals.notice("Not done", str(refusal)))
            else:
                await ack(response_action="errors", errors={at: str(refusal)})
            return
        await self.floor.carry_out(ack, body, carried["case"], wanted, done(do, colleague.actor), refused_at=at)

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
        if not is_web_address(link):
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


def _filled(body: Body) -> Filled:
    """What stands in a form."""
    words = (given(body, forms.WORDS) or "").strip()
    return Filled(words or None, given(body, forms.CHOICE), moment(body, forms.UNTIL))
