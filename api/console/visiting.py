"""Who looks at the console: whoever the door has let in."""

from __future__ import annotations

from fastapi import Request

from api.access.visitor import Visitor


def visitor_of(request: Request) -> Visitor:
    """Whose request that is. The route's rule has seen to it that there is somebody."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor), "a page of the console carries a rule that lets somebody in"
    return visitor
