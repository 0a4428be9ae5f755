"""What leaves the installation, and what is destroyed: exports, and what those do who answer for privacy."""

from __future__ import annotations

from pathlib import Path

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

_EXPORT = "/api/v1/exports/{export_id}"
_ERASURE = "/api/v1/erasures/{erasure}"


class Exports:
    """Histories taken out of the installation. Keys need `export` among their scopes."""

    _sender: Sender

    @operation("GET", "/api/v1/exports")
    def exports(self) -> list[m.Export]:
        """Your own exports."""
        return self._sender.get(m.Exports, "/api/v1/exports").exports

    @operation("POST", "/api/v1/exports")
    def ask_for_export(self, wanted: m.ExportIn, *, once: str | None = None) -> m.Export:
        """Ask for an export; it is made while it is fetched."""
        return self._sender.post(m.Export, "/api/v1/exports", wanted, once=once)

    @operation("GET", _EXPORT)
    def export(self, export_id: str) -> m.Export:
        """How far it is."""
        return self._sender.get(m.Export, at(_EXPORT, export_id=export_id))

    @operation("GET", f"{_EXPORT}/content")
    def download_export(self, export_id: str, to: Path) -> int:
        """Write the export itself into a file, which must not be there yet; how many bytes. Half a file is not left behind."""
        return self._sender.fetch(at(f"{_EXPORT}/content", export_id=export_id), to)

    @operation("DELETE", _EXPORT)
    def cancel_export(self, export_id: str) -> None:
        """Cancel it, or throw it away."""
        self._sender.send("DELETE", at(_EXPORT, export_id=export_id))


class Privacy:
    """Erasure, access, holds, retention. Needs `erase` among the key's scopes."""

    _sender: Sender

    @operation("POST", "/api/v1/privacy/find")
    def find_for_privacy(self, channel: str, who: str) -> m.SubjectsFound:
        """Find a customer across channels, by handle or the network's id; that you looked is on record."""
        return self._sender.tell(m.SubjectsFound, "POST", "/api/v1/privacy/find", m.WhoIn(channel=channel, who=who), safe=True)

    @operation("POST", "/api/v1/privacy/scope")
    def erasure_scope(self, whom: m.WhomIn) -> m.Scope:
        """What erasing customers would destroy; changes nothing."""
        return self._sender.tell(m.Scope, "POST", "/api/v1/privacy/scope", whom, safe=True)

    @operation("POST", "/api/v1/privacy/access")
    def held_about(self, whom: m.AccessIn) -> str:
        """Everything that is held about a person, as JSON or a page; on record."""
        return self._sender.send("POST", "/api/v1/privacy/access", body=whom).text

    @operation("GET", "/api/v1/erasures")
    def erasures(self) -> list[m.Erasure]:
        """Those that wait for a second person."""
        return self._sender.get(m.Erasures, "/api/v1/erasures").erasures

    @operation("POST", "/api/v1/erasures")
    def propose_erasure(self, wanted: m.ErasureIn) -> m.ErasureWithScope:
        """Propose to erase customers; somebody else confirms it."""
        return self._sender.tell(m.ErasureWithScope, "POST", "/api/v1/erasures", wanted)

    @operation("GET", _ERASURE)
    def erasure(self, erasure: int) -> m.ErasureWithScope:
        """One that waits, and what it concerns."""
        return self._sender.get(m.ErasureWithScope, at(_ERASURE, erasure=erasure))

    @operation("POST", f"{_ERASURE}/confirm")
    def confirm_erasure(self, erasure: int) -> m.Erased:
        """Destroy what somebody else has proposed. It cannot be undone."""
        return self._sender.tell(m.Erased, "POST", at(f"{_ERASURE}/confirm", erasure=erasure))

    @operation("POST", f"{_ERASURE}/reject")
    def reject_erasure(self, erasure: int, reason: str) -> None:
        """Decide against it."""
        self._sender.send("POST", at(f"{_ERASURE}/reject", erasure=erasure), body=m.WhyIn(reason=reason))

    @operation("GET", "/api/v1/holds")
    def holds(self) -> list[m.Hold]:
        """Legal holds in force."""
        return self._sender.get(m.Holds, "/api/v1/holds").holds

    @operation("POST", "/api/v1/holds")
    def hold(self, wanted: m.HoldIn) -> m.Hold:
        """Put a legal hold on cases."""
        return self._sender.tell(m.Hold, "POST", "/api/v1/holds", wanted)

    @operation("POST", "/api/v1/holds/{hold_number}/lift")
    def lift_hold(self, hold_number: int, reason: str) -> None:
        """End a legal hold."""
        self._sender.send("POST", at("/api/v1/holds/{hold_number}/lift", hold_number=hold_number), body=m.WhyIn(reason=reason))

    @operation("GET", "/api/v1/retention")
    def retention(self) -> list[m.Rule]:
        """What retention would destroy now; only counted."""
        return self._sender.get(m.Retention, "/api/v1/retention").rules
