"""The one door: keys of programs and sessions of people come in here, or are told why not."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from adapters.postgres.keys import ApiKey, Keys
from adapters.postgres.sessions import Session, Sessions
from api.access.failures import Failures, address_of
from api.access.origins import HOME, SAFE, local_path, opens_a_page, own_page_only
from api.access.visitor import Visitor, Way
from api.limits import KEPT_IN, Limits, too_many
from api.pages import page
from api.problems import Problem
from api.waiting import Waiting
from domain.rights import RIGHTS, STEP_UP, Right
from domain.sentences import begun, say
from domain.values import Actor, Via

_T = TypeVar("_T")
RECOGNISED = 1000
"""How many keys that were good lately are recognised while their address is not listened to, so that others' guesses lock nobody out."""

SPOKEN = {
    Right.READ_CASES: say("read cases"),
    Right.OPEN_CASES: say("open cases"),
    Right.ACT: say("act on cases"),
    Right.READ_PRIVATE: say("read what was written in private"),
    Right.READ_UNREADABLE: say("see what could not be read"),
    Right.RETRY_UNREADABLE: say("have it read again"),
    Right.LINK_CUSTOMERS: say("link customers"),
    Right.READ_REPORTS: say("read reports"),
    Right.READ_OWNERS: say("read figures of single owners"),
    Right.READ_POLICY: say("read the policy"),
    Right.CHANGE_POLICY: say("change the policy"),
    Right.EXPORT: say("export"),
    Right.ERASE: say("erase customers"),
    Right.SHARE_CAUSES: say("speak to the customers of many cases at once"),
    Right.MANAGE_ACCESS: say("manage keys and sessions"),
    Right.MANAGE_WEBHOOKS: say("manage webhooks"),
}


class InThread(Protocol):
    """Has something done in a thread that may wait."""

    def __call__(self, call: Callable[[], _T], /) -> Awaitable[_T]:
        """Its result."""
        ...


class Led(Exception):
    """A browser is answered with that response instead."""

    def __init__(self, response: Response) -> None:
        super().__init__("led elsewhere")
        self.response = response


@dataclass(frozen=True, slots=True)
class Cookie:
    """The session's cookie. On https it is bound to this host alone; on plain http browsers allow no such name."""

    name: str
    secure: bool

    @staticmethod
    def at(public_url: str) -> Cookie:
        """As it is at our public address. Cookies know no ports, so that on plain http the port is in the name."""
        parts = urlsplit(public_url)
        secure = parts.scheme == "https"
        return Cookie("__Host-loopkeeper" if secure else f"loopkeeper-{parts.port or 80}", secure)

    def read(self, request: Request) -> str | None:
        """The secret that a browser brings."""
        return request.cookies.get(self.name)

    def give(self, response: Response, secret: str) -> None:
        """Have the browser keep it until it is closed; how long it is good for, the session says."""
        response.set_cookie(self.name, secret, secure=self.secure, httponly=True, samesite="lax", path="/")

    def take(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, secure=self.secure, httponly=True, samesite="lax", path="/")


