"""What somebody changed in a text, word by word, so that whoever reads it sees at a glance what is new."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

Run = tuple[Literal["same", "gone", "new"], str]
_WORDS = re.compile(r"\S+\s*|\s+")
MOST_WORDS = 2000
"""Longer texts are told as wholes: to compare them word by word would take too long."""


def difference(before: str, after: str) -> list[Run]:
    """The runs of both texts in reading order: what stayed, what is gone, what is new. Together "same" and "new" are `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > MOST_WORDS:
        return [("gone", before), ("new", after)]
    runs: list[Run] = []
    for what, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            runs.append(("same", "".join(new[new_from:new_to])))
            continue
        if old_to > old_from:
            runs.append(("gone", "".join(old[old_from:old_to])))
        if new_to > new_from:
            runs.append(("new", "".join(new[new_from:new_to])))
    return runs
