"""The brand's own order and customer numbers: patterns that an operator writes, kept from taking for ever on any text.

An expression that can be matched in very many ways makes a search take longer than anybody lives, on a text that somebody has made for
it. A clock that stops the search would find a number today and miss it tomorrow, so what a pattern may say is bounded instead: no
part is repeated more than 30 times, and all parts together can be matched in no more than 1,000 ways from one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import regex

LONGEST_SOURCE = 200
_MOST_REPEATED = 30
_MOST_WAYS = 1_000
_DEEPEST = 8
_ESCAPES = frozenset("dwsbDWSB")
_LETTERS = r"\d \w \s \b \D \W \S \B"
_NO_WIDTH = frozenset({"^", "$", r"\b", r"\B"})
_LOOKING = ("(?=", "(?!", "(?<=", "(?<!")
_GROUPS = ("(?:", *_LOOKING)
_REPEATED = regex.compile(r"([?*+]|\{(\d{0,4})(,?)(\d{0,4})\})([?+]?)")
_EVERYDAY = "Thank you for your message of 12 March 2026, 10:30; we are sorry to hear that and have asked our team at the shop."


def order_pattern(source: str) -> regex.Pattern[str]:
    r"""The pattern that an operator wrote, ready for `personal.find`. Letters match in either case, and a part of a word or number never.

    Understood are characters, classes, `\d \w \s \b` and their opposites, groups, `|`, looking ahead and behind, and repetition.
    Raises ValueError with a sentence when the pattern is too long, is none, matches no characters or everyday words, or can be matched
    in too many ways.
    """
    if len(source) > LONGEST_SOURCE:
        raise ValueError(f"an order pattern has {LONGEST_SOURCE} characters at most, and this one has {len(source)}")
    try:
        pattern = regex.compile(rf"(?<![0-9A-Za-z_])(?:{_Reader(source).whole()})(?![0-9A-Za-z_])", regex.IGNORECASE)
    except regex.error as error:
        raise ValueError(f"'{source}' is no regular expression: {str(error).partition(' at position')[0]}") from error
    if everyday := pattern.search(_EVERYDAY):
        raise ValueError(f"'{source}' matches everyday words such as '{everyday[0]}'; say what an order number begins with")
    return pattern


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern with every repetition bounded, how many characters it matches at least, and in how many ways from one place."""

    source: str
    least: int
    ways: int


class _Reader:
    """Reads a pattern from left to right, one part at a time."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        part = self._alternatives()
        if self._at < len(self._source):
            raise ValueError(f"'{self._source}' closes a bracket that was not opened")
        if part.least == 0:
            raise ValueError(f"'{self._source}' matches where nothing stands; say how many characters an order number has at least")
        if part.ways > _MOST_WAYS:
            raise ValueError(
                f"'{self._source}' can be matched in too many ways; say how long its parts are, such as \\d{{6,8}} instead of \\d+"
            )
        return part.source

    def _alternatives(self) -> _Part:
        parts = [self._sequence()]
        while self._takes("|"):
            parts.append(self._sequence())
        return _Part("|".join(part.source for part in parts), min(part.least for part in parts), sum(part.ways for part in parts))

    def _sequence(self) -> _Part:
        source, least, ways = "", 0, 1
        while self._at < len(self._source) and self._source[self._at] not in "|)":
            part = self._repeated(self._one())
            source, least, ways = source + part.source, least + part.least, min(ways * part.ways, _MOST_WAYS + 1)
        return _Part(source, least, ways)

    def _one(self) -> _Part:
        rest = self._source[self._at :]
        if rest[0] == "(":
            return self._group(rest)
        if rest[0] == "[":
            taken = regex.match(r"\[\^?\]?(?:[^\\\]\[]|\\.)*\]", rest, regex.DOTALL)
        elif rest[0] == "\\":
            taken = regex.match(r"\\(?:[^0-9A-Za-z]|[A-Za-z])", rest, regex.DOTALL)
        else:
            taken = regex.match(r"[^?*+{}\]]", rest, regex.DOTALL)
        if taken is None:
            raise ValueError(f"'{self._source}' cannot be read from '{rest[:10]}' on")
        for letter in regex.findall(r"\\([0-9A-Za-z])", taken[0]):
            if letter not in _ESCAPES:
                raise ValueError(f"'{self._source}' has \\{letter}, which an order pattern cannot have; there are: {_LETTERS}")
        self._at += len(taken[0])
        return _Part(taken[0], 0 if taken[0] in _NO_WIDTH else 1, 1)

    def _group(self, rest: str) -> _Part:
        opening = next((known for known in _GROUPS if rest.startswith(known)), "(")
        if opening == "(" and rest.startswith("(?"):
            raise ValueError(f"'{self._source}' has '{rest[:4]}', which an order pattern cannot have; there are: ( {' '.join(_GROUPS)}")
        self._at += len(opening)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"'{self._source}' has brackets within brackets, more than {_DEEPEST} deep")
        inner = self._alternatives()
        self._depth -= 1
        if not self._takes(")"):
            raise ValueError(f"'{self._source}' opens a bracket that is not closed")
        return _Part(f"{opening}{inner.source})", 0 if opening in _LOOKING else inner.least, inner.ways)

    def _repeated(self, part: _Part) -> _Part:
        found = _REPEATED.match(self._source, self._at)
        if not found:
            return part
        self._at = found.end()
        sign, least, comma, most, manner = found.groups()
        low, high = {"?": (0, 1), "*": (0, _MOST_REPEATED), "+": (1, _MOST_REPEATED)}.get(sign, (0, 0))
        if sign[0] == "{":
            low = int(least or 0)
            high = int(most or _MOST_REPEATED) if comma else low
        if not low <= high <= _MOST_REPEATED or sign in ("{}", "{,}"):
            raise ValueError(f"'{self._source}' repeats with {sign}; {_MOST_REPEATED} times are the most")
        ways = sum(min(part.ways**times, _MOST_WAYS + 1) for times in range(low, high + 1))
        return _Part(f"{part.source}{{{low},{high}}}{manner}", low * part.least, min(ways, _MOST_WAYS + 1))

    def _takes(self, sign: str) -> bool:
        taken = self._source.startswith(sign, self._at)
        self._at += len(sign) if taken else 0
        return taken
