"""IANA time zones, checked."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator


def known_zone(name: str) -> str:
    """The name itself. Raises ValueError when there is no such zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not an IANA time zone (such as Europe/London)") from error
    return name


Zone = Annotated[str, AfterValidator(known_zone)]
"""The name of an IANA time zone that is known here."""
