"""The Home tab: what is due next, what is mine, what my department has not accepted, who we wait for, what has stalled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slack_bolt.async_app import AsyncAck

from adapters.postgres.reading import NoSuchCase, Wanted
from adapters.slack import forms, lists
from api.slack.floor import Body, Ears, Floor, Refused, given
from domain.rights import EVERYWHERE, Colleague
from domain.values import Status

_OPENED_SECONDS = 10.0
"""How long a person waits to hear which number their case has."""


@dataclass(frozen=True)
class Home:
    """The listeners."""

    floor: Floor

    def listen(self, ears: Ears) -> None:
        """Take up what is opened and pressed."""
        ears.event("app_home_opened", self.shown)
        ears.action(lists.REFRESH, self.refreshed)
        ears.action(lists.NEW_CASE, self.new_pressed)
        ears.view(forms.NEW, self.new_sent)

    async def shown(self, ack: AsyncAck, body: Body) -> None:
        """Somebody looks."""
        await ack()
        event = body["event"]
        if event.get("tab", "home") == "home":
            await self._publish(event["user"])

    async def refreshed(self, ack: AsyncAck, body: Body) -> None:
        """Somebody wants to see it anew."""
        await ack()
        await self._publish(body["user"]["id"])

    async def _publish(self, user: str) -> None:
        try:
            colleague = await self.floor.somebody_of_ours(user)
        except Refused as refusal:
            view = lists.nobody(str(refusal))
        else:
            view = lists.home(await self._shelves(colleague), self.floor.now())
        await self.floor.client.views_publish(user_id=user, view=view)

    async def _shelves(self, colleague: Colleague) -> list[lists.Shelf]:
        listed = self.floor.looking.listed
        everywhere = colleague.actor.role in EVERYWHERE
        where = None if everywhere and not colleague.departments else colleague.departments
        whose = "All" if where is None else "My department's"
        next_due, mine, unaccepted, waiting, stalled = await asyncio.gather(
            listed(Wanted(departments=where), lists.AT_MOST),
            listed(Wanted(owner=colleague.actor.person), lists.AT_MOST),
            listed(Wanted(departments=where, statuses=(Status.HANDED_OFF, Status.NEW, Status.ACKNOWLEDGED)), lists.AT_MOST),
            listed(Wanted(departments=where, statuses=(Status.WAITING_ON_CUSTOMER,)), lists.AT_MOST),
            listed(Wanted(departments=None if everywhere else where, stalled=True), lists.AT_MOST),
        )
        return [
            lists.Shelf("Due next", next_due, "Nothing is due."),
            lists.Shelf("Mine", mine, "You have no open case."),
            lists.Shelf(f"{whose} cases that nobody has accepted", unaccepted, "Everything is accepted."),
            lists.Shelf("Waiting on the customer", waiting, "No customer has been asked anything."),
            lists.Shelf("Stalled", stalled, "Nothing has stalled."),
        ]

    # --- a case by hand ---

    async def new_pressed(self, ack: AsyncAck, body: Body) -> None:
        """Open a case by hand."""
        await ack()
        await self.begin_new(body)

    async def begin_new(self, body: Body) -> None:
        """Let somebody write down what reached us by another way. Raises Refused."""
        await self.floor.somebody_of_ours(body["user"]["id"])
        policy = await self.floor.looking.policy()
        by_hand = {name: channel.network for name, channel in policy.channels.items() if channel.kind == "hand"}
        if not by_hand:
            raise Refused("The policy names no channel for cases by hand (kind: hand), such as the phone. Ask an admin to add one.")
        await self.floor.open(body, forms.new_case({handle: brand.name for handle, brand in policy.brands.items()}, by_hand))

    async def new_sent(self, ack: AsyncAck, body: Body) -> None:
        """It is written down: the case is opened as a post is, and whoever opened it hears its number."""
        words, user = (given(body, forms.WORDS) or "").strip(), body["user"]["id"]
        empty = [at for at in (forms.CUSTOMER, forms.CUSTOMER_ID, forms.WORDS) if not (given(body, at) or "").strip()]
        if empty:
            await ack(response_action="errors", errors=dict.fromkeys(empty, "Write something here."))
            return
        await ack()
        await self.floor.somebody_of_ours(user)
        case_id = await self.floor.looking.open_by_hand(
            brand=given(body, forms.BRAND) or "",
            channel=given(body, forms.CHANNEL) or "",
            text=words,
            customer=(given(body, forms.CUSTOMER_ID) or "").strip(),
            name=(given(body, forms.CUSTOMER) or "").strip(),
            once=f"slack:{body['view']['id']}",
        )
        await self.floor.write_to(user, await self._opened(case_id))

    async def _opened(self, case_id: str) -> str:
        """What becomes of it, once it has a number."""
        until = asyncio.get_running_loop().time() + _OPENED_SECONDS
        while asyncio.get_running_loop().time() < until:
            try:
                file = await self.floor.acting.file(case_id)
            except NoSuchCase:
                await asyncio.sleep(0.2)  # it is opened by another process, in a moment
            else:
                number = file.title.removeprefix("#")
                return f"Case {file.title} is open, with {file.department_name(file.case.department)}. /case show {number} shows it."
        return "Your case is taken down and is being opened. /case find shows it in a moment."
