"""From a template and the facts to the exact words that the public will read.

Templates are data. What a customer or a colleague wrote goes in as text and is never read as a template again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

import regex
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.errors import NoWording
from domain.limits import Counting, length, shortened
from domain.speaking import Speech, speech_of

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LINE_OF_ITS_OWN = re.compile(r"\n\{(help|status)\}(?=\n|\Z)")
"""What may be empty; no empty line is left of it then."""

TEMPLATES: Mapping[str, frozenset[str]] = {
    "acknowledgement.complaint": frozenset({"hello", "department", "until", "status", "brand", "sign"}),
    "acknowledgement.question": frozenset({"hello", "department", "until", "status", "brand", "sign"}),
    "acknowledgement.remark": frozenset({"hello", "department", "until", "status", "brand", "sign"}),
    "acknowledgement.reopened": frozenset({"hello", "holder", "department", "until", "status", "brand", "sign"}),
    "holding_update.accepted": frozenset({"hello", "holder", "department", "since", "until", "brand", "sign"}),
    "holding_update.not_yet_accepted": frozenset({"hello", "department", "since", "until", "brand", "sign"}),
    "holding_update.message_seen": frozenset({"hello", "department", "until", "brand", "sign"}),
    "update.person": frozenset({"hello", "body", "until", "sign"}),
    "ask.person": frozenset({"hello", "body", "sign"}),
    "thank_you.resolved": frozenset({"hello", "body", "brand", "sign"}),
    "thank_you.praise": frozenset({"hello", "brand", "sign"}),
    "nudge.first": frozenset({"hello", "department", "brand", "sign"}),
    "nudge.again": frozenset({"hello", "department", "brand", "sign"}),
    "closing_note.no_answer": frozenset({"hello", "department", "brand", "sign"}),
    "welcome.open": frozenset({"hello", "department", "brand", "sign"}),
    "welcome.closed": frozenset({"hello", "brand", "sign"}),
    "acknowledgement.complaint_away": frozenset({"hello", "department", "back", "help", "until", "status", "brand", "sign"}),
    "acknowledgement.other_away": frozenset({"hello", "department", "back", "help", "until", "status", "brand", "sign"}),
    "moved.told": frozenset({"hello", "department", "until", "brand", "sign"}),
    "private.person": frozenset({"hello", "body", "status", "sign"}),
    "private.line": frozenset({"hello", "department", "brand", "sign"}),
    "private.link": frozenset({"hello", "contact", "department", "brand", "sign"}),
    "personal_data.remove": frozenset({"hello", "shown", "brand", "sign"}),
    "elsewhere.closed": frozenset({"hello", "link", "brand", "sign"}),
}
"""Every template that the loop uses, with the placeholders that it may contain."""

ADDED: Mapping[str, str | None] = {
    "acknowledgement.complaint_away": "acknowledgement.complaint",
    "acknowledgement.other_away": "acknowledgement.question",
    "moved.told": None,
    "private.person": "ask.person",
    "private.line": None,
    "private.link": None,
    "personal_data.remove": None,
    "elsewhere.closed": None,
}
"""Templates that a wording of an earlier version does not have, and what is said in their place, if anything."""

NEEDED: Mapping[str, frozenset[str]] = {
    "acknowledgement.complaint": frozenset({"hello", "until", "sign"}),
    "update.person": frozenset({"hello", "body", "until", "sign"}),
    "ask.person": frozenset({"hello", "body", "sign"}),
    "thank_you.resolved": frozenset({"hello", "body", "sign"}),
    "acknowledgement.complaint_away": frozenset({"hello", "back", "until", "sign"}),
    "acknowledgement.other_away": frozenset({"hello", "back", "until", "sign"}),
    "moved.told": frozenset({"hello", "department", "until", "sign"}),
    "private.person": frozenset({"hello", "body", "sign"}),
    "private.link": frozenset({"hello", "contact", "sign"}),
    "personal_data.remove": frozenset({"hello", "shown", "sign"}),
    "elsewhere.closed": frozenset({"hello", "link", "sign"}),
}
"""Placeholders that every form of a template must contain (for the others: `hello` and `sign`)."""

_APOLOGY_FIRST = frozenset({"acknowledgement.complaint", "acknowledgement.complaint_away", "acknowledgement.reopened"})


class Wording(BaseModel):
    """A wording file: for each template and network family at least three forms, so that replies do not read like a machine's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str = Field(pattern=r"^[a-z]{2}$")
    forms: dict[str, dict[str, Annotated[tuple[str, ...], Field(min_length=3)]]]
    also: tuple[Wording, ...] = ()
    """The same in other languages, for brands whose policy names one (`brands.….language`)."""

    @model_validator(mode="after")
    def _one_language_once(self) -> Self:
        tags = [self.language, *(one.language for one in self.also)]
        if len(tags) != len(set(tags)) or any(one.also for one in self.also):
            raise ValueError("also: each language once, and none within another")
        return self

    def spoken_in(self, language: str | None) -> Wording:
        """The wording in that language; this one when no language is asked for, or it has none of that language."""
        return next((one for one in self.also if one.language == language), self)

    def whole(self) -> str:
        """All of it as text, for a version's name: as it was before there were other languages, where there are none."""
        return self.model_dump_json(exclude=None if self.also else {"also"})

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for template in TEMPLATES:
            if "default" not in self.forms.get(template, {"default": ()} if template in ADDED else {}):
                raise ValueError(f"forms.{template}.default is missing")
        for template, families in self.forms.items():
            if template not in TEMPLATES:
                raise ValueError(f"forms.{template} is not a template that the loop uses: {', '.join(TEMPLATES)}")
            for family, forms in families.items():
                for number, form in enumerate(forms):
                    _check_form(template, form, f"forms.{template}.{family}[{number}]", self.language)
        return self

    def in_family(self, template: str, family: str | None) -> tuple[str, ...]:
        """The forms of a template for a family of networks, else the default ones. Raises NoWording."""
        known: str | None = template if template in self.forms else ADDED[template]
        if known is None:
            raise NoWording(f"the wording that this case is held to has no '{template}'; hold the case to a newer version of the policy")
        families = self.forms[known]
        return families.get(family or "default", families["default"])


