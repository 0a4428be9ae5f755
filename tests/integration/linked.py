"""Customers of several channels, in the database, without workflows."""

from __future__ import annotations

from typing import Any

import yaml

from adapters.postgres.store import Store
from domain.identities import Identity
from domain.values import Actor, Role, Via
from tests.conftest import POLICY, WORDING
from tests.integration.opened import created, place

MAYA = Actor("console:maya", Role.SOCIAL, Via.CONSOLE)
BEN = Actor("console:ben", Role.SOCIAL, Via.CONSOLE)
WHY = "told us so in the first case"
OTHER_BRAND = "nimbus"


def two_brands(store: Store) -> None:
    """Put a policy in force that has another brand besides."""
    policy: dict[str, Any] = yaml.load(POLICY, Loader=yaml.BaseLoader)
    policy["brands"][OTHER_BRAND] = {**policy["brands"]["meridian"], "name": "Nimbus"}
    store.book.activate(str(yaml.safe_dump(policy, sort_keys=False)), WORDING, by="tests")


def writes(
    store: Store,
    handle: str,
    channel: str = "x",
    post: str | None = None,
    *,
    brand: str = "meridian",
    account: str | None = None,
    name: str | None = None,
    **data: object,
) -> str:
    """Somebody posts; the id of that identity."""
    author = {"id": f"id-{handle}", "handle": handle, "name": name or f"{handle.title()} Okafor", "customer_id": account}
    native = post or f"{handle}.{channel}"
    event = created(native, author=author, url=f"https://{channel}.example/{native}", **data)
    assert place(store, {**event, "brand": brand}, channel=channel) is not None
    return who(store, handle, channel).id


def who(store: Store, handle: str, channel: str) -> Identity:
    """The identity of that handle."""
    (found,) = store.identities.find(handle, channel, None)
    return found


def linked(store: Store, subject: str) -> set[str]:
    """The identities that are one customer with that one, itself included."""
    return {one.id for one in store.identities.shown(subject, None).identities}
