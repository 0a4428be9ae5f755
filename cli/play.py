"""Verbs that let people watch: the demonstration, and the replay of real threads."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.public_holidays import holidays_of
from cli.app import app, out, show_addresses
from cli.embedded import Installation, default_state, pace_from_now
from cli.replay import Play, Report, policy_for, replay
from cli.state import State
from cli.threads import LONGEST_GAP, Script, UnusableThreads, read_threads
from domain.errors import LoopkeeperError
from settings import HERE

STORIES = HERE / "sandbox" / "stories.csv"


@app.command(name="replay")
def replay_command(
    file: Annotated[Path, typer.Argument(help="Threads in the form of the data set 'Customer Support on Twitter'.")],
    speed: Annotated[float, typer.Option(min=1, help="How many seconds of the threads pass in one; 3600: an hour a second.")] = 3600.0,
    rate: Annotated[
        float, typer.Option(min=0.01, help="How many threads begin in a second; fewer while cases come to the desks late.")
    ] = 5.0,
    report_file: Annotated[Path | None, typer.Option("--report", help="Also write the figures to this file, as JSON.")] = None,
    at_most: Annotated[int | None, typer.Option(min=1, help="Only so many threads.")] = None,
    longest_gap: Annotated[
        float, typer.Option(min=0.01, max=24, help="Hours to which a longer silence in a thread is shortened.")
    ] = LONGEST_GAP.total_seconds() / 3600,
    minutes: Annotated[float, typer.Option(help="Give up after so long.")] = 15.0,
) -> None:
    """Play real threads through the system that is up, else one of its own, and verify what became of each."""
    script = _script(file, at_most, timedelta(hours=longest_gap))
    for row in script.malformed[:10]:
        out.print(f"{file.name}, {row}: left out", style="yellow", markup=False, soft_wrap=True)
    with _somewhere(script, speed) as (installation, run):
        report = _played(installation, script, speed, rate, minutes, run=run)
    _show(report)
    if report_file is not None:
        report_file.write_text(json.dumps(report.figures(), indent=2, ensure_ascii=False) + "\n")
        out.print(f"The figures are in {report_file}", markup=False, soft_wrap=True)
    raise typer.Exit(1 if report.faults else 0)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all loops are closed; exit code 0 if all are.")] = False,
    file: Annotated[Path | None, typer.Option("--threads", help="Threads to play. Default: stories that come with Loopkeeper.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Only so many threads.")] = None,
    speed: Annotated[float, typer.Option(min=1, help="How fast the loop's time runs.")] = 1800.0,
) -> None:
    """Watch complaints be acknowledged, handed off, chased, updated and thanked, on real parts."""
    script = _script(file or STORIES, count, LONGEST_GAP)
    with _own(script, speed, "demo") as installation:
        report = _played(installation, script, speed, _DEMO_RATE, minutes=6.0, narrate=True, stay=not once)
    if once:
        _show(report)
    raise typer.Exit(1 if report.faults else 0)


_DEMO_RATE = 1.5


def _script(file: Path, at_most: int | None, longest_gap: timedelta) -> Script:
    script = read_threads(file, at_most=at_most, longest_gap=longest_gap)
    if not script.threads:
        first = f" The first of {len(script.malformed)} unusable rows: {script.malformed[0]}." if script.malformed else ""
        raise UnusableThreads(f"{file} has no thread that a customer began.{first}")
    return script


def _end_as_ctrl_c() -> None:
    """Whoever ends it by SIGTERM finds everything stopped and put back, too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextlib.contextmanager
def _somewhere(script: Script, speed: float) -> Iterator[tuple[Installation, str]]:
    """The installation that is up, with the threads' policy in force for the while, else one of its own; and the prefix of its posts."""
    _end_as_ctrl_c()
    running = Installation.running(default_state().absolute())
    if running is None:
        with _own(script, speed, "replay") as installation:
            yield installation, ""
        return
    if running.outside.channels:
        raise LoopkeeperError("The Loopkeeper that is up talks to real networks, and a replay would be public. Stop it first.")
    out.print(f"Playing {len(script.threads)} threads on the Loopkeeper that is up.")
    store = running.store()
    try:
        before = store.book.active().id
        policy = policy_for(script.threads, speed=speed, pace=running.pace.speed)
        wording = (HERE / "policies" / "wording.en.yaml").read_text()
        store.book.activate(policy, wording, by="loopkeeper replay", holidays=holidays_of)
        try:
            yield running, f"r{secrets.token_hex(3)}_"
        finally:
            store.book.again(before, by="loopkeeper replay")
    finally:
        store.close()


@contextlib.contextmanager
def _own(script: Script, speed: float, name: str) -> Iterator[Installation]:
    """A new installation for this play alone."""
    _end_as_ctrl_c()
    folder = default_state().absolute() / name
    with State(folder) as held:
        _fresh(folder)
        installation = Installation(
            held,
            pace=pace_from_now(speed),
            policy=policy_for(script.threads, speed=speed, pace=speed),
            slack_rate=max(1.0, min(speed, 5000.0)),
            colleagues=min(30, len(script.threads) // 15),
            say=lambda what: out.print(what, soft_wrap=True),
            settings={"LOOPKEEPER_CHANNEL_TIMEOUT": "5"},
        )
        out.print("Starting PostgreSQL, Temporal, the worker, the API and a stand-in outside world …")
        installation.start()
        held.tell("playing; see " + ", ".join(f"{what} {where}" for what, where in installation.addresses.items()))
        ended = threading.Event()
        watching = threading.Thread(target=_keep_alive, args=(installation, ended), daemon=True)
        watching.start()
        try:
            yield installation
        finally:
            ended.set()
            watching.join(5)
            installation.stop()


def _played(
    installation: Installation,
    script: Script,
    speed: float,
    rate: float,
    minutes: float,
    *,
    run: str = "",
    narrate: bool = False,
    stay: bool = False,
) -> Report:
    ended = threading.Event()
    show_addresses(installation)
    store = installation.store()
    play = Play(script, installation.addresses["Sandbox"], store, speed, rate, minutes * 60, run=run)
    try:
        if narrate:
            play.tell = _narrate
            report = replay(play)
        else:
            with _bar(len(script.threads)) as play.progress:
                report = replay(play)
        if stay:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: ended.set())
            _show(report)
            out.print("Look around, play yourself in the sandbox; Ctrl-C ends it.")
            ended.wait()
    finally:
        store.close()
    return report


@contextlib.contextmanager
def _bar(threads: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("threads over", total=threads)
        yield lambda over: progress.update(task, completed=over)


def _keep_alive(installation: Installation, ended: threading.Event) -> None:
    while not ended.wait(0.25):
        installation.check()


def _narrate(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)


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
    for file in (*folder.glob("sandbox.db*"), *folder.glob("checkpoints.txt"), *folder.glob("erasures.jsonl")):
        file.unlink()  # what was outside the database belongs to the one that is gone
