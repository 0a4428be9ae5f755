"""The mailbox, written to by SendGrid's own client and read by SendGrid's own verifier."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3
from python_http_client.exceptions import BadRequestsError, HTTPError, UnauthorizedError
from sandbox_support import API_KEY, Loopkeeper, Outside, StartSandbox
from sendgrid import SendGridAPIClient
from sendgrid.helpers.eventwebhook import EventWebhook
from sendgrid.helpers.mail import Category, CustomArg, Mail

Json = dict[str, Any]
HELEN = "helen.park@example.com"


def client_of(outside: Outside, key: str = API_KEY) -> SendGridAPIClient:
    client = SendGridAPIClient(key)
    client.client.host = f"{outside.url}/sendgrid"
    client.client.timeout = 5
    return client


def letter(to: Any = HELEN, **more: Any) -> Mail:
    content = {"plain_text_content": "Case 12 is late.", "html_content": "<p>Case <b>12</b> is late.</p>"}
    mail = Mail(from_email=("loop@example.com", "Loopkeeper"), to_emails=to, subject="Case 12 is late", **{**content, **more})
    mail.add_custom_arg(CustomArg("case", "12"))
    mail.add_category(Category("escalation"))
    return mail


def mails(outside: Outside) -> list[Json]:
    return [one.object for one in outside.hands.state() if one.kind == "mail"]


def events(loopkeeper: Loopkeeper, count: int) -> list[Any]:
    got = loopkeeper.wait_for(lambda one: one.path == "/webhooks/sendgrid", count)
    return [event for one in got for event in json.loads(one.body)]


def test_a_letter_lands_in_the_inbox_whole(outside: Outside) -> None:
    answer = client_of(outside).send(letter())
    (mail,) = mails(outside)
    assert (answer.status_code, answer.headers["X-Message-Id"]) == (202, mail["message_id"])
    assert (mail["to"], mail["sender"], mail["sender_name"], mail["subject"]) == (
        HELEN,
        "loop@example.com",
        "Loopkeeper",
        "Case 12 is late",
    )
    assert (mail["text"], mail["html"]) == ("Case 12 is late.", "<p>Case <b>12</b> is late.</p>")
    assert (mail["custom_args"], mail["categories"]) == ({"case": "12"}, ["escalation"])


def test_each_recipient_has_a_mail_of_their_own(outside: Outside) -> None:
    client_of(outside).send(letter([HELEN, "ana.silva@example.com"]))
    assert {mail["to"] for mail in mails(outside)} == {HELEN, "ana.silva@example.com"}


def test_its_fate_is_told_signed_with_the_custom_arguments_beside(
    outside: Outside, loopkeeper: Loopkeeper, webhook_keys: tuple[str, str]
) -> None:
    client_of(outside).send(letter())
    (got,) = loopkeeper.wait_for(lambda one: one.path == "/webhooks/sendgrid")
    verifier = EventWebhook(webhook_keys[1])
    signature, timestamp = (got.headers[f"x-twilio-email-event-webhook-{part}"] for part in ("signature", "timestamp"))
    assert verifier.verify_signature(got.body.decode(), signature, timestamp)
    assert not verifier.verify_signature(got.body.decode() + " ", signature, timestamp)
    processed, delivered = json.loads(got.body)
    assert (processed["event"], delivered["event"], processed["case"], processed["email"]) == ("processed", "delivered", "12", HELEN)
    assert processed["sg_event_id"] != delivered["sg_event_id"]
    assert processed["sg_message_id"].startswith(mails(outside)[0]["message_id"])


def test_opening_and_bouncing_are_told_once(outside: Outside, loopkeeper: Loopkeeper) -> None:
    client_of(outside).send(letter())
    (mail,) = mails(outside)
    for _ in range(2):
        assert outside.hands.open_mail(mail["id"])["opened_at"]
        assert outside.hands.bounce_mail(mail["id"])["bounced_at"]
    told = events(loopkeeper, 3)
    assert [one["event"] for one in told] == ["processed", "delivered", "open", "bounce"]
    assert (told[3]["type"], told[3]["status"]) == ("bounce", "5.1.1")


def test_without_a_key_nothing_is_told(start_sandbox: StartSandbox, loopkeeper: Loopkeeper) -> None:
    outside = start_sandbox(sendgrid_webhook_key=None)
    client_of(outside).send(letter())
    assert [one for one in outside.hands.state() if one.kind == "delivery"] == []
    assert loopkeeper.received == []


def test_another_key_is_not_taken(shared: Outside) -> None:
    with pytest.raises(UnauthorizedError) as refused:
        client_of(shared, "SG.another").send(letter())
    assert refused.value.to_dict["errors"][0]["message"] == "The provided authorization grant is invalid, expired, or revoked"


def test_the_clients_other_calls_work_or_are_refused_politely(shared: Outside) -> None:
    assert "mail.send" in client_of(shared).client.scopes.get().to_dict["scopes"]
    with pytest.raises(HTTPError) as refused:
        client_of(shared).client.templates.get()
    assert refused.value.status_code == 404


def test_sendgrids_own_rehearsal_sends_nothing(outside: Outside) -> None:
    body = {**letter().get(), "mail_settings": {"sandbox_mode": {"enable": True}}}
    assert client_of(outside).send(body).status_code == 200
    assert mails(outside) == []


def body_with(**changes: Any) -> Json:
    body: Json = {**letter().get(), **changes}
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (body_with(**{"from": None}), "from.email", "The from object must be provided"),
        (body_with(**{"from": {"email": "nobody"}}), "from.email", "Does not contain a valid address."),
        (body_with(personalizations=None), "personalizations", "at least one personalization"),
        (body_with(personalizations=[{"to": []}]), "personalizations.0.to", "The to array is required"),
        (body_with(personalizations=[{"to": [{"email": "a@b@c"}]}]), "personalizations.0.to.0.email", "Does not contain a valid address."),
        (
            body_with(personalizations=[{"to": [{"email": HELEN}], "cc": [{"email": HELEN.upper()}]}]),
            "personalizations.0",
            "should be unique between to, cc, and bcc",
        ),
        (body_with(personalizations=[{"to": [{"email": f"{n}@example.com"} for n in range(1001)]}]), "personalizations", "limit of 1000"),
        (body_with(subject=""), "subject", "The subject is required."),
        (body_with(content=None), "content", "the content parameter is required"),
        (body_with(content=[{"type": "text/plain", "value": ""}]), "content.0.value", "at least one character"),
        (body_with(content=[{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]), "content", "must be the first"),
        (body_with(custom_args={"n": 7}), "custom_args", "must be strings"),
        (body_with(headers={"Subject": "x"}), "headers.Subject", "is reserved"),
        (body_with(categories=["x"] * 11), "categories", "at most 10"),
        (body_with(personalizations="all"), "personalizations", "array of objects"),
    ],
)
def test_what_sendgrid_does_not_take_is_refused_in_its_shape(shared: Outside, body: Json, field: str, words: str) -> None:
    with pytest.raises(BadRequestsError) as refused:
        client_of(shared).send(body)
    errors = refused.value.to_dict["errors"]
    assert {"message", "field", "help"} == set(errors[0])
    assert any(error["field"] == field and words in error["message"] for error in errors), errors


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"x" * 31_500_000, "application/json", 413),
    ],
    ids=["broken", "a list", "not json", "too large"],
)
def test_what_is_no_letter_at_all_is_refused(shared: Outside, body: bytes, content_type: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": content_type}
    answer = urllib3.request("POST", f"{shared.url}/sendgrid/v3/mail/send", body=body, headers=headers)
    assert (answer.status, "errors" in answer.json()) == (status, True)


def test_a_mail_is_shown_where_it_can_do_no_harm(outside: Outside) -> None:
    client_of(outside).send(letter(html_content="<script>parent.alert(1)</script><a href='https://a.example'>case</a>"))
    page = urllib3.request("GET", f"{outside.url}/mail/{mails(outside)[0]['id']}")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert page.data.decode().startswith('<!doctype html><base target="_blank">')
