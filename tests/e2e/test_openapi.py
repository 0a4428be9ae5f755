"""The OpenAPI document is true: requests made from it are answered as it says, and never with a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from domain.values import Role
from tests.e2e.conftest import Stage


@pytest.fixture
def document(stage: Stage) -> Any:
    return schemathesis.openapi.from_url(f"{stage.http.base_url}/openapi.json")


def test_every_operation_answers_as_it_is_described(stage: Stage, document: Any) -> None:
    # spelled as the document has it, or schemathesis does not see that what it sends "without a key" has one
    program = {"Authorization": f"Bearer {stage.store.people.make_key('schemathesis', Role.SOCIAL)[1]}"}
    for found in document.get_all_operations():

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=found.ok().as_strategy())
        def answers_as_described(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(headers=program, excluded_checks=[positive_data_acceptance])  # a brand must be in the policy too

        answers_as_described()


def test_the_document_has_examples_and_describes_every_refusal(stage: Stage) -> None:
    document = stage.http.get("/openapi.json").json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) >= 8
    for operation in operations:
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            refused = status[0] != "2" and operation["operationId"] != "ready_readyz_get"
            assert not refused or list(answer["content"]) == ["application/problem+json"], (operation["summary"], status)
    for name, model in document["components"]["schemas"].items():
        assert "enum" in model or "example" in json.dumps(model), f"{name} has no example"
