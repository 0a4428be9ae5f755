"""Who belongs to which department, as Slack's user groups say; and who leads, as the policy says."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from domain.policy import Desk, Person, Policy

log = logging.getLogger(__name__)

KNOWN_FOR_SECONDS = 60.0
"""How long we go by what Slack said: a change of a user group counts after that."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody's place: the departments that they are in, whether in the social team, whether they lead."""

    departments: frozenset[str] = frozenset()
    social: bool = False
    leads: bool = False


class Members:
    """Looks people up. A department whose user group is not to be had consists of the members of its channel."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._lock = asyncio.Lock()
        self._groups: dict[str, frozenset[str]] = {}
        self._groups_at = float("-inf")
        self._channels: dict[str, tuple[float, frozenset[str]]] = {}
        self._people: dict[str, tuple[float, str | None]] = {}

    async def standing(self, user: str, policy: Policy) -> Standing:
        """Where a person stands under that policy."""
        departments = frozenset([name for name, desk in policy.departments.items() if user in await self._members(desk)])
        return Standing(departments, user in await self._members(policy.social), await self._leads(user, policy))

    async def _members(self, desk: Desk) -> frozenset[str]:
        group = (await self._all_groups()).get(desk.slack_group or "")
        return await self._in_channel(desk.slack_channel) if group is None else group

    async def _all_groups(self) -> dict[str, frozenset[str]]:
        """The members of each user group, by its handle and by its id."""
        async with self._lock:
            if time.monotonic() - self._groups_at > KNOWN_FOR_SECONDS:
                try:
                    listed: list[dict[str, Any]] = (await self._client.usergroups_list(include_users=True)).get("usergroups", [])
                except SlackApiError as error:
                    log.warning("Slack does not tell who is in which user group (%s)", error.response.get("error"))
                else:
                    members = {group["id"]: (f"@{group['handle']}", frozenset(group.get("users", []))) for group in listed}
                    self._groups = {name: users for key, (handle, users) in members.items() for name in (key, handle)}
                self._groups_at = time.monotonic()
            return self._groups

    async def _in_channel(self, channel: str) -> frozenset[str]:
        known = self._channels.get(channel)
        if known is not None and time.monotonic() - known[0] <= KNOWN_FOR_SECONDS:
            return known[1]
        members: list[str] = []
        cursor: str | None = None
        try:
            place = await self._channel_id(channel)
            while place is not None:
                page = await self._client.conversations_members(channel=place, limit=500, cursor=cursor)
                members += page.get("members", [])
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
                if cursor is None:
                    break
        except SlackApiError as error:
            log.warning("Slack does not tell who is in %s (%s)", channel, error.response.get("error"))
        self._channels[channel] = time.monotonic(), frozenset(members)
        return self._channels[channel][1]

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

    async def _leads(self, user: str, policy: Policy) -> bool:
        """Whether the policy names this person as a lead, a head or the manager on duty."""
        desks = (policy.social, *policy.departments.values())
        handles = {h for desk in desks for h in (desk.lead, desk.head)} | {policy.escalation.duty_manager}
        return user in await asyncio.gather(*(self._user(policy.people[handle]) for handle in handles if handle is not None))

    async def _user(self, person: Person) -> str | None:
        if person.slack is not None:
            return person.slack
        assert person.email is not None, "the policy names one of the two"
        known = self._people.get(person.email)
        if known is None or time.monotonic() - known[0] > KNOWN_FOR_SECONDS * 5:
            try:
                found: str | None = (await self._client.users_lookupByEmail(email=person.email))["user"]["id"]
            except SlackApiError:  # no such person there (any more): they lead nothing in Slack
                found = None
            known = time.monotonic(), found
            self._people[person.email] = known
        return known[1]
