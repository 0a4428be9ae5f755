"""The policy: what is owed to customers and by when, who owns what, and how posts are sorted. Data, validated; files in `policies/`.

A policy file as a whole is a `Policy`. A case carries only its own slice of it, the `CasePolicy`, and keeps that until an explicit
command moves it to another version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Literal

import regex
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, model_validator

from domain.calendars import ALWAYS, Calendar
from domain.colours import Accent
from domain.durations import Duration
from domain.errors import UnknownBrand, UnknownChannel
from domain.escalation import Chains
from domain.hours import Hours, Quiet
from domain.personal import order_pattern
from domain.retention import ENDINGS, Span, unknown
from domain.values import Audience, ClockName, Priority
from domain.wording import Wording
from domain.zones import Zone

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,40}$")]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ByPriority(_Model):
    """One duration for each priority."""

    urgent: Duration
    high: Duration
    normal: Duration
    low: Duration

    def of(self, priority: Priority) -> timedelta:
        """The duration for `priority`."""
        value: timedelta = getattr(self, priority.value)
        return value


class Clocks(_Model):
    """The deadlines of product.md. `acknowledge` stands with each channel."""

    accept: ByPriority
    holding_update: ByPriority
    next_reply: ByPriority
    resolve: ByPriority
    thank_you: Duration


class Channel(_Model):
    """One connected network. `status_link`: which of our messages may carry the link to the customer's status page."""

    network: str = Field(min_length=1, max_length=40)
    kind: Literal["webhook", "hand"] = "webhook"
    limit: int = Field(ge=50, le=100_000)
    counting: Literal["characters", "graphemes", "utf16", "x"] = "characters"
    acknowledge: Duration
    wording: Slug | None = None
    threads: bool = True
    private_messages: bool = False
    honours_idempotency_key: bool = True
    status_link: tuple[Literal["acknowledgement", "private"], ...] = ()

    @property
    def is_public(self) -> bool:
        """Whether everybody can read what is written there. A call, a letter and a visit are between the customer and us."""
        return self.kind != "hand"


def _written(pattern: str, such_as: str) -> AfterValidator:
    like = re.compile(pattern)

    def check(value: str) -> str:
        if like.fullmatch(value) is None:
            raise ValueError(f"must be {such_as}")
        return value

    return AfterValidator(check)


SlackChannel = Annotated[
    str, _written(r"#[a-z0-9_-]{1,79}|[CG][A-Z0-9]{6,20}", "a channel such as #billing (small letters, no spaces), or its id")
]
SlackGroup = Annotated[
    str, _written(r"@[a-z0-9._-]{1,21}|S[A-Z0-9]{6,20}", "a user group such as @billing-team (small letters, no spaces), or its id")
]
SlackUser = Annotated[str, _written(r"[UW][A-Z0-9]{6,20}", "a member's id such as U0ANA00001")]
Address = Annotated[str, _written(r"[^@\s<>\"]{1,64}@[^@\s<>\"]{1,190}", "an address such as billing@example.com")]
Web = Annotated[str, _written(r"https?://[^\s<>\"]{1,500}", "an address that begins with https:// or http://")]


class Person(_Model):
    """A colleague who is called when a clock runs out. Slack knows them by `slack`, else by their address; without Slack they get mail."""

    name: str = Field(min_length=1, max_length=60)
    email: Address | None = None
    slack: SlackUser | None = None
    quiet: Quiet | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Person:
        if self.email is None and self.slack is None:
            raise ValueError("needs an email or a slack id, or nobody could reach this person")
        return self


class Desk(_Model):
    """How a department is reached, when it works, and who leads it (people of the policy, by handle)."""

    name: str = Field(min_length=1, max_length=60)
    slack_channel: SlackChannel
    slack_group: SlackGroup | None = None
    email: Address | None = None
    calendar: Slug | None = None
    lead: Slug | None = None
    head: Slug | None = None


class Escalation(Chains):
    """The chains, and where they end: the channel that all escalations are told in, and the manager on duty."""

    slack_channel: SlackChannel | None = None
    email: Address | None = None
    duty_manager: Slug | None = None


def _usable(source: str) -> str:
    order_pattern(source)
    return source


class StatusPage(_Model):
    """How the page looks on which a customer follows their case. `link`: the brand's own site; `departments`: whether they are named."""

    accent: Accent = "#0b5cad"
    link: Web | None = None
    departments: bool = False


