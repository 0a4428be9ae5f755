"""For whoever sees to privacy and audits: erasures, holds, retention, what is held about a person, exports."""

from __future__ import annotations

from pathlib import Path

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

_ERASURE = "/api/v1/erasures/{erasure}"
_EXPORT = "/api/v1/exports/{export_id}"


class Privacy:
    """What is known of customers, and its end. Keys need `erase` among their scopes."""

    _sender: Sender

    @operation("POST", "/api/v1/privacy/find")
    def find_subjects(self, who: m.WhoIn) -> m.SubjectsFound:
        """A customer across channels. What was looked for stands in no address."""
        return self._sender.tell(m.SubjectsFound, "POST", "/api/v1/privacy/find", who, safe=True)

    @operation("POST", "/api/v1/privacy/scope")
    def erasure_scope(self, whom: m.WhomIn) -> m.Scope:
        """What erasing customers would destroy. Changes nothing."""
        return self._sender.tell(m.Scope, "POST", "/api/v1/privacy/scope", whom, safe=True)

    @operation("POST", "/api/v1/privacy/access")
    def held_about(self, whose: m.AccessIn) -> str:
        """Everything that is held about a person, as JSON or a page. That it was given out is on record."""
        return self._sender.send("POST", "/api/v1/privacy/access", body=whose).text

    @operation("GET", "/api/v1/erasures")
    def erasures(self) -> list[m.Erasure]:
        """Erasures that wait for a second person."""
        return self._sender.get(m.Erasures, "/api/v1/erasures").erasures

    @operation("POST", "/api/v1/erasures")
    def propose_erasure(self, wanted: m.ErasureIn) -> m.ErasureWithScope:
        """Propose to erase customers. Somebody else confirms it."""
        return self._sender.tell(m.ErasureWithScope, "POST", "/api/v1/erasures", wanted)

    @operation("GET", _ERASURE)
    def erasure(self, erasure: str) -> m.ErasureWithScope:
        """An erasure that waits, and what it concerns."""
        return self._sender.get(m.ErasureWithScope, at(_ERASURE, erasure=erasure))

    @operation("POST", f"{_ERASURE}/confirm")
    def confirm_erasure(self, erasure: str) -> m.Erased:
        """Destroy what somebody else has proposed. Nobody brings it back."""
        return self._sender.tell(m.Erased, "POST", at(f"{_ERASURE}/confirm", erasure=erasure))

    @operation("POST", f"{_ERASURE}/reject")
    def reject_erasure(self, erasure: str, reason: str) -> None:
        """Decide against it."""
        self._sender.send("POST", at(f"{_ERASURE}/reject", erasure=erasure), body=m.WhyIn(reason=reason))

    @operation("GET", "/api/v1/holds")
    def holds(self) -> list[m.Hold]:
        """Legal holds in force."""
        return self._sender.get(m.Holds, "/api/v1/holds").holds

    @operation("POST", "/api/v1/holds")
    def hold(self, wanted: m.HoldIn) -> m.Hold:
        """Keep cases from erasure and retention."""
        return self._sender.tell(m.Hold, "POST", "/api/v1/holds", wanted)

    @operation("POST", "/api/v1/holds/{hold_number}/lift")
    def lift_hold(self, hold_number: int, reason: str) -> None:
        """End a legal hold."""
        self._sender.send("POST", at("/api/v1/holds/{hold_number}/lift", hold_number=hold_number), body=m.WhyIn(reason=reason))

    @operation("GET", "/api/v1/retention")
    def retention(self) -> list[m.Rule]:
        """What retention would destroy now, by rule."""
        return self._sender.get(m.Retention, "/api/v1/retention").rules


class Exports:
    """Histories taken out of the installation. Keys need `export` among their scopes."""

    _sender: Sender

    @operation("GET", "/api/v1/exports")
    def exports(self) -> list[m.Export]:
        """Your own exports."""
        return self._sender.get(m.Exports, "/api/v1/exports").exports

    @operation("POST", "/api/v1/exports")
    def ask_for_export(self, wanted: m.ExportIn, *, once: str | None = None) -> m.Export:
        """Ask for one; it is made while you wait for something else."""
        return self._sender.post(m.Export, "/api/v1/exports", wanted, once=once)

    @operation("GET", _EXPORT)
    def export(self, export_id: str) -> m.Export:
        """How far it is."""
        return self._sender.get(m.Export, at(_EXPORT, export_id=export_id))

    @operation("GET", f"{_EXPORT}/content")
    def download_export(self, export_id: str, to: Path) -> int:
        """Write it into a file, which must not be there yet; how many bytes."""
        return self._sender.fetch(at(f"{_EXPORT}/content", export_id=export_id), to)

    @operation("DELETE", _EXPORT)
    def cancel_export(self, export_id: str) -> None:
        """Cancel it, or throw it away."""
        self._sender.send("DELETE", at(_EXPORT, export_id=export_id))
