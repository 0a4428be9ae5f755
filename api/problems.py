"""Errors as RFC 9457 problem details: what happened, to what, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from domain.errors import LoopkeeperError

MEDIA_TYPE = "application/problem+json"


class ProblemDetail(BaseModel):
    """The body of every error."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["Ana Sousa has this case."])
    code: str | None = Field(None, examples=["has_an_owner"], description="A word for programs: why a command was refused.")


class Problem(Exception):
    """An error on its way to the caller."""

    def __init__(self, status: int, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.headers = headers

    def response(self) -> Response:
        """The problem as a response."""
        body = ProblemDetail(title=HTTPStatus(self.status).phrase, status=self.status, detail=self.detail, code=self.code)
        return JSONResponse(body.model_dump(exclude_none=True), self.status, media_type=MEDIA_TYPE, headers=dict(self.headers or {}))


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return Problem(error.status_code, str(error.detail), headers=error.headers).response()

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return Problem(422, f"{where}: {first['msg']}" if where else str(first["msg"])).response()

    async def on_ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, LoopkeeperError)
        return Problem(422, str(error)).response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(LoopkeeperError, on_ours)
