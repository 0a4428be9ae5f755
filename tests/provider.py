"""An OpenID provider over real HTTP, as its specifications have it; it knows nothing of Loopkeeper. It can be told to lie.

OpenID Connect Core 1.0 (code flow, userinfo), Discovery 1.0, RFC 6749, RFC 7636 (S256 alone), RFC 9207.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
Key = RSAKey | ECKey


@dataclass
class Granted:
    """What a code stands for."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    auth_time: int


def _new_keys() -> dict[str, Key]:
    return {
        "RS256": RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"}, private=True),
        "ES256": ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"}, private=True),
    }


@cache
def _first_keys() -> dict[str, Key]:
    """Each provider is the only one that its client knows, so all can begin with the same: a new RSA key takes as long as a whole test."""
    return _new_keys()


@dataclass
class Provider:
    """One provider, with one person signed in to it and one client registered."""

    url: str
    client_id: str
    client_secret: str | None
    redirect_uri: str
    person: Json
    algorithm: str = "RS256"
    signed_in_at: float = field(default_factory=time.time)
    """When that person signed in to the provider."""
    obeys_prompt: bool = True
    """False: it answers from the old sign-in although it was told to ask again."""
    lie: Callable[[Json], Json] = lambda claims: claims
    """What becomes of an ID token's claims before they are signed."""
    forge: Callable[[Json], str] | None = None
    """Makes the ID token in the signer's place."""
    userinfo_of: Json | None = None
    """What its userinfo address says; None: it has none."""
    described_as: Json = field(default_factory=dict)
    """What its description says otherwise."""
    answers_with: Json = field(default_factory=dict)
    """What it sends back with the browser otherwise, or besides."""
    keys: dict[str, Key] = field(default_factory=dict)
    asked: list[Json] = field(default_factory=list)
    """What it was asked at its authorization address."""
    fetched_keys: int = 0
    signed_out_uri: str = ""
    """Where it sends browsers back to that have signed out; without it, it knows no signing out."""
    signed_out: int = 0
    _codes: dict[str, Granted] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.keys = _first_keys()

    def change_keys(self) -> None:
        """Sign with new keys from now on; the old ones are gone."""
        self.keys = _new_keys()

    def server(self) -> uvicorn.Server:
        routes = [
            Route("/.well-known/openid-configuration", self.describe),
            Route("/authorize", self.authorize),
            Route("/token", self.token, methods=["POST"]),
            Route("/jwks", self.jwks),
            Route("/userinfo", self.userinfo),
            Route("/logout", self.logout),
        ]
        return uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_level="critical", log_config=None, ws="none"))

    async def describe(self, _request: Request) -> Response:
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
            "authorization_response_iss_parameter_supported": True,
            **({"end_session_endpoint": f"{self.url}/logout"} if self.signed_out_uri else {}),
            **({"userinfo_endpoint": f"{self.url}/userinfo"} if self.userinfo_of is not None else {}),
        }
        return JSONResponse(told | self.described_as)

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") != self.redirect_uri:
            return JSONResponse({"error": "invalid_request"}, 400)  # never to an address that is not registered
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            return self._back(error="invalid_request", state=asked.get("state", ""))
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return self._back(error="invalid_request", state=asked.get("state", ""))
        too_old = "max_age" in asked and time.time() - self.signed_in_at > int(asked["max_age"])
        if (asked.get("prompt") == "login" or too_old) and self.obeys_prompt:
            self.signed_in_at = time.time()
        code = secrets.token_urlsafe(24)
        self._codes[code] = Granted(
            asked["client_id"], asked["redirect_uri"], asked["code_challenge"], asked.get("nonce", ""), int(self.signed_in_at)
        )
        return self._back(code=code, state=asked.get("state", ""))

    def _back(self, **told: str) -> Response:
        answer = {**told, "iss": self.url, **self.answers_with}
        return RedirectResponse(f"{self.redirect_uri}?{urlencode({k: v for k, v in answer.items() if v is not None})}", 302)

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        granted = self._codes.pop(form.get("code", ""), None)  # a code is good once
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        fits = granted is not None and granted.redirect_uri == form.get("redirect_uri") and granted.challenge == proof
        if granted is None or form.get("grant_type") != "authorization_code" or not fits:
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(24)
        self._tokens.add(access)
        now = int(time.time())
        claims: Json = {"iss": self.url, "aud": granted.client_id, "iat": now, "exp": now + 300, "nonce": granted.nonce}
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims |= {"auth_time": granted.auth_time, "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(), **self.person}
        claims = self.lie(claims)
        token = self.forge(claims) if self.forge is not None else self.signed(claims)
        return JSONResponse({"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": token})

    def _is_client(self, request: Request, form: Json) -> bool:
        if self.client_secret is None:
            return bool(form.get("client_id") == self.client_id)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        name, _, secret = base64.b64decode(given).decode().partition(":")
        return unquote_plus(name) == self.client_id and unquote_plus(secret) == self.client_secret

    def signed(self, claims: Json, key: Key | None = None, **header: Any) -> str:
        key = key or self.keys[self.algorithm]
        return jwt.encode({"alg": self.algorithm, "kid": key.kid, "typ": "JWT", **header}, claims, key)

    def unsigned(self, claims: Json) -> str:
        """A token that says `alg: none`."""
        return f"{_part({'alg': 'none'})}.{_part(claims)}."

    def signed_with_secret(self, claims: Json) -> str:
        """A token that is signed with what everybody can fetch, as if it were a shared secret."""
        public = self.keys["RS256"].as_pem(private=False)
        signing = f"{_part({'alg': 'HS256', 'kid': self.keys['RS256'].kid})}.{_part(claims)}"
        return f"{signing}.{_text(hmac.digest(public, signing.encode(), 'sha256'))}"

    async def logout(self, request: Request) -> Response:
        """RP-Initiated Logout 1.0: back only to the address that is registered, for a client that says who it is."""
        asked = dict(request.query_params)
        if asked.get("client_id") != self.client_id or asked.get("post_logout_redirect_uri") != self.signed_out_uri:
            return JSONResponse({"error": "invalid_request"}, 400)
        self.signed_out += 1
        return RedirectResponse(f"{self.signed_out_uri}?{urlencode({'state': asked.get('state', '')})}", 302)

    async def jwks(self, _request: Request) -> Response:
        self.fetched_keys += 1
        return JSONResponse(KeySet(list(self.keys.values())).as_dict(private=False))

    async def userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse(self.userinfo_of)


def _part(of: Json) -> str:
    return _text(json.dumps(of).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
