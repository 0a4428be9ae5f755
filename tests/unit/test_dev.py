"""`dev.py` from outside: what it says, what it hands over, how it ends. A real process each time; only `.venv` is a stand-in."""

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.checkout import TO_DEVELOP, Checkout, Stamp

HERE = Path(__file__).resolve().parents[2]
SAYS_WHAT_IT_GOT = '#!/bin/sh\nprintf "%s|" "$$" "${0##*/}" "$PWD" "$@"\n'


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout whose environment counts as complete and whose programs only say how they were called."""
    root = tmp_path / "Größe & co" / "loop keeper"
    shutil.copytree(HERE / "requirements", root / "requirements")
    shutil.copytree(HERE / "devkit", root / "devkit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "dev.py", root)
    shutil.copy(HERE / "pyproject.toml", root)
    here = Checkout(root)
    for name in ("python", "loopkeeper", "ruff", "mypy", "lint-imports"):
        program(here.venv.bin / name, SAYS_WHAT_IT_GOT)
    Stamp(here.identity(), {layer.name: layer.fingerprint(root) for layer in TO_DEVELOP}).write(here.stamp)
    return here


def start(checkout: Checkout, *words: str, folder: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (sys.executable, os.fspath(checkout.root / "dev.py"), *words),
        cwd=folder or checkout.root,
        env={**os.environ, "PATH": "/nowhere"},  # above all, apt-get is out of reach
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        try:
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        return process.returncode, out, err


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (("demo", "--once"), ["loopkeeper", "demo", "--once"]),
        (("run",), ["loopkeeper", "up"]),
        (("replay", "a b.json"), ["loopkeeper", "replay", "a b.json"]),
        (("loopkeeper", "case", "show", "--", "-x"), ["loopkeeper", "case", "show", "--", "-x"]),
        (("test",), ["python", "-m", "pytest", "-n", "2"]),
        (("test", "-k", "", "tests/unit"), ["python", "-m", "pytest", "-k", "", "tests/unit"]),
        (("bench", "ingest", "--json", "é.json"), ["python", "-P", "-m", "bench", "ingest", "--json", "é.json"]),
    ],
)
def test_a_command_becomes_its_program_with_every_word_unchanged(checkout: Checkout, words: tuple[str, ...], called: list[str]) -> None:
    process = start(checkout, *words)
    code, out, _err = said(process)
    pid, name, _folder, *arguments = out.split("|")[:-1]
    assert (code, [name, *arguments]) == (0, called)
    assert int(pid) == process.pid, "the program must be the process that was started, so that signals and exit codes are its own"


def test_commands_run_in_the_checkout_but_those_that_take_files_stay_in_the_callers_folder(checkout: Checkout, tmp_path: Path) -> None:
    names = ("demo", "run", "test", "loopkeeper", "replay")
    folders = {name: said(start(checkout, name, folder=tmp_path))[1].split("|")[2] for name in names}
    root, callers = os.fspath(checkout.root), os.fspath(tmp_path)
    assert folders == {"demo": root, "run": root, "test": root, "loopkeeper": callers, "replay": callers}


def test_the_exit_code_of_the_program_is_the_exit_code(checkout: Checkout) -> None:
    program(checkout.venv.bin / "loopkeeper", "#!/bin/sh\nexit 7\n")
    assert said(start(checkout, "demo"))[0] == 7


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_the_program(checkout: Checkout, signum: signal.Signals) -> None:
    waits = f"import signal, sys; signal.signal({int(signum)}, lambda *_: sys.exit(42)); print('up', flush=True); signal.pause()"
    program(checkout.venv.bin / "loopkeeper", f"#!/bin/sh\nexec {shlex.join((sys.executable, '-c', waits))}\n")
    process = start(checkout, "run")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signum)
    assert said(process) == (42, "", "")


def test_a_complete_environment_is_used_without_touching_anything(checkout: Checkout) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.venv.folder.rglob("*")}
    said(start(checkout, "demo"))
    assert {path: path.stat().st_mtime_ns for path in checkout.venv.folder.rglob("*")} == before
    assert not checkout.own_folder.exists(), "no lock and no log when there is nothing to do"


def test_every_check_is_run_though_one_fails_and_a_summary_says_which(checkout: Checkout) -> None:
    program(checkout.venv.bin / "mypy", "#!/bin/sh\necho a type is wrong\nexit 3\n")
    code, out, _err = said(start(checkout, "check"))
    assert code == 1
    assert "a type is wrong" in out
    assert (out.count("|ruff|"), out.count("|lint-imports|")) == (2, 1), "those before and after the failed one must have run"
    assert re.findall(r"^  (\S.*?) +(✓ passed|✗ FAILED \(\d\))", out, re.MULTILINE) == [
        ("ruff check", "✓ passed"),
        ("ruff format", "✓ passed"),
        ("mypy --strict", "✗ FAILED (3)"),
        ("lint-imports", "✓ passed"),
    ]


def test_checks_that_all_pass_exit_with_zero(checkout: Checkout) -> None:
    assert said(start(checkout, "check"))[0] == 0


@pytest.mark.parametrize("words", [(), ("help",), ("--help",)])
def test_without_a_command_there_is_help_of_one_screen(checkout: Checkout, words: tuple[str, ...]) -> None:
    code, out, err = said(start(checkout, *words))
    assert (code, err) == (0, "")
    assert "python3 dev.py demo" in out
    assert len(out.splitlines()) <= 24
    assert max(map(len, out.splitlines())) <= 100


def test_an_unknown_command_is_named_and_help_follows(checkout: Checkout) -> None:
    code, out, err = said(start(checkout, "dmeo"))
    assert (code, out) == (2, "")
    assert "no command `dmeo`" in err
    assert "python3 dev.py demo" in err


def test_a_checkout_that_may_not_be_written_is_explained(checkout: Checkout) -> None:
    (checkout.root / "requirements/runtime.txt").write_text("changed==1\n")
    checkout.own_folder.write_text("in the way: not a folder")
    code, _out, err = said(start(checkout, "demo"))
    assert code == 1
    assert os.fspath(checkout.own_folder) in err
    assert "Traceback" not in err


OLD = "version_info = (3, 9, 2, 'final', 0)"


def pretending(what: str, words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    pretend = f"import runpy, sys; sys.{what}; sys.argv = {words.split()!r}; runpy.run_path('dev.py')"
    return subprocess.run(
        (sys.executable, "-c", pretend), cwd=HERE, env={"PATH": os.fspath(folder)}, capture_output=True, text=True, check=False
    )


def test_an_old_python_names_the_newer_one_that_is_installed(tmp_path: Path) -> None:
    program(tmp_path / "python3.12", "")
    ended = pretending(OLD, "dev.py demo --once", tmp_path)
    assert ended.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13; this one is 3.9.2" in ended.stderr
    assert "python3.12 dev.py demo --once" in ended.stderr


def test_an_old_python_says_how_to_get_a_newer_one(tmp_path: Path) -> None:
    ended = pretending(OLD, "dev.py demo", tmp_path)
    assert ended.returncode == 1
    assert "apt-get install -y python3" in ended.stderr
    assert "brew install python@3.13 && python3.13 dev.py demo" in ended.stderr


def test_windows_is_told_where_it_works(tmp_path: Path) -> None:
    ended = pretending("platform = 'win32'", "dev.py demo", tmp_path)
    assert ended.returncode == 1
    assert "inside WSL" in ended.stderr


def test_an_old_python_can_read_the_file_at_all() -> None:
    ast.parse((HERE / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))
