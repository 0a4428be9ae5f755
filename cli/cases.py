"""Verbs for cases, over the API: list, find, show, history, do, open, watch."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from cli.app import app, out
from cli.remote import AsJson, api, show_json
from cli.telling import line, show_case, show_draft, show_events, show_found, show_rows
from domain.errors import LoopkeeperError
from loopkeeper_client import Loopkeeper
from loopkeeper_client import models as m

case_app = typer.Typer(no_args_is_help=True, help="Cases: list, find, show, history, do, open, watch.")
app.add_typer(case_app, name="case")

Case = Annotated[str, typer.Argument(metavar="CASE", help="Its id, or its number: 42.")]
Several = list[str] | None
_SPEAK = frozenset({"ask", "update", "resolve", "take_private", "approve"})
_OVER = frozenset({"closed", "dismissed", "walked_away", "merged"})


@case_app.command("list")
def case_list(
    only: Annotated[Several, typer.Option(help="late, soon, stalled, needs_us, nobody, mine, unsorted. Several: give it again.")] = None,
    status: Annotated[Several, typer.Option(help="Only of this status.")] = None,
    department: Annotated[Several, typer.Option(help="Only of this department.")] = None,
    channel: Annotated[Several, typer.Option(help="Only of this channel.")] = None,
    brand: Annotated[Several, typer.Option(help="Only of this brand.")] = None,
    priority: Annotated[Several, typer.Option(help="Only of this priority.")] = None,
    category: Annotated[Several, typer.Option(help="Only of this category.")] = None,
    at_most: Annotated[int, typer.Option(min=1, max=200, help="So many of each status.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Open cases, the most urgent first."""
    narrowed = {"status": status, "department": department, "channel": channel, "brand": brand, "priority": priority, "category": category}
    with api() as lk:
        wanted: dict[str, Any] = {name: values for name, values in narrowed.items() if values}
        board = lk.board(only=only or (), at_most=at_most, **wanted)  # type: ignore[arg-type]  # the API says which marks there are
    rows = sorted((row for column in board.columns for row in column.cases), key=lambda row: (row.due_at is None, row.due_at, row.number))
    total = sum(column.total for column in board.columns)
    if as_json:
        show_json(rows)
        return
    if rows:
        show_rows(rows, board.now)
    out.print(f"{len(rows)} of {total} open cases." if rows else "No open case is like that.")


