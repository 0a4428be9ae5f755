"""`loopkeeper customer` as people and programs use it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

import cli.customers
from adapters.postgres.keys import NewKey
from adapters.postgres.store import Store
from cli.app import app
from domain.identities import CannotLink, NoSuchCustomer
from domain.values import SYSTEM, Actor, Role, Via
from tests.integration.linked import WHY, linked, writes
from tests.integration.test_privacy_command import run as privacy
from tests.integration.test_privacy_command import sentence

__all__ = ["privacy"]
Run = Callable[..., Result]


@pytest.fixture
def run(privacy: Run) -> Run:
    """In the environment of the privacy verbs."""
    assert cli.customers.customer_app is not None

    def run(*words: str, key: str = "") -> Result:
        return CliRunner().invoke(app, ["customer", *words], env={"LOOPKEEPER_PERSON_KEY": key})

    return run


def test_from_finding_to_linked_and_back(run: Run, store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    assert f"{sam}  Sam Okafor (@sam) on x, since " in run("find", "@Sam").output
    assert "Nobody is called exactly sa." in run("find", "sa").output
    shown = run("link", sam, samo, "--reason", WHY).output
    assert f"linked (by hand) by operator on {store.identities.shown(sam, None).identities[0].since:%Y-%m-%d}: {WHY}" in shown
    assert "#1 meridian-x-sam.x: new, opened " in shown
    assert "2 cases, 2 open; 0 of 0 resolved in time; thanked us 0 times" in shown
    told = json.loads(run("show", samo, "--json").output)
    assert [one["id"] for one in told["identities"]] == [samo, sam]
    assert [one["id"] for one in json.loads(run("find", "samo", "--channel", "facebook", "--json").output)["customers"]] == [samo]
    assert samo not in run("unlink", sam, samo, "--reason", "two people").output
    assert linked(store, sam) == {sam}


def test_who_gives_a_key_is_on_record_and_must_have_the_right(run: Run, store: Store) -> None:
    sam, samo = writes(store, "sam"), writes(store, "samo", "facebook")
    keys = {role: store.keys.make(NewKey(role, role), SYSTEM) for role in (Role.SOCIAL, Role.AUDITOR)}
    refused = sentence(run("link", sam, samo, "--reason", WHY, key=keys[Role.AUDITOR][1]))
    assert refused == "the key of auditor has the role auditor; this needs the role admin or lead or social"
    run("link", sam, samo, "--reason", WHY, key=keys[Role.SOCIAL][1])
    (entry,) = [entry for _, _, entry in store.journal.entries() if entry.event.kind == "customers_linked"]
    assert entry.by == Actor(keys[Role.SOCIAL][0].person, Role.SOCIAL, Via.CLI)


def test_what_cannot_be_done_is_said_in_a_sentence(run: Run, store: Store) -> None:
    sam = writes(store, "sam")
    assert isinstance(run("link", sam, sam, "--reason", WHY).exception, CannotLink)
    assert isinstance(run("show", "nobody").exception, NoSuchCustomer)
    assert "there is no customer 'nobody'" in sentence(run("link", sam, "nobody", "--reason", WHY))
