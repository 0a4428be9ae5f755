"""The page, in a real browser: one person plays everybody."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from browser import CHROMIUM, Visitor
from playwright.sync_api import Page, expect
from sandbox_support import BOT_TOKEN, SECRET, SIGNING_SECRET, Loopkeeper, Outside, StartSandbox
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Mail
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient
from starlette.responses import HTMLResponse, Response

from sandbox.hands import Author
from sandbox.signing import channel_headers

BILLING = "C0BILLING1"
ANA = "U0ANA00001"
SAM = Author("770001", "sam", "Sam Okafor")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: no chromium, chromium-browser or google-chrome on the PATH")

HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script> \"'&amp; </textarea>"


def reply(outside: Outside, to: str, text: str, key: str = "k1", visibility: str = "public") -> None:
    raw = json.dumps({"brand": "meridian", "in_reply_to": to, "text": text, "visibility": visibility}).encode()
    headers = {**channel_headers(SECRET, key, time.time(), raw), "idempotency-key": key}
    assert urllib3.request("POST", f"{outside.url}/bridge/x/replies", body=raw, headers=headers).status == 201


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(action_id: str, label: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": plain(label), **more}


def client_of(outside: Outside) -> WebClient:
    return WebClient(token=BOT_TOKEN, base_url=outside.slack_api, retry_handlers=[], timeout=5)


def connect(outside: Outside, loopkeeper: Loopkeeper) -> App:
    """A bolt app that is Loopkeeper for Slack."""
    app = App(token=BOT_TOKEN, signing_secret=SIGNING_SECRET, client=client_of(outside))
    loopkeeper.slack = SlackRequestHandler(app).handle
    return app


class TestSquare:
    def test_a_customer_posts_and_the_brands_reply_comes_by_itself(
        self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor
    ) -> None:
        page = visitor.visit(outside.url)
        page.get_by_role("button", name=re.compile("^Mira Kowalski")).click()
        expect(page.get_by_label("You are").first).to_have_value("770002")
        expect(page.get_by_label("Your post")).to_have_value(re.compile("charged me twice"))
        page.get_by_label("Your post").fill("Charged twice @meridian, see https://meridian.example/bill.")
        page.get_by_role("button", name="Post on X").click()
        thread = page.locator(".thread").first
        expect(thread).to_contain_text("Charged twice @meridian")
        expect(thread.get_by_role("link", name="https://meridian.example/bill")).to_have_attribute("rel", "noopener noreferrer")
        (told,) = loopkeeper.wait_for(lambda one: one.path == "/webhooks/channels/x")
        data = json.loads(told.body)["data"]
        assert data["author"]["name"] == "Mira Kowalski"
        reply(outside, data["id"], "We're sorry, Mira.")
        answer = thread.get_by_role("article", name="Meridian Mobile, the brand")
        expect(answer).to_contain_text("We're sorry, Mira.")
        expect(answer).to_contain_text("Brand")

    def test_a_post_is_answered_edited_and_deleted_in_place(self, outside: Outside, visitor: Visitor) -> None:
        outside.hands.post("x", "No internet", SAM, post_id="1")
        page = visitor.visit(outside.url)
        thread = page.locator(".thread")
        thread.get_by_role("button", name="Reply").click()
        box = thread.get_by_label("Reply to Sam Okafor")
        box.fill("half writ")
        reply(outside, "1", "We're on it.")
        expect(page.locator(".post.brand")).to_be_visible()
        expect(box).to_have_value("half writ")
        expect(box).to_be_focused()
        thread.get_by_label("in private").check()
        thread.locator("form").get_by_role("button", name="Reply").click()
        expect(thread.locator(".post").nth(2)).to_contain_text("Private")
        thread.get_by_role("button", name="Edit").first.click()
        thread.get_by_label("Your post").fill("No internet since Monday")
        thread.get_by_role("button", name="Save").click()
        expect(thread.locator(".post").first).to_contain_text("No internet since Monday")
        expect(thread.locator(".post").first).to_contain_text("edited")
        thread.get_by_role("button", name="Delete").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(thread.locator(".post").first).to_contain_text("Deleted by its author.")

    def test_a_private_reply_is_marked_as_such(self, outside: Outside, visitor: Visitor) -> None:
        outside.hands.post("x", "No internet", SAM, post_id="1")
        page = visitor.visit(outside.url)
        reply(outside, "1", "Which line is it?", visibility="private")
        ours = page.get_by_role("article", name="Meridian Mobile, the brand")
        expect(ours).to_contain_text("Which line is it?")
        expect(ours).to_contain_text("Private")

    def test_somebody_can_be_played_who_takes_no_private_messages(self, outside: Outside, visitor: Visitor) -> None:
        page = visitor.visit(outside.url)
        page.get_by_label("You are").first.select_option(label="Phil Garrett (takes no private messages)")
        page.get_by_label("Your post").fill("No internet")
        page.get_by_role("button", name="Post on X").click()
        post = outside.hands.wait_for(lambda one: one.kind == "post").object
        assert (post["author"]["name"], post["author"]["private_messages"]) == ("Phil Garrett", False)

    def test_many_threads_come_fifty_at_a_time_and_each_can_be_linked_to(self, outside: Outside, visitor: Visitor) -> None:
        for number in range(61):
            outside.hands.post("x", f"post {number}", SAM, post_id=str(number))
        page = visitor.visit(f"{outside.url}/square/x/0")
        expect(page.locator('[data-post="0"]')).to_be_in_viewport()
        expect(page.locator(".thread")).to_have_count(51)
        expect(page.locator(".thread").nth(1)).to_contain_text("post 60")
        page.get_by_role("button", name="Show 11 more").click()
        expect(page.locator(".thread")).to_have_count(61)
        page.get_by_role("tab", name="X", exact=True).press("ArrowRight")
        expect(page.get_by_role("tab", name="Our forum")).to_be_focused()
        expect(page.locator(".thread")).to_have_count(0)


MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "ask",
    "title": plain("Ask the customer"),
    "submit": plain("Post publicly"),
    "blocks": [
        {
            "type": "input",
            "block_id": "words",
            "dispatch_action": True,
            "label": plain("Your question"),
            "element": {
                "type": "plain_text_input",
                "action_id": "text",
                "multiline": True,
                "max_length": 30,
                "dispatch_action_config": {"trigger_actions_on": ["on_character_entered"]},
            },
        },
        {"type": "section", "block_id": "preview", "text": {"type": "mrkdwn", "text": "nothing yet"}},
    ],
}


class TestSlack:
    def card(self, outside: Outside) -> str:
        client = client_of(outside)
        blocks: list[dict[str, Any]] = [
            {"type": "header", "text": plain("Charged twice")},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*Mira* <https://a.example|wrote> :eyes: `code` &lt;b&gt; <@U0ANA00001>"},
            },
            {
                "type": "actions",
                "block_id": "case",
                "elements": [button("ask", "Ask customer"), button("walk", "Walk away", style="danger")],
            },
        ]
        return str(client.chat_postMessage(channel=BILLING, text="card", blocks=blocks)["ts"])

    def test_a_card_is_drawn_as_slack_draws_it(self, outside: Outside, visitor: Visitor) -> None:
        self.card(outside)
        page = visitor.visit(outside.url)
        message = page.locator(".message").first
        expect(message.get_by_role("heading", name="Charged twice")).to_be_visible()
        expect(message.locator("strong", has_text="Mira")).to_be_visible()
        expect(message.get_by_role("link", name="wrote")).to_have_attribute("href", "https://a.example")
        expect(message.locator(".bk-section")).to_contain_text("Mira wrote 👀 code <b> @Ana Silva")

    def test_lines_break_and_moments_are_told_as_slack_tells_them(self, outside: Outside, visitor: Visitor) -> None:
        now = datetime.now().astimezone()
        noon = now.replace(hour=12, minute=5, second=0, microsecond=0)
        tomorrow, later = noon + timedelta(days=1), noon + timedelta(days=60)
        parts: list[dict[str, Any]] = [
            {"type": "text", "text": "Owner: nobody\nDue: "},
            {"type": "date", "timestamp": int(noon.timestamp()), "format": "{date_short_pretty} at {time}", "fallback": "noon"},
            {"type": "text", "text": "\n"},
            {"type": "date", "timestamp": int(tomorrow.timestamp()), "format": "by {date_pretty}"},
            {"type": "text", "text": "\n"},
            {"type": "date", "timestamp": int(later.timestamp()), "format": "{date_short}, {date_num}"},
        ]
        fallen = f"<!date^{int(now.timestamp()) - 7200}^{{ago}}|two hours ago> <!date^never^{{date}}|&lt;some day&gt;>"
        blocks: list[dict[str, Any]] = [
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]},
            {"type": "section", "text": {"type": "mrkdwn", "text": fallen}},
        ]
        client_of(outside).chat_postMessage(channel=BILLING, text="card", blocks=blocks)
        page = visitor.visit(outside.url)
        lines = page.locator(".bk-rich").inner_text().split("\n")
        assert lines == [
            "Owner: nobody",
            "Due: Today at 12:05 PM",
            "by tomorrow",
            f"{later:%b} {later.day}, {later:%Y-%m-%d}",
        ]
        expect(page.locator(".bk-section")).to_have_text("2 hours ago <some day>")

    def test_a_card_for_others_is_one_press_away(self, outside: Outside, visitor: Visitor) -> None:
        page = visitor.visit(outside.url)
        expect(page.get_by_text("News for others")).to_be_hidden()
        client_of(outside).chat_postMessage(channel="C0TECHNIC1", text="a mast is down")
        page.get_by_role("button", name="Tom Lindqvist 1").click()
        expect(page.locator("#messages")).to_contain_text("a mast is down")
        expect(page.get_by_text("News for others")).to_be_hidden()

    def test_a_modal_is_filled_in_with_a_live_preview_and_complains_in_place(
        self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor
    ) -> None:
        app = connect(outside, loopkeeper)
        submitted: list[str] = []

        @app.action("ask")
        def ask(ack: Any, body: Any) -> None:
            app.client.views_open(trigger_id=body["trigger_id"], view=MODAL)
            ack()

        @app.action("text")
        def typed(ack: Any, body: Any, action: Any) -> None:
            preview = {**MODAL["blocks"][1], "text": {"type": "mrkdwn", "text": f"&gt; {action['value']} – Ana"}}
            app.client.views_update(view_id=body["view"]["id"], view={**MODAL, "blocks": [MODAL["blocks"][0], preview]})
            ack()

        @app.view("ask")
        def submit(ack: Any, view: Any) -> None:
            submitted.append(view["state"]["values"]["words"]["text"]["value"])
            if "please" in submitted[-1]:
                ack()
            else:
                ack(response_action="errors", errors={"words": "Say please."})

        self.card(outside)
        page = visitor.visit(outside.url)
        page.get_by_role("button", name="Ask customer").click()
        dialog = page.get_by_role("dialog", name="Ask the customer")
        dialog.get_by_role("button", name="Post publicly").click()
        expect(dialog.get_by_role("alert").first).to_have_text("Please complete this required field.")
        box = dialog.get_by_label("Your question")
        box.press_sequentially("When was it?")
        expect(dialog.locator("blockquote")).to_have_text("When was it? – Ana")
        expect(box).to_have_value("When was it?")
        expect(box).to_be_focused()
        expect(dialog.locator(".left")).to_have_text("18")
        dialog.get_by_role("button", name="Post publicly").click()
        expect(dialog.get_by_text("Say please.")).to_be_visible()
        expect(box).to_have_value("When was it?")
        box.fill("When was it, please?")
        dialog.get_by_role("button", name="Post publicly").click()
        expect(dialog).to_have_count(0)
        page.get_by_role("button", name="Ask customer").click()
        box.press("Escape")
        expect(dialog).to_have_count(0)
        assert submitted == ["When was it?", "When was it, please?"]

    def test_an_app_that_does_not_answer_is_said_beneath_the_message(
        self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor
    ) -> None:
        loopkeeper.answer = lambda got: Response(status_code=503) if got.path != "/" else None
        self.card(outside)
        page = visitor.visit(outside.url)
        page.get_by_role("button", name="Walk away").click()
        expect(page.locator(".message .complaint")).to_have_text("This app responded with Status Code 503.")

    def test_people_see_what_is_theirs(self, outside: Outside, visitor: Visitor) -> None:
        client = client_of(outside)
        client.chat_postEphemeral(channel=BILLING, user=ANA, text="for Ana's eyes")
        client.chat_postMessage(channel="C0TECHNIC1", text="a mast is down")
        page = visitor.visit(outside.url)
        slack = page.locator("#slack")
        expect(slack.get_by_text("for Ana's eyes")).to_be_visible()
        expect(slack.get_by_text("Only visible to you")).to_be_visible()
        slack.get_by_label("You are").select_option("U0BEN00001")
        expect(slack.get_by_text("for Ana's eyes")).to_have_count(0)
        expect(slack.locator("[data-channel=C0TECHNIC1]")).to_have_count(0)
        slack.get_by_label("You are").select_option("U0TOM00001")
        expect(slack.get_by_text("a mast is down")).to_be_visible()

    def test_what_is_said_is_sent_and_threads_are_told(self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor) -> None:
        ts = self.card(outside)
        client_of(outside).chat_postMessage(channel=BILLING, text="half the time has gone", thread_ts=ts)
        page = visitor.visit(outside.url)
        page.get_by_label("Message #lk-billing").fill("hello all")
        page.get_by_label("Message #lk-billing").press("Enter")
        expect(page.locator("#messages")).to_contain_text("hello all")
        page.get_by_role("button", name=re.compile("1 reply")).click()
        thread = page.get_by_role("complementary", name="Thread")
        expect(thread).to_contain_text("half the time has gone")
        thread.get_by_label("Reply in the thread").fill("mine")
        thread.get_by_label("Reply in the thread").press("Enter")
        expect(thread.locator(".message").last).to_contain_text("mine")
        told = loopkeeper.wait_for(lambda one: b'"mine"' in one.body)[0]
        assert json.loads(told.body)["event"]["thread_ts"] == ts

    def test_the_home_is_asked_for_and_shown(self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor) -> None:
        app = connect(outside, loopkeeper)

        @app.event("app_home_opened")
        def opened(event: Any) -> None:
            app.client.views_publish(
                user_id=event["user"], view={"type": "home", "blocks": [{"type": "header", "text": plain("What is due")}]}
            )

        page = visitor.visit(outside.url)
        page.locator("[data-channel=home]").click()
        expect(page.locator("#slack").get_by_role("heading", name="What is due")).to_be_visible()

    def test_a_permalink_opens_on_its_message_and_what_is_new_elsewhere_is_counted(self, outside: Outside, visitor: Visitor) -> None:
        client = client_of(outside)
        ts = client.chat_postMessage(channel="C0TECHNIC1", text="here it is")["ts"]
        link = client.chat_getPermalink(channel="C0TECHNIC1", message_ts=str(ts))["permalink"]
        page = visitor.visit(str(link))
        expect(page.locator(f'[data-ts="{ts}"]')).to_contain_text("here it is")
        client.chat_postMessage(channel="C0ESCALATE", text="look here")
        entry = page.locator("[data-channel=C0ESCALATE]")
        expect(entry.locator(".count")).to_have_text("1")
        entry.click()
        expect(page.locator("#messages")).to_contain_text("look here")
        expect(entry.locator(".count")).to_have_count(0)


class TestTeam:
    def test_the_console_is_missed_politely_and_comes_by_itself(
        self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, visitor: Visitor
    ) -> None:
        page = visitor.visit(start_sandbox(console_url="http://127.0.0.1:9/").url)
        expect(page.get_by_text("The console is not up yet")).to_be_visible()
        loopkeeper.answer = lambda got: HTMLResponse("<h1>Open loops</h1>") if got.path == "/" else None
        framed = visitor.visit(start_sandbox(console_url=loopkeeper.url).url)
        expect(framed.frame_locator("#console iframe").get_by_role("heading", name="Open loops")).to_be_visible()

    def test_a_console_that_will_not_be_framed_is_linked(
        self, start_sandbox: StartSandbox, loopkeeper: Loopkeeper, visitor: Visitor
    ) -> None:
        policy = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}
        loopkeeper.answer = lambda got: HTMLResponse("x", headers=policy) if got.path == "/" else None
        page = visitor.visit(start_sandbox(console_url=loopkeeper.url).url)
        expect(page.get_by_role("link", name="Open it in a tab")).to_have_attribute("href", f"{loopkeeper.url}/")

    def test_a_mail_is_read_as_people_read_it(self, outside: Outside, visitor: Visitor) -> None:
        sendgrid = SendGridAPIClient(outside.settings.sendgrid_api_key)
        sendgrid.client.host = f"{outside.url}/sendgrid"
        html = f"<p style='color: rgb(255, 0, 0)'>Late: <a href='{outside.url}/square/x/1'>case 12</a></p>{HOSTILE}"
        sendgrid.send(Mail("loop@example.com", "helen.park@example.com", "Case 12 is late", "Late: case 12", html))
        page = visitor.visit(outside.url)
        page.get_by_role("tab", name=re.compile("Mailbox")).click()
        page.get_by_role("button", name=re.compile("Case 12 is late")).click()
        frame = page.frame_locator(".reading iframe")
        expect(frame.locator("p")).to_have_css("color", "rgb(255, 0, 0)")
        with page.context.expect_page() as opened:
            frame.get_by_role("link", name="case 12").click()
        assert opened.value.url.endswith("/square/x/1")
        opened.value.close()
        page.get_by_role("button", name="Plain text").click()
        expect(page.locator(".mail-text")).to_have_text("Late: case 12")
        assert "pwned" not in page.title()
        mail = outside.hands.wait_for(lambda one: one.kind == "mail" and one.object["opened_at"] is not None)
        assert mail.object["to"] == "helen.park@example.com"
        # The frame runs no script, and says so for the hostile one that was sent.
        visitor.complaints[:] = [
            one for one in visitor.complaints if "Blocked script execution" not in one and "Content Security Policy" not in one
        ]


class TestDrawer:
    def test_what_is_late_is_seen_and_hurried(self, outside: Outside, loopkeeper: Loopkeeper, visitor: Visitor) -> None:
        loopkeeper.answer = lambda got: Response(status_code=503, headers={"Retry-After": "300"}) if got.path != "/" else None
        outside.hands.post("x", "hello there", SAM)
        page = visitor.visit(outside.url)
        page.get_by_role("button", name=re.compile("Deliveries 1 waiting")).click()
        row = page.get_by_role("row", name=re.compile("post.created"))
        expect(row).to_contain_text("@sam: hello there")
        expect(row).to_contain_text("retrying")
        loopkeeper.answer = lambda _: None
        row.get_by_role("button", name="Now").click()
        expect(row).to_contain_text("delivered")

    def test_a_fault_is_set_counted_and_cleared(self, outside: Outside, visitor: Visitor) -> None:
        outside.hands.post("x", "hello", SAM, post_id="1")
        page = visitor.visit(outside.url)
        page.get_by_role("button", name=re.compile("Faults none")).click()
        page.get_by_label("What happens").select_option("fail_before")
        expect(page.locator(".fault-means")).to_have_text("Nothing is carried out, and the answer says so.")
        expect(page.get_by_role("button", name="Clear all")).to_be_hidden()
        page.get_by_label("How often").select_option("every time")
        page.get_by_role("button", name="Set", exact=True).click()
        line = page.locator("#faults li")
        expect(line).to_contain_text("Not done, answered with 500, every time")
        urllib3.request("POST", f"{outside.url}/bridge/x/replies", body=b"{}")
        expect(line).to_contain_text("struck once")
        line.get_by_role("button", name="Clear").click()
        expect(page.locator("#faults li")).to_have_count(0)
        page.keyboard.press("Escape")
        page.get_by_role("button", name=re.compile("Faults none")).press("Enter")
        expect(page.get_by_label("Who fails")).to_be_focused()


def test_whatever_anyone_writes_is_text(outside: Outside, visitor: Visitor) -> None:
    author = Author("9", HOSTILE[:40], HOSTILE)
    outside.hands.post("x", HOSTILE, author, post_id="1")
    reply(outside, "1", HOSTILE)
    client = client_of(outside)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}, "fields": [plain(HOSTILE)]},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "<javascript:document.title='pwned'|click> <https://a.example/\"onmouseover=x|&lt;b&gt;>"},
        },
        {"type": "context", "elements": [{"type": "image", "image_url": "javascript:alert(1)", "alt_text": HOSTILE}]},
        {
            "type": "actions",
            "elements": [button("a", HOSTILE[:70], value=HOSTILE), button("b", "link", url="javascript:document.title='pwned'")],
        },
    ]
    client.chat_postMessage(channel=BILLING, text=HOSTILE, blocks=blocks, username=HOSTILE)
    outside.hands.say(ANA, BILLING, HOSTILE)
    page = visitor.visit(outside.url)
    expect(page.locator(".post-text").first).to_have_text(HOSTILE)
    expect(page.locator(".bk-header").first).to_have_text(HOSTILE)
    expect(page.locator(".message").last).to_contain_text(HOSTILE)
    assert page.locator("a[href^='javascript:']").count() == 0
    assert page.locator("#square img, #square script, #slack script").count() == 0
    assert page.title() == "Meridian · Loopkeeper sandbox"
    visitor.complaints[:] = [one for one in visitor.complaints if "javascript:alert(1)" not in one]  # the picture that was refused


STICKS_OUT = """() => [...document.querySelectorAll('body *')]
    .filter((one) => document.documentElement.scrollWidth > innerWidth && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 90))"""


def settled(page: Page) -> Any:
    """What sticks out once the page has taken its new size."""
    end = time.monotonic() + 30
    while (found := page.evaluate(STICKS_OUT)) and time.monotonic() < end:
        page.wait_for_function("() => new Promise((drawn) => requestAnimationFrame(() => drawn(true)))")
    return found


def test_nothing_sticks_out_at_any_width_and_on_a_phone_the_places_are_tabs(shared: Outside, visitor: Visitor) -> None:
    page = visitor.visit(shared.url)
    long = Author("8", "w" * 60, "W" * 60)
    shared.hands.post("x", f"\u202e{HOSTILE} " + "w" * 280, long, post_id="long")
    expect(page.locator("[data-post=long]")).to_be_visible()
    for width in (1920, 1280, 1199, 900, 820, 720, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert settled(page) == [], f"at {width} pixels"
    expect(page.locator("#square")).to_be_visible()
    expect(page.locator("#slack")).to_be_hidden()
    client_of(shared).chat_postMessage(channel=BILLING, text="look here")
    to_slack = page.get_by_role("navigation", name="Places").get_by_role("button", name="Slack")
    expect(to_slack).to_have_class("news")
    to_slack.click()
    expect(to_slack).not_to_have_class("news")
    expect(page.locator("#slack")).to_be_visible()
    assert settled(page) == []
    page.set_viewport_size({"width": 1600, "height": 1000})


def test_the_page_allows_itself_nothing_from_elsewhere(shared: Outside) -> None:
    answer = urllib3.request("GET", shared.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|style=", answer.data.decode()) is None


def test_every_module_and_style_is_our_own_and_small() -> None:
    static = Path(__file__).resolve().parents[2] / "sandbox" / "page" / "static"
    for file in static.rglob("*.js"):
        text = file.read_text("utf-8")
        assert not re.search(r"from \"(?!\.)|innerHTML|insertAdjacentHTML|document\.write|eval\(", text), file.name
        assert text.count("\n") <= 400, f"{file.name} is two modules by now"