@dataclass
class Gate:
    """See `api.access.rules.Door`."""

    keys: Keys
    sessions: Sessions
    in_thread: InThread
    failures: Failures
    cookie: Cookie
    step_up: timedelta
    limits: Limits
    waiting: Waiting
    _recognised: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    async def let_in(self, request: Request, key: str | None, right: Right | None, *, fresh: bool) -> Visitor:
        """The visitor. Raises `Problem`; `Led` when a browser goes to the sign-in."""
        visitor = await self.program(request, key) if key is not None else await self.person(request)
        if visitor is None:
            raise self._unknown(request)
        request.state.visitor = visitor
        self._count(request, visitor)
        if opens_a_page(request):
            request.state.waiting = await self.waiting.of(visitor)
        if right is not None and not visitor.may(right):
            raise self._turned_away(request, _denied(visitor, right))
        if (fresh or right in STEP_UP) and not self.is_fresh(visitor, right):
            raise self._again(request)
        return visitor

    def _count(self, request: Request, visitor: Visitor) -> None:
        """One request more of that key or session. Pages are for people, who cannot ask so often. Raises Problem."""
        if request.url.path.startswith("/api/"):
            left = self.limits.take(visitor.session or visitor.actor.person)
            setattr(request.state, KEPT_IN, left)
            if left.wait:
                raise too_many(left)

    async def still_lets_in(self, request: Request, key: str | None) -> bool:
        """Whether the key or the session still holds."""
        if key is not None:
            return await self.in_thread(lambda: self.keys.of(key)) is not None
        secret = self.cookie.read(request)
        return secret is not None and await self.in_thread(lambda: self.sessions.holds(secret))

    async def program(self, request: Request, secret: str) -> Visitor:
        """Whose key that is. Raises Problem."""
        key = await self.key(request, secret)
        if key is None:
            raise Problem(401, "send a valid API key: Authorization: Bearer lk_…", headers={"www-authenticate": "Bearer"})
        now = datetime.now(UTC)
        return Visitor(Actor(key.person, key.role, Via.API), key.departments, key.name, now, Way.KEY, scopes=key.scopes)

    async def key(self, request: Request, secret: str) -> ApiKey | None:
        """The key; None when it does not hold. Raises Problem when too many did not, from there."""
        address, hashed = address_of(request), hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
        wait = self.failures.wait(address)
        if wait and hashed not in self._recognised:
            raise self.too_many(wait)
        key = await self.in_thread(lambda: self.keys.of(secret))
        if key is None:
            self._recognised.pop(hashed, None)
            self.failures.note(address)
            return None
        self._recognised[hashed] = None
        self._recognised.move_to_end(hashed)
        if len(self._recognised) > RECOGNISED:
            self._recognised.popitem(last=False)
        return key

    async def person(self, request: Request) -> Visitor | None:
        """Who is signed in with that browser. Raises Problem when another site sent what would change something."""
        secret = self.cookie.read(request)
        if not secret:
            return None
        found = await self.in_thread(lambda: self.sessions.of(secret))
        if found is None:
            return None
        own_page_only(request)
        return _visitor(found)

    def is_fresh(self, visitor: Visitor, right: Right | None) -> bool:
        """Whether they have proved lately who they are. A key cannot: it must have been made for just that, by its scopes."""
        if visitor.session is None:
            return visitor.scopes is not None and right in visitor.scopes
        return visitor.proved_at is not None and datetime.now(UTC) - visitor.proved_at <= self.step_up

    @staticmethod
    def too_many(wait: int) -> Problem:
        """Nobody listens to that address for a while."""
        detail = say("too many keys or sign-ins from your address did not hold; try again in {wait} seconds", wait=wait)
        return Problem(429, detail, headers={"retry-after": str(wait)})

    @staticmethod
    def _turned_away(request: Request, why: str) -> Exception:
        if opens_a_page(request):
            return Led(page(request, "not_allowed.html", {"why": begun(why)}, status=403))
        return Problem(403, why, code="not_allowed")

    def _unknown(self, request: Request) -> Exception:
        if opens_a_page(request):
            return Led(_to("/sign-in", next=_back_to(request)))
        detail = "sign in at /sign-in, or send a valid API key: Authorization: Bearer lk_…"
        return Problem(401, detail, headers={"www-authenticate": "Bearer"})

    def _again(self, request: Request) -> Exception:
        if opens_a_page(request):
            return Led(_to("/sign-in", again="1", next=_back_to(request)))
        seconds = int(self.step_up.total_seconds())
        detail = say(
            "this needs a proof of who you are that is not older than {seconds} minutes: sign in again at /sign-in?again=1; a "
            "program needs a key with this right among its scopes",
            seconds=seconds // 60,
        )  # the header: RFC 9470
        header = f'Bearer error="insufficient_user_authentication", max_age="{seconds}"'
        return Problem(401, detail, code="sign_in_again", headers={"www-authenticate": header})


def led(_request: Request, error: Exception) -> Response:
    """Answer `Led`."""
    assert isinstance(error, Led)
    return error.response


def _visitor(session: Session) -> Visitor:
    return Visitor(
        actor=Actor(session.person, session.role, Via.CONSOLE),
        departments=session.departments,
        name=session.name,
        signed_in_at=session.signed_in_at,
        way=Way(session.way),
        proved_at=session.proved_at,
        scopes=session.scopes,
        session=session.id,
        language=session.language,
        zone=session.zone,
    )


def _denied(visitor: Visitor, right: Right) -> str:
    doing, role = SPOKEN[right], visitor.actor.role.value
    if visitor.actor.role not in RIGHTS[right]:  # first: a key of this role cannot be made with it either
        if right in (Right.ACT, Right.OPEN_CASES):
            return say("the role '{role}' may read, but not act; ask an admin for another role or key", role=role)
        return say("the role '{role}' may not {doing}; ask an admin for another role or key", role=role, doing=doing)
    if visitor.scopes is not None and right not in visitor.scopes:
        return say(
            "this key was made without the right to {doing}; make one with it: loopkeeper key new NAME --role {role} --scope {right}",
            doing=doing,
            role=role,
            right=right.value,
        )
    return say(
        "a key can {doing} only when it was made for that: loopkeeper key new NAME --role {role} --scope {right}",
        doing=doing,
        role=role,
        right=right.value,
    )


def _back_to(request: Request) -> str:
    """Where somebody goes on after signing in: the page that they opened, or from which they sent a form."""
    if request.method in SAFE:
        return local_path(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    came_from = urlsplit(request.headers.get("referer", ""))
    ours = came_from.netloc == request.headers.get("host")
    return local_path(came_from.path + (f"?{came_from.query}" if came_from.query else "")) if ours else HOME


def _to(path: str, **query: Any) -> Response:
    return RedirectResponse(f"{path}?{urlencode(query)}", 303, headers={"cache-control": "no-store"})
