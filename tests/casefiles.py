"""A case file without a database: a story driven through the rules, and who wrote and said what in it.

story = Story().accepted()
story.arrives(Intent.COMPLAINT)
file = case_file(story, posts=["You charged me twice.", "And again!"], people={ANA.person: "Ana Silva"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain import events as e
from domain.casefile import CaseFile
from domain.policy import Policy
from tests.unit.domain.story import ANA, BEN, DEFAULT, Story

Content = str | Mapping[str, object] | None
"""What was said: the text, or all that is kept with it (`text`, `url`); None when its person was erased."""

PEOPLE: Mapping[str, str] = {ANA.person: "Ana Silva", BEN.person: "Ben Okoro"}


def case_file(
    story: Story,
    *,
    posts: Sequence[str] = (),
    words: Mapping[str, Content] | None = None,
    people: Mapping[str, str] | None = None,
    customer: str | None = "Sam Okafor",
    handle: str | None = "sam",
    number: int = 7,
    policy: Policy = DEFAULT,
) -> CaseFile:
    """The file of a case to which this story happened.

    `posts`: what customers wrote, in order. `words`: what was said, by its reference (`w-p0`, `w-r2`, what a command was given).
    What is named in neither has words of our own, so that a test only says what it is about. `people`: names besides ANA's and BEN's.
    `policy`: the whole of what the story was told under, `Story(policy=policy.for_case("x"))`.
    """
    assert policy.id == story.policy.id, "the story was told under another policy; give the same to both"
    written = [event for event in story.history if isinstance(event, e.Opened | e.CustomerWrote)]
    assert len(posts) <= len(written), f"the story has {len(written)} posts, and {len(posts)} texts were given"
    said: dict[str, Content] = {ref: f"(what {ref} says)" for event in story.history if (ref := getattr(event, "words", None))}
    for event, text in zip(written, [*posts, *["You charged me twice and nobody answers."] * len(written)], strict=False):
        said[str(event.words)] = {"text": text, "url": f"https://x.example/sam/{event.post}"}
    said |= words or {}
    return CaseFile(
        case_id=story.case.id,
        number=number,
        case=story.case,
        policy=policy,
        customer_name=customer,
        customer_handle=handle,
        history=list(enumerate(story.entries, start=1)),
        words={ref: {"text": content} if isinstance(content, str) else content for ref, content in said.items() if content is not None},
        people={**PEOPLE, **(people or {})},
    )


def policy_with(**changes: Any) -> Policy:
    """The default policy with other fields, as it would be read from a file."""
    return Policy.model_validate({**DEFAULT.model_dump(mode="json"), **changes})