@case_app.command("find")
def case_find(
    words: Annotated[str | None, typer.Argument(help="Words that somebody wrote in the case, all of them, whole.")] = None,
    customer: Annotated[str | None, typer.Option(help="How the network shows them: a name or a handle.")] = None,
    person: Annotated[str | None, typer.Option(help="A colleague, by id or name.")] = None,
    department: Annotated[str | None, typer.Option(help="Which had it.")] = None,
    channel: Annotated[str | None, typer.Option(help="Of this channel.")] = None,
    brand: Annotated[str | None, typer.Option(help="Of this brand.")] = None,
    kind: Annotated[str | None, typer.Option(help="That have such an event.")] = None,
    breached: Annotated[str | None, typer.Option(help="In which that clock ran out.")] = None,
    outcome: Annotated[str | None, typer.Option(help="open, closed, waived, dismissed, walked_away, merged.")] = None,
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help="Opened then or later: 2026-09-01.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="Opened before then.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Find cases among all there ever were, the newest first."""
    wanted = {"customer": customer, "person": person, "department": department, "channel": channel, "brand": brand, "kind": kind}
    wanted |= {"breached": breached, "outcome": outcome, "opened_from": since, "opened_until": until, "words": words}
    with api() as lk:
        found = list(lk.cases(limit=limit, at_most=min(limit, 200), **wanted))  # type: ignore[arg-type]  # each is a text or nothing
    if as_json:
        show_json(found)
    elif found:
        show_found(found)
    else:
        out.print("Nothing was found. What happened in the last seconds cannot be found yet.")


@case_app.command("show")
def case_show(case: Case, as_json: AsJson = False) -> None:
    """A case as it stands, and what you can do."""
    with api() as lk:
        case_id = id_of(lk, case)
        found = lk.case(case_id)
        if as_json:
            show_json(found)
        else:
            show_case(found, lk.commands(case_id))


@case_app.command("history")
def case_history(
    case: Case,
    as_of: Annotated[str | None, typer.Option(metavar="MOMENT", help="As it was on record then: 2026-09-01T08:00:00Z.")] = None,
    as_json: AsJson = False,
) -> None:
    """Everything that happened to a case."""
    with api() as lk:
        history = lk.history(id_of(lk, case), as_of=as_of)
    if as_json:
        show_json(history)
        return
    show_events(history.events)
    proof = "proven by the log" if history.proven else history.proof_fault or "not sealed yet"
    line(f"\n{len(history.events)} events; {'the chain holds' if history.verified else history.fault}, {proof}.")


@case_app.command("do")
def case_do(
    case: Case,
    do: Annotated[
        str, typer.Argument(metavar="COMMAND", help="accept, note, update, ask, resolve … ; `case show` says which can be done.")
    ],
    text: Annotated[str | None, typer.Option(help="What you say, or the note. -: read it from standard input.")] = None,
    root_cause: Annotated[str | None, typer.Option(help="With resolve.")] = None,
    cause_text: Annotated[str | None, typer.Option(help="With resolve: more on the cause, for us.")] = None,
    department: Annotated[str | None, typer.Option(help="With reassign and ask.")] = None,
    tell_customer: Annotated[bool | None, typer.Option("--tell-customer", help="With reassign: tell the customer who has it now.")] = None,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="With snooze and wait_on_third_party.")] = None,
    priority: Annotated[str | None, typer.Option(help="With set_priority.")] = None,
    category: Annotated[str | None, typer.Option(help="With set_category.")] = None,
    reason: Annotated[str | None, typer.Option(help="With dismiss: spam, nothing_to_answer, duplicate.")] = None,
    removal: Annotated[int | None, typer.Option(help="With update: the event that found personal data, to have it removed.")] = None,
    policy: Annotated[str | None, typer.Option(help="With move_policy.")] = None,
    into: Annotated[str | None, typer.Option(metavar="CASE", help="With merge: the case that it goes on in, by its id or number.")] = None,
    cause: Annotated[int | None, typer.Option(help="With join_shared_cause: its number.")] = None,
    step: Annotated[int | None, typer.Option(help="With approve, reject and settle_reply.")] = None,
    replaces: Annotated[int | None, typer.Option(help="With words: the step of your own waiting draft that they replace.")] = None,
    posted: Annotated[bool | None, typer.Option("--posted/--not-posted", help="With settle_reply.")] = None,
    permalink: Annotated[str | None, typer.Option(help="With settle_reply: where it stands.")] = None,
    seen: Annotated[int | None, typer.Option(help="The turn that you have read.")] = None,
    promise: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="By when the text that you have read promises the next one.")
    ] = None,
    once: Annotated[str | None, typer.Option(metavar="WORD", help="Under the same word it is done once.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would reach the customer.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do something to a case. Before words reach a customer they are shown, and you are asked."""
    given = {
        "text": sys.stdin.read() if text == "-" else text, "root_cause": root_cause, "cause_text": cause_text, "department": department,
        "tell_customer": tell_customer, "until": until, "priority": priority, "category": category, "reason": reason, "removal": removal,
        "policy": policy, "into": into, "cause": cause, "step": step, "replaces": replaces, "posted": posted,
        "permalink": permalink, "seen": seen, "promise": promise,
    }  # fmt: skip
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with api() as lk:
        case_id = id_of(lk, case)
        if into is not None:
            fields["into"] = id_of(lk, into)
        if dry_run:
            shown = lk.do(case_id, do, dry_run=True, **fields)
            show_json(shown) if as_json else show_draft(shown)
            return
        if not yes and (do in _SPEAK or tell_customer):
            fields |= _shown_first(lk, case_id, do, fields)
        done = lk.do(case_id, do, once=once, **fields)
    if as_json:
        show_json(done)
    elif done.private is not None:
        for said in done.private:
            line(f"{said.at:%Y-%m-%d %H:%M} UTC  {said.who}: {said.text}")
    elif done.held is not None:
        line(f"It waits for a second person ({done.held.told}), as step {done.held.step}.")
    else:
        line(f"Done. The case is {(done.status or '').replace('_', ' ')}.")


def _shown_first(lk: Loopkeeper, case_id: str, do: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Show exactly what would reach the customer, and ask; what has been read so. Raises LoopkeeperError."""
    if not sys.stdin.isatty():
        raise LoopkeeperError(
            "words would reach a customer, and nobody is here to be asked: look at them with --dry-run, then send them with --yes"
        )
    shown = lk.do(case_id, do, dry_run=True, **fields)
    show_draft(shown)
    if not typer.confirm("\nSend it?"):
        raise typer.Exit(1)
    seen = {} if shown.turn is None or "seen" in fields or do == "reassign" else {"seen": shown.turn}
    promised = shown.public.promise if shown.public is not None else None
    return seen if promised is None or "promise" in fields else {**seen, "promise": promised}


@case_app.command("open")
def case_open(
    text: Annotated[str, typer.Argument(help="What the customer said. -: read it from standard input.")],
    brand: Annotated[str, typer.Option(help="To which of our accounts.")],
    channel: Annotated[str, typer.Option(help="By which channel.")],
    customer: Annotated[str, typer.Option(help="What tells them apart on that channel: a number, an id.")],
    name: Annotated[str | None, typer.Option(help="How they are called.")] = None,
    handle: Annotated[str | None, typer.Option(help="How the network calls them.")] = None,
    post_id: Annotated[str | None, typer.Option(help="The network's id of the post, when there is one.")] = None,
    url: Annotated[str | None, typer.Option(help="Where the post stands.")] = None,
    once: Annotated[str | None, typer.Option(metavar="WORD", help="Under the same word it is one case.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open a case by hand: a phone call, a letter, a post that no bridge told us of."""
    words = sys.stdin.read() if text == "-" else text
    whose = {"id": customer, **{key: value for key, value in {"name": name, "handle": handle}.items() if value is not None}}
    further = {key: value for key, value in {"post_id": post_id, "url": url}.items() if value is not None}
    wanted = m.CaseIn.model_validate({"brand": brand, "channel": channel, "text": words, "customer": whose, **further})
    with api() as lk:
        opened = lk.open(wanted, once=once)
    if as_json:
        show_json(opened)
    else:
        line(f"{opened.case_id}{' was there before.' if opened.duplicate else ' is being opened; it can be read in a moment.'}")


@case_app.command("watch")
def case_watch(
    case: Case,
    until: Annotated[str | None, typer.Option(metavar="STATUS", help="End when the case is so. Default: when it has ended.")] = None,
    every: Annotated[
        float, typer.Option(min=0.2, max=3600, help="Seconds between two looks; one that finds nothing new costs next to nothing.")
    ] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="One event a line, for programs.")] = False,
) -> None:
    """Tell what happens to a case while it happens, until Ctrl-C."""
    with api() as lk:
        case_id, seen, tag, state = id_of(lk, case), 0, None, None
        while state is None or not (state == until if until else state in _OVER):
            found = lk.case_unless(case_id, tag)
            if found is None:
                time.sleep(every)  # a poll, as often as whoever watches has asked; Ctrl-C ends it
                continue
            tag, state = found.etag, found.value.status
            news = [event for event in lk.history(case_id).events if event.seq > seen]
            seen = max((event.seq for event in news), default=seen)
            if as_json:
                for event in news:
                    print(event.model_dump_json(), flush=True)
            else:
                show_events(news)


def id_of(lk: Loopkeeper, case: str) -> str:
    """The id of a case that was named by its id or number."""
    number = case.removeprefix("#")
    if not number.isdecimal():  # isdigit() takes "²", which is no number
        return case
    on_board = (row for column in lk.board(at_most=200).columns for row in column.cases)  # what is just opened cannot be found yet
    found = next((row.case_id for row in on_board if row.number == int(number)), None)
    found = found or next((one.case_id for one in lk.cases(number=int(number), limit=1)), None)
    if found is None:
        raise LoopkeeperError(f"there is no case number {number} that you may see")
    return found
