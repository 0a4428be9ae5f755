"""Reports that were just made: whoever asks for the same within a few seconds is given the same, and it is made once for all who wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.policy import Policy
from domain.report import Report, Wanted
from domain.reports import make
from domain.sums import Sums

KEPT_FOR_SECONDS = 5.0
"""The page says as of when it is; the roll-up itself is a second or two behind."""
AT_MOST = 200
_Key = tuple[str, Wanted, str]


@dataclass
class _Made:
    """A report, once it is made, and when that was."""

    being_made: threading.Lock = field(default_factory=threading.Lock)
    report: Report | None = None
    at: float = 0.0


class Shelf:
    """Makes reports of `sums`. `clock`: seconds that only go forward."""

    def __init__(self, sums: Sums, clock: Callable[[], float] = time.monotonic) -> None:
        self._sums = sums
        self._clock = clock
        self._kept: OrderedDict[_Key, _Made] = OrderedDict()
        self._lock = threading.Lock()

    def report(self, name: str, wanted: Wanted, policy: Policy) -> Report:
        """The report, at most `KEPT_FOR_SECONDS` old. Raises NoSuchReport."""
        made = self._place((name, wanted, policy.id))
        with made.being_made:
            if made.report is None or self._clock() - made.at > KEPT_FOR_SECONDS:
                made.at = self._clock()
                made.report = make(name, self._sums, wanted, policy)
            return made.report

    def _place(self, key: _Key) -> _Made:
        with self._lock:
            made = self._kept.setdefault(key, _Made())
            self._kept.move_to_end(key)
            if len(self._kept) > AT_MOST:
                self._kept.popitem(last=False)
            return made
