"""What was written in private in a case, either way: who wrote it, when, and by which references it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain import events as e
from domain.history import Entry
from domain.values import PRIVATE_PURPOSES, Actor


@dataclass(frozen=True, slots=True)
class Whisper:
    """Something that was written in private: by whom, when, the reference of the words, and what else is to be known of it."""

    who: str
    at: datetime
    words: str
    note: str = ""


def whispered(history: Iterable[Entry]) -> frozenset[str]:
    """The references of all private words of a case."""
    references: set[str | None] = set()
    posts: set[str] = set()
    for entry in history:
        event = entry.event
        match event:
            case e.CustomerWrote(private=True):
                posts.add(event.post)
                references.add(event.words)
            case e.PostEdited() if event.post in posts:
                references.add(event.words)
            case e.ReplyPlanned() | e.ReplyPosted() | e.ReplyFailed() | e.ReplyUnconfirmed() if event.purpose in PRIVATE_PURPOSES:
                references.add(event.words)
            case e.DraftHeld():
                references.add(event.private)
    return frozenset(one for one in references if one is not None)


def whispers(history: Iterable[Entry], customer: str, name_of: Callable[[Actor], str]) -> list[Whisper]:  # noqa: C901 - one line an event
    """What was written in private, in its order. What is not known to have reached the customer has a note."""
    said: list[Whisper] = []
    ours: dict[int, int] = {}
    held: dict[str, int] = {}
    posts: set[str] = set()

    def becomes(step: int, note: str = "", at: datetime | None = None) -> None:
        if step in ours:
            whisper = said[ours[step]]
            said[ours[step]] = replace(whisper, at=at or whisper.at, note=note)

    for entry in history:
        event = entry.event
        match event:
            case e.CustomerWrote(private=True):
                posts.add(event.post)
                said.append(Whisper(customer, event.at, event.words or ""))
            case e.PostEdited() if event.post in posts:
                said.append(Whisper(customer, event.at, event.words or "", "changed"))
            case e.ReplyPlanned(instead_of=int(before)) if before in ours:
                ours[event.step] = ours.pop(before)
                becomes(event.step, "on its way")
            case e.DraftHeld(private=str(words)):
                ours[event.step] = held[words] = len(said)
                said.append(Whisper(name_of(entry.by), event.at, words, "waits for a second person"))
            case e.ReplyPlanned(words=str(words)) if event.purpose in PRIVATE_PURPOSES and words in held:
                ours[event.step] = held.pop(words)
                becomes(event.step, "on its way")
            case e.ReplyPlanned() if event.purpose in PRIVATE_PURPOSES:
                ours[event.step] = len(said)
                said.append(Whisper(name_of(entry.by), event.at, event.words or "", "on its way"))
            case e.ReplyPosted():
                becomes(event.step, at=event.at)
            case e.ReplyFailed() | e.ReplyWithdrawn() | e.DraftRejected() | e.DraftDropped():
                becomes(event.step, "not sent")
            case e.ReplyUnconfirmed():
                becomes(event.step, "nobody can tell whether it was sent")
    return said
