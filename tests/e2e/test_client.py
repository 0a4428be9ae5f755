"""The client against the whole installation: what docs/client.md shows, done."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO

import pytest
from typer.testing import CliRunner

from adapters.postgres.keys import NewKey
from cli import cases, causes, inbox  # noqa: F401 - they add their verbs
from cli.app import app
from domain.values import SYSTEM, Role
from loopkeeper_client import Loopkeeper, MovedOn
from settings import HERE
from tests.e2e.conftest import Stage


def test_the_example_of_the_client_does_what_it_shows(stage: Stage) -> None:
    case = stage.complain()
    stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    url, key = str(stage.http.base_url), stage.store.keys.make(NewKey("Client Example", Role.SOCIAL), SYSTEM)[1]
    code = (HERE / "docs" / "client.md").read_text("utf-8").split("```python")[1].split("```")[0]
    with redirect_stdout(StringIO()) as said:
        exec(code, {"url": url, "key": key, "case_id": case})
    told = said.getvalue()
    assert "I am Client Example" in told
    assert "We have found the second charge." in told
    assert "has moved on" not in told
    assert {"accepted", "reply_planned"} <= set(stage.events(case))
    with Loopkeeper(url, key) as lk:
        before = lk.case_unless(case)
        assert before is not None
        lk.do(case, "note", text="Only for us.", once="a-note")
        lk.do(case, "note", text="Only for us.", once="a-note", if_match=before.etag)  # it was done already
        assert stage.events(case).count("note_added") == 1
        with pytest.raises(MovedOn, match="the case has moved on") as news:
            lk.do(case, "note", text="Another.", if_match=before.etag)
    assert news.value.code == "moved_on"
    assert "Only for us" not in str(news.value), "what happened, and nobody's words"


def test_the_command_acts_on_the_installation_that_runs_here_with_a_key_of_its_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    case = stage.complain()
    stage.until(lambda: {"reply_posted", "handoff_delivered"} <= set(stage.events(case)))
    folder = stage.installation.state.folder
    monkeypatch.setenv("LOOPKEEPER_STATE", str(folder))
    for name in ("LOOPKEEPER_URL", "LOOPKEEPER_KEY"):
        monkeypatch.delenv(name, raising=False)

    def said(*words: str) -> str:
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == 0, ran.exception
        return ran.stdout

    assert said("me").startswith("Operator (key:")
    key = (folder / "cli-key").read_text()
    assert ((folder / "cli-key").stat().st_mode & 0o777, stage.store.keys.of(key) is not None) == (0o600, True)
    assert case in said("case", "list", "--json", "--at-most", "200")
    assert said("case", "do", case, "accept").startswith("Done. The case is in progress.")
    done = json.loads(said("case", "do", case, "update", "--text", "The bank has been told.", "--yes", "--json"))
    assert stage.replies(case, 2)[1]["text"] == done["public"]["text"]
    assert "Operator has this case" in said("case", "history", case)
    cause = json.loads(said("cause", "open", "Billing ran twice", "--department", "billing", "--json"))["number"]
    assert said("cause", "join", f"C{cause}", case) == f"{case} shares C{cause} now.\n"
    assert f"Shared by: {case}" in said("cause", "show", f"C{cause}")
    assert (folder / "cli-key").read_text() == key, "it is made once"
    stage.store.keys.revoke(json.loads(said("me", "--json"))["person"].removeprefix("key:"), SYSTEM)
    assert said("me").startswith("Operator (key:"), "and anew when it was revoked"
