"""How the sandbox answers over HTTP: JSON, and problems as RFC 9457 says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request
from starlette.responses import Response

Model = TypeVar("Model", bound=BaseModel)


class ProblemError(Exception):
    """A request that was not done. Says what happened, to what, and what to do; becomes `application/problem+json`."""

    def __init__(self, status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.headers = headers

    def answer(self) -> Response:
        """The problem as an answer."""
        return problem(self.status, self.title, self.detail, self.headers)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An RFC 9457 answer."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(dumps(body), status, headers, media_type="application/problem+json")


async def answer_problem(_request: Request, error: Exception) -> Response:
    """The exception handler for `ProblemError`."""
    assert isinstance(error, ProblemError)
    return error.answer()


def dumps(value: object) -> bytes:
    """Compact JSON, UTF-8. (pydantic's own writer and reader are several times faster than the standard library's.)"""
    return to_json(value)


def loads(body: bytes | str) -> object:
    """The value in a JSON text. Raises ValueError."""
    parsed: object = from_json(body)
    return parsed


def answer(value: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(dumps(value), status, media_type="application/json")


def parse(body: bytes, model: type[Model]) -> Model:
    """The body as `model`. Raises ProblemError 422 that names every field at fault."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors(include_url=False, include_input=False)
        )
        raise ProblemError(422, "Unreadable", faults) from error
