"""The header `Idempotency-Key`: a request that is sent again under the same key is carried out once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Header
from pydantic import BaseModel

from adapters.postgres.requests_once import RequestsOnce
from api.access.door import InThread
from api.access.visitor import Visitor
from api.problems import Problem
from domain.errors import LoopkeeperError
from domain.ports import Unavailable

_M = TypeVar("_M", bound=BaseModel)
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        examples=["4f6c1f0e-5a7b-4c0e-9a35-5f0a6d1d3c52"],
        description="The same request under the same key is carried out once; another one under it is refused. Kept for a day.",
    ),
]
OTHERWISE = "Idempotency-Key: was used for another request; take a new one for each thing that you want done"
NOT_KNOWN = "a request under this Idempotency-Key has begun and has not ended: look at what is there; if nothing came of it, take a new key"
SHOWN_ONCE = "this was done already under this Idempotency-Key, and its secret was shown once; revoke what was made, and make another"


@dataclass(frozen=True)
class Once:
    """Carries requests out once."""

    requests: RequestsOnce
    in_thread: InThread

    async def run(
        self,
        visitor: Visitor,
        key: str | None,
        what: str,
        body: BaseModel | None,
        do: Callable[[], Awaitable[_M]],
        *,
        repeatable: bool = False,
        kept: type[_M] | None = None,
    ) -> _M:
        """What `do` answers, or answered before. Raises Problem.

        `what`: the method and address. `repeatable`: doing it again under the same key does nothing more. `kept`: the answer, whose kind
        that is, is kept for a day; so it must hold no words, names or secrets.
        """
        if key is None:
            return await do()
        person = visitor.actor.person
        asked = f"{what}\n{body.model_dump_json() if body is not None else ''}".encode()
        before = await self.in_thread(lambda: self.requests.claim(person, key, asked))
        if not before.same:
            raise Problem(422, OTHERWISE, code="key_used_otherwise")
        if before.answer is not None and kept is not None:
            return kept.model_validate(before.answer)
        if before.state != "new" and not repeatable:
            done = before.state == "done"
            raise Problem(409, SHOWN_ONCE if done else NOT_KNOWN, code="done_already" if done else "not_known")
        try:
            answer = await do()
        except Unavailable:
            raise  # nobody can tell whether it was done
        except (Problem, LoopkeeperError) as refused:
            if not isinstance(refused, Problem) or refused.status < 500:
                await self.in_thread(lambda: self.requests.release(person, key))
            raise
        told = answer.model_dump(mode="json") if kept is not None else None
        await self.in_thread(lambda: self.requests.done(person, key, told))
        return answer
