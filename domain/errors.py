"""What can go wrong in the rules, as sentences for the person who has to mend it.

LoopkeeperError
├── PolicyError      a policy or wording file is not usable; `problems` names file, line and reason of each
├── UnknownBrand     a post names a brand that the policy does not know
├── UnknownChannel   … a channel that the policy does not know
├── TooLong          a public text does not fit the network, in as many parts as are allowed
├── SaidAlready      a person's words have gone out in this case before
├── ShowsPersonalData  a public text shows what looks like personal data, or private words
├── NothingShown     there is nothing (any more) that a customer could be asked to remove
├── WordsErased      words that are needed were destroyed, with their customer or when their time was over
└── NoWording        a case is held to a wording that has no such template
"""

from __future__ import annotations

from dataclasses import dataclass


class LoopkeeperError(Exception):
    """Any error of ours. Its text says what happened, to what, and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: where (`line` counts from 1; 0 is the file as a whole) and why."""

    line: int
    where: str
    reason: str


class PolicyError(LoopkeeperError):
    """A policy or wording file is not usable."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(f"{source}:{p.line}: {p.where + ': ' if p.where else ''}{p.reason}" for p in problems))


class UnknownBrand(LoopkeeperError):
    """A post names a brand that the policy does not know."""


class UnknownChannel(LoopkeeperError):
    """A post came over a channel that the policy does not know."""


class TooLong(LoopkeeperError):
    """A public text does not fit the network, in as many parts as are allowed."""


class NotPromised(LoopkeeperError):
    """A text that somebody has seen promises what cannot be promised any more."""


class SaidAlready(LoopkeeperError):
    """A person's words have gone out in this case before, or are on their way."""


class WaitsAlready(SaidAlready):
    """A person's words wait for a second person already."""


class ShowsPersonalData(LoopkeeperError):
    """A public text shows what looks like personal data, or what was written in private."""


class NothingShown(LoopkeeperError):
    """There is nothing, or nothing any more, that a customer could be asked to remove from a post."""


class WordsErased(LoopkeeperError):
    """Words that are needed were destroyed, with their customer or when their time was over."""


class NoWording(LoopkeeperError):
    """A case is held to a wording that has no such template, because the version is older than it."""
