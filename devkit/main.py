"""The commands of `dev.py`: each brings the environment it needs, then hands over to the program that does the work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devkit.checkout import TO_DEVELOP, TO_RUN, Checkout, Layer
from devkit.children import Stopped, end_cleanly_when_asked
from devkit.environment import prepare
from devkit.failure import SetupError, explain_os_error
from devkit.locking import lock_requirements
from devkit.progress import Console, in_words
from devkit.system import bring_browser

HELP = """\
Loopkeeper: every public complaint acknowledged, handed over, chased, and thanked.

  python3 dev.py demo [--once]       the whole loop, in front of you; nothing outside is touched
  python3 dev.py run                 everything up, until Ctrl-C
  python3 dev.py loopkeeper ...      any command of the product (try --help)
  python3 dev.py replay FILE ...     real threads through the whole loop, and what became of each

  python3 dev.py test [...]          the tests; words after it go to pytest
  python3 dev.py check               lint, format, types, import contracts
  python3 dev.py bench NAME [...]    a benchmark
  python3 dev.py lock [--upgrade]    pin requirements/*.in again, with hashes

The first start makes .venv and takes a minute or two; after that a start needs no network.
"""

USAGE_ERROR = 2
INTERRUPTED = 130


@dataclass(frozen=True)
class Handover:
    """A command that another program does: which one in `.venv/bin`, its first words, and the layers that it needs."""

    needs: Sequence[Layer]
    program: str
    words: tuple[str, ...] = ()
    in_callers_folder: bool = False  # because its arguments name files
    with_browser: bool = False
    when_alone: tuple[str, ...] = ()  # words that it is also given when the caller says none

    def command(self, checkout: Checkout, arguments: Sequence[str]) -> tuple[str, ...]:
        """The whole command line; what the caller said after the command's name goes on unchanged."""
        return (os.fspath(checkout.venv.bin / self.program), *self.words, *(arguments or self.when_alone))


TWO_AT_A_TIME = ("-n", "2")
"""Most of the long tests wait for a loop that runs in real time; tests/conftest.py says which go together."""

HANDOVERS = {
    "demo": Handover(TO_RUN, "loopkeeper", ("demo",)),
    "run": Handover(TO_RUN, "loopkeeper", ("up",)),
    "replay": Handover(TO_RUN, "loopkeeper", ("replay",), in_callers_folder=True),
    "loopkeeper": Handover(TO_RUN, "loopkeeper", in_callers_folder=True),
    "test": Handover(TO_DEVELOP, "python", ("-m", "pytest"), with_browser=True, when_alone=TWO_AT_A_TIME),
    "bench": Handover(TO_DEVELOP, "python", ("-P", "-m", "bench"), in_callers_folder=True),  # -P: the caller may have a `bench` too
}

CHECKS = {
    "ruff check": ("ruff", "check", "."),
    "ruff format": ("ruff", "format", "--check", "."),
    "mypy --strict": ("mypy", "--strict", "--explicit-package-bases", "."),  # folders of tests are no packages
    "lint-imports": ("lint-imports", "--no-logo"),
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says. Returns the exit code, unless another program took over this process and its own will be it."""
    end_cleanly_when_asked()
    console = Console()
    checkout = Checkout(Path(__file__).resolve().parent.parent)
    try:
        return _obey(arguments, checkout, console)
    except SetupError as failure:
        console.say(f"dev.py: {failure}")
        if failure.evidence:
            console.say(f"  The whole output: {checkout.log}")
        return 1
    except OSError as error:
        console.say(f"dev.py: {explain_os_error(error)}")
        return 1
    except KeyboardInterrupt:
        console.say("Interrupted.")
        return INTERRUPTED
    except Stopped as stopped:
        return stopped.exit_code


def _obey(arguments: Sequence[str], checkout: Checkout, console: Console) -> int:
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    name, *rest = arguments
    if handover := HANDOVERS.get(name):
        _hand_over(handover, rest, checkout, console)
    own: dict[str, Callable[[], int]] = {
        "check": lambda: _check(rest, checkout, console),
        "lock": lambda: lock_requirements(checkout, console, rest),
    }
    if name in own:
        return own[name]()
    console.say(f"dev.py: there is no command `{name}`.\n")
    console.stream.write(HELP)
    return USAGE_ERROR


def _hand_over(handover: Handover, arguments: Sequence[str], checkout: Checkout, console: Console) -> NoReturn:
    """Become the other program: signals, the terminal and the exit code are its own from here on."""
    prepare(checkout, handover.needs, console)
    if handover.with_browser:
        bring_browser(checkout, console)
    if not handover.in_callers_folder:
        os.chdir(checkout.root)
    command = handover.command(checkout, arguments)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
    os.execv(command[0], command)


def _check(arguments: Sequence[str], checkout: Checkout, console: Console) -> int:
    """Every check, though one fail, and a summary."""
    if arguments:
        console.say("dev.py: `check` takes no further words.")
        return USAGE_ERROR
    prepare(checkout, TO_DEVELOP, console)
    report = Console(sys.stdout)  # what the checks found is what was asked for, not progress
    outcomes: list[str] = []
    failed = False
    for title, (program, *words) in CHECKS.items():
        report.say(f"--- {title}")
        started = time.monotonic()
        code = subprocess.call((os.fspath(checkout.venv.bin / program), *words), cwd=checkout.root)
        failed = failed or code != 0
        outcome = f"{report.cross} FAILED ({code})" if code else f"{report.tick} passed"
        outcomes.append(f"  {title:<16}{outcome:<14} {in_words(time.monotonic() - started)}")
    report.say("\n".join(("---", *outcomes)))
    return 1 if failed else 0
