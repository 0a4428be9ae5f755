"""Customers over REST: who they are on which channel, all their cases, and linking identities that are the same person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.postgres.identities import CustomerShown, Identities
from adapters.postgres.linking import Linking
from adapters.postgres.rows import Row
from api.access.door import InThread
from api.access.rules import Needs, Reading
from api.access.visitor import Visitor
from api.once import IdempotencyKey, Once
from api.problems import Problem, described
from api.reading import ON_RECORD
from domain.identities import LONGEST_REASON, MOST, CannotLink, Identity, NoSuchCustomer
from domain.rights import Right

Linker = Annotated[Visitor, Depends(Needs(Right.LINK_CUSTOMERS))]
UNFIT = frozenset({"no_reason", "unfit_reason", "reason_names_them"})
"""Refusals of what was written, not of what is wanted."""
_SAM, _SAMO = "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90", "0198d7a4-71aa-7f02-8c33-b1f0a94d2e17"
_AT = "2026-03-02T09:00:00Z"
_LINKED = {"how": "by_hand", "by": "Maya Chen", "role": "social", "at": _AT, "reason": "told us so in #42"}
_IDENTITY: dict[str, Any] = {"id": _SAM, "channel": "x", "handle": "sam", "name": "Sam Okafor", "since": _AT, "cases": 2, "linked": _LINKED}
_CASE = {
    "case_id": "meridian-facebook-991",
    "number": 42,
    "identity": _SAMO,
    "channel": "facebook",
    "brand": "meridian",
    "status": "in_progress",
    "is_open": True,
    "priority": "high",
    "category": "billing",
    "department": "billing",
    "owner": "Ana Sousa",
    "opened_at": _AT,
    "due_at": "2026-03-02T11:00:00Z",
    "due_clock": "holding_update",
    "breached": [],
}
_FIGURES = {"cases": 3, "open": 1, "thanks": 1, "resolved_in_time": 2, "resolved_late": 0}
_CUSTOMER = {
    "id": _SAM,
    "identities": [_IDENTITY, {**_IDENTITY, "id": _SAMO, "channel": "facebook", "handle": None, "cases": 1}],
    "cases": [_CASE],
    "figures": _FIGURES,
}


class LinkOut(BaseModel):
    """That an identity is linked with others as the same person."""

    how: str = Field(examples=["by_hand"], description="`by_hand`, or `signed_in`: to the same account with the brand.")
    by: str = Field(examples=["Maya Chen"])
    role: str = Field(examples=["social"])
    at: datetime
    reason: str = Field(examples=["told us so in #42"], description="Empty when it was not by hand.")


class IdentityOut(BaseModel):
    """A customer on one channel."""

    id: str = Field(examples=[_SAM])
    channel: str = Field(examples=["x"])
    handle: str | None = Field(examples=["sam"])
    name: str | None = Field(examples=["Sam Okafor"])
    since: datetime = Field(description="When they were first seen.")
    cases: int = Field(examples=[2], description="So many of their cases you may see.")
    linked: LinkOut | None


class CustomerCaseOut(BaseModel):
    """A case of a customer; nothing that anybody wrote is in it."""

    case_id: str = Field(examples=["meridian-facebook-991"])
    number: int = Field(examples=[42])
    identity: str = Field(examples=[_SAMO], description="Whose it is, of the identities.")
    channel: str = Field(examples=["facebook"])
    brand: str = Field(examples=["meridian"])
    status: str = Field(examples=["in_progress"])
    is_open: bool
    priority: str = Field(examples=["high"])
    category: str = Field(examples=["billing"])
    department: str = Field(examples=["billing"])
    owner: str | None = Field(examples=["Ana Sousa"])
    opened_at: datetime
    due_at: datetime | None = Field(description="When the next clock runs out.")
    due_clock: str | None = Field(examples=["holding_update"])
    breached: list[str] = Field(examples=[["accept"]], description="The clocks that have run out.")


class FiguresOut(BaseModel):
    """What the cases add up to."""

    cases: int = Field(examples=[3])
    open: int = Field(examples=[1])
    thanks: int = Field(examples=[1], description="How often they have thanked us.")
    resolved_in_time: int = Field(examples=[2])
    resolved_late: int = Field(examples=[0])


class CustomerOut(BaseModel):
    """A customer, from the side of one identity: the others are those that are linked with it."""

    id: str = Field(examples=[_SAM])
    identities: list[IdentityOut] = Field(description="The one that was asked for first.", examples=[_CUSTOMER["identities"]])
    cases: list[CustomerCaseOut] = Field(description="Open ones first, the most urgent before; at most 100.", examples=[[_CASE]])
    figures: FiguresOut = Field(examples=[_FIGURES])


class CustomersOut(BaseModel):
    """Who was found."""

    customers: list[IdentityOut] = Field(examples=[[_IDENTITY]])


class LinkIn(BaseModel):
    """Who is the same person, and how you know."""

    model_config = ConfigDict(extra="forbid")

    other: str = Field(max_length=60, examples=[_SAMO], description="The other identity.")
    reason: str = Field(max_length=LONGEST_REASON, examples=["told us so in #42"], description="Stays on record for ever; names nobody.")
    seen: list[Annotated[str, Field(max_length=60)]] | None = Field(
        None,
        max_length=2 * MOST,
        examples=[[_SAM, _SAMO]],
        description="All identities of both, as you know them; refused when they are others by now.",
    )


class UnlinkIn(BaseModel):
    """Why they are not the same person."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        max_length=LONGEST_REASON, examples=["two people of one family"], description="Stays on record for ever; names nobody."
    )


