"""A network behind a bridge that speaks docs/channel-contract.md."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from adapters.channels.signing import Signer
from adapters.http import Answer, HttpClient
from domain.ports import Absent, NotSent, OutgoingReply, PostedReply, Refused, Unclear
from domain.values import Permalink


class _Posted(BaseModel):
    id: str = Field(min_length=1, max_length=200)
    url: str = Field(max_length=2000, pattern=r"^https?://\S+$")
    posted_at: AwareDatetime


class _Found(_Posted):
    text: str
    idempotency_key: str | None = None


class _Replies(BaseModel):
    complete: bool
    replies: list[_Found] = Field(max_length=1000)


class WebhookNetwork:
    """See `domain.ports.Network`."""

    def __init__(self, bridge_url: str, signer: Signer, http: HttpClient, *, honours_key: bool) -> None:
        self._url = bridge_url.rstrip("/")
        self._signer = signer
        self._http = http
        self.honours_key = honours_key

    def post(self, reply: OutgoingReply) -> PostedReply:
        """See `domain.ports.Network.post`."""
        body = {
            "brand": reply.brand,
            "in_reply_to": reply.in_reply_to,
            "text": reply.text,
            "visibility": "private" if reply.private else "public",
        }
        answer = self._send("/replies", reply.key, body, {"idempotency-key": reply.key})
        if answer.status not in (200, 201):
            raise _failure(answer)
        try:
            return _posted(_Posted.model_validate_json(answer.body))
        except ValidationError as error:  # it said that it posted, but not where: look it up
            raise Unclear(f"the bridge's answer is not readable: {_first(error)}") from error

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        """See `domain.ports.Network.find`."""
        body = {"brand": reply.brand, "in_reply_to": reply.in_reply_to}
        if reply.private:
            body["visibility"] = "private"
        try:
            answer = self._send("/replies/find", f"find:{reply.key}:{time.time_ns()}", body, {})
        except Unclear as error:  # a question changes nothing, so an unclear question is simply unanswered
            raise NotSent(error.reason) from error
        if answer.status == 404 or answer.status == 410:
            return Absent(surely=True)
        if answer.status != 200:
            raise NotSent(f"the bridge cannot look up replies ({answer.status})", answer.retry_after)
        try:
            found = _Replies.model_validate_json(answer.body)
        except ValidationError as error:
            raise NotSent(f"the bridge's answer is not readable: {_first(error)}") from error
        for one in found.replies:
            same_words = one.idempotency_key is None and one.text == reply.text and one.id not in reply.others
            if one.idempotency_key == reply.key or same_words:
                return _posted(one)
        return Absent(surely=found.complete)

    def check(self) -> str | None:
        """What is wrong with the bridge, by asking for the replies to a post that is not there; None when it answers well."""
        try:
            self.find(OutgoingReply("check", "check", "loopkeeper-check", ""))
        except NotSent as error:
            return error.reason
        return None

    def _send(self, path: str, message_id: str, body: dict[str, str], more: dict[str, str]) -> Answer:
        raw = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", **self._signer.headers(message_id, time.time(), raw), **more}
        return self._http.post(self._url + path, headers, raw)


def _posted(given: _Posted) -> PostedReply:
    # A network whose clock is ahead of ours must not make things happen in the future.
    return PostedReply(Permalink(given.id, given.url), min(given.posted_at, datetime.now(UTC)))


def _failure(answer: Answer) -> NotSent | Refused | Unclear:
    """What a status means to us; the table is in docs/channel-contract.md."""
    said = str(answer.json().get("detail") or answer.json().get("title") or "")[:200]
    told = f" ({answer.status}{': ' + said if said else ''})"
    match answer.status:
        case 401 | 403:
            return Refused(f"the bridge refuses our credentials{told}")
        case 404 | 410:
            return Refused(f"the post is gone from the network{told}")
        case 408 | 409:
            return Unclear(f"the bridge is still busy with it{told}")
        case 429:
            return NotSent(f"the network asks us to wait{told}", answer.retry_after)
        case status if 400 <= status < 500:
            return Refused(f"the network will not take it{told}")
        case _:
            return Unclear(f"the bridge failed{told}")


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(p) for p in problem['loc'])}: {problem['msg']}"
