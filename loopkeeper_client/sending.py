"""Sending a request, and again where that is safe; and what comes back."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from loopkeeper_client.problems import NotReached, NotUnderstood, problem

T = TypeVar("T")
M = TypeVar("M", bound=Callable[..., Any])
Query = Mapping[str, object]
TRIES = 4
LONGEST_WAIT = 60.0
"""Seconds that are waited at most when we are told to come again; whoever is to wait longer is told so by the error."""
_AGAIN = frozenset({429, 502, 503, 504})
OPERATIONS: dict[str, str] = {}
"""Which operation of the API which method is: `"GET /api/v1/me": "me"`. A test holds it against the OpenAPI document."""


def operation(method: str, path: str) -> Callable[[M], M]:
    """Says which operation a method is."""

    def note(function: M) -> M:
        OPERATIONS[f"{method} {path}"] = function.__name__
        return function

    return note


@dataclass(frozen=True)
class Tagged(Generic[T]):
    """Something, and the `ETag` by which this state of it is known."""

    value: T
    etag: str


class Sender:
    """Speaks HTTP with one address. `key`: an API key. `timeout`: seconds that an answer may take.

    What changes nothing, and what is sent under an Idempotency-Key, is sent up to `tries` times when nobody answers or we are told to
    come again; everything else once.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        tries: int = TRIES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tries = tries
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"authorization": f"Bearer {key}", "user-agent": "loopkeeper-client/1", "accept": "application/json"},
            timeout=timeout,
            transport=transport,
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, model: type[T], path: str, query: Query | None = None) -> T:
        """What is there."""
        return read(model, self.send("GET", path, query=query))

    def pages(self, model: type[T], path: str, query: Query, after_of: Callable[[T], str | None]) -> Iterator[T]:
        """Page by page, as they are asked for."""
        after: str | None = None
        while True:
            page = self.get(model, path, {**query, "after": after})
            yield page
            after = after_of(page)
            if after is None:
                return

    def post(self, model: type[T], path: str, body: BaseModel | None = None, *, once: str | None = None, **headers: str | None) -> T:
        """Have something done, once. `once`: the Idempotency-Key; one is made when there is none."""
        told = {"idempotency-key": once or str(uuid.uuid4()), **headers}
        return read(model, self.send("POST", path, body=body, headers=told, safe=True))

    def tell(self, model: type[T], method: str, path: str, body: BaseModel | None = None, *, safe: bool | None = None) -> T:
        """Have something done that knows no Idempotency-Key. `safe`: see `send`."""
        return read(model, self.send(method, path, body=body, safe=safe))

    def fetch(self, path: str, to: Path) -> int:
        """Write what is there into a file, which must not be there yet; how many bytes. It is asked for once."""
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_success:
                    return _written(answer, to)
                answer.read()
        except httpx.HTTPError as error:
            raise NotReached(f"{self._http.base_url} broke off: {error or type(error).__name__}") from None
        raise _problem(answer, _retry_after(answer))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: BaseModel | None = None,
        headers: Mapping[str, str | None] | None = None,
        safe: bool | None = None,
    ) -> httpx.Response:
        """The answer, when it is a good one. `safe`: whether sending it twice does no more than sending it once."""
        repeatable = method in ("GET", "PUT", "DELETE") if safe is None else safe
        tries = self._tries if repeatable else 1
        for attempt in range(1, tries + 1):
            last = attempt == tries
            try:
                answer = self._http.request(
                    method,
                    path,
                    params=_pairs(query or {}),
                    content=None if body is None else body.model_dump_json(exclude_unset=True).encode(),
                    headers={
                        **({} if body is None else {"content-type": "application/json"}),
                        **{name.replace("_", "-"): value for name, value in (headers or {}).items() if value is not None},
                    },
                )
            except httpx.HTTPError as error:
                if last:
                    raise NotReached(f"{self._http.base_url} gave no answer: {error or type(error).__name__}") from None
                self._sleep(_backoff(attempt))
                continue
            if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
                return answer
            if attempt > 1 and method == "DELETE" and answer.status_code == httpx.codes.NOT_FOUND:
                return answer  # the answer to the first try was lost, and it had been done
            wait = _retry_after(answer)
            if last or answer.status_code not in _AGAIN or (wait or 0) > LONGEST_WAIT:
                raise _problem(answer, wait)
            self._sleep(_backoff(attempt) if wait is None else wait)
        raise AssertionError("the last try has answered or raised")


def at(path: str, **places: str | int) -> str:
    """An address with its places filled in."""
    return path.format(**{name: quote(str(value), safe="") for name, value in places.items()})


def read(model: type[T], answer: httpx.Response) -> T:
    """What an answer says. Raises NotUnderstood."""
    try:
        return TypeAdapter(model).validate_json(answer.content)
    except ValidationError as error:
        raise NotUnderstood(f"{answer.request.url.copy_with(query=None)} answered something else than was expected: {error}") from None


def _written(answer: httpx.Response, to: Path) -> int:
    """How many bytes went into the file; all of them, or there is no file."""
    with to.open("xb") as file:
        try:
            return sum(file.write(block) for block in answer.iter_bytes())
        except BaseException:
            to.unlink()
            raise


def _problem(answer: httpx.Response, wait: float | None) -> Exception:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        told = answer.json()
        return problem(answer.status_code, str(told.get("detail", "")), told.get("code"), wait)
    if answer.status_code >= 500:
        return problem(answer.status_code, f"{answer.request.url.host} answered {answer.status_code}", None, wait)
    return NotUnderstood(f"{answer.request.url.copy_with(query=None)} answered {answer.status_code}, and not as Loopkeeper does")


def _retry_after(answer: httpx.Response) -> float | None:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else None


def _backoff(attempt: int) -> float:
    """Longer each time, and never all at the same moment."""
    return float(0.25 * 2**attempt * (0.5 + random.random() / 2))  # noqa: S311 - nobody must not guess it


def _pairs(query: Query) -> list[tuple[str, str | int | float | bool | None]]:
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs += [(name.rstrip("_"), str(one)) for one in values if one is not None]
    return pairs
