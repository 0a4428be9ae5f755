"""The client: every operation of the API as a method."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from loopkeeper_client.cases import Cases
from loopkeeper_client.causes import Causes
from loopkeeper_client.customers import Customers
from loopkeeper_client.leaving import Exports, Privacy
from loopkeeper_client.managing import Access, Webhooks
from loopkeeper_client.sending import Sender
from loopkeeper_client.settled import Policies, Reports
from loopkeeper_client.work import Work


class Loopkeeper(Cases, Causes, Customers, Work, Policies, Reports, Exports, Privacy, Access, Webhooks):
    """One installation, by its address and a key. `further`: see `Sender`. Raises what `loopkeeper_client.problems` draws."""

    def __init__(self, url: str, key: str, **further: Any) -> None:
        self._sender = Sender(url, key, **further)

    def close(self) -> None:
        """Let go of the connections."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
