"""The console in a real browser: windows that do not forgive a page that complains, and axe, which finds what people cannot use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.peers.npm import NotHere, Package, installed

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: no chromium, chromium-browser or google-chrome on the PATH")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
AXE = Package("axe-core", "4.11.0", "sha512-ilYanEU8vxxBexpJd8cWM4ElSQq4QctCLKih0TSfjIfCQTeyH/6zVrmIJfLPrKTKJRbiG+cfnZbQIjAlJmF1jQ==")
PHONE, DESK = 390, 1400


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def window(browser: Browser, width: int = DESK, *, forgives: str = "\0", **how: Any) -> Iterator[Page]:
    """A window of its own, without memory of the others. Whatever its pages complain of fails the test, but for what it `forgives`."""
    context = browser.new_context(viewport={"width": width, "height": 900}, timezone_id="America/New_York", reduced_motion="reduce", **how)
    page = context.new_page()
    complaints: list[str] = []
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if _complains(message.type, message.text) and forgives not in message.text else None
        ),
    )
    yield page
    context.close()
    assert complaints == []


def come_in(page: Page, url: str, role: str = "lead") -> None:
    """Sign in as whoever sits at an open installation's own machine. The page is one that follows nothing."""
    page.goto(f"{url}/sign-in?next=/console/sessions")
    page.get_by_label("Role", exact=True).select_option(role)
    page.get_by_role("form", name="As …, on this machine").get_by_role("button").click()
    page.wait_for_url("**/console/sessions")


def _complains(kind: str, text: str) -> bool:
    refused = text.startswith("Failed to load resource: the server responded with a status of 4")  # an answer that is meant
    return kind == "error" and not refused


def axe_faults(page: Page) -> list[str]:
    """What axe finds on a page as it is shown, of WCAG 2.2 A and AA and good practice."""
    try:
        script = (installed(AXE) / "axe.min.js").read_text("utf-8")
    except NotHere as why:
        raise pytest.fail.Exception(str(why), pytrace=False) from None
    page.wait_for_load_state("load")  # what is there already may not have its style yet
    page.evaluate(script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node.get('failureSummary', '')}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
