"""Everything that a reply's exact words are made of, gathered from the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, text

from adapters.postgres.vault import Vault, text_hash
from domain.limits import split
from domain.policy import Policy
from domain.ports import Composed, PolicyBook, StatusAddress, WhatToSay
from domain.wording import Facts, Room, render

_CASE = text(
    "select c.number, c.brand, c.channel, s.id as subject_id, s.wrapped_key, s.profile, "
    "coalesce((select l.withdrawn from status_link l where l.case_id = c.case_id), 0) as withdrawn, "
    "array(select e.text_hash from effect e where e.case_id = c.case_id and e.text_hash is not null) as said "
    "from cases c join cases t on t.case_id = :thread join subject s on s.id = t.subject_id where c.case_id = :case"
)


class Composer:
    """Makes the exact words of replies, for posting and for showing them to the person who is about to post.

    `status_address`: where a case's status page is; None in a process that makes no replies, which then gives no link to it.
    """

    def __init__(self, engine: Engine, vault: Vault, book: PolicyBook, status_address: StatusAddress | None = None) -> None:
        self._engine = engine
        self._vault = vault
        self._book = book
        self._status_address = status_address

    def compose(self, say: WhatToSay) -> Composed:
        """The exact text, in the parts in which the network takes it. A person's own words are taken as they are."""
        policy = self._book.policy(say.policy)
        with self._engine.connect() as connection:
            case = connection.execute(_CASE, {"case": say.case_id, "thread": say.thread or say.case_id}).one()
            subject = str(case.subject_id)
            if say.words is not None:
                whole = str(self._vault.read(connection, say.words)["text"])
            else:
                assert say.template is not None, "a reply has words of its own or a template"
                shown = self._vault.shown_as(subject, case.wrapped_key, case.profile)
                facts = self._facts(connection, say, policy, case.brand, shown.get("name"))
                facts = replace(facts, status=self._status(say, policy, case))
                hashes = {bytes(one) for one in case.said}
                whole = render(
                    self._book.wording(say.policy).spoken_in(policy.brand(case.brand).language),
                    say.template,
                    say.variant,
                    facts,
                    room(policy, case.channel),
                    lambda words: text_hash(words) in hashes,
                )
        return Composed(subject, whole, tuple(parts(policy, case.channel, whole)), say.private)

    def _status(self, say: WhatToSay, policy: Policy, case: Any) -> str | None:
        """The address of the status page, where the policy lets such a message give it."""
        kind = "private" if say.template == "private.person" else "acknowledgement"
        if self._status_address is None or kind not in policy.channel(case.channel).status_link:
            return None
        return self._status_address(case.number, say.case_id, case.withdrawn)

    def _facts(self, connection: Connection, say: WhatToSay, policy: Policy, brand_handle: str, customer: str | None) -> Facts:
        brand = policy.brand(brand_handle)
        return Facts(
            brand=brand.name,
            team=brand.team,
            department=policy.departments[say.department].name,
            zone=brand.zone,
            now=say.now,
            customer=customer,
            owner=_first_name(connection, say.owner),
            signer=_first_name(connection, say.signer),
            since=say.since,
            until=say.until,
            opens=say.opens,
            self_help=brand.self_help,
            contact=brand.contact,
            shown=say.shown,
            body=say.body,
            link=say.link,
        )


def room(policy: Policy, channel: str) -> Room:
    """How much the network of a channel takes."""
    there = policy.channel(channel)
    return Room(there.limit, there.counting, there.wording)


def parts(policy: Policy, channel: str, whole: str) -> list[str]:
    """`whole` in the parts in which the network takes it. Raises TooLong."""
    there = policy.channel(channel)
    return split(whole, there.limit, there.counting, policy.longest_thread if there.threads else 1)


def _first_name(connection: Connection, person: str | None) -> str | None:
    if person is None:
        return None
    row = connection.execute(text("select name, first_name from person where id = :id"), {"id": person}).one_or_none()
    return None if row is None else row.first_name or row.name
