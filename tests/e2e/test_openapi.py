"""The OpenAPI document is true: requests made from it are answered as it says, and never with a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from adapters.postgres.keys import NewKey
from domain.values import SYSTEM, Role
from tests.e2e.conftest import Stage


@pytest.fixture
def document(stage: Stage) -> Any:
    return schemathesis.openapi.from_url(f"{stage.http.base_url}/openapi.json")


def test_every_operation_answers_as_it_is_described(stage: Stage, document: Any) -> None:
    # spelled as the document has it, or schemathesis does not see that what it sends "without a key" has one
    program = {"Authorization": f"Bearer {stage.store.keys.make(NewKey('schemathesis', Role.SOCIAL), SYSTEM)[1]}"}
    for found in document.get_all_operations():

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=found.ok().as_strategy())
        def answers_as_described(case: schemathesis.Case[Any]) -> None:
            # A brand must be in the policy, too. Our key goes in the place of a made-up one, and is taken for it: see below.
            case.call_and_validate(headers=program, excluded_checks=[positive_data_acceptance, ignored_auth])

        answers_as_described()


def test_nothing_is_answered_without_a_valid_key(stage: Stage, document: Any) -> None:
    asked = [operation.ok() for operation in document.get_all_operations() if operation.ok().path.startswith("/api/")]
    assert len(asked) >= 4
    for operation in asked:
        path = operation.path.replace("{case_id}", "none")
        guess = {"authorization": "Bearer lk_none_none"}
        for headers, told in (({}, {401}), (guess, {401, 429})):  # who guesses too often is not even looked at
            assert stage.http.request(operation.method, path, headers=headers, json={}).status_code in told, operation.label


def test_the_document_has_examples_and_describes_every_refusal(stage: Stage) -> None:
    document = stage.http.get("/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) >= 8
    for operation in operations:
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            refused = status[0] not in "23" and operation["operationId"] != "ready_readyz_get"
            assert not refused or list(answer["content"]) == ["application/problem+json"], (operation["summary"], status)
    for name, model in document["components"]["schemas"].items():
        assert "enum" in model or "example" in json.dumps(model), f"{name} has no example"
