"""Going on in private, the whole way, and what everybody can read in a customer's post: on the wire, with every part running."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from temporalio.client import Client

from adapters.keyring import Keyring
from adapters.slack import cards
from adapters.temporal import data_converter
from domain import commands as c
from domain.values import Actor, Role, Via
from sandbox.hands import Author
from tests.e2e.conftest import ANA, BILLING, SOCIAL, WIDE_BOARD, Stage, actions, quotes, texts
from tests.e2e.test_mail import handed_off, told
from workflows.contracts import Answer
from workflows.gateway import CaseGateway

BY_ANA = Actor(f"slack:{ANA}", Role.DEPARTMENT, Via.SLACK)
LINE = "Hi Sam, we've sent you a private message, so that your details stay between us. – Ana"
MESSAGE = "Hi Sam,\nwhich of your two contracts is it, and is the engineer to come to your sister in Leeds?\n– Ana"
SECRET = "The second one. My daughter Mia is in St Mary's hospital, so yes, Leeds it is."
SHOWING = "You charged me twice! Ring me at +44 7700 900123 about MM-1234567, nobody answers."
MASKED = "You charged me twice! Ring me at •••• 123 about •••• 567, nobody answers."


def somebody(name: str = "Sam Okafor") -> Author:
    """A customer of whom nobody has heard yet."""
    number = uuid.uuid4().hex[:8]
    return Author(number, f"sam_{number}", name)


def commanded(stage: Stage, case: str, command: c.Command) -> Answer:
    """Give a case a command as Slack and the API do."""
    there = stage.installation

    async def give() -> Answer:
        client = await Client.connect(there.temporal.address, data_converter=data_converter(Keyring.parse(there.secrets.keys)))
        return await CaseGateway(client, there.pace).command(case, command)

    return asyncio.run(give())


def go_private(stage: Stage, case: str) -> None:
    """Ana goes on in private."""
    stage.card(case)
    words, line = stage.store.reader.keep(case, MESSAGE, private=True), stage.store.reader.keep(case, LINE)
    assert commanded(stage, case, c.TakePrivate(f"tp-{case}", BY_ANA, line, words)).refusal is None


def thread(stage: Stage, case: str, visibility: str) -> list[dict[str, Any]]:
    """The brand's replies to a case that everybody sees, or the private ones."""
    first = case.split("-", 2)[2]
    posts = [one.object for one in stage.hands.state() if one.kind == "post"]
    return [one for one in posts if one["author"]["is_brand"] and one["thread"] == first and one["visibility"] == visibility]


def messages(stage: Stage, case: str, channel: str) -> list[dict[str, Any]]:
    """What was said of a case in a Slack channel."""
    posted = [one.object for one in stage.hands.state() if one.kind == "message" and one.object["channel"] == channel]
    keys = [((one.get("metadata") or {}).get("event_payload") or {}).get("key", "") for one in posted]
    return [one for one, key in zip(posted, keys, strict=True) if key.startswith(f"{case}:")]


def everything_outside(stage: Stage) -> str:
    """All that anybody but the customer can see: public posts, Slack, mails, deliveries."""
    return "\n".join(str(one.object) for one in stage.hands.state() if one.object.get("visibility") != "private")


