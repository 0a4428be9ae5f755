"""Recording what happened, in one short transaction. Runs as a local activity."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.orders import PolicyWanted, Recording
from domain.ports import Overtaken, PolicyBook, Records, Written


@dataclass(frozen=True)
class Recorder:
    """Writes histories."""

    records: Records
    book: PolicyBook

    @activity.defn(name="record")
    def record(self, recording: Recording) -> list[tuple[str, str]]:
        """Append the entries and bring the case's view up to date. Safe to repeat.

        The answer is empty when that is done. Otherwise nothing was changed, because the record has entries (key, document) that the
        case did not know of when it decided: what a worker recorded that ended before Temporal heard of it.
        """
        entries = [Written(*entry) for entry in recording.entries]
        try:
            self.records.append(recording.case_id, entries, recording.view, recording.known)
        except Overtaken as overtaken:
            return [(entry.key, entry.doc) for entry in overtaken.entries]
        return []

    @activity.defn(name="policy_slice")
    def policy_slice(self, wanted: PolicyWanted) -> str:
        """The slice of a version of the policy that such a case is held to, as JSON."""
        return self.book.policy(wanted.policy).for_case(wanted.brand, wanted.channel).to_json()
