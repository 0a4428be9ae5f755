"""A text as it is read, whatever it was typed with: ordinary digits, spaces and dashes, and nothing that cannot be seen.

And the sheet on which those who look for something in it mark what they found, so that nothing is found twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

Stretch = tuple[int, int]
"""From here to before there."""

_AS_IT_IS = re.compile(r"[ -~\n]*\Z")
_BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
_DOTS = frozenset("·∙‧・")  # between the digits of a number, as French and Japanese write it
_UNSEEN = frozenset({"Cf", "Cc", "Mn", "Me"})


@dataclass(frozen=True, slots=True)
class Plain:
    """The text as it is read, and where each of its characters stands in the text as given."""

    text: str
    places: Sequence[int]
    given: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch that is not empty stands in the text as given, with the marks that are set upon its last character."""
        last = self.places[end - 1] + 1
        while last < len(self.given) and unicodedata.category(self.given[last]) in ("Mn", "Me"):
            last += 1
        return self.places[start], last


def plain(text: str) -> Plain:
    """`text` with each digit, letter, dash and space as its simplest form, without marks and what has no width.

    Characters are only replaced one by one or left out, and ends of lines stay. So is `%40`, an address's @ within a link, read as @.
    """
    if _AS_IT_IS.match(text) and "%40" not in text:
        return Plain(text, range(len(text)), text)
    places, kept = [], []
    at = 0
    while at < len(text):
        sign = text[at]
        coded = sign == "%" and text.startswith("%40", at)
        if read := "@" if coded else _read(sign):
            places.append(at)
            kept.append(read)
        at += 3 if coded else 1
    return Plain("".join(kept), places, text)


@lru_cache(maxsize=4096)
def _read(character: str) -> str:
    """The character as it is read; nothing for one that is not seen."""
    if character in _BREAKS:
        return character
    category = unicodedata.category(character)
    if category == "Zs" or character == "\t":
        return " "
    if category == "Pd" or character == "−":
        return "-"
    if category in _UNSEEN:
        return ""
    if character in _DOTS:
        return "."
    if category == "Nd":
        return str(unicodedata.decimal(character))
    simplest = unicodedata.normalize("NFKC", character)
    return simplest if len(simplest) == 1 else character


class Sheet:
    """A plain text of which more and more is taken. What is taken reads as bullets, as it does to those who see it hidden."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._taken: list[Stretch] = []

    def take(self, start: int, end: int) -> None:
        """Mark a stretch as found, or as not to be looked at. It reads so when all is `settled`."""
        self._taken.append((start, end))

    def settled(self) -> Sheet:
        """This sheet, with all that was taken reading as bullets."""
        if self._taken:
            signs = list(self.text)
            for start, end in self._taken:
                signs[start:end] = "•" * (end - start)
            self.text = "".join(signs)
            self._taken.clear()
        return self

    def stands_alone(self, start: int, end: int, *, beside_a_slash: bool) -> bool:
        """Whether the number there is no piece of a longer number, word or code. A slash may part two numbers, if you say so."""
        return self._begins_alone(start, beside_a_slash) and self._ends_alone(end, beside_a_slash)

    def _begins_alone(self, start: int, beside_a_slash: bool) -> bool:
        before = self.text[start - 1 : start]
        if before and (wordy(before) or before in "#@+=~^&"):
            return False
        attached = before and before in "-.:/" and not (before == "/" and beside_a_slash)
        return not attached or not self._ends_a_code(start - 1)

    def _ends_alone(self, end: int, beside_a_slash: bool) -> bool:
        after, then = self.text[end : end + 1], self.text[end + 1 : end + 2]
        if after and (wordy(after) or (after in "-:+(@" and then and wordy(then))):
            return False
        attached = after and after in "./" and not (after == "/" and beside_a_slash)
        return not attached or not (then.isdigit() or then == "•")

    def _ends_a_code(self, at: int) -> bool:
        return bool(_CODE.search(self.text, max(0, at - 24), at))


_CODE = re.compile(r"[0-9•][\w•]{0,20}\Z")


def wordy(sign: str) -> bool:
    """Whether it belongs to a word or number, as against the letters of scripts that are written without spaces."""
    return sign.isdigit() or sign in "_•" or sign.lower() != sign.upper()
