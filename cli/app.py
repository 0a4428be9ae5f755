"""The command's verbs."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from cli.embedded import Installation, Outside, default_state, pace_from_now
from cli.state import State
from domain.errors import LoopkeeperError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Closes the loop on every public customer complaint.",
)
out = Console(highlight=False)

StateFolder = Annotated[Path | None, typer.Option("--state", help="The folder that keeps everything. Default: .loopkeeper")]


@app.command()
def up(
    state: StateFolder = None,
    speed: Annotated[float, typer.Option(help="How fast the loop's time runs; 60: a minute a second.")] = 1.0,
) -> None:
    """Start Loopkeeper here, with everything that it needs, and keep it running until Ctrl-C."""
    import os

    with State((state or default_state()).absolute()) as held:
        installation = Installation(held, pace=pace_from_now(speed), outside=Outside.of(os.environ), say=_say, progress=_waiting)
        run(installation)


def run(installation: Installation) -> None:
    """Start, tell where, and watch until a signal comes."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    out.print("Starting Loopkeeper …")
    installation.start()
    installation.state.tell("see " + ", ".join(f"{what} {where}" for what, where in installation.addresses.items()))
    show_addresses(installation)
    out.print(f"Ctrl-C stops it. Everything is kept in {installation.state.folder}", soft_wrap=True)
    try:
        while not ended.wait(0.25):
            installation.check()
    finally:
        out.print("\nStopping …")
        installation.stop()
    out.print("Stopped. Start it again and every open case goes on.")


def show_addresses(installation: Installation) -> None:
    """The short table."""
    hints = {
        "Sandbox": "play customer, department and social team",
        "Console": "every open loop",
        "API docs": "try the REST API",
        "Temporal UI": "the workflows",
    }
    for what, where in installation.addresses.items():
        out.print(f"  {what:<12} {where:<34} {hints[what]}", soft_wrap=True)


def _say(what: str) -> None:
    out.print(what, soft_wrap=True)


def _waiting(name: str, waited: float) -> None:
    """Say so when a start takes long."""
    if waited > 3 and int(waited * 20) % 100 == 0:
        out.print(f"  still waiting for {name} ({waited:.0f} s)")


VERBS = (
    "admin", "audit", "backups", "cases", "causes", "customers", "doctor", "inbox", "play", "policies", "privacy", "reconciling", "reports",
    "slack", "status_links", "webhooks",
)  # fmt: skip
"""The modules that add verbs to the command."""


def add_verbs() -> None:
    """Have each of them add its verbs."""
    for name in VERBS:
        import_module(f"cli.{name}")


def main() -> None:
    """Run the command; errors of ours are sentences, not traces."""
    add_verbs()
    try:
        app()
    except LoopkeeperError as error:
        Console(stderr=True, highlight=False).print(f"loopkeeper: {error}", style="red", soft_wrap=True, markup=False)
        _leave(1)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _leave(end.code or 0)


def _leave(code: int) -> NoReturn:
    """End with that code; without taking the interpreter down where Temporal's client was at work.

    Its threads cannot be ended, and one that comes back while the interpreter goes down aborts a process that had done its work
    (temporalio/sdk-python, issue 300).
    """
    if "temporalio" in sys.modules:
        atexit._run_exitfuncs()  # noqa: SLF001 - what would be done anyway
        with suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    raise SystemExit(code) from None
