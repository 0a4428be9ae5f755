"""Making `.venv` and keeping it right: exactly what the locked requirements say, and the project itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import distributions

from devkit.checkout import DEVELOPMENT, PROJECT, RUNTIME, Checkout, Layer, Stamp, Venv, normal_name, pinned
from devkit.children import Child, run
from devkit.failure import explain
from devkit.pip import Pip
from devkit.progress import LIVE_SECONDS, Console, in_words
from devkit.system import bring_what_python_lacks


def prepare(checkout: Checkout, wanted: Sequence[Layer], console: Console) -> None:
    """See to it that `.venv` has all `wanted` layers as the files of this checkout describe them.

    Takes milliseconds, no network and no lock when it has. Otherwise: one process at a time; what an interrupted one left
    behind is taken up. Raises SetupError, saying what to do.
    """
    if not checkout.missing(wanted):
        return
    with _alone(checkout, console) as lock:
        missing = checkout.missing(wanted)  # whoever was first may have done it all
        if not missing:
            return
        started = time.monotonic()
        checkout.log.write_bytes(b"")
        if flaw := checkout.flaw():
            console.say(f"Setting up Loopkeeper in .venv ({flaw}). Once; a minute or two, about 500 MB.")
            bring_what_python_lacks(checkout, console)
            _make_anew(checkout, console, lock)
        else:
            console.say(f"Completing .venv: {', '.join(layer.name for layer in missing)}.")
        _install(checkout, missing, console, lock)
        console.say(f"Ready after {in_words(time.monotonic() - started)}.")


@contextmanager
def _alone(checkout: Checkout, console: Console) -> Iterator[int]:
    """Hold the one lock on set-up in this checkout; whoever comes second waits. Yields its file descriptor.

    The programs that change `.venv` inherit it: should dev.py be killed, the lock stays until they have ended too.
    """
    checkout.own_folder.mkdir(exist_ok=True)
    with (checkout.own_folder / "setup.lock").open("a+", encoding="utf-8") as file:
        if not _try_lock(file.fileno()):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            with console.step(f"Another dev.py (process {holder}) is setting up .venv; waiting for it") as step:
                while not _try_lock(file.fileno()):
                    time.sleep(LIVE_SECONDS)  # a file lock tells nobody when it is free
                    step.show("")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_anew(checkout: Checkout, console: Console, lock: int) -> None:
    # The stamp goes first: a removal cut short must not leave one behind that looks whole.
    checkout.stamp.unlink(missing_ok=True)
    folder = checkout.venv.folder
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        with console.step("Removing the old one"):
            shutil.rmtree(folder)
    make_venv(checkout.venv, checkout, console, (lock,))
    Stamp(checkout.identity(), {}).write(checkout.stamp)


def make_venv(venv: Venv, checkout: Checkout, console: Console, keeps_open: tuple[int, ...] = ()) -> None:
    """Make an empty environment with this Python. Raises SetupError."""
    # Started inside an environment, we would make one that hangs on it, so take the Python that it was made with.
    base_python = getattr(sys, "_base_executable", None) or sys.executable
    command = (base_python, "-I", "-m", "venv", os.fspath(venv.folder))
    with console.step(f"Environment of Python {sys.version.split()[0]}") as step:
        finished = run(Child(command, checkout.log, keeps_open=keeps_open), step)
        if finished.exit_code:
            raise explain("make the environment", finished.output)


def _install(checkout: Checkout, missing: Sequence[Layer], console: Console, lock: int) -> None:
    discard_half_installed(checkout.venv)
    pip = Pip(checkout.venv, checkout, console, (lock,))
    for layer in missing:
        stamp = Stamp.read(checkout.stamp)
        assert stamp is not None
        fingerprint = layer.fingerprint(checkout.root)  # before, so that an edit meanwhile is noticed at the next start
        if layer is RUNTIME:
            pip.install_pinned("Packages to run it", ("build", "runtime"))
        elif layer is PROJECT:
            pip.install_project()
        elif layer is DEVELOPMENT:
            pip.install_pinned("Packages to test and check it", ("dev",))
        Stamp(stamp.made_for, {**stamp.layers, layer.name: fingerprint}).write(checkout.stamp)
    if surplus := unlocked(checkout):
        pip.uninstall(surplus)


def discard_half_installed(venv: Venv) -> None:
    """Forget packages whose installation was cut off, so that pip installs them again instead of taking them for installed.

    The RECORD of a package is the last thing that pip writes; what pip was about to replace, it has renamed to `~…`.
    """
    for half in venv.site_packages.glob("*.dist-info"):
        if not (half / "RECORD").exists():
            shutil.rmtree(half)
    for replaced in venv.site_packages.glob("~*"):
        if replaced.is_dir():
            shutil.rmtree(replaced)
        else:
            replaced.unlink()


def unlocked(checkout: Checkout) -> list[str]:
    """Packages in the environment that no requirements file names any more: left there, they would hide a missing dependency."""
    locked = {"pip", "loopkeeper"}.union(*(pinned(file) for file in (checkout.root / "requirements").glob("*.txt")))
    installed = {normal_name(found.name) for found in distributions(path=[os.fspath(checkout.venv.site_packages)])}
    return sorted(installed - locked)