def logs(stage: Stage) -> str:
    """What all parts have logged."""
    files = sorted(stage.installation.state.logs.glob("*.log*"))
    assert len(files) >= 4
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def test_what_is_written_in_private_stays_between_the_customer_and_us(stage: Stage) -> None:
    sam = somebody()
    case, reader = stage.complain(author=sam), stage.store.reader
    stage.store.people.remember(BY_ANA.person, "Ana Silva", "Ana")
    go_private(stage, case)

    stage.until(lambda: len(thread(stage, case, "public")) == 2)
    (message,) = thread(stage, case, "private")
    assert (message["text"], message["to"], message["in_reply_to"]) == (MESSAGE, sam.id, case.split("-", 2)[2])
    assert thread(stage, case, "public")[1]["text"] == LINE

    stage.hands.post("x", SECRET, sam, in_reply_to=message["id"], visibility="private")
    stage.until(lambda: "customer_wrote" in stage.events(case))
    told_so = "The customer wrote to us in private (not shown here)"
    stage.until(lambda: any(told_so in texts(one["blocks"]) for one in messages(stage, case, BILLING)))
    assert "🔒 Something was written in private" in " ".join(texts(stage.card(case, shows="🔒")["blocks"]))
    whispers = [(who, said) for who, _, said in reader.private_words(case)]
    assert whispers == [("Ana Silva", MESSAGE), (f"Sam Okafor (@{sam.handle})", SECRET)]

    assert (
        commanded(stage, case, c.Update(f"up-{case}", BY_ANA, reader.keep(case, "Thank you. It is being looked into. – Ana"))).refusal
        is None
    )
    stage.until(lambda: len(thread(stage, case, "public")) == 3)
    first = case.split("-", 2)[2]
    assert {reply["in_reply_to"] for reply in thread(stage, case, "public")} == {first}, "nothing public answers a private message"
    pages = stage.console(f"/console/cases/{case}").text + stage.console(WIDE_BOARD).text
    for seen in (everything_outside(stage), logs(stage), pages):
        for secret in ("hospital", "Leeds", "two contracts"):
            assert secret not in seen


def test_who_takes_no_private_messages_is_told_of_none_and_people_are_asked(stage: Stage) -> None:
    number = uuid.uuid4().hex[:8]
    case = stage.complain(author=Author(number, f"phil_{number}", "Phil Garrett", private_messages=False))
    go_private(stage, case)
    (call,) = stage.until(lambda: messages(stage, case, SOCIAL))
    said = " ".join(texts(call["blocks"]))
    assert "the private message was refused by the network" in said
    assert "Phil Garrett takes no private messages on X." in said
    assert "Leeds" not in everything_outside(stage)
    assert len(thread(stage, case, "public")) == 1, "the acknowledgement alone"
    form = stage.console(f"/console/cases/{case}?do=private").text
    assert "They are given the brand’s contact link in public instead" in form
    assert "Your private message" not in form, "it would be refused again"


def test_what_a_post_shows_to_everybody_is_masked_for_colleagues_and_the_social_team_can_have_it_removed(stage: Stage) -> None:
    sam = somebody()
    case = stage.complain(SHOWING, author=sam)
    card = stage.card(case)
    assert quotes(card["blocks"]) == [MASKED]
    (call,) = stage.until(lambda: messages(stage, case, SOCIAL))
    assert actions(call) == [cards.ASK_REMOVAL]
    assert quotes(call["blocks"]) == [MASKED]
    assert "everybody can read a phone number and an order number in this post" in " ".join(texts(call["blocks"]))
    first = case.split("-", 2)[2]
    stage.hands.edit("x", first, SHOWING + " Please!")
    edited = stage.until(lambda: [m for m in messages(stage, case, BILLING) if MASKED + " Please!" in quotes(m["blocks"])])
    assert len(edited) == 1

    slack = "\n".join(str(one.object) for one in stage.hands.state() if one.kind in ("message", "view"))
    assert "900123" not in slack
    assert "900123" not in logs(stage)
    assert "+44 7700 900123" in stage.console(f"/console/cases/{case}").text, "who is signed in reads it whole"


def test_the_mail_to_a_department_is_masked_and_so_is_the_page_behind_its_link(stage: Stage) -> None:
    _, mail = handed_off(stage, SHOWING, somebody())
    assert MASKED in mail["text"]
    assert "900123" not in str(mail)
    link = next(part for part in mail["text"].split() if "/desk/" in part)
    page = stage.http.get(link)
    assert MASKED in told(page)
    assert "900123" not in page.text
    preview = stage.http.post(f"{link}/preview", data={"name": "Kim", "saying": "update", "body": "We ring you at +44 7700 900123."})
    assert "Your text shows what looks like a phone number. Everybody could read it." in told(preview)
