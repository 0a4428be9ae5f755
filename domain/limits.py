"""How long a text is as each network counts, and how to cut it without cutting a character that people see as one."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

import regex

from domain.errors import TooLong
from domain.sentences import say

Counting = Literal["characters", "graphemes", "utf16", "x"]

_GRAPHEME = regex.compile(r"\X")
_ADDRESS = regex.compile(r"https?://\S+", regex.IGNORECASE)
_EMOJI = regex.compile(r"\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3")
_X_ADDRESS = 23  # every address counts as this many, whatever its length (X's counting rules, configuration v3)
_X_PLAIN = re.compile(r"[\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]*\Z")  # nothing in it counts two
_X_SINGLE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that count one; all others two


def graphemes(text: str) -> list[str]:
    """The characters as people see them (Unicode extended grapheme clusters)."""
    return _GRAPHEME.findall(text)


def length(text: str, counting: Counting) -> int:
    """How long `text` is in the network's own counting."""
    match counting:
        case "characters":
            return len(text)
        case "utf16":
            return len(text.encode("utf-16-le")) // 2
        case "graphemes":
            return len(graphemes(text))
        case "x":
            return _x_length(text)


def _x_length(text: str) -> int:
    text = unicodedata.normalize("NFC", text)
    addresses = _ADDRESS.findall(text)
    rest = _ADDRESS.sub("", text)
    if _X_PLAIN.match(rest):
        return _X_ADDRESS * len(addresses) + len(rest)
    return _X_ADDRESS * len(addresses) + sum(_x_weight(g) for g in graphemes(rest))


def _x_weight(grapheme: str) -> int:
    if (_EMOJI.search(grapheme) and len(grapheme) > 1) or regex.match(r"\p{Emoji_Presentation}", grapheme):
        return 2
    return sum(1 if any(low <= ord(c) <= high for low, high in _X_SINGLE) else 2 for c in grapheme)


def shortened(text: str, limit: int, counting: Counting) -> str:
    """`text`, or as many whole words of it as fit with an ellipsis; of a single long word, whole characters."""
    if length(text, counting) <= limit:
        return text
    kept = _longest_head(text, limit - length("…", counting), counting, _AT_WORDS)
    return kept.rstrip(" ,;:–-") + "…" if kept else ""


def split(text: str, limit: int, counting: Counting, at_most: int) -> list[str]:
    """`text` in parts that fit, each but a single one marked "(1/2)". Cuts between paragraphs, else sentences, else words.

    Raises TooLong when `at_most` parts are not enough.
    """
    text = text.strip()
    if length(text, counting) <= limit:
        return [text]
    for count in range(2, at_most + 1):
        parts = _parts(text, limit, counting, count)
        if parts is not None:
            return parts
    allowed = say("{at_most} posts of {limit}", at_most=at_most, limit=limit) if at_most > 1 else str(limit)
    raise TooLong(say("This is {text} long and the network takes {allowed}. Shorten it.", text=length(text, counting), allowed=allowed))


def _parts(text: str, limit: int, counting: Counting, count: int) -> list[str] | None:
    parts: list[str] = []
    rest = text
    for number in range(1, count + 1):
        mark = f" ({number}/{count})"
        room = limit - length(mark, counting)
        if room <= 0:
            return None
        head = rest if length(rest, counting) <= room else _longest_head(rest, room, counting)
        if not head:
            return None
        parts.append(head.rstrip() + mark)
        rest = rest[len(head) :].lstrip()
        if not rest:
            return parts if number == count else None
    return None


_AT_WORDS = (r"^.*(?=\s)",)
_AT_SENSE = (r"^.*\n\s*\n", r"^.*[.!?…。]['\")\]]*(?=\s)", *_AT_WORDS)


def _longest_head(text: str, room: int, counting: Counting, ends: tuple[str, ...] = _AT_SENSE) -> str:
    """The longest beginning that fits and ends well. Whole graphemes; addresses are never cut unless one alone is too long."""
    units = _units(text)
    low, high = 0, len(units)
    while low < high:  # lengths grow with every unit, so the longest that fits is found by halving
        middle = (low + high + 1) // 2
        if length("".join(units[:middle]), counting) <= room:
            low = middle
        else:
            high = middle - 1
    head = "".join(units[:low])
    if low == len(units):
        return head
    for pattern in ends:
        good = regex.match(pattern, head + ("" if head[-1:].isspace() else units[low][:1]), regex.DOTALL)
        if good and len(good.group(0).strip()) >= len(head) / 3:
            return head[: len(good.group(0))]
    return head


def _units(text: str) -> list[str]:
    """Graphemes, with every address as one unit."""
    units: list[str] = []
    at = 0
    for address in _ADDRESS.finditer(text):
        units += graphemes(text[at : address.start()])
        units.append(address.group(0))
        at = address.end()
    return units + graphemes(text[at:])
