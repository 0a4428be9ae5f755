"""The API's reference, as pages of our own: whole, escaped, small, and from nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Route

from api.pages import templates
from api.reference import Described, slug_of
from cli.engines import Postgres
from tests.browsing import NEEDS_CHROMIUM, PHONE, axe_faults, window
from tests.client_models import operations
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving


@pytest.fixture(scope="module")
def http(postgres: Postgres) -> Iterator[httpx.Client]:
    with fresh_database(postgres) as database:
        store = open_on(database)
        store.book.activate(POLICY, WORDING, by="tests")
        store.close()
        with serving(database) as http:
            yield http


def test_every_operation_has_a_page_that_is_small_and_says_all_that_it_takes(http: httpx.Client) -> None:
    index = http.get("/docs").text
    for method, path, told in operations(http.get("/openapi.json").json()):
        slug = slug_of(method, path)
        assert f'href="/docs/{slug}"' in index
        page = http.get(f"/docs/{slug}")
        assert page.status_code == 200
        assert int(page.headers["content-length"]) < 30_000
        assert all(f"<code>{one['name']}</code>" in page.text for one in told.get("parameters", ()))
        assert all(f"<strong>{status}</strong>" in page.text for status in told["responses"] if status >= "400")
        assert told["summary"] in unescape(page.text)
    assert http.get("/docs/get-nothing").status_code == 404


def test_slugs_tell_operations_apart(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    every = [(method, path) for path, methods in document["paths"].items() for method in methods]
    assert len({slug_of(method, path) for method, path in every}) == len(every) == len(Described(document).operations)


def test_what_the_document_says_is_text_and_never_markup(http: httpx.Client) -> None:
    hostile = "<script>alert(1)</script>`<b>`"
    schema = {"type": "object", "description": hostile, "properties": {hostile: {"type": "string", "examples": [hostile]}}}
    answer = {"description": hostile, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/X"}}}}
    told = {"summary": hostile, "description": hostile, "responses": {"200": answer, "404": {"description": hostile}}}
    document: dict[str, Any] = {"paths": {"/api/v1/x": {"get": told}}, "components": {"schemas": {"X": schema}}}
    (operation,) = Described(document).operations.values()
    page = templates().get_template("reference/operation.html").render(operation=operation)
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "<code>&lt;b&gt;</code>" in page


@NEEDS_CHROMIUM
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/docs", "/docs/get-cases-case_id-history", "/docs/post-cases-case_id-commands"])
def test_a_page_asks_nobody_else_for_anything_and_axe_finds_nothing(http: httpx.Client, browser: Browser, path: str, scheme: Any) -> None:
    ours, asked = urlsplit(str(http.base_url)).netloc, list[str]()

    def only_ours(route: Route) -> None:
        asked.append(route.request.url)
        if urlsplit(route.request.url).netloc == ours:
            route.continue_()
        else:
            route.abort()

    for width in (1400, PHONE):
        with window(browser, width, color_scheme=scheme) as page:  # whatever breaks the policy of the page is a complaint
            page.route("**/*", only_ours)
            page.goto(f"{str(http.base_url).rstrip('/')}{path}")
            assert page.get_by_role("heading", level=1).inner_text()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it fits"
            assert axe_faults(page) == []
    assert {urlsplit(one).netloc for one in asked} == {ours}
    assert len(set(asked)) <= 5


@NEEDS_CHROMIUM
def test_it_works_without_javascript(http: httpx.Client, browser: Browser) -> None:
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{str(http.base_url).rstrip('/')}/docs")
        page.get_by_role("link", name="GET /api/v1/board").click()
        page.wait_for_url("**/docs/get-board")
        assert page.get_by_role("heading", level=1).inner_text() == "Every open case, the most urgent first"
        page.get_by_role("link", name="list of RowOut").first.click()
        page.wait_for_url("**#RowOut")
