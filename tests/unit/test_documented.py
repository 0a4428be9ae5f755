"""Nothing that people set, call, read or write templates for is undocumented, and nothing is documented that does not exist."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args

import pytest
import typer
import typer.main
from fastapi import FastAPI
from pydantic import BaseModel
from typer.testing import CliRunner

from cli.app import add_verbs
from cli.app import app as command
from domain import commands, events
from domain.policy import Policy
from domain.values import Purpose
from domain.wording import NEEDED, TEMPLATES
from settings import HERE, Settings
from tests.routes import addresses, whole_application

DOCS = HERE / "docs"


def rows(page: str) -> list[list[str]]:
    """The cells of all table rows of a page whose first cell is code."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# --- settings ---------------------------------------------------------------------------------------------------------


def shown(default: object) -> str:
    if isinstance(default, Path):
        return f"`{default.relative_to(HERE)}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float):
        return f"`{default:g}`"
    if hasattr(default, "isoformat"):
        return f"`{default.isoformat()}`"
    return "none" if default is None else f"`{default}`"


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    described = {coded(row[0])[0]: row[2] for row in rows("settings.md") if len(row) == 4}
    fields = Settings.model_fields
    assert described == {
        "DATABASE_URL" if name == "database_url" else f"LOOPKEEPER_{name.upper()}": "needed"
        if field.is_required()
        else shown(field.default)
        for name, field in fields.items()
    }


# --- the history ------------------------------------------------------------------------------------------------------

MESSAGES = (commands.Command, commands.FromNetwork, commands.Outcome)


def described(union: UnionType, unsaid: set[str]) -> Iterator[list[str]]:
    for each in get_args(union):
        kind = next(field.default for field in dataclasses.fields(each) if field.name == "kind")
        carries = [f"`{field.name}`" for field in dataclasses.fields(each) if field.name not in unsaid]
        yield [f"`{kind}`", " ".join(str(each.__doc__).split()), ", ".join(carries) or "–"]


def test_every_event_and_message_is_documented_as_the_code_has_it() -> None:
    wanted = [*described(events.Event, {"kind", "at"})]
    for union in MESSAGES:
        wanted += described(union, {"kind", "id", "by"})
    table = [row for row in rows("history.md") if len(row) == 3]
    assert table == wanted


# --- the API ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def application() -> Iterator[FastAPI]:
    """The application with every route that settings can bring."""
    with whole_application() as app:
        yield app


def test_every_address_of_the_api_is_documented_and_no_other(application: FastAPI) -> None:
    table = [coded(row[0])[0] for row in rows("api.md") if re.match(r"`(GET|POST|PUT|DELETE) /", row[0])]
    there = list(addresses(application.routes))
    assert sorted(table) == sorted(f"{one.method} {one.path}" for one in there)


def test_every_command_can_be_given_over_rest_as_documented() -> None:
    documented = {do for row in rows("api.md") if len(row) == 2 and row[1] != "besides" for do in coded(row[0])}
    assert documented == {next(f.default for f in dataclasses.fields(each) if f.name == "kind") for each in get_args(commands.Command)}


# --- the wording ------------------------------------------------------------------------------------------------------


def test_every_template_is_documented_with_its_placeholders_and_no_other() -> None:
    table = {coded(row[0])[0]: (set(coded(row[2])), set(coded(row[3]))) for row in rows("wording.md") if len(row) == 4}
    needed = {template: set(NEEDED.get(template, {"hello", "sign"})) for template in TEMPLATES}
    assert table == {template: (needed[template], set(allowed) - needed[template]) for template, allowed in TEMPLATES.items()}
    told_by_people = {"moved": Purpose.UPDATE, "personal_data": Purpose.UPDATE}  # what people choose to say has no purpose of its own
    purposes = {told_by_people.get(name, name) for name in (template.split(".")[0] for template in TEMPLATES)}
    assert purposes == set(Purpose) - {Purpose.WENT_PRIVATE}, "a purpose without a template, or the reverse"
    assert {"private.line", "private.link"} <= set(TEMPLATES), "which say that it went private"


def test_every_placeholder_is_explained() -> None:
    explained = {coded(row[0])[0].strip("{}") for row in rows("wording.md") if row[0].startswith("`{")}
    assert explained == {placeholder for allowed in TEMPLATES.values() for placeholder in allowed}


