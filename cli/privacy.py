"""Verbs of those who answer for privacy: find, erase, hold, give access, and keep to the time that words may be kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import ProgrammingError

from adapters.erasure_list import ErasureFile
from adapters.export.subject_page import page
from adapters.postgres.book import PostgresBook
from adapters.postgres.customers import Customers
from adapters.postgres.engine import open_engine
from adapters.postgres.erasing import Erasing
from adapters.postgres.holds import Holds
from adapters.postgres.retention import Retention
from adapters.postgres.store import Store
from adapters.postgres.subject_access import SubjectAccess
from cli.app import app, out
from cli.installed import installed
from cli.persons import OPERATOR, whoever
from domain.erasure import Customer, Erased, Scope
from domain.errors import LoopkeeperError
from domain.rights import Right
from domain.values import Actor
from settings import Settings

ROLE = "loopkeeper_privacy"

privacy_app = typer.Typer(no_args_is_help=True, help="Find and erase customers, legal holds, subject access, retention.")
app.add_typer(privacy_app, name="privacy")

Key = Annotated[
    str,
    typer.Option("--key", envvar="LOOPKEEPER_PERSON_KEY", prompt="Your API key (role privacy)", hide_input=True, help="Who you are."),
]
Without = Annotated[
    list[str] | None, typer.Option("--without", metavar="CUSTOMER", help="Leave this one out, though it is linked with the others.")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why; it stays on record for ever, so refer to a ticket or a letter and name nobody.")
]


@dataclass(frozen=True)
class _Room:
    """What the verbs work with."""

    store: Store
    settings: Settings
    engine: Engine

    @property
    def erasing(self) -> Erasing:
        listed = self.settings.erasure_list
        return Erasing(self.engine, self.store.vault, ErasureFile(listed) if listed is not None else None)

    @property
    def customers(self) -> Customers:
        return Customers(self.engine, self.store.vault)

    def whoever(self, key: str) -> Actor:
        """The person whose key it is. Raises LoopkeeperError."""
        return whoever(self.store, key, Right.ERASE)


@contextmanager
def _room() -> Iterator[_Room]:
    with installed() as (store, settings):
        engine = open_engine(settings.privacy_database_url or settings.database_url, pool=2, role=ROLE, name="loopkeeper privacy")
        try:
            with engine.connect():
                pass
            yield _Room(store, settings, engine)
        except ProgrammingError as error:
            if "permission denied to set role" in str(error):
                raise LoopkeeperError(
                    f"this database login may not act as {ROLE}, and only that role may look for customers or destroy words; "
                    "LOOPKEEPER_PRIVACY_DATABASE_URL names one that may (deploy/postgres-roles.sh: loopkeeper_housekeeper)"
                ) from None
            raise
        finally:
            engine.dispose()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _erased(erased: Erased) -> str:
    return f"{_count(erased.subjects, 'customer')}, {_count(erased.words, 'text')} in {_count(len(erased.cases), 'case')}"


def _say(*lines: str) -> None:
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


@privacy_app.command("find")
def privacy_find(
    channel: Annotated[str, typer.Argument(help="The channel, as the policy calls it.")],
    who: Annotated[str, typer.Argument(metavar="HANDLE-OR-ID", help="How the network shows them, or its id of them.")],
) -> None:
    """Find a customer, their cases, and who is called the same on other channels."""
    with _room() as room:
        there, others = room.customers.find(channel, who, room.store.book.active().channels)
        mine = [one.id for one in there]
        linked = [one for one in room.customers.seen(room.customers.linked(mine)) if one.id not in mine]
        others = [one for one in others if one.id not in {other.id for other in linked}]
    _say(*(line for one in there for line in _told(one)))
    if not there:
        _say(f"Nobody on '{channel}' is known as {who}. Whoever was erased is not found any more.")
    if linked:
        _say("", "Linked with them as the same person:", *(line for one in linked for line in _told(one)))
    if others:
        _say(
            "",
            "Called the same on other channels; whether it is the same person, people have to say:",
            *(x for o in others for x in _told(o)),
        )


def _told(one: Customer) -> list[str]:
    name = f"{one.name or 'no name'} (@{one.handle})" if one.handle else one.name or "no name"
    lines = [f"{one.id}  {name} on {one.channel}, since {one.since:%Y-%m-%d}"]
    for case in one.cases:
        held = f", held by {', '.join(map(str, case.holds))}" if case.holds else ""
        lines.append(f"  #{case.number} {case.case_id}: {case.status.replace('_', ' ')}, opened {case.opened_at:%Y-%m-%d}{held}")
    return lines if one.cases else [*lines, "  no cases of their own"]


@privacy_app.command("erase")
def privacy_erase(
    subjects: Annotated[list[str], typer.Argument(metavar="CUSTOMER...", help="The customers, by the ids that `privacy find` shows.")],
    reason: Reason,
    key: Key,
    without: Without = None,
) -> None:
    """Propose to erase customers with whoever is linked with them, and show what will go and what stays. A second person confirms it."""
    with _room() as room:
        by, whom = room.whoever(key), room.customers.linked(_ids(subjects), _ids(without or []))
        if not whom:
            raise LoopkeeperError("nobody is left to be erased: --without names all of them")
        proposal, scope = room.erasing.propose(whom, reason, by)
    _say(*_goes(scope), "", f"Erasure {proposal.number} is proposed. Nothing is destroyed yet. Somebody else confirms it:")
    _say(f"  loopkeeper privacy confirm {proposal.number}")


def _ids(subjects: list[str]) -> list[str]:
    import uuid

    try:
        return [str(uuid.UUID(one)) for one in dict.fromkeys(subjects)]
    except ValueError:
        raise LoopkeeperError("a customer is named by the id that `loopkeeper privacy find` shows, like 019a…-…") from None


def _goes(scope: Scope) -> Iterator[str]:
    yield "Will be destroyed:"
    for one in scope.customers:
        yield f"  the key, name and handle of {one.id} on {one.channel}"
    cases = _count(len(scope.cases), "case")
    yield f"  {_count(scope.words, 'text')}: what they wrote, what was answered, and notes about them, in {cases} of theirs"
    for case in scope.cases:
        yield f"    #{case.number} {case.case_id}"
    for elsewhere in scope.elsewhere:
        yield f"    and what they wrote in {elsewhere}, a case of somebody else"
    yield f"  {_count(scope.waiting, 'message')} of theirs that found no case"
    yield "  what is searched of these texts, hashes of them, open drafts, links with other customers, and when they were told our hours"
    yield "Stays: what happened and when, ids of posts and permalinks of replies in the histories, and the proofs over all of it."
    yield from _by_hand(scope)


def _by_hand(scope: Scope) -> Iterator[str]:
    yield "Outside, where you have to clean up by hand:"
    outside, nothing = scope.outside, True
    for what, where in (("Slack cards and their threads", outside.cards), ("e-mails", outside.mails)):
        for case, place in where:
            nothing = False
            yield f"  {what}, {case}: {place}"
    for what, where in (("our reply on the network", outside.replies), ("their post on the network", outside.posts)):
        for case, place in where:
            nothing = False
            yield f"  {what}, {case}: {place}"
    for export in outside.exports:
        nothing = False
        yield f"  may have left as a file or been read: {export}"
    if nothing:
        yield "  nothing that we know of"
    yield "  backups of the database: they hold all of it until they are thrown away; after a restore run `loopkeeper privacy again`"


@privacy_app.command("confirm")
def privacy_confirm(
    number: Annotated[int, typer.Argument(metavar="ERASURE", help="Its number.")],
    key: Key,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask once more.")] = False,
) -> None:
    """Destroy what another person has proposed. It cannot be undone."""
    with _room() as room:
        by = room.whoever(key)
        proposed = next((one for one in room.erasing.proposals() if one.number == number), None)
        if proposed is not None and proposed.proposed_by != by.person and not yes:
            _say(f"Reason: {proposed.reason}", *_goes(room.customers.scope(proposed.subjects)))
            typer.confirm("Destroy it?", abort=True)
        erased, scope = room.erasing.confirm(number, by)
    _say(f"Erased: {_erased(erased)}, {_count(erased.waiting, 'message')} without a case.")
    _say(*_by_hand(scope))


@privacy_app.command("reject")
def privacy_reject(number: Annotated[int, typer.Argument(metavar="ERASURE", help="Its number.")], reason: Reason, key: Key) -> None:
    """Decide against an erasure; nothing is destroyed."""
    with _room() as room:
        room.erasing.reject(number, reason, room.whoever(key))
    _say(f"Erasure {number} is rejected.")


@privacy_app.command("list")
def privacy_list() -> None:
    """What waits for a second person, and the holds in force."""
    with _room() as room:
        proposals, holds = room.erasing.proposals(), Holds(room.engine).in_force()
    for one in proposals:
        what = f"{_count(len(one.subjects), 'customer')}, {_count(len(one.cases), 'case')}"
        _say(f"erasure {one.number}: {what}; {one.reason} ({one.proposed_by}, {_day(one.proposed_at)})")
    for hold in holds:
        _say(f"hold {hold.number}: {', '.join(hold.cases)}; {hold.reason} ({hold.set_by}, {_day(hold.set_at)})")
    if not proposals and not holds:
        _say("No erasure waits, and no hold is in force.")


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


@privacy_app.command("again")
def privacy_again() -> None:
    """After a restore: erase again whoever is in the erasure list. Safe to repeat."""
    with _room() as room:
        erased, still_open = room.erasing.again()
    _say(f"Erased again: {_erased(erased)}.")
    for case in still_open:
        _say(f"  {case} is open here, and nothing can be said to its customer any more: dismiss it, after `loopkeeper reconcile`")


@privacy_app.command("hold")
def privacy_hold(
    cases: Annotated[list[str], typer.Argument(metavar="CASE...", help="Ids or numbers of cases.")], reason: Reason, key: Key
) -> None:
    """Put a legal hold on cases: neither erasure nor retention touches them until it is lifted."""
    with _room() as room:
        number = Holds(room.engine).set(cases, reason, room.whoever(key))
    _say(f"Hold {number} is in force.")


@privacy_app.command("lift")
def privacy_lift(number: Annotated[int, typer.Argument(metavar="HOLD", help="Its number.")], reason: Reason, key: Key) -> None:
    """End a legal hold."""
    with _room() as room:
        Holds(room.engine).lift(number, reason, room.whoever(key))
    _say(f"Hold {number} is lifted.")


@privacy_app.command("export")
def privacy_export(
    channel: Annotated[str, typer.Argument(help="The channel, as the policy calls it.")],
    who: Annotated[str, typer.Argument(metavar="HANDLE-OR-ID", help="How the network shows them, or its id of them.")],
    to: Annotated[Path, typer.Option("--out", help="The file: .html to be read, .json for programs.")],
    key: Key,
    without: Without = None,
    also: Annotated[list[str] | None, typer.Option("--also", help="A further customer who is the same person, by id.")] = None,
) -> None:
    """Write down everything that is held about a person on all channels that are linked, private words too, to be given to them.

    Colleagues are named by role.
    """
    if to.suffix not in (".html", ".json"):
        raise LoopkeeperError(f"{to}: name a file that ends with .html (to be read) or .json (for programs)")
    with _room() as room:
        by = room.whoever(key)
        there, _ = room.customers.find(channel, who, room.store.book.active().channels)
        if not there and not also:
            raise LoopkeeperError(f"nobody on '{channel}' is known as {who}; whoever was erased is not found any more")
        whom = room.customers.linked([*(one.id for one in there), *_ids(also or [])], _ids(without or []))
        held = SubjectAccess(room.engine, room.store.vault).export(whom, by)
    text = page(held.data) if to.suffix == ".html" else json.dumps(held.data, ensure_ascii=False, indent=2)
    _keep(to, text)
    _say(
        f"{to}: {_count(held.cases, 'case')}, {_count(held.words, 'text')}.",
        "Colleagues' notes stand in it as they were written: read them before you hand it on.",
    )


def _keep(to: Path, text: str) -> None:
    """Only for whoever ran the command."""
    try:
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LoopkeeperError(f"{to} cannot be written ({error.strerror}); that it was exported is on record already") from None


@privacy_app.command("retention")
def privacy_retention(apply: Annotated[bool, typer.Option("--apply", help="Destroy; without it, only say what would be.")] = False) -> None:
    """Say which words are past the time that the policy keeps them, or destroy them. Housekeeping does that once a day."""
    with _room() as room:
        applied = Retention(room.engine, PostgresBook(room.engine)).apply(datetime.now(UTC), dry_run=not apply, by=OPERATOR)
    if not applied:
        _say("The policy in force has no retention: everything is kept. See docs/policy.md.")
    for one in applied:
        held = f"; {_count(one.held, 'case')} more, held" if one.held else ""
        verb = "destroyed" if apply else "would be destroyed"
        _say(f"{one.rule}: ended before {_day(one.older_than)}: {_count(one.cases, 'case')}, {_count(one.words, 'text')} {verb}{held}")
