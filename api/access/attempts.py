"""What a browser keeps for us while somebody is at the identity provider: sealed, for ten minutes, and for that one sign-in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from dataclasses import asdict, dataclass

from fastapi import Request
from starlette.responses import Response

from adapters.keyring import KeyProblem, Keyring
from adapters.oidc import Attempt
from api.access.door import Cookie

KEPT_SECONDS = 600
_PURPOSE = "sign-in"


@dataclass(frozen=True, slots=True)
class Attempts:
    """One cookie for each sign-in that is under way, so that several tabs do not get into each other's way."""

    keyring: Keyring
    cookie: Cookie

    def keep(self, response: Response, attempt: Attempt, back_to: str) -> None:
        """Have the browser keep it."""
        plain = json.dumps({"attempt": asdict(attempt), "back_to": back_to, "at": time.time()}).encode()
        sealed = base64.urlsafe_b64encode(self.keyring.seal(_PURPOSE, plain)).decode()
        name = self._name(attempt.state)
        response.set_cookie(name, sealed, KEPT_SECONDS, secure=self.cookie.secure, httponly=True, samesite="lax", path="/")

    def find(self, request: Request, state: str) -> tuple[Attempt, str] | None:
        """The attempt that an answer of the provider belongs to, and where to go on after it; None when it was not begun here."""
        try:
            sealed = base64.urlsafe_b64decode(request.cookies.get(self._name(state), ""))
            kept = json.loads(self.keyring.open(_PURPOSE, sealed))
        except (binascii.Error, ValueError, KeyProblem):
            return None
        if time.time() - kept["at"] > KEPT_SECONDS:
            return None
        return Attempt(**kept["attempt"]), str(kept["back_to"])

    def forget(self, response: Response, state: str) -> None:
        """It is over, whatever became of it."""
        response.delete_cookie(self._name(state), secure=self.cookie.secure, httponly=True, samesite="lax", path="/")

    def _name(self, state: str) -> str:
        return f"{self.cookie.name}-{hashlib.sha256(state.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
