"""pip, driven: with the user's own configuration, never asking anything, telling how far it is."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit.checkout import Checkout, Venv, pinned
from devkit.children import Child, Silent, Watcher, run
from devkit.failure import explain
from devkit.progress import Console

# Settings that would send packages elsewhere than into `.venv`, or hide what we read from pip's output.
_NOT_FOR_US = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN", "PIP_REPORT", "PIP_PYTHON", "PIP_NO_DEPS", "PIP_REQUIREMENT")
_OURS = {
    "PIP_USER": "0",
    "PIP_QUIET": "0",
    "PIP_VERBOSE": "0",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Pip:
    """The pip of an environment, which installs what `checkout` says.

    `keeps_open` are descriptors that pip holds on to as long as it works: the lock on set-up, for example.
    """

    def __init__(self, venv: Venv, checkout: Checkout, console: Console, keeps_open: tuple[int, ...] = ()) -> None:
        self.venv = venv
        self.checkout = checkout
        self.console = console
        self.keeps_open = keeps_open
        self.environ = dict(os.environ) | _OURS
        for name in _NOT_FOR_US:
            self.environ.pop(name, None)
        self.environ |= certificates(self.environ, self._asked("config", "list"))
        if "PIP_NO_CACHE_DIR" not in self.environ and not self._asked("cache", "dir"):
            # pip gives up on a cache that it may not write (a read-only home, sudo); an interrupted start would fetch all again.
            self.environ["PIP_CACHE_DIR"] = os.fspath(checkout.own_folder / "downloads")

    def install_pinned(self, title: str, lists: Sequence[str]) -> None:
        """Install what `requirements/<list>.txt` pin: ready-made packages only, each with the pinned hash. Raises SetupError."""
        files = [self.checkout.root / "requirements" / f"{name}.txt" for name in lists]
        watcher = PipWatcher(sum(len(pinned(file)) for file in files), self.venv.site_packages)
        wanted = [word for file in files for word in ("-r", os.fspath(file.relative_to(self.checkout.root)))]
        self._run(title, "install the packages", ("install", "--require-hashes", "--only-binary=:all:", *wanted), watcher)

    def install_project(self) -> None:
        """Make the checkout itself importable and its command runnable from `.venv`; edits take effect at once. No network."""
        self._run(
            "Loopkeeper itself",
            "install Loopkeeper itself",
            # `compat` puts the checkout on the path as it is, so that packages added later are found without another installation.
            ("install", "--no-index", "--no-deps", "--no-build-isolation", "--config-settings=editable_mode=compat", "--editable", "."),
            Silent(),
        )

    def uninstall(self, names: Sequence[str]) -> None:
        """Remove packages."""
        self._run(f"Removing what is no longer required: {', '.join(names)}", "remove packages", ("uninstall", "--yes", *names), Silent())

    def _run(self, title: str, doing: str, arguments: Sequence[str], watcher: Watcher) -> None:
        with self.console.step(title) as step:
            child = Child(self._command(arguments), self.checkout.log, self.checkout.root, self.environ, watcher, self.keeps_open)
            finished = run(child, step)
            if finished.exit_code:
                raise explain(doing, finished.output)

    def _asked(self, *question: str) -> str:
        """What pip answers; empty when it cannot."""
        asked = subprocess.run(self._command(question), env=self.environ, capture_output=True, text=True, check=False)
        return asked.stdout if asked.returncode == 0 else ""

    def _command(self, arguments: Sequence[str]) -> tuple[str, ...]:
        # -I: a PYTHONPATH or packages in the user's home must not get mixed in.
        return (os.fspath(self.venv.python), "-I", "-m", "pip", *arguments)


def certificates(environ: Mapping[str, str], configuration: str) -> dict[str, str]:
    """What to add so that pip trusts SSL_CERT_FILE, as all else does; the pip of Debian 12 would not. pip's own settings come first."""
    trusted = environ.get("SSL_CERT_FILE")
    if not trusted or any(environ.get(name) for name in _CERTIFICATES) or re.search(r"^\S+\.cert=", configuration, re.MULTILINE):
        return {}
    return {"PIP_CERT": trusted}


# A wheel on a local disk is named by its path: `Processing /mirror/typer-0.29.2-py3-none-any.whl`.
_TAKES_UP_A_PACKAGE = re.compile(
    r"(?:Collecting|Requirement already satisfied:) (?P<name>[\w.-]+)|Processing .*?(?P<file>[^/\s-]+)-[^/\s]*\.whl"
)


class PipWatcher:
    """Counts packages: while pip fetches, in what it says; while it unpacks, of which it says nothing, in `site_packages`."""

    def __init__(self, total: int, site_packages: Path) -> None:
        self.total = total
        self.fetched = 0
        self.current = ""
        self.site_packages = site_packages
        self.there_before = 0
        self.to_unpack = 0

    def hear(self, line: str) -> None:
        """Take in one line of pip's output."""
        if line.startswith("Ignoring "):  # meant for another platform
            self.total -= 1
        elif found := _TAKES_UP_A_PACKAGE.match(line):
            self.fetched += 1
            self.current = (found["name"] or found["file"]).replace("_", "-").lower()
        elif found := re.match(r"\s+Downloading .*\(([\d.]+ [kMG]?B)\)", line):
            self.current = f"{self.current.split()[0]} {found[1]}" if self.current else found[1]
        elif re.match(r"WARNING: Retrying", line):
            self.current = "no answer from the package index yet, trying again"
        elif found := re.match(r"Installing collected packages: (.*)", line):
            self.to_unpack = found[1].count(",") + 1
            self.there_before = self._there()

    def progress(self) -> str:
        """How many of how many, and which one."""
        if self.to_unpack:
            return f"unpacked {max(self._there() - self.there_before, 0)} of {self.to_unpack}"
        return f"{self.fetched} of {self.total}, {self.current}" if self.current else ""

    def _there(self) -> int:
        return sum(1 for _ in self.site_packages.glob("*.dist-info/RECORD"))
