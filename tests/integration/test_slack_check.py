"""`loopkeeper slack check`, told by a stand-in Slack in which something is amiss: each thing is named, with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.slack import checking, named
from adapters.slack.checking import SCOPES, Checkup, Found
from adapters.slack.named import Colleague
from cli.slack import look
from domain.files import read_policy
from domain.policy import Policy
from sandbox.app import create_app
from sandbox.hands import Hands
from sandbox.server import Server
from sandbox.settings import Settings as StandIn
from sandbox.world import MERIDIAN
from settings import Settings
from tests.conftest import POLICY
from tests.serving import served

Json = dict[str, Any]
Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts Slacks; `world` changes the company, the rest are settings."""
    with ExitStack() as running:

        def one(world: Callable[[Json], None] | None = None, **changes: Any) -> str:
            if world is not None:
                company: Json = json.loads(MERIDIAN.read_text())
                world(company)
                changes["world"] = tmp_path / "world.json"
                changes["world"].write_text(json.dumps(company))
            return running.enter_context(served(lambda url: Server(create_app(StandIn(slack_rate=0, **changes), url))))

        yield one


POLICY_IN_FORCE = read_policy(POLICY, "tests")


def settings(slack: str, **changes: str | None) -> Settings:
    given = {
        "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
        "keys": "k1:" + "a2V5" * 10 + "a2U=",
        "index_key": "aW5kZXg=",
        "slack_bot_token": "xoxb-sandbox",
        "slack_app_token": "xapp-sandbox",
        "slack_api_url": f"{slack}/slack/api/",
    }
    return Settings.model_validate(given | changes)


def told(slack: str, policy: Policy = POLICY_IN_FORCE) -> dict[str, tuple[str, str]]:
    """What is said of each thing, with its verdict."""
    return {one.about: (one.verdict, one.told) for one in look(settings(slack), policy)}


def amiss(slack: str, policy: Policy = POLICY_IN_FORCE) -> list[str]:
    """What is said of what is not well."""
    return [said for verdict, said in told(slack, policy).values() if verdict != "ok"]


def company(kind: str, which: str, **changes: object) -> Callable[[Json], None]:
    """The company, with one of its channels or groups changed."""

    def change(world: Json) -> None:
        next(one for one in world[kind] if which in (one.get("name"), one.get("handle"))).update(changes)

    return change


def test_where_all_is_well_each_thing_has_its_line_and_nothing_is_left_behind(start: Start) -> None:
    slack = start()
    with Hands(slack) as hands:
        before = hands.number()
        said = told(slack)
        assert hands.number() == before, "nothing was posted, opened or changed"
        assert hands.sockets() == 0
    assert {verdict for verdict, _ in said.values()} == {"ok"}
    departments = [*POLICY_IN_FORCE.departments.values(), POLICY_IN_FORCE.social]
    wanted = {"token", "app token", *(f"scope {scope}" for scope in SCOPES)}
    wanted |= {f"channel {desk.slack_channel}" for desk in departments} | {f"group {desk.slack_group}" for desk in departments}
    assert set(said) == wanted
    assert said["channel #lk-billing"][1] == "#lk-billing (Billing): the app is in it"
    assert said["group @billing-team"][1] == "@billing-team (Billing): 3 members"


NO_SUCH_NAME = "there is no public channel of this name. Create it, or correct the policy; a private one must stand there by its id."
CHANNELS: dict[str, tuple[Json, str]] = {
    "the app is not in it": (
        {"without_bot": True},
        "The app is not in #lk-billing (Billing): /invite @Loopkeeper there.",
    ),
    "it is archived": (
        {"archived": True},
        "#lk-billing (Billing) is archived. Unarchive it and /invite @Loopkeeper there, or put another channel into the policy.",
    ),
    "it is called otherwise": (
        {"name": "billing-cases"},
        f"#lk-billing (Billing): {NO_SUCH_NAME}",
    ),
    "it is private": (
        {"private": True},
        f"#lk-billing (Billing): {NO_SUCH_NAME}",
    ),
}


@pytest.mark.parametrize("what", CHANNELS)
def test_a_channel_that_is_not_well_is_named_with_what_to_do(start: Start, what: str) -> None:
    change, said = CHANNELS[what]
    assert amiss(start(company("channels", "lk-billing", **change))) == [said]


def test_a_private_channel_with_its_id_is_well_when_the_app_is_in_it(start: Start) -> None:
    by_id = read_policy(POLICY.replace("'#lk-billing'", "C0BILLING1"), "tests")
    assert amiss(start(company("channels", "lk-billing", private=True)), by_id) == []
    out = start(company("channels", "lk-billing", private=True, without_bot=True))
    assert amiss(out, by_id) == [
        "C0BILLING1 (Billing): the app sees no channel with this id. If it is private, /invite @Loopkeeper there; else correct the policy."
    ]


