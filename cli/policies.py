"""Verbs for the policy: check a file, put it in force, see which is, and hold running cases to another version."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Annotated

import typer
from temporalio.service import RPCError

from adapters.postgres.reading import NoSuchCase
from adapters.postgres.store import Store
from adapters.public_holidays import holidays_of
from adapters.temporal import connect
from cli import over_api, remote
from cli.app import app, out
from cli.installed import installed, temporal_address
from cli.persons import OPERATOR
from domain.casefile import CaseFile
from domain.checking import checked
from domain.commands import MovePolicy
from domain.errors import LoopkeeperError, PolicyError
from domain.files import read_wording
from domain.moving import Change, changes, misfit
from domain.policy import Policy
from settings import Settings
from workflows.gateway import CaseGateway

policy_app = typer.Typer(no_args_is_help=True, help="Check a policy file, put one in force, see which is, move cases to another.")
app.add_typer(policy_app, name="policy")


@policy_app.command("check")
def policy_check(
    file: Annotated[Path, typer.Argument(help="A policy file, or (with --wording) a wording file.")],
    wording: Annotated[bool, typer.Option(help="It is a wording file.")] = False,
) -> None:
    """Say what is wrong with a file, with line and reason; exit code 1 if anything is. Hints are no problems."""
    content = _content(file)
    if remote.named():
        if not over_api.check_policy(**{"wording" if wording else "policy": content}):
            raise typer.Exit(1)
        return
    try:
        told = [f"{file}: fine, a wording in '{read_wording(content, str(file)).language}'"] if wording else _told(content, str(file))
    except PolicyError as error:
        out.print(str(error), markup=False, soft_wrap=True)
        count = len(error.problems)
        out.print(f"{count} problem{'s' if count != 1 else ''}. Nothing was changed.")
        raise typer.Exit(1) from None
    for line in told:
        out.print(line, markup=False, soft_wrap=True)


def _told(content: str, source: str) -> list[str]:
    shipped = Settings.model_fields["wording_file"].default
    policy, hints = checked(content, source, read_wording(shipped.read_text(), str(shipped)), holidays_of)
    kinds = (("brand", policy.brands), ("channel", policy.channels), ("department", policy.departments))
    counts = ", ".join(f"{len(there)} {what}{'s' if len(there) != 1 else ''}" for what, there in kinds)
    fine = f"{source}: fine, version {policy.id} with the shipped wording ({counts})"
    return [fine, *(f"hint: {hint}" for hint in hints)]


@policy_app.command("activate")
def policy_activate(
    file: Annotated[Path | None, typer.Argument(help="The policy file. Default: LOOPKEEPER_POLICY_FILE, else the shipped one.")] = None,
    wording: Annotated[Path | None, typer.Option(help="The wording file. Default: LOOPKEEPER_WORDING_FILE, else the shipped one.")] = None,
) -> None:
    """Put a policy in force for new cases. Cases that run keep theirs."""
    if remote.named():
        if file is None:
            raise LoopkeeperError("name the file: over the API, what is not given stays as it is in force there")
        version, changed = over_api.activate_policy(_content(file), _content(wording) if wording is not None else "")
        out.print(f"{version} is in force{'' if changed else ' already'}.")
        return
    with installed() as (store, settings):
        source = file or settings.policy_file
        policy_text, words = _content(source), _content(wording or settings.wording_file)
        policy, changed = store.book.activate(policy_text, words, by="operator", holidays=holidays_of, source=str(source))
    out.print(f"{policy.id} is in force{'' if changed else ' already'}.")


@policy_app.command("show")
def policy_show(as_json: remote.AsJson = False) -> None:
    """Which policy is in force."""
    if remote.named():
        found = over_api.in_force()
    else:
        with installed() as (store, _):
            found = store.book.active().id
    if as_json:
        remote.show_json({"in_force": found})
    else:
        out.print(found)


@policy_app.command("list")
def policy_list(as_json: remote.AsJson = False) -> None:
    """Every version that was ever in force, the newest first; over the API."""
    over_api.show_versions(as_json=as_json)


@policy_app.command("compare")
def policy_compare(
    before: Annotated[str, typer.Argument(help="A version, from `loopkeeper policy list`.")],
    after: Annotated[str | None, typer.Argument(help="Another one. Default: the one in force.")] = None,
    as_json: remote.AsJson = False,
) -> None:
    """What means something else in one version than in another; over the API."""
    over_api.compare(before, after, as_json=as_json)


@policy_app.command("migrate")
def policy_migrate(
    cases: Annotated[list[str] | None, typer.Argument(metavar="[CASE]...", help="Only these cases, by their ids.")] = None,
    old: Annotated[str | None, typer.Option("--from", help="The version that they are held to now.")] = None,
    new: Annotated[str | None, typer.Option("--to", help="The version to hold them to. Default: the one in force.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
) -> None:
    """Hold open cases to another version of the policy, and say for each what changes. Exit code 1 when one could not be moved."""
    if old is None and not cases:
        raise LoopkeeperError("say which cases: --from VERSION for all open ones that are held to it, or their ids")
    with installed() as (store, settings):
        policy = store.book.policy(new) if new is not None else store.book.active()
        if old is not None:
            store.book.policy(old)  # a slip in the name must not pass for "there are no such cases"
        moving = _Moving(store, settings, policy, old)
        left = asyncio.run(moving.all(cases or store.reader.held_to(old or ""), dry_run=dry_run))
    raise typer.Exit(1 if left else 0)


class _Moving:
    """Moves cases to a version of the policy."""

    def __init__(self, store: Store, settings: Settings, policy: Policy, old: str | None) -> None:
        self._store = store
        self._settings = settings
        self._policy = policy
        self._old = old

    async def all(self, cases: list[str], *, dry_run: bool) -> int:
        """Move them one by one; how many could not be. Raises LoopkeeperError when Temporal cannot be reached."""
        gateway = None if dry_run else await self._gateway()
        left = 0
        for case_id in cases:
            wrong = self._look(case_id)
            if wrong is None and gateway is not None:
                wrong = await self._move(gateway, case_id)
            if wrong is not None:
                left += 1
                out.print(f"  not moved: {wrong}", markup=False, soft_wrap=True)
        told = f"{_count(len(cases) - left)} {'would be' if dry_run else 'now'} held to {self._policy.id}"
        out.print(told + (f"; {_count(left)} could not be moved." if left else "."), markup=False, soft_wrap=True)
        return left

    async def _gateway(self) -> CaseGateway:
        try:
            client = await asyncio.wait_for(connect(self._store.vault.keyring, address=temporal_address()), 10)
        except (RuntimeError, OSError, TimeoutError) as error:
            raise LoopkeeperError(f"nothing was moved, because Temporal cannot be reached: {error}") from None
        self._store.people.remember(OPERATOR.person, "The operator", None)
        return CaseGateway(client, self._settings.pace)

    async def _move(self, gateway: CaseGateway, case_id: str) -> str | None:
        """Why the case did not move, if so."""
        try:
            answer = await gateway.command(case_id, MovePolicy(f"cli:{uuid.uuid4()}", OPERATOR, self._policy.id))
        except RPCError:
            return "it gave no answer in time, and may still move; look again later"
        return answer.refusal.reason if answer.refusal is not None else None

    def _look(self, case_id: str) -> str | None:
        """Say what moving the case changes; why it cannot be moved, if so."""
        try:
            file = self._store.reader.file(case_id)
        except NoSuchCase as error:
            out.print(case_id, markup=False, soft_wrap=True)
            return str(error)
        out.print(_headline(file), markup=False, soft_wrap=True)
        case = file.case
        if case.is_over or case.closed_at is not None:
            return "it is not open any more"
        if self._old is not None and case.policy != self._old:
            return f"it is held to {case.policy}"
        if case.policy == self._policy.id:
            return "it is held to that version already"
        wrong = misfit(case, self._policy)
        if wrong is None:
            changed = changes(case, file.case_policy, self._policy.for_case(case.brand, case.channel))
            for line in map(_changed, changed) if changed else ("  every clock is due when it was",):
                out.print(line, markup=False, soft_wrap=True)
        return wrong


def _headline(file: CaseFile) -> str:
    status = file.case.status.value.replace("_", " ")
    return f"{file.title} {file.case_id}: {status}, {file.department_name(file.case.department)}, {file.case.priority.value}"


def _changed(change: Change) -> str:
    before, after = (f"{at:%Y-%m-%d %H:%M} UTC" if at is not None else "stands still" for at in (change.before, change.after))
    return f"  {change.clock.value.replace('_', ' ')}: {before} → {after}"


def _count(cases: int) -> str:
    return f"{cases} case{'s' if cases != 1 else ''}"


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LoopkeeperError(f"{file} cannot be read: {error}") from None
