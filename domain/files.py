"""Policy and wording files: YAML text → validated models, with file, line and reason of everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import PolicyError, Problem
from domain.policy import Policy
from domain.wording import Wording

Path = tuple[str | int, ...]
MOST_VALUES = 50_000
"""A file with more is not read: by anchors a short one can stand for more than any machine holds."""
_Model = TypeVar("_Model", bound=BaseModel)
_KEPT = 8
"""So many files that were read last are at hand, because the same text is read by whoever checks it, puts it in force and goes by it."""


@lru_cache(maxsize=_KEPT)
def read_policy(text: str, source: str) -> Policy:
    """The policy in a YAML text. Raises PolicyError naming each problem with its line; `source` is the file's name in it."""
    return _read(text, source, Policy)


@lru_cache(maxsize=_KEPT)
def read_wording(text: str, source: str) -> Wording:
    """The wording in a YAML text. Raises PolicyError likewise."""
    return _read(text, source, Wording)


def line_of(text: str, path: Path) -> int:
    """The line on which a key stands in a YAML text that could be read; that of the nearest key above it when it is not there."""
    lines: dict[Path, int] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _data(root, (), lines, [], set())
    return _nearest(lines, path)


def _read(text: str, source: str, model: type[_Model]) -> _Model:
    lines: dict[Path, int] = {}
    problems: list[Problem] = []
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise PolicyError(source, [Problem(1, "", "the file is empty")])
        data = _data(root, (), lines, problems, set())
    except yaml.YAMLError as error:
        raise PolicyError(source, [_syntax_problem(error)]) from error
    except RecursionError:
        raise PolicyError(source, [Problem(1, "", "it is nested too deeply to be a policy")]) from None
    except _TooMany as error:
        raise PolicyError(
            source, [Problem(error.line, "", f"it says more than {MOST_VALUES:,} things (do anchors multiply them?)")]
        ) from None
    if problems:
        raise PolicyError(source, problems)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise PolicyError(source, [_problem(d["loc"], d["msg"], lines) for d in error.errors()]) from error


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    return Problem(mark.line + 1 if mark else 1, "", f"not readable as YAML: {getattr(error, 'problem', None) or error}")


_CONSTRUCT: dict[str, Callable[[str], object]] = {
    "tag:yaml.org,2002:int": lambda text: int(text, 0),
    "tag:yaml.org,2002:float": float,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("yes", "true", "on"),
    "tag:yaml.org,2002:null": lambda text: None,  # noqa: ARG005 - the shape of the others
}


class _TooMany(Exception):
    """The file says more than we read."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _data(node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[Problem], above: set[int]) -> Any:
    """The plain data of a node; notes every path's line. Keys given twice and loops of anchors are problems."""
    lines[path] = node.start_mark.line + 1
    if len(lines) > MOST_VALUES:
        raise _TooMany(lines[path])
    if id(node) in above:
        problems.append(Problem(lines[path], _dotted(path), "this anchor contains itself"))
        return None
    above = above | {id(node)}
    if isinstance(node, yaml.MappingNode):
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                problems.append(Problem(key_node.start_mark.line + 1, _dotted((*path, key)), "this key is given twice"))
            result[key] = _data(value_node, (*path, key), lines, problems, above)
            lines[*path, key] = key_node.start_mark.line + 1
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_data(child, (*path, i), lines, problems, above) for i, child in enumerate(node.value)]
    try:
        return _CONSTRUCT.get(node.tag, str)(node.value)
    except ValueError:
        return node.value


def _problem(where: tuple[int | str, ...], message: str, lines: dict[Path, int]) -> Problem:
    path = tuple(where)
    named = [known for known in lines if known and message.removeprefix("Value error, ").startswith(_dotted(known))]
    if not path and named:  # a rule about several fields names the one at fault first
        return Problem(lines[max(named, key=len)], "", message.removeprefix("Value error, "))
    reason = message.removeprefix("Value error, ")
    reason = {"Field required": "is missing", "Extra inputs are not permitted": "is not known here (misspelt?)"}.get(reason, reason)
    return Problem(_nearest(lines, path), _dotted(path), reason)


def _nearest(lines: dict[Path, int], path: Path) -> int:
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: tuple[int | str, ...]) -> str:
    dotted = ""
    for part in path:
        dotted += f"[{part}]" if isinstance(part, int) else f"{'.' if dotted else ''}{part}"
    return dotted
