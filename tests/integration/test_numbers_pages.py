"""The numbers as people and programs see them: pages from a real database, in a real browser, on a phone; JSON and CSV."""

from __future__ import annotations

import asyncio
import csv
import io
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import create_engine, text
from starlette.staticfiles import StaticFiles

import api
from adapters.postgres.reporting import WHICH
from adapters.postgres.store import Store
from api import problems
from api.numbers import Numbers
from api.rest_reports import RestReports
from api.shelf import Shelf
from bench.measures import make_measures
from cli.engines import Postgres
from domain.reports import KINDS
from domain.values import Role
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.serving import served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2026, 3, 31, 15, 4, tzinfo=UTC)
NAMES = [kind.name for kind in KINDS]
HOSTILE = "<script>document.title='pwned'</script>"


@pytest.fixture(scope="module")
def store(postgres: Postgres) -> Iterator[Store]:
    with fresh_database(postgres) as address:
        store, owner = open_on(address), create_engine(address)
        store.book.activate(POLICY, WORDING, by="tests")
        with owner.begin() as connection:
            make_measures(connection, 2_000, NOW.date(), 60)
            connection.execute(text("insert into report_progress (name, at) values ('history', :now)"), {"now": NOW})
            connection.execute(text("insert into person (id, name) values ('slack:UBILL1', :name)"), {"name": f"=1+1 {HOSTILE}"})
            terms = text("insert into report_term select 'meridian', :day, term, 9 from unnest(cast(:terms as text[])) as term")
            connection.execute(terms, {"day": NOW.date(), "terms": ["outage", "=cmd", "signal lost"]})
        owner.dispose()
        yield store
        store.close()


@pytest.fixture(scope="module")
def url(store: Store) -> Iterator[str]:
    """Where the numbers are served."""
    with ThreadPoolExecutor(4) as threads:

        async def in_thread(call: Callable[[], Any]) -> Any:
            return await asyncio.get_running_loop().run_in_executor(threads, call)

        async def key_of(secret: str) -> Any:
            return await in_thread(lambda: store.people.key_of(secret))

        app, shelf = FastAPI(), Shelf(store.reports)
        problems.install(app)
        app.mount("/static", StaticFiles(directory=Path(api.__file__).parent / "static"))
        app.include_router(Numbers(store.reports, shelf, store.book, in_thread, key_of, lambda: NOW, True, None).routes())
        app.include_router(RestReports(shelf, store.book, in_thread, key_of, lambda: NOW).routes())
        with served(lambda _: uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))) as address:
            yield address


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def program(store: Store) -> dict[str, str]:
    return {"authorization": f"Bearer {store.people.make_key('reports', Role.AUDITOR)[1]}"}


# --- for programs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_there_as_json_and_each_of_its_tables_as_csv(http: httpx.Client, program: dict[str, str], name: str) -> None:
    answer = http.get(f"/api/v1/reports/{name}", params={"days": 30}, headers=program)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["report"], told["wanted"]) == (name, {"from": "2026-03-02", "to": "2026-03-31"})
    assert datetime.fromisoformat(told["as_of"]) == NOW
    for table in told["tables"]:
        params = {"days": 30, "format": "csv", "table": table["name"]}
        written = http.get(f"/api/v1/reports/{name}", params=params, headers=program)
        assert written.headers["content-type"].startswith("text/csv")
        assert f'filename="{name}-{table["name"]}-2026-03-02-2026-03-31.csv"' in written.headers["content-disposition"]
        rows = list(csv.reader(io.StringIO(written.text, newline="")))
        assert rows[0] == [column["key"] for column in table["columns"]]
        assert len(rows) == len(table["rows"]) + 1
        assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)
        assert http.get(f"/console/numbers/{name}/{table['name']}.csv", params={"days": 30}).text == written.text


