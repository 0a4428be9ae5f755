"""`dev.py lock`: requirements/*.in, what we ask for, become requirements/*.txt, what is installed, pinned and hashed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devkit.checkout import Checkout, Venv
from devkit.children import Child, run
from devkit.environment import make_venv
from devkit.failure import explain
from devkit.pip import Pip
from devkit.progress import Console

LOCKED = ("build", "runtime", "dev", "uv")  # in this order: dev is constrained by those before it
OLDEST_PYTHON = "3.11"


def lock_requirements(checkout: Checkout, console: Console, options: Sequence[str]) -> int:
    """Write requirements/*.txt anew, one list for every platform and Python; `options` go to `uv pip compile`.

    What is pinned stays as it is unless the .in file or an option like `--upgrade` or `--upgrade-package NAME` says otherwise,
    so that running it twice changes nothing. Needs the network. Raises SetupError.
    """
    checkout.own_folder.mkdir(exist_ok=True)
    checkout.log.write_bytes(b"")
    with tempfile.TemporaryDirectory(prefix="loopkeeper-lock-") as folder:
        venv = Venv(Path(folder))
        make_venv(venv, checkout, console)
        Pip(venv, checkout, console).install_pinned("uv, for this once", ("uv",))
        for name in LOCKED:
            with console.step(f"requirements/{name}.txt") as step:
                finished = run(Child(compile_command(venv.bin / "uv", name, options), checkout.log, checkout.root), step)
                if finished.exit_code:
                    raise explain(f"lock requirements/{name}.in", finished.output)
    return 0


def compile_command(uv: Path, name: str, options: Sequence[str]) -> tuple[str, ...]:
    """The command that locks requirements/<name>.in; to be run at the root of the checkout."""
    return (
        os.fspath(uv),
        *("pip", "compile", f"requirements/{name}.in", "--output-file", f"requirements/{name}.txt"),
        *("--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--only-binary", ":all:"),
        # The lists are for everyone: no trace of the index, mirror or folder that this machine happens to use.
        *("--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--custom-compile-command", "python3 dev.py lock", "--quiet"),
        *options,
    )
