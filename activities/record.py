"""Recording what happened, in one short transaction. Runs as a local activity."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.orders import Recording
from domain.ports import Records, Written


@dataclass(frozen=True)
class Recorder:
    """Writes histories."""

    records: Records

    @activity.defn(name="record")
    def record(self, recording: Recording) -> int:
        """Append the entries and bring the case's view up to date; the number of events then. Safe to repeat."""
        return self.records.append(recording.case_id, [Written(*entry) for entry in recording.entries], recording.view)
