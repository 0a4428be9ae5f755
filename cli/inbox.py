"""Verbs for what waits, over the API: the inbox, drafts, departments; and who I am."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.app import app, out
from cli.remote import AsJson, api, show_json
from cli.telling import line, show_rows

inbox_app = typer.Typer(no_args_is_help=True, help="What needs the social team: list it, have messages read again.")
app.add_typer(inbox_app, name="inbox")


@inbox_app.command("list")
def inbox_list(as_json: AsJson = False) -> None:
    """Cases that need a person, and messages that could not be read."""
    with api() as lk:
        inbox, now = lk.inbox(), lk.board(at_most=1).now
    if as_json:
        show_json(inbox)
        return
    for group in inbox.groups:
        line(f"{group.title}: {group.total}. {group.why}", style="bold")
        if group.cases:
            show_rows(group.cases, now, why=True)
        else:
            out.print("  (all of them are listed above)")
        out.print()
    for told in inbox.announcements:
        what = "update" if told.what == "update" else "resolution"
        line(f"{told.author}'s {what} for all of C{told.cause} ({told.name}) waits for a second person: {told.told}.", style="bold")
        line(f"  Read it: loopkeeper cause announcement C{told.cause} {told.number}")
    for one in inbox.unreadable:
        line(f"Unreadable No. {one.number}, {one.channel}, {one.received_at:%Y-%m-%d %H:%M} UTC: {one.reason}")
    if not (inbox.groups or inbox.announcements or inbox.unreadable):
        out.print("Nothing needs you.")


@inbox_app.command("again")
def inbox_again(number: Annotated[int, typer.Argument(help="Its number, from `loopkeeper inbox list`.")]) -> None:
    """Have a message read again, when what was wrong is mended. Nothing is done twice by it."""
    with api() as lk:
        lk.read_again(number)
    out.print("It is being read again.")


@app.command("drafts")
def drafts(as_json: AsJson = False) -> None:
    """What waits for a second person. Decide with `loopkeeper case do CASE approve --step STEP`."""
    with api() as lk:
        found = list(lk.drafts())
    if as_json:
        show_json(found)
        return
    for draft in found:
        what = draft.what.replace("_", " ")
        line(f"#{draft.number} {draft.case_id}, step {draft.step}: {what} by {draft.author} ({draft.told})", style="bold")
        for words in draft.text.splitlines():
            line(f"  {words}")
    if not found:
        out.print("No draft waits.")


@app.command("departments")
def departments(as_json: AsJson = False) -> None:
    """The departments, and whether they work now."""
    with api() as lk:
        found = lk.departments()
    if as_json:
        show_json(found)
        return
    for one in (*found.departments, found.social_team):
        hours = "works now" if one.open_now else f"works again {one.opens_at:%Y-%m-%d %H:%M} UTC"
        line(f"{one.id:<14} {one.name:<20} {hours}{'' if one.has_lead else ', has no lead'}")


@app.command("me")
def me(as_json: AsJson = False) -> None:
    """Whose key that is, and what it may do."""
    with api() as lk:
        found = lk.me()
    if as_json:
        show_json(found)
        return
    whose = f" of {', '.join(found.departments)}" if found.departments else ""
    line(f"{found.name} ({found.person}), {found.role}{whose}")
    line(f"may: {', '.join(found.rights)}")
