"""The forecast of Facebook's badge: 90 % of posts answered within 15 minutes, over the seven days that end with a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import ceil, floor

from domain.figures_told import told
from domain.report import Column, Figure, Picture, Report, Row, Table, Unit, Wanted
from domain.sentences import Number, joined, say, say_n
from domain.sums import Sums

AIM = 0.9
WINDOW = 7
AHEAD = 7
LEARNT_FROM = 28
_DAY = timedelta(days=1)
Answered = tuple[float, float]
"""How many posts were answered within 15 minutes, and of how many."""


def badge(sums: Sums, wanted: Wanted, channels: Sequence[str]) -> Report:
    """Where it stands on the last day wanted, how it got there, and where it goes if the next days are like the last four weeks."""
    if not channels:
        return Report("", "", "", wanted, says=say("The policy in force has no channel of the network Facebook."))
    begins = min(wanted.first, wanted.last - LEARNT_FROM * _DAY) - WINDOW * _DAY
    counted: dict[date, Answered] = {}
    for channel in channels:
        one = replace(wanted, first=begins, channel=channel)
        for (day,), n in sums.days(one, "day").items():
            within, of = counted.get(day, (0.0, 0.0))
            counted[day] = (within + n["within_15_min"], of + n["opened"] - n["without_loop"])
    expected = forecast(counted, wanted.last)
    days = [wanted.first + n * _DAY for n in range(wanted.days)]
    ahead = [wanted.last + (n + 1) * _DAY for n in range(AHEAD)] if expected else []
    everything = {**counted, **expected}
    rows = tuple(
        Row(
            (day, *map(round, everything.get(day, (0.0, 0.0))), trailing(everything, day)),
            None if day in expected else {"from": day.isoformat(), "to": day.isoformat(), "channel": channels[0]},
        )
        for day in (*days, *ahead)
    )
    within, of = window(counted, wanted.last)
    now, then = trailing(counted, wanted.last), trailing(everything, ahead[-1]) if ahead else None
    says = say(
        "The share of posts answered within 15 minutes in the seven days up to each day. The dotted line is at 90 %; the last "
        "seven days, in dashes, are expected."
    )
    columns = (
        Column("day", say("Day"), Unit.DAY),
        Column("within", say("Within 15 min")),
        Column("posts", say("Posts"), cases={"which": "not_in_15_min"}),
        Column("share", say("Over 7 days"), Unit.SHARE),
    )
    table = Table("by_day", say("Answered within 15 minutes"), columns, rows, Picture("lines", says, ("share",), AIM, len(ahead)))
    figures = (
        Figure(
            "now",
            say("Over the last seven days"),
            now,
            Unit.SHARE,
            trailing(counted, wanted.last - WINDOW * _DAY),
            "well",
            say("{within} of {of}", within=Number(within), of=Number(of)),
        ),
        Figure("then", say("Expected in seven days"), then, Unit.SHARE, None, "well"),
    )
    return Report("", "", "", wanted, figures, (table,), spoken(within, of, then))


def window(counted: Mapping[date, Answered], day: date) -> Answered:
    """The sums over the seven days that end with a day."""
    found = [counted.get(day - n * _DAY, (0.0, 0.0)) for n in range(WINDOW)]
    return sum(within for within, _ in found), sum(of for _, of in found)


def trailing(counted: Mapping[date, Answered], day: date) -> float | None:
    """The share over the seven days that end with a day; None without a post."""
    within, of = window(counted, day)
    return within / of if of else None


def forecast(counted: Mapping[date, Answered], last: date) -> dict[date, Answered]:
    """The next seven days, each like the mean of its weekday in the last four weeks; nothing when there was no post in those."""
    expected = {}
    for ahead in range(1, AHEAD + 1):
        day = last + ahead * _DAY
        like = [counted.get(day - 7 * n * _DAY, (0.0, 0.0)) for n in range(1, LEARNT_FROM // 7 + 1)]
        expected[day] = (sum(within for within, _ in like) / len(like), sum(of for _, of in like) / len(like))
    return expected if any(of for _, of in expected.values()) else {}


def spoken(within: float, of: float, then: float | None) -> str:
    """How it stands, and what it takes."""
    if not of:
        return say("There was no post on Facebook in the last seven days.")
    if within / of >= AIM:
        room = floor(within / AIM - of + 1e-9)
        if room:
            said = say_n(
                "The badge is held, with room for {count} late answer.", "The badge is held, with room for {count} late answers.", room
            )
        else:
            said = say("The badge is held, and the next late answer loses it.")
    else:
        needed = ceil((AIM * of - within) / (1 - AIM) - 1e-9)
        said = say("The badge is not held. {needed} answers in a row within 15 minutes would bring it back.", needed=Number(needed))
    if then is not None:
        ahead = say("If the next seven days are like the last four weeks, it stands at {then} then.", then=told(then, Unit.SHARE))
        return joined(" ", [said, ahead])
    return said
