"""What the operating system must bring: a Python that can make environments, and a browser for the browser tests."""

from __future__ import annotations

import os
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from devkit.checkout import Checkout
from devkit.children import Child, run
from devkit.failure import SetupError, explain
from devkit.progress import Console

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_ON_MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def bring_what_python_lacks(checkout: Checkout, console: Console) -> None:
    """See to it that this Python can make an environment; Debian and Ubuntu ship that ability apart.

    Root gets it from apt; anyone else is told what to install. Raises SetupError when it stays absent.
    """
    if find_spec("venv") and find_spec("ensurepip"):
        return
    packages = packages_for_environments()
    if not _has_apt():
        raise SetupError(
            f"This Python ({sys.executable}) comes without `venv` or `ensurepip`, so it cannot make an environment.",
            "Install your system's package that brings them (often `python3-pip` or `python3-venv`), or a Python from https://www.python.org.",
        )
    if not _is_root():
        raise SetupError(
            "This Python cannot make an environment yet: Debian and Ubuntu ship that part as a package of its own.",
            f"Install it, then run the same command again:\n\n    {how_to_install(packages)}\n",
        )
    apt_install(checkout, console, packages)
    if not Path(os.__file__).with_name("ensurepip").is_dir():
        raise SetupError(
            f"apt installed {' and '.join(packages)}, but this Python ({sys.executable}) still comes without `ensurepip`.",
            "Start dev.py with the Python that belongs to your system: /usr/bin/python3 dev.py",
        )


def packages_for_environments(version: tuple[int, int] = sys.version_info[:2]) -> tuple[str, ...]:
    """The Debian packages that let this Python make environments and trust the package index."""
    return (f"python{version[0]}.{version[1]}-venv", "ca-certificates")


def bring_browser(checkout: Checkout, console: Console) -> None:
    """See to it that the browser tests can run, where we may; where not, say how. Never fails: those tests speak for themselves."""
    packages = missing_for_browser_tests()
    if not packages:
        return
    if not (_has_apt() and _is_root()):
        how = how_to_install(packages) if _has_apt() else f"install {' and '.join(packages)}"
        console.say(f"The browser tests cannot run without {' and '.join(packages)}. To have them run too:\n\n    {how}\n")
        return
    try:
        apt_install(checkout, console, packages)
    except SetupError as failure:
        console.say(f"{failure}\n  The tests go on without a browser; those that need one say so.")


def missing_for_browser_tests() -> tuple[str, ...]:
    """The Debian packages that the browser tests still need: the browser, and a library that the driver links to."""
    packages = [] if find_chromium() else ["chromium"]
    if sys.platform == "linux" and not _can_load("libatomic.so.1"):
        packages.append("libatomic1")
    return tuple(packages)


def _can_load(library: str) -> bool:
    try:
        import ctypes  # absent from some Pythons built by hand

        ctypes.CDLL(library)
    except (ImportError, OSError):
        return False
    return True


def find_chromium() -> str | None:
    """The Chromium or Chrome of this machine, if there is one."""
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None) or next(
        (path for path in CHROMIUM_ON_MACOS if sys.platform == "darwin" and os.access(path, os.X_OK)), None
    )


def how_to_install(packages: tuple[str, ...]) -> str:
    """One line to copy that installs Debian `packages`."""
    line = f"apt-get update && apt-get install -y {' '.join(packages)}"
    return line.replace("apt-get", "sudo apt-get") if shutil.which("sudo") else f"su -c '{line}'"


def apt_install(checkout: Checkout, console: Console, packages: tuple[str, ...]) -> None:
    """Install Debian `packages`; as root. Raises SetupError, naming what apt said."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    doing = f"install {' and '.join(packages)} with apt"
    apt = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0")
    with console.step(f"System packages, with apt: {' '.join(packages)}") as step:
        for command in (
            ("dpkg", "--configure", "-a"),  # an earlier installation may have been cut off; apt refuses to go on before this
            (*apt, "update"),
            (*apt, "install", "-y", "--no-install-recommends", *packages),
        ):
            # apt must be let finish what it has begun to unpack: patience without end.
            finished = run(Child(command, checkout.log, environ=environ, watcher=AptWatcher(), patience=None), step)
            if finished.exit_code:
                raise explain(doing, finished.output)


_APT_PHASES = {
    "fetching": re.compile(r"Get:\d+ \S+ \S+ \S+ ([^\s:]+)"),
    "unpacking": re.compile(r"Unpacking ([^\s:]+)"),
    "setting up": re.compile(r"Setting up ([^\s:]+)"),
}
_NO_ANSWER = re.compile(r"Temporary failure|Could not connect|Unable to connect|Connection failed")


class AptWatcher:
    """Counts packages in what apt-get says: each is fetched, unpacked and set up."""

    def __init__(self) -> None:
        self.total = 0
        self.counts = dict.fromkeys(_APT_PHASES, 0)
        self.current = "reading the package lists"

    def hear(self, line: str) -> None:
        """Take in one line of apt-get's output."""
        if counted := re.match(r"(\d+) upgraded, (\d+) newly installed", line):
            self.total = int(counted[1]) + int(counted[2])
        elif _NO_ANSWER.search(line):
            self.current = "no answer from the package servers yet, trying again"
        elif self.total:
            for phase, pattern in _APT_PHASES.items():
                if about := pattern.match(line):
                    self.counts[phase] += 1
                    self.current = f"{phase} {self.counts[phase]} of {self.total}, {about[1]}"

    def progress(self) -> str:
        """What it is doing, how many of how many, and which one."""
        return self.current


def _has_apt() -> bool:
    return shutil.which("apt-get") is not None


def _is_root() -> bool:
    return os.geteuid() == 0
