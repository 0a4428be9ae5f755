"""The operator's verbs when LOOPKEEPER_URL names an installation: the same, over its API, with the rights of the key."""

from __future__ import annotations

from datetime import date
from typing import Any

from cli.app import out
from cli.remote import api, show_json
from cli.telling import line
from domain.errors import LoopkeeperError
from domain.report import Column, Figure, Report, Row, Table, Unit, Wanted
from loopkeeper_client import models as m


def keys() -> list[dict[str, Any]]:
    """The keys, as `key list` tells them."""
    with api() as lk:
        return [key.model_dump(mode="json") for key in list(lk.keys())]


def make_key(wanted: dict[str, Any]) -> m.KeyMade:
    """A new key."""
    with api() as lk:
        return lk.make_key(m.KeyIn.model_validate(wanted))


def revoke_key(identity: str) -> None:
    """Take a key's right away."""
    with api() as lk:
        lk.revoke_key(identity)


def sessions() -> list[m.Session]:
    """Who is signed in."""
    with api() as lk:
        return list(lk.sessions())


def end_session(identity: str) -> None:
    """End a session."""
    with api() as lk:
        lk.end_session(identity)


def check_policy(policy: str = "", wording: str = "") -> bool:
    """Say what is wrong with files, or what they would change against what is in force there; whether they are fine."""
    with api() as lk:
        found = lk.check_policy(policy, wording)
    for wrong in found.problems:
        line(f"{wrong.file}:{wrong.line}: {wrong.key}: {wrong.reason}" if wrong.key else f"{wrong.file}:{wrong.line}: {wrong.reason}")
    if found.fine:
        line(f"fine, version {found.version}; in force is {found.in_force}")
        _show_changes(found.changes)
    for hint in found.hints:
        line(f"hint: {hint}")
    return found.fine


def activate_policy(policy: str, wording: str) -> tuple[str, bool]:
    """Put files in force; which version that is, and whether that changed anything."""
    with api() as lk:
        done = lk.activate_policy(policy, wording)
    return done.version, done.changed


def show_versions(*, as_json: bool) -> None:
    """Every version of the policy."""
    with api() as lk:
        found = list(lk.policies())
    if as_json:
        show_json(found)
        return
    for version in found:
        time = version.times[0]
        line(f"{version.id}  since {time.since:%Y-%m-%d %H:%M} UTC, by {time.name or time.by}{', in force' if version.in_force else ''}")


def compare(before: str, after: str | None, *, as_json: bool) -> None:
    """What means something else in one version than in another."""
    with api() as lk:
        found = lk.compare_policies(before, after)
    if as_json:
        show_json(found)
        return
    line(f"{found.before} → {found.after}")
    _show_changes(found.changes)


def _show_changes(changes: list[m.PolicyChange]) -> None:
    for change in changes:
        line(f"  {change.key}: {change.before or 'not there'} → {change.after or 'not there'}")
    if not changes:
        out.print("  nothing means anything else")


def in_force() -> str:
    """The version that is in force."""
    with api() as lk:
        found = next((version.id for version in lk.policies() if version.in_force), None)
    if found is None:
        raise LoopkeeperError("no policy is in force yet")
    return found


def report(name: str, days: int, first: date | None, last: date | None, narrowed: dict[str, str | None]) -> tuple[Report, dict[str, Any]]:
    """A report, and as the API tells it."""
    with api() as lk:
        found = lk.report(name, days=days, from_=first, to=last, **narrowed)
    return _report_of(found), found.model_dump(mode="json")


def _report_of(found: m.Report) -> Report:
    wanted = Wanted(date.fromisoformat(found.wanted["from"]), date.fromisoformat(found.wanted["to"]))
    return Report(
        name=found.report,
        title=found.title,
        about=found.about,
        says=found.says or "",
        wanted=wanted,
        figures=tuple(Figure(f.key, f.title, _value(f.value, f.unit), Unit(f.unit), _value(f.before, f.unit)) for f in found.figures),
        tables=tuple(_table_of(table) for table in found.tables),
    )


def _table_of(table: m.Table) -> Table:
    units = [column.unit for column in table.columns]
    rows = tuple(Row(tuple(_value(cell, unit) for cell, unit in zip(row, units, strict=True))) for row in table.rows)
    return Table(table.name, table.title, tuple(Column(c.key, c.title, Unit(c.unit)) for c in table.columns), rows)


def _value(cell: str | float | None, unit: str) -> Any:
    """A cell as reports hold it: days are days, and not their text."""
    return date.fromisoformat(cell) if unit == Unit.DAY.value and isinstance(cell, str) else cell
