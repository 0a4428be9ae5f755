"""What customers write about, in terms that say nothing of anybody: words and pairs of words that several of them used, and which rise."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import regex

AT_LEAST = 5
"""So many different customers must have used a term within a week, or it is never kept: what fewer say could say who they are."""
WEEKS_BEFORE = 4
SHORTEST, LONGEST = 3, 24
_LINK = regex.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]?\w*\d\w*|@\w+")
_ENDING = regex.compile(r"'(?:s|ll|ve|re|d|m)$")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}'’]*\p{L}")
_SAY_NOTHING = """
about after again all also always and another any anyone anything are aren't as ask at back be because been before being both but by
came can can't cannot cant come could couldn't day days did didn't didnt do does doesn't doesnt doing don't done dont down each else
even ever every everyone everything few first for from get gets getting give given go goes going gone good got great had hadn't has
hasn't have haven't havent having he hello help her here hey hi him his hour hours how i i'm im i've ive if in into is isn't isnt it
it's its itself just keep keeps know last least less let like long look made make makes many may maybe me mean might mine minute minutes
month months more morning most much must my myself need needs never new next nice no nobody not nothing now of off ok okay old on once
one only or other our out over own people please pls put really right said same say says see seem seems send sent she should shouldn't
since so some someone something sorry still stop such sure take taken tell than thank thanks that that's thats the their them then there
there's these they they're theyre thing things think this those though thought through thx time times to today told tomorrow tonight too
tried try trying two u under until up upon ur us use used using very want wanted wants was wasn't way we week weeks well went were what
what's when where which while who why will with won't wont would wouldn't year years yes yesterday yet you you're youre your yours
yourself aber alle als am an auch auf aus bei bin bis bitte da danke dann das dass dein dem den der des die doch ein eine einem einen
einer es euch euer für haben habe hat hallo ich ihr ist ja kann kein keine man mein meine mich mir mit nach nicht noch nur oder schon
sein seit sich sie sind über um und uns von vor war warum wenn wer wie wieder wird wir wo zu zum zur
"""
"""Words of English and German that stand in every other post."""
_STOP = frozenset(_SAY_NOTHING.split())


@dataclass(frozen=True, slots=True)
class Rising:
    """A term, how many customers used it in the seven days that end now, and in each of the same weeks before, the latest first.

    A week in which fewer than `AT_LEAST` used it counts as none.
    """

    term: str
    now: int
    before: tuple[int, ...]

    @property
    def usual(self) -> float:
        """How many use it in a usual week: the middle of the weeks before."""
        if not self.before:
            return 0.0
        ordered = sorted(self.before)
        middle = len(ordered) // 2
        return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def times(self) -> float:
        """How many times the usual it is; a term that is new counts against the most that could have gone unseen."""
        return self.now / max(self.usual, AT_LEAST - 1)


def terms(words: str) -> frozenset[str]:
    """The words and pairs of neighbouring words of a text that may say what it is about; no accounts, numbers, addresses, links."""
    text = unicodedata.normalize("NFKC", words).replace("’", "'")
    plain = _LINK.sub(" . ", text).lower()
    found: set[str] = set()
    before: str | None = None
    end = 0
    for word in _WORD.finditer(plain):
        said = _ENDING.sub("", word[0])
        told = said not in _STOP and SHORTEST <= len(said) <= LONGEST
        if told:
            found.add(said)
            if before is not None and plain[end : word.start()].isspace():
                found.add(f"{before} {said}")
        before, end = (said if told else None), word.end()
    return frozenset(found)


def counted(written: Iterable[tuple[str, str]]) -> dict[str, int]:
    """How many different customers used each term, of (customer, words); only terms of at least `AT_LEAST` of them."""
    users: dict[str, set[str]] = {}
    for customer, words in written:
        for term in terms(words):
            users.setdefault(term, set()).add(customer)
    return {term: len(those) for term, those in users.items() if len(those) >= AT_LEAST}


def rising(now: Mapping[str, int], before: Sequence[Mapping[str, int]], at_most: int = 20) -> list[Rising]:
    """The terms that more customers use now than in the weeks before: at least half as many again. Those that rose most come first.

    Of a pair and a word of it that rise together, the pair is told: it says more.
    """
    found = [Rising(term, count, tuple(week.get(term, 0) for week in before)) for term, count in now.items()]
    risen = sorted((one for one in found if one.times >= 1.5), key=lambda one: (-(one.now - one.usual), one.term))
    pairs = [one for one in risen if " " in one.term]
    covered = {word for pair in pairs for word in pair.term.split() if pair.now >= 0.8 * now.get(word, pair.now)}
    return [one for one in risen if one.term not in covered][:at_most]
