"""The reference of the API, made on the server from its OpenAPI document: pages of our own, which work without JavaScript.

An index, and a page for each operation: what it takes and tells, with an example of each, and how to ask from a shell.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.rules import Anyone
from api.pages import page
from api.problems import Problem

Json = Mapping[str, Any]
PUBLIC = Anyone("it describes the API, which holds no secret, and shows nothing of what is kept")
_AREAS = {
    "cases": "Cases",
    "work": "What there is to do",
    "policies": "Policy and departments",
    "reports": "Numbers",
    "access": "Keys, sessions, and who I am",
    "webhooks": "Webhooks, out and in",
    "health": "Health",
}
"""The order and titles of the index; what has another tag comes after them, by its tag."""
_FORMATS = {"date-time": "2026-03-02T09:00:00Z", "date": "2026-03-02", "uuid": "0198d7a4-6f5e-7c11-9d2a-3c1f0d5b7e90"}
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model, or a parameter. `kind`: what it holds, in words; `model`: the model that it holds, if it is one of ours."""

    name: str
    kind: str
    model: str | None
    needed: bool
    told: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its fields."""

    name: str
    told: str
    fields: list[Field]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, what it says, and an example of it."""

    status: int
    phrase: str
    told: str
    media: str | None
    kind: str
    model: str | None
    example: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as its page tells it. `body`: what its body is, in words; `models`: those that its tables name."""

    slug: str
    method: str
    path: str
    summary: str
    told: str
    tag: str
    asks_for_key: bool
    parameters: list[Field] = field(default_factory=list)
    body: tuple[str, str | None, str] | None = None
    answers: list[Answer] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    shell: str = ""


class Described:
    """An OpenAPI document, as people read it."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._schemas: Json = document["components"]["schemas"]

    @cached_property
    def areas(self) -> list[tuple[str, list[Operation]]]:
        """The operations, by area."""
        found: dict[str, list[Operation]] = {tag: [] for tag in _AREAS}
        for one in self.operations.values():
            found.setdefault(one.tag, []).append(one)
        return [(_AREAS.get(tag, tag.capitalize()), its) for tag, its in found.items() if its]

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """The operations by what their page's address ends with."""
        every = (
            self._operation(method.upper(), path, told)
            for path, methods in self._document["paths"].items()
            for method, told in methods.items()
        )
        return {one.slug: one for one in every}

    def _operation(self, method: str, path: str, told: Json) -> Operation:
        body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        answers = [self._answer(int(status), answer) for status, answer in told["responses"].items()]
        shown = {name for one in (body, *(_schema_of(answer) for answer in told["responses"].values())) for name in self._models_in(one)}
        example = None if body is None else self.example(body)
        parameters = [self._parameter(one) for one in told.get("parameters", ())]
        asks_for_key = bool(told.get("security"))
        return Operation(
            slug=slug_of(method, path),
            method=method,
            path=path,
            summary=told["summary"],
            told=told.get("description", ""),
            tag=next(iter(told.get("tags", ())), "other"),
            asks_for_key=asks_for_key,
            parameters=parameters,
            body=None if body is None else (self._kind(body), _model_of(body), _as_json(example)),
            answers=answers,
            models=[self._model(name) for name in self._schemas if name in shown and "properties" in self._schemas[name]],
            shell=_in_a_shell(method, self._filled(path, told), example, asks_for_key=asks_for_key),
        )

    def _filled(self, path: str, told: Json) -> str:
        """An address with examples in its places."""
        places = {one["name"]: str(one.get("example") or _PLACES.get(one["name"], one["name"])) for one in told.get("parameters", ())}
        return re.sub(r"{(\w+)}", lambda place: places.get(place[1], place[1]), path)

    def _answer(self, status: int, told: Json) -> Answer:
        schema = _schema_of(told)
        media = next(iter(told.get("content", ())), None)
        return Answer(
            status=status,
            phrase=HTTPStatus(status).phrase,
            told=told.get("description", ""),
            media=media,
            kind=self._kind(schema) if schema else "",
            model=_model_of(schema) if schema else None,
            example=_as_json(self.example(schema)) if schema and status < HTTPStatus.BAD_REQUEST else None,
        )

    def _parameter(self, told: Json) -> Field:
        schema = told["schema"]
        kind = self._kind(schema).removesuffix(" or null")
        if "default" in schema and schema["default"] is not None:
            kind = f"{kind}; {json.dumps(schema['default'])} without it"
        return Field(told["name"], kind, None, bool(told.get("required")), told.get("description", ""), told["in"])

    def _model(self, name: str) -> Model:
        schema = self._schemas[name]
        needed = set(schema.get("required", ()))
        fields = [
            Field(key, self._kind(one), _model_of(one), key in needed, one.get("description", ""))
            for key, one in schema["properties"].items()
        ]
        return Model(name, schema.get("description", ""), fields)

    def _models_in(self, schema: Any) -> Iterator[str]:
        """Every model that a schema needs to be understood, problems left out: the page of errors tells of them."""
        wanted, seen = list(_references(schema)), set[str]()
        while wanted:
            name = wanted.pop()
            if name not in seen and name != "ProblemDetail":
                seen.add(name)
                yield name
                wanted += _references(self._schemas[name])

    def _kind(self, schema: Json) -> str:
        """What a schema holds, in words."""
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            return name if "properties" in self._schemas[name] else self._kind(self._schemas[name])
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self._kind(one) for one in schema["anyOf"]))
        if "enum" in schema:
            return "one of " + ", ".join(f"`{one}`" for one in schema["enum"])
        if "const" in schema:
            return f"`{schema['const']}`"
        match schema.get("type"):
            case "array":
                return f"list of {self._kind(schema.get('items', {}))}"
            case "object":
                inside = schema.get("additionalProperties")
                return f"object of {self._kind(inside)}" if isinstance(inside, Mapping) and inside else "object"
            case "string":
                return {"date-time": "moment", "date": "day"}.get(schema.get("format", ""), "text") + _room(schema)
            case "integer" | "number" as kind:
                return {"integer": "number", "number": "number with a fraction"}[kind] + _range(schema)
            case "boolean":
                return "true or false"
            case "null":
                return "null"
        return "anything"

    def example(self, schema: Json, depth: int = 0) -> Any:
        """Something that fits a schema, as its author gave it, else as its parts have it."""
        if schema.get("examples"):
            return schema["examples"][0]
        if "$ref" in schema:
            return self.example(self._schemas[str(schema["$ref"]).rpartition("/")[2]], depth)
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0], depth)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object" if depth < _DEEPEST:
                told = schema.get("properties", {})
                shown = [
                    key
                    for key in told
                    if key in schema.get("required", ()) or any(one is not None for one in told[key].get("examples", ()))
                ]
                return {key: self.example(told[key], depth + 1) for key in shown}
            case "array" if depth < _DEEPEST:
                return [self.example(schema.get("items", {}), depth + 1)]
            case "string":
                return _FORMATS.get(schema.get("format", ""), "…")
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
        return None


