"""The command's verbs over the API: what they say to people and to programs, and what when it cannot be."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.postgres.causes import Line, Made
from adapters.postgres.keys import NewKey
from cli import admin, audit, cases, causes, customers, inbox, policies, reports  # noqa: F401 - they add their verbs
from cli.app import app, out
from cli.cases import case_do
from cli.engines import Postgres
from domain import commands as c
from domain.rights import Right
from domain.values import SYSTEM, Actor, Role, Via
from loopkeeper_client import models as m
from tests.integration.console import TOM, Served, console
from tests.integration.linked import WHY, writes
from tests.integration.onrecord import OnRecord
from tests.integration.opened import arrive, created
from tests.integration.searching import NOTARY, sealer_of


@dataclass
class Said:
    """What a verb said, and how it ended."""

    out: str
    error: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)
Run = Callable[..., Said]
SCOPES = {
    Role.ADMIN: frozenset({Right.MANAGE_ACCESS, Right.CHANGE_POLICY, Right.READ_POLICY}),
    Role.AUDITOR: frozenset({Right.READ_CASES, Right.EXPORT}),
}


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as there:
        yield there


@pytest.fixture
def run(served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command with the key of somebody of that role."""
    monkeypatch.setenv("LOOPKEEPER_URL", served.url)
    monkeypatch.setattr(out, "_width", 200)  # by COLUMNS it would go by who imports it first
    for name in ("DATABASE_URL", "LOOPKEEPER_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    secrets: dict[Role, str] = {}

    def run(*words: str, role: Role = Role.SOCIAL, given: str | None = None) -> Said:
        scopes = SCOPES.get(role)
        if role not in secrets:
            secrets[role] = served.store.keys.make(NewKey(f"cli {role}", role, scopes), SYSTEM)[1]
        monkeypatch.setenv("LOOPKEEPER_KEY", secrets[role])
        ran = CliRunner().invoke(app, words, input=given)
        error = f"loopkeeper: {ran.exception}" if ran.exception is not None and not isinstance(ran.exception, SystemExit) else ""
        return Said(ran.stdout, error or ran.stderr, ran.exit_code)

    return run


def test_open_cases_are_listed_shown_and_told_by_id_or_number(served: Served, run: Run) -> None:
    case = served.accepted("k1", text="You charged me twice \x1b[31mand nobody answers.", author={"id": "k1", "name": "Robin \x1b]0;x\x07"})
    number = served.store.reader.file(case.case_id).number
    listed = run("case", "list", "--department", "billing")
    assert f"#{number}" in listed.out
    assert "Tom Baker" in listed.out
    (row,) = [row for row in run("case", "list", "--json").json if row["case_id"] == case.case_id]
    assert row["owner"] == "Tom Baker"
    shown = run("case", "show", str(number))
    assert "in progress · billing · Tom Baker" in shown.out
    assert "You can: " in shown.out
    told = run("case", "history", f"#{number}")
    assert "Tom Baker has this case" in told.out
    assert "the chain holds" in told.out
    for said in (listed, shown, told):
        assert "\x1b" not in said.out, "a customer's words move nobody's cursor"
    assert run("case", "show", case.case_id, "--json").json["number"] == number
    assert len(run("case", "history", case.case_id, "--json").json["events"]) == len(served.store.records.history(case.case_id))
    assert run("case", "find", "--outcome", "open", "--json").json == [], "nothing is indexed here"


def test_the_history_names_the_step_of_a_reply_that_somebody_has_to_settle(served: Served, run: Run) -> None:
    case = OnRecord.opened(served.store, "k21")
    words = case.case.replies[0].words or case.keep("We are sorry.")
    assert case.tell(c.PostUnconfirmed("u1", case.case.replies[0].step, "no answer came", words)) is None
    told = run("case", "history", case.case_id)
    assert f"no answer came (step {case.case.replies[0].step})" in told.out, "settle_reply asks for it"
    assert told.out.count("(step ") == 1


def test_what_would_reach_a_customer_is_shown_and_never_sent_unasked(served: Served, run: Run) -> None:
    case = served.accepted("k2", author={"id": "k2"}).case_id
    before = len(served.store.records.history(case))
    shown = run("case", "do", case, "update", "--text", "The bank has been told.", "--dry-run")
    assert "The customer would read (" in shown.out
    assert "  The bank has been told." in shown.out
    unasked = run("case", "do", case, "update", "--text", "The bank has been told.")
    assert (unasked.code, unasked.out) == (1, "")
    assert "nobody is here to be asked" in unasked.error
    assert run("case", "do", case, "update", "--text", "-", "--dry-run", "--json", given="From a file.").json["done"] is False
    assert len(served.store.records.history(case)) == before


def test_a_command_has_an_option_for_all_that_the_api_takes_and_names_the_other_case_by_its_number(served: Served, run: Run) -> None:
    taken = set(inspect.signature(case_do).parameters)
    assert set(m.CommandIn.model_fields) <= taken, "every field of the API has an option"
    first, second = (served.handed_off(f"k2{n}", author={"id": "k2-both"}) for n in "ab")
    number = served.store.reader.file(second.case_id).number
    merged = run("case", "do", first.case_id, "merge", "--into", f"#{number}", "--dry-run", "--json")
    assert merged.json["done"] is False
    assert "there is no case number 999999" in run("case", "do", first.case_id, "merge", "--into", "999999", "--dry-run").error
    assert "There is no cause C999." in run("case", "do", first.case_id, "join_shared_cause", "--cause", "999", "--dry-run").error


def test_what_cannot_be_is_a_sentence_on_standard_error_and_nothing_on_standard_output(served: Served, run: Run) -> None:
    case = served.handed_off("k3", author={"id": "k3"}).case_id
    for words, told in (
        (("case", "show", "nothing", "--json"), "there is no case 'nothing'"),
        (("case", "show", "999999"), "there is no case number 999999"),
        (("case", "show", "²"), "there is no case '²'"),
        (("case", "do", case, "dance", "--json"), "do: Input should be"),
        (("case", "do", case, "resume", "--dry-run", "--json"), ""),
        (("case", "find", "--kind", "exploded"), "kind: "),
        (("key", "list"), "the role 'social' may not manage keys and sessions"),
        (("inbox", "again", "999999"), "could be read again"),
        (("policy", "compare", "nothing@0"), "there is no version"),
    ):
        said = run(*words)
        assert (said.code, said.out) == (1, ""), words
        assert told in said.error


def test_without_a_key_or_an_installation_it_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("LOOPKEEPER_URL", "http://127.0.0.1:9")
    run("me")  # the key is set
    monkeypatch.delenv("LOOPKEEPER_KEY")
    assert "LOOPKEEPER_KEY is not" in str(CliRunner().invoke(app, ["me"]).exception)
    monkeypatch.delenv("LOOPKEEPER_URL")
    monkeypatch.setenv("LOOPKEEPER_STATE", str(tmp_path))
    assert "nothing runs here" in str(CliRunner().invoke(app, ["me"]).exception)


def test_a_case_is_opened_once_under_a_word_of_ones_own(run: Run) -> None:
    words = ("case", "open", "Nobody answers.", "--brand", "meridian", "--channel", "phone", "--customer", "+44 1", "--once", "call-9")
    first, again = (run(*words, "--json").json for _ in range(2))
    assert first == again
    assert "is being opened" in run(*words).out


def test_what_waits_is_told(served: Served, run: Run) -> None:
    case = served.accepted("k4", author={"id": "k4"})
    assert case.tell(c.Update("k4-held", TOM, case.keep("We refund it."), reasons=("money:refund*",))) is None
    number = arrive(served.store, {**created("k5"), "brand": "nobodys"})
    assert number is not None
    served.store.inbox.place(number)
    assert "update by Tom Baker (words of money (refund*))" in run("drafts").out
    assert run("drafts", "--json").json[0]["text"] == "We refund it."
    told = run("inbox", "list").out
    assert f"Unreadable No. {number}, x" in told
    assert "a draft waits for a second person" in told
    assert "It is being read again." in run("inbox", "again", str(number)).out
    assert "Social care" in run("departments").out
    me = run("me", "--json").json
    assert (me["name"], me["role"]) == ("cli social", "social")


def test_customers_of_a_cause_are_told_by_one_text_and_a_second_person_decides(served: Served, run: Run) -> None:
    two = [served.accepted(f"kc{n}", text="My line is dead.", author={"id": f"kc{n}", "name": f"Zoe {n}"}) for n in (1, 2)]
    numbers = [str(served.store.reader.file(case.case_id).number) for case in two]
    assert "There is no shared cause yet" in run("cause", "list").out
    cause = f"C{run('cause', 'open', 'Outage in Leeds', '--department', 'technical', '--about', 'Card 4.', '--json').json['number']}"
    no_case = run("cause", "join", cause, "999999")
    assert (no_case.code, "999999: there is no case number 999999" in no_case.error) == (1, True)
    for case in two:
        assert case.tell(c.JoinSharedCause(f"join-{case.case_id}", SOFIA, int(cause[1:]))) is None
    assert "Outage in Leeds" in run("cause", "list").out
    shown = run("cause", "show", cause)
    assert all(case.case_id in shown.out for case in two)

    unasked = run("cause", "announce", cause, "The card is replaced today.")
    assert (unasked.code, "look at them with --dry-run" in unasked.error) == (1, True)
    kept = run("cause", "announce", cause, "The card is replaced today.", "--dry-run", "--once", "a1")
    for number in numbers:
        assert f"#{number} Zoe" in kept.out
    assert kept.out.count("would read:\n  Hi Zoe,\n  The card is replaced today.") == 2
    assert "Nothing was sent. Send it: loopkeeper cause decide" in kept.out
    sent = run("cause", "announce", cause, "The card is replaced today.", "--yes", "--once", "a1", "--json").json
    assert (sent["state"], sent["decided_by"]) == ("sent", "cli social"), "it is the one that was kept"
    assert "It is on its way" in run("cause", "announce", cause, "It works again.", "--root-cause", "outage", "--yes").out

    lines = [Line(case.case_id, case.keep("We refund the day."), None, case.case.turn) for case in two]
    author = served.store.keys.make(NewKey("Hanna Weber", Role.SOCIAL), SYSTEM)[0]
    by = Actor(f"key:{author.id}", Role.SOCIAL, Via.API)
    waiting = served.store.causes.make(Made(int(cause[1:]), "w", "update", None, "We refund the day.", ("money:refund*",), by, lines))
    served.store.causes.wait(waiting)
    told = run("inbox", "list").out
    assert f"Hanna Weber's update for all of {cause} (Outage in Leeds) waits for a second person: words of money (refund*)." in told
    assert f"loopkeeper cause announcement {cause} {waiting}" in told
    assert run("inbox", "list", "--json", role=Role.AUDITOR).json["announcements"] == []
    decide = ("cause", "decide", cause, str(waiting))
    assert "nobody is here to be asked" in run(*decide, "approve").error
    assert "It will not be sent." in run(*decide, "reject", "--reason", "No refunds yet.").out
    assert "not sent, by cli social\n  No refunds yet." in run("cause", "announcement", cause, str(waiting)).out
    late = run(*decide, "approve", "--yes")
    assert (late.code, "This was sent or rejected already." in late.error) == (1, True)
    assert run("cause", "show", "leeds").code == 2


def test_the_operators_verbs_say_over_the_api_what_they_say_on_the_database(served: Served, run: Run) -> None:
    made = run("key", "new", "CRM", "--role", "auditor", "--json", role=Role.ADMIN).json
    assert served.store.keys.of(made["key"]) is not None
    (listed,) = [key for key in run("key", "list", "--json", role=Role.ADMIN).json if key["id"] == made["id"]]
    assert listed == {name: value for name, value in made.items() if name != "key"} | {"used_at": listed["used_at"]}
    assert "CRM" in run("key", "list", role=Role.ADMIN).out
    assert "is revoked" in run("key", "revoke", made["id"], role=Role.ADMIN).out
    assert served.store.keys.of(made["key"]) is None
    assert "Nobody is signed in." in run("session", "list", role=Role.ADMIN).out
    in_force = served.store.book.active().id
    assert run("policy", "show").out.strip() == in_force
    assert run("policy", "list", "--json").json[0]["id"] == in_force
    assert "nothing means anything else" in run("policy", "compare", in_force).out
    assert run("report", "volume", "--json").json["report"] == "volume"
    assert run("report", "volume", "--csv").out.startswith("week")
    assert "Overview" in run("report").out


def test_customers_are_found_linked_and_taken_apart_over_the_api(served: Served, run: Run) -> None:
    sam, samo = writes(served.store, "clisam"), writes(served.store, "clisamo", "facebook")
    assert f"{sam}  Clisam Okafor (@clisam) on x, since " in run("customer", "find", "@clisam").out
    assert "Nobody is called exactly clis." in run("customer", "find", "clis").out
    assert "the role 'auditor' may not link customers" in run("customer", "link", sam, samo, "--reason", WHY, role=Role.AUDITOR).error
    assert (
        f"linked (by hand) by cli social on {datetime.now(UTC):%Y-%m-%d}: {WHY}" in run("customer", "link", sam, samo, "--reason", WHY).out
    )
    assert [one["id"] for one in run("customer", "show", samo, "--json").json["identities"]] == [samo, sam]
    assert samo not in run("customer", "unlink", sam, samo, "--reason", "two people").out


def test_histories_are_exported_over_the_api_by_a_key_made_for_that_and_verify(served: Served, run: Run, tmp_path: Path) -> None:
    case = served.accepted("kexport", author={"id": "kexport"}).case_id
    with sealer_of(served.address) as sealer:
        sealer.seal()
    keys = tmp_path / "keys"
    keys.write_text(f"{NOTARY.verifiers[0]}\n")
    to = tmp_path / "all.zip"
    said = run("export", "--out", str(to), "--case", case, "--json", role=Role.AUDITOR)
    assert said.code == 0, said.error
    told = said.json
    assert (told["file"], told["form"], told["cases"], told["not_sealed_yet"]) == (str(to), "bundle", 1, 0)
    assert told["events"] == len(served.store.records.history(case))
    assert run("audit", "verify", str(to), "--public-key", str(keys)).code == 0
    page = tmp_path / "case.html"
    said = run("export", "--out", str(page), "--case", case, "--form", "html", role=Role.AUDITOR)
    assert "Exported" in said.error
    assert "You charged me twice and nobody answers." in page.read_text()
    (tmp_path / "again.zip.part").touch()
    for words, why in (
        (("--out", "-"), "name one: --out FILE"),
        (("--out", str(tmp_path / "private.zip"), "--private"), "private words do not go over the API"),
        (("--out", str(tmp_path / "again.zip")), "is there already"),
    ):
        refused = run("export", *words, role=Role.AUDITOR)
        assert (refused.code, why in refused.error) == (1, True), refused
    assert "may not export" in run("export", "--out", str(tmp_path / "none.zip")).error
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".zip") == ["all.zip"]


