"""The connected networks, by channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.channels.hand import HandNetwork
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
    """A network for each channel that the policy has, and that we have access to or a hand for. `timeout`: seconds for one request."""
    http = HttpClient(timeout=timeout, connections=connections)
    reached: dict[str, Network] = {}
    for name, channel in policy.channels.items():
        if channel.kind == "hand":
            reached[name] = HandNetwork(channel.network)
        elif name in access:
            signer = Signer.with_secret(access[name].secret)
            reached[name] = WebhookNetwork(access[name].bridge_url, signer, http, honours_key=channel.honours_idempotency_key)
    return reached
