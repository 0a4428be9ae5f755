"""The social team at its console, with everything behind it for real: from the post to the thank-you, refusals in place, safe repeats."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from adapters.postgres.keys import NewKey
from domain.values import SYSTEM, Role, Via
from tests.browsing import NEEDS_CHROMIUM, chromium, come_in, window
from tests.e2e.conftest import SAM, WIDE_BOARD, Stage
from tests.signing_in import sent_from, signed_in

ELSEWHERE = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser, window(browser) as one:
        yield one


def has(stage: Stage, case: str, event: str) -> bool:
    return event in stage.events(case)


def accepted(stage: Stage, text: str) -> str:
    """A case that the console's visitor has."""
    case = stage.complain(text, "x", SAM)
    stage.until(lambda: has(stage, case, "handed_off"))
    taken = form(stage, case, "do", do="accept")
    assert (taken.status_code, problem(taken)) == (303, ""), (case, stage.events(case), problem(taken))
    return case


def form(stage: Stage, case: str, name: str, **fields: str) -> httpx.Response:
    return stage.http.post(f"/console/cases/{case}/{name}", data=fields, headers=stage.team())


def problem(answer: httpx.Response) -> str:
    found = re.search(r'class="problem" role="alert">([^<]*)', answer.text)
    return html.unescape(found[1]) if found else ""


def ticket(answer: httpx.Response) -> dict[str, str]:
    found = re.search(r'name="ticket" value="([^"]+)"', answer.text)
    assert found is not None, problem(answer)
    return {"ticket": html.unescape(found[1])}


