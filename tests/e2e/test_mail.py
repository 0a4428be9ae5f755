"""When Slack is away, the department works from an e-mail. SendGrid's client is the real one; the mailbox is the stand-in's."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import httpx
import pytest
from itsdangerous import TimestampSigner

from adapters.keyring import Keyring
from adapters.links import VALID_SECONDS, Links
from adapters.postgres.keys import NewKey
from domain.values import SYSTEM, Role
from sandbox.hands import Author
from sandbox.signing import EventWebhookKey
from tests.e2e.conftest import COMPLAINT, SAM, Stage
from tests.e2e.test_desk import HOSTILE


def handed_off(stage: Stage, text: str = COMPLAINT, author: Author = SAM, channel: str = "x") -> tuple[str, dict[str, Any]]:
    """A case that Slack did not take for five minutes, and the department's mail."""
    stage.hands.fault("slack", "down")
    case = stage.complain(text, channel, author)
    mail = stage.hands.wait_for(lambda c: c.kind == "mail" and c.object["custom_args"]["loopkeeper_effect"].startswith(f"{case}:"), 30)
    stage.hands.clear_faults()
    return case, mail.object


def link_in(mail: dict[str, Any]) -> str:
    (link,) = re.findall(r"http://\S+(/desk/\S+)", mail["text"])
    assert html.escape(link) in mail["html"]
    return str(link)


def told(answer: httpx.Response) -> str:
    """What a page says, as a browser shows it."""
    return html.unescape(re.sub(r"<[^>]+>", "", answer.text))


@pytest.fixture(scope="module")
def one() -> dict[str, Any]:
    return {}


@pytest.fixture
def mailed(stage: Stage, one: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """One case for the tests that change nothing."""
    if not one:
        one["case"], one["mail"] = handed_off(stage, HOSTILE + " charged me twice", Author("67", "mallory", "<b>M</b>"), "facebook")
    return one["case"], one["mail"]


def test_a_handoff_that_slack_does_not_take_for_five_minutes_goes_by_mail_and_later_to_slack_too(stage: Stage) -> None:
    case, mail = handed_off(stage)
    assert (mail["to"], COMPLAINT in mail["text"], COMPLAINT in mail["html"]) == ("billing@example.com", True, True)
    assert COMPLAINT not in mail["subject"]
    assert stage.events(case).count("handoff_mailed") == 1
    assert stage.card(case)["channel"] == "C0BILLING1"


def test_the_department_accepts_updates_and_resolves_by_the_link_and_sees_the_exact_words_first(stage: Stage) -> None:
    case, mail = handed_off(stage)
    link = link_in(mail)
    page = stage.http.get(link)
    assert (page.status_code, COMPLAINT in told(page), "Accept the case" in page.text) == (200, True, True)
    assert "accepted" not in stage.events(case), "opening it changes nothing (mail scanners open every link)"

    accepted = stage.http.post(f"{link}/accept", data={"name": " Kim  Park "})
    assert "You have this case now." in told(accepted)
    assert "Owner: Kim Park" in told(accepted)

    for saying, body, cause in (("update", "The bank has been told.", ""), ("resolve", "It is paid back.", "billing_error")):
        before = len(stage.replies(case, 1))
        preview = stage.http.post(f"{link}/preview", data={"name": "Kim Park", "saying": saying, "body": body, "cause": cause})
        (shown,) = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", preview.text, re.DOTALL)
        assert f"{len(html.unescape(shown))} of 280 characters, as X counts them." in told(preview)
        (ticket,) = re.findall(r'name="ticket" value="([^"]+)"', preview.text)
        for _ in range(2):
            posted = stage.http.post(f"{link}/post", data={"ticket": html.unescape(ticket)})
            assert "is on its way to the customer." in told(posted)
        assert [reply["text"] for reply in stage.replies(case, before + 1)][before:] == [html.unescape(shown)]
    stage.until(lambda: stage.events(case)[-1] == "closed")
    assert "There is nothing more for you to do here." in told(stage.http.get(link))
    refused = stage.http.post(f"{link}/accept", data={"name": "Lee"})
    assert (refused.status_code, "This case is closed already." in told(refused)) == (409, True)


def test_by_the_link_too_what_needs_a_second_person_waits_and_says_so(stage: Stage) -> None:
    case, mail = handed_off(stage)
    ours = stage.version("\nadmins:", "\napprovals: {phrases: {money: [refund*]}}\nadmins:")
    admin = stage.store.keys.make(NewKey("Tom", Role.ADMIN), SYSTEM)[1]
    moved = stage.http.post(
        f"/api/v1/cases/{case}/commands", json={"do": "move_policy", "policy": ours}, headers={"authorization": f"Bearer {admin}"}
    )
    assert moved.status_code == 200, moved.text
    written = {"name": "Kim Park", "saying": "update", "body": "You will be refunded.", "cause": ""}
    preview = stage.http.post(f"{link_in(mail)}/preview", data=written)
    waits = "It goes out when a second person has approved it: words of money (refund*)."
    assert waits in told(preview)
    (ticket,) = re.findall(r'name="ticket" value="([^"]+)"', preview.text)
    for _ in range(2):
        assert waits in told(stage.http.post(f"{link_in(mail)}/post", data={"ticket": html.unescape(ticket)}))
    assert stage.events(case).count("draft_held") == 1
    assert len(stage.replies(case, 1)) == 1
    (draft,) = stage.store.reader.file(case).case.held
    reject = {"do": "reject", "step": draft.step, "text": "Not yet."}
    done = stage.http.post(f"/api/v1/cases/{case}/commands", json=reject, headers={"authorization": f"Bearer {admin}"})
    assert done.status_code == 200, done.text
    again = stage.http.post(f"{link_in(mail)}/post", data={"ticket": html.unescape(ticket)})
    assert "A second person has decided on it" in told(again)
    assert "Tom did not approve Kim Park's update" in told(again)


def test_hostile_text_appears_as_text_in_the_mail_and_on_the_page(stage: Stage, mailed: tuple[str, dict[str, Any]]) -> None:
    _, mail = mailed
    assert HOSTILE in mail["text"]
    assert html.escape(HOSTILE, quote=True) in mail["html"]
    page = stage.http.get(link_in(mail))
    assert "<script>alert" not in page.text
    assert HOSTILE in told(page)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


WITHOUT_A_NAME = {"accept": {"name": " "}, "preview": {"name": "\x00", "saying": "update", "body": "News."}}


@pytest.mark.parametrize("what", WITHOUT_A_NAME)
def test_nobody_acts_without_a_name(stage: Stage, mailed: tuple[str, dict[str, Any]], what: str) -> None:
    case, mail = mailed
    answer = stage.http.post(f"{link_in(mail)}/{what}", data=WITHOUT_A_NAME[what])
    assert (answer.status_code, "Please give your first name" in told(answer)) == (422, True)
    assert "accepted" not in stage.events(case)


def test_a_form_that_another_site_sends_is_refused(stage: Stage, mailed: tuple[str, dict[str, Any]]) -> None:
    case, mail = mailed
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = stage.http.post(f"{link_in(mail)}/accept", data={"name": "Kim"}, headers=headers)
        assert (answer.status_code, "another site" in answer.json()["detail"]) == (403, True)
    assert "accepted" not in stage.events(case)


POSTS = {"accept": {"name": "Kim"}, "preview": {"name": "Kim", "saying": "update", "body": "News."}, "post": {"ticket": "x"}}


@pytest.mark.parametrize("what", ["", *POSTS])
def test_a_link_that_was_tampered_with_is_refused_with_a_sentence(stage: Stage, mailed: tuple[str, dict[str, Any]], what: str) -> None:
    case, mail = mailed
    token = link_in(mail).removeprefix("/desk/")
    payload, rest = token.split(".", 1)
    for bad in (token[:-2], payload[:-1] + "A." + rest, "x", token + "%00", f"{payload}.{'A' * 500}"):
        address = f"/desk/{bad}"
        answer = stage.http.post(f"{address}/{what}", data=POSTS[what]) if what else stage.http.get(address)
        assert (answer.status_code, "This link is not complete." in told(answer)) == (410, True), bad
    assert "accepted" not in stage.events(case)


def test_a_link_is_good_for_fourteen_days(stage: Stage, mailed: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = mailed
    links = Links(Keyring.parse(stage.installation.secrets.keys), "")
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - VALID_SECONDS + 60)
    assert stage.http.get(links.make(case, "billing")).status_code == 200
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: int(time.time()) - VALID_SECONDS - 60)
    for answer in (
        stage.http.get(links.make(case, "billing")),
        stage.http.post(links.make(case, "billing") + "/accept", data={"name": "Kim"}),
    ):
        assert (answer.status_code, "This link is older than 14 days. Ask the social team" in told(answer)) == (410, True)


