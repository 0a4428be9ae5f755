"""What `dev.py` decides about the environment: what is missing, what must go, who may change it."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from devkit.checkout import DEVELOPMENT, PROJECT, RUNTIME, TO_DEVELOP, TO_RUN, Checkout, Layer, Stamp, normal_name, pinned
from devkit.environment import _alone, _try_lock, discard_half_installed, unlocked
from devkit.locking import LOCKED, compile_command
from devkit.progress import Console

HERE = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A small checkout with a complete environment."""
    here = Checkout(tmp_path / "loop keeper")
    for layer in TO_DEVELOP:
        for name in layer.made_from:
            (here.root / name).parent.mkdir(parents=True, exist_ok=True)
            (here.root / name).write_text(f"content of {name}\n")
    here.venv.bin.mkdir(parents=True)
    here.venv.site_packages.mkdir(parents=True)
    here.venv.python.symlink_to(sys.executable)
    Stamp(here.identity(), {layer.name: layer.fingerprint(here.root) for layer in TO_DEVELOP}).write(here.stamp)
    return here


def test_nothing_is_missing_from_a_complete_environment(checkout: Checkout) -> None:
    assert checkout.missing(TO_DEVELOP) == ()


@pytest.mark.parametrize(
    ("edited", "missing"),
    [
        ("requirements/runtime.txt", (RUNTIME,)),
        ("requirements/build.txt", (RUNTIME,)),
        ("pyproject.toml", (PROJECT,)),
        ("requirements/runtime.in", (PROJECT,)),
        ("requirements/dev.txt", (DEVELOPMENT,)),
    ],
)
def test_an_edit_costs_only_the_layer_that_it_concerns(checkout: Checkout, edited: str, missing: tuple[Layer, ...]) -> None:
    (checkout.root / edited).write_text("edited\n")
    assert checkout.missing(TO_DEVELOP) == missing


def test_the_demo_does_not_wait_for_what_only_tests_need(checkout: Checkout) -> None:
    (checkout.root / "requirements/dev.txt").write_text("edited\n")
    assert checkout.missing(TO_RUN) == ()


def another_python(checkout: Checkout) -> None:
    stamp = json.loads(checkout.stamp.read_text())
    stamp["made_for"] = stamp["made_for"].replace("Python 3.", "Python 2.")
    checkout.stamp.write_text(json.dumps(stamp))


def python_gone(checkout: Checkout) -> None:
    checkout.venv.python.unlink()
    checkout.venv.python.symlink_to("/nowhere/python3")


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda checkout: checkout.venv.folder.rename(checkout.root / "elsewhere"), "none yet"),
        (lambda checkout: checkout.stamp.unlink(), "not made by dev.py, or not to its end"),
        (lambda checkout: checkout.stamp.write_text('{"made_for": "cut o'), "not made by dev.py, or not to its end"),
        (lambda checkout: checkout.stamp.write_text("[]"), "not made by dev.py, or not to its end"),
        (another_python, "made for .* Python 2"),
        (python_gone, "Python that it was made with is gone"),
    ],
)
def test_an_environment_of_no_use_is_made_anew_and_it_is_said_why(
    checkout: Checkout, damage: Callable[[Checkout], object], why: str
) -> None:
    damage(checkout)
    assert re.search(why, checkout.flaw() or "")
    assert checkout.missing(TO_RUN) == TO_RUN


def test_a_moved_checkout_is_noticed(checkout: Checkout, tmp_path: Path) -> None:
    moved = Checkout(checkout.root.rename(tmp_path / "moved"))
    assert os.fspath(checkout.root) in (moved.flaw() or "")


def test_a_stamp_is_replaced_whole_and_reads_back_any_path(tmp_path: Path) -> None:
    stamp = Stamp("/home/Zoë/ループ · Python 3.13", {"runtime": "abc"})
    Stamp("older", {}).write(tmp_path / "made-of.json")
    stamp.write(tmp_path / "made-of.json")
    assert Stamp.read(tmp_path / "made-of.json") == stamp
    assert [path.name for path in tmp_path.iterdir()] == ["made-of.json"]


def dist(checkout: Checkout, name: str, *files: str) -> Path:
    folder = checkout.venv.site_packages / f"{name}-1.0.dist-info"
    folder.mkdir()
    for file in files:
        (folder / file).write_text(f"Name: {name}\nVersion: 1.0\n")
    return folder


