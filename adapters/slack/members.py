"""Who belongs to which department, as Slack's user groups say; and who leads, as the policy says."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from domain.errors import LoopkeeperError
from domain.policy import Desk, Person, Policy

log = logging.getLogger(__name__)

_T = TypeVar("_T")

KNOWN_FOR_SECONDS = 60.0
"""How long we go by what Slack said: a change of a user group counts after that."""
PEOPLE_KNOWN_FOR_SECONDS = 300.0
"""… and who has which address."""
_AGAIN_SECONDS = 10.0
"""When Slack has not answered, it is asked again after that."""
_NOT_NOW = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Errors by which Slack tells nothing about what was asked."""


class SlackIsSilent(LoopkeeperError):
    """Slack does not tell who belongs where, and never has since we started."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's place: the departments that they are in, whether in the social team, whether they lead."""

    departments: frozenset[str] = frozenset()
    social: bool = False
    leads: bool = False


class _Remembered(Generic[_T]):
    """What Slack said last about each thing. Where it says that there is no such thing, that is an answer; while it gives none, the last
    one holds.
    """

    def __init__(self, look: Callable[[str], Awaitable[_T]], nothing: _T, known_for: float, now: Callable[[], float]) -> None:
        self._look = look
        self._nothing = nothing
        self._known_for = known_for
        self._now = now
        self._said: dict[str, tuple[float, _T]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def of(self, name: str, *, ahead: bool = False) -> _T:
        """What Slack says; `ahead`: asked anew before its time is over. Raises SlackIsSilent."""
        known_for = self._known_for / 2 if ahead else self._known_for
        if (known := self._known(name, known_for)) is not None:
            return known[1]
        async with self._asking.setdefault(name, asyncio.Lock()):
            if (known := self._known(name, known_for)) is not None:  # another one has asked meanwhile
                return known[1]
            return await self._ask(name)

    def _known(self, name: str, known_for: float) -> tuple[float, _T] | None:
        known = self._said.get(name)
        return known if known is not None and self._now() - known[0] <= known_for else None

    async def _ask(self, name: str) -> _T:
        at = self._now()
        try:
            said = await self._look(name)
        except (SlackApiError, aiohttp.ClientError, TimeoutError) as error:
            if _is_an_answer(error):
                said = self._nothing
            elif name in self._said:
                log.warning("Slack does not answer just now (%s); going by what it said before", _reason(error))
                said, at = self._said[name][1], at - self._known_for + _AGAIN_SECONDS
            else:
                raise SlackIsSilent("Slack does not tell us just now who you are. Please try again in a moment.") from error
        self._said[name] = at, said
        return said


class Members:
    """Looks people up. A department whose user group is not to be had consists of the members of its channel."""

    def __init__(self, client: AsyncWebClient, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._groups: _Remembered[Mapping[str, frozenset[str]]] = _Remembered(self._all_groups, {}, KNOWN_FOR_SECONDS, now)
        self._channels: _Remembered[frozenset[str]] = _Remembered(self._in_channel, frozenset(), KNOWN_FOR_SECONDS, now)
        self._people: _Remembered[str | None] = _Remembered(self._with_address, None, PEOPLE_KNOWN_FOR_SECONDS, now)

    async def standing(self, user: str, policy: Policy, *, ahead: bool = False) -> Standing:
        """Where a person stands under that policy. Raises SlackIsSilent."""
        groups = await self._groups.of("", ahead=ahead)
        desks = [policy.social, *policy.departments.values()]
        social, *departments = await asyncio.gather(*(self._members(desk, groups, ahead) for desk in desks))
        mine = frozenset([name for name, members in zip(policy.departments, departments, strict=True) if user in members])
        return Standing(mine, user in social, user in await self._leaders(policy, ahead))

    async def look_ahead(self, policy: Policy) -> None:
        """Ask Slack again before what it said is too old, so that nobody who presses a button waits for it. Raises SlackIsSilent."""
        await self.standing("", policy, ahead=True)

    async def _members(self, desk: Desk, groups: Mapping[str, frozenset[str]], ahead: bool) -> frozenset[str]:
        group = groups.get(desk.slack_group or "")
        return await self._channels.of(desk.slack_channel, ahead=ahead) if group is None else group

    async def _leaders(self, policy: Policy, ahead: bool) -> list[str | None]:
        """Whom the policy names as a lead, a head or the manager on duty."""
        desks = (policy.social, *policy.departments.values())
        handles = {h for desk in desks for h in (desk.lead, desk.head)} | {policy.escalation.duty_manager}
        return await asyncio.gather(*(self._user(policy.people[handle], ahead) for handle in handles if handle is not None))

    async def _user(self, person: Person, ahead: bool) -> str | None:
        if person.slack is not None:
            return person.slack
        assert person.email is not None, "the policy names one of the two"
        return await self._people.of(person.email, ahead=ahead)

    # --- asking Slack -------------------------------------------------------------------------------------------------

    async def _all_groups(self, _: str) -> Mapping[str, frozenset[str]]:
        """The members of each user group, by its handle and by its id."""
        listed: list[dict[str, Any]] = (await self._client.usergroups_list(include_users=True)).get("usergroups", [])
        members = {group["id"]: (f"@{group['handle']}", frozenset(group.get("users", []))) for group in listed}
        return {name: users for key, (handle, users) in members.items() for name in (key, handle)}

    async def _in_channel(self, channel: str) -> frozenset[str]:
        place = await self._channel_id(channel)
        members: list[str] = []
        cursor: str | None = None
        while place is not None:
            page = await self._client.conversations_members(channel=place, limit=500, cursor=cursor)
            members += page.get("members", [])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                break
        return frozenset(members)

    async def _channel_id(self, channel: str) -> str | None:
        if not channel.startswith("#"):
            return channel
        cursor: str | None = None
        while True:
            page = await self._client.conversations_list(limit=500, cursor=cursor, exclude_archived=True)
            channels: list[dict[str, Any]] = page.get("channels", [])
            for one in channels:
                if one["name"] == channel[1:]:
                    return str(one["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return None

    async def _with_address(self, email: str) -> str | None:
        found: str = (await self._client.users_lookupByEmail(email=email))["user"]["id"]
        return found


def _is_an_answer(error: Exception) -> bool:
    """Whether Slack has said something about what was asked: that there is none, or that we may not know."""
    if not isinstance(error, SlackApiError):
        return False
    response = error.response
    return getattr(response, "status_code", 200) < 429 and str(response.get("error") or "internal_error") not in _NOT_NOW


def _reason(error: Exception) -> str:
    return str(error.response.get("error")) if isinstance(error, SlackApiError) else type(error).__name__