_PLACES = {
    "case_id": "meridian-x-1846",
    "number": "7",
    "name": "overview",
    "key_id": "3f9a1c22",
    "webhook_id": "9f2c41d07ab3",
    "saying": "update",
}


def slug_of(method: str, path: str) -> str:
    """What the address of an operation's page ends with."""
    short = path.removeprefix("/api/v1").strip("/")
    return f"{method.lower()}-{re.sub(r'[^a-z0-9_]+', '-', short).strip('-')}"


def _schema_of(answer: Json) -> Json | None:
    content = answer.get("content", {})
    schema: Json | None = next((one["schema"] for one in content.values() if one.get("schema")), None)
    return schema


def _model_of(schema: Json) -> str | None:
    """The one model that a schema is about."""
    return next(iter(_references(schema)), None)


def _references(thing: Any) -> list[str]:
    if isinstance(thing, Mapping):
        own = [thing["$ref"].rpartition("/")[2]] if isinstance(thing.get("$ref"), str) else []
        return own + [name for key, value in thing.items() if key not in ("examples", "example") for name in _references(value)]
    return [name for one in thing for name in _references(one)] if isinstance(thing, list) else []


def _room(schema: Json) -> str:
    return f", at most {schema['maxLength']:,} signs" if "maxLength" in schema else ""


def _range(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    return f", {low:,} or more" if low is not None else ""


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _in_a_shell(method: str, path: str, body: Any, *, asks_for_key: bool) -> str:
    parts = ["curl", *(["-X", method] if method not in ("GET", "POST") or (method == "POST" and body is None) else [])]
    parts += ['-H "Authorization: Bearer $KEY"'] if asks_for_key else []
    if body is not None:
        parts += ['-H "Content-Type: application/json"', f"\\\n  -d {shlex.quote(json.dumps(body, ensure_ascii=False))} \\\n "]
    return " ".join([*parts, f'"$LOOPKEEPER{path}"'])


@dataclass(frozen=True)
class ReferencePages:
    """The pages. `document`: makes the OpenAPI document, when all routes are there."""

    document: Callable[[], Json]
    _made: list[Described] = field(default_factory=list)

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(PUBLIC)])
        router.add_api_route("/docs", self.index, methods=["GET"])
        router.add_api_route("/docs/{operation}", self.one, methods=["GET"])
        return router

    async def index(self, request: Request) -> Response:
        """All operations."""
        return page(request, "reference/index.html", {"areas": self._described().areas})

    async def one(self, request: Request, operation: str) -> Response:
        """One operation."""
        found = self._described().operations.get(operation)
        if found is None:
            raise Problem(404, "there is no such operation; /docs lists all of them")
        return page(request, "reference/operation.html", {"operation": found})

    def _described(self) -> Described:
        """Made once: the document does not change while the process runs."""
        if not self._made:
            self._made.append(Described(self.document()))
        return self._made[0]
