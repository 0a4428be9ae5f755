"""A language: its catalogue, its direction, and how it writes moments. The catalogues are the .po files in `locales/`."""

from __future__ import annotations

import io
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Language:
    """A language that pages can be read in. `tag`: as in `<html lang>`; `name`: as its own speakers call it.

    `locale`: whose habits it follows for numbers and names of days. The patterns are of Unicode's LDML, as Babel takes them: a moment
    with its day; one with its year besides; a whole one for customers; a day; a time of day.
    """

    tag: str
    name: str
    locale: Locale
    moment: str
    moment_of_year: str
    in_full: str
    day: str
    time: str = "HH:mm"
    messages: NullTranslations = field(default_factory=NullTranslations, repr=False)
    short_day: str = "d MMM"
    zones: Mapping[str, str] = field(default_factory=dict)
    """How it calls zones that the others call by their English letters."""
    patterns: tuple[tuple[re.Pattern[str], str], ...] = field(default=(), repr=False)
    """What finds the message that an English sentence was made of, the most particular first."""

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as in `<html dir>`."""
        return str(self.locale.text_direction)

    def gettext(self, message: str) -> str:
        """The message in this language; the English one when it is not in the catalogue."""
        return self.messages.gettext(message) if message else ""  # under no words a catalogue keeps who made it

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The form of the message that fits the count."""
        return self.messages.ngettext(one, many, count)

    def pgettext(self, context: str, message: str) -> str:
        """The message where it has a sense of its own."""
        return self.messages.pgettext(context, message)


def catalogue_path(tag: str) -> Path:
    """Where a language's catalogue is."""
    return LOCALES / tag / "LC_MESSAGES" / "console.po"


def read_catalogue(tag: str) -> Catalog:
    """A catalogue as translators keep it."""
    with catalogue_path(tag).open("rb") as file:
        return read_po(file, locale=tag)


def _patterns(tag: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The messages of sentences that fill something in, as what matches them filled in."""
    found = {str(one.id) for one in read_catalogue(tag) if isinstance(one.id, str) and _PLACE.search(one.id)}
    made = []
    for message in sorted(found, key=lambda one: (-len(_PLACE.sub("", one)), one)):
        if len(_PLACE.sub("", message).split()) < _TELLING:
            continue
        pieces, seen = [], set[str]()
        for text, name, _, _ in string.Formatter().parse(message):
            pieces.append(re.escape(text))
            if name:
                pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+)")
                seen.add(name)
        made.append((re.compile("".join(pieces), re.DOTALL), message))
    return tuple(made)


_PLACE = re.compile(r"\{\w+\}")
_TELLING = 3
"""So many words of its own must a message have to be recognised by."""


def _compiled(tag: str) -> GNUTranslations:
    """Read when the process starts, so that no binary has to be kept beside the text that it is made of."""
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(tag))
    compiled.seek(0)
    return GNUTranslations(compiled)


SOURCE = "en"
"""What messages are written in."""


@cache
def languages() -> Mapping[str, Language]:
    """Every language that there is, by its tag."""
    known = (
        Language(
            SOURCE,
            "English",
            Locale("en", "GB"),
            moment="EEE d MMM, HH:mm",
            moment_of_year="EEE d MMM y, HH:mm",
            in_full="EEEE, d MMMM y, HH:mm",
            day="d MMMM y",
        ),
        Language(
            "de",
            "Deutsch",
            Locale("de"),
            moment="EEE d. MMM, HH:mm",
            moment_of_year="EEE d. MMM y, HH:mm",
            in_full="EEEE, d. MMMM y, HH:mm 'Uhr'",
            day="d. MMMM y",
            messages=_compiled("de"),
            short_day="d. MMM",
            zones={"CET": "MEZ", "CEST": "MESZ"},
            patterns=_patterns("de"),
        ),
        Language(
            "he",
            "עברית",
            Locale("he"),
            moment="EEE d בMMM, HH:mm",
            moment_of_year="EEE d בMMM y, HH:mm",
            in_full="EEEE, d בMMMM y, HH:mm",
            day="d בMMMM y",
            messages=_compiled("he"),
            short_day="d בMMM",
            patterns=_patterns("he"),
        ),
    )
    return {language.tag: language for language in known}
