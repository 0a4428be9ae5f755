"""Sentences for people that can be told in another language later, where somebody reads them.

    say("{who} has this case", who=file.name_of(owner))

It is the English sentence, an ordinary `str`, for Slack, REST, e-mails and whoever asks for nothing else. Besides, it remembers what it was
made of, so that a page tells it in its reader's language (`api/languages/`). Nothing here knows of languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
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
