"""What happens to a workspace behind an app's back, and what Slack then answers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sandbox_support import BOT_TOKEN, Loopkeeper, Outside, StartSandbox
from slack_app import ANA, BEN, BILLING, CARD, Json
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.hands import Hands, HandsError
from sandbox.world import MERIDIAN

BILLING_TEAM = "S0BILLING1"


@pytest.fixture
def client(outside: Outside) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[], timeout=5)


@pytest.fixture
def hands(outside: Outside) -> Hands:
    return outside.hands


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as error:
        call(**arguments)
    return str(error.value.response["error"])


def shown(client: WebClient, channel: str = BILLING) -> Json:
    found: Json = client.conversations_info(channel=channel)["channel"]
    return found


class TestArchived:
    def test_nothing_can_be_posted_or_changed_there(self, client: WebClient, hands: Hands) -> None:
        ts = client.chat_postMessage(channel=BILLING, text="card", blocks=CARD)["ts"]
        assert hands.archive(BILLING)["is_archived"] is True
        assert (shown(client)["is_archived"], shown(client)["is_member"]) == (True, False)
        assert refused(client.chat_postMessage, channel=BILLING, text="x") == "is_archived"
        assert refused(client.chat_postMessage, channel="#lk-billing", text="x", thread_ts=ts) == "is_archived"
        assert refused(client.chat_postEphemeral, channel=BILLING, user=ANA, text="x") == "is_archived"
        assert refused(client.chat_update, channel=BILLING, ts=ts, text="x") == "is_inactive"
        assert refused(client.reactions_add, channel=BILLING, timestamp=ts, name="eyes") == "is_archived"
        assert refused(client.conversations_history, channel=BILLING) == "not_in_channel"
        listed = client.conversations_list(exclude_archived=True, limit=1000)["channels"]
        assert BILLING not in [one["id"] for one in listed]

    def test_nobody_can_do_anything_there(self, client: WebClient, hands: Hands) -> None:
        ts = str(client.chat_postMessage(channel=BILLING, text="card", blocks=CARD)["ts"])
        hands.archive(BILLING)
        for deed in (
            lambda: hands.press(ANA, "accept", channel=BILLING, message_ts=ts),
            lambda: hands.say(ANA, BILLING, "hello"),
            lambda: hands.command(ANA, BILLING, "/case", "list"),
        ):
            with pytest.raises(HandsError, match="409 is_archived"):
                deed()

    def test_when_it_comes_back_the_app_must_be_invited_again(self, client: WebClient, hands: Hands) -> None:
        hands.archive(BILLING)
        assert hands.unarchive(BILLING)["is_archived"] is False
        assert refused(client.chat_postMessage, channel=BILLING, text="x") == "not_in_channel"
        hands.invite(BILLING)
        assert client.chat_postMessage(channel=BILLING, text="x")["ok"]
        assert hands.say(ANA, BILLING, "hello")["text"] == "hello", "people come back by themselves"

    def test_what_cannot_be_is_said(self, hands: Hands) -> None:
        with pytest.raises(HandsError, match="not_archived"):
            hands.unarchive(BILLING)
        hands.archive(BILLING)
        for deed in (hands.archive, lambda channel: hands.rename(channel, "x"), hands.remove, hands.invite):
            with pytest.raises(HandsError, match="archived"):
                deed(BILLING)
        with pytest.raises(HandsError, match="404 channel_not_found"):
            hands.archive("C0NOWHERE1")


class TestRenamed:
    def test_it_has_the_same_id_and_no_longer_the_old_name(self, client: WebClient, hands: Hands) -> None:
        assert hands.rename("lk-billing", "billing-cases")["id"] == BILLING
        assert shown(client)["name"] == "billing-cases"
        assert refused(client.chat_postMessage, channel="#lk-billing", text="x") == "channel_not_found"
        assert client.chat_postMessage(channel=BILLING, text="x")["channel"] == BILLING

    def test_two_channels_are_not_called_the_same(self, hands: Hands) -> None:
        with pytest.raises(HandsError, match="name_taken"):
            hands.rename(BILLING, "lk-care")
        assert hands.rename(BILLING, "lk-billing")["name"] == "lk-billing"


class TestRemoved:
    def test_an_app_that_was_thrown_out_can_neither_write_nor_read(self, client: WebClient, hands: Hands) -> None:
        assert "U0LOOPKEEP" not in hands.remove(BILLING)["members"]
        assert shown(client)["is_member"] is False
        for call in (client.chat_postMessage, client.chat_postEphemeral, client.conversations_history):
            assert refused(call, channel=BILLING, text="x", user=ANA) == "not_in_channel"
        with pytest.raises(HandsError, match="not_in_channel"):
            hands.remove(BILLING)
        hands.invite(BILLING)
        assert client.chat_postMessage(channel=BILLING, text="x")["ok"]
        with pytest.raises(HandsError, match="already_in_channel"):
            hands.invite(BILLING)

    def test_its_buttons_still_work_and_it_hears_nothing_else(self, client: WebClient, hands: Hands, loopkeeper: Loopkeeper) -> None:
        ts = str(client.chat_postMessage(channel=BILLING, text="card", blocks=CARD)["ts"])
        hands.remove(BILLING)
        hands.say(ANA, BILLING, "are you there?")
        assert hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked
        assert not [one for one in loopkeeper.received if b"are you there" in one.body]

    def test_of_a_private_channel_it_then_knows_nothing(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        world = json.loads(MERIDIAN.read_text())
        world["channels"][3]["private"] = True
        (tmp_path / "world.json").write_text(json.dumps(world))
        outside = start_sandbox(world=tmp_path / "world.json")
        client = WebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[])
        ts = client.chat_postMessage(channel=BILLING, text="x")["ts"]
        outside.hands.remove(BILLING)
        for call, more in (
            (client.conversations_info, {}),
            (client.conversations_history, {}),
            (client.chat_postMessage, {"text": "x"}),
            (client.chat_update, {"ts": ts, "text": "x"}),
            (client.chat_delete, {"ts": ts}),
            (client.chat_getPermalink, {"message_ts": ts}),
        ):
            assert refused(call, channel=BILLING, **more) == "channel_not_found"
        outside.hands.invite(BILLING)
        outside.hands.archive(BILLING)
        outside.hands.unarchive(BILLING)
        assert client.chat_postMessage(channel=BILLING, text="x")["ok"], "a private channel keeps its members"

    def test_people_come_and_go_too(self, client: WebClient, hands: Hands) -> None:
        hands.remove(BILLING, BEN)
        assert refused(client.chat_postEphemeral, channel=BILLING, user=BEN, text="x") == "user_not_in_channel"
        with pytest.raises(HandsError, match="Not in the channel"):
            hands.say(BEN, BILLING, "hello")
        hands.invite(BILLING, BEN)
        assert hands.say(BEN, BILLING, "hello")["user"] == BEN


class TestDeactivated:
    def test_the_account_is_described_as_slack_does(self, client: WebClient, hands: Hands) -> None:
        assert hands.deactivate(ANA)["deleted"] is True
        ana = client.users_info(user=ANA)["user"]
        assert (ana["deleted"], ana["profile"]["real_name"]) == (True, "Ana Silva")
        assert "real_name" not in ana
        assert "tz" not in ana
        assert refused(client.users_lookupByEmail, email="ana.silva@example.com") == "users_not_found"
        assert [one["id"] for one in client.users_list(limit=1000)["members"] if one["deleted"]] == [ANA]

    def test_they_are_in_no_group_and_no_channel_until_they_are_back(self, client: WebClient, hands: Hands) -> None:
        def around() -> tuple[bool, bool, int, int]:
            (group,) = [one for one in client.usergroups_list(include_users=True)["usergroups"] if one["id"] == BILLING_TEAM]
            members = client.conversations_members(channel=BILLING, limit=1000)["members"]
            assert client.usergroups_users_list(usergroup=BILLING_TEAM)["users"] == group["users"]
            return ANA in group["users"], ANA in members, group["user_count"], shown(client)["num_members"]

        before = around()
        hands.deactivate(ANA)
        assert around() == (False, False, before[2] - 1, before[3] - 1)
        hands.reactivate(ANA)
        assert around() == before == (True, True, before[2], before[3])

    def test_no_direct_message_is_opened_and_one_that_there_is_takes_what_nobody_reads(self, client: WebClient, hands: Hands) -> None:
        im = client.conversations_open(users=ANA)["channel"]["id"]
        for person in (ANA, BEN):
            hands.deactivate(person)
            assert refused(client.conversations_open, users=person) == "user_disabled"
        assert client.chat_postMessage(channel=ANA, text="x")["channel"] == im
        assert client.chat_postMessage(channel=im, text="x")["channel"] == im
        assert client.conversations_info(channel=im)["channel"]["is_user_deleted"] is True
        assert refused(client.chat_postMessage, channel=BEN, text="x") == "channel_not_found"
        assert refused(client.chat_postEphemeral, channel=BILLING, user=ANA, text="x") == "user_not_in_channel"

    def test_they_can_do_nothing(self, client: WebClient, hands: Hands) -> None:
        ts = str(client.chat_postMessage(channel=BILLING, text="card", blocks=CARD)["ts"])
        hands.deactivate(ANA)
        for deed in (
            lambda: hands.press(ANA, "accept", channel=BILLING, message_ts=ts),
            lambda: hands.say(ANA, BILLING, "hello"),
            lambda: hands.home(ANA),
            lambda: hands.shortcut(ANA, "find"),
        ):
            with pytest.raises(HandsError, match="403 Deactivated: The account of Ana Silva is deactivated"):
                deed()
        with pytest.raises(HandsError, match="409 Nothing to do"):
            hands.deactivate(ANA)
        with pytest.raises(HandsError, match="user_disabled"):
            hands.invite("C0CARE0001", ANA)
        hands.reactivate(ANA)
        assert hands.press(ANA, "accept", channel=BILLING, message_ts=ts).acked

    def test_an_app_that_was_removed_has_a_token_that_is_good_for_nothing(self, client: WebClient, hands: Hands) -> None:
        hands.deactivate("U0LOOPKEEP")
        assert refused(client.auth_test) == "account_inactive"
        assert refused(client.chat_postMessage, channel=BILLING, text="x") == "account_inactive"
        hands.reactivate("U0LOOPKEEP")
        assert client.auth_test()["ok"]

    def test_nobody_is_nobody(self, hands: Hands) -> None:
        with pytest.raises(HandsError, match="404 user_not_found"):
            hands.deactivate("U0NOBODY01")


def test_what_has_happened_outlives_the_process(start_sandbox: StartSandbox, tmp_path: Path) -> None:
    first = start_sandbox(tmp_path / "world.db")
    first.hands.deactivate(ANA)
    first.hands.deactivate(BEN)
    first.hands.reactivate(BEN)
    first.hands.rename(BILLING, "billing-cases")
    first.hands.archive("C0CARE0001")
    first.stop()
    second = start_sandbox(tmp_path / "world.db")
    client = WebClient(token=BOT_TOKEN, base_url=second.slack_api, retry_handlers=[])
    assert [client.users_info(user=one)["user"]["deleted"] for one in (ANA, BEN)] == [True, False]
    assert (shown(client)["name"], shown(client, "C0CARE0001")["is_archived"]) == ("billing-cases", True)
