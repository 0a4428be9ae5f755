"""Policies for tests, made from the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SHIPPED = (Path(__file__).parents[1] / "policies" / "default.yaml").read_text()
_NAMES_PEOPLE = ("calendar", "lead", "head")


def around_the_clock(text: str) -> str:
    """A policy (YAML) without calendars, warnings and chains: the loop itself, at every hour."""
    policy: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    for key in ("warn_at", "calendars", "people", "escalation"):
        policy.pop(key)
    for desk in (policy["social"], *policy["departments"].values(), *policy["brands"].values()):
        for key in _NAMES_PEOPLE:
            desk.pop(key, None)
    return str(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True))


def called_around_the_clock() -> str:
    """The shipped policy with its warnings and chains, but everybody works at every hour and nobody sleeps."""
    policy: dict[str, Any] = yaml.load(SHIPPED, Loader=yaml.BaseLoader)
    policy.pop("calendars")
    for desk in (policy["social"], *policy["departments"].values(), *policy["brands"].values()):
        desk.pop("calendar", None)
    for person in policy["people"].values():
        person.pop("quiet", None)
    return str(yaml.safe_dump(policy, sort_keys=False, allow_unicode=True))
