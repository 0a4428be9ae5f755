"""The installation that a command is about: the one whose settings are in the environment, else the embedded one that runs here."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from adapters.keyring import Keyring
from adapters.postgres.store import Store
from cli.embedded import SANDBOX_CHANNELS, Installation, Outside, default_state
from cli.engines import Postgres
from cli.state import Secrets
from domain.errors import LoopkeeperError
from settings import Settings


@contextmanager
def installed() -> Iterator[tuple[Store, Settings]]:
    """Its database and settings. Raises LoopkeeperError when there is none, or it does not run."""
    settings = find_settings()
    store = Store.open(
        settings.database_url,
        pool=4,
        keyring=Keyring.parse(settings.keys.get_secret_value()),
        index_key=base64.b64decode(settings.index_key.get_secret_value()),
        pace=settings.pace,
        name="loopkeeper cli",
    )
    try:
        yield store, settings
    finally:
        store.close()


def temporal_address() -> str | None:
    """Where the Temporal of the embedded installation is; None when the environment says where Temporal is, or nothing runs here."""
    running = None if Outside.of(os.environ).temporal else Installation.running(default_state().absolute())
    return None if running is None or running.outside.temporal else running.temporal.address


def find_settings() -> Settings:
    """The settings of the environment, else of the embedded installation in this folder."""
    if os.environ.get("DATABASE_URL") or os.environ.get("LOOPKEEPER_DATABASE_URL"):
        try:
            return Settings()
        except ValidationError as error:
            raise LoopkeeperError(explain(error)) from None
    folder = default_state().absolute()
    try:
        secrets = Secrets(**{"log_key": "", **json.loads((folder / "secrets.json").read_text())})
        ports = json.loads((folder / "ports.json").read_text())
    except (FileNotFoundError, ValueError, TypeError):
        over_api = ", as this command does not go by LOOPKEEPER_URL" if os.environ.get("LOOPKEEPER_URL") else ""
        where = f"there is no installation here ({folder})"
        raise LoopkeeperError(f"{where}; start one with `loopkeeper up`, or set DATABASE_URL{over_api}") from None
    postgres = Postgres(folder / "postgres")
    if not (postgres.sockets / ".s.PGSQL.5432").exists():
        raise LoopkeeperError(f"the installation in {folder} is not running; start it with `loopkeeper up`")
    bridges = {
        name: {"bridge_url": f"http://127.0.0.1:{ports['sandbox']}/bridge/{name}", "secret": secrets.of_channel(name)}
        for name in SANDBOX_CHANNELS
    }
    return Settings.model_validate(
        {
            "database_url": postgres.url(),
            "keys": secrets.keys,
            "index_key": secrets.index_key,
            "channels": bridges,
            "public_url": f"http://127.0.0.1:{ports['api']}",
            "console_open": True,
            "slack_bot_token": secrets.slack_bot_token,
            "slack_signing_secret": secrets.slack_signing_secret,
            "slack_api_url": f"http://127.0.0.1:{ports['sandbox']}/slack/api/",
            "checkpoint_file": str(folder / "checkpoints.txt"),
            "erasure_list": str(folder / "erasures.jsonl"),
        }
    )


def explain(error: ValidationError) -> str:
    """What is wrong with the settings, by the names of the variables."""
    told = []
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else "settings"
        variable = name if name.isupper() else f"LOOPKEEPER_{name.upper()}"
        rest = ".".join(str(p) for p in problem["loc"][1:])
        reason = "is not set" if problem["type"] == "missing" else problem["msg"]
        told.append(f"{variable}{' (' + rest + ')' if rest else ''}: {reason}")
    return "; ".join(told) + " (see docs/settings.md)"
