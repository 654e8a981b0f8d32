"""The OpenAPI document is the one that ships, is served, and is a document."""

import json
from importlib.resources import files

import pytest

from tests.api.asking import ask
from worker.api.openapi import document, statuses
from worker.api.operations import OPERATIONS
from worker.api.token import Role


def test_the_shipped_document_is_that_of_the_models():
    shipped = (files("worker.api") / "openapi.json").read_text("utf-8")
    assert json.loads(shipped) == document(), "run `python -m worker.api > worker/api/openapi.json`"


def test_every_operation_says_its_least_role_and_every_error_it_may_answer_with():
    for operation in OPERATIONS:
        described = document()["paths"][operation.path][operation.method.lower()]
        assert set(map(str, statuses(operation))) < set(described["responses"])
        assert (operation.role.value if operation.role else "Open to all") in described["description"]
        assert all(parameter["schema"] for parameter in described["parameters"])


def test_writes_need_more_than_a_reader():
    for operation in OPERATIONS:
        assert operation.method == "GET" or operation.role in (Role.ANALYST, Role.OPERATOR), operation.id


@pytest.mark.integration
def test_the_document_is_served_to_all(served):
    answer = ask(served.base, "/api/v1/openapi.json")
    assert answer.json == document()
    assert answer.headers["content-type"] == "application/json"
