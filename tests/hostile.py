"""Cases made of the worst that people write and of the largest that a policy allows. For whatever shows a case to people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from domain import commands as c
from domain.casefile import CaseFile
from domain.values import Actor, Intent, Priority, Role, Via
from tests.casefiles import case_file, policy_with
from tests.unit.domain.story import ANA, BEN, DEFAULT, SHIPPED, Story

SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)
LONGEST_POST = 20_000
LONGEST_NAME = 200
LONGEST_REASON = 500
ACTING = "<!here> <!channel> <@U0BOSS001> <#C0BOARD01> <https://evil.example|click> &amp; *b* _i_ ~s~ `code` :tada: @everyone"
RIGHT_TO_LEFT = "\u202e\u2067שרה כהן مريم\u2069\u202c"
FAMILIES = "👩‍👩‍👧‍👦🏳️‍🌈👍🏽"
MARKED = "e" + "\u0301\u0323\u0330" * 8
"""One character to the eye, 25 to a computer."""


def of_words(text: str, *, more: int = 0) -> CaseFile:
    """An accepted case of a customer who writes this, and writes it again `more` times."""
    told = Story().accepted()
    for _ in range(more):
        told.arrives(Intent.COMPLAINT)
    return case_file(told, posts=[text] * (more + 1))


def of_names(name: str) -> CaseFile:
    """A case in which everybody and everything is called this, as far as each may be."""
    departments = {
        key: {**desk.model_dump(mode="json"), "name": f"{desk.name} {name}"[:60].strip()} for key, desk in DEFAULT.departments.items()
    }
    policy = policy_with(departments=departments, root_causes={key: f"{key} {name}" for key in DEFAULT.root_causes})
    told = Story(policy=policy.for_case("meridian", "x")).accepted()
    told.done(c.Note("n1", ANA, "w-note"))
    told.done(c.Reassign("r1", ANA, "technical", "w-why"))
    words = {"w-note": name, "w-why": name}
    return case_file(told, policy=policy, customer=name, handle=name[:LONGEST_NAME], words=words, people={ANA.person: name})


def of_departments(count: int) -> CaseFile:
    """A case under a policy with so many departments, of names as long as they may be."""
    desk = DEFAULT.departments["billing"].model_dump(mode="json")
    departments = {"billing": desk} | {f"d{n}": {**desk, "name": f"Department {n} ".ljust(60, "x")} for n in range(1, count)}
    triage = {**DEFAULT.triage.model_dump(mode="json"), "departments": dict.fromkeys(DEFAULT.triage.departments, "billing")}
    policy = policy_with(departments=departments, triage=triage)
    return case_file(Story(policy=policy.for_case("meridian", "x")).opened(), policy=policy)


def of_root_causes(label: str) -> CaseFile:
    """A case under a policy with as many root causes as it may have, of such labels."""
    policy = policy_with(root_causes={f"cause_{n}": f"{label}{n}" if label else "" for n in range(90)})
    told = Story(policy=policy.for_case("meridian", "x")).accepted()
    told.done(c.Resolve("res", ANA, "cause_89", "w-thanks"))
    return case_file(told, policy=policy)


def of_an_unhappy_reply(happens: str) -> CaseFile:
    """A case whose acknowledgement was refused, cannot be confirmed, or has to be said by a person, for the longest of reasons."""
    told = Story(posts=False).opened()
    reason = ("The network says: " + ACTING * 9)[:LONGEST_REASON]
    message: c.Message
    if happens == "refused":
        message = c.PostFailed("f1", 1, reason, "w-r1")
    else:
        message = c.PostUnconfirmed("f1", 1, reason, "w-r1", by_hand=happens == "by hand")
    told.done(message)
    return case_file(told, words={"w-r1": "x" * LONGEST_POST})


def closed(ending: Callable[[Story], object]) -> CaseFile:
    """An accepted case that was ended like this."""
    told = Story().accepted()
    ending(told)
    return case_file(told)


def reopened() -> CaseFile:
    told = Story().accepted()
    told.done(c.Resolve("res", ANA, "outage", "w-thanks"))
    told.arrives(Intent.COMPLAINT, Priority.HIGH)
    told.wait(timedelta(days=5))
    return case_file(told)


def of_every_event() -> CaseFile:
    """A case in which much has happened, and the customer is erased."""
    told = Story().accepted()
    told.done(c.Ask("a1", ANA, "w-ask"))
    told.wait(timedelta(days=2))
    told.arrives(Intent.QUESTION)
    told.done(c.PostChanged("e1", "p0", "w-edited"))
    told.done(c.SetPriority("s1", ANA, Priority.URGENT))
    told.done(c.SetCategory("s2", ANA, "website"))
    told.done(c.Reassign("r1", ANA, "website", "w-why"))
    told.done(c.DeskUnreachable("u1", 9, "channel_not_found"))
    told.wait(timedelta(days=9))
    told.done(c.PostRemoved("d1", "p0"))
    return case_file(told, words=dict.fromkeys(("w-p0", "w-p5", "w-ask", "w-edited", "w-why")), customer=None, handle=None)


def chased() -> CaseFile:
    """A case that nobody has accepted, after everybody up the chain was called and called again."""
    told = Story(policy=SHIPPED).opened()
    told.wait(timedelta(days=5))
    return case_file(told)


def of_everything_at_the_desk(words: str) -> CaseFile:
    """A case in which a department has done all that it can, each time for this reason: it is asked, waits, is snoozed and private."""
    told = Story(policy=SHIPPED).accepted()
    told.done(c.Ask("a1", ANA, "w-1", "billing"))
    told.done(c.Ask("a2", BEN, "w-2", "technical"))
    told.done(c.TakePrivate("t1", ANA, "w-3", "w-private"))
    told.done(c.Note("n1", ANA, "w-4"))
    told.done(c.EscalateNow("e1", ANA, "w-5"))
    told.done(c.WaitOnThirdParty("x1", ANA, "w-6", told.now + timedelta(days=1)))
    told.done(c.Snooze("s1", ANA, told.now + timedelta(hours=1), "w-7"))
    told.done(c.WalkAway("w1", BEN, "w-8"))
    said = {f"w-{n}": words for n in range(1, 9)}
    return case_file(told, words={**said, "w-private": None})


def with_drafts(words: str) -> CaseFile:
    """A case in which drafts of these words wait for a second person, were approved in others, rejected, and dropped."""
    told = Story().accepted()
    for n in range(1, 5):
        told.done(c.Update(f"u{n}", ANA, f"w-{n}", reasons=("money:refund*", "trainee")))
    first, second, *_ = told.case.held
    told.done(c.Approve("a", SOFIA, first.step, "w-5"))
    told.done(c.Reject("r", SOFIA, second.step, "w-6"))
    return case_file(told, words={f"w-{n}": words for n in range(1, 7)}, people={SOFIA.person: "Sofia Marin"})


CASES: list[tuple[str, Callable[[], CaseFile]]] = [
    ("an ordinary one", lambda: of_words("You charged me twice.")),
    ("one that nobody has", lambda: case_file(Story().opened())),
    ("one word of 20,000 characters", lambda: of_words("x" * LONGEST_POST)),
    ("20,000 characters in words", lambda: of_words(("word " * LONGEST_POST)[:LONGEST_POST])),
    ("20,000 characters in lines", lambda: of_words("a\n" * (LONGEST_POST // 2))),
    ("20,000 combining marks", lambda: of_words((MARKED * 800)[:LONGEST_POST])),
    ("one character of 20,000 marks", lambda: of_words("e" + "\u0301" * (LONGEST_POST - 1))),
    ("20,000 characters of emoji", lambda: of_words((FAMILIES * 2000)[:LONGEST_POST])),
    ("an address of 20,000 characters", lambda: of_words("https://x.example/" + "a" * (LONGEST_POST - 18))),
    ("twenty long posts", lambda: of_words("long " * 4000, more=19)),
    ("no words", lambda: of_words("")),
    ("nothing but white space", lambda: of_words(" \n\t\u00a0\u3000\n")),
    ("nothing that can be seen", lambda: of_words("\u200b\u2060\ufeff\u200e")),
    ("signs that act", lambda: of_words(ACTING)),
    ("20,000 characters of telephone numbers", lambda: of_words(("+44 7700 900123, " * LONGEST_POST)[:LONGEST_POST])),
    ("names with signs that act", lambda: of_names(ACTING)),
    ("names that are long", lambda: of_names("N" * LONGEST_NAME)),
    ("names of marks", lambda: of_names((MARKED * 8)[:LONGEST_NAME])),
    ("names from right to left", lambda: of_names(RIGHT_TO_LEFT)),
    ("names of emoji", lambda: of_names(FAMILIES * 9)),
    ("names of white space", lambda: of_names(" ")),
    ("one department", lambda: of_departments(1)),
    ("two departments", lambda: of_departments(2)),
    ("a hundred departments", lambda: of_departments(100)),
    ("90 long root causes", lambda: of_root_causes("A root cause of a very long name " * 9)),
    ("90 root causes of emoji", lambda: of_root_causes(FAMILIES * 20)),
    ("root causes without a label", lambda: of_root_causes("")),
    ("a reply that was refused", lambda: of_an_unhappy_reply("refused")),
    ("a reply that nobody can confirm", lambda: of_an_unhappy_reply("unconfirmed")),
    ("a reply that a person must pass on", lambda: of_an_unhappy_reply("by hand")),
    ("a resolved one", lambda: closed(lambda told: told.done(c.Resolve("res", ANA, "other", "w-thanks")))),
    ("a dismissed one", lambda: closed(lambda told: told.done(c.Dismiss("dis", BEN, "nothing_to_answer", "w-why")))),
    ("one that was opened again", reopened),
    ("one with a long history", of_every_event),
    ("one that was chased up the whole chain", chased),
    ("one with everything that a desk does, for reasons that act", lambda: of_everything_at_the_desk(ACTING)),
    ("one with drafts that act", lambda: with_drafts(ACTING)),
    ("one with long drafts", lambda: with_drafts("refund " * 1200)),
    ("one with drafts of one long word", lambda: with_drafts("x" * 9000)),
    ("one with everything that a desk does, for long reasons", lambda: of_everything_at_the_desk("reason " * 350)),
]
