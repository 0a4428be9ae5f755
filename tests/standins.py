"""Outside parties in memory, for tests that are about the loop and not about the wire. Wire formats are tested against the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from domain.casefile import CaseFile
from domain.events import Escalated
from domain.policy import Person, Policy
from domain.ports import Absent, Card, CaseMail, Mark, Message, NeedsPerson, NotSent, OutgoingReply, PostedReply, Refused, Unclear
from domain.sharing import WaitingAnnouncement
from domain.story import Line
from domain.values import Permalink


class Square:
    """A network that takes everything, or is away."""

    honours_key = True

    def __init__(self) -> None:
        self.posts: dict[str, OutgoingReply] = {}
        self.away = False
        self.refuses = ""
        self.by_hand = ""
        self._lock = threading.Lock()

    def post(self, reply: OutgoingReply) -> PostedReply:
        with self._lock:
            if self.away:
                raise NotSent("connection refused")
            if self.refuses:
                raise Refused(self.refuses)
            if self.by_hand:
                raise NeedsPerson("a person has to say it", self.by_hand)
            assert reply.key not in self.posts, f"{reply.key} was sent twice"
            self.posts[reply.key] = reply
        return PostedReply(Permalink(f"r.{reply.key}", f"https://x.example/r/{reply.key}"), datetime.now(UTC))

    def find(self, reply: OutgoingReply) -> PostedReply | Absent:
        return Absent(surely=reply.key not in self.posts)

    def texts(self, case: str) -> list[str]:
        return [p.text for k, p in self.posts.items() if k.startswith(f"{case}:")]


class Wall:
    """A desk that keeps what it is shown, or is away."""

    def __init__(self) -> None:
        self.cards: dict[str, CaseFile] = {}
        self.told: dict[str, list[Line]] = {}
        self.calls: dict[str, list[Line]] = {}
        self.escalations: list[tuple[str, str, Escalated, str | None]] = []
        """Case, where (a person's name, or a channel), why, and the draft that came with it."""
        self.announcements: list[tuple[str, WaitingAnnouncement, str]] = []
        """Where, of what, and the page on which it is decided."""
        self.strangers: set[str] = set()
        """People whom Slack does not know."""
        self.away = False
        self.refuses = ""
        self.fails: list[Exception] = []
        """What the next edits of a card meet with."""
        self.loses_answers = False
        """Whether each message is taken, and the answer is lost on its way back."""
        self.gone: set[str] = set()
        """Channels in which Slack takes nothing any more."""
        self.social_called_in: list[str] = []
        self._posted: dict[str, Message] = {}

    def _answer(self, place: str = "") -> None:
        if self.away:
            raise NotSent("connection refused")
        if self.refuses or place in self.gone:
            raise Refused(self.refuses or "Slack says is_archived")

    def _took(self, mark: Mark) -> str:
        """A message is here; Slack would take it twice, so nobody may send it twice."""
        assert mark.key not in self._posted, f"{mark.key} was posted twice"
        self._posted[mark.key] = Message(f"ts-{mark.key}", mark.told)
        if self.loses_answers:
            raise Unclear("Slack gave no answer")
        return f"ts-{mark.key}"

    def place(self, slack_channel: str) -> str:
        self._answer()
        return slack_channel

    def card_hash(self, file: CaseFile, department: str) -> bytes:
        return f"{department} {file.case.status} {file.case.owner} {file.case.department}".encode()

    def post_card(self, place: str, file: CaseFile, department: str, mark: Mark) -> str:
        self._answer(place)
        self.cards[f"{place} {file.case_id}"] = file
        return self._took(mark)

    def update_card(self, card: Card, file: CaseFile) -> None:
        self._answer(card.channel)
        if self.fails:
            raise self.fails.pop(0)
        self.cards[f"{card.channel} {file.case_id}"] = file

    def tell(self, place: str, thread: str, file: CaseFile, lines: Sequence[Line], mark: Mark) -> str:
        self._answer(place)
        self.told.setdefault(f"{place} {file.case_id}", []).extend(lines)
        return self._took(mark)

    def call_social(self, place: str, file: CaseFile, line: Line, mark: Mark) -> str:
        self._answer(place)
        self.calls.setdefault(file.case_id, []).append(line)
        self.social_called_in.append(place)
        return self._took(mark)

    def announcement_waits(self, place: str, told: WaitingAnnouncement, policy: Policy, link: str, mark: Mark) -> str:
        self._answer(place)
        self.announcements.append((place, told, link))
        return self._took(mark)

    def open_direct(self, person: Person) -> str:
        self._answer()
        if person.name in self.strangers:
            raise Refused(f"Slack does not know {person.name}")
        return person.name

    def call(self, place: str, file: CaseFile, event: Escalated, draft: str | None, mark: Mark) -> str:
        self._answer(place)
        self.escalations.append((file.case_id, place, event, draft))
        return self._took(mark)

    def find(self, place: str, thread: str | None, key: str) -> Message | None:
        self._answer()
        return self._posted.get(key)


class Postbox:
    """A mail service that takes everything, or refuses."""

    def __init__(self) -> None:
        self.mails: list[CaseMail] = []
        self.notices: list[tuple[str, str, str]] = []
        self.refuses = ""

    def notify(self, to: str, subject: str, text: str) -> None:
        if self.refuses:
            raise Refused(self.refuses)
        self.notices.append((to, subject, text))

    def send(self, mail: CaseMail) -> str:
        if self.refuses:
            raise Refused(self.refuses)
        self.mails.append(mail)
        return f"mail-{mail.key}"
