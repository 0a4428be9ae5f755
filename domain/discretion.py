"""What must not be read by everybody: personal data in public texts, and private words that a public text repeats."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex

from domain.personal import Finding, Kind, find, masked, named
from domain.policy import Policy

IN_A_ROW = 5
"""So many words in a row are somebody's own, when at least `TELLING` of them are not everyday ones."""
TELLING = 2
LONG_NUMBER = 6
"""A number of so many digits is somebody's own by itself."""
_SHOWN_OF_A_RUN = 80
TAKE_IT_OUT = "Everybody could read it. Take it out, or write in private."
"""How every objection to a person's words ends."""


@dataclass(frozen=True, slots=True)
class Onlookers:
    """Whoever can read what is written on a brand's account on a channel: everybody, unless only we read there."""

    policy: Policy
    brand: str
    channel: str

    def kinds_in(self, text: str) -> tuple[Kind, ...]:
        """The kinds of personal data that they seem to see in a text, each once. The brand's own addresses and numbers are none."""
        found = {finding.kind for finding in self._found_in(text)}
        return tuple(kind for kind in Kind if kind in found)

    def masked(self, text: str) -> str:
        """The text without what they had better not see, for where colleagues read it without a role."""
        return masked(text, self._found_in(text))

    def objection(self, body: str, private: Iterable[str] = (), public: Iterable[str] = ()) -> str | None:
        """Why they must not read a person's words, told to the person: personal data, or what was written in private. Else None.

        `private`: what was written so in the case; `public`: what they can read there already.
        """
        kinds = self.kinds_in(body)
        if kinds:
            return f"Your text shows what looks like {named(kinds)}. {TAKE_IT_OUT}"
        run = repeats(body, private, public) if self._are_many else None
        if run is None:
            return None
        quoted = run if len(run) <= _SHOWN_OF_A_RUN else f"{run[: _SHOWN_OF_A_RUN - 1]}…"
        return f"Your text repeats what was written in private: “{quoted}”. {TAKE_IT_OUT}"

    @property
    def _are_many(self) -> bool:
        return self.policy.channel(self.channel).is_public

    def _found_in(self, text: str) -> list[Finding]:
        if not self._are_many:
            return []
        brand = self.policy.brand(self.brand)
        return find(text, brand.order_patterns, frozenset(brand.ours))


def in_words(kinds: Iterable[str]) -> str:
    """Kinds of personal data as they stand on record, in words."""
    known = {kind.value: kind for kind in Kind}
    return named(known[kind] for kind in kinds if kind in known) or "personal data"  # a later version may know more kinds


def repeats(body: str, private: Iterable[str], public: Iterable[str] = ()) -> str | None:
    """The first run of words in `body` that stands in one of the `private` texts, as it stands in `body`; None when there is none.

    Case, spaces, punctuation and accents do not matter. What stands in a `public` text too may be repeated, and so may everyday
    phrases: "please let us know if you need anything else" is nobody's own. Scripts without spaces between words are not looked at.
    """
    words = [(_plain(found[0]), found.span()) for found in _WORD.finditer(body)]
    known = _rows(private) - _rows(public)
    sheet = [plain for plain, _ in words]
    for start in range(len(sheet)):
        end = start + (1 if (sheet[start],) in known else IN_A_ROW)
        if tuple(sheet[start:end]) not in known:
            continue
        while end < len(sheet) and tuple(sheet[end + 1 - IN_A_ROW : end + 1]) in known:
            end += 1
        if _is_telling(sheet[start:end]):
            return body[words[start][1][0] : words[end - 1][1][1]]
    return None


_WORD = regex.compile(r"[\p{L}\p{M}\p{N}\p{Cf}]+(?:['’ʼ][\p{L}\p{M}]+)*")
_EVERYDAY_WORDS = """
a able about after again all already also always am an and another any anybody anyone anything are around as ask asked at
away back be because been before being better both but by can cannot cant check come contact could day days dear did didnt do
does doesnt doing done dont each either else even ever every everybody everyone everything feel few find first for forward
free from get getting give go going good got great had happy has have havent having he hear hello help her here hi him his
hope hour hours how i id if ill im in inconvenience into is isnt it its ive just keep know last later least let like little
long look looking made make many may maybe me message might minute minutes more most much must my need needed needs never new
next no nobody not nothing now of off on once one only or other others our out over own part patience please possible put
question questions quite reach read really reply right said same say see seems send sent set she should since so some
somebody someone something soon sorry still such sure take team tell than thank thanks that thats the their them then there
these they thing things think this those though through till time to today told tomorrow too touch tried try two under
understand until up update us use very wait waiting want wanted was we week weeks well were weve what when where whether
which while who why will wish with within without wont would write wrote year years yes yesterday yet you youd your youre
yours youve
"""
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())


def _rows(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """Every row of words in the texts that is long enough to be somebody's own, and every long number."""
    rows: set[tuple[str, ...]] = set()
    for text in texts:
        words = [_plain(word) for word in _WORD.findall(text)]
        rows.update(tuple(words[at : at + IN_A_ROW]) for at in range(len(words) - IN_A_ROW + 1))
        rows.update((word,) for word in words if _is_long_number(word))
    return rows


def _plain(word: str) -> str:
    """A word as it counts: without accents, apostrophes and what has no width, in lower case."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", word).casefold() if sign.isalnum())


def _is_telling(run: Sequence[str]) -> bool:
    return any(map(_is_long_number, run)) or sum(word not in _EVERYDAY for word in run) >= TELLING


def _is_long_number(word: str) -> bool:
    return sum(sign.isdigit() for sign in word) >= LONG_NUMBER