class Brand(_Model):
    """An account that customers post to, and how it speaks. `calendar`: when the social team works, the business's calendar.

    `ours`: addresses and numbers of ours, which are nobody's personal data; `order_numbers`: how order and customer numbers look.
    """

    name: str = Field(min_length=1, max_length=60)
    team: str = Field(min_length=1, max_length=60)
    zone: Zone = "UTC"
    calendar: Slug | None = None
    self_help: str | None = Field(None, min_length=1, max_length=160)
    contact: Web | None = None
    ours: tuple[Phrase, ...] = ()
    order_numbers: tuple[Annotated[str, AfterValidator(_usable)], ...] = ()
    status_page: StatusPage = StatusPage()
    language: str | None = Field(None, pattern=r"^[a-z]{2}$")
    """What it speaks, of the languages of the wording; the wording's first one when it names none."""

    @cached_property
    def order_patterns(self) -> tuple[regex.Pattern[str], ...]:
        """The order numbers' patterns, ready to be looked for."""
        return tuple(map(order_pattern, self.order_numbers))


class Approvals(_Model):
    """Which words to a customer need a second person. `phrases`: by the name of a list; `trainees`: people, by handle.

    `customers_above`: what goes to more customers than this at once.
    """

    priorities: tuple[Priority, ...] = ()
    phrases: dict[Slug, Annotated[tuple[Phrase, ...], Field(min_length=1)]] = {}
    reach_above: int | None = Field(None, ge=1)
    customers_above: int | None = Field(None, ge=1)
    trainees: tuple[Slug, ...] = ()

    @model_validator(mode="after")
    def _named_apart(self) -> Approvals:
        if taken := {"priority", "reach", "customers", "trainee"} & self.phrases.keys():
            raise ValueError(f"phrases.{min(taken)}: a list needs another name; this one stands for a rule of its own")
        return self


class Signals(_Model):
    """Phrases that speak for an intent; `*` at the end of a word stands for any ending. A strong one counts three times a weak one."""

    strong: tuple[Phrase, ...] = ()
    weak: tuple[Phrase, ...] = ()


class TriageRules(_Model):
    """How a post is sorted before anyone has read it. Every decision names the phrases that made it."""

    ignore: tuple[Phrase, ...] = ()
    spam: tuple[Phrase, ...] = ()
    complaint: Signals
    question: Signals
    praise: Signals
    thanks: Signals
    categories: dict[Slug, tuple[Phrase, ...]]
    otherwise: Slug
    priorities: dict[Literal["urgent", "high", "low"], tuple[Phrase, ...]]
    departments: dict[Slug, Slug]


