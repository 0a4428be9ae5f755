"""Verbs that let people watch: the demonstration, and the replay of real threads."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.app import app, out, show_addresses
from cli.embedded import Installation, default_state, pace_from_now
from cli.players import Company
from cli.replay import Report, find_threads, policy_for, replay
from cli.state import State
from cli.threads import Thread, read_threads
from domain.errors import LoopkeeperError
from settings import HERE

STORIES = HERE / "sandbox" / "stories.csv"


@app.command(name="replay")
def replay_command(
    file: Annotated[Path, typer.Argument(help="Threads in the form of the data set 'Customer Support on Twitter'.")],
    speed: Annotated[float, typer.Option(help="How many seconds of the threads pass in one; 3600: an hour a second.")] = 3600.0,
    at_most: Annotated[int | None, typer.Option(help="Only so many threads.")] = None,
    minutes: Annotated[float, typer.Option(help="Give up after so long.")] = 15.0,
    report_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Play real threads through a whole installation of its own, and verify what became of each."""
    threads = read_threads(file, at_most=at_most)
    if not threads:
        raise LoopkeeperError(f"{file} has no thread that a customer began")
    folder = default_state().absolute() / "replay"
    with State(folder) as held:
        _fresh(folder)
        installation = _installation(held, threads, speed)
        out.print(f"Starting an installation of its own for {len(threads)} threads, an hour every {3600 / speed:.3g} s …")
        report = _played(installation, threads, speed, minutes)
    _show(report)
    if report_file is not None:
        figures = {"p50_seconds": report.percentile(0.5), "p99_seconds": report.percentile(0.99), **report.__dict__}
        report_file.write_text(json.dumps({k: v for k, v in figures.items() if k != "ack_seconds"}, indent=2))
    raise typer.Exit(1 if report.faults else 0)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all loops are closed.")] = False,
    file: Annotated[
        Path | None, typer.Option("--threads", help="Threads to play. Default: real ones if they are here, else our own.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many threads.")] = 14,
    speed: Annotated[float, typer.Option(help="How fast the loop's time runs.")] = 1800.0,
) -> None:
    """Watch complaints be acknowledged, handed off, chased, updated and thanked, on real parts."""
    source = file or find_threads() or STORIES
    threads = _interesting(read_threads(source), count)
    folder = default_state().absolute() / "demo"
    with State(folder) as held:
        _fresh(folder)
        installation = _installation(held, threads, speed)
        out.print("Starting PostgreSQL, Temporal, the worker, the API and a stand-in outside world …")
        report = _played(installation, threads, speed, minutes=6.0, narrate=True, stay=not once)
    _show(report)
    raise typer.Exit(1 if report.faults else 0)


def _installation(held: State, threads: list[Thread], speed: float) -> Installation:
    return Installation(
        held,
        pace=pace_from_now(speed),
        policy=policy_for(threads, speed=speed),
        slack_rate=max(1.0, min(speed, 5000.0)),
        say=lambda what: out.print(what, soft_wrap=True),
        settings={"LOOPKEEPER_CHANNEL_TIMEOUT": "5"},
    )


def _played(
    installation: Installation, threads: list[Thread], speed: float, minutes: float, *, narrate: bool = False, stay: bool = False
) -> Report:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    installation.start()
    installation.state.tell("playing; see " + ", ".join(f"{what} {where}" for what, where in installation.addresses.items()))
    show_addresses(installation)
    watching = threading.Thread(target=_keep_alive, args=(installation, ended), daemon=True)
    watching.start()
    store = installation.store()
    try:
        company = Company(installation.addresses["Sandbox"], speed=speed, tell=_narrate if narrate else lambda _: None)
        report = replay(company, threads, store, installation.addresses["Sandbox"], at_most_seconds=minutes * 60)
        if stay:
            _show(report)
            out.print("All loops are closed. Look around, play yourself in the sandbox; Ctrl-C ends it.")
            ended.wait()
    finally:
        ended.set()
        watching.join(5)
        store.close()
        installation.stop()
    return report


def _keep_alive(installation: Installation, ended: threading.Event) -> None:
    while not ended.wait(0.25):
        installation.check()


def _narrate(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)


def _interesting(threads: list[Thread], count: int) -> list[Thread]:
    """Threads of a few lines by one customer: long enough to show the loop, short enough to follow."""
    good = [t for t in threads if 1 <= len(t.rest) <= 6 and len({s.author for s in t.rest if not s.by_brand} | {t.root.author}) == 1]
    return sorted(sorted(good, key=lambda t: -len(t.rest))[:count], key=lambda t: t.root.at)


def _show(report: Report) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for what, how_much in report.lines():
        table.add_row(what, how_much)
    out.print(table)
    for fault in report.faults:
        out.print(f"✗ {fault}", style="red", markup=False, soft_wrap=True)
    if not report.faults:
        out.print("✓ every customer acknowledged, every loop closed, nothing lost, nothing twice", style="green")


def _fresh(folder: Path) -> None:
    """Begin with nothing: a replay's figures must not depend on the one before. The lock and the ports stay."""
    for part in ("postgres", "temporal", "log"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for file in folder.glob("sandbox.db*"):
        file.unlink()
