"""What somebody is here, by the groups that the identity provider says they are in."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from domain.values import Role


@dataclass(frozen=True, slots=True)
class Standing:
    """A role, and the departments that go with it."""

    role: Role
    departments: frozenset[str]


def standing(groups: Collection[str], mapping: Mapping[str, Standing]) -> Standing | None:
    """The role of the first group in the mapping that they are in, with the departments of all of them; None when they are in none."""
    theirs = [given for group, given in mapping.items() if group in groups]
    if not theirs:
        return None
    role = theirs[0].role
    departments = frozenset[str]().union(*(given.departments for given in theirs)) if role is Role.DEPARTMENT else frozenset[str]()
    return Standing(role, departments)


def person_of(issuer: str, subject: str) -> str:
    """How histories refer to them: nothing that the provider's id of them could be read from, and the same every time."""
    return "oidc:" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32]
