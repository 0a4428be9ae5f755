"""Nothing of the sandbox is undocumented, and it is an outsider."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from sandbox.faults.mode import KINDS, Kind, Party
from sandbox.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "sandbox" / "README.md").read_text("utf-8")
SOURCES = sorted((ROOT / "sandbox").rglob("*.py"))
OTHERS = {"aiohttp", "cryptography", "jinja2", "pydantic", "pydantic_core", "pydantic_settings", "regex", "starlette", "urllib3", "uvicorn"}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`SANDBOX_{name.upper()}`" in README


def test_every_address_of_the_hands_is_documented() -> None:
    addresses = {address for source in SOURCES for address in re.findall(r'Route\(f?"(/hands/[^"]*)"', source.read_text("utf-8"))}
    slack = "".join((ROOT / "sandbox" / "slack" / name).read_text("utf-8") for name in ("hands.py", "trouble.py"))
    deeds = re.findall(r'^            "(\w+)": self\.', slack, re.MULTILINE)
    addresses = {one for one in addresses if "{" not in one} | {f"/hands/slack/{deed}" for deed in deeds}
    assert len(addresses) > 20
    assert [one for one in addresses if not re.search(re.escape(one) + r"(?![\w/])", README)] == []


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_is_documented_for_those_who_can_have_it(kind: Kind) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{kind}` |"))
    ticks = [bool(cell.strip()) for cell in row.split("|")[3:8]]
    assert ticks == [kind in KINDS[party] for party in Party]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_it_is_an_outsider_and_no_module_is_two(source: Path) -> None:
    text = source.read_text("utf-8")
    for node in ast.walk(ast.parse(text)):
        modules = (
            [node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names] if isinstance(node, ast.Import) else []
        )
        for module in modules:
            root = str(module).split(".")[0]
            assert root == "sandbox" or root in OTHERS or root in sys.stdlib_module_names, f"{source.name} imports {module}"
    assert text.count("\n") <= 400
