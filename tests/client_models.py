"""Writes the models of the client from the OpenAPI document: python -m tests.client_models

What programs send is checked as strictly as the API does; what they are told is read leniently, so that a client of before understands
an API that has more to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from settings import HERE
from tests.routes import whole_application

FILE = HERE / "loopkeeper_client" / "models.py"
_HEAD = '''"""What the API takes and tells. Made from its OpenAPI document by `python -m tests.client_models`; do not edit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """What the API tells. What a later version of it tells besides is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Given(BaseModel):
    """What the API is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
'''
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {"date-time": "datetime", "date": "date"}


def document() -> dict[str, Any]:
    """The OpenAPI document."""
    with whole_application() as app:
        return dict(app.openapi())


def operations(told: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Method, address and description of every operation for programs."""
    for path, methods in told["paths"].items():
        if path.startswith("/api/v1/"):
            yield from ((method.upper(), path, operation) for method, operation in methods.items())


def named(schema: str) -> str:
    """How the client calls a model: without the ending by which ours say which way it goes."""
    return schema.removesuffix("Out")


def written(told: Mapping[str, Any]) -> str:
    """The module's text."""
    schemas = told["components"]["schemas"]
    done, parts = set[str](), [_HEAD]
    wanted = sorted(_needed(told, schemas))
    while wanted:
        ready = [name for name in wanted if _inside(schemas[name], schemas) - {name} <= done]
        assert ready, f"models that need each other: {wanted}"
        for name in ready:
            parts.append(_model(name, schemas[name], schemas))
            done.add(name)
        wanted = [name for name in wanted if name not in done]
    return "\n\n".join(parts).rstrip() + "\n"


def _needed(told: Mapping[str, Any], schemas: Mapping[str, Any]) -> set[str]:
    found = {ref for _, _, operation in operations(told) for ref in _references(operation)} - {"ProblemDetail"}
    while more := {ref for name in found for ref in _references(schemas[name])} - found:
        found |= more
    return {name for name in found if schemas[name]["type"] == "object"}


def _inside(schema: Any, schemas: Mapping[str, Any]) -> set[str]:
    return {name for name in _references(schema) if schemas[name]["type"] == "object"}


def _references(thing: Any) -> set[str]:
    if isinstance(thing, Mapping):
        own = {thing["$ref"].rpartition("/")[2]} if isinstance(thing.get("$ref"), str) else set()
        return own | {ref for value in thing.values() for ref in _references(value)}
    return {ref for one in thing for ref in _references(one)} if isinstance(thing, list) else set()


def _model(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    given = schema.get("additionalProperties") is False and not name.endswith(("Out", "Made", "Opened"))
    lines = [f"class {named(name)}({'Given' if given else 'Told'}):", f'    """{_text(schema.get("description", name), 4)}"""', ""]
    required = set(schema.get("required", ()))
    for field, about in schema["properties"].items():
        kind = _type(about, schemas, exact=given)
        default = "" if field in required or not given else f" = {about.get('default')!r}"
        if not given and field not in required:
            default = f" = {about.get('default')!r}"
        if default == " = {}":  # a part that need not be said: its model may come later in the file
            default = f" = Field(default_factory=lambda: {kind}())  # noqa: PLW0108 - it may be defined below"
        lines.append(f"    {field}: {kind}{default}")
        if "description" in about:
            lines.append(f'    """{_text(about["description"], 4)}"""')
    return "\n".join(lines) + "\n"


def _type(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, exact: bool) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return named(name) if schemas[name]["type"] == "object" else _type(schemas[name], schemas, exact=exact)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(one, schemas, exact=exact) for one in schema["anyOf"]))
    if "enum" in schema and exact:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]".replace("'", '"')
    match schema.get("type"):
        case "array":
            return f"list[{_type(schema.get('items', {}), schemas, exact=exact)}]"
        case "object":
            values = schema.get("additionalProperties")
            inside = _type(values, schemas, exact=exact) if isinstance(values, Mapping) else "Any"
            key = _FORMATS.get(schema.get("propertyNames", {}).get("format", ""), "str")
            return f"dict[{key}, {inside}]"
        case str() as plain:
            return _FORMATS.get(schema.get("format", ""), _PLAIN[plain])
    return "Any"


def _text(said: str, indent: int) -> str:
    """A sentence as a docstring has it, in lines that fit."""
    words, lines, line = re.sub(r"\s+", " ", said).strip().replace("\\", "\\\\").split(" "), list[str](), ""
    for word in words:
        if len(line) + len(word) > 130 - indent:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return ("\n" + " " * indent).join([*lines, line])


if __name__ == "__main__":
    Path(FILE).write_text(written(document()), "utf-8")
