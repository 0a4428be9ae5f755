"""The steps that `dev.py` takes: what they show, how they are interrupted, and what is said when they fail."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from devkit import system
from devkit.checkout import Checkout
from devkit.children import Child, Watcher, run
from devkit.failure import SetupError, explain, explain_os_error
from devkit.pip import Pip, PipWatcher, certificates
from devkit.progress import Console, in_words
from devkit.system import AptWatcher

HERE = Path(__file__).resolve().parents[2]


RETRYING = "WARNING: Retrying (Retry(total=4, connect=None, read=None, redirect=None, status=None)) after connection broken by"
NOT_FOUND = "ERROR: Could not find a version that satisfies the requirement a==1\nERROR: No matching distribution found for a==1"


@pytest.mark.parametrize(
    ("output", "cause", "advice"),
    [
        (f"{RETRYING} 'NewConnectionError(…)': /simple/a/\n{NOT_FOUND}", "no answer came over the network", "run the same command again"),
        (
            f"{RETRYING} 'ProxyError('Cannot connect to proxy.', NewConnectionError('…'))': /simple/a/\n{NOT_FOUND}",
            "proxy refused",
            "HTTPS_PROXY",
        ),
        (f"{RETRYING} 'SSLError(…: CERTIFICATE_VERIFY_FAILED] …)': /a/\n{NOT_FOUND}", "no trusted, encrypted connection", "PIP_CERT"),
        (NOT_FOUND, "no ready-made package", "glibc 2.28"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM …\n    a==1 from a.whl:", "not the one that was pinned", "cache purge"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full", "TMPDIR"),
        ("E: Failed to fetch http://…  Temporary failure resolving 'packages.example'", "no answer came over the network", "run the same"),
        ("E: Could not open lock file /var/lib/dpkg/lock - open (13: Permission denied)", "may not be written", "chown"),
    ],
)
def test_a_failed_step_is_told_by_its_cause_with_advice(output: str, cause: str, advice: str) -> None:
    failure = explain("install the packages", f"Collecting a\n{output}\n")
    assert cause in failure.happened
    assert advice in failure.to_do
    assert output.splitlines()[0] in str(failure)


def test_an_unknown_failure_shows_the_first_error_and_not_the_wall_before_it() -> None:
    failure = explain("install the packages", "Collecting a\n" * 500 + "ERROR: the moon is in the way\nof the sun\n")
    assert str(failure).splitlines()[:3] == ["Could not install the packages.", "    | ERROR: the moon is in the way", "    | of the sun"]


def test_an_error_of_the_system_names_the_file() -> None:
    with pytest.raises(OSError, match="No such file") as raised:
        Path("/nowhere/at/all").read_text()
    assert "/nowhere/at/all" in explain_os_error(raised.value).happened


@pytest.mark.parametrize(("seconds", "words"), [(0.04, "0.0 s"), (0.44, "0.4 s"), (12.4, "12 s"), (60, "1 min"), (125, "2 min 5 s")])
def test_durations_are_said_as_people_do(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_log_gets_whole_lines_about_a_step() -> None:
    stream = StringIO()
    with Console(stream, live=False).step("Packages") as step:
        step.show("1 of 2")  # too soon to be worth a line
    begun, ended = stream.getvalue().splitlines()
    assert begun == "  Packages ..."
    assert re.fullmatch(r"  \+ Packages \(0\.\d s\)", ended)


def test_a_terminal_gets_one_line_that_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, ours = os.openpty()
    with open(ours, "w", encoding="utf-8") as stream, pytest.raises(SetupError), Console(stream).step("a long title " * 20):  # noqa: PTH123
        raise SetupError("happened", "do")
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    picture, ended = shown.split("\r\x1b[K")[1:]
    assert len(picture) <= 80
    assert ended.startswith("  ✗ a long title")


def test_a_dumb_terminal_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal, ours = os.openpty()
    with open(ours, "w", encoding="utf-8") as stream, Console(stream).step("Packages"):  # noqa: PTH123
        pass
    shown = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "\x1b" not in shown
    assert shown.startswith("  Packages …")


def a_child(tmp_path: Path, script: str, watcher: Watcher | None = None) -> Child:
    return Child((sys.executable, "-c", script), tmp_path / "log", watcher=watcher or AptWatcher())


def test_a_child_is_heard_line_by_line_and_kept_whole_in_the_log(tmp_path: Path) -> None:
    class Hearing:
        lines: list[str] = []  # noqa: RUF012

        def hear(self, line: str) -> None:
            self.lines.append(line)

        def progress(self) -> str:
            return ""

    hearing = Hearing()
    script = (
        "import sys; print('ö' * 70_000, flush=True); print('to stderr', file=sys.stderr, flush=True); sys.stdout.write('cut'); sys.exit(3)"
    )
    with Console(StringIO(), live=False).step("x") as step:
        finished = run(a_child(tmp_path, script, hearing), step)
    assert finished.exit_code == 3
    assert hearing.lines == ["ö" * 70_000, "to stderr"]
    assert (tmp_path / "log").read_text() == finished.output
    assert finished.output.endswith("cut")


def test_a_grandchild_that_stays_behind_is_not_waited_for(tmp_path: Path) -> None:
    script = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    with Console(StringIO(), live=False).step("x") as step:
        began = time.monotonic()
        finished = run(a_child(tmp_path, script), step)
    os.kill(int(finished.output), signal.SIGKILL)
    assert time.monotonic() - began < 30


RUNS_A_CHILD = """
import sys
from io import StringIO
from pathlib import Path
from devkit.children import Child, Stopped, end_cleanly_when_asked, run
from devkit.progress import Console
end_cleanly_when_asked()
folder = Path(sys.argv[1])
try:
    with Console(live=False).step("x") as step:
        run(Child((sys.executable, "-c", sys.argv[2], folder), folder / "log", patience=float(sys.argv[3])), step)