def test_a_channel_where_only_some_may_post_is_named() -> None:
    seen = {"is_member": True, "is_archived": False, "is_read_only": True}
    found = checking._judge(seen, "channel #news", "#news (Billing)", "@Loopkeeper")
    assert found == Found(
        "problem", "channel #news", "#news (Billing): the app may not post there. Change who may, in the channel's settings."
    )


def test_a_channel_for_several_is_looked_at_once(start: Start) -> None:
    shared = read_policy(POLICY.replace("'#lk-care'", "'#lk-billing'"), "tests")
    assert told(start(), shared)["channel #lk-billing"][1] == "#lk-billing (Billing, Customer Care): the app is in it"


def test_a_group_that_is_missing_or_empty_is_named(start: Start) -> None:
    assert amiss(start(company("usergroups", "billing-team", users=[]))) == [
        "@billing-team (Billing): nobody is in this user group. Add the colleagues whom a new case shall call."
    ]
    assert amiss(start(company("usergroups", "billing-team", handle="billing"))) == [
        "@billing-team (Billing): there is no such user group, so cards mention nobody. Create it, or correct the policy."
    ]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_that_was_not_granted_is_named_with_what_it_costs(start: Start, scope: str) -> None:
    said = told(start(slack_scopes=",".join(sorted(set(SCOPES) - {scope}))))
    mend = "Add it under OAuth & Permissions, Bot Token Scopes, and install the app again."
    assert said[f"scope {scope}"] == ("problem", f"The scope {scope} is not granted, so {SCOPES[scope]}. {mend}")
    assert [about for about, (verdict, _) in said.items() if verdict == "problem"] == [f"scope {scope}"], "one cause, one problem"


def test_a_scope_that_slack_only_pretends_to_grant_is_found_by_trying(start: Start) -> None:
    """The list of what was granted is not all: the calls themselves are tried."""
    slack = start(slack_scopes=",".join(sorted(set(SCOPES) - {"chat:write"})))
    client = WebClient("xoxb-sandbox", base_url=f"{slack}/slack/api/", retry_handlers=[])
    checkup = Checkup(client, POLICY_IN_FORCE)
    list(checkup.run())
    checkup._lacking.clear()
    assert [one.about for one in checkup._scopes() if one.verdict == "problem"] == ["scope chat:write"]


TOKENS: dict[str, tuple[dict[str, str | None], str]] = {
    "a wrong bot token": (
        {"slack_bot_token": "xoxb-wrong"},
        "Slack does not know the bot token. Copy it from Install App into LOOPKEEPER_SLACK_BOT_TOKEN.",
    ),
    "the app's token for the bot's": (
        {"slack_bot_token": "xapp-sandbox"},
        "LOOPKEEPER_SLACK_BOT_TOKEN is not a bot token (xoxb-…). Copy it from Install App.",
    ),
    "a wrong app token": (
        {"slack_app_token": "xapp-wrong"},
        "Slack does not know LOOPKEEPER_SLACK_APP_TOKEN. Copy it from Basic Information, App-Level Tokens.",
    ),
    "the bot's token for the app's": (
        {"slack_app_token": "xoxb-sandbox"},
        "LOOPKEEPER_SLACK_APP_TOKEN is no app-level token (xapp-…). See Basic Information, App-Level Tokens.",
    ),
    "no signing secret": (
        {"slack_app_token": None},
        "LOOPKEEPER_SLACK_SIGNING_SECRET is not set, so no button works. Copy it from Basic Information.",
    ),
}


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_that_is_not_the_right_one_is_named(start: Start, what: str) -> None:
    change, said = TOKENS[what]
    assert [one.told for one in look(settings(start(), **change), POLICY_IN_FORCE) if one.verdict != "ok"] == [said]


def test_a_slack_that_is_away_or_asks_to_wait_is_said_in_one_line(start: Start) -> None:
    slack = start()
    with Hands(slack) as hands:
        hands.fault("slack", "rate_limit", match="conversations.list")
        assert amiss(slack) == ["Slack asks us to wait. Try again in a minute."]
    (away,) = amiss("http://127.0.0.1:9")
    assert away.startswith("Slack cannot be reached: ")
    assert "refused" in away


