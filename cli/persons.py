"""Who a person at the command line is: by their API key, else whoever operates the installation."""

from __future__ import annotations

from adapters.postgres.store import Store
from domain.errors import LoopkeeperError
from domain.rights import RIGHTS, Right
from domain.values import Actor, Role, Via

OPERATOR = Actor("operator", Role.ADMIN, Via.CLI)
"""Whoever runs the command: they can reach the database."""


def whoever(store: Store, key: str, right: Right) -> Actor:
    """The person whose key it is. Raises LoopkeeperError when they may not do that."""
    roles = " or ".join(sorted(role.value for role in RIGHTS[right]))
    known = store.keys.of(key.strip())
    if known is None:
        raise LoopkeeperError(
            f"this key is not known here, or was revoked; an admin makes one: loopkeeper key new NAME --role {roles.split()[-1]}"
        )
    if known.role not in RIGHTS[right]:
        raise LoopkeeperError(f"the key of {known.name} has the role {known.role.value}; this needs the role {roles}")
    if known.scopes is not None and right not in known.scopes:
        doing = right.value.replace("_", " ")
        raise LoopkeeperError(f"the key of {known.name} was made without the right to {doing}; this needs one that has it")
    return Actor(known.person, known.role, Via.CLI)
