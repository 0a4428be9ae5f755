"""What can be done to a case now, and by which key: tried against the rules before it is offered, so that nobody writes in vain."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args

from adapters.slack.forms import Doing
from adapters.slack.modals import Saying
from api.doing import DOINGS
from api.saying import KINDS
from domain import commands as c
from domain.casefile import CaseFile
from domain.decide import decide
from domain.decide_command import not_now
from domain.rights import Colleague, may_not
from domain.sentences import say
from domain.values import Actor, Priority, case_id

SAYINGS: tuple[Saying, ...] = get_args(Saying)


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done. `key`: the key that does it. `first`: whether it stands before the others."""

    do: str
    label: str
    key: str
    kind: type[c.Command]
    sample: Callable[[CaseFile, Actor, datetime], c.Command | None]
    first: bool = False

    @property
    def speaks(self) -> bool:
        """Whether words reach the customer by it."""
        return self.do in SAYINGS


def _other_priority(file: CaseFile) -> Priority:
    return next(one for one in Priority if one is not file.case.priority)


def _other_category(file: CaseFile) -> str | None:
    return next((one for one in file.case_policy.categories if one != file.case.category), None)


def other_departments(file: CaseFile) -> list[str]:
    """Where a case can go from where it is."""
    return [one for one in file.case_policy.departments if one != file.case.department or file.case.owner is not None]


def _moved(file: CaseFile, by: Actor) -> c.Command | None:
    to = other_departments(file)
    return c.Reassign("", by, to[0]) if to else None


def _sorted(file: CaseFile, by: Actor) -> c.Command | None:
    other = _other_category(file)
    return c.SetCategory("", by, other) if other is not None else None


def _merged(file: CaseFile, by: Actor) -> c.Command:
    """Into a case that would take it."""
    case = file.case
    return c.Merge("", by, case_id(case.brand, case.channel, "another"), target=c.Target(0, is_open=True, ended=None, same_customer=True))


_MINUTE = timedelta(minutes=1)

OFFERS: tuple[Offer, ...] = (
    Offer("accept", say("Accept"), "a", c.Accept, lambda _f, by, _n: c.Accept("", by), first=True),
    Offer("update", say("Post update"), "u", KINDS["update"], lambda _f, by, _n: c.Update("", by, ""), first=True),
    Offer("ask", say("Ask customer"), "q", KINDS["ask"], lambda _f, by, _n: c.Ask("", by, ""), first=True),
    Offer(
        "resolve", say("Resolve"), "r", KINDS["resolve"], lambda f, by, _n: c.Resolve("", by, f.case_policy.root_causes[0], ""), first=True
    ),
    Offer("private", say("Go on in private"), "p", KINDS["private"], lambda _f, by, _n: c.TakePrivate("", by, "")),
    Offer("move", say("Reassign"), "m", c.Reassign, lambda f, by, _n: _moved(f, by)),
    Offer("note", say("Add a note"), "n", DOINGS["note"], lambda _f, by, _n: c.Note("", by, ""), first=True),
    Offer("escalate", say("Escalate now"), "e", DOINGS["escalate"], lambda _f, by, _n: c.EscalateNow("", by), first=True),
    Offer("snooze", say("Snooze reminders"), "z", DOINGS["snooze"], lambda _f, by, now: c.Snooze("", by, now + _MINUTE)),
    Offer("wait", say("Wait on a third party"), "w", DOINGS["wait"], lambda _f, by, _n: c.WaitOnThirdParty("", by, "")),
    Offer("resume", say("Back to work"), "b", DOINGS["resume"], lambda _f, by, _n: c.Resume("", by)),
    Offer("priority", say("Change the priority"), "y", DOINGS["priority"], lambda f, by, _n: c.SetPriority("", by, _other_priority(f))),
    Offer("category", say("Change the category"), "c", DOINGS["category"], lambda f, by, _n: _sorted(f, by)),
    Offer("merge", say("Merge into another"), "j", DOINGS["merge"], lambda f, by, _n: _merged(f, by)),
    Offer("cause", say("Share a cause"), "h", DOINGS["cause"], lambda _f, by, _n: c.JoinSharedCause("", by, 0)),
    Offer("policy", say("Move to another policy"), "t", c.MovePolicy, lambda _f, by, _n: c.MovePolicy("", by, "another")),
    Offer("dismiss", say("Dismiss"), "d", DOINGS["dismiss"], lambda _f, by, _n: c.Dismiss("", by, "spam")),
    Offer("walk_away", say("Walk away"), "x", DOINGS["walk_away"], lambda _f, by, _n: c.WalkAway("", by, "")),
    Offer("waive", say("Waive the thank-you"), "v", DOINGS["waive"], lambda _f, by, _n: c.WaiveThankYou("", by, "")),
    Offer("reopen", say("Reopen"), "o", DOINGS["reopen"], lambda _f, by, _n: c.Reopen("", by)),
)
BY_NAME = {offer.do: offer for offer in OFFERS}
DOING: frozenset[str] = frozenset(get_args(Doing))


def offered(file: CaseFile, colleague: Colleague, now: datetime, had_by: Collection[str]) -> list[Offer]:
    """What this colleague can do to the case now."""

    def can(offer: Offer) -> bool:
        if not_now(file.case, offer.kind) or may_not(colleague, offer.kind, file.case, file.policy, had_by):
            return False
        sample = offer.sample(file, colleague.actor, now)
        return sample is not None and not isinstance(decide(file.case, sample, file.case_policy, now), c.Refusal)

    return [offer for offer in OFFERS if can(offer)]
