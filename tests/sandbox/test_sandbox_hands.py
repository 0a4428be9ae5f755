"""The hands' eyes, who may use them, and what survives the end of the process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sandbox_support import BOT_TOKEN, Loopkeeper, Outside, StartSandbox
from slack_sdk import WebClient

from sandbox.__main__ import main
from sandbox.hands import Author, Hands

SAM = Author("77", "sam", "Sam Okafor")
ROOT = Path(__file__).resolve().parents[2]


def test_the_world_is_told_without_its_secrets(outside: Outside) -> None:
    world = outside.hands.world()
    assert [channel["name"] for channel in world["networks"]] == ["x", "forum"]
    assert (world["brands"], world["people"][0]["name"]) == ([{"handle": "meridian", "name": "Meridian Mobile"}], "Ana Silva")
    told = json.dumps(world)
    assert "whsec_" not in told
    assert BOT_TOKEN not in told


def test_changes_are_numbered_and_can_be_resumed(outside: Outside) -> None:
    before = outside.hands.number()
    one = outside.hands.post("x", "one", SAM)
    two = outside.hands.post("x", "two", SAM)
    found, _ = outside.hands.changes(before)
    posts = [change for change in found if change.kind == "post"]
    assert [change.object["id"] for change in posts] == [one["id"], two["id"]]
    assert [change.number for change in posts] == sorted(change.number for change in posts)
    rest, _ = outside.hands.changes(posts[0].number)
    assert posts[0].number < min(change.number for change in rest)


def test_who_waits_for_something_new_is_answered_when_there_is_nothing(outside: Outside) -> None:
    number = outside.hands.number()
    assert outside.hands.changes(number, wait=1) == ([], number)


def test_the_stream_tells_and_resumes_by_the_last_events_id(outside: Outside) -> None:
    post = outside.hands.post("x", "line\nbreak", SAM)
    stream = urllib3.request("GET", f"{outside.url}/hands/stream?after=0", preload_content=False, headers={"Origin": outside.url})
    seen = read_changes(stream, lambda change: change["kind"] == "post")
    assert seen["object"]["text"] == "line\nbreak"
    stream.close()
    outside.hands.edit("x", post["id"], "edited")
    resumed = urllib3.request("GET", f"{outside.url}/hands/stream", preload_content=False, headers={"Last-Event-ID": str(seen["n"])})
    assert read_changes(resumed, lambda change: change["kind"] == "post")["object"]["text"] == "edited"
    resumed.close()


def test_a_follower_from_another_world_is_told_everything(outside: Outside) -> None:
    outside.hands.post("x", "hello", SAM)
    found, number = outside.hands.changes(after=1_000_000)
    assert "post" in [change.kind for change in found]
    assert number <= outside.hands.number() < 1_000_000
    stream = urllib3.request("GET", f"{outside.url}/hands/stream?after=1000000", preload_content=False)
    assert b"event: anew" in next(chunk for chunk in stream.stream(1024) if b"event" in chunk)
    stream.close()


def read_changes(stream: urllib3.BaseHTTPResponse, wanted: Any) -> Any:
    held = b""
    for chunk in stream.stream(1024):
        held += chunk
        *events, held = held.split(b"\n\n")
        for event in events:
            for line in event.split(b"\n"):
                if line.startswith(b"data: ") and wanted(change := json.loads(line[6:])):
                    return change
    raise AssertionError("the stream ended")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8088"}, 200),
        ({}, 200),
    ],
)
def test_the_hands_belong_to_this_machine_and_this_page(shared: Outside, headers: dict[str, str], status: int) -> None:
    assert urllib3.request("GET", f"{shared.url}/hands/fault", headers=headers).status == status


def test_elsewhere_they_work_when_the_settings_say_so(start_sandbox: StartSandbox) -> None:
    outside = start_sandbox(hands_from="anywhere")
    assert urllib3.request("GET", f"{outside.url}/hands/fault", headers={"Host": "sandbox.example"}).status == 200
    assert urllib3.request("GET", f"{outside.url}/hands/fault", headers={"Host": "a.example", "Origin": "https://b.example"}).status == 403


def test_what_cannot_be_read_is_named_field_by_field(shared: Outside) -> None:
    said = urllib3.request("POST", f"{shared.url}/hands/post", json={"channel": "x", "author": {}, "mood": "bad"}).json()
    assert said["status"] == 422
    for part in ("brand: Field required", "author.id: Field required", "mood: Extra inputs"):
        assert part in said["detail"]


class Process:
    """A sandbox in a process of its own."""

    def __init__(self, state: Path, loopkeeper_url: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "SANDBOX_LOOPKEEPER_URL": loopkeeper_url,
            "SANDBOX_SLACK_BOT_TOKEN": BOT_TOKEN,
            "SANDBOX_SLACK_RATE": "0",
        }
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(state)]
        self.process = subprocess.Popen(command, env=environment, cwd=ROOT)
        self.hands = Hands(self.url)
        end = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "the sandbox ended while starting"
            assert time.monotonic() < end, "the sandbox did not start within 60 s"
            time.sleep(0.02)  # a poll, bounded above

    def _answers(self) -> bool:
        try:
            self.hands.faults()
        except urllib3.exceptions.HTTPError:
            return False
        return True

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)
        self.hands.close()


def test_nothing_that_was_acknowledged_is_lost_by_kill_9(loopkeeper: Loopkeeper, tmp_path: Path) -> None:
    first = Process(tmp_path / "state.db", loopkeeper.url)
    client = WebClient(token=BOT_TOKEN, base_url=f"{first.url}/slack/api/", retry_handlers=[])
    posts = [first.hands.post("x", f"post {n}", SAM)["id"] for n in range(20)]
    stamps = [client.chat_postMessage(channel="C0BILLING1", text=f"message {n}")["ts"] for n in range(20)]
    first.hands.edit("x", posts[0], "edited")
    _, number = first.hands.changes(0)
    first.kill()

    second = Process(tmp_path / "state.db", loopkeeper.url)
    try:
        now = {change.key: change.object for change in second.hands.state()}
        assert [now[f"x/{post_id}"]["text"] for post_id in posts] == ["edited"] + [f"post {n}" for n in range(1, 20)]
        assert [now[f"C0BILLING1/{ts}"]["text"] for ts in stamps] == [f"message {n}" for n in range(20)]
        again = WebClient(token=BOT_TOKEN, base_url=f"{second.url}/slack/api/", retry_handlers=[])
        assert again.chat_postMessage(channel="C0BILLING1", text="later")["ts"] > stamps[-1]
        found, _ = second.hands.changes(number)
        assert "later" in [change.object.get("text") for change in found], "numbers go on where they were"
    finally:
        second.kill()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SANDBOX_CHANNELS": '{"x": {"network": "X", "secret": "hunter2", "limit": 280}}'}, "24 to 64 bytes"),
        ({"SANDBOX_WORLD": "/nowhere/world.json"}, "The world /nowhere/world.json cannot be read"),
        ({"SANDBOX_SENDGRID_WEBHOOK_KEY": "-----"}, "PEM"),
    ],
)
def test_settings_that_cannot_be_used_are_said_in_one_line(
    environment: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["--port", "1"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("The sandbox cannot start: ")
    assert words in told
