#!/usr/bin/env python3
"""Set up and start Loopkeeper: `python3 dev.py demo`. Needs nothing but Python; without a word it shows what it can do.

An old Python must be able to read this file far enough to answer with a sentence instead of a SyntaxError,
so it keeps to the grammar of Python 3.6. Everything else is in `devkit/`.
"""

import signal
import sys

if sys.version_info < (3, 11):  # noqa: UP036 (this line is for those who start it with an older one)
    import shutil

    newer = [name for name in ("python3.13", "python3.12", "python3.11") if shutil.which(name)]
    sys.exit(
        "Loopkeeper needs Python 3.11, 3.12 or 3.13; this one is {}.{}.{} ({}).\n".format(*sys.version_info[:3], sys.executable)
        + (
            "A newer one is installed, so start it by name:\n  {} {}".format(newer[0], " ".join(sys.argv))
            if newer
            else "Install one and start it by name, for example:\n"
            "  Debian 12, Ubuntu 24.04 and later:  sudo apt-get install -y python3\n"
            "  macOS with Homebrew:                brew install python@3.13 && python3.13 " + " ".join(sys.argv)
        )
    )

if sys.platform == "win32":
    sys.exit("Loopkeeper runs on Linux and macOS. On Windows, start it inside WSL: https://learn.microsoft.com/windows/wsl/install")

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C this early: end without a traceback; main() takes over from here

try:
    from devkit.main import main
except ModuleNotFoundError as missing:
    if (missing.name or "").startswith("devkit"):
        raise
    sys.exit(
        f"This Python ({sys.executable}) comes without its standard module `{missing.name}`. Install the whole of it, for example:\n"
        "  sudo apt-get update && sudo apt-get install -y python3"
    )

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
