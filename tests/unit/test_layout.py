"""What import-linter cannot see: the two single modules, and that they stay tiny."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
OURS = {
    "domain",
    "activities",
    "workflows",
    "adapters",
    "api",
    "cli",
    "sandbox",
    "devkit",
    "migrations",
    "bench",
    "verifier",
    "loopkeeper_client",
    "settings",
    "worker",
    "housekeeper",
}


def imported(module: str) -> set[str]:
    tree = ast.parse((HERE / module).read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return {name.split(".")[0] for name in names} & OURS


@pytest.mark.parametrize(
    ("module", "allowed", "lines"),
    [
        ("worker.py", {"activities", "adapters", "domain", "settings", "workflows"}, 220),
        ("housekeeper.py", {"activities", "adapters", "domain", "settings", "worker", "workflows"}, 150),
        ("settings.py", {"domain"}, 160),
    ],
)
def test_the_single_modules_import_only_what_they_may_and_stay_small(module: str, allowed: set[str], lines: int) -> None:
    assert imported(module) <= allowed
    assert len((HERE / module).read_text().splitlines()) <= lines


@pytest.mark.parametrize("package", sorted(OURS - {"settings", "worker", "housekeeper", "cli"}))
def test_nobody_but_the_edges_reads_the_settings(package: str) -> None:
    readers = {f.name for f in (HERE / package).rglob("*.py") if "settings" in imported(str(f.relative_to(HERE)))}
    assert readers <= ({"app.py", "__main__.py"} if package == "api" else set())


TOP = {
    *(f".{name}" for name in ("ci", "dockerignore", "env.example", "gitignore")),
    *("CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md", "SECURITY.md", "docker-compose.yml"),
    *("dev.py", "pyproject.toml", "settings.py", "worker.py", "housekeeper.py"),
    *(OURS - {"settings", "worker", "housekeeper"}),
    *("deploy", "docs", "policies", "requirements", "tests"),
}


@pytest.mark.skipif(
    shutil.which("git") is None or not (HERE / ".git").exists(), reason="only in a clone, with git, can be told what is committed"
)
def test_nothing_is_committed_at_the_top_by_accident() -> None:
    """A note, a dump or a file of secrets that was left lying about must not get in with the rest."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, capture_output=True, text=True, check=True)
    assert {path.split("/")[0] for path in tracked.stdout.split("\0") if path} <= TOP
