"""Errors as RFC 9457 problem details: what happened, to what, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from domain.errors import LoopkeeperError, NothingShown, NoWording, ShowsPersonalData, TooLong, UnknownBrand, UnknownChannel, WordsErased
from domain.ports import Unavailable
from domain.seeking import SearchTooLong

MEDIA_TYPE = "application/problem+json"
MOST_TOLD = 10
"""So many faults of one request are told at once."""


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


_TOLD: dict[int, str] = {
    401: "Not signed, or without a valid key.",
    403: "The key's role may not do this.",
    404: "There is no such thing.",
    409: "Refused; `code` and `detail` say why.",
    412: "The case has moved on since you read it; `detail` says what happened.",
    413: "Too large.",
    422: "Not understood; `detail` names the field.",
    429: "Too many requests, or too many keys from your address that did not hold; `Retry-After` says how long to wait.",
    503: "Not done: a part of Loopkeeper cannot be reached. Send it again.",
}

_CODES: dict[type[LoopkeeperError], str] = {
    TooLong: "too_long",
    ShowsPersonalData: "shows_personal_data",
    NothingShown: "nothing_shown",
    WordsErased: "words_erased",
    NoWording: "no_wording",
    UnknownBrand: "unknown_brand",
    UnknownChannel: "unknown_channel",
}
"""The words for programs of what the rules do not take."""


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How the OpenAPI document describes the problems that an operation answers with."""
    return {status: {"model": ProblemDetail, "description": _TOLD[status]} for status in statuses}


def _told(fault: Mapping[str, Any]) -> str:
    """One thing that is wrong with a request, and where: the field, without which part of the request it stands in."""
    part, *fields = fault["loc"]
    if fault["type"] == "json_invalid":
        return f"the body is no JSON: {fault['ctx']['error']} (at sign {fields[0]})"
    if part == "body" and not fields:
        return "the body has to be a JSON object, sent with Content-Type: application/json"
    return f"{'.'.join(map(str, fields))}: {fault['msg']}"


def _routed(request: Request, error: HTTPException) -> str:
    """What the router's own errors lack: they say nothing of what was asked."""
    if error.detail == HTTPStatus.NOT_FOUND.phrase:
        return "there is nothing at this address; /docs lists what there is"
    if error.detail == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
        allowed = {name.lower(): value for name, value in (error.headers or {}).items()}.get("allow", "another method")
        return f"this address does not take {request.method}, but {allowed}"
    return str(error.detail)


def install(app: FastAPI, shown: Callable[[Request, Problem], Response | None]) -> None:
    """Answer every error of the app as a problem, and say so in its OpenAPI document. `shown`: the page in its place, for a person."""

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return shown(request, error) or error.response()

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return await on_problem(request, Problem(error.status_code, _routed(request, error), headers=error.headers))

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return Problem(422, "; ".join(dict.fromkeys(map(_told, error.errors()[:MOST_TOLD])))).response()

    async def on_ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, LoopkeeperError)
        return Problem(422, str(error), code=_CODES.get(type(error))).response()

    async def on_too_long(_request: Request, error: Exception) -> Response:
        return Problem(422, str(error), code="search_too_long").response()  # no 503: sent again as it is, it would take as long

    async def on_unavailable(request: Request, _error: Exception) -> Response:
        return await on_problem(
            request, Problem(503, "not done: the database cannot be reached; send it again", headers={"retry-after": "5"})
        )

    document = app.openapi

    def openapi() -> dict[str, Any]:
        told = document()
        for operation in (operation for path in told["paths"].values() for operation in path.values()):
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/ProblemDetail"):
                    content[MEDIA_TYPE] = content.pop("application/json")
        return told

    app.openapi = openapi  # type: ignore[method-assign]
    for unavailable in (Unavailable, OperationalError, InterfaceError, PoolExhausted):
        app.add_exception_handler(unavailable, on_unavailable)
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(SearchTooLong, on_too_long)
    app.add_exception_handler(LoopkeeperError, on_ours)
