"""`loopkeeper key …` and `loopkeeper session …` on a real database."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from adapters.postgres.sessions import Sessions, SignIn
from adapters.postgres.store import Store
from cli.app import app, out
from domain.rights import Right
from domain.values import Role
from tests.conftest import INDEX_KEY

Run = Callable[..., str]


@pytest.fixture
def run(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What the command says; what it refuses comes as the error that `main` prints."""
    import cli.admin  # noqa: F401 - it adds its verbs

    assert store.book.active()
    monkeypatch.setenv("DATABASE_URL", database.replace("+psycopg2", ""))
    monkeypatch.setenv("LOOPKEEPER_KEYS", "k1:" + "a2V5" * 10 + "a2U=")
    monkeypatch.setenv("LOOPKEEPER_INDEX_KEY", base64.b64encode(INDEX_KEY).decode())
    monkeypatch.setattr(out, "_width", 200)  # by COLUMNS it would go by who imports it first

    def said(*words: str) -> str:
        ran = CliRunner().invoke(app, words)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            return f"loopkeeper: {ran.exception}"
        return ran.output

    return said


def test_a_key_is_made_listed_and_revoked(run: Run, store: Store) -> None:
    secret = run("key", "new", "Ana Sousa").splitlines()[-1]
    found = store.keys.of(secret)
    assert found is not None
    assert (found.name, found.role, found.scopes, found.departments, found.expires_at) == (
        "Ana Sousa",
        Role.SOCIAL,
        None,
        frozenset(),
        None,
    )
    assert (found.id in run("key", "list"), secret in run("key", "list")) == (True, False)
    assert run("key", "revoke", found.id) == f"Key {found.id} is revoked.\n"
    assert store.keys.of(secret) is None
    assert "there is no key" in run("key", "revoke", found.id)
    assert "revoked 20" in run("key", "list")


def test_a_key_has_departments_scopes_and_an_end(run: Run, store: Store) -> None:
    options = ("--role", "department", "--department", "billing", "--department", "technical", "--scope", "read_cases", "--days", "30")
    made = json.loads(run("key", "new", "CRM", *options, "--json"))
    found = store.keys.of(made["key"])
    assert found is not None
    assert found.departments == {"billing", "technical"}
    assert found.scopes == frozenset({Right.READ_CASES})
    assert found.expires_at is not None
    assert timedelta(days=29) < found.expires_at - datetime.now(UTC) <= timedelta(days=30)
    (listed,) = json.loads(run("key", "list", "--json"))
    assert (listed["departments"], listed["scopes"], "key" in listed) == (["billing", "technical"], ["read_cases"], False)


def test_a_key_that_could_do_nothing_or_too_much_is_refused_with_the_reason(run: Run) -> None:
    assert "cannot act as system" in run("key", "new", "x", "--role", "system")
    assert "needs at least one" in run("key", "new", "x", "--role", "department")
    assert "there is no department gardening" in run("key", "new", "x", "--role", "department", "--department", "gardening")
    assert "has no right to erase" in run("key", "new", "x", "--scope", "erase")
    assert "There are no keys yet" in run("key", "list")


def test_sessions_are_listed_and_ended(run: Run, store: Store) -> None:
    sessions = Sessions(store.engine, idle=timedelta(hours=2), longest=timedelta(hours=12))
    assert run("session", "list") == "Nobody is signed in.\n"
    who = SignIn("oidc:1", "Ana [red]Sousa", Role.LEAD, frozenset(), "oidc", None, "192.0.2.7", "Firefox")
    secret = sessions.begin(who)
    (listed,) = json.loads(run("session", "list", "--json"))
    assert "Ana [red]Sousa" in run("session", "list")
    assert run("session", "revoke", listed["id"]) == f"Session {listed['id']} is ended.\n"
    assert sessions.of(secret) is None
    assert "there is no session" in run("session", "revoke", listed["id"])
    assert "there is no session" in run("session", "revoke", "nonsense")
