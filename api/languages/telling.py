"""How templates tell things in their reader's language: messages, names of closed sets, moments, time left, numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment
from markupsafe import Markup, escape

from adapters.languages.language import languages
from adapters.languages.telling import Telling
from api.languages.choosing import reader
from domain.durations import write_duration
from domain.sentences import Sentence
from domain.story import OWED
from domain.values import ClockName

SOON_SECONDS = 15 * 60


# --- messages -----------------------------------------------------------------------------------------------------------------


def gettext(message: str, **values: Any) -> Markup:
    """A message of a template; what is filled in is told in the reader's language, too, and escaped."""
    return Markup(reader().language.gettext(message)) % _told(values)  # noqa: S704 - the catalogues are ours


def ngettext(one: str, many: str, num: int, **values: Any) -> Markup:
    """The message that fits the count."""
    return Markup(reader().language.ngettext(one, many, num)) % _told({"num": num, **values})  # noqa: S704 - as above


def pgettext(context: str, message: str, **values: Any) -> Markup:
    """A message where its words have a sense of their own."""
    return Markup(reader().language.pgettext(context, message)) % _told(values)  # noqa: S704 - as above


def telling() -> Telling:
    """Who tells things to whoever reads the page that is being made."""
    return Telling(reader().language, reader().zone)


def localised(value: Any) -> Any:
    """What is about to be shown, in the reader's language where it knows how to be told in another."""
    return telling().localised(value)


def kept(words: str) -> str:
    """Words of ours that were kept as English text (`adapters.languages.telling.Telling.kept`)."""
    return telling().kept(words)


def _told(values: Any) -> dict[str, Any]:
    return telling().filled(values)


# --- names --------------------------------------------------------------------------------------------------------------------


def spoken(word: object) -> str:
    """A word of a closed set (a status, a priority, a purpose …) as people are told; other words as they are."""
    return reader().language.gettext(str(word).replace("_", " "))


def capitalised(value: object) -> object:
    """The first letter large, and all others as they are: other languages write nouns large."""
    told = localised(value)
    return told[:1].upper() + told[1:] if isinstance(told, str) else told


def begun(words: str) -> str:
    """Words of ours that were kept, as a sentence: told in the reader's language where it is one that the catalogue has."""
    told = str(localised(words)) if isinstance(words, Sentence) else kept(words)
    return told[:1].upper() + told[1:]


def owed(clock: str) -> str:
    """What a clock measures, as people are told."""
    return reader().language.gettext(OWED[ClockName(clock)])


def owed_inside(clock: str) -> str:
    """The same, inside a sentence."""
    return reader().language.gettext(OWED[ClockName(clock)].lower())


# --- moments ------------------------------------------------------------------------------------------------------------------


def brief(at: datetime, zone: tzinfo) -> str:
    """A moment in a zone, which is named; with its year when that is not this one."""
    return telling().brief(at, zone)


def moment(at: datetime | None) -> str:
    """A moment in its reader's zone."""
    return "" if at is None else brief(at, reader().zone or reader().home)


def dated(at: datetime) -> Markup:
    """The same, for machines, too."""
    return Markup('<time datetime="{}">{}</time>').format(precise(at), moment(at))


def when(at: datetime, zone: ZoneInfo) -> Markup:
    """A moment in its reader's zone, or else in this one, which is named; the console's module puts it into the browser's own."""
    return Markup('<time datetime="{}">{}</time>').format(precise(at), brief(at, reader().zone or zone))


def said_at(at: datetime, zone: str) -> Markup:
    """A moment as customers read it: in full, in their brand's zone, which is named."""
    there, language = ZoneInfo(zone), reader().language
    told = format_datetime(at.astimezone(there), language.in_full, tzinfo=there, locale=language.locale)
    shown = Markup('<time datetime="{}" data-form="full">{}\N{NO-BREAK SPACE}{}</time>')
    return shown.format(precise(at), told, telling().zone_at(at, there))


def day(value: date) -> str:
    """A day in full."""
    language = reader().language
    return format_date(value, language.day, locale=language.locale)


def short_day(value: date) -> str:
    """A day with the name that it has in its week."""
    language = reader().language
    return format_date(value, language.moment_of_year.partition("HH")[0].rstrip(" ,،"), locale=language.locale)


def exact(at: datetime | None) -> Markup:
    """A moment to the second, as it is compared: in UTC, the same in every language."""
    if at is None:
        return Markup()
    return Markup('<time datetime="{}" data-form="exact">{}</time>').format(at.isoformat(), f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")


def precise(at: datetime) -> str:
    """A moment as machines read it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- time left ----------------------------------------------------------------------------------------------------------------


def left(due: datetime, now: datetime) -> Markup:
    """How much time is left until a moment, as of `now`; the console's module keeps it true."""
    seconds = (due - now).total_seconds()
    told = gettext("%(span)s left", span=span(seconds)) if seconds > 0 else gettext("%(span)s late", span=span(-seconds))
    state = "late" if seconds <= 0 else "soon" if seconds < SOON_SECONDS else "fine"
    shown = Markup('<time class="left" data-left data-state="{}" datetime="{}">{}</time>')
    return shown.format(state, precise(due), told)


def span(seconds: float) -> str:
    """A length of time, as the console's module writes it."""
    minutes = int(seconds // 60)
    hours, days = minutes // 60, minutes // 1440
    if minutes < 1:
        return gettext("%(seconds)s s", seconds=int(seconds))
    if hours < 1:
        return gettext("%(minutes)s min", minutes=minutes)
    if days < 2:
        return gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
    return gettext("%(days)s d %(hours)s h", days=days, hours=hours % 24)


# --- numbers ------------------------------------------------------------------------------------------------------------------


def number(value: float) -> str:
    """A number as the reader's language groups it."""
    return str(format_decimal(value, locale=reader().language.locale))


def module_words() -> dict[str, str]:
    """What the console's module says, with the same places."""
    return {
        "left": _pattern("%(span)s left"),
        "late": _pattern("%(span)s late"),
        "seconds": _pattern("%(seconds)s s"),
        "minutes": _pattern("%(minutes)s min"),
        "hours": _pattern("%(hours)s h %(minutes)s min"),
        "days": _pattern("%(days)s d %(hours)s h"),
        "live": gettext("Live"),
        "away": gettext("Not live just now"),
        "out": gettext("You are signed out"),
        "close": gettext("Close"),
    }


def _pattern(message: str) -> str:
    return reader().language.gettext(message)


def set_up(templates: Environment) -> None:
    """Give an environment of templates all of this."""
    templates.add_extension("jinja2.ext.i18n")
    templates.newstyle_gettext = True  # type: ignore[attr-defined]
    templates.policies["ext.i18n.trimmed"] = True
    templates.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, pgettext=pgettext, module_words=module_words)
    templates.globals.update(page_language=lambda: reader().language, languages=lambda: tuple(languages().values()))
    templates.finalize = localised
    templates.filters.update(
        moment=moment,
        dated=dated,
        when=when,
        left=left,
        said_at=said_at,
        day=day,
        short_day=short_day,
        exact=exact,
        owed=owed,
        owed_inside=owed_inside,
        duration=write_duration,
        number=number,
        spoken=spoken,
        sentence=begun,
        kept=lambda words: localised(words) if isinstance(words, Sentence) else kept(str(words)),
        capitalize=capitalised,
        e=lambda value: escape(localised(value)),
    )
