"""Signing in with the company's identity provider: OpenID Connect, authorization code with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html (3.1, the code flow), RFC 7636 (PKCE), RFC 9207 (the issuer in the answer),
https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from adapters.http import Answer, HttpClient
from domain.errors import LoopkeeperError
from domain.ports import NotSent, Unclear

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Signatures by a key that only the provider has. Nothing that our own secret could sign, and never none."""
TIMEOUT_SECONDS = 8.0
KNOWN_FOR_SECONDS = 3600.0
"""How long the provider's addresses and keys are taken as known."""
LOOK_AGAIN_SECONDS = 30.0
"""How soon its keys are fetched again when a token names one that is not there: it changes them, and strangers may make names up."""
LEEWAY_SECONDS = 60
"""How far its clock and ours may be apart."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SignInFailed(LoopkeeperError):
    """Somebody could not be signed in: what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to the provider. `secret`: None for a public client, which has PKCE alone."""

    issuer: str
    id: str
    secret: str | None
    redirect_uri: str
    signed_out_uri: str
    scopes: str
    groups_claim: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that has begun: what the browser must bring back, and what is kept for it meanwhile."""

    state: str
    nonce: str
    verifier: str
    max_age: int | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it is. `proved_at`: when they last proved it, if it says. `claims`: everything that it says."""

    subject: str
    name: str
    first_name: str | None
    groups: tuple[str, ...]
    proved_at: datetime | None
    claims: Mapping[str, Any]


class OidcProvider:
    """One provider. Thread-safe; nothing is asked of it before somebody signs in."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._http = HttpClient(timeout=TIMEOUT_SECONDS, connections=4)
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def begin(self, *, max_age: timedelta | None = None) -> tuple[str, Attempt]:
        """The address to send the browser to, and what to keep for its return. Raises SignInFailed.

        `max_age`: the provider shall ask for proof again, and say when it was given.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, None if max_age is None else int(max_age.total_seconds()))
        asking = OAuth2Client(
            None,
            self._client.id,
            scope=self._client.scopes,
            redirect_uri=self._client.redirect_uri,
            code_challenge_method="S256",
        )
        again = {} if attempt.max_age is None else {"prompt": "login", "max_age": str(attempt.max_age)}
        url, _ = asking.create_authorization_url(
            self._address("authorization_endpoint"), state=attempt.state, code_verifier=attempt.verifier, nonce=attempt.nonce, **again
        )
        return str(url), attempt

    def finish(self, attempt: Attempt, answered: Mapping[str, str]) -> Identity:
        """Who came back, from the query that the provider sent with the browser. Raises SignInFailed."""
        if not secrets.compare_digest(answered.get("state", "").encode(), attempt.state.encode()):
            raise SignInFailed("This sign-in was begun elsewhere, or too long ago. Start it again from here.")
        self._is_ours(answered.get("iss"))
        if "error" in answered:
            raise SignInFailed(f"The identity provider refused ({_plain(answered['error'])}). Try again, or ask who runs it.")
        token = self._token(attempt, answered.get("code", ""))
        claims = self._verified(str(token.get("id_token", "")), str(token.get("access_token", "")), attempt)
        if self._client.groups_claim not in claims:
            claims = {**self._told_besides(str(token.get("access_token", "")), str(claims["sub"])), **claims}
        return self._identity(claims, attempt)

    def end(self, state: str) -> str | None:
        """Where somebody signs out of the provider, and is sent back to us with `state`; None when it offers no such address.

        No `id_token_hint` is sent: an address is no place for a token that names somebody. So the provider asks whether they mean it.
        Raises SignInFailed.
        """
        if not self._configuration().get("end_session_endpoint"):
            return None
        url = self._address("end_session_endpoint")
        query = {"client_id": self._client.id, "post_logout_redirect_uri": self._client.signed_out_uri, "state": state}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"

    # --- what the provider says -----------------------------------------------------------------------------------------

    def _is_ours(self, issuer: str | None) -> None:
        """Raises SignInFailed when the answer is another provider's."""
        promised = self._configuration().get("authorization_response_iss_parameter_supported") is True
        if issuer is None and not promised:
            return
        if issuer != self._client.issuer:
            raise SignInFailed("The answer comes from another identity provider than the one that was asked. Start again from here.")

    def _token(self, attempt: Attempt, code: str) -> dict[str, Any]:
        client = self._client
        offered = self._configuration().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "none" if client.secret is None else "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        body = prepare_token_request("authorization_code", "", client.redirect_uri, code=code, code_verifier=attempt.verifier)
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        known = (client.id, client.secret)
        if method == "client_secret_basic":  # RFC 6749, 2.3.1 has them encoded first, and Authlib leaves that to us
            known = (quote(client.id, safe=""), quote(client.secret or "", safe=""))
        url, headers, body = ClientAuth(*known, method).prepare("POST", self._address("token_endpoint"), headers, body)
        answer = self._ask(lambda: self._http.post(url, headers, body.encode()))
        told = answer.json()
        if answer.status != 200 or not isinstance(told.get("id_token"), str):
            raise SignInFailed(
                f"The identity provider gave no token ({_plain(told.get('error') or answer.status)}). Start again from here."
            )
        return told

    def _verified(self, id_token: str, access_token: str, attempt: Attempt) -> dict[str, Any]:
        """The claims of a token that is the provider's, for us, for this attempt, and valid now. Raises SignInFailed."""
        try:
            token = self._decoded(id_token)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {"iss": {"essential": True, "value": self._client.issuer}, "sub": {"essential": True, "allow_blank": False}},
                {
                    "nonce": attempt.nonce,
                    "client_id": self._client.id,
                    "max_age": attempt.max_age is not None,
                    "access_token": access_token,
                },
            )
            claims.validate(int(time.time()), LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise SignInFailed(f"The identity provider's token does not hold ({_plain(_reason(error))}). Start again from here.") from error
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if self._client.id not in audience:
            raise SignInFailed("The identity provider's token is for another application. Check LOOPKEEPER_OIDC_CLIENT_ID.")
        return dict(claims)

    def _decoded(self, id_token: str) -> jwt.Token:
        algorithms = list(ALGORITHMS)
        try:
            return jwt.decode(id_token, self._key_set(KNOWN_FOR_SECONDS), algorithms=algorithms)
        except (JoseError, ValueError):
            before = self._keys
            keys = self._key_set(LOOK_AGAIN_SECONDS)
            if self._keys is before:
                raise
            return jwt.decode(id_token, keys, algorithms=algorithms)

    def _told_besides(self, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider says of them at its userinfo address, where some put the groups; empty when it has none."""
        if "userinfo_endpoint" not in self._configuration() or not access_token:
            return {}
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        answer = self._ask(lambda: self._http.get(self._address("userinfo_endpoint"), headers))
        told = answer.json()
        if answer.status != 200 or told.get("sub") != subject:
            raise SignInFailed("The identity provider says nothing of who signed in, or speaks of somebody else. Start again from here.")
        return told

    def _identity(self, claims: Mapping[str, Any], attempt: Attempt) -> Identity:
        subject, groups, at = claims["sub"], claims.get(self._client.groups_claim, []), claims.get("auth_time")
        if not isinstance(subject, str) or len(subject) > 255:
            raise SignInFailed("The identity provider names no one that can be told apart. Ask who runs it.")
        proved_at = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) and 0 < at < 2**40 else None
        if attempt.max_age is not None:
            oldest = datetime.now(UTC) - timedelta(seconds=attempt.max_age + LEEWAY_SECONDS)
            if proved_at is None or proved_at < oldest:
                raise SignInFailed("The identity provider did not ask for your proof again, as it was told to. Ask who runs it.")
        said = [claims.get(name) for name in ("name", "preferred_username", "email")]
        name = next((_plain(one) for one in said if isinstance(one, str) and one.strip()), "A colleague")
        first = claims.get("given_name")
        return Identity(
            subject=subject,
            name=name,
            first_name=_plain(first) if isinstance(first, str) and first.strip() else None,
            groups=tuple(one for one in (groups if isinstance(groups, list) else [groups]) if isinstance(one, str)),
            proved_at=proved_at,
            claims=claims,
        )

    # --- where it is and what it signs with --------------------------------------------------------------------------------

    def _configuration(self) -> dict[str, Any]:
        with self._lock:
            if self._known is not None and time.monotonic() - self._known[0] < KNOWN_FOR_SECONDS:
                return self._known[1]
        url = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = self._ask(lambda: self._http.get(url, {"accept": "application/json"}))
        found = answer.json()
        if answer.status != 200 or found.get("issuer") != self._client.issuer:
            raise SignInFailed(f"{url} is not the description of the provider {self._client.issuer}. Check LOOPKEEPER_OIDC_ISSUER.")
        with self._lock:
            self._known = (time.monotonic(), found)
        return found

    def _key_set(self, at_most_old: float) -> KeySet:
        with self._lock:
            if self._keys is not None and time.monotonic() - self._keys[0] < at_most_old:
                return self._keys[1]
        answer = self._ask(lambda: self._http.get(self._address("jwks_uri"), {"accept": "application/json"}))
        found = KeySet.import_key_set({"keys": [key for key in answer.json().get("keys", []) if key.get("kty") in ("RSA", "EC")]})
        with self._lock:
            self._keys = (time.monotonic(), found)
        return found

    def _address(self, name: str) -> str:
        """An address of the provider. Raises SignInFailed when there is none that one can trust."""
        url = self._configuration().get(name)
        parts = urlsplit(url) if isinstance(url, str) else None
        if parts is None or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK)):
            raise SignInFailed(f"The identity provider names no {name} that begins with https://. Ask who runs it.")
        return str(url)

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except (NotSent, Unclear) as error:
            raise SignInFailed(f"The identity provider cannot be reached: {error}. Try again in a moment.") from error


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, JoseError) else type(error).__name__


def _plain(words: object) -> str:
    """Words of others in a sentence of ours: short, and nothing but what can be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(words)).split())[:120]
