"""Verbs for auditors: export histories and verify them, the log's keys and checkpoints, the journal."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adapters.export.document import write_case
from adapters.export.forms import written
from adapters.notary import Notary
from adapters.postgres.exporting import Export, PostgresExporter
from adapters.postgres.store import Store
from cli.app import app, out
from cli.export_over_api import export_over_api
from cli.installed import installed
from cli.remote import named
from domain.checkpoints import Checkpoint, Note
from domain.errors import LoopkeeperError
from domain.exporting import Form
from domain.seeking import Outcome, Sought
from domain.values import Actor, ClockName, Role, Via
from loopkeeper_client import models as m
from verifier import loopkeeper_verify

audit_app = typer.Typer(no_args_is_help=True, help="Export histories, verify them, and the log's keys and checkpoints.")
app.add_typer(audit_app, name="audit")

AUDITOR = Actor("operator", Role.AUDITOR, Via.CLI)
"""Who exports at the command line: whoever may start it."""
err = Console(stderr=True, highlight=False)


@app.command("export")
@audit_app.command("export")
def audit_export(
    file: Annotated[str, typer.Option("--out", help="The file to write; - is standard output.")],
    form: Annotated[
        Form, typer.Option(help="bundle: with proofs. jsonl, csv: for programs and spreadsheets. html: one case to read.")
    ] = Form.BUNDLE,
    case: Annotated[list[str] | None, typer.Option(help="The id of a case; as often as needed.")] = None,
    number: Annotated[int | None, typer.Option(help="The number of a case.")] = None,
    customer: Annotated[str | None, typer.Option(help="How the network shows the customer, like @sam.")] = None,
    person: Annotated[str | None, typer.Option(help="The id of a colleague who did it, or was the owner then.")] = None,
    department: Annotated[str | None, typer.Option(help="The department that had the case (then).")] = None,
    channel: Annotated[str | None, typer.Option(help="The channel.")] = None,
    brand: Annotated[str | None, typer.Option(help="The brand.")] = None,
    kind: Annotated[str | None, typer.Option(help="An event that the case has, like promise_broken.")] = None,
    words: Annotated[str | None, typer.Option(help="Words that somebody wrote in it.")] = None,
    month: Annotated[str | None, typer.Option(help="When it was recorded: 2026-09 is all of September, UTC.")] = None,
    recorded_from: Annotated[str | None, typer.Option(help="When it was recorded: from this moment on.")] = None,
    recorded_until: Annotated[str | None, typer.Option(help="… and before this one.")] = None,
    opened_from: Annotated[str | None, typer.Option(help="When the case was opened: from this moment on.")] = None,
    opened_until: Annotated[str | None, typer.Option(help="… and before this one.")] = None,
    breached: Annotated[ClockName | None, typer.Option(help="A clock that ran out.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="How the case stands, or ended.")] = None,
    with_words: Annotated[bool, typer.Option("--with-words", help="Also what people wrote. Put on record for each case.")] = False,
    private: Annotated[bool, typer.Option("--private", help="Also what was written in private.")] = False,
    since: Annotated[Path | None, typer.Option(help="A checkpoint that a filtered bundle is to prove that it continues.")] = None,
    wait: Annotated[float, typer.Option(help="For so many seconds at most, wait until all that is recorded is sealed.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was exported as JSON, for programs.")] = False,
) -> None:
    """Export histories: everything, or what fits the filter. It is put on record before the first byte is written."""
    if month is not None:
        recorded_from, recorded_until = _month(month)
    sought = Sought(
        cases=tuple(case or ()),
        number=number,
        customer=customer,
        person=person,
        department=department,
        channel=channel,
        brand=brand,
        kind=kind,
        words=words,
        opened_from=_moment(opened_from),
        opened_until=_moment(opened_until),
        recorded_from=_moment(recorded_from),
        recorded_until=_moment(recorded_until),
        breached=breached,
        outcome=outcome,
    )
    if with_words and form in (Form.JSONL, Form.CSV):
        raise LoopkeeperError(f"the form {form} is without words; take bundle (for programs, with proofs) or html (one case, to read)")
    if as_json and file == "-":
        raise LoopkeeperError("--json is for standard output, where the export goes already; give it a file: --out FILE")
    older = (_checkpoint(since).size,) if since is not None else ()
    if named():
        if private:
            raise LoopkeeperError("private words do not go over the API: use --private where Loopkeeper runs, without LOOPKEEPER_URL")
        export_over_api(file, _wanted(sought, form, with_words=with_words, older=older), as_json=as_json, err=err)
        return
    with installed() as (store, _):
        if form is Form.BUNDLE:
            _wait_for_sealing(store, wait)
        exporter = PostgresExporter(store.engine, store.vault)
        spoken = with_words or form is Form.HTML
        with exporter.export(sought, form, AUDITOR, with_words=spoken, private=private, older=older) as export:
            with _written(file) as raw:
                _write(store, export, form, raw, quiet=file == "-")
            scope = export.scope
    if as_json:
        told = {"file": file, "form": form.value, "sought": scope.sought, "cases": scope.cases, "events": scope.events}
        out.print_json(data={**told, "checkpoint": scope.size or None, "not_sealed_yet": scope.unsealed})
        return
    cases = "one case" if scope.cases == 1 else f"{scope.cases:,} cases"
    err.print(f"Exported {scope.events:,} events of {cases} ({scope.sought}).", markup=False, soft_wrap=True)
    if form is Form.BUNDLE:
        err.print(f"Checkpoint: size {scope.size:,}; events that are not sealed yet, and not in it: {scope.unsealed:,}.")
        if file != "-":
            err.print(f"Verify it: loopkeeper audit verify {file} --public-key KEYS --since CHECKPOINT", markup=False, soft_wrap=True)


def _wanted(sought: Sought, form: Form, *, with_words: bool, older: tuple[int, ...]) -> m.ExportIn:
    """The same as the API takes it: what is not named is left out."""
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(sought).items() if value}
    case = {"case": list(told.pop("cases"))} if "cases" in told else {}
    spoken = with_words or form is Form.HTML
    return m.ExportIn.model_validate(
        {"form": form.value, "sought": {**told, **case}, "with_words": spoken, "since": older[0] if older else None}
    )


def _write(store: Store, export: Export, form: Form, raw: IO[bytes], *, quiet: bool) -> None:
    now = datetime.now(UTC)
    bar = Progress(
        TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err, disable=quiet or not err.is_terminal
    )
    with bar:
        task = bar.add_task("events", total=export.scope.events)

        def page(case_id: str) -> str:
            return write_case(store.reader.file(case_id), store.records.chain(case_id), store.book, export.scope, now)

        for count in written(export, form, raw, now, page):
            bar.advance(task, count)


@contextmanager
def _written(file: str) -> Iterator[IO[bytes]]:
    """The file to write to, under its name only when it is whole."""
    if file == "-":
        with nullcontext(sys.stdout.buffer) as raw:
            yield raw
            raw.flush()
        return
    path = Path(file)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("xb") as raw:
            yield raw
        part.replace(path)
    except FileExistsError:
        raise LoopkeeperError(f"{part} is there already: another export is writing it, or one was cut off; remove it if none is") from None
    except OSError as error:
        part.unlink(missing_ok=True)
        raise LoopkeeperError(f"{part} cannot be written: {error.strerror or error}") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _wait_for_sealing(store: Store, seconds: float) -> None:
    """Give the sealer the time to seal what is recorded now."""
    pause, began = threading.Event(), datetime.now(UTC)
    while store.log.unsealed_for() and datetime.now(UTC) - began < timedelta(seconds=seconds):
        pause.wait(0.2)


def _moment(written: str | None) -> datetime | None:
    """A date or a moment; without a zone it is UTC."""
    if written is None:
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise LoopkeeperError(f"'{written}' is not a date or a moment; write 2026-09-01 or 2026-09-01T08:30:00Z") from None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _month(written: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", written)
    if found is None:
        raise LoopkeeperError(f"'{written}' is not a month; write it like 2026-09")
    year, month = int(found[1]), int(found[2])
    return f"{written}-01", f"{year + month // 12:04}-{month % 12 + 1:02}-01"


def _checkpoint(path: Path) -> Checkpoint:
    try:
        return Checkpoint.parse(Note.parse(path.read_text("utf-8")).text)
    except OSError as error:
        raise LoopkeeperError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LoopkeeperError(f"{path} is not a checkpoint: it is not text") from None


@audit_app.command("verify")
def audit_verify(
    bundle: Annotated[Path, typer.Argument(help="A bundle.")],
    public_key: Annotated[Path | None, typer.Option(help="The log's public keys, a line each, from a source of your own.")] = None,
    since: Annotated[Path | None, typer.Option(help="A checkpoint that you kept: the bundle has to continue it.")] = None,
) -> None:
    """Verify a bundle. Needs no server and no database; the same as the stand-alone verifier."""
    arguments = [str(bundle)]
    for name, path in (("--public-key", public_key), ("--since", since)):
        arguments += [name, str(path)] if path is not None else []
    raise typer.Exit(loopkeeper_verify.main(arguments))


@audit_app.command("verifier")
def audit_verifier() -> None:
    """Print the stand-alone verifier: one file that needs only Python and `cryptography`."""
    sys.stdout.write(Path(loopkeeper_verify.__file__).read_text("utf-8"))


@audit_app.command("key")
def audit_key() -> None:
    """The public keys with which checkpoints were ever signed, the oldest first. Auditors keep them."""
    with installed() as (store, _):
        keys = store.log.verifiers()
    if not keys:
        raise LoopkeeperError("nothing was ever signed: set LOOPKEEPER_LOG_KEY (loopkeeper audit new-key NAME makes one)")
    for key in keys:
        sys.stdout.write(f"{key}\n")


@audit_app.command("new-key")
def audit_new_key(name: Annotated[str, typer.Argument(help="The log's name, like log.example.com/loopkeeper.")]) -> None:
    """Make a key to sign checkpoints with. It is shown once: put it into LOOPKEEPER_LOG_KEY, and give auditors the public one."""
    secret = Notary.new_key(name)
    sys.stdout.write(f"{secret}\n")
    err.print(f"Its public key, for auditors: {Notary.parse(secret).verifiers[0]}", markup=False, soft_wrap=True)


@audit_app.command("checkpoint")
def audit_checkpoint() -> None:
    """The newest checkpoint, and how long events have been waiting to be sealed."""
    with installed() as (store, _):
        latest, waiting = store.log.latest(), store.log.unsealed_for()
    if latest is not None:
        sys.stdout.write(latest.note)
    told = (
        f"The oldest event that is not sealed has been waiting for {waiting.total_seconds():.1f} s." if waiting else "Everything is sealed."
    )
    err.print(told if latest is not None else f"Nothing was ever sealed. {told}")


@audit_app.command("journal")
def audit_journal(
    kind: Annotated[str | None, typer.Option(help="Only entries of this kind, like history_exported.")] = None,
) -> None:
    """What happened to the installation: who read, exported, erased or changed what. A line of JSON an entry."""
    with installed() as (store, _):
        after = ("", 0)
        while entries := store.journal.entries(after):
            for chain, number, entry in entries:
                if kind is None or entry.event.kind == kind:
                    sys.stdout.write(f'{{"chain":"{chain}","number":{number},"entry":{entry.document}}}\n')
            after = entries[-1][:2]
