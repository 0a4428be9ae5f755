"""Holding a case to another version of the policy: an admin sees first what that changes for it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from adapters.postgres.book import NoPolicy
from api.access.rules import Needs
from api.console.acts import CONFLICT, INCOMPLETE, Acts, Short, once_of
from api.console.casepage import Panel
from api.console.ground import zone_of
from api.letting import refused
from domain import commands as c
from domain.casefile import CaseFile
from domain.moving import changes, misfit
from domain.policy import Policy
from domain.rights import Right
from domain.sentences import Moment, joined, known, say
from domain.story import OWED


@dataclass(frozen=True)
class Moving(Acts):
    """The form's address."""

    def routes(self) -> APIRouter:
        """The addresses."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(Needs(Right.ACT))])
        router.add_api_route("/console/cases/{case_id}/policy", self.policy, methods=["POST"])
        return router

    async def policy(self, request: Request, case_id: str, choice: Short = "", sure: Short = "", once: Short = "") -> Response:
        """Hold the case to that version; without `sure`, show what it changes."""
        visitor, file = await self._in(request, case_id)

        async def again(problem: str, status: int) -> Response:
            return await self.shown.render(request, visitor, file, Panel("policy", {"choice": choice}, problem), status=status)

        refusal = await refused(self.ground.acting, self.ground.looking, visitor.colleague, file, c.MovePolicy)
        if refusal is not None:
            return await again(refusal.reason, CONFLICT)
        try:
            policy = await self.ground.acting.policy(choice)
        except NoPolicy:
            return await again(say("Choose the version first."), INCOMPLETE)
        wrong = misfit(file.case, policy)
        if wrong is not None:
            return await again(wrong, CONFLICT)
        wanted = c.MovePolicy(once_of(once), visitor.actor, choice)
        if sure == choice:
            return await self._carry_out(request, visitor, case_id, wanted, Panel("policy", {"choice": choice}), "policy")
        refusal = await self.ground.acting.refusal(file, wanted)
        if refusal is not None:
            return await again(refusal.reason, CONFLICT)
        panel = Panel("policy", {"choice": choice, "sure": choice}, note=_what_changes(file, policy))
        return await self.shown.render(request, visitor, file, panel)


def _what_changes(file: CaseFile, policy: Policy) -> str:
    """What another version of the policy changes for the clocks that run, in a sentence."""
    zone = zone_of(file.policy, file.case.brand).key
    moved = [
        say(
            "{clock}: {after} in place of {before}",
            clock=known(OWED[one.clock].lower()),
            after=say("no moment") if one.after is None else Moment(one.after, zone),
            before=say("no moment") if one.before is None else Moment(one.before, zone),
        )
        for one in changes(file.case, file.case_policy, policy.for_case(file.case.brand, file.case.channel))
    ]
    if not moved:
        return say("No clock that runs would be due at another moment.")
    return say("Due then: {moved}.", moved=joined("; ", moved))
