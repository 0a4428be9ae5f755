"""The connected networks, by channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.channels.signing import Signer
from adapters.channels.webhook import WebhookNetwork
from adapters.http import HttpClient
from domain.policy import Policy
from domain.ports import Network


@dataclass(frozen=True, slots=True)
class Access:
    """Where a channel's bridge is, and what signs the traffic with it."""

    bridge_url: str
    secret: str


def networks(access: Mapping[str, Access], policy: Policy, *, timeout: float, connections: int = 16) -> dict[str, Network]:
    """A network for each channel that the policy has and that we have access to. `timeout`: seconds for one request."""
    http = HttpClient(timeout=timeout, connections=connections)
    return {
        name: WebhookNetwork(
            access[name].bridge_url, Signer.with_secret(access[name].secret), http, honours_key=channel.honours_idempotency_key
        )
        for name, channel in policy.channels.items()
        if name in access
    }
