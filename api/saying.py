"""Speaking to a customer: what is carried from the exact text that a person has seen to the command that sends it.

Slack and the console share it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from adapters.slack.modals import Saying
from api.acting import Acting, Draft
from domain import commands as c
from domain.casefile import CaseFile
from domain.errors import NoWording, SaidAlready, ShowsPersonalData, TooLong
from domain.rights import Colleague
from domain.sentences import say
from domain.values import Actor, Purpose

KINDS: dict[Saying, type[c.Command]] = {"ask": c.Ask, "update": c.Update, "resolve": c.Resolve, "private": c.TakePrivate}
NOT_SAYABLE = (TooLong, SaidAlready, ShowsPersonalData, NoWording)
"""Why words cannot be sent as they are; each is a sentence for who wrote them."""
LOOK_AGAIN = frozenset({"changed_meanwhile", "ask_is_sent"})
"""Refusals after which the same words may still be right, when they were read again."""
PROMISE_IS_OVER = say(
    "Nothing was sent: your text promises the next word by a moment that is over. Preview it again, and it names a later one."
)
ASKED_LATER = say("Another question is open by now. Yours is asked when it is answered.")


async def carried_of(acting: Acting, file: CaseFile, draft: Draft) -> dict[str, Any]:
    """What a review carries of a draft: references and facts, never the words themselves; they are kept."""
    words = await acting.keep_draft(file.case_id, draft)
    promise = draft.promise.isoformat() if draft.promise else None
    return {
        "case": file.case_id,
        "words": words.words,
        "alone": words.alone,
        "private": words.private,
        "joins": draft.joins,
        "promise": promise,
        "turn": draft.turn,
    }


def once_more(file: CaseFile, carried: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """What the review carries when it is read again, now that something has happened; and what else is to be known."""
    again, note = {**carried, "turn": file.case.turn}, None
    planned = file.case.planned(Purpose.ASK)
    if again["saying"] == "ask" and (planned is None or planned.step != again.get("joins")):
        note = ASKED_LATER if planned is not None or file.case.ask is not None else None
        again |= {"words": again.get("alone") or again["words"], "joins": None, "alone": None}
    return again, note


def kind_of(saying: str) -> type[c.Command]:
    """The command that it becomes."""
    return c.Reassign if saying == "move" else KINDS[saying]  # type: ignore[index]  # carried by a review of ours


def asking_note(file: CaseFile) -> str | None:
    """What whoever wants to ask must know: the customer has one question at a time."""
    if file.case.ask is None:
        return None
    asked = ", ".join(file.name_of(asker.person) for asker in file.case.ask.askers) or say("A colleague")
    return say(
        "{asked} asked a question that is still open. Yours is asked when it is answered, so that the customer has one at a time.",
        asked=asked,
    )


def speaks_for(file: CaseFile, colleague: Colleague) -> str:
    """The department for which somebody asks: the one that has the case, if they are in it, else one of theirs."""
    mine = sorted(colleague.departments)
    return file.case.department if file.case.department in mine or not mine else mine[0]


def resolved(file: CaseFile) -> Callable[[Actor], c.Command]:
    """A resolution such as somebody is about to write."""
    return lambda by: c.Resolve("", by, next(iter(file.case_policy.root_causes)), "")


def command_of(carried: Mapping[str, Any], given: str, colleague: Colleague) -> c.Command:
    """What was confirmed; `given`: by which press. A confirmation that is pressed again, with nothing new seen, is the same command."""
    actor, turn, replaces = colleague.actor, int(carried["turn"]), carried.get("replaces")
    command_id = f"{given}:{turn}"
    words = str(carried["words"])
    match carried["saying"]:
        case "ask":
            more = {"department": carried["department"], "joins": carried.get("joins"), "alone": carried.get("alone")}
            return c.Ask(command_id, actor, words, **more, seen=turn, replaces=replaces)
        case "update":
            promise = moment(carried.get("promise"))
            return c.Update(command_id, actor, words, promise, seen=turn, replaces=replaces)
        case "private":
            return c.TakePrivate(command_id, actor, words, carried.get("private"), seen=turn, replaces=replaces)
        case "move":
            promise = moment(carried.get("promise"))
            return c.Reassign(command_id, actor, carried["department"], carried.get("reason"), words, promise)
        case _:
            return c.Resolve(command_id, actor, carried["cause"], words, carried.get("cause_words"), seen=turn, replaces=replaces)


def moment(written: str | None) -> datetime | None:
    """A moment that is carried."""
    return datetime.fromisoformat(written) if written else None
