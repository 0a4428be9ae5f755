"""What failed on our side is told to a program as a problem and to a person as a page, without a word of what it was."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.responses import Response, StreamingResponse

from api import problems
from api.headers import SecurityHeaders
from api.told_as_page import Unforeseen, as_page
from domain.errors import ShowsPersonalData, TooLong

SECRET = "the customer wrote: my card is 4111"
BROWSER = {"accept": "text/html", "sec-fetch-mode": "navigate", "accept-language": "en"}


class Unwell:
    """An app in which everything fails."""

    def __init__(self) -> None:
        app = FastAPI()
        problems.install(app, as_page)
        app.state.language, app.state.home_zone = "en", lambda: None
        for path in ("/console/broken", "/api/v1/broken", "/status/broken"):
            app.add_api_route(path, self.broken, methods=["GET", "POST"])
        for path in ("/console/away", "/api/v1/away", "/status/away"):
            app.add_api_route(path, self.away, methods=["GET", "POST"])
        app.add_api_route("/api/v1/begun", self.begun)
        app.add_api_route("/api/v1/refused/{which}", self.refused)
        app.add_middleware(Unforeseen)
        app.add_middleware(SecurityHeaders, https=False)
        self._app = app

    def asked(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://lk.example") as http:
                return await http.request(method, path, headers=headers)

        return asyncio.run(ask())

    async def broken(self) -> None:
        raise RuntimeError(SECRET)

    async def away(self) -> None:
        raise OperationalError("select", {}, Exception(SECRET))

    async def begun(self) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise RuntimeError(SECRET)

        return StreamingResponse(parts())

    async def refused(self, which: str) -> None:
        raise {"long": TooLong, "personal": ShowsPersonalData}[which]("No.")


@pytest.fixture(scope="module")
def unwell() -> Unwell:
    return Unwell()


@pytest.mark.parametrize(("path", "status"), [("/api/v1/broken", 500), ("/api/v1/away", 503)])
@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_a_program_gets_a_problem(
    unwell: Unwell, path: str, status: int, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = unwell.asked("POST", path, headers)
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["status"], answer.headers["content-type"]) == (status, status, "application/problem+json")
    assert "again" in told["detail"]
    assert SECRET not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    if status == 500:
        assert [record.getMessage() for record in caplog.records] == ["POST /api/v1/broken failed"]
        assert caplog.records[0].exc_info is not None, "whoever mends it finds where it was"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "status", "says"), [("/console/broken", 500, "on our side"), ("/console/away", 503, "reach its database")]
)
def test_a_person_gets_a_page(unwell: Unwell, method: str, path: str, status: int, says: str) -> None:
    answer = unwell.asked(method, path, BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert says in answer.text
    assert "look whether it was done" in answer.text
    assert SECRET not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers.get("retry-after") == ("5" if status == 503 else None)
    script = unwell.asked(method, path, {"accept": "text/html", "sec-fetch-mode": "cors"})
    assert script.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/status/broken", "/status/away"])
def test_a_customer_is_told_nothing_of_us(unwell: Unwell, path: str) -> None:
    told = unwell.asked("GET", path, BROWSER).text
    assert "This page cannot be shown just now. Load it again in a moment." in told
    for ours in ("database", "our log", "console", "Back to"):
        assert ours not in re.sub(r"<(link|script)[^>]*>", "", told)


def test_what_has_begun_is_broken_off(unwell: Unwell) -> None:
    with pytest.raises(RuntimeError):
        unwell.asked("GET", "/api/v1/begun")


@pytest.mark.parametrize(("which", "code"), [("long", "too_long"), ("personal", "shows_personal_data")])
def test_what_the_rules_do_not_take_has_a_word_for_programs(unwell: Unwell, which: str, code: str) -> None:
    answer = unwell.asked("GET", f"/api/v1/refused/{which}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
