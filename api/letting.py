"""Whether somebody may see a case, and do something to it now. Slack and the console share it."""

from __future__ import annotations

from collections.abc import Callable

from api.acting import Acting
from api.looking import Looking
from domain import commands as c
from domain.casefile import CaseFile
from domain.decide_command import not_now
from domain.rights import EVERYWHERE, Colleague, may_not
from domain.values import Actor


async def refused(
    acting: Acting,
    looking: Looking,
    colleague: Colleague,
    file: CaseFile,
    kind: type[c.Command],
    tried: Callable[[Actor], c.Command] | None = None,
) -> c.Refusal | None:
    """Why this colleague may not do this to a case now, or why it cannot be done any more; None when they can.

    `tried`: such a command, made to learn before somebody writes whether the case would take it at all.
    """
    refusal = not_now(file.case, kind) or may_not(colleague, kind, file.case, file.policy)
    if refusal is not None and refusal.code == "not_yours":
        refusal = may_not(colleague, kind, file.case, file.policy, await looking.had_by(file.case_id))
    if refusal is None and tried is not None:
        refusal = await acting.refusal(file, tried(colleague.actor))
    return refusal


async def sees(looking: Looking, colleague: Colleague, file: CaseFile) -> bool:
    """Whether this colleague may read a case: it is, or was, with a department of theirs, or they see all."""
    if colleague.actor.role in EVERYWHERE or file.case.department in colleague.departments:
        return True
    return not colleague.departments.isdisjoint(await looking.had_by(file.case_id))