@dataclass(frozen=True)
class RestCustomers:
    """The routes."""

    identities: Identities
    linking: Linking
    in_thread: InThread
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1."""
        router = APIRouter(prefix="/api/v1", tags=["customers"])

        @router.get("/customers", response_model=CustomersOut, responses=described(401, 403, 422, 429, 503), summary="Find customers")
        async def find(
            visitor: Reading,
            handle: Annotated[
                str, Query(min_length=1, max_length=200, examples=["sam"], description="Whole; or the network's id of them.")
            ],
            channel: Annotated[str | None, Query(max_length=40, examples=["x"], description="Only there; without it, everywhere.")] = None,
        ) -> CustomersOut:
            found = await self.in_thread(lambda: self.identities.find(handle, channel, visitor.sees_departments))
            await self._noted(visitor, found)
            return customers_out(found)

        @router.get(
            "/customers/{customer_id}",
            response_model=CustomerOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="A customer on all channels",
        )
        async def read(customer_id: str, visitor: Reading) -> CustomerOut:
            return await self._shown(customer_id, visitor)

        @router.post(
            "/customers/{customer_id}/links",
            status_code=201,
            response_model=CustomerOut,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Link two identities as the same person",
            description="A link moves nothing: each identity is answered where it wrote. It is on record with who made it and why.",
        )
        async def link(
            customer_id: str,
            wanted: LinkIn,
            visitor: Linker,
            idempotency_key: IdempotencyKey = None,
        ) -> CustomerOut:
            command = f"api:{visitor.actor.person.removeprefix('key:')}:{idempotency_key or uuid.uuid4()}"

            def make() -> Sequence[Identity]:
                return self.linking.link(customer_id, wanted.other, wanted.reason, visitor.actor, seen=wanted.seen, command=command)

            async def linked() -> CustomerOut:
                await self._changed(make, customer_id)
                return await self._shown(customer_id, visitor)

            what = f"POST /customers/{customer_id}/links"
            return await self.once.run(visitor, idempotency_key, what, wanted, linked, repeatable=True)

        @router.delete(
            "/customers/{customer_id}/links/{other_id}",
            status_code=204,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="Take an identity out",
            description="`other_id` is a customer of its own again; nothing of it shows at the others, which stay linked.",
        )
        async def unlink(customer_id: str, other_id: str, wanted: UnlinkIn, visitor: Linker) -> Response:
            await self._changed(lambda: self.linking.unlink(customer_id, other_id, wanted.reason, visitor.actor), customer_id, other_id)
            return Response(status_code=204)

        return router

    async def _shown(self, customer: str, visitor: Visitor) -> CustomerOut:
        try:
            shown = await self.in_thread(lambda: self.identities.shown(customer, visitor.sees_departments))
        except NoSuchCustomer as error:
            raise Problem(404, str(error)) from None
        await self._noted(visitor, shown.identities)
        return customer_out(shown)

    async def _noted(self, visitor: Visitor, identities: Sequence[Identity]) -> None:
        """Whoever reads and does not work on cases is on record."""
        if identities and visitor.actor.role in ON_RECORD:
            await self.in_thread(lambda: self.identities.note_read(identities, visitor.actor))

    async def _changed(self, change: Any, *named: str) -> None:
        """Have it done. Raises Problem. `named`: whom the address names."""
        try:
            await self.in_thread(change)
        except NoSuchCustomer as error:
            raise Problem(404 if error.customer in named else 409, str(error), code="no_such_customer") from None
        except CannotLink as error:
            status = 422 if error.code in UNFIT else 404 if error.code == "not_linked" else 409
            raise Problem(status, str(error), code=error.code) from None


def customer_out(shown: CustomerShown) -> CustomerOut:
    """A customer, as it is answered."""
    figures = shown.figures
    return CustomerOut(
        id=shown.identities[0].id,
        identities=[_identity(one) for one in shown.identities],
        cases=[_case(row) for row in shown.cases],
        figures=FiguresOut(
            cases=figures.cases, open=figures.open, thanks=figures.thanks, resolved_in_time=figures.in_time, resolved_late=figures.late
        ),
    )


def customers_out(found: Sequence[Identity]) -> CustomersOut:
    """Customers that were found, as they are answered."""
    return CustomersOut(customers=[_identity(one) for one in found])


def _identity(one: Identity) -> IdentityOut:
    link = one.linked
    return IdentityOut(
        id=one.id,
        channel=one.channel,
        handle=one.handle,
        name=one.name,
        since=one.since,
        cases=one.cases,
        linked=None if link is None else LinkOut(how=link.how.value, by=link.name, role=link.role, at=link.at, reason=link.reason),
    )


def _case(row: Row) -> CustomerCaseOut:
    return CustomerCaseOut(
        case_id=row.case_id,
        number=row.number,
        identity=row.identity,
        channel=row.channel,
        brand=row.brand,
        status=row.status,
        is_open=row.is_open,
        priority=row.priority,
        category=row.category,
        department=row.department,
        owner=row.owner,
        opened_at=row.opened_at,
        due_at=row.due_at,
        due_clock=row.due_clock,
        breached=list(row.breached),
    )
