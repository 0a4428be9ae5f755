"""A call of the Web API: its arguments, however they were encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sandbox.answers import loads
from sandbox.slack.blockkit import Json
from sandbox.slack.content import as_json
from sandbox.slack.errors import SlackError

_TRUE = (True, "true", "True", "1", 1)


@dataclass(frozen=True)
class Call:
    """The arguments of one call. Raises SlackError invalid_arguments for what cannot be read."""

    arguments: dict[str, Any]

    def text(self, name: str) -> str | None:
        """A string, None when it is absent or empty."""
        value = self.arguments.get(name)
        return None if value is None or value == "" else str(value)

    def needed(self, name: str, otherwise: str | None = None) -> str:
        """A string that must be there; else SlackError `otherwise`."""
        value = self.text(name)
        if value is None:
            raise SlackError(otherwise or "invalid_arguments", None if otherwise else [f"missing required field: {name} [json-pointer:/]"])
        return value

    def flag(self, name: str) -> bool:
        """True or false; false when it is absent."""
        return self.arguments.get(name) in _TRUE

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to `most`."""
        value = self.text(name)
        if value is None:
            return default
        if not value.isdigit() or not 1 <= int(value) <= most:
            raise SlackError("invalid_limit" if name == "limit" else "invalid_arguments")
        return int(value)

    def names(self, name: str) -> list[str]:
        """A list that comes as an array or separated by commas."""
        value = self.arguments.get(name)
        if isinstance(value, list):
            return [str(one) for one in value]
        return [part.strip() for part in str(value or "").split(",") if part.strip()]

    def object(self, name: str) -> Json:
        """A JSON object that comes as such or in a string."""
        value = as_json(self.arguments.get(name), "invalid_arguments")
        if not isinstance(value, dict):
            raise SlackError("invalid_arguments", [f"missing required field: {name} [json-pointer:/]"])
        return value


def read_call(content_type: str, body: bytes, query: bytes) -> Call:
    """The call in a request. Raises SlackError: invalid_json, invalid_form_data, invalid_post_type …"""
    arguments: dict[str, Any] = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}
    if not body:
        return Call(arguments)
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            parsed = loads(body)
        except ValueError as error:
            raise SlackError("invalid_json") from error
        if not isinstance(parsed, dict):
            raise SlackError("json_not_object")
        return Call({**arguments, **parsed})
    if kind == "application/x-www-form-urlencoded":
        try:
            return Call({**arguments, **dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True))})
        except UnicodeDecodeError as error:
            raise SlackError("invalid_form_data") from error
    raise SlackError("invalid_post_type" if kind else "missing_post_type")
