"""Files that somebody wants to put in force: the same checks as `loopkeeper policy check`, and what they would change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.postgres.book import PostgresBook
from adapters.public_holidays import holidays_of
from domain.checking import Changed, Line, changed, checked, lines_of
from domain.errors import PolicyError, Problem
from domain.files import read_wording
from domain.policy import Policy
from domain.wording import Wording

LONGEST = 100_000
"""Characters of a file. The shipped policy has 16,000."""
MOST_LINES = 4_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Files:
    """What somebody gave. What is blank stays as it is in force."""

    policy: str = ""
    wording: str = ""

    @staticmethod
    def given(policy: str, wording: str) -> Files:
        """As a form or a program sent them: browsers send lines that end as on old machines."""
        return Files(*(text.replace("\r\n", "\n") if text.strip() else "" for text in (policy, wording)))


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `problems` by file; when there are none, `policy` is what would be put in force in place of `in_force`.

    `whole`: the files with what is in force in place of what was left blank.
    """

    files: Files
    whole: Files
    in_force: str
    problems: dict[str, list[Problem]] = field(default_factory=dict)
    hints: list[str] = field(default_factory=list)
    policy: Policy | None = None
    changes: list[Changed] = field(default_factory=list)
    policy_lines: list[Line] = field(default_factory=list)
    wording_lines: list[Line] = field(default_factory=list)

    @property
    def told(self) -> str:
        """The problems, as the command tells them."""
        return "\n".join(str(PolicyError(name, problems)) for name, problems in self.problems.items())


def tried(book: PostgresBook, given: Files) -> Tried:
    """Check the files; nothing is changed."""
    in_force = book.active(fresh=True)
    if not (given.policy or given.wording):
        nothing = Problem(0, "", "there is nothing to check: give a policy, a wording, or both")
        return Tried(given, given, in_force.id, {"policy": [nothing]})
    now = book.files(in_force.id)
    whole = Files(given.policy or now.policy, given.wording or now.wording)
    problems: dict[str, list[Problem]] = {}

    def read(name: str, text: str, how: Callable[[str], _T]) -> _T | None:
        try:
            _of_a_size(name, text)
            return how(text)
        except PolicyError as error:
            problems[name] = error.problems
            return None

    wording = read("wording", whole.wording, lambda text: read_wording(text, "wording"))
    words: Wording = wording if wording is not None else book.wording(in_force.id)
    found = read("policy", whole.policy, lambda text: checked(text, "policy", words, holidays_of))
    if problems or found is None:
        return Tried(given, whole, in_force.id, problems)
    policy, hints = found
    return Tried(
        given,
        whole,
        in_force.id,
        hints=hints,
        policy=policy,
        changes=changed(in_force, policy),
        policy_lines=lines_of(now.policy, whole.policy),
        wording_lines=lines_of(now.wording, whole.wording),
    )


def _of_a_size(name: str, text: str) -> None:
    if len(text) > LONGEST or text.count("\n") > MOST_LINES:
        raise PolicyError(name, [Problem(1, "", f"is longer than {LONGEST:,} characters or {MOST_LINES:,} lines")])