# --- the policy -------------------------------------------------------------------------------------------------------


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"{above}{name}"
        if above in ("", "clocks.") and name != "social":
            inside = [a for a in (field.annotation, *get_args(field.annotation)) if isinstance(a, type) and issubclass(a, BaseModel)]
            for part in inside:
                if part.__name__ != "ByPriority":
                    yield from keys(part, f"{above}{name}.")


def test_every_key_of_the_policy_is_explained_and_no_other() -> None:
    explained = [key for row in rows("policy.md") for key in coded(row[0])]
    groups = {"clocks", "triage"}  # their parts are explained
    assert sorted(explained) == sorted(set(keys(Policy)) - groups)


def test_the_problems_that_the_page_shows_are_those_that_the_command_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HERE / "policies" / "default.yaml").read_text("utf-8")
    (tmp_path / "my-policy.yaml").write_text(text.replace("high: 30 min", "high: soon").replace("\nwatch:", "\nwacth:"), "utf-8")
    monkeypatch.chdir(tmp_path)
    told = said("policy", "check", "my-policy.yaml")
    assert told.startswith("my-policy.yaml:9: ")
    assert f"$ loopkeeper policy check my-policy.yaml\n{told}```" in (DOCS / "policy.md").read_text("utf-8")
    monkeypatch.chdir(HERE)
    fine = said("policy", "check", "policies/default.yaml")
    assert f"policies/default.yaml\n{unhashed(fine)}```" in unhashed((DOCS / "policy.md").read_text("utf-8"))


def unhashed(text: str) -> str:
    """Without the hash of the policy, which every change of a word changes."""
    return re.sub(r"@[0-9a-f]{10}", "@…", text)


def said(*words: str) -> str:
    import cli.policies  # noqa: F401 - it adds its verbs

    return CliRunner().invoke(command, words).output


# --- the command ------------------------------------------------------------------------------------------------------


def verbs(group: Any, above: str = "loopkeeper") -> Iterator[tuple[str, set[str]]]:
    for name, verb in group.commands.items():
        if hasattr(verb, "commands"):
            yield from verbs(verb, f"{above} {name}")
        else:
            options = {o for p in verb.params if p.name != "help" for o in (*p.opts, *p.secondary_opts) if o.startswith("--")}
            yield f"{above} {name}", options


def test_every_verb_of_the_command_is_documented_with_its_options_and_no_other() -> None:
    add_verbs()

    page = (DOCS / "cli.md").read_text("utf-8")
    sections = re.split(r"^### `(loopkeeper [a-z -]+)`$", page, flags=re.MULTILINE)[1:]
    documented = {
        verb: set(re.findall(r"`(--[a-z-]+)`", text)) - {"--help"} for verb, text in zip(sections[::2], sections[1::2], strict=True)
    }
    assert documented == dict(verbs(typer.main.get_command(command)))


# --- the channel contract ----------------------------------------------------------------------------------------------


def test_the_worked_example_of_a_signature_holds() -> None:
    from adapters.channels.signing import Signer

    page = (DOCS / "channel-contract.md").read_text("utf-8")
    secret = re.findall(r"`(whsec_[^`]+)`", page)[-1]
    block = page.partition(f"`{secret}`:")[2].split("```")[1]
    example = dict(line.split(": ", 1) for line in block.strip().splitlines())
    body = example.pop("body").encode()
    assert Signer.with_secret(secret).verify(example, body, float(example["webhook-timestamp"])) == "evt_01"


def test_the_example_of_verifying_a_webhook_holds() -> None:
    from adapters.channels.signing import Signer

    code = (DOCS / "webhooks.md").read_text("utf-8").split("```python")[-1].split("```")[0]
    is_ours: Any = {}
    exec(code, is_ours)
    secret, body = "whsec_bG9vcGtlZXBlci1leGFtcGxlLXNlY3JldA==", b'{"type":"test"}'
    headers = Signer.with_secret(secret).headers("evt_1", time.time(), body)
    assert is_ours["is_ours"](secret, headers, body)
    assert not is_ours["is_ours"](secret, headers, body + b" ")
    assert not is_ours["is_ours"](secret, Signer.with_secret(secret).headers("evt_1", time.time() - 400, body), body)


# --- links ------------------------------------------------------------------------------------------------------------

PAGES = sorted([*HERE.glob("*.md"), *DOCS.rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HERE)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, part = target.partition("#")
        there = page if not path else page.parent / path
        assert there.exists(), f"{target} is not there"
        if part:
            headings = re.findall(r"^#+ (.+)$", there.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
            assert part in slugs, f"{target}: there is no such heading"
