"""What can go wrong.

LoopkeeperClientError
├── NotReached           nobody answered, or not in time; what was asked may have been done
├── NotUnderstood        the answer is none of Loopkeeper's
└── ApiError             Loopkeeper says no: `status`, `detail`, `code`
    ├── NotSignedIn      401  no key, or not a valid one; `sign_in_again`: the key was not made for this
    ├── NotAllowed       403  the role or the key may not do this
    ├── NotThere         404  there is no such thing, or it is another department's
    ├── Refused          409  the case does not allow it now
    ├── MovedOn          412  the case is not as you read it
    ├── Invalid          422  not understood; `detail` names the field
    ├── TooManyRequests  429  `retry_after`: seconds
    └── Unavailable      5xx  not done: a part of Loopkeeper cannot be reached
"""

from __future__ import annotations


class LoopkeeperClientError(Exception):
    """Whatever went wrong; its text is a sentence for people."""


class NotReached(LoopkeeperClientError):
    """Nobody answered, or not in time."""


class NotUnderstood(LoopkeeperClientError):
    """The answer is none of Loopkeeper's: another server, a proxy's page, or a much later version."""


class ApiError(LoopkeeperClientError):
    """Loopkeeper says no. `code`: a word for programs, when there is one."""

    def __init__(self, status: int, detail: str, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.retry_after = retry_after


class NotSignedIn(ApiError):
    """There was no valid key."""


class NotAllowed(ApiError):
    """The role or the key may not do this."""


class NotThere(ApiError):
    """There is no such thing."""


class Refused(ApiError):
    """The case does not allow it now, or it was done already."""


class MovedOn(ApiError):
    """The case is not as it was read."""


class Invalid(ApiError):
    """Not understood; `detail` names the field."""


class TooManyRequests(ApiError):
    """Asked too often."""


class Unavailable(ApiError):
    """Not done: a part of Loopkeeper cannot be reached."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotThere,
    409: Refused,
    412: MovedOn,
    422: Invalid,
    429: TooManyRequests,
}


def problem(status: int, detail: str, code: str | None, retry_after: float | None) -> ApiError:
    """The error for an answer."""
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else ApiError)
    return kind(status, detail, code, retry_after)