def test_the_filters_narrow_what_is_told(http: httpx.Client, program: dict[str, str]) -> None:
    def opened(**params: str) -> int:
        told = http.get("/api/v1/reports/volume", params={"days": 60, **params}, headers=program).json()
        return next(int(figure["value"]) for figure in told["figures"] if figure["key"] == "opened")

    assert opened() > opened(department="technical") > opened(department="technical", channel="facebook") > 0
    assert opened(brand="nobody") == 0


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("nonsense", 404, "there is no report 'nonsense'; there are: overview"),
        ("volume?format=csv&table=nonsense", 404, "there are: by_week, by_channel, by_hour"),
        ("volume?from=2026-03-02&to=2026-03-01", 422, "from must not be after to"),
        ("volume?from=1026-03-02&to=1026-03-03", 422, "both from 2000"),
        ("volume?days=0", 422, "days"),
        ("volume?brand=%00", 422, "brand"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_reason(
    http: httpx.Client, program: dict[str, str], path: str, status: int, told: str
) -> None:
    answer = http.get(f"/api/v1/reports/{path}", headers=program)
    assert answer.status_code == status
    assert told in answer.json()["detail"]


def test_without_a_key_nothing_is_told(http: httpx.Client) -> None:
    assert http.get("/api/v1/reports").status_code == 401
    assert http.get("/api/v1/reports/volume", headers={"authorization": "Bearer lk_no"}).status_code == 401


def test_the_list_names_every_report(http: httpx.Client, program: dict[str, str]) -> None:
    assert [kind["name"] for kind in http.get("/api/v1/reports", headers=program).json()] == NAMES


# --- for people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [*WHICH, ""])
def test_the_cases_behind_every_kind_of_figure_are_listed(http: httpx.Client, which: str) -> None:
    answer = http.get("/console/numbers/cases", params={"which": which, "days": 60})
    assert answer.status_code == 200
    assert "Cases behind a figure" in answer.text


@pytest.mark.parametrize(
    "query", ["which=nonsense", "weekday=12", "weekday=²", "hour=24", "hour=²", "owner=%00", "after=x", "days=x", "from=x"]
)
def test_an_address_that_means_nothing_is_refused(http: httpx.Client, query: str) -> None:
    assert http.get(f"/console/numbers/cases?{query}").status_code == 422


def test_older_cases_follow_on_the_next_page_and_none_twice(http: httpx.Client) -> None:
    import re

    seen: list[str] = []
    address: str | None = "/console/numbers/cases?days=7"
    while address is not None:
        shown = http.get(address).text
        seen += re.findall(r'href="/console/cases/([^"]+)"', shown)
        more = re.search(r'href="([^"]+)">Older cases', shown)
        address = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) > 100


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: no chromium, chromium-browser or google-chrome on the PATH")
def test_every_page_works_on_a_phone_without_a_script_and_takes_no_name_for_markup(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        page: Page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844}).new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        for name in NAMES:
            page.goto(f"{url}/console/numbers/{name}", wait_until="load")
            main = page.locator("main").bounding_box()
            assert main is not None
            assert main["width"] <= 390
            assert "pwned" not in page.title()
            for picture in page.locator("figure.picture").all():
                assert picture.locator("svg, table").count() > 0 or picture.locator(".empty").count() == 1
        page.goto(f"{url}/console/numbers", wait_until="load")
        page.get_by_label("Days", exact=True).select_option("84")
        page.get_by_label("Department", exact=True).select_option("technical")
        page.get_by_role("button", name="Show").click()
        assert "department=technical" in page.url
        page.get_by_role("navigation", name="Reports").get_by_role("link", name="Loops").click()
        assert page.url.startswith(f"{url}/console/numbers/loops?days=84")
        page.locator("summary").first.click()
        page.locator("#by_end table a").first.click()
        assert page.locator("h1").inner_text() == "Cases behind a figure"
        assert [one for one in complaints if "favicon" not in one] == []
        browser.close()