except KeyboardInterrupt:
    sys.exit(130)
except Stopped as stopped:
    sys.exit(stopped.exit_code)
"""
TIDIES_UP = """
import signal, subprocess, sys, pathlib, time
folder = pathlib.Path(sys.argv[1])
deaf_to_interrupts = ["sh", "-c", "trap '' INT; exec sleep 60"]
grandchild = subprocess.Popen(deaf_to_interrupts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
(folder / "started.new").write_text(str(grandchild.pid))
(folder / "started.new").rename(folder / "started")
try:
    signal.pause()
except KeyboardInterrupt:
    (folder / "tidied").touch()
"""
WILL_NOT_END = TIDIES_UP.replace("try:", "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntry:")


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a poll, bounded above


def is_gone(pid: int) -> bool:
    """Ended; perhaps not yet buried by whoever adopted it."""
    if sys.platform != "linux":
        return subprocess.run(("ps", "-p", str(pid)), capture_output=True, check=False).returncode != 0
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize(("script", "patience", "tidied"), [(TIDIES_UP, "20", True), (WILL_NOT_END, "0.1", False)])
def test_interrupting_a_step_ends_all_that_it_started(
    tmp_path: Path, signum: signal.Signals, code: int, script: str, patience: str, tidied: bool
) -> None:
    with subprocess.Popen((sys.executable, "-c", RUNS_A_CHILD, tmp_path, script, patience), cwd=HERE, stderr=subprocess.DEVNULL) as process:
        try:
            until((tmp_path / "started").exists)
            process.send_signal(signum)
            assert process.wait(20) == code
        finally:
            process.kill()
    assert (tmp_path / "tidied").exists() == tidied
    until(lambda: is_gone(int((tmp_path / "started").read_text())))


def test_pip_progress_counts_what_is_fetched_then_what_is_unpacked(tmp_path: Path) -> None:
    watcher = PipWatcher(4, tmp_path)
    heard = []
    for line in (
        "Ignoring colorama: markers 'sys_platform == \"win32\"' don't match your environment",
        "Collecting typer==0.29.2 (from -r requirements/runtime.txt (line 5))",
        "  Downloading typer-0.29.2-py3-none-any.whl (121 kB)",
        "Processing /a mirror/files/types_protobuf-7.35.1-py3-none-any.whl (from -r requirements/runtime.txt (line 7))",
        "Requirement already satisfied: tzdata==2026.6 in ./.venv/lib (from -r requirements/runtime.txt (line 9))",
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by '…': /simple/a/",
        "Installing collected packages: types-protobuf, typer",
    ):
        watcher.hear(line)
        heard.append(watcher.progress())
    assert heard == [
        "",
        "1 of 3, typer",
        "1 of 3, typer 121 kB",
        "2 of 3, types-protobuf",
        "3 of 3, tzdata",
        "3 of 3, no answer from the package index yet, trying again",
        "unpacked 0 of 2",
    ]
    (tmp_path / "typer-0.29.2.dist-info").mkdir()
    (tmp_path / "typer-0.29.2.dist-info/RECORD").touch()
    assert watcher.progress() == "unpacked 1 of 2"


def test_apt_progress_counts_packages() -> None:
    watcher = AptWatcher()
    heard = []
    for line in (
        "Get:1 http://packages.example/debian bookworm InRelease [151 kB]",
        "2 upgraded, 7 newly installed, 0 to remove and 0 not upgraded.",
        "Get:1 http://packages.example/debian bookworm/main amd64 openssl amd64 3.0.20 [1437 kB]",
        "Unpacking openssl (3.0.20-1~deb12u2) ...",
        "Unpacking libpam0g:amd64 (1.5.2-6) ...",
        "Setting up openssl (3.0.20-1~deb12u2) ...",
    ):
        watcher.hear(line)
        heard.append(watcher.progress())
    assert heard == [
        "reading the package lists",
        "reading the package lists",
        "fetching 1 of 9, openssl",
        "unpacking 1 of 9, openssl",
        "unpacking 2 of 9, libpam0g",
        "setting up 1 of 9, openssl",
    ]


@pytest.mark.parametrize(
    ("environ", "configuration", "added"),
    [
        ({"SSL_CERT_FILE": "/ca"}, "", {"PIP_CERT": "/ca"}),
        ({"SSL_CERT_FILE": "/ca"}, "global.index-url='https://mirror.example/simple'\n", {"PIP_CERT": "/ca"}),
        ({"SSL_CERT_FILE": "/ca"}, "global.timeout='9'\nglobal.cert='/own'\n", {}),
        ({"SSL_CERT_FILE": "/ca", "PIP_CERT": "/own"}, "", {}),
        ({"SSL_CERT_FILE": "/ca", "REQUESTS_CA_BUNDLE": "/own"}, "", {}),
        ({}, "", {}),
    ],
)
def test_pip_trusts_what_all_else_trusts_unless_told_otherwise(environ: dict[str, str], configuration: str, added: dict[str, str]) -> None:
    assert certificates(environ, configuration) == added


def a_pip(tmp_path: Path, *, cache: str, monkeypatch: pytest.MonkeyPatch) -> Pip:
    """A pip whose Python is a script: it answers questions about the cache, and writes down how it was called otherwise."""
    checkout = Checkout(tmp_path)
    checkout.own_folder.mkdir()
    checkout.venv.bin.mkdir(parents=True)
    checkout.venv.python.write_text(
        f'#!/bin/sh\ncase "$4" in cache) {cache} ;; config) ;; *) echo "$@" > "$PWD/called"; env > "$PWD/environ" ;; esac\n'
    )
    checkout.venv.python.chmod(0o755)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/runtime.txt").write_text("a==1\n")
    for name in ("PIP_CACHE_DIR", "PIP_NO_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return Pip(checkout.venv, checkout, Console(StringIO(), live=False))


def test_pip_keeps_the_users_settings_except_those_that_would_lead_packages_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = {"PIP_INDEX_URL": "https://mirror.example", "PIP_PROXY": "p", "PIP_USER": "1", "PIP_TARGET": "/t", "PIP_QUIET": "3"}
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    a_pip(tmp_path, cache="echo /cache", monkeypatch=monkeypatch).install_pinned("Packages", ["runtime"])
    environ = dict(line.split("=", 1) for line in (tmp_path / "environ").read_text().splitlines() if line.startswith("PIP_"))
    assert {name: environ.get(name) for name in users} == users | {"PIP_USER": "0", "PIP_TARGET": None, "PIP_QUIET": "0"}
    assert "PIP_CACHE_DIR" not in environ


def test_only_ready_made_packages_with_the_pinned_hash_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_pip(tmp_path, cache="echo /cache", monkeypatch=monkeypatch).install_pinned("Packages", ["runtime"])
    called = (tmp_path / "called").read_text()
    assert called == "-I -m pip install --require-hashes --only-binary=:all: -r requirements/runtime.txt\n"


def test_the_project_itself_is_installed_without_network_and_unpinned_builders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_pip(tmp_path, cache="echo /cache", monkeypatch=monkeypatch).install_project()
    assert {"--no-index", "--no-deps", "--no-build-isolation", "--editable"} <= set((tmp_path / "called").read_text().split())


def test_downloads_are_kept_in_the_checkout_where_pips_own_cache_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = a_pip(tmp_path, cache="exit 1", monkeypatch=monkeypatch)
    assert pip.environ["PIP_CACHE_DIR"] == os.fspath(tmp_path / ".dev/downloads")


@pytest.fixture
def bare_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with apt-get and a Python that cannot make environments; nothing else. Its folder of programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text("#!/bin/sh\n")
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(programs))
    monkeypatch.setattr(system, "find_spec", lambda name: None if name == "ensurepip" else object())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return programs


def test_an_ordinary_user_is_told_in_one_line_what_to_install(bare_debian: Path, tmp_path: Path) -> None:
    (bare_debian / "sudo").write_text("#!/bin/sh\n")
    (bare_debian / "sudo").chmod(0o755)
    with pytest.raises(SetupError) as raised:
        system.bring_what_python_lacks(Checkout(tmp_path), Console(StringIO(), live=False))
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"\n    sudo apt-get update && sudo apt-get install -y python{version}-venv ca-certificates\n" in str(raised.value)


def test_without_sudo_the_line_is_for_su(bare_debian: Path) -> None:
    assert bare_debian
    assert system.how_to_install(("chromium",)) == "su -c 'apt-get update && apt-get install -y chromium'"


def test_where_there_is_no_apt_the_missing_part_is_named(bare_debian: Path, tmp_path: Path) -> None:
    (bare_debian / "apt-get").unlink()
    with pytest.raises(SetupError, match="ensurepip"):
        system.bring_what_python_lacks(Checkout(tmp_path), Console(StringIO(), live=False))


def test_the_packages_named_are_those_of_this_python() -> None:
    assert system.packages_for_environments((3, 12)) == ("python3.12-venv", "ca-certificates")


def test_tests_go_on_without_a_browser_and_it_is_said_how_to_get_one(bare_debian: Path, tmp_path: Path) -> None:
    assert bare_debian
    heard = StringIO()
    system.bring_browser(Checkout(tmp_path), Console(heard, live=False))
    assert "apt-get install -y chromium" in heard.getvalue()


def test_a_browser_that_is_there_is_found(bare_debian: Path) -> None:
    assert "chromium" in system.missing_for_browser_tests()
    (bare_debian / "google-chrome").write_text("#!/bin/sh\n")
    (bare_debian / "google-chrome").chmod(0o755)
    assert "chromium" not in system.missing_for_browser_tests()


@pytest.mark.skipif(sys.platform != "linux", reason="the driver for macOS brings its libraries along")
def test_a_library_that_the_drivers_of_browsers_need_is_asked_for(bare_debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bare_debian
    monkeypatch.setattr(system, "_can_load", lambda _library: False)
    assert system.missing_for_browser_tests() == ("chromium", "libatomic1")


def test_marks_are_plain_where_the_fancy_ones_cannot_be_written() -> None:
    console = Console(TextIOWrapper(BytesIO(), encoding="ascii"))
    assert (console.tick, console.cross, console.dots) == ("+", "x", "...")
