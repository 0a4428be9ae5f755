"""Customers across channels: found, read, linked and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation


class Customers:
    """See the module's text."""

    _sender: Sender

    @operation("GET", "/api/v1/customers")
    def customers(self, handle: str, *, channel: str | None = None) -> list[m.Identity]:
        """Who is called exactly that, or has that id on the network; on one channel or on all."""
        return self._sender.get(m.Customers, "/api/v1/customers", {"handle": handle, "channel": channel}).customers

    @operation("GET", "/api/v1/customers/{customer_id}")
    def customer(self, customer_id: str) -> m.Customer:
        """A customer: the identities that are linked, all cases, and what these add up to."""
        return self._sender.get(m.Customer, at("/api/v1/customers/{customer_id}", customer_id=customer_id))

    @operation("POST", "/api/v1/customers/{customer_id}/links")
    def link(self, customer_id: str, other: str, reason: str, *, seen: Sequence[str] | None = None, once: str | None = None) -> m.Customer:
        """Two identities are the same person; the customer as it is then. `seen`: all identities of both, as you know them."""
        wanted = m.LinkIn(other=other, reason=reason, seen=None if seen is None else list(seen))
        return self._sender.post(m.Customer, at("/api/v1/customers/{customer_id}/links", customer_id=customer_id), wanted, once=once)

    @operation("DELETE", "/api/v1/customers/{customer_id}/links/{other_id}")
    def unlink(self, customer_id: str, other_id: str, reason: str) -> None:
        """The other one is a customer of its own again; the others stay linked."""
        path = at("/api/v1/customers/{customer_id}/links/{other_id}", customer_id=customer_id, other_id=other_id)
        self._sender.send("DELETE", path, body=m.UnlinkIn(reason=reason))
