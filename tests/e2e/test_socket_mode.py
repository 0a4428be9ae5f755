"""An installation that Slack cannot reach: it has no signing secret, only the connection that its API opens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.slack import cards
from cli.doctor import examine
from cli.embedded import Installation, pace_from_now
from cli.state import State
from sandbox.hands import Hands
from tests.e2e.conftest import ANA, SPEED, Stage


@pytest.fixture(scope="module")
def behind_a_firewall(own_folder: Path) -> Iterator[Installation]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [n for n in os.environ if n.startswith(("LOOPKEEPER_", "DATABASE_URL", "TEMPORAL_"))]:
            environment.delenv(name)
        only_by_socket = {"LOOPKEEPER_SLACK_SIGNING_SECRET": "", "LOOPKEEPER_SLACK_APP_TOKEN": "xapp-sandbox"}
        with State(own_folder / "socket") as held:
            installation = Installation(held, pace=pace_from_now(SPEED), slack_rate=200.0, durable=False, settings=only_by_socket)
            installation.start()
            yield installation
            installation.stop()
            assert "Traceback" not in (installation.state.logs / "api.log").read_text()


@pytest.fixture
def stage(behind_a_firewall: Installation) -> Iterator[Stage]:
    api = f"http://127.0.0.1:{behind_a_firewall.ports['api']}"
    store = behind_a_firewall.store("tests")
    with Hands(behind_a_firewall.addresses["Sandbox"]) as hands, httpx.Client(base_url=api, timeout=20, trust_env=False) as http:
        yield Stage(behind_a_firewall, store, hands, http)
        hands.clear_faults()
    store.close()


def accept(stage: Stage) -> str:
    """A case that Ana accepts by the button on its card."""
    case = stage.complain()
    card = stage.card(case, shows="nobody yet")
    stage.until(lambda: stage.press(ANA, card, cards.ACCEPT).acked)
    stage.card(case, shows="Owner: Ana Silva")
    return case


def test_a_case_is_accepted_by_a_button_before_and_after_slack_has_closed_the_connection(stage: Stage) -> None:
    stage.until(lambda: stage.hands.sockets() == 1)
    stage.until(lambda: stage.http.get("/readyz").json()["slack"] == "connected")
    assert stage.http.post("/slack/events").status_code == 404, "there is no address for Slack"
    accept(stage)
    assert stage.hands.disconnect() == 1
    accept(stage)
    stage.until(lambda: stage.hands.sockets() == 1)
    ways = {
        c.object["last"]["via"]
        for c in stage.hands.state()
        if c.kind == "delivery" and c.object["state"] == "delivered" and _slacks(c.object)
    }
    assert ways == {"socket"}


def test_a_modal_is_opened_filled_in_and_answered_by_socket(stage: Stage) -> None:
    case = accept(stage)
    seen = stage.write(ANA, stage.open(ANA, stage.card(case, shows="Owner: Ana Silva"), cards.UPDATE), "The bank has been told.")
    assert (seen.response_action, seen.error) == ("push", None)
    assert seen.view is not None
    assert stage.send(ANA, seen.view) == ""
    assert len(stage.replies(case, 2)) == 2


def test_a_press_that_comes_twice_by_socket_acts_once(stage: Stage) -> None:
    case = stage.complain()
    card = stage.card(case, shows="nobody yet")
    stage.hands.fault("interactions", "deliver_twice", count=1)
    assert stage.press(ANA, card, cards.ACCEPT).acked
    stage.card(case, shows="Owner: Ana Silva")
    assert stage.events(case).count("accepted") == 1


def test_the_doctor_asks_the_api_whether_it_is_connected(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.until(lambda: stage.http.get("/readyz").json()["slack"] == "connected")
    for name, value in stage.installation._environment().items():
        if name.startswith(("LOOPKEEPER_", "DATABASE_URL", "TEMPORAL_")):
            monkeypatch.setenv(name, value)
    where = f"The API at http://127.0.0.1:{stage.installation.ports['api']}"
    assert f"{where} is connected to Slack by Socket Mode" in [found.told for found in examine() if found.verdict == "ok"]
    monkeypatch.setenv("LOOPKEEPER_PUBLIC_URL", "http://127.0.0.1:9")
    assert [found.told for found in examine() if found.verdict == "warning"] == [
        "Socket Mode: the API cannot be asked from here whether it is connected: 127.0.0.1:9 cannot be reached (NewConnectionError)"
    ]
    stage.hands.fault("slack", "down", match="apps.connections.open")
    stage.hands.disconnect()
    stage.until(lambda: stage.http.get("/readyz").json()["slack"].startswith("not connected"))
    monkeypatch.setenv("LOOPKEEPER_PUBLIC_URL", str(stage.http.base_url).rstrip("/"))
    (problem,) = [found.told for found in examine() if found.verdict == "problem"]
    assert problem.startswith(f"Socket Mode: {where[0].lower()}{where[1:]} is not connected: Slack cannot be reached")
    stage.hands.clear_faults()
    stage.until(lambda: stage.hands.sockets() == 1)


def _slacks(delivery: dict[str, object]) -> bool:
    return str(delivery["sender"]).startswith("slack/")