class Policy(_Model):
    """A whole policy file."""

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9 ._+-]+$")
    clocks: Clocks
    speak_before: Duration
    watch: Duration
    link_within: Duration
    nudge_after: Annotated[tuple[Duration, ...], Field(max_length=5)]
    give_up_after: Duration
    handoff_by_mail_after: Duration
    thanks_answered_at_most: int = Field(ge=1, le=20)
    longest_thread: int = Field(ge=1, le=9)
    warn_at: Annotated[tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(max_length=5)] = ()
    snooze_at_most: Duration = timedelta(days=3)
    calendars: dict[Slug, Hours] = {}
    people: dict[Slug, Person] = {}
    escalation: Escalation = Escalation()
    approvals: Approvals | None = None
    admins: tuple[Address, ...] = ()
    social: Desk
    departments: Annotated[dict[Slug, Desk], Field(min_length=1)]
    brands: Annotated[dict[Handle, Brand], Field(min_length=1)]
    channels: Annotated[dict[Slug, Channel], Field(min_length=1)]
    root_causes: Annotated[dict[Slug, str], Field(min_length=1, max_length=90)]
    retention: dict[Slug, Span] = {}
    triage: TriageRules
    _wording: str = PrivateAttr("")

    @model_validator(mode="after")
    def _whole(self) -> Policy:
        for category, department in self.triage.departments.items():
            if department not in self.departments:
                raise ValueError(f"triage.departments.{category} names '{department}', which is not among departments")
        for category in (*self.triage.categories, self.triage.otherwise):
            if category not in self.triage.departments:
                raise ValueError(f"triage.departments names no department for the category '{category}'")
        if sorted(self.nudge_after) != list(self.nudge_after) or (self.nudge_after and self.nudge_after[-1] >= self.give_up_after):
            raise ValueError("nudge_after must rise, and stay below give_up_after")
        for name in unknown(self.retention, self.triage.departments):
            raise ValueError(f"retention names '{name}', which is neither a category nor one of: default, {', '.join(ENDINGS)}")
        if sorted(self.warn_at) != list(self.warn_at):
            raise ValueError("warn_at must rise")
        for where, calendar in self._calendars_named():
            if calendar is not None and calendar not in self.calendars:
                raise ValueError(f"{where} names '{calendar}', which is not among calendars")
        for where, person in self._people_named():
            if person is not None and person not in self.people:
                raise ValueError(f"{where} names '{person}', who is not among people")
        return self

    def _calendars_named(self) -> Iterable[tuple[str, str | None]]:
        yield from ((f"departments.{name}.calendar", d.calendar) for name, d in self.departments.items())
        yield from ((f"brands.{name}.calendar", b.calendar) for name, b in self.brands.items())
        yield "social.calendar", self.social.calendar

    def _people_named(self) -> Iterable[tuple[str, str | None]]:
        for name, desk in (("social", self.social), *((f"departments.{n}", d) for n, d in self.departments.items())):
            yield f"{name}.lead", desk.lead
            yield f"{name}.head", desk.head
        yield "escalation.duty_manager", self.escalation.duty_manager
        yield from (("approvals.trainees", handle) for handle in (self.approvals.trainees if self.approvals is not None else ()))

    @cached_property
    def id(self) -> str:
        """The version's name: the policy's name and a hash of its content and wording, so that the same id is always the same words."""
        return f"{self.name.lower().replace(' ', '-')}@{_short_hash(self.model_dump_json(), self._wording)}"

    def worded(self, wording: Wording) -> Policy:
        """This policy together with its wording, which is part of what its version stands for."""
        whole = self.model_copy()
        whole._wording = wording.whole()  # noqa: SLF001 - a copy of ourselves
        whole.__dict__.pop("id", None)
        return whole

    def dated(self, holidays: Mapping[str, Iterable[date]]) -> Policy:
        """This policy with the public holidays of its calendars, by the calendar's handle."""
        if not any(hours.public_holidays for hours in self.calendars.values()):
            return self
        calendars = {
            name: hours.model_copy(update={"holidays": tuple(sorted(holidays.get(name, ())))}) if hours.public_holidays else hours
            for name, hours in self.calendars.items()
        }
        whole = self.model_copy(update={"calendars": calendars})
        whole.__dict__.pop("id", None)
        return whole

    def known_as(self, version: str) -> Policy:
        """This policy under the name that it was put in force by. A later version of Loopkeeper knows more keys, which is no new policy."""
        whole = self.model_copy()
        whole.__dict__["id"] = version
        return whole

    def brand(self, handle: str) -> Brand:
        """The brand with that handle. Raises UnknownBrand."""
        try:
            return self.brands[handle]
        except KeyError:
            raise UnknownBrand(f"the brand '{handle}' is not in the policy '{self.id}'; add it under brands:") from None

    def channel(self, name: str) -> Channel:
        """The channel with that name. Raises UnknownChannel."""
        try:
            return self.channels[name]
        except KeyError:
            raise UnknownChannel(f"the channel '{name}' is not in the policy '{self.id}'; add it under channels:") from None

    def for_case(self, brand: str, channel: str) -> CasePolicy:
        """The slice of the policy that one case of that brand on that channel is held to."""
        desks = self.departments
        calendars = {d: desk.calendar for d, desk in desks.items() if desk.calendar is not None}
        business = self.brand(brand).calendar
        named = {*calendars.values(), *([business] if business else [])}
        return CasePolicy(
            id=self.id,
            acknowledge=self.channel(channel).acknowledge,
            clocks=self.clocks,
            speak_before=self.speak_before,
            watch=self.watch,
            nudge_after=self.nudge_after,
            give_up_after=self.give_up_after,
            handoff_by_mail_after=self.handoff_by_mail_after,
            thanks_answered_at_most=self.thanks_answered_at_most,
            departments=tuple(self.departments),
            categories=tuple(dict.fromkeys((*self.triage.categories, self.triage.otherwise))),
            root_causes=tuple(self.root_causes),
            forms=FORMS_PER_TEMPLATE,
            warn_at=self.warn_at,
            snooze_at_most=self.snooze_at_most,
            chains=Chains(**{name: getattr(self.escalation, name) for name in Chains.model_fields}),
            calendars={name: hours for name, hours in self.calendars.items() if name in named},
            works=calendars,
            business=business,
            leads={d: desk.lead for d, desk in desks.items() if desk.lead is not None},
            heads={d: desk.head for d, desk in desks.items() if desk.head is not None},
            duty_manager=self.escalation.duty_manager,
            social_lead=self.social.lead,
            quiet={name: person.quiet for name, person in self.people.items() if person.quiet is not None},
            private_messages=self.channel(channel).private_messages,
            approve_priorities=self.approvals.priorities if self.approvals is not None else (),
        )


