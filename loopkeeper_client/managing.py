"""For admins: keys, sessions, webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from loopkeeper_client import models as m
from loopkeeper_client.sending import Sender, at, operation

_WEBHOOK = "/api/v1/webhooks/{webhook_id}"


class Access:
    """Keys, and who is signed in."""

    _sender: Sender

    @operation("GET", "/api/v1/keys")
    def keys(self, *, at_most: int | None = None) -> Iterator[m.Key]:
        """All keys there ever were, the oldest first."""
        for page in self._sender.pages(m.Keys, "/api/v1/keys", {"at_most": at_most}, lambda page: page.after):
            yield from page.keys

    @operation("POST", "/api/v1/keys")
    def make_key(self, wanted: m.KeyIn, *, once: str | None = None) -> m.KeyMade:
        """Make a key. It is in the answer, and nowhere else. Needs `manage_access` among the scopes of your own."""
        return self._sender.post(m.KeyMade, "/api/v1/keys", wanted, once=once)

    @operation("DELETE", "/api/v1/keys/{key_id}")
    def revoke_key(self, key_id: str) -> None:
        """Take a key's right away, at once."""
        self._sender.send("DELETE", at("/api/v1/keys/{key_id}", key_id=key_id))

    @operation("GET", "/api/v1/sessions")
    def sessions(self, *, at_most: int | None = None) -> Iterator[m.Session]:
        """Who is signed in at the console."""
        for page in self._sender.pages(m.Sessions, "/api/v1/sessions", {"at_most": at_most}, lambda page: page.after):
            yield from page.sessions

    @operation("DELETE", "/api/v1/sessions/{session_id}")
    def end_session(self, session_id: str) -> None:
        """End a session, at once."""
        self._sender.send("DELETE", at("/api/v1/sessions/{session_id}", session_id=session_id))


class Webhooks:
    """Which other systems are told what happens to cases."""

    _sender: Sender

    @operation("GET", "/api/v1/webhooks")
    def webhooks(self) -> list[m.Webhook]:
        """All subscriptions that are not revoked."""
        return self._sender.get(m.Webhooks, "/api/v1/webhooks").webhooks

    @operation("GET", _WEBHOOK)
    def webhook(self, webhook_id: str) -> m.Webhook:
        """One subscription."""
        return self._sender.get(m.Webhook, at(_WEBHOOK, webhook_id=webhook_id))

    @operation("POST", "/api/v1/webhooks")
    def make_webhook(self, wanted: m.WebhookIn, *, once: str | None = None) -> m.WebhookMade:
        """Have another system told. The secret is in the answer, and nowhere else."""
        return self._sender.post(m.WebhookMade, "/api/v1/webhooks", wanted, once=once)

    @operation("PUT", _WEBHOOK)
    def change_webhook(self, webhook_id: str, wanted: m.WebhookIn) -> m.Webhook:
        """Change a subscription, all of it; its secret stays."""
        return self._sender.tell(m.Webhook, "PUT", at(_WEBHOOK, webhook_id=webhook_id), wanted)

    @operation("DELETE", _WEBHOOK)
    def revoke_webhook(self, webhook_id: str) -> None:
        """Revoke a subscription, at once."""
        self._sender.send("DELETE", at(_WEBHOOK, webhook_id=webhook_id))

    @operation("POST", f"{_WEBHOOK}/secret")
    def renew_webhook_secret(self, webhook_id: str, *, once: str | None = None) -> m.Secret:
        """Change a subscription's secret; the one before signs as well for a day."""
        return self._sender.post(m.Secret, at(f"{_WEBHOOK}/secret", webhook_id=webhook_id), once=once)

    @operation("POST", f"{_WEBHOOK}/test")
    def test_webhook(self, webhook_id: str, *, once: str | None = None) -> m.Delivery:
        """Deliver an event of the type `test`."""
        return self._sender.post(m.Delivery, at(f"{_WEBHOOK}/test", webhook_id=webhook_id), once=once)

    @operation("GET", f"{_WEBHOOK}/deliveries")
    def deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "dead", "dropped"] | None = None,
        at_most: int | None = None,
    ) -> Iterator[m.Delivery]:
        """What became of each delivery, the newest first; `state="dead"`: the dead letters."""
        path = at(f"{_WEBHOOK}/deliveries", webhook_id=webhook_id)
        for page in self._sender.pages(m.Deliveries, path, {"state": state, "at_most": at_most}, lambda page: page.after):
            yield from page.deliveries

    @operation("POST", f"{_WEBHOOK}/deliveries/{{event_id}}/replay")
    def replay(self, webhook_id: str, event_id: str) -> m.Delivery:
        """Deliver an event again, under the same id."""
        path = at(f"{_WEBHOOK}/deliveries/{{event_id}}/replay", webhook_id=webhook_id, event_id=event_id)
        return self._sender.tell(m.Delivery, "POST", path)
