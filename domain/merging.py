"""The rules for merging: one matter that was written twice is one case from then on, and the customer hears one voice.

The merged case ends, and what it owed goes over to the other one by a message (`domain.commands.CaseMerged`) that is stored with the
event which it tells of, and delivered like what networks tell us. See docs/adr/0084-merging.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from domain import commands as c
from domain import events as e
from domain.case import Case
from domain.evolve import evolve
from domain.history import Entry
from domain.policy import CasePolicy
from domain.replying import Events, nothing_more, spoken, templated
from domain.sentences import mark, say
from domain.values import Actor, Priority, Purpose, Triage, brand_of, channel_of

_ITSELF = c.Refusal("itself", "A case cannot be merged into itself.")
_NO_SUCH_CASE = c.Refusal("no_such_case", "There is no such case to merge this one into.")
_OTHER_BRAND = c.Refusal("other_brand", "That case is of another brand, and each brand answers for itself.")
_OTHER_NETWORK = c.Refusal(
    "other_network", say("That case is on another network, and a case answers on the one where it began. Keep both, and answer in both.")
)
_OTHER_CUSTOMER = c.Refusal(
    "other_customer",
    say(
        "Another account wrote that one. If both are one person, or one household, say so as the reason. If many customers have one "
        "problem, their cases share a cause: each of them is answered."
    ),
)
_PRIVATE = c.Refusal(
    "private_words",
    say("Something was written in private in this case, and another account wrote that one. What is private stays where it is."),
)
_NOT_ACKNOWLEDGED = c.Refusal("not_acknowledged", "The customer has not had a first reply here yet. Merge the case when they have.")
_ASK_IS_OPEN = c.Refusal(
    "ask_is_open",
    say("A question to the customer is open here. Merge the case when it is answered, so that whoever asked gets the answer."),
)
_ON_ITS_WAY = c.Refusal("on_its_way", "A reply is on its way to the customer. Try again in a moment, when it is there.")
_UNSETTLED = c.Refusal(
    "unsettled", say("Nobody can tell whether a reply of this case was posted. Settle that first: afterwards nobody looks here.")
)


def merge(case: Case, command: c.Merge, now: datetime) -> Events | c.Refusal:
    """The case ends, and everything that it would still have said with it."""
    refusal = _not_there(case, command) or _not_from_here(case)
    if refusal is not None:
        return refusal
    assert command.target is not None, "what is not known was refused"
    reason = say("the case was merged into #{number}", number=command.target.number)
    merged = e.Merged(
        now,
        command.into,
        case.all_threads,
        case.priority,
        None if case.promise_broken else case.promise,
        case.customer_waiting_since,
        not command.target.same_customer,
        command.words,
        case.cause,
    )
    return [*nothing_more(case, now, reason), merged]


def _not_there(case: Case, command: c.Merge) -> c.Refusal | None:
    """Why the case cannot be merged into that one, if so."""
    there = command.target
    if command.into == case.id:
        return _ITSELF
    if there is None:
        return _NO_SUCH_CASE
    if brand_of(command.into) != case.brand:
        return _OTHER_BRAND
    if channel_of(command.into) != case.channel:
        return _OTHER_NETWORK
    if there.ended is not None:
        return c.Refusal(
            "target_over", say("Case #{number} is over ({ended}). Choose one that is open.", number=there.number, ended=spoken(there.ended))
        )
    if not there.is_open:
        return c.Refusal(
            "target_done", say("Case #{number} is resolved already. Reopen it first if there is more to do.", number=there.number)
        )
    if there.same_customer:
        return None
    if case.private:
        return _PRIVATE
    return _OTHER_CUSTOMER if command.words is None else None


def _not_from_here(case: Case) -> c.Refusal | None:
    """Why the case cannot be left just now, if so: the customer would miss something, or hear two voices."""
    if case.ask is not None or case.questions or case.planned(Purpose.ASK) is not None:
        return _ASK_IS_OPEN
    if case.acknowledged_at is None:
        return _NOT_ACKNOWLEDGED
    if any(reply.state == "planned" and reply.words is not None for reply in case.replies):
        return _ON_ITS_WAY
    return _UNSETTLED if any(reply.state == "unconfirmed" for reply in case.replies) else None


def take_in(case: Case, message: c.CaseMerged, now: datetime) -> Events:
    """Another case goes on in this one. Told again, nothing happens."""
    if any(thread.case == message.case for thread in case.threads):
        return []
    if case.is_over:
        return [e.NotTakenIn(now, message.case)]
    events: Events = [
        e.TookIn(now, message.case, message.threads, message.promise, message.waiting_since, message.other_customer, message.cause),
    ]
    order = list(Priority)
    if case.is_open and order.index(message.priority) < order.index(case.priority):
        events.append(e.PrioritySet(now, message.priority, case.priority))
    return events


def pass_on(case: Case, message: c.PostArrived, now: datetime) -> Events:
    """The customer wrote just when the case had been merged: nothing of it is lost."""
    assert case.merged_into is not None, "only a merged case passes on"
    return [
        e.PassedOn(
            now,
            case.merged_into,
            message.post,
            message.triage.intent,
            message.by_customer,
            message.words,
            message.posted_at,
            message.private,
        )
    ]


def come_back(case: Case, message: c.MergeFailed, now: datetime) -> Events:
    """The other case did not take this one in: it goes on, and people are told, who thought that it was seen to."""
    if case.merged_into != message.into:
        return []
    why = mark("this case was to be merged, and the other one had just come to its end; please decide how it goes on")
    return [e.Unmerged(now, message.into), e.HumanNeeded(now, why)]


def tell_elsewhere(case: Case, policy: CasePolicy, now: datetime) -> Events:
    """The loop is closed in one thread: in the others we say where, so that nobody who reads them thinks that nothing was done."""
    events: Events = []
    for thread in case.to_be_told:
        planned = templated(case, now, Purpose.ELSEWHERE, "elsewhere.closed", policy)
        planned = replace(planned, to_post=thread.post, thread=None if thread.case == case.id else thread.case)
        events.append(planned)
        case = evolve(case, planned)
    return events


def related(events: Iterable[e.Event]) -> set[str]:
    """The cases that these events are about beside their own."""
    found: set[str] = set()
    for event in events:
        match event:
            case e.Merged() | e.PassedOn() | e.Unmerged():
                found.add(event.into)
            case e.TookIn():
                found.update((event.case, *(thread.case for thread in event.threads)))
            case e.NotTakenIn():
                found.add(event.case)
            case _:
                pass
    return found


def told_by(case_id: str, entry: Entry) -> tuple[str, c.FromNetwork] | None:
    """What another case is to be told of an entry in the history of `case_id`, and which; None: nothing.

    The message's id is made of the entry's, so that it counts once, however often it is delivered.
    """
    event, told = entry.event, f"{case_id}:{entry.key}"
    match event:
        case e.Merged():
            message: c.FromNetwork = c.CaseMerged(
                told,
                case_id,
                event.threads,
                event.priority,
                event.promise,
                event.waiting_since,
                event.other_customer,
                event.cause,
                entry.by,
            )
            return event.into, message
        case e.NotTakenIn():
            return event.case, c.MergeFailed(told, case_id)
        case e.PassedOn():
            return event.into, _passed(case_id, event, entry.cause, entry.by)
        case _:
            return None


def _passed(case_id: str, event: e.PassedOn, cause: str, by: Actor) -> c.PostArrived:
    nowhere = Triage(event.intent, "", Priority.NORMAL, "")  # of a further post nothing but its intent counts
    return c.PostArrived(
        cause,
        event.post,
        nowhere,
        event.posted_at or event.at,
        event.words,
        event.by_customer,
        private=event.private,
        thread=case_id,
        by=by,
    )
