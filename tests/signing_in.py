"""Signing in at the console as a browser does."""

from __future__ import annotations

import httpx


def sent_from(http: httpx.Client) -> dict[str, str]:
    """What a browser says of a form that a page of ours sends."""
    return {"origin": str(http.base_url).rstrip("/"), "sec-fetch-site": "same-origin", "accept": "text/html"}


def signed_in(http: httpx.Client, role: str = "social", department: str = "") -> dict[str, str]:
    """Headers of somebody who has picked that role on an open installation's own machine; the client itself stays a stranger."""
    form = {"role": role, "department": department, "next": "/console"}
    answer = http.post("/sign-in/local", data=form, headers=sent_from(http))
    assert answer.status_code == 303, answer.text
    cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    http.cookies.clear()
    return {"cookie": cookies}