FORMS_PER_TEMPLATE = 60
"""`variant` is a number below this; the wording takes it modulo the number of forms that it has. 60 is divisible by 3, 4, 5 and 6."""

_NEXT_UP = {Audience.LEAD: Audience.HEAD, Audience.HEAD: Audience.DUTY_MANAGER}
_ON_DEPARTMENTS_TIME = frozenset({ClockName.ACCEPT, ClockName.RESOLVE})


class CasePolicy(_Model):
    """What one case is held to, pinned when the case began. Carried by the workflow, so it holds no phrase lists and no words.

    `works`: the calendar of each department that has one. `leads`, `heads`, `quiet`: people, by their handle in the policy.
    `approve_priorities`: those at which a person's words to the customer need a second person.
    """

    id: str
    acknowledge: Duration
    clocks: Clocks
    speak_before: Duration
    watch: Duration
    nudge_after: tuple[Duration, ...]
    give_up_after: Duration
    handoff_by_mail_after: Duration
    thanks_answered_at_most: int
    departments: tuple[str, ...]
    categories: tuple[str, ...]
    root_causes: tuple[str, ...]
    forms: int
    warn_at: tuple[int, ...] = ()
    snooze_at_most: Duration = timedelta(days=3)
    chains: Chains = Chains()
    calendars: dict[str, Hours] = {}
    works: dict[str, str] = {}
    business: str | None = None
    leads: dict[str, str] = {}
    heads: dict[str, str] = {}
    duty_manager: str | None = None
    social_lead: str | None = None
    quiet: dict[str, Quiet] = {}
    private_messages: bool = False
    approve_priorities: tuple[Priority, ...] = ()

    @staticmethod
    @lru_cache(maxsize=512)
    def from_json(text: str) -> CasePolicy:
        """The slice as the workflow carries it. Equal texts give the same object, so a thousand cases share one."""
        return CasePolicy.model_validate_json(text)

    def to_json(self) -> str:
        """The slice as the workflow carries it: what it says beside the defaults."""
        return self.model_dump_json(exclude_defaults=True)

    def working_time(self, department: str) -> Calendar:
        """When a department works; around the clock when the policy does not say."""
        return self._calendar(self.works.get(department))

    @property
    def business_time(self) -> Calendar:
        """When the business works, by whose time customers are kept informed."""
        return self._calendar(self.business)

    def calendar_of(self, clock: ClockName, department: str) -> Calendar:
        """The calendar that a clock runs on while that department has the case: product.md, "Clocks"."""
        if clock is ClockName.ACKNOWLEDGE:
            return ALWAYS
        return self.working_time(department) if clock in _ON_DEPARTMENTS_TIME else self.business_time

    def person(self, audience: Audience, department: str) -> str | None:
        """The handle of the person whom an escalation means; None when it means no one person, or the policy names nobody."""
        match audience:
            case Audience.LEAD:
                return self.leads.get(department)
            case Audience.HEAD:
                return self.heads.get(department)
            case Audience.DUTY_MANAGER:
                return self.duty_manager
            case Audience.SOCIAL_LEAD:
                return self.social_lead
            case _:
                return None

    def may_call(self, audience: Audience, department: str, at: datetime, priority: Priority) -> datetime:
        """The first moment from `at` on at which that audience may be called: quiet hours are kept, except when it is urgent."""
        quiet = self.quiet.get(self._meant(audience, department) or "")
        return at if quiet is None or priority is Priority.URGENT else quiet.awake.opens(at)

    def _meant(self, audience: Audience, department: str) -> str | None:
        """Who is called in the end: where the policy names nobody, the next one up (`domain.reaching`)."""
        named, up = self.person(audience, department), _NEXT_UP.get(audience)
        return named if named is not None or up is None else self._meant(up, department)

    def _calendar(self, name: str | None) -> Calendar:
        hours = self.calendars.get(name or "")
        return ALWAYS if hours is None else hours.calendar


def _short_hash(text: str, wording: str) -> str:
    canonical = json.dumps([json.loads(text), json.loads(wording)] if wording else json.loads(text), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:10]