def _check_form(template: str, form: str, where: str, language: str) -> None:
    used = set(_PLACEHOLDER.findall(form))
    unknown = used - TEMPLATES[template]
    if unknown:
        allowed = ", ".join(sorted(TEMPLATES[template]))
        raise ValueError(f"{where} uses {{{min(unknown)}}}, which is not to be had here; there are: {allowed}")
    missing = NEEDED.get(template, frozenset({"hello", "sign"})) - used
    if missing:
        raise ValueError(f"{where} lacks {{{min(missing)}}}")
    if "{" in _PLACEHOLDER.sub("", form) or "}" in _PLACEHOLDER.sub("", form):
        raise ValueError(f"{where} has a stray brace")
    if template in _APOLOGY_FIRST and not speech_of(language).apology.search(form.split(".", maxsplit=1)[0] + "."):
        raise ValueError(f"{where} does not apologise in its first sentence")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a reply may say. Names are as people or networks gave them; they are made safe here.

    `now`, `since` and `until` are moments of the loop's time; `zone` is the brand's IANA zone, in which they are told.
    """

    brand: str
    team: str
    department: str
    zone: str
    now: datetime
    customer: str | None = None
    owner: str | None = None
    signer: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    opens: datetime | None = None
    self_help: str | None = None
    contact: str | None = None
    shown: str = ""
    body: str = ""
    link: str | None = None
    """Where the loop was closed, in a reply that tells that."""
    status: str | None = None
    """The address of the case's status page, where this message may give it."""
    dated: bool = False
    """Name the day by its date where "today", "tomorrow" or "on Tuesday" would do."""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Room:
    """How much a network takes: `limit` in its own `counting`."""

    limit: int
    counting: Counting
    family: str | None = None


def render(wording: Wording, template: str, variant: int, facts: Facts, room: Room, said: Callable[[str], bool] = lambda _: False) -> str:
    """The exact text: the `variant`-th form, or the next one that fits the network and was not `said` in the case before.

    Nobody wants to read the same sentence twice, and some networks refuse it. When all forms have been said, the day is named by its
    date; when none fits, the customer's name is left out, and then the link to the status page. A text that is still too long is
    returned whole, to be split by `limits.split`.
    """
    facts = replace(facts, language=wording.language)
    forms = wording.in_family(template, room.family)
    turned = [forms[(variant + i) % len(forms)] for i in range(len(forms))]

    def texts() -> Iterator[str]:
        for linked in (facts,) if facts.status is None else (facts, replace(facts, status=None)):
            for named in (linked, replace(linked, customer=None)):
                for told in (named, replace(named, dated=True)):
                    yield from (fill(form, told) for form in turned)

    fitting = [text for text in texts() if length(text, room.counting) <= room.limit]
    fresh = (text for text in fitting or [fill(form, facts) for form in turned] if not said(text))
    return next(fresh, None) or (fitting or [fill(turned[0], facts)])[0]