def test_a_package_whose_installation_was_cut_off_is_installed_again(checkout: Checkout) -> None:
    whole = dist(checkout, "whole", "METADATA", "RECORD")
    half = dist(checkout, "half", "METADATA")
    replaced = checkout.venv.site_packages / "~half"
    replaced.mkdir()
    discard_half_installed(checkout.venv)
    assert (whole.exists(), half.exists(), replaced.exists()) == (True, False, False)


def test_packages_that_no_list_names_any_more_are_found_however_they_spell_themselves(checkout: Checkout) -> None:
    for name in ("Typing_Extensions", "left-over", "pip", "loopkeeper"):
        dist(checkout, name, "METADATA", "RECORD")
    (checkout.root / "requirements/runtime.txt").write_text("typing-extensions==1.0 \\\n    --hash=sha256:00\n")
    assert unlocked(checkout) == ["left-over"]


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a poll, bounded above


def test_the_second_of_two_set_ups_waits_for_the_first_and_says_whom_it_waits_for(checkout: Checkout) -> None:
    heard = StringIO()
    entered: list[bool] = []

    def second() -> None:
        with _alone(checkout, Console(heard, live=False)):
            entered.append(True)

    with _alone(checkout, Console(StringIO(), live=False)):
        waiting = threading.Thread(target=second)
        waiting.start()
        until(lambda: f"process {os.getpid()}) is setting up .venv; waiting" in heard.getvalue())
        assert not entered
    waiting.join(20)
    assert entered


def test_the_lock_outlives_a_killed_dev_py_as_long_as_its_child_works(checkout: Checkout) -> None:
    holder = (
        "import sys; from pathlib import Path; from devkit.checkout import Checkout; from devkit.environment import _alone\n"
        "from devkit.children import Child, run; from devkit.progress import Console\n"
        "here, console = Checkout(Path(sys.argv[1])), Console(live=False)\n"
        "with _alone(here, console) as lock, console.step('working') as step:\n"
        "    run(Child(('sh', '-c', f'echo $$ > {sys.argv[2]}; exec sleep 60'), here.log, keeps_open=(lock,)), step)\n"
    )
    child_file = checkout.root.parent / "child"
    with subprocess.Popen((sys.executable, "-c", holder, checkout.root, child_file), cwd=HERE, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: child_file.exists() and child_file.read_text().endswith("\n"))
        finally:
            process.kill()
    with (checkout.own_folder / "setup.lock").open("a") as lock:
        assert not _try_lock(lock.fileno())
        os.kill(int(child_file.read_text()), 9)
        until(lambda: _try_lock(lock.fileno()))


@pytest.mark.parametrize("name", LOCKED)
def test_what_is_asked_for_is_what_is_pinned_with_hashes_and_no_address(name: str) -> None:
    asked = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (HERE / f"requirements/{name}.in").read_text(), re.MULTILINE))
    text = (HERE / f"requirements/{name}.txt").read_text()
    assert asked
    for package, version in asked.items():
        assert re.search(rf"^{re.escape(package)}=={re.escape(version)}[ ;]", text, re.MULTILINE), f"run `python3 dev.py lock`: {package}"
    assert all("--hash=sha256:" in part for part in re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:])
    assert not re.search(r"://|--index|--extra-index|--find-links|@ file", text)


def test_the_lists_agree_on_what_they_share() -> None:
    lines = [
        dict(re.findall(r"^([a-z0-9._-]+)(==[^\\]+)", (HERE / f"requirements/{name}.txt").read_text(), re.MULTILINE))
        for name in ("runtime", "dev")
    ]
    shared = lines[0].keys() & lines[1].keys()
    assert shared
    assert {name: lines[0][name] for name in shared} == {name: lines[1][name] for name in shared}


def test_locking_is_for_every_platform_and_leaves_no_trace_of_this_machine() -> None:
    command = compile_command(Path("uv"), "runtime", ("--upgrade",))
    assert {"--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"} <= set(command)
    assert command[-1] == "--upgrade"


def test_packages_pinned_twice_for_different_platforms_are_counted_twice(tmp_path: Path) -> None:
    lines = ("# made by", "a==1 ; sys_platform == 'darwin' \\", "    --hash=sha256:00", "a==2 ; sys_platform != 'darwin'", "b-c==3")
    (tmp_path / "list.txt").write_text("\n".join(lines))
    assert pinned(tmp_path / "list.txt") == ["a", "a", "b-c"]


@pytest.mark.parametrize("spelling", ["Foo.Bar", "foo_bar", "FOO--bar"])
def test_a_package_has_one_name(spelling: str) -> None:
    assert normal_name(spelling) == "foo-bar"
