"""The REST API against the whole installation: what programs read and do, and what they are told when they may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from adapters.postgres.keys import NewKey
from domain.commands import WAITS_ALREADY
from domain.values import SYSTEM, Role
from tests.e2e.conftest import COMPLAINT, SAM, Stage

Call = Callable[..., httpx.Response]
PHONE = {
    "brand": "meridian",
    "channel": "phone",
    "text": "Called: third day without internet, nobody answers the hotline.",
    "customer": {"id": "+44 20 7946 0000", "name": "Sam Okafor"},
}


@pytest.fixture(scope="session")
def secrets() -> dict[str, str]:
    return {}


@pytest.fixture
def key(stage: Stage, secrets: dict[str, str]) -> str:
    """The key of a program that acts for the social team."""
    if "social" not in secrets:
        secrets["social"] = stage.store.keys.make(NewKey("the tests", Role.SOCIAL), SYSTEM)[1]
    return secrets["social"]


@pytest.fixture
def call(stage: Stage, key: str) -> Call:
    """A request by that program."""

    def call(method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        told = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return stage.http.request(method, f"/api/v1{path}", json=json, headers=told)

    return call


@pytest.fixture
def case(stage: Stage) -> str:
    """A case that is acknowledged and on its department's desk."""
    case = stage.complain()
    stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    return case


def problem(answer: httpx.Response) -> tuple[int, str]:
    """A refusal: always problem details, with a sentence."""
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code
    assert (told["type"], bool(told["title"])) == ("about:blank", True)
    return answer.status_code, str(told["detail"])


def test_a_phone_call_becomes_a_case_whose_acknowledgement_a_person_is_asked_to_say(stage: Stage, call: Call) -> None:
    opened = call("POST", "/cases", PHONE)
    assert (opened.status_code, opened.json()["duplicate"]) == (202, False)
    case = opened.json()["case_id"]
    stage.until(lambda: call("GET", f"/cases/{case}").status_code == 200)
    read = call("GET", f"/cases/{case}").json()
    assert (read["text"], read["channel"], read["customer"], read["intent"]) == (PHONE["text"], "phone", "Sam Okafor", "complaint")
    stage.until(lambda: "human_needed" in stage.events(case))
    assert any("tell the customer yourself" in str(line["told"]) for line in call("GET", f"/cases/{case}/history").json()["events"])


def test_a_post_that_no_bridge_told_of_is_one_case_however_often_it_is_sent(stage: Stage, call: Call) -> None:
    post = {**PHONE, "channel": "x", "post_id": "by.hand.1", "url": "https://x.example/sam/1"}
    answers = [call("POST", "/cases", post).json() for _ in range(3)]
    assert [answer["duplicate"] for answer in answers] == [False, True, True]
    assert {answer["case_id"] for answer in answers} == {"meridian-x-by.hand.1"}


def test_a_case_and_its_history_are_read_whole_and_verified(call: Call, case: str) -> None:
    read = call("GET", f"/cases/{case}").json()
    assert (read["case_id"], read["status"], read["department"], read["owner"]) == (case, "handed_off", "billing", None)
    assert [clock["name"] for clock in read["clocks"]] == sorted(
        (clock["name"] for clock in read["clocks"]), key=lambda name: next(c["due_at"] for c in read["clocks"] if c["name"] == name)
    )
    history = call("GET", f"/cases/{case}/history").json()
    assert history["verified"]
    assert [event["seq"] for event in history["events"]] == list(range(1, len(history["events"]) + 1))
    assert (history["events"][0]["kind"], history["events"][0]["words"]) == ("opened", COMPLAINT)


def test_a_dry_run_shows_the_exact_words_and_does_nothing(stage: Stage, call: Call, case: str) -> None:
    before = stage.events(case)
    shown = call("POST", f"/cases/{case}/commands", {"do": "update", "text": "The bank has been told.", "dry_run": True}).json()
    assert (shown["done"], shown["public"]["limit"], shown["public"]["parts"]) == (False, 280, [shown["public"]["text"]])
    assert shown["public"]["length"] == len(shown["public"]["text"])
    assert stage.events(case) == before
    exactly = {"do": "update", "text": "The bank has been told.", "promise": shown["public"]["promise"]}
    done = call("POST", f"/cases/{case}/commands", exactly).json()
    assert stage.replies(case, 2)[1]["text"] == done["public"]["text"] == shown["public"]["text"]


