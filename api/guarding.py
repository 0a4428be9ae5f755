"""The case's version as an entity tag: what whoever acts on a case has seen of it.

A strong one: the case is a fold of its events, so that the same number of them is the same case. The part behind the point changes with
what Loopkeeper tells of a case, which is another thing in another version.
"""

from __future__ import annotations

import re

from api.conditional import shape_of
from api.problems import Problem
from api.rest_models import CaseOut, HistoryOut

_CASE, _HISTORY = shape_of(CaseOut), shape_of(HistoryOut)
_GIVEN = re.compile(r'\s*(?:W/)?"(\d{1,9})\.[0-9a-f]{6}"\s*')


def case_tag(events: int) -> str:
    """Of a case with so many events."""
    return f'"{events}.{_CASE}"'


def history_tag(events: int, sealed: int, *further: object) -> str:
    """Of a history; a weak one, since names in it are as they are known now. `sealed`: the newest checkpoint."""
    return f'W/"{".".join(map(str, (events, sealed, *further)))}.{_HISTORY}"'


def version_of(if_match: str) -> list[int] | None:
    """The versions that `If-Match` allows; None: any. Raises Problem (422) when it is no tag of a case."""
    if if_match.strip() == "*":
        return None
    found = [_GIVEN.fullmatch(one) for one in if_match.split(",")]
    if not all(found):
        raise Problem(422, "If-Match: is no ETag of a case; take it from the answer that told you the case")
    return [int(one.group(1)) for one in found if one is not None]
