"""Verbs for shared causes, over the API: list, show, open, join, announce, decide."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import typer

from cli.app import app, out
from cli.cases import id_of
from cli.remote import AsJson, api, show_json
from cli.telling import line, show_announcement, show_causes
from domain.errors import LoopkeeperError
from loopkeeper_client import LoopkeeperClientError
from loopkeeper_client import models as m

cause_app = typer.Typer(no_args_is_help=True, help="Shared causes: list, show, open, join, announce, decide.")
app.add_typer(cause_app, name="cause")


def _number(written: str) -> int:
    digits = written[1:] if written[:1] in ("C", "c") else written
    if not (digits.isascii() and digits.isdecimal()):
        raise typer.BadParameter(f"{written} is no cause; they are called C3, or 3")
    return int(digits)


Cause = Annotated[int, typer.Argument(metavar="CAUSE", parser=_number, help="Its number: C3.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The announcement's.")]
Yes = Annotated[bool, typer.Option("--yes", help="Send it without asking.")]
Once = Annotated[str | None, typer.Option(metavar="WORD", help="Under the same word it is done once.")]


@cause_app.command("list")
def cause_list(as_json: AsJson = False) -> None:
    """All causes, the newest first."""
    with api() as lk:
        found = lk.causes()
    if as_json:
        show_json(found)
    elif found:
        show_causes(found)
    else:
        out.print("There is no shared cause yet: loopkeeper cause open NAME --department DEPARTMENT")


@cause_app.command("show")
def cause_show(cause: Cause, as_json: AsJson = False) -> None:
    """A cause, the cases that share it, and open ones that may."""
    with api() as lk:
        found = lk.cause(cause)
    if as_json:
        show_json(found)
        return
    show_causes([found])
    for words in found.about.splitlines():
        line(f"  {words}")
    line(f"\nShared by: {', '.join(found.case_ids) or 'no case yet'}")
    if found.suggested:
        line(f"Open, and of its category: {', '.join(found.suggested)}")


@cause_app.command("open")
def cause_open(
    name: Annotated[str, typer.Argument(help="For colleagues. Name no customer.")],
    department: Annotated[str, typer.Option(help="Which mends it.")],
    about: Annotated[str, typer.Option(help="More on it, for colleagues.")] = "",
    category: Annotated[str | None, typer.Option(help="Open cases of it are suggested.")] = None,
    once: Once = None,
    as_json: AsJson = False,
) -> None:
    """Open a cause that many cases share."""
    with api() as lk:
        made = lk.open_cause(m.CauseIn(name=name, about=about, department=department, category=category), once=once)
    if as_json:
        show_json(made)
    else:
        line(f"C{made.number} is open. Have cases share it: loopkeeper cause join C{made.number} CASE …")


@cause_app.command("join")
def cause_join(cause: Cause, case: Annotated[list[str], typer.Argument(metavar="CASE…", help="Cases, by id or number.")]) -> None:
    """Have cases share it."""
    refused = []
    with api() as lk:
        for one in case:
            try:
                lk.do(id_of(lk, one), "join_shared_cause", cause=cause)
            except (LoopkeeperClientError, LoopkeeperError) as error:
                refused.append(f"{one}: {error}")
            else:
                line(f"{one} shares C{cause} now.")
    if refused:
        raise LoopkeeperError("\n".join(refused))


@cause_app.command("announce")
def cause_announce(
    cause: Cause,
    text: Annotated[str, typer.Argument(help="What all of them are told. -: read it from standard input.")],
    root_cause: Annotated[str | None, typer.Option(help="It resolves the cases, by this root cause.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only keep it, and show what each customer would read.")] = False,
    yes: Yes = False,
    once: Once = None,
    as_json: AsJson = False,
) -> None:
    """Make one text for the customers of all its open cases. What each would read is shown, and you are asked, before it is sent."""
    if not (dry_run or yes or sys.stdin.isatty()):
        raise LoopkeeperError("words would reach customers, and nobody is here to be asked: look at them with --dry-run, then send them")
    words = sys.stdin.read() if text == "-" else text
    wanted = m.AnnouncementIn(what="resolve" if root_cause is not None else "update", text=words, root_cause=root_cause)
    with api() as lk:
        made = lk.announce(cause, wanted, once=once)
        if not as_json:
            show_announcement(made)
        if not dry_run:
            if not yes and not typer.confirm("\nSend it?"):
                raise typer.Exit(1)
            made = lk.decide_announcement(cause, made.number, m.DecisionIn(do="send"), once=once and f"{once}:send")
    if as_json:
        show_json(made)
    elif dry_run:
        line(f"\nNothing was sent. Send it: loopkeeper cause decide C{cause} {made.number} send")
    else:
        line(_decided(made))


@cause_app.command("announcement")
def cause_announcement(cause: Cause, number: Number, as_json: AsJson = False) -> None:
    """An announcement: what each customer would read or has read, and what became of it."""
    with api() as lk:
        found = lk.announcement(cause, number)
    show_json(found) if as_json else show_announcement(found)


@cause_app.command("decide")
def cause_decide(
    cause: Cause,
    number: Number,
    do: Annotated[Literal["send", "approve", "reject"], typer.Argument(help="send: its author. approve, reject: a second person.")],
    reason: Annotated[str | None, typer.Option(help="With reject: why; its author reads it.")] = None,
    yes: Yes = False,
    once: Once = None,
    as_json: AsJson = False,
) -> None:
    """Send, approve or reject an announcement. What each customer would read is shown, and you are asked, before it is sent."""
    with api() as lk:
        if do != "reject" and not yes:
            if not sys.stdin.isatty():
                raise LoopkeeperError("words would reach customers, and nobody is here to be asked: read them, then give --yes")
            show_announcement(lk.announcement(cause, number))
            if not typer.confirm("\nSend it?"):
                raise typer.Exit(1)
        done = lk.decide_announcement(cause, number, m.DecisionIn(do=do, text=reason), once=once)
    show_json(done) if as_json else line(_decided(done))


def _decided(done: m.Announcement) -> str:
    said: dict[str, Any] = {
        "sent": "It is on its way, one case after the other.",
        "waiting": f"It waits for a second person: {done.told}.",
        "rejected": "It will not be sent.",
    }
    return str(said.get(done.state, "Nothing was sent."))
