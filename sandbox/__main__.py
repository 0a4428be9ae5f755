"""`python -m sandbox --port 8088 [--host 127.0.0.1] [--state FILE]`."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from sandbox.app import create_app
from sandbox.server import Server
from sandbox.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Answers the exit code: 2 for settings that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=sys.modules["sandbox"].__doc__)
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: this machine only)")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="keep the world in this SQLite file; without it, it ends with the process"
    )
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings()
        host = "127.0.0.1" if chosen.host in ("0.0.0.0", "::") else chosen.host  # noqa: S104 - compared, not bound
        public_url = str(settings.public_url) if settings.public_url else f"http://{host}:{chosen.port}"
        app = create_app(settings, public_url, chosen.state)
    except (ValidationError, ValueError, RuntimeError) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)  # noqa: T201 - this is the command line
        return 2
    print(f"The outside world is open at {public_url.rstrip('/')}/", flush=True)  # noqa: T201 - as above
    with suppress(KeyboardInterrupt):
        Server(app, host=chosen.host, port=chosen.port).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
