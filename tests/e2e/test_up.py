"""The command itself: `loopkeeper up` and `loopkeeper doctor`, as processes, on state folders of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from adapters.slack import cards
from cli.doctor import examine
from cli.embedded import Installation
from cli.engines import Postgres, Temporal, free_port
from cli.installed import installed
from cli.processes import ServiceFailed
from sandbox.hands import Hands
from settings import HERE
from tests.conftest import fresh_database
from tests.e2e.conftest import ANA, COMPLAINT, SAM, Json, texts

OURS = ("LOOPKEEPER_", "DATABASE_URL", "TEMPORAL_", "PYTHONPATH")
READY_SECONDS = 120


def environment(**more: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(OURS)} | {"PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "1"} | more


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from cli.app import main; main()", *words]


class Up:
    """A running `loopkeeper up`."""

    def __init__(self, state: Path, log: Path, **more: str) -> None:
        self.state = state
        with log.open("wb") as out:
            words = command("up", "--state", str(state), "--speed", "60")
            self.process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, env=environment(**more), start_new_session=True)
        end = time.monotonic() + READY_SECONDS
        while "Ctrl-C stops it" not in (said := log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.1)  # a poll of its output, bounded above
        self.addresses = dict(re.findall(r"^  (\S.*?)\s{2,}(http://\S+)", said, re.MULTILINE))
        self.children = {name: pid for name, (pid, _) in json.loads((state / "pids.json").read_text()).items()}

    def kill(self) -> None:
        """Pull the plug: everything at once, no goodbye."""
        for pid in (self.process.pid, *self.children.values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def up(own_folder: Path) -> Iterator[Callable[..., Up]]:
    """Starts Loopkeeper; what still runs at the end is killed."""
    running: list[Up] = []

    def start(name: str, **more: str) -> Up:
        running.append(Up(own_folder / name, own_folder / f"{name}-{len(running)}.log", **more))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.kill()


def card_of(hands: Hands, post: Json, shows: str) -> Json:
    return hands.wait_for(
        lambda c: c.kind == "message" and post["url"] in str(c.object.get("blocks")) and shows in " ".join(texts(c.object["blocks"])), 60
    ).object


def wait_for_event(case: str, kind: str) -> None:
    with installed() as (store, _):
        end = time.monotonic() + 60
        while kind not in [entry.event.kind for _, entry in store.records.history(case)]:
            assert time.monotonic() < end, f"no {kind} in time"
            time.sleep(0.1)  # a poll of the database, bounded


def test_after_the_plug_was_pulled_the_next_start_goes_on_with_every_open_case(
    up: Callable[..., Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = up("plug")
    assert set(first.addresses) == {"Sandbox", "Console", "API docs", "Temporal UI"}
    assert set(first.children) == {"postgres", "temporal", "sandbox", "api", "worker", "dispatcher", "housekeeper"}
    with Hands(first.addresses["Sandbox"]) as hands:
        post = hands.post("x", COMPLAINT, SAM)
        card = card_of(hands, post, "nobody yet")
    first.kill()

    second = up("plug")
    monkeypatch.setenv("LOOPKEEPER_STATE", str(second.state))
    assert second.addresses == first.addresses, "bookmarks hold"
    with Hands(second.addresses["Sandbox"]) as hands:
        late = hands.post("x", "And nobody answers the phone either, it is ridiculous.", SAM)
        assert hands.press(ANA, cards.ACCEPT, channel=card["channel"], message_ts=card["ts"]).acked
        wait_for_event(f"meridian-x-{post['id']}", "accepted")
        replies = [c.object for c in hands.state() if c.kind == "post" and c.object["in_reply_to"] == post["id"]]
        assert len(replies) == 1, "acknowledged once"
        hands.wait_for(lambda c: c.kind == "post" and c.object["in_reply_to"] == late["id"], 60)
    children = [psutil.Process(pid) for pid in second.children.values()]
    assert second.stop() == 0
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_servers_of_ones_own_are_used_and_nothing_is_embedded(up: Callable[..., Up], postgres: Postgres, own_folder: Path) -> None:
    temporal = Temporal(free_port(), None, None)
    service = temporal.service(own_folder / "outside-temporal.log")
    service.start()
    try:
        service.wait_ready(60)
        with fresh_database(postgres) as database:
            url = database.replace("postgresql+psycopg2://", "postgresql://")
            running = up("outside", DATABASE_URL=url, TEMPORAL_ADDRESS=temporal.address)
            assert set(running.children) == {"sandbox", "api", "worker", "dispatcher", "housekeeper"}
            assert not (running.state / "postgres" / "data").exists()
            assert "Temporal UI" not in running.addresses
            with Hands(running.addresses["Sandbox"]) as hands:
                card_of(hands, hands.post("x", COMPLAINT, SAM), "nobody yet")
            assert running.stop() == 0
    except ServiceFailed as failed:
        pytest.fail(str(failed))
    finally:
        service.stop()


def test_a_second_start_on_the_same_state_says_so_and_harms_nothing(installation: Installation) -> None:
    again = subprocess.run(command("up", "--state", str(installation.state.folder)), capture_output=True, text=True, env=environment())
    assert again.returncode == 1
    assert f"Loopkeeper is running already on {installation.state.folder}: process {os.getpid()}" in again.stderr
    assert "Traceback" not in again.stderr
    assert httpx.get(f"http://127.0.0.1:{installation.ports['api']}/readyz").status_code == 200


# --- doctor -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """What the doctor says in an environment: each sentence with its verdict."""

    def examined(**settings: str) -> dict[str, str]:
        for name in [n for n in os.environ if n.startswith(OURS[:3])]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return {finding.told: finding.verdict for finding in examine()}

    return examined


def settings_of(installation: Installation, **changed: str) -> dict[str, str]:
    told = {name: value for name, value in installation._environment().items() if name.startswith(OURS[:3])}
    return told | changed


def test_the_doctor_finds_nothing_wrong_with_what_is_well(installation: Installation) -> None:
    looked = subprocess.run(command("doctor"), capture_output=True, text=True, env=environment(**settings_of(installation)))
    assert (looked.returncode, looked.stdout.splitlines()[-1]) == (0, "All is well."), looked.stdout + looked.stderr
    for said in ("The database answers", "Temporal serves", "Slack knows our token", "SendGrid knows our key", "The bridge of 'x' answers"):
        assert said in looked.stdout


def test_the_doctor_knows_the_embedded_installation_and_that_there_is_none(
    installation: Installation, told: Callable[..., dict[str, str]], own_folder: Path
) -> None:
    here = told(LOOPKEEPER_STATE=str(installation.state.folder))
    assert here["The database answers and is up to date"] == "ok"
    assert "problem" not in here.values()
    nowhere = told(LOOPKEEPER_STATE=str(own_folder / "nowhere"))
    assert list(nowhere)[-1].startswith("No installation here yet")


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "database": ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "The database: cannot be reached"),
    "no database of ours": ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: String should match pattern"),
    "no keys": ({"LOOPKEEPER_KEYS": ""}, "LOOPKEEPER_KEYS: "),
    "bad keys": ({"LOOPKEEPER_KEYS": "k1:short"}, "LOOPKEEPER_KEYS: "),
    "Temporal": ({"TEMPORAL_ADDRESS": "127.0.0.1:9"}, "Temporal: cannot be reached"),
    "Slack": ({"LOOPKEEPER_SLACK_BOT_TOKEN": "xoxb-wrong"}, "Slack: refuses the token: invalid_auth"),
    "Slack away": ({"LOOPKEEPER_SLACK_API_URL": "http://127.0.0.1:9/"}, "Slack: cannot be reached"),
    "SendGrid": ({"LOOPKEEPER_SENDGRID_API_KEY": "SG.wrong"}, "SendGrid: refuses the key (401)"),
    "SendGrid away": ({"LOOPKEEPER_SENDGRID_URL": "http://127.0.0.1:9"}, "SendGrid: 127.0.0.1:9 cannot be reached"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_doctor_says_in_plain_words_what_is_wrong(installation: Installation, told: Callable[..., dict[str, str]], what: str) -> None:
    changed, said = WRONG[what]
    problems = [sentence for sentence, verdict in told(**settings_of(installation, **changed)).items() if verdict == "problem"]
    assert len(problems) == 1, problems
    assert problems[0].startswith(said)


def test_the_doctor_names_bridges_that_are_wrong(installation: Installation, told: Callable[..., dict[str, str]]) -> None:
    own = settings_of(installation)
    access = json.loads(own["LOOPKEEPER_CHANNELS"])
    access["x"]["secret"] = access["mastodon"]["secret"]
    access["facebook"]["bridge_url"] = "http://127.0.0.1:9/bridge"
    access["myspace"] = access["mastodon"]
    findings = told(**{**own, "LOOPKEEPER_CHANNELS": json.dumps(access)})
    problems = "\n".join(sentence for sentence, verdict in findings.items() if verdict == "problem")
    assert "The bridge of 'x': " in problems
    assert "The bridge of 'facebook': " in problems
    assert "names 'myspace', which the policy does not have" in problems
    assert findings["The bridge of 'mastodon' answers"] == "ok"


def test_a_socket_that_had_to_be_elsewhere_leaves_no_folder_behind(tmp_path: Path) -> None:
    server = Postgres(tmp_path / ("a path that is longer than the kernel takes" * 3))
    assert not server.sockets.is_relative_to(tmp_path)
    server.sockets.mkdir()
    server.tidy()
    assert not server.sockets.exists()


# --- slack check ------------------------------------------------------------------------------------------------------


def test_the_check_of_slack_finds_nothing_wrong_with_what_is_well_and_ends_with_0(installation: Installation) -> None:
    looked = subprocess.run(command("slack", "check"), capture_output=True, text=True, env=environment(**settings_of(installation)))
    assert (looked.returncode, looked.stdout.splitlines()[-1]) == (0, "All is well."), looked.stdout + looked.stderr
    assert f"http://127.0.0.1:{installation.ports['api']}/slack/events answers and knows the signing secret" in looked.stdout


def test_the_check_of_slack_is_for_programs_too_and_ends_with_1_when_something_is_wrong(installation: Installation) -> None:
    wrong = settings_of(installation, LOOPKEEPER_SLACK_SIGNING_SECRET="another")
    looked = subprocess.run(command("slack", "check", "--json"), capture_output=True, text=True, env=environment(**wrong))
    said = json.loads(looked.stdout)
    assert (looked.returncode, said["ok"]) == (1, False)
    assert [one["about"] for one in said["found"] if one["verdict"] != "ok"] == ["request url"]


def test_the_check_of_slack_knows_the_embedded_installation(installation: Installation) -> None:
    here = environment(LOOPKEEPER_STATE=str(installation.state.folder))
    looked = subprocess.run(command("slack", "check"), capture_output=True, text=True, env=here)
    assert (looked.returncode, looked.stdout.splitlines()[-1]) == (0, "All is well."), looked.stdout + looked.stderr
