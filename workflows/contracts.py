"""What workflows, activities and callers exchange: names and payloads. None carries a customer's words or name."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.common import Priority, SearchAttributeKey

from domain.case import Case
from domain.commands import Refusal
from domain.pace import REAL_TIME, Pace

CASE_WORKFLOW = "CaseLoop"
HAPPENED = "happened"
"""Signal: something from the network has happened (`domain.commands.FromNetwork`)."""
COMMAND = "command"
"""Update: somebody wants something of the case (`domain.commands.Command`). Its id is the command's id."""
CASE = "case"
"""Query: the case as its workflow holds it (`domain.case.Case`)."""

CASES_QUEUE = "cases"
MAIL_QUEUE = "mail-sendgrid"
DESK_QUEUE = "desk-slack"
HOUSE_QUEUE = "housekeeping"


def publish_queue(channel: str) -> str:
    """The task queue of one network, so that no network's outage or rate limit holds up another."""
    return f"publish-{channel}"


FIRST = Priority(priority_key=1)
"""A customer waits for a first word."""
SOON = Priority(priority_key=2)
"""A person is waiting for the effect of what they did, or the customer for news."""
LATER = Priority(priority_key=4)
"""Cards and threads."""

STATUS = SearchAttributeKey.for_keyword("LkStatus")
DEPARTMENT = SearchAttributeKey.for_keyword("LkDepartment")
PRIORITY = SearchAttributeKey.for_keyword("LkPriority")
CHANNEL = SearchAttributeKey.for_keyword("LkChannel")
DUE = SearchAttributeKey.for_datetime("LkDue")


def workflow_id(case_id: str) -> str:
    """The id of a case's workflow."""
    return f"case-{case_id}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: carried out (the case is at `version` now, in `status`) or refused."""

    refusal: Refusal | None
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class CaseStart:
    """What a case's workflow begins, or goes on, with: the case as it is on record. `policy` is a `CasePolicy` as JSON.

    `seen` and `answers`: what the network told and what people wanted before, by id, so that a repeat is recognised after
    continue-as-new too. `desk_owed`: up to which event the desk is to be told; `desk_told`: up to which it has been.
    """

    case: Case
    policy: str
    pace: Pace = REAL_TIME
    seen: tuple[str, ...] = ()
    desk_owed: int = 0
    desk_told: int = 0
    answers: tuple[tuple[str, Answer], ...] = ()