def test_a_policy_is_checked_and_put_in_force_over_the_api(served: Served, run: Run, tmp_path: Any) -> None:
    in_force = served.store.book.active().id
    text = served.store.book.files(in_force).policy
    file = tmp_path / "policy.yaml"
    file.write_text(text.replace("high: 30 min", "high: soon"), "utf-8")
    wrong = run("policy", "check", str(file))
    assert (wrong.code, "clocks.accept.high" in wrong.out) == (1, True)
    file.write_text(text.replace("high: 30 min", "high: 25 min"), "utf-8")
    assert "clocks.accept.high: 30 min → 25 min" in run("policy", "check", str(file)).out
    refused = run("policy", "activate", str(file))
    assert (refused.code, "may not change the policy" in refused.error) == (1, True)
    assert "is in force." in run("policy", "activate", str(file), role=Role.ADMIN).out
    assert "30 min → 25 min" in run("policy", "compare", in_force).out


def test_who_watches_a_case_is_told_each_event_once_and_ends_with_it(served: Served, run: Run) -> None:
    case = served.handed_off("k6", author={"id": "k6"})
    events = [json.loads(line)["seq"] for line in run("case", "watch", case.case_id, "--until", "handed_off", "--json").out.splitlines()]
    assert events == list(range(1, len(events) + 1))
    assert case.tell(c.Dismiss("k6-end", TOM, "spam")) is None
    assert "dismissed" in run("case", "watch", case.case_id).out.lower()
