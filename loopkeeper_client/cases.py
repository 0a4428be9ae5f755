"""Cases: found, read, opened, acted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from loopkeeper_client import models as m
from loopkeeper_client.problems import Invalid
from loopkeeper_client.sending import Sender, Tagged, at, operation, read

Saying = Literal["ask", "update", "resolve", "take_private"]
Moment = str | datetime
"""`2026-09-01T08:00:00Z`; where a day is enough, `2026-09-01`."""


class Cases:
    """See the module's text."""

    _sender: Sender

    @operation("GET", "/api/v1/cases")
    def cases(
        self,
        *,
        case: Sequence[str] = (),
        number: int | None = None,
        customer: str | None = None,
        person: str | None = None,
        department: str | None = None,
        channel: str | None = None,
        brand: str | None = None,
        kind: str | None = None,
        words: str | None = None,
        opened_from: Moment | None = None,
        opened_until: Moment | None = None,
        recorded_from: Moment | None = None,
        recorded_until: Moment | None = None,
        breached: str | None = None,
        outcome: str | None = None,
        at_most: int | None = None,
        limit: int | None = None,
    ) -> Iterator[m.Found]:
        """All cases of which everything that is named is true, the newest first. `at_most`: on a page; `limit`: in all."""
        query = {name: _told(value) for name, value in locals().items() if name not in ("self", "limit", "case")} | {"case": list(case)}
        left = limit
        for page in self._sender.pages(m.FoundCases, "/api/v1/cases", query, lambda page: page.after):
            for found in page.cases:
                if left is not None and left <= 0:
                    return
                yield found
                left = None if left is None else left - 1
            if left is not None and left <= 0:
                return

    @operation("POST", "/api/v1/cases")
    def open(self, case: m.CaseIn, *, once: str | None = None) -> m.Opened:
        """Open a case by hand. `once`: the same under the same word is one case."""
        return self._sender.post(m.Opened, "/api/v1/cases", case, once=once)

    @operation("GET", "/api/v1/cases/{case_id}")
    def case(self, case_id: str) -> m.Case:
        """The case as it stands."""
        return self._sender.get(m.Case, at("/api/v1/cases/{case_id}", case_id=case_id))

    def case_unless(self, case_id: str, etag: str | None = None) -> Tagged[m.Case] | None:
        """The case with its `ETag`; None while it is still the one with that tag, which costs next to nothing to ask."""
        answer = self._sender.send("GET", at("/api/v1/cases/{case_id}", case_id=case_id), headers={"if-none-match": etag})
        return None if answer.status_code == 304 else Tagged(read(m.Case, answer), answer.headers["etag"])

    @operation("GET", "/api/v1/cases/{case_id}/history")
    def history(self, case_id: str, *, as_of: Moment | None = None, at_most: int | None = None) -> m.History:
        """Everything that happened to the case, or had happened at that moment. `at_most`: events on a page; all are told."""
        path = at("/api/v1/cases/{case_id}/history", case_id=case_id)
        pages = list(self._sender.pages(m.History, path, {"as_of": _told(as_of), "at_most": at_most}, lambda page: page.after))
        return pages[-1].model_copy(update={"events": [event for page in pages for event in page.events]})

    @operation("GET", "/api/v1/cases/{case_id}/proof")
    def proof(self, case_id: str, *, since: int | None = None) -> m.Proof:
        """What proves the case. `since`: the size of a checkpoint that you kept."""
        return self._sender.get(m.Proof, at("/api/v1/cases/{case_id}/proof", case_id=case_id), {"since": since})

    @operation("GET", "/api/v1/cases/{case_id}/commands")
    def commands(self, case_id: str) -> list[m.Offer]:
        """What can be done to the case now."""
        return self._sender.get(m.Offers, at("/api/v1/cases/{case_id}/commands", case_id=case_id)).commands

    @operation("POST", "/api/v1/cases/{case_id}/commands")
    def do(self, case_id: str, do: str, *, once: str | None = None, if_match: str | None = None, **fields: Any) -> m.Command:
        """Do something to the case: `lk.do(case, "resolve", text="…", root_cause="outage")`. Raises Refused with the reason, MovedOn.

        `fields`: those of `CommandIn`. `dry_run=True` shows the exact words and does nothing. `if_match`: the tag of the case as you
        have read it. `once`: a word of yours under which it is done once, also by a program that was started anew.
        """
        try:
            command = m.CommandIn.model_validate({"do": do, **fields})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise Invalid(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        path = at("/api/v1/cases/{case_id}/commands", case_id=case_id)
        return self._sender.post(m.Command, path, command, once=once, if_match=if_match)

    @operation("GET", "/api/v1/cases/{case_id}/writing")
    def writing(self, case_id: str) -> list[m.Writing]:
        """Who else is writing to the customer now."""
        return self._sender.get(m.Writers, at("/api/v1/cases/{case_id}/writing", case_id=case_id)).others

    @operation("PUT", "/api/v1/cases/{case_id}/writing/{saying}")
    def begin_to_write(self, case_id: str, saying: Saying) -> list[m.Writing]:
        """Say for five minutes that you are writing; who else is."""
        path = at("/api/v1/cases/{case_id}/writing/{saying}", case_id=case_id, saying=saying)
        return self._sender.tell(m.Writers, "PUT", path).others

    @operation("DELETE", "/api/v1/cases/{case_id}/writing")
    def stop_writing(self, case_id: str) -> None:
        """Say that you are not writing any more."""
        self._sender.send("DELETE", at("/api/v1/cases/{case_id}/writing", case_id=case_id))

    @operation("GET", "/api/v1/cases/{case_id}/status-link")
    def status_link(self, case_id: str) -> m.StatusLink:
        """The link by which the customer follows the case."""
        return self._sender.get(m.StatusLink, at("/api/v1/cases/{case_id}/status-link", case_id=case_id))

    @operation("DELETE", "/api/v1/cases/{case_id}/status-link")
    def withdraw_status_link(self, case_id: str, *, withdrawn: int) -> m.StatusLink:
        """Withdraw the link that was told with that `withdrawn`, at once; the next one, to be handed over."""
        path = at("/api/v1/cases/{case_id}/status-link", case_id=case_id)
        return read(m.StatusLink, self._sender.send("DELETE", path, query={"withdrawn": withdrawn}))


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
