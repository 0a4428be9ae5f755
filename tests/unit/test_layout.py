"""What import-linter cannot see: the two single modules, and that they stay tiny."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
OURS = {"domain", "activities", "workflows", "adapters", "api", "cli", "sandbox", "devkit", "migrations", "bench", "settings", "worker"}


def imported(module: str) -> set[str]:
    tree = ast.parse((HERE / module).read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    return {name.split(".")[0] for name in names} & OURS


@pytest.mark.parametrize(
    ("module", "allowed", "lines"),
    [
        ("worker.py", {"activities", "adapters", "domain", "settings", "workflows"}, 200),
        ("settings.py", {"domain"}, 120),
    ],
)
def test_the_single_modules_import_only_what_they_may_and_stay_small(module: str, allowed: set[str], lines: int) -> None:
    assert imported(module) <= allowed
    assert len((HERE / module).read_text().splitlines()) <= lines


@pytest.mark.parametrize("package", sorted(OURS - {"settings", "worker", "cli"}))
def test_nobody_but_the_edges_reads_the_settings(package: str) -> None:
    readers = {f.name for f in (HERE / package).rglob("*.py") if "settings" in imported(str(f.relative_to(HERE)))}
    assert readers <= ({"app.py", "__main__.py"} if package == "api" else set())
