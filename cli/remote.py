"""The API that a verb speaks to: the one that LOOPKEEPER_URL and LOOPKEEPER_KEY name, else that of the installation that runs here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from adapters.postgres.keys import NewKey
from cli.embedded import Installation, default_state
from cli.persons import OPERATOR
from domain.errors import LoopkeeperError
from domain.rights import RIGHTS
from domain.values import Role
from loopkeeper_client import Loopkeeper, LoopkeeperClientError

_Model = TypeVar("_Model", bound=BaseModel)
URL, KEY = "LOOPKEEPER_URL", "LOOPKEEPER_KEY"
NAME = "Operator"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value, for programs.")]


def as_told(model: type[_Model], answer: BaseModel) -> _Model:
    """An answer of the API as its client reads it: what is said over the API and on the database is then said alike."""
    return model.model_validate(answer.model_dump(mode="json"))


def named() -> bool:
    """Whether the environment names an installation to be spoken to over its API."""
    return bool(os.environ.get(URL))


@contextmanager
def api() -> Iterator[Loopkeeper]:
    """A client of it. Raises LoopkeeperError, also for what the API refuses."""
    url, key = _where()
    try:
        with Loopkeeper(url, key) as client:
            yield client
    except LoopkeeperClientError as error:
        raise LoopkeeperError(str(error)) from None


def _where() -> tuple[str, str]:
    url, key = os.environ.get(URL), os.environ.get(KEY)
    if url:
        if not key:
            raise LoopkeeperError(f"{URL} is set and {KEY} is not; make a key where Loopkeeper runs: loopkeeper key new NAME")
        return url, key
    running = Installation.running(default_state().absolute())
    if running is None:
        raise LoopkeeperError(f"nothing runs here; start it with `loopkeeper up`, or set {URL} and {KEY}")
    return f"http://127.0.0.1:{running.ports['api']}", key or _own_key(running)


def _own_key(running: Installation) -> str:
    """The key with which the command acts on the installation here, made at first. Whoever can read its folder can do all that it can."""
    file = running.state.folder / "cli-key"
    store = running.store()
    try:
        known = file.read_text().strip() if file.exists() else ""
        if known and store.keys.of(known) is not None:
            return known
        rights = frozenset(right for right, roles in RIGHTS.items() if Role.ADMIN in roles)
        made = store.keys.make(NewKey(NAME, Role.ADMIN, rights), OPERATOR)[1]
    finally:
        store.close()
    _keep(file, made)
    return made


def _keep(file: Path, secret: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write(secret)


def show_json(value: Any) -> None:
    """One JSON value on standard output."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def printable(words: str) -> str:
    """Somebody's words as a terminal may be given them: nothing in them moves its cursor or changes its colours."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in words)