def test_the_same_command_under_the_same_key_is_carried_out_once_and_answered_alike(stage: Stage, call: Call, case: str) -> None:
    command = {"do": "update", "text": "The bank has been told."}
    first, again = (call("POST", f"/cases/{case}/commands", command, idempotency_key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["public"] == first.json()["public"]
    other = call("POST", f"/cases/{case}/commands", {**command, "text": "The bank has answered."}, idempotency_key="k-2")
    assert other.status_code == 200
    replies = [reply["text"] for reply in stage.replies(case, 3)]
    assert len(replies) == 3
    assert replies[1:] == [first.json()["public"]["text"], other.json()["public"]["text"]]
    repeated = call("POST", f"/cases/{case}/commands", command, idempotency_key="k-3")
    assert (repeated.status_code, repeated.json()["code"]) == (409, "said_already")
    late = call("POST", f"/cases/{case}/commands", command, idempotency_key="k-1")
    assert (late.status_code, late.json()["public"]) == (200, first.json()["public"])


def test_every_command_is_done_or_refused_with_a_reason_and_a_word_for_programs(stage: Stage, call: Call, case: str) -> None:
    def do(**command: object) -> tuple[int, str | None]:
        answer = call("POST", f"/cases/{case}/commands", command)
        if answer.status_code != 200:
            assert len(problem(answer)[1]) > 10
        return answer.status_code, answer.json().get("code")

    assert do(do="resolve", text="Paid back.", root_cause="billing_error") == (409, "nobody_has_it")
    assert do(do="accept") == (200, None)
    assert do(do="accept") == (409, "yours_already")
    assert do(do="note", text="Only for us.") == (200, None)
    assert do(do="set_priority", priority="urgent") == (200, None)
    assert do(do="set_priority", priority="urgent") == (409, "no_change")
    assert do(do="set_category", category="gardening") == (409, "unknown_category")
    assert do(do="reassign", department="gardening") == (409, "unknown_department")
    assert do(do="waive_thank_you", text="No need.") == (409, "nothing_to_waive")
    assert do(do="settle_reply", step=10**30, posted=True) == (409, "nothing_to_settle")
    assert do(do="reopen") == (409, "open_already")
    assert do(do="resolve", text="Paid back.", root_cause="gardening") == (409, "unknown_root_cause")
    assert do(do="resolve", text="Paid back.", root_cause="billing_error") == (200, None)
    stage.until(lambda: stage.events(case)[-1] == "closed")
    assert do(do="update", text="One more thing.") == (409, "already_closed")
    assert do(do="reopen") == (200, None)
    assert do(do="dismiss", reason="duplicate") == (200, None)
    assert do(do="note", text="Too late.") == (409, "over")


# --- what there is to do with a case that takes longer ----------------------------------------------------------------


@pytest.fixture
def accepted(call: Call, case: str) -> str:
    """A case that has an owner."""
    assert call("POST", f"/cases/{case}/commands", {"do": "accept"}).status_code == 200
    return case


@pytest.fixture
def colleague(stage: Stage) -> Callable[[str, Role], Call]:
    """Requests by somebody else's program."""

    def calls_of(name: str, role: Role = Role.SOCIAL) -> Call:
        departments = frozenset({"billing"}) if role is Role.DEPARTMENT else frozenset[str]()
        headers = {"authorization": f"Bearer {stage.store.keys.make(NewKey(name, role, None, departments), SYSTEM)[1]}"}
        return lambda method, path, json=None: stage.http.request(method, f"/api/v1{path}", json=json, headers=headers)

    return calls_of


def doing(call: Call, case: str) -> Callable[..., Any]:
    """Commands to that case: what is answered, or the word for programs and the sentence when it is refused."""

    def do(**command: object) -> Any:
        answer = call("POST", f"/cases/{case}/commands", command)
        return answer.json() if answer.status_code == 200 else (answer.json().get("code"), problem(answer)[1])

    return do


def loop_time(stage: Stage, **later: float) -> str:
    """A moment by the installation's time, which runs fast."""
    return (stage.installation.pace.loop_time(datetime.now(UTC)) + timedelta(**later)).isoformat()


def test_a_case_is_snoozed_for_a_while_and_woken(stage: Stage, call: Call, case: str) -> None:
    do = doing(call, case)
    tomorrow = loop_time(stage, days=1)
    assert do(do="snooze", until=tomorrow)[0] == "nobody_has_it"
    assert do(do="accept")["done"]
    assert do(do="snooze", until="2020-01-01T00:00:00Z")[0] == "in_the_past"
    assert do(do="snooze", until=loop_time(stage, days=30)) == (
        "too_long",
        "A case can be snoozed for 3 d at most. Choose an earlier moment.",
    )
    assert do(do="snooze", until=tomorrow, text="The bank is closed.")["done"]
    shown = datetime.fromisoformat(call("GET", f"/cases/{case}").json()["snoozed_until"])
    assert shown == datetime.fromisoformat(tomorrow)
    assert do(do="resume")["done"]
    assert call("GET", f"/cases/{case}").json()["snoozed_until"] is None
    assert do(do="resume")[0] == "nothing_waits"


def test_while_a_third_party_is_waited_for_only_the_resolve_clock_stands_still(stage: Stage, call: Call, accepted: str) -> None:
    do = doing(call, accepted)
    assert do(do="wait_on_third_party", text="The bank.", until="9999-12-31T23:59:59Z")[0] == "too_long"
    until = loop_time(stage, days=2)
    assert do(do="wait_on_third_party", text="The bank has to confirm it.", until=until)["status"] == "waiting_on_third_party"
    assert do(do="wait_on_third_party", text="Still the bank.")[0] == "waits_already"
    read = call("GET", f"/cases/{accepted}").json()
    assert datetime.fromisoformat(read["waiting_on_third_party"]["until"]) == datetime.fromisoformat(until)
    assert {clock["name"]: clock["paused"] for clock in read["clocks"]} == {"resolve": True, "holding_update": False}
    assert do(do="resume")["status"] == "in_progress"
    assert call("GET", f"/cases/{accepted}").json()["waiting_on_third_party"] is None


def test_each_call_up_the_chain_goes_to_the_next_one_until_there_is_nobody_left(stage: Stage, call: Call, case: str) -> None:
    do = doing(call, case)
    for reason in ("The press asks.", "And again.", None):
        assert do(do="escalate_now", **({"text": reason} if reason else {}))["done"]
    assert do(do="escalate_now")[0] == "top_of_the_chain"
    history = call("GET", f"/cases/{case}/history").json()["events"]
    calls = [(event["data"]["to"], event["words"]) for event in history if event["kind"] == "escalated"]
    assert calls == [("lead", "The press asks."), ("head", "And again."), ("duty_manager", None)]
    stage.until(lambda: stage.events(case).count("escalation_delivered") == 3)


def test_abuse_is_walked_away_from_once_a_lead_says_so(call: Call, colleague: Callable[[str, Role], Call], case: str) -> None:
    do = doing(call, case)
    assert do(do="walk_away", text="Threats, three times now.")["status"] == "handed_off"
    assert do(do="walk_away", text="Once more.")[0] == "proposed_already"
    lead = doing(colleague("Sofia Marin", Role.LEAD), case)
    assert lead(do="walk_away", text="Confirmed.")["status"] == "walked_away"
    assert do(do="update", text="One more thing.")[0] == "over"


def test_private_details_are_asked_for_in_private_and_in_public_stands_one_line(stage: Stage, call: Call, case: str) -> None:
    do = doing(call, case)
    wanted = {"do": "take_private", "text": "Please tell us the last four digits of the card."}
    shown = do(**wanted, dry_run=True)["public"]
    assert "private" in shown["text"] or "direct message" in shown["text"]
    assert wanted["text"] in shown["private"]
    assert wanted["text"] not in shown["text"]
    assert do(**wanted)["public"]["private"] == shown["private"]
    stage.until(lambda: {"private", "went_private"} <= {event["data"].get("purpose") for event in posted(call, case)})
    posts = [change.object for change in stage.hands.state() if change.kind == "post" and change.object["author"]["is_brand"]]
    assert [post["visibility"] for post in posts if post["text"] == shown["private"]] == ["private"]
    assert [post["visibility"] for post in posts if post["text"] == shown["text"] and post["thread"] == case.split("-")[2]] == ["public"]
    assert do(**wanted)[0] == "said_already"


def test_where_a_network_has_no_private_messages_the_customer_is_told_where_to_write(stage: Stage, call: Call) -> None:
    case = stage.complain(channel="mastodon")
    stage.until(lambda: "reply_posted" in stage.events(case))
    do = doing(call, case)
    assert do(do="take_private", text="Which card was it?", dry_run=True)[0] == "no_private_messages"
    assert do(do="take_private", text="Which card was it?")[0] == "no_private_messages"
    said = do(do="take_private")["public"]
    assert (said["private"], "https://help.example.com/contact" in said["text"]) == (None, True)
    assert stage.replies(case, 2)[1]["text"] == said["text"]


def test_the_customer_is_told_who_has_the_case_now_when_somebody_wants_it(stage: Stage, call: Call, case: str) -> None:
    do = doing(call, case)
    move = {"do": "reassign", "department": "technical", "text": "It is the line.", "tell_customer": True}
    shown = do(**move, dry_run=True)["public"]
    assert "Technical team" in shown["text"]
    assert stage.events(case).count("reassigned") == 0
    assert do(**move, promise=shown["promise"])["public"]["text"] == shown["text"]
    shown = shown["text"]
    assert stage.replies(case, 2)[1]["text"] == shown
    assert call("GET", f"/cases/{case}").json()["department"] == "technical"
    stage.until(lambda: shown in [event["words"] for event in posted(call, case) if "promise" in event["data"]])


def test_a_case_is_held_to_another_version_of_the_policy_if_it_fits(
    stage: Stage, call: Call, colleague: Callable[[str, Role], Call], case: str
) -> None:
    before, other = stage.store.book.active().id, stage.version("high: 30 min", "high: 90 min")
    without = stage.version("  x:        {network: X", "  y:        {network: X")
    assert doing(call, case)(do="move_policy", policy=other) == ("not_allowed", "Only an admin can do this.")
    do = doing(colleague("An admin", Role.ADMIN), case)
    assert do(do="move_policy", policy="nothing@0000000000") == (
        None,
        "policy: the policy version 'nothing@0000000000' is not in this database",
    )
    assert do(do="move_policy", policy=without) == (
        "does_not_fit",
        f"The policy {without} has no channel 'x', which this case has: y, facebook, mastodon, phone.",
    )
    assert do(do="move_policy", policy=before)[0] == "no_change"
    due = clock(call, case, "accept")["due_at"]
    assert do(do="move_policy", policy=other)["done"]
    read = call("GET", f"/cases/{case}").json()
    assert read["policy"] == other
    assert clock(call, case, "accept")["due_at"] > due
    assert do(do="note", text="Held to the new one.")["done"]
    assert stage.store.records.history(case)[-1][1].policy == other


def test_what_needs_a_second_person_waits_until_one_decides(stage: Stage, colleague: Callable[[str, Role], Call], case: str) -> None:
    calls = {
        name: colleague(name, role) for name, role in (("Max Adler", Role.SOCIAL), ("Sofia Marin", Role.LEAD), ("Ben", Role.DEPARTMENT))
    }
    max_, sofia, ben = (doing(call, case) for call in calls.values())
    ours = stage.version("\nadmins:", "\napprovals: {phrases: {money: [refund*]}}\nadmins:")
    assert doing(colleague("Tom", Role.ADMIN), case)(do="move_policy", policy=ours)["done"]

    def drafts() -> list[Any]:
        read: list[Any] = calls["Max Adler"]("GET", f"/cases/{case}").json()["drafts"]
        return read

    seen = max_(do="update", text="You will be refunded.", dry_run=True)
    assert seen["public"]["note"] == "It goes out when a second person has approved it: words of money (refund*)."
    done = max_(do="update", text="You will be refunded.", promise=seen["public"]["promise"])
    (held,) = drafts()
    assert done["held"] == held
    assert (held["what"], held["text"], held["why"], held["author"]) == ("update", seen["public"]["text"], ["money:refund*"], "Max Adler")
    assert (held["told"], held["stale"]) == ("words of money (refund*)", False)
    step = held["step"]

    assert sofia(do="update", text="You will be refunded.") == ("waits_already", WAITS_ALREADY)

    # not by everybody, and not by themselves
    assert max_(do="approve", step=step)[0] == "ones_own"
    assert ben(do="approve", step=step)[0] == "not_allowed"
    assert doing(colleague("max  adler", Role.LEAD), case)(do="approve", step=step)[0] == "ones_own", "by another key of the same name"
    assert sofia(do="approve", step=99)[0] == "not_waiting"
    assert "step" in sofia(do="approve")[1]
    assert "text" in sofia(do="reject", step=step)[1]
    assert len(stage.replies(case, 1)) == 1

    # when something has happened since, only after reading again; in other words, which are seen first
    assert sofia(do="update", text="We are looking into it for you.")["held"] is None
    assert drafts()[0]["stale"]
    assert sofia(do="approve", step=step)[0] == "stale"
    shown = sofia(do="approve", step=step, text="You will be refunded today.", dry_run=True, seen=99)
    assert shown["public"]["text"].endswith("– Max")
    promised = shown["public"]["promise"]
    approved = sofia(do="approve", step=step, text="You will be refunded today.", seen=shown["turn"], promise=promised)
    assert approved["public"]["text"] == shown["public"]["text"]
    assert [reply["text"] for reply in stage.replies(case, 3)][-1] == shown["public"]["text"]
    assert sofia(do="approve", step=step)[0] == "not_waiting"
    told = calls["Max Adler"]("GET", f"/cases/{case}/history").json()["events"]
    (event,) = [one for one in told if one["kind"] == "draft_approved"]
    assert (event["by"], event["told"]) == ("Sofia Marin", "Sofia Marin approved Max Adler's update, in other words")
    assert event["words"] == shown["public"]["text"]

    # or not at all
    assert max_(do="ask", text="Where shall the refund go to?")["held"] is not None
    assert sofia(do="reject", step=drafts()[0]["step"], text="Ask that in private.")["done"]
    assert drafts() == []
    assert stage.events(case).count("reply_planned") == 3


def test_two_who_ask_before_the_first_question_is_out_ask_with_one_voice(
    stage: Stage, colleague: Callable[[str, Role], Call], case: str
) -> None:
    ana, ben = doing(colleague("Ana Silva", Role.DEPARTMENT), case), doing(colleague("Ben Brown", Role.DEPARTMENT), case)
    stage.hands.fault("square", "rate_limit", match="/x/", seconds=8)  # in them nothing is sent that could overtake the second question
    alone = ana(do="ask", text="Which card did you pay with?")["public"]
    assert alone["note"] is None
    stage.until(lambda: any(fault["struck"] for fault in stage.hands.faults()["faults"]))
    dry = ben(do="ask", text="What does the bill say at the top?", dry_run=True)
    shown = dry["public"]
    assert shown["note"] == "Ana Silva's question has not gone out yet; the customer is asked both in one reply."
    assert "Which card did you pay with?\nWhat does the bill say at the top?\n– Ben" in shown["text"]
    assert ben(do="ask", text="What does the bill say at the top?", seen=dry["turn"])["public"]["text"] == shown["text"]
    stage.hands.clear_faults()
    assert [reply["text"] for reply in stage.replies(case, 2)][1:] == [shown["text"]]
    stage.until(lambda: stage.store.reader.file(case).case.ask is not None)
    open_ask = stage.store.reader.file(case).case.ask
    assert open_ask is not None
    assert len(open_ask.askers) == 2


def test_who_asks_while_a_question_is_open_waits_until_it_is_answered(
    stage: Stage, call: Call, colleague: Callable[[str, Role], Call], case: str
) -> None:
    ana, ben = doing(colleague("Ana Silva", Role.DEPARTMENT), case), doing(colleague("Ben Brown", Role.DEPARTMENT), case)
    assert ana(do="ask", text="Which card did you pay with?")["done"]
    stage.until(lambda: call("GET", f"/cases/{case}").json()["status"] == "waiting_on_customer")
    asked = ben(do="ask", text="What does the bill say at the top?")
    assert ben(do="ask", text="What does the bill say at the top?")[0] == "said_already"
    assert ben(do="ask", text="And at the bottom of it?", dry_run=True)["public"]["note"] == (
        "Ana Silva's question is open; yours is asked when it is answered."
    )
    assert call("GET", f"/cases/{case}").json()["questions"] == 1
    assert len(stage.replies(case, 2)) == 2
    stage.hands.post("x", "The one that ends in 42.", SAM, in_reply_to=case.split("-")[2])
    assert stage.replies(case, 3)[2]["text"] == asked["public"]["text"]
    assert call("GET", f"/cases/{case}").json()["questions"] == 0


def test_words_that_were_written_before_something_happened_are_read_again_first(stage: Stage, call: Call, case: str) -> None:
    do = doing(call, case)
    seen = do(do="update", text="The bank has been told.", dry_run=True)["turn"]
    assert seen == call("GET", f"/cases/{case}").json()["turn"]
    stage.hands.post("x", "It is solved, by the way: it was my mistake.", SAM, in_reply_to=case.split("-")[2])
    stage.until(lambda: "customer_wrote" in stage.events(case))
    assert do(do="update", text="The bank has been told.", seen=seen)[0] == "changed_meanwhile"
    assert do(do="update", text="The bank has been told.", seen=call("GET", f"/cases/{case}").json()["turn"])["done"]


def test_more_on_the_cause_is_kept_for_us_and_not_posted(stage: Stage, call: Call, accepted: str) -> None:
    do = doing(call, accepted)
    said = do(do="resolve", root_cause="billing_error", text="It is paid back.", cause_text="Job 7 ran twice.")["public"]["text"]
    assert "Job 7" not in said
    history = call("GET", f"/cases/{accepted}/history").json()["events"]
    assert [event["words"] for event in history if event["kind"] == "note_added"] == ["Job 7 ran twice."]


def posted(call: Call, case: str) -> list[Any]:
    """The replies of a case that are on the network."""
    return [event for event in call("GET", f"/cases/{case}/history").json()["events"] if event["kind"] == "reply_posted"]


def clock(call: Call, case: str, name: str) -> Any:
    """A running clock of a case."""
    return next(one for one in call("GET", f"/cases/{case}").json()["clocks"] if one["name"] == name)


MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "nothing to do": ({}, "do"),
    "an unknown deed": ({"do": "shout"}, "do"),
    "a field that is not there": ({"do": "accept", "colour": "red"}, "colour"),
    "no words": ({"do": "update"}, "text"),
    "blank words": ({"do": "ask", "text": " \n"}, "text"),
    "a NUL": ({"do": "note", "text": "a\0b"}, "text"),
    "too many words": ({"do": "update", "text": "x" * 8001}, "text"),
    "more than the network takes": ({"do": "update", "text": "x" * 2000}, "280"),
    "no cause": ({"do": "resolve", "text": "Done."}, "root_cause"),
    "an unknown priority": ({"do": "set_priority", "priority": "yesterday"}, "priority"),
    "no department": ({"do": "reassign"}, "department"),
    "no reason": ({"do": "dismiss"}, "reason"),
    "no moment": ({"do": "snooze"}, "until"),
    "a moment without a zone": ({"do": "snooze", "until": "2030-01-01T09:00:00"}, "until"),
    "a moment before all others": ({"do": "snooze", "until": "0001-01-01T00:00:00+14:00"}, "until"),
    "nobody to wait for": ({"do": "wait_on_third_party"}, "text"),
    "no reason to walk away": ({"do": "walk_away", "text": " "}, "text"),
    "no version": ({"do": "move_policy"}, "policy"),
    "a question for nobody": ({"do": "ask", "text": "Which card?", "department": "gardening"}, "gardening"),
    "a move to nobody": ({"do": "reassign", "department": "gardening", "tell_customer": True}, "gardening"),
    "a blank private message": ({"do": "take_private", "text": " "}, "text"),
    "no step": ({"do": "settle_reply"}, "step"),
    "a link that is none": ({"do": "settle_reply", "step": 1, "posted": True, "permalink": "javascript:alert(1)"}, "permalink"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_command_is_answered_by_its_field(
    colleague: Callable[[str, Role], Call], stage: Stage, known: str, name: str
) -> None:
    (command, field), call = MISTAKES[name], colleague("An admin", Role.ADMIN)
    before = stage.events(known)
    status, detail = problem(call("POST", f"/cases/{known}/commands", command))
    assert status == 422
    assert field in detail
    assert stage.events(known) == before


@pytest.fixture
def known(stage: Stage, secrets: dict[str, str]) -> str:
    """One case for the tests that change nothing."""
    if "case" not in secrets:
        secrets["case"] = case = stage.complain()
        stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    return secrets["case"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"brand": "nobody"}, "nobody"),
        ({"brand": "a-b"}, "brand"),
        ({"channel": "myspace"}, "myspace"),
        ({"channel": "x"}, "post_id"),
        ({"text": ""}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"customer": {"id": "a\0b"}}, "customer.id"),
        ({"customer": None}, "customer"),
        ({"url": "ftp://x"}, "url"),
        ({"post_id": "<b>"}, "post_id"),
    ],
)
def test_a_case_that_cannot_be_opened_is_refused_by_its_field(call: Call, change: dict[str, object], field: str) -> None:
    status, detail = problem(call("POST", "/cases", {**PHONE, **change}))
    assert status == 422
    assert field in detail