def test_a_preview_belongs_to_its_link(stage: Stage, mailed: tuple[str, dict[str, Any]]) -> None:
    _, mail = mailed
    preview = stage.http.post(f"{link_in(mail)}/preview", data={"name": "Kim", "saying": "update", "body": "News."})
    (ticket,) = re.findall(r'name="ticket" value="([^"]+)"', preview.text)
    other = Links(Keyring.parse(stage.installation.secrets.keys), "").make(stage.complain(), "billing")
    answer = stage.http.post(f"{other}/post", data={"ticket": html.unescape(ticket)})
    assert (answer.status_code, "Go back to the case and write it again." in told(answer)) == (410, True)


def test_a_mail_whose_answer_was_lost_is_settled_by_sendgrids_event_and_not_sent_twice(stage: Stage) -> None:
    stage.hands.fault("mail", "lose_answer", count=1)
    case, mail = handed_off(stage)
    stage.until(lambda: "handoff_delivered" in stage.events(case), 40)
    mails = [c.object for c in stage.hands.state() if c.kind == "mail" and c.object["custom_args"] == mail["custom_args"]]
    assert len(mails) == 1


def test_only_sendgrid_tells_what_became_of_a_mail(stage: Stage) -> None:
    body = json.dumps([{"event": "delivered", "loopkeeper_effect": "nobody-x-1:1:1", "sg_message_id": "m"}]).encode()
    genuine = EventWebhookKey(stage.installation.secrets.sendgrid_webhook_private)

    def status(headers: dict[str, str], body: bytes = body) -> int:
        told = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return stage.http.post("/webhooks/sendgrid", content=body, headers=told).status_code

    signed = genuine.headers(time.time(), body)
    assert status(signed) == 204
    assert status(signed, body.replace(b"delivered", b"dropped")) == 401
    assert status(genuine.headers(time.time() - 7200, body)) == 401
    assert status({}) == 401
    assert status({**signed, "X-Twilio-Email-Event-Webhook-Signature": "bm9uZQ=="}) == 401
    assert status({**signed, "X-Twilio-Email-Event-Webhook-Timestamp": "²"}) == 401
    assert status(genuine.headers(time.time(), b"[" * 10_000), b"[" * 10_000) == 422
    odd = json.dumps([1, None, {"event": ["x"], "loopkeeper_effect": "\0"}, {"event": "delivered", "loopkeeper_effect": "a\0b"}]).encode()
    assert status(genuine.headers(time.time(), odd), odd) == 204
