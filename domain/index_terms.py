"""What a case can be found by: the terms of its history and of its words. Pure; what is kept of a term is a keyed hash (`adapters`).

The terms of the history are facts and ids. Those of words (what somebody wrote, how the network shows the customer) are personal, and
kept apart, so that they can be forgotten.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import regex

from domain import events as e
from domain.history import Entry, moment
from domain.identities import handle_of
from domain.seeking import Outcome, Sought
from domain.values import Role

LONGEST_WORD = 40
"""Of a longer word only so many signs count."""
WORDS_AT_MOST = 2_000
"""So many different words of a case are kept, those that were written first."""
DAYS_AT_MOST = 62
"""A range of more days is looked for by its months."""

_RUN = regex.compile(r"[\p{L}\p{M}\p{N}]+(?:['’ʼ][\p{L}\p{M}]+)*")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]+")


def words_of(text: str) -> list[str]:
    """The words of a text as they are looked for, in order, each once: NFKC, without case, accents as they are.

    Scripts that put no spaces between words give each of their signs and each pair of neighbours, so that any run of them is found.
    """
    found: dict[str, None] = {}
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).replace("ʼ", "'").replace("’", "'")):
        for piece in _pieces(run.casefold()):
            found[piece[:LONGEST_WORD]] = None
    return list(found)


def wanted_words(text: str) -> list[str]:
    """The words by which a text is looked for: like `words_of`, but a pair of signs stands for both of them."""
    words = words_of(text)
    pairs = [word for word in words if len(word) == 2 and _UNSPACED.fullmatch(word)]
    paired = {sign for pair in pairs for sign in pair}
    return [word for word in words if word not in paired]


def _pieces(word: str) -> Iterator[str]:
    """A word, or where its script has no spaces, its signs and their pairs."""
    at = 0
    for unspaced in _UNSPACED.finditer(word):
        if unspaced.start() > at:
            yield word[at : unspaced.start()]
        signs = unspaced.group()
        yield from signs
        yield from (signs[n : n + 2] for n in range(len(signs) - 1))
        at = unspaced.end()
    if at < len(word):
        yield word[at:]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a case. `facts`: of its history. `words`: personal ones."""

    facts: frozenset[str]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its circumstances: whose the case was before or after it, and when it was recorded (microseconds since 1970, UTC)."""

    entry: Entry
    departments: frozenset[str]
    people: frozenset[str]
    recorded_us: int

    def means(self, sought: Sought) -> bool:
        """Whether it is an event that a filter means."""
        event = self.entry.event
        if sought.kind is not None and event.kind != sought.kind:
            return False
        if sought.breached is not None and not (isinstance(event, e.ClockBreached) and event.clock is sought.breached):
            return False
        if not _within(moment(self.recorded_us), sought.recorded_from, sought.recorded_until):
            return False
        if not sought.is_of_an_event:
            return True
        here = sought.department is None or sought.department in self.departments
        return here and (sought.person is None or sought.person in self.people)


@dataclass(slots=True)
class _Standing:
    """As much of a case (`domain.evolve`) as terms need, for that many cases are gone through when the terms are made anew."""

    department: str = ""
    owner: str | None = None
    ended: Outcome | None = None
    is_closed: bool = False
    is_waived: bool = False

    def take(self, event: e.Event) -> None:
        match event:
            case e.Opened():
                self.department = event.department
            case e.HandedOff() | e.Reassigned():
                self.department, self.owner = event.department, None
            case e.Accepted():
                self.owner = event.owner
            case e.Closed():
                self.is_closed, self.is_waived = True, event.waived_by is not None
            case e.ThankYouWaived():
                self.is_waived = True
            case e.Reopened():
                self.is_closed = self.is_waived = False
            case e.Dismissed():
                self.ended = Outcome.DISMISSED
            case e.WalkedAway():
                self.ended = Outcome.WALKED_AWAY
            case _:
                pass

    @property
    def outcome(self) -> Outcome:
        if self.ended is not None:
            return self.ended
        if not self.is_closed:
            return Outcome.OPEN
        return Outcome.WAIVED if self.is_waived else Outcome.CLOSED


def recorded(history: Iterable[tuple[Entry, int]]) -> list[Recorded]:
    """The events of a history (entry, `recorded_us`) with their circumstances."""
    return list(_recorded(history, _Standing()))


def _recorded(history: Iterable[tuple[Entry, int]], case: _Standing) -> Iterator[Recorded]:
    """The events with their circumstances; `case` stands as it does after each."""
    for entry, recorded_us in history:
        departments, owners = {case.department}, {case.owner}
        case.take(entry.event)
        departments.add(case.department)
        owners.add(case.owner)
        if entry.by.role not in (Role.SYSTEM, Role.CUSTOMER):
            owners.add(entry.by.person)
        yield Recorded(entry, frozenset(departments - {""}), frozenset(one for one in owners if one is not None), recorded_us)


def fits(sought: Sought, events: Sequence[Recorded]) -> bool:
    """Whether one event of a case is such as a filter means. What the filter says of the case as a whole is not looked at."""
    if not sought.is_of_an_event and sought.recorded_from is None and sought.recorded_until is None:
        return True
    return any(event.means(sought) for event in events)


def facts_of(history: Iterable[tuple[Entry, int]]) -> frozenset[str]:
    """The terms of a history."""
    terms, case = set[str](), _Standing()
    for one in _recorded(history, case):
        event = one.entry.event
        if isinstance(event, e.Opened):
            terms.update((f"brand:{event.brand}", f"channel:{event.channel}"))
        names = [f"kind:{event.kind}"]
        if isinstance(event, e.ClockBreached):
            names.append(f"breached:{event.clock.value}")
        terms.update(names)
        terms.update(f"{name}|department:{department}" for name in names for department in one.departments)
        terms.update(f"{name}|person:{person}" for name in names for person in one.people)
        terms.update(f"department:{department}" for department in one.departments)
        terms.update(f"person:{person}" for person in one.people)
        day = moment(one.recorded_us).date()
        terms.update((_day(day), _month(day)))
    return frozenset(terms | {f"outcome:{case.outcome.value}", f"now:{case.department}"})


def personal_terms(texts: Iterable[str], shown_as: Mapping[str, str | None]) -> frozenset[str]:
    """The terms of what was written in a case, and of how the network shows its customer (`name`, `handle`)."""
    words: dict[str, None] = {}
    for text in texts:
        words.update(dict.fromkeys(words_of(text)))
    terms = {f"word:{word}" for word in list(words)[:WORDS_AT_MOST]}
    terms |= {f"customer:{word}" for shown in shown_as.values() if shown for word in words_of(shown)}
    handle = shown_as.get("handle")
    return frozenset(terms | {handle_term(handle)} if handle else terms)


def handle_term(handle: str) -> str:
    """The term of a whole handle, by which a customer is found exactly."""
    return f"handle:{handle_of(handle)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a filter asks of the terms: all of `facts` and of `words`, and one of each of the `either`s (facts).

    `look`: terms alone do not decide, the history has to be looked at (`fits`). `nothing`: no case can fit.
    """

    facts: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    either: tuple[frozenset[str], ...] = ()
    look: bool = False
    nothing: bool = False


