"""Telling sentences of ours in a language: to whoever reads a page (`api/languages/`), and in messages that are sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_interval
from babel.numbers import format_decimal

from adapters.languages.language import SOURCE, Language, languages
from domain.sentences import Day, Days, Moment, Number, Sentence


@dataclass(frozen=True)
class Telling:
    """See `domain.sentences.Teller`. `zone`: the one that moments are told in; None: the one that each has."""

    language: Language
    zone: ZoneInfo | None = None

    @property
    def tag(self) -> str:
        """See `domain.sentences.Teller.tag`."""
        return self.language.tag

    @property
    def direction(self) -> str:
        """See `domain.sentences.Teller.direction`."""
        return self.language.direction

    def tell(self, words: str) -> str:
        """See `domain.sentences.Teller.tell`."""
        return str(self.localised(words))

    def localised(self, value: Any) -> Any:
        """The value as it reads in this language, where it knows how to be told in another."""
        locale = self.language.locale
        match value:
            case Sentence():
                return self.sentence(value)
            case Moment():
                return self.brief(value.at, self.zone or ZoneInfo(value.zone))
            case Number():
                return str(format_decimal(value.value, "#,##0" + "." * bool(value.digits) + "0" * value.digits, locale))
            case Day():
                return format_date(value.day, self.language.short_day, locale=locale)
            case Days():
                return str(value) if self.tag == SOURCE else format_interval(value.first, value.last, "yMMMMd", locale=locale)
            case _:
                return value

    def sentence(self, said: Sentence) -> str:
        """A sentence of ours."""
        if said.plural is not None:
            return self.language.ngettext(said.pattern, said.plural, said.number).format(**self.filled(said.values))
        if not said.values:
            return self.kept(said.pattern)
        return self.language.gettext(said.pattern).format(**self.filled(said.values))

    def filled(self, values: Any) -> dict[str, Any]:
        """What is filled into a sentence."""
        return {name: self.localised(value) for name, value in values.items()}

    def kept(self, words: str) -> str:
        """Words of ours that were kept as English text: by their whole, or by the pattern that they were made of; else as they are."""
        told = self.language.gettext(words)
        if told != words or self.tag == SOURCE or " " not in words:
            return told
        for pattern, message in self.language.patterns:
            if found := pattern.fullmatch(words):
                return self.language.gettext(message).format(**{name: self.kept(value) for name, value in found.groupdict().items()})
        return words

    def brief(self, at: datetime, zone: tzinfo) -> str:
        """A moment in a zone, which is named; with its year when that is not this one."""
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        return _to_the_minute(self.tag, minute, zone, with_year=at.year != datetime.now(UTC).year)

    def zone_at(self, at: datetime, zone: tzinfo) -> str:
        """The zone's name at that moment, short."""
        named = f"{at.astimezone(zone):%Z}"
        return self.language.zones.get(named, named)


@lru_cache(maxsize=8192)
def _to_the_minute(tag: str, at: datetime, zone: tzinfo, *, with_year: bool) -> str:
    """See `Telling.brief`. Kept, because a page tells the same few dozen moments each time that it is made."""
    language = languages()[tag]
    pattern = language.moment_of_year if with_year else language.moment
    told = format_datetime(at.astimezone(zone), pattern, tzinfo=zone, locale=language.locale)
    return f"{told} {Telling(language).zone_at(at, zone)}"


@dataclass(frozen=True)
class Tellers:
    """See `domain.sentences.Tellers`. `installation`: the language of whoever keeps none, or one that there is not any more."""

    installation: str

    def of(self, kept: str | None) -> Telling:
        """See `domain.sentences.Tellers.of`."""
        known = languages()
        return Telling(known.get(kept or "") or known.get(self.installation) or known[SOURCE])
