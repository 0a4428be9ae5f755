"""Every page that exists, with real content, for everybody who may see it: light and dark, phone and wide, by axe, small, and quiet.

The route table says which pages there are: a new one fails here until it has an entry.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import httpx
import pytest
from playwright.sync_api import Browser, Page

from api.access.rules import Needs
from cli.engines import Postgres
from domain.reports import KINDS
from domain.rights import PEOPLE, RIGHTS
from domain.values import Role
from tests.browsing import AXE, NEEDS_CHROMIUM
from tests.integration.whole_console import Whole, whole_console
from tests.peers.npm import installed
from tests.routes import Address, addresses, whole_application

NO_PAGE = {
    "/openapi.json": "data",
    "/static": "style sheets and the module",
    "/healthz": "data",
    "/readyz": "data",
    "/": "leads to the console",
    "/sign-out/provider": "leads to the identity provider",
    "/sign-out/callback": "leads to the sign-in",
    "/sign-in/oidc": "leads to the identity provider",
    "/console/stream": "events",
    "/console/numbers/{name}/{table}.csv": "a table for spreadsheets",
    "/console/policy/versions/{policy_id}/{name}.yaml": "a file",
    "/console/audit/exports/{export_id}/content": "a file",
}
Made = Callable[[Mapping[str, str]], list[str]]
DOINGS = (
    "update",
    "ask",
    "resolve",
    "private",
    "move",
    "note",
    "escalate",
    "snooze",
    "wait",
    "priority",
    "category",
    "dismiss",
    "walk_away",
)


def at(*paths: str) -> Made:
    """These addresses, with ids in their places."""
    return lambda ids: [path.format(**ids) for path in paths]


def of_cases(ids: Mapping[str, str]) -> list[str]:
    shapes = ("new", "waiting", "unsure", "refused", "over", "late", "held", "private")
    shown = [f"/console/cases/{ids['case'].replace('accepted', shape)}" for shape in shapes]
    return [f"/console/cases/{ids['case']}", *shown, *(f"/console/cases/{ids['case']}?do={do}" for do in DOINGS)]


PAGES: dict[str, Made] = {
    "/console": at("/console", "/console?by=department", "/console?only=soon", "/console?status=nothing", "/console?show=all"),
    "/console/inbox": at("/console/inbox"),
    "/docs": at("/docs"),
    "/docs/{operation}": at("/docs/get-cases-case_id-history", "/docs/post-cases-case_id-commands", "/docs/get-me"),
    "/console/keys": at("/console/keys"),
    "/console/cases/{case_id}": of_cases,
    "/console/cases/{case_id}/status-link": at("/console/cases/{case}/status-link"),
    "/console/customers": at("/console/customers"),
    "/console/customers/{customer_id}": at("/console/customers/{customer}", "/console/customers/{other}"),
    "/console/customers/{customer_id}/link": at("/console/customers/{customer}/link?other={other}"),
    "/console/customers/{customer_id}/unlink": at("/console/customers/{customer}/unlink?other={linked}"),
    "/console/causes": at("/console/causes"),
    "/console/causes/{number}": at("/console/causes/{cause}"),
    "/console/causes/{number}/announcements/{which}": at("{announcement}"),
    "/console/privacy": at("/console/privacy"),
    "/console/privacy/erasures/{erasure}": at("/console/privacy/erasures/{erasure}"),
    "/console/audit": at("/console/audit", "/console/audit?kind=opened", "/console/audit?number=x"),
    "/console/audit/cases/{case_id}": at(
        "/console/audit/cases/{case}", "/console/audit/cases/{case}?words=yes", "/console/audit/cases/{case}?as_of=2020-01-01"
    ),
    "/console/audit/cases/{case_id}/verify": at("/console/audit/cases/{case}/verify"),
    "/console/audit/exports": at("/console/audit/exports"),
    "/console/audit/exports/new": at("/console/audit/exports/new", "/console/audit/exports/new?kind=opened&words=x"),
    "/console/audit/exports/{export_id}": at("/console/audit/exports/{export}"),
    "/console/numbers": at("/console/numbers"),
    "/console/numbers/{name}": lambda _: [f"/console/numbers/{kind.name}" for kind in KINDS],
    "/console/numbers/cases": at("/console/numbers/cases"),
    "/console/digest": at("/console/digest"),
    "/digest/confirm/{token}": at("{confirm}", "/digest/confirm/nothing"),
    "/digest/stop/{token}": at("{stop}"),
    "/console/policy": at("/console/policy"),
    "/console/policy/compare": at("/console/policy/compare?before={before}&after={policy}"),
    "/console/policy/check": at("/console/policy/check"),
    "/console/policy/versions/{policy_id}": at("/console/policy/versions/{policy}", "/console/policy/versions/{before}"),
    "/console/policy/versions/{policy_id}/wording": at("/console/policy/versions/{policy}/wording"),
    "/console/sessions": at("/console/sessions"),
    "/console/api-keys": at("/console/api-keys"),
    "/console/webhooks": at("/console/webhooks"),
    "/console/webhooks/{webhook_id}": at("/console/webhooks/{webhook}"),
    "/sign-in": at("/sign-in", "/sign-in?again=1"),
    "/sign-in/callback": at("/sign-in/callback?state=x&code=y"),
    "/desk/{token}": at("{desk}", "/desk/nothing"),
    "/s/{token}": at("{status}", "/s/nothing"),
}
AXE_RUNS = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
OVERLAPS = """() => [...document.querySelectorAll("main, main *")].flatMap(parent => {
  const boxes = [...parent.children]
    .filter(one => /^(SECTION|ASIDE|FORM|DIV|TABLE|UL|OL|LI|FIELDSET|P|FIGURE|H1|H2|H3|LABEL|DL|DETAILS|BLOCKQUOTE)$/.test(one.tagName))
    .filter(one => one.checkVisibility() && !["absolute", "fixed"].includes(getComputedStyle(one).position))
    .map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width > 1 && box.height > 1);
  const shared = (a, b, from, to) => Math.min(a[to], b[to]) - Math.max(a[from], b[from]) > 2;
  return boxes.flatMap(([one, a], n) => boxes.slice(n + 1)
    .filter(([, b]) => shared(a, b, "left", "right") && shared(a, b, "top", "bottom"))
    .map(([other]) => `${one.tagName}.${one.className} lies over ${other.tagName}.${other.className}`));
})"""
"""Which parts of a page lie over others: neither axe nor the width of the page says so."""
MOST_BYTES, MOST_REQUESTS = 30_000, 5
PHONE, TABLET, WIDE = 360, 900, 1600

with whole_application() as _app:
    GETS = [one for one in addresses(_app.routes) if one.method == "GET" and not one.path.startswith("/api/")]


def test_every_page_of_the_route_table_has_an_entry_here() -> None:
    there = {one.path for one in GETS}
    assert there - set(PAGES) - set(NO_PAGE) == set(), "say in PAGES which addresses show it, or in NO_PAGE why it is none"
    assert (set(PAGES) | set(NO_PAGE)) - there == set(), "these are no more"


def roles_of(address: Address) -> list[Role | None]:
    """Who may see it; None: somebody who is not signed in."""
    rule = address.rules[0]
    if not isinstance(rule, Needs):
        return [None]
    return sorted(PEOPLE if rule.right is None else RIGHTS[rule.right], key=lambda role: (role is not Role.SOCIAL, role))


@pytest.fixture(scope="module")
def whole(postgres: Postgres) -> Iterator[Whole]:
    with whole_console(postgres) as one:
        yield one


class Looking:
    """A window in which one page after the other is looked at, for one role."""

    def __init__(self, page: Page, whole: Whole, assets: dict[str, int]) -> None:
        self.page, self.whole, self.assets = page, whole, assets
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda one: self.asked.append(one.url) if "x-parts" not in one.headers else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("console", lambda message: self.said.append(message.text) if message.type in ("error", "warning") else None)

    def kinds(self) -> set[str]:
        """What the page is made of."""
        return set(self.page.evaluate("[...document.querySelectorAll('body *')].map(one => `${one.tagName} ${one.className} ${one.role}`)"))

    def faults(self, path: str, looks: list[tuple[str, int]], known: set[str] | None = None) -> list[str]:
        """What is wrong with a page; `looks`: the schemes and widths in which it is looked at.

        `known`: what axe has seen already. It does not look at a page again that is made of that alone.
        """
        self.asked.clear()
        self.said.clear()
        page, (scheme, width) = self.page, looks[0]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.goto(self.whole.url + path, wait_until="load")
        assert answer is not None
        found = [] if answer.status in (200, 400, 403, 404, 410, 422) else [f"answers {answer.status}"]
        found += [f"{len(self.asked)} requests: {self.asked}"] if len(self.asked) > MOST_REQUESTS else []
        size = len(gzip.compress(answer.body(), 6)) + sum(self._weight(url) for url in self.asked if "/static/" in url)
        found += [f"{size} bytes"] if size > MOST_BYTES else []
        by_axe = known is None or not self.kinds() <= known
        if by_axe:
            page.evaluate(axe_script())
        for scheme, width in looks:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # as above
            page.set_viewport_size({"width": width, "height": 900})
            for violation in page.evaluate(AXE_RUNS) if by_axe else ():
                found += [f"{scheme} {width}: {violation['id']}: {node['target']}" for node in violation["nodes"]]
            found += self._laid_out(width)
        page.set_viewport_size({"width": TABLET, "height": 900})
        found += self._laid_out(TABLET)
        if page.evaluate("window.pwned") or page.locator("img[src=x]").count():
            found.append("what somebody wrote was taken for markup")
        return found + [
            text for text in self.said if not text.startswith("Failed to load resource: the server responded with a status of 4")
        ]

    def _laid_out(self, width: int) -> list[str]:
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        found = [f"{wide} px wide, and the screen has {width}"] if wide > width else []
        return found + [f"at {width} px {what}" for what in self.page.evaluate(OVERLAPS)]

    def _weight(self, url: str) -> int:
        if url not in self.assets:
            self.assets[url] = len(gzip.compress(httpx.get(url, trust_env=False).content, 6))
        return self.assets[url]


@cache
def axe_script() -> str:
    """What finds what people cannot use."""
    return (installed(AXE) / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def windows(whole: Whole, browser: Browser) -> Iterator[Callable[[Role | None], Looking]]:
    """A window for each role, and one for somebody who is not signed in."""
    opened: dict[Role | None, Looking] = {}
    weights: dict[str, int] = {}

    def of(role: Role | None) -> Looking:
        if role not in opened:
            context = browser.new_context(reduced_motion="reduce", timezone_id="America/New_York")
            if role is not None:
                name, _, value = whole.cookies[role].partition("=")
                context.add_cookies([{"name": name, "value": value, "url": whole.url}])
            page = context.new_page()
            page.set_default_timeout(30_000)
            opened[role] = Looking(page, whole, weights)
        return opened[role]

    yield of
    for one in opened.values():
        one.page.context.close()


@NEEDS_CHROMIUM
@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_kept_from_a_page_by_how_it_is_made(whole: Whole, windows: Callable[[Role | None], Looking], path: str) -> None:
    address = next(one for one in GETS if one.path == path)
    first, *others = PAGES[path](whole.ids)
    role, *more_roles = roles_of(address)
    looking = windows(role)
    found = {first: looking.faults(first, [("light", PHONE), ("dark", PHONE), ("dark", WIDE), ("light", WIDE)])}
    seen = looking.kinds()
    found |= {one: looking.faults(one, [("light", PHONE), ("dark", WIDE)]) for one in others}
    for other in more_roles:
        theirs = windows(other)
        found[f"{first} for {other}"] = theirs.faults(first, [("dark", PHONE)], known=seen)
    looking.page.goto("about:blank")
    assert {one: faults for one, faults in found.items() if faults} == {}
