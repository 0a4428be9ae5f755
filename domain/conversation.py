"""The conversation of a case as everybody reads it on the network, and what of ours is not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from domain import events as e
from domain.casefile import CaseFile
from domain.replying import spoken
from domain.values import PRIVATE_PURPOSES

Who = Literal["customer", "somebody", "us"]
Reply = e.ReplyPlanned | e.ReplyPosted | e.ReplyFailed | e.ReplyUnconfirmed
State = Literal["there", "on_its_way", "unconfirmed", "by_hand", "refused", "removed"]


@dataclass(frozen=True, slots=True)
class Said:
    """A post or a reply. `text` is None when its words are not made yet; `what`: of a reply, what it is. `step`: of a reply."""

    who: Who
    at: datetime
    text: str | None
    state: State = "there"
    what: str = ""
    link: str | None = None
    changed: bool = False
    step: int = 0
    reason: str = ""


def conversation(file: CaseFile, *, whole: bool) -> list[Said]:
    """What was said in public, in its order. What was said in private is not in it.

    `whole`: customers' posts as they are, for whoever has the right; else what everybody should not read is masked in them.
    """
    thread = _Thread(file, whole=whole)
    for _, entry in file.history:
        thread.takes(entry.event)
    return list(_in_order([one for one in thread.said if one is not None]))


class _Thread:
    """What has been said so far, and where in it each post and reply is."""

    def __init__(self, file: CaseFile, *, whole: bool) -> None:
        self.said: list[Said | None] = []
        self._file = file
        self._shows = file.text_of if whole else file.shown_of
        self._posts: dict[str, int] = {}
        self._ours: dict[int, int] = {}

    def takes(self, event: e.Event) -> None:
        """One event more."""
        match event:
            case e.Opened():
                self._post(event.post, Said("customer", event.posted_at or event.at, self._shows(event.words), link=self._file.first_url))
            case e.CustomerWrote(private=False):
                who: Who = "customer" if event.by_customer else "somebody"
                link = self._file.url_of(event.words)
                self._post(event.post, Said(who, event.posted_at or event.at, self._shows(event.words), link=link))
            case e.PostEdited():
                self._change(event.post, text=self._shows(event.words), changed=True)
            case e.PostDeleted():
                self._change(event.post, state="removed", link=None)
            case e.ReplyWithdrawn() if event.step in self._ours:
                self.said[self._ours.pop(event.step)] = None
            case e.ReplyPlanned() | e.ReplyPosted() | e.ReplyFailed() | e.ReplyUnconfirmed() if event.purpose not in PRIVATE_PURPOSES:
                self._reply(event)

    def _post(self, post: str, one: Said) -> None:
        self._posts[post] = len(self.said)
        self.said.append(one)

    def _change(self, post: str, **values: Any) -> None:
        if post in self._posts:  # else it was written in private
            one = self.said[self._posts[post]]
            assert one is not None, "only replies are taken out again"
            self.said[self._posts[post]] = replace(one, **values)

    def _reply(self, event: Reply) -> None:
        if isinstance(event, e.ReplyPlanned) and event.instead_of in self._ours:
            self._ours[event.step] = self._ours.pop(event.instead_of)
        if event.step not in self._ours:
            self._ours[event.step] = len(self.said)
            self.said.append(None)
        at = self._ours[event.step]
        one, before = _said(self._file, event), self.said[at]
        if isinstance(event, e.ReplyPosted) and one.text is None and before is not None:
            one = replace(one, text=before.text)  # a person has found it there, or said it: in the words that they were shown
        self.said[at] = one


def _said(file: CaseFile, event: Reply) -> Said:
    text = file.text_of(event.words) if event.words is not None else None
    one = Said("us", event.at, text, "on_its_way", spoken(event.purpose), step=event.step)
    match event:
        case e.ReplyPosted():
            return replace(one, state="there", link=event.parts[0].url if event.parts else None)
        case e.ReplyFailed():
            return replace(one, state="refused", reason=event.reason)
        case e.ReplyUnconfirmed():
            return replace(one, state="by_hand" if event.by_hand else "unconfirmed", reason=event.reason)
        case _:
            return one


def _in_order(said: list[Said]) -> Iterator[Said]:
    """By when it was said; what is not there yet last."""
    there = [one for one in said if one.state in ("there", "removed")]
    yield from sorted(there, key=lambda one: one.at)
    yield from (one for one in said if one.state not in ("there", "removed"))


def unsettled(file: CaseFile) -> list[Said]:
    """Replies, public and private, of which a person has to say what becomes of them: refused, or not known to be there.

    Of a private one, only that it is there: its words are not in the file.
    """
    told = {one.step: one for one in conversation(file, whole=False) if one.who == "us"}
    found = []
    for reply in file.case.replies:
        if reply.state == "planned":
            continue
        state: State = "refused" if reply.state == "failed" else "unconfirmed"
        plain = Said("us", reply.planned_at, None, state, spoken(reply.purpose), step=reply.step)
        found.append(told.get(reply.step, plain))
    return found
