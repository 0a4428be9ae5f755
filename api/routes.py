"""Putting routes together."""

from __future__ import annotations

from fastapi import APIRouter


def take_in(router: APIRouter, *others: APIRouter) -> None:
    """Add the routes of others, as they are.

    `include_router`, which can also change them, makes every route once more (that was half of what a start took), and goes through
    the routers one by one at each request.
    """
    for other in others:
        router.routes.extend(other.routes)
