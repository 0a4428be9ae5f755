"""The webhooks of the installation's own database, in the form in which the API tells them, so that a verb is the same over both ways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from adapters.postgres.book import PostgresBook
from adapters.postgres.hooks import Hooks
from adapters.receivers import Receivers
from cli import remote
from cli.installed import installed
from cli.persons import OPERATOR
from domain.hooks import Wanted
from loopkeeper_client import Loopkeeper
from loopkeeper_client import models as m

State = Literal["pending", "delivered", "dead", "dropped"]


@dataclass(frozen=True)
class Here:
    """As the client's methods of these names."""

    kept: Hooks
    receivers: Receivers
    book: PostgresBook

    def webhooks(self) -> list[m.Webhook]:
        """The webhooks there are."""
        from api.rest_webhooks import webhook_out

        return [remote.as_told(m.Webhook, webhook_out(one)) for one in self.kept.all()]

    def webhook(self, webhook_id: str) -> m.Webhook:
        """One of them."""
        from api.rest_webhooks import webhook_out

        return remote.as_told(m.Webhook, webhook_out(self.kept.one(webhook_id)))

    def make_webhook(self, wanted: m.WebhookIn) -> m.WebhookMade:
        """Have another system told."""
        from api.rest_webhooks import webhook_out

        made, secret = self.kept.make(self._fit(wanted), OPERATOR)
        return m.WebhookMade.model_validate({**webhook_out(made).model_dump(mode="json"), "secret": secret})

    def change_webhook(self, webhook_id: str, wanted: m.WebhookIn) -> m.Webhook:
        """Change one."""
        from api.rest_webhooks import webhook_out

        return remote.as_told(m.Webhook, webhook_out(self.kept.change(webhook_id, self._fit(wanted), OPERATOR)))

    def revoke_webhook(self, webhook_id: str) -> None:
        """End one."""
        self.kept.revoke(webhook_id, OPERATOR)

    def renew_webhook_secret(self, webhook_id: str) -> m.Secret:
        """Give it another secret."""
        secret, until = self.kept.change_secret(webhook_id, OPERATOR, datetime.now(UTC))
        return m.Secret.model_validate({"secret": secret, "both_secrets_sign_until": until})

    def test_webhook(self, webhook_id: str) -> m.Delivery:
        """Deliver an event of the type `test`."""
        from api.rest_webhooks import delivery_out

        return remote.as_told(m.Delivery, delivery_out(self.kept.send_test(webhook_id, OPERATOR, datetime.now(UTC))))

    def deliveries(self, webhook_id: str, *, state: State | None, at_most: int) -> Iterator[m.Delivery]:
        """What became of each delivery, the newest first."""
        from api.rest_webhooks import delivery_out

        for one in self.kept.deliveries(webhook_id, before=None, state=state, at_most=at_most):
            yield remote.as_told(m.Delivery, delivery_out(one))

    def replay(self, webhook_id: str, event_id: str) -> m.Delivery:
        """Deliver an event again."""
        from api.rest_webhooks import delivery_out

        return remote.as_told(m.Delivery, delivery_out(self.kept.replay(webhook_id, event_id, OPERATOR, datetime.now(UTC))))

    def _fit(self, wanted: m.WebhookIn) -> Wanted:
        given = Wanted(wanted.url, _set(wanted.events), _set(wanted.brands), wanted.description, wanted.active)
        return self.receivers.fit(given, self.book.active())


@contextmanager
def webhooks() -> Iterator[Here | Loopkeeper]:
    """The webhooks, over the API when LOOPKEEPER_URL names one. Raises LoopkeeperError."""
    if remote.named():
        with remote.api() as lk:
            yield lk
        return
    with installed() as (store, settings):
        yield Here(Hooks(store.engine, store.vault.keyring), Receivers(embedded=settings.console_open), store.book)


def _set(given: list[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)
