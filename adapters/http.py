"""One way to speak HTTP to outside parties: a time limit always, a retry never, and honest words for what became of a request."""

from __future__ import annotations

import email.utils
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import urllib3

from domain.ports import NotSent, Unclear

_LONGEST_WAIT = 3600.0
_LONGEST_ANSWER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def retry_after(self) -> timedelta | None:
        """How long the party asks us to wait: seconds or an HTTP date, at most an hour."""
        given = self.headers.get("retry-after", "")
        if given.isascii() and given.isdigit():
            return timedelta(seconds=min(float(given), _LONGEST_WAIT))
        when = email.utils.parsedate_to_datetime(given) if "," in given else None
        return timedelta(seconds=max(0.0, min(when.timestamp() - time.time(), _LONGEST_WAIT))) if when else None


class HttpClient:
    """Keeps connections to outside parties. Thread-safe."""

    def __init__(self, *, timeout: float, connections: int = 16) -> None:
        self._timeout = urllib3.Timeout(total=timeout)
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False, block=True)

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask once. Raises like `post`."""
        return self._send("GET", url, headers, None)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send once. Raises NotSent when it surely did not arrive, Unclear when nobody can tell; any status is an answer."""
        return self._send("POST", url, headers, body)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        where = urlsplit(url).netloc
        try:
            response = self._pool.request(
                method, url, body=body, headers=dict(headers), timeout=self._timeout, redirect=False, preload_content=False
            )
            try:
                read = response.read(_LONGEST_ANSWER, decode_content=True)
                answer = Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, read)
            finally:
                response.release_conn()
        except (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.NameResolutionError,
        ) as error:
            raise NotSent(f"{where} cannot be reached ({type(error).__name__})") from error
        except urllib3.exceptions.LocationValueError as error:
            raise NotSent(f"{url} is not an address that can be called") from error
        except urllib3.exceptions.HTTPError as error:
            raise Unclear(f"{where} gave no whole answer ({type(error).__name__})") from error
        return answer