def fill(form: str, facts: Facts) -> str:
    """`form` with its placeholders filled in one pass, so that nothing that is filled in can act as a placeholder."""
    values = _Values(facts)
    whole = _LINE_OF_ITS_OWN.sub(lambda m: m.group(0) if values[m.group(1)] else "", form)
    filled = _PLACEHOLDER.sub(lambda m: values[m.group(1)], whole)
    return re.sub(" {2,}", " ", filled).strip()


class _Values:
    """The placeholders' values, made when asked for."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._speech = speech_of(facts.language)

    def __getitem__(self, name: str) -> str:  # noqa: C901 - one line a placeholder
        facts = self._facts
        match name:
            case "hello":
                return self._speech.hello(first_name(facts.customer))
            case "sign":
                return f"– {first_name(facts.signer) or facts.team}"
            case "holder":
                return self._speech.holder(first_name(facts.owner), facts.department)
            case "department":
                return facts.department
            case "brand":
                return facts.brand
            case "body":
                return tidy(facts.body)
            case "since":
                assert facts.since is not None, "a form that says since when needs the moment"
                return spoken_past(facts.since, facts.now, facts.zone, dated=facts.dated, speech=self._speech)
            case "until":
                assert facts.until is not None, "a form that promises needs the moment"
                return spoken_future(facts.until, facts.now, facts.zone, dated=facts.dated, speech=self._speech)
            case "back":
                assert facts.opens is not None, "a form that says when people are back needs the moment"
                return spoken_future(facts.opens, facts.now, facts.zone, dated=facts.dated, speech=self._speech)
            case "help":
                return f"{facts.self_help}." if facts.self_help and facts.self_help[-1].isalnum() else facts.self_help or ""
            case "link":
                assert facts.link is not None, "a form that says where needs the address"
                return facts.link
            case "contact":
                return facts.contact or ""
            case "shown":
                return self._speech.shown(facts.shown)
            case "status":
                return self._speech.status(facts.status) if facts.status else ""
            case _:
                raise KeyError(name)


_NAME = regex.compile(r"\p{L}[\p{L}\p{M}'’.\-]{0,19}\Z")
_NOT_NAMES = "herr frau mr mrs ms miss dr prof sir madam the team a an user customer anonymous unknown null none admin support"
_NOT_A_NAME = frozenset(_NOT_NAMES.split())


def first_name(display_name: str | None) -> str | None:
    """The name to greet somebody by, or None when what they call themselves does not look like one.

    Networks let people call themselves anything, so only a short first word of letters of any script is taken; no digits,
    addresses, mentions, invisible or direction-changing characters.
    """
    if not display_name:
        return None
    words = unicodedata.normalize("NFC", display_name).split()
    if not words or any(unicodedata.category(c) in ("Cf", "Cc", "Co", "Cs") for c in words[0]):
        return None
    word = words[0].strip(".,;:!-'’\"()[]")
    if not _NAME.match(word) or word.casefold().strip(".") in _NOT_A_NAME or len(regex.findall(r"\p{L}", word)) < 2:
        return None
    return word.capitalize() if word.isupper() and len(word) > 3 else word


def tidy(words: str) -> str:
    """A person's words as they will be posted: no control characters, no trailing blanks, at most one empty line in a row."""
    kept = "".join(c for c in unicodedata.normalize("NFC", words) if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    lines = [" ".join(line.split()) for line in kept.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def spoken_future(moment: datetime, now: datetime, zone: str, *, dated: bool = False, speech: Speech | None = None) -> str:
    """A moment to come, as people say it: "14:30 GMT today", "10:00 CET tomorrow", "10:00 CET on Tuesday", "10:00 CET on 3 December"."""
    there, here = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    return (speech or speech_of("en")).future(there, (there.date() - here.date()).days, dated)


def spoken_past(moment: datetime, now: datetime, zone: str, *, dated: bool = False, speech: Speech | None = None) -> str:
    """A moment gone by: "09:05 GMT today", "yesterday, 17:40 GMT", "Monday, 17:40 GMT", "3 December, 17:40 GMT"."""
    there, here = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    return (speech or speech_of("en")).past(there, (here.date() - there.date()).days, dated)


def excerpt(words: str, at_most: int) -> str:
    """The beginning of somebody's words in one line, for a title or a list; at most `at_most` characters as people see them."""
    return shortened(" ".join(words.split()), at_most, "graphemes")
