"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from starlette.responses import JSONResponse, Response
from temporalio.client import Client
from temporalio.service import RPCError

from adapters.postgres.lagging import Lags
from api.access.rules import Anyone
from domain.errors import LoopkeeperError


class Alive(BaseModel):
    """This process answers."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """What this process can reach."""

    ready: bool = Field(examples=[True])
    database: str = Field(examples=["ok"])
    temporal: str = Field(examples=["ok"])
    slack: str | None = Field(examples=["connected"])
    """How Socket Mode stands; null when it is not used. Nothing here waits for Slack: without it, departments are told by e-mail."""
    behind: dict[str, float] | None = Field(examples=[{"search": 0.0, "numbers": 1.2, "webhooks": 0.0, "deliveries": 0.0}])
    """For how many seconds the oldest event has been waiting for each that follows the log; null when nobody can tell. It is ready
    nevertheless."""


@dataclass(frozen=True)
class Health:
    """The two questions that an orchestrator asks."""

    client: Client
    engine: Engine
    threads: Executor
    slack: Callable[[], str | None]

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(tags=["health"], dependencies=[Depends(Anyone("it says nothing but whether we work"))])
        router.add_api_route("/healthz", self.alive, methods=["GET"], response_model=Alive, summary="The process lives")
        router.add_api_route(
            "/readyz",
            self.ready,
            methods=["GET"],
            response_model=Ready,
            responses={503: {"model": Ready, "description": "Something cannot be reached."}},
            summary="The process can do its work",
        )
        return router

    async def alive(self) -> Alive:
        """It does, if it answers."""
        return Alive(status="ok")

    async def ready(self) -> Response:
        """Asks the database and Temporal."""
        database, behind = await asyncio.get_running_loop().run_in_executor(self.threads, self._database)
        try:
            serving = await self.client.service_client.check_health(timeout=timedelta(seconds=2))
            temporal = "ok" if serving else "not serving"
        except RPCError as error:
            temporal = f"cannot be reached ({error.status.name.lower()})"
        except RuntimeError:  # how the client says that it never came to a connection
            temporal = "cannot be reached (no connection)"
        state = Ready(ready=database == "ok" and temporal == "ok", database=database, temporal=temporal, slack=self.slack(), behind=behind)
        return JSONResponse(state.model_dump(), 200 if state.ready else 503)

    def _database(self) -> tuple[str, dict[str, float] | None]:
        try:
            behind = Lags(self.engine).behind()
        except LoopkeeperError as error:
            return f"cannot be reached ({type(error.__cause__).__name__})", None
        return "ok", {name: round(waited.total_seconds(), 1) for name, waited in behind.items()}
