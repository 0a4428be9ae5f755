"""The privacy verbs as people use them: by their keys, two of them, and with a login that may."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from typer.testing import CliRunner, Result

import cli.privacy
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.app import app
from domain import commands as c
from domain.errors import LoopkeeperError
from domain.values import SYSTEM, Role
from tests.conftest import INDEX_KEY, KEYS
from tests.integration.onrecord import OnRecord
from tests.integration.opened import created

Run = Callable[..., Result]


@pytest.fixture
def run(database: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("LOOPKEEPER_KEYS", ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in KEYS.keys))
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())
    monkeypatch.setenv("LOOPKEEPER_ERASURE_LIST", str(tmp_path / "erasures.jsonl"))
    assert cli.privacy.privacy_app is not None

    def run(*words: str, key: str = "", answer: str = "") -> Result:
        return CliRunner().invoke(app, ["privacy", *words], env={"LOOPKEEPER_PERSON_KEY": key}, input=answer)

    return run


@pytest.fixture
def keys(store: Store) -> dict[str, str]:
    wanted = (("Bo", Role.PRIVACY), ("Chi", Role.PRIVACY), ("Ana", Role.SOCIAL))
    return {name: store.keys.make(NewKey(name, role), SYSTEM)[1] for name, role in wanted}


def sentence(result: Result) -> str:
    """Why it was refused."""
    assert isinstance(result.exception, LoopkeeperError), result.output
    return str(result.exception)


def test_from_finding_to_erased_by_two_people(run: Run, keys: dict[str, str], store: Store) -> None:
    case = OnRecord.opened(store)
    found = run("find", "x", "@sam").output
    assert "Sam Okafor (@sam) on x, since " in found
    assert "#1 meridian-x-p1: new, opened " in found
    subject = found.split()[0]
    assert "still open: #1 meridian-x-p1 (new)" in sentence(run("erase", subject, "--reason", "letter 7", key=keys["Bo"]))
    case.command(c.Dismiss, "spam")
    assert "has the role social; this needs the role privacy" in sentence(run("erase", subject, "--reason", "letter 7", key=keys["Ana"]))
    assert "this key is not known here" in sentence(run("erase", subject, "--reason", "letter 7", key="lk_nonsense"))
    proposed = run("erase", subject, "--reason", "letter 7", key=keys["Bo"]).output
    assert "1 text: what they wrote, what was answered, and notes about them, in 1 case of theirs" in proposed
    assert "their post on the network, meridian-x-p1: x post p1" in proposed
    assert "loopkeeper privacy confirm 1" in proposed
    assert "letter 7" in run("list").output
    assert "was proposed by you" in sentence(run("confirm", "1", key=keys["Bo"]))
    assert run("confirm", "1", key=keys["Chi"], answer="n\n").exit_code == 1
    assert store.reader.file(case.case_id).first_words != "(erased)"
    confirmed = run("confirm", "1", key=keys["Chi"], answer="y\n")
    assert "Erased: 1 customer, 1 text in 1 case, 0 messages without a case." in confirmed.output
    assert store.reader.file(case.case_id).first_words == "(erased)"
    assert "Nobody on 'x' is known as sam" in run("find", "x", "sam").output
    assert "Erased again: 0 customers" in run("again").output
    assert "No erasure waits, and no hold is in force." in run("list").output


def test_a_hold_is_set_shown_and_lifted_and_retention_says_what_it_would_do(run: Run, keys: dict[str, str], store: Store) -> None:
    case = OnRecord.opened(store)
    assert "Hold 1 is in force." in run("hold", case.case_id, "--reason", "court", key=keys["Bo"]).output
    assert f"hold 1: {case.case_id}; court" in run("list").output
    assert "Hold 1 is lifted." in run("lift", "1", "--reason", "over", key=keys["Chi"]).output
    assert "there is no hold 1" in sentence(run("lift", "1", "--reason", "over", key=keys["Chi"]))
    assert "has no retention: everything is kept" in run("retention").output


def test_a_login_that_may_not_is_told_which_may(run: Run, database: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    superuser = create_engine(database)
    with superuser.begin() as connection:
        connection.execute(text("create role lk_app_only login in role loopkeeper_app"))
    try:
        monkeypatch.setenv("DATABASE_URL", make_url(database).set(username="lk_app_only").render_as_string(hide_password=False))
        assert "may not act as loopkeeper_privacy" in sentence(run("find", "x", "sam"))
        monkeypatch.setenv("LOOPKEEPER_PRIVACY_DATABASE_URL", database)
        assert "Nobody on 'x' is known as sam" in run("find", "x", "sam").output
    finally:
        with superuser.begin() as connection:
            connection.execute(text("drop role lk_app_only"))
        superuser.dispose()


def test_a_person_gets_everything_that_is_held_private_words_too_and_colleagues_by_role(
    run: Run, keys: dict[str, str], store: Store, tmp_path: Path
) -> None:
    case = OnRecord.opened(store, text="<b>No internet</b> & nobody answers")
    case.command(c.Accept)
    store.people.remember("slack:UANA", "Ana Sousa", "Ana")
    case.command(c.Note, case.keep("calls every day"))
    case.comes(created("p2", visibility="private", in_reply_to="p1", text="my number is 4711"))
    kim = {"id": "88", "handle": "kim", "name": "Kim Lee"}
    case.comes(created("p3", in_reply_to="p1", text="Kim's own words", author=kim))
    for name in ("out.html", "out.json"):
        told = run("export", "x", "sam", "--out", str(tmp_path / name), key=keys["Bo"])
        assert "1 case, 3 texts." in told.output
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    page, data = (tmp_path / "out.html").read_text(), (tmp_path / "out.json").read_text()
    assert "&lt;b&gt;No internet&lt;/b&gt; &amp; nobody answers" in page
    for text_ in (page, data):
        assert "my number is 4711" in text_
        assert "calls every day" in text_
        assert "a colleague (department)" in text_
        for other in ("UANA", "Ana Sousa", "Kim"):
            assert other not in text_
    history = json.loads(data)["people"][0]["cases"][0]["history"]
    assert [event["what"] for event in history][:1] == ["opened"]
    kinds = [entry.event.kind for _, _, entry in store.journal.entries()]
    assert [kind for kind in kinds if kind != "admin_acted"] == ["subject_exported", "subject_exported"]
    assert not re.search(r"\d\dT\d\d:|remote_id|\+00:00", page), "it is for a person"
    assert "there is no channel 'twitter' here; there are: " in sentence(run("find", "twitter", "sam")), "and not: nobody is known"
    assert "there is no channel 'twitter' here" in sentence(run("export", "twitter", "sam", "--out", "x.html", key=keys["Bo"]))
    assert "name a file that ends with" in sentence(run("export", "x", "sam", "--out", "x.pdf", key=keys["Bo"]))
    assert "nobody on 'x' is known as nobody" in sentence(run("export", "x", "nobody", "--out", "x.html", key=keys["Bo"]))
