"""The case workflow as a careless change would leave it, for the proof that a replay notices."""

from __future__ import annotations

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.commands import TimePassed
    from workflows import case_loop, contracts


@workflow.defn(name=contracts.CASE_WORKFLOW)
class WaitsFirst(case_loop.CaseLoop):
    """It waits a second before it begins: a timer that no recorded history has."""

    @workflow.init
    def __init__(self, start: contracts.CaseStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: contracts.CaseStart) -> str:
        """See the class."""
        await asyncio.sleep(1)
        return await super().run(start)


@workflow.defn(name=contracts.CASE_WORKFLOW)
class TellsNobody(case_loop.CaseLoop):
    """It forgets to show a case to the department: an activity that recorded histories have is missing."""

    @workflow.init
    def __init__(self, start: contracts.CaseStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: contracts.CaseStart) -> str:
        """See the class."""
        return await super().run(start)

    async def _show_desk(self, department: str) -> None:
        del department
        self._desk_told = self._desk_owed
        self._inbox.append(TimePassed())
