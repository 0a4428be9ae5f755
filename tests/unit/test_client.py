"""The client against the API's own description, and how it behaves when the answer is not a good one."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

import loopkeeper_client
from loopkeeper_client import (
    Invalid,
    Loopkeeper,
    MovedOn,
    NotReached,
    NotSignedIn,
    NotThere,
    NotUnderstood,
    Refused,
    TooManyRequests,
    Unavailable,
    models,
)
from loopkeeper_client.sending import OPERATIONS
from tests.client_models import FILE, document, operations, written

told_once = cache(document)
ME: dict[str, object] = {
    "person": "key:1", "name": "CRM", "role": "social", "departments": [], "way": "key", "rights": [], "scopes": None, "session": None,
    "proof_until": None, "of_a_later_version": True,
}  # fmt: skip
BESIDE = {"after", "format", "table"}
"""Parameters that methods see to by themselves."""


# --- it is the API's ---------------------------------------------------------------------------------------------------


def test_the_models_are_those_of_the_document() -> None:
    made = ast.dump(ast.parse(written(told_once())))
    assert ast.dump(ast.parse(FILE.read_text("utf-8"))) == made, "write them anew: python -m tests.client_models"


def test_every_operation_has_a_method_and_every_method_an_operation() -> None:
    assert set(OPERATIONS) == {f"{method} {path}" for method, path, _ in operations(told_once())}
    names = [name for part in Loopkeeper.__bases__ for name in vars(part) if not name.startswith("_")]
    assert sorted(names) == sorted(set(names)), "of two methods of one name, only the first would be called"


@pytest.mark.parametrize(("method", "path", "told"), list(operations(told_once())), ids=lambda one: one if isinstance(one, str) else "")
def test_every_method_takes_all_that_its_operation_takes(method: str, path: str, told: dict[str, Any]) -> None:
    function = getattr(Loopkeeper, OPERATIONS[f"{method} {path}"])
    takes = {name.rstrip("_") for name in inspect.signature(function).parameters}
    wanted = {one["name"] for one in told.get("parameters", []) if one["in"] in ("query", "path")} - BESIDE
    assert wanted <= takes
    headers = {one["name"].lower() for one in told.get("parameters", []) if one["in"] == "header"}
    assert ("idempotency-key" in headers) == ("once" in takes)
    assert ("if-match" in headers) == ("if_match" in takes)
    assert function.__doc__


def test_every_refusal_of_the_document_has_an_error_of_its_own() -> None:
    refused = {int(status) for _, _, one in operations(told_once()) for status in one["responses"] if status[0] in "45"}
    kinds = {status: type(loopkeeper_client.problems.problem(status, "", None, None)) for status in refused}
    assert len(set(kinds.values())) == len(refused)
    assert loopkeeper_client.ApiError not in kinds.values()


# --- when the answer is not a good one ---------------------------------------------------------------------------------

Answer = httpx.Response | Exception


class Network:
    """Answers in turn, and remembers what was asked and how long was waited."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.waited: list[float] = []
        self.client = Loopkeeper("http://lk.example", "lk_1_x", transport=httpx.MockTransport(self._answer), sleep=self.waited.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def good(body: object = ME, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def bad(status: int, code: str | None = None, **headers: str) -> httpx.Response:
    body = json.dumps({"type": "about:blank", "title": "", "status": status, "detail": "No.", "code": code})
    told = {"content-type": "application/problem+json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.Response(status, content=body, headers=told)


def test_what_a_later_version_tells_besides_is_left_out() -> None:
    assert Network(good()).client.me() == models.Me.model_validate(ME)


@pytest.mark.parametrize("first", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), bad(503), bad(502), httpx.Response(504)])
def test_what_changes_nothing_is_asked_again(first: Answer) -> None:
    network = Network(first, good())
    assert network.client.me().name == "CRM"
    assert len(network.asked) == 2
    assert 0 < network.waited[0] <= 0.5


def test_to_wait_as_long_as_told_and_no_longer_than_that_makes_sense() -> None:
    network = Network(bad(429, retry_after="7"), good())
    network.client.me()
    assert network.waited == [7.0]
    with pytest.raises(TooManyRequests) as refused:
        Network(bad(429, retry_after="600")).client.me()
    assert refused.value.retry_after == 600


def test_a_command_is_sent_again_under_the_same_key_and_a_new_one_under_another() -> None:
    done = {"done": True}
    network = Network(httpx.ReadTimeout("late"), good(done), good(done))
    network.client.do("meridian-x-1", "note", text="Only for us.")
    network.client.do("meridian-x-1", "accept")
    keys = [request.headers["idempotency-key"] for request in network.asked]
    assert keys[0] == keys[1] != keys[2]
    assert json.loads(network.asked[0].content) == {"do": "note", "text": "Only for us."}


def test_what_has_no_key_and_changes_something_is_sent_once() -> None:
    network = Network(httpx.ReadTimeout("late"))
    with pytest.raises(NotReached):
        network.client.read_again(7)
    assert (len(network.asked), network.waited) == (1, [])


def test_what_was_revoked_while_the_answer_was_lost_is_revoked() -> None:
    Network(httpx.ReadTimeout("late"), bad(404)).client.revoke_key("1")
    with pytest.raises(NotThere):
        Network(bad(404)).client.revoke_key("1")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (bad(401), NotSignedIn),
        (bad(409, "has_an_owner"), Refused),
        (bad(412), MovedOn),
        (bad(422), Invalid),
        (httpx.Response(200, text="<html>"), NotUnderstood),
        (httpx.Response(200, json={"name": "x"}), NotUnderstood),
        (httpx.Response(404, text="<html>"), NotUnderstood),
        (httpx.Response(500, text="<html>"), Unavailable),
    ],
)
def test_every_answer_that_is_not_a_good_one_is_an_error_of_its_kind(answer: httpx.Response, kind: type[Exception]) -> None:
    with pytest.raises(kind) as refused:
        Network(answer).client.me()
    assert str(refused.value)
    if isinstance(refused.value, Refused):
        assert (refused.value.code, refused.value.status, refused.value.detail) == ("has_an_owner", 409, "No.")


