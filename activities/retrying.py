"""How an activity says "not now"."""

from __future__ import annotations

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


def again(reason: str, after: timedelta | None = None) -> ApplicationError:
    """A failure that Temporal retries; after the time that the outside party named, if it did. Expected, so not logged as an error."""
    return ApplicationError(reason, type="TryAgain", next_retry_delay=after, category=ApplicationErrorCategory.BENIGN)
