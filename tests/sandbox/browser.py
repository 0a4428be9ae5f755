"""A real browser's window."""

from __future__ import annotations

import shutil

from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


class Visitor:
    """One window, which does not forgive a page that complains: of an error, or of something that its policy forbids."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.complaints: list[str] = []
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)

    def visit(self, url: str) -> Page:
        """Open an address, and answer the page once it shows everything."""
        self._page.goto(url, wait_until="commit")
        self._page.wait_for_selector("html[data-ready]")
        return self._page

    def visit_nothing(self) -> None:
        """Leave, so that the sandbox can end."""
        self._page.goto("about:blank")
