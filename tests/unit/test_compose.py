"""docker-compose.yml, the image and .env.example speak of what exists: settings, commands, files, search attributes."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import pytest
import yaml

from cli.engines import SEARCH_ATTRIBUTES
from settings import HERE, Settings
from workflows import contracts

COMPOSE: dict[str, Any] = yaml.safe_load((HERE / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if str(service["image"]).startswith("loopkeeper:")}
EXAMPLE = (HERE / ".env.example").read_text("utf-8")
VARIABLES = {f"LOOPKEEPER_{name.upper()}" for name in Settings.model_fields} - {"LOOPKEEPER_DATABASE_URL"} | {"DATABASE_URL"}


def test_our_services_are_the_processes_of_the_product() -> None:
    assert {name: service["command"] for name, service in OURS.items()} == {
        "migrate": ["sh", "-c", "loopkeeper migrate && loopkeeper policy activate"],
        "api": ["python", "-m", "api"],
        "worker": ["python", "-m", "worker"],
        "dispatcher": ["python", "-m", "worker", "dispatch"],
        "housekeeper": ["python", "-m", "housekeeper"],
        "tools": ["doctor"],
        "privacy": ["--help"],
        "backup": ["--help"],
        "restore": ["--help"],
    }
    assert all(importlib.util.find_spec(module) for module in ("api.__main__", "worker", "housekeeper"))


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_we_hand_to_our_processes_is_a_setting(name: str) -> None:
    assert set(OURS[name]["environment"]) - {"TEMPORAL_ADDRESS"} <= VARIABLES


def test_no_process_has_a_secret_that_it_does_not_need() -> None:
    with_owner = [name for name, service in SERVICES.items() if "MIGRATOR_PASSWORD" in yaml.safe_dump(service.get("environment"))]
    assert with_owner == ["postgres", "migrate", "restore"]
    assert [name for name, service in OURS.items() if "LOOPKEEPER_LOG_KEY" in service["environment"]] == ["housekeeper"]
    assert "LOOPKEEPER_SENDGRID_API_KEY" not in OURS["api"]["environment"]
    assert not {"LOOPKEEPER_SLACK_SIGNING_SECRET", "LOOPKEEPER_SLACK_APP_TOKEN"} & set(OURS["worker"]["environment"])


def test_whoever_makes_links_knows_where_the_api_is_and_whoever_speaks_to_people_which_language() -> None:
    assert [name for name, service in OURS.items() if "LOOPKEEPER_PUBLIC_URL" in service["environment"]] == [
        "api",
        "worker",  # mails of cases, status pages
        "housekeeper",  # digests, and the questions whether an address is one's own
        "tools",
    ]
    assert [name for name, service in OURS.items() if "LOOPKEEPER_LANGUAGE" in service["environment"]] == ["api", "housekeeper", "tools"]


def test_only_the_api_and_the_screen_of_temporal_can_be_reached_and_from_this_host_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8000:8000"], "temporal-ui": ["127.0.0.1:8080:8080"]}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert [name for name, service in SERVICES.items() if "outside" in service["networks"]] == [
        "temporal-ui",
        "api",
        "worker",
        "dispatcher",
        "housekeeper",
        "tools",
    ]


def test_every_variable_of_the_example_is_used_and_every_needed_one_is_in_it() -> None:
    text = (HERE / "docker-compose.yml").read_text("utf-8")
    exemplified = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    handed_on = {name for service in OURS.values() for name, value in service["environment"].items() if value is None}
    assert exemplified == set(re.findall(r"\$\{([A-Z_]+)", text)) | handed_on
    assert set(re.findall(r"^([A-Z_]+)=$", EXAMPLE, re.MULTILINE)) | {"LOOPKEEPER_PUBLIC_URL"} == set(re.findall(r"\$\{([A-Z_]+):\?", text))


def test_the_filled_in_example_stays_out_of_git_and_out_of_the_image() -> None:
    assert ".env" in (HERE / ".gitignore").read_text("utf-8").splitlines()
    assert (HERE / ".dockerignore").read_text("utf-8").splitlines()[1] == "*"


def test_every_mounted_file_exists() -> None:
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", []) if volume.startswith("./")]
    assert len(mounts) >= 5
    assert [mount for mount in mounts if not (HERE / mount).exists()] == []


def test_temporal_is_set_up_with_the_search_attributes_that_the_workflow_writes() -> None:
    script = (HERE / "deploy" / "temporal-setup.sh").read_text("utf-8")
    made = dict(re.findall(r"--name (\w+) --type (\w+)", script))
    assert made == SEARCH_ATTRIBUTES
    keys = (contracts.STATUS, contracts.DEPARTMENT, contracts.PRIORITY, contracts.CHANNEL, contracts.DUE)
    assert set(made) == {key.name for key in keys}


def test_everything_that_the_image_copies_exists_and_nothing_that_runs_is_left_out() -> None:
    copied = {line.removeprefix("!") for line in (HERE / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert [name for name in copied if not (HERE / name).exists()] == []
    packages = {path.parent.name for path in HERE.glob("*/__init__.py")} - {"tests", "devkit", "bench"}
    assert (
        packages | {"settings.py", "worker.py", "housekeeper.py", "policies", "requirements", "pyproject.toml", "README.md", "LICENSE"}
        == copied
    )