def wanted(sought: Sought) -> Wanted:
    """What a filter asks of the terms; its cases, number and time of opening are not among them."""
    events = [f"kind:{sought.kind}"] if sought.kind is not None else []
    events += [f"breached:{sought.breached.value}"] if sought.breached is not None else []
    whose = [f"{about}:{value}" for about in ("department", "person") if (value := getattr(sought, about)) is not None]
    facts = {f"{about}:{value}" for about in ("brand", "channel", "outcome") if (value := getattr(sought, about)) is not None}
    if events and whose:  # which says also that there is such an event, and such a person
        facts.update(f"{event}|{one}" for event in events for one in whose)
    else:
        facts.update(events or whose)
    words = set[str]()
    nothing = False
    for about, given in (("word", sought.words), ("customer", sought.customer)):
        if given is not None:
            asked = wanted_words(given)
            nothing |= not asked
            words.update(f"{about}:{word}" for word in asked)
    look = len(events) > 1 or (bool(events) and len(whose) > 1)
    either = []
    if sought.recorded_from is not None or sought.recorded_until is not None:
        days, exact = _span(sought.recorded_from, sought.recorded_until)
        look |= bool(events) or not exact
        either = [days] if days is not None else []
    return Wanted(frozenset(facts), frozenset(words), tuple(either), look=look, nothing=nothing)


def anywhere(text: str) -> tuple[frozenset[str], ...]:
    """For people who type words and do not say what they are: of each word, the terms of which one must be there."""
    return tuple(frozenset({f"word:{word}", f"customer:{word}"}) for word in wanted_words(text))


def _span(since: datetime | None, until: datetime | None) -> tuple[frozenset[str] | None, bool]:
    """The days, or the months, that a range touches, and whether they are exactly the range; None when it has no end or is too long."""
    if since is None or until is None:
        return None, False
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    first, last = since.date(), (until - timedelta(microseconds=1)).date()
    if (last - first).days < DAYS_AT_MOST:
        whole = since == _midnight(first) and until == _midnight(until.date())
        return frozenset(_day(first + timedelta(days=n)) for n in range((last - first).days + 1)), whole
    months = {_month(first + timedelta(days=n)) for n in range(0, (last - first).days + 1, 28)} | {_month(last)}
    return (frozenset(months), False) if len(months) <= DAYS_AT_MOST else (None, False)


def _within(at: datetime, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _day(day: date) -> str:
    return f"day:{day.isoformat()}"


def _month(day: date) -> str:
    return f"month:{day:%Y-%m}"
