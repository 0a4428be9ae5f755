"""Webhooks out over REST: who is told what happens to cases, what became of each delivery, and sending one again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.postgres.hooks import Delivery, Hooks, NoSuchWebhook, Webhook
from adapters.receivers import Receivers
from api.access.door import InThread
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.once import IdempotencyKey, Once
from api.paging import After, AtMost, cursor, number_of, tell_next
from api.problems import Problem, described
from domain.hooks import LONGEST_DESCRIPTION, LONGEST_URL, Wanted
from domain.ports import PolicyBook
from domain.rights import Right

_T = TypeVar("_T")
Admin = Annotated[Visitor, Depends(Needs(Right.MANAGE_WEBHOOKS))]
FreshAdmin = Annotated[Visitor, Depends(Needs(Right.MANAGE_WEBHOOKS, fresh=True))]
_AT = "2026-03-02T09:00:00Z"
_ID = "9f2c41d07ab3"
_EVENT = "evt_0198d7a46f5e7c119d2a3c1f0d5b7e90"
_A_WEBHOOK = {
    "id": _ID,
    "url": "https://crm.example.com/loopkeeper",
    "events": ["opened", "resolved", "closed"],
    "brands": None,
    "description": "CRM",
    "active": True,
    "created_at": _AT,
    "both_secrets_sign_until": None,
}
_A_DELIVERY = {
    "id": _EVENT,
    "type": "resolved",
    "case_id": "meridian-x-1846",
    "state": "delivered",
    "tries": 1,
    "next_try_at": None,
    "status": 204,
    "problem": None,
    "created_at": _AT,
    "settled_at": _AT,
}
State = Literal["pending", "delivered", "dead", "dropped"]
_SECRET = "whsec_…"  # noqa: S105 - an example
_PROOF = "Needs a fresh proof of who you are; a program needs a key with `manage_webhooks` among its scopes."


class WebhookIn(BaseModel):
    """A subscription as it shall be."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=LONGEST_URL, examples=["https://crm.example.com/loopkeeper"], description="Where events are posted to.")
    events: list[str] | None = Field(
        None, max_length=200, examples=[["opened", "resolved", "closed"]], description="Kinds of events; without it, all."
    )
    brands: list[str] | None = Field(None, max_length=100, examples=[["meridian"]], description="Of which brands; without it, of all.")
    description: str = Field("", max_length=LONGEST_DESCRIPTION, examples=["CRM"])
    active: bool = Field(True, description="While it is not, deliveries wait.", examples=[True])


class WebhookOut(BaseModel):
    """A subscription, without its secret."""

    id: str = Field(examples=[_ID])
    url: str = Field(examples=["https://crm.example.com/loopkeeper"])
    events: list[str] | None = Field(examples=[["opened", "resolved", "closed"]])
    brands: list[str] | None = Field(examples=[["meridian"]])
    description: str = Field(examples=["CRM"])
    active: bool
    created_at: datetime
    both_secrets_sign_until: datetime | None = Field(description="After the secret was changed: until when the one before signs as well.")


class WebhookMade(WebhookOut):
    """A subscription that was just made."""

    secret: str = Field(examples=[_SECRET], description="What its messages are signed with. It is not shown again.")


class WebhooksOut(BaseModel):
    """All subscriptions that are not revoked, the oldest first."""

    webhooks: list[WebhookOut] = Field(examples=[[_A_WEBHOOK]])


class SecretOut(BaseModel):
    """A new secret."""

    secret: str = Field(examples=[_SECRET], description="It is not shown again.")
    both_secrets_sign_until: datetime = Field(examples=[_AT])


class DeliveryOut(BaseModel):
    """One event for one subscription, and what became of it."""

    id: str = Field(examples=[_EVENT], description="What the header `webhook-id` says, at every try.")
    type: str = Field(examples=["resolved"])
    case_id: str | None = Field(examples=["meridian-x-1846"], description="null for a test.")
    state: State = Field(description="`dead`: all tries failed; replay it. `dropped`: the subscription was revoked.")
    tries: int = Field(examples=[1], description="Since it was made, or last replayed.")
    next_try_at: datetime | None
    status: int | None = Field(examples=[204], description="What the receiver answered last.")
    problem: str | None = Field(examples=["answered 500"], description="What was wrong the last time.")
    created_at: datetime
    settled_at: datetime | None


class DeliveriesOut(BaseModel):
    """Deliveries, the newest first. `after`: send it for the next page; null means that this was the last."""

    deliveries: list[DeliveryOut] = Field(examples=[[_A_DELIVERY]])
    after: str | None = Field(examples=[None])


