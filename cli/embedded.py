"""A whole installation on one machine: the engines, migrations, worker, API, and the sandbox as its outside world."""

from __future__ import annotations

import base64
import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from adapters.keyring import Keyring
from adapters.postgres.engine import open_engine
from adapters.postgres.schema import migrate
from adapters.postgres.store import Store
from adapters.public_holidays import holidays_of
from cli.engines import Postgres, Temporal, answers, listens
from cli.processes import CRASHES_BEFORE_GIVING_UP, Service, Watch, end_leftovers
from cli.state import State
from domain.pace import REAL_TIME, Pace
from settings import HERE

Say = Callable[[str], None]
Progress = Callable[[str, float], None]
"""Told the name of what is being waited for, and for how many seconds so far."""

START_SECONDS = 60.0
_NICE = {"worker": 10, "dispatcher": 10, "housekeeper": 10, "temporal": 10}
"""On a small machine, taking in comes before everything else: what is stored can be worked on later, what is not is lost to us."""
SANDBOX_CHANNELS = {"x": ("X", 280), "facebook": ("Facebook", 8000), "mastodon": ("Mastodon", 500)}


@dataclass(frozen=True)
class Outside:
    """What is not embedded because the environment names a server for it. `channels`: then there is no sandbox either."""

    database: bool
    temporal: bool
    channels: bool

    @staticmethod
    def of(environment: Mapping[str, str]) -> Outside:
        """What the environment names."""

        def named(*names: str) -> bool:
            return any(environment.get(name) for name in names)

        return Outside(
            database=named("DATABASE_URL", "LOOPKEEPER_DATABASE_URL"),
            temporal=named("TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"),
            channels=named("LOOPKEEPER_CHANNELS", "LOOPKEEPER_SLACK_BOT_TOKEN"),
        )


NOTHING_OUTSIDE = Outside(database=False, temporal=False, channels=False)


