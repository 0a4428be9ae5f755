"""People who play a script in the sandbox: the customers who post, and the departments that press the buttons.

They know nothing of Loopkeeper but what they see: posts on the public square and messages in Slack.
"""

from __future__ import annotations

import heapq
import itertools
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import urllib3

from adapters.slack import cards, modals
from cli.presses import EFFECT_SECONDS, LATE_SECONDS, MODAL_SECONDS, Presses
from cli.scene import Scene, actions, members_by_channel, quoted, standing
from cli.threads import Said, Thread
from domain.commands import SAID_ALREADY
from domain.discretion import TAKE_IT_OUT
from sandbox.hands import Author, Hands, HandsError, Pressed

Json = dict[str, Any]
_AGAIN_SECONDS = 0.4
_OUTCOME_SECONDS = 35.0
_MISTAKES_AT_MOST = 20
_BODY_AT_MOST = 400
_QUIET_SECONDS = 2.5
_LATE_AT_MOST = 8
_WINDOW_SECONDS = 6.0
_LOOK_SECONDS = 0.3
_HURRY_SECONDS = 2.0
_CARD_SECONDS = 20.0
"""A post that has been answered and has no card after this needs no department."""

_SOLVED = (
    "We have looked into this and it is solved now.",
    "We have looked at it once more, and now it is solved.",
    "This is solved as well now; we have checked it.",
    "Everything that you told us of is solved now.",
)


@dataclass
class Played:
    """One thread as it is played."""

    thread: Thread
    channel: str
    posted: dict[str, str] = field(default_factory=dict)
    """Ids of the script → ids on the square, for the customers' posts."""
    lines: list[Said] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)
    """What the department has told this customer."""
    posted_at: float = 0.0
    begun: float = 0.0
    over: bool = False

    @property
    def answers_left(self) -> int:
        """How many of the brand's lines are still to come."""
        return sum(line.by_brand for line in self.lines)