@pytest.mark.parametrize("case", ["meridian-x-0", "a\0b", "..", "x" * 5000, "%", "ü"])
def test_a_case_that_is_not_there_is_not_found(call: Call, case: str) -> None:
    for path in (f"/cases/{quote(case, safe='')}", f"/cases/{quote(case, safe='')}/history"):
        assert problem(call("GET", path))[0] == 404
    assert problem(call("POST", f"/cases/{quote(case, safe='')}/commands", {"do": "accept"}))[0] == 404


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer lk_0_wrong", "Basic bGtfOng=", "Bearer \xff", "Token x"])
def test_without_a_valid_key_nothing_is_read_or_done(stage: Stage, known: str, given: str | None) -> None:
    headers = [] if given is None else [(b"authorization", given.encode("latin-1"))]
    for method, path in (
        ("GET", f"/cases/{known}"),
        ("GET", f"/cases/{known}/history"),
        ("POST", "/cases"),
        ("POST", f"/cases/{known}/commands"),
    ):
        answer = stage.http.request(method, f"/api/v1{path}", headers=headers, json=PHONE if method == "POST" else None)
        assert problem(answer)[0] == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_acts_by_its_role_until_it_is_revoked(stage: Stage, known: str) -> None:
    made, secret = stage.store.keys.make(NewKey("an auditor", Role.AUDITOR), SYSTEM)
    headers = {"authorization": f"Bearer {secret}"}
    assert stage.http.get(f"/api/v1/cases/{known}", headers=headers).status_code == 200
    status, detail = problem(stage.http.post(f"/api/v1/cases/{known}/commands", json={"do": "accept"}, headers=headers))
    assert (status, "may read, but not act" in detail) == (403, True)
    assert stage.store.keys.revoke(made.id, SYSTEM)
    assert problem(stage.http.get(f"/api/v1/cases/{known}", headers=headers))[0] == 401