_RUNNING = "running.json"
_FIRST_NAMES = ("Amara", "Bela", "Carla", "Deniz", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kamala", "Luis", "Maja", "Oya")


@dataclass
class Installation:
    """One embedded installation on one state folder, which the caller holds."""

    state: State
    pace: Pace = REAL_TIME
    outside: Outside = NOTHING_OUTSIDE
    policy: str | None = None
    """The policy (YAML) to put in force; None: the shipped one, if none is in force yet."""
    slack_rate: float = 1.0
    colleagues: int = 0
    """How many more people than the sandbox's own company has work in each department (hundreds of cases at once need many hands)."""
    durable: bool = True
    """False: the engines do not wait for the disk (tests that do not pull the plug)."""
    yielding: bool = True
    """False: everything has the same claim to the processors (a measurement of what a case costs, not of who waits)."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings for worker and API."""
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What Python runs as `worker`, `dispatcher` or `api`, when it is not the usual (tests that watch where they are)."""
    crashes_allowed: int = CRASHES_BEFORE_GIVING_UP
    """How often a part may die within a minute before it counts as broken."""
    say: Say = lambda _: None
    progress: Progress | None = None
    services: dict[str, Service] = field(default_factory=dict)
    _watch: Watch | None = None

    def start(self) -> None:
        """Start everything; returns when all of it is ready. Raises ServiceFailed, DatabaseNotReady, PolicyError."""
        end_leftovers(self.state.pids)
        self._know_parts(self.state.ports())
        self._rotate_logs()
        try:
            if not self.outside.database:
                self._begin("postgres", self.postgres.service(self.state.logs / "postgres.log", fsync=self.durable))
            if not self.outside.temporal:
                self._begin("temporal", self.temporal.service(self.state.logs / "temporal.log"))
            self._wait("postgres", "temporal")
            self._prepare_database()
            if not self.outside.channels:
                self._begin("sandbox", self._sandbox())
            self._begin("api", self._api())
            self._begin("worker", self._worker())
            self._begin("dispatcher", self._worker("dispatcher", "dispatch"))
            self._begin("housekeeper", self._worker("housekeeper"))
            self._wait("sandbox", "api", "worker", "dispatcher", "housekeeper")
        except BaseException:
            self.stop()
            raise
        running = {"speed": self.pace.speed, "origin": self.pace.origin.isoformat(), "outside": asdict(self.outside)}
        (self.state.folder / _RUNNING).write_text(json.dumps(running))
        self._watch = Watch(list(self.services.values()), self.state.pids, self.say, self.crashes_allowed)
        self._watch.note_pids()

    def check(self) -> None:
        """Start again what has died. Raises ServiceFailed when something keeps dying."""
        assert self._watch is not None, "start() first"
        self._watch.check()

    def stop(self) -> None:
        """Stop everything, in order."""
        (self.state.folder / _RUNNING).unlink(missing_ok=True)
        for service in reversed(list(self.services.values())):
            service.stop()
        self.postgres.tidy()
        self.state.pids.unlink(missing_ok=True)

    @staticmethod
    def running(folder: Path) -> Installation | None:
        """The installation that another process keeps running on that folder, to be used, not stopped; None when there is none."""
        if not State(folder).is_held():
            return None
        try:
            noted = json.loads((folder / _RUNNING).read_text())
        except FileNotFoundError:
            return None  # it is being started or stopped
        pace = Pace(noted["speed"], datetime.fromisoformat(noted["origin"]))
        found = Installation(State(folder), pace=pace, outside=Outside(**noted["outside"]))
        found._know_parts(found.state.noted_ports())
        return found

    def _know_parts(self, ports: dict[str, int]) -> None:
        self.ports, self.secrets = ports, self.state.secrets()
        self.postgres = Postgres(self.state.folder / "postgres")
        self.temporal = Temporal(ports["temporal"], ports["temporal_ui"], self.state.folder / "temporal" / "temporal.db")

    def store(self, name: str = "loopkeeper cli", pool: int = 4) -> Store:
        """The database, for the one who runs the installation."""
        url = os.environ.get("DATABASE_URL") or os.environ.get("LOOPKEEPER_DATABASE_URL") if self.outside.database else self.postgres.url()
        assert url is not None, "an outside database has an address"
        url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        index_key = base64.b64decode(self.secrets.index_key)
        return Store.open(url, pool=pool, keyring=Keyring.parse(self.secrets.keys), index_key=index_key, pace=self.pace, name=name)

    @property
    def addresses(self) -> dict[str, str]:
        """Where to look, by what it is."""
        api = self._url("api")
        shown = {} if self.outside.channels else {"Sandbox": self._url("sandbox")}
        shown |= {"Console": f"{api}/console", "API docs": f"{api}/docs"}
        return shown if self.outside.temporal else shown | {"Temporal UI": self._url("temporal_ui")}

    # --- parts --------------------------------------------------------------------------------------------------------

    def _begin(self, name: str, service: Service) -> None:
        service.nice = _NICE.get(name, 0) if self.yielding else 0
        self.services[name] = service
        service.start()

    def _wait(self, *names: str) -> None:
        for name in names:
            if name in self.services:
                tell = partial(self.progress, name) if self.progress is not None else None
                self.services[name].wait_ready(START_SECONDS, tell)

    def _prepare_database(self) -> None:
        if self.outside.database:
            url = (
                os.environ.get("LOOPKEEPER_MIGRATION_DATABASE_URL")
                or os.environ.get("DATABASE_URL")
                or os.environ["LOOPKEEPER_DATABASE_URL"]
            )
            url = url.replace("postgresql://", "postgresql+psycopg2://", 1)
        else:
            self.postgres.ensure_database()
            url = self.postgres.url()
        engine = open_engine(url, pool=2, role=None)
        taken = migrate(engine)
        engine.dispose()
        if taken:
            self.say(f"database brought up to date (steps {', '.join(taken)})")
        store = self.store(pool=2)
        try:
            self._activate_policy(store)
        finally:
            store.close()

    def _activate_policy(self, store: Store) -> None:
        from adapters.postgres.book import NoPolicy

        try:
            store.book.active()
            there = True
        except NoPolicy:
            there = False
        if self.policy is None and there:
            return
        policy = self.policy or (HERE / "policies" / "default.yaml").read_text()
        wording = (HERE / "policies" / "wording.en.yaml").read_text()
        store.book.activate(policy, wording, by="loopkeeper up", holidays=holidays_of, source="policy")

    def _environment(self) -> dict[str, str]:
        """The settings of worker and API."""
        secrets, sandbox = self.secrets, self._url("sandbox")
        environment = {name: value for name, value in os.environ.items() if name.startswith(("LOOPKEEPER_", "TEMPORAL_", "DATABASE_URL"))}
        environment |= {
            "LOOPKEEPER_KEYS": environment.get("LOOPKEEPER_KEYS", secrets.keys),
            "LOOPKEEPER_INDEX_KEY": environment.get("LOOPKEEPER_INDEX_KEY", secrets.index_key),
            "LOOPKEEPER_CHECKPOINT_FILE": environment.get("LOOPKEEPER_CHECKPOINT_FILE", str(self.state.folder / "checkpoints.txt")),
            "LOOPKEEPER_ERASURE_LIST": environment.get("LOOPKEEPER_ERASURE_LIST", str(self.state.folder / "erasures.jsonl")),
            "LOOPKEEPER_PUBLIC_URL": self._url("api"),
            "LOOPKEEPER_PORT": str(self.ports["api"]),
            "LOOPKEEPER_CONSOLE_OPEN": "true",
            "LOOPKEEPER_DISPATCH_SLOTS": environment.get("LOOPKEEPER_DISPATCH_SLOTS", "2"),  # what comes in needs the processors more
            "LOOPKEEPER_PACE_SPEED": str(self.pace.speed),
            "LOOPKEEPER_PACE_ORIGIN": self.pace.origin.isoformat(),
            "PYTHONUNBUFFERED": "1",
        }
        if not self.outside.database:
            environment["DATABASE_URL"] = self.postgres.url()
        if not self.outside.temporal:
            environment["TEMPORAL_ADDRESS"] = self.temporal.address
        if not self.outside.channels:
            bridges = {name: {"bridge_url": f"{sandbox}/bridge/{name}", "secret": secrets.of_channel(name)} for name in SANDBOX_CHANNELS}
            environment |= {
                "LOOPKEEPER_CHANNELS": json.dumps(bridges),
                "LOOPKEEPER_SANDBOX_URL": sandbox,
                "LOOPKEEPER_SLACK_BOT_TOKEN": secrets.slack_bot_token,
                "LOOPKEEPER_SLACK_SIGNING_SECRET": secrets.slack_signing_secret,
                "LOOPKEEPER_SLACK_API_URL": f"{sandbox}/slack/api/",
                "LOOPKEEPER_SLACK_MESSAGES_PER_SECOND": str(self.slack_rate),
                "LOOPKEEPER_SENDGRID_API_KEY": secrets.sendgrid_api_key,
                "LOOPKEEPER_SENDGRID_URL": f"{sandbox}/sendgrid",
                "LOOPKEEPER_SENDGRID_WEBHOOK_KEY": secrets.sendgrid_webhook_public,
            }
        return environment | dict(self.settings)

    def _sandbox(self) -> Service:
        secrets, port = self.secrets, self.ports["sandbox"]
        channels = {
            name: {"network": network, "secret": secrets.of_channel(name), "limit": limit}
            for name, (network, limit) in SANDBOX_CHANNELS.items()
        }
        environment = {
            "SANDBOX_LOOPKEEPER_URL": self._url("api"),
            "SANDBOX_CONSOLE_URL": f"{self._url('api')}/console",
            "SANDBOX_CHANNELS": json.dumps(channels),
            "SANDBOX_SLACK_BOT_TOKEN": secrets.slack_bot_token,
            "SANDBOX_SLACK_SIGNING_SECRET": secrets.slack_signing_secret,
            "SANDBOX_SLACK_RATE": str(self.slack_rate),
            "SANDBOX_SLACK_ECHO": "false",  # our manifest does not subscribe to messages
            "SANDBOX_SENDGRID_API_KEY": secrets.sendgrid_api_key,
            "SANDBOX_SENDGRID_WEBHOOK_KEY": secrets.sendgrid_webhook_private,
            "PYTHONPATH": str(HERE),
        }
        if self.colleagues:
            world = self.state.folder / "world.json"
            world.write_text(json.dumps(_grown(json.loads((HERE / "sandbox" / "meridian.json").read_text()), self.colleagues)))
            environment["SANDBOX_WORLD"] = str(world)
        argv = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(self.state.folder / "sandbox.db")]
        return Service("sandbox", argv, self.state.logs / "sandbox.log", environment, ready=lambda: listens(port))

    def _api(self) -> Service:
        log, address = self.state.logs / "api.log", f"{self._url('api')}/readyz"
        environment = self._environment() | {"PYTHONPATH": str(HERE)}
        environment.pop("LOOPKEEPER_LOG_KEY", None)
        return Service("api", [sys.executable, *self.programs.get("api", ("-m", "api"))], log, environment, ready=lambda: answers(address))

    def _worker(self, name: str = "worker", *role: str) -> Service:
        log = self.state.logs / f"{name}.log"
        environment = self._environment() | {"PYTHONPATH": str(HERE)}
        if name == "housekeeper":  # nobody else has the log's key
            environment["LOOPKEEPER_LOG_KEY"] = environment.get("LOOPKEEPER_LOG_KEY", self.secrets.log_key)
        else:
            environment.pop("LOOPKEEPER_LOG_KEY", None)
        argv = [sys.executable, *self.programs.get(name, ("-m", "housekeeper" if name == "housekeeper" else "worker", *role))]
        return Service(name, argv, log, environment, ready=lambda: log.exists() and b" serving " in log.read_bytes())

    def _url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def _rotate_logs(self) -> None:
        """Keep the logs of this start apart from those of the last."""
        for log in self.state.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))


def _grown(world: dict[str, Any], colleagues: int) -> dict[str, Any]:
    """The company with so many more people in each department: in its channel and in its user group."""
    for number, channel in enumerate(c for c in world["channels"] if c["name"].startswith("lk-")):
        more = [
            {
                "id": f"U1{number}{i:07d}",
                "handle": f"colleague{number}_{i}",
                "name": f"{name} {channel['name'].removeprefix('lk-').title()}",
                "title": "Colleague",
                "department": channel["name"].removeprefix("lk-"),
                "email": f"colleague{number}.{i}@example.com",
            }
            for i, name in zip(range(colleagues), itertools.cycle(_FIRST_NAMES), strict=False)
        ]
        world["people"] += more
        channel["members"] += [person["id"] for person in more]
        group = next(one for one in world["usergroups"] if one["handle"] == f"{channel['name'].removeprefix('lk-')}-team")
        group["users"] += [person["id"] for person in more]
    return world


def pace_from_now(speed: float) -> Pace:
    """A pace that begins now."""
    return REAL_TIME if speed == 1.0 else Pace(speed, datetime.now(UTC).replace(microsecond=0))


def default_state() -> Path:
    """The state folder when none is named."""
    return Path(os.environ.get("LOOPKEEPER_STATE", ".loopkeeper"))
