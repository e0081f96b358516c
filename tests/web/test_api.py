"""The interface for programs: what OpenAPI promises is held, whatever is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillhunt.web.api import ROUTES

httpx = pytest.importorskip("httpx", reason="httpx is not installed")


@pytest.mark.slow
def test_schemathesis_finds_no_fault_of_the_server(serve, plain_brief):
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, Phase, settings
    from schemathesis.checks import not_a_server_error

    server = serve(brief=plain_brief)
    headers = {"Authorization": f"Bearer {server.token('admin')}"}
    schema = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")
    n = 0

    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @_given(operation)
        def holds(case) -> None:
            nonlocal n
            n += 1
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=[not_a_server_error])

        holds()
    assert n > 200


def _given(operation):
    from hypothesis import given

    return given(case=operation.as_strategy())


def test_the_description_is_of_what_is_there(serve, plain_brief):
    server = serve(brief=plain_brief)
    found = httpx.get(f"{server.url}/api/openapi.json").json()
    assert found["openapi"] == "3.1.0"
    told = {(path, method.upper()) for path, methods in found["paths"].items() for method in methods}
    assert told == {(route.path, route.method) for route in ROUTES if route.role is not None}
    assert all(o["responses"] for methods in found["paths"].values() for o in methods.values())


def test_the_docs_say_what_is_there():
    from stillhunt.web.reference import as_markdown

    written = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
    assert written.read_text("utf-8") == as_markdown(), "python -m stillhunt.web.reference > docs/reference/api.md"