def test_nothing_secret_stands_in_an_error() -> None:
    calls: list[Callable[[Loopkeeper], object]] = [lambda lk: lk.me(), lambda lk: list(lk.cases(words="secret words"))]
    for call in calls:
        answers: list[Answer] = [httpx.Response(404, text="x"), httpx.Response(200, text="x"), httpx.ConnectError("x")]
        for answer in answers:
            with pytest.raises(loopkeeper_client.LoopkeeperClientError) as refused:
                call(Network(*[answer] * 4).client)
            assert "lk_1_x" not in str(refused.value)
            assert "secret" not in str(refused.value)


def test_pages_are_fetched_as_they_are_needed() -> None:
    row: dict[str, object] = dict.fromkeys(("case_id", "brand", "channel", "department", "status", "priority", "category"), "x")
    row |= {"number": 1, "events": 1, "opened_at": "2026-01-01T00:00:00Z", "owner": None, "closed_at": None}
    pages = [{"cases": [row, row], "after": f"p{n}", "not_searched_yet": 0} for n in range(3)]
    network = Network(*map(good, pages))
    assert len(list(network.client.cases(department="d", limit=3))) == 3
    assert [request.url.params.get("after") for request in network.asked] == [None, "p0"]
    assert len(list(Network(good(pages[0])).client.cases(limit=2))) == 2
    assert list(Network(good({**pages[0], "after": None})).client.cases(limit=0)) == []
    with pytest.raises(Invalid, match="do: "):
        network.client.do("c", "dance")


def test_what_names_a_case_cannot_lead_elsewhere() -> None:
    network = Network(bad(404))
    with pytest.raises(NotThere):
        network.client.case("../keys?x=1#")
    assert network.asked[0].url.raw_path == b"/api/v1/cases/..%2Fkeys%3Fx%3D1%23"


def test_a_download_is_whole_or_not_there(tmp_path: Path) -> None:
    def breaks_off() -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("gone")

    assert Network(httpx.Response(200, content=b"whole")).client.download_export("1", tmp_path / "a") == 5
    assert (tmp_path / "a").read_bytes() == b"whole"
    with pytest.raises(FileExistsError):
        Network(httpx.Response(200, content=b"other")).client.download_export("1", tmp_path / "a")
    with pytest.raises(NotReached):
        Network(httpx.Response(200, content=breaks_off())).client.download_export("1", tmp_path / "b")
    with pytest.raises(Refused):
        Network(bad(409)).client.download_export("1", tmp_path / "b")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"whole"
