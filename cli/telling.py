"""How cases are told in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from cli.app import out
from cli.remote import printable
from loopkeeper_client import models as m

_WORDS = 60


def show_rows(rows: Sequence[m.Row], now: datetime, *, why: bool = False) -> None:
    """Open cases, as they were given: the most urgent first. `why`: why a person is needed, where that is known."""
    table = _table("", "due", "clock", "status", "department", "owner", "customer", "why" if why else "wrote")
    for row in rows:
        late = row.due_at is not None and row.due_at <= now
        due = Text(left(row.due_at, now), style="bold red" if late else "")
        marks = " ".join(filter(None, ("stalled" if row.stalled_at else "", "needs us" if row.needs_us else "")))
        clock = (row.due_clock or "").replace("_", " ")
        status = " ".join(filter(None, (row.status.replace("_", " "), f"({marks})" if marks else "")))
        said = row.needs_us or row.text if why else row.text
        _add(table, f"#{row.number}", due, clock, status, row.department, row.owner or "nobody", row.customer, _short(said))
    out.print(table)


def show_found(cases: Sequence[m.Found]) -> None:
    """Cases that were found."""
    table = _table("", "opened", "status", "department", "owner", "channel", "id")
    for case in cases:
        _add(
            table,
            f"#{case.number}",
            _minute(case.opened_at),
            case.status.replace("_", " "),
            case.department,
            case.owner or "nobody",
            case.channel,
            case.case_id,
        )
    out.print(table)


def show_case(case: m.Case, offers: Sequence[m.Offer]) -> None:
    """A case as it stands."""
    owner = case.owner or "nobody yet"
    line(f"#{case.number} {case.case_id}", style="bold")
    line(f"{case.status.replace('_', ' ')} · {case.department} · {owner} · {case.priority} · {case.category} · {case.channel}")
    line(f"\n{case.customer}:")
    for words in case.text.splitlines():
        line(f"  {words}")
    if case.url:
        line(f"  {case.url}")
    out.print()
    for clock in case.clocks:
        due = "stands still" if clock.due_at is None else f"due {_minute(clock.due_at)}"
        line(f"  {clock.name.replace('_', ' '):<15} {due}{', ran out' if clock.breached else ''}")
    if case.promise is not None:
        line(f"  {'promised':<15} the next word by {_minute(case.promise)}")
    if case.waiting_on_third_party is not None:
        line(f"  waits on a third party since {_minute(case.waiting_on_third_party.since)}")
    if case.stalled_at is not None:
        line(f"  stalled since {_minute(case.stalled_at)}: everybody up the chain was called, and nobody has acted")
    for draft in case.drafts:
        line(f"\nA draft waits for a second person ({draft.told}), step {draft.step}, by {draft.author}:")
        for words in draft.text.splitlines():
            line(f"  {words}")
    if offers:
        line(f"\nYou can: {', '.join(offer.do for offer in offers)}")


def show_events(events: Sequence[m.Event]) -> None:
    """What happened, in order; what tells people nothing is left out."""
    for event in events:
        if event.told is not None:
            step = (
                f" (step {event.data['step']})" if event.kind in ("reply_unconfirmed", "reply_failed") else ""
            )  # settle_reply asks for it
            line(f"{_minute(event.at)}  {event.told}{step}")
            gone = "(erased, or written in private)" if event.data.get("words") else ""
            for words in (gone if event.words is None else event.words).splitlines():
                line(f"                      {words}", style="dim")


def show_causes(causes: Sequence[m.Cause | m.CauseCases]) -> None:
    """Shared causes."""
    table = _table("", "name", "department", "opened", "cases", "open", "closed")
    for one in causes:
        _add(table, f"C{one.number}", one.name, one.department, f"{one.opened_at:%Y-%m-%d}", str(one.cases), str(one.open), str(one.closed))
    out.print(table)


def show_announcement(told: m.Announcement) -> None:
    """What each customer would read, or has read; which cases hold it back; and what became of it."""
    states = {"draft": "not sent yet", "waiting": f"waits for a second person ({told.told})", "sent": "sent", "rejected": "not sent"}
    what = "update" if told.what == "update" else "resolution"
    by = f", by {told.decided_by}" if told.decided_by else ""
    line(f"{told.author}'s {what} for all of C{told.cause}, No. {told.number}: {states[told.state]}{by}", style="bold")
    for words in (told.reason or "").splitlines():
        line(f"  {words}")
    for one in told.cases:
        if one.held is not None or one.text is None:
            line(f"\n#{one.number} {one.customer} holds it back: {one.held}")
            continue
        line(f"\n#{one.number} {one.customer} {'has read' if one.said else 'would read' if told.state != 'sent' else 'reads'}:")
        for words in one.text.splitlines():
            line(f"  {words}")


def show_draft(shown: m.Command) -> None:
    """Exactly what would reach the customer."""
    if shown.public is None:
        line("It would be done. Nothing reaches the customer by it.")
        return
    line(f"The customer would read ({shown.public.length} of {shown.public.limit} characters):\n", style="bold")
    for words in shown.public.text.splitlines():
        line(f"  {words}")
    if shown.public.private is not None:
        line("\nand in private:\n")
        for words in shown.public.private.splitlines():
            line(f"  {words}")
    if shown.public.note is not None:
        line(f"\n{shown.public.note}")


def line(words: str, *, style: str | None = None) -> None:
    """A line, whatever stands in it."""
    out.print(printable(words), markup=False, soft_wrap=True, style=style)


def left(due: datetime | None, now: datetime) -> str:
    """How long until a moment, or since: `12 min`, `3 h late`."""
    if due is None:
        return "–"
    seconds = (due - now).total_seconds()
    minutes = int(abs(seconds) // 60)
    spent = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"
    return f"{spent} late" if seconds <= 0 else spent


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in ("", "due"))  # these keep their width; of the others the widest gives way first
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """One line, in whatever width: what has no room ends in "…"."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell), no_wrap=True, overflow="ellipsis") for cell in cells))


def _short(words: str) -> str:
    one = " ".join(words.split())
    return one if len(one) <= _WORDS else f"{one[: _WORDS - 1]}…"


def _minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
