"""The policy, and the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation


class Policies:
    """Versions of the policy."""

    _sender: Sender

    @operation("GET", "/api/v1/policies")
    def policies(self, *, at_most: int | None = None) -> Iterator[m.PolicyVersion]:
        """Every version that was ever in force, the newest first."""
        for page in self._sender.pages(m.Versions, "/api/v1/policies", {"at_most": at_most}, lambda page: page.after):
            yield from page.policies

    @operation("GET", "/api/v1/policies/{policy_id}")
    def policy(self, policy_id: str) -> m.VersionWhole:
        """A version with its files."""
        return self._sender.get(m.VersionWhole, at("/api/v1/policies/{policy_id}", policy_id=policy_id))

    @operation("GET", "/api/v1/policies/compare")
    def compare_policies(self, before: str, after: str | None = None) -> m.Compared:
        """What means something else in `after`, or in the version in force."""
        return self._sender.get(m.Compared, "/api/v1/policies/compare", {"before": before, "after": after})

    @operation("POST", "/api/v1/policies/check")
    def check_policy(self, policy: str = "", wording: str = "") -> m.Check:
        """What is wrong with files, or what they would change. What is left out stays as it is in force."""
        body = m.FilesIn(policy=policy, wording=wording)
        return self._sender.tell(m.Check, "POST", "/api/v1/policies/check", body, safe=True)

    @operation("POST", "/api/v1/policies")
    def activate_policy(
        self, policy: str = "", wording: str = "", *, version: str | None = None, instead_of: str | None = None, once: str | None = None
    ) -> m.Activation:
        """Put files, or a version of before, in force. `instead_of`: what has to be in force until then."""
        body = m.ActivationIn(policy=policy, wording=wording, version=version, instead_of=instead_of)
        return self._sender.post(m.Activation, "/api/v1/policies", body, once=once)


class Reports:
    """The numbers."""

    _sender: Sender

    @operation("GET", "/api/v1/reports")
    def reports(self) -> list[m.Kind]:
        """Which reports there are."""
        return self._sender.get(list[m.Kind], "/api/v1/reports")

    @operation("GET", "/api/v1/reports/{name}")
    def report(
        self,
        name: str,
        *,
        days: int | None = None,
        from_: date | None = None,
        to: date | None = None,
        brand: str | None = None,
        channel: str | None = None,
        department: str | None = None,
        category: str | None = None,
    ) -> m.Report:
        """A report, of so many days up to today, or of those named."""
        query = {key: value for key, value in locals().items() if key not in ("self", "name")}
        return self._sender.get(m.Report, at("/api/v1/reports/{name}", name=name), query)

    def report_csv(self, name: str, *, table: str | None = None, **wanted: object) -> str:
        """One table of a report, for a spreadsheet; the first, when none is named. `wanted`: as `report` takes it."""
        query = {**wanted, "format": "csv", "table": table}
        return self._sender.send("GET", at("/api/v1/reports/{name}", name=name), query=query).text

    @operation("GET", "/api/v1/reports/cases")
    def cases_behind(
        self,
        *,
        days: int | None = None,
        from_: date | None = None,
        to: date | None = None,
        brand: str | None = None,
        channel: str | None = None,
        department: str | None = None,
        category: str | None = None,
        which: str | None = None,
        owner: str | None = None,
        weekday: int | None = None,
        hour: int | None = None,
        at_most: int | None = None,
    ) -> Iterator[m.Behind]:
        """The cases behind a figure, the newest first."""
        query = {key: value for key, value in locals().items() if key != "self"}
        for page in self._sender.pages(m.Behinds, "/api/v1/reports/cases", query, lambda page: page.after):
            yield from page.cases

    @operation("GET", "/api/v1/digest")
    def digest(self) -> m.Digest:
        """Your weekly digest. Raises NotThere when you are sent none."""
        return self._sender.get(m.Digest, "/api/v1/digest")

    @operation("PUT", "/api/v1/digest")
    def choose_digest(self, wanted: m.DigestIn) -> m.Digest:
        """Choose it. An address that was not confirmed yet is sent a link first."""
        return self._sender.tell(m.Digest, "PUT", "/api/v1/digest", wanted)

    @operation("DELETE", "/api/v1/digest")
    def end_digest(self) -> None:
        """Be sent none any more."""
        self._sender.send("DELETE", "/api/v1/digest")
