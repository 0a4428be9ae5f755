"""From a post on a network to another system that is told of it, by the processes as they run."""

from __future__ import annotations

from adapters.postgres.keys import NewKey
from domain.rights import Right
from domain.values import SYSTEM, Role
from tests.e2e.conftest import Json, Stage
from tests.receiving import receiving


def test_another_system_is_told_what_happens_to_a_case(stage: Stage) -> None:
    key = stage.store.keys.make(NewKey("hooks", Role.ADMIN, frozenset({Right.MANAGE_WEBHOOKS})), SYSTEM)[1]
    admin = {"authorization": f"Bearer {key}", "x-forwarded-for": "192.0.2.77"}  # where nobody has guessed keys
    with receiving() as receiver:
        wanted = {"url": receiver.url, "events": ["opened", "reply_posted"]}
        made = stage.http.post("/api/v1/webhooks", json=wanted, headers=admin).json()
        case = stage.complain()
        with receiver.arrived:
            assert receiver.arrived.wait_for(lambda: {"opened", "reply_posted"} <= {one["type"] for one in of(receiver.told, case)}, 60)
        told = of(receiver.verified(made["secret"]), case)
        assert [one["type"] for one in told][:2] == ["opened", "reply_posted"]
        (reply, *_) = stage.replies(case, 1)
        assert told[1]["data"]["permalinks"] == [reply["url"]]
        assert stage.http.delete(f"/api/v1/webhooks/{made['id']}", headers=admin).status_code == 204


def of(told: list[Json], case: str) -> list[Json]:
    return [one for one in told if one["data"].get("case_id") == case]
