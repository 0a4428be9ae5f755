"""What can go wrong during set-up, told so that the reader can act on it."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass

LINES_WORTH_SHOWING = 6
LETTERS_WORTH_SHOWING = 300


class SetupError(Exception):
    """Set-up cannot go on. Carries three things for the reader: what happened, the evidence, and what to do."""

    def __init__(self, happened: str, to_do: str, evidence: Sequence[str] = ()) -> None:
        super().__init__(happened)
        self.happened = happened
        self.to_do = to_do
        self.evidence = evidence

    def __str__(self) -> str:
        shown = "".join(f"\n    | {line[:LETTERS_WORTH_SHOWING]}" for line in self.evidence)
        return f"{self.happened}{shown}\n  {self.to_do}"


@dataclass(frozen=True)
class _Cause:
    seen_in_output: re.Pattern[str]
    is_that: str
    to_do: str
    lines: int = 1  # of output that tell the story, from the one where it is seen


# The first that fits is told. An unreachable index also ends in "no matching distribution", so causes come before symptoms.
_CAUSES = (
    _Cause(
        re.compile(r"No space left on device|Errno 28|Disk quota exceeded|not enough free space", re.IGNORECASE),
        "the disk is full",
        "Free about 1 GB where this checkout is and in the temporary folder (TMPDIR chooses another), then run the same command again.",
    ),
    _Cause(
        re.compile(r"DO NOT MATCH THE HASHES"),
        "a downloaded package is not the one that was pinned",
        "Nothing of it was installed. If a proxy or mirror stands between, it may have altered or cut the file; "
        "empty the download cache with `.venv/bin/python -m pip cache purge` and run the same command again.",
        lines=2,
    ),
    _Cause(
        re.compile(r"ProxyError|Tunnel connection failed|407 Proxy|Cannot connect to proxy", re.IGNORECASE),
        "the proxy refused or did not answer",
        "Check HTTPS_PROXY and HTTP_PROXY, or `proxy` in your pip configuration, then run the same command again.",
    ),
    _Cause(
        re.compile(r"CERTIFICATE_VERIFY_FAILED|SSLError|SSL module is not available|certificate verif|invalid path: .*(cert|\.pem|\.crt)"),
        "no trusted, encrypted connection could be made",
        "If your network inspects traffic, point PIP_CERT (or SSL_CERT_FILE) at its certificate bundle, then run the same command again.",
    ),
    _Cause(
        re.compile(
            r"name resolution|Name or service not known|nodename nor servname|Network is unreachable|NewConnectionError|NameResolutionError"
            r"|Connection refused|No route to host|[Rr]ead timed out|ConnectTimeout|ReadTimeout|Could not resolve|Connection reset"
            r"|Connection aborted|RemoteDisconnected|IncompleteRead|Unable to connect|Could not connect|Failed to fetch"
        ),
        "no answer came over the network",
        "Connect to the network and run the same command again; what was fetched already is kept. "
        "Behind a mirror or proxy, name it in the configuration of pip (and of apt): they are honoured.",
    ),
    _Cause(
        re.compile(r"401 Client Error|403 Client Error|User for .*:"),
        "the package index asks for a password or refuses yours",
        "Check the index and its credentials in your pip configuration, then run the same command again.",
    ),
    _Cause(
        re.compile(r"No matching distribution found|Could not find a version that satisfies|is not a supported wheel"),
        "there is no ready-made package for this machine",
        "Loopkeeper runs on Linux (x86-64 or arm64, glibc 2.28 or later) and macOS, with Python 3.11, 3.12 or 3.13. "
        "If this is one of those, the index that your pip configuration names may be incomplete.",
    ),
    _Cause(
        re.compile(r"Permission denied|Errno 13|Read-only file system|Errno 30|not permitted|are you root"),
        "something may not be written",
        "If the checkout is not yours, work in one that is. If only an earlier start of dev.py ran as another user: "
        'sudo chown -R "$(id -un)" .venv .dev',
    ),
)


def explain(doing: str, output: str) -> SetupError:
    """The failure of a step that was `doing` something (as in "install the packages") and said `output`."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    for cause in _CAUSES:
        for at, line in enumerate(lines):
            if cause.seen_in_output.search(line):
                return SetupError(f"Could not {doing}: {cause.is_that}.", cause.to_do, lines[at : at + cause.lines])
    return SetupError(
        f"Could not {doing}.", "Run the same command again; if it stops in the same place, read the whole output.", _telling(lines)
    )


def explain_os_error(error: OSError) -> SetupError:
    """The same for a file that could not be read, written or made."""
    code = errno.errorcode.get(error.errno or 0, "")
    return explain(f"use {error.filename or 'the disk'}", f"Errno {error.errno} {code}: {error.strerror}")


def _telling(lines: Sequence[str]) -> Sequence[str]:
    """The few lines that a person would look for: from the first error on, else the last ones."""
    first_error = next((at for at, line in enumerate(lines) if re.match(r"\s*(ERROR|E|error|fatal)\b.?:", line)), None)
    return lines[-LINES_WORTH_SHOWING:] if first_error is None else lines[first_error : first_error + LINES_WORTH_SHOWING]