def test_what_is_no_json_is_a_problem_too(stage: Stage, known: str, key: str) -> None:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for body in (b"", b"{", b"\xff", b"[" * 10_000, b'{"do":"note","text":"\\ud800"}', b"NaN"):
        answer = stage.http.post(f"/api/v1/cases/{known}/commands", content=body, headers=headers)
        assert 400 <= problem(answer)[0] < 500


def test_health_and_readiness(stage: Stage) -> None:
    assert stage.http.get("/healthz").json() == {"status": "ok"}
    told = stage.http.get("/readyz").json()
    assert set(told.pop("behind")) == {"search", "numbers", "webhooks", "deliveries"}
    assert told == {"ready": True, "database": "ok", "temporal": "ok", "slack": None}
    assert problem(stage.http.get("/nowhere"))[0] == 404
    assert problem(stage.http.delete("/healthz"))[0] == 405


def test_the_console_takes_any_query(stage: Stage) -> None:
    assert stage.console("/console?show=all&before=9223372036854775807").status_code in (200, 422)
    assert stage.console("/console?show=%00&before=1").status_code == 200
    for before in ("x", "-1", "9" * 40):
        assert problem(stage.console(f"/console?before={before}"))[0] == 422
    assert stage.console("/console/cases/a%00b").status_code == 404