class Company:
    """Customers and departments, playing threads."""

    def __init__(self, sandbox: str, *, speed: float, run: str = "", hands: int = 32, tell: Callable[[str], None] = lambda _: None) -> None:
        self._sandbox = sandbox
        self._run = run
        self._speed = speed
        self.scene = Scene(tell=tell)
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(hands, "player")
        self._agenda: list[tuple[float, int, Callable[[], float | None]]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._busy = 0
        self._ended = False
        self.played: list[Played] = []
        self.mishaps: list[str] = []
        self.broken: list[Exception] = []
        self._in_a_modal: set[str] = set()
        self._winding: set[str] = set()
        """Posts whose cards are being wound up after their thread was over."""
        self._answered: set[str] = set()
        self._behind, self._looked_at, self._let_in_at = False, 0.0, 0.0
        self._presses = Presses()
        self._wound = Counter[str]()
        """How often somebody has said of a case that it is solved."""
        self._eyes = threading.Thread(target=self._watch, name="eyes", daemon=True)

    # --- playing ------------------------------------------------------------------------------------------------------

    def play(
        self,
        threads: list[Thread],
        *,
        rate: float,
        channel: str = "x",
        at_most_seconds: float = 600.0,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Play all threads to their end: every line said, every case resolved and closed.

        `rate`: threads that begin in a second. `progress` is told now and then how many are over. Raises TimeoutError.
        """
        self._eyes.start()
        self.played = [Played(thread, channel, lines=list(thread.rest)) for thread in threads]
        waiting = deque(self.played)
        self._let_in_at = time.monotonic() + 0.2
        self._at(self._let_in_at, lambda: self._let_in(waiting, rate))
        try:
            self._work(time.monotonic() + at_most_seconds, progress)
            progress(len(self.played))
        finally:
            self._ended = True
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, deadline: float, progress: Callable[[int], None]) -> None:
        told = 0.0
        while True:
            now = time.monotonic()
            if now > told + _LOOK_SECONDS:
                told = now
                progress(sum(played.over for played in self.played))
            with self._lock:
                over = not self._agenda and self._busy == 0
            if len(self.broken) > _MISTAKES_AT_MOST:
                raise self.broken[-1]
            if over and self._quiet():
                return
            with self._lock:
                due = self._agenda[0][0] if self._agenda else now + 0.05
                step = heapq.heappop(self._agenda)[2] if self._agenda and due <= now else None
                if step is not None:
                    self._busy += 1
            if step is not None:
                self._pool.submit(self._take, step)
            elif now > deadline:
                raise TimeoutError(f"the play is not over in time; {self._busy} people are busy and {len(self._agenda)} wait")
            else:
                time.sleep(max(0.0, min(due - now, 0.02)))  # the agenda may get something earlier meanwhile

    def _quiet(self) -> bool:
        """Whether nothing stirs any more. A customer's last word may have reopened a case after its department had turned away."""
        with self.scene.changed:
            stirred = self.scene.changed.wait(_QUIET_SECONDS)
            mine = {post for played in self.played for post in played.posted.values()}
            waiting = [post for post, card in self.scene.cards.items() if post in mine and actions(card)]
            undelivered = bool(self.scene.undelivered)
        for post in waiting:
            self._at(time.monotonic(), lambda p=post: self._wind_up(p))  # type: ignore[misc]
        return not stirred and not waiting and not undelivered

    def _take(self, step: Callable[[], float | None]) -> None:
        try:
            again = step()
            if again is not None:
                self._at(time.monotonic() + again, step)
        except (HandsError, urllib3.exceptions.HTTPError) as error:
            self.mishaps.append(f"{type(error).__name__}: {error}")
            self._at(time.monotonic() + 1.0, step)
        except Exception as error:  # noqa: BLE001 - a mistake in the play itself must end it, not one thread of it in silence
            self.broken.append(error)
            self._at(time.monotonic() + 1.0, step)
        finally:
            with self._lock:
                self._busy -= 1

    def _at(self, when: float, step: Callable[[], float | None]) -> None:
        with self._lock:
            heapq.heappush(self._agenda, (when, next(self._numbers), step))

    @property
    def begun_per_second(self) -> float | None:
        """How many threads really began in a second; fewer than asked for when the desks came behind."""
        begun = sorted(played.begun for played in self.played if played.begun)
        return (len(begun) - 1) / (begun[-1] - begun[0]) if len(begun) > 1 else None

    # --- customers ----------------------------------------------------------------------------------------------------

    def _let_in(self, waiting: deque[Played], rate: float) -> float | None:
        """The next customer comes, `rate` a second, unless the desks are behind."""
        now = time.monotonic()
        if self._is_behind():
            self._let_in_at = now + _LOOK_SECONDS
            return _LOOK_SECONDS
        played = waiting.popleft()
        self._at(now, lambda: self._begin(played))
        self._let_in_at = max(self._let_in_at, now - 1.0) + 1 / rate  # a moment late is made up for; more is not
        return max(0.0, self._let_in_at - now) if waiting else None

    def _begin(self, played: Played) -> None:
        """The customer complains."""
        root = played.thread.root
        self._say(played, root, None)
        played.posted_at, played.begun = time.time(), time.monotonic()
        self._at(self._when(played), lambda: self._go_on(played))

    def _turn_back(self) -> None:
        """A card that comes late, or opens again, after its department had turned away: somebody takes it up."""
        over = {self._run + played.thread.root.id for played in self.played if played.over} - self._winding
        with self.scene.changed:
            stirred = self.scene.stirred & over
            open_again = [post for post in stirred if actions(self.scene.cards[post])]
            self.scene.stirred.clear()
        for post in open_again:
            self._winding.add(post)
            self._at(time.monotonic() + _AGAIN_SECONDS, lambda p=post: self._wind_up_once(p))  # type: ignore[misc]

    def _wind_up_once(self, post: str) -> float | None:
        wait = self._wind_up(post)
        if wait is None:
            self._winding.discard(post)
        return wait

    def _is_behind(self) -> bool:
        """Whether cases come to the departments' desks late. Then the next customers wait: beyond what a machine can do, every further
        case only delays all the others, and at an hour a second a delay of seconds is one of hours.
        """
        now = time.monotonic()
        if now > self._looked_at + _LOOK_SECONDS:  # hundreds may wait
            self._looked_at = now
            with self.scene.changed:
                cards_now = list(self.scene.cards.values())
            self._behind = self._late_cards(now) or self._presses.late(cards_now, now) > _LATE_AT_MOST
        return self._behind

    def _late_cards(self, now: float) -> bool:
        """Whether more of those who came just now are without a card than praise, which gets none, explains."""
        came = [p for p in self.played if p.begun and LATE_SECONDS < now - p.begun < LATE_SECONDS + _WINDOW_SECONDS]
        with self.scene.changed:
            without = sum(self._run + played.thread.root.id not in self.scene.cards for played in came)
        return without > max(_LATE_AT_MOST, len(came) / 3)

    def _go_on(self, played: Played) -> float | None:
        """The next line of the thread: a customer's, or the brand's."""
        if played.lines:
            line = played.lines[0]
            wait = self._act(played, line) if line.by_brand else self._reply(played, line)
            if wait is not None:
                return wait
            played.lines.pop(0)
            self._at(self._when(played), lambda: self._go_on(played))
            return None
        wait = self._finish(played)
        played.over = wait is None
        return wait

    def _when(self, played: Played) -> float:
        at = played.lines[0].at.total_seconds() / self._speed if played.lines else 0.0
        return max(played.begun + at, time.monotonic())

    def _reply(self, played: Played, line: Said) -> float | None:
        """A customer answers: to a post of a customer, or to what the brand has last said there."""
        parent = played.posted.get(line.parent or "")
        if parent is None:
            said = self._brand_said(played)
            parent = said[-1]["id"] if said else played.posted[played.thread.root.id]
        self._say(played, line, parent)
        return None

    def _say(self, played: Played, line: Said, parent: str | None) -> None:
        author = Author(line.author, line.author, line.author.replace("_", " ").title())
        post_id = self._run + line.id
        try:
            post = self._hands.post(played.channel, line.text, author, brand=played.thread.brand, in_reply_to=parent, post_id=post_id)
        except HandsError as error:
            if error.status != 409:  # said already: the answer to an earlier try was lost
                raise
            post = {"id": post_id}
        played.posted[line.id] = post["id"]

    def _brand_said(self, played: Played) -> list[Json]:
        with self.scene.changed:
            said = [reply for post in played.posted.values() for reply in self.scene.replies.get(post, [])]
        return sorted(said, key=lambda reply: str(reply["posted_at"]))

    # --- departments --------------------------------------------------------------------------------------------------

    def _act(self, played: Played, line: Said) -> float | None:
        """The department does what the brand really did: accepts, tells, asks, and with its last word resolves."""
        card = self._card(played)
        if card is None:
            return _AGAIN_SECONDS if not self._brand_said(played) or not self._thanked_at_once(played) else None
        offered = actions(card)
        if not offered:
            return None  # the case is resolved or closed already
        if self._presses.awaited(card):
            return _AGAIN_SECONDS
        if cards.ACCEPT in offered:
            self._press(card, cards.ACCEPT)
            return _AGAIN_SECONDS
        text = _without_addresses(line.text)
        if text in played.spoken:
            return None  # the brand said it to several people in this thread; nobody says the same thing twice to one
        is_asked = "Waiting on the customer" in standing(card)  # and one question is open at a time
        saying = cards.ASK if "?" in text and not is_asked else cards.UPDATE
        wait = self._speak(card, cards.RESOLVE if played.answers_left == 1 else saying, text)
        if wait is None:
            played.spoken.add(text)
        return wait

    def _finish(self, played: Played) -> float | None:
        """When all is said, what is still open is resolved."""
        card = self._card(played)
        if card is None:
            return None if self._thanked_at_once(played) else _AGAIN_SECONDS
        return self._wind_up(self._run + played.thread.root.id)

    def _wind_up(self, post: str) -> float | None:
        """Resolve what is still open."""
        with self.scene.changed:
            card = self.scene.cards[post]
        if self._presses.awaited(card):
            return _AGAIN_SECONDS
        offered = actions(card)
        if cards.ACCEPT in offered:
            self._press(card, cards.ACCEPT)
            return _AGAIN_SECONDS
        if cards.RESOLVE in offered:
            solved = _SOLVED[self._wound[post] % len(_SOLVED)]
            wait = self._speak(card, cards.RESOLVE, solved)
            if wait is None:
                self._wound[post] += 1
            return _AGAIN_SECONDS * 2 if wait is None else wait
        return None if "Closed" in str(card["blocks"]) or "Dismissed" in str(card["blocks"]) else _AGAIN_SECONDS

    def _speak(self, card: Json, action: str, text: str) -> float | None:
        """Somebody who is free presses the button, writes, looks at the exact text, and posts it. A person has one modal at a time."""
        user = self._free_member(card)
        if user is None:
            return _AGAIN_SECONDS
        try:
            return self._say_in_a_modal(user, card, action, text)
        finally:
            with self._lock:
                self._in_a_modal.discard(user)

    def _free_member(self, card: Json) -> str | None:
        with self._lock:
            free = [member for member in self._members.get(card["channel"], []) if member not in self._in_a_modal]
            if not free:
                return None
            self._in_a_modal.add(free[hash(card["ts"]) % len(free)])
            return free[hash(card["ts"]) % len(free)]

    def _say_in_a_modal(self, user: str, card: Json, action: str, text: str) -> float | None:
        hands = self._hands
        pressed = self._press(card, action, user, MODAL_SECONDS)
        view = pressed.view or (self._view_of(pressed.trigger_id, user) if pressed.acked else None)
        if view is None:
            return _AGAIN_SECONDS
        values: dict[str, dict[str, object]] = {modals.BODY: {modals.BODY: text[:_BODY_AT_MOST] or "We are looking into it."}}
        if action == cards.RESOLVE:
            values[modals.CAUSE] = {modals.CAUSE: "other"}
        seen = hands.submit(user, view["id"], values)
        if seen.response_action != "push" or seen.view is None:
            hands.close_view(user, view["id"], clear=True)
            return None if any(final in str(seen.errors) for final in (SAID_ALREADY, TAKE_IT_OUT)) else _AGAIN_SECONDS
        done = hands.submit(user, seen.view["id"], {})
        is_done = done.response_action == "clear"
        if not is_done and done.view is not None:
            is_done = self._outcome(done.view) == "Done"
            hands.close_view(user, done.view["id"], clear=True)
        if not is_done:
            return _AGAIN_SECONDS
        if action == cards.RESOLVE:
            self._presses.note(card, EFFECT_SECONDS)
        else:
            self._presses.forget(card)
        return None

    def _outcome(self, view: Json) -> str:
        """What a modal tells in the end, by its title, when it could not tell at once."""
        deadline = time.monotonic() + _OUTCOME_SECONDS
        with self.scene.changed:
            while (title := str(view["title"]["text"])) == "One moment" and time.monotonic() < deadline:
                self.scene.changed.wait(0.2)
                view = next((v for v in reversed(self._views) if v["id"] == view["id"]), view)
        return title

    def _say_whether_it_is_there(self, call: Json) -> float | None:
        """The social team is asked about a reply that nobody is sure of: somebody looks at the square, and tells."""
        words = quoted(call)
        with self.scene.changed:
            there = [reply for replies in self.scene.replies.values() for reply in replies if reply["text"] == words]
        user = self._member(call)
        if not there:
            self._hands.press(user, cards.SETTLE_MISSING, channel=call["channel"], message_ts=call["ts"])
            return None
        pressed = self._hands.press(user, cards.SETTLE_POSTED, channel=call["channel"], message_ts=call["ts"])
        view = pressed.view or self._view_of(pressed.trigger_id, user)
        if view is None:
            return _AGAIN_SECONDS
        self._hands.submit(user, view["id"], {modals.LINK: {modals.LINK: there[0]["url"]}})
        return None

    def _view_of(self, trigger_id: str | None, user: str) -> Json | None:
        """The modal that the app opens a moment after it has answered."""
        del user
        deadline = time.monotonic() + 3.0
        with self.scene.changed:
            while time.monotonic() < deadline:
                for view in self._views:
                    if view.get("trigger_id") == trigger_id:
                        return view
                self.scene.changed.wait(0.2)
        return None

    def _card(self, played: Played) -> Json | None:
        with self.scene.changed:
            return self.scene.cards.get(self._run + played.thread.root.id)

    def _thanked_at_once(self, played: Played) -> bool:
        """Praise has no card: the brand's thank-you is all there is."""
        waited = time.time() - played.posted_at
        return bool(self._brand_said(played)) and waited > _CARD_SECONDS and self._card(played) is None

    def _press(self, card: Json, action: str, user: str | None = None, patience: float = EFFECT_SECONDS) -> Pressed:
        self._presses.note(card, patience)
        pressed = self._hands.press(user or self._member(card), action, channel=card["channel"], message_ts=card["ts"])
        if not pressed.acked:
            self._presses.forget(card)  # the button itself said that nothing came of it
        return pressed

    def _member(self, card: Json) -> str:
        """Somebody who belongs to the channel."""
        members: list[str] = self._members.get(card["channel"], [])
        return members[hash(card["ts"]) % len(members)]

    # --- eyes and hands -----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        self._views: list[Json] = []
        after, hurried = 0, 0.0
        with Hands(self._sandbox) as hands:
            while not self._ended:
                try:
                    changes, after = hands.changes(after, 2)
                except (HandsError, urllib3.exceptions.HTTPError):
                    time.sleep(0.5)  # the sandbox is being started again
                    continue
                for change in changes:
                    if change.kind == "view":
                        with self.scene.changed:
                            self._views = [*self._views[-200:], change.object]
                            self.scene.changed.notify_all()
                    else:
                        self.scene.take(change)
                self._turn_back()
                if self.scene.undelivered and time.monotonic() > hurried + _HURRY_SECONDS:
                    hurried = time.monotonic()
                    hands.retry_deliveries()  # a network tries again after minutes, and a minute is an age here
                for ts in list(self.scene.calls):
                    call = self.scene.calls[ts]
                    if ts not in self._answered:
                        self._answered.add(ts)
                        self._at(time.monotonic() + _AGAIN_SECONDS, lambda m=call: self._say_whether_it_is_there(m))  # type: ignore[misc]

    @property
    def _hands(self) -> Hands:
        if not hasattr(self._local, "hands"):
            self._local.hands = Hands(self._sandbox)
        hands: Hands = self._local.hands
        return hands

    @property
    def _members(self) -> dict[str, list[str]]:
        if not hasattr(self, "_known_members"):
            self._known_members = members_by_channel(self._hands.world())
        return self._known_members


def _without_addresses(text: str) -> str:
    """What was said, without whom it was said to and who signed."""
    return re.sub(r"^(@\w+\s*)+|[\^*-]\s?[A-Z]{1,3}\s*$", "", text.strip()).strip()