def test_what_has_happened_since_is_found_by_the_next_look(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    slack = start()
    monkeypatch.setattr(named, "colleagues", lambda _: [Colleague("Ana Silva", "ana@private.example", "U0ANA00001", "lead of Billing")])
    with Hands(slack) as hands:
        assert amiss(slack) == []
        hands.archive("C0PRODUCT1")
        hands.remove("C0WEBSITE1")
        hands.rename("C0CARE0001", "customer-care")
        for person in ("U0ANA00001", "U0TOM00001", "U0PRIYA001", "U0KOFI0001"):
            hands.deactivate(person)
        assert amiss(slack) == [
            "#lk-product (Product) is archived. Unarchive it and /invite @Loopkeeper there, or put another channel into the policy.",
            "The app is not in #lk-website (Website): /invite @Loopkeeper there.",
            f"#lk-care (Customer Care): {NO_SUCH_NAME}",
            "@technical-team (Technical): nobody is in this user group. Add the colleagues whom a new case shall call.",
            "Ana Silva (lead of Billing): the account is deactivated. Name somebody else in the policy.",
        ]
        assert told(slack)["group @billing-team"][1] == "@billing-team (Billing): 2 members"
        hands.deactivate("U0LOOPKEEP")
        assert amiss(slack) == [
            "The bot token is no longer good. Install the app again and copy its new token into LOOPKEEPER_SLACK_BOT_TOKEN."
        ]


# --- people -----------------------------------------------------------------------------------------------------------

PEOPLE = {
    "by address": (
        Colleague("Ana Silva", "ana.silva@example.com", None, "lead of Billing"),
        "ok",
        "Ana Silva (lead of Billing): Slack knows them",
    ),
    "by id": (Colleague("Ana Silva", "ana@private.example", "U0ANA00001", "lead"), "ok", "Ana Silva (lead): Slack knows them"),
    "unknown address": (
        Colleague("Ana Silva", "ana@private.example", None, "lead"),
        "problem",
        "Ana Silva (lead): Slack has no active account with ana@private.example. Correct it, give their Slack id, or name somebody else.",
    ),
    "unknown id": (
        Colleague("Ana Silva", "ana.silva@example.com", "U0NOBODY01", "lead"),
        "problem",
        "Ana Silva (lead): Slack has no account with the id U0NOBODY01. Correct it in the policy.",
    ),
}


@pytest.mark.parametrize("what", PEOPLE)
def test_people_whom_the_policy_names_are_looked_up(start: Start, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    person, verdict, said = PEOPLE[what]
    monkeypatch.setattr(named, "colleagues", lambda _: [person])
    assert told(start())[f"person {person.email}"] == (verdict, said)


# --- the address that Slack calls -------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[str]:
    """A process that answers Slack as the API does, with the signing secret `right`."""
    handler = AsyncSlackRequestHandler(AsyncApp(client=AsyncWebClient(token="xoxb-sandbox"), signing_secret="right"))

    async def from_slack(request: Request) -> Response:
        return await handler.handle(request)

    app = Starlette(routes=[Route("/slack/events", from_slack, methods=["POST"])])
    with served(lambda _: uvicorn.Server(uvicorn.Config(app, log_level="error"))) as url:
        yield url


def at(slack: str, public_url: str, secret: str) -> tuple[str, str]:
    given = settings(slack, slack_signing_secret=secret, public_url=public_url, slack_app_token=None)
    return next((one.verdict, one.told) for one in look(given, POLICY_IN_FORCE) if one.about == "request url")


def test_the_address_is_challenged_as_slack_does(start: Start, api: str) -> None:
    slack = start()
    assert at(slack, api, "right") == ("ok", f"{api}/slack/events answers and knows the signing secret")
    assert at(slack, api, "wrong") == (
        "problem",
        f"{api}/slack/events: the API there has another signing secret. Restart it with this one.",
    )
    verdict, said = at(slack, slack, "right")
    assert (verdict, said.startswith(f"{slack}/slack/events is not there: the API runs without")) == ("problem", True)
    verdict, said = at(slack, "http://127.0.0.1:9", "right")
    assert verdict == "warning"
    assert said.startswith("http://127.0.0.1:9/slack/events cannot be tried from here: 127.0.0.1:9 cannot be reached")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://localhost", "https://10.1.2.3", "http://loopkeeper.example.com"])
def test_an_address_that_slack_cannot_call_is_named_before_slack_says_so(start: Start, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    slack = start()
    monkeypatch.setattr("cli.slack._SLACK_ITSELF", slack)
    said = f"Slack cannot call {url}: it needs https, and to be reached from the internet. Set LOOPKEEPER_PUBLIC_URL, or use Socket Mode."
    assert at(slack, url, "right") == ("problem", said)
