"""The checkout that we are in: where things are, what the environment is made of, and what it was made of."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layer:
    """A part of the environment, installed in one go, and the files that determine it."""

    name: str
    made_from: tuple[str, ...]

    def fingerprint(self, root: Path) -> str:
        """Changes whenever anything that the layer is made from does."""
        digest = hashlib.sha256()
        for name in self.made_from:
            content = (root / name).read_bytes()
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()


RUNTIME = Layer("runtime", ("requirements/build.txt", "requirements/runtime.txt"))
PROJECT = Layer("project", ("pyproject.toml", "requirements/runtime.in"))
DEVELOPMENT = Layer("development", ("requirements/dev.txt",))

TO_RUN = (RUNTIME, PROJECT)
TO_DEVELOP = (RUNTIME, PROJECT, DEVELOPMENT)


@dataclass(frozen=True)
class Stamp:
    """What `.venv` was made for and of; kept inside it, so that the two vanish together."""

    made_for: str
    layers: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Stamp | None:
        """The stamp at `path`, or None when there is none that can be read, which means: not made by us, or not to its end."""
        try:
            content = json.loads(path.read_bytes())
            return cls(content["made_for"], dict(content["layers"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Replace what is at `path`, whole or not at all."""
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps({"made_for": self.made_for, "layers": self.layers}, indent=1, ensure_ascii=True))
        beside.replace(path)


@dataclass(frozen=True)
class Venv:
    """A virtual environment in `folder`, whether or not it is there yet."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.bin / "python"

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


@dataclass(frozen=True)
class Checkout:
    """A checkout of Loopkeeper at `root`."""

    root: Path

    @property
    def venv(self) -> Venv:
        """The environment that everything here runs in."""
        return Venv(self.root / ".venv")

    @property
    def stamp(self) -> Path:
        """Where the stamp of the environment is."""
        return self.venv.folder / "made-of.json"

    @property
    def own_folder(self) -> Path:
        """Where dev.py keeps its lock, its log and, if it must, downloads."""
        return self.root / ".dev"

    @property
    def log(self) -> Path:
        """Everything that the programs run by set-up have said since it was last begun."""
        return self.own_folder / "setup.log"

    def identity(self) -> str:
        """What an environment here is bound to: it can be neither moved, nor used by another Python, nor by another machine."""
        system = os.uname()
        return f"{self.root} · Python {sys.version_info[0]}.{sys.version_info[1]} · {system.sysname} {system.machine}"

    def missing(self, wanted: Sequence[Layer]) -> tuple[Layer, ...]:
        """Those of the `wanted` layers that are not there as they should be, in order; all of them when the environment is of no use."""
        stamp = Stamp.read(self.stamp)
        if stamp is None or self.flaw():
            return tuple(wanted)
        return tuple(layer for layer in wanted if stamp.layers.get(layer.name) != layer.fingerprint(self.root))

    def flaw(self) -> str | None:
        """Why the environment must be made anew, or None when it can be built upon."""
        if not self.venv.folder.exists():
            return "there is none yet"
        stamp = Stamp.read(self.stamp)
        if stamp is None:
            return "the one here was not made by dev.py, or not to its end"
        if stamp.made_for != self.identity():
            return f"the one here was made for {stamp.made_for}"
        if not os.access(self.venv.python, os.X_OK):
            return "the Python that it was made with is gone"
        return None


def pinned(requirements: Path) -> list[str]:
    """The name of every package that a locked requirements file pins; twice when platforms need different versions."""
    return re.findall(r"^([A-Za-z0-9._-]+)==", requirements.read_text(encoding="utf-8"), re.MULTILINE)


def normal_name(name: str) -> str:
    """The one spelling of a package's name (https://packaging.python.org/specifications/name-normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()
