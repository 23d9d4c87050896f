"""The OpenAPI document tells clients everything they must know."""

import re
from typing import Any

import httpx
import pytest

from core.contracts import JobOptions
from server.app import create_app
from server.settings import ServerSettings


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(ServerSettings()).openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_every_route_is_described(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert operation["summary"]
        assert operation["description"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    models = document["components"]["schemas"]
    found = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert found <= set(models)


def test_options_are_those_of_the_model(document: dict[str, Any]) -> None:
    upload = document["paths"]["/jobs"]["post"]
    form = upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(form) == {"file", "webhook_url", *JobOptions.model_fields}
    query = {item["name"] for item in upload["parameters"] if item["in"] == "query"}
    assert query == {"filename", "webhook_url", *JobOptions.model_fields}


def test_errors_are_problems_with_examples(document: dict[str, Any]) -> None:
    refused = document["paths"]["/jobs"]["post"]["responses"]
    assert {"400", "409", "413", "415", "422", "429", "503", "507"} <= set(refused)
    problem = refused["413"]["content"]["application/problem+json"]
    assert problem["examples"]["upload_too_large"]["value"]["status"] == 413


def test_what_the_gate_refuses_is_in_every_operation(document: dict[str, Any]) -> None:
    for path in document["paths"].values():
        for method, operation in path.items():
            refused = operation["responses"]
            assert {"421", "431"} <= set(refused)
            assert ("403" in refused) == (method != "get")
    foreign = document["paths"]["/jobs"]["post"]["responses"]["403"]
    example = foreign["content"]["application/problem+json"]["examples"]["origin_not_allowed"]
    assert example["value"]["status"] == 403


def test_the_page_needs_no_foreign_host(api: httpx.Client) -> None:
    page = api.get("/docs").text
    sources = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(sources) >= 3
    assert "//" not in re.sub(r"(?m)^\s*//.*$", "", page)
    for source in sources:
        answer = api.get(source)
        assert (answer.status_code, len(answer.content) > 0) == (200, True)
    assert "SwaggerUIBundle" in api.get(next(s for s in sources if s.endswith(".js"))).text
    assert api.get("/redoc").status_code == 404
