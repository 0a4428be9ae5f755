"""The fault mode's part of /hands/, and the courier's: what is set, who is held, what is being delivered."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.answers import answer, parse
from sandbox.courier import Courier
from sandbox.faults.mode import Fault, FaultMode, Held, Order


class Which(BaseModel):
    """One of them, or all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | None = None


class FaultHands:
    """Sets and clears faults, lets go of who is held, hurries deliveries."""

    def __init__(self, faults: FaultMode, courier: Courier) -> None:
        self._faults = faults
        self._courier = courier

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            Route("/hands/fault", self.set, methods=["POST"]),
            Route("/hands/fault", self.list, methods=["GET"]),
            Route("/hands/fault", self.clear, methods=["DELETE"]),
            Route("/hands/fault/release", self.release, methods=["POST"]),
            Route("/hands/deliveries/retry", self.retry, methods=["POST"]),
        ]

    async def set(self, request: Request) -> Response:
        """`POST /hands/fault`."""
        return answer(_fault(self._faults.order(parse(await request.body(), Order))), 201)

    async def list(self, _request: Request) -> Response:
        """`GET /hands/fault`."""
        return answer({"faults": [_fault(one) for one in self._faults.faults], "held": [_held(one) for one in self._faults.held]})

    async def clear(self, request: Request) -> Response:
        """`DELETE /hands/fault`, or `DELETE /hands/fault?id=…` for one."""
        return answer({"cleared": [_fault(one) for one in self._faults.clear(request.query_params.get("id"))]})

    async def release(self, request: Request) -> Response:
        """`POST /hands/fault/release`: the answers that wait go out; with an id, one of them."""
        which = parse(await request.body() or b"{}", Which)
        return answer({"released": [_held(one) for one in self._faults.release(which.id)]})

    async def retry(self, request: Request) -> Response:
        """`POST /hands/deliveries/retry`: what waits for its next attempt is tried at once; with an id, one of them."""
        which = parse(await request.body() or b"{}", Which)
        return answer({"hurried": self._courier.try_now(which.id)})


def _fault(fault: Fault) -> dict[str, object]:
    return {"id": fault.id, **fault.order.model_dump(mode="json"), "struck": fault.struck, "cleared": fault.cleared}


def _held(held: Held) -> dict[str, object]:
    return {"id": held.id, "party": held.party, "address": held.address, "since": held.since}
