"""Collects what is wrong with a layout, in the words that Slack uses."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

Json = dict[str, Any]
"""A JSON object of Slack's: its shape is checked here, and it is kept and given back as it came."""

Checker = Callable[["Check", Json, str], None]


class LayoutError(Exception):
    """A layout that Slack refuses; `problems` says why, each with a JSON pointer."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def own_id(thing: Json, name: str) -> object:
    """The id that the app gave it, or a new one, as Slack gives."""
    if name not in thing:
        thing[name] = secrets.token_urlsafe(4)
    return thing[name]


class Check:
    """One look through a layout. Every method takes the place (`at`, a JSON pointer) that it speaks of."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.action_ids: set[str] = set()
        """Of the block that is being checked; unique within it."""

    def say(self, complaint: str, at: str) -> None:
        """Something is wrong there."""
        self.problems.append(f"{complaint} [json-pointer:{at}]")

    def kind_of(self, thing: Json, at: str) -> str | None:
        """Its `type`; None, and said so, when there is none."""
        kind = thing.get("type")
        if not isinstance(kind, str) or not kind:
            self.say("missing required field: type" if kind is None else "must be a string", at if kind is None else f"{at}/type")
            return None
        return kind

    def only(self, thing: Json, allowed: frozenset[str], at: str) -> None:
        """No other fields than these."""
        if not allowed.issuperset(thing):
            for name in sorted(thing.keys() - allowed):
                self.say(f"invalid additional property: {name}", at)

    def needs(self, thing: Json, names: Iterable[str], at: str) -> bool:
        """All of these fields."""
        complete = True
        for name in names:
            if thing.get(name) is None:
                complete = False
                self.say(f"missing required field: {name}", at)
        return complete

    def string(self, thing: Json, name: str, most: int, at: str, least: int = 0) -> None:
        """If the field is there, a string of so many characters."""
        value = thing.get(name)
        if value is None:
            return
        if not isinstance(value, str):
            self.say("must be a string", f"{at}/{name}")
        else:
            self.size(value, most, f"{at}/{name}", least)

    def size(self, value: str, most: int, at: str, least: int = 0) -> None:
        """So many characters."""
        if len(value) > most:
            self.say(f"must be less than {most + 1} characters", at)
        if len(value) < least:
            self.say(f"must be more than {least - 1} characters", at)

    def flag(self, thing: Json, name: str, at: str) -> None:
        """If the field is there, true or false."""
        if not isinstance(thing.get(name, False), bool):
            self.say("must be a boolean", f"{at}/{name}")

    def whole(self, thing: Json, name: str, low: int, high: int, at: str) -> None:
        """If the field is there, a whole number between these."""
        value = thing.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high):
            self.say(f"must be an integer between {low} and {high}", f"{at}/{name}")

    def one_of(self, thing: Json, name: str, allowed: tuple[str, ...], at: str) -> None:
        """If the field is there, one of these."""
        if thing.get(name) is not None and thing[name] not in allowed:
            self.say(f"must be one of the following values: {', '.join(allowed)}", f"{at}/{name}")

    def items(self, value: object, most: int, at: str, least: int = 1) -> list[tuple[str, Json]]:
        """A list of so many objects, each with its place."""
        if not isinstance(value, list):
            self.say("must be an array", at)
            return []
        if len(value) > most:
            self.say(f"no more than {most} items allowed", at)
        if len(value) < least:
            self.say(f"must have at least {least} item" + ("s" if least > 1 else ""), at)
        found = []
        for index, item in enumerate(value):
            place = f"{at}/{index}"
            if isinstance(item, dict):
                found.append((place, item))
            else:
                self.say("must be an object", place)
        return found

    def object(self, thing: Json, name: str, checker: Checker, at: str) -> None:
        """If the field is there, an object that `checker` finds right."""
        value = thing.get(name)
        if value is None:
            return
        if isinstance(value, dict):
            checker(self, value, f"{at}/{name}")
        else:
            self.say("must be an object", f"{at}/{name}")

    def action_id(self, element: Json, at: str) -> None:
        """An action_id that no other element of the block has; one is given when there is none."""
        self.string(element, "action_id", 255, at, least=1)
        given = own_id(element, "action_id")
        if not isinstance(given, str):
            return
        if given in self.action_ids:
            self.say(f"`action_id` {given!r} already exists for another element", f"{at}/action_id")
        self.action_ids.add(given)
