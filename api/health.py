"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response
from temporalio.client import Client
from temporalio.service import RPCError

from api.access.rules import Anyone


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
        database = await asyncio.get_running_loop().run_in_executor(self.threads, self._database)
        try:
            serving = await self.client.service_client.check_health(timeout=timedelta(seconds=2))
            temporal = "ok" if serving else "not serving"
        except RPCError as error:
            temporal = f"cannot be reached ({error.status.name.lower()})"
        state = Ready(ready=database == "ok" and temporal == "ok", database=database, temporal=temporal, slack=self.slack())
        return JSONResponse(state.model_dump(), 200 if state.ready else 503)

    def _database(self) -> str:
        try:
            with self.engine.connect() as connection:
                connection.execute(text("select 1"))
        except SQLAlchemyError as error:
            return f"cannot be reached ({type(error).__name__})"
        return "ok"
