"""A typed client of Loopkeeper's API. docs/client.md shows how to use it.

with Loopkeeper("https://loopkeeper.example.com", key) as lk:
    for column in lk.board(only=["late"]).columns:
        for row in column.cases:
            lk.do(row.case_id, "escalate_now")
"""

from loopkeeper_client.client import Loopkeeper
from loopkeeper_client.problems import (
    ApiError,
    Invalid,
    LoopkeeperClientError,
    MovedOn,
    NotAllowed,
    NotReached,
    NotSignedIn,
    NotThere,
    NotUnderstood,
    Refused,
    TooManyRequests,
    Unavailable,
)
from loopkeeper_client.sending import Tagged

__all__ = [
    "ApiError",
    "Invalid",
    "Loopkeeper",
    "LoopkeeperClientError",
    "MovedOn",
    "NotAllowed",
    "NotReached",
    "NotSignedIn",
    "NotThere",
    "NotUnderstood",
    "Refused",
    "Tagged",
    "TooManyRequests",
    "Unavailable",
]
