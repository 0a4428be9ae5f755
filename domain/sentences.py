"""Sentences for people that can be told in another language later, where somebody reads them.

    say("{who} has this case", who=file.name_of(owner))

It is the English sentence, an ordinary `str`, for Slack, REST, e-mails and whoever asks for nothing else. Besides, it remembers what it was
made of, so that a page or a mail tells it in its reader's language (`Teller`; `adapters/languages/`). Nothing here knows of languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo


class Sentence(str):
    """An English sentence that knows its pattern, and what was filled in: other sentences, moments, and words that stay as they are.

    `plural`: the pattern for more than one, when the sentence counts something: `number`.
    """

    __slots__ = ("number", "pattern", "plural", "values")
    pattern: str
    values: Mapping[str, Any]
    plural: str | None
    number: int

    def __new__(cls, pattern: str, values: Mapping[str, Any], plural: str | None = None, count: int = 1) -> Self:
        """The English text is made here, once."""
        chosen = pattern if plural is None or count == 1 else plural
        made = super().__new__(cls, chosen.format(**values) if values else chosen)
        made.pattern, made.values, made.plural, made.number = pattern, values, plural, count
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.pattern, dict(self.values), self.plural, self.number)


class Moment(str):
    """A moment as a sentence tells it in English, in `zone`: `14:00 CET on 3 March`."""

    __slots__ = ("at", "zone")
    at: datetime
    zone: str

    def __new__(cls, at: datetime, zone: str) -> Self:
        """The English text is made here, once."""
        there = at.astimezone(ZoneInfo(zone))
        made = super().__new__(cls, f"{there:%H:%M %Z} on {there.day} {there:%B}")
        made.at, made.zone = at, zone
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.at, self.zone)


def say(pattern: str, /, **values: Any) -> Sentence:
    """The sentence of a pattern with named places: `{who} has this case`."""
    return Sentence(pattern, values)


def say_n(pattern: str, plural: str, count: int, /, **values: Any) -> Sentence:
    """The sentence of the pattern that fits the count, which both may name: `{count}`."""
    return Sentence(pattern, {"count": count, **values}, plural, count)


class Capital(str):
    """A word of ours that stands by itself, such as a category's, with a large letter: `Billing`."""

    __slots__ = ("word",)
    word: str

    def __new__(cls, word: str) -> Self:
        """The English text is made here, once."""
        made = super().__new__(cls, word[:1].upper() + word[1:])
        made.word = word
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.word,)


class Day(str):
    """A day as a sentence tells it in English, without its year: `3 Mar`."""

    __slots__ = ("day",)
    day: date

    def __new__(cls, day: date) -> Self:
        """The English text is made here, once."""
        made = super().__new__(cls, f"{day.day} {day:%b}")
        made.day = day
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.day,)


class Days(str):
    """The days from `first` to `last` as people say them in English: `1 to 7 June 2026`."""

    __slots__ = ("first", "last")
    first: date
    last: date

    def __new__(cls, first: date, last: date) -> Self:
        """The English text is made here, once."""
        begins = f"{first.day}" if (first.month, first.year) == (last.month, last.year) else f"{first.day} {first:%B}"
        made = super().__new__(cls, f"{begins} to {last.day} {last:%B %Y}")
        made.first, made.last = first, last
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.first, self.last)


class Number(str):
    """A number as a sentence tells it in English: `1,234.5`. `form`: how many digits, as Python's `format` takes it."""

    __slots__ = ("form", "value")
    value: float
    form: str

    def __new__(cls, value: float, form: str = ",.0f") -> Self:
        """The English text is made here, once."""
        made = super().__new__(cls, format(value, form))
        made.value, made.form = value, form
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.value, self.form)

    @property
    def digits(self) -> int:
        """How many stand behind the point."""
        return int(self.form.partition(".")[2].rstrip("f") or 0)


def joined(between: str, parts: Sequence[str]) -> str:
    """Several, one after the other."""
    places = [f"{{part{number}}}" for number in range(len(parts))]
    return Sentence(between.join(places), {f"part{number}": part for number, part in enumerate(parts)}) if parts else ""


def begun(words: str) -> str:
    """The words at the beginning of a sentence."""
    if isinstance(words, Sentence):
        return Sentence(words.pattern[:1].upper() + words.pattern[1:], words.values, words.plural, words.number)
    return words[:1].upper() + words[1:]


def mark(pattern: str) -> str:
    """The pattern as it is: what is written into the source here is told elsewhere, and belongs into the catalogues."""
    return pattern


def known(words: object) -> Sentence:
    """Words of ours that come from a record or from the code (`holding_update`): told in another language where a catalogue has them."""
    return Sentence(str(words).replace("_", " "), {})


class Teller(Protocol):
    """Tells sentences in a language."""

    @property
    def tag(self) -> str:
        """The language, as in `<html lang>`."""
        ...

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as in `<html dir>`."""
        ...

    def tell(self, words: str) -> str:
        """The sentence in this language, with what is filled in; words that are none of ours as they are."""
        ...


class Tellers(Protocol):
    """Who tells things to whom."""

    def of(self, kept: str | None) -> Teller:
        """Whoever tells it to somebody who keeps that language; None, or one that there is not: the installation's."""
        ...