@NEEDS_CHROMIUM
def test_the_social_team_brings_a_case_from_the_post_to_the_thank_you(stage: Stage, page: Page) -> None:
    come_in(page, str(stage.http.base_url).rstrip("/"))
    page.goto(f"{stage.http.base_url}".rstrip("/") + WIDE_BOARD)
    expect(page.locator("#live")).to_have_text("Live", timeout=15_000)
    case = stage.complain("You charged me for two lines, and I have one!", "x", SAM)
    link = page.locator(f'[data-case="{case}"] h3 a')
    expect(link).to_be_visible(timeout=20_000)
    stage.until(lambda: has(stage, case, "handed_off"))
    link.click()
    page.get_by_role("button", name="Accept").click(timeout=20_000)
    expect(page.get_by_text("it is yours")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Post update").click()
    page.get_by_label("Your update").fill("The second line was a slip of ours.")
    page.get_by_role("button", name="Preview").click()
    exactly = page.locator(".exactly").text_content()
    page.get_by_role("button", name="Post it").click()
    expect(page.get_by_text("Your update is on its way")).to_be_visible(timeout=20_000)
    page.get_by_role("link", name="Resolve").click()
    page.get_by_label("Root cause").select_option("billing_error")
    page.get_by_label("How was it solved?").fill("The second line is gone, and so is its charge.")
    page.get_by_role("button", name="Preview").click()
    thanks = page.locator(".exactly").text_content()
    page.get_by_role("button", name="Post it and resolve").click()
    expect(page.locator("#head .status")).to_have_text("closed", timeout=25_000)  # by itself: the page follows
    page.goto("about:blank")
    assert [reply["text"] for reply in stage.replies(case, 3)][1:] == [exactly, thanks]


def test_what_was_shown_is_posted_once_however_often_it_is_sent(stage: Stage) -> None:
    case = accepted(stage, "My bill is wrong for the third month.")
    shown = ticket(form(stage, case, "preview", saying="update", body="We are looking at all three bills."))
    answers = [form(stage, case, "send", **shown) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    stage.until(lambda: stage.events(case).count("reply_posted") == 2)
    again = form(stage, case, "preview", saying="update", body="We are looking at all three bills.")
    assert (again.status_code, "has been told this already" in problem(again)) == (422, True)
    assert stage.events(case).count("reply_planned") == 2


def test_what_has_happened_meanwhile_is_shown_before_anything_is_sent(stage: Stage) -> None:
    case = accepted(stage, "The website does not take my card.")
    shown = ticket(form(stage, case, "preview", saying="update", body="Please try another card."))
    told = {"do": "update", "text": "Our card machine is back."}
    _, key = stage.store.keys.make(NewKey("Ben Okoro", Role.SOCIAL), SYSTEM)
    assert stage.http.post(f"/api/v1/cases/{case}/commands", json=told, headers={"authorization": f"Bearer {key}"}).status_code == 200
    answer = form(stage, case, "send", **shown, body="Please try another card.")
    assert answer.status_code == 409
    assert "Since you wrote this" in answer.text
    assert "Our card machine is back." in answer.text
    assert "Please try another card." in answer.text
    assert form(stage, case, "send", **ticket(answer)).status_code == 303
    stage.until(lambda: stage.events(case).count("reply_posted") == 3)


def test_a_refusal_stands_in_its_place_with_everything_that_was_filled_in(stage: Stage) -> None:
    case = accepted(stage, "My parcel never came.")
    assert problem(form(stage, case, "do", do="accept")) == "You have this case already."
    assert problem(form(stage, case, "do", do="priority", choice="normal")) == "The priority is normal already."
    assert "Write a reason first" in problem(form(stage, case, "do", do="wait", body=" "))
    late = form(stage, case, "do", do="snooze", until="2001-01-01T09:00", body="Until they open.")
    assert "That moment is over" in problem(late)
    assert "Until they open." in late.text
    assert (
        problem(form(stage, case, "preview", saying="resolve", body="It came.")) == "Choose the root cause first: it is what we learn from."
    )
    data = form(stage, case, "preview", saying="update", body="Write to sam.okafor@example.com, please.")
    assert data.status_code == 422
    assert problem(data)
    assert "Write to sam.okafor@example.com, please." in data.text
    assert problem(form(stage, case, "settle", step="1", posted="no")) == "That reply is settled already."
    assert stage.events(case).count("reply_planned") == 1


def test_every_other_command_is_carried_out_from_its_form(stage: Stage) -> None:
    case = accepted(stage, "The app closes when I open my bill.")
    for fields in (
        {"do": "note", "body": "Seen on two phones."},
        {"do": "priority", "choice": "high"},
        {"do": "category", "choice": "technical"},
        {"do": "wait", "body": "The supplier looks into it."},
        {"do": "resume"},
        {"do": "escalate", "body": "They wait since Monday."},
        {"do": "walk_away", "body": "Threats."},
    ):
        answer = form(stage, case, "do", **fields)
        assert (answer.status_code, problem(answer)) == (303, ""), fields
    wanted = ["note_added", "priority_set", "category_set", "wait_began", "wait_ended", "escalated", "walked_away"]
    happened = stage.events(case)
    assert [kind for kind in wanted if kind not in happened] == []
    assert stage.console(f"/console/cases/{case}").text.count("walked away") > 0


def test_a_case_is_moved_and_the_customer_told_in_the_words_that_were_shown(stage: Stage) -> None:
    case = accepted(stage, "Wrong amount on my bill.")
    shown = form(stage, case, "move", department="technical", body="It is the router.", tell="1")
    assert "Technical" in shown.text
    assert form(stage, case, "send", **ticket(shown)).status_code == 303
    assert "with Technical" in stage.console(f"/console/cases/{case}").text or has(stage, case, "reassigned")
    stage.until(lambda: stage.events(case).count("reply_posted") == 2)


def test_an_admin_holds_a_case_to_another_version_of_the_policy_and_sees_first_what_that_changes(stage: Stage) -> None:
    """From the choice to what is done: refused in place where it does not fit, and done once however often it is pressed."""
    case = stage.complain("My bill has a line that I never had.", "x", SAM)
    stage.until(lambda: has(stage, case, "handed_off"))
    before = stage.store.book.active().id
    other = stage.version("high: 30 min, normal: 60 min, low", "high: 95 min, normal: 95 min, low")
    without = stage.version("  x:        {network: X", "  y:        {network: X")
    admin = signed_in(stage.http, "admin") | sent_from(stage.http)

    def holds(whom: dict[str, str] = admin, /, **fields: str) -> httpx.Response:
        return stage.http.post(f"/console/cases/{case}/policy", data=fields, headers=whom)

    shown = stage.http.get(f"/console/cases/{case}?do=policy", headers=admin).text
    assert 'action="/console/cases/' + case + '/policy"' in shown
    assert "You will see what it changes for this case before it is done." in shown
    assert "Move to another policy" not in stage.console(f"/console/cases/{case}").text, "a lead is not offered it"
    lead = holds(stage.team(), choice=other, sure=other, once="by-a-lead")
    assert (lead.status_code, problem(lead)) == (409, "Only an admin can do this.")
    for choice, status, told in (
        ("", 422, "Choose the version first."),
        ("nothing@0000000000", 422, "Choose the version first."),
        (without, 409, f"The policy {without} has no channel 'x', which this case has: y, facebook, mastodon, phone."),
        (before, 409, f"The case is held to {before} already."),
    ):
        refused = holds(choice=choice, once="refused")
        assert (refused.status_code, problem(refused)) == (status, told)
        assert 'name="choice"' in refused.text, "the form stands there again"
    assert stage.store.reader.file(case).case.policy == before
    assert not has(stage, case, "policy_moved")

    seen = holds(choice=other, once="ignored")
    assert seen.status_code == 200, problem(seen)
    assert f"From <code>{before}</code> to <code>{other}</code>." in seen.text
    assert "in place of" in seen.text, "the clock of accepting is another"
    assert "Hold it to that version" in seen.text
    assert stage.store.reader.file(case).case.policy == before, "it was only shown"
    once = re.findall(r'name="once" value="([^"]+)"', seen.text)[-1]
    pressed = [holds(choice=other, sure=other, once=once) for _ in range(2)]
    assert [(one.status_code, one.headers.get("location")) for one in pressed] == [(303, f"/console/cases/{case}?did=policy")] * 2
    assert stage.events(case).count("policy_moved") == 1
    assert stage.store.reader.file(case).case.policy == other
    page = stage.http.get(pressed[0].headers["location"], headers=admin).text
    assert "The case is held to that version of the policy now." in page
    (entry,) = (one for _, one in stage.store.records.history(case) if one.event.kind == "policy_moved")
    assert (entry.by.role, entry.by.via) == (Role.ADMIN, Via.CONSOLE)


def test_what_needs_a_second_person_waits_on_the_page_until_somebody_else_decides(stage: Stage) -> None:
    case = accepted(stage, "The router blinks and I want my money back.")
    rules = "approvals:\n  phrases: {money: [voucher]}\n"
    version = stage.version("# approvals:\n", f"{rules}# approvals:\n")
    _, admin = stage.store.keys.make(NewKey("Policy admin", Role.ADMIN), SYSTEM)
    moved = {"do": "move_policy", "policy": version}
    headers = {"authorization": f"Bearer {admin}"}
    assert stage.http.post(f"/api/v1/cases/{case}/commands", json=moved, headers=headers).status_code == 200

    def says(body: str) -> str:
        seen = form(stage, case, "preview", saying="update", body=body)
        assert "when a second person has approved it" in seen.text
        sent = form(stage, case, "send", **ticket(seen), body=body)
        assert sent.headers["location"].endswith("?did=held"), problem(sent)
        page = stage.console(f"/console/cases/{case}").text
        assert "somebody else must approve it" in page
        steps = re.findall(r'id="draft-(\d+)"', page)
        return str(steps[-1])

    step = says("We send you a voucher today.")
    turn = str(stage.store.reader.file(case).case.turn)
    own = form(stage, case, "approve", step=step, seen=turn)
    assert (own.status_code, problem(own)) == (409, "You wrote this yourself. Somebody else must approve it.")
    other = sent_from(stage.http)
    form_of = {"role": "social", "name": "Max Adler", "next": "/console"}
    signed = stage.http.post("/sign-in/local", data=form_of, headers=other)
    other["cookie"] = "; ".join(f"{name}={value}" for name, value in signed.cookies.items())
    stage.http.cookies.clear()

    def decides(name: str, **fields: str) -> httpx.Response:
        return stage.http.post(f"/console/cases/{case}/{name}", data=fields, headers=other)

    assert "Write a reason first" in problem(decides("reject", step=step))
    assert decides("reject", step=step, body="Ten pounds at most.").headers["location"].endswith("?did=rejected")
    step = says("We send you a voucher of ten pounds.")
    approved = decides("approve", step=step, seen=turn)
    assert (approved.status_code, problem(approved)) == (303, "")
    assert approved.headers["location"].endswith("?did=approved")
    stage.until(lambda: stage.events(case).count("reply_posted") == 2)
    assert problem(decides("approve", step=step, seen=turn)).startswith("This draft waits no more")


def test_a_form_of_another_site_does_nothing(stage: Stage) -> None:
    case = accepted(stage, "I was billed twice.")
    before = stage.events(case)
    for name in ("write", "preview", "send", "stop", "do", "move", "removal", "settle", "private"):
        fields = {
            "saying": "update",
            "body": "x",
            "do": "dismiss",
            "choice": "spam",
            "seen": "1",
            "step": "1",
            "posted": "no",
            "ticket": "x",
        }
        assert stage.http.post(f"/console/cases/{case}/{name}", data=fields, headers=stage.team() | ELSEWHERE).status_code == 403, name
    assert stage.http.post("/console/views", data={"name": "x"}, headers=stage.team() | ELSEWHERE).status_code == 403
    assert stage.http.post("/console/inbox/1/again", headers=stage.team() | ELSEWHERE).status_code == 403
    assert stage.events(case) == before


def test_a_ticket_is_good_for_its_own_case_only(stage: Stage) -> None:
    one, other = accepted(stage, "Double charge on my account."), accepted(stage, "No refund since March.")
    shown = ticket(form(stage, one, "preview", saying="update", body="It is on its way to you."))
    answer = form(stage, other, "send", **shown)
    assert (answer.status_code, "open for too long" in problem(answer)) == (409, True)
    assert "reply_posted" in stage.events(one)
    assert stage.events(other).count("reply_planned") == 1


def test_whoever_told_a_customer_by_phone_says_so_with_one_press_and_needs_no_link(stage: Stage) -> None:
    _, key = stage.store.keys.make(NewKey("Phone desk", Role.SOCIAL), SYSTEM)
    call = {"brand": "meridian", "channel": "phone", "text": "Called: nobody answers the hotline.", "customer": {"id": "+44 20 7946 0777"}}
    opened = stage.http.post("/api/v1/cases", json=call, headers={"authorization": f"Bearer {key}"})
    assert opened.status_code == 202, opened.text
    case = opened.json()["case_id"]
    stage.until(lambda: has(stage, case, "human_needed"))
    page = stage.http.get(f"/console/cases/{case}", headers=stage.team()).text
    assert "I have told the customer" in page
    assert 'name="permalink"' not in page
    step = re.search(r'name="step" value="(\d+)"', page)
    assert step is not None
    exactly = html.unescape(page.split('<div id="unsettled"')[1].split('<blockquote dir="auto">')[1].split("</blockquote>")[0])
    assert form(stage, case, "settle", step=step[1], posted="said").status_code == 303
    stage.until(lambda: has(stage, case, "reply_posted"))
    page = stage.http.get(f"/console/cases/{case}", headers=stage.team()).text
    assert exactly in html.unescape(page.split('id="conversation"')[1].split("</ol>")[0])

    other = accepted(stage, "My bill is wrong, and this is not the first time.")
    assert "Give the link" in problem(form(stage, other, "settle", step="1", posted="said")), "elsewhere it takes the link"
