"""The Web API, called by Slack's own client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import urllib3
from sandbox_support import BOT_TOKEN, Clock, Outside, StartSandbox
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from sandbox.hands import HandsError
from sandbox.slack.scopes import EVERYTHING

BILLING = "C0BILLING1"
ANA = "U0ANA00001"


def client_of(outside: Outside, token: str = BOT_TOKEN) -> WebClient:
    return WebClient(token=token, base_url=outside.slack_api, retry_handlers=[], timeout=5)


@pytest.fixture
def client(shared: Outside) -> WebClient:
    return client_of(shared)


def refused(call: Any, *args: Any, **kwargs: Any) -> Any:
    with pytest.raises(SlackApiError) as error:
        call(*args, **kwargs)
    return error.value.response


def raw_call(outside: Outside, method: str, body: bytes, content_type: str, token: str | None = BOT_TOKEN) -> Any:
    headers = {"Content-Type": content_type, **({"Authorization": f"Bearer {token}"} if token else {})}
    return urllib3.request("POST", outside.slack_api + method, body=body, headers=headers).json()


class TestWhoMayCall:
    def test_the_token_says_who_one_is(self, client: WebClient) -> None:
        who = client.auth_test()
        assert (who["team_id"], who["user_id"], who["bot_id"]) == ("T0MERIDIAN", "U0LOOPKEEP", "B0LOOPKEEP")

    def test_another_token_is_not_taken(self, shared: Outside) -> None:
        assert refused(client_of(shared, "xoxb-another").auth_test)["error"] == "invalid_auth"

    def test_no_token_is_not_taken_either(self, shared: Outside) -> None:
        assert raw_call(shared, "auth.test", b"{}", "application/json", token=None)["error"] == "not_authed"

    def test_a_token_may_come_as_an_argument(self, shared: Outside) -> None:
        body = f"token={BOT_TOKEN}".encode()
        assert raw_call(shared, "auth.test", body, "application/x-www-form-urlencoded", token=None)["ok"] is True

    def test_an_unknown_method_is_unknown(self, client: WebClient) -> None:
        assert refused(client.api_call, "chat.shout")["error"] == "unknown_method"

    @pytest.mark.parametrize(
        ("body", "content_type", "error"),
        [
            (b"{", "application/json", "invalid_json"),
            (b"[]", "application/json", "json_not_object"),
            (b"x", "text/csv", "invalid_post_type"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(self, shared: Outside, body: bytes, content_type: str, error: str) -> None:
        assert raw_call(shared, "chat.postMessage", body, content_type)["error"] == error


LACKING = [
    ("users:read.email", "users.lookupByEmail", {"email": "ana.silva@example.com"}),
    ("chat:write", "chat.postMessage", {"channel": BILLING, "text": "hello"}),
    ("chat:write", "chat.update", {"channel": BILLING, "ts": "1.000000", "text": "hello"}),
    ("usergroups:read", "usergroups.list", {}),
    ("channels:read", "conversations.list", {}),
    ("groups:read", "conversations.list", {"types": "public_channel,private_channel"}),
    ("channels:read", "conversations.info", {"channel": BILLING}),
    ("channels:history", "conversations.history", {"channel": BILLING}),
    ("im:write", "conversations.open", {"users": ANA}),
    ("users:read", "users.info", {"user": ANA}),
]


class TestScopes:
    @pytest.mark.parametrize(("scope", "method", "arguments"), LACKING, ids=lambda given: given if isinstance(given, str) else "")
    def test_what_was_not_granted_is_refused_by_name(
        self, start_sandbox: StartSandbox, scope: str, method: str, arguments: dict[str, Any]
    ) -> None:
        client = client_of(start_sandbox(slack_scopes=",".join(EVERYTHING - {scope})))
        said = refused(client.api_call, method, params=arguments)
        assert (said["error"], said["needed"], said["provided"]) == ("missing_scope", scope, ",".join(sorted(EVERYTHING - {scope})))

    def test_each_answer_says_what_was_granted_and_what_the_method_takes(self, start_sandbox: StartSandbox) -> None:
        client = client_of(start_sandbox(slack_scopes="users:read, chat:write"))
        headers = {name.lower(): value for name, value in client.users_info(user=ANA).headers.items()}
        assert (headers["x-oauth-scopes"], headers["x-accepted-oauth-scopes"]) == ("chat:write,users:read", "users:read")
        assert client.auth_test()["ok"], "some methods need none"

    def test_an_address_is_shown_to_those_who_may_see_addresses(self, start_sandbox: StartSandbox, client: WebClient) -> None:
        assert client.users_info(user=ANA)["user"]["profile"]["email"] == "ana.silva@example.com"
        few = client_of(start_sandbox(slack_scopes="users:read"))
        assert "email" not in few.users_info(user=ANA)["user"]["profile"]
        assert not [one for one in few.users_list()["members"] if "email" in one["profile"]]


class TestMessages:
    def test_a_message_comes_back_as_it_was_posted(self, client: WebClient) -> None:
        blocks = [{"type": "section", "block_id": "b", "text": {"type": "mrkdwn", "text": "*Charged twice* &lt;b&gt;"}}]
        posted = client.chat_postMessage(channel="#lk-billing", text="Charged twice", blocks=blocks)
        (read,) = client.conversations_history(channel=posted["channel"], latest=posted["ts"], inclusive=True, limit=1)["messages"]
        assert (posted["channel"], read["text"], read["blocks"], read["bot_id"]) == (BILLING, "Charged twice", blocks, "B0LOOPKEEP")

    def test_metadata_is_shown_to_those_who_ask_for_it(self, client: WebClient) -> None:
        metadata = {"event_type": "case_card", "event_payload": {"key": "c:1"}}
        ts = client.chat_postMessage(channel=BILLING, text="card", metadata=metadata)["ts"]
        asked: dict[str, Any] = {"channel": BILLING, "latest": ts, "inclusive": True, "limit": 1}
        assert client.conversations_history(**asked, include_all_metadata=True)["messages"][0]["metadata"] == metadata
        assert "metadata" not in client.conversations_history(**asked)["messages"][0]

    def test_arguments_may_come_as_a_form(self, shared: Outside) -> None:
        body = b"channel=C0BILLING1&text=hello&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D"
        said = raw_call(shared, "chat.postMessage", body, "application/x-www-form-urlencoded; charset=utf-8")
        assert [block["type"] for block in said["message"]["blocks"]] == ["divider"]

    def test_timestamps_are_unique_and_grow(self, client: WebClient) -> None:
        stamps = [client.chat_postMessage(channel=BILLING, text=str(n))["ts"] for n in range(20)]
        assert stamps == sorted(set(stamps))

    def test_a_thread_counts_its_replies(self, client: WebClient) -> None:
        parent = client.chat_postMessage(channel=BILLING, text="card")["ts"]
        first = client.chat_postMessage(channel=BILLING, text="one", thread_ts=parent)
        second = client.chat_postMessage(channel=BILLING, text="two", thread_ts=first["ts"])
        thread = client.conversations_replies(channel=BILLING, ts=parent)["messages"]
        assert [one["text"] for one in thread] == ["card", "one", "two"]
        assert (thread[0]["reply_count"], thread[0]["latest_reply"], thread[0]["reply_users"]) == (2, second["ts"], ["U0LOOPKEEP"])
        assert second["message"]["thread_ts"] == parent
        assert first["ts"] not in [
            one["ts"] for one in client.conversations_history(channel=BILLING, oldest=parent, inclusive=True)["messages"]
        ]

    def test_an_update_keeps_what_it_does_not_name(self, client: WebClient) -> None:
        metadata = {"event_type": "case_card", "event_payload": {}}
        posted = client.chat_postMessage(channel=BILLING, text="one", blocks=[{"type": "divider"}], metadata=metadata)
        updated = client.chat_update(channel=BILLING, ts=posted["ts"], text="two")
        message = updated["message"]
        assert (message["text"], len(message["blocks"]), message["metadata"]) == ("two", 1, metadata)
        assert message["edited"]["user"] == "U0LOOPKEEP"
        assert "blocks" not in client.chat_update(channel=BILLING, ts=posted["ts"], text="three", blocks=[])["message"]

    def test_other_peoples_messages_cannot_be_updated_or_deleted(self, shared: Outside, client: WebClient) -> None:
        said = shared.hands.say(ANA, BILLING, "mine")
        assert refused(client.chat_update, channel=BILLING, ts=said["ts"], text="yours")["error"] == "cant_update_message"
        assert refused(client.chat_delete, channel=BILLING, ts=said["ts"])["error"] == "cant_delete_message"

    def test_a_deleted_message_is_gone(self, client: WebClient) -> None:
        ts = client.chat_postMessage(channel=BILLING, text="oops")["ts"]
        client.chat_delete(channel=BILLING, ts=ts)
        assert refused(client.chat_update, channel=BILLING, ts=ts, text="x")["error"] == "message_not_found"
        assert client.conversations_history(channel=BILLING, oldest=ts, inclusive=True, latest=ts)["messages"] == []

    def test_an_ephemeral_message_is_seen_by_one_person_only(self, shared: Outside, client: WebClient) -> None:
        ts = client.chat_postEphemeral(channel=BILLING, user=ANA, text="just you")["message_ts"]
        seen = shared.hands.wait_for(lambda one: one.key == f"{BILLING}/{ts}").object
        assert seen["ephemeral_to"] == ANA
        assert client.conversations_history(channel=BILLING, oldest=ts, inclusive=True, latest=ts)["messages"] == []
        assert refused(client.chat_postEphemeral, channel=BILLING, user="U0TOM00001", text="x")["error"] == "user_not_in_channel"

    def test_a_permalink_leads_to_the_message(self, shared: Outside, client: WebClient) -> None:
        ts = client.chat_postMessage(channel=BILLING, text="card")["ts"]
        reply = client.chat_postMessage(channel=BILLING, text="reply", thread_ts=ts)["ts"]
        assert (
            client.chat_getPermalink(channel=BILLING, message_ts=ts)["permalink"]
            == f"{shared.url}/slack/archives/{BILLING}/p{ts.replace('.', '')}"
        )
        assert client.chat_getPermalink(channel=BILLING, message_ts=reply)["permalink"].endswith(f"?thread_ts={ts}&cid={BILLING}")

    def test_a_reaction_is_added_once(self, client: WebClient) -> None:
        ts = client.chat_postMessage(channel=BILLING, text="card")["ts"]
        client.reactions_add(channel=BILLING, timestamp=ts, name="eyes")
        assert refused(client.reactions_add, channel=BILLING, timestamp=ts, name=":eyes:")["error"] == "already_reacted"

    def test_a_person_is_reached_by_their_id(self, client: WebClient) -> None:
        assert client.chat_postMessage(channel=ANA, text="psst")["channel"] == client.conversations_open(users=ANA)["channel"]["id"]

    @pytest.mark.parametrize(
        ("arguments", "error"),
        [
            ({"channel": "C0NOWHERE1", "text": "x"}, "channel_not_found"),
            ({"channel": "", "text": "x"}, "channel_not_found"),
            ({"channel": BILLING}, "no_text"),
            ({"channel": BILLING, "text": "  "}, "no_text"),
            ({"channel": BILLING, "text": "x" * 40_001}, "msg_too_long"),
            ({"channel": BILLING, "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
            ({"channel": BILLING, "text": "x", "blocks": {}}, "invalid_blocks_format"),
            ({"channel": BILLING, "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
            ({"channel": BILLING, "text": "x", "metadata": "x"}, "invalid_metadata_format"),
            ({"channel": BILLING, "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_schema"),
            ({"channel": BILLING, "text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
            ({"channel": BILLING, "text": "x", "thread_ts": "1000000000.000001"}, "thread_not_found"),
        ],
    )
    def test_what_slack_does_not_take_is_refused_in_its_words(self, client: WebClient, arguments: dict[str, Any], error: str) -> None:
        assert refused(client.api_call, "chat.postMessage", json=arguments)["error"] == error

    def test_bad_blocks_are_explained_with_pointers(self, client: WebClient) -> None:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
        said = refused(client.chat_postMessage, channel=BILLING, text="x", blocks=blocks)
        assert said["error"] == "invalid_blocks"
        assert said["response_metadata"]["messages"] == ["[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]


class TestRate:
    def test_after_a_burst_of_five_one_message_a_second_is_taken_in_each_channel(self, start_sandbox: StartSandbox, clock: Clock) -> None:
        client = client_of(start_sandbox(now=clock, slack_rate=1.0))
        for number in range(5):
            client.chat_postMessage(channel=BILLING, text=str(number))
        limited = refused(client.chat_postMessage, channel=BILLING, text="too many")
        assert (limited.status_code, limited["error"], limited.headers["retry-after"]) == (429, "ratelimited", "1")
        client.chat_postMessage(channel="C0CARE0001", text="elsewhere")
        clock.now += 1
        client.chat_postMessage(channel=BILLING, text="now")
        refused(client.chat_postMessage, channel=BILLING, text="again")


class TestConversations:
    def test_channels_come_in_pages(self, client: WebClient) -> None:
        names: list[str] = []
        for answer in client.conversations_list(limit=3):
            names += [one["name"] for one in answer["channels"]]
        assert names == ["lk-product", "lk-website", "lk-technical", "lk-billing", "lk-care", "social-team", "escalations", "duty"]

    def test_history_comes_in_pages_newest_first(self, client: WebClient) -> None:
        stamps = [client.chat_postMessage(channel="C0DUTY0001", text=str(n))["ts"] for n in range(5)]
        seen = [
            message["ts"]
            for answer in client.conversations_history(channel="C0DUTY0001", oldest=stamps[0], inclusive=True, limit=2)
            for message in answer["messages"]
        ]
        assert seen == stamps[::-1]

    def test_a_channel_and_its_members_are_described(self, client: WebClient) -> None:
        channel = client.conversations_info(channel=BILLING)["channel"]
        assert (channel["name"], channel["is_member"], channel["is_private"]) == ("lk-billing", True, False)
        assert {ANA, "U0LOOPKEEP"} <= set(client.conversations_members(channel=BILLING)["members"])

    def test_a_direct_message_is_opened_once_and_a_group_too(self, client: WebClient) -> None:
        one = client.conversations_open(users=[ANA])["channel"]["id"]
        assert client.conversations_open(users=ANA, return_im=True)["channel"]["user"] == ANA
        assert one.startswith("D")
        group = client.conversations_open(users="U0BEN00001,U0ANA00001")["channel"]["id"]
        assert client.conversations_open(users=[ANA, "U0BEN00001"])["channel"]["id"] == group
        assert refused(client.conversations_open, users="U0NOBODY01")["error"] == "user_not_found"

    def test_the_bot_can_join_a_channel_and_must_before_it_posts(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        client = client_of(start_sandbox(world=_world(tmp_path)))
        assert refused(client.chat_postMessage, channel="C0OPEN0001", text="x")["error"] == "not_in_channel"
        assert refused(client.conversations_history, channel="C0OPEN0001")["error"] == "not_in_channel"
        client.conversations_join(channel="C0OPEN0001")
        assert client.conversations_join(channel="C0OPEN0001")["warning"] == "already_in_channel"
        client.chat_postMessage(channel="C0OPEN0001", text="x")

    def test_private_and_archived_channels_keep_their_doors_shut(self, start_sandbox: StartSandbox, tmp_path: Path) -> None:
        client = client_of(start_sandbox(world=_world(tmp_path)))
        assert refused(client.chat_postMessage, channel="C0SECRET01", text="x")["error"] == "channel_not_found"
        assert refused(client.chat_postMessage, channel="C0OLD00001", text="x")["error"] == "is_archived"
        assert [
            one["name"] for one in client.conversations_list(types="public_channel,private_channel", exclude_archived=True)["channels"]
        ] == ["open"]

    @pytest.mark.parametrize(
        ("method", "arguments", "error"),
        [
            ("conversations.list", {"limit": 0}, "invalid_limit"),
            ("conversations.list", {"cursor": "bogus"}, "invalid_cursor"),
            ("conversations.list", {"types": "party"}, "invalid_types"),
            ("conversations.history", {"channel": BILLING, "oldest": "yesterday"}, "invalid_ts_oldest"),
            ("conversations.replies", {"channel": BILLING, "ts": "1.000000"}, "thread_not_found"),
            ("conversations.open", {}, "users_list_not_supplied"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, client: WebClient, method: str, arguments: dict[str, Any], error: str) -> None:
        assert refused(client.api_call, method, json=arguments)["error"] == error


def _world(tmp_path: Path) -> Path:
    """A small workspace with a channel of each sort."""
    import json

    from sandbox.world import MERIDIAN

    world = json.loads(MERIDIAN.read_text("utf-8"))
    world["channels"] = [
        {"id": "C0OPEN0001", "name": "open", "members": [ANA], "without_bot": True},
        {"id": "C0SECRET01", "name": "secret", "members": [ANA], "private": True, "without_bot": True},
        {"id": "C0OLD00001", "name": "old", "members": [ANA], "archived": True},
    ]
    path = tmp_path / "world.json"
    path.write_text(json.dumps(world), "utf-8")
    return path


class TestPeople:
    def test_people_are_found_by_id_and_by_address(self, client: WebClient) -> None:
        ana = client.users_info(user=ANA)["user"]
        assert (ana["real_name"], ana["profile"]["email"], ana["is_bot"]) == ("Ana Silva", "ana.silva@example.com", False)
        assert client.users_lookupByEmail(email="ANA.silva@example.com")["user"]["id"] == ANA
        assert refused(client.users_lookupByEmail, email="nobody@example.com")["error"] == "users_not_found"
        assert refused(client.users_info, user="U0NOBODY01")["error"] == "user_not_found"

    def test_everybody_is_listed_the_bot_too(self, client: WebClient) -> None:
        everyone = [one for answer in client.users_list(limit=5) for one in answer["members"]]
        assert len(everyone) == 18
        assert [one["id"] for one in everyone if one["is_bot"]] == ["U0LOOPKEEP"]

    def test_groups_have_members(self, client: WebClient) -> None:
        groups = {one["handle"]: one for one in client.usergroups_list(include_users=True)["usergroups"]}
        assert groups["billing-team"]["users"][0] == ANA
        assert client.usergroups_users_list(usergroup="S0BILLING1")["users"] == groups["billing-team"]["users"]
        assert refused(client.usergroups_users_list, usergroup="S0NOBODY01")["error"] == "no_such_subteam"

    def test_the_bot_is_described(self, client: WebClient) -> None:
        assert client.bots_info(bot="B0LOOPKEEP")["bot"]["app_id"] == "A0LOOPKEEP"
        assert refused(client.bots_info, bot="B0NOBODY01")["error"] == "bot_not_found"
        assert len(client.users_conversations(user="U0LOOPKEEP")["channels"]) == 8


class TestViewsWithoutATrigger:
    @pytest.mark.parametrize(
        ("method", "arguments", "error"),
        [
            ("views.open", {"trigger_id": "1.2.3", "view": {}}, "invalid_trigger_id"),
            ("views.update", {"view_id": "V0NOBODY01", "view": {}}, "not_found"),
            ("views.publish", {"user_id": "U0NOBODY01", "view": {}}, "user_not_found"),
            ("views.publish", {"user_id": ANA, "view": "{"}, "invalid_arguments"),
            (
                "views.publish",
                {"user_id": ANA, "view": {"type": "home", "blocks": [], "private_metadata": "x" * 250_000}},
                "view_too_large",
            ),
        ],
    )
    def test_is_refused(self, client: WebClient, method: str, arguments: dict[str, Any], error: str) -> None:
        assert refused(client.api_call, method, json=arguments)["error"] == error

    def test_the_home_is_published_and_guarded_by_its_hash(self, shared: Outside, client: WebClient) -> None:
        view = {"type": "home", "blocks": [{"type": "divider"}]}
        first = client.views_publish(user_id=ANA, view=view)["view"]
        second = client.views_publish(user_id=ANA, view=view, hash=first["hash"])["view"]
        assert (second["id"], second["hash"] != first["hash"]) == (first["id"], True)
        assert refused(client.views_publish, user_id=ANA, view=view, hash=first["hash"])["error"] == "hash_conflict"
        home = shared.hands.home(ANA)
        assert home is not None
        assert home["id"] == first["id"]


def test_people_cannot_speak_where_they_are_not(shared: Outside) -> None:
    with pytest.raises(HandsError, match="Tom Lindqvist is not in #lk-billing"):
        shared.hands.say("U0TOM00001", BILLING, "hello")


def test_what_people_type_becomes_what_slack_stores(shared: Outside) -> None:
    said = shared.hands.say(ANA, BILLING, "@Loopkeeper & @ben, @billing-team @here see #lk-care <now> https://a.example/x?y=1.")
    assert said["text"] == (
        "<@U0LOOPKEEP> &amp; <@U0BEN00001>, <!subteam^S0BILLING1> <!here> see <#C0CARE0001|lk-care> &lt;now&gt; <https://a.example/x?y=1>."
    )
