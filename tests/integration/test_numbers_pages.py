"""The numbers as people and programs see them: pages from a real database, in a real browser, on a phone; JSON and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Page
from sqlalchemy import create_engine, text

from adapters.postgres.keys import NewKey
from adapters.postgres.reporting import WHICH
from bench.measures import make_measures
from cli.engines import Postgres
from domain.reports import KINDS
from domain.values import SYSTEM, Role
from tests.browsing import NEEDS_CHROMIUM, chromium
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.signing_in import signed_in

TODAY = datetime.now(ZoneInfo("Europe/London")).date()
FIRST = TODAY - timedelta(days=29)
AS_OF = datetime(2026, 3, 31, 15, 4, tzinfo=UTC)
NAMES = [kind.name for kind in KINDS]
HOSTILE = "<script>document.title='pwned'</script>"


@dataclass
class Served:
    """The API on figures of many cases, and who calls it."""

    http: httpx.Client
    program: dict[str, str]
    billing: dict[str, str]
    """A key of a colleague in Billing."""
    social: dict[str, str]
    """Somebody who is signed in."""

    def get(self, path: str, **params: Any) -> httpx.Response:
        """A page."""
        return self.http.get(path, params=params or None, headers=self.social)

    def told(self, path: str, key: dict[str, str] | None = None, **params: Any) -> httpx.Response:
        """What a program is told."""
        return self.http.get(f"/api/v1/reports{path}", params=params or None, headers=key or self.program)


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with fresh_database(postgres) as address:
        store, owner = open_on(address), create_engine(address)
        store.book.activate(POLICY, WORDING, by="tests")
        with owner.begin() as connection:
            make_measures(connection, 2_000, TODAY, 60)
            connection.execute(text("insert into report_progress (name, at) values ('history', :now)"), {"now": AS_OF})
            connection.execute(text("insert into person (id, name) values ('slack:UBILL1', :name)"), {"name": f"=1+1 {HOSTILE}"})
            terms = text("insert into report_term select 'meridian', :day, term, 9 from unnest(cast(:terms as text[])) as term")
            connection.execute(terms, {"day": TODAY, "terms": ["outage", "=cmd", "signal lost"]})
        owner.dispose()
        program = store.keys.make(NewKey("reports", Role.AUDITOR), SYSTEM)[1]
        billing = store.keys.make(NewKey("billing", Role.DEPARTMENT, None, frozenset({"billing"})), SYSTEM)[1]
        store.close()
        with serving(address) as http:
            keys = ({"authorization": f"Bearer {key}"} for key in (program, billing))
            yield Served(http, next(keys), next(keys), signed_in(http))


# --- for programs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_there_as_json_and_each_of_its_tables_as_csv(served: Served, name: str) -> None:
    answer = served.told(f"/{name}", days=30)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["report"], told["wanted"]) == (name, {"from": FIRST.isoformat(), "to": TODAY.isoformat()})
    assert datetime.fromisoformat(told["as_of"]) == AS_OF
    for table in told["tables"]:
        written = served.told(f"/{name}", days=30, format="csv", table=table["name"])
        assert written.headers["content-type"].startswith("text/csv")
        assert f'filename="{name}-{table["name"]}-{FIRST}-{TODAY}.csv"' in written.headers["content-disposition"]
        rows = list(csv.reader(io.StringIO(written.text, newline="")))
        assert rows[0] == [column["key"] for column in table["columns"]]
        assert len(rows) == len(table["rows"]) + 1
        assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row)
        assert served.get(f"/console/numbers/{name}/{table['name']}.csv", days=30).text == written.text


def test_the_filters_narrow_what_is_told(served: Served) -> None:
    def opened(**params: str) -> int:
        told = served.told("/volume", None, days=60, **params).json()
        return next(int(figure["value"]) for figure in told["figures"] if figure["key"] == "opened")

    assert opened() > opened(department="technical") > opened(department="technical", channel="facebook") > 0
    assert opened(category="other") >= 0, "the policy has it, whether or not a case does"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("nonsense", 404, "there is no report 'nonsense'; there are: overview"),
        ("volume?format=csv&table=nonsense", 404, "there are: by_week, by_channel, by_hour"),
        ("volume?from=2026-03-02&to=2026-03-01", 422, "from must not be after to"),
        ("volume?from=1026-03-02&to=1026-03-03", 422, "both from 2000"),
        ("volume?days=0", 422, "days"),
        ("volume?brand=%00", 422, "brand"),
        ("volume?brand=nobody", 422, "brand: there is no 'nobody'; there are: "),
        ("volume?department=biling", 422, "department: there is no 'biling'; there are: billing, "),
        ("cases?channel=twitter", 422, "channel: there is no 'twitter'; there are: "),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_reason(served: Served, path: str, status: int, told: str) -> None:
    answer = served.told(f"/{path}")
    assert answer.status_code == status
    assert told in answer.json()["detail"]


def test_a_department_is_told_of_its_own_cases_alone_and_of_no_words(served: Served) -> None:
    whole = served.told("/departments", days=60, department="billing").json()
    theirs = served.told("/departments", served.billing, days=60).json()
    assert theirs["tables"] == whole["tables"]
    assert {row[0] for row in theirs["tables"][0]["rows"]} == {"Billing"}
    others = served.told("/volume", served.billing, days=60, department="technical").json()
    assert next(figure["value"] for figure in others["figures"] if figure["key"] == "opened") == 0
    assert [table["name"] for table in served.told("/topics", served.billing).json()["tables"]] == ["categories"]
    colleague = signed_in(served.http, "department", "billing")
    cases = served.http.get("/console/numbers/cases?days=60", headers=colleague).text
    assert "Billing" in cases
    assert "Technical" not in cases
    page = served.http.get("/console/numbers/departments?days=60", headers=colleague).text
    assert "Customer Care" not in page


def test_the_list_names_every_report(served: Served) -> None:
    assert [kind["name"] for kind in served.told("").json()] == NAMES


# --- for people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [*WHICH, ""])
def test_the_cases_behind_every_kind_of_figure_are_listed(served: Served, which: str) -> None:
    answer = served.get("/console/numbers/cases", which=which, days=60)
    assert answer.status_code == 200
    assert "Cases behind a figure" in answer.text


@pytest.mark.parametrize(("role", "sees"), [("lead", True), ("admin", True), ("social", False), ("auditor", False), ("privacy", False)])
def test_figures_of_single_owners_are_for_leads_and_admins(served: Served, role: str, sees: bool) -> None:
    who = signed_in(served.http, role)
    page = served.http.get("/console/numbers/departments", params={"days": 30}, headers=who).text
    assert ("By owner" in page) is sees
    assert ("only leads and admins see them" in page) is not sees
    told = served.http.get("/api/v1/reports/departments", params={"days": 30}, headers=who).json()
    assert [table["name"] for table in told["tables"]] == ["by_department", *(["by_owner"] if sees else [])]
    csv_status = 200 if sees else 404
    assert served.http.get("/console/numbers/departments/by_owner.csv", headers=who).status_code == csv_status
    assert (
        served.http.get("/api/v1/reports/departments", params={"format": "csv", "table": "by_owner"}, headers=who).status_code == csv_status
    )
    behind = served.http.get("/console/numbers/cases", params={"owner": "slack:UBILL1", "days": 30}, headers=who)
    assert behind.status_code == (200 if sees else 403)
    assert served.http.get("/console/numbers/cases", params={"owner": f"local:{role}"}, headers=who).status_code == 200, "their own"


def test_a_department_does_not_see_its_own_peoples_figures(served: Served) -> None:
    tables = [table["name"] for table in served.told("/departments", served.billing, days=30).json()["tables"]]
    assert tables == ["by_department"]


@pytest.mark.parametrize(
    "query", ["which=nonsense", "weekday=12", "weekday=²", "hour=24", "hour=²", "owner=%00", "after=x", "days=x", "from=x"]
)
def test_an_address_that_means_nothing_is_refused(served: Served, query: str) -> None:
    assert served.get(f"/console/numbers/cases?{query}").status_code == 422


def test_older_cases_follow_on_the_next_page_and_none_twice(served: Served) -> None:
    seen: list[str] = []
    address: str | None = "/console/numbers/cases?days=7"
    while address is not None:
        shown = served.get(address).text
        seen += re.findall(r'href="/console/cases/([^"]+)"', shown)
        more = re.search(r'href="([^"]+)">Older cases', shown)
        address = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) > 100


@NEEDS_CHROMIUM
def test_every_page_works_on_a_phone_without_a_script_and_takes_no_name_for_markup(served: Served) -> None:
    url = str(served.http.base_url).rstrip("/")
    name, _, value = served.social["cookie"].partition("=")
    with chromium() as browser:
        context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
        context.add_cookies([{"name": name, "value": value, "url": url}])
        page: Page = context.new_page()
        page.set_default_timeout(10_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        for report in NAMES:
            page.goto(f"{url}/console/numbers/{report}", wait_until="load")
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