@dataclass(frozen=True)
class RestWebhooks:
    """The routes."""

    hooks: Hooks
    receivers: Receivers
    book: PolicyBook
    in_thread: InThread
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/webhooks."""
        router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
        self._subscribing(router)
        self._delivering(router)
        return router

    def _subscribing(self, router: APIRouter) -> None:
        @router.get("", response_model=WebhooksOut, responses=described(401, 403, 429, 503), summary="Who is told what happens to cases")
        async def webhooks(_visitor: Admin) -> WebhooksOut:
            return WebhooksOut(webhooks=[webhook_out(one) for one in await self.in_thread(self.hooks.all)])

        @router.post(
            "",
            status_code=201,
            response_model=WebhookMade,
            responses=described(401, 403, 409, 422, 429, 503),
            summary="Have another system told",
            description=f"Of what happens from now on. The secret is in the answer, and nowhere else. {_PROOF}",
        )
        async def make(wanted: WebhookIn, visitor: FreshAdmin, idempotency_key: IdempotencyKey = None) -> WebhookMade:
            async def make() -> WebhookMade:
                made, secret = await self.in_thread(lambda: self.hooks.make(self._wanted(wanted), visitor.actor))
                return WebhookMade(**webhook_out(made).model_dump(), secret=secret)

            return await self.once.run(visitor, idempotency_key, "POST /webhooks", wanted, make)

        @router.get(
            "/{webhook_id}", response_model=WebhookOut, responses=described(401, 403, 404, 422, 429, 503), summary="One subscription"
        )
        async def one(webhook_id: str, _visitor: Admin) -> WebhookOut:
            return webhook_out(await self._found(lambda: self.hooks.one(id_of(webhook_id))))

        @router.put(
            "/{webhook_id}",
            response_model=WebhookOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Change a subscription, or pause it",
            description=f"All of it: what is left out is as if it were made so. Its secret stays. {_PROOF}",
        )
        async def change(webhook_id: str, wanted: WebhookIn, visitor: FreshAdmin) -> WebhookOut:
            return webhook_out(await self._found(lambda: self.hooks.change(id_of(webhook_id), self._wanted(wanted), visitor.actor)))

        @router.delete(
            "/{webhook_id}",
            status_code=204,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Revoke a subscription, at once",
        )
        async def revoke(webhook_id: str, visitor: Admin) -> Response:
            await self._found(lambda: self.hooks.revoke(id_of(webhook_id), visitor.actor))
            return Response(status_code=204)

        @router.post(
            "/{webhook_id}/secret",
            response_model=SecretOut,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Change a subscription's secret",
            description=f"For 24 hours the one before signs as well, so that the receiver can change over. {_PROOF}",
        )
        async def secret(webhook_id: str, visitor: FreshAdmin, idempotency_key: IdempotencyKey = None) -> SecretOut:
            async def change() -> SecretOut:
                made, until = await self._found(lambda: self.hooks.change_secret(id_of(webhook_id), visitor.actor, datetime.now(UTC)))
                return SecretOut(secret=made, both_secrets_sign_until=until)

            return await self.once.run(visitor, idempotency_key, f"POST /webhooks/{webhook_id}/secret", None, change)

    def _delivering(self, router: APIRouter) -> None:
        @router.get(
            "/{webhook_id}/deliveries",
            response_model=DeliveriesOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="What became of each delivery",
        )
        async def deliveries(
            request: Request,
            response: Response,
            webhook_id: str,
            _visitor: Admin,
            state: Annotated[State | None, Query(description="Only those that stand so; `dead` is the list of dead letters.")] = None,
            at_most: AtMost = 50,
            after: After = None,
        ) -> DeliveriesOut:
            below = number_of("deliveries", after)
            found = await self._found(lambda: self.hooks.deliveries(id_of(webhook_id), before=below, state=state, at_most=at_most + 1))
            page = found[:at_most]
            more = cursor("deliveries", page[-1].number) if len(found) > at_most else None
            tell_next(request, response, more)
            return DeliveriesOut(deliveries=[delivery_out(one) for one in page], after=more)

        @router.post(
            "/{webhook_id}/deliveries/{event_id}/replay",
            status_code=202,
            response_model=DeliveryOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Deliver an event again",
            description="At once, under the same id and with the same body, and with all its tries.",
        )
        async def replay(webhook_id: str, event_id: str, visitor: Admin) -> DeliveryOut:
            again = await self._found(lambda: self.hooks.replay(id_of(webhook_id), id_of(event_id), visitor.actor, datetime.now(UTC)))
            return delivery_out(again)

        @router.post(
            "/{webhook_id}/test",
            status_code=202,
            response_model=DeliveryOut,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Deliver an event of the type `test`",
        )
        async def test(webhook_id: str, visitor: Admin, idempotency_key: IdempotencyKey = None) -> DeliveryOut:
            async def send() -> DeliveryOut:
                return delivery_out(await self._found(lambda: self.hooks.send_test(id_of(webhook_id), visitor.actor, datetime.now(UTC))))

            return await self.once.run(visitor, idempotency_key, f"POST /webhooks/{webhook_id}/test", None, send, kept=DeliveryOut)

    async def _found(self, call: Callable[[], _T]) -> _T:
        try:
            return await self.in_thread(call)
        except NoSuchWebhook as error:
            raise Problem(404, str(error)) from None

    def _wanted(self, given: WebhookIn) -> Wanted:
        """Raises UnfitWebhook, which the caller reads as a 422."""
        wanted = Wanted(given.url, _set(given.events), _set(given.brands), given.description.strip(), given.active)
        return self.receivers.fit(wanted, self.book.active())


def _set(given: list[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)


def id_of(given: str) -> str:
    """As it was given; what PostgreSQL cannot even be asked for is not there."""
    if "\0" in given:
        raise NoSuchWebhook("there is no such webhook")
    return given


def webhook_out(hook: Webhook) -> WebhookOut:
    """A subscription, as it is answered."""
    wanted = hook.wanted
    return WebhookOut(
        id=hook.id,
        url=wanted.url,
        events=None if wanted.events is None else sorted(wanted.events),
        brands=None if wanted.brands is None else sorted(wanted.brands),
        description=wanted.description,
        active=wanted.active,
        created_at=hook.created_at,
        both_secrets_sign_until=hook.before_until,
    )


def delivery_out(one: Delivery) -> DeliveryOut:
    """A delivery, as it is answered."""
    return DeliveryOut.model_validate(
        {
            "id": one.event_id,
            "type": one.kind,
            "case_id": one.case_id,
            "state": one.state,
            "tries": one.attempts,
            "next_try_at": one.due_at if one.state == "pending" else None,
            "status": one.status,
            "problem": one.problem,
            "created_at": one.created_at,
            "settled_at": one.settled_at,
        }
    )
